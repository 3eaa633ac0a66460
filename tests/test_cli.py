"""The commands, used as a person uses them."""

from __future__ import annotations

import csv
import io
import json
import re
import stat
from pathlib import Path

import pytest
import yaml

from cnncalc import __version__
from cnncalc.cli.app import COMMANDS
from cnncalc.layers import MODULES
from tests.command import cnncalc


def rows(*arguments: str) -> list[dict[str, str]]:
    """The rows that a command prints as CSV."""
    return list(csv.DictReader(io.StringIO(cnncalc(*arguments, "--format", "csv").out)))


def test_version_is_printed_by_both_paths() -> None:
    assert cnncalc("--version").out == f"cnncalc {__version__}\n"
    assert cnncalc("--version", "table").out == f"cnncalc {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_that_starts_like_the_list(command: str) -> None:
    result = cnncalc(command, "--help")
    assert result.code == 0
    assert f"Usage: cnncalc {command}" in result.out


def test_layer_answers_for_alexnets_first_layer() -> None:
    # Krizhevsky et al. 2012; CS231n: 55·55·96 neurons, (11·11·3 + 1)·96 parameters.
    (_, layer) = rows(
        "layer", "conv", "out_channels=96", "kernel_size=11", "stride=4", "--input", "227x227x3"
    )
    assert layer["output"] == "55x55x96"
    assert int(layer["activations"]) == 55 * 55 * 96 == 290_400
    assert int(layer["params"]) == (11 * 11 * 3 + 1) * 96 == 34_944
    assert int(layer["macs"]) == 55 * 55 * 96 * 363


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["max_pool", "2"], "16x16x3"),
        (["max_pool", "kernel_size=3", "stride=2", "padding=1"], "16x16x3"),
        (["conv", "out_channels=4", "kernel_size=7x1"], "26x32x4"),
        (["conv", "out_channels=4", "kernel_size=[1,7]", "padding=same"], "32x32x4"),
        (["relu"], "32x32x3"),
        (["pad", "padding=[[1,2],[0,0]]"], "35x32x3"),
        (["linear", "10", "--input", "400"], "10"),
        (["conv", "out_channels=8", "kernel_size=80", "stride=4", "--input", "16000x1"], "3981x8"),
        (["avg_pool", "2", "--input", "16x112x112x64"], "8x56x56x64"),
    ],
)
def test_layer_reads_fields_and_inputs(arguments: list[str], output: str) -> None:
    assert rows("layer", *arguments)[-1]["output"] == output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["conv", "kernal_size=3"], "no such field of conv; did you mean kernel_size?"),
        (["conv", "out_channels=4", "3"], 'a field is given as name=value, not the text "3"'),
        (["max_pool", "stride=2", "stride=2"], 'the field "stride" is given twice'),
        (["Conv2D"], "Conv2D: no such layer; the layer is called conv"),
        (["max_pool", "9", "--input", "8x8x3"], "kernel 9 does not fit the input: 8 + 2·0 < 9"),
        (["relu", "--input", "8xax3"], "--input must be sizes like 256x256 or 256x256x3"),
        (["relu", "--input", "0x8x3"], "--input: every size must be from 1 to"),
    ],
)
def test_layer_refuses_in_one_line(arguments: list[str], message: str) -> None:
    result = cnncalc("layer", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


def test_value_prints_one_number() -> None:
    assert cnncalc("table", "lenet5", "--value", "params").out == "62006\n"
    assert cnncalc("table", "lenet5", "--value", "layers").out == "5\n"
    result = cnncalc("table", "lenet5", "--value", "output")
    assert (result.code, result.out, result.err) == (2, "", "the column output has no total\n")


def test_sort_and_top_show_where_the_parameters_are() -> None:
    names = [row["name"] for row in rows("table", "lenet5", "--sort", "params", "--top", "3")]
    assert names == ["input", "fc3", "fc4", "conv2"]
    text = cnncalc("table", "lenet5", "--sort", "params", "--top", "3").out
    assert "5 more rows not shown" in text
    assert "62,006" in text


def layer_rows(*arguments: str) -> int:
    """How many rows of layers a Markdown table of ResNet-50 has; all but the layers' are bold."""
    text = cnncalc("table", "resnet50", "--columns", "name,params", "-f", "markdown", *arguments)
    (body,) = re.findall(r"^\|[-: |]+\|\n((?:\|.*\n)+)", text.out, re.M)
    first, *below = body.splitlines()
    assert first.startswith("| input ")
    return sum("**" not in row for row in below)


# 53 convolutions, as many batch norms, 16 sums, two poolings and the dense layer.
ALL = 2 * 53 + 16 + 2 + 1


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--depth", "all"], ALL),
        (["--sort", "params"], ALL),
        (["--sort", "params", "--top", "70"], 70),
        (["--top", "70"], 70),
        (["--top", "126"], ALL),
    ],
)
def test_large_tables_are_not_cut_further_than_asked(arguments: list[str], shown: int) -> None:
    assert layer_rows(*arguments) == shown


