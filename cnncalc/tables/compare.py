"""Several networks in one table, a row each."""

import json as _json
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from cnncalc.amounts import Layout, decimals, shape_text
from cnncalc.asked import asked_notes
from cnncalc.meanings import column
from cnncalc.page import Grid, Page
from cnncalc.report import Report
from cnncalc.tables.csv import as_csv, raw, text_cell
from cnncalc.tables.table import convention

COMPARED = ("activations", "params", "macs", "flops")
"""The totals that stand beside each other when no columns are chosen."""

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


def page(
    networks: Networks,
    keys: Sequence[str],
    layout: Layout,
    left_out: int = 0,
    caption: str = "",
    label: str = "",
) -> Page:
    """The table and what is to be said of its counts."""
    cells = [list(map(_cell, row)) for row in rows(networks, keys, layout)]
    more = f"{left_out:,} more network{'s' * (left_out > 1)} not shown."
    note = "\n".join([*notes(networks, keys, layout), *([more] if left_out else [])])
    right = range(1, 3 + len(keys))
    title = ", ".join(name for name, _ in networks[:3]) + " …" * (len(networks) > 3)
    header = ["network", "input", "layers", *(column(key).title for key in keys)]
    return [Grid(header, cells, right, caption=caption, label=label, note=note, title=title)]


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


def _cell(value: Any) -> str:
    if isinstance(value, Fraction):
        return decimals(value)
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else str(value)
