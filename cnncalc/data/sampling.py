"""Some of the images at random, as many of each class as its share."""

import torch
from torch import Tensor


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


def held_out(labels: Tensor, classes: int, seed: int) -> tuple[Tensor, Tensor]:
    """The indices to train on and those to test on: a fifth of all items, rounded up."""
    test = stratified(labels, -(-len(labels) // 5), classes, seed)
    kept = torch.ones(len(labels), dtype=torch.bool)
    kept[test] = False
    return kept.nonzero().flatten(), test
