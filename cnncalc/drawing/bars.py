"""A column of the table as bars, layer by layer."""

from fractions import Fraction

from cnncalc.amounts import decimals, percent
from cnncalc.drawing.diagram import Depth, collapsed, short, title_of
from cnncalc.drawing.scene import (
    BAR,
    FIRST,
    MARGIN,
    Item,
    Polygon,
    Rect,
    Scene,
    Text,
    titled,
    widest,
)
from cnncalc.errors import UsageError
from cnncalc.meanings import Column, column
from cnncalc.report import ALWAYS_THERE, Report

LONGEST = 420
"""How long the bar of the largest value is."""
STEP = 20
"""From one bar to the next."""


def bars(report: Report, key: str, depth: Depth) -> tuple[Scene, str]:
    """The bars of a column of numbers, with shares where it adds up; and what was collapsed.

    Raises UsageError.
    """
    meant = column(key)
    if meant.kind not in ("count", "share", "ratio"):
        raise UsageError(f"{key} is no column of numbers; bars draw params, macs, activations, …")
    meant = column(meant.of) if meant.kind == "share" else meant
    rows, note = collapsed(report, depth)
    # Values that another layer has already counted are no part of the total.
    counted = column("new_activations") if meant.key == "activations" else meant
    shown = [row for row in rows if row.cell(report, counted)]
    names = [short(row.block or report.column("name")[row.indices[0]]) for row in shown]
    values = [row.cell(report, counted) for row in shown]
    # The total is of inference, except of what is stored and trained.
    parts = [{report.column("part")[i] for i in row.indices} for row in shown]
    extra = [its == {"auxiliary"} and meant.key not in ALWAYS_THERE for its in parts]
    total = report.total(meant.key) if meant.total else None
    unit = f" ({'largest ' if meant.peak else ''}{total:,})" if total is not None else ""
    texts = [
        f"{value:,} (in training)" if its_extra else _text(value, meant, total)
        for value, its_extra in zip(values, extra, strict=True)
    ]
    left = MARGIN + widest(names) + 8
    most = max(values, default=1)
    items: list[Item] = []
    boxes = [
        Rect(left, FIRST + STEP * i, max(1.0, float(Fraction(v) * LONGEST / most)), STEP - 6)
        for i, v in enumerate(values)
    ]
    for name, text, bar, its_extra in zip(names, texts, boxes, extra, strict=True):
        items += [
            Polygon(bar.corners, "pale" if its_extra else BAR, its_extra),
            Text(left - 8, bar.y + 11, name, 10, "end"),
            Text(bar.x + bar.width + 6, bar.y + 11, text, 10, "start"),
        ]
    bottom = FIRST + STEP * len(names)
    left_out = len(rows) - len(names)
    if left_out:
        text = f"{left_out:,} {'layers have' if left_out > 1 else 'layer has'} none"
        items.append(Text(MARGIN, bottom + 12, text, 10, "start"))
        bottom += STEP
    description = "No layer has any."
    if values:
        largest = values.index(most)
        description = f"A bar for each layer; the longest is {names[largest]}, {texts[largest]}."
    title = f"{title_of(report)}: {meant.title} by layer{unit}"
    return titled(title, description, items, boxes, bottom), note


def _text(value: Fraction | int, meant: Column, total: int | None) -> str:
    if isinstance(value, Fraction):
        return decimals(value)
    if total is None or meant.peak:
        return f"{value:,}"
    return f"{value:,} ({percent(value, total)} %)"
