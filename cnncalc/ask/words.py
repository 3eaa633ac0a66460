"""Requests as documents write them: a command's name, what it is asked of, and `option=value`."""

import re
import stat
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from cnncalc.ask.option import Given
from cnncalc.ask.request import Request, given_fields, request_with, wrong_choice
from cnncalc.errors import UsageError, hint, shown

REQUESTS = {
    "table": "table.Table",
    "explain": "explain.Explain",
    "reconcile": "reconcile.Reconcile",
    "compare-fc": "compare_fc.CompareFc",
    "diff": "diff.Diff",
    "check": "check.Check",
    "verify": "verify.Verify",
    "slide": "slide.Slide",
    "export": "export.Export",
    "draw": "draw.Draw",
    "layer": "table.OneLayer",
    "specs": "lists.Specs",
    "show": "lists.Show",
    "layers": "lists.Layers",
    "schema": "lists.Schema",
    "value": "value.Value",
}
"""Every command that has an answer: the module of this room and the class of its requests."""
BLOCKS = ("table", "explain", "compare-fc", "diff", "reconcile", "check", "draw")
"""The commands whose answers may stand in a document by themselves."""
REGIONS = (*BLOCKS, "value")
"""These, and what may stand in a sentence."""
_OPTION = re.compile(r"([a-z][a-z0-9_-]*)=(.*)", re.DOTALL)
_WORD = {"yes": True, "true": True, "no": False, "false": False}


def kind_of(command: str) -> type[Request[Any]]:
    """The class of the requests of a command; imported for who asks."""
    module, name = REQUESTS[command].split(".")
    found: type[Request[Any]] = getattr(import_module(f"cnncalc.ask.{module}"), name)
    return found


def request_of(words: Sequence[str], folder: Path, format: str = "") -> Request[Any]:
    """The request that the words of a region make; its paths are seen from `folder`.

    `format` is what it is written in where its words do not say. Raises UsageError.
    """
    command, *arguments = words
    if command not in REGIONS:
        raise UsageError(f"{shown(command)}: no such region{hint(command, REGIONS)}")
    given = {"base": folder, **({"format": format} if format else {})}
    return request_with(kind_of(command), {**given, **_values(command, arguments, folder)})


def format_of(words: Sequence[str]) -> str:
    """The format that the words of a region name; nothing where they name none."""
    named = [m[2] for word in words[1:] if (m := _OPTION.fullmatch(word)) and m[1] == "format"]
    if not named:
        return ""
    given = _options(words[0]).get("format") if words[0] in REQUESTS else None
    return given.option.also.get(named[-1], named[-1]) if given else named[-1]


def option_words(command: str, name: str, value: str) -> list[str]:
    """The words of a region that give an option; several where it may be repeated.

    Nothing as its value switches a flag on. Raises UsageError.
    """
    option = _options(command).get(name.replace("_", "-"))
    if option is not None and option.type is bool:
        return [f"{name}={value or 'yes'}"]
    if option is None or not option.option.repeated:
        return [f"{name}={value}"]
    # Not at the top: the command line needs it not.
    import shlex

    try:
        return [f"{name}={word}" for word in shlex.split(value)]
    except ValueError as error:
        raise UsageError(f"{name}: {str(error).lower()}") from None


def _options(command: str) -> dict[str, Given]:
    """The options of a command that a region may have."""
    return {
        given.name.replace("_", "-"): given
        for given in given_fields(kind_of(command))
        if given.option.region and not given.option.positional
    }


def _is_stream(name: str, folder: Path) -> bool:
    """Whether a path is of something that is read once, or waits: a terminal, a pipe, a device."""
    with suppress(OSError, ValueError):
        mode = (folder / name).stat().st_mode
        return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
    return False


def _values(command: str, words: Sequence[str], folder: Path) -> dict[str, Any]:
    """The fields of a request that words give. Raises UsageError."""
    options = _options(command)
    found: dict[str, Any] = {}
    positional = list[str]()
    for word in words:
        if word.startswith("--"):
            name, _, value = word.lstrip("-").partition("=")
            raise UsageError(f"{shown(word)}: options have no dashes here: {name}={value or '…'}")
        if word == "-":
            raise UsageError("-: a region cannot read standard input; name a file")
        match = _OPTION.fullmatch(word)
        if _is_stream(match[2] if match else word, folder):
            raise UsageError(f"{shown(word)}: a region reads files only, no device and no pipe")
        if match is None:
            positional.append(word)
            continue
        key = match[1].replace("_", "-")
        if key not in options:
            # `as` names a number in a document, and is no part of the question.
            known = [*options, *["as"] * (command == "value")]
            raise UsageError(f"{command} has no option {shown(key)}{hint(key, known)}")
        given = options[key]
        if given.option.repeated:
            found.setdefault(given.name, []).append(match[2])
        elif given.name in found:
            raise UsageError(f"{key} is given twice")
        else:
            found[given.name] = _value(key, match[2], given)
    return {**found, **_positional(command, positional)}


def _value(key: str, text: str, given: Given) -> Any:
    """The value of an option. Raises UsageError."""
    known = given.option.choices
    if given.type is bool:
        if text not in _WORD:
            raise UsageError(f"{key} is yes or no, not {shown(text)}")
        return _WORD[text]
    if given.type is int:
        least = given.option.least
        whole = text.isascii() and text.isdigit() and len(text) < 20
        if not whole or int(text) < (least or 0):
            start = "" if least is None else f" from {least}"
            said = text if whole else shown(text)
            raise UsageError(f"{key} must be a whole number{start}, not {said}")
        return int(text)
    text = given.option.also.get(text, text)
    if known and text not in known:
        raise UsageError(wrong_choice(key, text, known))
    return text


def _positional(command: str, words: Sequence[str]) -> dict[str, Any]:
    """The fields that words without a name fill, in their order. Raises UsageError."""
    left, found = list(words), dict[str, Any]()
    places = [given for given in given_fields(kind_of(command)) if given.option.positional]
    for given in places:
        if given.option.repeated:
            found[given.name], left = tuple(left), []
        elif left:
            found[given.name] = left.pop(0)
        elif given.required:
            wanted = [(g.option.metavar or g.name).lower() for g in places if g.required]
            example = ", as in value lenet5.json params" * (command == "value")
            raise UsageError(f"{command} takes a {' and a '.join(wanted)}{example}")
    if left:
        raise UsageError(f"{command} takes no {shown(left[0])}")
    return found
