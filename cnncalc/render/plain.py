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
from cnncalc.render.listing import broken, listing
from cnncalc.render.terminal import Line

WIDTH = 78
"""How long lines of prose and formulas are where nobody says."""
_NARROWEST = 8
"""How narrow names get."""


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
            yield printable(text), "bold"
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


def _fitted(grid: Grid, width: int) -> Grid:
    """The grid with names in its first column broken into lines, where it is too wide.

    Numbers are never cut: where they leave no room for names, the grid stays too wide.
    """
    cells = [list(map(printable, row)) for row in (grid.header, *grid.rows)]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    over = sum(widths) + 2 * (len(widths) - 1) - width
    if not 0 < over < widths[0] or 0 in grid.right:
        return grid
    room = max(widths[0] - over, min(widths[0], _NARROWEST))
    blank = [""] * (len(widths) - 1)
    rows = [
        [[part, *blank] if index else [part, *rest] for index, part in enumerate(parts)]
        for name, *rest in cells[1:]
        for parts in [broken(name, room)]
    ]
    foot = sum(map(len, rows[len(rows) - grid.foot :]))
    return grid._replace(rows=[*chain.from_iterable(rows)], foot=foot)


def _grid(grid: Grid, width: int | None) -> Iterator[Line]:
    if width is not None and (grid.foot or len(grid.header) - 1 in grid.right):
        # Its last column cannot take several lines.
        grid, width = _fitted(grid, width), None
    if grid.caption:
        yield printable(grid.caption), "bold"
    if not grid.foot:
        header, *rest = listing(grid.header, grid.rows, tuple(grid.right), width)
        yield header, "bold"
        yield from ((line, "") for line in rest)
        return
    # The foot is laid out with the body, so that their columns are the same.
    body = len(grid.rows) - grid.foot
    drawn = listing(grid.header, grid.rows, tuple(grid.right))
    yield drawn[0], "bold"
    yield from ((line, "") for line in (*drawn[1 : 2 + body], drawn[1]))
    yield from ((line, "bold") for line in drawn[2 + body :])


def _derivation(terms: Sequence[Maths], left: int, width: int) -> list[str]:
    """One line where it fits, else a line for each term under the first sign."""
    first, *rest = [printable(term.text) for term in terms]
    start = first + " " * (left - cell_len(first))
    whole = f"{start} = {' = '.join(rest)}"
    if cell_len(whole) <= width or len(rest) < 2:
        return [whole]
    return [f"{start} = {rest[0]}", *(f"{' ' * cell_len(start)} = {term}" for term in rest[1:])]
