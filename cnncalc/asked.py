"""What a network was computed with where that is not the spec's own: as data and as words.

Figures without it would be taken for the network's own: those of 64 inputs for those of one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from cnncalc.amounts import Layout, shape_text
from cnncalc.errors import shown
from cnncalc.graph import Graph


@dataclass(frozen=True)
class Asked:
    """Each thing that was asked otherwise; what is the spec's own, or usual, is not there."""

    inputs: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Shapes by the inputs' names, channels first."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    batch: int = 1
    dtype: str = "float32"
    count_as: str | None = None
    params_as: str | None = None
    optimizer: str | None = None

    @classmethod
    def of(cls, graph: Graph, **options: Any) -> Self:
        """What was asked of a graph: its options, and what the graph knows of its spec."""
        return cls(graph.other_inputs, graph.changed, **options)

    def to_dict(self) -> dict[str, Any]:
        """What was asked otherwise, by the names that JSON has for it."""
        options = {
            "inputs": {name: list(shape) for name, shape in self.inputs.items()},
            "variables": dict(self.variables),
            "batch": self.batch if self.batch != 1 else None,
            "dtype": self.dtype if self.dtype != "float32" else None,
            "count_as": self.count_as,
            "params_as": self.params_as,
            "optimizer": self.optimizer,
        }
        return {name: value for name, value in options.items() if value}

    def text(self, layout: Layout = "hwc") -> str:
        """`batch 64, float16, input 64×64×3, width = 0.5`; nothing where nothing was asked."""
        there = self.to_dict()
        told = [f"{name} {shape_text(shape, layout)}" for name, shape in self.inputs.items()]
        told += [f"{name} = {shown(value)}" for name, value in self.variables.items()]
        told += [f"batch {self.batch:,}"] if self.batch != 1 else []
        told += [f"{word}{there[name]}" for name, word in _WORDS.items() if name in there]
        return ", ".join(told)

    def titled(self, name: str, layout: Layout = "hwc") -> str:
        """A network's name, and in brackets what was asked."""
        text = self.text(layout)
        return f"{name} ({text})" if text else name

    def note(self, layout: Layout = "hwc") -> list[str]:
        """The line that says so; no line where nothing was asked."""
        text = self.text(layout)
        return [f"As asked: {text}."] if text else []


def asked_notes(networks: Sequence[tuple[str, Asked]], layout: Layout = "hwc") -> list[str]:
    """The lines that say so of several networks: one, or one for each where they differ."""
    lines = [(name, line) for name, asked in networks for line in asked.note(layout)]
    same = len({line for _, line in lines}) == 1 and len(lines) == len(networks)
    return [lines[0][1]] if same else [f"{name}: {line}" for name, line in lines]


_WORDS = {
    "dtype": "",
    "count_as": "counted as ",
    "params_as": "parameters as ",
    "optimizer": "optimizer ",
}
"""What stands before each option's value."""
