"""The memory that inference needs at once: which tensors are alive while each layer runs.

Layers run in the graph's order. A tensor lives from the layer that makes it to the last that reads
it; the network's results live to the end, its inputs from the start. Views are the tensor they
show. An elementwise layer overwrites its input where nothing reads that later, and has a tensor of
its own where something does; dropout does nothing in inference. The indices of a max pooling live
from it to the last layer that undoes it. Weights, and what a layer needs inside itself, are not in
it.
"""

from itertools import islice
from typing import NamedTuple

from cnncalc.graph import Graph
from cnncalc.infer import Facts
from cnncalc.layers.base import Ids, count

MAX_NAMED = 50
"""How many tensors a working set names."""


class Tensor(NamedTuple):
    """Something in memory: its name, its elements, and whether they are indices."""

    name: str
    elements: int
    indices: bool = False


class WorkingSet(NamedTuple):
    """What is alive while one layer runs: elements of values and of indices, and the tensors that
    hold them, the first MAX_NAMED by name."""

    node: str
    elements: int = 0
    indices: int = 0
    named: tuple[Tensor, ...] = ()
    tensors: int = 0

    @property
    def alive(self) -> str:
        """The names of the tensors."""
        more = self.tensors - len(self.named)
        return ", ".join([t.name for t in self.named] + ([f"… {more:,} more"] if more else []))


class _Memory:
    """Tensors by name, each with the last moment at which it is needed."""

    def __init__(self) -> None:
        self.held: dict[str, Tensor] = {}
        self.until: dict[str, int] = {}
        self._ends: dict[int, list[str]] = {}
        self._sizes = [0, 0]

    def hold(self, tensor: Tensor, until: int) -> None:
        self.held[tensor.name] = tensor
        self._sizes[tensor.indices] += tensor.elements
        self.until[tensor.name] = -1
        self.need(tensor.name, max(until, 0))

    def need(self, name: str, until: int) -> None:
        if until > self.until[name]:
            self.until[name] = until
            self._ends.setdefault(until, []).append(name)

    def free(self, now: int) -> None:
        for name in self._ends.pop(now, ()):
            if self.until[name] == now:
                tensor = self.held.pop(name)
                self._sizes[tensor.indices] -= tensor.elements

    def working_set(self, node: str) -> WorkingSet:
        named = tuple(islice(self.held.values(), MAX_NAMED))
        return WorkingSet(node, self._sizes[0], self._sizes[1], named, len(self.held))


def working_sets(graph: Graph, facts: list[Facts]) -> list[WorkingSet]:
    """The working set of every node that inference runs, in the order in which they run."""
    training_only = graph.only_auxiliary()
    facts = [fact for fact in facts if fact.node.name not in training_only]
    last_read = _last_reads(graph, facts)
    undone = {f.node.indices_of: now for now, f in enumerate(facts) if f.node.indices_of}
    owner = {name: name for name in graph.inputs}
    memory, sets = _Memory(), []
    for name, shape in graph.inputs.items():
        tensor = Tensor(name, count(shape), isinstance(shape, Ids))
        memory.hold(tensor, last_read.get(name, -1))
    for now, fact in enumerate(facts):
        node, values = fact.node, fact.node.layer.values
        made = owner[node.inputs[0]]
        shares = values == "view" or (
            values == "in_place" and (node.layer.identity or memory.until[made] <= now)
        )
        if not shares:
            made = node.name
            memory.hold(Tensor(made, fact.activations), now)
        if node.name in undone:
            memory.hold(Tensor(f"{node.name} indices", fact.activations, True), undone[node.name])
        owner[node.name] = made
        memory.need(made, last_read.get(node.name, now))
        sets.append(memory.working_set(node.name))
        memory.free(now)
    return sets


def _last_reads(graph: Graph, facts: list[Facts]) -> dict[str, int]:
    """When each output is read for the last time; results are read after the last layer."""
    reads = {name: now for now, fact in enumerate(facts) for name in fact.node.inputs}
    return reads | dict.fromkeys(graph.outputs, len(facts))
