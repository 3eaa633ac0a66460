"""Which layers share a row: each with its fused activation, or whole blocks as one."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

from cnncalc.meanings import Column, column
from cnncalc.report import Report, ratio

MAX_ROWS = 60
"""About how many rows of layers people are shown when they do not say."""


class Group(NamedTuple):
    """The layers of one row, by their indices; `block` is the path of a collapsed block."""

    indices: list[int]
    block: str = ""
    rows: int = 1
    """How many rows it would be if it were not collapsed."""

    def cell(self, report: Report, meant: Column) -> Any:
        """The row's value in a column: sums add up, shapes are those at its ends."""
        if meant.kind == "ratio":
            return ratio(*(self.cell(report, column(key)) for key in meant.of.split("/")))
        known = report.column(meant.key)
        values = [known[index] for index in self.indices]
        if meant.fused == "sum":
            return sum(values)
        if meant.fused == "max":
            return max(values)
        if self.block and meant.key == "activations":
            return sum(report.column("new_activations")[index] for index in self.indices)
        if meant.fused == "both" and not self.block:
            return " + ".join(values)
        # What says how an output lies over the input is that of the block's output, too.
        if meant.kind == "shape" or not self.block or meant.fused == "last":
            return values[0 if meant.fused == "first" else -1]
        if meant.key == "misaligned":
            return next(filter(None, values), None)
        of_block = {"name": self.block, "layer": f"{self.rows} layers", "type": "block"}
        return of_block.get(meant.key, values[-1] if meant.key in ("number", "part") else None)

    def repeated(self, report: Report) -> bool:
        """Whether none of its values are new."""
        return not any(report.column("new_activations")[index] for index in self.indices)


def groups(report: Report, depth: int | None = None) -> list[Group]:
    """The rows of a report: all, or with every block below `depth` names collapsed into one."""
    rows = [Group(indices) for indices in report.groups()]
    return rows if depth is None else in_blocks(report, rows, depth)


def in_blocks(report: Report, rows: list[Group], depth: int, fewest: int = 1) -> list[Group]:
    """The rows, with neighbours in the same block of `depth` names in one: `fewest` or more."""
    names = report.column("name")

    def block_of(row: Group) -> str:
        parts = names[row.indices[0]].split(".")
        return ".".join(parts[:depth]) if len(parts) > depth else ""

    found: list[Group] = []
    for block, run in groupby(rows, block_of):
        inside = list(run)
        found += [merged(inside, block)] if block and len(inside) >= fewest else inside
    return found


def merged(rows: Sequence[Group], block: str = "") -> Group:
    """Several rows as one."""
    return Group([i for row in rows for i in row.indices], block, sum(row.rows for row in rows))


def fitting_depth(report: Report) -> int | None:
    """The deepest collapse that gives at most MAX_ROWS rows; None where all rows fit anyway."""
    rows = report.groups()
    if len(rows) <= MAX_ROWS:
        return None
    deepest = max(report.column("name")[row[0]].count(".") for row in rows)
    depths = (d for d in range(deepest, 1, -1) if len(groups(report, d)) <= MAX_ROWS)
    return next(depths, 1 if deepest else None)
