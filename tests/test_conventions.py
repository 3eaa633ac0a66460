"""One network as other tools count it.

The totals are what the tools printed, in eval mode, for the torch twins of these networks; those
of ResNet-18 stand beside the sums that explain them.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from cnncalc.analysis.tools import CONVENTIONS
from cnncalc.api import analyze, reconcile
from cnncalc.errors import UsageError
from tests.command import cnncalc

M = 1_814_073_344
BN = 2_483_712
RELU = 2_308_096
MAX_POOL = 112 * 112 * 64
AVG_POOL = 7 * 7 * 512

RESNET18 = {
    "paper": (M, {"MACs": (1, M)}),
    "torch": (3_628_146_688, {"MACs": (2, M)}),
    "fvcore": (
        1_819_065_856,
        {
            "MACs": (1, M),
            "inputs of batch_norm": (2, BN),
            "inputs of global_avg_pool": (1, AVG_POOL),
        },
    ),
    "torchinfo": (
        1_814_083_944,
        {
            "MACs": (1, M),
            "additions of biases": (1, 1000),
            "parameters of batch_norm": (1, 9600),
        },
    ),
    "ptflops": (1_814_074_344, {"MACs": (1, M), "additions of biases": (1, 1000)}),
    "ptflops-pytorch": (
        1_825_313_768,
        {
            "MACs": (1, M),
            "additions of biases": (1, 1000),
            "inputs of batch_norm": (2, BN),
            "inputs of relu": (2, RELU),
            "inputs of max_pool": (2, MAX_POOL),
            "inputs of global_avg_pool": (2, AVG_POOL),
        },
    ),
    # 49 additions and a division for each of the 512 means.
    "thop": (
        M + 4 * BN + 50 * 512,
        {
            "MACs": (1, M),
            "inputs of batch_norm": (4, BN),
            "inputs of global_avg_pool": (1, AVG_POOL),
            "outputs of global_avg_pool": (1, 512),
        },
    ),
    "calflops": (M, {"MACs": (1, M)}),
    "calflops-flops": (
        3_636_250_112,
        {
            "MACs": (2, M),
            "inputs of batch_norm": (2, BN),
            "inputs of relu": (1, RELU),
            "inputs of max_pool": (1, MAX_POOL),
            "inputs of global_avg_pool": (1, AVG_POOL),
        },
    ),
}


@pytest.mark.parametrize("tool", RESNET18)
def test_resnet18_is_the_sum_of_its_parts(tool: str) -> None:
    total, parts = RESNET18[tool]
    (count,) = reconcile("resnet18", tool).counts
    assert {part.name: (part.factor, part.size) for part in count.parts} == parts
    assert count.total == count.printed == total
    assert count.errors == []
    assert analyze("resnet18", count_as=tool).total("count") == total


def test_every_convention_is_reconciled() -> None:
    assert list(RESNET18) == list(CONVENTIONS)
    assert [count.name for count in reconcile("lenet5").counts] == list(CONVENTIONS)


def test_resnet50_is_4_1_billion_macs_for_papers_and_8_2_for_torch() -> None:
    # Torchvision's 4.09 G; He et al. have the stride in the 1×1 convolution: 3.86 G, their "3.8".
    strided_3x3, strided_1x1 = 4_089_184_256, 3_857_973_248
    totals = {count.name: count.total for count in reconcile("resnet50").counts}
    assert totals["paper"] == strided_3x3
    assert totals["torch"] == 2 * strided_3x3
    assert reconcile("resnet50-v1", "paper").counts[0].total == strided_1x1


# (output side, channels in, channels out) of VGG-16's convolutions, all 3×3.
VGG16 = [
    (224, 3, 64),
    (224, 64, 64),
    (112, 64, 128),
    (112, 128, 128),
    (56, 128, 256),
    *[(56, 256, 256)] * 2,
    (28, 256, 512),
    *[(28, 512, 512)] * 2,
    *[(14, 512, 512)] * 3,
]
DENSE = [(25088, 4096), (4096, 4096), (4096, 1000)]


def test_vgg16_by_hand() -> None:
    macs = sum(n * n * c * k * 9 for n, c, k in VGG16) + sum(c * k for c, k in DENSE)
    maps = sum(n * n * k for n, _, k in VGG16)
    units = sum(k for _, k in DENSE)
    rectified = maps + 2 * 4096
    pooled = sum(n * n * k for n, k in ((224, 64), (112, 128), (56, 256), (28, 512), (14, 512)))
    totals = {count.name: count.total for count in reconcile("vgg16").counts}
    softmax = 1000 if "softmax" in analyze("vgg16").column("type") else 0
    assert macs == 15_470_264_320
    assert totals["paper"] == totals["fvcore"] == totals["calflops"] == macs
    assert totals["torch"] == 2 * macs
    assert totals["ptflops"] == totals["torchinfo"] == macs + maps + units
    assert totals["ptflops-pytorch"] == macs + maps + units + 2 * rectified + 2 * pooled + softmax
    # thop: n exponentials, n − 1 additions, n divisions.
    assert totals["thop"] == macs + (3 * softmax - 1 if softmax else 0)
    # calflops leaves out the biases of dense layers.
    assert totals["calflops-flops"] == 2 * macs + maps + rectified + pooled + softmax


def network(input: dict[str, int], *layers: Any) -> dict[str, Any]:
    return {"name": "net", "input": input, "layers": list(layers)}


MAP = {"height": 12, "width": 12, "channels": 8}
TRANSPOSED = network(
    MAP,
    {"conv_transpose": {"out_channels": 16, "kernel_size": 3, "stride": 2, "groups": 2}},
)
ATTENTION = network({"length": 10, "channels": 8}, {"multi_head_attention": 2})
TOKENS = network(MAP, {"linear": {"out_features": 5, "position_wise": True}})


@pytest.mark.parametrize(
    ("spec", "tool", "meant", "printed"),
    [
        # 144 positions, 8 × 16/2 kernels of 9; 625 outputs in each of 16 maps. Every weight is
        # used at 144 positions; these tools multiply at all 625.
        (TRANSPOSED, "torch", 2 * 144 * 576, 2 * 144 * 576),
        (TRANSPOSED, "thop", 144 * 576, 625 * 576),
        (TRANSPOSED, "torchinfo", 144 * 576 + 10_000, 625 * 576 + 10_000),
        # 8 channels of a group divided by 2 groups once more.
        (TRANSPOSED, "calflops", 144 * 576, 144 * 576 // 2),
        # Biases of ⌊(12 − 3)/2⌋ + 1 = 5 positions a side, 8 maps.
        (TRANSPOSED, "calflops-flops", 288 * 576 + 10_000, 144 * 576 + 5 * 5 * 8),
        # 8 × 5 weights and 5 biases at each of 144 positions, or once.
        (TOKENS, "torchinfo", 144 * 45, 45),
        # Projections 4 · 8² · 10 and scores 2 · 8 · 10²: 4,160; nothing of them is seen.
        (ATTENTION, "torch", 2 * 4160, 2 * 4160),
        (ATTENTION, "fvcore", 4160, 0),
        (ATTENTION, "thop", 4160, 0),
        # The scaled queries and 4 biases for each of 80 values; 2 heads' 100 scores.
        (ATTENTION, "ptflops-pytorch", 4160 + 5 * 80 + 200, 4160 + 5 * 80 + 200),
    ],
)
def test_faults_are_named_and_not_imitated(
    spec: dict[str, Any], tool: str, meant: int, printed: int
) -> None:
    (count,) = reconcile(spec, tool).counts
    assert (count.total, count.printed) == (meant, printed)
    report = analyze(spec, count_as=tool)
    assert report.total("count") == meant
    # The table names the tool, and each fault with what it comes to.
    named = [f"{abs(e.amount):,} {'more' if e.amount > 0 else 'less'}" for e in count.errors]
    assert len(named) == len(report.remarks["count"]) - 1
    assert all(n in r for n, r in zip(named, report.remarks["count"][1:], strict=True))
    assert CONVENTIONS[tool].tool in report.remarks["count"][0]


@pytest.mark.parametrize(("tool", "times"), [("ptflops-pytorch", 2), ("calflops-flops", 1)])
def test_padding_that_pooling_cannot_add_itself_is_counted(tool: str, times: int) -> None:
    # 12 positions by steps of 2 give 6 windows of 3, which reach to 13: one behind, none before.
    spec = network(MAP, {"max_pool": {"kernel_size": 3, "stride": 2, "padding": "same"}})
    (count,) = reconcile(spec, tool).counts
    sizes = {part.name: part.size for part in count.parts}
    assert sizes == {"inputs of max_pool": 12 * 12 * 8, "padding of max_pool": (169 - 144) * 8}
    assert count.total == times * 13 * 13 * 8


@pytest.mark.parametrize("spec", ["resnet18", "vgg16", "mobilenet_v2", "vit_b_16", "lenet5"])
def test_what_is_printed_sums_up(spec: str) -> None:
    totals: dict[str, int] = {}
    sums: dict[str, int] = {}
    row = re.compile(r"(?:(\S+) +([\d,]+) )? *([=+-]) (?:(\d+) × )?([\d,]+) [\w ]+")
    lines = cnncalc("reconcile", spec).out.split("\n\n")[0].splitlines()
    for line in lines[2:]:
        assert len(line) <= 80
        match = row.fullmatch(line.strip())
        assert match, line
        name, total, sign, factor, size = match.groups()
        if name:
            current, totals[name] = name, int(total.replace(",", ""))
        amount = int(factor or 1) * int(size.replace(",", "")) * (-1 if sign == "-" else 1)
        sums[current] = sums.get(current, 0) + amount
    assert list(totals) == list(CONVENTIONS)
    assert sums == totals


def test_two_tools_side_by_side() -> None:
    result = cnncalc("reconcile", "resnet18", "fvcore", "torch")
    rows = [re.split(r" {2,}", line) for line in result.out.split("\n\n")[0].splitlines()]
    header, _, *parts, total = rows
    assert header == ["part", "fvcore", "torch", "difference"]
    assert total == ["total", "1,819,065,856", "3,628,146,688", "+1,809,080,832"]
    numbers = [[int(cell.replace(",", "")) for cell in row[1:]] for row in parts]
    assert [f"{sum(column):,}" for column in zip(*numbers, strict=True)] == [
        cell.lstrip("+") for cell in total[1:]
    ]


def test_as_json() -> None:
    entries = json.loads(cnncalc("reconcile", "resnet18", "--format", "json").out)
    assert {e["count_as"]: e["total"] for e in entries} == {
        tool: total for tool, (total, _) in RESNET18.items()
    }
    assert all(sum(p["amount"] for p in e["parts"]) == e["total"] for e in entries)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("reconcile lenet5 fvcor", "no such counting convention: fvcor; did you mean fvcore?"),
        ("reconcile lenet5 torch thop fvcore", "reconcile takes at most two tools, not 3"),
        (
            "table lenet5 --params-as torch",
            'no such way to count parameters: "torch"; there is keras',
        ),
        (
            "table lenet5 --count-as x",
            f"no such counting convention: x; there are {', '.join(CONVENTIONS)}",
        ),
    ],
)
def test_mistakes(command: str, message: str) -> None:
    result = cnncalc(*command.split())
    assert (result.code, result.out, result.err) == (2, "", f"{message}\n")


def test_count_is_a_column_beside_the_usual_ones() -> None:
    out = cnncalc("table", "resnet18", "--count-as", "fvcore", "--depth", "1").out
    assert re.search(r"\n +total .* 1,819,065,856\n", out)
    assert "count: MACs as in fvcore 0.1.5.post20221221; its FLOPs are MACs." in out
    found = json.loads(cnncalc("table", "resnet18", "--count-as", "fvcore", "-f", "json").out)
    assert (found["convention"], found["totals"]["count"]) == ("fvcore", 1_819_065_856)
    assert sum(layer["count"] for layer in found["layers"]) == 1_819_065_856
    assert cnncalc("table", "resnet18", "--count-as", "thop", "--value", "count").out == (
        "1824033792\n"
    )


def test_count_grows_with_the_batch() -> None:
    assert analyze("resnet18", count_as="thop", batch=3).total("count") == 3 * 1_824_033_792


# Keras' documentation, "Documentation for individual models": docs/templates/applications.md of
# keras-team/keras at 31599d80; MobileNetV2 is in later editions of that page.
@pytest.mark.parametrize(
    ("spec", "keras"),
    [("mobilenet_v2", 3_538_984), ("densenet121", 8_062_504), ("densenet169", 14_307_880)],
)
def test_parameters_as_keras_counts_them(spec: str, keras: int) -> None:
    assert analyze(spec, params_as="keras").total("params") == keras


def test_keras_counts_mean_and_variance_and_no_counter() -> None:
    report = analyze(network(MAP, "batch_norm"), params_as="keras")
    # Scale, shift, mean and variance of 8 channels.
    assert report.total("params") == 4 * 8
    assert report.total("params_bytes") == 4 * 4 * 8


# `summary()` of keras.applications, Keras 3.15: total, trainable, non-trainable parameters.
SUMMARIES = {
    "mobilenet_v1": (4_253_864, 4_231_976, 21_888),
    "mobilenet_v2": (3_538_984, 3_504_872, 34_112),
    "densenet121": (8_062_504, 7_978_856, 83_648),
    "xception": (22_910_480, 22_855_952, 54_528),
    "vgg16": (138_357_544, 138_357_544, 0),
}


@pytest.mark.parametrize("name", SUMMARIES)
def test_the_three_totals_of_keras(name: str) -> None:
    total, trainable, rest = SUMMARIES[name]
    asked = ("table", name, "--params-as", "keras")
    said = f"params: as Keras' summary(): total {total:,}, trainable {trainable:,}, "
    out = cnncalc(*asked, "--columns", "+buffers").out
    assert f"{said}non-trainable {rest:,}." in out
    found = json.loads(cnncalc(*asked, "-f", "json").out)["totals"]
    keys = ("params", "trainable", "non_trainable", "buffers")
    # Nothing is counted twice, and nothing that Keras has not.
    assert [found[key] for key in keys] == [total, trainable, rest, 0]
    both = cnncalc(*asked[:2], "lenet5", *asked[2:], "-f", "csv").out.splitlines()
    assert both[1].endswith(f",{trainable},{rest}")


def test_fixed_prototypes_are_parameters_of_keras() -> None:
    # LeCun et al. 1998: 60,000 are trained, and 84 components of 10 prototypes are not.
    report = analyze("lenet5-1998", params_as="keras")
    assert report.total("params") == 60_000 + 84 * 10
    assert [report.total(k) for k in ("trainable", "non_trainable")] == [60_000, 840]
    torch = analyze("lenet5-1998")
    assert [torch.total(k) for k in ("params", "non_trainable", "buffers")] == [60_000, 0, 840]


def test_training_memory_has_no_gradients_of_what_is_not_trained() -> None:
    remarks = [
        analyze("resnet18", params_as=params_as, optimizer="adam").remarks["training_bytes"]
        for params_as in (None, "keras")
    ]
    assert remarks[0] == remarks[1]
    # torchvision's 11,689,512 parameters of 4 bytes.
    assert remarks[0][0].startswith("training bytes: 46,758,048 parameters + 46,758,048 gradients")


def test_only_known_conventions() -> None:
    with pytest.raises(UsageError):
        reconcile("lenet5", "torch", "tensorflow")


def test_a_min_pool_is_a_max_pooling_to_tools() -> None:
    """What ptflops prints for the twin, whose module is torch's MaxPool2d: 614."""
    smallest: dict[str, Any] = {"min_pool": 2}
    spec = {
        "input": {"height": 9, "width": 9, "channels": 3},
        "layers": [smallest, {"conv": {"out_channels": 2, "kernel_size": 1}}],
    }
    (tally,) = reconcile(spec, "ptflops-pytorch").counts
    # 4·4 positions of a 1×1 convolution from 3 to 2 channels, its biases, and the input twice.
    assert tally.printed == 4 * 4 * 3 * 2 + 4 * 4 * 2 + 2 * 9 * 9 * 3 == 614
