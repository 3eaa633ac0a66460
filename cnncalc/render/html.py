"""A page as HTML: a fragment without styles, for any page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape as _escape

from cnncalc.errors import printable
from cnncalc.render.page import (
    Block,
    Grid,
    Heading,
    Items,
    Maths,
    Page,
    Picture,
    Prose,
    Working,
    notes_apart,
)


def html(page: Page) -> str:
    """The page; numbers are aligned by the style attribute, formulas are MathML."""
    return "\n".join(_block(block) for block in notes_apart(page)) + "\n"


def escape(text: str) -> str:
    """Text in which nothing is HTML."""
    return _escape(printable(text))


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Prose(text):
            return f"<p>{'<br>'.join(map(escape, text.split(chr(10))))}</p>"
        case Items(texts):
            items = "\n".join(f"<li>{escape(text)}</li>" for text in texts)
            return f"<ul>\n{items}\n</ul>"
        case Picture(rows):
            return f"<pre>{chr(10).join(map(escape, rows))}</pre>"
        case Working(derivations):
            rows = "".join(map(_derivation, derivations))
            return f'<math display="block"><mtable>{rows}</mtable></math>'
        case Grid():
            return _grid(block)


def _grid(grid: Grid) -> str:
    body = len(grid.rows) - grid.foot
    lines = [f'<table id="{escape(grid.label)}">' if grid.label else "<table>"]
    if grid.caption:
        lines.append(f"<caption>{escape(grid.caption)}</caption>")
    cells = "".join(
        f'<th scope="col"{_aligned(grid, i)}>{escape(text)}</th>'
        for i, text in enumerate(grid.header)
    )
    lines.append(f"<thead><tr>{cells}</tr></thead>")
    for tag, rows in (("tbody", grid.rows[:body]), ("tfoot", grid.rows[body:])):
        if rows:
            lines += [f"<{tag}>", *(_row(grid, row) for row in rows), f"</{tag}>"]
    return "\n".join([*lines, "</table>"])


def _row(grid: Grid, cells: Sequence[str]) -> str:
    drawn = "".join(f"<td{_aligned(grid, i)}>{escape(text)}</td>" for i, text in enumerate(cells))
    return f"<tr>{drawn}</tr>"


def _aligned(grid: Grid, column: int) -> str:
    return ' style="text-align:right"' if column in grid.right else ""


def _derivation(terms: Sequence[Maths]) -> str:
    first, *rest = [term.mathml for term in terms]
    equal = "<mo>=</mo>"
    chain = "".join(f"<mtd><mrow>{equal}{term}</mrow></mtd>" for term in rest)
    return f"<mtr><mtd><mrow>{first}</mrow></mtd>{chain}</mtr>"
