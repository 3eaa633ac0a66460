"""The engine: one loop that knows every node's shapes, and from them weights and costs."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import NamedTuple

from cnncalc.dims import TransposedWindow, Window
from cnncalc.errors import Problem
from cnncalc.graph import Graph, Node
from cnncalc.layers.base import Layer, Shape, count

MAX_OUTPUT = 10**100
"""The most values that an output may have: what grows without end ends here."""
_INT = frozenset({int})
_UNKNOWN: tuple[None, None] = (None, None)


@dataclass(eq=False, repr=False)
class Work:
    """A layer on inputs of known shapes. Everything else follows, when it is asked for."""

    layer: Layer
    inputs: tuple[Shape, ...]
    output: Shape

    @cached_property
    def weights(self) -> dict[str, Shape]:
        return self.layer.weights(*self.inputs)

    @cached_property
    def params(self) -> int:
        return sum(map(prod, self.weights.values()))

    @cached_property
    def buffers(self) -> int:
        return sum(map(prod, self.layer.buffers(*self.inputs).values()))

    @cached_property
    def macs(self) -> int:
        return self.layer.macs(*self.inputs)

    @cached_property
    def elementwise(self) -> dict[str, int]:
        return self.layer.elementwise(*self.inputs)

    @cached_property
    def connections(self) -> int:
        return self.layer.connections(*self.inputs)

    @cached_property
    def windows(self) -> tuple[Window | TransposedWindow, ...]:
        return self.layer.windows(*self.inputs)

    @cached_property
    def activations(self) -> int:
        return count(self.output)


class Facts(NamedTuple):
    """A node and its work, which nodes with the same layer and inputs have in common."""

    node: Node
    work: Work

    @property
    def inputs(self) -> tuple[Shape, ...]:
        return self.work.inputs

    @property
    def output(self) -> Shape:
        return self.work.output

    @property
    def weights(self) -> dict[str, Shape]:
        """Its own trained tensors; none where it uses another layer's."""
        return {} if self.node.weights_of else self.work.weights

    @property
    def params(self) -> int:
        """Elements of all trained tensors."""
        return 0 if self.node.weights_of else self.work.params

    @property
    def buffers(self) -> int:
        """Elements of all tensors that are kept and not trained."""
        return 0 if self.node.weights_of else self.work.buffers

    @property
    def macs(self) -> int:
        return self.work.macs

    @property
    def elementwise(self) -> dict[str, int]:
        return self.work.elementwise

    @property
    def connections(self) -> int:
        return self.work.connections

    @property
    def windows(self) -> tuple[Window | TransposedWindow, ...]:
        return self.work.windows

    @property
    def activations(self) -> int:
        """Elements of the output."""
        return self.work.activations

    @property
    def new_activations(self) -> int:
        """Elements of the output that are values of their own: 0 for views and in-place layers."""
        return self.work.activations if self.node.layer.values == "new" else 0


def _key(shape: Shape) -> Hashable:
    # A number that is no int says by its text which it is; to compare it would be to ask it.
    return shape if _INT.issuperset(map(type, shape)) else repr(shape)


def infer(graph: Graph) -> list[Facts]:
    """Facts of every node, in the graph's order.

    Raises SpecError with every layer whose rules its inputs break.
    """
    facts, problems = judge(graph)
    if problems:
        raise graph.origin.error(problems)
    return facts


def judge(graph: Graph) -> tuple[list[Facts], list[Problem]]:
    """Facts of every node that can be computed, and a problem for every rule that is broken."""
    judged = Judged(graph.inputs)
    for node in graph.nodes:
        judged.add(node)
    return judged.facts, judged.problems


class Judged:
    """What is known of a network's nodes, as they are added one by one.

    What reads from a broken node is not judged: its inputs are unknown.
    """

    def __init__(self, inputs: Mapping[str, Shape]) -> None:
        self.shapes = dict(inputs)
        """The outputs' shapes, of the inputs too."""
        self.facts: list[Facts] = []
        self.problems: list[Problem] = []
        # Networks repeat themselves: the same layer on inputs of the same shapes is worked out
        # once.
        self._alike: dict[str, Hashable] = {name: _key(s) for name, s in self.shapes.items()}
        self._done: dict[tuple[int, tuple[Hashable, ...]], tuple[Work, Hashable]] = {}
        self._works: dict[str, Work] = {}

    def add(self, node: Node) -> None:
        """Work a node out, or find what is wrong with it."""
        alike = self._alike
        try:
            key = (id(node.layer), tuple([alike[name] for name in node.inputs]))
        except KeyError:
            return
        work, told = self._done.get(key, _UNKNOWN)
        if work is None:
            inputs = tuple([self.shapes[name] for name in node.inputs])
            broken = list(node.layer.misread(*inputs)) or list(node.layer.rules(*inputs))
            if not broken:
                work = Work(node.layer, inputs, node.layer.output(*inputs))
                if work.activations > MAX_OUTPUT:
                    work, broken = None, ["the output would have more than 10¹⁰⁰ values"]
            if work is None:
                self.problems += map(node.problem, broken)
                return
            told = _key(work.output)
            self._done[key] = work, told
        if node.weights_of:
            owner = self._works.get(node.weights_of)
            if owner is not None and owner.weights != work.weights:
                message = f"its weights differ from those of {node.weights_of}, which it shares"
                self.problems.append(node.problem(message))
                return
        self._works[node.name] = work
        self.shapes[node.name] = work.output
        alike[node.name] = told
        self.facts.append(Facts(node, work))
