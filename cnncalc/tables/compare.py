"""Several networks in one table, a row each."""

import json as _json
from collections.abc import Sequence
from typing import Any

from cnncalc.amounts import Layout, shape_text
from cnncalc.page import Grid, Page
from cnncalc.report import CONVENTION, Report, column
from cnncalc.tables.csv import as_csv, text_cell

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
            *(report.total(key) for key in keys),
        ]
        for name, report in networks
    ]


def page(
    networks: Networks, keys: Sequence[str], layout: Layout, caption: str = "", label: str = ""
) -> Page:
    """The table and what is to be said of its counts."""
    cells = [list(map(_cell, row)) for row in rows(networks, keys, layout)]
    note = "\n".join(_notes(networks, keys))
    right = range(1, 3 + len(keys))
    title = ", ".join(name for name, _ in networks[:3]) + " …" * (len(networks) > 3)
    header = ["network", "input", "layers", *(column(key).title for key in keys)]
    return [Grid(header, cells, right, caption=caption, label=label, note=note, title=title)]


def comma_separated(networks: Networks, keys: Sequence[str], layout: Layout) -> str:
    """The table as CSV, with the columns' keys and raw numbers."""
    cells = [
        [text_cell(name), shape.replace("×", "x"), *numbers]
        for name, shape, *numbers in rows(networks, keys, layout)
    ]
    return as_csv([["network", "input", "layers", *keys], *cells])


def json(networks: Networks) -> str:
    """The JSON of every report, with what the command line called its spec."""
    entries = [{"spec": name, **report.to_dict()} for name, report in networks]
    return _json.dumps(entries, ensure_ascii=False, indent=1) + "\n"


def _notes(networks: Networks, keys: Sequence[str]) -> list[str]:
    """The convention, and what is to be said of a network's counts."""
    said = [(name, r.remarks.get(key, ())) for name, r in networks for key in keys]
    said += [(name, [f"left out: {r.left_out}"]) for name, r in networks if r.left_out]
    return [CONVENTION, *(f"{name}: {line}" for name, lines in said for line in lines)]


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
