"""Made-up data for any input: a pattern for each class, and noise."""

import torch

from cnncalc.data.fitting import Split, check_memory
from cnncalc.errors import UsageError
from cnncalc.layers.base import Shape

MAX_CLASSES = 100_000
_TRAIN, _TEST = 2_000, 500
_CELLS = 8
"""The patterns' cells along each axis; a vector has one for each of its values."""
_NOISE = 0.1


def make(
    input: Shape, outputs: int, limit_train: int | None, limit_test: int | None, seed: int
) -> tuple[Split, Split, int, str]:
    """Images to train on and to test on, the number of classes, and what they are.

    The limits are how many; else 2,000 and 500, or two and one of each class where that is more.
    A class is a coarse pattern of values from 0.25 to 0.75; to each image normal noise of standard
    deviation 0.1 is added. Classes have equal shares.
    """
    classes = 2 if outputs == 1 else outputs
    if not 2 <= classes <= MAX_CLASSES:
        raise UsageError(f"synthetic: {classes:,} classes; there can be 2 to {MAX_CLASSES:,}")
    first, second = limit_train or max(_TRAIN, 2 * classes), limit_test or max(_TEST, classes)
    check_memory("synthetic", (first, second), input)
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(first + second) % classes
    images = torch.randn(first + second, *input, generator=generator).mul_(_NOISE)
    sizes = input[1:] or input
    cells = [min(size, _CELLS) for size in sizes] if input[1:] else [*sizes]
    for index in range(min(classes, first + second)):
        pattern = torch.rand(*input[: -len(sizes)], *cells, generator=generator) / 2 + 0.25
        for axis, (size, number) in enumerate(zip(sizes, cells, strict=True), -len(sizes)):
            pattern = pattern.index_select(axis, torch.arange(size) * number // size)
        images[index::classes] += pattern
    images.clamp_(0, 1)
    note = (
        f"synthetic: {first:,} training and {second:,} test images made up, a coarse pattern for "
        f"each of {classes:,} classes and noise, seed {seed}"
    )
    train = Split(images[:first], labels[:first])
    return train, Split(images[first:], labels[first:]), classes, note
