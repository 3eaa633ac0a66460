"""`cnncalc diff`: what two networks differ in, found with as few changes as possible."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import cnncalc as library
from cnncalc.amounts import shape_text
from cnncalc.api import analyze, diff
from cnncalc.findings.align import CHANGE, align
from cnncalc.findings.diff import ADDED_UP, Change, Diff
from cnncalc.findings.diff_page import MAX_RESIZED, entries
from cnncalc.graph import Graph
from cnncalc.spec.bundled import bundled, networks
from tests import strategies
from tests.command import cnncalc
from tests.test_check import Tags
from tests.zoo import zoo

Spec = dict[str, Any]


def spec(*layers: Any, size: int = 16, name: str = "net") -> Spec:
    return {
        "name": name,
        "input": {"height": size, "width": size, "channels": 8},
        "layers": list(layers),
    }


def conv(kernel_size: Any = 3, **fields: Any) -> Spec:
    return {"conv": {"out_channels": 8, "kernel_size": kernel_size, "padding": "same", **fields}}


def told(found: Diff) -> list[tuple[str, str | None, str | None]]:
    """Each change as its kind and the names of its layers."""
    return [(c.kind, c.before and c.before.name, c.after and c.after.name) for c in found.changes]


def fields(change: Change) -> dict[str, tuple[Any, Any]]:
    return {field.name: (field.before, field.after) for field in change.fields}


# The same


@pytest.mark.parametrize("name", networks())
def test_a_network_and_itself_have_no_differences(name: str) -> None:
    result = cnncalc("diff", name, name, "--exit-code", "--names")
    assert result == (0, f"{library.load(name).name}: no differences.\n", "")


@given(strategies.specs())
@settings(deadline=None)
def test_any_network_and_itself_have_no_differences(given_spec: Spec) -> None:
    found = diff(given_spec, copy.deepcopy(given_spec), names=True)
    assert not found.differs
    assert found.changes == ()


def test_names_and_spellings_are_no_differences() -> None:
    a = spec(
        {"conv": {"out_channels": 8, "kernel_size": 3, "padding": 1, "activation": "relu"}},
        {"max_pool": 2},
        {**conv(stride=1), "name": "second"},
        {"conv": {"out_channels": 4, "kernel_size": [1, 3], "padding": [0, 1]}},
        "flatten",
        {"linear": {"out_features": 10, "bias": True}},
    )
    b = spec(
        {"conv": {"out_channels": 8, "kernel_size": [3, 3], "padding": [[1, 1], [1, 1]]}},
        {"relu": {}, "name": "rectify"},
        {"max_pool": {"kernel_size": [2, 2], "stride": 2, "padding": "valid"}, "name": "down"},
        conv(kernel_size=[3, 3], groups=1),
        {"conv": {"out_channels": 4, "kernel_size": [1, 3], "padding": "same"}, "name": "wide"},
        "flatten",
        {"linear": 10, "name": "out"},
    )
    assert not diff(a, b).differs
    renamed = diff(a, b, names=True)
    assert told(renamed) == [
        ("renamed", "pool1", "down"),
        ("renamed", "second", "conv2"),
        ("renamed", "conv2", "wide"),
        ("renamed", "fc1", "out"),
    ]
    assert fields(renamed.changes[0]) == {"name": ("pool1", "down")}


# What is found


def test_a_layer_put_into_vgg_is_one_added_layer() -> None:
    source = json.loads(bundled()["vgg16"].read_text("utf-8"))
    longer = copy.deepcopy(source)
    names = [item.get("name") for item in source["layers"] if isinstance(item, dict)]
    at = names.index("conv3_2")
    new = {"conv": {"out_channels": 256, "kernel_size": 3, "padding": 1, "activation": "relu"}}
    longer["layers"].insert(at, new)
    found = diff(source, longer)
    assert told(found) == [("added", None, "conv1")]
    # 3·3·256·256 weights and 256 biases, used at 56·56 positions.
    weights = 3 * 3 * 256 * 256
    assert found.changes[0].difference("params") == weights + 256
    assert found.changes[0].difference("macs") == weights * 56 * 56
    assert found.totals["params"] == (138_357_544, 138_357_544 + weights + 256)
    # And without any names, where all that follow are called otherwise.
    for network in (source, longer):
        for item in network["layers"]:
            if isinstance(item, dict):
                item.pop("name", None)
    assert [kind for kind, *_ in told(diff(source, longer))] == ["added"]
    assert [kind for kind, *_ in told(diff(longer, source))] == ["removed"]


def test_lenet_and_alexnet_differ_in_what_the_field_says() -> None:
    result = cnncalc("diff", "lenet5-1998", "alexnet-2012", "--exit-code")
    assert result.code == 1
    found = diff("lenet5-1998", "alexnet-2012")
    said = {(c.before and c.before.name, c.after and c.after.name): c for c in found.changes}
    # tanh against ReLU, subsampling against max pooling.
    assert fields(said["C1", "conv1"])["activation"] == ("tanh", "relu")
    assert fields(said["S2", "pool1"]) == {
        "layer": ("subsample", "max_pool"),
        "activation": ("tanh", None),
    }
    added = [c.after.type for c in found.changes if c.kind == "added" and c.after]
    assert added.count("local_response_norm") == 2
    assert added.count("dropout") == 2
    assert "S2 → pool1: subsample 2×2 s2 p0 + tanh, now max_pool 3×3 s2 p0" in result.out
    assert "input 32×32×1 → 227×227×3" in result.out
    # 60,000 and 60,965,224 parameters are published.
    assert found.totals["params"] == (60_000, 60_965_224)
    assert "params                60,000      60,965,224     +60,905,224  1,016" in result.out


def test_blocks_are_added_as_wholes() -> None:
    # ResNet-101 has 23 blocks in its third stage, ResNet-50 has 6; 3 convolutions in each.
    found = diff("resnet50", "resnet101")
    assert {kind for kind, *_ in told(found)} == {"added"}
    blocks = {c.after.name.rpartition(".")[0] for c in found.changes if c.after}
    assert blocks == {f"layer3.{i}" for i in range(6, 23)}
    assert sum(c.after.type == "conv" for c in found.changes if c.after) == 17 * 3
    assert len(entries(found)) == 17
    assert len(entries(found, whole=True)) == len(found.changes)
    result = cnncalc("diff", "resnet50", "--set-b", "n3=23")
    assert result.out.count("\n+ layer3.") == 17


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (conv(3), conv(5), {"kernel_size": (3, 5)}),
        (conv(3, activation="relu"), conv(3), {"activation": ("relu", None)}),
        (
            conv(3, activation={"leaky_relu": 0.2}),
            conv(3, activation={"leaky_relu": 0.1}),
            {
                "activation": (
                    "leaky_relu(negative_slope=0.2)",
                    "leaky_relu(negative_slope=0.1)",
                )
            },
        ),
        (conv(3, bias=False), conv(3), {"bias": (False, True)}),
        ({"max_pool": 2}, {"avg_pool": 2}, {"layer": ("max_pool", "avg_pool")}),
        ({"dropout": 0.2}, {"dropout": 0.5}, {"p": (0.2, 0.5)}),
        ("batch_norm", {"group_norm": 2}, {"layer": ("batch_norm", "group_norm")}),
        (
            {"conv": {"out_channels": 8, "kernel_size": 2, "padding": [[0, 1], [0, 1]]}},
            {"conv": {"out_channels": 8, "kernel_size": 2, "padding": [[1, 0], [1, 0]]}},
            {"padding": (((0, 1), (0, 1)), ((1, 0), (1, 0)))},
        ),
    ],
)
def test_changed_layers_say_what_has_changed(
    before: Any, after: Any, changed: dict[str, Any]
) -> None:
    (found,) = diff(spec(conv(1), before, conv(7)), spec(conv(1), after, conv(7))).changes
    assert found.kind == "changed"
    assert fields(found) == changed


def test_what_has_nothing_in_common_is_no_change() -> None:
    found = diff(spec(conv(1), {"dropout": 0.5}), spec(conv(1), {"max_pool": 1}))
    assert [kind for kind, *_ in told(found)] == ["removed", "added"]


def test_other_wiring_is_a_difference() -> None:
    first, second = {**conv(), "name": "first"}, {**conv(), "name": "second"}
    third = {**conv(), "name": "third"}

    def skipping(name: str) -> Spec:
        return spec(first, second, third, {"add": {}, "from": [name, "third"], "name": "sum"})

    (found,) = diff(skipping("first"), skipping("second")).changes
    assert fields(found) == {"reads": (["first", "third"], ["second", "third"])}
    # A sum does not mind its order, a concatenation does.
    for word, differs in (("add", False), ("concat", True)):
        joins = [
            {word: {}, "from": sources} for sources in (["first", "third"], ["third", "first"])
        ]
        a, b = (spec(first, second, third, join) for join in joins)
        assert diff(a, b).differs == differs
    # Reading what was put in behind the old source is no change of its own.
    longer = spec(first, "batch_norm", second, third, {"add": {}, "from": ["first", "third"]})
    assert told(diff(skipping("first"), longer)) == [("added", None, "bn1")]


def test_shared_weights_and_other_results_are_differences() -> None:
    shared = [{**conv(), "name": "a"}, {**conv(), "name": "b"}, {**conv(), "weights_of": "a"}]
    other = [*shared[:2], {**conv(), "weights_of": "b"}]
    (found,) = diff(spec(*shared), spec(*other)).changes
    assert fields(found) == {"weights_of": ("a", "b")}
    (found,) = diff(spec(*shared), spec(*shared[:2], conv())).changes
    assert fields(found) == {"weights_of": ("an earlier layer", None)}
    two = {**spec(*shared), "outputs": ["a", "b"]}
    found_results = diff(spec(*shared), two)
    assert found_results.changes == ()
    assert found_results.differs
    assert found_results.outputs == (("conv1",), ("a", "b"))
    result = "\n".join(
        cnncalc("diff", "lenet5", "lenet5", "--input-b", "32x32x1").out.split("\n")[:3]
    )
    assert "input 32×32×3 → 32×32×1" in result


def test_other_sizes_alone_share_a_line() -> None:
    result = cnncalc("diff", "resnet18", "--input-b", "256x256")
    found = diff(library.load("resnet18"), library.load("resnet18").with_input((3, 256, 256)))
    assert {kind for kind, *_ in told(found)} == {"resized"}
    assert len(found.changes) > MAX_RESIZED
    assert "layers: the same on other sizes (--all lists them)" in result.out
    assert result.out.count("\n~ ") == 1
    whole = cnncalc("diff", "resnet18", "--input-b", "256x256", "--all")
    assert whole.out.count("\n~ ") == len(found.changes)
    assert "~ conv1: conv 7×7 s2 p3\n    112×112×64 → 128×128×64, MACs" in whole.out


# Sums, and the fewest changes


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("lenet5-1998", "alexnet-2012"),
        ("vgg16", "alexnet"),
        ("resnet18", "resnet152"),
        ("densenet121", "inception_v3"),
        ("googlenet", "googlenet-torchvision"),
        ("unet", "segnet"),
        ("mobilenet_v2", "vit_b_16"),
    ],
)
def test_differences_of_layers_add_up_to_those_of_the_totals(before: str, after: str) -> None:
    found = diff(before, after)
    reports = analyze(before), analyze(after)
    for key in ADDED_UP:
        a, b = (report.total(key) for report in reports)
        assert found.totals[key] == (a, b)
        assert sum(change.difference(key) for change in found.changes) == b - a


@given(strategies.specs(), strategies.specs())
@settings(deadline=None)
def test_they_add_up_for_any_two_networks(a: Spec, b: Spec) -> None:
    found, back = diff(a, b), diff(b, a)
    for key in ADDED_UP:
        total = analyze(b).total(key) - analyze(a).total(key)
        assert sum(change.difference(key) for change in found.changes) == total
    assert found.differs == back.differs


KINDS: list[Any] = [
    conv(1),
    conv(3),
    conv(3, activation="relu"),
    conv(5, activation="tanh"),
    {"max_pool": {"kernel_size": 1}},
    {"avg_pool": {"kernel_size": 1}},
    "batch_norm",
    {"dropout": 0.5},
]
FAMILY = [0, 0, 0, 0, 1, 1, 2, 3]
"""Which of them can be taken for one another: convolutions, and poolings."""


def fewest(a: Sequence[int], b: Sequence[int]) -> int:
    """The edit distance by its definition: one for each layer left out, put in, or replaced by
    one of its family."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row = row, [i]
        for j, y in enumerate(b, 1):
            pair = 0 if x == y else 1 if FAMILY[x] == FAMILY[y] else 2
            row.append(min(above[j - 1] + pair, above[j] + 1, row[j - 1] + 1))
    return row[-1]


