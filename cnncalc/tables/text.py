"""The table for a terminal.

Laid out here and not by rich's table, which cuts what does not fit: a number is never cut. rich
colours it, and is imported only where there is a terminal to colour.
"""

import textwrap
from collections.abc import Callable
from functools import partial
from itertools import zip_longest
from typing import NamedTuple

from rich.cells import cell_len

from cnncalc.errors import printable
from cnncalc.meanings import Column
from cnncalc.render.listing import broken, padded
from cnncalc.render.terminal import Line
from cnncalc.tables.table import Table, notes, warning_lines

DROPPED = ("flops", "macs_share", "params_share")
"""What a narrow terminal does without, in this order: all of it follows from other columns."""

WRAPPED = {"layer": 15, "type": 8, "name": 8}
"""The columns whose cells may take several lines, and how narrow they get."""

_STYLES = {"input": "dim", "layer": "", "part": "dim", "total": "bold"}


def render(table: Table, width: int | None = None, droppable: bool = True) -> list[Line]:
    """All lines with their styles.

    For a terminal of `width` columns it is fitted: `droppable` columns go, then long cells wrap.
    Elsewhere nothing is left out.
    """
    fitted = _fit(_Fitted.whole(table), width, droppable)
    rule = ("─" * fitted.total, "")
    lines: list[Line] = [(printable(table.report.name), "bold"), ("", "")]
    lines += [*fitted.lines(fitted.cells[0], "bold"), rule]
    for above, row, texts in zip([None, *table.rows], table.rows, fitted.cells[1:], strict=False):
        if above and above.kind in ("input", "layer") and row.kind in ("part", "total"):
            lines.append(rule)
        lines += fitted.lines(texts, _STYLES[row.kind])
    names = ", ".join(fitted.gone)
    gone = [f"No room for {names}: widen the terminal, or choose --columns."] if names else []
    below = [(line, "dim") for line in (*notes(table), *gone)]
    below += [
        (line, "yellow" if line.startswith("warning") else "dim") for line in warning_lines(table)
    ]
    lines.append(("", ""))
    for line, style in below:
        lines += [(part, style) for part in (textwrap.wrap(line, width) if width else [line])]
    return lines


class _Fitted(NamedTuple):
    """Cells (the header first) under the columns that have room, and how wide each is."""

    columns: list[Column]
    cells: list[list[str]]
    widths: list[int]
    gap: int = 2
    gone: tuple[str, ...] = ()

    @classmethod
    def whole(cls, table: Table) -> "_Fitted":
        """Every column at its natural width."""
        columns = list(table.columns)
        header = ["%" if column.kind == "share" else column.title for column in columns]
        rows = [list(map(printable, cells)) for cells in table.grid().rows]
        return cls(columns, [header, *rows], []).measured()

    def measured(self) -> "_Fitted":
        """The same with the widths that the cells need."""
        return self._replace(widths=[max(map(cell_len, c)) for c in zip(*self.cells, strict=True)])

    @property
    def total(self) -> int:
        return sum(self.widths) + self.gap * (len(self.widths) - 1)

    def without(self, key: str) -> "_Fitted":
        """The same without a column."""
        kept = [i for i, column in enumerate(self.columns) if column.key != key]
        gone = tuple(column.title for column in self.columns if column.key == key)
        return self._replace(
            columns=[self.columns[i] for i in kept],
            cells=[[row[i] for i in kept] for row in self.cells],
            widths=[self.widths[i] for i in kept],
            gone=gone + self.gone,
        )

    def without_activations(self) -> "_Fitted":
        """The same with each layer's cell without the activation that is fused into it."""
        fused = [column.key == "layer" for column in self.columns]
        cells = [
            [text.split(" + ")[0] if it else text for text, it in zip(row, fused, strict=True)]
            for row in self.cells
        ]
        gone = () if cells == self.cells else ("activation functions",)
        return self._replace(cells=cells, gone=self.gone + gone).measured()

    def wrapped(self, width: int) -> "_Fitted":
        """The same with the columns of words made narrower; their cells take several lines."""
        widths = list(self.widths)
        places = {column.key: i for i, column in enumerate(self.columns)}
        for key, least in WRAPPED.items():
            over = sum(widths) + self.gap * (len(widths) - 1) - width
            if key in places and over > 0:
                i = places[key]
                widths[i] = max(min(least, widths[i]), widths[i] - over)
        return self._replace(widths=widths)

    def lines(self, texts: list[str], style: str) -> list[Line]:
        """One row, as the lines that its longest cell takes."""
        right = [column.kind != "text" or column.key == "number" for column in self.columns]
        columns = [broken(text, width) for text, width in zip(texts, self.widths, strict=True)]
        lines = (map(padded, c, self.widths, right) for c in zip_longest(*columns, fillvalue=""))
        return [((" " * self.gap).join(cells).rstrip(), style) for cells in lines]


def _fit(fitted: _Fitted, width: int | None, droppable: bool) -> _Fitted:
    """What a terminal of that width has room for, given up step by step."""
    steps: list[Callable[[_Fitted], _Fitted]] = [lambda table: table._replace(gap=1)]
    if droppable:
        dropping = [partial(_Fitted.without, key=key) for key in DROPPED]
        steps = [*dropping, *steps, _Fitted.without_activations]
    for step in steps:
        if width is None or fitted.total <= width:
            return fitted
        fitted = step(fitted)
    return fitted if width is None else fitted.wrapped(width)
