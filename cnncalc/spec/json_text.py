"""JSON with the places of its values, and with what Python's parser lets through refused.

The text is read by the standard library in C. Only when something is wrong is it walked again,
by `_outline`, to find where.
"""

import json
import json.decoder
import re
from functools import cache
from typing import Any, NamedTuple, cast

from cnncalc.errors import Origin, Path, Problem
from cnncalc.spec.document import (
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_VALUES,
    TOO_DEEP,
    TOO_MANY,
    Document,
    bad_number,
    twice,
)

# Reads a string from behind its opening quote; in C, and not in the stubs.
_scan_string: Any = json.decoder.scanstring  # type: ignore[attr-defined]
_BLANK = " \t\r\n"
# Compiled where it is used: a spec without mistakes does not need it.
# Possessive, so that a long text costs no memory; an unclosed one is skipped as a whole.
_TOKEN = r'(?s)"(?:[^"\\]++|\\.)*+(?:"|\Z)|[\[\]{},:]|[^\s\[\]{},:"]+'
_OPENING, _CLOSING = ("[", "{"), ("]", "}")


def read(text: str, label: str) -> Document:
    """The values of a JSON text. Raises SpecError with line and column."""
    outline = cache(lambda: _outline(text, []))
    origin = Origin(label, lambda path: _position(text, _place(outline(), path)))
    if not text.strip(_BLANK):
        return Document(None, Origin(label, lambda _: (1, 1)))
    if text.count(",") > MAX_VALUES:
        raise _errors(text, label, [(0, TOO_MANY)])
    suspect = set[bool]()

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        suspect.add(len(found) < len(pairs))
        return found

    def number(digits: str) -> float:
        suspect.add(bad_number(digits) is not None)
        return float(digits)

    def integer(digits: str) -> int:
        suspect.add(len(digits) > MAX_DIGITS)
        return 0 if len(digits) > MAX_DIGITS else int(digits)

    try:
        if text.count("[") + text.count("{") > MAX_DEPTH:
            _refuse_depth(text, label)
        data = json.loads(
            text,
            object_pairs_hook=mapping,
            parse_int=integer,
            parse_float=number,
            parse_constant=number,
        )
    except json.JSONDecodeError as error:
        offset, reason = _reason(error)
        raise _errors(text, label, [(offset, f"not JSON: {reason}")]) from None
    if True in suspect:
        found: list[tuple[int, str]] = []
        _outline(text, found)
        raise _errors(text, label, found)
    return Document(data, origin)


def _errors(text: str, label: str, found: list[tuple[int, str]]) -> Exception:
    origin = Origin(label, lambda path: _position(text, cast(int, path[0])))
    return origin.error([Problem((offset,), "", message) for offset, message in found])


def _reason(error: json.JSONDecodeError) -> tuple[int, str]:
    """Where and why a text is no JSON, for people who do not know its grammar."""
    text, offset, found = error.doc, error.pos, error.msg
    if "trailing comma" in found:
        # Python 3.13 points at the comma, earlier ones at what follows it.
        offset = _skip(text, offset + 1)
    before, rest = text[:offset].rstrip(_BLANK)[-1:], text[offset : offset + 10]
    sign, is_comma = rest[:1], found.startswith("Expecting ','")
    # The first that holds is the reason.
    reasons = (
        (found.startswith("Unterminated string"), "this text has no closing quote"),
        (
            found.startswith("Invalid control character"),
            "a line break or control character inside a text; write \\n for a break",
        ),
        (found.startswith("Invalid \\"), "no such escape; a backslash in a text is written twice"),
        (not text[offset:].strip(_BLANK), "the text ends too early; a bracket is not closed"),
        (rest.startswith(("//", "/*", "#")), "there are no comments in JSON; YAML has them"),
        (before == "," and sign in "]},", f"there is a comma too many before {sign}"),
        (found == "Extra data", "the spec ends before this; a file is one spec"),
        (found.startswith("Expecting ':'"), "a colon is missing between a key and its value"),
        (is_comma and sign in "]}", f"{sign} does not match the bracket that is open"),
        (is_comma and before == "0" and sign.isdigit(), "a number does not start with 0"),
        (is_comma, "a comma is missing before this, or this does not belong here"),
        (found.startswith("Expecting property name"), "a key in double quotes is expected here"),
        (sign in "]}", f"a value is missing before {sign}"),
        (
            rest.startswith(("True", "False", "None")),
            "true, false and null are written in lower case",
        ),
        (sign == "'", "texts stand in double quotes"),
        (sign in "+.", "a number starts with a digit or -"),
        (offset == _skip(text, 0), "a spec starts with {; the name of a YAML file ends in .yaml"),
        (True, "a value is expected here: a text in double quotes, a number, [ or {"),
    )
    return offset, next(reason for holds, reason in reasons if holds)


def _position(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _skip(text: str, offset: int) -> int:
    return len(text) - len(text[offset:].lstrip(_BLANK))


def _refuse_depth(text: str, label: str) -> None:
    """Raise where the nesting passes the limit; the text need not be JSON."""
    depth = 0
    for token in re.compile(_TOKEN).finditer(text):
        if token[0] in _OPENING:
            depth += 1
            if depth > MAX_DEPTH:
                raise _errors(text, label, [(token.start(), TOO_DEEP)])
        elif token[0] in _CLOSING:
            depth -= 1


class _Entry(NamedTuple):
    """Where a key or item stands, and what is inside it."""

    offset: int
    members: dict[str | int, "_Entry"]


_NOTHING: dict[str | int, _Entry] = {}


def _outline(text: str, found: list[tuple[int, str]]) -> _Entry:
    """All places of a well-formed text, in one pass.

    `found` gets everything that JSON's grammar allows and a spec does not, with its place.
    """
    root = here = _Entry(0, {})
    outer: list[tuple[_Entry, str | int | None]] = []
    # The key or index of the value that comes next; None where a key comes next.
    key: str | int | None = 0
    place = 0
    for token in re.compile(_TOKEN).finditer(text):
        word, offset = token[0], token.start()
        if word == ",":
            key = key + 1 if isinstance(key, int) else None
        elif word in _CLOSING:
            here, key = outer.pop()
        elif key is None:
            key = str(_scan_string(text, offset + 1)[0])
            if key in here.members:
                found.append((offset, twice(key)))
            place = offset
        elif word != ":":
            members = {} if word in _OPENING else _NOTHING
            entry = _Entry(offset if isinstance(key, int) else place, members)
            here.members[key] = entry
            if word in _OPENING:
                outer.append((here, key))
                here, key = entry, None if word == "{" else 0
            elif word[-1].isdigit() or word.endswith(("NaN", "Infinity")):
                message = bad_number(word)
                if message:
                    found.append((offset, message))
    return root


def _place(root: _Entry, path: Path) -> int:
    """Where the key or item at `path` stands; for what is missing, its nearest parent."""
    entry = root.members[0]
    for step in path:
        if step not in entry.members:
            break
        entry = entry.members[step]
    return entry.offset
