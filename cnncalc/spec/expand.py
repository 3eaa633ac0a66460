"""From plain values to a graph: names, wiring, branches, fused activations and sugar.

Every mistake that can be found independently of the others is collected, with its path in the
document, and all are raised together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from cnncalc.errors import Path, Problem, printable, shorten, shown, suggestion
from cnncalc.graph import INPUT, Graph, Node
from cnncalc.layers import MODULES, foreign_words, layer_class
from cnncalc.layers.base import Layer, Shape
from cnncalc.layers.fields import MAX_INT, is_whole
from cnncalc.spec.document import MAX_DEPTH, Document

MAX_NODES = 100_000
"""The most layers that a spec may expand to."""

TOP_KEYS = ("name", "description", "source", "input", "layers")
IGNORED_KEYS = ("$schema",)
LATER_KEYS = ("vars", "variants", "blocks", "inputs", "outputs", "auxiliary")
"""Keys that the language keeps for what this version does not know yet."""
ITEM_KEYS = ("name", "from")
LATER_ITEM_KEYS = ("weights_of", "repeat")
RESERVED = {*ITEM_KEYS, *LATER_ITEM_KEYS, INPUT}
"""Words that cannot be names."""

INPUT_FORMS = (
    ("features",),
    ("length", "channels"),
    ("height", "width", "channels"),
    ("depth", "height", "width", "channels"),
)
"""The keys of `input`, for a vector and for one to three spatial axes."""

_NAME = re.compile(r"[^\W_][\w-]*|_[\w-]+")
_MAX_NAME = 100

FOREIGN_FIELDS = {
    "out_channels": "filters filter nb_filter num_filters num_output channels features "
    "out_features units",
    "out_features": "units out_channels features num_output output_dim hidden size nodes neurons",
    "kernel_size": "pool_size kernel ksize filter_size k f size window window_size",
    "stride": "strides s subsample",
    "padding": "pad border_mode p",
    "dilation": "dilation_rate dilations",
    "groups": "group",
    "bias": "use_bias bias_term",
    "channel_multiplier": "depth_multiplier",
    "scale_factor": "scale factor",
    "shape": "target_shape",
    "dims": "dim order",
    "p": "rate dropout_rate prob probability dropout_prob",
    "eps": "epsilon",
    "momentum": "decay",
    "affine": "elementwise_affine center scale",
    "negative_slope": "alpha slope",
    "keepdim": "keepdims",
    "output_size": "size",
    "cropping": "margin",
    "activation": "act nonlinearity",
    "upscale_factor": "block_size r",
    "num_groups": "groups",
}
"""What other frameworks call a field, by ours."""


def expand(document: Document) -> Graph:
    """The graph of a document. Raises SpecError with every independent mistake."""
    expander = _Expander()
    graph = expander.graph(document)
    if expander.problems:
        raise document.origin.error(expander.problems)
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

    # The document

    def graph(self, document: Document) -> Graph:
        data = document.data
        if not isinstance(data, dict):
            wanted = "a spec is a mapping with the keys input and layers"
            self.problem((), "", f"{wanted}, not {shown(data)}")
            data = {}
        else:
            self.top_keys(data)
        shape = self.input(data["input"]) if "input" in data else None
        items = data.get("layers")
        if isinstance(items, list) and items:
            self.taken = {name for name in _explicit_names(items, 0) if isinstance(name, str)}
            try:
                self.items(items, ("layers",), INPUT)
            except _TooMany:
                self.problem(("layers",), "layers", f"more than {MAX_NODES:,} layers")
        elif "layers" in data:
            self.problem(
                ("layers",), "layers", f"must be a list of layers, not {shown(data['layers'])}"
            )
        return Graph(
            name=data.get("name") or document.origin.label.rsplit("/", 1)[-1].split(".")[0],
            inputs={INPUT: shape or (1,)},
            nodes=tuple(self.nodes),
            description=data.get("description", ""),
            source=data.get("source", ""),
            origin=document.origin,
        )

    def top_keys(self, data: dict[Any, Any]) -> None:
        for key, value in data.items():
            if key in LATER_KEYS:
                self.problem((key,), key, "not known to this version of cnncalc")
            elif key not in (*TOP_KEYS, *IGNORED_KEYS):
                hint = suggestion(str(key), TOP_KEYS)
                self.problem((key,), _quoted(key), f"no such key of a spec{hint}")
            elif key in ("name", "description", "source"):
                self.text(key, value)
        for key in ("input", "layers"):
            if key not in data:
                self.problem((), "", f"the spec has no {key}")

    def text(self, key: str, value: Any) -> None:
        if not isinstance(value, str):
            self.problem((key,), key, f"must be a text, not {shown(value)}")
        elif key == "name" and not value.isprintable():
            self.problem((key,), key, "must be one line without control characters")
        elif key == "name" and len(value) > _MAX_NAME:
            self.problem((key,), key, f"must have at most {_MAX_NAME} characters")

    def input(self, data: Any) -> Shape | None:
        path, forms = ("input",), "; ".join(", ".join(form) for form in INPUT_FORMS)
        if not isinstance(data, dict):
            self.problem(path, INPUT, f"must be a mapping ({forms}), not {shown(data)}")
            return None
        known = dict.fromkeys(key for form in INPUT_FORMS for key in form)
        before = len(self.problems)
        for key, value in data.items():
            if key not in known:
                hint = suggestion(str(key), known)
                self.problem((*path, key), f"input.{_quoted(key)}", f"no such key of input{hint}")
            elif not is_whole(value, 1):
                limit = f"from 1 to {MAX_INT:,}"
                message = f"must be a whole number {limit}, not {shown(value)}"
                self.problem((*path, key), f"input.{key}", message)
        if len(self.problems) > before:
            return None
        form = next((form for form in INPUT_FORMS if set(form) == set(data)), None)
        if form is None:
            given = ", ".join(data) or "nothing"
            self.problem(path, INPUT, f"must have one of these sets of keys: {forms}; not {given}")
            return None
        return tuple(data[key] for key in (form[-1], *form[:-1]))

    # Items

    def items(self, items: list[Any], path: Path, reads: str) -> str:
        """Add the nodes of a list of items; the first reads `reads`. Gives the last's name."""
        for index, item in enumerate(items):
            if len(self.nodes) >= MAX_NODES:
                raise _TooMany
            reads = self.item(item, (*path, index), reads)
        return reads

    def item(self, item: Any, path: Path, reads: str) -> str:
        if isinstance(item, str):
            return self.layer(item, None, {}, path, path, reads)
        if not isinstance(item, dict):
            self.problem(
                path, _place(path), f"must be a layer's name or a mapping, not {shown(item)}"
            )
            return reads
        words = [key for key in item if key not in ITEM_KEYS]
        for key in LATER_ITEM_KEYS:
            if key in item:
                self.problem((*path, key), key, "not known to this version of cnncalc")
                return reads
        if len(words) != 1:
            listed = ", ".join(_quoted(word) for word in words[:5])
            self.problem(
                path,
                _place(path),
                "must have exactly one layer as a key, "
                + (f"not {len(words)}: {listed}" if words else "but has none"),
            )
            return reads
        beside = {key: item[key] for key in ITEM_KEYS if key in item}
        return self.layer(words[0], item[words[0]], beside, path, (*path, words[0]), reads)

    def layer(
        self, word: str, value: Any, beside: dict[str, Any], path: Path, at: Path, reads: str
    ) -> str:
        """Add the nodes of one item. `at` is where the layer's word stands."""
        explicit = self.explicit_name(beside["name"], path) if "name" in beside else None
        if word not in MODULES:
            self.unknown_layer(word, at)
            return self.keep(explicit, reads)
        cls = layer_class(word)
        name = explicit or self.automatic_name(cls.prefix)
        sources = self.sources(beside["from"], path, name) if "from" in beside else [reads]
        fields, branches = _fields(cls, value), None
        if cls.joins:
            branches = fields.pop("branches", None) if fields is not None else None
        problems = len(self.problems)
        layer = self.validated(cls, fields, value, name, at)
        activation = self.activation(layer, name, at) if layer else None
        if sources is not None and cls.joins:
            given = "from" in beside
            sources = self.branches(branches, sources, given, name, at)
        elif sources is not None and len(sources) != 1:
            self.problem(
                (*path, "from"), f"{name}.from", f"{word} reads one input, not {len(sources)}"
            )
        if len(self.problems) > problems or layer is None or not sources:
            return self.keep(explicit, reads, name)
        output = name
        for suffix, part in layer.lower().items() or [("", layer)]:
            output = f"{name}.{suffix}" if suffix else name
            self.nodes.append(Node(output, part, tuple(sources), path=at))
            sources = [output]
        if activation is not None:
            fused = f"{name}.{activation.type}"
            self.nodes.append(Node(fused, activation, (output,), fused_into=output, path=at))
            output = fused
        return self.keep(explicit, output, name)

    def keep(self, explicit: str | None, output: str, name: str = "") -> str:
        """Remember what a name stands for, so that one mistake does not cause others."""
        if explicit:
            self.named[explicit] = output
        elif name:
            self.automatic.add(name)
        return output

    def unknown_layer(self, word: Any, at: Path) -> None:
        plain = str(word).lower().replace("_", "")
        right = foreign_words().get(plain) or next(
            (known for known in MODULES if known.replace("_", "") == plain), None
        )
        hint = f"; the layer is called {right}" if right else suggestion(str(word), MODULES)
        hint = hint or "; `cnncalc layers` lists them"
        self.problem(at, _quoted(word), f"no such layer{hint}")

    def activation(self, layer: Layer, name: str, at: Path) -> Layer | None:
        """The layer of the `activation` field, where there is one."""
        value = getattr(layer, "activation", None)
        if value is None:
            return None
        at, where = (*at, "activation"), f"{name}.activation"
        word, fields = (
            (value, None) if isinstance(value, str) else next(iter(value.items()), ("", 0))
        )
        words = [w for w, module in MODULES.items() if module == "activation" and w != "dropout"]
        if word not in words or (isinstance(value, dict) and len(value) != 1):
            hint = suggestion(str(word), words) or f"; it is one of {', '.join(words)}"
            self.problem(at, where, f"no such activation: {shown(word)}{hint}")
            return None
        cls = layer_class(word)
        return self.validated(cls, _fields(cls, fields), fields, where, at)

    def validated(
        self, cls: type[Layer], fields: dict[str, Any] | None, value: Any, name: str, at: Path
    ) -> Layer | None:
        """The layer with these fields, or None and its problems."""
        if fields is None:
            message = f"{cls.type} takes a mapping of fields, not {shown(value)}"
            self.problem(at, name, message)
            return None
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            mapping = isinstance(value, dict)
            for entry in error.errors(include_url=False):
                field = str(entry["loc"][0])
                missing = entry["type"] == "missing"
                place = (*at, field) if mapping and not missing else at
                message = _sentence(cls, field, entry, fields)
                self.problem(place, f"{name}.{_quoted(field)}", message)
            return None

    # Wiring

    def sources(self, value: Any, path: Path, name: str) -> list[str] | None:
        """The nodes that `from` names."""
        path, where = (*path, "from"), f"{name}.from"
        wanted = value if isinstance(value, list) else [value]
        found = []
        for index, source in enumerate(wanted):
            place = (*path, index) if isinstance(value, list) else path
            if isinstance(source, str) and source in self.named:
                found.append(self.named[source])
            elif isinstance(source, str) and source in self.automatic:
                message = f"{source} is an automatic name; give that layer the name to use it here"
                self.problem(place, where, message)
            elif isinstance(source, str):
                hint = suggestion(source, self.named)
                self.problem(place, where, f"no earlier layer is named {shown(source)}{hint}")
            else:
                self.problem(
                    place, where, f"must be a name or a list of names, not {shown(source)}"
                )
        return found if found and len(found) == len(wanted) else None

    def branches(
        self, branches: Any, sources: list[str], given: bool, name: str, at: Path
    ) -> list[str] | None:
        """What a join reads: the ends of its branches, or what `from` names."""
        if branches is None:
            if not given or len(sources) < 2:
                message = "needs a list of branches, or from with two or more names"
                self.problem(at, name, message)
            return sources
        if not isinstance(branches, list) or len(branches) < 2:
            self.problem(at, name, "needs two or more branches, each a list of layers")
            return None
        if len(sources) > 1:
            self.problem(at, name, "has branches, so from can name one input only")
            return None
        if len(at) > MAX_DEPTH:
            self.problem(at, name, f"nested more than {MAX_DEPTH} deep")
            return None
        ends = []
        for index, branch in enumerate(branches):
            if isinstance(branch, list):
                ends.append(self.items(branch, (*at, index), sources[0]))
            else:
                message = f"a branch is a list of layers, not {shown(branch)}"
                self.problem((*at, index), name, message)
        return ends

    # Names

    def explicit_name(self, value: Any, path: Path) -> str | None:
        path = (*path, "name")
        if not isinstance(value, str):
            self.problem(path, "name", f"must be a word, not {shown(value)}")
        elif value in RESERVED:
            self.problem(path, "name", f"{value} is a word of the language; choose another")
        elif "." in value:
            self.problem(
                path, "name", f"{shown(value)} has a dot; dots separate the parts of a path"
            )
        elif not _NAME.fullmatch(value) or len(value) > _MAX_NAME:
            self.problem(
                path,
                "name",
                f"{shown(value)} must be letters, digits, _ and - only, at most {_MAX_NAME}, and "
                "not start with -",
            )
        elif value in self.named:
            self.problem(path, "name", f"{value} is the name of an earlier layer too")
        else:
            return value
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


