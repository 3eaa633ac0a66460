"""A layer's word with its fields, as a network of that layer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cnncalc.analysis.notices import Notice
from cnncalc.ask import parse
from cnncalc.ask.input_shape import ORDERS, input_shape, looks_channels_first
from cnncalc.errors import Origin, UsageError, shown
from cnncalc.graph import INPUT, Graph
from cnncalc.infer import Unfit, infer
from cnncalc.layers import MODULES, layer_class

Fields = Sequence[str] | Mapping[str, Any]
"""A layer's fields, as texts `kernel_size=3` or by their names; or the one text of its main field.
"""
Sizes = str | Sequence[int]
USUAL = "32x32x3"
"""The input of a layer where nobody says."""


def is_layer(spec: Any, folder: Path) -> bool:
    """Whether what should be a spec is a layer's word, and no file has it as its name."""
    return isinstance(spec, str) and spec in MODULES and not (folder / spec).exists()


def one_layer(word: str, fields: Fields, input: Sizes | None) -> Graph:
    """The network of one layer. Raises CnncalcError."""
    from cnncalc.spec.document import Document
    from cnncalc.spec.expand import expand
    from cnncalc.spec.header import INPUT_FORMS

    channels, *spatial = input_shape(USUAL if input is None else input)
    form = next(form for form in INPUT_FORMS if len(form) == len(spatial) + 1)
    if not spatial and word in MODULES and layer_class(word).vocabulary:
        form = ("length",)
    spec = {
        "name": word,
        "input": dict(zip(form, (*spatial, channels), strict=True)),
        "layers": [{word: _value(fields)}],
    }
    graph = expand(Document(spec, Origin(word)))
    try:
        infer(graph)
    except Unfit as case:
        # What does not fit may be the order.
        case.said = tuple(notice.line for notice in order_notices(input))
        raise
    return graph


def order_notices(input: Sizes | None) -> list[Notice]:
    """What to say of an input that looks as if it had torch's order: no spec tells."""
    if not isinstance(input, str) or not looks_channels_first(input):
        return []
    channels, *spatial = input_shape(input)
    names = ORDERS[len(spatial)].split(" × ")
    read = ", ".join(f"{n} {size}" for n, size in zip(names, (*spatial, channels), strict=True))
    right = "x".join(map(str, (*spatial[1:], channels, spatial[0])))
    message = f"--input {input} is {read}; channels stand last: {right} is the other order"
    return [Notice("order", INPUT, message)]


def _value(fields: Fields) -> Any:
    """The layer's value: its fields, or the one value of its main field."""
    if isinstance(fields, Mapping):
        return dict(fields)
    if len(fields) == 1 and "=" not in fields[0]:
        return parse.value(fields[0])
    found: dict[str, Any] = {}
    for text in fields:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"a field is given as name=value, not {shown(text)}")
        if name in found:
            raise UsageError(f"the field {shown(name)} is given twice")
        found[name] = parse.value(value)
    return found
