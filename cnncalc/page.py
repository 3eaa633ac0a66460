"""What commands print before it has a format: headings, paragraphs, tables, formulas, pictures.

Everything is plain text; `plain`, `markdown`, `latex` and `html` each write a page their own way
and escape what their format would misread.
"""

from collections.abc import Collection, Iterator, Sequence
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
    """A table of texts: which columns hold numbers, and how many of the last rows are its foot.

    `label` is what references call it, `note` what stands under it. `name` is the column that
    names the rows, `title` what the table is of where it has no caption, and `meanings` what the
    columns mean: for those who hear a table, or ask for a word. `spare` are the columns that a
    narrow terminal does without, the first first.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Collection[int] = ()
    foot: int = 0
    caption: str = ""
    label: str = ""
    note: str = ""
    name: int = 0
    title: str = ""
    meanings: Sequence[str] = ()
    spare: Sequence[int] = ()


class Picture(NamedTuple):
    """Lines in which every letter keeps its place."""

    lines: Sequence[str]


class Image(NamedTuple):
    """A picture in a file: where it lies from where the page does, and what it shows."""

    path: str
    text: str


class Maths(NamedTuple):
    """A term in the three ways in which formulas are written."""

    text: str
    latex: str
    mathml: str


class Working(NamedTuple):
    """Derivations: each line's terms are equal."""

    lines: Sequence[Sequence[Maths]]


Block = Heading | Prose | Items | Grid | Picture | Image | Working
Page = Sequence[Block]


def notes_apart(page: Page) -> Iterator[Block]:
    """The page with the notes of its tables as paragraphs."""
    for block in page:
        if isinstance(block, Grid) and block.note:
            yield block._replace(note="")
            yield Prose(block.note)
        else:
            yield block
