"""Layers as code calls them: `nn.Conv2d(3, 6, 5)` as an item of a spec."""

import ast
import re
from typing import Any

from pydantic import ValidationError

from cnncalc.layers import layer_class
from cnncalc.layers.foreign import foreign_fields, foreign_layers

_PREFIX = re.compile(r"((torch|nn|F|functional|tf|tensorflow|keras|layers|activations)\.)+")
_CALL = re.compile(r"([A-Za-z_]\w*)\s*\((.*)\)")
MAX_CALL = 200
"""The longest call that is read."""

# The arguments that are given by their place, in order; a test compares them with the classes.
_PLACES = """
torch conv              in_channels out_channels kernel_size stride padding dilation groups bias
torch conv_transpose    in_channels out_channels kernel_size stride padding output_padding groups
torch linear            in_features out_features bias
torch max_pool          kernel_size stride padding dilation
torch avg_pool          kernel_size stride padding ceil_mode
torch adaptive_avg_pool output_size
torch adaptive_max_pool output_size
torch batch_norm        num_features eps momentum affine
torch instance_norm     num_features eps momentum affine
torch group_norm        num_groups num_channels eps affine
torch dropout           p inplace
torch leaky_relu        negative_slope inplace
torch elu               alpha inplace
torch upsample          size scale_factor mode
torch pixel_shuffle     upscale_factor
torch relu              inplace
keras conv              filters kernel_size strides padding
keras conv_transpose    filters kernel_size strides padding
keras depthwise_conv    kernel_size strides padding
keras separable_conv    filters kernel_size strides padding
keras linear            units activation
keras max_pool          pool_size strides padding
keras avg_pool          pool_size strides padding
keras dropout           rate
keras upsample          size
"""
PLACES = {(home, word): rest for home, word, *rest in map(str.split, _PLACES.split("\n")[1:-1])}
IMPLIED = ("in_channels", "in_features", "num_features", "num_channels", "inplace")
"""Arguments that say what follows from the input, or how torch stores what it computes."""


def bare(word: str) -> str:
    """A name without the modules in front of it and the call behind it."""
    plain = _PREFIX.sub("", word, count=1) if _PREFIX.match(word) else word
    match = _CALL.fullmatch(plain)
    return match[1] if match else plain


def as_item(word: str, ours: str) -> str | None:
    """What to write for a call of what is a layer of ours; None where that cannot be told."""
    if len(word) > MAX_CALL:
        return None
    match = _CALL.fullmatch(_PREFIX.sub("", word, count=1) if _PREFIX.match(word) else word)
    if match is None:
        return None
    try:
        call = ast.parse(f"f({match[2]})", mode="eval").body
        assert isinstance(call, ast.Call)
        placed = [ast.literal_eval(argument) for argument in call.args]
        named = {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
    except (SyntaxError, ValueError, AssertionError, RecursionError, MemoryError, TypeError):
        return None
    home = "keras" if match[1] in foreign_layers()[ours].keras else "torch"
    if match[1] in foreign_layers()[ours].torch and set(named) & {"filters", "units", "strides"}:
        home = "keras"
    places = PLACES.get((home, ours), [])
    if len(placed) > len(places):
        return None
    arguments = {**dict(zip(places, placed, strict=False)), **named}
    return _item(ours, arguments)


def _item(ours: str, arguments: dict[str, Any]) -> str | None:
    cls = layer_class(ours)
    known = [info.alias or name for name, info in cls.model_fields.items()]
    fields: dict[str, Any] = {}
    for name, value in arguments.items():
        if name in IMPLIED or value is None:
            continue
        field = name if name in known else next((f for f in known if name in _called(f)), None)
        if field is None:
            return None
        fields[field] = value
    try:
        cls.model_validate(fields)
        written = {name: _written(value) for name, value in fields.items()}
    except (ValidationError, ValueError):
        return None
    inside = ", ".join(f"{name}: {text}" for name, text in written.items())
    return f"{{{ours}: {{{inside}}}}}" if inside else ours


def _called(field: str) -> set[str]:
    """What other frameworks call a field."""
    return {name for names in foreign_fields().get(field, ()) for name in names}


def _written(value: Any) -> str:
    """A value as a spec writes it. Raises ValueError."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, str) and value.isidentifier():
        return value
    raise ValueError(value)
