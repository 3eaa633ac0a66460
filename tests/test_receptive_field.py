"""Receptive field, effective stride and padding: published networks, arithmetic, brute force.

Published: Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks"
(Distill, 2019), table of the appendix. It was computed on the networks of TF-slim, which are built
here layer for layer from tf_slim/nets. Where slim leaves padding to TensorFlow (`same`), the
leading padding depends on the size of the input: a window of 3 with stride 2 pads 0+1 on an even
size, 1+1 on an odd one. The published paddings are those of each network's own input size, 224 or
299, and the last layer before the mean over all positions.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from cnncalc.analysis.receptive_field import MAX_PERIOD, Field, receptive_fields
from cnncalc.api import analyze
from cnncalc.ask.value import quantity
from cnncalc.errors import CnncalcError
from cnncalc.infer import infer
from cnncalc.layers import ACTIVATIONS, MODULES
from cnncalc.report import Report
from cnncalc.spec.load import load
from cnncalc.tables.table import tabulate
from tests import truth

Item = dict[str, Any]
Items = list[Any]

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "counting.md"

RECEPTIVE = ("receptive_field", "effective_stride", "effective_padding")


def conv(kernel_size: Any, stride: int = 1, padding: Any = "same", channels: int = 4) -> Item:
    fields = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    return {"conv": {"out_channels": channels, **fields}}


def dwconv(stride: int) -> Item:
    return {"depthwise_conv": {"kernel_size": 3, "stride": stride, "padding": "same"}}


def pool(kernel_size: int, stride: int, padding: Any = "valid") -> Item:
    return {"max_pool": {"kernel_size": kernel_size, "stride": stride, "padding": padding}}


def join(word: str, *branches: Items) -> Item:
    return {word: list(branches)}


def alexnet_v2() -> Items:
    return [
        conv(11, 4, "valid"),
        pool(3, 2),
        conv(5),
        pool(3, 2),
        *[conv(3)] * 3,
        pool(3, 2),
    ]


def vgg_16() -> Items:
    return [item for convs in (2, 2, 3, 3, 3) for item in (*[conv(3)] * convs, pool(2, 2))]


def mobilenet_v1() -> Items:
    strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
    return [conv(3, 2), *(item for s in strides for item in (dwconv(s), conv(1)))]


def resnet_v1(*units: int) -> Items:
    """The stride is in a block's last unit; a 3×3 with one is padded by 1+1, whatever it reads.

    So conv2d_same and the max pooling of its shortcut have it; the first pooling has `same`.
    """

    def unit(stride: int, first: bool) -> Item:
        main = [conv(1), conv(3, stride, 1), conv(1)]
        # A shortcut of as many channels as the input has is the input, or every second of it.
        shortcut = [conv(1, stride)] if first else [pool(1, stride)] if stride > 1 else []
        return join("add", shortcut, main)

    layers = [conv(7, 2, 3), pool(3, 2, "same")]
    for block, number in enumerate(units):
        for index in range(number):
            last = index == number - 1 and block < len(units) - 1
            layers.append(unit(2 if last else 1, index == 0))
    return layers


def inception_v3() -> Items:
    """Mixed_5b to Mixed_7c. The mean of a module's pooled branch is over 3×3, stride 1, `same`."""
    mean = [{"avg_pool": {"kernel_size": 3, "stride": 1, "padding": "same"}}, conv(1)]
    one, seven = [1, 7], [7, 1]

    def a() -> Item:
        return join("concat", [conv(1)], [conv(1), conv(5)], [conv(1), conv(3), conv(3)], mean)

    def b() -> Item:
        return join(
            "concat",
            [conv(1)],
            [conv(1), conv(one), conv(seven)],
            [conv(1), conv(seven), conv(one), conv(seven), conv(one)],
            mean,
        )

    def c() -> Item:
        split = join("concat", [conv([1, 3])], [conv([3, 1])])
        return join("concat", [conv(1)], [conv(1), split], [conv(1), conv(3), split], mean)

    return [
        conv(3, 2, "valid"),
        conv(3, 1, "valid"),
        conv(3),
        pool(3, 2),
        conv(1, 1, "valid"),
        conv(3, 1, "valid"),
        pool(3, 2),
        *[a()] * 3,
        join(
            "concat", [conv(3, 2, "valid")], [conv(1), conv(3), conv(3, 2, "valid")], [pool(3, 2)]
        ),
        *[b()] * 4,
        join(
            "concat",
            [conv(1), conv(3, 2, "valid")],
            [conv(1), conv(one), conv(seven), conv(3, 2, "valid")],
            [pool(3, 2)],
        ),
        *[c()] * 2,
    ]


