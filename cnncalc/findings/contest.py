"""What came of a network and a dense one that were trained alike: accuracy, also of test images
that are shifted, parameters and time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from cnncalc.findings.dense_twin import Kind
from cnncalc.layers.base import Shape


class Shifted(NamedTuple):
    """How many of the test images are answered rightly when all are moved by so many positions,
    for each direction; one number where they stay."""

    pixels: int
    right: tuple[int, ...]


@dataclass(frozen=True)
class Contestant:
    """A trained network: what it costs, and what it learnt."""

    name: str
    device: str
    params: int
    macs: int
    history: Sequence[Mapping[str, Any]]
    """A line of metrics.jsonl for each epoch."""
    shifted: tuple[Shifted, ...]
    """From 0 positions on."""
    samples: int
    """How many images the test has."""

    @property
    def seconds(self) -> float:
        """Of all epochs, each with its test."""
        return float(sum(epoch["seconds"] for epoch in self.history))

    @property
    def train_accuracy(self) -> float:
        """Mean over the last epoch."""
        return float(self.history[-1]["train_accuracy"])

    def accuracy(self, pixels: int = 0) -> Fraction:
        """On the test images moved by so many positions: the mean over the directions."""
        right = self.shifted[pixels].right
        return Fraction(sum(right), len(right) * self.samples)

    def to_dict(self, directions: Sequence[str]) -> dict[str, Any]:
        """Everything by name; accuracies from 0 to 1."""
        return {
            "name": self.name,
            "device": self.device,
            "params": self.params,
            "macs": self.macs,
            "train_accuracy": self.train_accuracy,
            "test_accuracy": float(self.accuracy()),
            "seconds": round(self.seconds, 3),
            "seconds_per_epoch": round(self.seconds / len(self.history), 3),
            "shifted": [
                {
                    "pixels": pixels,
                    "accuracy": float(self.accuracy(pixels)),
                    "right": dict(zip(directions, right, strict=True)) if pixels else right[0],
                }
                for pixels, right in self.shifted
            ],
            "epochs": list(self.history),
        }


@dataclass(frozen=True)
class Contest:
    """A network and a dense one, trained on the same data in the same way."""

    data: str
    notes: tuple[str, ...]
    """Where the data are from, and what was done to make them fit."""
    train: int
    """How many samples were trained on."""
    input: Shape
    directions: tuple[str, ...]
    """Where images are moved to."""
    settings: Mapping[str, Any]
    """Epochs, batch size, optimizer, lr, schedule and seed."""
    torch: str
    """Its version."""
    rule: Kind
    """Which dense network it is."""
    sizes: tuple[int, ...]
    """Values of its input, of its hidden layers and of its result."""
    network: Contestant
    dense: Contestant

    @property
    def doubt(self) -> float:
        """Two standard errors of the difference of the accuracies, of as many images each."""
        parts = (float(one.accuracy()) for one in (self.network, self.dense))
        return float(2 * (sum(p * (1 - p) for p in parts) / self.network.samples) ** 0.5)

    def to_dict(self) -> dict[str, Any]:
        """What `--format json` prints."""
        return {
            "data": self.data,
            "notes": list(self.notes),
            "samples": {"train": self.train, "test": self.network.samples},
            "input_shape": list(self.input),
            "settings": dict(self.settings),
            "torch": self.torch,
            "two_standard_errors": self.doubt,
            "network": self.network.to_dict(self.directions),
            "dense": {
                "kind": self.rule,
                "sizes": list(self.sizes),
                **self.dense.to_dict(self.directions),
            },
        }
