"""The CS231n notes and exercises: output sizes, strides that do not fit, VGG-16 row by row."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from cnncalc.api import analyze
from tests.truth import document, hwc, network, only, rows, significant, table

NOTES = document("02_cs231n.json")
ALEXNET = NOTES["alexnet_conv1"]
SPECS = Path(__file__).parent.parent / "specs"


def convolution(example: dict[str, Any]) -> dict[str, Any]:
    """The layer of a worked example, on a square grey input where none is given."""
    return only(
        example.get("in", [example.get("W")] * 2 + [3 if "K" in example else 1]),
        "conv",
        out_channels=example.get("K", 1),
        kernel_size=example["F"],
        stride=example["S"],
        padding=example["P"],
    )


def name_of(example: dict[str, Any]) -> str:
    return f"{example.get('W', 32)}-F{example['F']}-S{example['S']}-P{example['P']}"


@pytest.mark.parametrize(
    "example", [e for e in NOTES["worked_examples"] if e.get("fits", True)], ids=name_of
)
def test_worked_examples_that_fit(example: dict[str, Any]) -> None:
    layer = convolution(example)
    out = example["out"]
    assert layer["shape"] == (out if isinstance(out, list) else [out, out, 1])
    assert layer["warnings"] == []
    if "params" in example:
        assert layer["params"] == example["params"] == (5 * 5 * 3 + 1) * 10


EXACT = {7: "7/3", 10: "9/2", 224: "217/4"}
"""(7 − 3)/3 + 1, (10 − 3)/2 + 1 and (224 − 11)/4 + 1."""


@pytest.mark.parametrize(
    "example", [e for e in NOTES["worked_examples"] if not e.get("fits", True)], ids=name_of
)
def test_worked_examples_that_do_not_fit(example: dict[str, Any]) -> None:
    warnings = convolution(example)["warnings"]
    assert [(w["axis"], w["kind"]) for w in warnings] == [("height", "stride"), ("width", "stride")]
    assert {w["exact"] for w in warnings} == {EXACT[example["W"]]}
    exact = Fraction(example["W"] - example["F"] + 2 * example["P"], example["S"]) + 1
    assert str(exact) == EXACT[example["W"]]
    if "out" in example:
        assert exact == Fraction(example["out"])
    if "value" in example:
        assert round(exact, 3) == Fraction(str(example["value"]))


def test_all_three_kinds_of_misfit_are_there() -> None:
    misfits = [e["W"] for e in NOTES["worked_examples"] if not e.get("fits", True)]
    assert sorted(misfits) == sorted(EXACT)


def test_padding_keeps_the_size() -> None:
    # 4×4 padded to 6×6; 6 − 3 + 1 = 4.
    assert only([4, 4, 1], "conv", out_channels=1, kernel_size=3, padding=1)["shape"] == [4, 4, 1]


def test_alexnets_first_layer() -> None:
    layer = rows("alexnet-2012")["conv1"]
    assert layer["shape"] == [55, 55, 96]
    assert layer["activations"] == ALEXNET["neurons"] == 55 * 55 * 96
    assert layer["weights"] == ALEXNET["unique_weights_shared"] == 96 * 363
    assert layer["params"] == ALEXNET["params_shared"] == 96 * 363 + 96


def test_alexnets_first_layer_without_sharing() -> None:
    layer = only([227, 227, 3], "locally_connected", out_channels=96, kernel_size=11, stride=4)
    assert layer["activations"] == ALEXNET["neurons"]
    assert layer["weights"] == 290_400 * ALEXNET["weights_per_neuron"] == 105_415_200
    assert layer["params"] == ALEXNET["params_no_sharing"] == 290_400 * (363 + 1)


def test_im2col() -> None:
    layer = rows("alexnet-2012")["conv1"]
    rows_of_columns, locations = NOTES["im2col"]["X_col"]
    assert layer["weights"] // 96 == rows_of_columns == NOTES["im2col"]["cols_rows"] == 11 * 11 * 3
    assert layer["activations"] // 96 == locations == NOTES["im2col"]["locations"] == 55 * 55


def vgg16_with_convolutions_for_dense_layers(size: int) -> dict[str, Any]:
    """VGG-16 on any square input: its dense layers are convolutions with the same weights."""
    spec = json.loads((SPECS / "vgg16.json").read_text(encoding="utf-8"))
    features = spec["layers"][: spec["layers"].index("flatten")]
    sizes = {"fc6": (4096, 7), "fc7": (4096, 1), "fc8": (1000, 1)}
    dense = [
        {"conv": {"out_channels": channels, "kernel_size": kernel}, "name": name}
        for name, (channels, kernel) in sizes.items()
    ]
    return network([size, size, 3], *features, *dense)


def test_dense_layers_as_convolutions() -> None:
    published = NOTES["fc_to_conv"]
    small = rows(vgg16_with_convolutions_for_dense_layers(224))
    assert "x".join(map(str, small["pool5"]["shape"])) == published["input_224"]
    assert small["fc6"]["kernel_size"] == [published["fc1_as_conv"]["F"]] * 2
    assert small["fc6"]["shape"] == published["fc1_as_conv"]["out"]
    assert small["fc8"]["shape"] == [1, 1, 1000]
    large = rows(vgg16_with_convolutions_for_dense_layers(384))
    assert large["pool5"]["shape"] == published["input_384"]["pre_fc"]
    assert large["fc8"]["shape"] == published["input_384"]["out"]
    params = [sum(layer["params"] for layer in network.values()) for network in (small, large)]
    assert params == [NOTES["vgg16_totals_derived"]["params_with_bias"]] * 2


VGG = table("02_cs231n_vgg16_table.csv")
VGG_NAMES = [
    *("conv1_1", "conv1_2", "pool1", "conv2_1", "conv2_2", "pool2"),
    *("conv3_1", "conv3_2", "conv3_3", "pool3", "conv4_1", "conv4_2", "conv4_3", "pool4"),
    *("conv5_1", "conv5_2", "conv5_3", "pool5", "fc6", "fc7", "fc8"),
]


def test_the_rows_of_vgg16_are_those_of_the_notes() -> None:
    ours = rows("vgg16")
    assert set(ours) - set(VGG_NAMES) == {"flatten1", "drop6", "drop7"}
    assert [row["layer"] for row in VGG[1:]] == [
        {"conv": "CONV3-{}", "max_pool": "POOL2", "linear": "FC"}[ours[name]["type"]].format(
            ours[name]["output_shape"][0]
        )
        for name in VGG_NAMES
    ]


def assert_printed(activations: int, text: str) -> None:
    """That `text`, such as `3.2M`, `800K` or `4096`, is the number at the digits it prints."""
    number = text.rstrip("KM")
    printed = int(Fraction(number) * {"M": 10**6, "K": 10**3}.get(text[-1], 1))
    digits = len(number.replace(".", "").rstrip("0")) if text[-1] in "KM" else len(text)
    assert significant(activations, digits) == printed


@pytest.mark.parametrize(("row", "name"), list(zip(VGG[1:], VGG_NAMES, strict=True)))
def test_row_of_vgg16(row: dict[str, str], name: str) -> None:
    layer = rows("vgg16")[name]
    shape = layer["shape"] if len(layer["shape"]) == 3 else [1, 1, *layer["shape"]]
    assert "x".join(map(str, shape)) == row["shape"]
    assert layer["activations"] == int(row["activations_exact"])
    assert layer["weights"] == int(row["weights_published"])
    assert_printed(layer["activations"], row["memory_published"])


def test_the_input_of_vgg16() -> None:
    (given,) = analyze("vgg16").inputs
    assert "x".join(map(str, hwc(given["shape"]))) == VGG[0]["shape"]
    assert given["activations"] == int(VGG[0]["activations_exact"]) == 150_528
    assert_printed(given["activations"], VGG[0]["memory_published"])


def test_totals_of_vgg16() -> None:
    report = analyze("vgg16")
    derived = NOTES["vgg16_totals_derived"]
    assert report.total("activations") == 15_087_080
    with_input = report.total("activations") + report.inputs[0]["activations"]
    assert with_input == derived["sum_activations_of_rows"] == 15_237_608
    assert with_input == sum(int(row["activations_exact"]) for row in VGG)
    assert round(Fraction(4 * with_input, 2**20), 2) == Fraction(str(derived["MiB_of_rows"]))
    assert report.total("activations_bytes") == 4 * 15_087_080
    assert report.total("weights") == derived["sum_weights_no_bias"] == 138_344_128
    assert report.total("params") == derived["params_with_bias"] == 138_357_544
    # Thirteen convolutions and three dense layers, a bias for each channel or unit.
    assert report.total("biases") == 2 * (64 + 128) + 3 * (256 + 512 + 512) + 4096 + 4096 + 1000
    assert NOTES["vgg16_totals_published"]["params"] == "138M"
    assert significant(report.total("params"), 3) == 138_000_000


def test_memory_of_three_convolutions() -> None:
    item = {"conv": {"out_channels": 64, "kernel_size": 3, "padding": 1}}
    report = analyze(network(NOTES["memory_example"]["in"], item, item, item))
    assert report.total("activations") == 3 * 224 * 224 * 64 == 9_633_792
    assert NOTES["memory_example"]["activations"] == "about 10 million"
    assert significant(report.total("activations"), 1) == 10_000_000


def test_demo() -> None:
    ours = rows("cs231n-demo")
    assert [layer["type"] for layer in ours.values()] == [
        *["conv", "conv", "max_pool"] * 3,
        "flatten",
        "linear",
    ]
    # 3·3·3·10 + 10, five times 3·3·10·10 + 10, and 4·4·10·10 + 10.
    assert analyze("cs231n-demo").total("params") == 280 + 5 * 910 + 1610 == 6440


def test_three_layer_convnet() -> None:
    ours = rows("three-layer-convnet")
    assert {name: (row["shape"], row["params"]) for name, row in ours.items()} == {
        "conv": ([32, 32, 32], 7 * 7 * 3 * 32 + 32),
        "pool": ([16, 16, 32], 0),
        "flatten1": ([8192], 0),
        "affine1": ([100], 8192 * 100 + 100),
        "affine2": ([10], 100 * 10 + 10),
    }
    assert analyze("three-layer-convnet").total("params") == 825_046
