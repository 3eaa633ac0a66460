"""What a JSON or YAML text becomes, and the bounds of both."""

import re
from math import isfinite
from typing import Any, NamedTuple

from cnncalc.errors import Origin, shorten

MAX_BYTES = 16_000_000
"""The largest spec that is read."""
MAX_VALUES = 100_000
"""The most values in one spec."""
MAX_DEPTH = 100
"""The deepest nesting."""
MAX_DIGITS = 40
"""The longest number, in characters; far beyond MAX_INT, whose message says more."""


class Document(NamedTuple):
    """Plain values (dict, list, str, int, float, bool, None) and where each stands."""

    data: Any
    origin: Origin


def twice(key: str) -> str:
    """What to say of a key that a mapping has already."""
    return f'the key "{shorten(key)}" stands here twice; remove one of the two'


def bad_number(text: str) -> str | None:
    """What to say of a number that is too long, too large or none, or None where it is fine."""
    if len(text) > MAX_DIGITS:
        return f"a number of {len(text):,} characters; no spec needs more than {MAX_DIGITS}"
    if text.startswith(("0x", "0o")) or isfinite(float(re.sub(r"\.(?=[a-zA-Z])", "", text))):
        return None
    if text[-1].isdigit():
        return f"{text} is out of range; no number of a spec is larger than 1,000,000,000,000"
    return f"must be a finite number, not {text}"


TOO_MANY = f"more than {MAX_VALUES:,} values; a spec is not that long"
TOO_DEEP = f"nested more than {MAX_DEPTH} deep"