SLIM = {
    "alexnet_v2": (224, alexnet_v2()),
    "vgg_16": (224, vgg_16()),
    "mobilenet_v1": (224, mobilenet_v1()),
    "mobilenet_v1_075": (224, mobilenet_v1()),
    "resnet_v1_50": (224, resnet_v1(3, 4, 6, 3)),
    "resnet_v1_101": (224, resnet_v1(3, 4, 23, 3)),
    "resnet_v1_152": (224, resnet_v1(3, 8, 36, 3)),
    "resnet_v1_200": (224, resnet_v1(3, 24, 36, 3)),
    "inception_v3": (299, inception_v3()),
}
PUBLISHED = {row["model"]: row for row in truth.table("08_distill_receptive_field.csv")}


def network(sizes: Sequence[int], layers: Items, channels: int = 4) -> Item:
    keys = ("length",) if len(sizes) == 1 else ("height", "width")
    input = dict(zip(keys, sizes, strict=True)) | {"channels": channels}
    return {"name": "network", "input": input, "layers": layers}


def last(report: Report) -> list[Any]:
    """The three figures of the last layer."""
    return [report.column(key)[-1] for key in RECEPTIVE]


@pytest.mark.parametrize("model", SLIM)
def test_published(model: str) -> None:
    size, layers = SLIM[model]
    report = analyze(network((size, size), layers))
    assert last(report) == [[int(PUBLISHED[model][key])] * 2 for key in RECEPTIVE]
    assert set(report.column("misaligned")) == {None}


# Arithmetic

UP = {"conv_transpose": {"out_channels": 4, "kernel_size": 2, "stride": 2}}
NEAREST = {"upsample": 2}
DILATED = {"conv": {"out_channels": 4, "kernel_size": 3, "dilation": 4, "padding": 4}}

