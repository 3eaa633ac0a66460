"""Pictures as tensors that a network can read: which of them, of what size and colour."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from math import isqrt, prod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from cnncalc.errors import UsageError
from cnncalc.layers.base import Shape

LUMA = (0.299, 0.587, 0.114)
"""Red, green and blue in grey: ITU-R BT.601."""
_CHUNK = 1024
_MEMORY = 8 * 2**30
"""The memory of a machine that does not tell."""


class Split(NamedTuple):
    """Images, float32 (N, C, *sizes) or (N, features) from 0 to 1, and labels, int64 (N,)."""

    images: Tensor
    labels: Tensor


Target = tuple[int, int, int, bool]
"""What a picture becomes: its channels, height and width, and whether as a vector."""


class ShapesMet(Counter[Shape]):
    """How many pictures of each shape were met."""

    def notes(self, target: Target) -> Iterator[str]:
        """What was done to the pictures, a sentence each."""
        channels, height, width, flat = target

        def of(done: int) -> str:
            return "" if done == self.total() else f" ({done:,} of {self.total():,} pictures)"

        resized = {shape: n for shape, n in self.items() if shape[1:] != (height, width)}
        if resized:
            sizes = {shape[1:] for shape in resized}
            from_size = "from {}×{} ".format(*sizes.pop()) if len(sizes) == 1 else ""
            shrunk = any(h > height or w > width for _, h, w in resized)
            bent = any(h * width != w * height for _, h, w in resized)
            yield (
                f"resampled {from_size}to {height}×{width}, bilinear"
                + ", antialiased" * shrunk
                + ", proportions not kept" * bent
                + of(sum(resized.values()))
            )
        recoloured = sum(n for shape, n in self.items() if shape[0] != channels)
        if recoloured:
            red, green, blue = LUMA
            yield (
                f"colour turned to grey: {red} red + {green} green + {blue} blue"
                if channels == 1
                else "grey copied to 3 channels"
            ) + of(recoloured)
        if flat:
            yield f"flattened: {channels * height * width:,} values, " + (
                f"{channels} × {height} rows of {width}" if channels > 1 else f"rows of {width}"
            )


class Pictures(NamedTuple):
    """Labelled pictures that are not read, or not made to fit, before they are wanted."""

    labels: Tensor
    batches: Callable[[Tensor], Iterator[Tensor]]
    """The pictures of these indices in their order, float32 (n, C, H, W), a few at a time."""
    shape: Shape | None = None
    """Of each of them, channels first, where the set says so."""

    def take(self, indices: Tensor) -> "Pictures":
        """Those of the given indices, in their order."""
        return self._replace(
            labels=self.labels[indices], batches=lambda chosen: self.batches(indices[chosen])
        )

    def fitted(self, target: Target, met: ShapesMet) -> Split:
        """All of them, made to fit. `met` counts their shapes."""
        images = torch.empty(len(self.labels), *target[:3])
        start = 0
        for batch in self.batches(torch.arange(len(self.labels))):
            met[tuple(batch.shape[1:])] += len(batch)
            images[start : start + len(batch)] = made_to_fit(batch, target)
            start += len(batch)
        return Split(images.flatten(1) if target[3] else images, self.labels)


def made_to_fit(images: Tensor, target: Target) -> Tensor:
    """Pictures (n, C, H, W) with the target's channels and sizes, not flattened."""
    channels, *size, _ = target
    if images.shape[1] > channels:
        luma = torch.tensor(LUMA, device=images.device).view(3, 1, 1)
        images = (images * luma).sum(1, keepdim=True)
    if [*images.shape[2:]] != size:
        # Where nothing shrinks this is plain bilinear interpolation.
        images = nn.functional.interpolate(images, size, mode="bilinear", antialias=True)
    # Rounding must not leave 0…1.
    return images.clamp(0, 1).expand(-1, channels, -1, -1)


class Source(NamedTuple):
    """A data set: what is known before it is read, and what reads it."""

    classes: tuple[str, ...]
    read: Callable[[], tuple[Pictures, Pictures, str]]
    """Those to train on, those to test on, and how many they are and from where."""


def stratified(labels: Tensor, count: int, classes: int, seed: int) -> Tensor:
    """The indices of `count` items, in order; of a class of c among n items, count·c/n.

    Rounded down, and the items that are still wanted go to the classes with the largest
    remainders, of two alike to the first: no class is further than 1 from its share.
    """
    sizes = torch.bincount(labels, minlength=classes).tolist()
    wanted = [count * size // len(labels) for size in sizes]
    by_remainder = sorted(range(classes), key=lambda index: -(count * sizes[index] % len(labels)))
    for index in by_remainder[: count - sum(wanted)]:
        wanted[index] += 1
    generator = torch.Generator().manual_seed(seed)
    # In a random order, then stably by class: each class in a random order of its own.
    shuffled = torch.randperm(len(labels), generator=generator)
    by_class = torch.split(shuffled[torch.argsort(labels[shuffled], stable=True)], sizes)
    taken = [part[:number] for part, number in zip(by_class, wanted, strict=True)]
    return torch.cat(taken).sort().values


def held_out(
    pictures: Pictures, classes: int, seed: int, what: str
) -> tuple[Pictures, Pictures, str]:
    """Those to train on, those to test on, a fifth of all, rounded up, and how many they are."""
    labels = pictures.labels
    test = stratified(labels, -(-len(labels) // 5), classes, seed)
    kept = torch.ones(len(labels), dtype=torch.bool)
    kept[test] = False
    return (
        pictures.take(kept.nonzero().flatten()),
        pictures.take(test),
        f"{len(labels) - len(test):,} training and {len(test):,} test {what}, "
        f"split at random, stratified, seed {seed}",
    )


def in_memory(images: Tensor, labels: Tensor, most: int = 255) -> Pictures:
    """Pictures given as integers from 0 to `most`, (N, C, H, W)."""

    def batches(chosen: Tensor) -> Iterator[Tensor]:
        for part in torch.split(chosen, _CHUNK):
            yield images[part].float().div_(most)

    return Pictures(labels.long(), batches, tuple(images.shape[1:]))


def target(name: str, input: Shape) -> Target:
    """What pictures become for an input. Raises UsageError where none fits it.

    A vector of n² values is a grey square picture, one of 3·n² a coloured one.
    """
    flat = len(input) == 1
    if flat:
        for channels in (1, 3):
            side = isqrt(input[0] // channels)
            if channels * side**2 == input[0]:
                return channels, side, side, flat
        why = f"{input[0]:,} values are no square picture, as 784 (28×28) or 3,072 (32×32×3) are"
    elif len(input) != 3:
        why = f"its sizes without the channels are {len(input) - 1}, those of a picture 2"
    elif input[0] not in (1, 3):
        why = f"it has {input[0]:,} channels, a picture 1 or 3"
    else:
        channels, height, width = input
        return channels, height, width, flat
    raise UsageError(
        f"{name} does not fit the network's input: {why}; --data synthetic fits any input"
    )


def check_memory(name: str, counts: Sequence[int], input: Shape) -> None:
    """Raises UsageError where the images would take more than half of the memory."""
    needed, memory = sum(counts) * prod(input) * 4, _memory()
    if needed > memory // 2:
        raise UsageError(
            f"{name}: {sum(counts):,} images of {prod(input):,} values take {needed / 1e9:,.1f} "
            f"GB, more than half of this machine's {memory / 1e9:,.1f} GB: take fewer with "
            "--limit-train and --limit-test, or give the network a smaller input"
        )


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return _MEMORY
