"""`cnncalc train`: from a network and settings to weights, whatever comes in between."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from cnncalc.confirm.objective import Objective, objective
from cnncalc.confirm.settings import Settings, differences
from cnncalc.errors import UsageError, printable, shorten
from cnncalc.graph import Graph

if TYPE_CHECKING:
    import torch

    from cnncalc.confirm.data import Dataset
    from cnncalc.confirm.loop import Epoch, Loop

METRICS = "metrics.jsonl"


class Observer(Protocol):
    """Who is told how a run goes."""

    def note(self, text: str) -> None:
        """A sentence about the run."""

    def start(self, loss: float, classes: int) -> None:
        """The loss of the first batch, before the first step."""

    def step(self, epoch: int, done: int, steps: int) -> None:
        """How many steps of an epoch are done."""

    def epoch(self, epoch: Epoch, epochs: int) -> None:
        """What an epoch came to."""


class Outcome(NamedTuple):
    """How a run ended, and what it came to."""

    history: tuple[Epoch, ...]
    folder: Path
    signal: int | None = None
    """What stopped it before its end."""
    diverged: str | None = None
    """Why its loss could not be trusted any more."""
    network: Any = None
    """The trained torch module."""

    @property
    def test_accuracy(self) -> float:
        """That of the last epoch; 0 before the first has ended."""
        return self.history[-1].test_accuracy if self.history else 0.0


def train(
    graph: Graph,
    settings: Settings,
    folder: Path,
    observer: Observer,
    *,
    resume: bool = False,
    dataset: Dataset | None = None,
    files: Mapping[str, str] | None = None,
) -> Outcome:
    """Train a network and leave checkpoints and metrics in `folder`.

    `dataset` replaces what `settings.data` names; `files` are texts to leave beside. With `resume`
    it goes on bit for bit where the run in `folder` stopped, or starts where there is none. Seeds
    torch's own generators. SIGINT and SIGTERM end it after the step. Raises CnncalcError.
    """
    goal = objective(graph)
    try:
        from cnncalc.confirm import checkpoint
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise UsageError("cnncalc train needs torch: pip install 'cnncalc[train]'") from None
    settings = settings.complete()
    state, notes = checkpoint.load(folder) if resume else (None, [])
    if state is None and (folder / checkpoint.START).exists():
        raise UsageError(
            f"{printable(str(folder))}: a run is there already; continue it with --resume, or "
            "give another --output"
        )
    device = _device(settings.device)
    data = _data(goal, settings) if dataset is None else dataset
    if settings.overfit is not None:
        data = _few(data, settings)
    identity = {
        "spec": checkpoint.fingerprint(graph),
        "options": json.dumps({**settings.numbers(), "device": device.type}, sort_keys=True),
        "samples": _fingerprint(data),
    }
    if state is not None:
        _compare(state, identity, folder)
    for note in (*_first_lines(graph, data, settings, device), *goal.notes, *notes):
        observer.note(note)
    with _one_line(settings, folder), Interruption() as interruption:
        loop = _loop(goal, data, settings, device, interruption.is_caught, observer)
        if state is None:
            _create(folder, files or {})
            checkpoint.save(folder, {**identity, **loop.state()}, checkpoint.START)
        else:
            _restore(loop, state, folder)
            observer.note(
                f"continued from epoch {loop.epoch + 1}, step {loop.step} of {len(loop.batches)}"
                if loop.epoch < loop.epochs
                else f"all {loop.epochs} epochs are done"
            )
        return _run(loop, folder, identity, interruption, observer)


def _run(
    loop: Loop, folder: Path, identity: dict[str, Any], interruption: Interruption, to: Observer
) -> Outcome:
    """The epochs, each with its line and its checkpoint."""
    from cnncalc.confirm import checkpoint
    from cnncalc.confirm.loop import Diverged

    def outcome(**how: Any) -> Outcome:
        return Outcome(tuple(loop.history), folder, network=loop.network, **how)

    with open(folder / METRICS, "w", encoding="utf-8") as metrics:
        # Lines of epochs behind the checkpoint go: those epochs come again.
        metrics.writelines(_line(epoch) for epoch in loop.history)
        metrics.flush()
        if loop.settings.overfit is not None and outcome().test_accuracy == 1:
            return outcome()
        try:
            for epoch in loop.epochs_left():
                metrics.write(_line(epoch))
                metrics.flush()
                checkpoint.save(folder, {**identity, **loop.state()})
                to.epoch(epoch, loop.epochs)
                if loop.settings.overfit is not None and epoch.test_accuracy == 1:
                    return outcome()
            if interruption.caught is None:
                return outcome()
            loop.check()
        except Diverged:
            where = f"epoch {loop.epoch + 1}, step {loop.step}"
            return outcome(diverged=f"the loss or a weight is no finite number in {where}")
        checkpoint.save(folder, {**identity, **loop.state()})
        return outcome(signal=interruption.caught)


def _line(epoch: Epoch) -> str:
    return json.dumps(epoch._asdict()) + "\n"


def _loop(
    goal: Objective,
    data: Dataset,
    settings: Settings,
    device: torch.device,
    stopping: Callable[[], bool],
    observer: Observer,
) -> Loop:
    """The loop at its start: weights drawn, everything on the device."""
    import torch

    from cnncalc.confirm.build import build
    from cnncalc.confirm.initial import initialise
    from cnncalc.confirm.loop import Loop

    torch.manual_seed(settings.seed)
    # On the CPU, so that all devices start from the same weights.
    network = build(goal.graph)
    initialise(network, settings.init)
    loop: Loop

    def stepped(epoch: int, done: int, steps: int) -> None:
        if epoch == 1 and done == 1 and loop.first_loss is not None:
            observer.start(loop.first_loss, goal.classes)
        observer.step(epoch, done, steps)

    loop = Loop(network, goal, data, settings, device, stopping, stepped)
    return loop


def _first_lines(
    graph: Graph, data: Dataset, settings: Settings, device: torch.device
) -> Iterator[str]:
    """What is trained, on what, and how."""
    train, test = len(data.train.labels), len(data.test.labels)
    what = printable(f"{graph.name or 'the network'} on {data.name}")
    if settings.overfit is None:
        yield f"{what}: {train:,} samples to train on, {test:,} to test on"
    else:
        yield f"{what}: {train:,} samples, to be learnt by heart"
    yield from data.notes
    yield (
        f"{settings.optimizer}, lr {settings.lr:g} {settings.schedule}, batches of "
        f"{settings.batch_size}, seed {settings.seed}, {settings.precision} on {device.type}"
    )


def _data(goal: Objective, settings: Settings) -> Dataset:
    from cnncalc.confirm.data import load_data

    return load_data(
        settings.data,
        goal.input,
        goal.outputs,
        folder=settings.folder,
        limit_train=settings.limit_train,
        limit_test=settings.limit_test,
        seed=settings.seed,
    )


def _few(data: Dataset, settings: Settings) -> Dataset:
    """The first samples of a fixed order, to train on and to be tested on."""
    import torch

    number, there = settings.overfit, len(data.train.labels)
    assert number is not None
    if number > there:
        raise UsageError(f"--overfit {number:,}: there are {there:,} samples to train on")
    generator = torch.Generator().manual_seed(settings.seed)
    chosen = torch.randperm(there, generator=generator)[:number]
    few = type(data.train)(data.train.images[chosen], data.train.labels[chosen])
    return type(data)(data.name, few, few, data.classes, data.notes)


def _fingerprint(data: Dataset) -> str:
    """A hash of what is learnt: the labels, and how large the images are."""
    digest = hashlib.sha256()
    for split in (data.train, data.test):
        digest.update(repr(tuple(split.images.shape)).encode())
        digest.update(split.labels.numpy().tobytes())
    return digest.hexdigest()


def _compare(state: dict[str, Any], identity: dict[str, Any], folder: Path) -> None:
    """Raises UsageError where a checkpoint is of another spec, of other options or samples."""
    where = printable(str(folder))
    if state.get("spec") != identity["spec"]:
        raise UsageError(
            f"{where}: its checkpoint is of another spec; give the same one, or another --output"
        )
    before, now = (json.loads(found["options"]) for found in (state, identity))
    if other := differences(before, now):
        text = shorten("; ".join(other), 300)
        raise UsageError(
            f"{where}: its run has {printable(text)}; give the same options, or another --output"
        )
    if state.get("samples") != identity["samples"]:
        raise UsageError(f"{where}: its run had other samples; give the same data")


def _restore(loop: Loop, state: dict[str, Any], folder: Path) -> None:
    try:
        loop.restore(state)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        reason = printable(shorten(str(error).partition("\n")[0], 200))
        raise UsageError(
            f"{printable(str(folder))}: its checkpoint does not fit ({reason}); give another "
            "--output"
        ) from None


def _create(folder: Path, files: Mapping[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"{printable(str(folder))}: {error.strerror or error}") from None


def _device(name: str) -> torch.device:
    """The device that is asked for, or the best there is. Raises UsageError."""
    import torch

    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(kind for kind, is_there in there.items() if is_there)
    if not there[name]:
        raise UsageError(f"--device {name}: torch finds none here; there is --device cpu")
    if name == "cuda":
        # The same bits every time, or a resumed run could not be the run that was stopped.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = False
        warnings.filterwarnings("ignore", ".*does not have a deterministic implementation.*")
        torch.use_deterministic_algorithms(True, warn_only=True)
        # It would write every new tensor twice, and we read none that was not written.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return torch.device(name)


@contextmanager
def _one_line(settings: Settings, folder: Path) -> Iterator[None]:
    """What torch says of memory and of compiling, and the disk of itself, as one line."""
    import torch

    try:
        yield
    except RuntimeError as error:
        text = str(error)
        reason = printable(shorten(text.strip().partition("\n")[0], 200))
        if isinstance(error, torch.OutOfMemoryError) or "allocate memory" in text:
            raise UsageError(
                f"not enough memory for batches of {settings.batch_size}: give a smaller "
                f"--batch-size ({reason})"
            ) from None
        if settings.compile and type(error).__module__.startswith("torch._"):
            raise UsageError(f"--compile: torch cannot compile it here ({reason})") from None
        raise
    except BrokenPipeError:
        raise
    except OSError as error:
        where = printable(str(error.filename or folder))
        raise UsageError(f"{where}: {error.strerror or error}") from None


class Interruption:
    """While it is open, the first SIGINT or SIGTERM is only remembered, the second acts."""

    def __init__(self) -> None:
        self.caught: int | None = None
        self._before: dict[int, Any] = {}

    def is_caught(self) -> bool:
        return self.caught is not None

    def __enter__(self) -> Interruption:
        # Only the main thread may; elsewhere signals are somebody else's.
        with suppress(ValueError):
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._catch)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _catch(self, number: int, _: FrameType | None) -> None:
        self.caught = number
        self.__exit__()
