"""What users call: from a spec to its report."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from cnncalc.analysis.strides import network_warnings
from cnncalc.errors import UsageError, suggestion
from cnncalc.graph import Graph
from cnncalc.infer import Facts, infer
from cnncalc.layers.base import Shape, count
from cnncalc.layers.fields import MAX_INT, is_whole
from cnncalc.report import Report
from cnncalc.spec.load import load

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


def analyze(
    spec: str | os.PathLike[str] | Mapping[str, Any] | Graph,
    *,
    batch: int = 1,
    dtype: str = "float32",
    input: Shape | None = None,
) -> Report:
    """The report of a spec: a path, a bundled name, a mapping or a graph.

    `batch` multiplies activations, MACs, FLOPs and elementwise operations, never parameters;
    `dtype` gives the size of a value in bytes; `input` replaces the input's shape (channels
    first). Raises CnncalcError.
    """
    if not is_whole(batch, 1):
        raise UsageError(f"batch must be a whole number from 1 to {MAX_INT:,}, not {batch}")
    if dtype not in DTYPE_BITS:
        hint = suggestion(dtype, DTYPE_BITS) or f"; there are {', '.join(DTYPE_BITS)}"
        raise UsageError(f"no such dtype: {dtype}{hint}")
    graph = spec if isinstance(spec, Graph) else load(spec)
    if input is not None:
        graph = graph.with_input(input)
    facts = infer(graph)
    return Report(
        name=graph.name,
        description=graph.description,
        source=graph.source,
        batch=batch,
        dtype=dtype,
        inputs=tuple(
            {"name": name, "shape": list(shape), "activations": count(shape) * batch}
            for name, shape in graph.inputs.items()
        ),
        compute=_columns(facts, batch, dtype),
        warnings=tuple(network_warnings(facts)),
    )


def _columns(facts: list[Facts], batch: int, dtype: str) -> dict[str, Callable[[], Sequence[Any]]]:
    """What computes each column from the facts."""

    def each(value: Callable[[Facts], Any]) -> Callable[[], Sequence[Any]]:
        return lambda: [value(fact) for fact in facts]

    def sizes(attribute: str) -> Callable[[], Sequence[Any]]:
        return each(lambda f: [getattr(w, attribute) for w in f.windows] or None)

    def size_in_bytes(values: int) -> int:
        return -(-values * DTYPE_BITS[dtype] // 8)

    return {
        "name": each(lambda f: f.node.name),
        "number": lambda: _numbers(facts),
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
        "params": each(lambda f: f.params),
        "params_share": each(lambda f: f.params),
        "weights": each(lambda f: f.params - _biases(f)),
        "biases": each(_biases),
        "buffers": each(lambda f: f.buffers),
        "macs": each(lambda f: f.macs * batch),
        "macs_share": each(lambda f: f.macs * batch),
        "flops": each(lambda f: 2 * f.macs * batch),
        "elementwise": each(lambda f: sum(f.elementwise.values()) * batch),
        "elementwise_by_kind": each(
            lambda f: {kind: n * batch for kind, n in f.elementwise.items() if n}
        ),
        "connections": each(lambda f: f.connections),
        "params_bytes": each(lambda f: size_in_bytes(f.params)),
        "activations_bytes": each(lambda f: size_in_bytes(f.new_activations * batch)),
        "part": each(lambda f: "dense" if _is_dense(f) else "convolutional"),
    }


def _biases(fact: Facts) -> int:
    return prod(fact.weights["bias"]) if "bias" in fact.weights else 0


def _is_dense(fact: Facts) -> bool:
    """Whether vectors go in and a vector comes out."""
    return all(len(shape) == 1 for shape in (*fact.inputs, fact.output))


def _numbers(facts: list[Facts]) -> list[int | None]:
    """The textbook's number of each layer; none before the first that counts."""
    number, numbers = 0, []
    for fact in facts:
        number += fact.node.layer.numbered
        numbers.append(number or None)
    return numbers
