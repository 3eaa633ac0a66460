"""All size arithmetic, each formula once, with its source.

Sizes are numbers of positions along one axis. Formulas use only `+ - * // % **` and the functions
of this module, and compare nothing, so that an `AbstractNumber` can be put in where an int can.
Whether a result makes sense (at least 1) is not decided here: layers say it in their `rules`.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from operator import index
from typing import Any, NamedTuple, TypeVar

N = TypeVar("N", bound=int | Fraction)

MAX_TERMS = 1000
"""The longest sum that is written out for a number that is no int."""


class AbstractNumber:
    """A number that is more than its value: a variable, or one that remembers its formula.

    It has `+ - * // % **` and comparisons, with ints and with its like, a `repr` that no other
    number has, and a hash that all have that may equal it. Each comparison is a question to it, and
    what needs an int pins it to one: both are right, and may be dear. So formulas ask for what the
    methods here give.
    """

    __slots__ = ()

    @property
    def numerator(self) -> Any:
        return self

    @property
    def denominator(self) -> int:
        """1 where it is whole."""
        return 1

    def minimum(self, other: Any) -> Any:
        raise NotImplementedError

    def maximum(self, other: Any) -> Any:
        raise NotImplementedError

    def broadcast(self, other: Any) -> Any:
        return self.maximum(other)

    def gcd(self, other: Any) -> Any:
        return math.gcd(self.pinned(), pinned(other))

    def choose(self, negative: Any, otherwise: Any) -> Any:
        return negative if self < 0 else otherwise  # type: ignore[operator]

    def pinned(self) -> Any:
        """The int (or the fraction) that it is here, for loops and all else that needs one."""
        return index(self)  # type: ignore[arg-type]


def is_integer(value: Any) -> bool:
    """Whether it counts as a whole number: an int (no bool), or whole of a class of its own."""
    return type(value) is int or (isinstance(value, AbstractNumber) and value.denominator == 1)


def pinned(number: N) -> N:
    """A number as an int, for what cannot be a formula."""
    return number.pinned() if isinstance(number, AbstractNumber) else number


def minimum(*numbers: N) -> N:
    """The smallest of some numbers."""
    return _of("minimum", min, numbers)


def maximum(*numbers: N) -> N:
    """The largest of some numbers."""
    return _of("maximum", max, numbers)


def broadcast(*sizes: N) -> N:
    """The size of an axis along which what has size 1 is repeated: all others have one size."""
    return _of("broadcast", max, sizes)


def gcd(a: int, b: int) -> int:
    """The greatest common divisor."""
    return _of("gcd", lambda numbers: math.gcd(*numbers), (a, b))


def root(number: int, degree: int) -> int:
    """The largest whole number whose power of that degree is no larger; of a pinned number."""
    number = pinned(number)
    low, high = 0, 1 << (number.bit_length() // degree + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**degree <= number else (low, middle)
    return low


def choose(number: Any, negative: N, otherwise: N) -> N:
    """`negative` where a number is below 0, else `otherwise`: the `if` of a formula."""
    if isinstance(number, AbstractNumber):
        chosen: N = number.choose(negative, otherwise)
        return chosen
    return negative if number < 0 else otherwise


def _of(function: str, plain: Callable[[tuple[N, ...]], N], numbers: tuple[N, ...]) -> N:
    """A function of ints; where a number is more than that, its own of that name, two by two."""

    if not _any_abstract(numbers):
        return plain(numbers)

    def asked(a: N, b: N) -> N:
        if not isinstance(a, AbstractNumber):
            a, b = b, a
        return getattr(a, function)(b) if isinstance(a, AbstractNumber) else plain((a, b))

    return reduce(asked, numbers)


def _any_abstract(numbers: tuple[Any, ...]) -> bool:
    return any(isinstance(number, AbstractNumber) for number in numbers)


def ceil_div(a: int, b: int) -> int:
    """⌈a/b⌉ without floats."""
    return -(-a // b)


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
    reach = extent(kernel_size, dilation)
    total = (ceil_div(n, stride) - 1) * stride + reach - n
    # Only a kernel that is shorter than its stride may need less than none.
    if not (type(reach) is type(stride) is int and reach >= stride):
        total = maximum(total, 0)
    return total // 2, total - total // 2


def half_padding(kernel_size: int, dilation: int) -> int:
    """Padding of each side that is half the kernel's extent: ⌊(D(F − 1) + 1)/2⌋.

    It keeps the size where the extent is odd and the stride 1. Source: arXiv 1603.07285, section
    2.2 ("half padding"); for even kernels ⌊F/2⌋, as Theano's border mode of this name.
    """
    return extent(kernel_size, dilation) // 2


def transposed_same(kernel_size: int, stride: int, dilation: int) -> tuple[int, int, int]:
    """Cropping before and after, and positions added, that make a transposed output N·S.

    Source: `same` is what undoes a convolution with `same`, whose padding of N·S positions is
    D(F − 1) + 1 − S, the odd one after (TensorFlow's tf.nn.conv2d_transpose); where stamps leave
    gaps, the last one too is followed by one.
    """
    reach = extent(kernel_size, dilation)
    total = maximum(reach - stride, 0)
    return total // 2, total - total // 2, maximum(stride - reach, 0)


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
    """How many (o, j) with 0 ≤ o < outputs, 0 ≤ j < taps have o·stride + j·dilation < limit.

    For ints in O(log) steps; for other numbers as a sum over the taps, which compares nothing.
    """
    if _any_abstract((limit, outputs, stride, taps, dilation)):
        taps = pinned(taps)
        if taps <= MAX_TERMS:
            ends = (ceil_div(limit - tap * dilation, stride) for tap in range(taps))
            return sum(minimum(maximum(end, 0), outputs) for end in ends)
        numbers = (limit, outputs, stride, taps, dilation)
        limit, outputs, stride, taps, dilation = map(pinned, numbers)
    if limit <= 0:
        return 0
    reached = minimum(taps, ceil_div(limit, dilation))
    # Taps j below `full` stay under the limit at every output.
    full = minimum(reached, maximum(0, ceil_div(limit - stride * (outputs - 1), dilation)))
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
        reach = self.n + self.before + self.after - self.extent
        return Fraction(pinned(reach), pinned(self.stride)) + 1

    @property
    def rest(self) -> int:
        """Positions of the padded axis behind the last whole stride; 0 where the size is exact."""
        return (self.n + self.before + self.after - self.extent) % self.stride

    @property
    def output(self) -> int:
        if self.ceil_mode:
            return window_ceil(
                self.n, self.kernel_size, self.stride, self.before, self.after, self.dilation
            )
        return window(
            self.n, self.kernel_size, self.stride, self.before + self.after, self.dilation
        )

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
