"""The table for a terminal."""

from __future__ import annotations

import os
from typing import IO

from rich.box import Box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from cnncalc.errors import printable
from cnncalc.render.table import Table, notes, warning_lines

DROPPED = ("flops", "macs_share", "params_share")
"""What a narrow terminal does without, in this order: all of it follows from other columns."""

WRAPPED = {"name": 8, "type": 8, "layer": 14}
"""The columns that may take several lines, and how narrow they get; numbers never break."""

MAX_ROWS = 1000
"""The most layers that a table for people shows; CSV and JSON have all."""

_GAP = 2
_UNLIMITED = 100_000
_STYLES = {"input": "dim", "layer": "", "part": "dim", "total": "bold"}
_ASCII = str.maketrans(
    {"×": "x", "−": "-", "·": "*", "…": "...", "→": "->", "²": "^2", "⌊": "floor(", "⌋": ")"}
)
_LINES = "    \n    \n ── \n    \n ── \n ── \n    \n    \n"


def write(table: Table, file: IO[str], droppable: bool = True) -> None:
    """Print a table with its title, notes and warnings.

    On a terminal (or where COLUMNS says a width) it is fitted: `droppable` columns go, then long
    cells wrap. Elsewhere nothing is left out. Where the encoding has no `×` it is ASCII.
    """
    console = Console(file=file, highlight=False, emoji=False, markup=False)
    fitted = console.is_terminal or "COLUMNS" in os.environ
    ascii_only = not _encodes(file, "×−·…→─")
    table = table.head(MAX_ROWS)
    kept, lines, cells = list(range(len(table.columns))), notes(table), _cells(table)
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    if fitted:
        kept = _fit(table, widths, console.width, droppable)
        gone = [table.columns[i].key for i in range(len(widths)) if i not in kept]
        if gone:
            names = "FLOPs" if gone == ["flops"] else "FLOPs and percentages"
            lines.append(f"No room for {names} here: widen the terminal, or choose --columns.")
    least = [min(widths[i], WRAPPED.get(table.columns[i].key, widths[i])) for i in kept]
    console.width = max(console.width, _total(least)) if fitted else _UNLIMITED

    def styled(line: str, style: str) -> Text:
        return Text(line.translate(_ASCII) if ascii_only else line, style)

    with console.capture() as capture:
        console.print(styled(printable(table.report.name), "bold"))
        console.print()
        console.print(_rich(table, cells, widths, kept, ascii_only))
        console.print()
        for line in lines:
            console.print(styled(line, "dim"))
        for line in warning_lines(table.report):
            console.print(styled(line, "yellow" if line.startswith("warning") else "dim"))
    printed = capture.get()
    if not console.is_terminal:
        printed = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
    file.write(printed)


def _cells(table: Table) -> list[list[str]]:
    """The header and all cells as text."""
    indices = range(len(table.columns))
    header = ["%" if column.kind == "share" else column.title for column in table.columns]
    return [header, *([printable(table.cell(row, i)) for i in indices] for row in table.rows)]


def _fit(table: Table, widths: list[int], width: int, droppable: bool) -> list[int]:
    """The columns that stay on a terminal of that width."""
    kept = list(range(len(widths)))
    for key in DROPPED if droppable else ():
        if _total([widths[i] for i in kept]) <= width:
            break
        kept = [i for i in kept if table.columns[i].key != key]
    return kept


def _total(widths: list[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _rich(
    table: Table, cells: list[list[str]], widths: list[int], kept: list[int], ascii_only: bool
) -> RichTable:
    lines = Box(_LINES.replace("─", "-"), ascii=True) if ascii_only else Box(_LINES)
    rich = RichTable(
        box=lines, show_edge=False, pad_edge=False, padding=(0, 1), collapse_padding=True
    )
    for i in kept:
        column = table.columns[i]
        wraps = column.key in WRAPPED
        rich.add_column(
            cells[0][i],
            justify="left" if column.kind == "text" and column.key != "number" else "right",
            no_wrap=not wraps,
            overflow="fold",
            min_width=None if wraps else widths[i],
            header_style="bold",
        )
    end = max(i for i, row in enumerate(table.rows) if row.kind in ("input", "layer"))
    for index, (row, texts) in enumerate(zip(table.rows, cells[1:], strict=True)):
        shown = [Text(texts[i].translate(_ASCII) if ascii_only else texts[i]) for i in kept]
        rich.add_row(*shown, style=_STYLES[row.kind], end_section=index == end)
    return rich


def _encodes(file: IO[str], signs: str) -> bool:
    try:
        signs.encode(getattr(file, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
