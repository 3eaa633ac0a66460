"""A flat network as blocks again: which steps are a class of their own, and its parameters.

Names are paths (`layer1.0.conv1`), so the blocks of the spec can be read off them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from cnncalc.graph import Node
from cnncalc.interop.python_text import identifier

Slot = tuple[str, str, Any]
"""A value that a constructor gets: whose, as which argument, and the value."""


@dataclass(frozen=True)
class Step:
    """One call: of what, made how, on which values."""

    name: str
    """The value that it gives."""
    scope: tuple[str, ...]
    """The path of the block that it stands in."""
    attribute: str
    """What its module is called there, dots included; empty where the step has no module."""
    call: str
    """An expression over `module`, `x`, `x1` …"""
    made_of: str
    """The module's class."""
    arguments: Mapping[str, Any]
    reads: tuple[str, ...]
    fused: bool = False
    """Whether it is the activation of the step before it."""
    resting: bool = False
    """Whether only training runs it."""
    word: str = ""
    """The spec's word for the block that it stands in."""
    more: tuple[str, ...] = ()
    """The values that it gives besides: a pooling's indices."""

    @property
    def gives(self) -> tuple[str, ...]:
        return (self.name, *self.more)

    @property
    def local(self) -> str:
        """What its value is called within the block."""
        return self.attribute or self.name.rpartition(".")[2]

    def slots(self) -> list[Slot]:
        return [(self.attribute, name, value) for name, value in self.arguments.items()]


@dataclass(eq=False)
class Block:
    """Steps and blocks that stand together, what they read, and what others read of them."""

    path: tuple[str, ...]
    attribute: str
    items: "list[Step | Block]"
    reads: tuple[str, ...]
    gives: tuple[str, ...]
    resting: bool = False
    plan: "Plan | None" = None
    """The class that it is made by; none where it is a plain sequence."""
    use: int = 0
    """Which of the class's uses it is."""

    @property
    def local(self) -> str:
        return self.attribute

    @property
    def word(self) -> str:
        """What its class is called after: the spec's word, or the last part of its name."""
        own = (item.word for item in self.items if isinstance(item, Step) and item.word)
        named = (part for part in reversed(self.path) if not part.isdigit())
        return next(own, "") or next(named, "block")

    @cached_property
    def is_sequence(self) -> bool:
        """Whether its parts are numbered and each reads what the one before it gives, alone."""
        if [item.attribute for item in self.items] != [str(i) for i in range(len(self.items))]:
            return False
        value = self.reads
        for item in self.items:
            written = isinstance(item, Step) and item.call != "module(x)"
            if written or item.reads != value or len(value) != 1 or len(item.gives) != 1:
                return False
            value = item.gives
        return self.gives == value and bool(self.items)

    @cached_property
    def form(self) -> Any:
        """Equal for blocks that one class can make: the same steps in the same wiring."""
        places: dict[str, Any] = {name: -1 - i for i, name in enumerate(self.reads)}
        forms = list[Any]()
        for item in self.items:
            reads = tuple(places[name] for name in item.reads)
            made = (
                (item.made_of, tuple(item.arguments), item.call, item.fused)
                if isinstance(item, Step)
                else item.form
            )
            forms.append((item.local, made, reads))
            places |= {name: (len(forms), i) for i, name in enumerate(item.gives)}
        return _Form(tuple(forms), tuple(places[name] for name in self.gives))

    def slots(self) -> list[Slot]:
        """What its constructor gets; of a sequence, what the constructors in it get."""
        if self.plan is not None:
            return [(self.attribute, n, v) for n, v in self.plan.given(self).items()]
        return [(self.attribute, name, v) for item in self.items for _, name, v in item.slots()]

    def inner_slots(self) -> list[Slot]:
        """What the constructors in it get."""
        return [slot for item in self.items for slot in item.slots()]

    def blocks(self) -> Iterator["Block"]:
        """The blocks in it, the innermost first, and itself."""
        for item in self.items:
            if isinstance(item, Block):
                yield from item.blocks()
        yield self


class _Form(tuple[Any, ...]):
    """A nested tuple whose hash is computed once."""

    def __new__(cls, *parts: Any) -> "_Form":
        made = super().__new__(cls, parts)
        made.known = super().__hash__(made)
        return made

    known: int

    def __hash__(self) -> int:
        return self.known


class Parameter(NamedTuple):
    """What the uses of a class differ in."""

    name: str
    values: tuple[Any, ...]


