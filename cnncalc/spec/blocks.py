"""The constructs of the language: blocks and their uses, repeats, and equal ones as copies."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from cnncalc.dims import is_integer, pinned
from cnncalc.errors import Path, shown
from cnncalc.spec import advice
from cnncalc.spec.copies import Expanded
from cnncalc.spec.formula import is_variable
from cnncalc.spec.header import A_VARIABLE
from cnncalc.spec.items import MAX_STEPS, SEVERAL, UNKNOWN, LayerExpander, written
from cnncalc.spec.scope import MAX_PATH, Scope, explicit_names

MAX_NODES = 5_000
"""The most layers that a spec may expand to."""
MAX_TIMES = 1_000
"""The most rounds of a repeat."""


class BlockExpander(LayerExpander):
    """Knows blocks and repeats beside layers."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: dict[str, Any] = {}
        self.open: list[str] = []
        """The blocks that are being expanded, the outermost first."""
        self._explicit: dict[int, set[str]] = {}
        """The explicit names of lists of items, by the identity of the list."""
        self._known: dict[Hashable, Expanded] = {}
        """Blocks and rounds by all that they depend on: networks repeat themselves."""

    def construct(
        self,
        word: str,
        value: Any,
        beside: dict[str, Any],
        explicit: str | None,
        path: Path,
        at: Path,
        reads: str,
    ) -> str:
        """Add the nodes of a block's use or of a repeat."""
        name = explicit or self.scope.automatic_name(word)
        sources = self.sources(beside["from"], path, name) if "from" in beside else [reads]
        if "weights_of" in beside:
            message = "weights_of stands beside a layer, not beside a block or a repeat"
            self.problem((*path, "weights_of"), name, message)
        if sources is not None and len(sources) != 1:
            message = f"{word} reads one input, not {len(sources)}; add and concat join several"
            self.problem((*path, "from"), f"{name}.from", message)
        start = sources[0] if sources and len(sources) == 1 else UNKNOWN
        make = self.repeat if word == "repeat" else partial(self.block, word)
        return self.keep(explicit, make(value, self.full(name, path), at, start))

    def block(self, word: str, value: Any, name: str, at: Path, reads: str) -> str:
        """Add the nodes of one use of a block."""
        block = self.blocks[word]
        if word in self.open:
            chain = " → ".join([*self.open[self.open.index(word) :], word])
            return self.unknown(at, name, f"the block {word} uses itself: {chain}")
        if block is None or (given := self.arguments(word, block["args"], value, name, at)) is None:
            return UNKNOWN
        arguments, uses = written(word, given), (at, *self.scope.uses)
        key = (arguments, self.nested, *self.open) if arguments else None
        # A block sees the network's variables and its arguments, not those of its use.
        variables = {**self.top.variables, **given}
        body = partial(self.body, word, given, variables, reads)
        return self.expanded(key, name, uses, block["layers"], variables, at, reads, body)

    def body(self, word: str, given: dict[str, Any], variables: dict[str, Any], reads: str) -> str:
        """Add the nodes within one use of a block."""
        block, output = self.blocks[word], UNKNOWN
        self.open.append(word)
        if self.defaults(word, block["args"], given, variables):
            output = self.items(block["layers"], ("blocks", word, "layers"), reads)
        self.open.pop()
        return output

    def defaults(
        self, word: str, wanted: dict[str, Any], given: dict[str, Any], variables: dict[str, Any]
    ) -> bool:
        """Add the arguments that are not given; each sees the given ones and those above it."""
        before = self.unresolved
        for key, default in wanted.items():
            if key not in given:
                path = ("blocks", word, "args", key)
                variables[key] = self.resolved(default, path, f"{word}.{key}", exact=True)
        return self.unresolved == before

    def explicit(self, items: list[Any]) -> set[str]:
        """The explicit names of a list, which is read once, however often it is expanded."""
        if id(items) not in self._explicit:
            self._explicit[id(items)] = explicit_names(items)
        return self._explicit[id(items)]

    def arguments(
        self, word: str, wanted: dict[str, Any], value: Any, name: str, at: Path
    ) -> dict[str, Any] | None:
        """The arguments of a block's use: given, or by default."""
        required = [key for key, default in wanted.items() if default is None]
        if value is not None and not isinstance(value, dict):
            if len(required) == 1 or len(wanted) == 1:
                value = {(required or list(wanted))[0]: value}
            else:
                self.problem(at, name, f"{word} takes a mapping of arguments, not {shown(value)}")
                return None
        given = value or {}
        before = self.met, self.unresolved
        for key in given:
            if key not in wanted:
                hint = self.hint(str(key), wanted) or f"; it has {', '.join(wanted) or 'none'}"
                where = f"{name}.{advice.quoted(key)}"
                self.problem((*at, key), where, f"no such argument of {word}{hint}")
        for key in required:
            if given.get(key) is None:
                self.problem(at, f"{name}.{key}", f"{word} needs this argument")
        found = {
            key: self.resolved(entry, (*at, key), f"{name}.{key}", exact=True)
            for key, entry in given.items()
        }
        return found if (self.met, self.unresolved) == before else None

    def repeat(self, value: Any, name: str, at: Path, reads: str) -> str:
        """Add the nodes of every round of a repeat."""
        if not isinstance(value, dict) or not isinstance(value.get("layers"), list):
            message = "a repeat is a mapping of times, layers and, if needed, index"
            return self.unknown(at, name, message)
        for key in value:
            if key not in ("times", "index", "layers"):
                hint = self.hint(str(key), ("times", "index", "layers"))
                where = f"{name}.{advice.quoted(key)}"
                self.problem((*at, key), where, f"no such key of repeat{hint}")
        index, items, before = value.get("index"), value["layers"], self.unresolved
        if index is not None and not is_variable(index):
            return self.unknown((*at, "index"), f"{name}.index", A_VARIABLE)
        if "times" not in value:
            return self.unknown(at, f"{name}.times", "repeat needs it: how many rounds there are")
        times = self.resolved(value["times"], (*at, "times"), f"{name}.times")
        if self.unresolved > before:
            return UNKNOWN
        if not (is_integer(times) and 0 <= times <= MAX_TIMES):
            message = f"must be a whole number from 0 to {MAX_TIMES:,}, not {shown(times)}"
            return self.unknown((*at, "times"), f"{name}.times", message)
        outer = self.scope
        key = None if index else ("repeat", name)
        for number in range(pinned(times)):
            called, met = f"{name}.{number}", self.met
            variables = {**outer.variables, index: number} if index else outer.variables
            layers = partial(self.round, items, (*at, "layers"), called, reads)
            reads = self.expanded(key, called, outer.uses, items, variables, at, reads, layers)
            if self.met > met:
                # The rounds behind a broken one have nothing good to read.
                return UNKNOWN
        return reads

    def round(self, items: list[Any], path: Path, name: str, reads: str) -> str:
        """One round of a repeat. Where all of it is one nameless block, the round is the block."""
        item = items[0] if len(items) == 1 else None
        if isinstance(item, str) and item in self.blocks:
            return self.block(item, None, name, (*path, 0), reads)
        if isinstance(item, dict) and len(item) == 1:
            ((word, value),) = item.items()
            if isinstance(word, str) and word in self.blocks:
                return self.block(word, value, name, (*path, 0, word), reads)
        return self.items(items, path, reads)

    def copied(self, key: Hashable, name: str, uses: tuple[Path, ...], reads: str) -> str | None:
        """Add the nodes of a use or a round as copies of an equal one's, if there is one."""
        known = self._known.get(key)
        # What passes a bound is expanded, up to where it does. (A list is held against MAX_NODES
        # before it is expanded, and is a step for each item.)
        if (
            known is None
            or reads in (UNKNOWN, SEVERAL)
            or len(self.nodes) + len(known.nodes) + known.steps > MAX_NODES
            or self.steps + known.steps > MAX_STEPS
            or len(name) + known.longest > MAX_PATH
        ):
            return None
        self.steps += known.steps
        self.longest = max(self.longest, len(name) + known.longest)
        self.scope.closed.append((name, known.scope))
        self.nodes += known.copies(name, uses, reads)
        return known.moved(known.output, name, reads)

    def expanded(
        self,
        key: Hashable,
        name: str,
        uses: tuple[Path, ...],
        items: list[Any],
        variables: Mapping[str, Any],
        at: Path,
        reads: str,
        layers: Callable[[], str],
    ) -> str:
        """Add the nodes of a use or a round of a list of items, which `layers` adds in its scope.

        `key` tells all that they depend on but what they read and are called; None is no other's.
        """
        copied = self.copied(key, name, uses, reads)
        if copied is not None:
            return copied
        scope = Scope(self.explicit(items), variables, self.scope, name, uses)
        nodes, steps, outer, self.longest = len(self.nodes), self.steps, self.longest, 0
        with self.inside(scope, at):
            output = layers()
        longest, self.longest = self.longest, max(outer, self.longest)
        if key and not (self.problems or scope.looks_out or reads in (UNKNOWN, SEVERAL)):
            self._known[key] = Expanded(
                scope,
                reads,
                self.nodes[nodes:],
                output,
                self.steps - steps,
                longest - len(name),
            )
        return output

    @contextmanager
    def inside(self, scope: Scope, path: Path) -> Iterator[None]:
        """Expand within a scope, then go on in the one around it."""
        outer, self.scope = self.scope, scope
        self.step(path, 10)
        yield
        # After an exception the scope stays: it says where expansion ended.
        self.scope = outer
        outer.closed.append((scope.name, scope))
