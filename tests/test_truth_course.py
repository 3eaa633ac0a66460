"""The deep-learning course's networks and its case for convolutions."""

from __future__ import annotations

from typing import Any

import pytest

from cnncalc.api import analyze
from tests.truth import document, network, only, rows

COURSE = document("01_ng_cnn_example.json")
NAMES = {
    "CONV1 (f=5,s=1)": "conv1",
    "POOL1": "pool1",
    "CONV2 (f=5,s=1)": "conv2",
    "POOL2": "pool2",
    "FC3": "fc3",
    "FC4": "fc4",
    "Softmax": "fc5",
}
TABLES = {"lenet5": "six_filter_variant", "lenet5-slide": "official_errata_8_filters"}


def course_shape(shape: list[int]) -> list[int]:
    """The course writes a vector as a column, 120×1."""
    return shape[:1] if shape[1:] == [1] else shape


@pytest.mark.parametrize(("spec", "table"), TABLES.items())
def test_every_row_of_the_table(spec: str, table: str) -> None:
    ours = rows(spec)
    first, *published = COURSE[table]
    (given,) = analyze(spec).inputs
    assert first["shape"] == [32, 32, 3]
    assert (given["shape"], given["activations"]) == ([3, 32, 32], first["activation_size"])
    assert [row["layer"] for row in published] == list(NAMES)
    for row in published:
        layer = ours[NAMES[row["layer"]]]
        assert layer["shape"] == course_shape(row["shape"])
        assert (layer["activations"], layer["params"]) == (row["activation_size"], row["params"])
    assert set(ours) - set(NAMES.values()) == {"flatten1"}


@pytest.mark.parametrize(
    ("spec", "total"), [("lenet5", "six_filters"), ("lenet5-slide", "errata_8_filters")]
)
def test_total(spec: str, total: str) -> None:
    assert analyze(spec).total("params") == COURSE["totals"][total]


def test_shapes_of_the_slide_are_right_though_its_parameters_are_not() -> None:
    ours = rows("lenet5-slide")
    for row in COURSE["slide_original"][1:]:
        layer = ours[NAMES[row["layer"]]]
        assert layer["shape"] == course_shape(row["shape"])
        assert layer["activations"] == row["activation_size"]
        assert (layer["params"] == row["params"]) == ("POOL" in row["layer"])


def test_hyperparameters() -> None:
    ours = rows("lenet5-slide")
    for name, given in COURSE["hyper"].items():
        layer = ours[name.lower()]
        assert layer["kernel_size"] == [given["f"]] * 2
        assert layer["stride"] == [given["s"]] * 2
        assert layer["padding"] == [[given.get("p", 0)] * 2] * 2
        assert layer["type"] == ("conv" if "CONV" in name else "max_pool")
    assert ours["conv2"]["output_shape"][0] == COURSE["hyper"]["CONV2"]["filters"]


def test_a_pooling_layer_shares_the_number_of_its_convolution() -> None:
    numbers = {name: layer["number"] for name, layer in rows("lenet5").items()}
    assert numbers == {
        "conv1": 1,
        "pool1": 1,
        "conv2": 2,
        "pool2": 2,
        "flatten1": 2,
        "fc3": 3,
        "fc4": 4,
        "fc5": 5,
    }


def test_parameters_and_macs_of_lenet5_by_hand() -> None:
    ours = rows("lenet5")
    assert {name: (row["params"], row["macs"]) for name, row in ours.items()} == {
        "conv1": ((5 * 5 * 3 + 1) * 6, 28 * 28 * 6 * 5 * 5 * 3),
        "pool1": (0, 0),
        "conv2": ((5 * 5 * 6 + 1) * 16, 10 * 10 * 16 * 5 * 5 * 6),
        "pool2": (0, 0),
        "flatten1": (0, 0),
        "fc3": ((400 + 1) * 120, 400 * 120),
        "fc4": ((120 + 1) * 84, 120 * 84),
        "fc5": ((84 + 1) * 10, 84 * 10),
    }
    report = analyze("lenet5")
    assert report.total("params") == 456 + 2416 + 48120 + 10164 + 850 == 62006
    assert report.total("macs") == 352800 + 240000 + 48000 + 10080 + 840
    assert report.total("flops") == 2 * 651720
    assert report.total("activations") == 4704 + 1176 + 1600 + 400 + 120 + 84 + 10


def test_simple_convolutional_network() -> None:
    *convolutions, last = document("01b_ng_simple_convnet.json")["layers"]
    items: list[Any] = [
        {
            "conv": {
                "out_channels": layer["filters"],
                "kernel_size": layer["f"],
                "stride": layer["s"],
                "padding": layer["p"],
            }
        }
        for layer in convolutions
    ]
    ours = list(rows(network(convolutions[0]["in"], *items, "flatten")).values())
    assert [layer["shape"] for layer in ours] == [
        *(layer["out"] for layer in convolutions),
        [last["flatten"]],
    ]
    assert len(convolutions) == 3
    # (3·3·3 + 1)·10, (5·5·10 + 1)·20, (5·5·20 + 1)·40
    assert [layer["params"] for layer in ours] == [280, 5020, 20040, 0]


def test_why_convolutions() -> None:
    assert rows("lenet5")["conv1"]["activations"] == 4704 == 28 * 28 * 6
    dense = only([32 * 32 * 3], "linear", out_features=4704)
    assert dense["weights"] == 3072 * 4704 == 14_450_688
    one_channel = only([32, 32, 1], "conv", out_channels=6, kernel_size=5)
    three_channels = only([32, 32, 3], "conv", out_channels=6, kernel_size=5)
    assert one_channel["params"] == 26 * 6 == 156
    assert three_channels["params"] == (5 * 5 * 3 + 1) * 6 == 456


def test_sparse_connections() -> None:
    sparse = only([6, 6, 1], "conv", out_channels=1, kernel_size=3, bias=False)
    dense = only([6 * 6], "linear", out_features=4 * 4, bias=False)
    assert sparse["shape"] == [4, 4, 1]
    assert (sparse["connections"], dense["connections"]) == (16 * 9, 16 * 36)
    # In the 5×5 example the filter's 9 weights serve all 9 positions.
    sliding = only([5, 5, 1], "conv", out_channels=1, kernel_size=3, bias=False)
    assert (sliding["shape"], sliding["params"], sliding["macs"]) == ([3, 3, 1], 9, 9 * 9)
