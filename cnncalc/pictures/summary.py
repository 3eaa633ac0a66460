"""The page of a run: what was trained, on what, what came of it, and how to do it again."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnncalc.layers.base import times
from cnncalc.pictures.draw_run import Story
from cnncalc.pictures.picture import evenly, share
from cnncalc.render import table
from cnncalc.render.depth import MAX_ROWS, fitting_depth
from cnncalc.render.page import Block, Grid, Heading, Image, Items, Page, Picture, Prose
from cnncalc.training.settings import Settings, option

if TYPE_CHECKING:
    from cnncalc.report import Report

EPOCHS = 12
"""How many epochs have a row."""
_LINES = 120
"""The longest spec that is shown whole."""


def page(story: Story, report: Report) -> Page:
    """The summary of a run; `report` is that of its network."""
    blocks: list[Block] = [
        Heading(f"{story.graph.name or 'a network'} on {story.settings.data}", 1),
        Prose(_verdict(story)),
        Items([*story.data, _options(story.settings)]),
        Heading("Epochs"),
        _epochs(story),
        Heading("The network"),
    ]
    if description := story.graph.description:
        blocks.append(Prose(description))
    shown = table.tabulate(report, depth=fitting_depth(report), top=MAX_ROWS)
    blocks += [*table.page(shown), Heading("The spec", 3), *_spec(story), Heading("Pictures")]
    for drawn in story.pictures:
        blocks += [Heading(drawn.title, 3), Image(drawn.file, drawn.title), Prose(drawn.text)]
    if story.left_out:
        blocks += [Heading("Left out", 3), Items(story.left_out)]
    blocks += [
        Heading("Again"),
        Prose(
            "In the folder of this page; paths of data are as they were given. The same machine, "
            "version of torch and number of threads and processes give the same bits."
        ),
        Picture([command(story)]),
    ]
    return blocks


def command(story: Story) -> str:
    """What trains the same network in the same way, in the folder of the run."""
    asked, settings = story.asked, story.settings
    words = ["cnncalc", "train", asked.variant or Path(asked.label).name]
    for name, value in asked.variables.items():
        words += ["--set", f"{name}={_value(value)}"]
    if asked.input is not None:
        channels, *sizes = asked.input
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


def _verdict(story: Story) -> str:
    """What came of it, in a sentence or two."""
    last, settings = story.history[-1], story.settings.complete()
    of = "of its samples" if settings.overfit is not None else "on the test set"
    text = f"After {last.epoch:,} of {settings.epochs:,} epochs: {share(last.test_accuracy)} {of}"
    if settings.overfit is not None:
        text = f"After {last.epoch:,} epoch{'s' * (last.epoch > 1)}: "
        text += f"{share(last.test_accuracy)} {of} learnt by heart"
    if story.before is not None:
        text += f", {share(story.before[1])} before training"
    text += f". {sum(epoch.seconds for epoch in story.history):,.1f} s of training."
    now = "" if story.right is None else "{:,} of {:,} are right".format(*story.right)
    if story.step:
        text += f" It was stopped in epoch {last.epoch + 1:,}, and the pictures show that moment"
        text += f": {now}." if now else "."
    elif story.right and story.right[0] != round(last.test_accuracy * story.right[1]):
        text += f" In the full precision of the pictures {now}."
    return text


def _options(asked: Settings) -> str:
    """The options in a line."""
    settings = asked.complete()
    text = f"{settings.optimizer}, lr {settings.lr:g} {settings.schedule}"
    if settings.warmup:
        text += f" after {settings.warmup:g} epochs of warm-up"
    if settings.weight_decay:
        text += f", weight decay {settings.weight_decay:g}"
    return (
        f"{text}, batches of {settings.batch_size:,}, start {settings.init}, seed "
        f"{settings.seed}, {settings.precision}"
    )


def _epochs(story: Story) -> Grid:
    """The figures of metrics.jsonl, rounded; of many epochs some."""
    rows = []
    if story.before is not None:
        loss, accuracy = story.before
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
        for epoch in evenly(story.history, EPOCHS)
    ]
    header = ["epoch", "train loss", "train accuracy", "test loss", "test accuracy", "seconds"]
    all_of_them = len(story.history)
    note = "All figures stand in metrics.jsonl."
    if all_of_them > EPOCHS:
        note = f"{EPOCHS} of {all_of_them:,} epochs; all stand in metrics.jsonl."
    return Grid(header, rows, right=range(len(header)), note=note)


def _spec(story: Story) -> Iterator[Block]:
    """The spec's text, or where it is."""
    lines = story.asked.text.rstrip().expandtabs().splitlines()
    asked = story.asked
    parts = [Path(asked.label).name]
    if asked.variant is not None:
        parts.append(f"variant {asked.variant}")
    parts += [f"{name} = {_value(value)}" for name, value in asked.variables.items()]
    if asked.input is not None:
        parts.append(f"input {times((*asked.input[1:], asked.input[0]))}")
    yield Prose(", ".join(parts))
    if len(lines) <= _LINES and max(map(len, lines), default=0) <= 500:
        yield Picture(lines)
