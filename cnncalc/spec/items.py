"""One item of a spec as nodes: fields, fused activations, names, wiring and branches."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from pydantic import ValidationError

from cnncalc.errors import MAX_FOUND, MAX_REPORTED, Path, Problem, path_text, shown, suggestion
from cnncalc.graph import Node
from cnncalc.layers import ACTIVATIONS, layer_class
from cnncalc.layers.base import Layer
from cnncalc.spec import advice
from cnncalc.spec.assertions import asserted, assertions_of
from cnncalc.spec.document import MAX_VALUES
from cnncalc.spec.formula import FormulaError, evaluate
from cnncalc.spec.scope import MAX_PATH, Scope, Stop

UNKNOWN = ""
"""Stands for an output that a mistake leaves unknown; nothing behind it is judged."""
SEVERAL = "?"
"""Stands for what an item reads where there are several inputs and it does not say which."""
MAX_NESTED = 40
"""How deep blocks, repeats and branches may stand inside one another."""
MAX_STEPS = 2 * MAX_VALUES
"""The most items and values of fields in all blocks and rounds together; no file holds more."""


class TooLarge(Exception):
    """The spec expands to more than is allowed, as `message` says, first passed at `path`."""

    def __init__(self, path: Path, message: str) -> None:
        self.path, self.message = path, message


class LayerExpander(ABC):
    """Collects nodes and problems; knows all of the language but its constructs."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.nodes: list[Node] = []
        self.top = self.scope = Scope(set(), {})
        """The scope of the whole spec, and the one that is being expanded."""
        self.unresolved = 0
        """How many formulas had no value."""
        self.met = 0
        """How many problems there were, with those that were known already."""
        self.steps = 0
        self.nested = 0
        self.longest = 0
        """The length of the longest name in the block or round that is being expanded."""
        self._names: dict[str, str] = {}
        self._named = 0
        """How many nodes `_names` knows."""
        self._said: set[tuple[Path, str]] = set()
        self._made: dict[str, Layer] = {}
        """Layers by how they are written: blocks write the same ones again and again."""

    @abstractmethod
    def items(self, items: list[Any], path: Path, reads: str) -> str:
        """Add the nodes of a list of items; the first reads `reads`. Gives the last's name."""

    def problem(self, path: Path, where: str, message: str) -> None:
        self.met += 1
        # A mistake in a block or a repeat is one, however often it is met.
        if (path, message) in self._said:
            self.step(path, 20)
            return
        self._said.add((path, message))
        self.problems.append(Problem(path, where, message, self.scope.uses))
        if len(self.problems) >= MAX_FOUND:
            raise Stop

    def unknown(self, path: Path, where: str, message: str) -> str:
        """The output of what is wrong itself, once that is said."""
        self.problem(path, where, message)
        return UNKNOWN

    def hint(self, word: str, known: Iterable[str]) -> str:
        """A suggestion, as long as somebody will read it."""
        return suggestion(word, known) if len(self.problems) < MAX_REPORTED else ""

    def step(self, path: Path, size: int = 1) -> None:
        """Count what is expanded, so that a short spec cannot stand for endless work."""
        self.steps += size
        if self.steps > MAX_STEPS:
            raise TooLarge(
                path, f"more than {MAX_STEPS:,} items and values in all its blocks and rounds"
            )

    def resolved(self, value: Any, path: Path, where: str, exact: bool = False) -> Any:
        """A value with its formulas computed; what has none counts in `unresolved`.

        `exact` keeps a fraction; fields of layers take the nearest float.
        """
        self.step(path)
        if isinstance(value, list):
            return [self.resolved(v, (*path, i), where) for i, v in enumerate(value)]
        if isinstance(value, dict):
            return {k: self.resolved(v, (*path, k), where) for k, v in value.items()}
        if not isinstance(value, str) or not value.startswith("="):
            return value
        if value.startswith("=="):
            return value[1:]
        try:
            result = evaluate(value[1:], self.scope.variables)
        except FormulaError as error:
            self.unresolved += 1
            if str(error):
                self.problem(path, where, str(error))
            return None
        if isinstance(result, (list, dict)):
            self.step(path, _size(result))
        return float(result) if isinstance(result, Fraction) and not exact else result

    def layer(
        self,
        word: str,
        value: Any,
        beside: dict[str, Any],
        explicit: str | None,
        path: Path,
        at: Path,
        reads: str,
    ) -> str:
        """Add the nodes of one layer."""
        cls = layer_class(word)
        name = explicit or self.scope.automatic_name(cls.prefix or cls.type)
        sources = self.sources(beside["from"], path, name) if "from" in beside else [reads]
        fields, before = _fields(cls, value), self.unresolved
        branches = fields.pop("branches", None) if cls.joins and fields is not None else None
        if fields is not None:
            inner = isinstance(value, dict)
            fields = {
                key: self.resolved(v, (*at, key) if inner else at, f"{name}.{key}")
                for key, v in fields.items()
            }
        whole = self.unresolved == before
        assertions = self.assertions(cls, fields, name, at) if fields and whole else ()
        layer = self.validated(cls, fields, value, name, at) if whole else None
        fused = fields.get("activation") if fields and "activation" in cls.model_fields else None
        activation = self.activation(fused, name, at)
        if cls.joins and fields is None:
            sources = None
        elif cls.joins:
            place = (*at, "branches") if isinstance(value, dict) and branches is not None else at
            sources = self.branches(branches, sources, "from" in beside, name, place)
        elif sources is not None and len(sources) != 1:
            message = f"{word} reads one input, not {len(sources)}; add and concat join several"
            self.problem((*path, "from"), f"{name}.from", message)
            sources = None
        parts = (layer.lower() or {"": layer}) if layer else {}
        shared = None
        if "weights_of" in beside and "" in parts and cls.weights is Layer.weights:
            self.problem((*path, "weights_of"), name, f"{word} has no weights to share")
        elif "weights_of" in beside and parts:
            shared = self.shared(beside["weights_of"], [*parts], path, name)
        if sources is not None and SEVERAL in sources:
            message = "there are several inputs; say with from which one it reads: "
            self.problem(path, name, message + ", ".join(self.top.named))
            sources = None
        if not parts or sources is None:
            return self.keep(explicit, UNKNOWN)
        output = full = self.full(name, path)
        uses = self.scope.uses
        for suffix, part in parts.items():
            output = _part(full, suffix)
            owner = self.names[_part(shared, suffix)] if shared else None
            node = Node(output, part, tuple(sources), None, at, uses, owner, assertions)
            self.nodes.append(node)
            sources, assertions = [output], ()
        if activation is not None:
            place = (*at, "activation")
            behind = Node(f"{full}.{activation.type}", activation, (output,), output, place, uses)
            self.nodes.append(behind)
            output = behind.name
        return self.keep(explicit, output)

    def assertions(
        self, cls: type[Layer], fields: dict[str, Any], name: str, at: Path
    ) -> tuple[tuple[str, Any], ...]:
        """Take out of the fields what only says something of the input."""
        found = list[tuple[str, Any]]()
        for key in assertions_of(cls).keys() & fields.keys():
            value = fields.pop(key)
            try:
                found.append((key, asserted(key, value)))
            except ValueError as error:
                self.problem((*at, key), f"{name}.{key}", str(error))
        return tuple(sorted(found))

    @property
    def names(self) -> dict[str, str]:
        """Every node by name, with the node whose weights it uses: itself or an earlier one."""
        # Gathered here: few networks share weights.
        added, self._named = self.nodes[self._named :], len(self.nodes)
        self._names.update((n.name, n.weights_of or n.name) for n in added if not n.fused_into)
        return self._names

    def full(self, name: str, path: Path) -> str:
        """What a name of this scope is called in the graph."""
        full = self.scope.full(name)
        self.longest = max(self.longest, len(full))
        if len(full) > MAX_PATH:
            message = f"its name within the blocks has more than {MAX_PATH} characters"
            self.problem(path, name, message)
        return full[:MAX_PATH]

    def shared(self, source: Any, parts: list[str], path: Path, name: str) -> str | None:
        """The full name of the layer whose weights `weights_of` shares, part by part."""
        path, where = (*path, "weights_of"), f"{name}.weights_of"
        scope = self.scope.owner(source)
        if scope is None:
            self.problem(path, where, self.scope.no_source(source, name, "weights_of", self.hint))
            return None
        full = scope.full(source)
        if all(_part(full, part) in self.names for part in parts):
            return full
        if scope.named[source] != UNKNOWN:
            self.problem(path, where, f"{source} is no layer of this kind; it has no such weights")
        return None

    def keep(self, explicit: str | None, output: str) -> str:
        """Remember what a name stands for, so that one mistake does not cause others."""
        if explicit:
            self.scope.named[explicit] = output
        return output

    def explicit_name(self, value: Any, path: Path) -> str | None:
        """The name that an item gives itself, if it can have it."""
        message = self.scope.refusal(value)
        if message is not None:
            self.problem((*path, "name"), path_text((*path, "name")), message)
        return str(value) if message is None else None

    def activation(self, value: Any, name: str, at: Path) -> Layer | None:
        """The layer of the `activation` field; None where there is none, or none that can be."""
        if not isinstance(value, str) and not (isinstance(value, dict) and len(value) == 1):
            return None
        at, where = (*at, "activation"), f"{name}.activation"
        word, fields = (value, None) if isinstance(value, str) else next(iter(value.items()))
        if word not in ACTIVATIONS:
            self.problem(at, where, advice.unknown_activation(word))
            return None
        cls = layer_class(word)
        at = at if isinstance(value, str) else (*at, word)
        return self.validated(cls, _fields(cls, fields), fields, where, at)

    def validated(
        self, cls: type[Layer], fields: dict[str, Any] | None, value: Any, name: str, at: Path
    ) -> Layer | None:
        """The layer with these fields, or None and its problems."""
        if fields is None:
            wanted = "a list of branches" if cls.joins else "a mapping of fields"
            self.problem(at, name, f"{cls.type} takes {wanted}, not {shown(value)}")
            return None
        text = written(cls.type, fields)
        if text in self._made:
            return self._made[text]
        # pydantic takes no keys that UTF-8 cannot write.
        odd = dict.fromkeys(k for k in fields if not isinstance(k, str) or not k.isprintable())
        for key in odd:
            field = advice.quoted(key)
            self.problem((*at, key), f"{name}.{field}", advice.unknown_field(cls, field))
        try:
            layer = cls.model_validate({k: v for k, v in fields.items() if k not in odd})
            if text and not odd:
                self._made[text] = layer
            return None if odd else layer
        except ValidationError as error:
            entries = error.errors(include_url=False)
        unknown = [str(e["loc"][0]) for e in entries if e["type"] == "extra_forbidden"]
        meant = {advice.right_field(cls, field) for field in unknown[:MAX_REPORTED]}
        for entry in entries:
            field, missing = str(entry["loc"][0]), entry["type"] == "missing"
            # Where a misspelt field was meant to be this one, one message is enough.
            if missing and field in meant:
                continue
            place = (*at, field) if isinstance(value, dict) and not missing else at
            message = advice.broken_field(cls, field, entry)
            self.problem(place, f"{name}.{advice.quoted(field)}", message)
        return None

    # Wiring

    def sources(self, value: Any, path: Path, name: str) -> list[str] | None:
        """The nodes that `from` names."""
        path, where = (*path, "from"), f"{name}.from"
        several = isinstance(value, list) and value
        wanted, found = value if several else [value], list[str]()
        self.step(path, len(wanted))
        for index, source in enumerate(wanted):
            output = self.scope.find(source)
            if output is not None:
                found.append(output)
            else:
                place = (*path, index) if several else path
                self.problem(place, where, self.scope.no_source(source, name, "from", self.hint))
        return found if len(found) == len(wanted) else None

    def branches(
        self, branches: Any, sources: list[str] | None, given: bool, name: str, at: Path
    ) -> list[str] | None:
        """What a join reads: the ends of its branches, or what `from` names."""
        if branches is None:
            if sources is None or (given and len(sources) > 1):
                return sources
            self.problem(at, name, "needs a list of branches, or from with two or more names")
            return None
        if not isinstance(branches, list) or len(branches) < 2:
            wanted = "needs two or more branches, each a list of layers"
            found = str(len(branches)) if isinstance(branches, list) else shown(branches)
            self.problem(at, name, f"{wanted}, not {found}")
            return None
        if sources is not None and len(sources) > 1:
            self.problem(at, name, "has branches, so from can name one input only")
            sources = None
        start = sources[0] if sources else UNKNOWN
        return [
            self.branch(branch, (*at, index), start, name) for index, branch in enumerate(branches)
        ]

    def branch(self, branch: Any, path: Path, reads: str, name: str) -> str:
        """Add the nodes of one branch. Gives the name of its output."""
        if isinstance(branch, list):
            return self.items(branch, path, reads)
        message = f"a branch is a list of layers, not {shown(branch)}"
        remedy = "; put it in brackets of its own" if isinstance(branch, (str, dict)) else ""
        return self.unknown(path, name, message + remedy)


def written(word: str, fields: dict[str, Any]) -> str:
    """What no other layer or use of a block is written as; nothing where it cannot be written."""
    try:
        return f"{word} {fields!r}"
    except ValueError:  # A number with more digits than Python writes.
        return ""


def _part(full: str, suffix: str) -> str:
    """What a part of a layer is called; most layers are one part without a name of its own."""
    return f"{full}.{suffix}" if suffix else full


def _size(value: Any) -> int:
    """The values within a list or mapping, which is no deeper than a document."""
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + sum(map(_size, value)) if isinstance(value, list) else 1


def _fields(cls: type[Layer], value: Any) -> dict[str, Any] | None:
    """The fields that a layer's value gives, or None where it can give none."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return dict(value)
    if cls.joins and isinstance(value, list):
        return {"branches": value}
    return {cls.main: value} if cls.main else None