def test_large_tables_are_cut_where_nothing_is_asked() -> None:
    assert layer_rows() < ALL


def test_batch_multiplies_work_and_not_parameters() -> None:
    one = json.loads(cnncalc("table", "lenet5", "-f", "json").out)["totals"]
    eight = json.loads(cnncalc("table", "lenet5", "-f", "json", "--batch", "8").out)["totals"]
    for key in ("macs", "flops", "activations"):
        assert eight[key] == 8 * one[key]
    assert eight["params"] == one["params"] == 62_006


def test_input_replaces_sizes_and_keeps_channels() -> None:
    # CS231n: the VGG network on 384×384 gives 12×12×512 before its dense layers.
    assert "12×12×512" in cnncalc("table", "vgg16", "--input", "384x384").out
    convolutional = rows("table", "lenet5", "--input", "28x28x3", "--columns", "name,output")
    assert convolutional[1] == {"name": "conv1", "output": "24x24x6"}
    result = cnncalc("table", "lenet5", "--input", "28")
    assert result.err == "--input must have as many sizes as the spec's 32x32x3, not 28\n"


def test_dtype_gives_bytes() -> None:
    (_, conv1, *_) = rows("table", "lenet5", "--columns", "params_bytes", "--dtype", "float16")
    assert int(conv1["params_bytes"]) == 456 * 2
    assert cnncalc("table", "--value", "params_bytes").out == f"{62_006 * 4}\n"


def test_layout_chw_prints_torchs_order() -> None:
    (_, conv1, *_) = rows("table", "lenet5", "--layout", "chw", "--columns", "output")
    assert conv1["output"] == "6x28x28"


def test_columns_can_be_added() -> None:
    (_, conv1, *_) = rows("table", "lenet5-1998", "--columns", "+connections")
    assert int(conv1["connections"]) == 122_304
    assert int(conv1["macs"]) == 28 * 28 * 6 * 25


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--columns", "conections"], "no such column: conections; did you mean connections?"),
        (["--columns", ","], "--columns names no column"),
        (["--sort", "name"], "cannot sort by name; sort by a column of numbers"),
        (["--batch", "0"], "batch must be a whole number from 1 to 1,000,000,000,000, not 0"),
        (["--dtype", "float33"], "no such dtype: float33; did you mean float32?"),
    ],
)
def test_wrong_options_are_one_line(arguments: list[str], message: str) -> None:
    assert cnncalc("table", "lenet5", *arguments) == (2, "", message + "\n")


def test_output_file_is_written_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "table.md"
    target.write_text("old")
    target.chmod(0o640)
    link = tmp_path / "link.md"
    link.symlink_to(target)
    result = cnncalc("table", "lenet5", "-f", "markdown", "-o", str(link))
    assert (result.code, result.out) == (0, "")
    assert "**62,006**" in target.read_text(encoding="utf-8")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert link.is_symlink()
    assert {path.name for path in tmp_path.iterdir()} == {"link.md", "table.md"}


def test_output_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    result = cnncalc("table", "lenet5", "-o", str(tmp_path / "missing" / "table.txt"))
    assert result.code == 2
    assert result.err.endswith("table.txt: No such file or directory\n")