CHAINS = st.lists(st.integers(0, len(KINDS) - 1), min_size=1, max_size=12)


@given(CHAINS, CHAINS)
@settings(deadline=None)
def test_as_few_changes_as_possible(a: list[int], b: list[int]) -> None:
    found = diff(spec(*(KINDS[k] for k in a)), spec(*(KINDS[k] for k in b)))
    assert len(found.changes) == fewest(a, b)


@given(CHAINS, st.data())
@settings(deadline=None)
def test_what_was_put_in_and_taken_out_is_found(chain: list[int], data: st.DataObject) -> None:
    edited = list(chain)
    edits = data.draw(st.integers(0, 4))
    for _ in range(edits):
        at = data.draw(st.integers(0, len(edited)))
        if at < len(edited) > 1 and data.draw(st.booleans()):
            del edited[at]
        else:
            edited.insert(at, data.draw(st.integers(0, len(KINDS) - 1)))
    found = diff(spec(*(KINDS[k] for k in chain)), spec(*(KINDS[k] for k in edited)))
    assert len(found.changes) <= edits
    assert len(found.changes) == fewest(chain, edited)
    # Undone, the list is the network that it started from.
    kept = len(chain) - sum(c.before is not None for c in found.changes)
    assert kept + sum(c.after is not None for c in found.changes) == len(edited)


