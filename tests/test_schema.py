"""The JSON Schema agrees with the program: what one accepts the other does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from cnncalc.errors import SpecError
from cnncalc.layers import MODULES, layer_class
from cnncalc.spec.bundled import bundled
from cnncalc.spec.load import load
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
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
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


GOOD = [
    spec("relu"),
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
]
BAD = [
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
