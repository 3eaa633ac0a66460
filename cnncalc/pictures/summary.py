"""The page of a run: what was trained, on what, what came of it, and how to do it again."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from cnncalc.layers.base import times
from cnncalc.page import Block, Grid, Heading, Image, Items, Page, Picture, Prose
from cnncalc.pictures.draw_run import RunSummary
from cnncalc.pictures.picture import evenly, share
from cnncalc.report import Report
from cnncalc.tables import table
from cnncalc.tables.depth import MAX_ROWS, fitting_depth
from cnncalc.training.settings import Settings, option

EPOCHS = 12
"""How many epochs have a row."""
_LINES = 120
"""The longest spec that is shown whole."""


def page(summary: RunSummary, report: Report) -> Page:
    """The summary of a run; `report` is that of its network."""
    blocks: list[Block] = [
        Heading(f"{summary.graph.name or 'a network'} on {summary.settings.data}", 1),
        Prose(_verdict(summary)),
        Items([*summary.data, _options(summary.settings)]),
        Heading("Epochs"),
        _epochs(summary),
        Heading("The network"),
    ]
    if description := summary.graph.description:
        blocks.append(Prose(description))
    shown = table.tabulate(report, depth=fitting_depth(report), top=MAX_ROWS)
    blocks += [*table.page(shown), Heading("The spec", 3), *_spec(summary), Heading("Pictures")]
    for drawn in summary.pictures:
        blocks += [Heading(drawn.title, 3), Image(drawn.file, drawn.title), Prose(drawn.text)]
    if summary.left_out:
        blocks += [Heading("Left out", 3), Items(summary.left_out)]
    blocks += [
        Heading("Again"),
        Prose(
            "In the folder of this page; paths of data are as they were given. The same machine, "
            "version of torch and number of threads and processes give the same bits."
        ),
        Picture([command(summary)]),
    ]
    return blocks


def command(summary: RunSummary) -> str:
    """What trains the same network in the same way, in the folder of the run."""
    requested, settings = summary.requested, summary.settings
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
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z_]\w*", value):
        return value if value not in ("true", "false", "null") else json.dumps(value)
    return json.dumps(value, ensure_ascii=False)


def _verdict(summary: RunSummary) -> str:
    """What came of it, in a sentence or two."""
    last, settings = summary.history[-1], summary.settings.complete()
    text = f"After {last.epoch:,} of {settings.epochs:,} epochs: "
    of = "on the test set"
    if settings.overfit is not None:
        text = f"After {last.epoch:,} epoch{'s' * (last.epoch > 1)}: "
        of = "of its samples learnt by heart"
    text += f"{share(last.test_accuracy)} {of}"
    if summary.before is not None:
        text += f", {share(summary.before[1])} before training"
    text += f". {sum(epoch.seconds for epoch in summary.history):,.1f} s of training."
    now = "" if summary.right is None else "{:,} of {:,} are right".format(*summary.right)
    if summary.step:
        text += f" It was stopped in epoch {last.epoch + 1:,}, and the pictures show that moment"
        text += f": {now}." if now else "."
    elif summary.right and summary.right[0] != round(last.test_accuracy * summary.right[1]):
        text += f" In the full precision of the pictures {now}."
    return text


def _options(given: Settings) -> str:
    """The options in a line."""
    settings = given.complete()
    text = f"{settings.optimizer}, lr {settings.lr:g} {settings.schedule}"
    if settings.warmup:
        text += f" after {settings.warmup:g} epochs of warm-up"
    if settings.weight_decay:
        text += f", weight decay {settings.weight_decay:g}"
    return (
        f"{text}, batches of {settings.batch_size:,}, start {settings.init}, seed "
        f"{settings.seed}, {settings.precision}"
    )


def _epochs(summary: RunSummary) -> Grid:
    """The figures of metrics.jsonl, rounded; of many epochs some."""
    rows = []
    if summary.before is not None:
        loss, accuracy = summary.before
        rows.append(["before", "", "", f"{loss:.4f}", share(accuracy), ""])
    rows += [
        [
            f"{epoch.epoch:,}",
            f"{epoch.train_loss:.4f}",
            share(epoch.train_accuracy),
            f"{epoch.test_loss:.4f}",
            share(epoch.test_accuracy),
            f"{epoch.seconds:.1f}",
        ]
        for epoch in evenly(summary.history, EPOCHS)
    ]
    header = ["epoch", "train loss", "train accuracy", "test loss", "test accuracy", "seconds"]
    some = f"{EPOCHS} of {len(summary.history):,} epochs; all stand in metrics.jsonl."
    note = some if len(summary.history) > EPOCHS else "All figures stand in metrics.jsonl."
    return Grid(header, rows, right=range(len(header)), note=note)


def _spec(summary: RunSummary) -> Iterator[Block]:
    """The spec's text, or where it is."""
    requested = summary.requested
    lines = requested.text.rstrip().expandtabs().splitlines()
    parts = [Path(requested.label).name]
    if requested.variant is not None:
        parts.append(f"variant {requested.variant}")
    parts += [f"{name} = {_value(value)}" for name, value in requested.variables.items()]
    if requested.input is not None:
        parts.append(f"input {times((*requested.input[1:], requested.input[0]))}")
    yield Prose(", ".join(parts))
    if len(lines) <= _LINES and max(map(len, lines), default=0) <= 500:
        yield Picture(lines)
