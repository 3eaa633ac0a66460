"""`cnncalc train`."""

import gc
import re
import shlex
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from cnncalc.ask import parse
from cnncalc.ask.groups import OfNetwork
from cnncalc.ask.input_shape import input_shape
from cnncalc.ask.option import Option
from cnncalc.ask.training_options import training_options
from cnncalc.cli.train_seeds import Trained, trained_with_seeds
from cnncalc.errors import printable, refuse, shorten
from cnncalc.render.progress import Progress
from cnncalc.training.launch import MAX_PROCESSES, conclude, is_launched, launch
from cnncalc.training.processes import is_first, is_one_of_several
from cnncalc.training.run_folder import RequestedSpec, requested_spec
from cnncalc.training.settings import Device, Settings
from cnncalc.training.train import Observer, Outcome, train

if TYPE_CHECKING:
    from cnncalc.training.loop import Epoch


@dataclass(frozen=True, kw_only=True)
class Train(OfNetwork[NoReturn]):
    """Train a network on real data, with checkpoints that resume bit for bit."""

    writes = False

    settings: Annotated[
        Mapping[str, Any],
        training_options(
            {
                "data": "digits, fashion-mnist, mnist, cifar10, synthetic, or imagefolder:PATH.",
                "folder": "Where the files of the data lie; nothing is downloaded.",
                "epochs": "Times through the data: 25, or at most 300 to --overfit.",
                "batch_size": "Samples in a step.",
                "optimizer": "Its other settings are torch's.",
                "lr": "Learning rate; a usual one of the optimizer by default.",
                "schedule": "How the rate falls: cosine, but constant with --overfit.",
                "warmup": "Epochs in which the rate rises from 0.",
                "weight_decay": "0 by default; 0.01 for adamw, as torch has it.",
                "init": "How weights start: default (torch's), he, xavier, normal:0.01.",
                "seed": "Decides weights, order, dropout and hold-out.",
                "device": "auto takes a GPU where there is one.",
                "precision": "bf16 and fp16 by torch's autocast.",
                "compile": "Run it by torch.compile.",
                "limit_train": "Train on this many samples.",
                "limit_test": "Test on this many samples.",
                "overfit": "Learn N samples by heart, or exit 1: a network that cannot is broken.",
                "shard": "Divide the network over the processes (FSDP2).",
            },
            usual={**vars(Settings()), "warmup": 0},
        ),
    ] = field(default_factory=dict)
    nproc: Annotated[
        int, Option("Share the work among N processes of this machine.", metavar="N")
    ] = 1
    seeds: Annotated[
        int | None,
        Option("Train with N seeds, from --seed on, and give mean and spread.", metavar="N"),
    ] = None
    output: Annotated[
        str | Path | None,
        Option("Folder of the run; runs/SPEC-DATA by default.", ("--output", "-o"), "<path>"),
    ] = None
    resume: Annotated[bool, Option("Go on where the run in that folder stopped.")] = False
    no_pictures: Annotated[bool, Option("Leave out the pictures and the summary.")] = False


REQUEST = Train


def run(request: Train, _: Path | None) -> None:
    """Train; exit with what came of it."""
    settings = Settings(**request.settings)
    spec, nproc, output, resume = request.spec, request.nproc, request.output, request.resume
    refuse((output == "", '--output: "" names no folder; a variable that is not set gives it'))
    _check_processes(nproc, spec, output)
    several = request.seeds is not None
    refuse(
        (
            several and (nproc > 1 or is_one_of_several()),
            "--seeds trains in one process: leave out --nproc",
        ),
    )
    asked = requested_spec(spec, parse.variables(request.set))
    graph = asked.graph()
    if request.input is not None:
        asked = asked._replace(input=input_shape(request.input, graph))
    place = _folder(spec, settings.data, resume, several) if output is None else Path(output)

    def once(settings: Settings, place: Path) -> Trained:
        return _trained(request, asked, settings, place)

    if request.seeds is not None:
        name = graph.name or "a network"
        raise typer.Exit(trained_with_seeds(once, name, settings, place, request.seeds, resume))

    def body() -> int:
        return once(settings, place).code

    if is_one_of_several():
        conclude(body)
    if nproc == 1:
        raise typer.Exit(body())
    arguments = ["train", "--output", str(place), *sys.argv[sys.argv.index("train") + 1 :]]
    raise typer.Exit(launch(nproc, arguments, place, resume))


def _trained(request: Train, asked: RequestedSpec, settings: Settings, place: Path) -> Trained:
    """Train once, say how it goes and ends, and draw what was learnt. Raises CnncalcError."""
    with Progress() as progress:
        found = train(
            asked.graph(),
            settings,
            place,
            Printer(progress),
            resume=request.resume,
            files=asked.files(settings),
        )
    code, history = _end(found, settings), found.history
    if not request.no_pictures and is_first() and found.signal is None and found.diverged is None:
        # What it needs of memory is free again before the pictures take theirs.
        del found
        _draw(place, settings.device)
    return Trained(code, history)


