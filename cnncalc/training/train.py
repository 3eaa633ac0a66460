"""`cnncalc train`: from a network and settings to weights, whatever comes in between."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cnncalc.errors import UsageError, printable, require, shorten
from cnncalc.files import refusals_in
from cnncalc.graph import Graph
from cnncalc.training.objective import Objective, objective
from cnncalc.training.processes import (
    Interruption,
    Processes,
    ToldElsewhere,
    is_loss_of_another,
    is_one_of_several,
)
from cnncalc.training.settings import Settings

if TYPE_CHECKING:
    import torch

    from cnncalc.data.load import Dataset
    from cnncalc.training.loop import Epoch, Loop

METRICS = "metrics.jsonl"


class Observer:
    """Who is told how a run goes; this one, whom all processes but the first tell, is silent."""

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
    require("torch", "cnncalc train", "train")
    from cnncalc.witness.device import memory_refusals

    settings = settings.complete()
    batches = f"for batches of {settings.batch_size}: give a smaller --batch-size"
    with refusals_in(folder), _one_line(settings), memory_refusals(batches):
        processes = _joined()
        if settings.shard and processes.number == 1:
            raise UsageError("--shard divides a network over processes: give --nproc 2 or more")
        return _train(
            graph,
            goal,
            settings,
            folder,
            observer if processes.first else Observer(),
            processes,
            resume=resume,
            dataset=dataset,
            files=files or {},
        )


def _train(
    graph: Graph,
    goal: Objective,
    settings: Settings,
    folder: Path,
    observer: Observer,
    processes: Processes,
    *,
    resume: bool,
    dataset: Dataset | None,
    files: Mapping[str, str],
) -> Outcome:
    """From the first line to the last epoch, in one of the processes."""
    from cnncalc.training import checkpoint
    from cnncalc.training.samples import find_samples, fingerprint
    from cnncalc.witness.device import find_device, make_deterministic

    restarts = max(processes.gather(processes.restarts))
    # Processes that are started again have nobody to say so.
    going_on = resume or restarts > 0
    state, notes = processes.by_first(lambda: checkpoint.saved_state(folder, going_on))
    device = processes.together(
        lambda: find_device(settings.device, processes.number, processes.local_rank)
    )
    data = processes.together(lambda: find_samples(goal, settings, dataset))
    make_deterministic(device)
    identity = {
        "spec": checkpoint.fingerprint(graph),
        "options": json.dumps({**settings.numbers(), "device": device.type}, sort_keys=True),
        "samples": fingerprint(data),
    }
    processes.together(lambda: checkpoint.check_processes_agree(processes.gather(identity)))
    if state is not None:
        processes.together(lambda: checkpoint.check_same_run(state, identity, folder))
    lines = (
        [f"a process died; all were started again ({restarts} of {processes.max_restarts})"]
        if restarts
        else [*_first_lines(graph, data, settings, device, processes.number), *goal.notes]
    )
    for note in (*lines, *notes):
        observer.note(note)
    with Interruption(processes) as interruption:
        loop = _loop(goal, data, settings, device, interruption.is_caught, observer, processes)
        if state is None:
            processes.by_first(lambda: checkpoint.create_folder(folder, files))
            _save(loop, folder, identity, checkpoint.START)
        else:
            processes.together(lambda: checkpoint.restore_loop(loop, state, folder))
            for note in checkpoint.where_it_goes_on(loop, state):
                observer.note(note)
        return _run(loop, folder, identity, interruption, observer)


def _run(
    loop: Loop, folder: Path, identity: dict[str, Any], interruption: Interruption, to: Observer
) -> Outcome:
    """The epochs, each with its line and its checkpoint."""
    from cnncalc.training.loop import Diverged

    def outcome(**how: Any) -> Outcome:
        return Outcome(tuple(loop.history), folder, network=loop.trained(), **how)

    def is_learnt() -> bool:
        return loop.settings.overfit is not None and loop.history[-1].test_accuracy == 1

    place = folder / METRICS if loop.processes.first else os.devnull
    with open(place, "w", encoding="utf-8") as metrics:
        # Lines of epochs behind the checkpoint go: those epochs come again.
        metrics.writelines(_line(epoch) for epoch in loop.history)
        metrics.flush()
        if loop.history and is_learnt():
            return outcome()
        try:
            for epoch in loop.epochs_left():
                metrics.write(_line(epoch))
                metrics.flush()
                _save(loop, folder, identity)
                to.epoch(epoch, loop.epochs)
                if is_learnt():
                    return outcome()
            if interruption.caught is None:
                return outcome()
            loop.check()
        except Diverged:
            return outcome(
                diverged="the loss or a weight is no finite number in "
                f"epoch {loop.epoch + 1}, step {loop.step}"
            )
        _save(loop, folder, identity)
        return outcome(signal=interruption.caught)


def _save(loop: Loop, folder: Path, identity: dict[str, Any], name: str | None = None) -> None:
    """A checkpoint by the first process, of the state of all; none goes on before it is there."""
    from cnncalc.training import checkpoint

    state = {**identity, **loop.state()}
    loop.processes.by_first(lambda: checkpoint.save(folder, state, name or checkpoint.NEWEST))


def _line(epoch: Epoch) -> str:
    return json.dumps(epoch._asdict()) + "\n"


def _loop(
    goal: Objective,
    data: Dataset,
    settings: Settings,
    device: torch.device,
    stopping: Callable[[], bool],
    observer: Observer,
    processes: Processes,
) -> Loop:
    """The loop at its start: weights drawn, everything on the device."""
    import torch

    from cnncalc.training.initial_weights import initialise
    from cnncalc.training.loop import Loop
    from cnncalc.witness.build import build

    torch.manual_seed(settings.seed)
    # On the CPU, so that all devices start from the same weights.
    network = build(goal.graph)
    initialise(network, settings.init)
    loop: Loop

    def stepped(epoch: int, done: int, steps: int) -> None:
        if epoch == 1 and done == 1 and loop.first_loss is not None:
            observer.start(loop.first_loss, goal.classes)
        observer.step(epoch, done, steps)

    loop = Loop(network, goal, data, settings, device, stopping, stepped, processes)
    if processes.number > 1:
        loop.draw_apart()
    return loop


def _first_lines(
    graph: Graph, data: Dataset, settings: Settings, device: torch.device, processes: int
) -> Iterator[str]:
    """What is trained, on what, and how."""
    train, test = len(data.train.labels), len(data.test.labels)
    what = printable(f"{graph.name or 'the network'} on {data.name}")
    by_heart = settings.overfit is not None
    use = ", to be learnt by heart" if by_heart else f" to train on, {test:,} to test on"
    yield f"{what}: {train:,} samples{use}"
    yield from data.notes
    over = f" over {processes} processes" if processes > 1 else ""
    yield (
        f"{settings.optimizer}, lr {settings.lr:g} {settings.schedule}, batches of "
        f"{settings.batch_size}{over}, seed {settings.seed}, {settings.precision} on {device.type}"
    )


def _joined() -> Processes:
    """The processes that train with this one. Raises UsageError."""
    if not is_one_of_several():
        return Processes()
    import torch.distributed as dist

    if not dist.is_available() or not dist.is_gloo_available():
        raise UsageError(
            "several processes need torch.distributed with gloo, and this build of torch "
            "has none: leave out --nproc, or install another one"
        )
    from cnncalc.training.distributed import DistributedProcesses

    return DistributedProcesses()


@contextmanager
def _one_line(settings: Settings) -> Iterator[None]:
    """What torch says of compiling and of other processes, as one line."""
    try:
        yield
    except RuntimeError as error:
        reason = printable(shorten(str(error).strip().partition("\n")[0], 200))
        if settings.compile and type(error).__module__.startswith("torch._"):
            raise UsageError(f"--compile: torch cannot compile it here ({reason})") from None
        if is_one_of_several() and is_loss_of_another(error):
            raise ToldElsewhere(reason) from None
        raise
