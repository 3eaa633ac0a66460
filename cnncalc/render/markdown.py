"""The table as GitHub's Markdown."""

from __future__ import annotations

import re
import unicodedata

from cnncalc.errors import printable
from cnncalc.render.table import Row, Table, notes, warning_lines

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#&])")


def markdown(table: Table) -> str:
    """The table, its notes and its warnings; columns of numbers are aligned to the right."""
    header = [column.title for column in table.columns]
    rows = [_cells(table, row) for row in table.rows]
    widths = [max(_width(cell) for cell in column) for column in zip(header, *rows, strict=True)]
    right = [column.kind != "text" for column in table.columns]
    rule = [
        "-" * (w - 1) + ":" if r else "-" * w for w, r in zip(_least(widths), right, strict=True)
    ]
    lines = [_line(header, widths, right), f"| {' | '.join(rule)} |"]
    lines += [_line(row, widths, right) for row in rows]
    lines += ["", *(escape(line) + "  " for line in notes(table))]
    lines += [f"{'' if i else chr(10)}- {escape(line)}" for i, line in enumerate(_warnings(table))]
    return "\n".join(lines) + "\n"


def _warnings(table: Table) -> list[str]:
    return warning_lines(table.report)


def _cells(table: Table, row: Row) -> list[str]:
    texts = [escape(printable(table.cell(row, index))) for index in range(len(table.columns))]
    return [f"**{text}**" if text and row.kind == "total" else text for text in texts]


def _least(widths: list[int]) -> list[int]:
    return [max(width, 3) for width in widths]


def _line(cells: list[str], widths: list[int], right: list[bool]) -> str:
    padded = []
    for cell, width, to_right in zip(cells, _least(widths), right, strict=True):
        blank = " " * (width - _width(cell))
        padded.append(blank + cell if to_right else cell + blank)
    return f"| {' | '.join(padded)} |"


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def escape(text: str) -> str:
    """Text in which nothing is Markdown or HTML."""
    return _SPECIAL.sub(r"\\\1", text)
