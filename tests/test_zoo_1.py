"""ResNets, DenseNets, Inceptions, Xception and SqueezeNets, as published."""

from __future__ import annotations

from fractions import Fraction

import pytest

from cnncalc.api import analyze
from tests.command import cnncalc
from tests.truth import document, rows, significant, table

RESNETS = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]
WIDER_RESNETS = ["resnext50_32x4d", "wide_resnet50_2"]
DENSENETS = ["densenet121", "densenet169", "densenet201"]
SQUEEZENETS = ["squeezenet1_0", "squeezenet1_1"]
NETWORKS = {
    **{name: name for name in [*RESNETS, *WIDER_RESNETS, *DENSENETS, *SQUEEZENETS]},
    "googlenet": "googlenet-torchvision",
    "inception_v3": "inception_v3",
}
"""Our networks by torchvision's name."""

PUBLISHED = [row for row in table("09_torchvision_models.csv") if row["builder"] in NETWORKS]
RESNET_FLOPS = document("07_papers.json")["ResNet"]["flops_multiply_adds_1e9"]
CIFAR_PARAMS = document("07_papers.json")["ResNet"]["cifar_params_M"]
GOOGLENET = document("07_googlenet_table1.json")["rows"]


def test_torchvision_publishes_all_of_them() -> None:
    assert {row["builder"] for row in PUBLISHED} == set(NETWORKS)


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda row: row["weights"])
def test_torchvision(published: dict[str, str]) -> None:
    report = analyze(NETWORKS[published["builder"]])
    assert report.inputs[0]["shape"] == [3, *[int(published["input_size"])] * 2]
    assert report.column("output")[-1] == [1000]
    assert report.total("params") == int(published["num_params"])
    # Printed in units of 10⁹ with three decimals.
    assert (report.total("macs") + 500_000) // 10**6 == Fraction(published["ops_G"]) * 1000


# Depth: the numbers in the names count convolutions and dense layers.


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("lenet5", 5),
        ("alexnet", 8),
        ("vgg16", 16),
        ("vgg19", 19),
        ("resnet18", 18),
        ("resnet34", 34),
        ("resnet50", 50),
        ("resnet50-v1", 50),
        ("resnet101", 101),
        ("resnet152", 152),
        ("resnext50_32x4d", 50),
        ("wide_resnet50_2", 50),
        ("r3d_18", 18),
        ("preresnet110-cifar", 110),
        ("densenet121", 121),
        ("densenet169", 169),
        ("densenet201", 201),
        # Szegedy et al., arXiv 1409.4842, section 5: "22 layers deep when counting only layers
        # with parameters". Ronneberger et al., arXiv 1505.04597, section 2: "In total the network
        # has 23 convolutional layers".
        ("googlenet", 22),
        ("unet-2015", 23),
        # MathWorks, "Pretrained Deep Neural Networks", whose depth is "the largest number of
        # sequential convolutional or fully connected layers on a path from the input to the
        # output".
        ("squeezenet1_1", 18),
        ("inception_v3", 48),
        ("mobilenet_v2", 53),
        ("xception", 71),
        ("efficientnet_b0", 82),
    ],
)
def test_depth(name: str, layers: int) -> None:
    # The projections of a ResNet, which stand beside other layers, make it no deeper.
    assert analyze(name).layers == layers


# Output sizes of the stages

STEM = {"conv1": (112, 64), "maxpool": (56, 64)}
"""(224 + 2·3 − 7)/2 + 1 = 112.5 and (112 + 2·1 − 3)/2 + 1 = 56.5, rounded down."""

