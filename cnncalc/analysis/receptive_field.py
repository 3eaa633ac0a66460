"""Receptive fields: which positions of the network's input an output position can depend on.

The layers' axis maps are composed from the input on, along each axis of the input alone. Borders
are left out, so the figures are those of a position in the interior. Position o reads from stride·o
− padding on, over an extent. Source: Araujo, Norris and Sim, "Computing Receptive Fields of
Convolutional Neural Networks" (Distill, 2019). Beyond it, what a position reads may differ from one
position to the next and repeat only after a period, as behind every enlargement.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import Literal, NamedTuple

from cnncalc.infer import Facts
from cnncalc.layers.axis_map import AxisMap
from cnncalc.layers.base import AXIS_NAMES, Ids

MAX_PERIOD = 256
"""The longest period that is followed; networks that are used stay far below."""
MAX_POSITION = 10**100
"""How far positions are followed: strides that multiply without end end here."""


class Field(NamedTuple):
    """Output position m·period + r reads input m·shift + first … m·shift + last of phase r.

    A phase is None where nothing is read: between the stamps of a transposed convolution.
    """

    shift: int
    phases: tuple[tuple[int, int] | None, ...]

    def at(self, position: int) -> tuple[int, int] | None:
        """The first and last input position that an output position reads."""
        turn, phase = divmod(position, len(self.phases))
        ends = self.phases[phase]
        return ends and (ends[0] + turn * self.shift, ends[1] + turn * self.shift)

    @property
    def extent(self) -> int:
        """Positions from the first to the last, in the phase where they are most."""
        return max((last - first + 1 for first, last in filter(None, self.phases)), default=0)

    @property
    def stride(self) -> Fraction:
        """Input positions from one output position to the next."""
        return Fraction(self.shift, len(self.phases))

    @property
    def padding(self) -> int | None:
        """How far before the input output position 0 starts to read; None where it reads none."""
        return -self.phases[0][0] if self.phases[0] else None

    @property
    def centre(self) -> Fraction | None:
        """The middle of what is read, for output position 0, as the mean over the phases."""
        middles = [
            Fraction(sum(ends), 2) - self.stride * phase
            for phase, ends in enumerate(self.phases)
            if ends
        ]
        return sum(middles, start=Fraction(0)) / len(middles) if middles else None


Axis = Field | Literal["all"] | None
"""One axis of the input: a field, the whole of it, or None, too far or too irregular to follow."""

ITSELF = Field(1, ((0, 0),))


class Trace(NamedTuple):
    """What a layer's output reads of a network input, along each axis of that input."""

    axes: tuple[Axis, ...]
    misaligned: tuple[bool, ...]
    """Whether inputs are joined here that have different strides or centres."""

    @property
    def misaligned_axes(self) -> list[str]:
        """Names of the axes along which misaligned inputs are joined."""
        names = AXIS_NAMES.get(len(self.axes), ())
        return [name for name, off in zip(names, self.misaligned, strict=True) if off]


def receptive_fields(network: Iterable[Facts]) -> list[Trace]:
    """The trace of every layer; where it reads several network inputs, that of the first."""
    known: dict[str, dict[str, Trace]] = {}
    traces = []
    for facts in network:
        node = facts.node
        maps = node.layer.axis_map(*facts.inputs)
        found: dict[str, list[tuple[Axis, ...]]] = {}
        for name, shape, its_maps in zip(node.inputs, facts.inputs, maps, strict=True):
            if name not in known:
                axes = len(shape) - (not isinstance(shape, Ids))
                known[name] = {name: Trace((ITSELF,) * axes, (False,) * axes)}
            for source, trace in known[name].items():
                found.setdefault(source, []).append(_through(its_maps, trace.axes))
        known[node.name] = {source: _join(branches) for source, branches in found.items()}
        traces.append(next(iter(known[node.name].values())))
    return traces


def _through(maps: Sequence[AxisMap | None], axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
    # What reads the whole input may have other axes than it; it reads the whole ever after.
    if all(axis == "all" for axis in axes):
        return axes
    return tuple(
        "all" if step is None else compose(step, axis) if isinstance(axis, Field) else axis
        for step, axis in zip(maps, axes, strict=True)
    )


def compose(step: AxisMap, field: Field) -> Field | None:
    """What is read through a layer, of what its input reads."""
    period = len(field.phases)
    turns = period // gcd(step.shift, period)
    shift = field.shift * step.shift * turns // period
    if step.period * turns > MAX_PERIOD or shift > MAX_POSITION:
        return None
    phases = []
    for position in range(step.period * turns):
        taps = step.reads(position)
        # Taps this far apart stand in the same phase, so the first of each phase is the lowest.
        different = period // gcd(taps.step, period)
        phases.append(_hull(map(field.at, [*taps[:different], *taps[-different:]])))
    composed = Field(shift, tuple(phases))
    return composed if composed.extent <= MAX_POSITION else None


def _join(branches: list[tuple[Axis, ...]]) -> Trace:
    joined = [join(axes) for axes in zip(*branches, strict=True)]
    return Trace(tuple(axis for axis, _ in joined), tuple(off for _, off in joined))


def join(axes: Sequence[Axis]) -> tuple[Axis, bool]:
    """What is read through several branches, and whether they are misaligned.

    From the first position to the last, at each phase. Where strides differ the branches drift
    apart without end, so it is the whole input.
    """
    if len(axes) == 1:
        return axes[0], False
    fields = [axis for axis in axes if isinstance(axis, Field)]
    strides = {field.stride for field in fields}
    centres = {field.centre for field in fields} - {None}
    misaligned = len(strides) > 1 or len(centres) > 1
    if "all" in axes or len(strides) > 1:
        return "all", misaligned
    period = lcm(*(len(field.phases) for field in fields))
    if len(fields) < len(axes) or period > MAX_PERIOD:
        return None, misaligned
    phases = tuple(_hull(field.at(position) for field in fields) for position in range(period))
    return Field(int(fields[0].stride * period), phases), misaligned


def _hull(spans: Iterable[tuple[int, int] | None]) -> tuple[int, int] | None:
    """From the first to the last position of all spans; None where there is none."""
    read = [ends for ends in spans if ends]
    return (min(first for first, _ in read), max(last for _, last in read)) if read else None