@given(st.lists(st.integers(0, 5), max_size=30), st.lists(st.integers(0, 5), max_size=30))
@settings(deadline=None)
def test_small_tables_still_give_pairs_in_order(a: list[int], b: list[int]) -> None:
    def cost(i: int, j: int) -> int:
        return 0 if a[i] == b[j] else 2 * CHANGE + 1

    best = align(a, b, cost)
    for max_cells in (1, 20, 100):
        pairs = align(a, b, cost, max_cells)
        assert all(a[i] == b[j] for i, j in pairs)
        assert all(x < i and y < j for (x, y), (i, j) in pairwise(pairs))
        assert len(pairs) <= len(best)


@pytest.mark.parametrize("kinds", [1, 3, 8])
def test_the_largest_specs_are_compared_in_seconds(kinds: int) -> None:
    # 5,000 layers are the most that a spec may have; another input leaves nothing alike.
    a = [KINDS[i * i % kinds] for i in range(5000)]
    b = [KINDS[i * 7 % kinds] for i in range(5000)]
    first, second = library.load(spec(*a)), library.load(spec(*b, size=17))
    started = time.perf_counter()
    found = diff(first, second)
    assert time.perf_counter() - started < 20
    assert sum(c.difference("params") for c in found.changes) == (
        analyze(second).total("params") - analyze(first).total("params")
    )


