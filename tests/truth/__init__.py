"""Published figures, as files, and the program's own put in the shape of theirs."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cnncalc.api import analyze

FOLDER = Path(__file__).parent

Rows = dict[str, dict[str, Any]]


def document(name: str) -> Any:
    """A JSON file of this folder."""
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def table(name: str) -> list[dict[str, str]]:
    """A CSV file of this folder."""
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rows(spec: str | Mapping[str, Any], **options: Any) -> Rows:
    """Every layer's facts by its name; a fused activation is no row of its own.

    `shape` is the output as textbooks write it, height × width × channels.
    """
    report = analyze(spec, **options)
    layers = report.to_dict(("weights", "biases", "connections"))["layers"]
    found = {layer["name"]: layer for layer in layers if layer["fused_into"] is None}
    for layer in found.values():
        layer["shape"] = hwc(layer["output_shape"])
    return found


def hwc(shape: list[int]) -> list[int]:
    """Channels last."""
    return [*shape[1:], shape[0]]


def network(input: list[int], *layers: Any) -> dict[str, Any]:
    """A spec from a height × width × channels (or a number of features) and its layers."""
    keys = ("height", "width", "channels") if len(input) == 3 else ("features",)
    return {"input": dict(zip(keys, input, strict=True)), "layers": list(layers)}


def only(input: list[int], word: str, **fields: Any) -> dict[str, Any]:
    """The facts of one layer on one input."""
    (row,) = rows(network(input, {word: fields})).values()
    return row


def significant(number: int, digits: int) -> int:
    """A positive number at so many significant digits, halves up, as published tables round."""
    unit: int = 10 ** max(len(str(number)) - digits, 0)
    return (2 * number + unit) // (2 * unit) * unit
