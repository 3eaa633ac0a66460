"""The table that every format prints: which rows, which columns, and what stands in each cell."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from cnncalc.amounts import Layout, amount, decimals, percent, shape_text, sizes_text
from cnncalc.analysis.notices import Notice
from cnncalc.errors import UsageError
from cnncalc.meanings import CONVENTION, COUNTED, DEFAULT_COLUMNS, Column, column
from cnncalc.page import Grid, Items, Page
from cnncalc.report import PARTS, Report
from cnncalc.tables.depth import groups

ROUNDED = "Rounded to three digits; without --units, in CSV and in JSON they are exact."
"""What stands below counts with units."""


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
    rounded: bool = False
    """Whether counts are rounded and have units."""
    blocks: Mapping[str, str] = MappingProxyType({})
    """The block in whose row a layer is, where it has none of its own."""

    def cell(self, row: Row, index: int) -> str:
        """A cell as people read it: grouped digits, `28×28×6`, one decimal for percents."""
        meant, value = self.columns[index], row.cells[index]
        if value is None:
            return ""
        match meant.kind:
            case "shape":
                return shape_text(value, self.layout)
            case "sizes":
                return sizes_text(value)
            case "share":
                return percent(value, self.report.total(meant.of))
            case "ratio":
                return decimals(value)
            case "count":
                repeated = row.repeated and meant.key == "activations"
                text = amount(value, meant.unit if self.rounded else "", rounded=self.rounded)
                return f"({text})" if repeated else text
        return str(value)

    def grid(self) -> Grid:
        """Its cells as people read them."""
        return Grid(
            [column.title for column in self.columns],
            [[self.cell(row, index) for index in range(len(self.columns))] for row in self.rows],
            right=[i for i, column in enumerate(self.columns) if column.kind != "text"],
            foot=sum(row.kind in ("part", "total") for row in self.rows),
        )


def tabulate(
    report: Report,
    columns: Sequence[str] = DEFAULT_COLUMNS,
    *,
    sort: str | None = None,
    top: int | None = None,
    layout: Layout = "hwc",
    depth: int | None = None,
    rounded: bool = False,
) -> Table:
    """The table of a report.

    `sort` names the column whose largest values come first, `top` keeps that many rows of layers,
    `depth` collapses blocks to rows of that many names, `rounded` writes 25.6 M. Raises UsageError.
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
    shown = layers[:top]
    rows = [*_inputs(report, chosen), *shown]
    # A sum of a part of the layers would be read as the network's.
    if any(c.total for c in chosen) and not report.missing:
        rows += [_sums(report, chosen, part) for part in (*_parts(report), None)]
    collapsed = len(report.groups()) - len(rows_of_layers)
    left_out = len(layers) - len(shown)
    names = report.column("name")
    blocks = {
        names[i]: group.block for group in rows_of_layers if group.block for i in group.indices
    }
    shown_depth = depth if collapsed else None
    return Table(report, chosen, rows, layout, left_out, shown_depth, rounded, blocks)


def page(table: Table, caption: str = "", label: str = "") -> Page:
    """The table, its notes and its warnings, for formats that lay it out themselves."""
    grid = table.grid()._replace(
        caption=caption,
        label=label,
        note="\n".join(notes(table)),
        name=_place([column.key for column in table.columns], "name", "layer", "type") or 0,
        title=table.report.name,
        meanings=[column.meaning for column in table.columns],
    )
    warnings = warning_lines(table)
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


def _parts(report: Report) -> list[str]:
    """The parts that a network has, where it has several."""
    present = [part for part in PARTS if report.total("new_activations", part)]
    return present if len(present) > 1 else []


def _sums(report: Report, columns: tuple[Column, ...], part: str | None) -> Row:
    """A row of the foot: of a part, or of all. Its label stands in the widest column of text."""
    label = f"{part} part" if part else "total"
    place = _place([c.key for c in columns], "layer", "name", "type")
    cells: list[Any] = []
    for i, c in enumerate(columns):
        if c.kind == "ratio":
            cells.append(report.ratio(c, part))
        elif c.total or c.kind == "share":
            cells.append(report.total(c.of or c.key, part))
        else:
            cells.append(label if i == place else None)
    return Row("part" if part else "total", cells)


