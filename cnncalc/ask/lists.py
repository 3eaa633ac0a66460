"""What there is: networks, layers, and a spec as it is written or expanded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from cnncalc.ask import known
from cnncalc.ask.analyze import analyzed
from cnncalc.ask.option import Option, SpecArgument, one_of
from cnncalc.ask.request import Answer, Lines, Request, as_json
from cnncalc.errors import UsageError, printable, shorten, suggestion
from cnncalc.graph import Graph
from cnncalc.layers import GROUPS, MODULES, layer_class
from cnncalc.layers.base import Ids, Layer, times
from cnncalc.render.listing import listing
from cnncalc.report import Report
from cnncalc.spec.advice import right_word
from cnncalc.spec.bundled import networks
from cnncalc.spec.load import graph_of, source

_HEAD = """\
# Layers

Every layer of the spec language, its fields and their defaults. This page is made from the
classes by `cnncalc layers --format markdown`; a test keeps it current. How each layer counts
is in [counting.md](counting.md), how layers are written in [spec.md](spec.md). What is "compared
only" changes nothing: it says what arrives, and is refused where something else does. So are
`input_shape` and `input_dim`, which every layer but the joins takes as in Keras.
"""


def _columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()
) -> Lines:
    return lambda width: [(line, "") for line in listing(header, rows, right, width)]


@dataclass(frozen=True, kw_only=True)
class Specs(Request[dict[str, Report]]):
    """List the bundled networks: their names, sizes and what they are."""

    writes = False

    format: Annotated[str, one_of(("text", "json"))] = "text"

    def find(self) -> dict[str, Report]:
        return {name: analyzed(graph_of(name, {})) for name in networks()}

    def answer(self, found: dict[str, Report]) -> Answer:
        if self.format == "json":
            entries = [
                {
                    "spec": name,
                    "name": report.name,
                    "description": report.description,
                    "source": report.source,
                    "layers": report.layers,
                    "params": report.total("params"),
                    "macs": report.total("macs"),
                }
                for name, report in found.items()
            ]
            return Answer(as_json(entries))
        rows = [
            (name, str(r.layers), f"{r.total('params'):,}", f"{r.total('macs'):,}", r.description)
            for name, r in found.items()
        ]
        return Answer(
            _columns(("spec", "layers", "params", "MACs", "description"), rows, (1, 2, 3))
        )


@dataclass(frozen=True, kw_only=True)
class Show(Request[Graph | str]):
    """Print a spec as it is written, or the graph that it expands to."""

    writes = False

    spec: SpecArgument = "lenet5"
    expand: Annotated[bool, Option("Print the flat graph that the spec stands for.")] = False

    def find(self) -> Graph | str:
        if self.expand:
            return graph_of(self.spec, {}, self.base)
        _, text, _ = source(self.spec, self.base)
        return text if text.endswith("\n") else f"{text}\n"

    def answer(self, found: Graph | str) -> Answer:
        if isinstance(found, str):
            return Answer(found)
        return Answer(_columns(("node", "reads", "layer"), _nodes(found)))


def _nodes(graph: Graph) -> list[tuple[str, ...]]:
    """Name, inputs, and layer with the fields that were set, of every node."""
    rows: list[tuple[str, ...]] = [
        (name, "", f"{times(shape)}, {'ids' if isinstance(shape, Ids) else 'channels first'}")
        for name, shape in graph.inputs.items()
    ]
    for node in graph.nodes:
        given = node.layer.model_dump(by_alias=True, exclude_unset=True, exclude={"activation"})
        given |= dict(node.assertions)
        fields = ", ".join(f"{name}={value}" for name, value in given.items())
        rows.append((node.name, ", ".join(node.inputs), f"{node.layer.type}({fields})"))
    return rows


@dataclass(frozen=True, kw_only=True)
class Layers(Request[str | None]):
    """List the layers of the spec language, or explain one layer's fields."""

    writes = False

    name: Annotated[
        str | None,
        Option(
            "The layer to explain.",
            metavar="[NAME]",
            words=known.LAYER_WORDS,
            positional=True,
        ),
    ] = None
    format: Annotated[
        str, one_of(("text", "markdown"), "markdown prints the page of all layers.")
    ] = "text"

    def find(self) -> str | None:
        name = self.name
        if self.format == "text" and name is not None and name not in MODULES:
            right = right_word(name)
            hint = f"; the layer is called {right}" if right else suggestion(name, MODULES)
            raise UsageError(f"no such layer: {printable(shorten(name))}{hint}")
        return name

    def answer(self, found: str | None) -> Answer:
        if self.format == "markdown":
            return Answer(_all_layers())
        if found is None:
            rows = [(word, layer_class(word).summary()) for word in MODULES]
            below = ["", "`cnncalc layers NAME` explains the fields of one."]
            return _around([], _columns(("layer", "what it does"), rows), below)
        cls = layer_class(found)
        above = [f"{found}: {cls.summary()}", ""]
        fields = _field_rows(cls)
        if not fields:
            return Answer("\n".join([*above, f"It has no fields: write `- {found}`.", ""]))
        main = ["", f"A bare value fills {cls.main}: `{found}: …`."] if cls.main else []
        below = [*main, "", f"Try: cnncalc layer {found} {_example(found)}".rstrip()]
        return _around(above, _columns(("field", "default", "meaning"), fields), below)


def _around(above: Sequence[str], listed: Lines, below: Sequence[str]) -> Answer:
    plain = [[(line, "") for line in lines] for lines in (above, below)]
    return Answer(lambda width: [*plain[0], *listed(width), *plain[1]])


def _example(name: str) -> str:
    values = {"out_channels": "16", "kernel_size": "3", "out_features": "10", "output_size": "7"}
    return " ".join(f"{f}={values.get(f, '1')}" for f in layer_class(name).required_fields())


def _field_rows(cls: type[Layer]) -> list[tuple[str, str, str]]:
    """Name, default and meaning of every field; the required ones first."""
    rows = []
    if cls.joins:
        meaning = "lists of layers that all read the same input; [] is that input itself"
        order = f"; one for each of {', '.join(cls.operands)}" if cls.operands else ""
        rows.append(("branches", "from", meaning + order))
    for name, info in cls.model_fields.items():
        default = "required" if info.is_required() else _literal(info.default)
        rows.append((info.alias or name, default, info.description or ""))
    rows += [(name, "–", f"{text}; compared only") for name, text in cls.assertions.items()]
    return sorted(rows, key=lambda row: row[1] != "required")


def _literal(value: object) -> str:
    if value is None:
        return "–"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _all_layers() -> str:
    """The page of all layers as Markdown."""
    parts = [_HEAD]
    for title, modules in GROUPS.items():
        parts.append(f"\n## {title}\n")
        parts += [_section(word) for words in modules.values() for word in words.split()]
    return "".join(parts)


def _section(word: str) -> str:
    cls = layer_class(word)
    lines = ["", f"### {word}", "", cls.summary()]
    rows = _field_rows(cls)
    if rows:
        lines += ["", "| field | default | meaning |", "| --- | --- | --- |"]
        lines += [f"| `{name}` | {default} | {meaning} |" for name, default, meaning in rows]
    if cls.main:
        lines += ["", f"A bare value fills `{cls.main}`."]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, kw_only=True)
class Schema(Request[str]):
    """Print the JSON Schema of specs (draft-07), with which editors complete and check them."""

    writes = False

    def find(self) -> str:
        from cnncalc.spec.schema import schema

        return as_json(schema())
