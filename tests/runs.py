"""Small runs of `cnncalc train` for tests: a network, data made up, and who listens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from cnncalc.data.fitting import Split
from cnncalc.data.load import Dataset
from cnncalc.graph import Graph
from cnncalc.spec.load import load
from cnncalc.training.loop import Epoch
from cnncalc.training.settings import Settings
from cnncalc.training.train import Observer, Outcome, train

SPEC: dict[str, Any] = {
    "name": "small",
    "input": {"height": 6, "width": 6, "channels": 1},
    "layers": [
        {"conv": {"out_channels": 4, "kernel_size": 3, "bias": False}},
        "batch_norm",
        "relu",
        {"dropout": 0.25},
        "flatten",
        {"linear": {"out_features": 3, "activation": "softmax"}},
    ],
}
"""Everything that has a state: batch norm its means, dropout the generator."""


def data(train: int = 70, test: int = 20, classes: int = 3, size: int = 6) -> Dataset:
    """Pictures whose class is the row in which they are bright."""
    generator = torch.Generator().manual_seed(1)

    def split(number: int) -> Split:
        labels = torch.arange(number) % classes
        images = torch.rand(number, 1, size, size, generator=generator) / 2
        images[torch.arange(number), 0, labels] += 0.5
        return Split(images, labels)

    return Dataset("rows", split(train), split(test), tuple("abc"[:classes]), ("made up",))


class Listener(Observer):
    """Keeps what it is told; `at` is called with the number of steps done in all."""

    def __init__(self, at: Any = None) -> None:
        self.notes: list[str] = []
        self.first: list[tuple[float, int]] = []
        self.epochs: list[Epoch] = []
        self.steps = 0
        self.at = at

    def note(self, text: str) -> None:
        self.notes.append(text)

    def start(self, loss: float, classes: int) -> None:
        self.first.append((loss, classes))

    def step(self, epoch: int, done: int, steps: int) -> None:
        self.steps += 1
        if self.at is not None:
            self.at(self.steps)

    def epoch(self, epoch: Epoch, epochs: int) -> None:
        self.epochs.append(epoch)


def run(
    folder: Path,
    *,
    spec: dict[str, Any] | Graph = SPEC,
    dataset: Dataset | None = None,
    resume: bool = False,
    listener: Listener | None = None,
    **settings: Any,
) -> Outcome:
    """A run of three epochs of seven steps, unless `settings` say otherwise."""
    graph = spec if isinstance(spec, Graph) else load(spec)
    asked = Settings(**{"epochs": 3, "batch_size": 10, "device": "cpu", **settings})
    return train(
        graph, asked, folder, listener or Listener(), resume=resume, dataset=dataset or data()
    )


def weights(outcome: Outcome) -> dict[str, torch.Tensor]:
    """Everything that a network holds."""
    found: dict[str, torch.Tensor] = outcome.network.state_dict()
    return found


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    """Whether two networks hold the same bits."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