def test_it_is_deterministic() -> None:
    texts = {cnncalc("diff", "googlenet", "inception_v3", "--all").out for _ in range(3)}
    assert len(texts) == 1


# The command


@pytest.mark.parametrize("name", zoo())
def test_every_network_in_every_format(name: str) -> None:
    printed = {}
    for format in ("text", "markdown", "latex", "html", "json"):
        result = cnncalc("diff", name, "lenet5", "-f", format)
        assert (result.code, result.err) == (0, "")
        printed[format] = result.out
    if name == "lenet5":
        return
    data = json.loads(printed["json"])
    assert data["differs"]
    for change in data["changes"]:
        assert {"kind", "before", "after", "fields", "difference"} == set(change)
    after = f"{data['totals']['params']['before']:,}"
    assert all(after in printed[f] for f in ("text", "markdown", "html"))
    tokens = MarkdownIt().enable("table").parse(printed["markdown"])
    rows = sum(token.type == "tr_open" for token in tokens)
    found = diff(name, "lenet5")
    shown = sum(any(pair) for pair in found.totals.values())
    assert rows == bool(found.changes) + len(entries(found)) + 1 + shown
    tags = Tags()
    tags.feed(printed["html"])
    tags.close()
    assert not tags.open


def test_lines_fit_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = cnncalc("diff", "inception_v3", "inception_v4", "--all").out
    assert max(map(len, out.splitlines())) <= 80
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["lenet5"],
            "diff needs a second network, or a change of the first: --set-b VAR=VALUE or "
            "--input-b SIZES",
        ),
        (["-", "-"], "only one network can come from standard input"),
        (["-", "--input-b", "64x64"], "only one network can come from standard input"),
        (["lenet5", "--set-b", "x"], 'diff: --set takes VARIABLE=VALUE, not "x"'),
        (["lenet5", "--set-b", "x=1"], "lenet5.json:1:1: x: no such variable; the spec has none"),
        (
            ["lenet5", "nope"],
            "nope: no such file, and no bundled network of that name; `cnncalc specs` lists the "
            "bundled ones",
        ),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], message: str) -> None:
    result = cnncalc("diff", *arguments)
    assert (result.code, result.out, result.err) == (2, "", message.removeprefix("diff: ") + "\n")


