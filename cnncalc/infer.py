"""The engine: one loop that knows every node's shapes, and from them weights and costs."""

from dataclasses import dataclass
from functools import cached_property
from math import prod

from cnncalc.dims import TransposedWindow, Window
from cnncalc.graph import Graph, Node
from cnncalc.layers.base import Shape, count


@dataclass(eq=False, repr=False)
class Facts:
    """A node on inputs of known shapes. Everything else follows, when it is asked for."""

    node: Node
    inputs: tuple[Shape, ...]
    output: Shape

    @cached_property
    def weights(self) -> dict[str, Shape]:
        """Its own trained tensors; none where it uses another layer's."""
        if self.node.weights_of:
            return {}
        return self.node.layer.weights(*self.inputs)

    @cached_property
    def params(self) -> int:
        """Elements of all trained tensors."""
        return sum(map(prod, self.weights.values()))

    @cached_property
    def buffers(self) -> int:
        """Elements of all tensors that are kept and not trained."""
        if self.node.weights_of:
            return 0
        return sum(map(prod, self.node.layer.buffers(*self.inputs).values()))

    @cached_property
    def macs(self) -> int:
        return self.node.layer.macs(*self.inputs)

    @cached_property
    def elementwise(self) -> dict[str, int]:
        return self.node.layer.elementwise(*self.inputs)

    @cached_property
    def connections(self) -> int:
        return self.node.layer.connections(*self.inputs)

    @cached_property
    def windows(self) -> tuple[Window | TransposedWindow, ...]:
        return self.node.layer.windows(*self.inputs)

    @property
    def activations(self) -> int:
        """Elements of the output."""
        return count(self.output)

    @property
    def new_activations(self) -> int:
        """Elements of the output that are values of their own: 0 for views and in-place layers."""
        return self.activations if self.node.layer.values == "new" else 0


def infer(graph: Graph) -> list[Facts]:
    """Facts of every node, in the graph's order.

    Raises SpecError with every layer whose rules its inputs break.
    """
    shapes, problems = graph.judge()
    if problems:
        raise graph.origin.error(problems)
    return [
        Facts(node, tuple([shapes[name] for name in node.inputs]), shapes[node.name])
        for node in graph.nodes
    ]
