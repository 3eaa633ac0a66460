"""The JSON Schema of specs, made from the layers' fields: what an editor completes and checks.

Only constructs of draft-07 are used, which is what editors understand.
"""

from __future__ import annotations

from typing import Any

from cnncalc.layers import ACTIVATIONS, MODULES, layer_class
from cnncalc.layers.base import Layer
from cnncalc.layers.fields import MAX_INT
from cnncalc.spec.header import INPUT_FORMS

DRAFT = "http://json-schema.org/draft-07/schema#"

_INPUT = {
    "features": "size of a vector",
    "length": "size of the only spatial axis",
    "depth": "size of the first of three spatial axes",
    "height": "size of the vertical axis",
    "width": "size of the horizontal axis",
    "channels": "number of channels",
}
_NAME = {"type": "string", "pattern": r"^[^.\s]+$", "description": "the layer's name, for `from`"}
_FROM = {
    "description": "what it reads instead of the layer before it: an explicit name or `input`, "
    "or a list of them for joins",
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
}


def schema() -> dict[str, Any]:
    """The schema of a whole spec."""
    return {
        "$schema": DRAFT,
        "$id": "urn:cnncalc:spec",
        "title": "cnncalc spec",
        "description": "A convolutional network for cnncalc: its input and its layers.",
        "type": "object",
        "required": ["input", "layers"],
        "additionalProperties": False,
        "properties": {
            "$schema": {"type": "string", "description": "where this schema lies, for editors"},
            "name": {"type": "string", "description": "the network's name, the table's title"},
            "description": {"type": "string", "description": "what the network is"},
            "source": {"type": "string", "description": "where its figures come from"},
            "input": _input(),
            "layers": {
                "description": "the layers in order; each reads the one before it",
                "allOf": [{"$ref": "#/definitions/items"}],
                "minItems": 1,
            },
        },
        "definitions": {
            "items": {"type": "array", "items": {"$ref": "#/definitions/item"}},
            "item": _item(),
            "activation": _activation(),
            **{word: _layer(layer_class(word)) for word in MODULES},
        },
    }


def _input() -> dict[str, Any]:
    size = {"type": "integer", "minimum": 1, "maximum": MAX_INT}
    return {
        "description": "the input's sizes",
        "type": "object",
        "properties": {key: {**size, "description": text} for key, text in _INPUT.items()},
        "additionalProperties": False,
        "oneOf": [
            {"required": list(form), "maxProperties": len(form), "title": " × ".join(form)}
            for form in INPUT_FORMS
        ],
    }


def _item() -> dict[str, Any]:
    bare = [word for word in MODULES if not layer_class(word).required_fields()]
    return {
        "description": "a layer: its word, or a mapping with it as a key",
        "anyOf": [
            {"enum": [word for word in bare if not layer_class(word).joins]},
            {
                "type": "object",
                "properties": {
                    **{word: {"$ref": f"#/definitions/{word}"} for word in MODULES},
                    "name": _NAME,
                    "from": _FROM,
                },
                "additionalProperties": False,
                "oneOf": [{"required": [word]} for word in MODULES],
            },
        ],
    }


def _activation() -> dict[str, Any]:
    return {
        "anyOf": [
            {"enum": ACTIVATIONS},
            {
                "type": "object",
                "properties": {word: {"$ref": f"#/definitions/{word}"} for word in ACTIVATIONS},
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            },
            {"type": "null"},
        ]
    }


def _layer(cls: type[Layer]) -> dict[str, Any]:
    """What may stand behind a layer's word: its fields, its main field alone, or nothing."""
    fields = cls.model_json_schema(by_alias=True)
    properties: dict[str, Any] = fields.get("properties", {})
    for entry in properties.values():
        entry.pop("title", None)
    if "activation" in properties:
        text = properties["activation"]["description"]
        properties["activation"] = {
            "description": text,
            "allOf": [{"$ref": "#/definitions/activation"}],
        }
    required = cls.required_fields()
    if cls.joins:
        branches = {
            "description": "lists of layers that all read the same input; [] is the input itself",
            "type": "array",
            "items": {"$ref": "#/definitions/items"},
            "minItems": 2,
        }
        properties = {"branches": branches, **properties}
    mapping: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    if required:
        mapping["required"] = required
    forms: list[dict[str, Any]] = [mapping]
    if cls.joins:
        forms.append(properties["branches"])
    if cls.main and set(required) <= {cls.main}:
        forms.append(properties[cls.main])
    if not required:
        forms.append({"type": "null"})
    return {"description": cls.summary(), "anyOf": forms}
