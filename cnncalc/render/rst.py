"""A page as reStructuredText, for docutils and Sphinx."""

import re
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

_SPECIAL = re.compile(r"([\\`*_|\[\]<>])")
_START = re.compile(r"[^\w\\(\s]|\(?\w+[.)](\s|$)")
"""What starts a list, a comment, an option, a title, or a literal block."""


def rst(page: Page) -> str:
    """The page; tables are list tables, headings rubrics, which stand at any depth."""
    return "\n\n".join(_block(block) for block in notes_apart(page)) + "\n"


def escape(text: str) -> str:
    """Text in which nothing is markup."""
    escaped = _SPECIAL.sub(r"\\\1", printable(text))
    return re.sub(r"::$", r":\\:", escaped)


def _line(text: str) -> str:
    """Text at the start of a paragraph or of a cell."""
    start = "\\ " if _START.match(text) else ""
    return start + escape(text)


def _block(block: Block) -> str:
    match block:
        case Heading(text):
            return f".. rubric:: {_line(text)}"
        case Prose(text):
            lines = text.split("\n")
            mark = "| " if len(lines) > 1 else ""
            return "\n".join(mark + _line(line) for line in lines)
        case Items(texts):
            return "\n".join(f"- {_line(text)}" for text in texts)
        case Picture(rows):
            # The bar is quoted literal text: the block may start with blanks.
            return "\n".join(["::", "", *(f"   {printable(row)}".rstrip() for row in rows)])
        case Image(path, text):
            return f".. image:: {quote(path)}\n   :alt: {_line(text)}"
        case Working(derivations):
            maths = f"\\begin{{aligned}}\n{aligned(derivations)}\n\\end{{aligned}}"
            return ".. math::\n\n" + "\n".join(f"   {line}" for line in maths.split("\n"))
        case Grid():
            return _grid(block)


def _grid(grid: Grid) -> str:
    lines = [f".. _{escape(grid.label)}:", ""] if grid.label else []
    caption = f" {_line(grid.caption)}" if grid.caption else ""
    lines += [f".. list-table::{caption}", "   :header-rows: 1", ""]
    body = len(grid.rows) - grid.foot
    for number, row in enumerate([grid.header, *grid.rows]):
        for i, text in enumerate(row):
            cell = f"**{escape(text)}**" if text and number > body else _line(text) if text else ""
            lines.append(f"   {'* ' if i == 0 else '  '}- {cell}".rstrip())
    return "\n".join(lines)