STAGES: dict[str, dict[str, tuple[int, int]]] = {
    "resnet18": {
        **STEM,
        "layer1.1.add": (56, 64),
        "layer2.1.add": (28, 128),
        "layer3.1.add": (14, 256),
        "layer4.1.add": (7, 512),
    },
    "resnet50": {
        **STEM,
        "layer1.0.conv2": (56, 64),
        "layer1.2.add": (56, 256),
        "layer2.0.conv1": (56, 128),
        "layer2.0.conv2": (28, 128),
        "layer2.3.add": (28, 512),
        "layer3.5.add": (14, 1024),
        "layer4.2.add": (7, 2048),
    },
    # The stride stands one layer earlier.
    "resnet50-v1": {"layer2.0.conv1": (28, 128), "layer2.0.conv2": (28, 128)},
    # The inner convolutions are twice as wide, the blocks' outputs are not.
    "resnext50_32x4d": {"layer1.0.conv2": (56, 2 * 64), "layer4.2.add": (7, 2048)},
    "wide_resnet50_2": {"layer1.0.conv2": (56, 2 * 64), "layer4.2.add": (7, 2048)},
    "preresnet110-cifar": {
        "conv1": (32, 16),
        "stage1.16.add": (32, 16),
        "stage2.16.add": (16, 32),
        "stage3.16.add": (8, 64),
    },
    # Every layer of a block adds 32 channels; a transition halves channels, height and width.
    "densenet121": {
        "denseblock1.5.concat": (56, 64 + 6 * 32),
        "transition1.pool": (28, 256 // 2),
        "denseblock2.11.concat": (28, 128 + 12 * 32),
        "transition2.pool": (14, 512 // 2),
        "denseblock3.23.concat": (14, 256 + 24 * 32),
        "transition3.pool": (7, 1024 // 2),
        "denseblock4.15.concat": (7, 512 + 16 * 32),
    },
    "densenet169": {
        "denseblock3.31.concat": (14, 256 + 32 * 32),
        "transition3.pool": (7, 1280 // 2),
        "denseblock4.31.concat": (7, 640 + 32 * 32),
    },
    "densenet201": {
        "denseblock3.47.concat": (14, 256 + 48 * 32),
        "transition3.pool": (7, 1792 // 2),
        "denseblock4.31.concat": (7, 896 + 32 * 32),
    },
    # Sizes and widths as the comments in torchvision's inception.py have them.
    "inception_v3": {
        "Conv2d_1a_3x3.conv": (149, 32),
        "Conv2d_2a_3x3.conv": (147, 32),
        "Conv2d_2b_3x3.conv": (147, 64),
        "maxpool1": (73, 64),
        "Conv2d_3b_1x1.conv": (73, 80),
        "Conv2d_4a_3x3.conv": (71, 192),
        "maxpool2": (35, 192),
        "Mixed_5b.concat1": (35, 64 + 64 + 96 + 32),
        "Mixed_5d.concat1": (35, 64 + 64 + 96 + 64),
        "Mixed_6a.concat1": (17, 384 + 96 + 288),
        "Mixed_6e.concat1": (17, 4 * 192),
        "AuxLogits_pool": (5, 768),
        "Mixed_7a.concat1": (8, 320 + 192 + 768),
        "AuxLogits_conv1.conv": (1, 768),
    },
    # As Fig. 9 of the paper has them.
    "inception_v4": {
        "stem.conv3.conv": (147, 64),
        "stem.mixed3": (73, 64 + 96),
        "stem.mixed4": (71, 2 * 96),
        "stem.mixed5": (35, 2 * 192),
        "reduction_a.concat1": (17, 384 + 256 + 384),
        "inception_a.3.concat1": (35, 4 * 96),
        "reduction_b.concat1": (8, 192 + 320 + 1024),
        "inception_b.6.concat1": (17, 384 + 256 + 256 + 128),
    },
    # 299 → 149 → 147, then halved and rounded up by `same`.
    "xception": {
        "block1_conv1": (149, 32),
        "block1_conv2": (147, 64),
        "block2.add": (74, 128),
        "block3.add": (37, 256),
        "block4.add": (19, 728),
        "middle.7.add": (19, 728),
        "block13.add": (10, 1024),
        "block14_sep2.bn": (10, 2048),
    },
    # (224 − 7)/2 + 1, then (N − 3)/2 + 1 rounded up; a fire module expands to 8 times its squeeze.
    "squeezenet1_0": {
        "conv1": (109, 96),
        "pool1": (54, 96),
        "fires1.2.concat": (54, 8 * 32),
        "pool2": (27, 256),
        "fires2.3.concat": (27, 8 * 64),
        "fires3.0.concat": (13, 8 * 64),
        "conv10": (13, 1000),
    },
    "squeezenet1_1": {
        "conv1": (111, 64),
        "pool1": (55, 64),
        "fires1.1.concat": (55, 8 * 16),
        "fires2.1.concat": (27, 8 * 32),
        "fires3.1.concat": (13, 8 * 48),
        "fires3.3.concat": (13, 8 * 64),
        "conv10": (13, 1000),
    },
}
"""Height (and width) and channels of the layers that end a stage, and of some others."""


@pytest.mark.parametrize("name", STAGES)
def test_sizes_of_stages(name: str) -> None:
    ours = rows(name)
    found = {layer: ours[layer]["shape"] for layer in STAGES[name]}
    assert found == {
        layer: [size, size, channels] for layer, (size, channels) in STAGES[name].items()
    }


# Strides that do not fit

_SIZES = {2: 56, 3: 28, 4: 14}
_STEM = {"conv1": (224, 7, 2, 3), "maxpool": (112, 3, 2, 1)}
_RESNET = _STEM | {f"layer{n}.0.downsample.0.conv": (size, 1, 2, 0) for n, size in _SIZES.items()}

FRACTIONS: dict[str, dict[str, tuple[int, int, int, int]]] = {
    "resnet18": _RESNET | {f"layer{n}.0.conv1": (size, 3, 2, 1) for n, size in _SIZES.items()},
    "resnet152": _RESNET | {f"layer{n}.0.conv2": (size, 3, 2, 1) for n, size in _SIZES.items()},
    "resnet50-v1": _RESNET | {f"layer{n}.0.conv1": (size, 1, 2, 0) for n, size in _SIZES.items()},
    "preresnet110-cifar": {
        "stage2_first.conv1": (32, 3, 2, 1),
        "stage2_first.shortcut.0.pool": (32, 1, 2, 0),
        "stage3_first.conv1": (16, 3, 2, 1),
        "stage3_first.shortcut.0.pool": (16, 1, 2, 0),
    },
    "densenet201": {"conv0": (224, 7, 2, 3), "pool0": (112, 3, 2, 1)},
    "googlenet": {
        "conv1": (224, 7, 2, 3),
        "pool1": (112, 3, 2, 0),
        "pool2": (56, 3, 2, 0),
        "pool3": (28, 3, 2, 0),
        "pool4": (14, 3, 2, 0),
    },
    "googlenet-torchvision": {
        "conv1.conv": (224, 7, 2, 3),
        "maxpool1": (112, 3, 2, 0),
        "maxpool2": (56, 3, 2, 0),
        "maxpool3": (28, 3, 2, 0),
    },
    "inception_v3": {},
    "inception_v4": {},
    # The other shortcuts start from an odd size.
    "xception": {"block3.conv": (74, 1, 2, 0)},
    "squeezenet1_0": {"conv1": (224, 7, 2, 0), "pool2": (54, 3, 2, 0)},
    "squeezenet1_1": {"conv1": (224, 3, 2, 0)},
}
"""The layers whose size is a fraction: input size N, kernel F, stride S, padding P."""

LOSES_INPUT = {"squeezenet1_0": {"conv1"}, "squeezenet1_1": {"conv1"}}
"""Their first convolution has no padding, and never reads the last row and column."""

GAPS = {
    "resnet18": {f"layer{n}.0.downsample.0.conv" for n in (2, 3, 4)},
    "resnet152": {f"layer{n}.0.downsample.0.conv" for n in (2, 3, 4)},
    "resnet50-v1": {f"layer{n}.0.{c}" for n in (2, 3, 4) for c in ("conv1", "downsample.0.conv")},
    "preresnet110-cifar": {f"stage{n}_first.shortcut.0.pool" for n in (2, 3)},
    "xception": {f"block{n}.conv" for n in (2, 3, 4, 13)},
}
"""The 1×1 kernels with stride 2: they skip every second position."""


@pytest.mark.parametrize("name", FRACTIONS)
def test_strides_that_do_not_fit(name: str) -> None:
    warnings = analyze(name).to_dict()["warnings"]
    fractions = {w["layer"]: Fraction(w["exact"]) for w in warnings if w["kind"] == "stride"}
    assert fractions == {
        layer: Fraction(n + 2 * padding - kernel, stride) + 1
        for layer, (n, kernel, stride, padding) in FRACTIONS[name].items()
    }
    lost = {w["layer"]: w["lost_input"] for w in warnings if w.get("lost_input")}
    gaps = {w["layer"] for w in warnings if w["kind"] == "gap"}
    assert gaps == GAPS.get(name, set())
    # On an even size the last position is one of those that a gap skips.
    assert lost == dict.fromkeys(LOSES_INPUT.get(name, gaps & fractions.keys()), 1)


@pytest.mark.parametrize(
    ("name", "strict", "strict_any"),
    [("squeezenet1_0", 1, 1), ("resnet50", 0, 1), ("googlenet", 0, 1), ("inception_v3", 0, 0)],
)
def test_strict_strides(name: str, strict: int, strict_any: int) -> None:
    assert cnncalc("table", name, "--strict").code == strict
    assert cnncalc("table", name, "--strict-any").code == strict_any


# ResNet


@pytest.mark.parametrize("depth", ["101", "152"])
def test_multiply_adds_of_the_paper(depth: str) -> None:
    macs = analyze(f"resnet{depth}", early=1).total("macs")
    assert (macs + 5 * 10**7) // 10**8 == Fraction(str(RESNET_FLOPS[depth])) * 10


@pytest.mark.parametrize("depth", ["18", "34"])
def test_multiply_adds_of_the_paper_without_projections(depth: str) -> None:
    # The paper's shallower networks pad their shortcuts with zeros.
    projections = 28 * 28 * 64 * 128 + 14 * 14 * 128 * 256 + 7 * 7 * 256 * 512
    macs = analyze(f"resnet{depth}").total("macs") - projections
    assert (macs + 5 * 10**7) // 10**8 == Fraction(str(RESNET_FLOPS[depth])) * 10


def test_multiply_adds_of_resnet50() -> None:
    # With the stride in the 3×3 the 1×1 before it works at four times as many positions.
    v1, v15 = analyze("resnet50-v1").total("macs"), analyze("resnet50").total("macs")
    moved = [(56 * 56, 128, 256), (28 * 28, 256, 512), (14 * 14, 512, 1024)]
    more = sum((n - n // 4) * mid * given for n, mid, given in moved)
    assert v15 - v1 == more == 231_211_008
    # The paper prints 3.8, cut off where it rounds the others: 3.858.
    assert (v1 // 10**8, RESNET_FLOPS["50"]) == (38, 3.8)
    assert analyze("resnet50-v1").total("params") == analyze("resnet50").total("params")


@pytest.mark.parametrize("depth", [20, 32, 44, 56, 110, 1202])
def test_parameters_on_cifar(depth: int) -> None:
    # Table 6 of the first paper. Which side of a convolution the normalisation stands on changes
    # no count: with 2n convolutions in each stage there are as many of each width.
    n = (depth - 2) // 6
    report = analyze("preresnet110-cifar", n=n)
    weights = 3 * 16 + 2 * n * 16**2 + 16 * 32 + (2 * n - 1) * 32**2 + 32 * 64
    weights += (2 * n - 1) * 64**2
    normalised = 16 + 2 * n * (16 + 32 + 64)
    assert report.total("params") == 9 * weights + 2 * normalised + (64 + 1) * 10
    published = Fraction(str(CIFAR_PARAMS[str(depth)])) * 10**6
    digits = 3 if depth == 1202 else 2
    assert significant(report.total("params"), digits) == published


def test_multiply_adds_on_cifar() -> None:
    stages = [(32**2, 16), (16**2, 32), (8**2, 64)]
    first = 32**2 * 27 * 16
    # 36 convolutions in each stage; the first of the last two reads half as many channels.
    convolutions = sum(positions * 9 * 36 * width**2 for positions, width in stages)
    narrower = sum(positions * 9 * width * width // 2 for positions, width in stages[1:])
    total = first + convolutions - narrower + 64 * 10
    assert analyze("preresnet110-cifar").total("macs") == total == 252_887_680


# GoogLeNet


def googlenet_name(row: str) -> str | None:
    """Our name of what a row of the paper's Table 1 stands for; None for poolings."""
    if row.startswith("inception"):
        return f"inception_{row[-3:-1]}."
    known = {"convolution 7x7/2": "conv1", "convolution 3x3/1 (reduce 64)": "conv2"}
    return known.get(row, "classifier" if row == "linear" else None)


GOOGLENET_ROWS = [row for row in GOOGLENET if googlenet_name(row["row"])]


@pytest.mark.parametrize("row", GOOGLENET_ROWS, ids=lambda row: googlenet_name(row["row"]))
def test_table_1_of_googlenet(row: dict[str, str | int | list[int]]) -> None:
    name = googlenet_name(str(row["row"]))
    assert name is not None
    layers = [layer for key, layer in rows("googlenet").items() if key.startswith(name)]
    assert sum(layer["weights"] for layer in layers) == row["weights_derived"]
    macs = sum(layer["macs"] for layer in layers)
    assert macs == row["macs_derived"]
    assert layers[-1]["shape"] == ([1000] if name == "classifier" else row["output"])
    # The paper rounds to 10⁶. It cuts 73.6 off; its other two are another network's figures.
    misprints = {"conv1": 34, "inception_4a.": 73, "inception_5a.": 54}
    ops = misprints.get(name, (macs + 500_000) // 10**6)
    assert row["ops_published"] == f"{ops}M"


def test_googlenet_as_a_whole() -> None:
    report = analyze("googlenet")
    weights = sum(row["weights_derived"] for row in GOOGLENET_ROWS)
    # One bias for each map of the stem and of the six columns of every module.
    biases = 64 + 64 + 192 + sum(sum(row.get("branches", [])) for row in GOOGLENET_ROWS) + 1000
    assert report.total("params") == weights + biases == 6_998_552
    assert report.total("macs") == sum(row["macs_derived"] for row in GOOGLENET_ROWS)
    # dgschwend/netscope prints 7.0 M parameters and 1,600 M multiply-adds.
    assert significant(report.total("params"), 2) == 7_000_000
    assert significant(report.total("macs"), 2) == 1_600_000_000


# Inception


def test_the_auxiliary_head_of_inception_v3() -> None:
    report = analyze("inception_v3")
    # A 1×1 on 768 maps of 5×5, a 5×5 on 128 maps, 768 × 1000; normalisation behind the first two.
    head = 768 * 128 + 2 * 128 + 25 * 128 * 768 + 2 * 768 + (768 + 1) * 1000
    assert report.total("params", "auxiliary") == head
    work = 25 * 768 * 128 + 25 * 128 * 768 + 768 * 1000
    assert report.total("macs", "auxiliary") == work
    # dgschwend/netscope prints 23.8 M parameters and 5,710 M multiply-adds, without the head.
    assert significant(report.total("params") - head, 3) == 23_800_000
    assert significant(report.total("macs"), 3) == 5_710_000_000


def test_inception_v4() -> None:
    # Cadene's port, as timm counts it, https://huggingface.co/timm/inception_v4.tf_in1k: 42.7 M
    # parameters, 12.3 GMACs, 15.1 M activations (outputs of convolutions and dense layers).
    report = analyze("inception_v4")
    assert report.total("params") == 42_679_816
    assert significant(report.total("params"), 3) == 42_700_000
    assert significant(report.total("macs"), 3) == 12_300_000_000
    outputs = sum(row["activations"] for row in rows("inception_v4").values() if row["macs"])
    assert significant(outputs, 3) == 15_100_000
    assert report.column("output")[-1] == [1000]


# Xception


def test_xception() -> None:
    report, ours = analyze("xception"), rows("xception")
    # Table 3 of the paper, "Size and training speed comparison": arXiv 1610.02357, section 4.5.2.
    assert report.total("params") == 22_855_952
    # Keras' documentation (keras-team/keras, docs/templates/applications.md at 31599d80) has
    # 22,910,480; its summary() says that 54,528 are not trained: mean and variance.
    norms = [row for row in ours.values() if row["type"] == "batch_norm"]
    assert sum(2 * row["output_shape"][0] for row in norms) == 54_528
    assert report.total("params") + 54_528 == 22_910_480
    # "36 convolutional layers": a separable one is one, the four shortcuts are not counted.
    convolutions = [row for row in ours.values() if row["type"] == "conv"]
    assert len(convolutions) - 4 == 36
    assert report.column("output")[-1] == [1000]


def test_multiply_adds_of_xception() -> None:
    def separable(size: int, given: int, out: int) -> int:
        return size**2 * given * (9 + out)

    total = 149**2 * 27 * 32 + 147**2 * 9 * 32 * 64
    # Each block works at the size that comes to it; its shortcut at the size that leaves it.
    for size, left, given, mid, out in [
        (147, 74, 64, 128, 128),
        (74, 37, 128, 256, 256),
        (37, 19, 256, 728, 728),
        (19, 10, 728, 728, 1024),
    ]:
        total += separable(size, given, mid) + separable(size, mid, out) + left**2 * given * out
    total += 8 * 3 * separable(19, 728, 728)
    total += separable(10, 1024, 1536) + separable(10, 1536, 2048) + 2048 * 1000
    assert analyze("xception").total("macs") == total == 8_357_403_496
