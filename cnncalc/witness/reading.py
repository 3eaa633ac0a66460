"""Whether connections and receptive fields are what torch's layers were seen to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from cnncalc.analysis.receptive_field import Axis, Field, receptive_fields
from cnncalc.findings.verification import Aspect, Difference
from cnncalc.infer import Facts
from cnncalc.layers.base import AXIS_NAMES, Shape
from cnncalc.report import Report
from cnncalc.witness.reach import COUNTED, Ends, Reach

_COLUMNS = ("receptive_field", "effective_stride", "effective_padding")


class _Inner(NamedTuple):
    """The network input that a layer reads first, and along each axis which of its positions read
    no padding, and nothing that reads padding; None where an axis is not followed."""

    source: str
    axes: tuple[list[bool] | None, ...]


def compare(
    inputs: Mapping[str, Shape],
    facts: Sequence[Facts],
    report: Report,
    reach: Reach,
    looked: dict[Aspect, set[str]],
) -> Iterator[Difference]:
    """What differs; the layers that were looked at go into `looked`."""
    looked["connections"], looked["reads"] = set(), set()
    for fact, ours in zip(facts, report.column("connections"), strict=True):
        name, counted = fact.node.name, fact.node.layer.family in COUNTED
        # Others that multiply (attention, recurrent layers) have those of products inside, which
        # are not seen; all else has none by definition.
        theirs = reach.connections.get(name) if counted or fact.macs else 0
        if theirs is not None:
            looked["connections"].add(name)
            if ours != theirs:
                yield Difference(name, "connections", "connections", ours, theirs)

    # What was too large to run is too large to list.
    inner = _inner(inputs, facts) if reach.reads else {}
    said = zip(*map(report.column, _COLUMNS), strict=True)
    for fact, trace, columns in zip(facts, receptive_fields(facts), said, strict=True):
        name, seen = fact.node.name, reach.reads.get(fact.node.name)
        names = AXIS_NAMES.get(len(trace.axes), ())
        surely = seen is not None or not names
        for axis, of in enumerate(names if seen is not None else ()):
            ours = tuple(column and column[axis] for column in columns)
            size = inputs[inner[name].source][axis + 1]
            ends, inside = (seen or ())[axis], inner[name].axes[axis]
            found = _judged(ours, trace.axes[axis], ends, inside, size)
            surely &= found is not None
            for what, expected, theirs in found or ():
                place = f"{what}, {of}" if len(names) > 1 else what
                yield Difference(name, "reads", place, expected, theirs)
        if surely:
            looked["reads"].add(name)


def _inner(inputs: Mapping[str, Shape], facts: Sequence[Facts]) -> dict[str, _Inner]:
    """By layer."""
    found = {
        name: _Inner(name, tuple([True] * size for size in shape[1:]))
        for name, shape in inputs.items()
    }
    for fact in facts:
        reads = [found[read] for read in fact.node.inputs]
        source = reads[0].source
        maps = fact.node.layer.axis_map(*fact.inputs)
        axes: list[list[bool] | None] = []
        for axis in range(len(inputs[source]) - 1):
            positions: list[bool] | None = None
            branches = [
                (one[axis] if axis < len(one) else None, read.axes[axis])
                for one, read in zip(maps, reads, strict=True)
                if read.source == source
            ]
            if len(fact.output) == len(inputs[source]) and all(a and b for a, b in branches):
                positions = [
                    all(
                        0 <= place < len(before) and before[place]
                        for step, before in branches
                        if step and before
                        for place in step.reads(position)
                    )
                    for position in range(fact.output[axis + 1])
                ]
            axes.append(positions)
        found[fact.node.name] = _Inner(source, tuple(axes))
    return found


def _judged(
    ours: tuple[Any, ...], field: Axis, ends: Ends, inside: list[bool] | None, size: int
) -> list[tuple[str, Any, Any]] | None:
    """What differs along one axis; None where too little of it was seen to say that nothing does.

    A position at a border reads less than others, so only those inside are compared; of the others
    that they read nothing beyond.
    """
    extent, stride, padding = ours
    if not any(ends):
        # Nothing arrives: windows along some axis read padding alone.
        return None
    if not isinstance(field, Field) or extent == "all":
        # One that reads all can be seen; of what is too irregular nothing is said.
        return [] if extent == "all" and all(end == (0, size - 1) for end in ends) else None
    wrong: list[tuple[str, Any, Any]] = []
    lengths = [end[1] - end[0] + 1 if end else 0 for end in ends]
    within = all(
        not end or ((one := field.at(at)) and one[0] <= end[0] and end[1] <= one[1])
        for at, end in enumerate(ends)
    )
    period = len(field.phases)
    places = [at for at, is_inside in enumerate(inside or ()) if is_inside]
    longest = max((lengths[at] for at in places), default=0)
    every = {at % period for at in places} == set(range(period))
    if longest > extent or not within or (every and longest != extent):
        wrong.append(("receptive field", extent, longest if every else max(lengths)))
    pairs = [
        (first[0], last[0])
        for at in places
        if at + period in places and (first := ends[at]) and (last := ends[at + period])
    ]
    steps = {Fraction(last - first, period) for first, last in pairs}
    if steps and steps != {Fraction(stride)}:
        wrong.append(("effective stride", stride, str(max(steps))))
    starts = {
        at * Fraction(stride) - end[0] for at in places if at % period == 0 and (end := ends[at])
    }
    if starts and starts != {padding}:
        wrong.append(("effective padding", padding, str(max(starts))))
    return wrong if wrong or (every and steps and (starts or padding is None)) else None
