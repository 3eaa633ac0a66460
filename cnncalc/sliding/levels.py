"""Maps as the bytes of a picture."""

from math import isqrt
from typing import Literal, NamedTuple

import numpy as np

from cnncalc.sliding.slide import Slide
from cnncalc.sliding.sums import Array

Levels = Literal["clip", "absolute", "stretch"]
"""How a value becomes a byte: cut at 0 and 255; its absolute value, cut at 255; or the least
becomes 0 and the largest 255."""

_WHITE = 255


class Toned(NamedTuple):
    """A picture, (height, width) or (3, height, width), and how its values became bytes."""

    pixels: Array
    levels: Levels
    cut: int
    """How many values were outside 0 to 255."""
    values: int


def toned(slide: Slide, levels: Levels | None = None) -> Toned:
    """The maps of a slide as one picture: in colour where each of three channels has its own.

    Several filters stand beside each other. Without `levels`, kernels that sum to 0 (of edges)
    give absolute values, all others are cut.
    """
    if levels is None:
        edges = slide.kernel is not None and not slide.kernel.sum(axis=(1, 2, 3)).any()
        levels = "absolute" if edges else "clip"
    low, scale = 0.0, 1.0
    if levels == "stretch":
        extremes = [(band.min(), band.max()) for band in slide.bands()]
        low, high = min(a for a, _ in extremes), max(b for _, b in extremes)
        scale = 255 / (high - low) if high > low else 0.0
    parts, cut = [], 0
    for band in slide.bands():
        values = np.abs(band) if levels == "absolute" else (band - low) * scale
        values = np.rint(values)
        cut += int(((values < 0) | (values > 255)).sum())
        parts.append(np.clip(values, 0, 255).astype(np.uint8))
    # Of a gradient there is one for each channel.
    maps = np.concatenate(parts, axis=1)
    each_alone = slide.kernel is None or slide.groups > 1
    colours = 3 if len(slide.input) == 3 and each_alone else 1
    # Maps of one channel stand together: (colours, filters, height, width).
    whole = _beside(maps.reshape(colours, -1, *maps.shape[1:]).swapaxes(0, 1))
    return Toned(whole if colours == 3 else whole[0], levels, cut, maps.size)


def _beside(pictures: Array) -> Array:
    """Pictures (number, colours, height, width) as one, in rows, a white line between them."""
    number, colours, height, width = pictures.shape
    across = isqrt(number - 1) + 1
    down = -(-number // across)
    whole = np.full(
        (colours, down * (height + 1) - 1, across * (width + 1) - 1), _WHITE, dtype=np.uint8
    )
    for index, picture in enumerate(pictures):
        top, left = index // across * (height + 1), index % across * (width + 1)
        whole[:, top : top + height, left : left + width] = picture
    return whole
