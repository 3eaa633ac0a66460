"""Whether torch agrees with a report: shapes, tensors and MACs without memory, then a real step."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import prod
from types import ModuleType
from typing import TYPE_CHECKING

from cnncalc.errors import require
from cnncalc.findings.verification import AS_ASKED, Aspect, Difference, Step, Verification
from cnncalc.graph import Graph
from cnncalc.infer import Facts
from cnncalc.layers.base import Shape
from cnncalc.report import Report
from cnncalc.witness.free_memory import free_bytes

if TYPE_CHECKING:
    from cnncalc.witness.measure import Gradients, Shapes

WORKSPACE = 6
"""By how much a real inference can exceed the peak memory; tests/test_torch_memory.py measures."""


def verify_graph(
    graph: Graph,
    facts: Sequence[Facts],
    report: Report,
    of_batch: Report,
    *,
    device: str | None,
    max_memory: int | None,
    max_params: int | None,
    spec_inputs: Mapping[str, Shape],
) -> Verification:
    """What torch finds, given the reports of one input and of the batch.

    Without a device nothing is run for real. Raises UsageError.
    """
    measure = torch_witness()
    from cnncalc.witness.reading import compare

    start = time.perf_counter()
    if device:
        from cnncalc.witness.device import find_device

        device = find_device(device).type
    names = [fact.node.name for fact in facts]
    looked: dict[Aspect, set[str]] = {}
    shapes: Shapes = measure.shapes_of(graph, facts, of_batch.batch)
    unmade = shapes.stopped is not None and not shapes.stopped.layer
    looked["params"] = set() if unmade else set(names)
    looked["output"] = looked["macs"] = set(shapes.outputs)
    differences = [*_of_shapes(facts, report, shapes, of_batch.batch)]

    if not shapes.stopped:
        differences += compare(graph.inputs, facts, report, measure.reach_of(graph, facts), looked)

    step, skipped = None, "" if device else AS_ASKED
    predicted = tuple(of_batch.column("saved_bytes"))
    params = report.total("params")
    training_bytes = 2 * 4 * params + sum(predicted)
    if device and not shapes.stopped:
        needed = training_bytes + WORKSPACE * of_batch.total("peak_memory")
        skipped = _too_large(params, max_params, needed, max_memory, device)
        if not skipped:
            found: Gradients = measure.train_step(graph, facts, of_batch.batch, device)
            saved = tuple(map(found.saved.get, names))
            step = Step(device, saved, exact=device == "cpu", peak=found.peak)
            looked["saved"] = set(found.saved) if step.exact else set()
            trained = [fact for fact in facts if fact.node.trainable]
            looked["gradients"] = {name for name, _, _ in _weights(trained) if found.finite}
            differences += _of_step(graph, facts, predicted, step, found)

    wrong = {(difference.layer, difference.aspect) for difference in differences}
    marks: dict[Aspect, tuple[bool | None, ...]] = {
        aspect: tuple(
            False if (name, aspect) in wrong else True if name in those else None for name in names
        )
        for aspect, those in looked.items()
    }
    return Verification(
        report=report,
        batch=of_batch.batch,
        spec_inputs=spec_inputs,
        tensors=len(shapes.parameters) + len(shapes.buffers),
        saved=predicted,
        training_bytes=training_bytes,
        marks=marks,
        differences=tuple(differences),
        step=step,
        skipped=skipped,
        torch=measure.VERSION,
        seconds=time.perf_counter() - start,
    )


def torch_witness() -> ModuleType:
    """What measures. Raises UsageError without torch."""
    require("torch", "cnncalc verify", "torch")
    from cnncalc.witness import measure

    return measure


def _too_large(
    params: int, max_params: int | None, needed: int, max_memory: int | None, device: str
) -> str:
    """Why a network is not run; empty where it is."""
    if max_params is not None and params > max_params:
        return f"{params:,} parameters are more than {max_params:,}"
    room, whose = (
        (free_bytes(device) // 2, f"half of what {device} has free")
        if max_memory is None
        else (max_memory, "--max-memory")
    )
    reason = f"about {needed:,} bytes are more than the {room:,} of {whose}"
    return reason if needed > room else ""


def _weights(facts: Sequence[Facts]) -> Iterator[tuple[str, str, Shape]]:
    """Every trained tensor: its layer, its whole name, its shape."""
    for fact in facts:
        name = fact.node.name
        yield from ((name, f"{name}.{tensor}", shape) for tensor, shape in fact.weights.items())


def _buffers(facts: Sequence[Facts]) -> Iterator[tuple[str, str, Shape]]:
    """Every tensor that is kept and not trained."""
    for fact in facts:
        if not fact.node.weights_of:
            name, kept = fact.node.name, fact.node.layer.buffers(*fact.inputs)
            yield from ((name, f"{name}.{tensor}", shape) for tensor, shape in kept.items())


def _of_shapes(
    facts: Sequence[Facts], report: Report, shapes: Shapes, batch: int
) -> Iterator[Difference]:
    """What differs on the meta device."""
    layers = [fact.node.name for fact in facts]
    stopped = shapes.stopped
    if stopped and not stopped.layer:
        yield Difference("", "params", "the network", "runs", stopped.message)
        return
    owned = dict.fromkeys(layers, 0)
    for ours, found in ((_weights, shapes.parameters), (_buffers, shapes.buffers)):
        expected = {tensor: (layer, shape) for layer, tensor, shape in ours(facts)}
        for tensor in dict.fromkeys([*expected, *found]):
            layer, shape = expected.get(tensor, (_owner(tensor, owned), None))
            if ours is _weights and layer:
                owned[layer] += prod(found.get(tensor, (0,)))
            if shape != found.get(tensor):
                yield Difference(layer, "params", tensor, shape, found.get(tensor))
    columns = (report.column(key) for key in ("output", "params", "macs", "flops"))
    for layer, output, params, macs, flops in zip(layers, *columns, strict=True):
        if owned[layer] != params:
            yield Difference(layer, "params", "params", params, owned[layer])
        if layer in shapes.outputs:
            gives = shapes.outputs[layer]
            if gives != (batch, *output):
                beside = gives[1:] if gives[:1] == (batch,) else gives
                yield Difference(layer, "output", "output", tuple(output), beside)
            if shapes.flops[layer] != 2 * macs * batch:
                yield Difference(layer, "macs", "MACs", macs, _macs(shapes.flops[layer], batch))
            elif shapes.flops[layer] != flops * batch:
                yield Difference(layer, "macs", "FLOPs", flops, shapes.flops[layer] // batch)
        elif stopped and stopped.layer == layer:
            yield Difference(layer, "output", "output", tuple(output), stopped.message)
    total = sum(map(prod, shapes.parameters.values()))
    if total != report.total("params"):
        yield Difference("", "params", "params in all", report.total("params"), total)
    if not stopped and shapes.total_flops != 2 * batch * report.total("macs"):
        total_macs = _macs(shapes.total_flops, batch)
        yield Difference("", "macs", "MACs in all", report.total("macs"), total_macs)
    elif not stopped and shapes.total_flops != batch * report.total("flops"):
        flops = shapes.total_flops // batch
        yield Difference("", "macs", "FLOPs in all", report.total("flops"), flops)


def _owner(tensor: str, layers: Mapping[str, int]) -> str:
    """The layer in which torch has a tensor that the report does not name."""
    while tensor and tensor not in layers:
        tensor = tensor.rpartition(".")[0]
    return tensor


def _macs(flops: int, batch: int) -> int | Fraction:
    """What the FLOPs of a batch are in MACs of one input."""
    macs = Fraction(flops, 2 * batch)
    return macs.numerator if macs.denominator == 1 else macs


def _of_step(
    graph: Graph,
    facts: Sequence[Facts],
    predicted: Sequence[int],
    step: Step,
    found: Gradients,
) -> Iterator[Difference]:
    """What differs in a real forward and backward."""
    if found.stopped:
        way = "forward" if len(found.saved) < len(facts) else "backward"
        yield Difference(found.stopped.layer, "gradients", way, "runs", found.stopped.message)
    if step.exact:
        for fact, wanted, saved in zip(facts, predicted, step.saved, strict=True):
            if saved is not None and saved != wanted:
                yield Difference(fact.node.name, "saved", "saved bytes", wanted, saved)
    # What reaches no output has no gradient.
    reaching = graph.behind(graph.outputs + graph.auxiliary)
    trained = [fact for fact in facts if fact.node.trainable]
    for layer, tensor, _ in _weights(trained):
        if layer in reaching and not found.finite.get(tensor, True):
            state = "none" if found.finite[tensor] is None else "not finite"
            yield Difference(layer, "gradients", f"gradient of {tensor}", "finite", state)
