"""Names and variables: what is visible where, and what things are called in full."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import Any

from cnncalc.errors import Path, shown
from cnncalc.graph import INPUT

ITEM_KEYS = ("name", "from", "weights_of", "indices_of", "when", "trainable")
"""The words that stand beside a layer; a block of that name wins over the newer ones."""
RESERVED = {"name", "from", "weights_of", "repeat", INPUT}
"""Words that cannot be names."""
MAX_NAME = 100
"""The longest name of a network or a layer."""
MAX_PATH = 300
"""The longest path of names within blocks and repeats."""

UNKNOWN = ""
"""Stands for an output that a mistake leaves unknown; nothing behind it is judged."""
_AND = "?"

_JOINTS = str.maketrans("_-", "aa")


class Stop(Exception):
    """The spec has MAX_FOUND problems."""


def bundle(nodes: Iterable[str]) -> str:
    """Several results as one: all inputs of a network, or all outputs of a block.

    What reads several inputs reads them in order; all else has to say which one it reads.
    """
    found = [single for node in nodes for single in unbundled(node)]
    if len(found) == 1:
        return found[0]
    return UNKNOWN if UNKNOWN in found else "".join(_AND + node for node in found)


def is_bundle(reads: str) -> bool:
    """Whether it stands for several results."""
    return reads[:1] == _AND


def is_single(reads: str) -> bool:
    """Whether it is one result, and known."""
    return reads != UNKNOWN and not is_bundle(reads)


def unbundled(reads: str) -> list[str]:
    """The single results that it stands for."""
    return reads[1:].split(_AND) if is_bundle(reads) else [reads]


class Scope:
    """The top of a spec, one use of a block, or one round of a repeat.

    It reads outward: names and, but for a block, variables of the scope around it. Nothing
    outside reads its names.
    """

    def __init__(
        self,
        taken: Set[str],
        variables: Mapping[str, Any],
        outer: "Scope | None" = None,
        name: str = "",
        uses: tuple[Path, ...] = (),
    ) -> None:
        self.variables = variables
        self.outer = outer
        self.name = name
        """What the block or round is called in the graph."""
        self.prefix = f"{name}." if name else ""
        """What stands before its names in the graph."""
        self.uses = uses
        """Where the blocks around it are used, the innermost first."""
        self.named: dict[str, str] = {}
        """What each explicit name stands for: the node that gives its output."""
        self.taken = taken
        """The explicit names of all its items, seen already or not."""
        self.looks_out = False
        """Whether something in it was looked for in the scopes around it."""
        self.closed: list[tuple[str, Scope]] = []
        """Its blocks and repeats: what each is called in full, and a scope with its names."""
        self._inside: dict[str, str] = {}
        self._automatic: set[str] = set()
        self._counts: dict[str, int] = {}

    def full(self, name: str) -> str:
        """What a name of this scope is called in the graph."""
        return f"{self.prefix}{name}"

    def outward(self) -> Iterator["Scope"]:
        """This scope, and those around it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer

    def owner(self, name: Any) -> "Scope | None":
        """The scope, this or one around it, that a name is visible from."""
        for scope in self.outward() if isinstance(name, str) else ():
            if name in scope.named:
                return scope
            scope.looks_out = True
        return None

    def find(self, name: Any) -> str | None:
        """The node that gives the output that a name stands for."""
        scope = self.owner(name)
        return None if scope is None else scope.named[name]

    def several(self, reads: list[str]) -> str:
        """What to say of several results where one is wanted."""
        called = [n for scope in self.outward() for n, node in scope.named.items() if node in reads]
        listed = ", ".join(called) or "give what it reads a name first"
        return f"there are several inputs; say with from which one it reads: {listed}"

    def no_source(
        self, name: Any, reader: str, key: str, hint: Callable[[str, Iterable[str]], str]
    ) -> str:
        """Why `name` cannot be read by the `key` (from, weights_of, outputs …) of `reader`."""
        if not isinstance(name, str):
            several = " or a list of names" if key == "from" else ""
            return f"must be a name{several}, not {shown(name)}"
        if name.startswith("="):
            return f"formulas do not stand in {key}, which names layers; `when` chooses among items"
        earlier = f"; {key} names earlier layers"
        if name == reader:
            return f"a layer cannot read itself{earlier}"
        for scope in self.outward():
            if name in scope._automatic:
                return f"{name} is an automatic name; give that layer the name to use it here"
            if name in scope.taken:
                return f"{name} comes later{earlier}"
        given = [known for known in self.named if known.startswith(f"{name.partition('.')[0]}.")]
        if given:
            return (
                f"there is no {shown(name)}{hint(name, given) or '; there are ' + ', '.join(given)}"
            )
        inside = self.inside()
        head = inside.get(name) or name.partition(".")[0]
        if name in inside or (head != name and (head in self.named or head in self._automatic)):
            return f"{shown(name)} is inside {head}; of a block or repeat only its own name is seen"
        visible = [known for scope in self.outward() for known in scope.named]
        kind = "earlier layer" if key in ITEM_KEYS else "layer"
        return f"no {kind} is named {shown(name)}{hint(name, visible)}"

    def inside(self) -> dict[str, str]:
        """The names within its blocks and repeats, which it cannot read, and whose they are."""
        # Gathered here: only messages ask for them.
        for name, scope in self.closed:
            # A block that is all of a round has the round's name.
            construct = f"{name}.".removeprefix(self.prefix).split(".")[0]
            self._inside.update(dict.fromkeys([*scope.named, *scope.inside()], construct))
        self.closed.clear()
        return self._inside

    def refusal(self, name: Any) -> str | None:
        """Why something cannot be a name here, or None where it can."""
        if not isinstance(name, str):
            return f"must be a word, not {shown(name)}"
        if name in RESERVED:
            return f"{name} is a word of the language; choose another"
        if "." in name:
            return f"{shown(name)} has a dot; dots separate the parts of a path"
        if not is_name(name):
            return f"{shown(name)} must be letters, digits, _ and - only, and not start with -"
        if len(name) > MAX_NAME:
            return f"must have at most {MAX_NAME} characters, not {len(name):,}"
        if name in self.named:
            return f"{name} is an earlier layer's name too; choose another"
        return None

    def automatic_name(self, prefix: str) -> str:
        """The prefix and the next number that no explicit name of this scope has."""
        number = self._counts.get(prefix, 0) + 1
        while f"{prefix}{number}" in self.taken or f"{prefix}{number}" in self._automatic:
            number += 1
        self._counts[prefix] = number
        self._automatic.add(f"{prefix}{number}")
        return f"{prefix}{number}"


def is_name(text: str) -> bool:
    """Whether it is letters, digits, _ and - only, and not - in front."""
    return text[:1] != "-" and text != "_" and text.translate(_JOINTS).isalnum()


def explicit_names(items: Any) -> set[str]:
    """Every explicit name of a list of items and of its branches, which share its scope."""
    return {name for name in _names(items) if isinstance(name, str)}


def _names(items: Any) -> Iterator[Any]:
    waiting = [items]
    while waiting:
        listed = waiting.pop()
        for item in listed if isinstance(listed, list) else ():
            if isinstance(item, dict):
                yield item.get("name")
                for value in item.values():
                    norm = value.get("norm") if isinstance(value, dict) else None
                    yield norm.get("name") if isinstance(norm, dict) else None
                    branches = value.get("branches") if isinstance(value, dict) else value
                    if isinstance(branches, list):
                        waiting += branches
