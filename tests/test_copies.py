"""A block or round that was expanded once is copied: the graph and all messages are the same."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph
from cnncalc.spec.blocks import MAX_NODES, MAX_TIMES
from cnncalc.spec.bundled import networks
from cnncalc.spec.expand import _Expander, expand
from cnncalc.spec.items import MAX_NESTED, LayerExpander
from cnncalc.spec.load import load
from tests.test_fuzz import case

Spec = dict[str, Any]


@contextmanager
def all_expanded() -> Iterator[None]:
    """Nothing is copied."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_Expander, "copied", lambda *_: None)
        yield


def expansion(data: Any) -> Any:
    """The nodes and outputs of a spec (a name, a mapping or a document), or its messages."""
    try:
        graph: Graph = load(data) if isinstance(data, (str, dict)) else expand(data)
    except CnncalcError as error:
        return str(error)
    return graph.nodes, graph.outputs, graph.auxiliary


def is_copied_truly(data: Any) -> Any:
    """Its expansion, which is the same without copies."""
    found = expansion(data)
    with all_expanded():
        assert expansion(data) == found
    return found


def blocks(layers: list[Any], **blocks: Any) -> Spec:
    """A network on a picture."""
    made = {
        name: block if isinstance(block, dict) else {"layers": block}
        for name, block in blocks.items()
    }
    shape = {"height": 8, "width": 8, "channels": 4}
    return {"input": shape, "vars": {"w": 4}, "blocks": made, "layers": layers}


def conv(out_channels: Any, **beside: Any) -> Any:
    fields = {"out_channels": out_channels, "kernel_size": 3, "padding": 1}
    return {"conv": fields, **beside}


def branched(item: Any, depth: int) -> Any:
    """An item within branches within branches."""
    return {"add": [[branched(item, depth - 1)], []]} if depth else item


UNIT = {"args": {"n": 4, "f": 0.0}, "layers": [conv("=n"), {"dropout": "=f"}]}
DEEP = {f"b{i + 1}": [f"b{i}"] for i in range(MAX_NESTED)}
LONG = "n" * 80

