"""A network as functional code for Keras 3, channels last, which needs nothing else."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import repeat
from typing import Any

from cnncalc.errors import UsageError
from cnncalc.graph import Graph
from cnncalc.infer import Facts
from cnncalc.interop.definitions import definitions, used_names
from cnncalc.interop.function_body import READS, RUNNING, FunctionBody, Statement
from cnncalc.interop.outline import Block, Plan, Step, outline, plans, use_text, word_of
from cnncalc.interop.python_text import (
    BETWEEN,
    arguments,
    assignment,
    docstring,
    identifier,
    parse,
    signature,
    statement,
    text,
)
from cnncalc.layers.base import Ids
from cnncalc.layers.keras_twin import Part, channels_last

_OWN = definitions("cnncalc.interop.keras_layers")
_SLIDES = {"strides": 1, "padding": "valid", "dilation_rate": 1, "use_bias": True}
_SCALES = dict(center=True, scale=True, epsilon=0.001)  # noqa: C408 (no layer of ours)
_REMEMBERS = {"return_sequences": False, "use_bias": True}
_DEFAULTS: dict[str, dict[str, Any]] = {
    "layers.Conv": {**_SLIDES, "groups": 1},
    "layers.DepthwiseConv": {**_SLIDES, "depth_multiplier": 1},
    "layers.Dense": {"use_bias": True},
    "layers.MultiHeadAttention": {"use_bias": True},
    "layers.MaxPooling": {"padding": "valid"},
    "layers.AveragePooling": {"padding": "valid"},
    "layers.Global": {"keepdims": False},
    "layers.BatchNormalization": {**_SCALES, "momentum": 0.99},
    "layers.LayerNormalization": {**_SCALES, "axis": -1},
    "layers.GroupNormalization": _SCALES,
    "layers.RMSNormalization": {"axis": -1, "epsilon": 1e-06},
    "layers.PReLU": {"shared_axes": None},
    "layers.SimpleRNN": _REMEMBERS,
    "layers.LSTM": _REMEMBERS,
    "layers.GRU": {**_REMEMBERS, "reset_after": True},
}
"""Arguments that may be left out, by the start of the class's name."""
_WRITTEN = {"keras", "layers", "ops", "random", BETWEEN, "name", "i", RUNNING}
"""Names that are written into the code itself."""
_JOINTS = ("_", "-", "__")
"""What stands for the dot of a path: the first that leaves names different."""
_POSITIONAL = {
    *("filters", "kernel_size", "pool_size", "units", "rate", "activation", "target_shape"),
    *("dims", "padding", "cropping", "size", "output_size", "layer"),
}
"""Arguments that are written without their names where they come first."""


def keras_source(graph: Graph, facts: Sequence[Facts]) -> str:
    """The network as code that builds it in Keras.

    Raises UsageError, with the layer's name, where Keras has no spelling for a layer.
    """
    return _Writer(graph, facts).source()


