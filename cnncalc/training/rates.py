"""A learning rate chosen for a network by what comes of a few on a part of its training set."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cnncalc.errors import UsageError
from cnncalc.findings.contest import Trial
from cnncalc.training.settings import LEARNING_RATES, Optimizer

if TYPE_CHECKING:
    from cnncalc.data.load import Dataset
    from cnncalc.training.train import Outcome

FACTORS = (0.25, 1.0, 4.0)
"""The rates that are tried, as parts of the optimizer's usual one."""


def rates(optimizer: Optimizer) -> tuple[float, ...]:
    """Those that are tried, the smallest first."""
    return tuple(LEARNING_RATES[optimizer] * factor for factor in FACTORS)


def validation_part(data: Dataset, seed: int) -> Dataset:
    """The training set alone: four fifths to train on, a fifth, rounded up, to be judged on.

    Stratified; `seed` says which samples. The test set has no part in it. Raises UsageError.
    """
    import torch

    from cnncalc.data.fitting import Split, stratified

    images, labels = data.train
    if len(labels) < 2:
        raise UsageError(
            f"{data.name}: {len(labels)} sample to train on leaves none to choose a learning rate "
            "by: give --lr, or more samples"
        )
    judged = stratified(labels, -(-len(labels) // 5), len(data.classes), seed)
    kept = torch.ones(len(labels), dtype=torch.bool)
    kept[judged] = False
    return replace(
        data,
        train=Split(images[kept], labels[kept]),
        test=Split(images[judged], labels[judged]),
    )


def tried(lr: float, found: Outcome) -> Trial:
    """What a run with a rate came to at its end."""
    if found.diverged is not None:
        return Trial(lr, None, None)
    last = found.history[-1]
    return Trial(lr, last.test_accuracy, last.test_loss)


def best(trials: tuple[Trial, ...]) -> float | None:
    """The rate of the highest accuracy, of equals that of the lowest loss; None where none ran."""
    ended = [(-t.accuracy, t.loss, t.lr) for t in trials if t.accuracy is not None]
    return min(ended)[2] if ended else None