def test_json_has_raw_numbers(tmp_path: Path) -> None:
    for name, kernel_size in (("a", 3), ("b", 1)):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(spec(conv(kernel_size), name=name)))
    target = tmp_path / "out.json"
    result = cnncalc(
        "diff", str(tmp_path / "a.json"), str(tmp_path / "b.json"), "-f", "json", "-o", str(target)
    )
    assert result == (0, "", "")
    (change,) = json.loads(target.read_text("utf-8"))["changes"]
    # 8·8·9 and 8·8·1 weights, 8 biases; 16·16 positions.
    weights = 64 * 9, 64
    assert change["fields"] == [{"name": "kernel_size", "before": 3, "after": 1}]
    assert [change[side]["params"] for side in ("before", "after")] == [w + 8 for w in weights]
    assert change["difference"]["params"] == weights[1] - weights[0]
    assert change["difference"]["macs"] == (weights[1] - weights[0]) * 256
    assert change["before"]["output_shape"] == [8, 16, 16]


def test_graphs_can_be_compared(tmp_path: Path) -> None:
    narrow: Graph = library.load("mobilenet_v1", width=0.5)
    found = library.diff("mobilenet_v1", narrow)
    assert found.differs
    first = found.changes[0]
    assert first.before is not None
    assert first.after is not None
    shapes = [shape_text(layer.output) for layer in (first.before, first.after)]
    assert shapes == ["112×112×32", "112×112×16"]
