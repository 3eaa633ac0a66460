"""A layer of Keras as data."""

from __future__ import annotations

from typing import Any, NamedTuple

from cnncalc.errors import UsageError
from cnncalc.layers.base import Shape


class Part(NamedTuple):
    """A call of a layer of Keras, or an expression over `x`, `x1` …; one reads the one before."""

    made_of: str
    arguments: dict[str, Any]
    call: str = "module(x)"
    suffix: str = ""
    """What is added to the layer's name where it is not the one that the spec names."""


def refused(message: str) -> UsageError:
    return UsageError(f"{message}; --to torch can")


def channels_last(shape: Shape) -> Shape:
    """The shape as Keras has it."""
    return (*shape[1:], shape[0])


def made(made_of: str, /, **arguments: Any) -> Part:
    return Part(f"layers.{made_of}", arguments)


def own(made_of: str, /, **arguments: Any) -> Part:
    return Part(made_of, arguments)


def written(call: str) -> Part:
    return Part("", {}, call)
