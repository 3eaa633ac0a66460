"""What was asked otherwise than the spec says stands in every answer that people read."""

from __future__ import annotations

import json
from typing import Any

import pytest

import cnncalc
from cnncalc.ask.option import DATA_FORMATS
from cnncalc.ask.table import Table
from cnncalc.render.write import FORMATS
from tests.command import cnncalc as command

SPEC: dict[str, Any] = {
    "name": "small",
    "vars": {"width": 4, "act": "relu", "double": "=2*width"},
    "input": {"height": 8, "width": 8, "channels": 3},
    "layers": [
        {"conv": {"out_channels": "=width", "kernel_size": 3, "activation": "=act"}},
        "global_avg_pool",
        {"linear": 10},
    ],
}
ASKED = ["--input", "16x16", "--batch", "64", "--dtype", "float16", "--set", "width=6"]
OPTIONS = ["--count-as", "torch", "--params-as", "keras", "--optimizer", "adam"]
TEXT = "input 16×16×3, width = 6, batch 64, float16"
ALL = f"{TEXT}, counted as torch, parameters as keras, optimizer adam"
DATA = {"inputs": {"input": [3, 16, 16]}, "variables": {"width": 6}, "batch": 64}
DATA |= {"dtype": "float16"}


def plain(text: str) -> str:
    """A page's words in one line, its formats' signs for × and = and _ read back."""
    for sign, letter in (("$\\times$", "×"), ("\\_", "_"), ("\\=", "="), ("&#215;", "×")):
        text = text.replace(sign, letter)
    return " ".join(text.split())


@pytest.fixture
def spec(tmp_path: Any) -> str:
    path = tmp_path / "small.json"
    path.write_text(json.dumps(SPEC), "utf-8")
    return str(path)


@pytest.mark.parametrize("format", FORMATS)
def test_a_table_says_what_was_asked(spec: str, format: str) -> None:
    said = f"As asked: {ALL}."
    one = command("table", spec, *ASKED, *OPTIONS, "-f", format).out
    assert plain(one).count(said) == 1
    two = command("table", spec, spec, *ASKED, *OPTIONS, "-f", format).out
    assert plain(two).count(said) == 1
    for nothing in (["table", spec], ["table", spec, spec], ["table", spec, "--batch", "1"]):
        assert "As asked" not in command(*nothing, "-f", format).out


def test_what_is_as_the_spec_has_it_was_not_asked(spec: str) -> None:
    same = ["--input", "8x8x3", "--set", "width=4", "--set", "act=relu", "--dtype", "float32"]
    assert "As asked" not in command("table", spec, *same).out
    assert 'As asked: act = "gelu".' in command("table", spec, "--set", "act=gelu").out
    # A variant is a network of its own; what differs from it was asked.
    assert "As asked" not in command("table", "mnasnet0_5").out
    assert "As asked: width = 1.0." in command("table", "mnasnet0_5", "--set", "width=1.0").out


def test_csv_says_it_beside_the_table(spec: str) -> None:
    for networks in ([spec], [spec, spec]):
        result = command("table", *networks, *ASKED, "-f", "csv")
        assert "asked" not in result.out
        assert f"As asked: {TEXT}." in result.err


def test_networks_that_differ_have_a_line_each(spec: str) -> None:
    reports = [cnncalc.analyze(spec, batch=2), cnncalc.analyze(spec)]
    answer = Table(specs=("a", "b")).answer(reports)
    assert "a: As asked: batch 2." in answer.text()
    assert "b: As asked" not in answer.text()


def test_json_has_it_as_data(spec: str) -> None:
    one = json.loads(command("table", spec, *ASKED, *OPTIONS, "-f", "json").out)
    options = {"count_as": "torch", "params_as": "keras", "optimizer": "adam"}
    assert one["asked"] == DATA | options
    two = json.loads(command("table", spec, spec, *ASKED, *OPTIONS, "-f", "json").out)
    assert [entry["asked"] for entry in two] == [DATA | options] * 2
    # Columns that options add are there, too.
    assert [entry["totals"]["count"] > 0 for entry in two] == [True, True]
    assert json.loads(command("table", spec, "-f", "json").out)["asked"] == {}


