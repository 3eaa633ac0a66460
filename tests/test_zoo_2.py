"""Networks for phones, of search and of tokens, for segmentation, sound, video and pictures.

What torchvision publishes is compared row by row. Elsewhere the source of a figure stands beside
it, or the figure is arithmetic.
"""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction
from math import log
from typing import Any

import pytest

from cnncalc.api import analyze
from cnncalc.report import Report
from cnncalc.spec.bundled import find
from tests.truth import hwc, table

TORCHVISION = [
    *("mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small"),
    *("mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3"),
    *("shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5", "shufflenet_v2_x2_0"),
    *(f"efficientnet_b{number}" for number in range(8)),
    "efficientnet_v2_s",
    *("regnet_x_400mf", "regnet_x_800mf", "regnet_x_1_6gf", "regnet_x_3_2gf"),
    *("regnet_x_8gf", "regnet_x_16gf", "regnet_x_32gf"),
    *("regnet_y_400mf", "regnet_y_800mf", "regnet_y_1_6gf", "regnet_y_3_2gf"),
    *("regnet_y_8gf", "regnet_y_16gf", "regnet_y_32gf", "regnet_y_128gf"),
    *("convnext_tiny", "convnext_small", "convnext_base", "convnext_large"),
    *("vit_b_16", "vit_b_32", "vit_l_16", "vit_l_32", "vit_h_14"),
    *("fcn_resnet50", "deeplabv3_resnet50", "r3d_18"),
]
PUBLISHED = [row for row in table("09_torchvision_models.csv") if row["builder"] in TORCHVISION]


def test_every_network_of_torchvision_has_a_row() -> None:
    assert [name for name in TORCHVISION if not any(r["builder"] == name for r in PUBLISHED)] == []


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: row["weights"])
def test_torchvision(row: dict[str, str]) -> None:
    size = int(re.findall(r"\d+", row["input_size"] or row["resize_size"])[0])
    report = analyze(row["builder"])
    if report.inputs[0]["shape"][-1] != size:
        report = analyze(row["builder"], resolution=size)
    assert report.inputs[0]["shape"][-2:] == [size, size]
    assert report.total("params") == int(row["num_params"])
    # torchvision runs auxiliary heads too; printed in units of 10⁹ with three decimals.
    macs = report.total("macs") + report.total("macs", "auxiliary")
    assert (macs + 500_000) // 10**6 == Fraction(row["ops_G"]) * 1000


# Published by others


# Width, resolution, 10⁶ MACs, 10⁶ parameters.
# Source: tensorflow/models, research/slim/nets/mobilenet_v1.md (commit 02c04f49).
MOBILENET_V1 = [
    *((1.0, 224, 569, 4.24), (1.0, 192, 418, 4.24), (1.0, 160, 291, 4.24), (1.0, 128, 186, 4.24)),
    *((0.75, 224, 317, 2.59), (0.75, 192, 233, 2.59)),
    *((0.75, 160, 162, 2.59), (0.75, 128, 104, 2.59)),
    *((0.5, 224, 150, 1.34), (0.5, 192, 110, 1.34), (0.5, 160, 77, 1.34), (0.5, 128, 49, 1.34)),
    *((0.25, 224, 41, 0.47), (0.25, 192, 34, 0.47), (0.25, 160, 21, 0.47), (0.25, 128, 14, 0.47)),
]
WRONG = {
    # The work at width 0.75 is more (the paper's table 6 has 325), and at 0.25 it shrinks with the
    # area to 41·(192/224)² = 30. At 0.5 it is 149.4976; the paper has 149.
    *((0.75, 224), (0.75, 192), (0.75, 160), (0.75, 128), (0.25, 192), (0.5, 224)),
}
# Channels in and out, and the stride, of each separable convolution: table 1 of the paper.
SEPARABLE = [
    *((32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2)),
    *(*[(512, 512, 1)] * 5, (512, 1024, 2), (1024, 1024, 1)),
]


