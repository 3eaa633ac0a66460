"""What two networks differ in: layers added, removed and changed, and what that costs.

Networks are aligned as sequences of layers, each with the activation behind it, by what they are
and not by their automatic names. Costs are the columns of their reports.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from cnncalc.asked import Asked
from cnncalc.findings.align import CHANGE, align
from cnncalc.findings.budget import counted
from cnncalc.graph import Graph
from cnncalc.infer import Facts
from cnncalc.layers import ACTIVATIONS
from cnncalc.layers.base import Shape
from cnncalc.presented import Presented
from cnncalc.report import Report, with_fused

ADDED_UP = ("params", "macs", "flops", "activations", "buffers", "params_bytes")
"""What layers add to the totals; the differences of layers sum to those of the totals."""
AMOUNTS = (*ADDED_UP, "peak_memory")
"""What is compared; the last is bytes that are alive while a layer runs, and its total a peak."""

Kind = Literal["added", "removed", "changed", "resized", "renamed"]
"""`resized` layers are the same on other sizes: nothing that is written of them has changed."""


class Layer(NamedTuple):
    """A layer and the activation behind it: as its table row says it, and its amounts."""

    name: str
    type: str
    text: str
    output: Shape
    amounts: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """The layer as JSON has it."""
        return {
            "name": self.name,
            "type": self.type,
            "layer": self.text,
            "output_shape": list(self.output),
            **self.amounts,
        }


class FieldChange(NamedTuple):
    """A field that differs: `kernel_size` 5 and 3. None where a layer has no such field."""

    name: str
    before: Any
    after: Any


class Change(NamedTuple):
    """One difference: the layer before and after, None where there is none."""

    kind: Kind
    before: Layer | None
    after: Layer | None
    fields: tuple[FieldChange, ...] = ()

    def difference(self, key: str) -> int:
        """How much more there is of something."""
        before = self.before.amounts[key] if self.before else 0
        return (self.after.amounts[key] if self.after else 0) - before

    def to_dict(self) -> dict[str, Any]:
        """The change as JSON has it."""
        return {
            "kind": self.kind,
            "before": self.before and self.before.to_dict(),
            "after": self.after and self.after.to_dict(),
            "fields": [field._asdict() for field in self.fields],
            "difference": {key: self.difference(key) for key in AMOUNTS},
        }


@dataclass(frozen=True)
class Diff(Presented):
    """All differences of two networks, in the order of their layers."""

    names: tuple[str, str]
    inputs: tuple[dict[str, Shape], dict[str, Shape]]
    outputs: tuple[tuple[str, ...], tuple[str, ...]] | None
    """The layers that give results, where these are others."""
    changes: tuple[Change, ...]
    totals: dict[str, tuple[int, int]]
    asked: tuple[Asked, Asked]

    @property
    def titles(self) -> tuple[str, str]:
        """Their names, each with what was asked of it."""
        a, b = (asked.titled(name) for asked, name in zip(self.asked, self.names, strict=True))
        return a, b

    @property
    def other_inputs(self) -> bool:
        """Whether their inputs have other shapes."""
        before, after = (list(shapes.values()) for shapes in self.inputs)
        return before != after

    @property
    def differs(self) -> bool:
        """Whether there is any difference."""
        return bool(self.changes) or self.other_inputs or self.outputs is not None

    def to_dict(self) -> dict[str, Any]:
        """The differences as JSON has them."""
        return {
            "names": list(self.names),
            "asked": [asked.to_dict() for asked in self.asked],
            "differs": self.differs,
            "inputs": [{name: list(s) for name, s in shapes.items()} for shapes in self.inputs],
            "outputs": self.outputs and list(map(list, self.outputs)),
            "changes": [change.to_dict() for change in self.changes],
            "totals": {
                key: {"before": a, "after": b, "difference": b - a}
                for key, (a, b) in self.totals.items()
            },
        }


Network = tuple[Graph, list[Facts], Report]


def compare(before: Network, after: Network, names: bool = False) -> Diff:
    """The differences of two networks; with `names`, other names are differences too."""
    a, b = _Units(*before), _Units(*after)
    pairs = align(a.keys, b.keys, _costs(a, b))
    partners = dict(pairs)
    rewired = _Wiring(a, b, partners)
    # Behind the last pair there is one more, of the ends.
    changes, i, j = list[Change](), 0, 0
    for to_i, to_j in [*pairs, (len(a.units), len(b.units))]:
        changes += [Change("removed", a.units[n].layer, None) for n in range(i, to_i)]
        changes += [Change("added", None, b.units[n].layer) for n in range(j, to_j)]
        if to_i < len(a.units):
            change = _change(a.units[to_i], b.units[to_j], rewired(to_i, to_j), names)
            changes += [change] if change else []
        i, j = to_i + 1, to_j + 1
    return Diff(
        names=(a.graph.name, b.graph.name),
        inputs=(a.graph.inputs, b.graph.inputs),
        outputs=rewired.outputs(names),
        changes=tuple(changes),
        totals={key: (a.report.total(key), b.report.total(key)) for key in AMOUNTS},
        asked=(a.report.asked, b.report.asked),
    )


# Units


class Unit(NamedTuple):
    """A layer with the activation that alone reads it."""

    layer: Layer
    facts: Facts
    fields: dict[str, Any]
    """Its fields, what may be written in several ways written in one."""
    padding: Any
    """Its padding with `same` in numbers, where these do not depend on the input's size."""
    key: tuple[str, str]
    """What it is: its word, and its fields in one spelling."""
    label: str
    """Its name, unless it looks automatic, and those of the blocks around it."""
    result: bool
    """Whether it gives one of the network's results."""


