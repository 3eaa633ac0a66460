"""Networks as items of another one: `network: resnet50`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

from cnncalc.errors import Path, UsageError, shown
from cnncalc.graph import INPUT, Graph
from cnncalc.infer import judge
from cnncalc.spec import advice
from cnncalc.spec.blocks import MAX_NODES, BlockExpander
from cnncalc.spec.document import Document
from cnncalc.spec.header import Header
from cnncalc.spec.resolve import TooLarge
from cnncalc.spec.scope import MAX_PATH, UNKNOWN, bundle

_KEYS = ("spec", "set", "outputs")
_STEPS = 1_000
"""What a network counts beside its items: at most 200 are read for one spec."""
_TOLD = 3
"""How many mistakes of a network are told where it is used."""


class Found(NamedTuple):
    """A network that a spec names, and how to find those that it names itself."""

    document: Document
    variant: str | None
    find: Find


Find = Callable[[str], Found]
"""Gives the network of a name. Raises UsageError."""


def _nothing(name: str) -> Found:
    raise UsageError(f"{shown(name)}: there are no other networks here")


class Use(NamedTuple):
    """Where a network is used, and what it is called there."""

    explicit: str | None
    name: str
    path: Path
    at: Path


class NetworkExpander(BlockExpander):
    """Knows networks beside layers, blocks and repeats."""

    find: Find = staticmethod(_nothing)

    @abstractmethod
    def graph(self, header: Header, document: Document) -> Graph:
        """The graph of a whole spec."""

    def network(self, value: Any, beside: dict[str, Any], use: Use, reads: str) -> str:
        """Add the nodes of another network."""
        sources = self.read(beside, use.path, use.name, reads)
        given = self.settings(value, use)
        if given is None or sources is None:
            return self.keep(use.explicit, UNKNOWN)
        self.step(use.at, _STEPS)
        spec, before = given["spec"], len(self.nodes)
        try:
            found = self.find(spec)
        except UsageError as error:
            return self.keep(use.explicit, self.unknown(use.at, use.name, str(error)))
        header = Header(found.document, given.get("set") or {}, found.variant)
        names = header.input_names or [INPUT]
        sources = self.fitting(spec, names, sources, beside, use.path, use.name)
        shapes = [self.shape(source) for source in sources or ()]
        if sources is None or None in shapes:
            return self.keep(use.explicit, UNKNOWN)
        header.inputs = {n: shape for n, shape in zip(names, shapes, strict=True) if shape}
        inner = type(self)()
        inner.find, inner.steps, inner.nested = found.find, self.steps, self.nested
        graph = inner.graph(header, found.document)
        self.steps = inner.steps
        problems = [*inner.problems, *(misfit.problem for misfit in judge(graph)[1])]
        for problem in problems[:_TOLD]:
            place = f"{problem.where}: " if problem.where else ""
            self.problem(use.at, use.name, f"{spec}: {place}{problem.message}")
        wanted = given.get("outputs")
        outputs = self.cut(wanted, inner, spec, use) if wanted else list(graph.outputs)
        if problems or outputs is None:
            return self.keep(use.explicit, UNKNOWN)
        called = dict(zip(names, sources, strict=True))
        self.put(graph, graph.behind(outputs), called, use)
        self.keep_inner(inner, called, use)
        output = self.keep(use.explicit, bundle(called[n] for n in outputs))
        if "weights_of" in beside:
            full = self.scope.full(use.name)
            self.share(beside["weights_of"], use.path, use.name, full, before)
        return output

    def settings(self, value: Any, use: Use) -> dict[str, Any] | None:
        """What stands behind the word: `spec`, `set` and `outputs`."""
        before, met = self.unresolved, self.met
        given = value if isinstance(value, dict) else {"spec": value}
        given = self.resolved(given, use.at, use.name, exact=True)
        for key in given:
            if key not in _KEYS:
                hint = self.hint(str(key), _KEYS) or f"; it has {', '.join(_KEYS)}"
                where = f"{use.name}.{advice.quoted(key)}"
                self.problem((*use.at, key), where, f"no such key of network{hint}")
        if not isinstance(given.get("spec"), str):
            message = "must name a bundled network or a file beside this one"
            message = f"{message}, not {shown(given.get('spec'))}"
            self.problem(use.at, f"{use.name}.spec", message)
        if not isinstance(given.get("set", {}), dict):
            message = f"must be a mapping from variables to values, not {shown(given['set'])}"
            self.problem(use.at, f"{use.name}.set", message)
        outputs = given.get("outputs", [])
        if not isinstance(outputs, list) or not all(isinstance(o, str) for o in outputs):
            self.problem(use.at, f"{use.name}.outputs", "must be a list of names of its layers")
        return given if (self.unresolved, self.met) == (before, met) else None

    def cut(
        self, wanted: list[str], inner: NetworkExpander, spec: str, use: Use
    ) -> list[str] | None:
        """The nodes of the inner network that give its results here."""
        listed = [n for n, node in inner.top.named.items() if node in inner.names]
        for output in wanted:
            if output not in listed:
                hint = (
                    self.hint(output, listed) or f"; named are {', '.join(listed[:10]) or 'none'}"
                )
                message = f"{spec} has no layer named {shown(output)}{hint}"
                self.problem((*use.at, "outputs"), f"{use.name}.outputs", message)
                return None
        return [inner.top.named[output] for output in wanted]

    def put(self, graph: Graph, wanted: set[str], called: dict[str, str], use: Use) -> None:
        """Add the nodes of a graph that are wanted, under the network's name; say in `called`
        what each is called here."""
        full, uses = self.full(use.name, use.path), self.scope.uses
        if len(self.nodes) + len(wanted) > MAX_NODES:
            raise TooLarge(use.at, f"more than {MAX_NODES:,} layers in all")
        for node in graph.nodes:
            if node.name not in wanted:
                continue
            called[node.name] = name = f"{full}.{node.name}"
            self.longest = max(self.longest, len(name))
            if len(name) > MAX_PATH:
                message = f"a name within it has more than {MAX_PATH} characters"
                self.problem(use.at, use.name, message)
            self.nodes.append(
                node._replace(
                    name=name,
                    inputs=tuple([called[n] for n in node.inputs]),
                    fused_into=node.fused_into and called[node.fused_into],
                    path=use.at,
                    uses=uses,
                    # A layer that is left out may own weights that another one shares.
                    weights_of=node.weights_of and called.get(node.weights_of),
                    indices_of=node.indices_of and called[node.indices_of],
                )
            )

    def keep_inner(self, inner: NetworkExpander, called: dict[str, str], use: Use) -> None:
        """Let its layers be read by their names: `body.layer2`."""
        for name, node in inner.top.named.items():
            if use.explicit and node in called and node in inner.names:
                self.scope.named[f"{use.explicit}.{name}"] = called[node]
