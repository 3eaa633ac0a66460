"""A layer run on traced numbers: each of its sizes under the letter that textbooks give it."""

from collections.abc import Sequence
from typing import Any

from cnncalc.dims import TransposedWindow, Window
from cnncalc.findings.expression import Name, Traced
from cnncalc.infer import Facts
from cnncalc.layers.base import AXIS_NAMES, Ids, Layer, Shape

LETTERS = {
    "out_channels": "K",
    "out_features": "K",
    "groups": "g",
    "num_groups": "g",
    "num_heads": "h",
    "channel_multiplier": "m",
    "num_parameters": "m",
    "output_size": "O",
    "scale_factor": "r",
    "upscale_factor": "r",
    "size": "n",
    "padding": "P",
    "cropping": "P",
}
"""Which letter stands for a field."""

AXIS_LETTERS = {"length": "L", "height": "H", "width": "W", "depth": "Z"}


def traced_layer(fact: Facts, inputs: Sequence[Shape]) -> Layer:
    """The layer with traced numbers in its fields and windows."""
    layer = fact.node.layer
    fields = {name: _traced_field(name, value, len(fact.inputs[0]) - 1) for name, value in layer}
    copy = layer.model_copy(update=fields)
    if fact.windows:
        windows = traced_windows(fact.windows, inputs[0][1:])
        # Instead of the method: here `same` is a number, and so is a stride that is the kernel's.
        object.__setattr__(copy, "windows", lambda *inputs: windows)
    return copy


def _traced_field(field: str, value: Any, axes: int) -> Any:
    letter = LETTERS.get(field)
    # One group is none: textbooks do not write it.
    if letter is None or isinstance(value, bool) or (letter == "g" and value == 1):
        return value
    if isinstance(value, tuple) and len(value) == axes and all(type(v) is int for v in value):
        belows = _belows(value)
        return tuple(Traced(Name(letter, b, v)) for b, v in zip(belows, value, strict=True))
    return Traced(Name(letter, "", value)) if type(value) is int else value


def traced_windows(
    windows: Sequence[Window | TransposedWindow], sizes: Sequence[int]
) -> tuple[Window | TransposedWindow, ...]:
    """The windows in letters; where axes differ, each has letters of its own."""

    def traced(
        letter: str, values: Sequence[int], unwritten: int | None = None, side: str = ""
    ) -> list[int]:
        return [
            value if value == unwritten else Traced(Name(letter, side + below, value))
            for value, below in zip(values, _belows(values), strict=True)
        ]

    befores, afters = [w.before for w in windows], [w.after for w in windows]
    # P where both sides are padded alike, else P_a before and P_b after.
    before, after = ("", "") if befores == afters else ("a", "b")
    columns: dict[str, Any] = {
        "n": sizes,
        "kernel_size": traced("F", [w.kernel_size for w in windows]),
        "stride": traced("S", [w.stride for w in windows]),
        "before": traced("P", befores, side=before),
        "after": traced("P", afters, side=after),
        "dilation": traced("D", [w.dilation for w in windows], unwritten=1),
    }
    added = [w.output_padding for w in windows if isinstance(w, TransposedWindow)]
    if added:
        columns["output_padding"] = traced("A", added, unwritten=0)
    return tuple(
        window._replace(**{field: values[axis] for field, values in columns.items()})
        for axis, window in enumerate(windows)
    )


def _belows(values: Sequence[int]) -> list[str]:
    """What stands below a letter along each axis: nothing where all axes have one value."""
    letters = [AXIS_LETTERS[axis] for axis in AXIS_NAMES[len(values)]]
    return letters if len(set(values)) > 1 else [""] * len(values)


def sizes_named(shape: Shape, below: str) -> list[Name]:
    """Names of a shape's sizes: C₁, H₁, W₁."""
    if isinstance(shape, Ids):
        return [Name(AXIS_LETTERS["length"], below, size) for size in shape]
    axes = AXIS_NAMES.get(len(shape) - 1, ())
    if len(axes) < len(shape) - 1:
        axes = ("length",) * (len(shape) - 1)
    letters = ["C", *(AXIS_LETTERS[axis] for axis in axes)]
    return [Name(letter, below, size) for letter, size in zip(letters, shape, strict=True)]
