"""Every slip of docs/errata.md: what was printed, what is right, and where each comes from."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

from cnncalc.api import analyze
from tests.truth import document, network, only, rows, significant

PAGE = Path(__file__).parent.parent / "docs" / "errata.md"
Numbers = list[Any]
"""Fractions, which equal the integers that they are."""


def slips() -> dict[str, tuple[str, str]]:
    """What was printed and what is right, by the name of the slip."""
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[0] not in ("slip", "---"):
            name, _, printed, right, _ = cells
            assert name not in found
            found[name] = (printed, right)
    return found


def numbers(name: str) -> tuple[Numbers, Numbers]:
    """All numbers of the two cells."""
    printed, right = (
        [Fraction(text.replace(",", "")) for text in re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", cell)]
        for cell in slips()[name]
    )
    assert printed
    assert right
    return printed, right


def both(name: str) -> tuple[Fraction, Fraction]:
    """What was printed and what is right, where each is one number."""
    (printed,), (right,) = numbers(name)
    assert printed != right
    return printed, right


def test_every_slip_has_its_test() -> None:
    tested = {name for name in globals() if name.startswith("test_")}
    named = {f"test_{name.replace('-', '_')}" for name in slips()}
    assert tested - {"test_every_slip_has_its_test"} == named


# The deep-learning course

COURSE = document("01_ng_cnn_example.json")
SLIDE = {row["layer"]: row["params"] for row in COURSE["slide_original"]}


def params(spec: str, name: str) -> int:
    found: int = rows(spec)[name]["params"]
    return found


def test_slide_conv1() -> None:
    printed, right = both("slide-conv1")
    assert printed == SLIDE["CONV1 (f=5,s=1)"] == (5 * 5 * 1 + 1) * 8
    assert right == params("lenet5-slide", "conv1") == (5 * 5 * 3 + 1) * 8


def test_slide_conv2() -> None:
    printed, right = both("slide-conv2")
    assert printed == SLIDE["CONV2 (f=5,s=1)"] == (5 * 5 * 1 + 1) * 16
    assert right == params("lenet5-slide", "conv2") == (5 * 5 * 8 + 1) * 16


def test_slide_fc3() -> None:
    printed, right = both("slide-fc3")
    assert printed == SLIDE["FC3"] == 400 * 120 + 1
    assert right == params("lenet5-slide", "fc3") == 400 * 120 + 120


def test_slide_fc4() -> None:
    printed, right = both("slide-fc4")
    assert printed == SLIDE["FC4"] == 120 * 84 + 1
    assert right == params("lenet5-slide", "fc4") == 120 * 84 + 84


def test_slide_softmax() -> None:
    printed, right = both("slide-softmax")
    assert printed == SLIDE["Softmax"] == 84 * 10 + 1
    assert right == params("lenet5-slide", "fc5") == 84 * 10 + 10


def test_slide_total() -> None:
    printed, right = both("slide-total")
    assert printed == COURSE["totals"]["slide_original"] == sum(SLIDE.values())
    assert right == analyze("lenet5-slide").total("params") == 608 + 3216 + 48120 + 10164 + 850


def test_notes_conv_parameters() -> None:
    printed, right = both("notes-conv-parameters")
    assert printed == (5 * 5 + 1) * 6 == params("lenet5-1998", "C1")
    assert right == (5 * 5 * 3 + 1) * 6 == params("lenet5", "conv1")


def test_notes_width() -> None:
    printed, right = both("notes-width")
    assert right == (32 - 5) // 1 + 1 == rows("lenet5")["conv1"]["shape"][0]
    assert rows("lenet5")["pool1"]["shape"][0] == 14 == right / 2 != printed / 2


def test_notes_conv2_filters() -> None:
    printed, right = both("notes-conv2-filters")
    ours = rows("lenet5")
    assert right == ours["conv2"]["shape"][2] == COURSE["hyper"]["CONV2"]["filters"]
    assert ours["flatten1"]["shape"] == [400] == [5 * 5 * int(right)] != [5 * 5 * int(printed)]


def test_notes_sparse_connections() -> None:
    printed, right = numbers("notes-sparse-connections")
    assert (printed, right) == ([9, 6, 36], [9, 36])
    layer = only([6, 6, 1], "conv", out_channels=1, kernel_size=3, bias=False)
    assert right == [layer["connections"] / layer["activations"], 6 * 6]


# CS231n

NOTES = document("02_cs231n.json")
VGG16_VALUES = 15_087_080 + 224 * 224 * 3


def test_vgg16_values() -> None:
    printed, right = both("vgg16-values")
    report = analyze("vgg16")
    assert NOTES["vgg16_totals_published"]["memory"].startswith(f"{printed}M * 4 bytes")
    assert right * 10**6 == VGG16_VALUES == NOTES["vgg16_totals_derived"]["sum_activations_of_rows"]
    assert right * 10**6 == report.total("activations") + report.inputs[0]["activations"]


def test_vgg16_bytes() -> None:
    printed, right = both("vgg16-bytes")
    assert f"{printed}MB" in NOTES["vgg16_totals_published"]["memory"]
    assert right == round(Fraction(4 * VGG16_VALUES, 2**20), 1)
    assert round(Fraction(4 * 24 * 10**6, 2**20), 1) == Fraction("91.6") != printed


def test_vgg16_biases() -> None:
    printed, right = both("vgg16-biases")
    report = analyze("vgg16")
    assert (
        printed == report.total("weights") == NOTES["vgg16_totals_derived"]["sum_weights_no_bias"]
    )
    assert right == report.total("params") == printed + 13_416
    assert report.total("biases") == 2 * 64 + 2 * 128 + 3 * 256 + 6 * 512 + 2 * 4096 + 1000


def test_three_convolutions_bytes() -> None:
    printed, right = both("three-convolutions-bytes")
    assert NOTES["memory_example"]["memory"] == f"{printed}MB incl. gradients"
    item = {"conv": {"out_channels": 64, "kernel_size": 3, "padding": 1}}
    ours = 2 * analyze(network([224, 224, 3], item, item, item)).total("activations_bytes")
    assert ours == 2 * 4 * 3 * 224 * 224 * 64 == 77_070_336
    assert right == round(Fraction(ours, 10**6), 1)
    assert round(Fraction(ours, 2**20), 1) == Fraction("73.5")


# The 39×31 example

GREY = document("03_taewan_cnn.json")
GREY_LAYERS = {layer["layer"]: layer for layer in GREY["layers"]}
DENSE = [(1209, 600), (600, 300), (300, 300), (300, 150), (150, 100)]


def test_grey_dense() -> None:
    printed, right = both("grey-dense")
    assert printed == GREY_LAYERS["Softmax FC"]["params_published"] == 160 * 1000
    assert right == rows("convnet-39x31")["fc"]["weights"] == 160 * 100


def test_grey_total() -> None:
    printed, right = both("grey-total")
    assert printed == GREY["total_published"] == 320 + 7200 + 21600 + 19200 + 160_000
    assert right == analyze("convnet-39x31").total("weights") == printed - 160_000 + 16_000


def test_grey_ratio() -> None:
    printed, right = both("grey-ratio")
    dense = sum(a * b for a, b in DENSE)
    assert dense == GREY["fc_total_published"]
    assert GREY["ratios"]["published_claim_section6"] == f"{printed}%"
    assert printed == round(Fraction(100 * 208_320, dense))
    assert right == round(Fraction(100 * analyze("convnet-39x31").total("weights"), dense))


def test_grey_times() -> None:
    printed, right = both("grey-times")
    assert GREY["ratios"]["published_claim_section5"] == f"more than {printed}x"
    assert 1_055_400 // 208_320 == 5
    assert right == 1_055_400 // analyze("convnet-39x31").total("weights")


def test_grey_biases() -> None:
    printed, right = numbers("grey-biases")
    report = analyze("convnet-39x31")
    assert printed == [report.total("weights"), sum(a * b for a, b in DENSE)]
    assert right == [report.total("params"), sum(a * b + b for a, b in DENSE)]
    assert right == [GREY["total_with_bias"], GREY["fc_total_with_bias"]]


def test_grey_conv3_kernel() -> None:
    printed, right = numbers("grey-conv3-kernel")
    layer = rows("convnet-39x31")["conv3"]
    assert "(2,2)" in GREY_LAYERS["Convolution Layer 3"]["filter"]
    assert (printed, right) == ([2, 2], layer["kernel_size"])
    assert (layer["shape"], layer["weights"]) == ([6, 4, 60], 3 * 3 * 40 * 60)
    small = only([8, 6, 40], "conv", out_channels=60, kernel_size=2)
    assert (small["shape"], small["weights"]) == ([7, 5, 60], 2 * 2 * 40 * 60)


def test_grey_conv4_formula() -> None:
    printed, right = numbers("grey-conv4-formula")
    assert (printed, right) == ([2, 2, 80], [2, 2, 60, 80])
    published = GREY_LAYERS["Convolution Layer 4"]["params_published"]
    assert published == 2 * 2 * 60 * 80 == rows("convnet-39x31")["conv4"]["weights"]
    assert published != 2 * 2 * 80


def test_grey_columns() -> None:
    printed, right = both("grey-columns")
    ours = rows("convnet-39x31")
    assert printed == ours["conv3"]["stride"][0] == ours["conv4"]["stride"][0]
    assert [right] * 2 == ours["pool3"]["stride"] == ours["pool3"]["kernel_size"]


def figure8(width: int, *dense: int) -> list[list[int]]:
    """The shapes of the source's Keras example on a 120 × width image."""
    items: list[Any] = []
    for filters, kernel in ((12, 5), (16, 5), (20, 4)):
        items += [{"conv": {"out_channels": filters, "kernel_size": kernel}}, {"max_pool": 2}]
    spec = network([120, width, 1], *items, "flatten", *({"linear": units} for units in dense))
    return [layer["shape"] for layer in rows(spec).values()]


