"""How the receptive field grows: what the middle position of each layer's output reads."""

from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.analysis.receptive_field import Axis, Field, receptive_fields
from cnncalc.drawing.diagram import Depth, collapsed, short
from cnncalc.drawing.scene import BAR, Item, Line, Polygon, Rect, Scene, Text, widest
from cnncalc.errors import UsageError, printable, shorten
from cnncalc.infer import Facts
from cnncalc.layers.base import AXIS_NAMES
from cnncalc.report import Report

MARGIN = 16
INPUT = 480
"""How long the input is drawn."""
BEYOND = 60
"""How far beyond the input, at each end, what reads padding is followed."""
STEP = 20


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
    sizes = first["shape"][1:]
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
        for group in rows:
            last = group.indices[-1]
            name = short(group.block or report.column("name")[group.indices[0]])
            axes, shape = traces[last].axes, facts[last].output
            if facts[last].node.name not in reached:
                continue
            length = shape[axis + 1] if len(shape) == len(sizes) + 1 else 1
            found.append(_row(name, axes[axis], size, length))
        panels.setdefault((size, tuple(found)), []).append(axis_name)
    title = f"{printable(shorten(report.name, 200))}: receptive field"
    items: list[Item] = [Text(MARGIN, MARGIN + 12, title, 13, "start", True)]
    boxes: list[Rect] = []
    y = MARGIN + 28.0
    for (size, its_rows), axes_names in panels.items():
        y = (
            _panel(items, boxes, size, its_rows, short(first["name"]), " and ".join(axes_names), y)
            + 16
        )
    width = max(item.rect.x + item.rect.width for item in items if isinstance(item, Text))
    described = (
        "For each layer, the interval of the input that the middle position of its output can "
        "depend on; the lines are the borders of the input."
    )
    width = max(width, max((box.x + box.width for box in boxes), default=0.0))
    return Scene(
        width + MARGIN, y - 16 + MARGIN, tuple(items), title, described, tuple(boxes)
    ), note


def _row(name: str, axis: Axis, size: int, length: int) -> Row:
    """What the middle one of `length` output positions reads."""
    if axis == "all":
        return Row(name, 0, size - 1, "the whole input")
    ends = axis.at((length - 1) // 2) if isinstance(axis, Field) else None
    if not isinstance(axis, Field) or ends is None:
        return Row(name, 0, -1, "not followed" if axis is None else "reads nothing there")
    return Row(name, *ends, f"{axis.extent:,}, stride {axis.stride}")


def _panel(
    items: list[Item],
    boxes: list[Rect],
    size: int,
    rows: Sequence[Row],
    input: str,
    axes: str,
    y: float,
) -> float:
    """The rows of one axis from y on, under the input's own; where the next may begin."""
    rows = [Row(input, 0, size - 1, f"{size:,} along {axes}"), *rows]
    outside = max(max(-row.first, row.last - size + 1, 0) for row in rows)
    beyond = min(float(BEYOND), outside * INPUT / size)
    left = MARGIN + widest([row.name for row in rows]) + 10 + beyond
    right = left + INPUT
    for i, row in enumerate(rows):
        top = y + STEP * i
        items.append(Text(left - beyond - 10, top + 11, row.name, 10, "end"))
        items.append(Text(right + beyond + 8, top + 11, row.text, 10, "start"))
        if row.last < row.first:
            continue
        start, end = (
            left + min(max(position * INPUT / size, -beyond), INPUT + beyond)
            for position in (row.first, row.last + 1)
        )
        bar = Rect(start, top, max(1.0, end - start), STEP - 6)
        boxes.append(bar)
        inside = (max(start, left), min(end, right))
        if bar.width > inside[1] - inside[0]:
            items.append(Polygon(bar.corners, "pale", True))
        if inside[1] > inside[0]:
            part = Rect(inside[0], top, max(1.0, inside[1] - inside[0]), STEP - 6)
            items.append(Polygon(part.corners, BAR if i else "input"))
    bottom = y + STEP * len(rows)
    items += [Line(((x, y - 4), (x, bottom)), dashed=True) for x in (left, right)]
    return bottom
