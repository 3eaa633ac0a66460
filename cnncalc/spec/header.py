"""What stands above the layers of a spec: its texts, its inputs, its variables and its blocks."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from itertools import islice
from math import isfinite
from typing import Any

from cnncalc.dims import AbstractNumber
from cnncalc.errors import MAX_FOUND, MAX_REPORTED, Path, Problem, closest, shown, suggestion
from cnncalc.graph import INPUT
from cnncalc.layers import LATER, MODULES
from cnncalc.layers.base import Ids, Shape
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
    ("length",),
    ("height", "width", "channels"),
    ("depth", "height", "width", "channels"),
)
"""The keys of `input`, for a vector, and for one to three spatial axes; without channels it is of
whole numbers, such as ids of tokens."""

MAX_VARIABLES = 100
"""The most variables of a spec, and the most arguments of a block."""
A_VARIABLE = "must be letters without accents, digits and _, and no keyword of Python"

_BLOCK_KEYS = ("args", "inputs", "outputs", "layers")
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
            wanted = f"a spec is a mapping with the keys input and layers, not {shown(data)}"
            empty = "the spec is empty; `cnncalc init` writes one to start from"
            self._problem((), empty if data is None else wanted)
            data = {}
        else:
            self.problems += _key_problems(data)
        stem = document.origin.label.rsplit("/", 1)[-1].split(".")[0]
        self.name: str = variant or data.get("name") or stem or "network"
        self.description: str = data.get("description", "")
        self.source: str = data.get("source", "")
        self.variables: dict[str, Any] = {}
        self.changed: dict[str, Any] = {}
        """The variables that are set to something else than the spec says."""
        self.inputs: dict[str, Shape] = {}
        self.input_names: list[str] = []
        """The names of all inputs, those without a good shape too."""
        self.blocks: dict[str, Any] = {}
        with suppress(Stop):
            self.variables = self._variables(data, overrides, variant)
            self.inputs = self._inputs(data)
            self.blocks = self._blocks(data)
        self.outputs = self._list(data, "outputs", "of layers' names")
        self.auxiliary = self._list(data, "auxiliary", "of layers' names")
        self.items = self._list(data, "layers", "with a layer in each item")

    def _problem(self, path: Path, message: str, where: str | None = None) -> None:
        """A mistake; `where` says what the user knows it by, if that is not its path."""
        if where is None:
            where = ".".join(map(advice.quoted, path))
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
            self._problem(("vars",), f"{len(declared):,} variables; {MAX_VARIABLES} are allowed")
            declared = {}
        for key, value in declared.items():
            if is_variable(key):
                written[key] = (("vars", key), value)
            else:
                self._problem(("vars", key), A_VARIABLE)
        for name, settings in self._mapping(data, "variants").items():
            for key, value in self._settings(name, settings).items():
                path: Path = ("variants", name, key)
                if key not in declared:
                    hint = self._hint(key, written) or "; vars declares none of that name"
                    self._problem(path, f"no such variable{hint}")
                elif key in written:
                    value = self._same_kind(declared[key], value, path)
                    if name == variant:
                        written[key] = (path, value)
        for key, value in overrides.items():
            if key not in declared:
                listed = ", ".join(written) or "none"
                hint = self._hint(key, written) or f"; the spec has {listed}"
                self._problem(("vars",), f"no such variable{hint}", advice.quoted(key))
            elif key in written:
                # A number that is no int may refuse to be compared.
                if isinstance(value, AbstractNumber) or written[key][1] != value:
                    self.changed[key] = value
                path = ("vars", key)
                written[key] = (path, self._same_kind(declared[key], value, path))
        found: dict[str, Any] = {}
        for key, (path, value) in written.items():
            # A variant's value is known by its variable, too.
            found[key] = self._value(value, found, path, f"vars.{key}")
        return found

    def _same_kind(self, declared: Any, value: Any, path: Path) -> Any:
        """The value, or BROKEN: a number stays a number, whatever it is set to."""
        wanted, found = _kind(declared), _kind(value)
        if not (wanted and found) or wanted == found:
            return value
        self._problem(path, f"must be {wanted} as in vars, not {shown(value)}")
        return BROKEN

    def _settings(self, name: Any, settings: Any) -> dict[Any, Any]:
        path: Path = ("variants", name)
        if not isinstance(name, str) or not is_name(name.replace(".", "_")):
            self._problem(path, "must be letters, digits, _, - and . only")
        if settings is None or isinstance(settings, dict):
            return settings or {}
        self._problem(path, f"must be a mapping of variables to values, not {shown(settings)}")
        return {}

    def _value(
        self, value: Any, known: dict[str, Any], path: Path, where: str | None = None
    ) -> Any:
        """A variable's value, or BROKEN; a formula may use the variables above it."""
        if isinstance(value, list):
            found = [self._value(v, known, (*path, i), where) for i, v in enumerate(value)]
            return BROKEN if any(entry is BROKEN for entry in found) else found
        if isinstance(value, str):
            if not value.startswith("=") or value.startswith("=="):
                return value.removeprefix("=")
            try:
                return evaluate(value[1:], known)
            except FormulaError as error:
                if str(error):
                    self._problem(path, str(error), where)
                return BROKEN
        number = isinstance(value, (int, float, AbstractNumber))
        if value is BROKEN or (number and not (type(value) is float and not isfinite(value))):
            return value
        self._problem(
            path,
            f"must be a number, a word, true/false or a list of them, not {shown(value)}",
            where,
        )
        return BROKEN

    def _inputs(self, data: dict[Any, Any]) -> dict[str, Shape]:
        """The shapes of all inputs, channels first."""
        given: dict[str, tuple[Path, Any]] = {}
        if "inputs" not in data:
            given = {INPUT: (("input",), data["input"])} if "input" in data else {}
        elif "input" in data:
            self._problem(("inputs",), "stands instead of input, not beside it")
        else:
            inputs = self._mapping(data, "inputs")
            if inputs == {} == data["inputs"]:
                self._problem(("inputs",), "must have an input, such as image: {…}")
            for name, value in inputs.items():
                given[name] = (("inputs", name), value)
                if refusal := _refusal(name, RESERVED - {INPUT}):
                    self._problem(("inputs", name), refusal)
        self.input_names = [*given]
        shapes = {}
        for name, (path, value) in given.items():
            where = ".".join(map(advice.quoted, path))
            sizes, before = value, len(self.problems)
            if isinstance(value, dict):
                sizes = {key: self._size(size, (*path, key)) for key, size in value.items()}
                # What a formula does not give is said already: any size will do.
                sizes = {key: 1 if size is BROKEN else size for key, size in sizes.items()}
            self.problems += input_problems(sizes, path, where)
            if len(self.problems) == before:
                shapes[name] = input_shape(sizes)
        return shapes

    def _size(self, size: Any, path: Path) -> Any:
        if not isinstance(size, str) or not size.startswith("="):
            return size
        result = self._value(size, self.variables, path)
        return float(result) if isinstance(result, Fraction) else result

    def _blocks(self, data: dict[Any, Any]) -> dict[str, Any]:
        """Every block's arguments with their defaults, and its layers."""
        found: dict[str, Any] = {}
        for name, block in self._mapping(data, "blocks").items():
            path: Path = ("blocks", name)
            if refusal := _refusal(name, RESERVED):
                self._problem(path, refusal)
            elif name in MODULES and name not in LATER:
                self._problem(path, "is a layer's word; a block needs one of its own")
            elif isinstance(block, dict) and isinstance(block.get("layers"), list):
                found[name] = {
                    "args": self._args(block, path),
                    "inputs": self._names(block, "inputs", path),
                    "outputs": self._names(block, "outputs", path),
                    "layers": block["layers"],
                }
            else:
                wanted = f"must be a mapping with a list of layers, not {shown(block)}"
                lacking = "must have layers, which is a list"
                self._problem(path, lacking if isinstance(block, dict) else wanted)
                # It is a block all the same: its uses are no layers that do not exist.
                found[name] = None
        return found

    def _args(self, block: dict[Any, Any], path: Path) -> dict[str, Any]:
        for key in block:
            if key not in (*_BLOCK_KEYS, "description"):
                hint = self._hint(key, _BLOCK_KEYS) or f"; it has {', '.join(_BLOCK_KEYS)}"
                self._problem((*path, key), f"no such key of a block{hint}")
        args, path = block.get("args", {}), (*path, "args")
        if not isinstance(args, dict):
            message = f"must be a mapping from names to defaults, not {shown(args)}"
            self._problem(path, f"{message}; null as a default means that it is required")
            return {}
        if len(args) > MAX_VARIABLES:
            self._problem(path, f"{len(args):,} arguments; {MAX_VARIABLES} are allowed")
        for key in args:
            if not is_variable(key):
                self._problem((*path, key), A_VARIABLE)
        named = ((key, default) for key, default in args.items() if isinstance(key, str))
        return dict(islice(named, MAX_VARIABLES))

    def _names(self, block: dict[Any, Any], key: str, path: Path) -> list[str]:
        """What a block calls its inputs or its outputs."""
        names, path = block.get(key, []), (*path, key)
        if not isinstance(names, list) or (key in block and not names):
            self._problem(path, f"must be a list of names, not {shown(names)}")
            return []
        for index, name in enumerate(names):
            refusal = _refusal(name, RESERVED) or (
                "is listed twice" if name in names[:index] else ""
            )
            if refusal:
                self._problem((*path, index), f"{shown(name)} {refusal}")
                return []
        return names

    def _mapping(self, data: dict[Any, Any], key: str) -> dict[Any, Any]:
        value = data.get(key, {})
        if isinstance(value, dict):
            return value
        self._problem((key,), f"must be a mapping, not {shown(value)}")
        return {}

    def _list(self, data: dict[Any, Any], key: str, wanted: str) -> list[Any]:
        value = data.get(key, [])
        if isinstance(value, list) and (value or key not in data):
            return value
        self.problems.append(Problem((key,), key, f"must be a list {wanted}, not {shown(value)}"))
        return []


