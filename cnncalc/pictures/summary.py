"""The page of a run: what was trained, on what, what came of it, and how to do it again."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnncalc.layers.base import times
from cnncalc.page import Block, Grid, Heading, Image, Items, Page, Picture, Prose
from cnncalc.pictures.draw_run import RunSummary
from cnncalc.pictures.picture import evenly, share
from cnncalc.report import Report
from cnncalc.tables import table
from cnncalc.tables.depth import MAX_ROWS, fitting_depth
from cnncalc.training.run_folder import RequestedSpec
from cnncalc.training.settings import Settings, option

if TYPE_CHECKING:
    from cnncalc.pictures.trained_run import TrainedRun

EPOCHS = 12
"""How many epochs have a row."""
_LINES = 120
"""The longest spec that is shown whole."""


def page(summary: RunSummary, report: Report) -> Page:
    """The summary of a run; `report` is that of its network."""
    run = summary.run
    shown = table.tabulate(report, depth=fitting_depth(report), top=MAX_ROWS)
    description = run.graph.description
    return [
        Heading(f"{run.graph.name or 'a network'} on {run.given.data}", 1),
        Prose(_verdict(summary)),
        Items([*_of_data(run), _options(run.settings)]),
        Heading("Epochs"),
        _epochs(summary),
        Heading("The network"),
        *([Prose(description)] if description else []),
        *table.page(shown),
        Heading("The spec", 3),
        *_spec(run.requested),
        Heading("Pictures"),
        *_pictures(summary),
        Heading("Again"),
        Prose(
            "In the folder of this page; paths of data are as they were given. The same machine, "
            "version of torch and number of threads and processes give the same bits."
        ),
        Picture([command(run)]),
    ]


def command(run: "TrainedRun") -> str:
    """What trains the same network in the same way, in the folder of the run."""
    requested, settings = run.requested, run.given
    words = ["cnncalc", "train", requested.variant or Path(requested.label).name]
    for name, value in requested.variables.items():
        words += ["--set", f"{name}={_value(value)}"]
    if requested.input is not None:
        channels, *sizes = requested.input
        words += ["--input", "x".join(map(str, (*sizes, channels)))]
    for field in fields(Settings):
        value = getattr(settings, field.name)
        if field.name == "shard":
            # How many processes it takes is not a setting; what is learnt does not depend on it.
            continue
        if value is True:
            words.append(option(field.name))
        elif value != field.default:
            words += [option(field.name), str(value)]
    return shlex.join([*words, "--output", "again"])


def _value(value: Any) -> str:
    """A variable as `--set` reads it: a word as it is, anything else as JSON."""
    word = isinstance(value, str) and re.fullmatch(r"(?!(true|false|null)$)[A-Za-z_]\w*", value)
    return value if word else json.dumps(value, ensure_ascii=False)


def _pictures(summary: RunSummary) -> Iterator[Block]:
    """The pictures, and what could not be drawn."""
    for drawn in summary.pictures:
        yield from (Heading(drawn.title, 3), Image(drawn.file, drawn.title), Prose(drawn.text))
    if summary.left_out:
        yield from (Heading("Left out", 3), Items(summary.left_out))


def _verdict(summary: RunSummary) -> str:
    """What came of it, in a sentence or two."""
    run, after = summary.run, summary.after
    last, settings = run.history[-1], run.settings
    ends = f"{last.epoch:,} of {settings.epochs:,} epochs", "on the test set"
    if settings.overfit is not None:
        plural = "s" * (last.epoch > 1)
        ends = f"{last.epoch:,} epoch{plural}", "of its samples learnt by heart"
    text = f"After {ends[0]}: {share(last.test_accuracy)} {ends[1]}"
    if summary.before is not None:
        text += f", {share(summary.before.accuracy)} before training"
    text += f". {sum(epoch.seconds for epoch in run.history):,.1f} s of training."
    now = f"{after.right:,} of {len(after.labels):,} are right" if after else ""
    if run.step:
        text += f" It was stopped in epoch {last.epoch + 1:,}, and the pictures show that moment"
        text += f": {now}." if now else "."
    elif after and after.right != round(last.test_accuracy * len(after.labels)):
        text += f" In the full precision of the pictures {now}."
    return text


def _of_data(run: "TrainedRun") -> Iterator[str]:
    """How many samples there are, and where from; nothing where they are not there any more."""
    if run.data is None:
        return
    train, test = len(run.data.train.labels), len(run.data.test.labels)
    use = ", to be learnt by heart" if run.overfit else f" to train on, {test:,} to test on"
    yield f"{train:,} samples of {run.data.name}{use}"
    yield from run.data.notes


def _options(settings: Settings) -> str:
    """The options in a line."""
    warmup, decay = settings.warmup, settings.weight_decay
    return (
        f"{settings.optimizer}, lr {settings.lr:g} {settings.schedule}"
        + (f" after {warmup:g} epochs of warm-up" if warmup else "")
        + (f", weight decay {decay:g}" if decay else "")
        + f", batches of {settings.batch_size:,}, start {settings.init}, seed {settings.seed}, "
        + settings.precision
    )


def _epochs(summary: RunSummary) -> Grid:
    """The figures of metrics.jsonl, rounded; of many epochs some."""
    rows = []
    if before := summary.before:
        rows.append(["before", "", "", f"{before.loss:.4f}", share(before.accuracy), ""])
    rows += [
        [
            f"{epoch.epoch:,}",
            f"{epoch.train_loss:.4f}",
            share(epoch.train_accuracy),
            f"{epoch.test_loss:.4f}",
            share(epoch.test_accuracy),
            f"{epoch.seconds:.1f}",
        ]
        for epoch in evenly(summary.run.history, EPOCHS)
    ]
    header = ["epoch", "train loss", "train accuracy", "test loss", "test accuracy", "seconds"]
    epochs = len(summary.run.history)
    some = f"{EPOCHS} of {epochs:,} epochs; all stand in metrics.jsonl."
    note = some if epochs > EPOCHS else "All figures stand in metrics.jsonl."
    return Grid(header, rows, right=range(len(header)), note=note)


def _spec(requested: RequestedSpec) -> Iterator[Block]:
    """The spec's text, or where it is."""
    lines = requested.text.rstrip().expandtabs().splitlines()
    variant, input = requested.variant, requested.input
    parts = [
        Path(requested.label).name,
        f"variant {variant}" if variant else "",
        *(f"{name} = {_value(value)}" for name, value in requested.variables.items()),
        f"input {times((*input[1:], input[0]))}" if input else "",
    ]
    yield Prose(", ".join(filter(None, parts)))
    if len(lines) <= _LINES and max(map(len, lines), default=0) <= 500:
        yield Picture(lines)
