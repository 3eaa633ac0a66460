"""A convolution or a pooling done by hand: every window, its sum, the map, and the gradients."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import Any, NamedTuple

import numpy as np

from cnncalc.analysis.strides import StrideWarning, formula, stride_warnings
from cnncalc.dims import Window
from cnncalc.errors import UsageError
from cnncalc.graph import Node
from cnncalc.infer import Facts, Work
from cnncalc.layers.base import times
from cnncalc.layers.window import Windowed
from cnncalc.presented import Presented
from cnncalc.sliding import sums
from cnncalc.sliding.magnitude import root, squared
from cnncalc.sliding.sums import Array, Windows, whole

Number = int | Fraction

MAX_EXACT = 1_000_000
"""The most products (and padded values) that are computed one by one and exactly."""
MAX_TAPS = 10_000
"""The most values that one window reads where the whole is not computed exactly."""
_BAND = 1_000_000
"""About how many values of a picture are computed at a time."""


class Tap(NamedTuple):
    """What a window reads at one tap: where (from 0; padding lies outside), and the weight.

    A `value` of None takes no part: padding under a largest value, or what a mean does not count.
    """

    channel: int
    row: int
    column: int
    value: Number | None
    weight: Number | None
    place: tuple[int, ...]
    """(channel of the kernel, row, column)."""


class Step(NamedTuple):
    """One window, and the value that it gives before and after the activation."""

    map: int
    row: int
    column: int
    taps: tuple[Tap, ...]
    bias: Number | None
    total: Number
    value: Number
    divisor: int
    """By how many a mean divides."""
    chosen: int | None
    """Which tap a largest or smallest value is: the first of equals."""


class Gradients(NamedTuple):
    """∂L/∂y, which was given, and what follows from it."""

    upstream: Array
    input: Array
    kernel: Array | None
    bias: Array | None


@dataclass(frozen=True, eq=False)
class Slide(Presented):
    """A layer, its numbers, and what becomes of them."""

    layer: Windowed
    input: Array
    """(channels, height, width): int and Fraction objects, or the bytes of a picture."""
    kernel: Array | None
    """(filters, channels / groups, height, width)."""
    bias: tuple[Number, ...] | None
    padding_value: Number | None
    relu: bool
    flipped: bool = False
    """Whether the kernels were turned by 180° first."""
    is_gradient: bool = False
    """Whether its kernels are pairs, whose maps are how the input changes across and down."""

    @property
    def kind(self) -> str:
        """The layer's word: conv, max_pool, avg_pool or min_pool."""
        return self.layer.type

    @cached_property
    def windows(self) -> Windows:
        rows, columns = self.layer.windows(self.input.shape)
        return rows, columns

    @cached_property
    def output_shape(self) -> tuple[int, int, int]:
        rows, columns = self.windows
        maps = len(self.input) if self.kernel is None else len(self.kernel)
        return maps, rows.output, columns.output

    @property
    def groups(self) -> int:
        return 1 if self.kernel is None else len(self.input) // self.kernel.shape[1]

    @property
    def taps(self) -> int:
        """Values that one window reads, padding among them."""
        depth = 1 if self.kernel is None else self.kernel.shape[1]
        return int(depth) * prod(window.kernel_size for window in self.windows)

    @property
    def products(self) -> int:
        """Values that all windows read."""
        return prod(self.output_shape) * self.taps

    @property
    def padded_size(self) -> int:
        return len(self.input) * prod(map(sums.reach, self.windows))

    @property
    def is_exact(self) -> bool:
        """Whether it is small enough to compute the whole map exactly."""
        return max(self.products, self.padded_size) <= MAX_EXACT

    @cached_property
    def warnings(self) -> list[StrideWarning]:
        """Strides that do not fit, as `cnncalc table` finds them."""
        work = Work(self.layer, (self.input.shape,), self.output_shape)
        return list(stride_warnings(Facts(Node(self.kind, self.layer, ("input",)), work)))

    # Forward

    @cached_property
    def map(self) -> Array:
        """The result, exactly; (maps, height, width). Raises UsageError where it is too large."""
        if not self.is_exact:
            raise UsageError(
                f"this takes {self.products:,} products on {self.padded_size:,} padded values; at "
                f"most {MAX_EXACT:,} are computed exactly: give a smaller input, or write a "
                "picture with -o out.png"
            )
        totals = self._forward(self._padded, self.windows, self._counts)
        return np.maximum(totals, 0) if self.relu else totals

    @cached_property
    def magnitude(self) -> Array | None:
        """√(g_x² + g_y²) of a gradient, (channels, height, width): exact where it is rational, else
        to 20 digits behind the point."""
        if not self.is_gradient:
            return None
        roots: Array = np.vectorize(root, otypes=[object])(squared(self.map))
        return roots

    def bands(self) -> Iterator[Array]:
        """The result as floats, some rows at a time: a picture needs no more memory than that.

        Of a gradient it is the magnitude.
        """
        rows, columns = self.windows
        padded, counts = self._padded, self._counts
        at_once = max(1, _BAND // (max(self.output_shape[0], len(padded)) * columns.output))
        across = columns._replace(n=padded.shape[2], before=0, after=0, ceil_mode=False)
        for top in range(0, rows.output, at_once):
            number = min(at_once, rows.output - top)
            start = top * rows.stride
            band = padded[:, start : start + (number - 1) * rows.stride + rows.extent]
            down = Window(band.shape[1], rows.kernel_size, rows.stride, 0, 0, rows.dilation)
            totals = self._forward(
                band.astype(np.float64),
                (down, across),
                None if counts is None else counts[top : top + number],
            )
            totals = np.maximum(totals, 0) if self.relu else totals
            yield np.sqrt(squared(totals)) if self.is_gradient else totals

    def _forward(self, padded: Array, windows: Windows, counts: Array | None) -> Array:
        if self.kernel is None:
            if counts is not None:
                return sums.mean(padded, counts, windows)
            return self._sign * sums.largest(padded, windows)[0]
        # Weights are Fractions; over floats they are floats as well.
        kernel = self.kernel.astype(padded.dtype)
        totals = sums.convolve(padded, kernel, windows, self.groups)
        if self.bias is not None:
            totals += np.array(self.bias, dtype=padded.dtype)[:, None, None]
        return totals

    @cached_property
    def _padded(self) -> Array:
        """The padded map. For the smallest value its negative, of which the largest is taken."""
        x, value = self.input, self.padding_value
        small = value is None or (isinstance(value, int) and abs(value) <= 10_000)
        exact = x.dtype == object or self.is_exact
        x = x.astype(object if exact else np.int16 if small else np.float32)
        if self._adds_up:
            return sums.pad(x, self.windows, value or 0, 0)
        x = self._sign * x
        least = x.min() - 1
        return sums.pad(x, self.windows, least if value is None else self._sign * value, least)

    @property
    def _adds_up(self) -> bool:
        """Whether padding is added like any value, as nothing can be to a largest or smallest."""
        return self.layer.reduces in ("sum", "mean")

    @property
    def _sign(self) -> int:
        return -1 if self.layer.reduces == "min" else 1

    @cached_property
    def _counts(self) -> Array | None:
        averages = self.layer.reduces == "mean"
        return sums.counted(self.windows, self.counts_padding) if averages else None

    @property
    def counts_padding(self) -> bool:
        """Whether padding counts in a mean."""
        return bool(getattr(self.layer, "count_include_pad", False))

    # One window

    def step(self, map: int, row: int, column: int) -> Step:
        """The window that gives one value, all counted from 0; computed on its own, from the input.

        Raises UsageError for windows that read too much to be looked at.
        """
        if self.taps > MAX_TAPS and not self.is_exact:
            raise UsageError(f"a window reads {self.taps:,} values; at most {MAX_TAPS:,} are shown")
        taps = tuple(self._taps(map, row, column))
        read = [(tap.value, i) for i, tap in enumerate(taps) if tap.value is not None]
        values = [value for value, _ in read]
        bias = None if self.bias is None else self.bias[map]
        chosen, divisor = None, 1
        if self.kernel is not None:
            total: Number = sum((t.value or 0) * (t.weight or 0) for t in taps) + (bias or 0)
        elif self._counts is not None:
            divisor = int(self._counts[row, column])
            total = Fraction(sum(values)) / divisor
        else:
            total = self._sign * max(self._sign * value for value in values)
            chosen = read[values.index(total)][1]
        total = whole(total)
        value = max(total, 0) if self.relu else total
        return Step(map, row, column, taps, bias, total, value, divisor, chosen)

    def _taps(self, map: int, row: int, column: int) -> Iterator[Tap]:
        rows, columns = self.windows
        depth = 1 if self.kernel is None else self.kernel.shape[1]
        first = map if self.kernel is None else map // (len(self.kernel) // self.groups) * depth
        for place in np.ndindex(depth, rows.kernel_size, columns.kernel_size):
            y = row * rows.stride + place[1] * rows.dilation - rows.before
            x = column * columns.stride + place[2] * columns.dilation - columns.before
            weight = None if self.kernel is None else self.kernel[map][place]
            yield Tap(first + place[0], y, x, self.read(first + place[0], y, x), weight, place)

    def read(self, channel: int, y: int, x: int) -> Number | None:
        """What a window reads at a place, which may be padding; None where it takes no part."""
        rows, columns = self.windows
        if self.is_input(y, x):
            value = self.input[channel, y, x]
            return value if isinstance(value, Fraction) else int(value)
        if y >= rows.n + rows.after or x >= columns.n + columns.after:
            return None
        if self.layer.reduces == "mean" and not self.counts_padding:
            return None
        if self.padding_value is None and self._adds_up:
            return 0
        return self.padding_value

    def is_input(self, y: int, x: int) -> bool:
        """Whether a place is input; the others are padding."""
        return 0 <= y < self.windows[0].n and 0 <= x < self.windows[1].n

    # Backward

    def gradients(self, upstream: Array | None = None) -> Gradients:
        """The gradients of input, kernel and bias, exactly; `upstream` is ∂L/∂y, else ones.

        At 0 the gradient of ReLU is 0. Raises UsageError where the sizes do not agree.
        """
        y = self.map
        upstream = np.full(y.shape, 1) if upstream is None else upstream
        # Bytes of a picture would overflow.
        upstream = upstream.astype(object)
        upstream = upstream.reshape((1,) * (3 - upstream.ndim) + upstream.shape)
        if upstream.shape != y.shape:
            raise UsageError(
                f"the upstream gradient is {times(upstream.shape)}, the map {times(y.shape)} "
                "(channels × height × width); they must agree"
            )
        flowing = np.where(y > 0, upstream, 0) if self.relu else upstream
        bias = kernel = None
        if self.kernel is not None:
            padded, kernel = sums.convolve_backward(
                self._padded, self.kernel, flowing, self.windows, self.groups
            )
            bias = flowing.sum(axis=(1, 2))
        elif self._counts is not None:
            padded = sums.mean_backward(self._padded, self._counts, flowing, self.windows)
        else:
            _, chosen = sums.largest(self._padded, self.windows)
            padded = sums.largest_backward(self._padded, chosen, flowing, self.windows)
        return Gradients(upstream, sums.crop(padded, self.windows), kernel, bias)


def size_formula(window: Window) -> str:
    """The size along one axis with its numbers put in, and with the rounding where there is one."""
    text = formula(window)
    if not window.rest:
        return text
    quotient = text.removesuffix(" + 1")
    if not window.ceil_mode:
        return f"⌊{quotient}⌋ + 1"
    return f"min(⌈{quotient}⌉, ⌊({window.n} + {window.before} − 1)/{window.stride}⌋) + 1"


class Share(NamedTuple):
    """What one window adds to a gradient: `of`/`by` times the gradient of the window's value.

    A pooling has no `of`.
    """

    of: Number | None
    by: int
    upstream: Number

    @property
    def value(self) -> Fraction:
        return Fraction(1 if self.of is None else self.of) / self.by * self.upstream


def shares(
    found: Slide, upstream: Array
) -> tuple[dict[tuple[int, ...], list[Share]], dict[tuple[int, ...], list[Share]]]:
    """The sums that the gradients of the input and of the kernel are, window by window.

    Keys are (channel, row, column) of the input and (filter, channel, row, column) of the kernel.
    What an activation holds back is 0.
    """
    input: dict[tuple[int, ...], list[Share]] = {}
    kernel: dict[tuple[int, ...], list[Share]] = {}
    for place in np.ndindex(*found.output_shape):
        step = found.step(*place)
        g: Any = 0 if found.relu and step.total <= 0 else upstream[place]
        for index, tap in enumerate(step.taps):
            if tap.weight is not None:
                kernel.setdefault((step.map, *tap.place), []).append(Share(tap.value or 0, 1, g))
            takes_part = tap.value is not None and step.chosen in (None, index)
            if takes_part and found.is_input(tap.row, tap.column):
                share = Share(tap.weight, step.divisor, g)
                input.setdefault((tap.channel, tap.row, tap.column), []).append(share)
    return input, kernel
