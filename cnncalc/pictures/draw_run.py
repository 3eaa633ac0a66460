"""All pictures of a run, drawn into its folder, and what its summary says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.errors import UsageError, require
from cnncalc.files import refusals_in
from cnncalc.pictures.picture import LeftOut, Picture

if TYPE_CHECKING:
    from cnncalc.pictures.trained_run import Answers, TrainedRun

FOLDER = "pictures"
"""Where they lie in a run's folder."""


class DrawnPicture(NamedTuple):
    """A picture's file, relative to the run's folder, and what is to be seen in it."""

    file: str
    title: str
    text: str


class RunSummary(NamedTuple):
    """What a run was, and what it came to."""

    run: TrainedRun
    before: Answers | None
    """To the test set, before the first step."""
    after: Answers | None
    """Those of the trained network."""
    pictures: tuple[DrawnPicture, ...]
    left_out: tuple[str, ...]


def draw_run(
    folder: Path,
    written: Callable[[Path], None],
    *,
    samples: Sequence[int] = (),
    layers: Sequence[str] = (),
    device: str = "auto",
) -> RunSummary:
    """Draw a run's pictures into its folder, and tell `written` of each.

    `samples` are test samples whose maps are drawn, `layers` those whose patches; by default some
    are chosen. What cannot be drawn is a sentence of the summary. The same run gives the same
    bytes. Raises CnncalcError.
    """
    for package in ("torch", "matplotlib"):
        require(package, "cnncalc pictures", "train")
    from cnncalc.pictures.figures import png, style
    from cnncalc.pictures.trained_run import answers, read_trained_run
    from cnncalc.witness.device import memory_refusals

    run = read_trained_run(folder, device)
    left_out, drawn = list(run.notes), list[DrawnPicture]()
    with (
        style(),
        refusals_in(folder),
        memory_refusals("to draw the pictures; on another --device?"),
    ):
        plan, after = _plan(run, samples, layers, left_out)
        before = answers(run, run.start, run.data.test) if run.start and run.data else None
        for draw in plan:
            try:
                picture = draw()
            except LeftOut as reason:
                left_out.append(str(reason))
                continue
            path = folder / FOLDER / f"{picture.name}.png"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(png(picture.figure))
            drawn.append(DrawnPicture(f"{FOLDER}/{path.name}", picture.title, picture.text))
            written(path)
    return RunSummary(run, before, after, tuple(drawn), tuple(left_out))


def _plan(
    run: TrainedRun, samples: Sequence[int], layers: Sequence[str], left_out: list[str]
) -> tuple[list[Callable[[], Picture]], Answers | None]:
    """What is drawn, in order, and the answers to the test set. Raises UsageError."""
    from cnncalc.pictures import confusion, curves, filters, maps, mistakes, patches
    from cnncalc.pictures.trained_run import answers, watching

    plan: list[Callable[[], Picture]] = [partial(curves.draw, run), partial(filters.draw, run)]
    chosen = patches.named_layers(run, layers)
    if run.data is None:
        left_out.append(f"maps, patches, confusion and mistakes: {run.missing}")
        return plan, None
    there = len(run.data.test.labels)
    for index in samples:
        if not 0 <= index < there:
            raise UsageError(
                f"--sample {index}: the test set has {there:,}, from 0 to {there - 1:,}"
            )
    if run.overfit:
        left_out.append("maps, patches and confusion: a few samples learnt by heart say little")
    elif not layers:
        chosen, note = patches.chosen_layers(run)
        left_out += [note] if note else []
    if not samples and not run.overfit:
        samples = maps.chosen_samples(run)
    responses = {layer.node.name: patches.Responses() for layer in chosen}
    found = answers(run, run.network, run.data.test, watching(responses))
    plan += [partial(maps.draw, run, index) for index in dict.fromkeys(samples)]
    plan += [partial(patches.draw, run, fact, responses[fact.node.name]) for fact in chosen]
    if not run.overfit:
        plan.append(partial(confusion.draw, run, found))
    return [*plan, partial(mistakes.draw, run, found)], found
