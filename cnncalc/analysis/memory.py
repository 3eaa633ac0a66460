"""The memory that inference needs at once: which tensors are alive while each layer runs.

Layers run in the graph's order. A tensor lives from the layer that makes it to the last that reads
it; the network's results live to the end, its inputs from the start. Views are the tensor they
show. An elementwise layer overwrites its input where nothing reads that later, and has a tensor of
its own where something does; dropout does nothing in inference. Weights, and what a layer needs
inside itself, are not in it.
"""

from collections.abc import Callable
from typing import NamedTuple

from cnncalc.graph import Graph
from cnncalc.infer import Facts
from cnncalc.layers.base import Ids, count
from cnncalc.layers.kept import INDEX_BYTES


class WorkingSet(NamedTuple):
    """What is alive while one layer runs: elements of every tensor, by the node that made it."""

    node: str
    alive: dict[str, int]
    ids: frozenset[str] = frozenset()
    """Those of them that hold whole numbers."""

    def bytes(self, batch: int, bytes_of: Callable[[int], int]) -> int:
        """Those of a batch; ids are int64, whatever the dtype of the values."""
        ids = sum(size for name, size in self.alive.items() if name in self.ids)
        values = sum(self.alive.values()) - ids
        return bytes_of(values * batch) + INDEX_BYTES * ids * batch


def working_sets(graph: Graph, facts: list[Facts]) -> list[WorkingSet]:
    """The working set of every node that inference runs, in the order in which they run."""
    training_only = graph.only_auxiliary()
    facts = [fact for fact in facts if fact.node.name not in training_only]
    last_read = _last_reads(graph, facts)
    owner = {name: name for name in graph.inputs}
    size = {name: count(shape) for name, shape in graph.inputs.items()}
    ids = frozenset(name for name, shape in graph.inputs.items() if isinstance(shape, Ids))
    # Until when each tensor is read, under any of its names.
    until = {name: last_read.get(name, -1) for name in graph.inputs}
    alive = list(graph.inputs)
    sets = []
    for now, fact in enumerate(facts):
        node, values = fact.node, fact.node.layer.values
        made = owner[node.inputs[0]]
        shares = values == "view" or (
            values == "in_place" and (node.layer.identity or until[made] <= now)
        )
        if not shares:
            made = node.name
            size[made] = fact.activations
            until[made] = now
            alive.append(made)
        owner[node.name] = made
        until[made] = max(until[made], last_read.get(node.name, now))
        sets.append(WorkingSet(node.name, {name: size[name] for name in alive}, ids))
        alive = [name for name in alive if until[name] > now]
    return sets


def _last_reads(graph: Graph, facts: list[Facts]) -> dict[str, int]:
    """When each output is read for the last time; results are read after the last layer."""
    reads = {name: now for now, fact in enumerate(facts) for name in fact.node.inputs}
    return reads | dict.fromkeys(graph.outputs, len(facts))