def _kind(value: Any) -> str | None:
    """What sort of value it is; a formula may be of any."""
    if isinstance(value, str):
        return None if value.startswith("=") else "a word"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, list):
        return "a list"
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
    present: set[Any] = {*data, *([INPUT] if "inputs" in data else [])}
    unknown = 0
    for key, value in data.items():
        if key in TEXT_KEYS:
            yield from _text_problems(key, value)
        elif key not in (*TOP_KEYS, *IGNORED_KEYS):
            unknown += 1
            # Nobody reads the suggestions behind the first problems.
            meant = closest(str(key), TOP_KEYS) if unknown <= MAX_REPORTED else None
            present.add(meant)
            hint = f"did you mean {meant}?" if meant else f"it has {', '.join(TOP_KEYS)}"
            yield Problem((key,), advice.quoted(key), f"no such key of a spec; {hint}")
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
        yield Problem((key,), key, f"must have at most {MAX_NAME} characters, not {len(value):,}")


def input_problems(data: Any, path: Path, name: str) -> Iterator[Problem]:
    """What is wrong with the sizes of an input."""
    forms = "; ".join(", ".join(form) for form in INPUT_FORMS)
    if not isinstance(data, dict):
        wanted = "a mapping such as {height: 32, width: 32, channels: 3}"
        yield Problem(path, name, f"must be {wanted}, not {shown(data)}")
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
    """The shape, channels first, of an input that has no problems; without channels it is of
    whole numbers."""
    if set(data) == {"length"}:
        return Ids(data.values())
    form = next(form for form in INPUT_FORMS if set(form) == set(data))
    return tuple(data[key] for key in (form[-1], *form[:-1]))
