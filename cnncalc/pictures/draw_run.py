"""All pictures of a run, drawn into its folder, and what its summary says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.errors import UsageError, printable, require, shorten
from cnncalc.training.settings import Settings

if TYPE_CHECKING:
    from cnncalc.graph import Graph
    from cnncalc.pictures.picture import Picture
    from cnncalc.pictures.trained_run import Answers, Look
    from cnncalc.training.loop import Epoch
    from cnncalc.training.run_folder import Asked

FOLDER = "pictures"
"""Where they lie in a run's folder."""


class Drawn(NamedTuple):
    """A picture's file, relative to the run's folder, and what is to be seen in it."""

    file: str
    title: str
    text: str


class Story(NamedTuple):
    """What a run was, and what it came to."""

    asked: Asked
    settings: Settings
    graph: Graph
    history: tuple[Epoch, ...]
    step: int
    """Steps of an epoch that was not ended."""
    data: tuple[str, ...]
    """What the data are, a sentence each; none where they are not there any more."""
    before: tuple[float, float] | None
    """Loss and accuracy on the test set before the first step."""
    right: tuple[int, int] | None
    """Right answers of the trained network, of how many."""
    pictures: tuple[Drawn, ...]
    left_out: tuple[str, ...]


def draw_run(
    folder: Path,
    written: Callable[[Path], None],
    *,
    samples: Sequence[int] = (),
    layers: Sequence[str] = (),
    device: str = "auto",
) -> Story:
    """Draw a run's pictures into its folder, and tell `written` of each.

    `samples` are test samples whose maps are drawn, `layers` those whose patches; by default some
    are chosen. What cannot be drawn is a sentence of the story. The same run gives the same
    bytes. Raises CnncalcError.
    """
    for package in ("torch", "matplotlib"):
        require(package, "cnncalc pictures", "train")
    from cnncalc.pictures.figures import png, style
    from cnncalc.pictures.picture import LeftOut
    from cnncalc.pictures.trained_run import answers, read

    look = read(folder, device)
    left_out, drawn = list(look.notes), list[Drawn]()
    with style(), _one_line(folder):
        plan, after = _plan(look, samples, layers, left_out)
        before = None
        if look.start is not None and look.data is not None:
            before = answers(look, look.start, look.data.test)
        for draw in plan:
            try:
                picture = draw()
            except LeftOut as reason:
                left_out.append(str(reason))
                continue
            path = folder / FOLDER / f"{picture.name}.png"
            _write(path, png(picture.figure))
            drawn.append(Drawn(f"{FOLDER}/{path.name}", picture.title, picture.text))
            written(path)
    return Story(
        *(look.asked, look.given, look.graph, look.history, look.step),
        data=tuple(_of_data(look)),
        before=before and (before.loss, before.accuracy),
        right=after and (after.right, len(after.labels)),
        pictures=tuple(drawn),
        left_out=tuple(left_out),
    )


def _plan(
    look: Look, samples: Sequence[int], layers: Sequence[str], left_out: list[str]
) -> tuple[list[Callable[[], Picture]], Answers | None]:
    """What is drawn, in order, and the answers to the test set. Raises UsageError."""
    from cnncalc.pictures import confusion, curves, filters, maps, mistakes, patches
    from cnncalc.pictures.picture import LeftOut
    from cnncalc.pictures.trained_run import answers, watching

    plan: list[Callable[[], Picture]] = [partial(curves.draw, look), partial(filters.draw, look)]
    chosen = patches.asked(look, layers)
    if look.data is None:
        left_out.append(f"maps, patches, confusion and mistakes: {look.missing}")
        return plan, None
    there = len(look.data.test.labels)
    for index in samples:
        if not 0 <= index < there:
            raise UsageError(
                f"--sample {index}: the test set has {there:,}, from 0 to {there - 1:,}"
            )
    if look.overfit:
        left_out.append("maps, patches and confusion: a few samples learnt by heart say little")
    elif not layers:
        try:
            chosen, note = patches.chosen(look)
            left_out += [note] if note else []
        except LeftOut as reason:
            left_out.append(str(reason))
    if not samples and not look.overfit:
        samples = maps.chosen(look)
    responses = {layer.node.name: patches.Responses() for layer in chosen}
    found = answers(look, look.network, look.data.test, watching(responses))
    plan += [partial(maps.draw, look, index) for index in dict.fromkeys(samples)]
    plan += [partial(patches.draw, look, fact, responses[fact.node.name]) for fact in chosen]
    if not look.overfit:
        plan.append(partial(confusion.draw, look, found))
    return [*plan, partial(mistakes.draw, look, found)], found


def _of_data(look: Look) -> Iterator[str]:
    """How many samples there are, and where from."""
    if look.data is None:
        return
    train, test = len(look.data.train.labels), len(look.data.test.labels)
    if look.overfit:
        yield f"{train:,} samples of {look.data.name}, to be learnt by heart"
    else:
        yield f"{train:,} samples of {look.data.name} to train on, {test:,} to test on"
    yield from look.data.notes


@contextmanager
def _one_line(folder: Path) -> Iterator[None]:
    """What torch says of memory, and the disk of itself, as one line."""
    import torch

    try:
        yield
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error):
            reason = printable(shorten(str(error).strip().partition("\n")[0], 200))
            raise UsageError(
                f"not enough memory to draw the pictures; on another --device? ({reason})"
            ) from None
        raise
    except OSError as error:
        where = printable(str(error.filename or folder))
        raise UsageError(f"{where}: {error.strerror or error}") from None


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
