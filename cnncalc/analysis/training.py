"""The memory of training: parameters, gradients, the optimiser's state, and what autograd keeps.

A tensor that several gradients need is kept once, by the first layer that asks for it. Layers run
as torch's CPU kernels do, none of them in place. A layer that no trained layer precedes, and that
has no weights, has no gradient and keeps nothing.
"""

from collections.abc import Callable
from typing import NamedTuple

from cnncalc.errors import UsageError, hint
from cnncalc.graph import Graph
from cnncalc.infer import Facts
from cnncalc.layers.base import Shape, count

STEP_BYTES = 4
"""torch counts an optimiser's steps in a float32 for each tensor of parameters."""


class Optimizer(NamedTuple):
    """Values that it remembers for each parameter, and whether it counts steps for each tensor."""

    per_parameter: int
    counts_steps: bool


OPTIMIZERS = {
    "sgd": Optimizer(0, False),
    "momentum": Optimizer(1, False),
    "rmsprop": Optimizer(1, True),
    "adam": Optimizer(2, True),
    "adamw": Optimizer(2, True),
}
"""As torch.optim keeps them with its defaults."""


class Training(NamedTuple):
    """Bytes that one layer adds to the memory of training."""

    parameters: int
    gradients: int
    optimizer: int
    saved: int

    @property
    def total(self) -> int:
        return sum(self)


def training(
    graph: Graph,
    facts: list[Facts],
    batch: int,
    optimizer: str,
    bytes_of: Callable[[int], int],
) -> list[Training]:
    """What each layer adds, given what turns values into bytes. Raises UsageError."""
    if optimizer not in OPTIMIZERS:
        raise UsageError(f"no such optimizer: {optimizer}{hint(optimizer, OPTIMIZERS)}")
    per_parameter, counts_steps = OPTIMIZERS[optimizer]

    def added(fact: Facts, saved: int) -> Training:
        params = bytes_of(fact.params)
        steps = STEP_BYTES * len(fact.weights) if counts_steps else 0
        return Training(params, params, per_parameter * params + steps, saved)

    return list(map(added, facts, saved_for_backward(graph, facts, batch, bytes_of)))


class _Tensor(NamedTuple):
    """A tensor in memory: who made it, its elements, and which axis is the last."""

    owner: str
    elements: int
    channels_last: bool


def saved_for_backward(
    graph: Graph, facts: list[Facts], batch: int, bytes_of: Callable[[int], int]
) -> list[int]:
    """Bytes that each layer is the first to keep for backward, weights and buffers left out."""
    tensors = {name: _Tensor(name, count(shape), False) for name, shape in graph.inputs.items()}
    trained: set[str] = set()
    kept_already: set[str] = set()
    indices: set[str] = set()
    """The poolings whose indices are kept already."""
    found = []
    for fact in facts:
        name, layer = fact.node.name, fact.node.layer
        kept = layer.kept(*fact.inputs)
        reads = [tensors[read] for read in fact.node.inputs]
        tensors[name] = made = _made(fact, reads[0])
        reached = [read in trained for read in fact.node.inputs]
        if not any(reached) and not layer.weights(*fact.inputs):
            found.append(0)
            continue
        trained.add(name)
        needed = [made] if kept.output else []
        if fact.node.indices_of in indices:
            kept = kept._replace(extras=())
        indices.add(fact.node.indices_of or name)
        extras = [
            (e.elements * (batch if e.per_sample else 1), e.bytes)
            for e in kept.extras
            if not e.needed_by or any(reached[i] for i in e.needed_by)
        ]
        asking = dict(kept.of)
        for i, (shape, read) in enumerate(zip(fact.inputs, reads, strict=True)):
            # A factor is kept for the gradients of the others.
            others = [j for j in range(len(reads)) if j != i]
            places = asking.get(i, others if kept.inputs else None)
            if places is None or (places and not any(reached[j] for j in places)):
                continue
            if kept.channels_last and _ordered(shape) and not read.channels_last:
                extras.append((count(shape) * batch, 0))
            else:
                needed.append(read)
        new = {tensor.owner: tensor for tensor in needed if tensor.owner not in kept_already}
        kept_already |= new.keys()
        bytes = sum(bytes_of(tensor.elements * batch) for tensor in new.values())
        bytes += sum(elements * each if each else bytes_of(elements) for elements, each in extras)
        found.append(bytes)
    return found


def _made(fact: Facts, read: _Tensor) -> _Tensor:
    """The tensor that a layer's output is in: its own, or for a view its input's."""
    layer = fact.node.layer
    follows = layer.memory_order == "as_input"
    channels_last = read.channels_last if follows else layer.memory_order == "channels_last"
    copied = read.channels_last and not follows and _ordered(fact.inputs[0])
    passes = layer.identity and layer.kept(*fact.inputs).extras == ()
    if (layer.values == "view" and not copied) or passes:
        return read._replace(channels_last=channels_last)
    return _Tensor(fact.node.name, fact.activations, channels_last)


def _ordered(shape: Shape) -> bool:
    """Whether the order of the axes in memory makes a difference."""
    return shape[0] > 1 and count(shape[1:]) > 1
