"""What a JSON or YAML text becomes, and the bounds of both."""

from __future__ import annotations

from typing import Any, NamedTuple

from cnncalc.errors import Origin, Problem

MAX_BYTES = 16_000_000
"""The largest spec that is read."""
MAX_VALUES = 250_000
"""The most values in one spec."""
MAX_DEPTH = 100
"""The deepest nesting."""
MAX_DIGITS = 40
"""The longest number, in characters; far beyond MAX_INT, whose message says more."""


class Document(NamedTuple):
    """Plain values (dict, list, str, int, float, bool, None) and where each stands."""

    data: Any
    origin: Origin


def too_many_values(number: int, origin: Origin) -> None:
    """Raise where a text holds more than MAX_VALUES values."""
    if number > MAX_VALUES:
        message = f"more than {MAX_VALUES:,} values; a spec is not that long"
        raise origin.error([Problem((), "", message)])
