"""What each layer's output depends on, as torch's own layers show it where one value moves.

Weights are positive, activations and normalisations pass their input on, products are sums,
padding is zeros: nothing saturates, cancels or hides another value. Each layer is given nothing but
zeros, then again with some ones; what differs depends on them. Only which values differ goes on to
the next layer, so nothing fades on the way. It is what gradients of such a twin would show, but a
maximum counts each of its taps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from cnncalc.graph import Graph
from cnncalc.infer import Facts
from cnncalc.layers.base import Ids, Layer, count
from cnncalc.witness.network import Network, function

MOST_OPERATIONS = 3 * 10**9
"""What each of both may take of a network: MACs, and 16 for each value that goes in or out."""
MOST_VALUES = 2 * 10**7
"""The values of one layer that may be alive."""
NOTHING = 1e-6
COUNTED = ("convolution", "pooling", "dense")
"""Families whose connections are pairs of values; those of an attention are of its projections."""

Ends = tuple[tuple[int, int] | None, ...]
"""For each output position along an axis the first and last input position that it reads."""


@dataclass
class Reach:
    """By layer, as far as it was looked at."""

    reads: dict[str, tuple[Ends, ...]] = field(default_factory=dict)
    """Positions of the first network input that the layer reads."""
    connections: dict[str, int] = field(default_factory=dict)


class _Zeros:
    """torch.nn.functional, whose padding is zeros where it is a mirror image or a far end."""

    def __getattr__(self, name: str) -> Any:
        return getattr(nn.functional, name)

    @staticmethod
    def pad(x: Tensor, amounts: Sequence[int], mode: str = "", value: float = 0.0) -> Tensor:
        return nn.functional.pad(x, tuple(amounts), value=value)


_ZEROS = _Zeros()


def reach_of(graph: Graph, facts: Sequence[Facts]) -> Reach:
    """What the layers of a network read. The user's random numbers stay as they are."""
    found = Reach()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.default_generator.manual_seed(0)
        twin = Network(graph, facts).eval()
        for tensor in twin.parameters():
            tensor.uniform_(0.5, 1.5)
        for buffer in twin.buffers():
            # Whole numbers are places in a table.
            if buffer.is_floating_point():
                buffer.fill_(1)
        for module in twin.modules():
            if isinstance(module, nn.MultiheadAttention):
                # So that it looks at every token.
                module.in_proj_weight.div_(module.embed_dim)
        for name, shape in graph.inputs.items():
            found.reads |= dict(_reads(twin, graph, facts, name, len(shape) - 1))
        found.connections = dict(_connections(twin, facts))
    return found


def _changes(layer: Layer, call: str, module: nn.Module, values: Sequence[Tensor]) -> Any:
    """A layer's output for changes of its inputs, as said above; of a pooling also indices."""
    if layer.values == "in_place" or layer.family == "normalisation":
        return values[0]
    if layer.joins and layer.commutes:
        return sum(values[1:], values[0])
    run = function(call, len(values), _ZEROS)
    smallest = getattr(layer, "reduces", "") == "min"
    return -run(module, *(-value for value in values)) if smallest else run(module, *values)


def _differing(output: Tensor) -> Tensor:
    """Which values differ from those of the first row, where all inputs are zeros.

    By more than interpolation is off where it hits a position: weights of 10⁻⁷ are zeros there.
    """
    return (output[1:] - output[:1]).abs() > NOTHING


def _reads(
    twin: Network, graph: Graph, facts: Sequence[Facts], source: str, axes: int
) -> Iterator[tuple[str, tuple[Ends, ...]]]:
    """The positions of one network input that the layers read, for which it is the first."""
    shape = graph.inputs[source]
    if not axes:
        return
    rows = 1 + sum(shape[1:])
    work = sum(map(_work, facts))
    most = max(count(fact.output) for fact in facts)
    if rows * work > MOST_OPERATIONS or rows * most > MOST_VALUES:
        return
    # A row of zeros, then a row for each position along each axis, at which all is 1.
    slabs = torch.zeros(rows, *shape)
    row = 1
    for axis, size in enumerate(shape[1:], 1):
        for position in range(size):
            slabs[row].select(axis, position).fill_(1)
            row += 1
    values = {
        name: torch.zeros(rows, *others, dtype=torch.int64 if isinstance(others, Ids) else None)
        for name, others in graph.inputs.items()
    }
    values[source] = slabs
    first = {name: name for name in graph.inputs}
    blurred: set[str] = set()
    """Where values go depends on the values: what an unpooling puts back."""
    for fact, (name, call, module, reads, gives, _) in zip(facts, twin.steps, strict=True):
        layer, node = fact.node.layer, fact.node
        output = _changes(layer, call, twin.get_submodule(module), [values[r] for r in reads])
        if len(gives) > 1:
            output, values[gives[1]] = output
        # Positions are followed, not channels: those of a position read all that any of them does.
        differs = _differing(output).any(1, keepdim=True).expand(-1, *output.shape[1:])
        moved = differs * (1 + torch.rand(differs.shape))
        values[name] = torch.cat((torch.zeros_like(moved[:1]), moved))
        first[name] = first[node.inputs[0]]
        if layer.needs_indices or blurred & set(node.inputs):
            blurred.add(name)
        elif first[name] == source:
            yield name, tuple(_ends(differs, shape[1:], axis) for axis in range(axes))


def _ends(differs: Tensor, sizes: Sequence[int], axis: int) -> Ends:
    """Along one axis, what each output position reads; a vector has one position."""
    start = sum(sizes[:axis])
    slabs = differs[start : start + sizes[axis]]
    along = slabs.movedim(axis + 2, 1) if slabs.dim() == len(sizes) + 2 else slabs[:, None]
    seen = along.flatten(2).any(2).T
    return tuple(
        (int(row.nonzero()[0]), int(row.nonzero()[-1])) if row.any() else None for row in seen
    )


def _connections(twin: Network, facts: Sequence[Facts]) -> Iterator[tuple[str, int]]:
    """Pairs of an input and an output value of a layer, and its biases, counted one by one."""
    left = MOST_OPERATIONS
    known: dict[Any, int] = {}
    for fact, (name, call, module, *_) in zip(facts, twin.steps, strict=True):
        layer, inputs = fact.node.layer, count(fact.inputs[0])
        if layer.family not in COUNTED:
            continue
        alike = (id(layer), fact.inputs)
        if alike not in known:
            work = inputs * _work(fact)
            if work > left or count(fact.output) > MOST_VALUES:
                continue
            left -= work
            known[alike] = _pairs(layer, call, twin.get_submodule(module), fact)
        yield name, known[alike]


def _work(fact: Facts) -> int:
    return fact.macs + 16 * (count(fact.inputs[0]) + count(fact.output))


def _pairs(layer: Layer, call: str, module: nn.Module, fact: Facts) -> int:
    inputs, outputs = count(fact.inputs[0]), count(fact.output)
    rows = max(1, MOST_VALUES // (8 * max(inputs, outputs)))
    pairs = 0
    for start in range(0, inputs, rows):
        ones = torch.zeros(min(rows, inputs - start) + 1, inputs)
        ones[1:].diagonal(start).fill_(1)
        output = _changes(layer, call, module, [ones.view(-1, *fact.inputs[0])])
        # Of two that a pooling gives, the second are indices.
        output = output[0] if isinstance(output, tuple) else output
        pairs += int(_differing(output).sum())
    bias = getattr(module, "bias", None)
    return pairs if bias is None else pairs + outputs