TITLED = {
    "explain": (["explain"], f"small ({TEXT.replace(', batch 64', '')})"),
    "quiz": (["explain", "--quiz"], f"small ({TEXT.replace(', batch 64', '')})"),
    "check": (["check", "--max-params", "1M", "--max-peak-memory", "1B"], f"small ({TEXT}): 1 of"),
    "compare-fc": (["compare-fc"], f"small ({TEXT}): convolutions"),
    "export": (["export"], '"""small (input 16×16×3, width = 6).'),
    "draw": (["draw"], "<title>small (input 16×16×3, width = 6)</title>"),
    "bars": (["draw", "--kind", "bars"], "<title>small (input 16×16×3, width = 6): params"),
}


@pytest.mark.parametrize(("words", "title"), TITLED.values(), ids=TITLED)
def test_other_pages_have_it_in_their_title(spec: str, words: list[str], title: str) -> None:
    known = {"explain": ["--batch", "64"], "export": ASKED[2:6], "draw": ASKED[2:6]}
    lacking = known.get(words[0], [])
    asked = [word for word in ASKED if word not in lacking]
    result = command(words[0], spec, *words[1:], *asked)
    assert title in result.out, result
    if words[0] in ("explain", "check", "compare-fc"):
        for format in FORMATS[1:]:
            assert title in plain(command(words[0], spec, *words[1:], *asked, "-f", format).out)


def test_a_diff_says_what_was_asked_of_each(spec: str) -> None:
    result = command("diff", spec, "--input-b", "16x16", "--set-b", "width=6", "--batch", "2")
    assert result.out.startswith("small (batch 2) → small (input 16×16×3, width = 6, batch 2)\n")
    data = json.loads(command("diff", spec, "--set-b", "width=6", "-f", "json").out)
    assert data["asked"] == [{}, {"variables": {"width": 6}}]
    same = command("diff", spec, spec, "--input", "16x16")
    assert same.out == "small (input 16×16×3): no differences.\n"


def test_reconcile_says_which_variables(spec: str) -> None:
    for tools in ([], ["torch"], ["torch", "thop"]):
        for format in FORMATS:
            result = command("reconcile", spec, *tools, "--set", "width=6", "-f", format)
            assert plain(result.out).count("As asked: width = 6.") == 1
    (entry,) = json.loads(command("reconcile", spec, "torch", "--set", "width=6", "-f", "json").out)
    assert entry["asked"] == {"variables": {"width": 6}}


def test_budgets_of_a_file_and_annotations_say_it(spec: str) -> None:
    limits = ["--max-params", "1M", "--max-macs", "1", "-f", "github"]
    within, over = command("check", spec, "--batch", "2", *limits).out.splitlines()
    assert within.startswith(f"{spec} (batch 2): params ")
    assert "title=small (batch 2)%3A over budget%3A MACs::" in over
    data = json.loads(command("check", spec, "--batch", "2", *limits[:2], "-f", "json").out)
    assert data["specs"][0]["asked"] == {"batch": 2}


def test_results_show_it_in_a_notebook() -> None:
    report = cnncalc.analyze(SPEC, input=(3, 16, 16), width=6, batch=64, dtype="float16")
    bundle = report._repr_mimebundle_()
    assert [plain(text).count(f"As asked: {TEXT}.") for text in bundle.values()] == [1] * 4
    assert report.asked.to_dict() == DATA
    again = cnncalc.load(SPEC).with_input((3, 16, 16)).with_input((3, 8, 8))
    assert cnncalc.analyze(again).asked.to_dict() == {}


def test_every_format_of_a_table_was_tried() -> None:
    assert set(DATA_FORMATS) == {*FORMATS, "csv", "json"}
