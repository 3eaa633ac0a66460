"""A page as text."""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import chain

from rich.cells import cell_len

from cnncalc.errors import printable
from cnncalc.page import (
    Block,
    Grid,
    Heading,
    Image,
    Items,
    Maths,
    Page,
    Picture,
    Prose,
    Working,
    notes_apart,
)
from cnncalc.render.fitted import Fitted, fit, no_room
from cnncalc.render.terminal import Line

WIDTH = 78
"""How long lines of prose and formulas are where nobody says."""


def plain(page: Page) -> str:
    """The page as text, for files and pipes."""
    return "".join(f"{line}\n" for line, _ in lines(page))


def lines(page: Page, width: int | None = None) -> list[Line]:
    """All lines with their styles, blocks set apart by blank lines."""
    blocks = [list(_lines(block, width)) for block in notes_apart(page)]
    return [*chain.from_iterable([*block, ("", "")] for block in blocks)][:-1]


def _lines(block: Block, width: int | None) -> Iterator[Line]:
    room = min(width or WIDTH, WIDTH)
    match block:
        case Heading(text):
            yield from ((line, "bold") for line in title(text, width))
        case Prose(text):
            yield from ((part, "") for line in text.split("\n") for part in wrap(line, room))
        case Items(texts):
            yield from ((part, "") for text in texts for part in wrap(text, room, "- "))
        case Picture(rows):
            yield from ((printable(row), "") for row in rows)
        case Image(path, text):
            yield from ((part, "") for part in wrap(f"[{text}: {path}]", room))
        case Working(derivations):
            # The signs stand below each other.
            left = max(cell_len(printable(terms[0].text)) for terms in derivations)
            for terms in derivations:
                yield from ((line, "") for line in _derivation(terms, left, room))
        case Grid():
            yield from _grid(block, width)


def title(text: str, width: int | None) -> list[str]:
    """A title: in one line, or in as many as a terminal of that width needs."""
    return [printable(text)] if width is None else wrap(text, width)


def wrap(text: str, width: int, indent: str = "") -> list[str]:
    """Lines of a paragraph; a word that is too long stays whole."""
    return textwrap.wrap(
        printable(text),
        width,
        initial_indent=indent,
        subsequent_indent=" " * len(indent),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]


def _grid(grid: Grid, width: int | None) -> Iterator[Line]:
    whole = Fitted.whole(grid.header, grid.rows, grid.right)
    parts = fit(whole, width, spare=grid.spare, name=grid.name)
    body = len(grid.rows) - grid.foot
    styles = [""] * body + ["bold"] * grid.foot
    if grid.caption:
        yield from ((line, "bold") for line in title(grid.caption, width))
    for index, part in enumerate(parts):
        yield from [("", "")] * bool(index)
        yield from part.drawn(styles, grid.foot)
    for line in no_room([grid.header[place] for place in sorted(parts[0].gone)]):
        yield "", ""
        yield from ((text, "") for text in wrap(line, min(width or WIDTH, WIDTH)))


def _derivation(terms: Sequence[Maths], left: int, width: int) -> list[str]:
    """One line where it fits, else a line for each term under the first sign."""
    first, *rest = [printable(term.text) for term in terms]
    start = first + " " * (left - cell_len(first))
    whole = f"{start} = {' = '.join(rest)}"
    if cell_len(whole) <= width or len(rest) < 2:
        return [whole]
    return [f"{start} = {rest[0]}", *(f"{' ' * cell_len(start)} = {term}" for term in rest[1:])]
