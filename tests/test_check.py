"""`cnncalc check`: how budgets are spelled, and what is said where one is over."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import cnncalc as library
from cnncalc.api import analyze
from cnncalc.ask import budget_table, check
from cnncalc.ask.request import given_fields
from cnncalc.errors import UsageError
from cnncalc.findings.budget import LIMITS, STRICT, Limit, amount, counted
from cnncalc.findings.budget_page import github
from cnncalc.meanings import COLUMNS
from cnncalc.spec.bundled import networks
from tests.command import cnncalc
from tests.zoo import zoo

# Spellings

COUNT = "write it like 5000000, 5_000_000, 5,000,000, 5M, 0.3G, 2B or 1e6"
BYTES = "write it like 262144, 256KiB (1,024 bytes each), 256kB (1,000), 1MB or 0.5GiB"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5000000", 5_000_000),
        ("5_000_000", 5_000_000),
        ("5,000,000", 5_000_000),
        ("5M", 5_000_000),
        ("5 M", 5_000_000),
        (" 5M ", 5_000_000),
        ("5k", 5_000),
        ("5K", 5_000),
        ("0.3G", 300_000_000),
        ("2B", 2_000_000_000),
        ("1T", 1_000_000_000_000),
        (".5M", 500_000),
        ("1.8e9", 1_800_000_000),
        ("1e6", 1_000_000),
        ("1E+6", 1_000_000),
        ("1e-3M", 1_000),
        ("0.123456M", 123_456),
        ("1e30", 10**30),
        (5_000_000, 5_000_000),
        (Decimal("5e6"), 5_000_000),
    ],
)
def test_spellings_of_counts(text: Any, number: int) -> None:
    assert amount(text, LIMITS["max-params"], "x") == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("262144", 262_144),
        ("262144 B", 262_144),
        ("256KiB", 262_144),
        ("256 KiB", 262_144),
        ("1MiB", 1_048_576),
        ("1GiB", 1_073_741_824),
        ("1TiB", 1_099_511_627_776),
        ("256kB", 256_000),
        ("256 kB", 256_000),
        ("1MB", 1_000_000),
        ("1.5MB", 1_500_000),
        ("1GB", 1_000_000_000),
        ("1TB", 1_000_000_000_000),
        ("0.5KiB", 512),
        ("0.3MiB", 314_572),  # 314,572.8: no value lies between
        ("1e3B", 1_000),
    ],
)
def test_spellings_of_bytes(text: str, number: int) -> None:
    assert amount(text, LIMITS["max-peak-memory"], "x") == number


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("max-params", "", f"there is no number; {COUNT}"),
        ("max-params", "  ", f"there is no number; {COUNT}"),
        ("max-params", "M", f'"M" is no amount; {COUNT}'),
        ("max-params", "five", f'"five" is no amount; {COUNT}'),
        ("max-params", "5MM", f'"5MM": {COUNT}'),
        ("max-params", "5Ki", f'"5Ki": {COUNT}'),
        ("max-params", "5m", '"5m": m is no unit; did you mean 5M?'),
        ("max-params", "0.3g", '"0.3g": g is no unit; did you mean 0.3G?'),
        ("max-params", "5,5M", f'"5,5M" is no amount; {COUNT}'),
        ("max-params", "5.000.000", f'"5.000.000" is no amount; {COUNT}'),
        ("max-params", "5__0", f'"5__0" is no amount; {COUNT}'),
        ("max-params", "٥", f'"٥" is no amount; {COUNT}'),
        ("max-params", "nan", f'"nan" is no amount; {COUNT}'),
        ("max-params", "\x1b[2J", f'"\\x1b[2J" is no amount; {COUNT}'),
        ("max-params", "9" * 200, f'"{"9" * 30}… (200 characters)" is no amount; {COUNT}'),
        ("max-params", "1e9999", f'"1e9999" is no amount; {COUNT}'),
        ("max-params", "1e31", f"must be at most 10³⁰; {COUNT}"),
        ("max-params", 10**31, f"must be at most 10³⁰; {COUNT}"),
        ("max-params", "0.1234567M", f'"0.1234567M" is not a whole number; {COUNT}'),
        ("max-params", "1.5", f'"1.5" is not a whole number; {COUNT}'),
        ("max-params", "0", "must be more than 0, not 0"),
        ("max-params", "0.0M", "must be more than 0, not 0.0M"),
        ("max-params", "-5M", "must be more than 0, not -5M"),
        ("max-params", -5, "must be more than 0, not -5"),
        ("max-params", True, "must be a whole number or a text, not true"),
        ("max-params", 5.5, "must be a whole number or a text, not 5.5"),
        ("max-params", ["5M"], "must be a whole number or a text, not a list"),
        ("max-params", None, "must be a whole number or a text, not null"),
        ("max-peak-memory", "", f"there is no number; {BYTES}"),
        ("max-peak-memory", "256K", '"256K": say 256KiB (1,024 bytes each) or 256kB (1,000)'),
        ("max-peak-memory", "256k", '"256k": say 256KiB (1,024 bytes each) or 256kB (1,000)'),
        ("max-peak-memory", "256KB", '"256KB": say 256KiB (1,024 bytes each) or 256kB (1,000)'),
        ("max-peak-memory", "1M", '"1M": say 1MiB (1,048,576 bytes each) or 1MB (1,000,000)'),
        ("max-peak-memory", "256kb", '"256kb": kb is no unit; did you mean 256kB?'),
        ("max-peak-memory", "1mib", '"1mib": mib is no unit; did you mean 1MiB?'),
        ("max-peak-memory", "1Mbit", f'"1Mbit": {BYTES}'),
        ("max-peak-memory", "0.5", f'"0.5" is not a whole number; {BYTES}'),
        ("max-peak-memory", "0.0001KiB", f'"0.0001KiB" is not a whole number; {BYTES}'),
        ("max-peak-memory", "0KiB", "must be more than 0, not 0KiB"),
        ("min-receptive-field", "224px", '"224px": write it like 224'),
        ("min-receptive-field", "224x224", '"224x224" is no amount; write it like 224'),
    ],
)
def test_bad_spellings_say_the_right_ones(key: str, text: Any, message: str) -> None:
    with pytest.raises(UsageError) as error:
        amount(text, LIMITS[key], f"--{key}")
    assert str(error.value) == f"--{key}: {message}"


@given(st.integers(1, 10**30))
def test_every_way_to_write_a_number_gives_it(number: int) -> None:
    limit = LIMITS["max-params"]
    for text in (number, str(number), f"{number:,}", f"{number:_}", f"{number}e0"):
        assert amount(text, limit, "x") == number
    text = f"{number // 1000}.{number % 1000:03}k"
    assert amount(text, limit, "x") == number


# Findings


def findings(spec: Any, budgets: dict[str, Any], **options: Any) -> dict[str, Any]:
    verdict = library.check(spec, budgets, **options)
    return {finding.limit.key: finding for finding in verdict.findings}


def test_three_layers_are_named_with_their_shares() -> None:
    # VGG-16 as published: fc6 has 7·7·512·4096 weights and 4096 biases.
    fc6, fc7, fc8 = 25088 * 4096 + 4096, 4096 * 4096 + 4096, 4096 * 1000 + 1000
    result = cnncalc("check", "vgg16", "--max-params", "100M")
    assert result.code == 1
    assert "138,357,544  at most 100,000,000  over by 38.4 %" in result.out
    named = f"fc6 {fc6:,} (74.3 %), fc7 {fc7:,} (12.1 %), fc8 {fc8:,} (3.0 %)"
    assert named in " ".join(result.out.split())


def test_each_quantity_blames_its_own_layers() -> None:
    found = findings(
        "lenet5",
        {
            "max_params": 1,
            "max_macs": 1,
            "max-flops": 1,
            "max-activations": 1,
            "max-weights-size": 1,
        },
        batch=2,
        dtype="int8",
    )
    costs = {key: [(c.name, c.value) for c in f.costs] for key, f in found.items()}
    assert costs == {
        "max-params": [("fc3", 400 * 120 + 120), ("fc4", 120 * 84 + 84), ("conv2", 150 * 16 + 16)],
        "max-macs": [
            ("conv1", 2 * 28 * 28 * 6 * 75),
            ("conv2", 2 * 100 * 16 * 150),
            ("fc3", 2 * 400 * 120),
        ],
        "max-flops": [
            ("conv1", 4 * 28 * 28 * 6 * 75),
            ("conv2", 4 * 100 * 16 * 150),
            ("fc3", 4 * 400 * 120),
        ],
        "max-activations": [
            ("conv1", 2 * 28 * 28 * 6),
            ("conv2", 2 * 10 * 10 * 16),
            ("pool1", 2 * 14 * 14 * 6),
        ],
        "max-weights-size": [
            ("fc3", 400 * 120 + 120),
            ("fc4", 120 * 84 + 84),
            ("conv2", 150 * 16 + 16),
        ],
    }
    assert found["max-params"].value == 62_006


def test_peak_memory_says_where_and_what_is_alive() -> None:
    # The second convolution reads and writes 224·224·64 values of 4 bytes.
    tensor = 224 * 224 * 64 * 4
    found = findings("vgg16", {"max-peak-memory": "1MiB"})["max-peak-memory"]
    assert (found.value, found.where) == (2 * tensor, "conv1_2")
    assert [(c.name, c.value) for c in found.costs] == [("conv1_1", tensor), ("conv1_2", tensor)]


def test_training_memory_is_that_of_the_optimizer() -> None:
    # 1,010 parameters, their gradients and their momentum, of 4 bytes each, and the 100 inputs that
    # the gradient of the weights needs.
    spec = {"input": {"features": 100}, "layers": [{"linear": 10}]}
    for optimizer, copies in (("sgd", 2), ("momentum", 3)):
        found = findings(spec, {"max-training-memory": "1kB"}, optimizer=optimizer)
        assert found["max-training-memory"].value == 4 * (copies * 1010 + 100)


@pytest.mark.parametrize(
    ("spec", "layer", "value"),
    [
        ("vgg16", "pool5", 212),  # Araujo, Norris and Sim, Distill 2019: 212
        ("alexnet-2012", "pool5", 195),  # and 195
        ("mobilenet_v1", None, 315),  # and 315
        ("mobilenet_v3_small", None, "all"),  # its gates read the whole map
    ],
)
def test_receptive_fields_are_those_of_the_last_map(spec: str, layer: str, value: Any) -> None:
    found = findings(spec, {"min-receptive-field": 224})["min-receptive-field"]
    assert found.value == value
    assert layer in (None, found.where)
    assert found.over == (value in (212, 195))


def test_vectors_have_no_receptive_field() -> None:
    result = cnncalc("check", "mlp-mnist", "--min-receptive-field", "1")
    assert result.code == 2
    assert result.err == "MNIST dense network: min-receptive-field: no layer of it has positions\n"


@given(st.integers(1, 200_000))
def test_over_is_more_than_the_budget_and_nothing_else(budget: int) -> None:
    # 62,006 parameters; a receptive field of 5 + 1 + 4·2 + 1·2 = 16.
    found = findings("lenet5", {"max-params": budget, "min-receptive-field": budget})
    assert found["max-params"].over == (budget < 62_006)
    assert found["min-receptive-field"].over == (budget > 16)


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ("62006", "at most 62,006  ok"),
        ("62005", "at most 62,005  over by <0.1 %"),
        ("124012", "at most 124,012  ok, 50.0 % left"),
        ("1G", "at most 1,000,000,000  ok, >99.9 % left"),
        ("1k", "at most 1,000  over by 6,101 %"),
        ("31003", "at most 31,003  over by 100.0 %"),
    ],
)
def test_margins(budget: str, said: str) -> None:
    result = cnncalc("check", "lenet5", "--max-params", budget)
    (line,) = (line for line in result.out.splitlines() if line.startswith("params"))
    assert line.endswith(said)
    assert result.code == ("over" in said)


STRIDES = {
    "name": "strides",
    "input": {"height": 224, "width": 224, "channels": 3},
    "layers": [
        {"conv": {"out_channels": 64, "kernel_size": 7, "stride": 2, "padding": 3}},
        {"conv": {"out_channels": 96, "kernel_size": 11, "stride": 4}},
    ],
}


@pytest.mark.parametrize(
    ("key", "number", "layers"), [("strict", 2, ["conv2"]), ("strict-any", 4, ["conv1", "conv2"])]
)
def test_strides_are_limits_too(key: str, number: int, layers: list[str]) -> None:
    # (224 + 6 − 7)/2 + 1 = 112.5 drops a column of padding; (112 − 11)/4 + 1 = 26.25 drops input.
    found = findings(STRIDES, {key: True})[key]
    assert (found.value, found.over) == (number, True)
    assert [note.split(":")[0] for note in found.notes] == layers
    assert library.check("lenet5", {key: True}).ok
    assert not library.check(STRIDES, {key: False}).findings


@pytest.mark.parametrize("name", networks())
def test_what_layers_cost_adds_up_to_the_totals(name: str) -> None:
    report = analyze(name)
    for limit in LIMITS.values():
        if COLUMNS[limit.column].total:
            combine = max if COLUMNS[limit.column].peak else sum
            assert combine(counted(report, limit.column)) == report.total(limit.column)


def test_unknown_limits_are_errors() -> None:
    with pytest.raises(UsageError, match=r"^no such limit: max-parms; did you mean max-params\?$"):
        library.check("lenet5", {"max-parms": 5})


def test_every_limit_is_an_option() -> None:
    options = {given.name.replace("_", "-") for given in given_fields(check.Check)}
    assert {*LIMITS, *STRICT, *budget_table.OPTIONS} <= options
    assert all(limit.column in COLUMNS for limit in LIMITS.values())


# The command


def test_several_specs_are_all_reported() -> None:
    result = cnncalc("check", "lenet5", "nope", "vgg16", "--max-params", "1M")
    assert result.code == 2
    headings = [line for line in result.out.splitlines() if ": " in line and "-" not in line[:2]]
    assert headings == ["LeNet-5: within budget", "VGG-16: 1 of 1 over budget"]
    assert result.err.startswith("nope: no such file")


@pytest.mark.parametrize("arguments", [["lenet5"], ["lenet5", "--dtype", "int8"]])
def test_no_budget_is_an_error_that_says_how(arguments: list[str], tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        result = cnncalc("check", *arguments)
        nothing = cnncalc("check")
    assert (result.code, result.out) == (2, "")
    assert result.err == f"lenet5: no budget: {check.HOW}\n"
    assert nothing.code == 2
    assert nothing.err.startswith("nothing to check: name a spec, and give a limit")


def test_bytes_follow_dtype_batch_and_input() -> None:
    arguments = ("check", "vgg16", "--max-peak-memory", "1GB", "-f", "json")
    values = []
    for more in ([], ["--dtype", "int8"], ["--batch", "3"], ["--input", "448x448"]):
        (entry,) = json.loads(cnncalc(*arguments, *more).out)["specs"]
        values.append(entry["limits"][0]["value"])
    tensors = 2 * 224 * 224 * 64
    assert values == [4 * tensors, tensors, 12 * tensors, 16 * tensors]


def test_json_has_the_raw_numbers() -> None:
    result = cnncalc("check", "lenet5", "nope", "--max-params", "50k", "-f", "json")
    assert result.code == 2
    assert json.loads(result.out) == {
        "ok": False,
        "specs": [
            {
                "spec": "lenet5",
                "name": "LeNet-5",
                "ok": False,
                "batch": 1,
                "dtype": "float32",
                "asked": {},
                "limits": [
                    {
                        "limit": "max-params",
                        "column": "params",
                        "unit": None,
                        "value": 62006,
                        "budget": 50000,
                        "over": True,
                        "where": None,
                        "costs": [
                            {"name": "fc3", "value": 48120},
                            {"name": "fc4", "value": 10164},
                            {"name": "conv2", "value": 2416},
                        ],
                        "notes": [],
                    }
                ],
                "warnings": [],
            },
            {"spec": "nope", "ok": False, "error": result.err.strip()},
        ],
    }


class Tags(HTMLParser):
    """Complains of a tag that is closed and was not opened last."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in ("br", "meta", "hr", "col"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", zoo())
