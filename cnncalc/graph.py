"""The network without any sugar: nodes in the order in which they are computed."""

from collections.abc import Iterable
from typing import NamedTuple

from cnncalc.errors import Origin, Path, Problem
from cnncalc.layers.base import Ids, Layer, Shape

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
    uses: tuple[Path, ...] = ()
    """Where the blocks around it are used, the innermost first."""
    weights_of: str | None = None
    """The earlier node whose weights it uses."""

    def problem(self, message: str) -> Problem:
        """A mistake found at this node."""
        return Problem(self.path, self.name, message, self.uses)


class Graph(NamedTuple):
    """A flat network in topological order. Nodes read the input or earlier nodes only."""

    name: str
    inputs: dict[str, Shape]
    nodes: tuple[Node, ...]
    description: str = ""
    source: str = ""
    origin: Origin = Origin()
    outputs: tuple[str, ...] = ()
    """The nodes that give the network's results."""
    auxiliary: tuple[str, ...] = ()
    """The nodes that give results for training only."""

    def behind(self, names: Iterable[str]) -> set[str]:
        """The nodes of these names, and all that they are computed from."""
        found = set(names)
        for node in reversed(self.nodes):
            if node.name in found:
                found.update(node.inputs)
        return found.intersection(node.name for node in self.nodes)

    def only_auxiliary(self) -> set[str]:
        """The nodes that are computed in training only: for auxiliary outputs, or from such."""
        if not self.auxiliary:
            return set()
        found = self.behind(self.auxiliary) - self.behind(self.outputs)
        for node in self.nodes:
            if not found.isdisjoint(node.inputs):
                found.add(node.name)
        return found

    def with_input(self, shape: Shape) -> "Graph":
        """The same network on an input of another shape; ids of tokens stay what they are."""
        name, old = next(iter(self.inputs.items()))
        return self._replace(inputs={name: Ids(shape) if isinstance(old, Ids) else shape})

    def vocabulary(self, name: str) -> int:
        """How many whole numbers all that read an input of such can tell apart."""
        layers = [node.layer for node in self.nodes if name in node.inputs]
        known: list[int] = [
            getattr(layer, layer.vocabulary) for layer in layers if layer.vocabulary
        ]
        return min(known)
