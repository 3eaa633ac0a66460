"""Tensors as pixels: samples, feature maps, filters, and what is outside of a picture."""

from math import isqrt

import matplotlib
import numpy as np
from torch import Tensor, nn

from cnncalc.pictures.figures import Pixels

OUTSIDE = (244, 190, 200)
"""The colour of what lies outside of a picture, which no picture in greys or viridis has."""
_LINES = ((31, 119, 180), (214, 39, 40), (44, 160, 44), (148, 103, 189))
_LINE_HEIGHT = 48


def picture(sample: Tensor, side: int, outside: Tensor | None = None) -> Pixels:
    """A sample (C, *sizes) or (features,), values from 0 to 1, at most `side` pixels long.

    Grey with one channel, colour with three, else the mean of the channels; the middle slice of a
    volume; curves of a signal. A vector of n² or 3·n² values is a square picture. `outside` marks
    positions (*sizes) that are none of the sample's.
    """
    if sample.dim() == 1:
        sample = square(sample)
    if sample.dim() == 2:
        return curves(sample, 0, 1, side, outside)
    if sample.dim() == 4:
        middle = sample.shape[1] // 2
        sample, outside = sample[:, middle], None if outside is None else outside[middle]
    if sample.shape[0] not in (1, 3):
        sample = sample.mean(0, keepdim=True)
    drawn = _bytes(fitted(sample.clamp(0, 1), side).expand(3, -1, -1))
    if outside is not None:
        drawn[fitted(outside[None].float(), side)[0].numpy() > 0.5] = OUTSIDE
    return drawn


def part_shown(shape: tuple[int, ...]) -> str:
    """What of a sample of that shape `picture` shows, where it does not show all; else nothing."""
    if len(shape) == 2 and shape[0] > len(_LINES):
        return f"the first {len(_LINES)} of {shape[0]:,} channels"
    if len(shape) == 4:
        return "the middle slice of each volume"
    if len(shape) == 3 and shape[0] not in (1, 3):
        return f"the mean of {shape[0]:,} channels"
    return ""


def square(vector: Tensor) -> Tensor:
    """A vector as the picture that it can be, else as a signal of one channel."""
    for channels in (1, 3):
        side = isqrt(len(vector) // channels)
        if side > 3 and channels * side**2 == len(vector):
            return vector.reshape(channels, side, side)
    return vector[None]


def heat_map(values: Tensor, low: float, high: float, side: int) -> Pixels:
    """A map (H, W) in viridis: dark is `low`, bright is `high`."""
    grown = fitted(values[None], side)[0].double().numpy()
    scaled = (grown - low) / ((high - low) or 1.0)
    return matplotlib.colormaps["viridis"](scaled, bytes=True)[..., :3].copy()


def signed(weights: Tensor, most: float, side: int) -> Pixels:
    """Weights (1 or 3, H, W) from −most to most: 0 is the middle grey."""
    return _bytes(fitted(weights / (2 * most or 1.0) + 0.5, side).expand(3, -1, -1))


def curves(
    signal: Tensor, low: float, high: float, side: int, outside: Tensor | None = None
) -> Pixels:
    """A signal (C, length) as curves of at most four channels, from `low` to `high`."""
    length = signal.shape[1]
    width = length * max(1, side // length) if length <= side else side
    drawn = np.full((_LINE_HEIGHT, width, 3), 245, np.uint8)
    place = (np.arange(length) + 0.5) * width / length
    rows = np.arange(_LINE_HEIGHT)[:, None]
    for values, colour in zip(signal.numpy(), _LINES, strict=False):
        scaled = (values - low) / ((high - low) or 1.0)
        y = (1 - scaled.clip(0, 1)) * (_LINE_HEIGHT - 3) + 1
        # What a column shows: the curve at both its edges, and every value between them.
        edges = np.interp(np.arange(width + 1), place, y)
        top, bottom = np.minimum(edges[:-1], edges[1:]), np.maximum(edges[:-1], edges[1:])
        columns = place.astype(int)
        np.minimum.at(top, columns, y)
        np.maximum.at(bottom, columns, y)
        drawn[(rows >= np.floor(top)) & (rows <= np.ceil(bottom))] = colour
    if outside is not None:
        drawn[:, outside.numpy()[np.arange(width) * length // width]] = OUTSIDE
    return drawn


def fitted(image: Tensor, side: int) -> Tensor:
    """(C, H, W) at most `side` long: each value a square of pixels, or a mean of several values."""
    height, width = image.shape[1:]
    longest = max(height, width)
    if longest <= side:
        factor = side // longest
        return image.repeat_interleave(factor, 1).repeat_interleave(factor, 2)
    sizes = [max(1, size * side // longest) for size in (height, width)]
    return nn.functional.interpolate(image[None].float(), sizes, mode="area")[0]


def stacked(above: Pixels, below: Pixels) -> Pixels:
    """Two pictures of one width, with a white line between them."""
    line = np.full((2, above.shape[1], 3), 255, np.uint8)
    return np.concatenate([above, line, below])


def _bytes(values: Tensor) -> Pixels:
    """(3, H, W) from 0 to 1 as pixels."""
    return (values.numpy() * 255).round().clip(0, 255).astype(np.uint8).transpose(1, 2, 0).copy()
