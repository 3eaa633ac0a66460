"""Convolutions against fully connected layers: published sums, and matrices written out."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from html.parser import HTMLParser
from itertools import pairwise, product
from math import prod
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from rich.cells import cell_len

import cnncalc as api
from cnncalc.errors import UsageError
from cnncalc.findings.compare_fc import ConvComparison
from cnncalc.findings.compare_fc_page import comma_separated, decimal, page
from cnncalc.render.html import html
from cnncalc.render.markdown import markdown
from cnncalc.render.plain import lines, plain
from cnncalc.spec.bundled import networks
from tests.command import cnncalc
from tests.zoo import zoo

Position = tuple[int, ...]


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


def image(height: int, width: int, channels: int, *layers: Any) -> dict[str, Any]:
    size = {"height": height, "width": width, "channels": channels}
    return {"input": size, "layers": list(layers)}


def only(spec: Any, *layers: str) -> ConvComparison:
    (layer,) = api.compare_fc(spec, *layers).layers
    return layer


# Published figures


@pytest.mark.parametrize(
    ("spec", "layer", "dense", "local", "shared"),
    [
        # 3,072 × 4,704; 4,704 × 75; 6 × 75.
        ("lenet5", "conv1", (14_450_688, 4_704), (352_800, 4_704), (450, 6)),
        # CS231n: 290,400 neurons with 363 weights and a bias each are 105,705,600 without sharing.
        (
            "alexnet-2012",
            "conv1",
            (154_587 * 290_400, 290_400),
            (105_415_200, 290_400),
            (34_848, 96),
        ),
        # The 1998 paper: C3 has 151,600 connections and 1,516 parameters.
        ("lenet5-1998", "C3", (1_176 * 1_600, 1_600), (150_000, 1_600), (1_500, 16)),
        ("lenet5-1998", "C5", (48_000, 120), (48_000, 120), (48_000, 120)),
        ("dcgan-generator", "grow2.conv", (8_192 * 16_384, 0), (512 * 256 * 256, 0), (2**21, 0)),
    ],
)
def test_weights_and_biases_are_those_of_the_sources(
    spec: str, layer: str, dense: Position, local: Position, shared: Position
) -> None:
    saving = only(spec, layer).saving
    assert [(cost.weights, cost.biases) for cost in saving.costs] == [dense, local, shared]


def test_the_saving_of_lenet5_splits_into_two_factors() -> None:
    layer = only("lenet5", "conv1")
    assert layer.saving.sparsity == Fraction(1024, 25)
    assert layer.saving.sharing == 784
    assert layer.saving.whole == Fraction("32112.64")
    assert layer.window == (75, 75)
    assert layer.saving.conv.params == 456


def test_an_output_of_the_notes_sees_9_of_36_inputs() -> None:
    layer = only(image(6, 6, 1, {"conv": {"out_channels": 1, "kernel_size": 3}}))
    assert (layer.window, prod(layer.input)) == ((9, 9), 36)
    assert layer.saving.sparsity == 4


def test_sharing_saves_no_macs_and_a_batch_no_weights() -> None:
    one, many = (only("lenet5", "conv1"), api.compare_fc("lenet5", "conv1", batch=32).layers[0])
    assert [cost.macs for cost in one.saving.costs] == [14_450_688, 352_800, 352_800]
    assert [cost.macs for cost in many.saving.costs] == [462_422_016, 11_289_600, 11_289_600]
    assert [cost.params for cost in many.saving.costs] == [14_455_392, 357_504, 456]


@pytest.mark.parametrize(("dtype", "size"), [("float32", 1_824), ("int8", 456), ("int4", 228)])
def test_bytes_are_those_of_all_parameters(dtype: str, size: int) -> None:
    (layer,) = api.compare_fc("lenet5", "conv1", dtype=dtype).layers
    assert layer.saving.conv.bytes == size


# Matrices written out


@dataclass
class Matrix:
    """The matrix that a convolution is: which weight connects which input with which output.

    `used` is every weight that any position holds ready, on padding or not.
    """

    outputs: set[Position] = field(default_factory=set)
    entries: dict[tuple[Position, Position], Any] = field(default_factory=dict)
    used: set[Any] = field(default_factory=set)

    def enter(self, out: Position, into: Position | None, weight: Any, position: Position) -> None:
        self.used.add((weight, position))
        if into is not None:
            assert (out, into) not in self.entries
            self.entries[out, into] = weight


@dataclass
class Axis:
    n: int
    kernel: int
    stride: int
    before: int
    after: int
    dilation: int


def slid(axes: list[Axis], readers: list[list[int]]) -> Matrix:
    """A convolution: output map k reads the input maps `readers[k]`."""
    starts = []
    for axis in axes:
        last = axis.before + axis.n + axis.after - axis.dilation * (axis.kernel - 1)
        starts.append(range(-axis.before, last - axis.before, axis.stride))
    matrix = Matrix()
    for position in product(*(range(len(those)) for those in starts)):
        for k, maps in enumerate(readers):
            matrix.outputs.add((k, *position))
            for c, tap in product(maps, product(*(range(axis.kernel) for axis in axes))):
                read = tuple(
                    starts[i][position[i]] + tap[i] * axis.dilation for i, axis in enumerate(axes)
                )
                inside = all(0 <= r < axis.n for r, axis in zip(read, axes, strict=True))
                into = (c, *read) if inside else None
                matrix.enter((k, *position), into, (k, c, tap), position)
    return matrix


def stamped(axes: list[Axis], added: int, readers: list[list[int]]) -> Matrix:
    """A transposed convolution: what lands on the padding is cropped."""
    sizes = [
        max(i * a.stride + t * a.dilation for i in range(a.n) for t in range(a.kernel))
        + 1
        + added
        - a.before
        - a.after
        for a in axes
    ]
    matrix = Matrix(set(product(range(len(readers)), *map(range, sizes))))
    for place in product(*(range(axis.n) for axis in axes)):
        for k, maps in enumerate(readers):
            for c, tap in product(maps, product(*(range(axis.kernel) for axis in axes))):
                ink = tuple(
                    place[i] * axis.stride + tap[i] * axis.dilation - axis.before
                    for i, axis in enumerate(axes)
                )
                kept = (k, *ink) in matrix.outputs
                matrix.used.add(((k, c, tap), place))
                if kept:
                    matrix.enter((k, *ink), (c, *place), (k, c, tap), place)
    return matrix


def drawn(seed: int) -> tuple[dict[str, Any], Matrix, bool]:
    """A random small layer as a spec, its matrix, and whether positions share its weights."""
    dice = random.Random(seed)
    word = ("conv", "depthwise_conv", "conv_transpose", "locally_connected", "table")[seed % 5]
    dimensions = dice.choice([1, 1, 2, 2, 2, 3])
    groups = 1 if word in ("locally_connected", "table") else dice.choice([1, 2, 3])
    channels = groups * dice.randint(1, 2)
    out_channels = groups * dice.randint(1, 2)
    if word == "depthwise_conv":
        channels, groups, out_channels = groups, groups, groups * dice.randint(1, 2)
    axes = []
    for _ in range(dimensions):
        kernel, dilation = dice.randint(1, 3), dice.randint(1, 2)
        # Wide padding too, where most of a window is outside.
        before, after = dice.choice([0, 0, 1, 2, 3]), dice.choice([0, 0, 1, 2])
        n = max(dice.randint(1, 4), dilation * (kernel - 1) + 1 - before - after)
        if word == "conv_transpose":
            before, after = min(before, (n - 1) // 2), min(after, (n - 1) // 2)
        axes.append(Axis(n, kernel, dice.randint(1, 3), before, after, dilation))
    readers = [
        [c for c in range(channels) if c * groups // channels == k * groups // out_channels]
        for k in range(out_channels)
    ]
    fields: dict[str, Any] = {
        "kernel_size": [axis.kernel for axis in axes],
        "stride": [axis.stride for axis in axes],
        "padding": [[axis.before, axis.after] for axis in axes],
        "dilation": [axis.dilation for axis in axes],
    }
    if word == "table":
        channels = dice.randint(2, 4)
        readers = [
            sorted(dice.sample(range(channels), dice.randint(1, channels)))
            for _ in range(out_channels)
        ]
        fields["connections"] = readers
    if word == "depthwise_conv":
        fields["channel_multiplier"] = out_channels // channels
    else:
        fields["out_channels"] = out_channels
    if word in ("conv", "conv_transpose"):
        fields["groups"] = groups
    names = {1: ["length"], 2: ["height", "width"], 3: ["depth", "height", "width"]}[dimensions]
    sizes = {name: axis.n for name, axis in zip(names, axes, strict=True)}
    if word == "conv_transpose":
        # As torch wants it: fewer than the stride or the dilation, along every axis.
        room = min(max(axis.stride, axis.dilation) for axis in axes)
        added = fields["output_padding"] = min(dice.randint(0, 1), room - 1)
        matrix = stamped(axes, added, readers)
    else:
        matrix = slid(axes, readers)
    layer = {"conv" if word == "table" else word: fields}
    spec = {"input": {**sizes, "channels": channels}, "layers": [layer]}
    return spec, matrix, word != "locally_connected"


@pytest.mark.parametrize("seed", range(150))
def test_it_counts_what_the_matrix_holds(seed: int) -> None:
    spec, matrix, shared = drawn(seed)
    layer = only(spec)
    inputs = prod(spec["input"].values())
    assert prod(layer.output) == len(matrix.outputs)
    assert layer.saving.dense.weights == inputs * len(matrix.outputs)
    assert layer.saving.local.weights == len(matrix.used)
    kernel = {weight for weight, _ in matrix.used} if shared else matrix.used
    assert layer.saving.conv.weights == len(kernel)
    assert layer.saving.connections == len(matrix.entries)
    assert layer.saving.whole == Fraction(inputs * len(matrix.outputs), len(kernel))
    maps = len({k for k, *_ in matrix.outputs})
    biases = [len(matrix.outputs)] * 2 + [maps if shared else len(matrix.outputs)]
    assert [cost.biases for cost in layer.saving.costs] == biases


def test_the_random_layers_are_of_every_kind() -> None:
    layers = [only(drawn(seed)[0]) for seed in range(150)]
    assert {layer.type for layer in layers} == {
        "conv",
        "depthwise_conv",
        "conv_transpose",
        "locally_connected",
    }
    assert {len(layer.positions) for layer in layers} == {1, 2, 3}
    assert any(layer.saving.connections < layer.saving.local.weights for layer in layers)
    assert any(layer.saving.sparsity < 1 for layer in layers)


def test_the_inputs_that_outputs_see_are_the_entries_of_a_row() -> None:
    for seed in range(150):
        spec, matrix, _ = drawn(seed)
        layer = only(spec)
        if layer.type == "conv_transpose":
            continue
        rows = dict.fromkeys(matrix.outputs, 0)
        for (k, *_), position in matrix.used:
            rows[(k, *position)] += 1
        assert layer.window == (min(rows.values()), max(rows.values()))


def test_padding_can_make_the_locally_connected_layer_the_larger() -> None:
    # A pixel, padded to 5×5 for a 3×3 kernel at 9 positions: 9 · 9 weights, 9 of them on the pixel.
    spec = image(1, 1, 1, {"conv": {"out_channels": 1, "kernel_size": 3, "padding": 2}})
    saving = only(spec).saving
    assert [cost.weights for cost in saving.costs] == [9, 81, 9]
    assert saving.sparsity == Fraction(1, 9)
    assert saving.sharing == saving.connections == 9


# Sums


def test_a_shared_kernel_is_counted_at_each_use_and_once_in_the_sum() -> None:
    conv = {"conv": {"out_channels": 4, "kernel_size": 3, "padding": 1}}
    again = conv | {"weights_of": "first"}
    found = api.compare_fc(image(5, 5, 4, conv | {"name": "first"}, again, again))
    assert [layer.saving.conv.weights for layer in found.layers] == [144] * 3
    assert [layer.weights_of for layer in found.layers] == [None, "first", "first"]
    assert found.total is not None
    assert found.total.conv == (144, 4, 3 * 25 * 144, 4 * 148)
    assert found.total.local.weights == 3 * 25 * 144
    assert found.total.whole == Fraction(3 * 100 * 100, 144)


def test_macs_that_only_training_needs_are_no_part_of_the_sum() -> None:
    found = api.compare_fc("deeplabv3_resnet50")
    macs = dict(zip(*map(api.analyze("deeplabv3_resnet50").column, ("name", "macs")), strict=True))
    auxiliary = [layer.name for layer in found.layers if layer.auxiliary]
    assert auxiliary
    assert found.total is not None
    assert found.total.conv.macs == sum(
        macs[layer.name] for layer in found.layers if layer.name not in auxiliary
    )
    assert found.total.conv.weights == sum(layer.saving.conv.weights for layer in found.layers)


# Dense networks


def dense_of(spec: Any, **options: Any) -> dict[str, Any]:
    return {dense.kind: dense for dense in api.compare_fc(spec, **options).dense_networks}


def params_of(*sizes: int) -> int:
    """Weights and biases, layer by layer."""
    return sum(a * b + b for a, b in pairwise(sizes))


@pytest.mark.parametrize(
    ("spec", "sizes"),
    [
        # 32·32·3, 14·14·6 and 5·5·16 behind the poolings, then 120-84-10.
        ("lenet5", (3_072, 1_176, 400, 120, 84, 10)),
        ("lenet5-1998", (1_024, 1_176, 400, 120, 84, 10)),
        ("convnet-39x31", (1_209, 18 * 14 * 20, 8 * 6 * 40, 3 * 2 * 60, 160, 100)),
        ("mlp-mnist", (784, 512, 10)),
        ("keras-mnist", (784, 13 * 13 * 32, 5 * 5 * 64, 1_152, 10)),
    ],
)
def test_the_dense_twin_connects_what_the_weighted_layers_give(
    spec: str, sizes: tuple[int, ...]
) -> None:
    twin = dense_of(spec)["twin"]
    assert twin.sizes == sizes
    assert twin.cost.params == params_of(*sizes)


@pytest.mark.parametrize("spec", ["lenet5", "convnet-39x31", "vgg11", "mlp-mnist", "resnet18"])
def test_the_hidden_layer_is_the_largest_that_the_parameters_allow(spec: str) -> None:
    allowed = api.analyze(spec).total("params")
    dense = dense_of(spec)["one hidden layer"]
    first, units, last = dense.sizes
    assert dense.cost.params == params_of(first, units, last) <= allowed
    assert params_of(first, units + 1, last) > allowed


def test_a_dense_network_of_ones_own() -> None:
    # 1,209 · 600 + 600 · 300 + 300 · 300 + 300 · 150 + 150 · 100 weights.
    found = api.compare_fc("convnet-39x31", hidden=[600, 300, 300, 150])
    (own,) = (dense for dense in found.dense_networks if dense.kind == "hidden")
    assert own.cost.weights == 1_055_400
    assert found.network.weights == 64_320
    assert found.network.params == 64_620
    assert "this network has 6.1 % of them" in plain(page(found, False, True, "hwc")).replace(
        "\n ", ""
    )
    assert dense_of("keras-mnist", hidden=[512])["hidden"].cost.params == 407_050


def test_branches_have_no_dense_twin_but_a_sum() -> None:
    found = api.compare_fc("resnet18")
    assert [dense.kind for dense in found.dense_networks] == ["one hidden layer"]
    assert found.total is not None
    assert found.total.dense.weights == sum(layer.saving.dense.weights for layer in found.layers)


def test_a_larger_input_makes_the_dense_twin_explode() -> None:
    result = cnncalc("compare-fc", "--input", "1000x1000", "--format", "json")
    twin = json.loads(result.out)["dense_networks"][0]
    sizes = [3_000_000, 498 * 498 * 6, 247 * 247 * 16, 120, 84, 10]
    assert twin["sizes"] == sizes
    assert twin["params"] == params_of(*sizes)


# Every bundled network


@pytest.mark.parametrize("name", networks())
def test_factors_multiply_to_the_ratio_of_weights(name: str) -> None:
    report = api.analyze(name)
    columns = ("name", "type", "input", "output", "weights", "macs", "connections", "biases")
    rows = {row[0]: row[1:] for row in zip(*map(report.column, columns), strict=True)}
    entries = api.compare_fc(name).to_dict()["layers"]
    words = {"conv", "depthwise_conv", "locally_connected", "conv_transpose"}
    assert [entry["name"] for entry in entries] == [n for n, row in rows.items() if row[0] in words]
    for entry in entries:
        word, input, output, weights, macs, connections, biases = rows[entry["name"]]
        factors = Fraction(entry["sparsity"]) * Fraction(entry["sharing"])
        assert factors == Fraction(entry["saving"]) == Fraction(prod(input) * prod(output), weights)
        # A kernel is used once at every position, so it has as many MACs as positions × weights.
        positions = input[1:] if word == "conv_transpose" else output[1:]
        assert entry["sharing"] == prod(positions)
        assert entry["locally_connected"]["weights"] == prod(positions) * weights == macs
        assert entry["connections"] == connections - (prod(output) if biases else 0)


class Balanced(HTMLParser):
    """Complains about tags that do not match, and keeps the cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.cells: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag != "br":
            self.open.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "td":
            self.cells[-1] += data


