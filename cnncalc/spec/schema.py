"""The JSON Schema of specs, made from the layers' fields: what an editor completes and checks.

Only constructs of draft-07 are used, which is what editors understand.
"""

from typing import Any

from cnncalc.layers import ACTIVATIONS, LATER, MODULES, NORMS, layer_class
from cnncalc.layers.base import Layer
from cnncalc.layers.fields import MAX_INT
from cnncalc.spec.assertions import schemas
from cnncalc.spec.blocks import MAX_TIMES
from cnncalc.spec.header import INPUT_FORMS, MAX_VARIABLES
from cnncalc.spec.scope import ITEM_KEYS

DRAFT = "http://json-schema.org/draft-07/schema#"

_INPUT = {
    "features": "size of a vector",
    "length": "size of the only spatial axis; alone, of whole numbers for an embedding",
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


_NETWORK = {
    "description": "another network: a bundled one, or a file beside this one",
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {
                "spec": {"type": "string", "description": "its name, or its file"},
                "set": {"type": "object", "description": "values of its variables"},
                "outputs": {
                    "description": "the layers where it ends, by name",
                    "type": "array",
                    "items": {"type": "string"},
                    "minItems": 1,
                },
            },
            "required": ["spec"],
            "additionalProperties": False,
        },
    ],
}
_WORD = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}
_FORMULA = {"type": "string", "pattern": "^=", "description": "a formula: `=4*width`"}
_VALUE = {"type": ["number", "string", "boolean", "array"]}
_EACH = {
    "description": "a row for each round",
    "type": "object",
    "properties": {
        "of": {
            "description": "the variables that stand for the values of a row",
            "anyOf": [_WORD, {"type": "array", "items": _WORD, "minItems": 1}],
        },
        "rows": {
            "description": "a list of rows, each a list of values",
            "anyOf": [{"type": "array", "maxItems": MAX_TIMES}, {"type": "string"}],
        },
    },
    "required": ["of", "rows"],
    "additionalProperties": False,
}
_VARIABLES = {
    "type": "object",
    "propertyNames": _WORD,
    "additionalProperties": _VALUE,
    "maxProperties": MAX_VARIABLES,
}


def schema() -> dict[str, Any]:
    """The schema of a whole spec.

    A spec with blocks has words of its own, so any word may stand for a layer in it. Without
    blocks the schema knows every word, and marks the others.
    """
    return {
        "$schema": DRAFT,
        "$id": "urn:cnncalc:spec",
        "title": "cnncalc spec",
        "description": "A convolutional network for cnncalc: its input and its layers.",
        "type": "object",
        "required": ["layers"],
        "oneOf": [{"required": ["input"]}, {"required": ["inputs"]}],
        "additionalProperties": False,
        "properties": {
            "$schema": {"type": "string", "description": "where this schema lies, for editors"},
            **_header(),
            "layers": {
                "description": "the layers in order; each reads the one before it",
                "type": "array",
                "minItems": 1,
            },
        },
        "if": {"required": ["blocks"]},
        "then": {"properties": {"layers": _ref("items_with_blocks")}},
        "else": {"properties": {"layers": _ref("items")}},
        "definitions": {
            "formula": _FORMULA,
            "activation": _fused(ACTIVATIONS),
            "norm": _fused(NORMS, {"name": _NAME}),
            **{w: _layer(c, "") for w in MODULES if not (c := layer_class(w)).joins},
            **_items(""),
            **_items("_with_blocks"),
        },
    }


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{name}"}


def _or_formula(schema: dict[str, Any]) -> dict[str, Any]:
    """What a schema allows, or a formula in its place or in place of an entry of a list."""
    schema = dict(schema)
    text = {"description": schema.pop("description")} if "description" in schema else {}
    for choice in [schema, *schema.get("anyOf", ())]:
        if "items" in choice:
            choice["items"] = _or_formula(choice["items"])
    return {**text, "anyOf": [schema, _ref("formula")]}


def _header() -> dict[str, Any]:
    """The keys of a spec but `layers`."""
    names = {"type": "array", "items": {"type": "string"}, "minItems": 1}
    block = {
        "type": "object",
        "properties": {
            "description": {"type": "string", "description": "what the block is"},
            "args": {
                "description": "its arguments with their defaults; null is required",
                "type": "object",
                "propertyNames": _WORD,
                "maxProperties": MAX_VARIABLES,
            },
            "inputs": {**names, "description": "what it calls what it reads"},
            "outputs": {**names, "description": "the layers that give its results, by name"},
            "layers": {"description": "its layers", **_ref("items_with_blocks")},
        },
        "required": ["layers"],
        "additionalProperties": False,
    }
    return {
        "name": {"type": "string", "description": "the network's name, the table's title"},
        "description": {"type": "string", "description": "what the network is"},
        "source": {"type": "string", "description": "where its figures come from"},
        "vars": {**_VARIABLES, "description": "the variables that formulas use"},
        "variants": {
            "description": "settings of the variables, by name",
            "type": "object",
            "additionalProperties": {"anyOf": [_VARIABLES, {"type": "null"}]},
        },
        "blocks": {
            "description": "words of one's own for lists of layers",
            "type": "object",
            "propertyNames": {"not": {"enum": [*(w for w in MODULES if w not in LATER), "repeat"]}},
            "additionalProperties": block,
        },
        "input": _input(),
        "inputs": {
            "description": "several inputs by name, instead of `input`",
            "type": "object",
            "additionalProperties": _input(),
            "minProperties": 1,
        },
        "outputs": {**names, "description": "the layers that give the network's results"},
        "auxiliary": {**names, "description": "layers that give results for training only"},
    }


