"""A column of the table as bars, layer by layer."""

from fractions import Fraction

from cnncalc.amounts import decimals, percent
from cnncalc.drawing.diagram import Depth, collapsed, short
from cnncalc.drawing.scene import BAR, Item, Polygon, Rect, Scene, Text, widest
from cnncalc.errors import UsageError, printable, shorten
from cnncalc.report import ALWAYS_THERE, Column, Report, column

MARGIN = 16
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
    names, values, extra = [], [], []
    for row in rows:
        value = row.cell(report, counted)
        if value:
            names.append(short(row.block or report.column("name")[row.indices[0]]))
            values.append(value)
            # The total is of inference, except of what is stored and trained.
            parts = {report.column("part")[i] for i in row.indices}
            extra.append(parts == {"auxiliary"} and meant.key not in ALWAYS_THERE)
    title = printable(shorten(report.name, 200))
    total = report.total(meant.key) if meant.total else None
    unit = f"{'largest ' if meant.peak else ''}{total:,}" if total is not None else ""
    heading = f"{title}: {meant.title} by layer" + (f" ({unit})" if unit else "")
    texts = [
        f"{value:,} (in training)" if its_extra else _text(value, meant, total)
        for value, its_extra in zip(values, extra, strict=True)
    ]
    left = MARGIN + widest(names) + 8
    items: list[Item] = [Text(MARGIN, MARGIN + 12, heading, 13, "start", True)]
    top = MARGIN + 28
    most = max(values, default=1)
    boxes = []
    for i, (name, value, text) in enumerate(zip(names, values, texts, strict=True)):
        y = top + STEP * i
        bar = Rect(left, y, max(1.0, float(Fraction(value) * LONGEST / most)), STEP - 6)
        boxes.append(bar)
        items.append(Polygon(bar.corners, "pale" if extra[i] else BAR, extra[i]))
        items.append(Text(left - 8, y + 11, name, 10, "end"))
        items.append(Text(bar.x + bar.width + 6, y + 11, text, 10, "start"))
    bottom = top + STEP * len(names)
    left_out = len(rows) - len(names)
    if left_out:
        text = f"{left_out:,} {'layers have' if left_out > 1 else 'layer has'} none"
        items.append(Text(MARGIN, bottom + 12, text, 10, "start"))
        bottom += STEP
    width = max(item.rect.x + item.rect.width for item in items if isinstance(item, Text))
    description = "No layer has any."
    if values:
        largest = values.index(most)
        description = f"A bar for each layer; the longest is {names[largest]}, {texts[largest]}."
    return Scene(
        width + MARGIN, bottom + MARGIN, tuple(items), heading, description, tuple(boxes)
    ), note


def _text(value: Fraction | int, meant: Column, total: int | None) -> str:
    if isinstance(value, Fraction):
        return decimals(value)
    if total is None or meant.peak:
        return f"{value:,}"
    return f"{value:,} ({percent(value, total)} %)"