def test_grey_figure8() -> None:
    printed, right = both("grey-figure8")
    figure = GREY["figure8_keras_example"]
    assert [printed, right] == [figure["code_input"][1], figure["figure_input"][1]]
    assert [shape[:2] for shape in figure8(160)[:6]] == figure["figure_maps"]
    assert [shape[:2] for shape in figure8(60)[4:6]] == [[24, 9], [12, 4]]


def test_grey_figure8_dense() -> None:
    printed, right = numbers("grey-figure8-dense")
    figure = GREY["figure8_keras_example"]
    assert (printed, right) == (figure["dense"], figure["figure_fc"])
    assert figure8(160, *map(int, right))[-3:] == [[512], [128], [4]]


# Papers, books and lectures

PAPERS = document("07_papers.json")
ALEXNET = PAPERS["AlexNet"]


def test_alexnet_neurons() -> None:
    printed, right = both("alexnet-neurons")
    ours = rows("alexnet-2012").values()
    neurons = sum(layer["activations"] for layer in ours if layer["params"])
    assert printed == ALEXNET["neurons"]
    assert right == neurons == 290_400 + sum(ALEXNET["neurons_per_layer"][1:])
    # The paper's own eight numbers do not make 650,000 either.
    assert sum(ALEXNET["neurons_per_layer"]) == 622_312


