"""What stands above the layers of a spec: its texts, its inputs, its variables and its blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from itertools import islice
from math import isfinite
from typing import Any

from cnncalc.dims import AbstractNumber
from cnncalc.errors import MAX_FOUND, MAX_REPORTED, Path, Problem, closest, shown, suggestion
from cnncalc.graph import INPUT
from cnncalc.layers import MODULES
from cnncalc.layers.base import Shape
from cnncalc.layers.fields import MAX_INT, is_whole
from cnncalc.spec import advice
from cnncalc.spec.document import Document
from cnncalc.spec.formula import BROKEN, FormulaError, evaluate, is_variable
from cnncalc.spec.scope import MAX_NAME, RESERVED, Stop, is_name

TOP_KEYS = (
    "name",
    "description",
    "source",
    "vars",
    "variants",
    "blocks",
    "input",
    "inputs",
    "layers",
    "outputs",
    "auxiliary",
)
IGNORED_KEYS = ("$schema",)
TEXT_KEYS = ("name", "description", "source")

INPUT_FORMS = (
    ("features",),
    ("length", "channels"),
    ("height", "width", "channels"),
    ("depth", "height", "width", "channels"),
)
"""The keys of `input`, for a vector and for one to three spatial axes."""

MAX_VARIABLES = 100
"""The most variables of a spec, and the most arguments of a block."""
A_VARIABLE = "must be letters without accents, digits and _, and no keyword of Python"

_REQUIRED = {
    "input": "it is a mapping such as {height: 32, width: 32, channels: 3}",
    "layers": "they are a list such as [flatten, {linear: 10}]",
}


class Header:
    """Everything of a spec but its layers, with what is wrong with it."""

    def __init__(
        self, document: Document, overrides: Mapping[str, Any], variant: str | None
    ) -> None:
        self.problems: list[Problem] = []
        data = document.data
        if not isinstance(data, dict):
            message = f"a spec is a mapping with the keys input and layers, not {shown(data)}"
            if data is None:
                message = "the spec is empty; `cnncalc init` writes one to start from"
            self._problem((), "", message)
            data = {}
        else:
            self.problems += _key_problems(data)
        stem = document.origin.label.rsplit("/", 1)[-1].split(".")[0]
        self.name: str = variant or data.get("name") or stem or "network"
        self.description: str = data.get("description", "")
        self.source: str = data.get("source", "")
        self.variables: dict[str, Any] = {}
        self.inputs: dict[str, Shape] = {}
        self.input_names: list[str] = []
        """The names of all inputs, those without a good shape too."""
        self.blocks: dict[str, Any] = {}
        self.items: list[Any] = []
        with suppress(Stop):
            self.variables = self._variables(data, overrides, variant)
            self.inputs = self._inputs(data)
            self.blocks = self._blocks(data.get("blocks", {}))
        self.outputs = self._names(data, "outputs")
        self.auxiliary = self._names(data, "auxiliary")
        if isinstance(data.get("layers"), list) and data["layers"]:
            self.items = data["layers"]
        elif "layers" in data:
            message = f"must be a list with a layer in each item, not {shown(data['layers'])}"
            self.problems.append(Problem(("layers",), "layers", message))

    def _problem(self, path: Path, where: str, message: str) -> None:
        self.problems.append(Problem(path, where, message))
        if len(self.problems) >= MAX_FOUND:
            raise Stop

    def _hint(self, word: Any, known: Iterable[str]) -> str:
        """A suggestion, as long as somebody will read it."""
        return suggestion(str(word), known) if len(self.problems) < MAX_REPORTED else ""

    def _variables(
        self, data: dict[Any, Any], overrides: Mapping[str, Any], variant: str | None
    ) -> dict[str, Any]:
        """The values of all variables: as they stand, then the variant's, then the overrides."""
        written: dict[str, tuple[Path, Any]] = {}
        declared = self._mapping(data, "vars")
        if len(declared) > MAX_VARIABLES:
            message = f"{len(declared):,} variables; {MAX_VARIABLES} are allowed"
            self._problem(("vars",), "vars", message)
            declared = {}
        for key, value in declared.items():
            if is_variable(key):
                written[key] = (("vars", key), value)
            else:
                self._problem(("vars", key), f"vars.{advice.quoted(key)}", A_VARIABLE)
        for name, settings in self._mapping(data, "variants").items():
            for key, value in self._settings(name, settings).items():
                path: Path = ("variants", name, key)
                where = f"variants.{advice.quoted(name)}.{advice.quoted(key)}"
                if key not in declared:
                    hint = self._hint(key, written) or "; vars declares none of that name"
                    self._problem(path, where, f"no such variable{hint}")
                elif key in written:
                    value = self._same_kind(declared[key], value, path, where)
                    if name == variant:
                        written[key] = (path, value)
        for key, value in overrides.items():
            if key not in declared:
                listed = ", ".join(written) or "none"
                hint = self._hint(key, written) or f"; the spec has {listed}"
                self._problem(("vars",), advice.quoted(key), f"no such variable{hint}")
            elif key in written:
                path = ("vars", key)
                written[key] = (path, self._same_kind(declared[key], value, path, f"vars.{key}"))
        found: dict[str, Any] = {}
        for key, (path, value) in written.items():
            found[key] = self._value(value, found, path, f"vars.{key}")
        return found

    def _same_kind(self, declared: Any, value: Any, path: Path, where: str) -> Any:
        """The value, or BROKEN: a number stays a number, whatever it is set to."""
        wanted, found = _kind(declared), _kind(value)
        if not (wanted and found) or wanted == found:
            return value
        self._problem(path, where, f"must be {wanted} as in vars, not {shown(value)}")
        return BROKEN

    def _settings(self, name: Any, settings: Any) -> dict[Any, Any]:
        where = f"variants.{advice.quoted(name)}"
        if not isinstance(name, str) or not is_name(name.replace(".", "_")):
            self._problem(("variants", name), where, "must be letters, digits, _, - and . only")
        if settings is None or isinstance(settings, dict):
            return settings or {}
        message = f"must be a mapping of variables to values, not {shown(settings)}"
        self._problem(("variants", name), where, message)
        return {}

    def _value(self, value: Any, known: dict[str, Any], path: Path, where: str) -> Any:
        """A variable's value, or BROKEN; a formula may use the variables above it."""
        if isinstance(value, str):
            if not value.startswith("=") or value.startswith("=="):
                return value.removeprefix("=")
            try:
                return evaluate(value[1:], known)
            except FormulaError as error:
                if str(error):
                    self._problem(path, where, str(error))
                return BROKEN
        if value is BROKEN:
            return BROKEN
        number = isinstance(value, (int, float, AbstractNumber))
        if not number or (type(value) is float and not isfinite(value)):
            message = f"must be a number, a word or true/false, not {shown(value)}"
            self._problem(path, where, message)
            return BROKEN
        return value

    def _inputs(self, data: dict[Any, Any]) -> dict[str, Shape]:
        """The shapes of all inputs, channels first."""
        given: dict[str, tuple[Path, Any]] = {}
        if "inputs" not in data:
            given = {INPUT: (("input",), data["input"])} if "input" in data else {}
        elif "input" in data:
            self._problem(("inputs",), "inputs", "stands instead of input, not beside it")
        else:
            inputs = self._mapping(data, "inputs")
            if inputs == {} == data["inputs"]:
                self._problem(("inputs",), "inputs", "must have an input, such as image: {…}")
            for name, value in inputs.items():
                given[name] = (("inputs", name), value)
                if refusal := _refusal(name, RESERVED - {INPUT}):
                    self._problem(("inputs", name), f"inputs.{advice.quoted(name)}", refusal)
        self.input_names = [*given]
        shapes = {}
        for name, (path, value) in given.items():
            where = ".".join(map(advice.quoted, path))
            sizes, before = value, len(self.problems)
            if isinstance(value, dict):
                sizes = {key: self._size(size, (*path, key), where) for key, size in value.items()}
                # What a formula does not give is said already: any size will do.
                sizes = {key: 1 if size is BROKEN else size for key, size in sizes.items()}
            self.problems += input_problems(sizes, path, where)
            if len(self.problems) == before:
                shapes[name] = input_shape(sizes)
        return shapes

    def _size(self, size: Any, path: Path, where: str) -> Any:
        if not isinstance(size, str) or not size.startswith("="):
            return size
        result = self._value(size, self.variables, path, f"{where}.{advice.quoted(path[-1])}")
        return float(result) if isinstance(result, Fraction) else result

    def _blocks(self, blocks: Any) -> dict[str, Any]:
        """Every block's arguments with their defaults, and its layers."""
        if not isinstance(blocks, dict):
            self._problem(("blocks",), "blocks", f"must be a mapping, not {shown(blocks)}")
            return {}
        found: dict[str, Any] = {}
        for name, block in blocks.items():
            path: Path = ("blocks", name)
            where = f"blocks.{advice.quoted(name)}"
            if refusal := _refusal(name, RESERVED):
                self._problem(path, where, refusal)
            elif name in MODULES:
                self._problem(path, where, "is a layer's word; a block needs one of its own")
            elif not isinstance(block, dict) or not isinstance(block.get("layers"), list):
                message = f"must be a mapping with a list of layers, not {shown(block)}"
                if isinstance(block, dict):
                    message = "must have layers, which is a list"
                self._problem(path, where, message)
                # It is a block all the same: its uses are no layers that do not exist.
                found[name] = None
            else:
                found[name] = {"args": self._args(block, path, where), "layers": block["layers"]}
        return found

    def _args(self, block: dict[Any, Any], path: Path, where: str) -> dict[str, Any]:
        for key in block:
            if key not in ("args", "layers", "description"):
                hint = self._hint(key, ("args", "layers")) or "; it has args and layers"
                where_key = f"{where}.{advice.quoted(key)}"
                self._problem((*path, key), where_key, f"no such key of a block{hint}")
        args, path, where = block.get("args", {}), (*path, "args"), f"{where}.args"
        if not isinstance(args, dict):
            message = f"must be a mapping from names to defaults, not {shown(args)}"
            self._problem(path, where, f"{message}; null as a default means that it is required")
            return {}
        if len(args) > MAX_VARIABLES:
            message = f"{len(args):,} arguments; {MAX_VARIABLES} are allowed"
            self._problem(path, where, message)
        for key in args:
            if not is_variable(key):
                self._problem((*path, key), f"{where}.{advice.quoted(key)}", A_VARIABLE)
        return dict(islice(args.items(), MAX_VARIABLES))

    def _mapping(self, data: dict[Any, Any], key: str) -> dict[Any, Any]:
        value = data.get(key, {})
        if isinstance(value, dict):
            return value
        self._problem((key,), key, f"must be a mapping, not {shown(value)}")
        return {}

    def _names(self, data: dict[Any, Any], key: str) -> list[Any]:
        value = data.get(key, [])
        if isinstance(value, list) and (value or key not in data):
            return value
        message = f"must be a list of layers' names, not {shown(value)}"
        self.problems.append(Problem((key,), key, message))
        return []


