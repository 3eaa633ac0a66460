"""A network as several tools count it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cnncalc.analysis.convention import ToolCount
from cnncalc.analysis.tools import CONVENTIONS, counted_by
from cnncalc.asked import Asked
from cnncalc.graph import Graph
from cnncalc.infer import Facts
from cnncalc.presented import Presented


@dataclass(frozen=True)
class Reconciliation(Presented):
    """What each tool counts of one network, as a sum of named parts."""

    name: str
    counts: tuple[ToolCount, ...]
    asked: Asked

    def to_dict(self) -> list[dict[str, Any]]:
        """The counts as JSON has them."""
        return [
            {
                "count_as": count.name,
                "asked": self.asked.to_dict(),
                "tool": count.convention.tool,
                "unit": count.convention.unit,
                "total": count.total,
                "parts": [{**part._asdict(), "amount": part.amount} for part in count.parts],
                "printed_by_tool": count.printed,
                "faults": [error._asdict() for error in count.errors],
            }
            for count in self.counts
        ]


def reconciled(graph: Graph, facts: list[Facts], tools: Sequence[str] = ()) -> Reconciliation:
    """What each of the tools counts; all tools where none is named. Raises UsageError."""
    # Tools run inference.
    resting = graph.only_auxiliary()
    used = [fact for fact in facts if fact.node.name not in resting]
    return Reconciliation(
        graph.name,
        tuple(counted_by(name, used) for name in tools or CONVENTIONS),
        Asked.of(graph),
    )