def _place(keys: Sequence[str], *wanted: str) -> int | None:
    """Where the first of the wanted columns stands that there is."""
    return next((keys.index(key) for key in wanted if key in keys), None)


def notes(table: Table) -> list[str]:
    """The lines under a table: what was asked, the convention, then what its signs mean."""
    keys = [c.key for c in table.columns]
    remarks = [line for key in keys for line in table.report.remarks.get(key, ())]
    rows = len(table.report.groups())
    noun = "row" if table.left_out == 1 else "rows"
    repeated = any(row.repeated for row in table.rows if row.kind == "layer")
    missing = table.report.missing
    more = f" and {len(missing) - 1:,} more layers have" if len(missing) > 1 else " has"
    lines = {
        f"Up to where it does not fit: {''.join(missing[:1])}{more} no row.": bool(missing),
        "Bytes moved are a lower bound (each value once), FLOPs/byte an upper bound.": (
            "bytes_moved" in keys or "intensity" in keys
        ),
        "s stride, p padding (of each side; a+b where they differ).": (
            "layer" in keys and any(table.report.column("stride"))
        ),
        "(…) are no new values: not counted again in the total.": (
            "activations" in keys and repeated
        ),
        f"Blocks collapsed to depth {table.depth}; --depth all shows all {rows} rows.": (
            table.depth is not None
        ),
        f"{table.left_out:,} more {noun} not shown (--depth all shows all); totals count all.": (
            table.left_out > 0
        ),
    }
    said = [line for line, holds in lines.items() if holds]
    asked = table.report.asked.note(table.layout)
    digits = [ROUNDED] * table.rounded
    return [*asked, *convention(keys), *remarks, *said, *digits]


def convention(keys: Iterable[str]) -> list[str]:
    """The line that says how columns count, where one of them does."""
    return [CONVENTION] if not COUNTED.isdisjoint(keys) else []


def notices(report: Report) -> list[Notice]:
    """What is to be said of a network as a whole, as of layers that nothing reads."""
    return [warning for warning in report.warnings if isinstance(warning, Notice)]


def warning_lines(table: Table) -> list[str]:
    """The warnings, one a line: what nothing reads, fractions that lose input, then all others
    collapsed.

    Where a layer has no row of its own, the block that has one is named.
    """
    blocks = table.blocks
    lines: dict[tuple[str, str], list[str]] = {}
    gaps: dict[str, list[str]] = {}
    harmless: list[str] = []
    for warning in table.report.warnings:
        if isinstance(warning, Notice):
            continue
        row = blocks.get(warning.layer, warning.layer)
        if warning.kind == "gap":
            gaps.setdefault(warning.message, []).append(row)
        elif warning.harms:
            lines.setdefault((warning.layer, warning.sentence), []).append(warning.axis)
        elif not warning.window.gap:
            harmless.append(row)
    notes = gaps | {"the stride leaves a fraction but loses no input (harmless)": harmless}
    return [
        *(notice.line for notice in notices(table.report)),
        *[f"note: left out: {table.report.left_out}"] * bool(table.report.left_out),
        *(
            f"warning: {layer}{_inside(blocks.get(layer))}: {' and '.join(axes)}: {sentence}"
            for (layer, sentence), axes in lines.items()
        ),
        *(f"note: {message}: {_some(layers)}" for message, layers in notes.items() if layers),
    ]


def _inside(block: str | None) -> str:
    return f" (in {block})" if block else ""


def _some(layers: list[str]) -> str:
    """The first few different names, and how many more there are."""
    names = list(dict.fromkeys(layers))
    return ", ".join(names[:8]) + (f" and {len(names) - 8:,} more" if len(names) > 8 else "")
