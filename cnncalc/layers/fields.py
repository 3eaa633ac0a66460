"""The kinds of values that fields of layers take, each with its bounds and its refusal."""

from collections.abc import Callable
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema, WrapValidator
from pydantic_core import PydanticCustomError

from cnncalc.dims import AbstractNumber, is_integer, pinned
from cnncalc.errors import shown

MAX_INT = 10**12
"""No size, count or factor in a spec is larger."""

MAX_AXES = 3
"""Layers that slide a window know one, two and three spatial axes."""

Side = int | tuple[int, int]
"""Positions at the borders of one axis: the same on both sides, or (before, after)."""


def is_whole(value: Any, minimum: int) -> bool:
    """Whether `value` is a whole number (not a bool) from `minimum` to MAX_INT."""
    return is_integer(value) and minimum <= value <= MAX_INT


def refuse(message: str) -> PydanticCustomError:
    """The exception whose text becomes the message for this field, braces and all."""
    return PydanticCustomError("cnncalc", "{message}", {"message": message})


def _is_side(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return len(value) == 2 and all(is_whole(number, 0) for number in value)
    return is_whole(value, 0)


def _per_axis(fits: Callable[[Any], bool], wanted: str, word: tuple[str, ...] = ()) -> Any:
    """A validator for one value that fits, or a list of one to three; lists become tuples."""

    def parse(value: Any) -> Any:
        if isinstance(value, str) and value in word:
            return value
        length = len(value) if isinstance(value, (list, tuple)) else 0
        several = 1 <= length <= MAX_AXES
        wrong = [entry for entry in (value if several else [value]) if not fits(entry)]
        if not wrong:
            # Sides of an axis are a list of their own.
            return (
                tuple(tuple(v) if isinstance(v, (list, tuple)) else v for v in value)
                if several
                else value
            )
        message = f"must be {wanted}, not {shown(wrong[0])}"
        if is_integer(wrong[0]) and wrong[0] > MAX_INT:
            message = f"must be at most {MAX_INT:,}, not {shown(wrong[0])}"
        elif length > MAX_AXES:
            message = f"must be {wanted}; there are at most {MAX_AXES} axes, not {length:,}"
        raise refuse(message)

    return PlainValidator(parse)


def _one_or_list(single: dict[str, Any], entry: dict[str, Any], *words: str) -> WithJsonSchema:
    several = {"type": "array", "items": entry, "minItems": 1, "maxItems": MAX_AXES}
    choices: list[dict[str, Any]] = [single, several]
    return WithJsonSchema({"anyOf": choices + ([{"enum": list(words)}] if words else [])})


_positive = {"type": "integer", "minimum": 1, "maximum": MAX_INT}
_natural = {"type": "integer", "minimum": 0, "maximum": MAX_INT}
_side = {"anyOf": [_natural, {"type": "array", "items": _natural, "minItems": 2, "maxItems": 2}]}
_sides_wanted = "a whole number from 0, or a list with a number or [before, after] for each axis"

Sizes = Annotated[
    int | tuple[int, ...],
    _per_axis(
        lambda value: is_whole(value, 1),
        "a whole number of at least 1, or a list with one for each axis",
    ),
    _one_or_list(_positive, _positive),
]
"""One positive number for all axes, or one for each."""

Naturals = Annotated[
    int | tuple[int, ...],
    _per_axis(
        lambda value: is_whole(value, 0),
        "a whole number from 0, or a list with one for each axis",
    ),
    _one_or_list(_natural, _natural),
]
"""One number from 0 for all axes, or one for each."""

Sides = Annotated[
    int | tuple[Side, ...],
    _per_axis(_is_side, _sides_wanted),
    _one_or_list(_natural, _side),
]
"""Amounts at the borders: one number, one for each axis, or [before, after] for each axis."""

Padding = Annotated[
    Literal["same", "half", "valid"] | int | tuple[Side, ...],
    _per_axis(_is_side, f"same, half, valid, {_sides_wanted}", word=("same", "half", "valid")),
    _one_or_list(_natural, _side, "same", "half", "valid"),
]
"""`Sides`, or the word `same`, `half` or `valid`."""


def _plain(value: Any) -> Any:
    """A number as pydantic knows them."""
    value = pinned(value)
    return float(value) if isinstance(value, Fraction) else value


def _unchanged(minimum: int) -> WrapValidator:
    """Lets other whole numbers through, of which pydantic would make ints or nothing."""

    def parse(value: Any, to_int: Callable[[Any], Any]) -> Any:
        whole = isinstance(value, AbstractNumber) and is_whole(value, minimum)
        return value if whole else to_int(_plain(value))

    return WrapValidator(parse)


Count = Annotated[int, Field(strict=True, ge=1, le=MAX_INT), _unchanged(1)]
Depth = Annotated[int, BeforeValidator(pinned), Field(strict=True, ge=1, le=1000)]
"""How many layers a layer is made of: each has tensors of its own, so a variable is pinned."""
Natural = Annotated[int, Field(strict=True, ge=0, le=MAX_INT), _unchanged(0)]
Axis = Annotated[int, BeforeValidator(_plain), Field(strict=True, ge=0, le=MAX_AXES)]
"""Which axis, 0 for the channels: no size, so it is a plain number."""
Flag = Annotated[bool, Field(strict=True)]


def _affine(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, str) and value in ("scale", "shift")):
        return value
    raise refuse(f"must be true, false, scale or shift, not {shown(value)}")


Affine = Annotated[
    bool | Literal["scale", "shift"],
    PlainValidator(_affine),
    WithJsonSchema({"enum": [True, False, "scale", "shift"]}),
]
"""Whether something is scaled and shifted, or which of both."""
Real = Annotated[
    float, BeforeValidator(_plain), Field(strict=True, ge=-1e12, le=1e12, allow_inf_nan=False)
]
Probability = Annotated[
    float, BeforeValidator(_plain), Field(strict=True, ge=0, le=1, allow_inf_nan=False)
]
