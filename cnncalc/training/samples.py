"""What a run learns from, and is tested on."""

import hashlib

import torch

from cnncalc.data.fitting import Split
from cnncalc.data.load import Dataset, load_data
from cnncalc.errors import UsageError
from cnncalc.training.objective import Objective
from cnncalc.training.settings import Settings


def find_samples(goal: Objective, settings: Settings, given: Dataset | None = None) -> Dataset:
    """The data that are given or named, or those of them that are to be learnt by heart.

    Raises UsageError.
    """
    data = given or load_data(
        settings.data,
        goal.input,
        goal.outputs,
        folder=settings.folder,
        limit_train=settings.limit_train,
        limit_test=settings.limit_test,
        seed=settings.seed,
    )
    return data if settings.overfit is None else _few(data, settings.overfit, settings.seed)


def _few(data: Dataset, number: int, seed: int) -> Dataset:
    """The first samples of a fixed order, to train on and to be tested on."""
    there = len(data.train.labels)
    if number > there:
        raise UsageError(f"--overfit {number:,}: there are {there:,} samples to train on")
    chosen = torch.randperm(there, generator=torch.Generator().manual_seed(seed))[:number]
    few = Split(data.train.images[chosen], data.train.labels[chosen])
    return Dataset(data.name, few, few, data.classes, data.notes)


def fingerprint(data: Dataset) -> str:
    """A hash of what is learnt: the labels, and how large the images are."""
    digest = hashlib.sha256()
    for split in (data.train, data.test):
        digest.update(repr(tuple(split.images.shape)).encode())
        digest.update(split.labels.numpy().tobytes())
    return digest.hexdigest()
