"""`cnncalc train`."""

from __future__ import annotations

import re
import signal
import sys
from itertools import count
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnncalc.cli.output import InputOption, SetOption, parse_input, parse_settings
from cnncalc.cli.spec_argument import SpecArgument
from cnncalc.confirm.run import ask
from cnncalc.confirm.settings import Device, Optimizer, Precision, Schedule, Settings
from cnncalc.confirm.train import Outcome, train
from cnncalc.errors import printable
from cnncalc.render.progress import Progress

if TYPE_CHECKING:
    from cnncalc.confirm.loop import Epoch


def run(
    spec: SpecArgument = "lenet5",
    data: Annotated[
        str,
        typer.Option(help="digits, fashion-mnist, mnist, cifar10, synthetic, or imagefolder:PATH."),
    ] = "digits",
    folder: Annotated[
        Path | None, typer.Option(help="Where the files of the data lie; nothing is downloaded.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Times through the data: 25, or at most 300 to --overfit.")
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Samples in a step.")] = 64,
    optimizer: Annotated[Optimizer, typer.Option(help="Its other settings are torch's.")] = "adam",
    lr: Annotated[
        float | None, typer.Option(help="Learning rate; a usual one of the optimizer by default.")
    ] = None,
    schedule: Annotated[
        Schedule | None,
        typer.Option(help="How the rate falls: cosine, but constant with --overfit."),
    ] = None,
    warmup: Annotated[float, typer.Option(help="Epochs in which the rate rises from 0.")] = 0,
    weight_decay: Annotated[
        float | None, typer.Option(help="0 by default; 0.01 for adamw, as torch has it.")
    ] = None,
    init: Annotated[
        str, typer.Option(help="How weights start: default (torch's), he, xavier, normal:0.01.")
    ] = "default",
    seed: Annotated[int, typer.Option(help="Decides weights, order, dropout and hold-out.")] = 0,
    device: Annotated[Device, typer.Option(help="auto takes a GPU where there is one.")] = "auto",
    precision: Annotated[
        Precision, typer.Option(help="bf16 and fp16 by torch's autocast.")
    ] = "fp32",
    compile: Annotated[bool, typer.Option("--compile", help="Run it by torch.compile.")] = False,
    limit_train: Annotated[int | None, typer.Option(help="Train on this many samples.")] = None,
    limit_test: Annotated[int | None, typer.Option(help="Test on this many samples.")] = None,
    overfit: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Learn N samples by heart, or exit 1: a network that cannot is broken.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of the run; runs/SPEC-DATA by default."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the run in that folder stopped.")
    ] = False,
    set: SetOption = None,
    input: InputOption = None,
) -> None:
    """Train a network on real data, with checkpoints that resume bit for bit."""
    settings = Settings(
        data=data,
        folder=folder,
        epochs=epochs,
        batch_size=batch_size,
        optimizer=optimizer,
        lr=lr,
        schedule=schedule,
        warmup=warmup,
        weight_decay=weight_decay,
        init=init,
        seed=seed,
        device=device,
        precision=precision,
        compile=compile,
        limit_train=limit_train,
        limit_test=limit_test,
        overfit=overfit,
    )
    asked = ask(spec, parse_settings(set or []))
    graph = asked.graph()
    if input is not None:
        asked = asked._replace(input=parse_input(input, graph))
        graph = asked.graph()
    output = output or _folder(spec, data, resume)
    with Progress() as progress:
        found = train(
            graph,
            settings,
            output,
            _Printer(progress),
            resume=resume,
            files=asked.files(settings),
        )
    _end(found, settings)


class _Printer:
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

    def epoch(self, epoch: Epoch, epochs: int) -> None:
        number = str(epoch.epoch).rjust(len(str(epochs)))
        self._progress.line(
            f"epoch {number}/{epochs}: train {_percent(epoch.train_accuracy)} loss "
            f"{epoch.train_loss:.4f}, test {_percent(epoch.test_accuracy)} loss "
            f"{epoch.test_loss:.4f}, {epoch.seconds:.1f} s"
        )


def _end(found: Outcome, settings: Settings) -> None:
    """The last line, and the exit code."""
    folder = printable(str(found.folder))
    epochs = len(found.history)
    after = f"after {epochs} epoch{'' if epochs == 1 else 's'}"
    if found.signal is not None:
        name = signal.Signals(found.signal).name
        print(f"{name}: saved in {folder}; --resume goes on from there", file=sys.stderr)
        raise typer.Exit(128 + found.signal)
    if found.diverged is not None:
        print(
            f"{found.diverged}; the last good checkpoint is in {folder}; try a smaller --lr",
            file=sys.stderr,
        )
        raise typer.Exit(1)
    seconds = sum(epoch.seconds for epoch in found.history)
    if settings.overfit is None:
        accuracy = f"test accuracy {_percent(found.test_accuracy)}"
        print(f"{accuracy} {after}, {seconds:.1f} s; the run is in {folder}")
        return
    right = round(found.test_accuracy * settings.overfit)
    print(f"{right:,} of {settings.overfit:,} samples learnt by heart {after}; {folder}")
    if right < settings.overfit:
        print("the network, its start or its learning rate is wrong", file=sys.stderr)
        raise typer.Exit(1)


def _percent(part: float) -> str:
    return f"{100 * part:.2f} %"


def _folder(spec: str, data: str, resume: bool) -> Path:
    """runs/SPEC-DATA, or with a number where that is taken; to resume, the last one."""
    stem = "stdin" if spec == "-" else Path(spec).stem
    name = re.sub(r"[^\w.-]+", "-", f"{stem}-{data.partition(':')[0]}")[:100]
    names = (Path("runs", name if n == 1 else f"{name}-{n}") for n in count(1))
    last = next(names)
    for place in names:
        if not last.exists() or (resume and not place.exists()):
            break
        last = place
    return last