@pytest.mark.parametrize(("width", "size", "macs", "params"), MOBILENET_V1)
def test_mobilenet_v1(width: float, size: int, macs: int, params: float) -> None:
    # Slim's classes are 1,001: one is the background.
    report = analyze("mobilenet_v1", width=width, resolution=size, classes=1001)
    side = size // 2
    expected = side**2 * width * 32 * 27 + width * 1024 * 1001
    for before, after, stride in SEPARABLE:
        side //= stride
        expected += side**2 * width * before * (9 + width * after)
    assert report.total("macs") == expected
    assert (round(expected / 10**6) != macs) is ((width, size) in WRONG)
    # Slim's normalisation has no scale, and its page counts the mean and the variance: three
    # numbers a channel for our two.
    channels = int(width * (32 + sum(before + after for before, after, _ in SEPARABLE)))
    assert round((report.total("params") + channels) / 10**6, 2) == params


def test_mobilenet_v1_of_keras() -> None:
    # 4,253,864 with what is not trained: Keras' documentation of applications, docs/templates/
    # applications.md of keras-team/keras at 31599d80.
    report = analyze("mobilenet_v1")
    assert report.total("params") == 4_231_976
    assert report.total("params") + report.total("buffers") == 4_253_864 + BATCH_NORMS_OF_V1


BATCH_NORMS_OF_V1 = 27
"""torch counts the batches that each has seen; Keras does not."""


# Width, 10⁶ parameters, and the 10⁶ MACs at each resolution, cut and not rounded.
# Source: tensorflow/models, research/slim/nets/mobilenet/README.md (commit 0ba83cf0).
MOBILENET_V2: list[tuple[float, float, int, dict[int, int]]] = [
    (1.4, 6.06, 24_040, {224: 582}),
    (1.3, 5.34, 22_128, {224: 509}),
    (1.0, 3.47, 17_056, {224: 300, 192: 221, 160: 154, 128: 99, 96: 56}),
    (0.75, 2.61, 13_320, {224: 209, 192: 153, 160: 107, 128: 69, 96: 39}),
    (0.5, 1.95, 9_272, {224: 97, 192: 71, 160: 50, 128: 32, 96: 18}),
    (0.35, 1.66, 7_040, {224: 59, 192: 43, 160: 30, 128: 20, 96: 11}),
]


@pytest.mark.parametrize(("width", "params", "channels", "macs"), MOBILENET_V2)
def test_mobilenet_v2(width: float, params: float, channels: int, macs: dict[int, int]) -> None:
    found = {}
    for size in macs:
        report = analyze("mobilenet_v2", width=width, resolution=size, classes=1001)
        found[size] = report.total("macs") // 10**6
        # Without the scale and shift of the normalised channels.
        assert round((report.total("params") - 2 * channels) / 10**6, 2) == params
    assert found == macs


def test_normalised_channels_of_mobilenet_v2() -> None:
    # 32 in front; 16 of stage 1 and its 32 within; then each block's 2·6·before + after; 1,280.
    blocks = [(16, 24), (24, 24), (24, 32), *[(32, 32)] * 2, (32, 64), *[(64, 64)] * 3]
    blocks += [(64, 96), *[(96, 96)] * 2, (96, 160), *[(160, 160)] * 2, (160, 320)]
    channels = 32 + 32 + 16 + sum(12 * before + after for before, after in blocks) + 1280
    assert channels == {width: count for width, _, count, _ in MOBILENET_V2}[1.0]


# Outputs of stages


def shapes(report: Report, *names: str) -> list[Any]:
    """What comes out of layers, or of blocks, height × width × channels."""
    listed = report.to_dict()["layers"]
    return [
        [hwc(x["output_shape"]) for x in listed if f"{x['name']}.".startswith(f"{name}.")][-1]
        for name in names
    ]


