"""How tensors lie in memory: strides as torch has them, batch first; axes of size 1 count not."""

from collections.abc import Sequence
from math import prod

from cnncalc.layers.kept import Order, Strides


def contiguous(shape: Sequence[int]) -> Strides:
    """Those of a tensor whose last axis is the closest."""
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def channels_last(shape: Sequence[int]) -> Strides:
    """Those of a tensor whose channels, axis 1, are the closest."""
    batch, *rest = contiguous((shape[0], *shape[2:], shape[1]))
    return (batch, rest[-1], *rest[:-1])


def same(shape: Sequence[int], strides: Strides, others: Strides) -> bool:
    """Whether two are the same places in memory."""
    return all(n == 1 or a == b for n, a, b in zip(shape, strides, others, strict=True))


def in_rows(shape: Sequence[int], strides: Strides) -> bool:
    """Whether the channels of each position lie side by side, and all places but those of the last
    axis are one axis, so that nothing is copied to take them as matrices."""
    batch, channels, *places, last = shape
    moved = (strides[0], *strides[2:], 1 if channels == 1 else strides[1])
    together = (batch * prod(places), last, channels)
    return moved[-1] == 1 and viewed((batch, *places, last, channels), moved, together) is not None


def laid_out(order: Order, shape: Sequence[int], read: Sequence[int], strides: Strides) -> Strides:
    """Those of a new output, given the shape and strides of the input.

    Elementwise kernels keep the order of the input's axes, without its gaps. Others follow
    channels that are last, where there are two or three other axes.
    """
    last = len(shape) > 2 and same(read, strides, channels_last(read))
    if order == "channels_last" and len(shape) > 2:
        return channels_last(shape)
    if order == "tokens_first":
        batch, channels, _ = shape
        return (channels, 1, batch * channels)
    if order == "by_kernel" and last and len(shape) > 3 and len(shape) == len(read):
        return contiguous(shape) if same(read, strides, contiguous(read)) else channels_last(shape)
    if order != "as_input" or len(shape) != len(read):
        return contiguous(shape)
    found, size = dict.fromkeys(range(len(shape)), 0), 1
    for axis in sorted(found, key=lambda axis: (strides[axis], -axis)):
        found[axis], size = size, size * shape[axis]
    return tuple(found.values())


def viewed(shape: Sequence[int], strides: Strides, wanted: Sequence[int]) -> Strides | None:
    """Those of the same values under another shape; None where torch must copy them.

    Axes can be taken together where one goes on where the next one ends.
    """
    axes = [(n, stride) for n, stride in zip(shape, strides, strict=True) if n != 1]
    chunks: list[tuple[int, int]] = []
    for n, stride in axes:
        if chunks and chunks[-1][1] == n * stride:
            chunks[-1] = (chunks[-1][0] * n, stride)
        else:
            chunks.append((n, stride))
    found: list[int] = []
    size, step = chunks.pop() if chunks else (1, 1)
    for n in reversed(wanted):
        if size == 1 and n != 1 and chunks:
            size, step = chunks.pop()
        if size % n:
            return None
        found.append(step)
        size, step = size // n, step * n
    return tuple(reversed(found))