ARITHMETIC: dict[str, tuple[Items, list[Any]]] = {
    # 5; 5 + (2 − 1)·1 = 6; 6 + (5 − 1)·2 = 14; 14 + (2 − 1)·2 = 16. Strides 1, 2, 2, 4.
    "LeNet-5": (
        [conv(5, 1, 0), pool(2, 2), conv(5, 1, 0), pool(2, 2)],
        [[16], [4], [0]],
    ),
    # 3 taps that are 4 apart: 4·2 + 1.
    "dilation": ([DILATED], [[9], [1], [4]]),
    # Two 3×3, then 3 taps 2 apart at stride 2: 3 + 2 + 2·2·2 = 13; padding 1 + 1 + 2·2.
    "stride before dilation": (
        [
            conv(3, 1, 1),
            conv(3, 2, 1),
            {"conv": {"out_channels": 4, "kernel_size": 3, "dilation": 2, "padding": 2}},
        ],
        [[13], [2], [6]],
    ),
    # Kernel and stride 2: every output has one stamp on it, so it reads one input.
    "transposed": ([UP], [[1], ["1/2"], [0]]),
    # Kernel 4, stride 2, padding 1: two stamps. o = 2i + t − 1: output 0 has t = 1 of input 0 and
    # t = 3 of input −1.
    "transposed, overlapping": (
        [{"conv_transpose": {"out_channels": 4, "kernel_size": 4, "stride": 2, "padding": 1}}],
        [[2], ["1/2"], [1]],
    ),
    # Down and up again: o reads 2⌊o/2⌋ … 2⌊o/2⌋ + 1.
    "there and back": ([pool(2, 2), NEAREST], [[2], [1], [0]]),
    # A 3 behind it: o − 1 … o + 1 read 2⌊(o − 1)/2⌋ … 2⌊(o + 1)/2⌋ + 1, 4 wide at odd and even o.
    # Output 0 starts at 2⌊−1/2⌋ = −2.
    "there and back and on": ([pool(2, 2), NEAREST, conv(3, 1, 1)], [[4], [1], [2]]),
    # Output 0 is at 1/2 · 1/2 − 1/2 = −1/4, between −1 and 0; no place is on a position.
    "interpolation": ([{"upsample": {"scale_factor": 2, "mode": "linear"}}], [[2], ["1/2"], [1]]),
    # Every third place is on a position and reads that alone; the others read 4, two before.
    # Output 0 is at 1/2 · 1/3 − 1/2 = −1/3, between −1 and 0, so it starts at −2.
    "cubic": ([{"upsample": {"scale_factor": 3, "mode": "cubic"}}], [[4], ["1/3"], [2]]),
    "padding": ([{"pad": [[3, 0]]}], [[1], [1], [3]]),
    "cropping": ([{"crop": [[3, 1]]}], [[1], [1], [-3]]),
    # 12 of 32 are 3 windows on every 8 positions: 0–2, 2–5, 5–7. The widest is 4.
    "adaptive": ([{"adaptive_avg_pool": 12}], [[4], ["8/3"], [0]]),
    # 3 and 5 around the same centre: from −2 to +2.
    "branches": ([join("add", [conv(3, 1, 1)], [conv(5, 1, 2)])], [[5], [1], [2]]),
    "a branch that is the input": ([join("add", [], [conv(3, 1, 1)])], [[3], [1], [1]]),
    "one position": ([{"linear": {"out_features": 2, "position_wise": True}}], [[1], [1], [0]]),
    "normalisation": ([conv(3, 1, 1), {"group_norm": 2}], [[3], [1], [1]]),
    "whole": ([conv(3), {"global_avg_pool": {"keepdim": True}}], [["all"], None, None]),
    "whole for ever": (
        [{"global_avg_pool": {"keepdim": True}}, conv(3)],
        [["all"], None, None],
    ),
    "flatten": (["flatten", {"linear": 3}], [["all"], None, None]),
    "a gate of each channel": (
        [join("multiply", [], [{"global_avg_pool": {"keepdim": True}}])],
        [["all"], None, None],
    ),
    # 32 and 521 share no divisor, so the pattern repeats after 521 positions only.
    "no end in sight": (
        [{"upsample": {"size": 521}}, conv(3)],
        [None, None, None],
    ),
}


@pytest.mark.parametrize("case", ARITHMETIC)
def test_arithmetic(case: str) -> None:
    layers, expected = ARITHMETIC[case]
    report = analyze(network((32,), layers))
    assert last(report) == expected


def test_axes_are_apart() -> None:
    report = analyze(network((16, 16), [conv([3, 1], 1, [1, 0])]))
    assert last(report) == [[3, 1], [1, 1], [1, 0]]
    report = analyze(network((16, 16), [conv(3, 1, 1), {"adaptive_max_pool": [8, 1]}]))
    # Height: windows of 2 at stride 2 on windows of 3: 3 + 1 = 4.
    assert last(report) == [[4, "all"], [2, None], [1, None]]


def test_a_vector_has_no_receptive_field() -> None:
    spec = {"input": {"features": 8}, "layers": [{"linear": 4}, "relu"]}
    report = analyze(spec)
    assert [report.column(key) for key in RECEPTIVE] == [[None, None]] * 3


MISALIGNED: dict[str, tuple[Items, list[Any], str]] = {
    # o and o − 1 … o + 2: o − 1 … o + 2, but centred at 0 and 1/2.
    "an even kernel": ([join("add", [], [conv(4, 1, [[1, 2]])])], [[4], [1], [1]], "length"),
    # The two positions of o/2 stand around 2⌊o/2⌋ + 1/2, which is o in the mean of both phases.
    "an even kernel, there and back": (
        [join("concat", [], [pool(2, 2), NEAREST])],
        [[2], [1], [0]],
        "",
    ),
    # Of 7: ⌊6/2⌋ + 1 = 4 with stride 2, 7 − 4 + 1 = 4 without. They drift apart.
    "strides": (
        [{"crop": [[0, 25]]}, join("concat", [conv(1, 2, 0)], [conv(4, 1, 0)])],
        [["all"], None, None],
        "length",
    ),
}