def test_every_network_in_every_format(name: str) -> None:
    limits = ["--max-params", "1k", "--max-macs", "1T", "--max-peak-memory", "1kB", "--strict-any"]
    printed = {}
    for format in ("text", "markdown", "latex", "html", "json", "github"):
        result = cnncalc("check", name, *limits, "-f", format)
        assert (result.code, result.err) == (1, "")
        printed[format] = result.out
    (entry,) = json.loads(printed["json"])["specs"]
    value = f"{entry['limits'][0]['value']:,}"
    assert all(value in printed[f] for f in ("text", "markdown", "html", "github"))
    rows = [
        t for t in MarkdownIt().enable("table").parse(printed["markdown"]) if t.type == "tr_open"
    ]
    assert len(rows) == 1 + 4
    tags = Tags()
    tags.feed(printed["html"])
    tags.close()
    assert not tags.open
    commands = [line for line in printed["github"].splitlines() if line.startswith("::error ")]
    assert len(commands) == sum(limit["over"] for limit in entry["limits"])


# GitHub


def command(line: str) -> tuple[dict[str, str], str]:
    """Properties and message of a workflow command, as GitHub's runner reads it."""
    match = re.fullmatch(r"::error ([^:]*)::(.*)", line)
    assert match, line

    def plain(text: str) -> str:
        for code, letter in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ",")):
            text = text.replace(code, letter)
        return text.replace("%25", "%")

    properties = dict(part.split("=", 1) for part in match[1].split(","))
    return {key: plain(value) for key, value in properties.items()}, plain(match[2])


def test_github_points_at_the_line_of_the_costliest_layer(tmp_path: Path) -> None:
    path = tmp_path / "a,b:c%0A.yaml"
    path.write_text(
        "name: '100 %: a, b'\n"
        "input: {height: 32, width: 32, channels: 3}\n"
        "layers:\n"
        "  - conv: {out_channels: 6, kernel_size: 5}\n"
        "  - flatten\n"
        "  - linear: 10\n"
    )
    # 28·28·6·10 + 10 = 47,050 and 456 parameters.
    result = cnncalc("check", str(path), "--max-params", "40k", "--max-macs", "1T", "-f", "github")
    assert result.code == 1
    error, fine = result.out.splitlines()
    assert fine.startswith(f"{path}: MACs ")
    properties, message = command(error)
    assert properties == {
        "file": str(path),
        "line": "6",
        "title": "100 %: a, b: over budget: params",
    }
    assert message == (
        "params 47,506, at most 40,000: over by 18.8 %\nfc1 47,050 (99.0 %), conv1 456 (1.0 %)"
    )


@given(st.text(max_size=20), st.integers(1, 99))
def test_no_name_can_end_a_workflow_command_or_start_another(name: str, line: int) -> None:
    verdict = replace(library.check("lenet5", {"max-params": 1}), name=name)
    (only,) = github(verdict, name, lambda layer: line)
    assert "\n" not in only
    assert "\r" not in only
    properties, _ = command(only)
    assert set(properties) == {"file", "line", "title"}
    assert properties["line"] == str(line)


def test_a_new_limit_is_a_line() -> None:
    # What a limit needs is its column; everything else follows from that.
    from cnncalc.findings.budget import verdict

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(LIMITS, "max-buffers", Limit("max-buffers", "buffers", "buffers"))
        (found,) = verdict(analyze("lenet5-1998"), {"max-buffers": 800}).findings
    # The 84 · 10 fixed prototypes of its output.
    assert (found.value, found.over, found.costs[0].name) == (840, True, "OUTPUT")


def test_github_points_at_mistakes_in_a_spec_too(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: {height: 8, width: 8, channels: 1}\nlayers:\n  - conv: {kernal: 3}\n")
    missing = str(tmp_path / "none.yaml")
    result = cnncalc("check", str(path), missing, "--max-params", "1M", "-f", "github")
    assert result.code == 2
    *mistakes, last = result.out.splitlines()
    assert mistakes
    for line in mistakes:
        assert line.startswith(f"::error file={path},line=3,title=not checked::")
    assert last.startswith(f"::error file={missing},line=1,title=not checked::")
    assert len(result.err.splitlines()) == len(mistakes) + 1
