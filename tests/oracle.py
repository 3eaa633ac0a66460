"""A deliberately naive oracle: it slides real windows and counts what happens.

Nothing here knows a formula of a size or a cost. A padded axis is a list whose entries are input
positions or None (padding); window starts are tried one after the other; every multiplication is
one turn of a loop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

Position = tuple[int, ...]


@dataclass
class BruteCount:
    """What was seen while a layer was really carried out."""

    output: set[Position] = field(default_factory=set)
    """Every output value, as (channel, *position)."""
    macs: int = 0
    weights: set[Any] = field(default_factory=set)
    """Every trained number that was used, biases and coefficients too."""
    connections: int = 0
    elementwise: Counter[str] = field(default_factory=Counter)

    @property
    def output_shape(self) -> Position:
        """One more than the highest index along each axis; no output value may be missing."""
        shape = tuple(max(indices) + 1 for indices in zip(*self.output, strict=True))
        assert self.output == set(product(*map(range, shape)))
        return shape


@dataclass(frozen=True)
class Axis:
    """A window along one axis, its numbers as a person writes them."""

    n: int
    kernel_size: int
    stride: int = 1
    before: int = 0
    after: int = 0
    dilation: int = 1
    ceil_mode: bool = False

    @property
    def cells(self) -> list[int | None]:
        """The padded axis: the input position of each cell, None for padding."""
        return [None] * self.before + list(range(self.n)) + [None] * self.after

    @property
    def taps(self) -> list[int]:
        return [tap * self.dilation for tap in range(self.kernel_size)]

    @property
    def starts(self) -> list[int]:
        """Where a window is put, one stride after the other.

        It must fit. With `ceil_mode` it may stick out by less than one stride, but it must start
        on input or on the padding before it.
        """
        end, start = len(self.cells), 0
        starts: list[int] = []
        while True:
            sticks_out = start + self.taps[-1] - (end - 1)
            on_input = any(cell is not None for cell in self.cells[start:])
            if not (sticks_out <= 0 or (self.ceil_mode and sticks_out < self.stride and on_input)):
                return starts
            starts.append(start)
            start += self.stride

    @property
    def windows(self) -> list[list[int | None]]:
        """The cells that each window reads; what sticks out is as empty as padding."""
        cells = dict(enumerate(self.cells))
        return [[cells.get(start + tap) for tap in self.taps] for start in self.starts]

    @property
    def lost(self) -> list[int | None]:
        """The cells behind the last one that any window reads."""
        return self.cells[max(start + self.taps[-1] for start in self.starts) + 1 :]


def same(n: int, kernel_size: int, stride: int, dilation: int) -> tuple[int, int]:
    """The least padding with which as many windows fit as there are strides in the input."""
    total = 0
    while True:
        before, after = total // 2, total - total // 2
        axis = Axis(n, kernel_size, stride, before, after, dilation)
        if len(axis.starts) >= len(range(0, n, stride)):
            return before, after
        total += 1


def _slide(axes: Sequence[Axis]) -> Iterator[tuple[Position, list[tuple[Position, bool]]]]:
    """Each output position, and for each tap its index and whether it reads input."""
    windows = [axis.windows for axis in axes]
    taps = list(product(*(range(axis.kernel_size) for axis in axes)))
    for position in product(*(range(len(those)) for those in windows)):
        reads = []
        for tap in taps:
            cells = [windows[a][position[a]][tap[a]] for a in range(len(axes))]
            reads.append((tap, None not in cells))
        yield position, reads


def readers(channels: int, out_channels: int, groups: int) -> list[list[int]]:
    """For each output map the input maps of its group, counted off one by one."""
    ins = [channel * groups // channels for channel in range(channels)]
    outs = [channel * groups // out_channels for channel in range(out_channels)]
    return [[i for i, group in enumerate(ins) if group == mine] for mine in outs]


def conv(
    axes: Sequence[Axis], wires: list[list[int]], bias: bool = True, shared: bool = True
) -> BruteCount:
    """A convolution whose output map o reads the input maps `wires[o]`.

    Where weights are not `shared`, every output position has its own.
    """
    count = BruteCount()
    for position, reads in _slide(axes):
        place = () if shared else position
        for out, maps in enumerate(wires):
            count.output.add((out, *position))
            for channel in maps:
                for tap, is_input in reads:
                    count.macs += 1
                    count.weights.add((out, channel, tap, place))
                    count.connections += is_input
            if bias:
                count.weights.add((out, "bias", place))
                count.connections += 1
                count.elementwise["add"] += 1
    return count


def conv_transpose(
    axes: Sequence[Axis], output_padding: Sequence[int], wires: list[list[int]], bias: bool = True
) -> BruteCount:
    """Every input value stamps its kernel on a canvas; then the padding is cut off the canvas.

    Padding of an axis is what is cut before and after; output padding is what is put at the end.
    """
    count = BruteCount()
    canvases = []
    for axis, added in zip(axes, output_padding, strict=True):
        inked = [i * axis.stride + tap for i in range(axis.n) for tap in axis.taps]
        canvases.append(range(axis.before, max(inked) + 1 - axis.after + added))
    for position in product(*(range(axis.n) for axis in axes)):
        for tap in product(*(range(axis.kernel_size) for axis in axes)):
            ink = [
                p * axis.stride + axis.taps[t]
                for p, t, axis in zip(position, tap, axes, strict=True)
            ]
            for out, maps in enumerate(wires):
                for channel in maps:
                    count.macs += 1
                    count.weights.add((out, channel, tap))
                    count.connections += all(i in c for i, c in zip(ink, canvases, strict=True))
    for place in product(range(len(wires)), *(range(len(canvas)) for canvas in canvases)):
        count.output.add(place)
        if bias:
            count.weights.add((place[0], "bias"))
            count.connections += 1
            count.elementwise["add"] += 1
    return count


def pool(channels: int, axes: Sequence[Axis], kind: str) -> BruteCount:
    """Pooling of each channel alone. `kind` is max, min, avg or subsample."""
    count = BruteCount()
    for position, reads in _slide(axes):
        _pool_window(count, channels, position, sum(is_input for _, is_input in reads), kind)
    return count


def adaptive_pool(channels: int, sizes: Sequence[tuple[int, int]], kind: str) -> BruteCount:
    """Pooling of each axis of n positions, for (n, outputs), to a wanted number of outputs.

    Output i stands for the stretch from i·n/outputs to (i + 1)·n/outputs of the axis and reads
    every position that the stretch touches.
    """
    count = BruteCount()
    for position in product(*(range(outputs) for _, outputs in sizes)):
        touched = [
            sum(i * n < (cell + 1) * outputs and cell * outputs < (i + 1) * n for cell in range(n))
            for i, (n, outputs) in zip(position, sizes, strict=True)
        ]
        values = len(list(product(*map(range, touched))))
        _pool_window(count, channels, position, values, kind)
    return count


def _pool_window(
    count: BruteCount, channels: int, position: Position, values: int, kind: str
) -> None:
    for channel in range(channels):
        count.output.add((channel, *position))
        for value in range(values):
            count.connections += 1
            if value:
                # The first value of a window is taken as it is.
                count.elementwise["add" if kind in ("avg", "subsample") else "compare"] += 1
        if kind == "avg":
            count.elementwise["divide"] += 1
        if kind == "subsample":
            count.weights |= {(channel, "coefficient"), (channel, "bias")}
            count.elementwise["multiply"] += 1
            count.elementwise["add"] += 1
            count.connections += 1


def linear(features: int, out_features: int, positions: int = 1, bias: bool = True) -> BruteCount:
    """A dense layer, at each of `positions` with the same weights."""
    count = BruteCount()
    for position in range(positions):
        for out in range(out_features):
            count.output.add((out, position))
            for feature in range(features):
                count.macs += 1
                count.weights.add((out, feature))
                count.connections += 1
            if bias:
                count.weights.add((out, "bias"))
                count.connections += 1
                count.elementwise["add"] += 1
    return count
