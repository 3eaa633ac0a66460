"""What computes each column of a report from the facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from math import prod
from typing import TYPE_CHECKING, Any

from cnncalc.analysis.layer_numbers import layer_numbers
from cnncalc.dims import ceil_div, minimum
from cnncalc.errors import UsageError, hint
from cnncalc.graph import Graph
from cnncalc.infer import Facts
from cnncalc.layers.base import count
from cnncalc.layers.kept import INDEX_BYTES
from cnncalc.report import exact, ratio

if TYPE_CHECKING:
    from cnncalc.analysis.memory import WorkingSet
    from cnncalc.analysis.receptive_field import Axis, Trace
    from cnncalc.analysis.training import Training

DTYPE_BITS = {
    "float64": 64,
    "float32": 32,
    "float16": 16,
    "bfloat16": 16,
    "float8": 8,
    "int64": 64,
    "int32": 32,
    "int16": 16,
    "int8": 8,
    "uint8": 8,
    "int4": 4,
}
"""Bits of one value of each type."""


def bits_of(dtype: str) -> int:
    """Bits of one value. Raises UsageError for a dtype that there is not."""
    if dtype not in DTYPE_BITS:
        raise UsageError(f"no such dtype: {dtype}{hint(dtype, DTYPE_BITS)}")
    return DTYPE_BITS[dtype]


def size_in_bytes(values: int, dtype: str) -> int:
    """Bytes of so many values, the last one whole."""
    return ceil_div(values * bits_of(dtype), 8)


def columns(
    graph: Graph,
    facts: list[Facts],
    batch: int,
    dtype: str,
    kept: Callable[[Facts], int] | None,
    optimizer: str,
) -> dict[str, Callable[[], Sequence[Any]]]:
    """What computes each column from the facts.

    `kept` counts what is no trained weight and a parameter all the same; no buffers are left then.
    """
    auxiliary = graph.only_auxiliary()
    bytes_of = partial(size_in_bytes, dtype=dtype)

    def each(value: Callable[[Facts], Any]) -> Callable[[], Sequence[Any]]:
        return lambda: [value(fact) for fact in facts]

    def params(fact: Facts) -> int:
        return fact.params - second(fact) + (kept(fact) if kept else 0)

    def trainable(fact: Facts) -> int:
        return fact.trained - (second(fact) if fact.trained else 0)

    def second(fact: Facts) -> int:
        return second_biases(fact) if kept else 0

    def sizes(attribute: str) -> Callable[[], Sequence[Any]]:
        return each(lambda f: [getattr(w, attribute) for w in f.windows] or None)

    @cache
    def sets() -> list[WorkingSet]:
        from cnncalc.analysis.memory import WorkingSet, working_sets

        found = {s.node: s for s in working_sets(graph, facts)}
        # What only training runs needs nothing in inference.
        return [found.get(f.node.name, WorkingSet(f.node.name)) for f in facts]

    @cache
    def trained() -> list[Training]:
        from cnncalc.analysis.training import training

        return training(graph, facts, batch, optimizer, bytes_of)

    def moved(fact: Facts) -> int:
        return bytes_of(_values_moved(fact, batch)) + INDEX_BYTES * _ids_moved(fact, batch)

    @cache
    def traces() -> list[Trace]:
        # Imported for who asks: the usual table does not.
        from cnncalc.analysis.receptive_field import receptive_fields

        return receptive_fields(facts)

    def traced(value: Callable[[Axis], Any]) -> Callable[[], Sequence[Any]]:
        return lambda: [_sizes([value(axis) for axis in trace.axes]) for trace in traces()]

    return {
        "name": each(lambda f: f.node.name),
        "number": lambda: layer_numbers(facts),
        "type": each(lambda f: f.node.layer.type),
        "layer": each(lambda f: f.node.layer.describe(*f.inputs)),
        "from": each(lambda f: list(f.node.inputs)),
        "fused_into": each(lambda f: f.node.fused_into),
        "input": each(lambda f: list(f.inputs[0])),
        "input_shapes": each(lambda f: list(map(list, f.inputs))),
        "output": each(lambda f: list(f.output)),
        "kernel_size": sizes("kernel_size"),
        "stride": sizes("stride"),
        "padding": each(lambda f: [[w.before, w.after] for w in f.windows] or None),
        "dilation": sizes("dilation"),
        "groups": each(lambda f: f.node.layer.wiring_groups(*f.inputs)),
        "activations": each(lambda f: f.activations * batch),
        "new_activations": each(lambda f: f.new_activations * batch),
        "params": each(params),
        "params_share": each(params),
        "weights": each(lambda f: f.params - _biases(f)),
        "biases": each(lambda f: _biases(f) - second(f)),
        "trainable": each(trainable),
        "non_trainable": each(lambda f: params(f) - trainable(f)),
        "buffers": each((lambda f: 0) if kept else (lambda f: f.buffers)),
        "macs": each(lambda f: f.macs * batch),
        "macs_share": each(lambda f: f.macs * batch),
        "flops": each(lambda f: 2 * f.macs * batch),
        "count": each(lambda f: 2 * f.macs * batch),
        "backward_macs": lambda: _backward_macs(facts, batch),
        "elementwise": each(lambda f: sum(f.elementwise.values()) * batch),
        "elementwise_by_kind": each(
            lambda f: {kind: n * batch for kind, n in f.elementwise.items() if n}
        ),
        "connections": each(lambda f: f.connections),
        "params_bytes": each(lambda f: bytes_of(params(f))),
        "activations_bytes": each(lambda f: bytes_of(f.new_activations * batch)),
        "receptive_field": traced(lambda a: a and (a if a == "all" else a.extent)),
        "effective_stride": traced(lambda a: a and (None if a == "all" else exact(a.stride))),
        "effective_padding": traced(lambda a: a and (None if a == "all" else a.padding)),
        "misaligned": lambda: [", ".join(t.misaligned_axes) or None for t in traces()],
        "peak_memory": lambda: [
            bytes_of(s.elements * batch) + INDEX_BYTES * s.indices * batch for s in sets()
        ],
        "alive": lambda: [s.alive for s in sets()],
        "saved_bytes": lambda: [t.saved for t in trained()],
        "optimizer_bytes": lambda: [t.optimizer for t in trained()],
        "gradient_bytes": lambda: [t.gradients for t in trained()],
        "training_bytes": lambda: [t.total for t in trained()],
        "bytes_moved": each(moved),
        "intensity": each(lambda f: ratio(2 * f.macs * batch, moved(f))),
        "part": lambda: [_part(f, auxiliary) for f in facts],
    }


def second_biases(fact: Facts) -> int:
    """Those of its biases that Keras has not."""
    return 0 if fact.node.weights_of else fact.node.layer.second_biases(*fact.inputs)


def _values_moved(fact: Facts, batch: int) -> int:
    """Inputs, output and weights, each once; what inference does not touch moves nothing."""
    layer = fact.node.layer
    if layer.values == "view" or layer.identity:
        return 0
    weights = sum(map(count, layer.weights(*fact.inputs).values()))
    if layer.vocabulary:
        # A row for each id, each row of the table once.
        return fact.activations * batch + minimum(fact.activations * batch, weights)
    return (sum(map(count, fact.inputs)) + fact.activations) * batch + weights


def _ids_moved(fact: Facts, batch: int) -> int:
    """Whole numbers that it reads."""
    return sum(map(count, fact.inputs)) * batch if fact.node.layer.vocabulary else 0


def _sizes(sizes: list[Any]) -> list[Any] | None:
    """A number for each axis, or nothing where no axis has one."""
    return sizes if any(size is not None for size in sizes) else None


def _biases(fact: Facts) -> int:
    # Torch calls those of recurrent layers bias_ih_l0 and bias_hh_l0.
    ends = ((name.rpartition(".")[2], shape) for name, shape in fact.weights.items())
    return sum(prod(shape) for n, shape in ends if n.endswith("bias") or n.startswith("bias_"))


def _backward_macs(facts: list[Facts], batch: int) -> list[int]:
    """MACs of each layer's gradients; that of the data is not needed."""
    needed: set[str] = set()
    found = []
    for fact in facts:
        layer, name = fact.node.layer, fact.node.name
        reached = [read in needed for read in fact.node.inputs]
        trains = bool(layer.weights(*fact.inputs)) and fact.node.trainable
        if any(reached) or trains:
            needed.add(name)
            found.append(layer.backward_macs(reached, trains, *fact.inputs) * batch)
        else:
            found.append(0)
    return found


def _part(fact: Facts, auxiliary: set[str]) -> str:
    """Dense where vectors go in and a vector comes out; auxiliary where only training uses it."""
    if fact.node.name in auxiliary:
        return "auxiliary"
    vectors = all(len(shape) == 1 for shape in (*fact.inputs, fact.output))
    return "dense" if vectors else "convolutional"
