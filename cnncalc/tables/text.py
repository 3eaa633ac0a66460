"""The table for a terminal.

Laid out by us and not by rich's table, which cuts what does not fit: a number is never cut. rich
colours it, and is imported only where there is a terminal to colour.
"""

import textwrap
from collections.abc import Collection

from cnncalc.errors import printable
from cnncalc.render.fitted import Fitted, fit, no_room
from cnncalc.render.terminal import Line
from cnncalc.tables.table import Table, notes, warning_lines

SPARE = ("macs_share", "params_share", "flops")
"""What a narrow terminal does without, in this order: all of it follows from other columns."""
LAST = ("activations",)
"""What goes where narrower names do not help either."""
DROPPED = (*SPARE, *LAST)

_FLOORS = {"layer": 15}
"""How narrow a column of words gets, where it is not as narrow as others."""
_STYLES = {"input": "dim", "layer": "", "part": "dim", "total": "bold"}


def render(
    table: Table, width: int | None = None, droppable: Collection[str] = DROPPED
) -> list[Line]:
    """All lines with their styles.

    For a terminal of `width` columns it is fitted: of the columns those that are `droppable` go,
    and long cells wrap. Elsewhere nothing is left out.
    """
    keys = [column.key for column in table.columns]

    def places(wanted: Collection[str]) -> list[int]:
        return [keys.index(key) for key in wanted if key in keys and key in droppable]

    def without_activations(fitted: Fitted) -> Fitted:
        """Each layer's cell without the activation that is fused into it."""
        layers = [place for place in fitted.columns if droppable and keys[place] == "layer"]
        found = fitted
        for index in map(fitted.columns.index, layers):
            cells = [[*r[:index], r[index].split(" + ")[0], *r[index + 1 :]] for r in fitted.cells]
            found = fitted._replace(cells=cells, shortened=cells != fitted.cells)
        return found.measured(titles=False)

    grid = table.grid()
    header = ["%" if column.kind == "share" else column.title for column in table.columns]
    whole = Fitted.whole(header, grid.rows, grid.right)
    right = {i for i, column in enumerate(table.columns) if column.key == "number"}
    parts = fit(
        whole._replace(right={*grid.right, *right}),
        width,
        spare=places(SPARE),
        last=places(LAST),
        name=next((keys.index(key) for key in ("name", "layer", "type") if key in keys), 0),
        floors=[_FLOORS.get(key, 0) for key in keys],
        shorter=without_activations,
    )
    lines: list[Line] = [(part, "bold") for part in _wrapped(table.report.name, width)]
    for part in parts:
        lines += [("", ""), *part.drawn([_STYLES[row.kind] for row in table.rows], grid.foot)]
    gone = [table.columns[place].title for place in sorted(parts[0].gone)]
    gone += ["activation functions"] * parts[0].shortened
    below = [(line, "dim") for line in (*notes(table), *no_room(gone))]
    below += [
        (line, "yellow" if line.startswith("warning") else "dim") for line in warning_lines(table)
    ]
    lines += [("", "")] * bool(below)
    for line, style in below:
        lines += [(part, style) for part in _wrapped(line, width)]
    return lines


def _wrapped(text: str, width: int | None) -> list[str]:
    return textwrap.wrap(printable(text), width) if width else [printable(text)]
