"""The texts that people give, as values: shapes, variables, columns, depths, amounts."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cnncalc.ask.input_shape import input_shape
from cnncalc.errors import UsageError, printable, shorten, shown
from cnncalc.graph import Graph
from cnncalc.infer import for_inference
from cnncalc.meanings import DEFAULT_COLUMNS, key_of
from cnncalc.spec.load import graph_of

Spec = Any
"""A path, `-`, the name of a bundled network; from Python also a mapping or a graph."""
Settings = Sequence[str] | Mapping[str, Any]
"""Variables of a spec: as texts `width=0.5`, or by their names."""

_SIZES = r"\d{1,40}([x×]\d{1,40})+"


def network(
    spec: Spec, set: Settings, input: str | Sequence[int] | None, folder: Path = Path()
) -> Graph:
    """The graph of a spec with its variables set, on another input, as inference runs it: without
    auxiliary outputs that do not fit. Raises CnncalcError."""
    graph = graph_of(spec, variables(set), folder)
    if input is not None:
        graph = graph.with_input(input_shape(input, graph))
    return for_inference(graph)


def refuse_two_from_standard_input(specs: Sequence[Spec]) -> None:
    """It can be read once. Raises UsageError."""
    if list(specs).count("-") > 1:
        raise UsageError("only one network can come from standard input")


def columns(text: str | None, usual: tuple[str, ...] = DEFAULT_COLUMNS) -> tuple[str, ...]:
    """The column keys that `--columns` names; those behind a + stand beside the usual ones."""
    if text is None:
        return usual
    keys = tuple(key_of(k.strip()) for k in text.lstrip("+").split(",") if k.strip())
    if not keys:
        raise UsageError("--columns names no column")
    return tuple(dict.fromkeys((*usual, *keys))) if text.startswith("+") else keys


def value(text: str) -> Any:
    """A number, list or word: JSON where it is, sizes like 7x1, else the word itself."""
    if re.fullmatch(_SIZES, text):
        return [int(part) for part in re.split("[x×]", text)]
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def variables(settings: Settings) -> Mapping[str, Any]:
    """The variables that `--set` names."""
    if isinstance(settings, Mapping):
        return settings
    found: dict[str, Any] = {}
    for text in settings:
        name, equals, given = text.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"--set takes VARIABLE=VALUE, not {shown(text)}")
        found[name] = value(given)
    return found


def depth(text: str | None) -> int | None:
    """The depth that `--depth` names; None for all."""
    if text in (None, "all"):
        return None
    if not (text.isascii() and text.isdigit() and 1 <= len(text) <= 4 and int(text)):
        raise UsageError(f"--depth takes a number from 1, or all, not {_quote(text)}")
    return int(text)


def sizes(text: str | None) -> list[int]:
    """The sizes that `--hidden` names."""
    if text is None:
        return []
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) <= 40 for part in parts):
        raise UsageError(f"--hidden takes sizes like 600,300, not {shown(text)}")
    return list(map(int, parts))


def _quote(text: str) -> str:
    return printable(shorten(text))
