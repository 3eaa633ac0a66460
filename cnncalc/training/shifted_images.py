"""Test images that are moved, and how many of them a network still answers rightly."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from cnncalc.data.fitting import Split
from cnncalc.findings.contest import Shifted
from cnncalc.layers.base import Shape
from cnncalc.training.loop import batches, right

MOST = 4
"""The positions that images are moved by at most."""
_NAMES = (("front", "back"), ("up", "down"), ("left", "right"))


class Direction(NamedTuple):
    """Where images are moved to: an axis of the batch, and towards its end (1) or start (−1)."""

    name: str
    axis: int
    sign: int


def directions(input: Shape) -> tuple[Direction, ...]:
    """Both ways along every spatial axis that has more than one position."""
    _, *sizes = input
    return tuple(
        Direction(name, axis, sign)
        for axis, (size, names) in enumerate(zip(sizes, _NAMES[-len(sizes) :], strict=True), 2)
        if size > 1
        for name, sign in zip(names, (-1, 1), strict=True)
    )


def farthest(input: Shape) -> int:
    """How far images are moved: something must be left of each axis along which they are."""
    return min((MOST, *(input[way.axis - 1] - 1 for way in directions(input))))


def shifted(images: Tensor, axis: int, by: int) -> Tensor:
    """Images (N, C, *sizes) moved by so many positions along an axis, towards its end where `by`
    is positive. What leaves is lost, what comes in is 0, nothing wraps round."""
    moved, kept = torch.zeros_like(images), images.shape[axis] - abs(by)
    if kept > 0:
        moved.narrow(axis, max(by, 0), kept).copy_(images.narrow(axis, max(-by, 0), kept))
    return moved


def right_when_shifted(
    network: nn.Module,
    sign: int,
    test: Split,
    batch_size: int,
    step: Callable[[int, int], None],
) -> tuple[Shifted, ...]:
    """Right answers on the test images, moved by 0, 1, … positions in every direction.

    `sign` is that of the logits. Batches are those of the training's own test, so that the answers
    of images that stay are the same. `step` is told how many passes are done, and of how many.
    """
    device = next(network.parameters()).device
    images, labels = test.images.to(device), test.labels.to(device)
    shape = tuple(images.shape[1:])
    ways = directions(shape)
    passes = [(by, way) for by in range(1, farthest(shape) + 1) for way in ways]
    right_by = dict[int, list[int]]()
    network.eval()
    for done, (by, way) in enumerate([(0, None), *passes], 1):
        moved = shifted(images, way.axis, way.sign * by) if way else images
        right_by.setdefault(by, []).append(_right(network, sign, moved, labels, batch_size))
        step(done, 1 + len(passes))
    return tuple(Shifted(by, tuple(counts)) for by, counts in right_by.items())


def _right(network: nn.Module, sign: int, images: Tensor, labels: Tensor, batch_size: int) -> int:
    """How many images are answered rightly."""
    correct = torch.zeros((), dtype=torch.int64, device=images.device)
    with torch.no_grad():
        for start, stop in batches(len(labels), batch_size):
            logits = network(images[start:stop]).flatten(1).float() * sign
            correct += right(logits, labels[start:stop]).long()
    return int(correct)
