"""What came of a network and a dense one that were trained alike: accuracy, also of test images
that are shifted, parameters and time, over one seed or several; and whether they differ."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from cnncalc.findings.dense_twin import Kind
from cnncalc.findings.mcnemar import mcnemar
from cnncalc.findings.spread import Spread, spread
from cnncalc.layers.base import Shape

LEVEL = Fraction(1, 20)
"""The level of the tests."""


class Shifted(NamedTuple):
    """How many of the test images are answered rightly when all are moved by so many positions,
    for each direction; one number where they stay."""

    pixels: int
    right: tuple[int, ...]


class Trial(NamedTuple):
    """A learning rate, and what it came to on the validation part; None where the loss, or a
    weight, was no finite number."""

    lr: float
    accuracy: float | None
    loss: float | None


@dataclass(frozen=True)
class Contestant:
    """A network that was trained with one seed: how, and what it learnt."""

    device: str
    lr: float
    trials: tuple[Trial, ...]
    """Those that chose the rate; none where it was given."""
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
            "device": self.device,
            "lr": self.lr,
            "trials": [trial._asdict() for trial in self.trials],
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


class Side(NamedTuple):
    """One of the two networks, whatever the seed."""

    name: str
    params: int
    macs: int
    input: Shape
    """What it reads."""


@dataclass(frozen=True)
class Round:
    """Both networks trained with one seed, and tested on the same images."""

    seed: int
    notes: tuple[str, ...]
    """Where the data are from."""
    network_reads: tuple[str, ...]
    dense_reads: tuple[str, ...]
    """What was done to the data to make them fit."""
    network: Contestant
    dense: Contestant
    only_network: int
    """Test images that the network alone answers rightly."""
    only_dense: int

    @property
    def p(self) -> Fraction:
        """McNemar's exact test."""
        return mcnemar(self.only_network, self.only_dense)

    def to_dict(self, directions: Sequence[str]) -> dict[str, Any]:
        """Everything by name."""
        return {
            "seed": self.seed,
            "notes": list(self.notes),
            "network": {
                "notes": list(self.network_reads),
                **self.network.to_dict(directions),
            },
            "dense": {"notes": list(self.dense_reads), **self.dense.to_dict(directions)},
            "mcnemar": {
                "only_network": self.only_network,
                "only_dense": self.only_dense,
                "p": float(self.p),
            },
        }


@dataclass(frozen=True)
class Contest:
    """A network and a dense one, trained on the same data in the same way."""

    data: str
    train: int
    """How many samples were trained on."""
    directions: tuple[str, ...]
    """Where images are moved to."""
    settings: Mapping[str, Any]
    """Epochs, batch size, optimizer, schedule, seeds, and lr, None where it was chosen."""
    validation: int
    """How many samples of the training set the rates were judged on."""
    torch: str
    """Its version."""
    rule: Kind
    """Which dense network it is."""
    sizes: tuple[int, ...]
    """Values of its input, of its hidden layers and of its result."""
    network: Side
    dense: Side
    rounds: tuple[Round, ...]

    @property
    def samples(self) -> int:
        """How many images a test has."""
        return self.rounds[0].network.samples

    def over_seeds(self, value: Callable[[Contestant], Fraction | float]) -> tuple[Spread, Spread]:
        """Mean and spread of a quantity of the network, and of the dense one."""
        return (
            spread(value(found.network) for found in self.rounds),
            spread(value(found.dense) for found in self.rounds),
        )

    @property
    def shown_for(self) -> tuple[int, int]:
        """In how many seeds the network, and the dense one, is the better one of the two.

        That is said where p times the number of seeds is at most 5 % (Bonferroni: the chance that
        it is said wrongly for any of them is at most that, however they depend on each other).
        """
        sure = [one for one in self.rounds if one.p * len(self.rounds) <= LEVEL]
        network = sum(one.only_network > one.only_dense for one in sure)
        return network, len(sure) - network

    def to_dict(self) -> dict[str, Any]:
        """What `--format json` prints."""
        quantities: dict[str, Callable[[Contestant], Fraction | float]] = {
            "train_accuracy": lambda one: one.train_accuracy,
            "test_accuracy": lambda one: one.accuracy(),
            "seconds": lambda one: one.seconds,
            "seconds_per_epoch": lambda one: one.seconds / len(one.history),
        }
        found = {name: self.over_seeds(value) for name, value in quantities.items()}
        shifts = [
            (pixels, self.over_seeds(lambda one, by=pixels: one.accuracy(by)))  # type: ignore[misc]
            for pixels, _ in self.rounds[0].network.shifted
        ]

        def side(one: Side, index: int) -> dict[str, Any]:
            return {
                **one._asdict(),
                "input": list(one.input),
                **{name: both[index].to_dict() for name, both in found.items()},
                "shifted": [{"pixels": pixels, **both[index].to_dict()} for pixels, both in shifts],
            }

        least = min(one.p for one in self.rounds)
        ours, theirs = self.shown_for
        return {
            "data": self.data,
            "samples": {
                "train": self.train,
                "validation": self.validation,
                "test": self.samples,
            },
            "settings": dict(self.settings),
            "torch": self.torch,
            "network": side(self.network, 0),
            "dense": {"kind": self.rule, "sizes": list(self.sizes), **side(self.dense, 1)},
            "mcnemar": {
                "level": float(LEVEL),
                "p_least_times_seeds": float(min(Fraction(1), least * len(self.rounds))),
                "network_better_in": ours,
                "dense_better_in": theirs,
            },
            "seeds": [one.to_dict(self.directions) for one in self.rounds],
        }