def test_alexnet_first_layer() -> None:
    printed, right = both("alexnet-first-layer")
    assert printed == ALEXNET["neurons_per_layer"][0] == 55 * 48 * 96
    assert right == rows("alexnet-2012")["conv1"]["activations"] == 55 * 55 * 96


def test_alexnet_input() -> None:
    printed, right = both("alexnet-input")
    assert printed == ALEXNET["input_dim"] == 224 * 224 * 3
    report = analyze("alexnet-2012")
    assert right == report.inputs[0]["activations"] == 227 * 227 * 3
    assert report.warnings == ()
    small = analyze("alexnet-2012", input=(3, 224, 224)).to_dict()["warnings"]
    (exact,) = {warning["exact"] for warning in small if warning["layer"] == "conv1"}
    assert Fraction(exact) == Fraction("54.25") == Fraction(224 - 11, 4) + 1


def test_resnet_vgg16_flops() -> None:
    printed, right = both("resnet-vgg16-flops")

    def billions(name: str, part: str | None = None) -> Fraction:
        return round(Fraction(analyze(name).total("macs", part), 10**9), 1)

    assert printed == billions("vgg16", "convolutional")
    assert right == billions("vgg16")
    assert Fraction("19.6") == billions("vgg19") != billions("vgg19", "convolutional")


