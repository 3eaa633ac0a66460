"""The engine: one loop that knows every node's shapes, and from them weights and costs."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import NamedTuple

from cnncalc.dims import TransposedWindow, Window
from cnncalc.errors import Problem, SpecError
from cnncalc.graph import Graph, Node
from cnncalc.layers.base import Layer, Sentence, Shape, count
from cnncalc.layers.twin import Twin

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
    def trained(self) -> int:
        """Those of `params` that training changes."""
        return self.params if self.node.trainable else 0

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


def _contradicted(name: str, value: int | tuple[int | None, ...], work: Work) -> Sentence | None:
    """What to say of an assertion that what arrives contradicts."""
    (input, *_), found = work.inputs, work.layer.arriving(name, *work.inputs)
    if isinstance(value, tuple):
        sizes = found if isinstance(found, tuple) else (found,)
        alike = (v in (None, s) for v, s in zip(value, sizes, strict=False))
        if len(sizes) == len(value) and all(alike):
            return None
        wanted = ", ".join("null" if size is None else str(size) for size in value)
        if name == "input_shape":
            return Sentence(f"{name} is [{wanted}], but {{}} arrives", input)
        remedy = "; set over to all" if value == input else ""
        return Sentence(f"{name} is [{wanted}], but {list(sizes)} is normalised together{remedy}")
    if value == found:
        return None
    noun = ("value" if len(input) == 1 else "channel") + ("" if found == 1 else "s")
    place = "" if len(input) == 1 else " ({})"
    verb = "arrives" if found == 1 else "arrive"
    return Sentence(f"{name} is {value:,}, but {found:,} {noun} {verb}{place}", input)


def _key(shape: Shape) -> Hashable:
    # A number that is no int says by its text which it is; to compare it would be to ask it.
    return shape if _INT.issuperset(map(type, shape)) else repr(shape)


class Misfit(NamedTuple):
    """A layer that does not fit what it reads, and the rule that is broken."""

    node: Node
    inputs: tuple[Shape, ...]
    rule: str
    assertion: str = ""
    """What the spec said of what it reads, where that is what is wrong."""

    @property
    def problem(self) -> Problem:
        """It, as a mistake of the spec."""
        return self.node.problem(self.rule)


class Unfit(SpecError):
    """A network whose layers do not all fit: what is known of it, and what is not."""

    def __init__(self, graph: Graph, facts: list[Facts], misfits: list[Misfit]) -> None:
        super().__init__(graph.origin.lines(misfit.problem for misfit in misfits))
        self.graph, self.facts, self.misfits = graph, facts, misfits
        self.others: tuple[Unfit, ...] = ()
        """Those of other networks that were asked for together with it."""
        self.said: tuple[str, ...] = ()
        """What else is to be said: lines that stand below."""


def infer(graph: Graph) -> list[Facts]:
    """Facts of every node, in the graph's order.

    Raises Unfit, a SpecError, with every layer whose rules its inputs break.
    """
    facts, misfits = judge(graph)
    if misfits:
        raise Unfit(graph, facts, misfits)
    return facts


def judge(graph: Graph, whole: bool = True) -> tuple[list[Facts], list[Misfit]]:
    """Facts of every node that can be computed, and a misfit for every rule that is broken.

    If it is not to be the `whole` network, it ends at the first that is broken.
    """
    judged = Judged(graph.inputs)
    for node in graph.nodes:
        if judged.misfits and not whole:
            break
        judged.add(node)
    return judged.facts, judged.misfits


def for_inference(graph: Graph) -> Graph:
    """The network without those auxiliary outputs that do not fit: inference needs none of them.

    Where layers of the rest share their weights it is as it is.
    """
    if not graph.auxiliary:
        return graph
    facts, misfits = judge(graph)
    known, resting = {fact.node.name for fact in facts}, graph.only_auxiliary()
    kept = graph.behind(name for name in graph.auxiliary if name in known)
    gone = {name for name in resting if name not in kept}
    unfit = [name for name in graph.auxiliary if name not in known]
    why = next((m for m in misfits if m.node.name in gone), None)
    nodes = tuple(node for node in graph.nodes if node.name not in gone)
    if why is None or any(node.weights_of in gone for node in nodes):
        return graph
    return graph._replace(
        name=f"{graph.name} without {', '.join(unfit)}",
        nodes=nodes,
        auxiliary=tuple(name for name in graph.auxiliary if name in known),
        left_out=f"{', '.join(unfit)}, used in training only; {why.node.name}: {why.rule}",
    )


class Judged:
    """What is known of a network's nodes, as they are added one by one.

    What reads from a broken node is not judged: its inputs are unknown.
    """

    def __init__(self, inputs: Mapping[str, Shape]) -> None:
        self.shapes = dict(inputs)
        """The outputs' shapes, of the inputs too."""
        self.facts: list[Facts] = []
        self.misfits: list[Misfit] = []
        # Networks repeat themselves: the same layer on inputs of the same shapes is worked out
        # once.
        self._alike: dict[str, Hashable] = {name: _key(s) for name, s in self.shapes.items()}
        self._done: dict[tuple[Hashable, ...], tuple[Work, Hashable]] = {}
        self._works: dict[str, Work] = {}
        self._frozen: set[str] = set()

    def add(self, node: Node) -> None:
        """Work a node out, or find what is wrong with it."""
        alike = self._alike
        try:
            reads = tuple([alike[name] for name in node.inputs])
            key: tuple[Hashable, ...] = (id(node.layer), reads)
            if node.indices_of:
                pooling = self._works[node.indices_of]
                key = (*key, id(pooling.layer), _key(pooling.inputs[0]))
        except KeyError:
            return
        work, told = self._done.get(key, _UNKNOWN)
        if work is None:
            inputs, layer = tuple([self.shapes[name] for name in node.inputs]), node.layer
            if node.indices_of:
                layer = layer.undoing(pooling.layer, pooling.inputs[0], node.indices_of)
            broken = list(layer.misread(*inputs)) or list(layer.rules(*inputs))
            if not broken:
                work = Work(layer, inputs, layer.output(*inputs))
                if work.activations > MAX_OUTPUT:
                    work, broken = None, ["the output would have more than 10¹⁰⁰ values"]
            if work is None:
                node = node._replace(layer=layer)
                self.misfits += [Misfit(node, inputs, rule) for rule in broken]
                return
            told = _key(work.output)
            self._done[key] = work, told
        for name, value in node.assertions:
            if said := _contradicted(name, value, work):
                self.misfits.append(Misfit(node, work.inputs, said, name))
                return
        if node.weights_of:
            owner = self._works.get(node.weights_of)
            if owner is not None and owner.weights != work.weights:
                message = f"its weights differ from those of {node.weights_of}, which it shares"
                self.misfits.append(Misfit(node, work.inputs, message))
                return
            node = node._replace(trainable=node.weights_of not in self._frozen)
        if not node.trainable:
            self._frozen.add(node.name)
        if node.indices_of:
            node = node._replace(layer=work.layer)
        self._works[node.name] = work
        self.shapes[node.name] = work.output
        alike[node.name] = told
        self.facts.append(Facts(node, work))


def twins(facts: Sequence[Facts]) -> dict[str, Twin]:
    """What computes every node in torch. A pooling whose indices are taken gives them, too."""
    found = {fact.node.name: fact.node.layer.twin(*fact.inputs) for fact in facts}
    for fact in facts:
        if fact.node.indices_of:
            twin = found[fact.node.indices_of]
            arguments = {**twin.arguments, "return_indices": True}
            found[fact.node.indices_of] = twin._replace(arguments=arguments)
    return found
