"""What every drawing is in the end: polygons, lines and texts at their places."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

Point = tuple[float, float]
Style = Literal["input", "conv", "pool", "dense", "join", "other", "block", "frame", "pale"]
BAR: Style = "conv"
"""How what stands for a number is filled."""


class Rect(NamedTuple):
    """A rectangle; y grows downwards."""

    x: float
    y: float
    width: float
    height: float

    @property
    def corners(self) -> tuple[Point, ...]:
        right, bottom = self.x + self.width, self.y + self.height
        return ((self.x, self.y), (right, self.y), (right, bottom), (self.x, bottom))


class Polygon(NamedTuple):
    """A filled outline."""

    points: tuple[Point, ...]
    style: Style
    dashed: bool = False


class Line(NamedTuple):
    """A line through points, with an arrowhead at its end if it is one.

    A curve runs upright through every point and bends between two.
    """

    points: tuple[Point, ...]
    arrow: bool = False
    dashed: bool = False
    curved: bool = False


class Text(NamedTuple):
    """One line of text; y is its baseline."""

    x: float
    y: float
    text: str
    size: int = 10
    anchor: Literal["start", "middle", "end"] = "middle"
    bold: bool = False

    @property
    def rect(self) -> Rect:
        """Where it lies, by an estimate that is rather too wide."""
        width = text_width(self.text, self.size, self.bold)
        left = {"start": 0.0, "middle": width / 2, "end": width}[self.anchor]
        return Rect(self.x - left, self.y - 0.8 * self.size, width, self.size)


Item = Polygon | Line | Text


class Scene(NamedTuple):
    """A drawing. `boxes` and `arrows` say where those of a diagram lie, in its order."""

    width: float
    height: float
    items: tuple[Item, ...]
    title: str
    description: str
    boxes: tuple[Rect, ...] = ()
    arrows: tuple[Line, ...] = ()

    @property
    def texts(self) -> list[Text]:
        return [item for item in self.items if isinstance(item, Text)]


MARGIN = 16
"""Around every drawing."""
FIRST = MARGIN + 28.0
"""Where a drawing begins that has its title above it."""


def titled(
    title: str, description: str, items: Sequence[Item], boxes: Sequence[Rect], bottom: float
) -> Scene:
    """A drawing with its title above it, as wide as its texts and boxes reach."""
    named = (Text(MARGIN, MARGIN + 12, title, 13, "start", True), *items)
    rects = [item.rect for item in named if isinstance(item, Text)]
    width = max(rect.x + rect.width for rect in (*rects, *boxes))
    return Scene(width + MARGIN, bottom + MARGIN, named, title, description, tuple(boxes))


# Advances of DejaVu Sans from space to tilde, in hundredths of the size: of the fonts that stand
# in the stack, and that systems put in their place, it is the widest.
_ADVANCES = [
    *(32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34),
    *(64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34, 84, 84, 84, 53),
    *(100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79),
    *(60, 79, 69, 63, 61, 73, 68, 99, 69, 61, 69, 39, 34, 39, 84, 50),
    *(50, 61, 63, 55, 63, 62, 35, 63, 63, 28, 28, 58, 28, 97, 63, 61),
    *(63, 63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64, 34, 64, 84),
]
_PLAIN, _BOLD = 101, 117
"""Percent, with one for the rounding of the advances."""


def text_width(text: str, size: int, bold: bool = False) -> float:
    """How wide a text is at most, in the fonts of the stack."""
    hundredths = sum(
        _ADVANCES[ord(c) - 32] if " " <= c <= "~" else 100 if ord(c) < 0x1100 else 110 for c in text
    )
    return hundredths * size * (_BOLD if bold else _PLAIN) / 10_000


def widest(texts: Iterable[str], size: int = 10, bold: bool = False) -> float:
    """The width of the widest of several texts; 0 of none."""
    return max((text_width(text, size, bold) for text in texts), default=0.0)


def log_size(n: int) -> float:
    """The base-2 logarithm of a size, straight between powers: 1 is 0, 224 is 7.75, 256 is 8."""
    power = n.bit_length() - 1
    return power + (n - (1 << power)) / (1 << power)


def moved(items: Sequence[Polygon], dx: float, dy: float) -> list[Polygon]:
    """Polygons at another place."""
    return [item._replace(points=tuple((x + dx, y + dy) for x, y in item.points)) for item in items]
