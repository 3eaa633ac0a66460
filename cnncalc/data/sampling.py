"""Some of the images at random, as many of each class as its share."""

import torch
from torch import Tensor

from cnncalc.data.fitting import Pictures


def stratified(labels: Tensor, count: int, classes: int, seed: int) -> Tensor:
    """The indices of `count` items, in order; of a class of c among n items, count·c/n.

    Rounded down, and the items that are still wanted go to the classes with the largest
    remainders, of two alike to the first: no class is further than 1 from its share.
    """
    sizes = torch.bincount(labels, minlength=classes).tolist()
    wanted = [count * size // len(labels) for size in sizes]
    remainders = [count * size % len(labels) for size in sizes]
    by_remainder = sorted(range(classes), key=lambda index: -remainders[index])
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
    text = (
        f"{len(labels) - len(test):,} training and {len(test):,} test {what}, "
        f"split at random, stratified, seed {seed}"
    )
    return pictures.take(kept.nonzero().flatten()), pictures.take(test), text
