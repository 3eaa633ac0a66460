"""A page as AsciiDoc."""

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

_SPECIAL = re.compile(r"[\\*_`#^~+<>{}\[\]|&\"']")


def asciidoc(page: Page) -> str:
    """The page; columns of numbers are aligned to the right."""
    return "\n\n".join(_block(block) for block in notes_apart(page)) + "\n"


def escape(text: str) -> str:
    """Text in which nothing is markup: signs that could be are written as their numbers."""
    return _SPECIAL.sub(lambda sign: f"&#{ord(sign[0])};", printable(text))


def _line(text: str) -> str:
    """Text at the start of a line, where a sign or a number could start a block."""
    return ("" if text[:1].isalpha() else "{empty}") + escape(text)


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"[discrete]\n{'=' * (min(level, 5) + 1)} {escape(text)}"
        case Prose(text):
            return " +\n".join(map(_line, text.split("\n")))
        case Items(texts):
            return "\n".join(f"* {_line(text)}" for text in texts)
        case Picture(rows):
            return "\n".join(["....", *map(printable, rows), "...."])
        case Image(path, text):
            return f'image::{quote(path)}["{escape(text)}"]'
        case Working(derivations):
            maths = f"\\begin{{aligned}}\n{aligned(derivations)}\n\\end{{aligned}}"
            return f"[latexmath]\n++++\n{maths}\n++++"
        case Grid():
            return _grid(block)


def _grid(grid: Grid) -> str:
    columns = ",".join(">" if i in grid.right else "<" for i in range(len(grid.header)))
    # AsciiDoc knows one row of a foot; the others are strong.
    options = "%header%footer" if grid.foot else "%header"
    lines = [f"[#{escape(grid.label)}]"] if grid.label else []
    lines += [f".{_line(grid.caption)}"] if grid.caption else []
    lines += [f'[{options},cols="{columns}"]', "|==="]
    body = len(grid.rows) - grid.foot
    for number, row in enumerate([grid.header, *grid.rows]):
        strong = "*" if number > body else ""
        cells = (f"|{strong}{escape(text)}{strong}" if text else "|" for text in row)
        lines.append(" ".join(cells))
    return "\n".join([*lines, "|==="])