def _check_processes(nproc: int, spec: str, output: str | Path | None) -> None:
    """Raises UsageError where several processes cannot be started, or not do what is asked."""
    torchrun = is_one_of_several() and not is_launched()
    refuse(
        (
            not 1 <= nproc <= MAX_PROCESSES,
            f"--nproc must be from 1 to {MAX_PROCESSES:,}, not {nproc}",
        ),
        (torchrun and nproc > 1, "--nproc: torchrun has started the processes already"),
        (
            torchrun and output is None,
            "--output: under torchrun a run needs the name of its folder",
        ),
        (
            (nproc > 1 or is_one_of_several()) and spec == "-",
            "several processes cannot all read standard input: give the spec a file",
        ),
    )


class Printer(Observer):
    """Writes what happens, a line each."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def note(self, text: str) -> None:
        self._progress.line(text)

    def start(self, loss: float, classes: int) -> None:
        self._progress.line(
            f"loss at start {loss:.4f}; guessing costs ln {classes} = {log(classes):.4f}"
        )

    def step(self, epoch: int, done: int, steps: int) -> None:
        self._progress.step(f"epoch {epoch}", done, steps)

    def epoch(self, epoch: "Epoch", epochs: int) -> None:
        number = str(epoch.epoch).rjust(len(str(epochs)))
        self._progress.line(
            f"epoch {number}/{epochs}: train {_percent(epoch.train_accuracy)} loss "
            f"{epoch.train_loss:.4f}, test {_percent(epoch.test_accuracy)} loss "
            f"{epoch.test_loss:.4f}, {epoch.seconds:.1f} s"
        )


def _end(found: Outcome, settings: Settings) -> int:
    """Prints the last line; gives the exit code. Of several processes, the first one prints."""
    if not is_first():
        return 0
    folder = printable(str(found.folder))
    epochs = len(found.history)
    after = f"after {epochs} epoch{'' if epochs == 1 else 's'}"
    if found.signal is not None:
        name = signal.Signals(found.signal).name
        print(f"{name}: saved in {folder}; --resume goes on from there", file=sys.stderr)
        return 128 + found.signal
    if found.diverged is not None:
        from cnncalc.training.checkpoint import NEWEST

        # Of a run that was stopped and went on one may be there before an epoch has ended.
        good = (found.folder / NEWEST).exists()
        saved = "the last good checkpoint" if good else "only the start"
        print(f"{found.diverged}; {saved} is in {folder}; try a smaller --lr", file=sys.stderr)
        return 1
    seconds = sum(epoch.seconds for epoch in found.history)
    if settings.overfit is None:
        accuracy = f"test accuracy {_percent(found.test_accuracy)}"
        print(f"{accuracy} {after}, {seconds:.1f} s; the run is in {folder}")
        return 0
    right = round(found.test_accuracy * settings.overfit)
    print(f"{right:,} of {settings.overfit:,} samples learnt by heart {after}; {folder}")
    if right < settings.overfit:
        print("the network, its start or its learning rate is wrong", file=sys.stderr)
        return 1
    return 0


def _draw(folder: Path, device: Device) -> None:
    """The pictures of a run that is done. Whatever becomes of them, it is done."""
    gc.collect()
    try:
        from cnncalc.cli.pictures import draw_and_summarise

        draw_and_summarise(folder, lambda _: None, device=device)
    except (Exception, KeyboardInterrupt) as error:
        # Also what nobody foresaw: hours of training must not end in a traceback over a picture.
        reason = printable(shorten(str(error), 300)) or type(error).__name__
        again = f"cnncalc pictures {shlex.quote(printable(str(folder)))} draws them"
        print(f"no pictures: {reason}; {again}", file=sys.stderr)
        return
    print(f"its pictures are in {printable(str(folder / 'README.md'))} and index.html")


def _percent(part: float) -> str:
    return f"{100 * part:.2f} %"


def _folder(spec: str, data: str, resume: bool, several: bool = False) -> Path:
    """runs/SPEC-DATA, or with a number where that is taken; to resume, the last one.

    That of several seeds is runs/SPEC-DATA-seeds.
    """
    stem = "stdin" if spec == "-" else Path(spec).stem
    name = re.sub(r"[^\w.-]+", "-", f"{stem}-{data.partition(':')[0]}")[:100]
    name += "-seeds" if several else ""
    names = (Path("runs", name if n == 1 else f"{name}-{n}") for n in count(1))
    last = next(names)
    for place in names:
        if not last.exists() or (resume and not place.exists()):
            break
        last = place
    return last