def _kind(value: Any) -> str | None:
    """What sort of value it is; a formula may be of any."""
    if isinstance(value, str):
        return None if value.startswith("=") else "a word"
    if isinstance(value, bool):
        return "true or false"
    return "a number" if isinstance(value, (int, float, AbstractNumber)) else None


def _refusal(name: Any, reserved: set[str]) -> str | None:
    """Why something cannot be the name of an input or a block."""
    if name in reserved:
        return "is a word of the language; choose another"
    if not isinstance(name, str) or not is_name(name):
        return "must be letters, digits, _ and - only, and not start with -"
    return f"must have at most {MAX_NAME} characters" if len(name) > MAX_NAME else None


def _key_problems(data: dict[Any, Any]) -> Iterator[Problem]:
    """Unknown and missing keys of a spec, and texts that are none."""
    present: set[Any] = set(data)
    if "inputs" in present:
        present.add(INPUT)
    unknown = 0
    for key, value in data.items():
        if key in TEXT_KEYS:
            yield from _text_problems(key, value)
        elif key not in TOP_KEYS and key not in IGNORED_KEYS:
            unknown += 1
            # Nobody reads the suggestions behind the first problems.
            meant = closest(str(key), TOP_KEYS) if unknown <= MAX_REPORTED else None
            present.add(meant)
            message = f"no such key of a spec; it has {', '.join(TOP_KEYS)}"
            if meant:
                message = f"no such key of a spec; did you mean {meant}?"
            yield Problem((key,), advice.quoted(key), message)
        if unknown > MAX_FOUND:
            return
    for key, example in _REQUIRED.items():
        # Where a misspelt key was meant to be this one, one message is enough.
        if key not in present:
            yield Problem((), "", f"the spec has no {key}; {example}")


