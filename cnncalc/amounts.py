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


BYTES = ("B", *(f"{prefix}iB" for prefix in "KMGTPE"))
COUNTS = ("", *"kMGTPE")
"""The units of what is rounded, each 1,024 or 1,000 of the one before."""


def amount(value: int, unit: str = "", *, rounded: bool = False, signed: bool = False) -> str:
    """A number of `unit` (bytes, `B`, or things): `25,557,032`, `248,024 B`.

    Rounded to three digits: `25.6 M`, `242 KiB`. Signed, what is more has its `+`.
    """
    sign = "-" if value < 0 else "+" * signed
    if not rounded:
        return f"{sign}{abs(value):,} {unit}".rstrip()
    base, units = (1024, BYTES) if unit == "B" else (1000, COUNTS)
    scaled, power = Fraction(abs(value)), 0
    # What would round to the next unit is in it.
    while scaled >= base - (Fraction(1, 2) if power else 0) and power < len(units) - 1:
        scaled, power = scaled / base, power + 1
    places = 0 if not power else max(0, 2 - sum(scaled >= n for n in _DIGITS))
    whole = decimals(scaled, places) if places else f"{floor(scaled + Fraction(1, 2)):,}"
    return f"{sign}{whole} {units[power]}".rstrip()


_DIGITS = (Fraction(9_995, 1000), Fraction(99_950, 1000))
"""From where on a number rounded to three digits has two of them before the point, and three."""


def in_unit(value: int, unit: str, size: int) -> str:
    """A number in a unit of that size: all digits where these are few, else three or more."""
    scaled = Fraction(value, size)
    places = next((n for n in range(3) if (scaled * 10**n).denominator == 1), 1)
    while scaled and scaled * 10**places < 100 and (scaled * 10**places).denominator != 1:
        places += 1
    text = decimals(scaled, places) if places else f"{scaled.numerator:,}"
    return f"{text} {unit}"
