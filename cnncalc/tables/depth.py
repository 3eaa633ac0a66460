"""Which layers share a row: each with its fused activation, or whole blocks as one."""

from typing import Any, NamedTuple

from cnncalc.report import Column, Report, column, ratio

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
        if not self.block:
            joined = meant.fused == "both"
            return " + ".join(values) if joined else values[0 if meant.fused == "first" else -1]
        if meant.key == "activations":
            return sum(report.column("new_activations")[index] for index in self.indices)
        if meant.kind == "shape":
            return values[0 if meant.fused == "first" else -1]
        of_block = {"name": self.block, "layer": f"{self.rows} layers", "type": "block"}
        return of_block.get(meant.key, values[-1] if meant.key in ("number", "part") else None)

    def repeated(self, report: Report) -> bool:
        """Whether none of its values are new."""
        return not any(report.column("new_activations")[index] for index in self.indices)


def groups(report: Report, depth: int | None = None) -> list[Group]:
    """The rows of a report: all, or with every block below `depth` names collapsed into one."""
    rows = [Group(indices) for indices in report.groups()]
    if depth is None:
        return rows
    names = report.column("name")
    collapsed: list[Group] = []
    for row in rows:
        parts = names[row.indices[0]].split(".")
        block = ".".join(parts[:depth]) if len(parts) > depth else ""
        if block and collapsed and collapsed[-1].block == block:
            indices, _, number = collapsed[-1]
            indices.extend(row.indices)
            collapsed[-1] = Group(indices, block, number + 1)
        else:
            collapsed.append(Group(row.indices, block))
    return collapsed


def fitting_depth(report: Report) -> int | None:
    """The deepest collapse that gives at most MAX_ROWS rows; None where all rows fit anyway."""
    rows = report.groups()
    if len(rows) <= MAX_ROWS:
        return None
    deepest = max(report.column("name")[row[0]].count(".") for row in rows)
    for depth in range(deepest, 1, -1):
        if len(groups(report, depth)) <= MAX_ROWS:
            return depth
    return 1 if deepest else None