def _input() -> dict[str, Any]:
    size = _or_formula({"type": "integer", "minimum": 1, "maximum": MAX_INT})
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


def _items(suffix: str) -> dict[str, Any]:
    """The definitions of a list of items and of what holds such lists; words of blocks or none."""
    return {
        f"items{suffix}": {"type": "array", "items": _ref(f"item{suffix}")},
        f"item{suffix}": _item(suffix),
        f"repeat{suffix}": {
            "description": "its layers, several times",
            "type": "object",
            "properties": {
                "times": _or_formula({"type": "integer", "minimum": 0, "maximum": MAX_TIMES}),
                "each": _EACH,
                "index": {**_WORD, "description": "the variable that counts the rounds from 0"},
                "layers": _ref(f"items{suffix}"),
            },
            "required": ["layers"],
            "oneOf": [{"required": ["times"]}, {"required": ["each"]}],
            "additionalProperties": False,
        },
        **{f"{w}{suffix}": _layer(c, suffix) for w in MODULES if (c := layer_class(w)).joins},
    }


def _item(suffix: str) -> dict[str, Any]:
    classes = {word: layer_class(word) for word in MODULES}
    bare = [
        word
        for word, cls in classes.items()
        if not (cls.required_fields() or cls.joins or cls.needs_indices)
    ]
    undoing = [word for word, cls in classes.items() if cls.needs_indices]
    properties = {
        **{word: _ref(word + suffix * cls.joins) for word, cls in classes.items()},
        "repeat": _ref(f"repeat{suffix}"),
        "network": _NETWORK,
        "name": _NAME,
        "from": _FROM,
        "weights_of": {"type": "string", "description": "the layer whose weights it uses"},
        "trainable": {
            "description": "whether training changes its weights",
            "anyOf": [{"type": "boolean"}, _ref("formula")],
        },
        "when": {
            "description": "whether it is there; where it is not, its name stands for its input",
            "anyOf": [{"type": "boolean"}, _ref("formula")],
        },
        "indices_of": {"type": "string", "description": "the max_pool that it undoes"},
    }
    needed = {word: ["indices_of"] for word in undoing} | {"indices_of": undoing}
    item = {"type": "object", "properties": properties, "dependencies": needed}
    if suffix:
        # A block's word is one more key, whose value holds its arguments.
        word: dict[str, Any] = {"type": "string", "pattern": _NAME["pattern"]}
        return {
            "description": "a layer or a block: its word, or a mapping with it as a key",
            "anyOf": [word, {**item, "minProperties": 1, "maxProperties": len(ITEM_KEYS) + 1}],
        }
    return {
        "description": "a layer: its word, or a mapping with it as a key",
        "anyOf": [
            {"enum": bare},
            {
                **item,
                "additionalProperties": False,
                "oneOf": [{"required": [word]} for word in (*MODULES, "repeat", "network")],
            },
        ],
    }


def _fused(words: list[str], beside: dict[str, Any] | None = None) -> dict[str, Any]:
    """What stands in a field that is a layer of its own."""
    return {
        "anyOf": [
            {"enum": words},
            {
                "type": "object",
                "properties": {**{word: _ref(word) for word in words}, **(beside or {})},
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1 + len(beside or {}),
            },
            {"type": "null"},
        ]
    }


def _layer(cls: type[Layer], suffix: str) -> dict[str, Any]:
    """What may stand behind a layer's word: its fields, its main field alone, or nothing."""
    fields = cls.model_json_schema(by_alias=True)
    properties: dict[str, Any] = fields.get("properties", {})
    for key, entry in properties.items():
        entry.pop("title", None)
        properties[key] = _or_formula(entry)
    for key in {"activation", "norm"} & properties.keys():
        described = properties[key]["description"]
        properties[key] = {"description": described, "anyOf": [_ref(key), _ref("formula")]}
    properties |= {name: _or_formula(entry) for name, entry in schemas(cls)}
    required = cls.required_fields()
    if cls.joins:
        branches = {
            "description": "lists of layers that all read the same input; [] is the input itself",
            "type": "array",
            "items": _ref(f"items{suffix}"),
            "minItems": len(cls.operands) or 2,
        }
        if cls.operands:
            branches["maxItems"] = len(cls.operands)
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
