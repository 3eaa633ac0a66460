"""What a network came to with several seeds: each quantity's mean and spread, and its page."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from cnncalc.findings.spread import Spread, spread
from cnncalc.page import Grid, Heading, Page, Prose

_QUANTITIES: dict[str, tuple[str, Callable[[Spread], str]]] = {
    "train_accuracy": ("train accuracy", Spread.percent),
    "train_loss": ("train loss", lambda found: found.number(4)),
    "test_accuracy": ("test accuracy", Spread.percent),
    "test_loss": ("test loss", lambda found: found.number(4)),
    "seconds": ("seconds", Spread.seconds),
}
"""The members of metrics.jsonl that are summed up: what they are called, and how written."""


class OverSeeds(NamedTuple):
    """Runs that differ in their seed alone."""

    name: str
    data: str
    seeds: tuple[int, ...]
    histories: Sequence[Sequence[Mapping[str, Any]]]
    """The lines of metrics.jsonl of each run."""

    def values(self, quantity: str) -> list[float]:
        """Of each run: at its last epoch; seconds those of all epochs."""
        if quantity == "seconds":
            return [sum(epoch["seconds"] for epoch in history) for history in self.histories]
        return [history[-1][quantity] for history in self.histories]

    def to_dict(self) -> dict[str, Any]:
        """Everything by name; accuracies from 0 to 1."""
        return {
            "name": self.name,
            "data": self.data,
            "seeds": list(self.seeds),
            **{
                name: {**spread(self.values(name)).to_dict(), "values": self.values(name)}
                for name in _QUANTITIES
            },
        }


def page(found: OverSeeds) -> Page:
    """A row for each seed, then mean and spread."""
    spreads = {name: spread(found.values(name)) for name in _QUANTITIES}

    def cells(value: Callable[[str], Fraction | float]) -> list[str]:
        return [
            text(Spread(Fraction(value(name)), None)) for name, (_, text) in _QUANTITIES.items()
        ]

    rows = [
        [str(seed), *cells(lambda name, run=run: found.values(name)[run])]  # type: ignore[misc]
        for run, seed in enumerate(found.seeds)
    ]
    foot = [["mean", *cells(lambda name: spreads[name].mean)]]
    if len(found.seeds) > 1:
        foot.append(["spread", *cells(lambda name: spreads[name].deviation or 0)])
    accuracy = spreads["test_accuracy"]
    number = len(found.seeds)
    return [
        Heading(f"{found.name} on {found.data}: {number:,} seed{'' if number == 1 else 's'}", 1),
        Grid(
            ["seed", *(label for label, _ in _QUANTITIES.values())],
            [*rows, *foot],
            right=range(1 + len(_QUANTITIES)),
            foot=len(foot),
        ),
        Prose(
            f"Test accuracy {accuracy.percent()}: "
            + (
                "one seed has no spread."
                if accuracy.deviation is None
                else "the mean, and the sample standard deviation over the seeds."
            )
        ),
    ]
