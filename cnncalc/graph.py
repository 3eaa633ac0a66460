"""The network without any sugar: nodes in the order in which they are computed."""

from typing import NamedTuple

from cnncalc.errors import Origin, Path, Problem
from cnncalc.layers.base import Layer, Shape, count

INPUT = "input"
"""The name of the network's input."""
MAX_VALUES = 10**100
"""The most values that an output may have: what grows without end ends here."""


class Node(NamedTuple):
    """One layer, the names of what it reads, and where the spec says it."""

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    fused_into: str | None = None
    """The node whose `activation` this one is."""
    path: Path = ()

    def problem(self, message: str) -> Problem:
        """A mistake found at this node."""
        return Problem(self.path, self.name, message)


class Graph(NamedTuple):
    """A flat network in topological order. Nodes read the input or earlier nodes only."""

    name: str
    inputs: dict[str, Shape]
    nodes: tuple[Node, ...]
    description: str = ""
    source: str = ""
    origin: Origin = Origin()

    def judge(self) -> tuple[dict[str, Shape], list[Problem]]:
        """The shape of every output that is known, and a problem for every rule that is broken.

        What reads from a broken node is not judged: its inputs are unknown.
        """
        shapes, problems = dict(self.inputs), list[Problem]()
        for node in self.nodes:
            inputs = [shapes[name] for name in node.inputs if name in shapes]
            if len(inputs) < len(node.inputs):
                continue
            broken = [node.problem(rule) for rule in node.layer.rules(*inputs)]
            if not broken:
                output = node.layer.output(*inputs)
                if count(output) <= MAX_VALUES:
                    shapes[node.name] = output
                else:
                    broken = [node.problem("the output would have more than 10¹⁰⁰ values")]
            problems += broken
        return shapes, problems

    def with_input(self, shape: Shape) -> "Graph":
        """The same network on an input of another shape."""
        return self._replace(inputs={INPUT: shape})