SPECS = {
    "fused activations and parts": blocks(
        ["unit", {"unit": None, "name": "second"}, "unit"],
        unit=[
            {"conv": {"out_channels": 4, "kernel_size": 1, "activation": "relu"}},
            {"separable_conv": {"out_channels": 4, "kernel_size": 3, "padding": 1}, "name": "s"},
            {"add": [[], ["relu"]], "name": "sum"},
            {"relu": None, "from": "s"},
        ],
    ),
    "shared weights": blocks(
        ["unit", "unit", "unit"], unit=[conv(4, name="a"), conv(4, weights_of="a"), "relu"]
    ),
    "blocks in blocks, at other places": blocks(
        ["outer", "inner", "outer", {"repeat": {"times": 3, "layers": ["relu", "inner"]}}],
        inner=[conv(4), "relu"],
        outer=["inner", {"add": [["inner"], []]}, "inner"],
    ),
    "rounds": blocks([{"repeat": {"times": 12, "layers": [conv(4), "relu", conv("=w")]}}]),
    "rounds that know their number": blocks(
        [{"repeat": {"times": 5, "index": "i", "layers": [conv("=4+i"), "relu"]}}]
    ),
    "what is read from outside": blocks(
        [conv(4, name="a"), "unit", conv(4), "unit", "unit"],
        unit=["relu", {"add": None, "from": ["a", "r"]}, {"relu": None, "name": "r"}],
    ),
    "what is read from outside well": blocks(
        [conv(4, name="a"), "unit", conv(4), "unit"],
        unit=[{"relu": None, "name": "r"}, {"add": None, "from": ["a", "r"]}],
    ),
    "no layers": blocks(["none", conv(4), "none", "none"], none=[]),
    "1 is not true": blocks(
        [{"unit": {"f": 1}}, {"unit": {"f": True}}, {"unit": {"n": 1.0}}, {"unit": {"n": 1}}],
        unit=UNIT,
    ),
    "lists as arguments": blocks(
        [{"unit": {"s": [4, 8, 8]}}, {"unit": {"s": [4, 8, 8]}}, {"unit": {"s": [4, 64]}}],
        unit={"args": {"s": None}, "layers": [{"reshape": "=s"}]},
    ),
    "a mistake behind good uses": blocks(
        ["unit", "unit", {"unit": {"n": 0}}, "unit", {"unit": {"n": 0}}, {"unit": {"m": 1}}],
        unit=UNIT,
    ),
    "names within": blocks(
        ["unit", "unit", {"relu": None, "from": "a"}, {"relu": None, "from": "unit2.a"}, "two",
         "two", {"relu": None, "from": "b"}],
        unit=[conv(4, name="a")],
        two=[{"unit": None, "name": "b"}],
    ),
    "itself, in some uses": blocks(
        ["one", "two", "two", {"add": [["two"], []]}, {"one": 1}],
        one={"args": {"n": 0}, "layers": [{"repeat": {"times": "=n", "layers": ["two"]}}, "relu"]},
        two=["one", "one"],
    ),
    "too many layers": blocks(
        [{"repeat": {"times": MAX_TIMES, "layers": ["unit"]}}],
        unit=["relu"] * (MAX_NODES // MAX_TIMES) + ["tanh"],
    ),
    "just enough layers": blocks(
        [{"repeat": {"times": MAX_TIMES, "layers": ["unit"]}}],
        unit=["relu"] * (MAX_NODES // MAX_TIMES),
    ),
    "too many steps": blocks(
        ["unit"] * 9,
        unit=[{"repeat": {"times": MAX_TIMES, "layers": ["none"]}}],
        none=[{"repeat": {"times": 0, "layers": []}}],
    ),
    "too deep": blocks(["b5", "b20", f"b{MAX_NESTED}", "b20", "b39", "b38"], b0=["relu"], **DEEP),
    "too deep in branches": blocks(["b20", branched("b20", 25)], b0=["relu"], **DEEP),
    "which input": {
        "inputs": {"a": {"features": 4}, "b": {"features": 4}},
        "blocks": {"unit": {"layers": ["relu"]}},
        "layers": [{"concat": [[{"unit": None, "from": "a"}], ["unit"]]}],
    },
    "names too long": blocks(
        ["three", {"three": None, "name": LONG + "n"}, "two"],
        one=[{"repeat": {"times": 0, "layers": []}, "name": LONG}],
        two=["one", {"one": None, "name": LONG}],
        three=["two", {"two": None, "name": LONG}],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SPECS)
def test_copies_are_what_would_have_been_expanded(name: str) -> None:
    found = is_copied_truly(SPECS[name])
    wrong = ("a mistake", "names", "itself", "too", "what is read from outside", "1 is", "which")
    assert isinstance(found, str) == (name.startswith(wrong) and not name.endswith("well"))


def test_bundled_networks_are_the_same_without_copies() -> None:
    for name in networks():
        assert not isinstance(is_copied_truly(name), str)


def test_random_specs_are_the_same_without_copies() -> None:
    for number in range(0, 1_500, 3):
        read, text = case(number)
        try:
            document = read(text, "fuzz")
        except CnncalcError:
            continue
        is_copied_truly(document)


def test_random_uses_are_the_same_without_copies() -> None:
    """Few blocks that are used often, with few arguments, and a mistake now and then."""
    rng = random.Random(11)

    def item(names: list[str]) -> Any:
        word = rng.choice(names)
        n = rng.choice(["=n", "=w", 2, 4, 4, 4] + [0] * (rng.random() < 0.1))
        made: dict[str, Any] = {word: {"n": n} if rng.random() < 0.5 else None}
        if word == "conv":
            made = conv(n)
        if word == "repeat":
            made = {word: {"times": rng.randrange(4), "layers": [item(names), item(names)]}}
        if rng.random() < 0.2:
            made["name"] = rng.choice("abcdef")
        if rng.random() < 0.1:
            made["from"] = rng.choice("abcdef")
        return made

    def items(names: list[str]) -> list[Any]:
        return [item(names) for _ in range(rng.randrange(1, 6))]

    good = 0
    for _ in range(400):
        one = {"args": {"n": 4}, "layers": items(["conv", "relu"])}
        two = {"args": {"n": "=w"}, "layers": items(["conv", "one", "one", "repeat"])}
        data = blocks(items(["one", "two", "two", "two", "repeat"]), one=one, two=two)
        data["vars"]["n"] = 2
        good += not isinstance(is_copied_truly(data), str)
    assert 40 < good < 360


def test_equal_uses_are_expanded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """ResNet-152: five layers around four stages; in each a first block of nine, one of seven."""
    expanded: Counter[str] = Counter()
    layer = LayerExpander.layer

    def counted(self: LayerExpander, word: str, *rest: Any) -> str:
        expanded[word] += 1
        return layer(self, word, *rest)

    monkeypatch.setattr(LayerExpander, "layer", counted)
    load("resnet152")
    assert expanded.total() == 5 + 4 * (9 + 7)
