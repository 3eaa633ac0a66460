"""What PyTorch 2 gives for 2,376 layers on square inputs: the same size, or a refusal."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cnncalc.api import analyze
from cnncalc.errors import SpecError
from cnncalc.layers import layer_class
from tests.truth import network, table

WORDS = {
    "Conv2d": "conv",
    "ConvTranspose2d": "conv_transpose",
    "MaxPool2d": "max_pool",
    "AvgPool2d": "avg_pool",
}
ROWS = table("torch_shapes.csv")
NUMBERS = {
    "Conv2d": (720, 65),
    "ConvTranspose2d": (436, 11),
    "MaxPool2d": (679, 88),
    "AvgPool2d": (350, 27),
}
"""Rows that PyTorch carries out and rows that it refuses."""


def fields_of(row: dict[str, str]) -> dict[str, Any]:
    """The layer of a row, with the fields that it has."""
    fields: dict[str, Any] = {"kernel_size": int(row["k"]), "stride": int(row["s"])}
    fields["padding"] = int(row["p"])
    if row["op"].startswith("Conv"):
        fields["out_channels"] = 2
    if row["op"] != "AvgPool2d":
        fields["dilation"] = int(row["d"])
    else:
        assert row["d"] == "1"
    if row["output_padding"]:
        fields["output_padding"] = int(row["output_padding"])
    if row["ceil_mode"]:
        fields["ceil_mode"] = {"True": True, "False": False}[row["ceil_mode"]]
    return fields


def refused_where_it_runs(row: dict[str, str]) -> bool:
    """The table is from the meta device, which lets through what torch refuses to compute."""
    added, stride, dilation = (int(row[key] or 0) for key in ("output_padding", "s", "d"))
    return 0 < added >= max(stride, dilation)


def refusals(row: dict[str, str]) -> list[str]:
    """What we say, computed from the row."""
    i, k, s, p, d = (int(row[key]) for key in "ikspd")
    extent = d * (k - 1) + 1
    said = []
    if row["error"] and row["op"] == "ConvTranspose2d":
        output = (i - 1) * s - 2 * p + extent + int(row["output_padding"])
        said.append(f"padding {p} + {p} crops everything: the output would be {output}")
    elif refused_where_it_runs(row):
        said.append(
            f"output_padding {row['output_padding']} must be smaller than the stride {s} or the "
            f"dilation {d}, as in torch; for more, put a pad behind it"
        )
    elif row["error"]:
        kernel = f"kernel {k}" if d == 1 else f"kernel {k} with dilation {d} (extent {extent})"
        said.append(f"{kernel} does not fit the input: {i} + 2·{p} < {extent}")
    return said


@pytest.mark.parametrize("op", WORDS)
def test_every_row(op: str) -> None:
    chosen = [row for row in ROWS if row["op"] == op]
    refused = sum(bool(row["error"]) for row in chosen)
    assert (len(chosen) - refused, refused) == NUMBERS[op]
    wrong = []
    for row in chosen:
        layer = layer_class(WORDS[op]).model_validate(fields_of(row))
        shape = (2, int(row["i"]), int(row["i"]))
        if list(layer.rules(shape)) != refusals(row):
            wrong.append((row, *layer.rules(shape)))
        elif (
            row["o"]
            and not refusals(row)
            and layer.output(shape) != (2, int(row["o"]), int(row["o"]))
        ):
            wrong.append((row, str(layer.output(shape))))
    assert wrong == []


def test_no_row_of_another_layer() -> None:
    assert {row["op"] for row in ROWS} == set(WORDS)
    assert len(ROWS) == 2376
    assert all(bool(row["error"]) != bool(row["o"]) for row in ROWS)


@pytest.mark.parametrize("op", WORDS)
def test_refused_rows_as_specs(op: str) -> None:
    for row in ROWS:
        if row["op"] == op and row["error"]:
            size = int(row["i"])
            with pytest.raises(SpecError) as caught:
                analyze(network([size, size, 2], {WORDS[op]: fields_of(row), "name": "layer"}))
            said = [problem.split("layer: ", 1)[1] for problem in caught.value.problems]
            # What would fit is said behind the rule.
            said = [re.split("; (?:fits with|the smallest input)", text)[0] for text in said]
            assert said == refusals(row)
