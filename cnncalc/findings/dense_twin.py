"""Dense networks that a convolutional one is compared with."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from cnncalc.graph import Graph
from cnncalc.infer import Facts
from cnncalc.layers.base import Ids, Shape, count

Kind = Literal["twin", "one hidden layer", "hidden"]


Size = Callable[[int], int]
"""How many bytes so many values take."""


class Cost(NamedTuple):
    """What a layer or a network needs: trained values, multiply-accumulates of one batch, and
    bytes of the trained values."""

    weights: int
    biases: int
    macs: int
    bytes: int

    @property
    def params(self) -> int:
        return self.weights + self.biases

    def to_dict(self) -> dict[str, int]:
        """Everything by name."""
        return {"params": self.params, **self._asdict()}


class DenseNetwork(NamedTuple):
    """Fully connected layers with biases, one behind the other.

    `kind`: the dense `twin` of a chain, the largest with `one hidden layer` and no more parameters
    than the network, or one with `hidden` layers of the user's own.
    """

    kind: Kind
    sizes: tuple[int, ...]
    """Values of the input, of every hidden layer and of the result."""
    cost: Cost

    @property
    def arrows(self) -> str:
        """`784 → 512 → 10`."""
        return " → ".join(f"{size:,}" for size in self.sizes)

    def spec(self, input: Shape) -> dict[str, Any]:
        """Its spec, with ReLU behind every hidden layer, for an input that is no vector."""
        axes = ("depth", "height", "width")[4 - len(input) :] if len(input) > 2 else ("length",)
        hidden = [{"linear": {"out_features": n, "activation": "relu"}} for n in self.sizes[1:-1]]
        return {
            "name": f"dense {'-'.join(map(str, self.sizes))}",
            "input": dict(zip((*axes, "channels"), (*input[1:], input[0]), strict=True)),
            "layers": ["flatten", *hidden, {"linear": self.sizes[-1]}],
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything by name."""
        return {"kind": self.kind, "sizes": list(self.sizes), **self.cost.to_dict()}


def dense_networks(
    graph: Graph,
    facts: Sequence[Facts],
    params: int,
    hidden: Sequence[int],
    batch: int,
    size: Size,
) -> list[DenseNetwork]:
    """The dense twin where the network is a chain of layers, the one with one hidden layer where
    `params` suffice for one unit, and the one with those hidden layers where there are any.

    They read all values of all inputs and give all values of the results; none reads ids of tokens.
    """
    if any(isinstance(shape, Ids) for shape in graph.inputs.values()):
        return []
    shapes = graph.inputs | {fact.node.name: fact.output for fact in facts}
    first = sum(map(count, graph.inputs.values()))
    last = sum(count(shapes[name]) for name in graph.outputs)
    found: dict[Kind, tuple[int, ...]] = {
        "twin": _twin_sizes(facts) if facts and is_chain(graph) else (),
        "one hidden layer": _one_hidden_layer(first, last, params),
        "hidden": (first, *hidden, last) if hidden else (),
    }
    return [DenseNetwork(kind, s, _cost(s, batch, size)) for kind, s in found.items() if s]


def rival(inputs: int, outputs: int, params: int, hidden: Sequence[int]) -> DenseNetwork | None:
    """The dense network of so many inputs and outputs with those hidden layers; where there are
    none, the largest with one and at most so many parameters. None where not a unit fits.

    In float32, for a batch of one.
    """
    kind: Kind = "hidden" if hidden else "one hidden layer"
    sizes = (inputs, *hidden, outputs) if hidden else _one_hidden_layer(inputs, outputs, params)
    return DenseNetwork(kind, sizes, _cost(sizes, 1, lambda values: 4 * values)) if sizes else None


def _one_hidden_layer(first: int, last: int, params: int) -> tuple[int, ...]:
    # h hidden units take I·h + h + h·R + R parameters.
    units = (params - last) // (first + last + 1)
    return (first, units, last) if units > 0 else ()


def _cost(sizes: Sequence[int], batch: int, size: Size) -> Cost:
    # Every value meets every value of the next layer.
    weights, biases = sum(a * b for a, b in pairwise(sizes)), sum(sizes[1:])
    return Cost(weights, biases, weights * batch, size(weights + biases))


def is_chain(graph: Graph) -> bool:
    """Whether every layer reads the one before it, and the last gives the result."""
    names = [*graph.inputs, *(node.name for node in graph.nodes)]
    reads = [node.inputs for node in graph.nodes]
    return len(graph.inputs) == 1 and [(name,) for name in names] == [*reads, graph.outputs]


def _twin_sizes(facts: Sequence[Facts]) -> tuple[int, ...]:
    """The input, the output of every weighted layer after its pooling, the result.

    What a weighted layer reads is the output of the one before it, after pooling and whatever else
    stands between them. Weighted are convolutions, dense layers (fixed prototypes too),
    attention and recurrent layers; normalisations and trained coefficients change no size of a
    dense network.
    """
    families = ("convolution", "dense", "attention", "recurrent")
    weighted = [f for f in facts if f.node.layer.family in families]
    return (
        count(facts[0].inputs[0]),
        *(count(fact.inputs[0]) for fact in weighted[1:]),
        count(facts[-1].output),
    )
