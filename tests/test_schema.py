"""The JSON Schema agrees with the program: what one accepts the other does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cnncalc.errors import SpecError
from cnncalc.layers import MODULES, layer_class
from cnncalc.spec.bundled import bundled
from cnncalc.spec.load import load, read
from cnncalc.spec.schema import schema
from tests.command import cnncalc

VALIDATOR = jsonschema.Draft7Validator(schema())


def spec(*layers: Any, **more: Any) -> dict[str, Any]:
    """A spec around these layers."""
    return {"input": {"height": 8, "width": 8, "channels": 4}, "layers": list(layers), **more}


def test_the_command_prints_a_valid_schema_of_draft_7() -> None:
    printed = json.loads(cnncalc("schema").out)
    jsonschema.Draft7Validator.check_schema(printed)
    assert printed["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert printed == schema()
    # Later drafts' words would be ignored by the editors that this is for.
    later = {"$defs", "prefixItems", "unevaluatedProperties", "dependentRequired", "$anchor"}
    assert not later & set(_keys(printed))


def _keys(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(key for inner in value.values() for key in _keys(inner))]
    return [key for inner in value for key in _keys(inner)] if isinstance(value, list) else []


@pytest.mark.parametrize("path", bundled().values(), ids=lambda path: path.stem)
def test_bundled_specs_are_valid(path: Path) -> None:
    data = read(path.name, path.read_text(encoding="utf-8")).data
    assert [error.message for error in VALIDATOR.iter_errors(data)] == []


@pytest.mark.parametrize("word", MODULES)
def test_every_field_of_every_layer_is_described(word: str) -> None:
    cls = layer_class(word)
    assert cls.summary().endswith((".", "²."))
    for info in cls.model_fields.values():
        assert info.description
    forms = schema()["definitions"][word]["anyOf"]
    fields = {info.alias or name for name, info in cls.model_fields.items()}
    assert fields <= set(forms[0]["properties"])


POOL, UNPOOL = {"max_pool": 2, "name": "p"}, {"max_unpool": None, "indices_of": "p"}
GOOD = [
    spec("relu"),
    spec(POOL, UNPOOL),
    spec(POOL, {"max_unpool": {}, "indices_of": "p"}),
    spec({"max_pool": 2}),
    spec({"max_pool": [2, 1]}),
    spec({"conv": {"out_channels": 4, "kernel_size": 3, "padding": "same"}}),
    spec({"conv": {"out_channels": 4, "kernel_size": 3, "padding": [[0, 1], 2]}}),
    spec({"conv": {"out_channels": 4, "kernel_size": 3, "activation": {"leaky_relu": 0.2}}}),
    spec({"add": [["relu"], []]}),
    spec({"add": {"branches": [["relu"], []], "activation": "relu"}}),
    spec({"relu": None, "name": "a"}, {"relu": None}, {"add": None, "from": ["a", "input"]}),
    spec("flatten", {"linear": 3}),
    {"input": {"features": 3}, "layers": [{"linear": 3}]},
    spec({"conv": {"out_channels": "=w", "kernel_size": ["=k", 1]}}, vars={"w": 8, "k": 3}),
    spec({"conv": {"out_channels": 8, "kernel_size": 1, "bias": "=b"}}, vars={"b": False}),
    spec({"linear": {"out_features": 4, "position_wise": True, "activation": "=a"}})
    | {"vars": {"a": "relu"}},
    spec("relu", vars={"w": 1, "a": "=w/2"}, variants={"half": {"w": 0.5}, "same": None}),
    spec({"repeat": {"times": "=n", "index": "i", "layers": ["relu"]}}, vars={"n": 2}),
    spec({"repeat": {"times": 0, "layers": []}, "name": "a"}, "relu"),
    spec(
        {"unit": 4, "name": "a"},
        {"unit": {"out": 4}, "from": "a"},
        "pair",
        {"add": [["pair"], []]},
        blocks={
            "unit": {
                "args": {"out": None},
                "layers": [{"conv": {"out_channels": "=out", "kernel_size": 1}}],
            },
            "pair": {
                "description": "two",
                "layers": [{"repeat": {"times": 2, "layers": [{"unit": 4}]}}],
            },
        },
    ),
    spec(
        {"conv": {"out_channels": 4, "kernel_size": 1}, "name": "a"},
        {"conv": {"out_channels": 4, "kernel_size": 1}, "name": "b", "weights_of": "a"},
        outputs=["b"],
        auxiliary=["a"],
    ),
    {
        "vars": {"size": 8},
        "inputs": {
            "a": {"height": "=size", "width": "=2*size", "channels": 1},
            "b": {"features": 3},
        },
        "layers": [{"relu": None, "from": "a"}, {"relu": None, "from": "b"}],
    },
]
UNIT = {"unit": {"args": {"out": None}, "layers": [{"linear": "=out"}]}}
BAD = [
    spec({"unit": 4}),
    spec("unit"),
    spec(
        {
            "unit": 4,
            "relu": None,
            "tanh": None,
            "elu": None,
            "gelu": None,
            "mish": None,
            "silu": None,
            "softplus": None,
        },
        blocks=UNIT,
    ),
    spec({"conv": {"out_channels": 4, "kernel_sise": 3}}, blocks=UNIT),
    spec("relu", blocks={"unit": {"layer": ["relu"]}}),
    spec("relu", blocks={"conv": {"layers": ["relu"]}}),
    spec("relu", blocks={"unit": {"args": ["out"], "layers": ["relu"]}}),
    spec("relu", blocks={"unit": {"args": {"a-b": 1}, "layers": ["relu"]}}),
    spec("relu", vars={"a-b": 1}),
    spec("relu", vars={"a": None}),
    spec("relu", vars=[1]),
    spec("relu", vars={"a": 1}, variants={"b": 3}),
    spec("relu", inputs={"a": {"features": 3}}),
    spec("relu", outputs=[]),
    spec({"relu": None, "name": "a"}, outputs="a"),
    spec({"relu": None, "name": "a"}, auxiliary=[3]),
    spec({"relu": None, "weights_of": ["a"]}),
    spec(POOL, "max_unpool"),
    spec(POOL, {"max_unpool": None}),
    spec(POOL, {"max_unpool": 2, "indices_of": "p"}),
    spec(POOL, {"max_unpool": {"kernel_size": 2}, "indices_of": "p"}),
    spec(POOL, {"relu": None, "indices_of": "p"}),
    spec(POOL, {"max_unpool": None, "indices_of": 1}),
    spec({"repeat": {"times": -1, "layers": ["relu"]}}),
    spec({"repeat": {"times": 1_001, "layers": ["relu"]}}),
    spec({"repeat": {"times": True, "layers": ["relu"]}}),
    spec({"repeat": {"layers": ["relu"]}}),
    spec({"repeat": {"times": 2, "layers": ["relo"]}}),
    spec({"repeat": {"times": 2, "indx": "i", "layers": ["relu"]}}),
    {"inputs": {}, "layers": ["relu"]},
    spec(),
    spec("conv"),
    spec("add"),
    spec("conv2d"),
    spec({"max_pool": 0}),
    spec({"max_pool": 2, "relu": None}),
    spec({"max_pool": {"kernel_size": 2, "strides": 2}}),
    spec({"conv": {"out_channels": 4, "kernel_size": 3, "activation": "dropout"}}),
    spec({"conv": {"out_channels": 4, "kernel_size": 3, "bias": "yes"}}),
    spec({"relu": None, "label": "x"}),
    spec("relu", title="x"),
    {"layers": ["relu"]},
    {"input": {"height": 8, "channels": 3}, "layers": ["relu"]},
    {"input": {"height": 8, "width": 8, "channels": 0}, "layers": ["relu"]},
]


@pytest.mark.parametrize("data", GOOD)
def test_what_the_schema_accepts_loads(data: dict[str, Any]) -> None:
    assert VALIDATOR.is_valid(data)
    load(data)


@pytest.mark.parametrize("data", BAD)
def test_what_the_schema_refuses_does_not_load(data: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(data)
    with pytest.raises(SpecError):
        load(data)


def test_where_there_are_blocks_any_word_may_be_one() -> None:
    # A schema of draft 7 cannot say "a word that stands under blocks": the program can.
    data = spec("relo", {"unit": 4}, blocks=UNIT)
    assert VALIDATOR.is_valid(data)
    with pytest.raises(SpecError, match=r"relo: no such layer; did you mean relu\?"):
        load(data)
    assert not VALIDATOR.is_valid(spec("relo"))