class _Units:
    """The units of a network, and which of them makes each output."""

    def __init__(self, graph: Graph, facts: list[Facts], report: Report) -> None:
        self.graph, self.report = graph, report
        readers = Counter(name for fact in facts for name in fact.node.inputs)
        results = {*graph.outputs, *graph.auxiliary}
        columns = {key: counted(report, key) for key in AMOUNTS}

        def activates(index: int) -> bool:
            """Whether it is the activation of the one above it, in its field or behind it."""
            above, node = facts[index - 1].node, facts[index].node
            return (
                readers[above.name] == 1
                and above.name not in results
                and node.layer.type in ACTIVATIONS
                and above.layer.type not in ACTIVATIONS
                and node.inputs == (above.name,)
                and not node.weights_of
            )

        groups = with_fused(range(len(facts)), activates)
        self.units = []
        for group in groups:
            amounts = {key: together(key, [all[i] for i in group]) for key, all in columns.items()}
            self.units.append(_unit([facts[i] for i in group], amounts, results))
        self.keys = [unit.key for unit in self.units]
        self.owner = {facts[i].node.name: n for n, group in enumerate(groups) for i in group}


def together(key: str, values: list[int]) -> int:
    """What several have of something; of peak memory the largest: these are not alive at once."""
    return sum(values) if key in ADDED_UP else max(values, key=abs)


def _unit(facts: list[Facts], amounts: dict[str, int], results: set[str]) -> Unit:
    first, *behind = facts
    layer, node = first.node.layer, first.node
    fields = _fields(first)
    padding = fields.get("padding")
    if padding == "half" or (padding == "same" and fields.get("stride") == 1):
        padding = _one_for_all(tuple((w.before, w.after) for w in first.windows))
    for fact in behind:
        its = ", ".join(f"{key}={value}" for key, value in _fields(fact).items())
        fields["activation"] = fact.node.layer.type + (f"({its})" if its else "")
    text = " + ".join([layer.describe(*first.inputs), *(f.node.layer.type for f in behind)])
    row = Layer(node.name, layer.type, text, facts[-1].output, amounts)
    path, _, name = node.name.rpartition(".")
    label = path if re.fullmatch(rf"{layer.prefix or layer.type}\d+", name) else node.name
    key = layer.type, repr(sorted((fields | {"padding": padding}).items()))
    return Unit(row, first, fields, padding, key, label, facts[-1].node.name in results)


_PER_AXIS = {
    "kernel_size",
    "stride",
    "padding",
    "dilation",
    "output_padding",
    "output_size",
    "scale_factor",
    "size",
    "cropping",
}


def _fields(facts: Facts) -> dict[str, Any]:
    """The fields of a layer in one spelling, its activation left out."""
    layer = facts.node.layer
    fields: dict[str, Any] = layer.model_dump(by_alias=True, exclude={"activation", "norm"})
    if fields.get("stride", 1) is None:
        fields["stride"] = fields["kernel_size"]
    for key in _PER_AXIS & fields.keys():
        fields[key] = _one_for_all(fields[key])
    if facts.node.weights_of:
        fields["weights_of"] = "an earlier layer"
    return fields


def _one_for_all(value: Any) -> Any:
    """One number where all axes agree: `3` for `[3, 3]`, 1 for `[[1, 1], [1, 1]]`."""
    if value == "valid":
        return 0
    if not isinstance(value, tuple):
        return value
    sides = tuple(
        side[0] if isinstance(side, tuple) and side[0] == side[1] else side for side in value
    )
    return sides[0] if len(set(sides)) == 1 and not isinstance(sides[0], tuple) else sides