# Each stride 2 halves and rounds up; the channels are those of the table that is named.
STAGES: dict[str, dict[str, list[int]]] = {
    # Howard et al. 2017, table 1.
    "mobilenet_v1": {
        "conv0": [112, 112, 32],
        "conv1": [112, 112, 64],
        "conv3": [56, 56, 128],
        "conv5": [28, 28, 256],
        "conv11": [14, 14, 512],
        "conv13": [7, 7, 1024],
        "fc": [1000],
    },
    # Sandler et al. 2018, table 2: the input of a row is the output of the one above.
    "mobilenet_v2": {
        "conv1": [112, 112, 32],
        "stage1": [112, 112, 16],
        "stage2": [56, 56, 24],
        "stage3": [28, 28, 32],
        "stage4": [14, 14, 64],
        "stage5": [14, 14, 96],
        "stage6": [7, 7, 160],
        "stage7": [7, 7, 320],
        "conv9": [7, 7, 1280],
        "fc": [1000],
    },
    # Howard et al. 2019, tables 1 and 2.
    "mobilenet_v3_large": {
        "add1": [112, 112, 16],
        "block3": [56, 56, 24],
        "block6": [28, 28, 40],
        "block10": [14, 14, 80],
        "block12": [14, 14, 112],
        "block15": [7, 7, 160],
        "conv2": [7, 7, 960],
        "fc1": [1280],
    },
    "mobilenet_v3_small": {
        "block1": [56, 56, 16],
        "block3": [28, 28, 24],
        "block6": [14, 14, 40],
        "block8": [14, 14, 48],
        "block11": [7, 7, 96],
        "conv2": [7, 7, 576],
        "fc1": [1024],
    },
    # Five strides of 2; the channels are those of torchvision's mnasnet.py.
    "mnasnet1_0": {
        "conv3": [112, 112, 16],
        "stage1": [56, 56, 24],
        "stage2": [28, 28, 40],
        "stage3": [14, 14, 80],
        "stage4": [14, 14, 96],
        "stage5": [7, 7, 192],
        "stage6": [7, 7, 320],
    },
    # Ma et al. 2018, table 5.
    "shufflenet_v2_x1_0": {
        "conv1": [112, 112, 24],
        "pool1": [56, 56, 24],
        "stage2": [28, 28, 116],
        "stage3": [14, 14, 232],
        "stage4": [7, 7, 464],
        "conv5": [7, 7, 1024],
    },
    # Tan and Le 2019, table 1.
    "efficientnet_b0": {
        "stage1": [112, 112, 16],
        "stage2": [56, 56, 24],
        "stage3": [28, 28, 40],
        "stage4": [14, 14, 80],
        "stage5": [14, 14, 112],
        "stage6": [7, 7, 192],
        "stage7": [7, 7, 320],
        "conv9": [7, 7, 1280],
    },
    # Twice the width of B0; 600, 300, 150, 75, 38 and 19 positions.
    "efficientnet_b7": {
        "stage1_rest": [300, 300, 32],
        "stage2": [150, 150, 48],
        "stage3": [75, 75, 80],
        "stage4": [38, 38, 160],
        "stage6": [19, 19, 384],
        "conv9": [19, 19, 2560],
    },
    # Tan and Le 2021, table 4, at 384.
    "efficientnet_v2_s": {
        "stage1": [192, 192, 24],
        "stage2_rest": [96, 96, 48],
        "stage3_rest": [48, 48, 64],
        "stage4_rest": [24, 24, 128],
        "stage5_rest": [24, 24, 160],
        "stage6_rest": [12, 12, 256],
    },
    # Liu et al. 2022, table 9.
    "convnext_tiny": {
        "stem": [56, 56, 96],
        "stage1": [56, 56, 96],
        "stage2": [28, 28, 192],
        "stage3": [14, 14, 384],
        "stage4": [7, 7, 768],
        "norm": [768],
    },
    # (224/16)² = 196 patches, and the class token.
    "vit_b_16": {"patches": [14, 14, 768], "encoder": [197, 768], "select": [768], "fc": [1000]},
    # (8000 − 80)/16 + 1 = 496, a quarter, then −2 and a quarter three times, cut.
    "m5": {
        "stage1": [124, 32],
        "stage2": [30, 32],
        "stage3": [7, 64],
        "stage4": [1, 64],
        "fc": [35],
    },
    # The last pooling pads 7 to 9 rows and leaves 4: 1·4·4·512 = 8,192.
    "c3d": {
        "pool1": [16, 56, 56, 64],
        "pool2": [8, 28, 28, 128],
        "pool3": [4, 14, 14, 256],
        "pool4": [2, 7, 7, 512],
        "pool5": [1, 4, 4, 512],
        "flatten": [8192],
        "fc8": [487],
    },
    "r3d_18": {
        "conv1": [16, 56, 56, 64],
        "layer1_1": [16, 56, 56, 64],
        "layer2_1": [8, 28, 28, 128],
        "layer3_1": [4, 14, 14, 256],
        "layer4_1": [2, 7, 7, 512],
        "fc": [400],
    },
    # (N − 1)·2 − 2·1 + 4 = 2N behind the first, which makes 4 of 1.
    "dcgan-generator": {
        "grow1": [4, 4, 512],
        "grow2": [8, 8, 256],
        "grow3": [16, 16, 128],
        "grow4": [32, 32, 64],
        "conv5": [64, 64, 3],
    },
    "unet": {
        "encoder1": [256, 256, 32],
        "bottleneck": [16, 16, 512],
        "concat4": [32, 32, 512],
        "concat1": [256, 256, 64],
        "conv": [256, 256, 1],
    },
    # 360, 180, 90, 45, 23 and 12 rows, and back.
    "segnet": {
        "pool4": [23, 30, 512],
        "pool5": [12, 15, 512],
        "unpool5": [23, 30, 512],
        "unpool4": [45, 60, 512],
        "conv4_1_D": [45, 60, 256],
        "unpool1": [360, 480, 64],
        "conv1_1_D": [360, 480, 11],
    },
    # 520, 260, 130 and 65: layer3 and layer4 keep their map.
    "fcn_resnet50": {
        "layer1": [130, 130, 256],
        "layer2": [65, 65, 512],
        "layer3": [65, 65, 1024],
        "layer4": [65, 65, 2048],
        "classifier": [65, 65, 21],
        "out": [520, 520, 21],
        "aux": [520, 520, 21],
    },
    "deeplabv3_resnet50": {
        "layer4": [65, 65, 2048],
        "aspp36": [65, 65, 256],
        "pool": [1, 1, 2048],
        "spread": [65, 65, 256],
        "aspp": [65, 65, 1280],
        "project": [65, 65, 256],
        "out": [520, 520, 21],
    },
}


