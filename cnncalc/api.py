"""What users call: from a spec to its report."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any

from cnncalc.analysis.strides import network_warnings
from cnncalc.errors import UsageError, shown, suggestion
from cnncalc.graph import Graph
from cnncalc.infer import Facts, infer
from cnncalc.layers.base import Shape, count
from cnncalc.layers.fields import MAX_INT, is_whole
from cnncalc.report import Report
from cnncalc.spec.load import load

if TYPE_CHECKING:
    from cnncalc.analysis.memory import WorkingSet
    from cnncalc.analysis.receptive_field import Axis, Trace
    from cnncalc.analysis.tally import Tally

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
    /,
    *,
    batch: int = 1,
    dtype: str = "float32",
    input: Shape | None = None,
    count_as: str | None = None,
    params_as: str | None = None,
    **variables: Any,
) -> Report:
    """The report of a spec: a path, a bundled name, a mapping or a graph.

    `variables` set variables of the spec (a graph has none any more). `batch` multiplies
    activations, MACs, FLOPs and elementwise operations, never parameters; `dtype` gives the size
    of a value in bytes; `input` replaces the input's shape (channels first). `count_as` names the
    tool that the column `count` follows; `params_as="keras"` counts the moving statistics of
    batch_norm as parameters, as Keras' summary() does. Raises CnncalcError.
    """
    if not is_whole(batch, 1):
        raise UsageError(f"batch must be a whole number from 1 to {MAX_INT:,}, not {batch}")
    if dtype not in DTYPE_BITS:
        hint = suggestion(dtype, DTYPE_BITS) or f"; there are {', '.join(DTYPE_BITS)}"
        raise UsageError(f"no such dtype: {dtype}{hint}")
    graph = spec if isinstance(spec, Graph) else load(spec, **variables)
    if input is not None:
        graph = graph.with_input(input)
    facts = infer(graph)
    compute = _columns(graph, facts, batch, dtype, _params(params_as))
    remarks: dict[str, Sequence[str]] = {}
    if params_as is not None:
        remarks["params"] = ["params: as Keras' summary(), with batch_norm's moving statistics."]
    if count_as is not None:
        from cnncalc.analysis.conventions import convention

        counted = convention(count_as)
        compute["count"] = lambda: [counted.count(f) * batch for f in facts]
        remarks["count"] = counted.remarks(_in_inference(graph, facts), batch)
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
        compute=compute,
        count_as=count_as,
        remarks=remarks,
        warnings=tuple(network_warnings(facts)),
    )


def reconcile(
    spec: str | os.PathLike[str] | Mapping[str, Any] | Graph,
    tools: Sequence[str] = (),
    **variables: Any,
) -> list[Tally]:
    """What each tool counts, as a sum of named parts; all tools where none is named.

    Raises CnncalcError.
    """
    from cnncalc.analysis.conventions import CONVENTIONS, tally

    graph = spec if isinstance(spec, Graph) else load(spec, **variables)
    facts = _in_inference(graph, infer(graph))
    return [tally(name, facts) for name in tools or CONVENTIONS]


def _in_inference(graph: Graph, facts: list[Facts]) -> list[Facts]:
    """The layers that inference runs."""
    resting = graph.only_auxiliary()
    return [fact for fact in facts if fact.node.name not in resting]


def _params(params_as: str | None) -> Callable[[Facts], int]:
    """What counts parameters."""
    if params_as is None:
        return lambda fact: fact.params
    if params_as != "keras":
        raise UsageError(f"no such way to count parameters: {shown(params_as)}; there is keras")
    from cnncalc.analysis.conventions import moving_statistics

    return lambda fact: fact.params + moving_statistics(fact)


def _columns(
    graph: Graph,
    facts: list[Facts],
    batch: int,
    dtype: str,
    params: Callable[[Facts], int],
) -> dict[str, Callable[[], Sequence[Any]]]:
    """What computes each column from the facts."""
    auxiliary = graph.only_auxiliary()

    def each(value: Callable[[Facts], Any]) -> Callable[[], Sequence[Any]]:
        return lambda: [value(fact) for fact in facts]

    def sizes(attribute: str) -> Callable[[], Sequence[Any]]:
        return each(lambda f: [getattr(w, attribute) for w in f.windows] or None)

    @cache
    def sets() -> list[WorkingSet]:
        from cnncalc.analysis.memory import WorkingSet, working_sets

        found = {s.node: s for s in working_sets(graph, facts)}
        # What only training runs needs nothing in inference.
        return [found.get(f.node.name, WorkingSet(f.node.name, {})) for f in facts]

    def size_in_bytes(values: int) -> int:
        return -(-values * DTYPE_BITS[dtype] // 8)

    @cache
    def traces() -> list[Trace]:
        # Imported for who asks: the usual table does not.
        from cnncalc.analysis.receptive_field import receptive_fields

        return receptive_fields(facts)

    def traced(value: Callable[[Axis], Any]) -> Callable[[], Sequence[Any]]:
        return lambda: [_sizes([value(axis) for axis in trace.axes]) for trace in traces()]

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
        "params": each(params),
        "params_share": each(params),
        "weights": each(lambda f: f.params - _biases(f)),
        "biases": each(_biases),
        "buffers": each(lambda f: f.buffers),
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
        "params_bytes": each(lambda f: size_in_bytes(params(f))),
        "activations_bytes": each(lambda f: size_in_bytes(f.new_activations * batch)),
        "receptive_field": traced(lambda a: a and (a if a == "all" else a.extent)),
        "effective_stride": traced(lambda a: a and (None if a == "all" else _exact(a.stride))),
        "effective_padding": traced(lambda a: a and (None if a == "all" else a.padding)),
        "misaligned": lambda: [", ".join(t.misaligned_axes) or None for t in traces()],
        "working_set": lambda: [size_in_bytes(s.elements * batch) for s in sets()],
        "alive": lambda: [", ".join(s.alive) for s in sets()],
        "part": lambda: [_part(f, auxiliary) for f in facts],
    }


def _sizes(sizes: list[Any]) -> list[Any] | None:
    """A number for each axis, or nothing where no axis has one."""
    return sizes if any(size is not None for size in sizes) else None


def _exact(number: Fraction) -> int | str:
    """A whole number, or the fraction as text: `1/2`."""
    return number.numerator if number.denominator == 1 else str(number)


def _biases(fact: Facts) -> int:
    return sum(prod(shape) for name, shape in fact.weights.items() if name.endswith("bias"))


def _backward_macs(facts: list[Facts], batch: int) -> list[int]:
    """A product has two gradients, each with as many MACs; that of the data is not needed."""
    needed: set[str] = set()
    found = []
    for fact in facts:
        layer, name = fact.node.layer, fact.node.name
        reaches_weights = not needed.isdisjoint(fact.node.inputs)
        if reaches_weights or layer.weights(*fact.inputs):
            needed.add(name)
        first = 0 if reaches_weights else layer.input_macs(*fact.inputs)
        found.append((2 * fact.macs - first) * batch)
    return found


def _part(fact: Facts, auxiliary: set[str]) -> str:
    """Dense where vectors go in and a vector comes out; auxiliary where only training uses it."""
    if fact.node.name in auxiliary:
        return "auxiliary"
    vectors = all(len(shape) == 1 for shape in (*fact.inputs, fact.output))
    return "dense" if vectors else "convolutional"


def _numbers(facts: list[Facts]) -> list[int | None]:
    """The textbook's number of each layer; none before the first that counts."""
    number, numbers = 0, []
    for fact in facts:
        number += fact.node.layer.numbered
        numbers.append(number or None)
    return numbers
