"""What a counting convention is made of, and what it makes of a network."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any, NamedTuple

from cnncalc.infer import Facts
from cnncalc.layers.base import Shape, count
from cnncalc.layers.kept import padded_size


class Term(NamedTuple):
    """So many times a quantity of the layers that these classes of torch compute, written without
    their number of axes; of all layers where there is none."""

    factor: int
    quantity: str
    classes: str = ""
    where: Callable[[Facts], bool] = lambda fact: True


class Fault(NamedTuple):
    """What a tool gets wrong at layers that these classes compute, and by how much at one."""

    message: str
    classes: str
    error: Callable[[Facts], int]


class Convention(NamedTuple):
    """How a tool counts. `unit` is what its number is, whatever it calls it."""

    tool: str
    unit: str
    terms: tuple[Term, ...]
    remark: str = ""
    faults: tuple[Fault, ...] = ()

    def count(self, fact: Facts) -> int:
        """What the tool counts at one layer."""
        return sum(factor * size for _, factor, size in self._sizes(fact))

    def parts(self, facts: Sequence[Facts]) -> "list[Part]":
        """The terms of the total, each with its size, those of nothing left out."""
        sizes = Counter[tuple[str, int]]()
        for fact in facts:
            for name, factor, size in self._sizes(fact):
                sizes[name, factor] += size
        order = {name: index for index, name in enumerate(QUANTITIES)}
        found = [Part(name, factor, size) for (name, factor), size in sizes.items() if size]
        return sorted(found, key=lambda part: order.get(part.name, len(order)))

    def remarks(self, facts: Sequence[Facts], batch: int = 1) -> list[str]:
        """What must be said beside the count: whose it is, and what the tool gets wrong."""
        remark = f"; {self.remark}" if self.remark else ""
        errors = (f"count: but {error}." for error in self.errors(facts, batch))
        return [f"count: {self.unit} as in {self.tool}{remark}.", *errors]

    def errors(self, facts: Sequence[Facts], batch: int = 1) -> "list[Error]":
        """The faults that this network meets."""
        found = []
        for fault in self.faults:
            classes = fault.classes.split()
            wrong = {
                fact.node.name: error
                for fact in facts
                if torch_class(fact) in classes and (error := fault.error(fact))
            }
            if wrong:
                found.append(Error(fault.message, tuple(wrong), sum(wrong.values()) * batch))
        return found

    def _sizes(self, fact: Facts) -> Iterator[tuple[str, int, int]]:
        """Name, factor and size of every term at one layer."""
        made_of = torch_class(fact)
        for factor, quantity, classes, where in self.terms:
            if (not classes or made_of in classes.split()) and where(fact):
                of_layer = "" if quantity in _WHOLE else f" of {fact.node.layer.type}"
                yield quantity + of_layer, factor, QUANTITIES[quantity](fact)


class Part(NamedTuple):
    """A named summand of a total: `factor` times `size`."""

    name: str
    factor: int
    size: int

    @property
    def amount(self) -> int:
        return self.factor * self.size


class Error(NamedTuple):
    """A fault where a network meets it: at which layers, and what it adds to the total."""

    message: str
    layers: tuple[str, ...]
    amount: int

    def __str__(self) -> str:
        direction = "more" if self.amount > 0 else "less"
        some = ", ".join(self.layers[:3])
        more = f" and {len(self.layers) - 3} more" if len(self.layers) > 3 else ""
        return f"it {self.message}, and prints {abs(self.amount):,} {direction} ({some}{more})"


class ToolCount(NamedTuple):
    """A network's total as one tool counts it: the sum of its parts; and what the tool prints."""

    name: str
    convention: Convention
    parts: list[Part]
    errors: list[Error]

    @property
    def total(self) -> int:
        return sum(part.amount for part in self.parts)

    @property
    def printed(self) -> int:
        return self.total + sum(error.amount for error in self.errors)


def torch_class(fact: Facts) -> str:
    """The class that computes it in torch, as tools know it: `Conv` for Conv1d, Conv2d, Conv3d."""
    return re.sub(r"\dd$", "", fact.node.layer.twin(*fact.inputs).module or "")


def tensors(fact: Facts) -> dict[str, Shape]:
    """The weights it works with, its own or another layer's: tools count work at every use."""
    return fact.node.layer.weights(*fact.inputs)


def inputs(fact: Facts) -> int:
    return count(fact.inputs[0])


def padding_apart(fact: Facts) -> int:
    """Values of padding that torch's pooling cannot add itself, so that its twin does before."""
    pads = fact.node.layer.pads_apart(*fact.inputs)  # type: ignore[attr-defined]
    return padded_size(fact.inputs[0], pads) - inputs(fact)


def params(fact: Facts) -> int:
    return sum(map(prod, tensors(fact).values()))


def bias_additions(fact: Facts) -> int:
    if fact.node.layer.family == "recurrent":
        return fact.connections - fact.macs
    # What a normalisation or a subsampling shifts by is no bias of products.
    return fact.activations if fact.macs and "bias" in tensors(fact) else 0


def states(fact: Facts) -> int:
    """Numbers of the states of a recurrent layer, at all steps and in all its layers."""
    layer: Any = fact.node.layer
    rows = layer.num_layers * (2 if layer.bidirectional else 1)
    found: int = layer.hidden_size * rows * fact.inputs[0][1]
    return found


def score_macs(fact: Facts) -> int:
    return fact.node.layer.computed_macs(*fact.inputs)


QUANTITIES: dict[str, Callable[[Facts], int]] = {
    "MACs": lambda fact: fact.macs - score_macs(fact),
    "MACs of scores": score_macs,
    "additions of biases": bias_additions,
    "parameters": params,
    "inputs": inputs,
    "outputs": lambda fact: fact.activations,
    "sums": lambda fact: count(fact.output[1:]),
    "padded inputs": lambda fact: (
        inputs(fact) + (getattr(fact.node.layer, "size", 1) - 1) * count(fact.inputs[0][1:])
    ),
    "padding": padding_apart,
    "states": states,
    "scores": lambda fact: getattr(fact.node.layer, "num_heads", 0) * fact.inputs[0][1] ** 2,
}
"""What terms count. Those that speak of a layer are named after it: `inputs of batch_norm`."""
_WHOLE = ("MACs", "MACs of scores", "additions of biases")
