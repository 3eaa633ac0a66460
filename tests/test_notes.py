"""What stands under a table speaks of what the table shows."""

from __future__ import annotations

import json
from html import unescape
from typing import Any

import pytest

import cnncalc
from cnncalc.amounts import sizes_text
from cnncalc.render.write import FORMATS
from tests.command import cnncalc as command

# Input 8, kernel 3, stride 2: (8 − 3)/2 + 1 = 3.5, so a position is lost; and within the blocks
# a kernel of 1 skips every other position.
SPEC: dict[str, Any] = {
    "name": "small",
    "input": {"height": 9, "width": 9, "channels": 2},
    "blocks": {
        "gap": {"layers": [{"conv": {"out_channels": 2, "kernel_size": 1, "stride": 2}}, "relu"]},
        "lost": {"layers": [{"max_pool": {"kernel_size": 2, "stride": 2}}, "relu"]},
    },
    "layers": [{"gap": {}, "name": "first"}, {"lost": {}, "name": "second"}],
}
CONVENTION = "FLOPs = 2 × MACs"


def lines(*depth: str, format: str = "text") -> list[str]:
    """What is said of strides."""
    result = command("table", "-", *depth, "-f", format, stdin=json.dumps(SPEC).encode())
    said = unescape(result.out + result.err).replace("\\_", "_").splitlines()
    return [line for line in said if "warning: " in line or "note: " in line]


@pytest.mark.parametrize("format", [*FORMATS, "csv"])
def test_notes_of_a_collapsed_table_name_its_rows(format: str) -> None:
    gap, lost = (line for line in lines("--depth", "1", format=format)[::-1])
    assert "first" in gap
    assert "first.conv1" not in gap
    # What is to be mended is named, and the row in which it is.
    assert "warning: second.pool1 (in second): height and width: (5 + " in lost
    gap, lost = (line for line in lines("--depth", "all", format=format)[::-1])
    assert "first.conv1" in gap
    assert "warning: second.pool1: height and width: (5 + " in lost


def test_a_row_is_named_once() -> None:
    text = cnncalc.formatted(cnncalc.analyze("resnet152"), "text")
    harmless = next(line for line in text.splitlines() if "harmless" in line)
    assert harmless.endswith("(harmless): conv1, maxpool, layer2.0, layer3.0, layer4.0")


@pytest.mark.parametrize(
    ("columns", "holds"),
    [
        ("name,params", False),
        ("name,output,activations,receptive_field", False),
        ("name,macs", True),
        ("name,flops", True),
        ("name,macs_share", True),
        ("intensity", True),
        ("backward_macs", True),
    ],
)
def test_how_macs_are_counted_stands_under_tables_of_macs(columns: str, holds: bool) -> None:
    asked = ("table", "lenet5", "--columns", columns)
    assert (CONVENTION in command(*asked).out) == holds
    assert (CONVENTION in command(*asked, "-f", "markdown").out) == holds
    if "name" not in columns:
        assert CONVENTION in command("table", "lenet5", *asked[1:]).out
    assert CONVENTION not in command("table", "lenet5", "vgg16", "--columns", "params").out


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        ([[1, 1], [1, 1]], "1"),
        ([[0, 1], [0, 1]], "0+1"),
        ([[1, 1], [0, 0]], "1×0"),
        ([[1, 2], [0, 0]], "1+2,0"),
        ([[0, 0], [1, 2], [3, 3]], "0,1+2,3"),
        ([7, 1], "7×1"),
    ],
)
def test_paddings_read_as_no_arithmetic(sizes: list[Any], text: str) -> None:
    assert sizes_text(sizes) == text
    if all(isinstance(size, list) for size in sizes[:2]) and len(sizes) == 2:
        conv: dict[str, Any] = {"out_channels": 1, "kernel_size": 3, "padding": sizes}
        report = cnncalc.layer("conv", input=(1, 9, 9), **conv)
        assert report.column("layer") == [f"conv 3×3 s1 p{text}"]