def _quoted(word: Any) -> str:
    return printable(shorten(str(word)))


def _place(path: Path) -> str:
    """`layers[3]` for items that have no name yet."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)[1:]


def _sentence(cls: type[Layer], field: str, error: Any, fields: dict[str, Any]) -> str:
    """What pydantic found, in our words."""
    value, limits = error["input"], error.get("ctx", {})
    kind = error["type"]
    known = [info.alias or name for name, info in cls.model_fields.items()]
    if kind == "extra_forbidden":
        right = next(
            (ours for ours in known if field in FOREIGN_FIELDS.get(ours, "").split()), None
        )
        hint = f"; the field is called {right}" if right else suggestion(field, known)
        hint = hint or f"; it has {', '.join(known) or 'none'}"
        return f"no such field of {cls.type}{hint}"
    if kind == "missing":
        return f"{cls.type} needs it"
    if kind == "cnncalc":
        return str(error["msg"])
    wanted = {
        "int_type": "a whole number",
        "float_type": "a number",
        "bool_type": "true or false",
        "string_type": "a word",
        "finite_number": "a finite number",
        "greater_than_equal": f"at least {_limit(limits.get('ge'))}",
        "less_than_equal": f"at most {_limit(limits.get('le'))}",
        "literal_error": str(limits.get("expected", "")).replace("'", ""),
    }.get(kind)
    return f"must be {wanted}, not {shown(value)}" if wanted else str(error["msg"])


def _limit(number: Any) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"
