"""What several seeds came to: the mean of a quantity, and its spread."""

from collections.abc import Iterable
from fractions import Fraction
from math import sqrt
from typing import NamedTuple

from cnncalc.amounts import decimals


class Spread(NamedTuple):
    """The mean, and the sample standard deviation, which a single value has not."""

    mean: Fraction
    deviation: float | None

    def to_dict(self) -> dict[str, float | None]:
        """Both as floats."""
        return {"mean": float(self.mean), "sample_standard_deviation": self.deviation}

    def percent(self) -> str:
        """`97.87 ± 0.45 %`, or `97.87 %` of one value."""
        return f"{self._text(100, 2)} %"

    def seconds(self) -> str:
        """`16.8 ± 0.3`."""
        return self._text(1, 1)

    def number(self, places: int) -> str:
        """With so many decimals."""
        return self._text(1, places)

    def _text(self, factor: int, places: int) -> str:
        mean = decimals(self.mean * factor, places)
        if self.deviation is None:
            return mean
        return f"{mean} ± {decimals(Fraction(self.deviation) * factor, places)}"


def spread(values: Iterable[Fraction | float]) -> Spread:
    """Of one value or more: s² = Σ (x − mean)²/(n − 1)."""
    found = [Fraction(value) for value in values]
    mean = sum(found, Fraction(0)) / len(found)
    if len(found) == 1:
        return Spread(mean, None)
    return Spread(mean, sqrt(sum((x - mean) ** 2 for x in found) / (len(found) - 1)))
