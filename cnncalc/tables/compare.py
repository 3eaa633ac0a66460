"""Several networks in one table, a row each."""

import json as _json
from collections.abc import Sequence
from typing import Any

from cnncalc.amounts import Layout, shape_text
from cnncalc.asked import asked_notes
from cnncalc.meanings import CONVENTION, column
from cnncalc.page import Grid, Page
from cnncalc.report import Report
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
    note = "\n".join(notes(networks, keys, layout))
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


def json(networks: Networks, columns: Sequence[str] = ()) -> str:
    """The JSON of every report, with the columns as more keys, and what the command line called
    its spec."""
    entries = [{"spec": name, **report.to_dict(columns)} for name, report in networks]
    return _json.dumps(entries, ensure_ascii=False, indent=1) + "\n"


def notes(networks: Networks, keys: Sequence[str], layout: Layout) -> list[str]:
    """What was asked, once where it is the same of all; the convention, and what is to be said of
    a network's counts."""
    said = [(name, r.remarks.get(key, ())) for name, r in networks for key in keys]
    return [
        *asked_notes([(name, r.asked) for name, r in networks], layout),
        CONVENTION,
        *(f"{name}: {line}" for name, lines in said for line in lines),
    ]


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
