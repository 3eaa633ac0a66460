"""Layers, inputs and blocks that nothing reads are counted, and that is said."""

import json
from pathlib import Path
from typing import Any

import pytest

import cnncalc as library
from cnncalc.spec.bundled import networks
from tests.command import cnncalc

SPEC = """\
name: forgetful
input: {height: 32, width: 32, channels: 3}
layers:
  - conv: {out_channels: 8, kernel_size: 3, activation: relu}
    name: stem
  - conv: {out_channels: 512, kernel_size: 3, activation: relu}
    name: forgotten
  - global_avg_pool
    from: stem
  - linear: 10
""".replace("- global_avg_pool\n    from", "- global_avg_pool: null\n    from")
# stem 30·30·8·27 = 194,400, forgotten 28·28·512·72 = 28,901,376, the last layer 80;
# parameters 8·27 + 8 = 224, 512·72 + 512 = 37,376 and 90.
MACS, PARAMS = 28_901_376 / (194_400 + 28_901_376 + 80), 37_376 / (224 + 37_376 + 90)
SAID = (
    f"no output needs forgotten, {100 * MACS:.1f} % of the MACs and {100 * PARAMS:.1f} % of the "
    "parameters; read it by from, or name it in outputs or auxiliary"
)
WARNING = f"warning: {SAID}"


@pytest.fixture(autouse=True)
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(SPEC)
    named = SPEC.replace("linear: 10\n", "linear: 10\n    name: fc\n")
    Path("right.yaml").write_text(f"{named}outputs: [fc, forgotten]\n")


def test_the_shares_are_those_of_the_arithmetic() -> None:
    assert "99.3 % of the MACs and 99.2 % of the parameters" in SAID


@pytest.mark.parametrize("format", ["text", "markdown", "latex", "html", "rst", "asciidoc"])
def test_a_table_says_it_in_every_format(format: str) -> None:
    written = " ".join(cnncalc("table", "net.yaml", "--format", format).out.split())
    wanted = WARNING.replace("%", r"\%") if format == "latex" else WARNING
    assert wanted in written
    assert "no output needs" not in cnncalc("table", "right.yaml", "--format", format).out


def test_what_scripts_read_says_it_too() -> None:
    found = json.loads(cnncalc("table", "net.yaml", "--format", "json").out)
    warning: dict[str, Any] = {
        "layer": "forgotten",
        "axis": None,
        "kind": "unread",
        "message": SAID,
        "fixes": [],
    }
    assert found["warnings"] == [warning]
    assert found["layers"][2]["name"] == "forgotten"
    assert found["layers"][2]["warnings"] == [warning]
    result = cnncalc("table", "net.yaml", "--format", "csv")
    assert (result.code, result.err) == (0, f"{WARNING}\n")
    # The number stays alone on standard output.
    result = cnncalc("table", "net.yaml", "--value", "macs")
    assert (result.out, result.err) == ("29095856\n", f"forgetful: {WARNING}\n")
    result = cnncalc("table", "net.yaml", "lenet5")
    assert (result.code, result.err) == (0, f"forgetful: {WARNING}\n")


def test_strict_refuses_it_and_says_why() -> None:
    assert cnncalc("table", "net.yaml", "--strict").code == 1
    assert cnncalc("table", "net.yaml", "--strict-any").code == 1
    assert cnncalc("table", "right.yaml", "--strict").code == 0
    result = cnncalc("check", "net.yaml", "--strict")
    assert result.code == 1
    assert f"what nothing reads: {SAID}" in " ".join(result.out.split())
    assert cnncalc("check", "right.yaml", "--strict").code == 0


def test_check_warns_where_nothing_is_over() -> None:
    result = cnncalc("check", "net.yaml", "--max-macs", "1G")
    assert result.code == 0
    assert WARNING in " ".join(result.out.split())
    found = json.loads(cnncalc("check", "net.yaml", "--max-macs", "1G", "--format", "json").out)
    assert found["specs"][0]["warnings"][0]["message"] == SAID
    result = cnncalc("check", "net.yaml", "--max-macs", "1G", "--format", "github")
    last = result.out.splitlines()[-1]
    assert last.startswith("::warning file=net.yaml,line=6,")
    assert "no output needs" in last


def test_the_working_and_a_drawing_say_it() -> None:
    found = library.explain("net.yaml", "forgotten", "stem")
    remarks = {one.name: one.remark for one in found.layers}
    assert remarks["forgotten"] == "No output needs it; it is counted all the same."
    assert remarks["stem"] == ""
    assert cnncalc("draw", "net.yaml").err == f"note: {SAID}\n"


def test_auxiliary_heads_and_declared_outputs_are_read() -> None:
    assert not library.analyze("right.yaml").warnings
    assert all(
        warning.kind in ("stride", "gap")
        for name in networks()
        for warning in library.analyze(name).warnings
    )


def test_a_chain_is_one_mistake_and_an_input_one_too() -> None:
    shape = {"height": 4, "width": 4, "channels": 1}
    conv: dict[str, Any] = {"conv": {"out_channels": 1, "kernel_size": 1}}
    spec = {
        "inputs": {"image": shape, "depth": shape},
        "layers": [
            {**conv, "name": "a", "from": "image"},
            {**conv, "name": "b"},
            {"max_pool": 2, "name": "c"},
            {**conv, "name": "d", "from": "a"},
        ],
    }
    # One product at each of 4·4 positions; a weight and a bias each.
    assert [w.message for w in library.analyze(spec).warnings] == [
        "no output needs b, c, 33.3 % of the MACs and 33.3 % of the parameters; read them by "
        "from, or name them in outputs or auxiliary",
        "no layer reads the input depth",
    ]


def test_a_block_that_no_item_uses() -> None:
    blocks = {
        "used": {"layers": ["inner"]},
        "inner": {"layers": ["relu"]},
        "never": {"layers": ["lost"]},
        "lost": {"layers": ["relu"]},
    }
    shape = {"height": 4, "width": 4, "channels": 1}
    # What a variant may use is used, also where its round is left out.
    layers = [{"repeat": {"times": 0, "layers": ["used"]}}, "relu"]
    report = library.analyze({"input": shape, "blocks": blocks, "layers": layers})
    assert [(w.kind, w.message) for w in report.warnings] == [
        ("unused", "no layer uses the block never"),
        ("unused", "no layer uses the block lost"),
    ]
    # A block is no part of the network: nothing wrong is counted.
    assert not any(w.harms for w in report.warnings)


def test_of_a_network_that_does_not_fit_nothing_is_said_to_be_unread() -> None:
    conv = "{out_channels: 2, kernel_size: "
    spec = f"""\
input: {{height: 8, width: 8, channels: 1}}
layers:
  - {{conv: {conv}3}}, name: a}}
  - {{conv: {conv}5}}, name: b, from: input}}
  - {{add: null, from: [a, b]}}
"""
    Path("apart.yaml").write_text(spec)
    result = cnncalc("table", "apart.yaml")
    assert (result.code, "conv 5×5" in result.out) == (2, True)
    assert "no output needs" not in result.out + result.err
