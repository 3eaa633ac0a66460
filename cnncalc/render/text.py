"""The table for a terminal.

Laid out here and not by rich's table, which cuts what does not fit: a number is never cut. rich
colours it, and is imported only where there is a terminal to colour.
"""

from __future__ import annotations

import os
import shutil
import textwrap
from typing import IO

from rich.cells import cell_len

from cnncalc.errors import printable
from cnncalc.render.table import Table, notes, warning_lines

DROPPED = ("flops", "macs_share", "params_share")
"""What a narrow terminal does without, in this order: all of it follows from other columns."""

WRAPPED = {"layer": 14, "name": 8, "type": 8}
"""The columns whose cells may take several lines, and how narrow they get."""

MAX_ROWS = 1000
"""The most layers that a table for people shows; CSV and JSON have all."""

_GAP = "  "
_STYLES = {"input": "dim", "layer": "", "part": "dim", "total": "bold"}
_ASCII = str.maketrans(
    {
        "×": "x",
        "−": "-",
        "─": "-",
        "·": "*",
        "…": "...",
        "→": "->",
        "²": "^2",
        "⌊": "floor(",
        "⌋": ")",
    }
)

Line = tuple[str, str]
"""A line and its style."""


def write(table: Table, file: IO[str], droppable: bool = True) -> None:
    """Print a table with its title, notes and warnings.

    On a terminal (or where COLUMNS says a width) it is fitted: `droppable` columns go, then long
    cells wrap. Elsewhere nothing is left out. Where the encoding has no `×` it is ASCII.
    """
    terminal = file.isatty()
    width = shutil.get_terminal_size().columns if terminal or "COLUMNS" in os.environ else None
    lines = render(table, width, droppable)
    if not _encodes(file, "×−·…→─"):
        lines = [(line.translate(_ASCII), style) for line, style in lines]
    if not terminal:
        file.writelines(f"{line}\n" for line, _ in lines)
        return
    from rich.console import Console
    from rich.text import Text

    # Wrapped already: the terminal's own wrapping takes over where numbers are wider than it.
    console = Console(file=file, highlight=False, soft_wrap=True)
    console.print(Text("\n").join(Text(line, style) for line, style in lines))


def render(table: Table, width: int | None = None, droppable: bool = True) -> list[Line]:
    """All lines with their styles, for a terminal of that width or for none."""
    table = table.head(MAX_ROWS)
    header = ["%" if column.kind == "share" else column.title for column in table.columns]
    cells = [[printable(table.cell(row, i)) for i in range(len(header))] for row in table.rows]
    widths = [max(map(cell_len, column)) for column in zip(header, *cells, strict=True)]
    kept = _fit(table, widths, width, droppable)
    rule = ("─" * _total([widths[i] for i in kept]), "")
    lines: list[Line] = [(printable(table.report.name), "bold"), ("", "")]
    lines += _lines(table, header, widths, kept, "bold")
    kind = "header"
    for row, texts in zip(table.rows, cells, strict=True):
        if kind == "header" or (kind in ("input", "layer") and row.kind in ("part", "total")):
            lines.append(rule)
        lines += _lines(table, texts, widths, kept, _STYLES[row.kind])
        kind = row.kind
    below = [(line, "dim") for line in notes(table)]
    gone = [column.title for i, column in enumerate(table.columns) if i not in kept]
    if gone:
        names = ", ".join(gone)
        below.append((f"No room for {names}: widen the terminal, or choose --columns.", "dim"))
    below += [
        (line, "yellow" if line.startswith("warning") else "dim")
        for line in warning_lines(table.report)
    ]
    lines.append(("", ""))
    for line, style in below:
        lines += [(part, style) for part in (textwrap.wrap(line, width) if width else [line])]
    return lines


def _fit(table: Table, widths: list[int], width: int | None, droppable: bool) -> list[int]:
    """The columns that stay on a terminal of that width; `widths` shrink where cells wrap."""
    kept = list(range(len(widths)))
    if width is None:
        return kept
    keys = [column.key for column in table.columns]
    for key in DROPPED if droppable else ():
        if _total([widths[i] for i in kept]) > width:
            kept = [i for i in kept if keys[i] != key]
    for key, least in WRAPPED.items():
        over = _total([widths[i] for i in kept]) - width
        if key in keys and over > 0:
            index = keys.index(key)
            widths[index] = max(min(least, widths[index]), widths[index] - over)
    return kept


def _total(widths: list[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _lines(
    table: Table, texts: list[str], widths: list[int], kept: list[int], style: str
) -> list[Line]:
    """One row of the table, as the lines that its longest cell takes."""
    columns = [_wrap(texts[i], widths[i]) for i in kept]
    lines = []
    for number in range(max(map(len, columns))):
        padded = []
        for i, parts in zip(kept, columns, strict=True):
            text = parts[number] if number < len(parts) else ""
            blank = " " * (widths[i] - cell_len(text))
            left = table.columns[i].kind == "text" and table.columns[i].key != "number"
            padded.append(text + blank if left else blank + text)
        lines.append((_GAP.join(padded).rstrip(), style))
    return lines


def _wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells, broken at spaces where there are any."""
    if cell_len(text) <= width:
        return [text]
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and cell_len(lines[-1]) + 1 + cell_len(word) <= width:
            lines[-1] += f" {word}"
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if cell_len(lines[-1]) + cell_len(letter) > width:
                lines.append("")
            lines[-1] += letter
    return lines


def _encodes(file: IO[str], signs: str) -> bool:
    try:
        signs.encode(getattr(file, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
