"""A slide as JSON and CSV: raw numbers, whole ones as such and fractions as floats."""

from itertools import islice, product
from math import prod
from typing import Any

from cnncalc.sliding.page import MAX_LISTED, Wanted
from cnncalc.sliding.slide import Gradients, Number, Slide, Step
from cnncalc.sliding.sums import Array


def as_dict(slide: Slide, wanted: Wanted, gradients: Gradients | None = None) -> dict[str, Any]:
    """Everything that there is to know; places count from 1, padding lies before and beyond."""
    all_places = islice(product(*map(range, slide.output_shape)), MAX_LISTED)
    steps = [slide.step(*place) for place in ([wanted.window] if wanted.window else all_places)]
    left_out = 0 if wanted.window else prod(slide.output_shape) - len(steps)
    found = {
        "operation": slide.kind,
        "input": _lists(slide.input),
        "kernels": list(wanted.names),
        "kernel": None if slide.kernel is None else _lists(slide.kernel),
        "flipped": slide.flipped,
        "bias": None if slide.bias is None else list(map(number, slide.bias)),
        "kernel_size": [w.kernel_size for w in slide.windows],
        "stride": [w.stride for w in slide.windows],
        "padding": [[w.before, w.after] for w in slide.windows],
        "dilation": [w.dilation for w in slide.windows],
        "padding_value": None if slide.padding_value is None else number(slide.padding_value),
        "activation": "relu" if slide.relu else None,
        "output_shape": list(slide.output_shape),
        "map": _lists(slide.map),
        "magnitude": None if slide.magnitude is None else _lists(slide.magnitude),
        "windows": [_window(step) for step in steps],
        "windows_left_out": left_out,
        "warnings": [warning.to_dict() for warning in slide.warnings],
    }
    if gradients is not None:
        found["gradients"] = {
            name: None if values is None else _lists(values)
            for name, values in gradients._asdict().items()
        }
    return found


def _window(step: Step) -> dict[str, Any]:
    found: dict[str, Any] = {
        "map": step.map + 1,
        "row": step.row + 1,
        "column": step.column + 1,
        "reads": [[tap.channel + 1, tap.row + 1, tap.column + 1] for tap in step.taps],
        "inputs": [None if tap.value is None else number(tap.value) for tap in step.taps],
    }
    if step.taps[0].weight is not None:
        found["weights"] = [number(tap.weight or 0) for tap in step.taps]
        found["products"] = [number((t.value or 0) * (t.weight or 0)) for t in step.taps]
        found["bias"] = None if step.bias is None else number(step.bias)
        found["sum"] = number(step.total)
    if step.chosen is not None:
        found["chosen"] = found["reads"][step.chosen]
    return {**found, "value": number(step.value)}


def comma_separated(slide: Slide) -> str:
    """The maps, a row a line and a blank line between two maps, as `--input` reads them.

    Of a gradient they are its magnitude.
    """
    return "\n".join(
        "".join(",".join(repr(number(value)) for value in row) + "\n" for row in values)
        for values in (slide.map if slide.magnitude is None else slide.magnitude)
    )


def number(value: Number) -> int | float:
    """A number as JSON and CSV have it."""
    return int(value) if value.denominator == 1 else float(value)


def _lists(values: Array) -> Any:
    return list(map(number if values.ndim == 1 else _lists, values))
