"""Numbers, shapes and sizes as people read them; rounding is exact, halves up."""

from collections.abc import Sequence
from fractions import Fraction
from math import floor
from typing import Any, Literal

Layout = Literal["hwc", "chw"]
"""The order in which a shape is written: as textbooks have it, or channels first as torch has."""


def shape_text(shape: Sequence[int], layout: Layout = "hwc") -> str:
    """`28×28×6` (height × width × channels), or channels first."""
    channels, *spatial = shape
    return "×".join(map(str, (*spatial, channels) if layout == "hwc" else (channels, *spatial)))


def sizes_text(sizes: Sequence[Any]) -> str:
    """A number for each axis, once where they agree: `5`, `1×7`, `0+1` for two sides, `1+2,0`.

    An axis without a number is `-`.
    """
    sizes = ["-" if s is None else s for s in sizes]
    texts = [
        (str(s[0]) if s[0] == s[1] else f"{s[0]}+{s[1]}") if isinstance(s, list) else str(s)
        for s in sizes
    ]
    # 1+2×0 would read as a sum.
    sign = "," if any("+" in text for text in texts) else "×"
    return texts[0] if len(set(texts)) == 1 else sign.join(texts)


def percent(part: int, whole: int) -> str:
    """One decimal, computed exactly, halves up; nothing for nothing, or of nothing."""
    if not part or not whole:
        return ""
    tenths = (2000 * part + whole) // (2 * whole)
    return f"{tenths // 10}.{tenths % 10}" if tenths else "<0.1"


def decimals(number: Fraction, places: int = 2) -> str:
    """A fraction with that many decimals, computed exactly, halves up."""
    scaled = floor(number * 10**places + Fraction(1, 2))
    whole, rest = divmod(scaled, 10**places)
    return f"{whole:,}.{rest:0{places}}"