def test_specs_lists_every_bundled_network() -> None:
    listed = json.loads(cnncalc("specs", "-f", "json").out)
    by_name = {entry["spec"]: entry for entry in listed}
    # torchvision's own counts.
    assert by_name["alexnet"]["params"] == 61_100_840
    assert by_name["vgg16"]["params"] == 138_357_544
    text = cnncalc("specs").out
    assert all(name in text for name in by_name)
    # What stands in a file's `variants` is found by its own name, without reading YAML.
    written: set[str] = set()
    for path in Path(__file__).parent.parent.joinpath("specs").iterdir():
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        written |= set(data.get("variants", [path.stem]))
    assert written == set(by_name)


def test_show_prints_the_file_and_its_graph() -> None:
    spec = Path(__file__).parent.parent / "specs" / "lenet5.json"
    assert cnncalc("show", "lenet5").out == spec.read_text(encoding="utf-8")
    graph = cnncalc("show", "lenet5", "--expand").out.splitlines()
    assert graph[3].split() == ["conv1", "input", "conv(kernel_size=5,", "out_channels=6)"]
    assert graph[4].split() == ["conv1.relu", "conv1", "relu()"]


def test_init_writes_a_spec_that_works(tmp_path: Path) -> None:
    path = tmp_path / "first.yaml"
    assert cnncalc("init", str(path)).code == 0
    # 28 → 26 → 13 → 13 → 6; 9·32 + 32, 9·32·64 + 64, 6·6·64·64 + 64, 64·10 + 10.
    expected = 320 + 18_496 + 147_520 + 650
    assert cnncalc("table", str(path), "--value", "params").out == f"{expected}\n"
    again = cnncalc("init", str(path))
    assert again.code == 2
    assert again.err.endswith("exists already; --force replaces it\n")
    assert cnncalc("init", str(path), "--force").code == 0
    assert cnncalc("init", str(tmp_path / "first.json")).code == 2
    printed = cnncalc("init", "-").out
    assert cnncalc("table", "-", "--value", "params", stdin=printed.encode()).out == (
        f"{expected}\n"
    )


@pytest.mark.parametrize("word", MODULES)
def test_layers_explains_every_layer(word: str) -> None:
    result = cnncalc("layers", word)
    assert result.code == 0
    assert result.out.startswith(f"{word}: ")


def test_layers_names_the_right_word() -> None:
    assert cnncalc("layers", "Conv2D").err == "no such layer: Conv2D; the layer is called conv\n"
    assert set(MODULES) <= set(cnncalc("layers").out.split())


def test_layer_page_is_current() -> None:
    page = Path(__file__).parent.parent / "docs" / "layers.md"
    assert cnncalc("layers", "--format", "markdown").out == page.read_text(encoding="utf-8"), (
        "run: cnncalc layers --format markdown > docs/layers.md"
    )


def test_several_networks_stand_side_by_side() -> None:
    # torchvision's counts of parameters, and 2 FLOPs for each of its multiply-adds.
    text = cnncalc("table", "alexnet", "vgg16").out.splitlines()
    assert text[2].split()[:3] == ["alexnet", "224×224×3", "8"]
    assert text[2].split()[4:] == ["61,100,840", "714,188,480", "1,428,376,960"]
    assert text[3].split()[5] == "15,470,264,320"
    found = rows("table", "alexnet", "vgg16", "--sort", "params", "--columns", "params")
    assert [(row["network"], row["params"]) for row in found] == [
        ("vgg16", "138357544"),
        ("alexnet", "61100840"),
    ]
    both = json.loads(cnncalc("table", "alexnet", "vgg16", "-f", "json").out)
    assert [entry["totals"]["params"] for entry in both] == [61_100_840, 138_357_544]
    markdown = cnncalc("table", "alexnet", "vgg16", "-f", "markdown").out.splitlines()
    assert markdown[3].replace(" ", "").startswith("|vgg16|224×224×3|16|")
    assert cnncalc("table", "alexnet", "vgg16", "--columns", "output").code == 2


