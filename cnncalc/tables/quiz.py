"""The table as an exercise: some cells are blank, and the key fills them in."""

from collections.abc import Collection
from random import Random

from cnncalc.amounts import Layout
from cnncalc.page import Grid, Heading, Page, Prose
from cnncalc.report import Report
from cnncalc.tables.table import tabulate

ASKED = ("output", "activations", "params", "macs")
"""The columns whose cells may be blank."""
BLANK = "____"
SHARE = 2
"""One of so many cells is blank."""


def page(
    report: Report, seed: int, answers: bool, layout: Layout, layers: Collection[str] = ()
) -> Page:
    """The table with blanks, or with `answers` what belongs there; the same for the same seed."""
    table = tabulate(report, ("name", "layer", *ASKED), layout=layout)
    random, grid = Random(seed), table.grid()
    rows = list(map(list, grid.rows))
    key: list[list[str]] = []
    for row, cells in zip(table.rows, rows, strict=True):
        for index, column in enumerate(table.columns):
            # Drawn for every cell, so that the blanks do not depend on what is in them.
            drawn = random.randrange(SHARE) == 0
            asked = row.kind != "input" and column.key in ASKED and cells[index]
            if asked and drawn and (not layers or cells[0] in layers):
                key.append([str(len(key) + 1), cells[0] or cells[1], column.title, cells[index]])
                cells[index] = f"{BLANK}({len(key)})"
    title = report.asked.titled(report.name, layout)
    if answers:
        return [
            Heading(f"{title}: answers, seed {seed}", 1),
            Grid(["blank", "layer", "column", "answer"], key, right=[0, 3]),
        ]
    asked_for = f"Fill in the {len(key)} blanks; --answers --seed {seed} prints the key."
    return [Heading(title, 1), grid._replace(rows=rows), Prose(asked_for)]