@pytest.mark.parametrize("case", MISALIGNED)
def test_misaligned_branches_are_named(case: str) -> None:
    layers, expected, axes = MISALIGNED[case]
    report = analyze(network((32,), layers))
    assert last(report) == expected
    assert report.column("misaligned")[-1] == (axes or None)


def test_strides_without_end_are_not_followed() -> None:
    # 10¹² to the power of 8 is 10⁹⁶, to the power of 9 beyond what is followed.
    report = analyze(network((1,), [conv(1, 10**12, 0)] * 10))
    assert report.column("effective_stride")[7:] == [[10**96], None, None]


def test_values_are_plain_and_printed() -> None:
    report = analyze(network((32, 32), [UP, pool(3, 1), "flatten"]))
    rows = report.to_dict(RECEPTIVE)["layers"]
    assert [[row[key] for key in RECEPTIVE] for row in rows] == [
        [[1, 1], ["1/2", "1/2"], [0, 0]],
        # o … o + 2 read ⌊o/2⌋ … ⌊(o + 2)/2⌋.
        [[2, 2], ["1/2", "1/2"], [0, 0]],
        [["all", "all"], None, None],
    ]


# A 3×3 convolution widens the field by 2 strides, the first of a block before it halves the
# positions: layer1 11 + 4·2·4, layer2 43 + 2·4 + 3·2·8, …
RESNET18 = {
    "maxpool": ("11", "4", "5"),
    "layer1": (str(11 + 4 * 2 * 4), "4", "21"),
    "layer2": (str(43 + 2 * 4 + 3 * 2 * 8), "8", "49"),
    "layer3": (str(99 + 2 * 8 + 3 * 2 * 16), "16", "105"),
    "layer4": (str(211 + 2 * 16 + 3 * 2 * 32), "32", "217"),
    "avgpool": ("all", "", ""),
}


def test_a_collapsed_block_has_that_of_its_output() -> None:
    table = tabulate(analyze("resnet18"), ("name", *RECEPTIVE), depth=1)
    found = {cells[0]: tuple(cells[1:]) for cells in table.grid().rows}
    assert {name: found[name] for name in RESNET18} == RESNET18
    report = analyze("resnet18")
    assert quantity(report, "layer4.receptive_field") == [435, 435]
    assert quantity(report, "layer4.effective_stride") == [32, 32]


def test_a_collapsed_block_names_what_is_misaligned_in_it() -> None:
    shift = {"avg_pool": {"kernel_size": 2, "stride": 1, "padding": [[0, 1], [0, 1]]}}
    spec = {
        "input": {"height": 8, "width": 8, "channels": 2},
        "blocks": {"b": {"layers": [{"add": [[shift], []]}, "relu"]}},
        "layers": [{"b": {}, "name": "block"}],
    }
    report = analyze(spec)
    (named,) = filter(None, report.column("misaligned"))
    table = tabulate(report, ("name", "misaligned"), depth=1)
    assert table.grid().rows[1] == ["block", named]


def test_the_docs_say_of_every_layer_what_it_reads() -> None:
    text = DOCUMENT.read_text("utf-8")
    (table,) = re.findall(r"\| what an output position reads \|.*\n((?:\|.*\n)+)", text)
    assert f"repeats after more than {MAX_PERIOD} positions" in text
    said = [
        word for row in table.splitlines() for word in re.findall(r"`(\w+)`", row.split("|")[2])
    ]
    assert sorted([*said, *ACTIVATIONS]) == sorted(MODULES)


# Brute force

Position = tuple[int, ...]


@dataclass
class Reads:
    """Of each output position: the input positions it depends on, and if it sees a border."""

    sizes: Position
    inputs: dict[Position, npt.NDArray[np.bool_]]
    border: dict[Position, bool]


