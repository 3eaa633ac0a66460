"""Finds a spec by path or name, reads it, and expands it to a graph."""

import os
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from cnncalc.errors import CnncalcError, Origin, UsageError, printable, shorten, shown, suggestion
from cnncalc.graph import Graph
from cnncalc.layers import MODULES
from cnncalc.spec.bundled import ENDINGS, find, networks, plain_name
from cnncalc.spec.document import MAX_BYTES, Document
from cnncalc.spec.expand import expand
from cnncalc.spec.networks import Found

MAX_WITHIN = 10
"""How many networks may use one another in a row."""


def load(spec: str | os.PathLike[str] | Mapping[str, Any], /, **variables: Any) -> Graph:
    """The graph of a spec, with some of its variables set.

    `spec` is an existing path, `-` for standard input, the name of a bundled network or variant
    (with or without its ending), or the spec itself as a mapping. Raises CnncalcError.
    """
    return graph_of(spec, variables)


def graph_of(
    spec: str | os.PathLike[str] | Mapping[str, Any] | Graph,
    variables: Mapping[str, Any],
    folder: Path = Path(),
) -> Graph:
    """The graph of a spec as `load` takes it; its path is seen from `folder`.

    A graph is as it is: it has no variables any more. Raises CnncalcError.
    """
    if isinstance(spec, Graph):
        return spec
    label, text, variant, document = "", "", None, None
    beside, within = None, tuple[str, ...]()
    try:
        if isinstance(spec, Mapping):
            document = Document(dict(spec), Origin())
        elif isinstance(spec, str | os.PathLike):
            label, text, variant = source(os.fspath(spec), folder)
            document, within = read(label, text), (label,)
            beside = None if spec == "-" else (folder / spec).parent
        else:
            # It has no text, and is no document.
            raise UsageError("")
        return expand(document, variables, variant, find=partial(_neighbour, beside, within))
    except CnncalcError:
        # Asked where something is wrong only: most specs are specs.
        from cnncalc.spec.closed_doors import what_it_is

        said = what_it_is(spec, label, text, document)
        if said is None:
            raise
        raise UsageError(said) from None


def _neighbour(folder: Path | None, within: tuple[str, ...], name: str) -> Found:
    """The network that a spec in this folder names: a file there or below, or a bundled one."""
    if folder is None:
        # From a mapping or from standard input: there is no beside.
        if find(name) is None:
            raise UsageError(f"{shown(name)}: no bundled network of that name")
        folder = Path(os.devnull)
    elif Path(name).is_absolute() or not _is_below(folder, name):
        raise UsageError(f"{shown(name)}: leads out of the spec's folder; a network stands in it")
    label, text, variant = source(name, folder)
    if label in within or len(within) > MAX_WITHIN:
        raise UsageError(f"it uses itself: {' → '.join([*within, label])}")
    inner = partial(_neighbour, (folder / name).parent, (*within, label))
    return Found(read(label, text), variant, inner)


def _is_below(folder: Path, name: str) -> bool:
    try:
        return (folder / name).resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):
        return False


def read(label: str, text: str) -> Document:
    """The document that a text is, JSON or YAML by its label's ending or else by its start."""
    if label.endswith(".json") or (not label.endswith(ENDINGS) and text.lstrip()[:1] in "{["):
        from cnncalc.spec import json_text

        return json_text.read(text, label)
    # Not at the top: a JSON spec must not pay for the YAML library.
    from cnncalc.spec import yaml_text

    return yaml_text.read(text, label)


def source(name: str, folder: Path = Path()) -> tuple[str, str, str | None]:
    """(what messages call it, its text, its variant) of a path, of `-` or of a bundled name."""
    if name == "-":
        return "stdin", _decode(sys.stdin.buffer.read(MAX_BYTES + 1), "stdin"), None
    label = printable(shorten(name, 200)) or '""'
    path, variant, is_bundled = _locate(name, label, folder)
    if is_bundled:
        label = path.name
    try:
        with path.open("rb") as file:
            return label, _decode(file.read(MAX_BYTES + 1), label), variant
    except OSError as error:
        raise UsageError(f"{label}: {error.strerror or error}") from None


def _decode(content: bytes, label: str) -> str:
    if len(content) > MAX_BYTES:
        raise UsageError(
            _not_a_spec(label, content)
            or f"{label}: larger than {MAX_BYTES // 10**6} MB; a spec is not that large"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if said := _not_a_spec(label, content):
            raise UsageError(said) from None
        start = error.start
        line = content.count(b"\n", 0, start) + 1
        column = len(content[content.rfind(b"\n", 0, start) + 1 : start].decode("utf-8-sig")) + 1
        raise CnncalcError(
            f"{label}:{line}:{column}: not UTF-8: the byte 0x{content[start]:02x}; save the file "
            "as UTF-8"
        ) from None


def _not_a_spec(label: str, content: bytes) -> str | None:
    from cnncalc.spec.closed_doors import not_a_spec

    return not_a_spec(label, content)


def _locate(name: str, label: str, folder: Path) -> tuple[Path, str | None, bool]:
    """What a name means: an existing path, else a bundled network, perhaps as a variant."""
    is_folder = False
    # To a path, no name at all is the folder itself.
    with suppress(OSError, ValueError):
        if name and not (is_folder := stat.S_ISDIR((folder / name).stat().st_mode)):
            return folder / name, None, False
    found = find(name)
    if found is not None:
        return (*found, True)
    if is_folder:
        raise UsageError(f"{label}: is a folder; name a spec in it")
    from cnncalc.spec.closed_doors import no_such_name

    if elsewhere := no_such_name(name):
        raise UsageError(f"{label}: {elsewhere}")
    hint = suggestion(plain_name(name), networks()) or "; `cnncalc specs` lists the bundled ones"
    if name in MODULES:
        hint = f"; {name} is a layer: `cnncalc layer {name}` has its table"
    raise UsageError(f"{label}: no such file, and no bundled network of that name{hint}")