# Alignment


def _costs(a: _Units, b: _Units) -> Callable[[int, int], int]:
    """What it costs to take a layer of each for the same.

    One change where anything that is written differs; below that, the fewer fields, the same
    word, the same names and sizes decide.
    """
    known: dict[tuple[Any, Any], int] = {}

    def distance(x: Unit, y: Unit) -> int:
        if x.key == y.key:
            return 0
        if x.layer.type == y.layer.type:
            return CHANGE + min(len(_changed(x, y)), 10)
        family = x.facts.node.layer.family
        return CHANGE + 20 if family and family == y.facts.node.layer.family else 3 * CHANGE

    def cost(i: int, j: int) -> int:
        x, y = a.units[i], b.units[j]
        found = known.get((x.key, y.key))
        if found is None:
            found = known[x.key, y.key] = distance(x, y)
        named = 2 * (x.label != y.label) + 2 * (x.result != y.result)
        return found + named + (x.layer.output != y.layer.output)

    return cost


def _changed(x: Unit, y: Unit) -> list[FieldChange]:
    """The fields that differ; of another word only the word and the activation."""
    same_word = x.layer.type == y.layer.type
    keys = dict.fromkeys([*x.fields, *y.fields]) if same_word else ["activation"]
    word = [] if same_word else [FieldChange("layer", x.layer.type, y.layer.type)]
    return word + [
        FieldChange(key, x.fields.get(key), y.fields.get(key))
        for key in keys
        if x.fields.get(key) != y.fields.get(key) and (key != "padding" or x.padding != y.padding)
    ]


def _change(x: Unit, y: Unit, rewired: FieldChange | None, names: bool) -> Change | None:
    """What differs in a pair, if anything does."""
    fields = [] if x.key == y.key else _changed(x, y)
    fields += [rewired] if rewired else []
    change = Change("changed" if fields else "resized", x.layer, y.layer)
    resized = x.layer.output != y.layer.output or any(map(change.difference, ADDED_UP))
    if names and x.layer.name != y.layer.name:
        change = change if fields or resized else change._replace(kind="renamed")
        fields.append(FieldChange("name", x.layer.name, y.layer.name))
    return change._replace(fields=tuple(fields)) if fields or resized else None


class _Wiring:
    """Whether what a pair of layers reads are pairs too."""

    def __init__(self, a: _Units, b: _Units, partners: dict[int, int]) -> None:
        self.a, self.b, self.partners = a, b, partners
        self.kept = set(partners.values())

    def __call__(self, i: int, j: int) -> FieldChange | None:
        """What they read, where it is something else."""
        x, y = self.a.units[i].facts.node, self.b.units[j].facts.node
        if not self._same(x.inputs, y.inputs, x.layer.commutes):
            return FieldChange("reads", list(x.inputs), list(y.inputs))
        if x.weights_of and y.weights_of and not self._same([x.weights_of], [y.weights_of]):
            return FieldChange("weights_of", x.weights_of, y.weights_of)
        if x.indices_of and y.indices_of and not self._same([x.indices_of], [y.indices_of]):
            return FieldChange("indices_of", x.indices_of, y.indices_of)
        return None

    def outputs(self, names: bool) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """The results of both, where they are others; those that only training has are last."""
        ours, theirs = ((g.outputs, g.auxiliary) for g in (self.a.graph, self.b.graph))
        both = tuple(ours[0] + ours[1]), tuple(theirs[0] + theirs[1])
        same = all(self._same(x, y) for x, y in zip(ours, theirs, strict=True))
        return None if same and not (names and both[0] != both[1]) else both

    def _same(self, x: Sequence[str], y: Sequence[str], commutes: bool = False) -> bool:
        if len(x) != len(y):
            return False
        makers = (
            (self._kept(s, self.a, self.partners), self._kept(t, self.b, self.kept))
            for s, t in zip(x, y, strict=True)
        )
        known = [(self.partners.get(s, s), t) for s, t in makers if s is not None and t is not None]
        if commutes and len(known) == len(x):
            return sorted(s for s, _ in known) == sorted(t for _, t in known)
        # Of what was added or removed all is said already.
        return all(s == t for s, t in known)

    def _kept(self, name: str, units: _Units, kept: Any) -> int | None:
        """The layer that makes an output, behind it where that has no partner; −1, −2, … is an
        input, and None a join without a partner."""
        while name in units.owner:
            unit = units.owner[name]
            if unit in kept:
                return unit
            sources = units.units[unit].facts.node.inputs
            if len(sources) > 1:
                return None
            (name,) = sources
        return -1 - list(units.graph.inputs).index(name)
