"""What a spec was hardly meant to say: layers, inputs and blocks that nothing reads."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from cnncalc.graph import Graph
from cnncalc.infer import Facts

NAMED = 8
"""How many layers are named."""


class Notice(NamedTuple):
    """A remark on a network as a whole; `harms` tells whether its numbers are hardly meant."""

    kind: str
    layer: str
    """The layer, input or block that it speaks of, or the first of several."""
    message: str
    harms: bool = False

    @property
    def line(self) -> str:
        """The notice as it stands under a table."""
        return f"{'warning' if self.harms else 'note'}: {self.message}"

    def to_dict(self) -> dict[str, Any]:
        """The notice as the JSON contract has warnings: it is of no axis, and nothing fixes it."""
        about: dict[str, Any] = {"layer": self.layer, "axis": None, "kind": self.kind}
        return {**about, "message": self.message, "fixes": []}


def notices(graph: Graph, facts: Sequence[Facts]) -> Iterator[Notice]:
    """A notice of all layers that no output needs, of each input and of each block not used."""
    unread = set(graph.unread())
    if unread:
        names = [f.node.name for f in facts if f.node.name in unread and not f.node.fused_into]
        resting = graph.only_auxiliary()
        running = [fact for fact in facts if fact.node.name not in resting]
        shares = [
            f"{share} of the {what}"
            for what, share in (
                ("MACs", _share([(f.macs, f.node.name in unread) for f in running])),
                ("parameters", _share([(f.params, f.node.name in unread) for f in facts])),
            )
            if share
        ]
        costs = f", {' and '.join(shares)}" if shares else ""
        them = "them" if len(names) > 1 else "it"
        remedy = f"read {them} by from, or name {them} in outputs or auxiliary"
        message = f"no output needs {_listed(names)}{costs}; {remedy}"
        yield Notice("unread", names[0], message, harms=True)
    read = {name for node in graph.nodes for name in node.inputs}
    for name in graph.inputs:
        if name not in read:
            yield Notice("unread", name, f"no layer reads the input {name}", harms=True)
    for name in graph.unused_blocks:
        yield Notice("unused", name, f"no layer uses the block {name}")


def _share(counts: Sequence[tuple[int, bool]]) -> str:
    """Percent of the counts that belong to it; nothing of nothing."""
    part, whole = sum(count for count, its in counts if its), sum(count for count, _ in counts)
    if not part:
        return ""
    tenths = (2000 * part + whole) // (2 * whole)
    return f"{tenths // 10}.{tenths % 10} %" if tenths else "<0.1 %"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