def _text_problems(key: str, value: Any) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield Problem((key,), key, f"must be a text, not {shown(value)}")
    elif key == "name" and not value.isprintable():
        yield Problem((key,), key, "must be one line without control characters")
    elif key == "name" and len(value) > MAX_NAME:
        message = f"must have at most {MAX_NAME} characters, not {len(value):,}"
        yield Problem((key,), key, message)


def input_problems(data: Any, path: Path, name: str) -> Iterator[Problem]:
    """What is wrong with the sizes of an input."""
    forms = "; ".join(", ".join(form) for form in INPUT_FORMS)
    if not isinstance(data, dict):
        example = "such as {height: 32, width: 32, channels: 3}"
        yield Problem(path, name, f"must be a mapping {example}, not {shown(data)}")
        return
    known = tuple(dict.fromkeys(key for form in INPUT_FORMS for key in form))
    for key, value in islice(data.items(), MAX_FOUND):
        where = f"{name}.{advice.quoted(key)}"
        if key not in known:
            yield Problem((*path, key), where, advice.unknown_input_key(key, known))
        elif not is_whole(value, 1):
            wanted = f"a whole number from 1 to {MAX_INT:,}"
            yield Problem((*path, key), where, f"must be {wanted}, not {shown(value)}")
    given = set(data)
    if given <= set(known) and given not in map(set, INPUT_FORMS):
        wider = next((form for form in INPUT_FORMS if given < set(form)), ())
        lacking = ", ".join(key for key in wider if key not in given)
        found = f"lacks {lacking}" if given and wider else f"has {', '.join(data) or 'no key'}"
        yield Problem(path, name, f"{found}; its keys are one of these sets: {forms}")


def input_shape(data: dict[str, int]) -> Shape:
    """The shape, channels first, of an input that has no problems."""
    form = next(form for form in INPUT_FORMS if set(form) == set(data))
    return tuple(data[key] for key in (form[-1], *form[:-1]))