# Blocks, first width, slope, multiplier and group width: torchvision's regnet.py.
REGNETS = {
    "regnet_x_400mf": (22, 24, 24.48, 2.54, 16),
    "regnet_x_800mf": (16, 56, 35.73, 2.28, 16),
    "regnet_x_1_6gf": (18, 80, 34.01, 2.25, 24),
    "regnet_x_3_2gf": (25, 88, 26.31, 2.25, 48),
    "regnet_x_8gf": (23, 80, 49.56, 2.88, 120),
    "regnet_x_16gf": (22, 216, 55.59, 2.1, 128),
    "regnet_x_32gf": (23, 320, 69.86, 2.0, 168),
    "regnet_y_400mf": (16, 48, 27.89, 2.09, 8),
    "regnet_y_800mf": (14, 56, 38.84, 2.4, 16),
    "regnet_y_1_6gf": (27, 48, 20.71, 2.65, 24),
    "regnet_y_3_2gf": (21, 80, 42.63, 2.66, 24),
    "regnet_y_8gf": (17, 192, 76.82, 2.19, 56),
    "regnet_y_16gf": (18, 200, 106.23, 2.48, 112),
    "regnet_y_32gf": (20, 232, 115.89, 2.53, 232),
    "regnet_y_128gf": (27, 456, 160.83, 2.52, 264),
}