# torchvision's counts of parameters, and the course's of LeNet-5.
PARAMS = {"lenet5": 62_006, "alexnet": 61_100_840, "vgg16": 138_357_544, "resnet18": 11_689_512}


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--top", "3"], ["lenet5", "alexnet", "vgg16"]),
        (["--sort", "params"], ["vgg16", "alexnet", "resnet18", "lenet5"]),
        (["--sort", "params", "--top", "2"], ["vgg16", "alexnet"]),
        (["--sort", "params", "--top", "9"], ["vgg16", "alexnet", "resnet18", "lenet5"]),
    ],
)
def test_top_of_several_networks_keeps_the_first_of_them(
    arguments: list[str], shown: list[str]
) -> None:
    arguments = ["table", *PARAMS, "--columns", "params", *arguments]
    found = rows(*arguments)
    assert [row["network"] for row in found] == shown
    assert [int(row["params"]) for row in found] == [PARAMS[name] for name in shown]
    entries = json.loads(cnncalc(*arguments, "-f", "json").out)
    assert [entry["spec"] for entry in entries] == shown
    text = cnncalc(*arguments).out
    assert [name for name in PARAMS if f"{PARAMS[name]:,}" in text] == [
        name for name in PARAMS if name in shown
    ]


WEIGHTS = {
    "lenet5": 62_006 - (6 + 16 + 120 + 84 + 10),
    "alexnet": 61_100_840 - (64 + 192 + 384 + 256 + 256 + 4096 + 4096 + 1000),
}
"""Their parameters without biases, one for each map or unit."""


def test_a_plus_adds_columns_to_those_of_several_networks() -> None:
    asked = ("table", *WEIGHTS, "--columns", "+weights,macs")
    header, _, *lines = cnncalc(*asked).out.splitlines()
    usual = ["network", "input", "layers", "activations", "params", "MACs", "FLOPs"]
    assert header.split() == [*usual, "weights"]
    assert [line.split()[-1] for line in lines[:2]] == [f"{n:,}" for n in WEIGHTS.values()]
    found = rows(*asked)
    keys = ["network", "input", "layers", "activations", "params", "macs", "flops", "weights"]
    assert [*found[0]] == keys
    assert [int(row["weights"]) for row in found] == [*WEIGHTS.values()]
    entries = json.loads(cnncalc(*asked, "-f", "json").out)
    assert [entry["totals"]["weights"] for entry in entries] == [*WEIGHTS.values()]


def test_a_plus_adds_to_what_is_usual_in_a_format() -> None:
    usual = rows("table", "lenet5")
    found = rows("table", "lenet5", "--columns", "+weights,params")
    assert [*found[0]] == [*usual[0], "weights"]
    report = json.loads(cnncalc("table", "lenet5", "-f", "json").out)
    more = json.loads(cnncalc("table", "lenet5", "--columns", "+weights", "-f", "json").out)
    assert {*more["layers"][0]} == {*report["layers"][0], "weights"}


def test_a_table_says_how_many_networks_it_leaves_out() -> None:
    assert "\n2 more networks not shown.\n" in cnncalc("table", *PARAMS, "--top", "2").out
    assert "\n1 more network not shown.\n" in cnncalc("table", *PARAMS, "--top", "3").out
    assert "not shown" not in cnncalc("table", *PARAMS, "--top", "4").out


def test_several_networks_have_ratios() -> None:
    # A linear 3 → 4 has 12 MACs and moves 3 inputs, 4 outputs and 16 parameters.
    spec = b'{"name": "one", "input": {"features": 3}, "layers": [{"linear": 4}]}'
    asked = ("table", "-", "lenet5", "--columns", "intensity", "--sort", "intensity")
    text = cnncalc(*asked, stdin=spec).out.splitlines()
    assert [line.split()[0] for line in text[2:4]] == ["lenet5", "-"]
    assert text[3].split()[-1] == "0.26"
    raw = cnncalc(*asked, "-f", "csv", stdin=spec).out.splitlines()
    assert float(raw[2].split(",")[-1]) == 24 / (4 * (3 + 4 + 16))


def test_another_input_is_refused_where_there_are_several() -> None:
    spec = (
        '{"inputs": {"a": {"features": 3}, "b": {"features": 3}},'
        ' "layers": [{"add": null, "from": ["a", "b"]}]}'
    )
    assert cnncalc("table", "-", stdin=spec.encode()).code == 0
    result = cnncalc("table", "-", "--input", "4", stdin=spec.encode())
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("--input is for a network with one input")
