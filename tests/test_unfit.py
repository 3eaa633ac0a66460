"""A network that does not fit: its table up to there, and what would fit, which is tried."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc.graph import Graph
from tests.command import cnncalc as run

# 28 − 2 = 26, 26/2 = 13, 13 − 2 = 11, ⌊11/2⌋ = 5, 5 − 2 = 3, ⌊3/2⌋ = 1: no room for a kernel of 3.
CHAIN: list[Any] = [
    {"conv": {"out_channels": 32, "kernel_size": 3}, "name": "conv1"},
    {"max_pool": 2, "name": "pool1"},
    {"conv": {"out_channels": 64, "kernel_size": 3}, "name": "conv2"},
    {"max_pool": 2, "name": "pool2"},
    {"conv": {"out_channels": 64, "kernel_size": 3}, "name": "conv3"},
    {"max_pool": 2, "name": "pool3"},
    {"conv": {"out_channels": 128, "kernel_size": 3, "activation": "relu"}, "name": "conv4"},
    "flatten",
    {"linear": 10},
]
SIZES = [26, 13, 11, 5, 3, 1]
# conv4 needs 3, so pool3 6, conv3 8, pool2 16, conv2 18, pool1 36, conv1 38.
SAYS = (
    "net.json:{line}: conv4: kernel 3 does not fit the input: 1 + 2·0 < 3; fits with kernel_size "
    "1, padding 1 or stride 1 in pool2; the smallest input that fits is 38×38\n"
)


def spec(layers: Any, height: int = 28, width: int = 28, channels: int = 1) -> dict[str, Any]:
    size = {"height": height, "width": width, "channels": channels}
    return {"name": "net", "input": size, "layers": layers}


@pytest.fixture(autouse=True)
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.json").write_text(json.dumps(spec(CHAIN), indent=1))


def said(layers: Any, **sizes: int) -> str:
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.analyze(spec(layers, **sizes))
    return str(caught.value)


COMMANDS = ["table", "explain", "check --max-params 1", "reconcile", "compare-fc", "diff lenet5"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("format", ["text", "markdown", "latex", "html", "rst", "asciidoc"])
def test_what_fits_is_shown_to_people(command: str, format: str) -> None:
    word, *more = command.split()
    result = run(word, "net.json", *more, "-f", format)
    assert result.code == 2
    assert result.err == SAYS.format(line="43:4")
    shown = result.out.replace(r"$\times$", "×")
    places = [shown.find(f"{size}×{size}×") for size in SIZES]
    assert -1 not in places
    assert places == sorted(places)
    assert "conv4 and 2 more layers have no row" in result.out
    assert "total" not in result.out.replace("the total", "")


@pytest.mark.parametrize(
    "arguments",
    ["table -f json", "table -f csv", "table --value macs", "draw", "export", "draw -f mermaid"],
)
def test_scripts_read_nothing(arguments: str) -> None:
    word, *more = arguments.split()
    assert run(word, "net.json", *more) == (2, "", SAYS.format(line="43:4"))


def test_a_file_is_not_written() -> None:
    assert run("table", "net.json", "-o", "table.md").code == 2
    assert not Path("table.md").exists()


def test_several_networks_each_have_their_table() -> None:
    Path("other.json").write_text(json.dumps(spec(CHAIN[2:])))
    # 28 → 26 → 13 → 11 → 5 → 3: the other fits.
    result = run("table", "net.json", "other.json", "lenet5", "net.json")
    assert result.code == 2
    assert result.err == 2 * SAYS.format(line="43:4")
    assert result.out.count("3×3×64") == 2
    checked = run("check", "lenet5", "net.json", "--max-params", "1M")
    assert "within budget" in checked.out
    assert "net: does not fit" in checked.out
    assert checked.err == SAYS.format(line="43:4")


@pytest.mark.parametrize(
    "ask",
    [
        cnncalc.analyze,
        cnncalc.explain,
        cnncalc.export,
        cnncalc.draw,
        cnncalc.reconcile,
        cnncalc.compare_fc,
        lambda net: cnncalc.check(net, {"max-params": 1}),
        lambda net: cnncalc.diff(net, "lenet5"),
    ],
)
def test_the_error_has_the_report_of_what_fits(ask: Any) -> None:
    with pytest.raises(cnncalc.SpecError) as caught:
        ask("net.json")
    report = caught.value.report
    assert [shape[1:] for shape in report.column("output")] == [[s, s] for s in SIZES]
    assert report.missing == ("conv4", "flatten1", "fc1")
    assert "3×3×64" in str(report)
    assert str(caught.value) + "\n" == SAYS.format(line="43:4")


def graph(layers: Any, input: tuple[int, ...]) -> Graph:
    return cnncalc.load(spec(layers)).with_input(input)


def test_what_is_said_to_fit_fits() -> None:
    cnncalc.analyze(graph(CHAIN, (1, 38, 38)))
    for height, width in ((37, 38), (38, 37), (37, 37)):
        with pytest.raises(cnncalc.SpecError):
            cnncalc.analyze(graph(CHAIN, (1, height, width)))
    conv = {"out_channels": 128, "kernel_size": 3}
    for index, layer in (
        (6, {"conv": {**conv, "kernel_size": 1}}),
        (6, {"conv": {**conv, "padding": 1}}),
        (3, {"max_pool": {"kernel_size": 2, "stride": 1}}),
    ):
        cnncalc.analyze(spec([*CHAIN[:index], layer, *CHAIN[index + 1 :]]))


@pytest.mark.parametrize(
    ("layers", "fits"),
    [
        # A divisor of 30 and of 60 near 4; a multiple of the groups.
        ([{"conv": {"out_channels": 60, "kernel_size": 1, "groups": 4}}], "fits with groups 5"),
        (
            [{"conv": {"out_channels": 61, "kernel_size": 1, "groups": 5}}],
            "fits with out_channels 60 or groups 1",
        ),
        ([{"group_norm": 4}], "fits with num_groups 5"),
        ([{"reshape": [30, -1]}, {"multi_head_attention": 4}], "fits with num_heads 5"),
        ([{"pixel_shuffle": 2}], "fits with upscale_factor 1"),
        (
            [{"conv": {"out_channels": 3, "kernel_size": 5, "dilation": 8}}],
            "fits with kernel_size 4, padding 3 or dilation 6; the smallest input that fits is "
            "33×33",
        ),
        ([{"conv": {"out_channels": 3, "kernel_size": [3, 31]}}], "fits with kernel_size [3, 28]"),
        ([{"crop": 15}], "fits with cropping 13; the smallest input that fits is 31×31"),
        ([{"slice": 33}], "fits with stop 30"),
    ],
    ids=str,
)
def test_every_kind_says_what_fits(layers: Any, fits: str) -> None:
    # In 28×28×30: 3·8 + 1 = 25, 4·6 + 1 = 25, 28 + 2·3 = 34; the extent is 4·8 + 1 = 33.
    assert fits in said(layers, channels=30), said(layers, channels=30)


def unet(levels: int) -> list[Any]:
    """An encoder and a decoder with so many poolings, all convolutions of the size that comes."""

    def conv(name: str) -> dict[str, Any]:
        fields = {"out_channels": 4, "kernel_size": 3, "padding": 1, "activation": "relu"}
        return {"conv": fields, "name": name}

    down = [[conv(f"enc{i}"), {"max_pool": 2, "name": f"pool{i}"}] for i in range(1, levels + 1)]
    up: list[dict[str, Any]] = []
    for i in range(levels, 0, -1):
        fields = {"out_channels": 4, "kernel_size": 2, "stride": 2}
        join: dict[str, Any] = {"concat": None, "from": [f"up{i}", f"enc{i}"]}
        up += [{"conv_transpose": fields, "name": f"up{i}"}]
        up += [{**join, "name": f"join{i}"}]
    return [layer for pair in down for layer in pair] + up


def test_joins_that_do_not_meet_name_their_branches_and_sizes_that_work() -> None:
    # 760/8 = 95, 95/2 = 47.5: pool4 loses a row; 23·32 = 736, 24·32 = 768, 16·32, 17·32.
    text = said(unet(5), height=760, width=540)
    assert "join5: branches differ in more than their channels: up5 46×32×4, enc5 47×33×4" in text
    assert "they parted at enc5, then pool5 makes 23×16 of 47×33" in text
    assert text.endswith("inputs that fit: 736×512, 768×544")
    for height, width in ((736, 512), (768, 544)):
        cnncalc.analyze(spec(unet(5), height, width))


def test_the_bundled_unet_at_570() -> None:
    result = run("table", "unet", "--input", "570x570")
    # 570/8 = 71.25: encoder4 has 71, pool4 35, upconv4 70; 35·16 = 560, 36·16 = 576.
    assert "upconv4 70×70×256, encoder4.bn2 71×71×256" in result.err
    assert "then pool4 makes 35×35 of 71×71" in result.err
    assert result.err.endswith("inputs that fit: 560×560, 576×576\n")
    chw = run("table", "unet", "--input", "570x570", "--layout", "chw")
    assert "upconv4 256×70×70, encoder4.bn2 256×71×71" in chw.err
    assert "256×35×35" in chw.out


def test_a_stride_in_one_branch_only_is_named() -> None:
    conv = {"out_channels": 3, "kernel_size": 3, "stride": 2, "padding": 1}
    text = said([{"add": [[{"conv": conv, "name": "down"}], []], "name": "sum"}], channels=3)
    assert "sum: branches differ: down 14×14×3, input 28×28×3; they parted at input, then" in text
    assert "down makes 14×14 of 28×28; give both the same strides and padding" in text


def test_training_says_it_too() -> None:
    pytest.importorskip("torch")
    for command in (
        ["train", "net.json", "--output", "run"],
        ["compare-fc", "net.json", "--train"],
    ):
        assert run(*command, "--data", "synthetic") == (2, "", SAYS.format(line="43:4"))
    assert not Path("run").exists()


def test_an_unpooling_whose_pooling_gave_another_size() -> None:
    undo = {"max_unpool": None, "indices_of": "pool"}
    text = said([{"max_pool": 2, "name": "pool"}, {"max_pool": 2}, undo], channels=4)
    assert "it reads 7×7×4, but pool, whose indices it takes, gave 14×14×4" in text


def test_a_broken_row_of_a_branch_leaves_the_other_branches_their_rows() -> None:
    wide = {"conv": {"out_channels": 1, "kernel_size": 29}, "name": "wide"}
    thin = {"conv": {"out_channels": 1, "kernel_size": 1}, "name": "thin"}
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.analyze(spec([{"concat": [[wide], [thin]], "name": "both"}, "relu"]))
    assert caught.value.report.column("name") == ["thin"]
    assert caught.value.report.missing == ("wide", "both", "relu1")


def test_a_join_of_equal_branches_that_is_too_large() -> None:
    # 28 · 28 · 2³²³ is the first that is more than 10¹⁰⁰.
    doubled: list[Any] = [{"concat": [[], []]}] * 340
    assert "the output would have more than 10¹⁰⁰ values" in said(doubled)


def test_long_joins_stay_fast() -> None:
    # A quarter of MAX_NODES in a row, each pair joined, and the last join does not meet.
    add = [{"add": [[{"relu": None}], []]}] * 1_200
    text = said([*add, {"add": [[{"max_pool": 2}], []], "name": "last"}])
    assert "last: branches differ: pool1 14×14×1, add1200 28×28×1; they parted at add1200" in text


@pytest.mark.parametrize(
    "layers",
    [
        [{"conv": {"out_channels": 1, "kernel_size": 10**12}}],
        [{"conv": {"out_channels": 10**12, "kernel_size": 1, "groups": 999_999_999_989}}],
        [{"max_pool": {"kernel_size": 3, "stride": 10**12}}, {"max_pool": [3, 10**9]}] * 400,
        [{"add": [[{"max_pool": 10**6}], [{"max_pool": 7}]]}] * 400,
    ],
)
def test_hostile_sizes_stay_fast(layers: Any) -> None:
    sizes = {"height": 10**12, "width": 10**12, "channels": 10**12}
    assert "does not fit" in said(CHAIN, **{**sizes, "width": 1})
    said([*layers, {"reshape": [7, 7]}], **sizes)
