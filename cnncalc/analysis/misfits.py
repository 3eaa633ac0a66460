"""What would fit where a layer does not fit its input, and where branches parted that do not meet.

Nothing here is guessed: what is said to fit was tried, on the layer or on the whole network.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from pydantic import ValidationError

from cnncalc.analysis.strides import around
from cnncalc.dims import Window
from cnncalc.errors import MAX_REPORTED, SpecError
from cnncalc.graph import Node
from cnncalc.infer import Facts, Misfit, Unfit, for_inference, judge
from cnncalc.layers.base import Layer, Sentence, Shape, count, times
from cnncalc.layers.window import OnAxes

_MAX_TRIED = 30_000
"""How many layers are computed in search of an input that fits."""
_NEAR = 128
"""How far from the input's sizes others are looked for."""
_PROBES = (256, 320, 1024)
"""Sizes that fit most networks; where none does, the size is not what is wrong."""
_MAX_STRIDES = 8
"""How many strides before a layer are tried as 1."""


def explained(case: Unfit) -> list[Misfit]:
    """The misfits, each with what would fit in its sentence; those that no error lists without."""
    network = _Network(case)
    said = [m._replace(rule=network.sentence(m)) for m in case.misfits[:MAX_REPORTED]]
    return said + case.misfits[MAX_REPORTED:]


def layer_fixes(layer: Layer, inputs: tuple[Shape, ...]) -> Iterator[tuple[str, Any]]:
    """For each field of whole numbers the nearest value with which the layer fits, if any does."""
    if not any(True for _ in layer.rules(*inputs)):
        return
    for name, info in type(layer).model_fields.items():
        field = info.alias or name
        for value in _other_values(layer, name, inputs):
            if _fits(layer, field, value, inputs):
                yield field, value
                break


