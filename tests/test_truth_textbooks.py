"""Textbooks and lectures: Keras's MNIST convnets, the from-scratch book, a 39×31 example."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from cnncalc.api import analyze
from tests.truth import document, hwc, network, only, rows

KERAS = document("05_chollet.json")
SCRATCH = document("04_deep_learning_from_scratch.json")
GREY = document("03_taewan_cnn.json")


def conv(out_channels: int, kernel_size: int, **fields: Any) -> dict[str, Any]:
    return {"conv": {"out_channels": out_channels, "kernel_size": kernel_size, **fields}}


# Keras

FIRST_EDITION = network(
    [28, 28, 1],
    conv(32, 3),
    {"max_pool": 2},
    conv(64, 3),
    {"max_pool": 2},
    conv(64, 3),
    "flatten",
    {"linear": 64},
    {"linear": 10},
)
THIRD_EDITION = network(
    [28, 28, 1],
    conv(64, 3),
    {"max_pool": 2},
    conv(128, 3),
    {"max_pool": 2},
    conv(256, 3),
    "global_avg_pool",
    {"linear": 10},
)


@pytest.mark.parametrize(
    ("spec", "edition"),
    [
        (FIRST_EDITION, "first_edition_5.1"),
        ("keras-mnist", "second_edition_8"),
        ("keras-mnist-nopool", "second_edition_no_maxpool"),
        (THIRD_EDITION, "third_edition_8"),
    ],
)
def test_keras_summary(spec: Any, edition: str) -> None:
    published = KERAS[edition]
    assert [[layer["shape"], layer["params"]] for layer in rows(spec).values()] == [
        [shape, params] for _, shape, params in published["layers"]
    ]
    assert analyze(spec).total("params") == published["total"]


def test_keras_layer_names() -> None:
    assert list(rows("keras-mnist")) == [name for name, *_ in KERAS["second_edition_8"]["layers"]]


def test_keras_base_without_its_classifier() -> None:
    params = [layer["params"] for layer in rows(FIRST_EDITION).values()]
    assert sum(params[:5]) == KERAS["first_edition_5.1"]["total_base"] == 320 + 18496 + 36928


def test_keras_dense_baseline() -> None:
    params = [layer["params"] for layer in rows("mlp-mnist").values()]
    assert params == [784 * 512 + 512, 512 * 10 + 10]
    assert analyze("mlp-mnist").total("params") == 407_050


# The from-scratch book


def test_simple_convnet() -> None:
    published = SCRATCH["simple_convnet"]
    ours = rows("simple-convnet")
    assert list(ours) == ["Conv1", "Pool1", "flatten1", "Affine1", "Affine2"]
    assert ours["Conv1"]["input_shapes"] == [published["input"]]
    assert ours["Conv1"]["output_shape"] == published["conv_out"]
    assert ours["Pool1"]["output_shape"] == published["pool_out"]
    assert ours["flatten1"]["output_shape"] == [published["flatten"]]
    assert ours["Affine1"]["output_shape"] == [published["hidden"]]
    assert ours["Affine2"]["output_shape"] == [published["classes"]]
    for index, name in enumerate(("Conv1", "Affine1", "Affine2"), 1):
        assert ours[name]["weights"] == published["params"][f"W{index}"]
        assert ours[name]["biases"] == published["params"][f"b{index}"]
    assert analyze("simple-convnet").total("params") == published["params_total"] == 433_890


def test_simple_convnet_of_the_gradient_check() -> None:
    given = SCRATCH["gradient_check"]
    spec = network(
        hwc(given["input"]),
        conv(given["filters"], given["k"]),
        {"max_pool": 2},
        "flatten",
        {"linear": given["hidden"]},
        {"linear": 10},
    )
    assert [layer["shape"] for layer in rows(spec).values()] == [
        [8, 8, 10],
        [4, 4, 10],
        [160],
        [10],
        [10],
    ]
    assert analyze(spec).total("params") == (3 * 3 + 1) * 10 + 161 * 10 + 11 * 10


def test_deep_convnet() -> None:
    published = SCRATCH["deep_convnet"]
    ours = rows("deep-convnet")
    windows = [layer for layer in ours.values() if layer["type"] in ("conv", "max_pool")]
    assert [layer["output_shape"] for layer in windows] == published["shapes"]
    assert [
        [layer["output_shape"][0], layer["kernel_size"][0], layer["padding"][0][0]]
        for layer in windows
        if layer["type"] == "conv"
    ] == published["conv"]
    assert ours["flatten1"]["output_shape"] == [published["flatten"]]
    assert ours["Affine1"]["output_shape"] == [published["hidden"]]
    assert ours["Affine2"]["output_shape"] == [published["classes"]]
    assert analyze("deep-convnet").total("params") == published["params_total"] == 123_552


# 39×31

GREY_NAMES = ["conv1", "pool1", "conv2", "pool2", "conv3", "pool3", "conv4", "flatten1", "fc"]


@pytest.mark.parametrize(("name", "published"), list(zip(GREY_NAMES, GREY["layers"], strict=True)))
def test_row_of_the_39x31_convnet(name: str, published: dict[str, Any]) -> None:
    layer = rows("convnet-39x31")[name]
    assert layer["weights"] == published["params_correct_no_bias"]
    assert layer["params"] == published["params_with_bias"]
    # The source writes a vector as a column, 160×1.
    in_shape, out_shape = (
        shape[:1] if shape[1:] == [1] else shape
        for shape in (published["in_shape"], published["out_shape"])
    )
    assert (hwc(layer["input_shapes"][0]), layer["shape"]) == (in_shape, out_shape)
    if layer["kernel_size"]:
        kernel = published["filter"] or published["pool"]
        assert "x".join(map(str, layer["kernel_size"])) == kernel.split()[0]
        assert layer["stride"] == [published["stride"]] * 2
        channels = [layer["input_shapes"][0][0], layer["output_shape"][0]]
        assert channels == [published["in_ch"], published["out_ch"]]


def test_totals_of_the_39x31_convnet() -> None:
    assert list(rows("convnet-39x31")) == GREY_NAMES
    report = analyze("convnet-39x31")
    assert report.total("weights") == GREY["total_correct_no_bias"] == 64_320
    assert report.total("params") == GREY["total_with_bias"] == 64_620
    assert report.total("biases") == 20 + 40 + 60 + 80 + 100


@pytest.mark.parametrize("bias", [False, True])
def test_dense_network_of_the_39x31_example(bias: bool) -> None:
    layers = GREY["fc_network_published"]
    items = [{"linear": {"out_features": layer["out"], "bias": bias}} for layer in layers]
    spec = network([layers[0]["in"]], *items)
    weights = [layer["weights"] for layer in rows(spec).values()]
    assert weights == [layer["params"] for layer in layers]
    total = GREY["fc_total_with_bias" if bias else "fc_total_published"]
    assert analyze(spec).total("params") == total


def test_ratios_of_the_39x31_example() -> None:
    dense, ratios = GREY["fc_total_published"], GREY["ratios"]
    report = analyze("convnet-39x31")
    for key, ratio in {
        "208320/1055400": Fraction(208_320, dense),
        "corrected_no_bias": Fraction(report.total("weights"), dense),
        "corrected_with_bias": Fraction(report.total("params"), GREY["fc_total_with_bias"]),
    }.items():
        assert round(ratio, 4) == Fraction(str(ratios[key]))


def test_keras_example_of_the_39x31_source() -> None:
    figure = GREY["figure8_keras_example"]
    items: list[Any] = []
    for filters, kernel in figure["conv"]:
        items += [conv(filters, kernel), {"max_pool": figure["pool"]}]
    items += ["flatten", *({"linear": units} for units in figure["figure_fc"])]
    ours = list(rows(network([*figure["figure_input"], 1], *items)).values())
    assert [layer["shape"][:2] for layer in ours[:6]] == figure["figure_maps"]
    assert [layer["shape"] for layer in ours[6:]] == [[12 * 17 * 20], [512], [128], [4]]


# An image-analysis lecture


def test_image_analysis_32() -> None:
    assert [(row["shape"], row["params"]) for row in rows("image-analysis-32").values()] == [
        ([32, 32, 32], 3 * 3 * 3 * 32 + 32),
        ([30, 30, 32], 3 * 3 * 32 * 32 + 32),
    ]


def test_image_analysis_150() -> None:
    assert [(row["shape"], row["params"]) for row in rows("image-analysis-150").values()] == [
        ([150, 150, 32], 3 * 3 * 3 * 32 + 32),
        ([75, 75, 32], 0),
        ([72, 72, 32], 4 * 4 * 32 * 32 + 32),
        ([36, 36, 32], 0),
        ([41_472], 0),
        ([256], 41_472 * 256 + 256),
        ([5], 256 * 5 + 5),
    ]


@pytest.mark.parametrize("word", ["max_pool", "min_pool", "avg_pool"])
def test_pooling_of_a_4x4_map(word: str) -> None:
    assert only([4, 4, 1], word, kernel_size=2)["shape"] == [2, 2, 1]
    same = only([4, 4, 1], word, kernel_size=2, stride=1, padding="same")
    assert (same["shape"], same["params"], same["warnings"]) == ([4, 4, 1], 0, [])