class _Writer:
    def __init__(self, graph: Graph, facts: Sequence[Facts]) -> None:
        self.graph = graph
        self.alias: dict[str, str] = {}
        """Nodes that do nothing in Keras, and the value that stands for theirs."""
        steps = _with_activations([s for fact in facts for s in self._steps(fact)], graph)
        self.outputs = [self._value(name) for name in (*graph.outputs, *graph.auxiliary)]
        self.joint = self._find_joint(steps)
        named = used_names([parse(step.call) for step in steps])
        self.own = _OWN.names & {*named, *(step.made_of for step in steps)}
        self.root = _flat(outline(steps, tuple(graph.inputs), self.outputs))
        self.plans = plans(self.root)
        self.functions = {*_OWN.taken, *_WRITTEN}
        # A function is called where its caller's parameters are known.
        self.functions |= {p.name for plan in self.plans for p in plan.parameters}
        self.name = identifier(_snake(graph.name), self.functions, "network")
        for plan in self.plans:
            plan.name = identifier(_snake(plan.uses[0].word), self.functions, "block")

    def _value(self, name: str) -> str:
        return self.alias.get(name, name)

    def _steps(self, fact: Facts) -> Iterator[Step]:
        node = fact.node
        if node.weights_of:
            raise UsageError(
                f"{node.name}: the code for Keras shares no weights between layers; --to torch can"
            )
        try:
            parts = list(node.layer.keras(*fact.inputs))
        except UsageError as error:
            raise UsageError(f"{node.name}: {error}") from None
        if fact.weights and not node.trainable:
            if any(part.made_of and not part.made_of.startswith("layers.") for part in parts):
                raise UsageError(f"{node.name}: the code for Keras cannot freeze it")
            for i, part in enumerate(parts):
                if part.made_of:
                    parts[i] = part._replace(arguments={**part.arguments, "trainable": False})
        reads = tuple(self._value(name) for name in node.inputs)
        if not parts:
            self.alias[node.name] = reads[0]
        path = node.name.split(".")
        host = node.fused_into.split(".") if node.fused_into else path
        scope, local = tuple(host[:-1]), ".".join(path[len(host) - 1 :])
        for i, part in enumerate(parts, 1):
            name = node.name if i == len(parts) else f"{node.name}#{i}"
            yield Step(
                name=name,
                scope=scope,
                attribute=f"{local}{part.suffix}" if part.made_of else "",
                call=text(parse(part.call)),
                made_of=part.made_of,
                arguments={key: _plain(part, value) for key, value in part.arguments.items()},
                reads=reads,
                fused=bool(node.fused_into),
                word=word_of(node),
            )
            reads = (name,)

    def _find_joint(self, steps: Sequence[Step]) -> str:
        """What stands for the dots of a path, which the names of Keras cannot have.

        Two layers may not become one.
        """
        for joint in _JOINTS:
            known: dict[str, str] = {name: name for name in self.graph.inputs}
            clash = ""
            for step in steps:
                place = ".".join((*step.scope, step.attribute)) if step.attribute else step.name
                name = place.replace(".", joint)
                if known.setdefault(name, place) != place:
                    clash = f"{place}: Keras would call it {name}, as {known[name]}"
            if not clash:
                return joint
        raise UsageError(f"{clash}; give one of them another name")

    def source(self) -> str:
        parts = [self._function(plan) for plan in self.plans]
        parts += [
            self._network(),
            ['if __name__ == "__main__":', f"    {self.name}().summary()"],
        ]
        made = "Made by cnncalc for Keras 3. Images are channels last."
        return _OWN.file(self.graph, made, parts, self.own, ("keras", _imports))

    def _function(self, plan: Plan) -> list[str]:
        block = plan.uses[0]
        names = [parameter.name for parameter in plan.parameters]
        constructors = self._constructors(block, iter(plan.by_slot), within=True)
        writer = FunctionBody(
            block, block.gives, lambda i: constructors[id(i)], {*self.functions, *names}
        )
        inputs = [writer.locals[name] for name in block.reads]
        statements = writer.statements()
        alone = statements[-1].items[-1].gives == block.gives and len(block.gives) == 1
        named = ", ".join(writer.locals[name] for name in block.gives)
        results = statements.pop().call if alone else named
        return [
            *signature(plan.name, [*inputs, "name", *names], "", 0),
            *docstring([use_text(plan)], 4),
            *self._lines(statements),
            *assignment(RUNNING, results, 4, returns=True),
        ]

    def _network(self) -> list[str]:
        block = self.root
        constructors = self._constructors(block, repeat(None), within=False)
        titles = {name: "inputs" if name == "input" else name for name in block.reads}
        writer = FunctionBody(
            block, self.outputs, lambda i: constructors[id(i)], self.functions, titles
        )
        lines = [f"def {self.name}():", *docstring(["The network, with weights to be trained."], 4)]
        for name, shape in self.graph.inputs.items():
            local = writer.locals[name]
            kind = 'dtype="int64", ' if isinstance(shape, Ids) else ""
            made = f'keras.Input({channels_last(shape)}, {kind}name="{name}")'
            lines += statement(f"{local} = ", made, 4)
        lines += self._lines(writer.statements())
        inputs, outputs = (
            names[0] if len(names) == 1 else f"[{', '.join(names)}]"
            for names in (
                [writer.locals[name] for name in block.reads],
                [writer.locals[name] for name in self.outputs],
            )
        )
        made = f'keras.Model({inputs}, {outputs}, name="{self.name}")'
        return [*lines, *statement("return ", made, 4)]

    def _lines(self, statements: Sequence[Statement]) -> Iterator[str]:
        i = 0
        while i < len(statements):
            first = statements[i]
            run = 1
            while i + run < len(statements) and self._continues(first, statements[i + run], run):
                run += 1
            call = first.call
            if run > 1:
                start = int(first.items[0].attribute.rpartition(".")[2])
                yield f"    for i in range({f'{start}, ' if start else ''}{start + run}):"
                end = f'{self.joint}{start}"'
                before, _, after = call.partition(end)
                before = before if 'f"' in before else before.replace('"', 'f"', 1)
                call = f'{before}{self.joint}{{i}}"{after}'
                yield from assignment(RUNNING, call, 8)
            elif first.targets:
                yield from assignment(", ".join(first.targets), call, 4)
            else:
                yield from statement("", call, 4)
            i += run

    def _continues(self, first: Statement, other: Statement, number: int) -> bool:
        """Whether a statement is the first one again, on the next of numbered blocks."""
        a, b = first.items[0], other.items[0]
        if not isinstance(a, Block) or not isinstance(b, Block) or a.plan is not b.plan:
            return False
        if first.targets != (RUNNING,) or other.targets != (RUNNING,):
            return False
        if f"({RUNNING}, " not in first.call:
            return False
        home, _, index = a.attribute.rpartition(".")
        if not index.isdigit() or b.attribute != f"{home}.{int(index) + number}":
            return False
        before, after = (f'{x.attribute}"'.replace(".", self.joint) for x in (a, b))
        return first.call.replace(before, after) == other.call

    def _constructors(
        self, block: Block, variables: Iterator[str | None], within: bool
    ) -> dict[int, str]:
        """What each item calls."""
        made: dict[int, str] = {}
        for item in block.items:
            title = item.attribute.replace(".", self.joint)
            name = f'f"{{name}}{self.joint}{title}"' if within else f'"{title}"'
            if isinstance(item, Block):
                assert item.plan is not None
                listed = [READS, name, *arguments(item.slots(), variables)]
                made[id(item)] = f"{item.plan.name}({', '.join(listed)})"
            else:
                made[id(item)] = _layer(item, variables, name) if item.made_of else ""
        return made