def whole_groups(width: int, group: int) -> int:
    """The nearest multiple of `group`, halves up; the next one where that loses over a tenth."""
    nearest = (width + group // 2) // group * group
    return nearest if nearest >= 0.9 * width else nearest + group


@pytest.mark.parametrize("name", REGNETS)
def test_stages_of_regnets(name: str) -> None:
    # Radosavovic et al. 2020, equations 2 to 4: each block's width lies on a line and is moved to
    # the nearest power of the multiplier, to eights, and to whole groups.
    depth, first, slope, multiplier, group = REGNETS[name]
    powers = [round(log((first + slope * j) / first, multiplier)) for j in range(depth)]
    widths = [round(first * multiplier**power / 8) * 8 for power in powers]
    stages = {
        whole_groups(width, min(width, group)): count
        for width, count in sorted(Counter(widths).items())
    }
    report = analyze(name)
    names = [f"stage{number}" for number in (1, 2, 3, 4)]
    expected = [[7 * 2**i, 7 * 2**i, w] for i, w in zip((3, 2, 1, 0), stages, strict=True)]
    assert shapes(report, *names) == expected
    listed = [layer["name"] for layer in report.to_dict()["layers"]]
    adds = [[x for x in listed if x.startswith(f"{n}.") and x.endswith(".add")] for n in names]
    assert [len(blocks) for blocks in adds] == [*stages.values()]


@pytest.mark.parametrize("name", STAGES)
def test_stages(name: str) -> None:
    expected = STAGES[name]
    assert dict(zip(expected, shapes(analyze(name), *expected), strict=True)) == expected


# Parameters and MACs by hand: output positions × channels out × what one of them reads.

PARAMS = {
    # Kernels and biases, two numbers for each normalised channel, 35 words.
    "m5": (80 + 1 + 2) * 32
    + (3 * 32 + 1 + 2) * 32
    + (3 * 32 + 1 + 2) * 64
    + (3 * 64 + 1 + 2) * 64
    + (64 + 1) * 35,
    # Kernels of 4×4 without biases, normalised but for the last.
    "dcgan-generator": sum(
        16 * a * b + 2 * b for a, b in [(100, 512), (512, 256), (256, 128), (128, 64)]
    )
    + 16 * 64 * 3,
    # Normalised convolutions without biases; up-convolutions of 2×2 and the last 1×1 with them.
    "unet": sum(
        9 * a * b + 9 * b * b + 2 * 2 * b
        for a, b in [
            *((3, 32), (32, 64), (64, 128), (128, 256), (256, 512)),
            *((512, 256), (256, 128), (128, 64), (64, 32)),
        ]
    )
    + sum(4 * 2 * b * b + b for b in (256, 128, 64, 32))
    + (32 + 1),
    # Convolutions with biases and two numbers for each normalised channel; the last has 11 classes.
    "segnet": sum(
        9 * a * b + 3 * b
        for a, b in [
            *((3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 256)),
            *((256, 512), *[(512, 512)] * 5),
            *(*[(512, 512)] * 5, (512, 256), (256, 256), (256, 256), (256, 128)),
            *((128, 128), (128, 64), (64, 64)),
        ]
    )
    + (9 * 64 * 11 + 11),
    "c3d": sum(
        27 * a * b + b
        for a, b in [
            *((3, 64), (64, 128), (128, 256), (256, 256), (256, 512)),
            *((512, 512), (512, 512), (512, 512)),
        ]
    )
    + (8192 * 4096 + 4096)
    + (4096 * 4096 + 4096)
    + (4096 * 487 + 487),
}

MACS = {
    "m5": [496 * 32 * 80, 122 * 32 * 96, 28 * 64 * 96, 5 * 64 * 192, 64 * 35],
    # Input positions × 16 × channels in × channels out.
    "dcgan-generator": [
        *(1 * 16 * 100 * 512, 4**2 * 16 * 512 * 256, 8**2 * 16 * 256 * 128),
        *(16**2 * 16 * 128 * 64, 32**2 * 16 * 64 * 3),
    ],
    "unet": [
        *(256**2 * 32 * (27 + 288), 128**2 * 64 * (288 + 576), 64**2 * 128 * (576 + 1152)),
        *(32**2 * 256 * (1152 + 2304), 16**2 * 512 * (2304 + 4608)),
        # Each level up: an up-convolution, a convolution on both halves, and one more.
        *(16**2 * 4 * 512 * 256, 32**2 * 256 * (4608 + 2304)),
        *(32**2 * 4 * 256 * 128, 64**2 * 128 * (2304 + 1152)),
        *(64**2 * 4 * 128 * 64, 128**2 * 64 * (1152 + 576)),
        *(128**2 * 4 * 64 * 32, 256**2 * 32 * (576 + 288)),
        256**2 * 32,
    ],
    "segnet": [
        # Down: 64 64, 128 128, 256 256 256, 512 512 512, 512 512 512.
        *(360 * 480 * 64 * (27 + 576), 180 * 240 * 128 * (576 + 1152)),
        *(90 * 120 * 256 * (1152 + 2 * 2304), 45 * 60 * 512 * (2304 + 2 * 4608)),
        23 * 30 * 512 * 3 * 4608,
        # Up: 512 512 512, 512 512 256, 256 256 128, 128 64, 64 and the classes.
        *(23 * 30 * 512 * 3 * 4608, 45 * 60 * (2 * 512 + 256) * 4608),
        *(90 * 120 * (2 * 256 + 128) * 2304, 180 * 240 * (128 + 64) * 1152),
        360 * 480 * (64 + 11) * 576,
    ],
    "c3d": [
        *(16 * 112**2 * 64 * 81, 16 * 56**2 * 128 * 1728, 8 * 28**2 * 256 * (3456 + 6912)),
        *(4 * 14**2 * 512 * (6912 + 13_824), 2 * 7**2 * 512 * 2 * 13_824),
        *(8192 * 4096, 4096 * 4096, 4096 * 487),
    ],
}


@pytest.mark.parametrize("name", PARAMS)
def test_params(name: str) -> None:
    assert analyze(name).total("params") == PARAMS[name]


@pytest.mark.parametrize("name", MACS)
def test_macs(name: str) -> None:
    assert analyze(name).total("macs") == sum(MACS[name])


def test_c3d_of_ucf101() -> None:
    # 386 classes fewer, each with 4,096 weights and a bias.
    assert analyze("c3d", classes=101).total("params") == PARAMS["c3d"] - 386 * 4097


def test_encoder_of_segnet() -> None:
    # Section 3 of the paper: without its dense layers VGG-16 shrinks 'from 134M to 14.7M'.
    layers = analyze("segnet").to_dict()["layers"]
    names = [layer["name"] for layer in layers]
    encoder = sum(layer["params"] for layer in layers[: names.index("pool5")])
    assert round(encoder / 10**6, 1) == 14.7


@pytest.mark.parametrize("name", ["fcn_resnet50", "deeplabv3_resnet50"])
def test_auxiliary_head(name: str) -> None:
    # 3×3 from 1,024 to 256 channels with normalisation, then 1×1 to 21 with biases, on 65×65.
    report = analyze(name)
    assert report.total("params", "auxiliary") == 9 * 1024 * 256 + 2 * 256 + 256 * 21 + 21
    assert report.total("macs", "auxiliary") == 65**2 * (9 * 1024 * 256 + 256 * 21)


@pytest.mark.parametrize("name", sorted({*TORCHVISION, *STAGES}))
def test_a_spec_is_one_page(name: str) -> None:
    found = find(name)
    assert found is not None
    lines = found[0].read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 80
    assert max(map(len, lines)) <= 150
    assert 0 < len(analyze(name).description) < 80
