"""Convolution and pooling of arrays, forward and backward: the reference that is short to read.

Maps are (channels, height, width), kernels (filters, channels / groups, height, width). Each
function visits the taps of the kernel one after another: at a tap, the values that all windows
read are one strided view of the padded map. The arithmetic is that of the arrays: with objects
(int, Fraction) it is exact, with floats it is numpy's. Fractions are brought to whole numbers
before they are added up, which is a hundred times as fast.

Source: the definitions in the documentation of torch.nn.Conv2d, MaxPool2d and AvgPool2d.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
import numpy.typing as npt

from cnncalc.dims import Window

Array = npt.NDArray[Any]
Windows = tuple[Window, Window]
"""How the kernel slides along height and width."""


def reach(window: Window) -> int:
    """Positions of the padded axis; under `ceil_mode` the last window may pass its end."""
    whole = window.before + window.n + window.after
    return max(whole, (window.output - 1) * window.stride + window.extent)


def pad(x: Array, windows: Windows, fill: Any, beyond: Any) -> Array:
    """`x` with `fill` as its padding, and `beyond` where `ceil_mode` passes the padded end."""
    rows, columns = windows
    padded = np.full((len(x), reach(rows), reach(columns)), beyond, dtype=x.dtype)
    bottom, right = (w.before + w.n + w.after for w in windows)
    padded[:, :bottom, :right] = fill
    crop(padded, windows)[...] = x
    return padded


def crop(padded: Array, windows: Windows) -> Array:
    """The part of a padded map that is the map itself."""
    rows, columns = windows
    bottom, right = rows.before + rows.n, columns.before + columns.n
    return padded[..., rows.before : bottom, columns.before : right]


def views(padded: Array, windows: Windows) -> Iterator[tuple[tuple[int, int], Array]]:
    """For each tap of the kernel what all windows read there: (channels, *output)."""
    rows, columns = windows
    for i, j in np.ndindex(rows.kernel_size, columns.kernel_size):
        top, left = i * rows.dilation, j * columns.dilation
        bottom = top + (rows.output - 1) * rows.stride + 1
        right = left + (columns.output - 1) * columns.stride + 1
        yield (i, j), padded[:, top : bottom : rows.stride, left : right : columns.stride]


def convolve(padded: Array, kernel: Array, windows: Windows, groups: int = 1) -> Array:
    """y = Σ w·x over the kernel and the channels of the filter's group; (filters, *output)."""
    (padded, kernel), by = integers(padded, kernel)
    filters, depth = kernel.shape[:2]
    sizes = [window.output for window in windows]
    y = np.zeros((groups, filters // groups, sizes[0] * sizes[1]), dtype=kernel.dtype)
    for (i, j), view in views(padded, windows):
        weights = kernel[:, :, i, j].reshape(groups, -1, depth)
        y += weights @ view.reshape(groups, depth, -1)
    return divided(y.reshape(filters, *sizes), by[0] * by[1])


def convolve_backward(
    padded: Array, kernel: Array, upstream: Array, windows: Windows, groups: int = 1
) -> tuple[Array, Array]:
    """The gradients of the padded map, Σ w·g, and of the kernel, Σ x·g; g is `upstream`."""
    (padded, kernel, upstream), by = integers(padded, kernel, upstream)
    filters, depth = kernel.shape[:2]
    flowing = upstream.reshape(groups, filters // groups, -1)
    input, weight = np.zeros_like(padded), np.zeros_like(kernel)
    for ((i, j), read), (_, found) in zip(
        views(padded, windows), views(input, windows), strict=True
    ):
        weights = kernel[:, :, i, j].reshape(groups, -1, depth)
        found += (weights.swapaxes(1, 2) @ flowing).reshape(found.shape)
        values = read.reshape(groups, depth, -1)
        weight[:, :, i, j] = (flowing @ values.swapaxes(1, 2)).reshape(filters, depth)
    return divided(input, by[1] * by[2]), divided(weight, by[0] * by[2])


def largest(padded: Array, windows: Windows) -> tuple[Array, Array]:
    """The largest value of each window, and the number of the tap that is it: the first of equals.

    Taps are numbered row by row, as torch visits them.
    """
    (padded,), (by,) = integers(padded)
    taps = views(padded, windows)
    best = next(taps)[1].copy()
    chosen = np.zeros_like(best, dtype=np.int64)
    for number, (_, view) in enumerate(taps, 1):
        larger = view > best
        best[larger] = view[larger]
        chosen[larger] = number
    return divided(best, by), chosen


def largest_backward(padded: Array, chosen: Array, upstream: Array, windows: Windows) -> Array:
    """The gradient of the padded map: each window's goes to the one value that was chosen."""
    input = np.zeros_like(padded)
    for number, (_, found) in enumerate(views(input, windows)):
        found += np.where(chosen == number, upstream, 0)
    return input


def counted(windows: Windows, count_include_pad: bool) -> Array:
    """By how many values each window's mean divides; what lies beyond the padding never counts."""
    return np.outer(*(counted_along(window, count_include_pad) for window in windows))


def counted_along(window: Window, count_include_pad: bool) -> Array:
    """How many of its taps count, for each window along one axis."""
    first, last = window.before, window.before + window.n
    if count_include_pad:
        first, last = 0, last + window.after
    start = np.arange(window.output) * window.stride

    def taps_before(end: int) -> Array:
        return np.clip(-((start - end) // window.dilation), 0, window.kernel_size)

    return taps_before(last) - taps_before(first)


def mean(padded: Array, counts: Array, windows: Windows) -> Array:
    """The sum of each window divided by how many values count; the others must be 0."""
    (padded,), (by,) = integers(padded)
    sums = np.asarray(sum(view for _, view in views(padded, windows)))
    return divided(divided(sums, counts), by)


def mean_backward(padded: Array, counts: Array, upstream: Array, windows: Windows) -> Array:
    """The gradient of the padded map: each window's, shared out evenly."""
    input, share = np.zeros_like(padded), divided(upstream, counts)
    for _, found in views(input, windows):
        found += share
    return input


def integers(*arrays: Array) -> tuple[list[Array], list[int]]:
    """Each array times the least number that makes it whole, and those numbers; floats as are."""
    by = [
        lcm(*(v.denominator for v in values.flat)) if values.dtype == object else 1
        for values in arrays
    ]
    scaled = np.frompyfunc(lambda value, n: value.numerator * (n // value.denominator), 2, 1)
    return [scaled(x, n) if n > 1 else x for x, n in zip(arrays, by, strict=True)], by


def divided(x: Array, by: Any) -> Array:
    """x divided by a number, or by one for each position; exactly where `x` holds objects."""
    if isinstance(by, int) and by == 1:
        return x
    if x.dtype != object:
        return np.asarray(x / by)
    quotient = np.frompyfunc(lambda value, n: whole(Fraction(value) / int(n)), 2, 1)
    return np.asarray(quotient(x, by), dtype=object)


def whole(value: int | Fraction) -> int | Fraction:
    """The number as an int where it is one."""
    return value.numerator if value.denominator == 1 else value
