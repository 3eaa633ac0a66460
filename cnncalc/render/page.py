"""What commands print before it has a format: headings, paragraphs, tables, formulas, pictures.

Everything is plain text; `plain`, `markdown`, `latex` and `html` each write a page their own way
and escape what their format would misread.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple


class Heading(NamedTuple):
    """A title; level 1 is the page's own."""

    text: str
    level: int = 2


class Prose(NamedTuple):
    """A paragraph; a newline in it is a line break."""

    text: str


class Items(NamedTuple):
    """A bulleted list."""

    texts: Sequence[str]


class Grid(NamedTuple):
    """A table of texts: which columns hold numbers, and how many of the last rows are its foot."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Collection[int] = ()
    foot: int = 0
    caption: str = ""


class Picture(NamedTuple):
    """Lines in which every letter keeps its place."""

    lines: Sequence[str]


class Maths(NamedTuple):
    """A term in the three ways in which formulas are written."""

    text: str
    latex: str
    mathml: str


class Working(NamedTuple):
    """Derivations: each line's terms are equal."""

    lines: Sequence[Sequence[Maths]]


Block = Heading | Prose | Items | Grid | Picture | Working
Page = Sequence[Block]
