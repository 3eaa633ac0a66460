"""Numbers in a text, exactly: JSON lists, CSV, or rows as one types them."""

import json
import re
from fractions import Fraction
from io import StringIO
from math import lcm
from typing import Any

import numpy as np
import numpy.typing as npt

from cnncalc.errors import UsageError, shown

MAX_NUMBERS = 250_000
"""The most numbers in one text."""
MAX_NUMBER = 10**12
"""No number is larger; none has more digits behind the point than MAX_DIGITS."""
MAX_DIGITS = 40
MAX_NESTED = 4

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?(/\d+)?", re.ASCII | re.IGNORECASE)
_TYPED = re.compile(r"[-−+\d.eE/,;|\s\[\]]*\d[-−+\d.eE/,;|\s\[\]]*", re.ASCII)


def looks_typed(text: str) -> bool:
    """Whether a text can only be numbers, no name of a file."""
    return text.lstrip()[:1] == "[" or _TYPED.fullmatch(text) is not None


def number(text: str) -> int | Fraction:
    """`3`, `-0.5`, `1e-3` or `1/9`, exactly. Raises ValueError with the reason."""
    plain = text.strip().replace("−", "-")
    if plain.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        raise ValueError(f"must be a finite number, not {plain}")
    if len(plain) > MAX_DIGITS:
        raise ValueError(f"a number of {len(plain):,} characters; at most {MAX_DIGITS} are read")
    match = _NUMBER.fullmatch(plain)
    if match is None:
        raise ValueError(f"{shown(text)} is no number" if plain else "a number is missing")
    value, _, divisor = plain.partition("/")
    if divisor and not int(divisor):
        raise ValueError(f"{plain} divides by zero")
    if abs(int((match[2] or "e0")[1:])) > MAX_DIGITS:
        raise ValueError(f"{plain} is out of range")
    found = Fraction(value) / int(divisor or 1)
    if abs(found) > MAX_NUMBER:
        raise ValueError(f"{plain} is out of range; no number is larger than {MAX_NUMBER:,}")
    return found.numerator if found.denominator == 1 else found


def read(text: str, label: str) -> npt.NDArray[Any]:
    """The numbers of a text as an array of objects: JSON where it starts with `[`, else rows.

    Raises UsageError with the place of what is no number, and for rows of different lengths.
    """
    rows = _csv if "\n" in text.strip() else _typed
    return array((_json if text.lstrip()[:1] in ("[", "{") else rows)(text, label), label)


def array(nested: Any, label: str) -> npt.NDArray[Any]:
    """Nested lists of exact numbers as an array. Raises UsageError where they are ragged."""
    shape: list[int] = []
    level = [nested]
    while any(isinstance(item, list) for item in level):
        if not all(isinstance(item, list) for item in level):
            raise UsageError(f"{label}: a number stands beside a list; all must be nested alike")
        lengths = list(map(len, level))
        shape.append(lengths[0])
        if not shape[-1]:
            raise UsageError(f"{label}: has no numbers")
        for place, length in enumerate(lengths, 1):
            if length != shape[-1]:
                raise UsageError(
                    f"{label}: row 1 has {shape[-1]} values, row {place} has {length}; "
                    "all must have as many"
                )
        level = [value for item in level for value in item]
    common = 1
    for value in level:
        common = lcm(common, value.denominator)
        if common > 10**MAX_DIGITS:
            raise UsageError(
                f"{label}: the fractions have no common denominator of up to {MAX_DIGITS} digits"
            )
    found = np.empty(len(level), dtype=object)
    found[:] = level
    return found.reshape(shape)


def _json(text: str, label: str) -> Any:
    if text.count(",") >= MAX_NUMBERS or text.count("[") > MAX_NUMBERS:
        raise _too_many(label)
    try:
        nested = json.loads(text, parse_int=number, parse_float=number, parse_constant=number)
        if not isinstance(nested, list):
            raise ValueError(f"must be a list of rows, not {shown(nested)}")
        return _checked(nested, 0)
    except json.JSONDecodeError as error:
        reason = error.msg[0].lower() + error.msg[1:]
        raise UsageError(f"{label}:{error.lineno}:{error.colno}: not JSON: {reason}") from None
    except ValueError as error:
        raise UsageError(f"{label}: {error}") from None
    except RecursionError:
        raise UsageError(f"{label}: nested more than {MAX_NESTED} deep") from None


def _checked(value: Any, depth: int) -> Any:
    """The same lists, texts such as "1/9" as numbers. Raises ValueError with the reason."""
    if isinstance(value, list):
        if depth >= MAX_NESTED:
            raise ValueError(f"nested more than {MAX_NESTED} deep")
        return [_checked(item, depth + 1) for item in value]
    if isinstance(value, str):
        return number(value)
    if type(value) not in (int, Fraction):
        raise ValueError(f"{shown(value)} is no number")
    return value


def _csv(text: str, label: str) -> Any:
    """Lines are rows; a blank line starts the next channel."""
    maps: list[list[list[Any]]] = [[]]
    many = 0
    for place, line in enumerate(StringIO(text, newline=None), 1):
        if not line.strip(" \t\n,;"):
            if maps[-1]:
                maps.append([])
            continue
        if "," in line and ";" in line:
            raise UsageError(
                f"{label}:{place}: both , and ; stand here; separate numbers by one of them"
            )
        maps[-1].append(_numbers(line.replace(";", ","), f"{label}:{place}"))
        many += len(maps[-1][-1])
        if many > MAX_NUMBERS:
            raise _too_many(label)
    maps = [rows for rows in maps if rows]
    return maps if len(maps) > 1 else maps[0] if maps else []


def _typed(text: str, label: str) -> Any:
    """`1 2; 3 4`: rows behind `;`, channels behind `|`; without either one flat row."""
    if text.count(";") + text.count("|") > MAX_NUMBERS:
        raise _too_many(label)
    maps: list[list[list[Any]]] = []
    many = 0
    for part in text.strip().strip("|").split("|"):
        maps.append([])
        for row in part.strip().strip(";").split(";"):
            maps[-1].append(_numbers(row, label))
            many += len(maps[-1][-1])
            if many > MAX_NUMBERS:
                raise _too_many(label)
    return maps if len(maps) > 1 else maps[0] if ";" in text else maps[0][0]


def _numbers(row: str, label: str) -> list[int | Fraction]:
    """The numbers of a row, between commas or blanks."""
    found: list[int | Fraction] = []
    texts = row.split("," if "," in row else None, MAX_NUMBERS)
    if len(texts) > MAX_NUMBERS:
        raise _too_many(label)
    for place, text in enumerate(texts, 1):
        try:
            found.append(number(text.strip().strip('"')))
        except ValueError as error:
            raise UsageError(f"{label}: value {place}: {error}") from None
    return found


def _too_many(label: str) -> UsageError:
    return UsageError(f"{label}: more than {MAX_NUMBERS:,} numbers; a picture may have more")