@dataclass(eq=False)
class Plan:
    """A class: the blocks that it makes, and its parameters."""

    name: str
    uses: list[Block] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    by_slot: list[str | None] = field(default_factory=list)
    """For each slot of its steps the parameter that fills it, if one does."""

    def given(self, block: Block) -> dict[str, Any]:
        """The arguments that make a block."""
        return {parameter.name: parameter.values[block.use] for parameter in self.parameters}

    def find_parameters(self, taken: set[str]) -> None:
        """Slots with the same values in all uses are constants, those that agree are one."""
        rows = [block.inner_slots() for block in self.uses]
        found: dict[str, str] = {}
        for slots in zip(*rows, strict=True):
            values = tuple(value for _, _, value in slots)
            key = repr(values)
            if len({repr(value) for value in values}) == 1:
                self.by_slot.append(None)
                continue
            if key not in found:
                whose, name, _ = slots[0]
                found[key] = identifier(f"{whose}_{name}" if name in taken else name, taken)
                self.parameters.append(Parameter(found[key], values))
            self.by_slot.append(found[key])


def outline(steps: Sequence[Step], inputs: Sequence[str], outputs: Sequence[str]) -> Block:
    """The steps as blocks within blocks; `inputs` and `outputs` are those of the network."""
    return _Outline(steps, outputs).block((), "", 0, len(steps), tuple(inputs))


def plans(root: Block) -> list[Plan]:
    """The classes, each behind those that it uses; the network itself is none of them."""
    by_form: dict[Any, Plan] = {}
    for block in root.blocks():
        if block is not root and not block.is_sequence:
            plan = by_form.setdefault(block.form, Plan(""))
            block.plan, block.use = plan, len(plan.uses)
            plan.uses.append(block)
    for plan in by_form.values():
        plan.find_parameters({"self", "x", "name"})
    return list(by_form.values())


def word_of(node: Node) -> str:
    """The spec's word for the block that a node stands in."""
    return str(node.path[1]) if node.path[:1] == ("blocks",) else ""


def use_text(plan: Plan) -> str:
    """A sentence that says which blocks of the network a class makes."""
    names = [".".join(block.path) for block in plan.uses]
    if len(names) > 4:
        names[3:] = [f"{len(names) - 3} more"]
    listed = ", ".join(names[:-1])
    return f"Stands at {listed} and {names[-1]}." if listed else f"Stands at {names[0]}."


class _Outline:
    def __init__(self, steps: Sequence[Step], outputs: Sequence[str]) -> None:
        self.steps = steps
        self.ranges: dict[tuple[str, ...], list[int]] = {}
        for i, step in enumerate(steps):
            for depth in range(1, len(step.scope) + 1):
                self.ranges.setdefault(step.scope[:depth], []).append(i)
        self.last_read = dict.fromkeys(outputs, len(steps))
        for i, step in enumerate(steps):
            for name in step.reads:
                self.last_read[name] = max(i, self.last_read.get(name, 0))

    def _stands_alone(self, path: tuple[str, ...]) -> bool:
        """Whether nothing else stands between its steps, and training runs all of them or none."""
        found = self.ranges[path]
        together = found[-1] - found[0] + 1 == len(found)
        return together and len({self.steps[i].resting for i in found}) == 1

    def block(
        self,
        path: tuple[str, ...],
        attribute: str,
        start: int,
        stop: int,
        reads: tuple[str, ...] | None = None,
    ) -> Block:
        items: list[Step | Block] = []
        i = start
        while i < stop:
            step = self.steps[i]
            depths = range(len(path) + 1, len(step.scope) + 1)
            inner = next((d for d in depths if self._stands_alone(step.scope[:d])), None)
            if inner is None:
                rest = ".".join(step.scope[len(path) :])
                if rest and step.attribute:
                    step = replace(step, attribute=f"{rest}.{step.attribute}")
                items.append(step)
                i += 1
            else:
                found = step.scope[:inner]
                end = self.ranges[found][-1] + 1
                items.append(self.block(found, ".".join(found[len(path) :]), i, end))
                i = end
        inside = {name for item in items for name in item.gives}
        own = {name for step in self.steps[start:stop] for name in step.gives}
        if reads is None:
            outside = (n for step in self.steps[start:stop] for n in step.reads if n not in own)
            reads = tuple(dict.fromkeys(outside))
        gives = tuple(
            name
            for step in self.steps[start:stop]
            for name in step.gives
            if name in inside and self.last_read.get(name, -1) >= stop
        )
        # What nobody reads gives its last value all the same: it may keep statistics.
        if items and not gives:
            gives = items[-1].gives[-1:]
        return Block(path, attribute, items, reads, gives, all(x.resting for x in items))