def whole_positions(sizes: Sequence[int]) -> Iterator[Position]:
    return product(*map(range, sizes))


def untouched(sizes: Position) -> Reads:
    """The input: every position reads itself."""
    inputs = {}
    for position in whole_positions(sizes):
        inputs[position] = np.zeros(sizes, dtype=bool)
        inputs[position][position] = True
    return Reads(sizes, inputs, dict.fromkeys(inputs, False))


def gather(before: Reads, taps: list[list[list[int]]]) -> Reads:
    """A layer of which output position (o₁, o₂) reads each of `taps[0][o₁]` × `taps[1][o₂]`."""
    sizes = tuple(map(len, taps))
    after = Reads(sizes, {}, {})
    for position in whole_positions(sizes):
        seen = np.zeros_like(next(iter(before.inputs.values())))
        border = False
        for tap in product(*(taps[axis][o] for axis, o in enumerate(position))):
            if tap in before.inputs:
                seen |= before.inputs[tap]
                border |= before.border[tap]
            else:
                border = True
        after.inputs[position], after.border[position] = seen, border
    return after


def sliding(n: int, fields: Item, axis: int) -> list[list[int]]:
    """Windows put on the axis, one after the other, as long as they fit."""
    size, stride, dilation = (fields[key][axis] for key in ("kernel_size", "stride", "dilation"))
    before, after = fields["padding"][axis]
    windows, start = [], -before
    while start + dilation * (size - 1) < n + after:
        windows.append([start + dilation * tap for tap in range(size)])
        start += stride
    return windows


def stamped(n: int, fields: Item, axis: int) -> list[list[int]]:
    """Every input position stamps its taps; so do those that would stand beyond the borders."""
    size, stride, dilation = (fields[key][axis] for key in ("kernel_size", "stride", "dilation"))
    before, after = fields["padding"][axis]
    end = (n - 1) * stride + dilation * (size - 1) + 1 - before - after
    windows: list[list[int]] = [[] for _ in range(end)]
    for i in range(-50, n + 50):
        for tap in range(size):
            place = i * stride + dilation * tap - before
            if 0 <= place < end:
                windows[place].append(i)
    return windows


def carried_out(before: Reads, items: Items) -> Reads:
    for item in items:
        ((word, fields),) = item.items()
        sizes = list(enumerate(before.sizes))
        if word in ("add", "concat"):
            branches = [carried_out(before, branch) for branch in fields]
            assert len({branch.sizes for branch in branches}) == 1
            before = Reads(
                branches[0].sizes,
                {
                    p: np.logical_or.reduce([b.inputs[p] for b in branches])
                    for p in branches[0].inputs
                },
                {p: any(b.border[p] for b in branches) for p in branches[0].inputs},
            )
        elif word == "conv_transpose":
            before = gather(before, [stamped(n, fields, axis) for axis, n in sizes])
        elif word == "upsample":
            # Each position, as often as the factor says.
            times = fields["scale_factor"]
            before = gather(
                before, [[[i] for i in range(n) for _ in range(times[axis])] for axis, n in sizes]
            )
        elif word == "pad":
            sides = fields["padding"]
            before = gather(
                before,
                [[[i] for i in range(-sides[axis][0], n + sides[axis][1])] for axis, n in sizes],
            )
        elif word == "crop":
            sides = fields["cropping"]
            before = gather(
                before,
                [[[i] for i in range(sides[axis][0], n - sides[axis][1])] for axis, n in sizes],
            )
        else:
            assert word in ("conv", "max_pool")
            before = gather(before, [sliding(n, fields, axis) for axis, n in sizes])
    return before


