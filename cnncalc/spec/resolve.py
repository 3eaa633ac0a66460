"""The values of a spec while it is expanded: its formulas, what they ask for, and what is wrong."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from cnncalc.errors import MAX_FOUND, MAX_REPORTED, Path, Problem, suggestion
from cnncalc.graph import Node
from cnncalc.infer import Judged
from cnncalc.layers.base import Shape
from cnncalc.spec.document import MAX_VALUES
from cnncalc.spec.formula import FormulaError, evaluate
from cnncalc.spec.scope import UNKNOWN, Scope, Stop, is_bundle

IN_CHANNELS = "in_channels"
"""What formulas call the channels of what their item reads."""
MAX_STEPS = 2 * MAX_VALUES
"""The most items and values of fields in all blocks and rounds together; no file holds more."""


class TooLarge(Exception):
    """The spec expands to more than is allowed, as `message` says, first passed at `path`."""

    def __init__(self, path: Path, message: str) -> None:
        self.path, self.message = path, message


class Resolver:
    """Collects nodes and problems, and gives the values that formulas stand for."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.nodes: list[Node] = []
        self.top = self.scope = Scope(set(), {})
        """The scope of the whole spec, and the one that is being expanded."""
        self.unresolved = 0
        """How many formulas had no value."""
        self.met = 0
        """How many problems there were, with those that were known already."""
        self.steps = 0
        self.nested = 0
        self.longest = 0
        """The length of the longest name in the block or round that is being expanded."""
        self.reading: tuple[Any, str] = (None, UNKNOWN)
        """The `from` of the item whose formulas are being computed, and what it reads without."""
        self.asked = 0
        """How many formulas asked for a shape."""
        self._judged_to = 0
        self.judged = Judged({})
        """What is known of the shapes; nodes are judged when a formula asks for one."""
        self._said: set[tuple[Path, str]] = set()

    def problem(self, path: Path, where: str, message: str) -> None:
        self.met += 1
        # A mistake in a block or a repeat is one, however often it is met.
        if (path, message) in self._said:
            self.step(path, 20)
            return
        self._said.add((path, message))
        self.problems.append(Problem(path, where, message, self.scope.uses))
        if len(self.problems) >= MAX_FOUND:
            raise Stop

    def unknown(self, path: Path, where: str, message: str) -> str:
        """The output of what is wrong itself, once that is said."""
        self.problem(path, where, message)
        return UNKNOWN

    def hint(self, word: str, known: Iterable[str]) -> str:
        """A suggestion, as long as somebody will read it."""
        return suggestion(word, known) if len(self.problems) < MAX_REPORTED else ""

    def step(self, path: Path, size: int = 1) -> None:
        """Count what is expanded, so that a short spec cannot stand for endless work."""
        self.steps += size
        if self.steps > MAX_STEPS:
            raise TooLarge(
                path, f"more than {MAX_STEPS:,} items and values in all its blocks and rounds"
            )

    def resolved(self, value: Any, path: Path, where: str, exact: bool = False) -> Any:
        """A value with its formulas computed; what has none counts in `unresolved`.

        `exact` keeps a fraction; fields of layers take the nearest float.
        """
        self.step(path)
        if isinstance(value, list):
            return [self.resolved(v, (*path, i), where) for i, v in enumerate(value)]
        if isinstance(value, dict):
            return {k: self.resolved(v, (*path, k), where) for k, v in value.items()}
        if not isinstance(value, str) or not value.startswith("="):
            return value
        if value.startswith("=="):
            return value[1:]
        try:
            variables = self.scope.variables
            if IN_CHANNELS in value and IN_CHANNELS not in variables:
                variables = {**variables, IN_CHANNELS: self.in_channels()}
            result = evaluate(value[1:], variables)
        except FormulaError as error:
            self.unresolved += 1
            if str(error):
                self.problem(path, where, str(error))
            return None
        if isinstance(result, (list, dict)):
            self.step(path, _size(result))
        return float(result) if isinstance(result, Fraction) and not exact else result

    def in_channels(self) -> int:
        """The channels of what the item reads whose formulas are being computed.

        Raises FormulaError.
        """
        given, reads = self.reading
        names = given if isinstance(given, list) else [given]
        if given is not None and len(names) == 1:
            reads = self.scope.find(names[0]) or UNKNOWN
        if len(names) != 1 or is_bundle(reads):
            raise FormulaError(f"{IN_CHANNELS} is that of one input; this reads several")
        shape = self.shape(reads)
        if shape is None:
            # What is wrong with it is said already, or will be when the nodes are judged.
            raise FormulaError("")
        return shape[0]

    def shape(self, name: str) -> Shape | None:
        """The shape of what a node gives, channels first; None where something is wrong there."""
        self.asked += 1
        for node in self.nodes[self._judged_to :]:
            self.judged.add(node)
        self._judged_to = len(self.nodes)
        return self.judged.shapes.get(name)


def written(word: str, fields: dict[str, Any]) -> str:
    """What no other layer or use of a block is written as; nothing where it cannot be written."""
    try:
        return f"{word} {fields!r}"
    except ValueError:  # A number with more digits than Python writes.
        return ""


def _size(value: Any) -> int:
    """The values within a list or mapping, which is no deeper than a document."""
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + sum(map(_size, value)) if isinstance(value, list) else 1
