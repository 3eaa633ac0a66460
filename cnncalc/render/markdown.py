"""A page as GitHub's Markdown."""

import re
import unicodedata
from collections.abc import Sequence
from urllib.parse import quote

from cnncalc.errors import printable
from cnncalc.page import (
    Block,
    Grid,
    Heading,
    Image,
    Items,
    Page,
    Picture,
    Prose,
    Working,
    notes_apart,
)
from cnncalc.render.latex import aligned

_SPECIAL = re.compile(r"([\\`*_\[\]{}<>|~#&$])")


def markdown(page: Page) -> str:
    """The page; columns of numbers are aligned to the right, formulas are fenced.

    GitHub would read `$$` as Markdown first, in which two backslashes are one.
    """
    return "\n\n".join(_block(block) for block in notes_apart(page)) + "\n"


def with_dollars(text: str) -> str:
    """A page for Jupyter, Pandoc and MDX, which know no fences for formulas."""
    return re.sub(r"^```math\n(.*?)\n```$", r"$$\n\1\n$$", text, flags=re.MULTILINE | re.DOTALL)


def escape(text: str) -> str:
    """Text in which nothing is Markdown or HTML."""
    return _SPECIAL.sub(r"\\\1", printable(text))


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {escape(text)}"
        case Prose(text):
            return "  \n".join(_paragraph(line) for line in text.split("\n"))
        case Items(texts):
            return "\n".join(f"- {_paragraph(text)}" for text in texts)
        case Picture(rows):
            # Four spaces: no line of the picture can end the block, as a fence could.
            return "\n".join(f"    {printable(row)}" for row in rows)
        case Image(path, text):
            return f"![{escape(text)}]({quote(path)})"
        case Working(derivations):
            return f"```math\n\\begin{{aligned}}\n{aligned(derivations)}\n\\end{{aligned}}\n```"
        case Grid():
            return _grid(block)


def _paragraph(text: str) -> str:
    """Text that does not start a list, though it starts with a number or a sign."""
    return re.sub(r"^(\s*\d+)([.)])|^(\s*)([-+=])", r"\1\3\\\2\4", escape(text))


def _grid(grid: Grid) -> str:
    body = len(grid.rows) - grid.foot
    rows = [[escape(text) for text in row] for row in grid.rows[:body]]
    rows += [[f"**{escape(text)}**" if text else "" for text in row] for row in grid.rows[body:]]
    header = [escape(text) for text in grid.header]
    widths = [max(3, *map(_width, column)) for column in zip(header, *rows, strict=True)]
    right = [i in grid.right for i in range(len(header))]
    rule = ["-" * (w - 1) + ":" if r else "-" * w for w, r in zip(widths, right, strict=True)]
    lines = [f"**{escape(grid.caption)}**", ""] if grid.caption else []
    lines += [_line(header, widths, right), f"| {' | '.join(rule)} |"]
    return "\n".join(lines + [_line(row, widths, right) for row in rows])


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    blanks = (" " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True))
    padded = [
        blank + cell if to_right else cell + blank
        for cell, blank, to_right in zip(cells, blanks, right, strict=True)
    ]
    return f"| {' | '.join(padded)} |"


def _width(text: str) -> int:
    wide = 0 if text.isascii() else sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide
