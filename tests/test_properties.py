"""What holds for every network, on random ones: laws of counting, and that all formats agree."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from csv import reader as csv_reader
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import prod
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cnncalc.api import analyze
from cnncalc.layers import MODULES
from cnncalc.layers.base import Shape
from cnncalc.render.markdown import markdown
from cnncalc.report import Report
from cnncalc.spec import json_text, yaml_text
from cnncalc.spec.expand import expand
from cnncalc.tables.csv import csv
from cnncalc.tables.json import json as render_json
from cnncalc.tables.table import page, tabulate
from cnncalc.tables.text import render
from tests.strategies import (
    KNOWN_WORDS,
    Item,
    conv_fields,
    conv_transpose_fields,
    layers_for,
    shapes,
    spec_of,
    specs,
    thorough,
    windows,
)

SPATIAL = shapes(min_axes=1)


@pytest.fixture(autouse=True, scope="module")
def _as_wide_as_it_takes() -> Iterator[None]:
    """No terminal's width: every column is printed, and no cell wraps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COLUMNS", raising=False)
        yield


def totals(item: Item, shape: Shape) -> dict[str, int]:
    """The totals of a network of one layer."""
    found: dict[str, int] = analyze(spec_of(item, shape)).to_dict()["totals"]
    return found


def test_every_word_can_be_drawn() -> None:
    assert set(MODULES) == KNOWN_WORDS


# Laws of counting


@pytest.mark.parametrize(
    ("word", "fields_for"), [("conv", conv_fields), ("conv_transpose", conv_transpose_fields)]
)
@thorough(100)
@given(data=st.data(), shape=SPATIAL)
def test_g_groups_divide_macs_and_weights_by_g(
    word: str,
    fields_for: Callable[[Shape], st.SearchStrategy[dict[str, Any]]],
    data: st.DataObject,
    shape: Shape,
) -> None:
    fields = data.draw(fields_for(shape)) | {"bias": False}
    fields.pop("connections", None)
    fields["groups"] = groups = data.draw(st.sampled_from([1, 2, 3, 4]))
    shape = (shape[0] * groups, *shape[1:])
    fields["out_channels"] = groups * data.draw(st.integers(1, 3))
    grouped, dense = totals({word: fields}, shape), totals({word: fields | {"groups": 1}}, shape)
    assert grouped["macs"] * groups == dense["macs"] > 0
    assert grouped["params"] * groups == dense["params"] > 0
    assert grouped["activations"] == dense["activations"]


@thorough(60)
@given(st.data(), SPATIAL)
def test_as_many_groups_as_channels_are_a_depthwise_convolution(
    data: st.DataObject, shape: Shape
) -> None:
    fields = data.draw(windows(shape[1:]))
    times = data.draw(st.integers(1, 3))
    grouped = {"conv": fields | {"out_channels": times * shape[0], "groups": shape[0]}}
    depthwise = {"depthwise_conv": fields | {"channel_multiplier": times}}
    assert totals(grouped, shape) == totals(depthwise, shape)


@thorough(60)
@given(SPATIAL, st.integers(1, 20), st.booleans())
def test_a_kernel_as_large_as_the_input_is_a_dense_layer(
    shape: Shape, outputs: int, bias: bool
) -> None:
    """F = N, P = 0: the same parameters and MACs as fully connecting the flattened input."""
    conv = {"conv": {"out_channels": outputs, "kernel_size": [*shape[1:]], "bias": bias}}
    linear = {"linear": {"out_features": outputs, "bias": bias}}
    assert totals(conv, shape) == totals(linear, (prod(shape),))


@pytest.mark.parametrize("word", ["conv", "depthwise_conv", "separable_conv", "conv_transpose"])
@thorough(60)
@given(data=st.data(), shape=SPATIAL)
def test_dilation_changes_no_parameter(word: str, data: st.DataObject, shape: Shape) -> None:
    item = data.draw(layers_for(shape, word))
    # It may be as large as the dilation lets it.
    item[word].pop("output_padding", None)
    dilated = {**item[word], "dilation": data.draw(st.integers(2, 5))}
    plain = {**item[word], "dilation": 1}
    # Room for the wider kernel.
    wide = (shape[0], *(n + 30 for n in shape[1:]))
    assert totals({word: dilated}, wide)["params"] == totals({word: plain}, wide)["params"] > 0


MULTIPLIED = ("activations", "new_activations", "macs", "flops", "elementwise")
KEPT = ("params", "weights", "biases", "buffers", "connections", "number", "output", "stride")


@thorough(100)
@given(specs(), st.integers(2, 1000))
def test_batch_multiplies_work_and_never_parameters(spec: dict[str, Any], batch: int) -> None:
    one, many = analyze(spec), analyze(spec, batch=batch)
    for key in MULTIPLIED:
        assert many.column(key) == [batch * value for value in one.column(key)]
        assert many.total(key) == batch * one.total(key)
    for key in KEPT:
        assert many.column(key) == one.column(key)
    assert [i["activations"] for i in many.inputs] == [batch * prod(i["shape"]) for i in one.inputs]


@thorough(100)
@given(specs())
def test_laws_of_every_layer(spec: dict[str, Any]) -> None:
    """Activations are the elements of the output, parameters split, and nothing is negative."""
    report = analyze(spec).to_dict(("weights", "biases", "connections"))
    for layer in report["layers"]:
        assert layer["activations"] == prod(layer["output_shape"])
        assert layer["new_activations"] in (0, layer["activations"])
        assert layer["params"] == layer["weights"] + layer["biases"]
        assert layer["flops"] == 2 * layer["macs"]
        assert min(layer["output_shape"]) >= 1
        counts = ("params", "buffers", "macs", "connections", "weights", "biases")
        assert all(layer[key] >= 0 for key in counts)
        assert all(number > 0 for number in layer["elementwise"].values())
        # What a layer reads is what the layers it reads from give.
        given = {other["name"]: other["output_shape"] for other in report["layers"]}
        given["input"] = report["inputs"][0]["shape"]
        assert layer["input_shapes"] == [given[name] for name in layer["from"]]


# JSON and YAML


@thorough(150)
@given(specs())
def test_json_yaml_and_a_mapping_are_the_same_network(spec: dict[str, Any]) -> None:
    text = json.dumps(spec)
    # Read back first: YAML would write a value that occurs twice as an alias.
    block = yaml.safe_dump(json.loads(text), sort_keys=False)
    from_json = expand(json_text.read(text, "spec.json"))
    from_yaml = expand(yaml_text.read(block, "spec.yaml"))
    flow = expand(yaml_text.read(text, "spec.yaml"))
    expected = analyze(spec).to_dict()
    assert [analyze(graph).to_dict() for graph in (from_json, from_yaml, flow)] == [expected] * 3


# Formats

COLUMNS = [
    *("number", "name", "type", "layer", "input", "output", "kernel_size", "stride", "padding"),
    *("activations", "params", "params_share", "weights", "biases", "buffers", "macs"),
    *("macs_share", "flops", "elementwise", "connections"),
]
SUMMED = [
    *("activations", "params", "weights", "biases", "buffers"),
    *("macs", "flops", "elementwise", "connections"),
]

Row = dict[str, str]
"""The cells of a printed row by column."""


def parse_text(printed: str) -> list[Row]:
    """The rows of a text table: its columns are where two blanks stand above each other."""
    block = printed.split("\n\n")[1].splitlines()
    lines = [line for line in block if set(line) - set("─ ")]
    width = max(map(len, lines))
    lines = [line.ljust(width) for line in lines]
    blank = [all(line[i] == " " for line in lines) for i in range(width)] + [True, True]
    starts = [
        i for i in range(width) if not blank[i] and (i == 0 or (blank[i - 1] and blank[i - 2]))
    ]
    ends = [*starts[1:], width]
    assert len(starts) == len(COLUMNS), lines[0]
    rows = [
        [line[start:end].strip() for start, end in zip(starts, ends, strict=True)] for line in lines
    ]
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows[1:]]


def parse_markdown(printed: str) -> list[Row]:
    lines = printed.split("\n\n")[0].splitlines()
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
    assert all(re.fullmatch(r" *-+:? *", cell) for cell in rows[1])
    cells = [
        [re.sub(r"\\(.)", r"\1", re.sub(r"^\*\*(.*)\*\*$", r"\1", cell.strip())) for cell in row]
        for row in rows[2:]
    ]
    return [dict(zip(COLUMNS, row, strict=True)) for row in cells]


def parse_csv(printed: str) -> list[Row]:
    header, *rows = csv_reader(printed.splitlines())
    assert header == COLUMNS
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def number(cell: str) -> int:
    return int(cell.strip("()").replace(",", ""))


def foot(row: Row) -> str:
    """What a row of the foot is called; empty for a layer's row."""
    return row["layer"] if not row["name"] else ""


def percent(part: int, whole: int) -> str:
    if not part:
        return ""
    exact = Decimal(100 * part) / Decimal(whole)
    shown = exact.quantize(Decimal("0.1"), ROUND_HALF_UP)
    return str(shown) if shown else "<0.1"


def printed(report: Report) -> dict[str, list[Row]]:
    """The rows that each format for people prints."""
    table = tabulate(report, COLUMNS)
    text = "".join(f"{line}\n" for line, _ in render(table, None, droppable=()))
    return {
        "text": parse_text(text),
        "markdown": parse_markdown(markdown(page(table))),
        "csv": parse_csv(csv(table)),
    }


@thorough(120)
@given(specs(), st.sampled_from([1, 1, 7]))
def test_formats_agree_and_sum_to_the_totals(spec: dict[str, Any], batch: int) -> None:
    report = analyze(spec, batch=batch)
    read = json.loads(render_json(report, COLUMNS))
    rows = printed(report)
    assert rows["text"] == rows["markdown"]

    body = [row for row in rows["text"] if not foot(row)]
    total = next(row for row in rows["text"] if foot(row) == "total")
    parts = [row for row in rows["text"] if foot(row) not in ("", "total")]
    assert [foot(row) for row in parts] in ([], ["convolutional part", "dense part"])

    # Every column adds up to what stands below it; values in parentheses are no new ones.
    for key in SUMMED:
        layers = [row[key] for row in body[1:] if not row[key].startswith("(")]
        assert number(total[key]) == sum(map(number, layers)) == read["totals"][key]
        if parts:
            assert sum(number(row[key]) for row in parts) == number(total[key])

    # Percents follow from the printed numbers.
    for row in [*body[1:], *parts, total]:
        for key in ("params", "macs"):
            assert row[f"{key}_share"] == percent(number(row[key]), number(total[key]))

    # CSV has the same rows without the foot, the numbers bare and shapes with an x.
    for plain, row in zip(rows["csv"], body, strict=True):
        for key in COLUMNS:
            expected = row[key].strip("()").replace(",", "") if key in SUMMED else row[key]
            sizes = ("input", "output", "kernel_size", "stride", "padding")
            # `1+2,0` has its axes apart as scripts have them: 1+2x0.
            plainly = re.sub("[×,]", "x", expected)
            assert plain[key] == (plainly if key in sizes else expected)

    # JSON has every layer; a row is a layer and what is fused into it.
    groups: list[list[dict[str, Any]]] = []
    for layer in read["layers"]:
        if layer["fused_into"] is None:
            groups.append([])
        groups[-1].append(layer)
    assert read["inputs"][0]["activations"] == number(body[0]["activations"])
    for row, group in zip(body[1:], groups, strict=True):
        assert row["name"] == group[0]["name"]
        assert row["type"] == " + ".join(layer["type"] for layer in group)
        assert row["number"] == str(group[0]["number"] or "")
        channels, *sizes = group[-1]["output_shape"]
        assert row["output"] == "×".join(map(str, [*sizes, channels]))
        assert number(row["activations"]) == group[-1]["activations"]
        for key in ("params", "buffers", "macs", "flops", "connections", "weights", "biases"):
            assert number(row[key]) == sum(layer[key] for layer in group)
        by_kind = sum(sum(layer["elementwise"].values()) for layer in group)
        assert number(row["elementwise"]) == by_kind


# Strides that do not fit

WINDOWED = (
    "conv depthwise_conv separable_conv locally_connected max_pool min_pool avg_pool subsample"
)
AXES = {1: ["length"], 2: ["height", "width"], 3: ["depth", "height", "width"]}


def edited(spec: dict[str, Any], word: str, axis: int, fix: dict[str, Any]) -> dict[str, Any]:
    """The spec with one offered change made by hand, along one axis."""
    spec = json.loads(json.dumps(spec))
    names = AXES[len(spec["input"]) - 1]
    fields = spec["layers"][0][word]
    ((field, value),) = fix.items()
    if field == "input":
        spec["input"][names[axis]] = value
        return spec
    old = fields[field] if field in fields else fields["kernel_size"]
    if old == "valid":
        old = 0
    each = list(old) if isinstance(old, list) else [old] * len(names)
    each[axis] = value
    if field == "padding":
        each = [side if isinstance(side, list) else [side, side] for side in each]
    fields[field] = each
    return spec


@pytest.mark.parametrize("word", WINDOWED.split())
@thorough(100)
@given(data=st.data(), shape=SPATIAL)
def test_every_fix_that_a_warning_offers_fits(word: str, data: st.DataObject, shape: Shape) -> None:
    spec = spec_of(data.draw(layers_for(shape, word)), shape)
    report = analyze(spec).to_dict()
    layer = report["layers"][0]
    names = AXES[len(shape) - 1]
    warnings = {w["axis"]: w for w in report["warnings"] if w["kind"] == "stride"}
    for axis, name in enumerate(names):
        (before, after), n = layer["padding"][axis], shape[1 + axis]
        span = layer["dilation"][axis] * (layer["kernel_size"][axis] - 1)
        exact = Fraction(n + before + after - span - 1, layer["stride"][axis]) + 1
        assert (name in warnings) == (exact.denominator != 1)
        if exact.denominator == 1:
            continue
        warning = warnings[name]
        assert Fraction(warning["exact"]) == exact
        assert warning["floor"] == exact.__floor__()
        assert warning["fixes"], "there is always an input that fits"
        for fix in warning["fixes"]:
            fixed = analyze(edited(spec, word, axis, fix)).to_dict()
            still = [w["axis"] for w in fixed["warnings"] if w["kind"] == "stride"]
            assert name not in still, fix
            # The other axes are as they were.
            assert set(still) == set(warnings) - {name}