def markdown_cells(text: str) -> Iterator[str]:
    tokens = MarkdownIt().enable("table").parse(text)
    for token, following in pairwise(tokens):
        if token.type == "td_open":
            yield "".join(child.content for child in following.children or [])


@pytest.mark.parametrize("name", zoo())
def test_every_format_has_every_weight(name: str) -> None:
    found = api.compare_fc(name, hidden=[100])
    wanted = {f"{cost.weights:,}" for layer in found.layers for cost in layer.saving.costs}
    wanted |= {f"{dense.cost.weights:,}" for dense in found.dense_networks}
    shown = page(found, False, True, "hwc")
    narrow = [line for line, _ in lines(shown, 80)]
    assert wanted <= {word.rstrip(".,") for word in " ".join(narrow).split()}
    assert max(map(cell_len, narrow)) <= 80
    assert wanted <= set(Balanced(html(shown)).cells)
    assert wanted <= set(markdown_cells(markdown(shown)))
    worked = page(found, True, False, "chw")
    Balanced(html(worked))
    assert json.loads(json.dumps(found.to_dict())) == found.to_dict()


@pytest.mark.parametrize("name", networks())
def test_csv_has_a_row_for_each_convolution(name: str) -> None:
    found = api.compare_fc(name)
    rows = list(csv.DictReader(io.StringIO(comma_separated(found, "hwc"))))
    assert [row["name"] for row in rows] == [layer.name for layer in found.layers]
    for row, layer in zip(rows, found.layers, strict=True):
        dense, shared = row["fully_connected_weights"], row["convolution_weights"]
        ratio = Fraction(int(dense), int(shared))
        assert Fraction(row["sparsity"]) * Fraction(row["sharing"]) == ratio
        assert row["convolution_bytes"] == str(layer.saving.conv.bytes)


