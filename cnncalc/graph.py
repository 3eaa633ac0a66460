"""The network without any sugar: nodes in the order in which they are computed."""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.errors import Origin, Path, Problem
from cnncalc.layers.base import Layer, Shape

INPUT = "input"
"""The name of the network's input."""


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

    def with_input(self, shape: Shape) -> Graph:
        """The same network on an input of another shape."""
        return self._replace(inputs={INPUT: shape})