def _layer(step: Step, variables: Iterator[str | None], name: str) -> str:
    """The call that makes a layer."""
    made_of, slots = step.made_of, step.slots()
    filled = {key: variable for (_, key, _), variable in zip(slots, variables, strict=False)}
    defaults = next((d for start, d in _DEFAULTS.items() if made_of.startswith(start)), {})
    if "Pooling" in made_of:
        # A pooling's stride is its window.
        window = None if filled.get("pool_size") else step.arguments.get("pool_size")
        defaults = {**defaults, "strides": window}
    positional = _POSITIONAL if made_of.startswith("layers.") else ()
    given = arguments(slots, filled.values(), defaults, positional)
    return f"{made_of}({', '.join([*given, f'name={name}'])})"


def _imports(used: set[str]) -> list[str]:
    """The imports from Keras that code needs where these names are in use."""
    names = [name for name in ("layers", "ops", "random") if name in used]
    return [f"from keras import {', '.join(names)}"] if names else []


def _with_activations(steps: Sequence[Step], graph: Graph) -> list[Step]:
    """Activations that a convolution or dense layer takes as an argument."""
    made: list[Step] = []
    for step in steps:
        host = made[-1] if made else None
        if (
            host is not None
            and step.fused
            and step.made_of == "layers.Activation"
            and re.match(r"layers\.(Conv|DepthwiseConv|Dense)", host.made_of)
            and step.reads == host.gives
        ):
            arguments = {**host.arguments, **step.arguments}
            made[-1] = replace(host, name=step.name, arguments=arguments)
        else:
            made.append(replace(step, fused=False))
    return made


def _flat(block: Block) -> Block:
    """A block whose sequences are taken apart: functional code has none."""
    items: list[Step | Block] = []
    for item in block.items:
        if not isinstance(item, Block):
            items.append(item)
            continue
        inner = _flat(item)
        if not item.is_sequence:
            items.append(inner)
            continue
        for part in inner.items:
            # An expression has no name to be prefixed.
            named = f"{item.attribute}.{part.attribute}" if part.attribute else ""
            items.append(replace(part, attribute=named))
    return replace(block, items=items)


def _plain(part: Part, value: Any) -> Any:
    """One number for all axes where Keras takes it."""
    short = re.match(
        r"layers\.(Conv|Depthwise|Max|Average|Adaptive|UpSampling2|UpSampling3)", part.made_of
    )
    if short and isinstance(value, tuple) and len(set(value)) == 1:
        return value[0]
    if re.match(r"layers\.(ZeroPadding|Cropping)", part.made_of) and isinstance(value, tuple):
        sides = value if isinstance(value[0], tuple) else (value,)
        if len({number for side in sides for number in side}) == 1:
            return sides[0][0]
    return value


def _snake(title: str) -> str:
    title = re.sub(r"(?<=[^\W\d])-(?=\d)", "", title)
    return re.sub(r"\W+", "_", title).lower().strip("_")