@pytest.mark.parametrize("format", ["text", "markdown", "latex", "html", "csv", "json"])
@pytest.mark.parametrize("spec", ["lenet5", "resnet18", "mlp-mnist"])
def test_a_file_has_what_the_terminal_shows(spec: str, format: str, tmp_path: Path) -> None:
    shown = cnncalc("compare-fc", spec, "--format", format)
    written = cnncalc("compare-fc", spec, "--format", format, "-o", str(tmp_path / "file"))
    assert (shown.code, shown.err, written) == (0, "", (0, "", ""))
    text = (tmp_path / "file").read_text("utf-8")
    # HTML stands in a whole page.
    assert shown.out in text if format == "html" else text == shown.out
    assert shown.out


# What is printed

CONV1 = """\
LeNet-5: convolutions and fully connected layers

conv1

conv 5×5 s1 p0 maps 32×32×3 to 28×28×6. Fully connected, each of 4,704 outputs
has a weight for each of 3,072 inputs. Here one output sees 5×5×3 = 75 of
3,072 inputs (sparse connections). All 28×28 = 784 positions of the output use
the same weights (parameter sharing), which saves weights and no MACs.

                 fully connected  locally connected  convolution
────────────────────────────────────────────────────────────────
weights               14,450,688            352,800          450
biases                     4,704              4,704            6
parameters            14,455,392            357,504          456
MACs                  14,450,688            352,800      352,800
bytes (float32)       57,821,568          1,430,016        1,824

sparse connections = 14,450,688 / 352,800 = 1,024 / 25 = 40.96
parameter sharing  = 352,800 / 450 = 784
both               = 40.96 × 784 = 32,112.64
"""