def _other_values(layer: Layer, name: str, inputs: tuple[Shape, ...]) -> Iterator[Any]:
    """Values of a field, those first that make room for a kernel, then the nearest."""
    given = getattr(layer, name)
    given = 0 if given == "valid" else given
    per_axis = isinstance(layer, OnAxes) and name in layer.per_axis_fields()
    if per_axis and isinstance(given, tuple) and all(type(value) is int for value in given):
        for axis in range(len(given)):
            for value in around(given[axis], upwards=True):
                yield [*given[:axis], value, *given[axis + 1 :]]
    if type(given) is not int:
        return
    windows = [w for w in _windows(layer, inputs) if _no_room(w)]
    if windows and name == "kernel_size":
        yield min((w.n + w.before + w.after - 1) // w.dilation + 1 for w in windows)
    if windows and name == "padding":
        yield max((w.extent - w.n + 1) // 2 for w in windows)
    yield from around(given, upwards=True)


def _fits(layer: Layer, field: str, value: Any, inputs: tuple[Shape, ...]) -> bool:
    """Whether a layer with that value of a field is valid and fits its inputs."""
    fields = layer.model_dump(by_alias=True, exclude_unset=True)
    try:
        changed = type(layer).model_validate({**fields, field: value})
    except ValidationError:
        return False
    return not any(True for _ in changed.rules(*inputs))


def _windows(layer: Layer, inputs: tuple[Shape, ...]) -> list[Window]:
    """The windows of a layer on inputs that it may not fit; none where it has other axes."""
    try:
        return [w for w in layer.windows(*inputs) if isinstance(w, Window)]
    except ValueError:
        return []


def _no_room(window: Window) -> bool:
    return window.output < 1


class _Network:
    """A network that does not fit, and what is looked for in it."""

    def __init__(self, case: Unfit) -> None:
        self.graph = case.graph
        self.known = {facts.node.name: facts for facts in case.facts}
        self.nodes = {node.name: node for node in case.graph.nodes}
        self.tried = 0
        self.searched = len(case.graph.inputs) > 1
        """Whether inputs need not be looked for: they are the same for all misfits."""

    def sentence(self, misfit: Misfit) -> Sentence:
        """The rule that is broken, where branches parted, and what would fit."""
        node, inputs, rule, assertion = misfit
        if assertion:
            return Sentence("") + rule + self._product(node, inputs, assertion)
        joined = node.layer.joins and len(set(inputs)) > 1
        ways = [f"{field} {value}" for field, value in layer_fixes(node.layer, inputs)]
        if any(map(_no_room, _windows(node.layer, inputs))):
            ways += self._strides(node)
        *most, last = ways or [""]
        fits = f"; fits with {', '.join(most)}{' or ' * bool(most)}{last}" if ways else ""
        said = self._parted(node, inputs, rule) if joined else rule
        return Sentence("") + said + fits + self._inputs(joined)

    def _product(self, node: Node, inputs: tuple[Shape, ...], assertion: str) -> Sentence:
        """Of which sizes the values that arrive are the product, and which input gives the right
        ones."""
        if len(inputs[0]) > 1 or assertion == "input_shape":
            return Sentence("")
        name, shape = node.inputs[0], inputs[0]
        # Back through what leaves the number of values as it is, to where they were no vector.
        while name in self.known and len(shape) == 1:
            facts = self.known[name]
            name, shape = facts.node.inputs[0], facts.inputs[0]
            if count(shape) != facts.activations or len(facts.inputs) > 1:
                break
        alike = len(shape) > 1 and count(shape) == count(inputs[0])
        said = Sentence(" ({})", shape).with_dots() if alike else Sentence("")
        return said + self._inputs(joined=False, probes=())

    # Inputs of the network

    def _inputs(self, joined: bool, probes: Sequence[int] = _PROBES) -> str:
        """Inputs that fit the whole network."""
        if self.searched:
            return ""
        self.searched = True
        (input,) = self.graph.inputs.values()
        if len(input) == 1:
            return ""
        if joined:
            near = [times(shape[1:]) for shape in self._near(input)]
            return f"; inputs that fit: {', '.join(near)}" if near else ""
        least = self._least(input, probes)
        return f"; the smallest input that fits is {times(least[1:])}" if least else ""

    def _with(self, input: Shape) -> bool:
        """Whether the whole network fits that input."""
        if self.graph.on is None:
            facts, misfits = judge(self.graph.with_input(input), whole=False)
            self.tried += len(facts) + 1
            return not misfits
        # The spec is expanded anew, which takes about ten times as long.
        self.tried += 10 * len(self.known) + 10
        try:
            return not judge(for_inference(self.graph.with_input(input)), whole=False)[1]
        except SpecError:
            return False

    def _least(self, input: Shape, probes: Sequence[int]) -> Shape | None:
        """The smallest input that fits, first with all axes alike, then along each."""
        channels, *sizes = input
        axes = len(sizes)
        if probes and not any(self._with((channels, *[size] * axes)) for size in probes):
            return None
        size = 1
        while not self._with(found := (channels, *[size] * axes)):
            size += 1
            if self.tried > _MAX_TRIED:
                return None
        for axis in range(1, len(found) if axes > 1 else 0):
            for less in range(1, size):
                narrower = (*found[:axis], less, *found[axis + 1 :])
                if self.tried > _MAX_TRIED:
                    return found
                if self._with(narrower):
                    found = narrower
                    break
        return found

    def _near(self, input: Shape) -> Iterator[Shape]:
        """The nearest inputs below and above that fit."""
        channels, *sizes = input
        for step in (-1, 1):
            found = [self._nearest(channels, len(sizes), size, step) for size in sizes]
            if all(found) and self._with(shape := (channels, *found)):
                yield shape

    def _nearest(self, channels: int, axes: int, size: int, step: int) -> int:
        """The nearest size in a direction that fits where all axes have it; 0 for none."""
        for other in range(size, size + step * (_NEAR + 1), step):
            if other < 1 or self.tried > _MAX_TRIED:
                break
            if self._with((channels, *[other] * axes)):
                return other
        return 0

    # Layers before the one that does not fit

    def _strides(self, node: Node) -> Iterator[str]:
        """The last stride before a layer without which the network fits."""
        if self.graph.on is not None or self.tried > _MAX_TRIED:
            # Where formulas ask for shapes, other layers would follow.
            return
        behind = self.graph.behind([node.name])
        before = [n for n in self.graph.nodes if n.name in behind]
        strided = [n for n in before if n.name in self.known and self._stride(n) > 1]
        for one in strided[: -_MAX_STRIDES - 1 : -1]:
            fields = one.layer.model_dump(by_alias=True, exclude_unset=True)
            slower = type(one.layer).model_validate({**fields, "stride": 1})
            nodes = tuple(n._replace(layer=slower) if n is one else n for n in self.graph.nodes)
            facts, misfits = judge(self.graph._replace(nodes=nodes), whole=False)
            self.tried += len(facts) + 1
            if not misfits:
                yield f"stride 1 in {one.name}"
                return

    def _stride(self, node: Node) -> int:
        """The largest stride of a layer that has the field."""
        if "stride" not in type(node.layer).model_fields:
            return 1
        windows = (w for w in self.known[node.name].windows if isinstance(w, Window))
        return max((window.stride for window in windows), default=1)

    # Branches

    def _parted(self, node: Node, inputs: tuple[Shape, ...], rule: str) -> Sentence:
        """Which branch gives which shape, where they parted, and what made them differ."""
        rule, _, remedy = rule.partition("; ")
        ends = {shape: name for name, shape in zip(node.inputs, inputs, strict=True)}
        each = [f"{self._shown(name)} {{}}" for name in ends.values()]
        said = Sentence(f"{rule.partition(': ')[0]}: {', '.join(each)}", *ends)
        (first, one), (second, other) = list(ends.items())[:2]
        common = self._before(one) & self._before(other)
        order = [*self.graph.inputs, *self.nodes]
        parting = max(common, key=order.index, default=None)
        if parting is not None:
            said += f"; they parted at {self._shown(parting)}"
            between = (self._before(one) | self._before(other)) - self._before(parting)
            differ = [
                axis
                for axis, sizes in enumerate(zip(first[1:], second[1:], strict=False))
                if sizes[0] != sizes[1]
            ]
            said += self._rounded([self.known[name] for name in order if name in between], differ)
        return said + (f"; {remedy}" if remedy else "")

    def _before(self, name: str) -> set[str]:
        """A layer or input, and all that it is computed from."""
        behind = self.graph.behind([name])
        return {name, *behind, *chain.from_iterable(self.nodes[n].inputs for n in behind)}

    def _shown(self, name: str) -> str:
        """What the table calls it: a fused activation stands in its layer's row."""
        node = self.nodes.get(name)
        return (node and node.fused_into) or name

    def _rounded(self, between: Sequence[Facts], differ: Sequence[int]) -> str:
        """The strides between that do not divide their input along the axes that differ; where all
        do, what else changes a size there."""
        rounded, changed = list[Facts](), list[Facts]()
        for facts in between:
            windows = [w for axis, w in enumerate(facts.windows) if axis in differ]
            if any(w.output != w.n for w in windows):
                changed.append(facts)
            reading = (w for w in windows if isinstance(w, Window) and w.stride > 1)
            if any(w.output * w.stride != w.n for w in reading):
                rounded.append(facts)
        told = [
            f"{self._shown(f.node.name)} makes {times(f.output[1:])} of {times(f.inputs[0][1:])}"
            for f in (rounded or changed)[:3]
        ]
        return f", then {', '.join(told)}" if told else ""
