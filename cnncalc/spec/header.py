"""What stands above the layers of a spec: its name, its source, its input."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from cnncalc.errors import MAX_FOUND, MAX_REPORTED, Problem, closest, shown
from cnncalc.graph import INPUT
from cnncalc.layers.base import Shape
from cnncalc.layers.fields import MAX_INT, is_whole
from cnncalc.spec import advice

TOP_KEYS = ("name", "description", "source", "input", "layers")
IGNORED_KEYS = ("$schema",)
LATER_KEYS = ("vars", "variants", "blocks", "inputs", "outputs", "auxiliary")
"""Keys that the language keeps for what this version does not know yet."""

INPUT_FORMS = (
    ("features",),
    ("length", "channels"),
    ("height", "width", "channels"),
    ("depth", "height", "width", "channels"),
)
"""The keys of `input`, for a vector and for one to three spatial axes."""

MAX_NAME = 100
"""The longest name of a network or a layer."""

_REQUIRED = {
    "input": "it is a mapping such as {height: 32, width: 32, channels: 3}",
    "layers": "they are a list such as [flatten, {linear: 10}]",
}


def key_problems(data: dict[Any, Any]) -> Iterator[Problem]:
    """Unknown and missing keys of a spec, and texts that are none."""
    present: set[Any] = set(data)
    unknown = 0
    for key, value in data.items():
        if key in TOP_KEYS:
            if key in ("name", "description", "source"):
                yield from _text_problems(key, value)
        elif key not in IGNORED_KEYS:
            unknown += 1
            # Nobody reads the suggestions behind the first problems.
            meant = closest(str(key), TOP_KEYS) if unknown <= MAX_REPORTED else None
            present.add(meant)
            message = f"no such key of a spec; it has {', '.join(TOP_KEYS)}"
            if key in LATER_KEYS:
                message = "not known to this version of cnncalc"
            elif meant:
                message = f"no such key of a spec; did you mean {meant}?"
            yield Problem((key,), advice.quoted(key), message)
        if unknown > MAX_FOUND:
            return
    for key, example in _REQUIRED.items():
        # Where a misspelt key was meant to be this one, one message is enough.
        if key not in present:
            yield Problem((), "", f"the spec has no {key}; {example}")


def _text_problems(key: str, value: Any) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield Problem((key,), key, f"must be a text, not {shown(value)}")
    elif key == "name" and not value.isprintable():
        yield Problem((key,), key, "must be one line without control characters")
    elif key == "name" and len(value) > MAX_NAME:
        message = f"must have at most {MAX_NAME} characters, not {len(value):,}"
        yield Problem((key,), key, message)


def input_problems(data: Any) -> Iterator[Problem]:
    """What is wrong with the value of `input`."""
    path, forms = (INPUT,), "; ".join(", ".join(form) for form in INPUT_FORMS)
    if not isinstance(data, dict):
        example = "such as {height: 32, width: 32, channels: 3}"
        yield Problem(path, INPUT, f"must be a mapping {example}, not {shown(data)}")
        return
    known = tuple(dict.fromkeys(key for form in INPUT_FORMS for key in form))
    for key, value in islice(data.items(), MAX_FOUND):
        where = f"input.{advice.quoted(key)}"
        if key not in known:
            yield Problem((*path, key), where, advice.unknown_input_key(key, known))
        elif not is_whole(value, 1):
            wanted = f"a whole number from 1 to {MAX_INT:,}"
            yield Problem((*path, key), where, f"must be {wanted}, not {shown(value)}")
    given = set(data)
    if given <= set(known) and given not in map(set, INPUT_FORMS):
        wider = next((form for form in INPUT_FORMS if given < set(form)), ())
        lacking = ", ".join(key for key in wider if key not in given)
        found = f"lacks {lacking}" if given and wider else f"has {', '.join(data) or 'no key'}"
        yield Problem(path, INPUT, f"{found}; its keys are one of these sets: {forms}")


def input_shape(data: dict[str, int]) -> Shape:
    """The shape, channels first, of an input that has no problems."""
    form = next(form for form in INPUT_FORMS if set(form) == set(data))
    return tuple(data[key] for key in (form[-1], *form[:-1]))
