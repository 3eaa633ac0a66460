"""JSON with the places of its values, and with what Python's parser lets through refused.

The text is read by the standard library in C. Only when something is wrong is it walked again,
by `_walk`, to find where.
"""

from __future__ import annotations

import json
import json.decoder
import re
from collections.abc import Iterator
from math import isinf
from typing import Any

from cnncalc.errors import Origin, Path, Problem
from cnncalc.spec.document import MAX_DEPTH, MAX_DIGITS, Document, too_many_values

# Reads a string from behind its opening quote; in C, and not in the stubs.
_scan_string: Any = json.decoder.scanstring  # type: ignore[attr-defined]
_SPACE = re.compile(r"[ \t\r\n]*")
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_SCALAR = re.compile(r"[^\s,\]}]+")


class _Suspect(Exception):
    """The parser met something that needs a second look."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise _Suspect
    return mapping


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise _Suspect
    return int(digits)


def _number(digits: str) -> float:
    if len(digits) > MAX_DIGITS or isinf(float(digits)):
        raise _Suspect
    return float(digits)


def _constant(_: str) -> None:
    raise _Suspect


def read(text: str, label: str) -> Document:
    """The values of a JSON text. Raises SpecError with line and column."""
    origin = Origin(label, _Finder(text).locate)
    too_many_values(text.count(","), origin)
    try:
        data = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        raise _at(text, label, error.pos, f"not JSON: {_reason(error)}") from None
    except (_Suspect, RecursionError):
        offset, message = _deep(text) or next(_walk(text, _skip(text, 0)))
        raise _at(text, label, offset, message) from None
    return Document(data, origin)


def _at(text: str, label: str, offset: int, message: str) -> Exception:
    place = _position(text, offset)
    return Origin(label, lambda _: place).error([Problem((), "", message)])


def _reason(error: json.JSONDecodeError) -> str:
    if error.pos >= len(error.doc.rstrip()):
        return "the text ends too early"
    rest = error.doc[error.pos :]
    if error.msg == "Expecting value" and rest[0] in "]}":
        return f"a value is missing before {rest[0]}; is there a comma too many?"
    if error.msg == "Illegal trailing comma before end of object":
        return "there is a comma too many before }"
    if error.msg == "Illegal trailing comma before end of array":
        return "there is a comma too many before ]"
    if error.msg.startswith("Expecting property name"):
        if rest[0] in ",}":
            return f"there is a comma too many before {rest[0]}"
        return "a key in double quotes is expected here"
    if rest.startswith(("//", "/*", "#")):
        return "JSON has no comments; write YAML to have them"
    return error.msg[0].lower() + error.msg[1:]


def _position(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def _skip(text: str, offset: int) -> int:
    match = _SPACE.match(text, offset)
    return match.end() if match else offset


def _deep(text: str) -> tuple[int, str] | None:
    """Where the nesting passes the limit."""
    depth = 0
    for match in _STRUCTURE.finditer(text):
        if match[0] in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return match.start(), f"nested more than {MAX_DEPTH} deep"
        elif match[0] in "]}":
            depth -= 1
    return None


def _members(text: str, offset: int) -> Iterator[tuple[str | int, int, int]]:
    """(key or index, where the key or item stands, where its value stands) of a container."""
    mapping, index = text[offset] == "{", 0
    offset = _skip(text, offset + 1)
    while text[offset] not in "]}":
        key: str | int = index
        start = offset
        if mapping:
            key, offset = _scan_string(text, offset + 1)
            offset = _skip(text, _skip(text, offset) + 1)
        yield key, start, offset
        offset = _skip(text, _end(text, offset))
        if text[offset] == ",":
            offset = _skip(text, offset + 1)
        index += 1


def _end(text: str, offset: int) -> int:
    """Where the value that starts at `offset` ends."""
    if text[offset] == '"':
        return int(_scan_string(text, offset + 1)[1])
    if text[offset] in "[{":
        depth = 0
        for bracket in _STRUCTURE.finditer(text, offset):
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(bracket[0], 0)
            if depth == 0:
                return bracket.end()
    match = _SCALAR.match(text, offset)
    return match.end() if match else len(text)


def _walk(text: str, offset: int) -> Iterator[tuple[int, str]]:
    """Everything that JSON's grammar allows and a spec does not, with its place."""
    if text[offset] in "[{":
        seen = set()
        for key, start, value in _members(text, offset):
            if key in seen:
                yield start, f'the key "{key}" stands here twice'
            seen.add(key)
            yield from _walk(text, value)
    elif text[offset] != '"':
        scalar = text[offset : _end(text, offset)]
        if scalar.lstrip("-") in ("NaN", "Infinity"):
            yield offset, f"{scalar} is not a number of JSON"
        elif len(scalar) > MAX_DIGITS:
            yield offset, f"a number of {len(scalar):,} characters is out of range"
        elif scalar.lstrip("-")[0].isdigit() and isinf(float(scalar)):
            yield offset, f"{scalar} is out of range"


class _Finder:
    """Finds places in a well-formed text; remembers every container that it has been through."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.known: dict[int, dict[str | int, tuple[int, int]]] = {}

    def locate(self, path: Path) -> tuple[int, int]:
        """Line and column of the key or item at `path`; for what is missing, of its parent."""
        offset = place = _skip(self.text, 0)
        for step in path:
            found = self.members(offset).get(step)
            if found is None:
                break
            place, offset = found
        return _position(self.text, place)

    def members(self, offset: int) -> dict[str | int, tuple[int, int]]:
        if self.text[offset] not in "[{":
            return {}
        if offset not in self.known:
            self.known[offset] = {k: (s, v) for k, s, v in _members(self.text, offset)}
        return self.known[offset]
