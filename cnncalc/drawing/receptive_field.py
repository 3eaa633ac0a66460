"""How the receptive field grows: what the middle position of each layer's output reads."""

from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.analysis.receptive_field import Axis, receptive_fields
from cnncalc.drawing.diagram import Depth, collapsed, short, title_of
from cnncalc.drawing.scene import (
    BAR,
    FIRST,
    MARGIN,
    Item,
    Line,
    Polygon,
    Rect,
    Scene,
    Text,
    titled,
    widest,
)
from cnncalc.errors import UsageError, printable
from cnncalc.infer import Facts
from cnncalc.layers.base import AXIS_NAMES
from cnncalc.report import Report

INPUT = 480
"""How long the input is drawn."""
BEYOND = 60
"""How far beyond the input, at each end, what reads padding is followed."""
STEP = 20
APART = 16
"""Between two axes."""
_DESCRIPTION = (
    "For each layer, the interval of the input that the middle position of its output can "
    "depend on; the lines are the borders of the input."
)


class Row(NamedTuple):
    """A layer: the input positions that the middle of its output reads, and that in words."""

    name: str
    first: int
    last: int
    text: str


def receptive_field(report: Report, facts: list[Facts], depth: Depth) -> tuple[Scene, str]:
    """Intervals over each axis of the first input, axes that are alike once; and what was
    collapsed. Raises UsageError for an input without axes.
    """
    first = report.inputs[0]
    # Ids of tokens have no channels.
    sizes = first["shape"] if "dtype" in first else first["shape"][1:]
    if not sizes:
        raise UsageError(
            f"{printable(first['name'])} is a vector: there is no receptive field to draw"
        )
    rows, note = collapsed(report, depth)
    traces = receptive_fields(facts)
    # What reads other inputs only has no interval here.
    reached = {first["name"]}
    for fact in facts:
        if not reached.isdisjoint(fact.node.inputs):
            reached.add(fact.node.name)
    panels: dict[tuple[int, tuple[Row, ...]], list[str]] = {}
    for axis, (size, axis_name) in enumerate(zip(sizes, AXIS_NAMES[len(sizes)], strict=True)):
        found = []
        for group in (row for row in rows if facts[row.indices[-1]].node.name in reached):
            first_name, last = report.column("name")[group.indices[0]], group.indices[-1]
            shape = facts[last].output
            length = shape[axis + 1] if len(shape) == len(sizes) + 1 else 1
            found.append(
                _row(short(group.block or first_name), traces[last].axes[axis], size, length)
            )
        panels.setdefault((size, tuple(found)), []).append(axis_name)
    items: list[Item] = []
    boxes: list[Rect] = []
    bottom = FIRST - APART
    for (size, its_rows), names in panels.items():
        text = f"{size:,} along {' and '.join(names)}"
        whole = Row(short(first["name"]), 0, size - 1, text)
        bottom = _panel(items, boxes, size, [whole, *its_rows], bottom + APART)
    title = f"{title_of(report)}: receptive field"
    return titled(title, _DESCRIPTION, items, boxes, bottom), note


def _row(name: str, axis: Axis, size: int, length: int) -> Row:
    """What the middle one of `length` output positions reads."""
    if axis is None:
        return Row(name, 0, -1, "not followed")
    if axis == "all":
        return Row(name, 0, size - 1, "the whole input")
    ends = axis.at((length - 1) // 2)
    text = f"{axis.extent:,}, stride {axis.stride}" if ends else "reads nothing there"
    return Row(name, *(ends or (0, -1)), text)


def _panel(items: list[Item], boxes: list[Rect], size: int, rows: Sequence[Row], y: float) -> float:
    """The rows of one axis from y on, the input's own first; where they end."""
    outside = max(max(-row.first, row.last - size + 1, 0) for row in rows)
    beyond = min(float(BEYOND), outside * INPUT / size)
    left = MARGIN + widest([row.name for row in rows]) + 10 + beyond
    right = left + INPUT
    for i, row in enumerate(rows):
        top = y + STEP * i
        items += [
            Text(left - beyond - 10, top + 11, row.name, 10, "end"),
            Text(right + beyond + 8, top + 11, row.text, 10, "start"),
        ]
        if row.last < row.first:
            continue
        start, end = (
            left + min(max(position * INPUT / size, -beyond), INPUT + beyond)
            for position in (row.first, row.last + 1)
        )
        bar = Rect(start, top, max(1.0, end - start), STEP - 6)
        boxes.append(bar)
        inside = max(start, left)
        width = min(end, right) - inside
        if bar.width > width:
            items.append(Polygon(bar.corners, "pale", True))
        if width > 0:
            part = Rect(inside, top, max(1.0, width), STEP - 6)
            items.append(Polygon(part.corners, BAR if i else "input"))
    bottom = y + STEP * len(rows)
    items += [Line(((x, y - 4), (x, bottom)), dashed=True) for x in (left, right)]
    return bottom