def random_layer(rng: random.Random, axes: int) -> Item:
    def each(low: int, high: int) -> list[int]:
        return [rng.randint(low, high) for _ in range(axes)]

    def sides(most: Sequence[int]) -> list[list[int]]:
        return [[rng.randint(0, m), rng.randint(0, m)] for m in most]

    word = rng.choice(["conv", "conv", "max_pool", "conv_transpose", "upsample", "pad", "crop"])
    if word == "upsample":
        return {word: {"scale_factor": each(1, 3)}}
    if word in ("pad", "crop"):
        return {word: {{"pad": "padding", "crop": "cropping"}[word]: sides([2] * axes)}}
    kernel = each(1, 4)
    most = [k // 2 for k in kernel]
    fields = {
        "kernel_size": kernel,
        "stride": each(1, 3),
        "padding": sides(most if word != "conv_transpose" else [0 if k < 3 else 1 for k in kernel]),
        "dilation": each(1, 3),
    }
    return {word: fields if word == "max_pool" else {"out_channels": 1, **fields}}


def random_branch(rng: random.Random, axes: int) -> Items:
    """Layers that leave sizes alone: convolutions padded to do so, on one side or on both."""
    layers = []
    for _ in range(rng.randint(0, 2)):
        kernel, dilation, padding = [], [], []
        for _ in range(axes):
            k, d = rng.randint(1, 4), rng.randint(1, 3)
            before = rng.randint(0, d * (k - 1))
            kernel.append(k)
            dilation.append(d)
            padding.append([before, d * (k - 1) - before])
        fields = {"kernel_size": kernel, "stride": [1] * axes, "padding": padding}
        layers.append({"conv": {"out_channels": 1, "dilation": dilation, **fields}})
    if rng.random() < 0.5:
        # There and back: a transposed convolution undoes the size of one with the same numbers.
        factor = [rng.randint(1, 3) for _ in range(axes)]
        fields = {"kernel_size": factor, "stride": factor, "padding": [[0, 0]] * axes}
        there: Item = {"max_pool": {"dilation": [1] * axes, **fields}}
        stamps: Item = {"conv_transpose": {"out_channels": 1, "dilation": [1] * axes, **fields}}
        layers += [there, rng.choice([stamps, {"upsample": {"scale_factor": factor}}])]
    return layers


def random_network(rng: random.Random, axes: int) -> Items:
    items: Items = []
    for _ in range(rng.randint(1, 3)):
        items.append(random_layer(rng, axes))
        if rng.random() < 0.5:
            word = rng.choice(["add", "concat"])
            items.append(join(word, random_branch(rng, axes), random_branch(rng, axes)))
            if word == "concat":
                ones, padding = [1] * axes, [[0, 0]] * axes
                fields = {"kernel_size": ones, "stride": ones, "padding": padding}
                items.append({"conv": {"out_channels": 1, "dilation": ones, **fields}})
    return items


def compare(sizes: Position, items: Items) -> bool:
    """Compare all interior positions; whether there were some of every phase.

    Not where the network does not fit its input, and where the border reaches too far.
    """
    try:
        facts = infer(load(network(sizes, items, channels=1)))
    except CnncalcError:
        return False
    trace = receptive_fields(facts)[-1]
    reads = carried_out(untouched(sizes), items)
    assert reads.sizes == facts[-1].output[1:]
    interior = [position for position, border in reads.border.items() if not border]
    fields = [axis for axis in trace.axes if isinstance(axis, Field)]
    assert len(fields) == len(sizes)
    complete = True
    for axis, field in enumerate(fields):
        widths = {}
        for position in interior:
            read = np.argwhere(reads.inputs[position])
            ends = (int(read[:, axis].min()), int(read[:, axis].max())) if len(read) else None
            # Where another axis reads nothing, neither does the position.
            claimed = [f.at(p) for f, p in zip(fields, position, strict=True)]
            assert ends == (claimed[axis] if all(claimed) else None), (position, axis)
            if ends:
                widths[position[axis] % len(field.phases)] = ends[1] - ends[0] + 1
        if len(widths) == sum(phase is not None for phase in field.phases):
            assert max(widths.values(), default=0) == field.extent
        else:
            complete = False
    return complete


@pytest.mark.parametrize(("sizes", "cases"), [((64,), 400), ((22, 19), 100)], ids=["1-D", "2-D"])
def test_brute_force(sizes: Position, cases: int) -> None:
    rng = random.Random(3)
    complete = [compare(sizes, random_network(rng, len(sizes))) for _ in range(cases)]
    assert sum(complete) > cases // 4, sum(complete)
