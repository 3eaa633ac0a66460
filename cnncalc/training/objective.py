"""What training makes of a network's outputs: which loss, on what, and whether it can at all."""

from typing import NamedTuple

from cnncalc.errors import UsageError
from cnncalc.graph import Graph, Node
from cnncalc.infer import infer
from cnncalc.layers.base import Ids, Shape, times

AUXILIARY_WEIGHT = 0.3
"""What the loss of an auxiliary output counts: Szegedy et al., 2015, section 5."""


class Objective(NamedTuple):
    """A network that gives logits, and how its loss is computed from them."""

    graph: Graph
    input: Shape
    outputs: int
    """Length of the output vector; 1 where two classes have one logit between them."""
    sign: int
    """−1 where the outputs are distances, the smallest of which is the answer."""
    notes: tuple[str, ...]

    @property
    def classes(self) -> int:
        return max(self.outputs, 2)


def objective(graph: Graph) -> Objective:
    """How a network is trained to classify. Raises UsageError where it cannot be."""
    what = graph.name or "the network"
    for count, kind in ((len(graph.inputs), "input"), (len(graph.outputs), "output")):
        if count != 1:
            raise UsageError(f"{what}: train needs a network with one {kind}; it has {count}")
    (input,) = graph.inputs.values()
    if isinstance(input, Ids):
        raise UsageError(f"{what}: train needs an input of values; this one is of whole numbers")
    facts = infer(graph)
    if not any(fact.params for fact in facts):
        raise UsageError(f"{what}: there is nothing to train: no layer has parameters")
    shapes = {fact.node.name: fact.output for fact in facts}
    (output,) = graph.outputs
    for name in (output, *graph.auxiliary):
        channels, *positions = shapes[name]
        if set(positions) - {1} or channels != shapes[output][0]:
            raise UsageError(
                f"{what}: train needs one output value for each class; "
                f"{name} gives {times((*positions, channels))}"
            )
    last = _node(graph, output).layer
    told = {
        "distances": "its outputs are distances; the loss takes them as negative logits",
        "probabilities": f"the loss computes the last {last.type} itself, from logits",
    }
    notes = [f"{output}: {told[last.answers]}"] if last.answers in told else []
    for name in (output, *graph.auxiliary):
        if _node(graph, name).layer.answers == "probabilities":
            # The loss computes it itself: more exactly, for no logarithm of 0 can arise.
            graph = _without_last(graph, name)
    if graph.auxiliary:
        notes.append(
            f"auxiliary outputs ({len(graph.auxiliary)}): the loss of each counts "
            f"{AUXILIARY_WEIGHT} (Szegedy et al., 2015)"
        )
    sign = -1 if last.answers == "distances" else 1
    return Objective(graph, input, shapes[output][0], sign, tuple(notes))


def _node(graph: Graph, name: str) -> Node:
    return next(node for node in graph.nodes if node.name == name)


def _without_last(graph: Graph, name: str) -> Graph:
    """The graph whose output is what the layer `name` reads, without that layer."""
    (read,) = _node(graph, name).inputs
    if any(name in node.inputs for node in graph.nodes):
        raise UsageError(f"{name}: the last {_node(graph, name).layer.type} is read by others too")
    return graph._replace(
        nodes=tuple(node for node in graph.nodes if node.name != name),
        outputs=tuple(read if output == name else output for output in graph.outputs),
        auxiliary=tuple(read if output == name else output for output in graph.auxiliary),
    )