def test_average_pooling() -> None:
    printed, right = both("average-pooling")
    image = [[13, 20, 30, 0], [8, 12, 3, 0], [34, 70, 33, 5], [111, 80, 10, 23]]
    windows = [
        [image[y + i][x + j] for i in (0, 1) for j in (0, 1)] for y in (0, 2) for x in (0, 2)
    ]
    means = [Fraction(sum(values), 4) for values in windows]
    assert [max(values) for values in windows] == [20, 30, 111, 33]
    assert [min(values) for values in windows] == [8, 0, 34, 5]
    assert means == [Fraction("13.25"), Fraction("8.25"), right, Fraction("17.75")]
    assert printed != right == Fraction(34 + 70 + 111 + 80, 4)
    assert only([4, 4, 1], "avg_pool", kernel_size=2)["activations"] == len(means)


def test_keras_accuracy() -> None:
    printed, right = both("keras-accuracy")
    edition = document("05_chollet.json")["first_edition_5.1"]
    assert printed == 100 * Fraction(str(edition["test_acc_text"]))
    assert right == 100 * Fraction(str(edition["test_acc_notebook_output"]))
    dense = 100 * Fraction(str(edition["dense_baseline_text"]))
    fallen = [round(100 * (accuracy - dense) / (100 - dense)) for accuracy in (printed, right)]
    assert fallen == [68, 60]


def test_guide_caption() -> None:
    printed, right = both("guide-caption")
    (example,) = (
        example
        for example in document("13_conv_arithmetic.json")["transposed_examples"]
        if example["name"] == "padding_strides_odd_transposed"
    )
    assert right == example["i_t"] == (6 + 2 * 1 - 3) // 2 + 1
    direct = only([6, 6, 1], "conv", out_channels=1, kernel_size=3, stride=2, padding=1)
    assert direct["shape"] == [right, right, 1]
    fields = {"out_channels": 1, "kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1}
    shapes = [
        only([int(n)] * 2 + [1], "conv_transpose", **fields)["shape"] for n in (printed, right)
    ]
    assert shapes == [[4, 4, 1], [6, 6, 1]]


def mobilenet_v1(width: Fraction, size: int) -> int:
    """MACs of MobileNetV1 (arXiv 1704.04861, Table 1), as TensorFlow pads it."""

    def channels(number: int) -> int:
        assert (width * number).denominator == 1
        return int(width * number)

    first = {"out_channels": channels(32), "kernel_size": 3, "stride": 2, "padding": "same"}
    items: list[Any] = [{"conv": first}]
    body = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5]
    for out, stride in [*body, (1024, 2), (1024, 1)]:
        items += [
            {"depthwise_conv": {"kernel_size": 3, "stride": stride, "padding": "same"}},
            {"conv": {"out_channels": channels(out), "kernel_size": 1}},
        ]
    return analyze(network([size, size, 3], *items, "global_avg_pool", {"linear": 1000})).total(
        "macs"
    )


README = {
    (Fraction(str(alpha)), size): macs
    for alpha, size, macs, _ in PAPERS["MobileNetV1_slim"]["rows"]
}


def test_mobilenet_readme_75() -> None:
    printed, right = numbers("mobilenet-readme-75")
    width, sizes = Fraction(3, 4), (224, 192, 160, 128)
    assert printed == [README[width, size] for size in sizes]
    assert right == [round(Fraction(mobilenet_v1(width, size), 10**6), 1) for size in sizes]


def test_mobilenet_readme_25() -> None:
    printed, right = both("mobilenet-readme-25")
    width = Fraction(1, 4)
    assert printed == README[width, 192]
    assert right == round(Fraction(mobilenet_v1(width, 192), 10**6), 1)
    # All other rows of the README are ours in whole millions, rounded up or down.
    for (alpha, size), macs in README.items():
        if alpha != Fraction(3, 4) and (alpha, size) != (width, 192):
            ours = mobilenet_v1(alpha, size)
            assert abs(ours - macs * 10**6) < 10**6, (alpha, size)
    assert significant(mobilenet_v1(Fraction(1), 224), 3) == 569 * 10**6
