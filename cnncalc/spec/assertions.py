"""What a spec says of a layer's input, as PyTorch and Keras have it: compared, never needed."""

from collections.abc import Iterator, Mapping
from typing import Any

from cnncalc.errors import shown
from cnncalc.layers.base import KERAS_ASSERTIONS, Layer
from cnncalc.layers.fields import MAX_INT, is_whole

SHAPES = ("input_shape", "normalized_shape")
"""Those that are sizes; all others are one number."""


def assertions_of(cls: type[Layer]) -> Mapping[str, str]:
    """What may be said of the input of a layer, by name, and what each is."""
    return {} if cls.joins else {**cls.assertions, **KERAS_ASSERTIONS}


def schemas(cls: type[Layer]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The JSON Schema of each."""
    number = {"type": "integer", "minimum": 1, "maximum": MAX_INT}
    for name, text in assertions_of(cls).items():
        size = number if name != "input_shape" else {"anyOf": [number, {"type": "null"}]}
        sizes = {"type": "array", "items": size, "minItems": 1, "maxItems": 4}
        schema: dict[str, Any] = {"anyOf": [number, sizes]} if name in SHAPES else dict(number)
        yield name, {"description": f"{text}; compared with what arrives", **schema}


def asserted(name: str, value: Any) -> int | tuple[int | None, ...]:
    """The value of an assertion: a number, or sizes. Raises ValueError with what is wrong."""
    if name not in SHAPES:
        if not is_whole(value, 1):
            raise ValueError(f"must be a whole number of at least 1, not {shown(value)}")
        return int(value)
    sizes = value if isinstance(value, list | tuple) else (value,)
    any_size = name == "input_shape"
    if not sizes or not all(is_whole(s, 1) or (any_size and s is None) for s in sizes):
        null = ", null where any will do" if any_size else ""
        raise ValueError(f"must be a list of whole numbers of at least 1{null}, not {shown(value)}")
    return tuple(sizes)
