"""The table as CSV: raw numbers, a row for each layer, no totals."""

import csv as _csv
import io

from cnncalc.amounts import shape_text, sizes_text
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
    out = io.StringIO()
    writer = _csv.writer(out, lineterminator="\n")
    writer.writerow([column.key for column in table.columns])
    for row in table.rows:
        if row.kind in ("input", "layer"):
            writer.writerow([_cell(table, row, index) for index in range(len(table.columns))])
    return out.getvalue()


def _cell(table: Table, row: Row, index: int) -> str:
    column, value = table.columns[index], row.cells[index]
    if value is None:
        return ""
    if column.kind == "shape":
        return shape_text(value, table.layout).replace("×", "x")
    if column.kind == "sizes":
        return sizes_text(value).replace("×", "x")
    if column.kind == "share":
        return table.cell(row, index)
    if column.kind == "ratio":
        return repr(float(value))
    text = printable(str(value))
    # A cell that a spreadsheet would take for a formula is kept a text.
    return f"'{text}" if column.kind == "text" and text[:1] in tuple("=+-@") else text
