"""The table that every format prints: which rows, which columns, and what stands in each cell."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from cnncalc.amounts import Layout, decimals, percent, shape_text, sizes_text
from cnncalc.errors import UsageError
from cnncalc.page import Grid, Items, Page
from cnncalc.report import CONVENTION, DEFAULT_COLUMNS, PARTS, Column, Report, column
from cnncalc.tables.depth import groups


class Row(NamedTuple):
    """One line. Cells are raw values; `repeated` marks activations that are no new values."""

    kind: Literal["input", "layer", "part", "total"]
    cells: list[Any]
    repeated: bool = False


class Table(NamedTuple):
    """Rows of raw values under columns, and how many rows were left out."""

    report: Report
    columns: tuple[Column, ...]
    rows: list[Row]
    layout: Layout
    left_out: int = 0
    depth: int | None = None
    """How many names deep blocks are shown; None where every layer has its row."""

    def head(self, layers: int) -> "Table":
        """The table with at most that many rows of layers."""
        indices = [i for i, row in enumerate(self.rows) if row.kind == "layer"]
        if len(indices) <= layers:
            return self
        rows = self.rows[: indices[layers]] + self.rows[indices[-1] + 1 :]
        return self._replace(rows=rows, left_out=self.left_out + len(indices) - layers)

    def cell(self, row: Row, index: int) -> str:
        """A cell as people read it: grouped digits, `28×28×6`, one decimal for percents."""
        meant, value = self.columns[index], row.cells[index]
        if value is None:
            return ""
        if meant.kind == "shape":
            return shape_text(value, self.layout)
        if meant.kind == "sizes":
            return sizes_text(value)
        if meant.kind == "share":
            return percent(value, self.report.total(meant.of))
        if meant.kind == "ratio":
            return decimals(value)
        if meant.kind == "count":
            return f"({value:,})" if row.repeated and meant.key == "activations" else f"{value:,}"
        return str(value)


def tabulate(
    report: Report,
    columns: Sequence[str] = DEFAULT_COLUMNS,
    *,
    sort: str | None = None,
    top: int | None = None,
    layout: Layout = "hwc",
    depth: int | None = None,
) -> Table:
    """The table of a report.

    `sort` names the column whose largest values come first, `top` keeps that many rows of layers,
    `depth` collapses blocks to rows of that many names. Raises UsageError.
    """
    chosen = tuple(column(key) for key in columns)
    rows_of_layers = groups(report, depth)
    if sort is not None:
        meant = column(sort)
        if meant.kind not in ("count", "share", "ratio"):
            raise UsageError(f"cannot sort by {sort}; sort by a column of numbers")
        rows_of_layers.sort(key=lambda group: group.cell(report, meant) or 0, reverse=True)
    layers = [
        Row("layer", [group.cell(report, c) for c in chosen], group.repeated(report))
        for group in rows_of_layers
    ]
    rows = [*_inputs(report, chosen), *layers]
    if any(c.total for c in chosen):
        rows += [*_parts(report, chosen), _sums(report, chosen, "total", "total", None)]
    collapsed = len(report.groups()) - len(rows_of_layers)
    table = Table(report, chosen, rows, layout, depth=depth if collapsed else None)
    return table if top is None else table.head(top)


def page(table: Table, caption: str = "", label: str = "") -> Page:
    """The table, its notes and its warnings, for formats that lay it out themselves."""
    foot = sum(row.kind in ("part", "total") for row in table.rows)
    grid = Grid(
        [column.title for column in table.columns],
        [[table.cell(row, i) for i in range(len(table.columns))] for row in table.rows],
        right=[i for i, column in enumerate(table.columns) if column.kind != "text"],
        foot=foot,
        caption=caption,
        label=label,
        note="\n".join(notes(table)),
        name=_place([column.key for column in table.columns], "name", "layer", "type") or 0,
        title=table.report.name,
        meanings=[column.meaning for column in table.columns],
    )
    warnings = warning_lines(table.report)
    return [grid, Items(warnings)] if warnings else [grid]


def _inputs(report: Report, columns: tuple[Column, ...]) -> list[Row]:
    return [
        Row(
            "input",
            [
                {"name": i["name"], "output": i["shape"], "activations": i["activations"]}.get(
                    c.key
                )
                for c in columns
            ],
            repeated=True,
        )
        for i in report.inputs
    ]


def _parts(report: Report, columns: tuple[Column, ...]) -> list[Row]:
    present = [part for part in PARTS if report.total("new_activations", part)]
    if len(present) < 2:
        return []
    return [_sums(report, columns, "part", f"{part} part", part) for part in present]


def _sums(
    report: Report,
    columns: tuple[Column, ...],
    kind: Literal["part", "total"],
    label: str,
    part: str | None,
) -> Row:
    """A row of the foot. Its label stands in the widest column of text."""
    place = _place([c.key for c in columns], "layer", "name", "type")
    cells: list[Any] = []
    for i, c in enumerate(columns):
        if c.kind == "ratio":
            cells.append(report.ratio(c, part))
        elif c.total or c.kind == "share":
            cells.append(report.total(c.of or c.key, part))
        else:
            cells.append(label if i == place else None)
    return Row(kind, cells)


def _place(keys: Sequence[str], *wanted: str) -> int | None:
    """Where the first of the wanted columns stands that there is."""
    return next((keys.index(key) for key in wanted if key in keys), None)


def notes(table: Table) -> list[str]:
    """The lines under a table: the convention, then what its signs mean."""
    lines = [CONVENTION]
    keys = [c.key for c in table.columns]
    lines += [line for key in keys for line in table.report.remarks.get(key, ())]
    if {"bytes_moved", "intensity"} & set(keys):
        lines.append("Bytes moved are a lower bound (each value once), FLOPs/byte an upper bound.")
    if "layer" in keys and any(warned for warned in table.report.column("stride")):
        lines.append("s stride, p padding (of each side; a+b where they differ).")
    if "activations" in keys and any(row.repeated for row in table.rows if row.kind == "layer"):
        lines.append("(…) are no new values: not counted again in the total.")
    if table.depth is not None:
        rows = len(table.report.groups())
        lines.append(f"Blocks collapsed to depth {table.depth}; --depth all shows all {rows} rows.")
    if table.left_out:
        noun = "row" if table.left_out == 1 else "rows"
        lines.append(
            f"{table.left_out:,} more {noun} not shown (--depth all shows all); totals count all."
        )
    return lines


def warning_lines(report: Report) -> list[str]:
    """The warnings, one a line: fractions that lose input, then all others collapsed."""
    lines: dict[tuple[str, str], list[str]] = {}
    gaps: dict[str, list[str]] = {}
    harmless: list[str] = []
    for warning in report.warnings:
        if warning.kind == "gap":
            gaps.setdefault(warning.message, []).append(warning.layer)
        elif warning.harms:
            fits = f"; fits with {fixes_text(warning.fixes)}" if warning.fixes else ""
            lines.setdefault((warning.layer, warning.message + fits), []).append(warning.axis)
        elif not warning.window.gap:
            harmless.append(warning.layer)
    texts = [
        f"warning: {layer}: {' and '.join(axes)}: {message}"
        for (layer, message), axes in lines.items()
    ]
    texts += [f"note: {message}: {_some(layers)}" for message, layers in gaps.items()]
    if harmless:
        message = "the stride leaves a fraction but loses no input (harmless)"
        texts.append(f"note: {message}: {_some(harmless)}")
    return texts


def _some(layers: list[str]) -> str:
    """The first few different names, and how many more there are."""
    names = list(dict.fromkeys(layers))
    return ", ".join(names[:8]) + (f" and {len(names) - 8:,} more" if len(names) > 8 else "")


def fixes_text(fixes: Sequence[dict[str, Any]]) -> str:
    """`input 223 or 227, kernel_size 12, padding 1+2, or stride 3`."""
    values: dict[str, list[str]] = {}
    for fix in fixes:
        for name, value in fix.items():
            text = "+".join(map(str, value)) if isinstance(value, list) else str(value)
            values.setdefault(name, []).append(text)
    texts = [f"{name} {' or '.join(those)}" for name, those in values.items()]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])}, or {texts[-1]}"
