"""Blocks and rounds that were expanded once, and what equal ones are as copies of them."""

from collections.abc import Iterator
from typing import NamedTuple

from cnncalc.errors import Path
from cnncalc.graph import Node
from cnncalc.layers.base import Shape
from cnncalc.spec.scope import Scope, bundle, is_bundle, unbundled


class Expanded(NamedTuple):
    """What one use of a block, or one round of a repeat, came to. Nothing in it is wrong, and it
    reads nothing from outside but the one node that it is put behind."""

    scope: Scope
    reads: str
    nodes: list[Node]
    output: str
    steps: int
    """How many items and values were expanded for it."""
    longest: int
    """How much longer than its own the longest name in it is."""
    shape: Shape | None = None
    """The shape of what it reads, where a formula in it asked for one."""

    def moved(self, node: str, name: str, reads: str) -> str:
        """What a node is called in an equal use of that name, behind the node `reads`."""
        if is_bundle(node):
            return bundle(self.moved(single, name, reads) for single in unbundled(node))
        return reads if node == self.reads else name + node[len(self.scope.name) :]

    def copies(self, name: str, uses: tuple[Path, ...], reads: str) -> Iterator[Node]:
        """Its nodes in an equal use of that name, used there, behind the node `reads`."""
        start, outside, before = len(self.scope.name), len(self.scope.uses), self.reads
        for node in self.nodes:
            within = node.uses[: len(node.uses) - outside]
            yield Node(
                name + node.name[start:],
                node.layer,
                tuple([reads if n == before else name + n[start:] for n in node.inputs]),
                node.fused_into and name + node.fused_into[start:],
                node.path,
                (*within, *uses) if within else uses,
                node.weights_of and name + node.weights_of[start:],
                node.indices_of and name + node.indices_of[start:],
                node.trainable,
                node.assertions,
            )
