"""Which input positions an output position reads, along one axis.

Borders are left out: positions run from −∞ to ∞, and padding is positions before 0. What a
position reads repeats after `period` output positions, moved on by `shift` input positions.
Positions are ints, so all sizes are pinned.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from cnncalc.dims import TransposedWindow, Window, ceil_div, gcd, pinned


class AxisMap(NamedTuple):
    """`reads` gives the input positions that an output position reads, as a range."""

    period: int
    shift: int
    reads: Callable[[int], range]


def moved(offset: int) -> AxisMap:
    """Every output position reads the one input position that is `offset` further on."""
    offset = pinned(offset)
    return AxisMap(1, 1, lambda o: range(o + offset, o + offset + 1))


SAME = moved(0)
"""Every output position reads the same input position."""


def sliding(window: Window) -> AxisMap:
    """A kernel that starts at S·o − P and has its taps D apart."""
    stride, before, extent, step = map(
        pinned, (window.stride, window.before, window.extent, window.dilation)
    )

    def reads(o: int) -> range:
        first = stride * o - before
        return range(first, first + extent, step)

    return AxisMap(1, stride, reads)


def stamping(window: TransposedWindow) -> AxisMap:
    """Tap t of input position i lands on output i·S + t·D − P, so o reads i = (o + P − t·D)/S.

    Only some taps give a whole i: t ≡ (o + P)/D modulo S, which none may solve.
    """
    window = TransposedWindow(*map(pinned, window))
    common = gcd(window.stride, window.dilation)
    stride, dilation = window.stride // common, window.dilation // common

    def reads(o: int) -> range:
        place, rest = divmod(o + window.before, common)
        if rest:
            return range(0)
        first_tap = place * pow(dilation, -1, stride) % stride
        taps = ceil_div(window.kernel_size - first_tap, stride)
        last = (place - first_tap * dilation) // stride
        return range(last - (taps - 1) * dilation, last + 1, dilation)

    return AxisMap(window.stride, 1, reads)


def followed(window: Window | TransposedWindow) -> AxisMap:
    """What a window reads that slides or stamps."""
    return stamping(window) if isinstance(window, TransposedWindow) else sliding(window)


def repeating(factor: int) -> AxisMap:
    """Every input position is read by `factor` output positions."""
    factor = pinned(factor)
    return AxisMap(factor, 1, lambda o: range(o // factor, o // factor + 1))


def resizing(n: int, outputs: int, reach: int) -> AxisMap:
    """Interpolation from `n` to `outputs` positions.

    `reach` is how many positions on either side of the wanted place are read; 0 stands for the
    nearest one. Place o is (o + 1/2)·N/O − 1/2; the nearest position is ⌊o·N/O⌋.
    Source: torch.nn.Upsample with align_corners=False.
    """
    n, outputs = pinned(n), pinned(outputs)
    common = gcd(n, outputs)

    def reads(o: int) -> range:
        if not reach:
            return range(o * n // outputs, o * n // outputs + 1)
        place = Fraction((2 * o + 1) * n - outputs, 2 * outputs)
        before = place.numerator // place.denominator
        # What lies on a position reads it alone: the weights of the others are 0.
        if before == place:
            return range(before, before + 1)
        return range(before - reach + 1, before + reach + 1)

    return AxisMap(outputs // common, n // common, reads)


def dividing(n: int, outputs: int) -> AxisMap | None:
    """Adaptive pooling: window o reads ⌊oN/O⌋ to ⌈(o+1)N/O⌉ − 1; a single one the whole input."""
    n, outputs = pinned(n), pinned(outputs)
    if outputs == 1:
        return None
    common = gcd(n, outputs)
    return AxisMap(
        outputs // common,
        n // common,
        lambda o: range(o * n // outputs, ceil_div((o + 1) * n, outputs)),
    )
