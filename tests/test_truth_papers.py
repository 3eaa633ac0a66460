"""AlexNet, ZFNet, VGG and U-Net as their papers and torchvision count them."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cnncalc.api import analyze
from cnncalc.errors import SpecError
from tests.truth import document, rows, significant, table

PAPERS = document("07_papers.json")
TORCHVISION = {row["builder"]: row for row in table("09_torchvision_models.csv")}
SPECS = Path(__file__).parent.parent / "specs"


@pytest.mark.parametrize("name", ["alexnet", "vgg11", "vgg13", "vgg16", "vgg19"])
def test_torchvision(name: str) -> None:
    published, report = TORCHVISION[name], analyze(name)
    assert report.inputs[0]["shape"] == [3, *[int(published["input_size"])] * 2]
    assert report.total("params") == int(published["num_params"])
    macs = Fraction(published["ops_G"]) * 1000
    # Printed in units of 10⁹ with three decimals.
    assert (report.total("macs") + 500_000) // 10**6 == macs


# AlexNet

ALEXNET_LAYERS = ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]


def test_neurons_of_alexnet() -> None:
    ours = rows("alexnet-2012")
    neurons = [ours[name]["activations"] for name in ALEXNET_LAYERS]
    first, *others = PAPERS["AlexNet"]["neurons_per_layer"]
    assert neurons[1:] == others
    # The paper's first is half of its own layer: 55·48·96 where there are 55·55·96.
    assert (first, neurons[0]) == (55 * 48 * 96, 55 * 55 * 96) == (253_440, 290_400)
    assert analyze("alexnet-2012").layers == PAPERS["AlexNet"]["weight_layers"] == 8


def test_parameters_of_alexnet() -> None:
    ours = rows("alexnet-2012")
    # Two groups: conv2, conv4 and conv5 see half of the maps before them.
    assert [ours[name]["params"] for name in ALEXNET_LAYERS] == [
        11 * 11 * 3 * 96 + 96,
        5 * 5 * 48 * 256 + 256,
        3 * 3 * 256 * 384 + 384,
        3 * 3 * 192 * 384 + 384,
        3 * 3 * 192 * 256 + 256,
        6 * 6 * 256 * 4096 + 4096,
        4096 * 4096 + 4096,
        4096 * 1000 + 1000,
    ]
    total = analyze("alexnet-2012").total("params")
    assert total == 60_965_224
    assert PAPERS["AlexNet"]["params"] == "60 million"
    assert total // 10**6 == 60


def test_alexnet_on_one_gpu() -> None:
    spec = json.loads((SPECS / "alexnet-2012.json").read_text(encoding="utf-8"))
    for item in spec["layers"]:
        if "conv" in item:
            item["conv"].pop("groups", None)
    report = analyze(spec)
    # dgschwend/netscope prints 62.4 M and 1,140 M for its AlexNet without groups.
    assert significant(report.total("params"), 3) == 62_400_000
    assert significant(report.total("macs"), 3) == 1_140_000_000


# ZFNet


def test_shapes_of_zfnet() -> None:
    ours = rows("zfnet")
    assert {name: layer["shape"] for name, layer in ours.items() if layer["kernel_size"]} == {
        "conv1": [110, 110, 96],
        "pool1": [55, 55, 96],
        "conv2": [26, 26, 256],
        "pool2": [13, 13, 256],
        "conv3": [13, 13, 384],
        "conv4": [13, 13, 384],
        "conv5": [13, 13, 256],
        "pool5": [6, 6, 256],
    }
    assert ours["flatten1"]["shape"] == [9216]


def test_parameters_of_zfnet() -> None:
    params = [layer["params"] for layer in rows("zfnet").values() if layer["params"]]
    assert params == [
        7 * 7 * 3 * 96 + 96,
        5 * 5 * 96 * 256 + 256,
        3 * 3 * 256 * 384 + 384,
        3 * 3 * 384 * 384 + 384,
        3 * 3 * 384 * 256 + 256,
        9216 * 4096 + 4096,
        4096 * 4096 + 4096,
        4096 * 1000 + 1000,
    ]


# VGG

CONFIGURATIONS = {"A": "vgg11", "B": "vgg13", "D": "vgg16", "E": "vgg19"}


@pytest.mark.parametrize(("letter", "name"), CONFIGURATIONS.items())
def test_parameters_of_vgg(letter: str, name: str) -> None:
    total = analyze(name).total("params")
    assert total == PAPERS["VGG"]["exact_params"][f"{letter} ({name})"]
    assert significant(total, 3) == PAPERS["VGG"]["params_M"][letter] * 10**6
    assert analyze(name).layers == int(name.removeprefix("vgg"))


def test_other_configurations_of_vgg() -> None:
    def changed(name: str, change: Any) -> int:
        spec = json.loads((SPECS / f"{name}.json").read_text(encoding="utf-8"))
        return analyze({**spec, "layers": change(spec["layers"])}).total("params")

    def normalised(layers: list[Any]) -> list[Any]:
        return [*layers[:1], {"local_response_norm": 5}, *layers[1:]]

    def pointwise(layers: list[Any]) -> list[Any]:
        thirds = ("conv3_3", "conv4_3", "conv5_3")
        kernel = {"kernel_size": 1, "padding": 0}
        return [
            {**item, "conv": item["conv"] | kernel}
            if isinstance(item, dict) and item.get("name") in thirds
            else item
            for item in layers
        ]

    # A-LRN is A with a normalisation; C is D with 1×1 kernels in three places.
    lrn, c = changed("vgg11", normalised), changed("vgg16", pointwise)
    assert lrn == 132_863_336
    assert c == 138_357_544 - (9 - 1) * (256 * 256 + 512 * 512 + 512 * 512)
    assert significant(lrn, 3) == PAPERS["VGG"]["params_M"]["A-LRN"] * 10**6
    assert significant(c, 3) == PAPERS["VGG"]["params_M"]["C"] * 10**6


# U-Net

UNET = PAPERS["U-Net"]


def test_contracting_path_of_unet() -> None:
    ours = rows("unet-2015")
    for level, (given, first, second) in enumerate(UNET["contracting"], 1):
        channels = UNET["channels"][level - 1]
        assert ours[f"conv{level}_1"]["input_shapes"][0][1:] == [given, given]
        assert ours[f"conv{level}_1"]["output_shape"] == [channels, first, first]
        assert ours[f"conv{level}_2"]["output_shape"] == [channels, second, second]


def test_expanding_path_of_unet() -> None:
    ours = rows("unet-2015")
    for level, margin, sizes in zip(
        (4, 3, 2, 1), UNET["crop_margins_per_level"], UNET["expanding"], strict=True
    ):
        joined, first, second = sizes
        channels = UNET["channels"][level - 1]
        skipped = UNET["contracting"][level - 1][-1]
        crop, concat = ours[f"crop{level}"], ours[f"concat{level}"]
        assert crop["input_shapes"] == [[channels, skipped, skipped]]
        assert crop["output_shape"] == [channels, skipped - 2 * margin, skipped - 2 * margin]
        assert ours[f"up{level}"]["output_shape"] == [channels, joined, joined]
        assert concat["from"] == [f"crop{level}", f"up{level}"]
        assert concat["output_shape"] == [2 * channels, joined, joined]
        assert ours[f"conv{level}_3"]["output_shape"] == [channels, first, first]
        assert ours[f"conv{level}_4"]["output_shape"] == [channels, second, second]


def test_totals_of_unet() -> None:
    report = analyze("unet-2015")
    assert rows("unet-2015")["output"]["shape"] == UNET["out"] == [388, 388, 2]
    assert report.layers == UNET["conv_layers"] == 23
    assert report.total("params") == UNET["params_derived_in1_out2"]
    c = [1, *UNET["channels"]]
    down = sum(9 * a * b + b + 9 * b * b + b for a, b in pairwise(c))
    up = sum(4 * 2 * b * b + b + 9 * 2 * b * b + b + 9 * b * b + b for b in c[1:5])
    assert report.total("params") == down + up + 64 * 2 + 2


def test_unet_on_an_odd_tile_names_both_branches() -> None:
    # 573 − 4 − 2·88 = 393 on the way down, 2·196 = 392 on the way up.
    with pytest.raises(SpecError, match=r"concat1: .*: crop1 393×393×64, up1 392×392×64"):
        analyze("unet-2015", input=(1, 573, 573))
