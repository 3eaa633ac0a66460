"""The memory of training: parameters, gradients, the optimiser's state, and what autograd keeps.

A tensor that several gradients need is kept once, by the first layer that asks for it. Layers run
as torch's CPU kernels do, none of them in place. A layer that no trained layer precedes, and that
has no weights, has no gradient and keeps nothing.
"""

from collections.abc import Callable, Sequence
from itertools import compress
from math import prod
from typing import NamedTuple

from cnncalc.errors import UsageError, hint
from cnncalc.graph import Graph
from cnncalc.infer import Facts
from cnncalc.layers.base import Ids, Shape
from cnncalc.layers.kept import INDEX_BYTES, Order, Strides
from cnncalc.layers.layout import contiguous, in_rows, laid_out, same, viewed

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
        trained = bytes_of(fact.trained)
        steps = STEP_BYTES * len(fact.weights) if counts_steps and fact.trained else 0
        return Training(bytes_of(fact.params), trained, per_parameter * trained + steps, saved)

    return list(map(added, facts, saved_for_backward(graph, facts, batch, bytes_of)))


class _Tensor(NamedTuple):
    """A tensor with its batch: in whose memory it lies, how large that is, and how it lies."""

    owner: str
    elements: int
    shape: Shape
    strides: Strides
    bytes: int = 0
    """Of one element; 0 where it has the network's dtype."""


def saved_for_backward(
    graph: Graph, facts: list[Facts], batch: int, bytes_of: Callable[[int], int]
) -> list[int]:
    """Bytes that each layer is the first to keep for backward, weights and buffers left out."""
    tensors = tensors_of(graph, facts, batch)
    trained: set[str] = set()
    kept_already: set[str] = set()
    indices: set[str] = set()
    """The poolings whose indices are kept already."""
    found = []
    for fact in facts:
        name, layer = fact.node.name, fact.node.layer
        reads = [tensors[read] for read in fact.node.inputs]
        reached = [read in trained for read in fact.node.inputs]
        trains = bool(layer.weights(*fact.inputs)) and fact.node.trainable
        if not any(reached) and not trains:
            found.append(0)
            continue
        trained.add(name)
        kept = layer.kept_for(reached, trains, *fact.inputs)
        needed = [tensors[name]] if kept.output else []
        if fact.node.indices_of in indices:
            kept = kept._replace(extras=())
        indices.add(fact.node.indices_of or name)
        extras = [(e.elements * (batch if e.per_sample else 1), e.bytes) for e in kept.extras]
        which = kept.inputs if isinstance(kept.inputs, tuple) else (kept.inputs,) * len(reads)
        for read in compress(reads, which):
            lies = (
                in_rows(read.shape, read.strides)
                if kept.in_rows
                else kept.order == "as_input" or _lies(read, kept.order, kept.strictly)
            )
            if lies:
                needed.append(read)
            else:
                extras.append((kept.copies * prod(read.shape), 0))
        new = {tensor.owner: tensor for tensor in needed if tensor.owner not in kept_already}
        kept_already |= new.keys()
        extras += [(tensor.elements, tensor.bytes) for tensor in new.values()]
        bytes = sum(elements * each if each else bytes_of(elements) for elements, each in extras)
        found.append(bytes)
    return found


def tensors_of(graph: Graph, facts: Sequence[Facts], batch: int) -> dict[str, _Tensor]:
    """Every value of a batch: inputs and what layers give."""

    def new(name: str, shape: Shape, strides: Strides | None = None) -> _Tensor:
        return _Tensor(name, prod(shape), shape, strides or contiguous(shape))

    found = {name: new(name, (batch, *shape)) for name, shape in graph.inputs.items()}
    for name, shape in graph.inputs.items():
        if isinstance(shape, Ids):
            found[name] = found[name]._replace(bytes=INDEX_BYTES)
    for fact in facts:
        name, layer, shape = fact.node.name, fact.node.layer, (batch, *fact.output)
        reads = [found[read] for read in fact.node.inputs]
        read = reads[0]
        view = layer.view(read.shape, read.strides, *fact.inputs)
        if view is None:
            order = layer.order(*fact.inputs)
            given = [laid_out(order, shape, read.shape, read.strides) for read in reads]
            # Where kernels know the order, inputs in different ones give the plain one.
            mixed = order == "by_kernel" and any(one != given[0] for one in given)
            made = new(name, shape, None if mixed else given[0])
            found[name] = made._replace(elements=batch * layer.stored(*fact.inputs))
        else:
            found[name] = read._replace(shape=shape, strides=view)
    return found


def _lies(tensor: _Tensor, order: Order, strictly: bool) -> bool:
    """Whether a tensor can be read in that order without a copy; a vector always can."""
    shape, strides = tensor.shape, tensor.strides
    # A single sample's tokens are taken as they lie.
    if len(shape) == 2 or (order == "tokens_first" and shape[0] == 1):
        return True
    if order == "channels_last" and not strictly:
        # As the rows of a matrix, which may have gaps between them.
        rows = (shape[0], *shape[2:], shape[1])
        steps = (strides[0], *strides[2:], strides[1])
        return viewed(rows, steps, (prod(rows[:-1]), rows[-1])) is not None
    wanted = laid_out(order, shape, shape, strides)
    return same(shape, strides, wanted) and not (strictly and strides[1] != 1)
