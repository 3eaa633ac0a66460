"""The network without any sugar: nodes in the order in which they are computed."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from cnncalc.errors import Origin, Path, Problem
from cnncalc.layers.base import Ids, Layer, Shape

INPUT = "input"
"""The name of the network's input."""


def indices(pooling: str) -> str:
    """What the indices of a pooling are called, beside its values."""
    return f"{pooling}#indices"


class Node(NamedTuple):
    """One layer, the names of what it reads, and where the spec says it."""

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    fused_into: str | None = None
    """The node whose `activation` this one is."""
    path: Path = ()
    uses: tuple[Path, ...] = ()
    """Where the blocks around it are used, the innermost first."""
    weights_of: str | None = None
    """The earlier node whose weights it uses."""
    indices_of: str | None = None
    """The earlier pooling that says where its values belong."""
    trainable: bool = True
    """Whether training changes its weights."""
    assertions: tuple[tuple[str, Any], ...] = ()
    """What the spec says of its input, by name: `in_features` 400."""

    @property
    def values(self) -> tuple[str, ...]:
        """The values that it is computed from: what it reads, and the indices it takes."""
        return (*self.inputs, indices(self.indices_of)) if self.indices_of else self.inputs

    @property
    def needs(self) -> tuple[str, ...]:
        """What must have run before it: what it reads, and the pooling whose indices it takes."""
        return (*self.inputs, self.indices_of) if self.indices_of else self.inputs

    def problem(self, message: str) -> Problem:
        """A mistake found at this node."""
        return Problem(self.path, self.name, message, self.uses)


class Graph(NamedTuple):
    """A flat network in topological order. Nodes read the input or earlier nodes only."""

    name: str
    inputs: dict[str, Shape]
    nodes: tuple[Node, ...]
    description: str = ""
    source: str = ""
    origin: Origin = Origin()
    outputs: tuple[str, ...] = ()
    """The nodes that give the network's results."""
    auxiliary: tuple[str, ...] = ()
    """The nodes that give results for training only."""
    unused_blocks: tuple[str, ...] = ()
    """The blocks of the spec that its layers do not speak of."""
    on: "Callable[[Shape], Graph] | None" = None
    """Expands the spec again, where its formulas asked for shapes: on an input of another one."""
    left_out: str = ""
    """Why nodes for training only are no part of it, where they do not fit its input."""
    changed: Mapping[str, Any] = {}
    """The variables that are set to something else than the spec says."""
    spec_inputs: Mapping[str, Shape] | None = None
    """The shapes that the spec says, where another was asked for."""

    def behind(self, names: Iterable[str]) -> set[str]:
        """The nodes of these names, and all that they are computed from."""
        found = set(names)
        for node in reversed(self.nodes):
            if node.name in found:
                found.update(node.needs)
        return found.intersection(node.name for node in self.nodes)

    def only_auxiliary(self) -> set[str]:
        """The nodes that are computed in training only: for auxiliary outputs, or from such."""
        if not self.auxiliary:
            return set()
        found = self.behind(self.auxiliary) - self.behind(self.outputs)
        for node in self.nodes:
            if not found.isdisjoint(node.needs):
                found.add(node.name)
        return found

    def unread(self) -> list[str]:
        """The nodes that no output needs, be it of the network or auxiliary."""
        needed = self.behind((*self.outputs, *self.auxiliary))
        return [node.name for node in self.nodes if node.name not in needed]

    def with_input(self, shape: Shape) -> "Graph":
        """The same network, which has one input, on one of another shape; ids stay ids. May raise
        SpecError."""
        own = self.inputs if self.spec_inputs is None else self.spec_inputs
        ((name, old),) = self.inputs.items()
        shape = Ids(shape) if isinstance(old, Ids) else shape
        found = self._replace(inputs={name: shape}) if self.on is None else self.on(shape)
        return found._replace(changed=self.changed, spec_inputs=own)

    @property
    def other_inputs(self) -> dict[str, Shape]:
        """The inputs whose shapes are not those that the spec says."""
        own = self.inputs if self.spec_inputs is None else self.spec_inputs
        return {name: shape for name, shape in self.inputs.items() if own.get(name) != shape}

    def vocabulary(self, name: str) -> int:
        """How many whole numbers all that read an input of such can tell apart."""
        layers = [node.layer for node in self.nodes if name in node.inputs]
        known: list[int] = [
            getattr(layer, layer.vocabulary) for layer in layers if layer.vocabulary
        ]
        return min(known)
