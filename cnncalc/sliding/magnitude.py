"""The gradient of a picture: how steep it is, from how it changes across and down.

Source: R. Gonzalez and R. Woods, Digital Image Processing, section 3.6: M = √(g_x² + g_y²).
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import isqrt

import numpy as np

from cnncalc.page import Block, Heading, Maths, Picture, Prose, Working
from cnncalc.sliding import matrix
from cnncalc.sliding.matrix import decimal, exact, factor, maths
from cnncalc.sliding.sums import Array

LISTED = 4
"""How many roots are written out."""
_DIGITS = 20


def squared(maps: Array) -> Array:
    """g_x² + g_y² for each channel: (2 · channels, height, width) → (channels, height, width)."""
    pairs = maps.reshape(-1, 2, *maps.shape[1:])
    return np.asarray((pairs * pairs).sum(axis=1))


def root(value: int | Fraction) -> int | Fraction:
    """The square root, exact where it is rational, else to 20 digits behind the point."""
    # Not those of numpy, which wrap.
    value = Fraction(int(value.numerator), int(value.denominator))
    over, under = isqrt(value.numerator), isqrt(value.denominator)
    found = Fraction(over, under)
    if found * found != value:
        scale = 10**_DIGITS
        found = Fraction(isqrt(value.numerator * scale * scale // value.denominator), scale)
    return found.numerator if found.denominator == 1 else found


def blocks(maps: Array, roots: Array, many: int) -> Iterator[Block]:
    """The first roots with their numbers, and the magnitude of the first `many` channels."""
    yield Heading("Gradient magnitude")
    places = list(np.ndindex(roots.shape))
    yield Working([_working(maps, roots, place) for place in places[:LISTED]])
    drawn = [_lines(values) for values in roots[:many]]
    for channel, lines in enumerate(drawn, 1):
        yield Picture([*[f"channel {channel}"] * (len(roots) > 1), *lines])
    if len(drawn) < len(roots):
        yield Prose(f"{len(roots) - len(drawn):,} more channels; --all prints all of them.")
    if any(map(matrix.is_cut, drawn)):
        yield Prose("Too large to be shown whole; --format csv prints all of it.")


def _lines(values: Array) -> list[str]:
    sizes = (0, len(values)), (0, len(values[0]))
    return matrix.matrix(lambda y, x: decimal(values[y][x]), *sizes)


def _working(maps: Array, roots: Array, place: Sequence[int]) -> list[Maths]:
    """`G(1,1) = √(3² + (−4)²) = √25 = 5`."""
    channel, row, column = place
    across, down = maps[2 * channel, row, column], maps[2 * channel + 1, row, column]
    shown = place if len(roots) > 1 else place[1:]
    name = f"G({','.join(str(position + 1) for position in shown)})"
    total = across * across + down * down
    return [
        maths(name),
        _root(f"{factor(across)}² + {factor(down)}²"),
        _root(exact(total)),
        maths(decimal(roots[channel, row, column])),
    ]


def _root(text: str) -> Maths:
    inside = maths(text)
    latex = inside.latex.replace("²", "^2")
    within = text if text.isdigit() else f"({text})"
    return Maths(f"√{within}", f"\\sqrt{{{latex}}}", f"<msqrt>{inside.mathml}</msqrt>")
