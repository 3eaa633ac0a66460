"""From plain values to a graph: names, wiring, branches, fused activations and sugar.

Every mistake that can be found independently of the others is collected, with its path in the
document, and all are raised together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from cnncalc.errors import MAX_FOUND, MAX_REPORTED, Path, Problem, path_text, shown, suggestion
from cnncalc.graph import INPUT, Graph, Node
from cnncalc.layers import ACTIVATIONS, MODULES, layer_class
from cnncalc.layers.base import Layer
from cnncalc.spec import advice
from cnncalc.spec.document import MAX_DEPTH, Document
from cnncalc.spec.header import MAX_NAME, input_problems, input_shape, key_problems

MAX_NODES = 5_000
"""The most layers that a spec may expand to."""

ITEM_KEYS = ("name", "from")
LATER_ITEM_KEYS = ("weights_of", "repeat")
RESERVED = {*ITEM_KEYS, *LATER_ITEM_KEYS, INPUT}
"""Words that cannot be names."""

_JOINTS = str.maketrans("_-", "aa")
_UNKNOWN = ""
"""Stands for an output that a mistake leaves unknown; nothing behind it is judged."""


def expand(document: Document) -> Graph:
    """The graph of a document. Raises SpecError with every independent mistake."""
    expander = _Expander()
    graph = expander.graph(document)
    if expander.problems:
        # Layers that are well written may still not fit: one mistake must not hide the other.
        raise document.origin.error([*expander.problems, *graph.judge()[1]])
    return graph


class _Expander:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.nodes: list[Node] = []
        self.taken: set[str] = set()
        self.counts: dict[str, int] = {}
        self.named: dict[str, str] = {INPUT: INPUT}
        """What each name that `from` may use stands for: the node that gives its output."""
        self.automatic: set[str] = set()

    def problem(self, path: Path, where: str, message: str) -> None:
        self.problems.append(Problem(path, where, message))
        if len(self.problems) >= MAX_FOUND:
            raise _Stop

    def hint(self, word: str, known: Iterable[str]) -> str:
        """A suggestion, as long as somebody will read it."""
        return suggestion(word, known) if len(self.problems) < MAX_REPORTED else ""

    # The document

    def graph(self, document: Document) -> Graph:
        data = document.data
        if not isinstance(data, dict):
            message = f"a spec is a mapping with the keys input and layers, not {shown(data)}"
            if data is None:
                message = "the spec is empty; `cnncalc init` writes one to start from"
            self.problem((), "", message)
            return Graph("", {}, ())
        self.problems += key_problems(data)
        broken = list(input_problems(data["input"])) if "input" in data else []
        self.problems += broken
        items = data.get("layers")
        if isinstance(items, list) and items:
            self.taken = {name for name in _explicit_names(items, 0) if isinstance(name, str)}
            try:
                self.items(items, ("layers",), INPUT)
            except _TooMany:
                self.problem(("layers",), "layers", f"more than {MAX_NODES:,} layers")
            except _Stop:
                pass
        elif "layers" in data:
            message = f"must be a list with a layer in each item, not {shown(items)}"
            self.problem(("layers",), "layers", message)
        return Graph(
            name=data.get("name") or document.origin.label.rsplit("/", 1)[-1].split(".")[0],
            inputs={} if broken or "input" not in data else {INPUT: input_shape(data["input"])},
            nodes=tuple(self.nodes),
            description=data.get("description", ""),
            source=data.get("source", ""),
            origin=document.origin,
        )

    # Items

    def items(self, items: list[Any], path: Path, reads: str) -> str:
        """Add the nodes of a list of items; the first reads `reads`. Gives the last's name."""
        if len(self.nodes) + len(items) > MAX_NODES:
            raise _TooMany
        for index, item in enumerate(items):
            reads = self.item(item, (*path, index), reads)
        return reads

    def item(self, item: Any, path: Path, reads: str) -> str:
        """Add the nodes of one item. Gives the name of its output."""
        if isinstance(item, str):
            return self.layer(item, None, {}, path, path, reads)
        if not isinstance(item, dict):
            message = f"must be a layer's name or a mapping, not {shown(item)}"
            self.problem(path, path_text(path), message)
            return _UNKNOWN
        beside = {key: item[key] for key in ITEM_KEYS if key in item}
        words = [key for key in item if key not in ITEM_KEYS]
        if len(words) != 1 or words[0] in LATER_ITEM_KEYS:
            self.no_layer(item, words, path)
            explicit = self.explicit_name(beside["name"], path) if "name" in beside else None
            return self.keep(explicit, _UNKNOWN)
        return self.layer(words[0], item[words[0]], beside, path, (*path, words[0]), reads)

    def no_layer(self, item: dict[Any, Any], words: list[Any], path: Path) -> None:
        """Say why a mapping is not one layer with its name and wiring beside it."""
        layers = [word for word in words if advice.right_word(word)]
        later = [word for word in words if word in LATER_ITEM_KEYS]
        for key in later:
            place = (*path, key)
            self.problem(place, path_text(place), "not known to this version of cnncalc")
        if len(layers) == 1:
            (layer,) = layers
            fields = advice.field_names(layer_class(advice.right_word(layer) or ""))
            for key in words:
                if key in fields:
                    message = f"a field of {layer} stands inside it: {layer}: {{{key}: …}}"
                else:
                    known = ITEM_KEYS
                    hint = self.hint(str(key), known) or f"; there are {', '.join(known)}"
                    message = f"no such key beside a layer{hint}"
                if key != layer and key not in later:
                    self.problem((*path, key), f"{layer}.{advice.quoted(key)}", message)
        elif not later:
            listed = ", ".join(map(advice.quoted, words[:5])) + (", …" if len(words) > 5 else "")
            message = f"must have exactly one layer as a key, not {len(words)}: {listed}"
            meant = next(
                (v for v in item.values() if isinstance(v, str) and advice.right_word(v)), None
            )
            if not words:
                message = "must have a layer as a key, such as {linear: 10}"
            elif meant:
                message += f"; write {{{advice.right_word(meant)}: {{…}}}}"
            elif layers:
                message += "; give each an item of its own"
            self.problem(path, path_text(path), message)

    def layer(
        self, word: Any, value: Any, beside: dict[str, Any], path: Path, at: Path, reads: str
    ) -> str:
        """Add the nodes of one layer. `at` is where its word stands."""
        explicit = self.explicit_name(beside["name"], path) if "name" in beside else None
        if word not in MODULES:
            self.problem(at, advice.quoted(word), advice.unknown_layer(word))
            word = advice.right_word(word)
            if word is None or value is None:
                return self.keep(explicit, _UNKNOWN)
        cls = layer_class(word)
        name = explicit or self.automatic_name(cls.prefix)
        sources = self.sources(beside["from"], path, name) if "from" in beside else [reads]
        fields = _fields(cls, value)
        branches = fields.pop("branches", None) if cls.joins and fields is not None else None
        layer = self.validated(cls, fields, value, name, at)
        activation = self.activation(layer, name, at) if layer else None
        if cls.joins and fields is None:
            sources = None
        elif cls.joins:
            place = (*at, "branches") if isinstance(value, dict) and branches is not None else at
            sources = self.branches(branches, sources, "from" in beside, name, place)
        elif sources is not None and len(sources) != 1:
            message = f"{word} reads one input, not {len(sources)}; add and concat join several"
            self.problem((*path, "from"), f"{name}.from", message)
            sources = None
        if layer is None or sources is None:
            return self.keep(explicit, _UNKNOWN, name)
        output = name
        for suffix, part in layer.lower().items() or [("", layer)]:
            output = f"{name}.{suffix}" if suffix else name
            self.nodes.append(Node(output, part, tuple(sources), path=at))
            sources = [output]
        if activation is not None:
            fused, place = f"{name}.{activation.type}", (*at, "activation")
            self.nodes.append(Node(fused, activation, (output,), fused_into=output, path=place))
            output = fused
        return self.keep(explicit, output, name)

    def keep(self, explicit: str | None, output: str, name: str = "") -> str:
        """Remember what a name stands for, so that one mistake does not cause others."""
        if explicit:
            self.named[explicit] = output
        elif name:
            self.automatic.add(name)
        return output

    def activation(self, layer: Layer, name: str, at: Path) -> Layer | None:
        """The layer of the `activation` field, where there is one."""
        value = getattr(layer, "activation", None)
        if value is None:
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
        # pydantic takes no keys that UTF-8 cannot write.
        odd = dict.fromkeys(k for k in fields if not isinstance(k, str) or not k.isprintable())
        for key in odd:
            field = advice.quoted(key)
            message = advice.unknown_field(cls, field)
            self.problem((*at, key), f"{name}.{field}", message)
        try:
            layer = cls.model_validate({k: v for k, v in fields.items() if k not in odd})
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
        for index, source in enumerate(wanted):
            if isinstance(source, str) and source in self.named:
                found.append(self.named[source])
            else:
                place = (*path, index) if several else path
                self.problem(place, where, self.no_source(source, name))
        return found if len(found) == len(wanted) else None

    def no_source(self, source: Any, name: str) -> str:
        """Why `from` cannot name this."""
        if not isinstance(source, str):
            return f"must be a name or a list of names, not {shown(source)}"
        if source == name:
            return "a layer cannot read itself; from names earlier layers"
        if source in self.automatic:
            return f"{source} is an automatic name; give that layer the name to use it here"
        if source in self.taken:
            return f"{source} comes later; from names earlier layers"
        return f"no earlier layer is named {shown(source)}{self.hint(source, self.named)}"

    def branches(
        self, branches: Any, sources: list[str] | None, given: bool, name: str, at: Path
    ) -> list[str] | None:
        """What a join reads: the ends of its branches, or what `from` names."""
        if branches is None:
            if sources is not None and (not given or len(sources) < 2):
                message = "needs a list of branches, or from with two or more names"
                self.problem(at, name, message)
                return None
            return sources
        if not isinstance(branches, list) or len(branches) < 2:
            wanted = "needs two or more branches, each a list of layers"
            found = str(len(branches)) if isinstance(branches, list) else shown(branches)
            self.problem(at, name, f"{wanted}, not {found}")
            return None
        if sources is not None and len(sources) > 1:
            self.problem(at, name, "has branches, so from can name one input only")
            sources = None
        if len(at) > MAX_DEPTH:
            self.problem(at, name, f"nested more than {MAX_DEPTH} deep")
            return None
        start = sources[0] if sources else _UNKNOWN
        return [
            self.branch(branch, (*at, index), start, name) for index, branch in enumerate(branches)
        ]

    def branch(self, branch: Any, path: Path, reads: str, name: str) -> str:
        """Add the nodes of one branch. Gives the name of its output."""
        if isinstance(branch, list):
            return self.items(branch, path, reads)
        message = f"a branch is a list of layers, not {shown(branch)}"
        if isinstance(branch, (str, dict)):
            message += "; put it in brackets of its own"
        self.problem(path, name, message)
        return _UNKNOWN

    # Names

    def explicit_name(self, value: Any, path: Path) -> str | None:
        """The name that an item gives itself, if it can have it."""
        if not isinstance(value, str):
            message = f"must be a word, not {shown(value)}"
        elif value in RESERVED:
            message = f"{value} is a word of the language; choose another"
        elif "." in value:
            message = f"{shown(value)} has a dot; dots separate the parts of a path"
        elif not _is_name(value):
            message = f"{shown(value)} must be letters, digits, _ and - only, and not start with -"
        elif len(value) > MAX_NAME:
            message = f"must have at most {MAX_NAME} characters, not {len(value):,}"
        elif value in self.named:
            message = f"{value} is an earlier layer's name too; choose another"
        else:
            return value
        path = (*path, "name")
        self.problem(path, path_text(path), message)
        return None

    def automatic_name(self, prefix: str) -> str:
        """The prefix and the next number that no explicit name has."""
        number = self.counts.get(prefix, 0) + 1
        while f"{prefix}{number}" in self.taken:
            number += 1
        self.counts[prefix] = number
        return f"{prefix}{number}"


class _TooMany(Exception):
    """The spec has more than MAX_NODES layers."""


class _Stop(Exception):
    """The spec has MAX_FOUND problems."""


def _is_name(text: str) -> bool:
    """Whether it is letters, digits, _ and - only, and one of the first three in front."""
    return text[:1] != "-" and text != "_" and text.translate(_JOINTS).isalnum()


def _explicit_names(items: Any, depth: int) -> Iterator[Any]:
    """Every explicit name of a list of items and its branches."""
    if depth > MAX_DEPTH or not isinstance(items, list):
        return
    for item in items:
        if isinstance(item, dict):
            yield item.get("name")
            for value in item.values():
                branches = value.get("branches") if isinstance(value, dict) else value
                for branch in branches if isinstance(branches, list) else ():
                    yield from _explicit_names(branch, depth + 1)


def _fields(cls: type[Layer], value: Any) -> dict[str, Any] | None:
    """The fields that a layer's value gives, or None where it can give none."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return dict(value)
    if cls.joins and isinstance(value, list):
        return {"branches": value}
    return {cls.main: value} if cls.main else None
