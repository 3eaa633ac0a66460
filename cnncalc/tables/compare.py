"""Several networks in one table, a row each."""

import json as _json
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from cnncalc.amounts import Layout, amount, decimals, shape_text
from cnncalc.asked import asked_notes
from cnncalc.meanings import column
from cnncalc.page import Grid
from cnncalc.report import Report
from cnncalc.tables.csv import as_csv, raw, text_cell
from cnncalc.tables.table import ROUNDED, convention

COMPARED = ("activations", "params", "macs", "flops")
"""The totals that stand beside each other when no columns are chosen."""
SPARE = ("flops", "activations")
"""Those of them that a narrow terminal does without, in this order."""

Networks = Sequence[tuple[str, Report]]
"""Reports with what the command line called their specs."""


def rows(networks: Networks, keys: Sequence[str], layout: Layout) -> list[list[Any]]:
    """Spec, input, layers and the totals of every network. Raises UsageError."""
    return [
        [
            name,
            " + ".join(shape_text(entry["shape"], layout) for entry in report.inputs),
            report.layers,
            *(total(report, key) for key in keys),
        ]
        for name, report in networks
    ]


def total(report: Report, key: str) -> int | Fraction | None:
    """A network's total, or the ratio of two of them. Raises UsageError."""
    meant = column(key)
    return report.ratio(meant) if meant.kind == "ratio" else report.total(key)


def grid(
    networks: Networks,
    keys: Sequence[str],
    layout: Layout,
    left_out: int = 0,
    spare: Sequence[str] = (),
    rounded: bool = False,
) -> Grid:
    """The table and what is to be said of its counts; `spare` columns go where there is no room."""
    units = [column(key).unit for key in keys]
    cells = [
        [*map(str, row[:3]), *(_cell(n, u, rounded) for n, u in zip(row[3:], units, strict=True))]
        for row in rows(networks, keys, layout)
    ]
    more = f"{left_out:,} more network{'s' * (left_out > 1)} not shown."
    said = [*notes(networks, keys, layout), *([more] if left_out else []), *[ROUNDED] * rounded]
    title = ", ".join(name for name, _ in networks[:3]) + " …" * (len(networks) > 3)
    first = ["network", "input", "layers"]
    return Grid(
        [*first, *(column(key).title for key in keys)],
        cells,
        right=range(1, len(first) + len(keys)),
        note="\n".join(said),
        title=title,
        spare=[len(first) + keys.index(key) for key in spare if key in keys],
    )


def comma_separated(networks: Networks, keys: Sequence[str], layout: Layout) -> str:
    """The table as CSV, with the columns' keys and raw numbers."""
    cells = [
        [text_cell(name), shape.replace("×", "x"), *map(raw, numbers)]
        for name, shape, *numbers in rows(networks, keys, layout)
    ]
    return as_csv([["network", "input", "layers", *keys], *cells])


def json(networks: Networks, columns: Sequence[str] = ()) -> str:
    """The JSON of every report, with the columns as more keys, and what the command line called
    its spec."""
    entries = [{"spec": name, **report.to_dict(columns)} for name, report in networks]
    return _json.dumps(entries, ensure_ascii=False, indent=1) + "\n"


def notes(networks: Networks, keys: Sequence[str], layout: Layout) -> list[str]:
    """What was asked, once where it is the same of all; the convention, and what is to be said of
    a network's counts."""
    said = [(name, r.remarks.get(key, ())) for name, r in networks for key in keys]
    said += [(name, [f"left out: {r.left_out}"]) for name, r in networks if r.left_out]
    return [
        *asked_notes([(name, r.asked) for name, r in networks], layout),
        *convention(keys),
        *(f"{name}: {line}" for name, lines in said for line in lines),
    ]


def _cell(value: int | Fraction | None, unit: str, rounded: bool) -> str:
    if isinstance(value, int):
        return amount(value, unit if rounded else "", rounded=rounded)
    return "" if value is None else decimals(value)
