"""YAML by its 1.2 rules, with the places of its values.

PyYAML splits the text into events; what a plain scalar means is decided here, by the core schema
of YAML 1.2 (`no` is a string, `1e-3` a number). Tags, anchors and aliases are refused: a spec
needs none, and they are how a small file becomes a large one or runs code.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any, cast

import yaml

from cnncalc.errors import Origin, Path, Problem, shorten
from cnncalc.spec.document import (
    MAX_DEPTH,
    MAX_VALUES,
    TOO_DEEP,
    TOO_MANY,
    Document,
    bad_number,
    twice,
)

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMERIC = frozenset("+-.0123456789")
"""What numbers start with; most texts are words."""
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
        reader = _Reader(text)
        data = reader.document()
        if not reader.found:
            return Document(data, origin)
        found = reader.found
    except _Refused as refused:
        found = [*reader.found, (refused.place, refused.message)]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if error.context == "while scanning a quoted scalar":
            mark = error.context_mark or mark
        found = _too_deep(text[: mark.index] if mark else "") or [
            (_place(mark), _reason(text, error))
        ]
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = (before.count("\n") + 1, error.position - before.rfind("\n"))
        found = [(place, "not YAML: a character that YAML does not allow")]
    at = Origin(label, lambda path: (cast(int, path[0]), cast(int, path[1])))
    raise at.error([Problem(place, "", message) for place, message in found])


def _too_deep(text: str) -> list[tuple[Place, str]]:
    """Where the text before an error of PyYAML's is nested too deep already.

    PyYAML reads ahead of the values it gives, and bounds its own nesting in words that change.
    """
    with suppress(yaml.YAMLError):
        try:
            _Reader(text).document()
        except _Refused as refused:
            if refused.message == TOO_DEEP:
                return [(refused.place, TOO_DEEP)]
    return []


_REASONS = (
    # What libyaml says (a pattern), and what it means.
    ("cannot start any token", ""),
    (
        "expected ',' or '([]}])'",
        "a comma or the closing {found[1]} is missing; the bracket opens in line {line}",
    ),
    (
        "mapping values are not allowed",
        "no colon is expected here: check the indentation, or use quotes",
    ),
    ("sequence entries are not allowed", "an item of a list starts on a line of its own"),
    ("expected '-' indicator", "the indentation does not match the items above"),
    ("expected key|expected <block end>", "the indentation does not match the lines above"),
    ("unexpected end of stream", "this text has no closing quote"),
    ("unknown escape character", "no such escape; a text in single quotes has none"),
    ("tab character", "indent with spaces, not with tabs"),
)


def _reason(text: str, error: yaml.MarkedYAMLError) -> str:
    """Why a text is not YAML, for people who do not know its grammar."""
    problem, mark = error.problem or "the text cannot be read", error.problem_mark
    for pattern, meaning in _REASONS:
        found = re.search(pattern, problem)
        if not found:
            continue
        if meaning:
            line = error.context_mark.line + 1 if error.context_mark else 1
            return "not YAML: " + meaning.format(found=found, line=line)
        sign = text[mark.index : mark.index + 1] if mark else ""
        if sign == "\t":
            return "not YAML: indent with spaces, not with tabs"
        return f"not YAML: a text that starts with {sign} needs quotes"
    return f"not YAML: {problem}" + (f" ({error.context})" if error.context else "")


class _Reader:
    """Builds plain values from events, checking every bound on the way."""

    def __init__(self, text: str) -> None:
        self.events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self.values = 0
        self.found: list[tuple[Place, str]] = []
        """What is wrong and does not keep the rest from being read."""

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
            raise _Refused(TOO_MANY, mark)
        if depth > MAX_DEPTH:
            raise _Refused(TOO_DEEP, mark)
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            message = "anchors and aliases are not part of the spec language; write it out again"
            self.found.append((_place(mark), message))
            if isinstance(event, yaml.AliasEvent):
                return None
        if event.tag is not None and event.tag != "!":
            tag = shorten(event.tag.replace("tag:yaml.org,2002:", "!!"))
            message = f"the tag {tag} is not part of the spec language; leave it out"
            self.found.append((_place(mark), message))
        if isinstance(event, yaml.ScalarEvent):
            if event.style or event.tag:
                return event.value
            value, wrong = plain(event.value)
            if wrong:
                self.found.append((_place(mark), wrong))
            return value
        listed = isinstance(event, yaml.SequenceStartEvent)
        return list(self.items(depth)) if listed else self.mapping(depth)

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
            if not isinstance(event, yaml.ScalarEvent) or (key is None and not event.style):
                raise _Refused("a key must be a word", event.start_mark)
            if not isinstance(key, str):
                key = event.value
            if key in found:
                self.found.append((_place(event.start_mark), twice(key)))
            found[key] = self.value(next(self.events), depth + 1)
        return found


def plain(text: str) -> tuple[Any, str | None]:
    """What a plain scalar means in YAML 1.2's core schema, and what is wrong with it."""
    if text in _WORDS:
        return _WORDS[text], None
    if text[0] not in _NUMERIC:
        return text, None
    integer = _INTEGER.fullmatch(text)
    if integer or _FLOAT.fullmatch(text) or _NO_NUMBER.fullmatch(text):
        message = bad_number(text)
        if message:
            return None, message
        base = 10 if text.lstrip("+-").isdigit() else 0
        return int(text, base) if integer else float(text), None
    return text, None


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
