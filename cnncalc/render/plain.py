"""A page as text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import chain

from rich.cells import cell_len

from cnncalc.errors import printable
from cnncalc.render.listing import listing
from cnncalc.render.page import Block, Grid, Heading, Items, Maths, Page, Picture, Prose, Working
from cnncalc.render.terminal import Line

WIDTH = 78
"""How long lines of prose and formulas are where nobody says."""


def plain(page: Page) -> str:
    """The page as text, for files and pipes."""
    return "".join(f"{line}\n" for line, _ in lines(page))


def lines(page: Page, width: int | None = None) -> list[Line]:
    """All lines with their styles, blocks set apart by blank lines."""
    blocks = [list(_lines(block, width)) for block in page]
    return [*chain.from_iterable([*block, ("", "")] for block in blocks)][:-1]


def _lines(block: Block, width: int | None) -> Iterator[Line]:
    room = min(width or WIDTH, WIDTH)
    match block:
        case Heading(text):
            yield printable(text), "bold"
        case Prose(text):
            for line in text.split("\n"):
                yield from ((part, "") for part in wrap(line, room))
        case Items(texts):
            for text in texts:
                yield from ((part, "") for part in wrap(text, room, "- "))
        case Picture(rows):
            yield from ((printable(row), "") for row in rows)
        case Working(derivations):
            for terms in derivations:
                yield from ((line, "") for line in _derivation(terms, room))
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


def _grid(grid: Grid, width: int | None) -> Iterator[Line]:
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
    yield from ((line, "") for line in drawn[1 : 2 + body])
    yield drawn[1], ""
    yield from ((line, "bold") for line in drawn[2 + body :])


def _derivation(terms: Sequence[Maths], width: int) -> list[str]:
    """One line where it fits, else a line for each term under the first sign."""
    texts = [printable(term.text) for term in terms]
    whole = " = ".join(texts)
    if cell_len(whole) <= width or len(texts) < 3:
        return [whole]
    indent = " " * cell_len(texts[0])
    return [f"{texts[0]} = {texts[1]}", *(f"{indent} = {text}" for text in texts[2:])]
