"""YAML by its 1.2 rules, with the places of its values.

PyYAML splits the text into events; what a plain scalar means is decided here, by the core schema
of YAML 1.2 (`no` is a string, `1e-3` a number). Tags, anchors and aliases are refused: a spec
needs none, and they are how a small file becomes a large one or runs code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml

from cnncalc.errors import Origin, Path, Problem, shorten
from cnncalc.spec.document import MAX_DEPTH, MAX_DIGITS, MAX_VALUES, Document

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

Place = tuple[int, int]


class _Refused(Exception):
    def __init__(self, message: str, mark: Any) -> None:
        self.message = message
        self.place = _place(mark)


def _place(mark: Any) -> Place:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def read(text: str, label: str) -> Document:
    """The values of a YAML text. Raises SpecError with line and column."""
    # The tree with marks is built once, and only where something is wrong.
    root = cache(lambda: yaml.compose(text, Loader=_LOADER))
    origin = Origin(label, lambda path: _locate(root(), path))
    try:
        return Document(_Reader(text).document(), origin)
    except _Refused as refused:
        place, message = refused.place, refused.message
    except yaml.MarkedYAMLError as error:
        place, message = _place(error.problem_mark or error.context_mark), _reason(error)
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = (before.count("\n") + 1, error.position - before.rfind("\n"))
        message = "not YAML: a character that YAML does not allow"
    raise Origin(label, lambda _: place).error([Problem((), "", message)])


def _reason(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "the text cannot be read"
    if "cannot start any token" in problem and "\\t" in problem:
        problem = "YAML indents with spaces, not with tabs"
    return f"not YAML: {problem}" + (f" ({error.context})" if error.context else "")


class _Reader:
    """Builds plain values from events, checking every bound on the way."""

    def __init__(self, text: str) -> None:
        self.events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self.values = 0

    def document(self) -> Any:
        next(self.events)  # the start of the stream
        event = next(self.events)
        if isinstance(event, yaml.StreamEndEvent):
            return None
        value = self.value(next(self.events), 1)
        next(self.events)  # the end of the document
        event = next(self.events)
        if not isinstance(event, yaml.StreamEndEvent):
            raise _Refused("a second document starts here; a spec is one", event.start_mark)
        return value

    def value(self, event: Any, depth: int) -> Any:
        mark = event.start_mark
        self.values += 1
        if self.values > MAX_VALUES:
            raise _Refused(f"more than {MAX_VALUES:,} values; a spec is not that long", mark)
        if depth > MAX_DEPTH:
            raise _Refused(f"nested more than {MAX_DEPTH} deep", mark)
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise _Refused("anchors and aliases are not part of the spec language", mark)
        if event.tag is not None and event.tag != "!":
            raise _Refused(f"the tag {shorten(event.tag)} is not part of the spec language", mark)
        if isinstance(event, yaml.ScalarEvent):
            return event.value if event.style else plain(event.value, mark)
        if isinstance(event, yaml.SequenceStartEvent):
            return list(self.items(depth))
        return self.mapping(depth)

    def items(self, depth: int) -> Iterator[Any]:
        for event in self.events:
            if isinstance(event, yaml.SequenceEndEvent):
                return
            yield self.value(event, depth + 1)

    def mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self.value(event, depth + 1)
            if not isinstance(event, yaml.ScalarEvent) or event.value in ("", "~"):
                raise _Refused("a key must be a word", event.start_mark)
            if not isinstance(key, str):
                key = event.value
            if key in found:
                raise _Refused(f'the key "{shorten(key)}" stands here twice', event.start_mark)
            found[key] = self.value(next(self.events), depth + 1)
        return found


def plain(text: str, mark: Any = None) -> Any:
    """What a plain scalar means in YAML 1.2's core schema. NaN and infinities are refused."""
    if text in _WORDS:
        return _WORDS[text]
    if _FLOAT.fullmatch(text) or _INTEGER.fullmatch(text):
        if len(text) > MAX_DIGITS:
            raise _Refused(f"a number of {len(text):,} characters is out of range", mark)
        if _INTEGER.fullmatch(text):
            return int(text, 10 if text.lstrip("+-").isdigit() else 0)
        value = float(text)
        if value not in (float("inf"), float("-inf")):
            return value
        raise _Refused(f"{text} is out of range", mark)
    if _NO_NUMBER.fullmatch(text):
        raise _Refused(f"{text} is not a number of a spec", mark)
    return text


def _locate(node: Any, path: Path) -> Place:
    """Where the key or item at `path` stands; for what is missing, its nearest parent."""
    place = _place(node.start_mark if node else None)
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = [(k, v) for k, v in node.value if getattr(k, "value", None) == step]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            found = [(v, v) for v in node.value[step : step + 1]]
        else:
            break
        if not found:
            break
        place, node = _place(found[0][0].start_mark), found[0][1]
    return place
