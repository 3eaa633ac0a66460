"""All size arithmetic, each formula once, with its source.

Sizes are numbers of positions along one axis. Formulas use only `+ - * // **` and the functions
of this module, so that whatever behaves like an integer can be put in. Whether a result makes
sense (at least 1) is not decided here: layers say it in their `rules`.
"""

from fractions import Fraction
from math import gcd
from typing import NamedTuple


def ceil_div(a: int, b: int) -> int:
    """⌈a/b⌉ without floats."""
    return -(-a // b)


def minimum(a: int, b: int) -> int:
    """The smaller of two sizes."""
    return min(a, b) if type(a) is type(b) is int else _asked("minimum", a, b)


def maximum(a: int, b: int) -> int:
    """The larger of two sizes."""
    return max(a, b) if type(a) is type(b) is int else _asked("maximum", a, b)


def _asked(function: str, a: int, b: int) -> int:
    """What only behaves like an integer has a function of its own: it may remember its formula."""
    a, b = (a, b) if hasattr(a, function) else (b, a)
    chosen: int = getattr(a, function)(b)
    return chosen


def extent(kernel_size: int, dilation: int) -> int:
    """Positions from a kernel's first to its last tap: D(F − 1) + 1."""
    return dilation * (kernel_size - 1) + 1


def window(n: int, kernel_size: int, stride: int, padding: int, dilation: int) -> int:
    """Output size of a sliding window: ⌊(N + P − D(F−1) − 1)/S⌋ + 1, P the padding of both sides.

    Source: arXiv 1603.07285, relationships 6 and 15; for D = 1 it is (N + 2P − F)/S + 1.
    """
    return (n + padding - extent(kernel_size, dilation)) // stride + 1


def window_ceil(
    n: int, kernel_size: int, stride: int, before: int, after: int, dilation: int
) -> int:
    """Output size under `ceil_mode`: rounded up, but a window must start on input or left padding.

    Source: the shape section of torch.nn.MaxPool2d, and pooling_output_shape_pad_lr in PyTorch.
    """
    rounded_up = ceil_div(n + before + after - extent(kernel_size, dilation), stride)
    return minimum(rounded_up, (n + before - 1) // stride) + 1


def transposed(
    n: int, kernel_size: int, stride: int, padding: int, dilation: int, output_padding: int
) -> int:
    """Output size of a transposed convolution: (N − 1)S − P + D(F − 1) + A + 1.

    Source: arXiv 1603.07285, relationship 14; the shape section of torch.nn.ConvTranspose2d.
    """
    return (n - 1) * stride - padding + extent(kernel_size, dilation) + output_padding


def same_padding(n: int, kernel_size: int, stride: int, dilation: int) -> tuple[int, int]:
    """Padding before and after that makes the output ⌈N/S⌉, the odd one after.

    Source: the padding section of TensorFlow's tf.nn documentation; torch has `same` for S = 1
    only, where both agree.
    """
    total = maximum((ceil_div(n, stride) - 1) * stride + extent(kernel_size, dilation) - n, 0)
    return total // 2, total - total // 2


def adaptive_reads(n: int, outputs: int) -> int:
    """Inputs read along one axis by all windows of an adaptive pooling together.

    Window i reads ⌊iN/O⌋ to ⌈(i+1)N/O⌉ − 1. The sum telescopes to N plus one for each inner
    boundary that falls inside an input, and gcd(N, O) − 1 of the O − 1 boundaries do not.
    """
    return n + outputs - gcd(n, outputs)


def floor_sum(n: int, m: int, a: int, b: int) -> int:
    """Σ ⌊(a·i + b)/m⌋ for i = 0 … n−1, with a, b ≥ 0, in O(log m) steps.

    Source: the Euclid-like recurrence for counting lattice points below a line
    (Graham, Knuth and Patashnik, Concrete Mathematics, section 3.5).
    """
    total = 0
    while n > 0:
        total += (n - 1) * n // 2 * (a // m) + n * (b // m)
        a, b = a % m, b % m
        top = a * n + b
        if top < m:
            break
        n, b, m, a = top // m, top % m, a, m
    return total


def pairs_below(limit: int, outputs: int, stride: int, taps: int, dilation: int) -> int:
    """How many (o, j) with 0 ≤ o < outputs, 0 ≤ j < taps have o·stride + j·dilation < limit."""
    if limit <= 0:
        return 0
    reached = min(taps, ceil_div(limit, dilation))
    # Taps j below `full` stay under the limit at every output.
    full = min(reached, max(0, ceil_div(limit - stride * (outputs - 1), dilation)))
    partial = reached - full
    smallest = limit - dilation * (reached - 1) + stride - 1
    return full * outputs + floor_sum(partial, stride, dilation, smallest)


class Window(NamedTuple):
    """A kernel that slides along one axis of `n` positions."""

    n: int
    kernel_size: int
    stride: int
    before: int
    after: int
    dilation: int = 1
    ceil_mode: bool = False

    @property
    def extent(self) -> int:
        return extent(self.kernel_size, self.dilation)

    @property
    def exact(self) -> Fraction:
        """(N + P − D(F−1) − 1)/S + 1 before any rounding."""
        return Fraction(self.n + self.before + self.after - self.extent, self.stride) + 1

    @property
    def output(self) -> int:
        if self.ceil_mode:
            return window_ceil(
                self.n, self.kernel_size, self.stride, self.before, self.after, self.dilation
            )
        padding = self.before + self.after
        return window(self.n, self.kernel_size, self.stride, padding, self.dilation)

    @property
    def lost(self) -> int:
        """Positions at the far end of the padded axis that no window reaches."""
        reached = (self.output - 1) * self.stride + self.extent
        return maximum(self.n + self.before + self.after - reached, 0)

    @property
    def lost_input(self) -> int:
        """Those of `lost` that are input and not padding."""
        return minimum(maximum(self.lost - self.after, 0), self.n)

    @property
    def gap(self) -> int:
        """Positions skipped between one window and the next."""
        return maximum(self.stride - self.extent, 0)

    @property
    def reads(self) -> int:
        """Pairs (output, input) that are connected, padding excluded."""
        taps = (self.output, self.stride, self.kernel_size, self.dilation)
        return pairs_below(self.before + self.n, *taps) - pairs_below(self.before, *taps)


class TransposedWindow(NamedTuple):
    """A kernel that every one of `n` positions stamps on a larger axis."""

    n: int
    kernel_size: int
    stride: int
    before: int
    after: int
    dilation: int = 1
    output_padding: int = 0

    @property
    def output(self) -> int:
        padding = self.before + self.after
        return transposed(
            self.n, self.kernel_size, self.stride, padding, self.dilation, self.output_padding
        )

    @property
    def reads(self) -> int:
        """Pairs (input, output) that are connected; what the padding crops is excluded."""
        taps = (self.n, self.stride, self.kernel_size, self.dilation)
        return pairs_below(self.before + self.output, *taps) - pairs_below(self.before, *taps)