def test_one_convolution_is_worked_out() -> None:
    assert cnncalc("compare-fc", "lenet5", "conv1") == (0, CONV1, "")


@pytest.mark.parametrize(
    ("layer", "story"),
    [
        (
            {"conv": {"out_channels": 2, "kernel_size": 3, "connections": [[0], [1, 2]]}},
            "Here one output sees 3×3×1 = 9 to 3×3×2 = 18 of 75 inputs",
        ),
        (
            {"conv": {"out_channels": 2, "kernel_size": 3, "padding": 1}},
            # 5 · 3 − 2 = 13 reads along each axis: 13 · 13 · 3 · 2 of 25 · 27 · 2.
            "Of the 1,350 weights of the locally connected layer 336 fall on padding and 1,014 "
            "connect an input and an output.",
        ),
        (
            {"conv_transpose": {"out_channels": 2, "kernel_size": 3, "padding": 1}},
            "Of the 1,350 weights of the locally connected layer 336 are cropped and 1,014 "
            "connect an input and an output.",
        ),
        (
            {"conv": {"out_channels": 2, "kernel_size": 11, "padding": 4}},
            "Here one output has 11×11×3 = 363 weights for 75 inputs.",
        ),
        ({"conv": {"out_channels": 2, "kernel_size": 5}}, "So this is a fully connected layer."),
        ({"locally_connected": {"out_channels": 2, "kernel_size": 3}}, "nothing is shared."),
        (
            {"conv": {"out_channels": 2, "kernel_size": 9, "padding": 3}},
            "These are so many that it has more weights than the fully connected layer.",
        ),
    ],
    ids=["table", "padding", "cropped", "window", "dense", "local", "below 1"],
)
def test_what_is_odd_is_said(layer: dict[str, Any], story: str) -> None:
    found = api.compare_fc(image(5, 5, 3, layer))
    assert story in plain(page(found, True, False, "hwc")).replace("\n", " ")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("784", "784"),
        ("1024/25", "40.96"),
        ("6272/5", "1,254.4"),
        ("802816/25", "32,112.64"),
        ("1568/125", "12.544"),
        ("121/27", "4.48…"),
        ("2/3", "0.66…"),
        ("1/81", "0.012…"),
        ("1/16", "0.062…"),
        ("2999/3", "999.66…"),
        ("100000/3", "33,333…"),
        (f"{10**30}/3", f"{10**30 // 3:,}…"),
        (f"{10**30 + 1}/2", f"{10**30 // 2:,}.5"),
    ],
)
def test_decimals_are_exact_or_say_that_they_go_on(number: str, text: str) -> None:
    assert decimal(Fraction(number)) == text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lenet5", "Conv1"], 'no such layer: "Conv1"; did you mean conv1?'),
        (["lenet5", "x"], 'no such layer: "x"; the convolutions are conv1, conv2'),
        (
            ["lenet5", "fc3"],
            "fc3 is no convolution but linear; the convolutions are conv1, conv2",
        ),
        (["mlp-mnist", "dense"], "dense is no convolution but linear"),
        (["--hidden", "600,x"], '--hidden takes sizes like 600,300, not "600,x"'),
        (["--hidden", ""], '--hidden takes sizes like 600,300, not ""'),
        (
            ["--hidden", "0"],
            "hidden: sizes must be whole numbers from 1 to 1,000,000,000,000, not 0",
        ),
        (
            ["--hidden", "9", "-f", "csv"],
            "--format csv lists convolutions only; --hidden needs another format",
        ),
        (["--batch", "0"], "batch must be a whole number from 1 to 1,000,000,000,000, not 0"),
        (["--dtype", "float31"], "no such dtype: float31; did you mean float32?"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], message: str) -> None:
    assert cnncalc("compare-fc", *arguments) == (2, "", f"{message}\n")


def test_names_of_blocks_stand_for_their_convolutions() -> None:
    found = api.compare_fc("resnet18", "layer1.0", "conv1")
    assert [layer.name for layer in found.layers] == ["conv1", "layer1.0.conv1", "layer1.0.conv2"]
    with pytest.raises(UsageError, match="no such layer"):
        api.compare_fc("resnet18", "layer1.0.conv")


def test_without_a_convolution_only_networks_are_compared() -> None:
    result = cnncalc("compare-fc", "mlp-mnist")
    assert result.code == 0
    assert "There is no convolution in this network." in result.out
    assert "784 → 512 → 10, 407,050 of 407,050 parameters" in result.out.replace("\n ", "")
