"""Feature maps as papers draw them: a stack of sheets, of volumes, of strips; a vector as a bar."""

from collections.abc import Sequence
from typing import NamedTuple

from cnncalc.drawing.scene import Polygon, Rect, Style, log_size

MAX_VOLUMES = 4
LARGEST = 12
"""Sizes above two to this power are drawn alike."""


class Scale(NamedTuple):
    """The side of a map is `least` and `each` for each doubling; sheets lie `step` apart."""

    least: float
    each: float
    step: float
    lying: bool
    """Whether vectors are drawn lying down."""
    most: int
    """The most sheets of a map."""

    def side(self, n: int) -> float:
        return self.least + self.each * min(log_size(n), LARGEST)


LARGE = Scale(8, 10, 3, False, 12)
SMALL = Scale(6, 4, 3, True, 4)


class Figure(NamedTuple):
    """Polygons from (0, 0) on, and how much room they take."""

    polygons: list[Polygon]
    width: float
    height: float


def sheets(channels: int, most: int) -> int:
    """How many sheets stand for so many channels: each up to 3, then one for each doubling; where
    fewer than 12 may be drawn, one for each few.
    """
    count = channels if channels <= 3 else min(12, 2 + int(log_size(channels)))
    return -(-count * most // 12)


def figure(shape: Sequence[int], style: Style, scale: Scale) -> Figure:
    """A feature map of a shape (channels first), or a vector."""
    channels, *sizes = shape
    if not sizes:
        length, thick = scale.side(channels), scale.least + 2
        width, height = (length, thick) if scale.lying else (thick, length)
        corners = Rect(0, 0, width, height).corners
        return Figure([Polygon(corners, style)], width, height)
    sides = [scale.side(n) for n in sizes]
    count, step = sheets(channels, scale.most), scale.step
    front = Rect(0, 0, sides[-1], sides[-2] if len(sides) > 1 else scale.least)
    deep = sides[0] * 0.3 if len(sides) > 2 else 0.0
    if deep:
        count, step = min(count, MAX_VOLUMES), 2 * scale.step
    # The last sheet is the front one; those behind it peep out above and to the right.
    width = front.width + (count - 1) * step + deep
    height = front.height + (count - 1) * scale.step + deep
    polygons: list[Polygon] = []
    for k in range(count):
        face = front._replace(x=(count - 1 - k) * step, y=deep + k * scale.step)
        a, b, c, d = face.corners
        if deep:
            top = (a, (a[0] + deep, a[1] - deep), (b[0] + deep, b[1] - deep), b)
            side = (b, (b[0] + deep, b[1] - deep), (c[0] + deep, c[1] - deep), c)
            polygons += [Polygon(top, style), Polygon(side, style)]
        polygons.append(Polygon((a, b, c, d), style))
    return Figure(polygons, width, height)
