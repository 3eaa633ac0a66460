"""Test images that are moved, and how many of them a network still answers rightly."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from cnncalc.data.fitting import Split
from cnncalc.findings.contest import Shifted
from cnncalc.layers.base import Shape
from cnncalc.training.loop import answers, batches

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
    """How far images are moved: at most a quarter of the shortest axis along which they are, and
    at least by one position; not at all where there is no such axis."""
    ways = directions(input)
    return min((MOST, *(max(1, input[way.axis - 1] // 4) for way in ways))) if ways else 0


def shifted(images: Tensor, axis: int, by: int) -> Tensor:
    """Images (N, C, *sizes) moved by so many positions along an axis, towards its end where `by`
    is positive. What leaves is lost, what comes in is 0, nothing wraps round."""
    moved, kept = torch.zeros_like(images), images.shape[axis] - abs(by)
    if kept > 0:
        moved.narrow(axis, max(by, 0), kept).copy_(images.narrow(axis, max(-by, 0), kept))
    return moved


class Answers(NamedTuple):
    """What a network said of test images."""

    shifted: tuple[Shifted, ...]
    """How many are right, moved by 0, 1, … positions."""
    right: tuple[bool, ...]
    """Which of those that stay."""


def answers_when_shifted(
    network: nn.Module,
    sign: int,
    test: Split,
    as_they_are: Tensor,
    read: Callable[[Tensor], Tensor],
    *,
    batch_size: int,
    step: Callable[[int, int], None],
) -> Answers:
    """Answers on the test images, moved by 0, 1, … positions in every direction.

    Moved are the images `as_they_are` (N, C, *sizes), which `read` then makes to fit the network;
    `test` are those that stay, made to fit. `sign` is that of the logits. Batches are those of the
    training's own test, so that the answers on images that stay are the same. `step` is told how
    many passes are done, and of how many.
    """
    device = next(network.parameters()).device
    images, labels = as_they_are.to(device), test.labels.to(device)
    shape = tuple(images.shape[1:])
    passes = [(by, way) for by in range(1, farthest(shape) + 1) for way in directions(shape)]
    network.eval()

    def right(moved: Tensor, read: Callable[[Tensor], Tensor]) -> Tensor:
        found = list[Tensor]()
        with torch.no_grad():
            for start, stop in batches(len(labels), batch_size):
                logits = network(read(moved[start:stop])).flatten(1).float() * sign
                found.append(answers(logits) == labels[start:stop])
        return torch.cat(found)

    at_home = right(test.images.to(device), lambda images: images)
    step(1, 1 + len(passes))
    right_by = {0: [int(at_home.sum())]}
    for done, (by, way) in enumerate(passes, 2):
        moved = shifted(images, way.axis, way.sign * by)
        right_by.setdefault(by, []).append(int(right(moved, read).sum()))
        step(done, 1 + len(passes))
    return Answers(
        tuple(Shifted(by, tuple(counts)) for by, counts in right_by.items()),
        tuple(at_home.tolist()),
    )
