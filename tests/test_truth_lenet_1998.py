"""LeNet-5 as it was published: trained subsampling, a table of connections, a fixed output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cnncalc.api import analyze
from tests.truth import document, network, rows

PAPER = document("06_lenet5_1998.json")
SPEC = Path(__file__).parent.parent / "specs" / "lenet5-1998.json"
TABLE_I = """
X...XXX..XXXX.XX
XX...XXX..XXXX.X
XXX...XXX..X.XXX
.XXX..XXXX..X.XX
..XXX..XXXX.XX.X
...XXX..XXXX.XXX
"""
"""The paper's Table I: a row for each map of S2, a column for each map of C3."""


@pytest.mark.parametrize("published", PAPER["layers"][1:], ids=lambda layer: layer["name"])
def test_layer_of_1998(published: dict[str, object]) -> None:
    layer = rows("lenet5-1998")[str(published["name"])]
    assert layer["params"] == published["params"]
    assert layer["connections"] == published["connections"]
    if "shape" in published:
        assert layer["output_shape"] == published["shape"]
    else:
        assert layer["output_shape"] == [published["units"]]
    if "maps" in published:
        assert layer["output_shape"][0] == published["maps"]


def test_totals_of_1998() -> None:
    report = analyze("lenet5-1998")
    assert report.inputs[0]["shape"] == PAPER["layers"][0]["shape"]
    assert report.total("params") == PAPER["totals"]["params"] == 60_000
    assert report.total("connections") == PAPER["totals"]["connections"] == 340_908
    trained = 122_304 + 5_880 + 151_600 + 2_000 + 48_120 + 10_164
    assert (trained, trained + 840) == (340_068, 340_908)


def test_only_layers_that_the_paper_names_are_counted() -> None:
    names = {layer["name"] for layer in PAPER["layers"][1:]}
    others = [layer for name, layer in rows("lenet5-1998").items() if name not in names]
    assert [(layer["type"], layer["connections"]) for layer in others] == [("flatten", 0)]


def test_table_of_connections() -> None:
    items = json.loads(SPEC.read_text(encoding="utf-8"))["layers"]
    (table,) = (item["conv"]["connections"] for item in items if "connections" in str(item))
    columns = list(zip(*TABLE_I.split(), strict=True))
    assert table == [[i for i, mark in enumerate(column) if mark == "X"] for column in columns]
    assert [len(maps) for maps in table] == [3] * 6 + [4] * 9 + [6]
    assert sum(map(len, table)) == 60
    # Every map of S2 is read ten times.
    assert [sum(i in maps for maps in table) for i in range(6)] == [10] * 6

    def contiguous(maps: list[int]) -> bool:
        """Whether the maps follow one another, map 0 after map 5."""
        return any({(start + i) % 6 for i in range(len(maps))} == set(maps) for start in range(6))

    assert [contiguous(maps) for maps in table] == [True] * 12 + [False] * 3 + [True]


def test_multiplications_of_c3_follow_the_table() -> None:
    layer = rows("lenet5-1998")["C3"]
    assert layer["macs"] == 60 * 25 * 10 * 10 == 150_000
    # All 6 × 16 pairs would take 240,000.
    assert rows("lenet5")["conv2"]["macs"] == 96 * 25 * 10 * 10 == 240_000


def test_modern_variant() -> None:
    spec = network(
        [32, 32, 1],
        {"conv": {"out_channels": 6, "kernel_size": 5}},
        {"avg_pool": 2},
        {"conv": {"out_channels": 16, "kernel_size": 5}},
        {"avg_pool": 2},
        {"conv": {"out_channels": 120, "kernel_size": 5}},
        "flatten",
        {"linear": 84},
        {"linear": 10},
    )
    params = [layer["params"] for layer in rows(spec).values() if layer["params"]]
    assert params == PAPER["modern_variant"]["params"]
    assert analyze(spec).total("params") == PAPER["modern_variant"]["total"] == 61_706
