"""The table as CSV: raw numbers, a row for each layer, no totals."""

import csv as _csv
import io
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from cnncalc.errors import printable
from cnncalc.tables.table import Row, Table

CSV_COLUMNS = (
    "number",
    "name",
    "type",
    "layer",
    "output",
    "activations",
    "new_activations",
    "params",
    "macs",
    "flops",
)
"""What CSV has when no columns are chosen: counts, which add up, and no percentages."""


def csv(table: Table) -> str:
    """A header of column keys and a line for the input and every layer; sizes as `28x28x6`."""
    rows = [row for row in table.rows if row.kind in ("input", "layer")]
    cells = ([_cell(table, row, index) for index in range(len(table.columns))] for row in rows)
    return as_csv([[column.key for column in table.columns], *cells])


def as_csv(rows: Iterable[Iterable[Any]]) -> str:
    """Rows of texts and raw numbers, the header first, a line each."""
    out = io.StringIO()
    _csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def text_cell(text: str) -> str:
    """A name as a cell: one that a spreadsheet would take for a formula is kept a text."""
    text = printable(text)
    return f"'{text}" if text.startswith(tuple("=+-@")) else text


def raw(number: Any) -> Any:
    """A number as a cell; a ratio as a float, nothing where there is none."""
    return repr(float(number)) if isinstance(number, Fraction) else number


def _cell(table: Table, row: Row, index: int) -> str:
    column, value = table.columns[index], row.cells[index]
    if value is None:
        return ""
    match column.kind:
        case "shape" | "sizes" | "share":
            return table.cell(row, index).replace("×", "x").replace(",", "x")
        case "ratio":
            return str(raw(value))
    return text_cell(str(value)) if column.kind == "text" else printable(str(value))
