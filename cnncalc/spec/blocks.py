"""The constructs of the language: blocks and their uses, repeats, and equal ones as copies."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from cnncalc.dims import is_integer, pinned
from cnncalc.errors import Path, shown
from cnncalc.layers.base import Layer
from cnncalc.spec import advice
from cnncalc.spec.copies import Expanded
from cnncalc.spec.formula import is_variable
from cnncalc.spec.header import A_VARIABLE
from cnncalc.spec.items import LayerExpander
from cnncalc.spec.resolve import MAX_STEPS, written
from cnncalc.spec.scope import (
    MAX_PATH,
    UNKNOWN,
    Scope,
    bundle,
    explicit_names,
    is_single,
    unbundled,
)

MAX_NODES = 5_000
"""The most layers that a spec may expand to."""
MAX_TIMES = 1_000
"""The most rounds of a repeat."""
_REPEAT_KEYS = ("times", "each", "index", "layers")


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
        if "indices_of" in beside:
            message = "indices_of stands beside a layer, not beside a block or a repeat"
            self.problem((*path, "indices_of"), name, message)
        wanted: list[str] = (self.blocks.get(word) or {"inputs": []})["inputs"]
        sources = self.read(beside, path, name, reads)
        if word != "repeat":
            sources = self.fitting(word, wanted or ["input"], sources, beside, path, name)
        start = bundle(sources) if sources else UNKNOWN
        full, before = self.full(name, path), len(self.nodes)
        make = self.repeat if word == "repeat" else partial(self.block, word)
        output = self.keep(explicit, make(value, full, at, start))
        if explicit and output != UNKNOWN:
            results: list[str] = (self.blocks.get(word) or {"outputs": []})["outputs"]
            for result, node in zip(results, unbundled(output), strict=False):
                self.scope.named[f"{explicit}.{result}"] = node
        if "weights_of" in beside:
            self.share(beside["weights_of"], path, name, full, before)
        return output

    def share(self, source: Any, path: Path, name: str, full: str, before: int) -> None:
        """Give the nodes of a use the weights of those that are called alike in another one."""
        path, where = (*path, "weights_of"), f"{name}.weights_of"
        scope = self.scope.owner(source)
        if scope is None:
            self.problem(path, where, self.scope.no_source(source, name, "weights_of", self.hint))
            return
        other, names = scope.full(source), self.names
        shared = False
        for index in range(before, len(self.nodes)):
            node = self.nodes[index]
            if type(node.layer).weights is Layer.weights:
                continue
            part = node.name[len(full) :]
            if other + part not in names:
                message = f"{source} has no layer {part[1:]}, whose weights it would share"
                self.problem(path, where, message)
                return
            owner, shared = names[other + part], True
            node = node._replace(weights_of=owner.weights_of or owner.name)
            self.nodes[index] = names[node.name] = node
        if not shared and not self.problems:
            self.problem(path, where, f"{name} has no weights to share")

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
            known = unbundled(reads) if reads != UNKNOWN else [UNKNOWN] * len(block["inputs"])
            self.scope.named.update(zip(block["inputs"], known, strict=False))
            output = self.items(block["layers"], ("blocks", word, "layers"), reads)
            if block["outputs"]:
                output = self.results(word, block["outputs"])
        self.open.pop()
        return output

    def results(self, word: str, outputs: list[str]) -> str:
        """The nodes that a block gives as its outputs."""
        found = []
        for index, name in enumerate(outputs):
            node = self.scope.find(name) if name in self.scope.named else None
            if node is None:
                path: Path = ("blocks", word, "outputs", index)
                message = self.scope.no_source(name, "", "outputs", self.hint)
                self.problem(path, f"{word}.outputs", message)
            found.append(node or UNKNOWN)
        return bundle(found)

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
            message = "a repeat is a mapping of times or each, of layers and, if needed, index"
            return self.unknown(at, name, message)
        for key in value:
            if key not in _REPEAT_KEYS:
                hint = self.hint(str(key), _REPEAT_KEYS)
                where = f"{name}.{advice.quoted(key)}"
                self.problem((*at, key), where, f"no such key of repeat{hint}")
        index, items = value.get("index"), value["layers"]
        if index is not None and not is_variable(index):
            return self.unknown((*at, "index"), f"{name}.index", A_VARIABLE)
        if ("times" in value) == ("each" in value):
            lacking = "repeat needs times, how many rounds there are, or each, a row for each round"
            both = "each has a row for each round: leave times out"
            return self.unknown(at, name, both if "each" in value else lacking)
        rounds = (self.rows if "each" in value else self.times)(value, name, at)
        outer = self.scope
        key = ("repeat", name) if index is None and "times" in value else None
        for number, row in enumerate(rounds or ()):
            called, met = f"{name}.{number}", self.met
            variables = outer.variables
            if key is None:
                variables = {**variables, **row, **({index: number} if index else {})}
            layers = partial(self.round, items, (*at, "layers"), called, reads)
            reads = self.expanded(key, called, outer.uses, items, variables, at, reads, layers)
            if self.met > met:
                # The rounds behind a broken one have nothing good to read.
                return UNKNOWN
        return UNKNOWN if rounds is None else reads

    def times(self, value: dict[str, Any], name: str, at: Path) -> list[dict[str, Any]] | None:
        """A round for each of `times`."""
        at, name, before = (*at, "times"), f"{name}.times", self.unresolved
        times = self.resolved(value["times"], at, name)
        if self.unresolved > before:
            return None
        if not (is_integer(times) and 0 <= times <= MAX_TIMES):
            message = f"must be a whole number from 0 to {MAX_TIMES:,}, not {shown(times)}"
            self.problem(at, name, message)
            return None
        return [{}] * pinned(times)

    def rows(self, value: dict[str, Any], name: str, at: Path) -> list[dict[str, Any]] | None:
        """A round for each row of `each`: the values of its columns."""
        each, at, name = value["each"], (*at, "each"), f"{name}.each"
        if not isinstance(each, dict) or set(each) != {"of", "rows"}:
            odd = (
                [key for key in each if key not in ("of", "rows")] if isinstance(each, dict) else []
            )
            for key in odd:
                hint = self.hint(str(key), ("of", "rows")) or "; it has of and rows"
                where = f"{name}.{advice.quoted(key)}"
                self.problem((*at, key), where, f"no such key of each{hint}")
            if not odd:
                wanted = (
                    "must have of and rows, such as {of: [width, n], rows: [[64, 3], [128, 4]]}"
                )
                self.problem(at, name, wanted)
            return None
        columns = each["of"] if isinstance(each["of"], list) else [each["of"]]
        for column in columns:
            if not is_variable(column) or columns.count(column) > 1:
                message = "is listed twice" if is_variable(column) else A_VARIABLE
                self.problem((*at, "of"), f"{name}.of", f"{shown(column)}: {message}")
                return None
        before = self.unresolved
        rows = self.resolved(each["rows"], (*at, "rows"), f"{name}.rows", exact=True)
        if self.unresolved > before:
            return None
        if not isinstance(rows, list) or len(rows) > MAX_TIMES:
            given = f"{len(rows):,}" if isinstance(rows, list) else shown(rows)
            message = f"must be a list of at most {MAX_TIMES:,} rows, not {given}"
            self.problem((*at, "rows"), f"{name}.rows", message)
            return None
        found, met = list[dict[str, Any]](), self.met
        for number, row in enumerate(rows):
            entries = row if isinstance(row, list) or isinstance(each["of"], list) else [row]
            if isinstance(entries, list) and len(entries) == len(columns):
                found.append(dict(zip(columns, entries, strict=True)))
                continue
            message = f"must have a value for each of {', '.join(columns)}, not {shown(row)}"
            if isinstance(row, list):
                message = f"has {len(row)} values for {len(columns)} columns: {', '.join(columns)}"
            self.problem((*at, "rows", number), f"{name}.rows[{number}]", message)
        return found if self.met == met else None

    def round(self, items: list[Any], path: Path, name: str, reads: str) -> str:
        """One round of a repeat. Where all of it is one nameless block, the round is the block."""
        item = items[0] if len(items) == 1 else None
        self.reading = None, reads
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
            or not is_single(reads)
            or len(self.nodes) + len(known.nodes) + known.steps > MAX_NODES
            or self.steps + known.steps > MAX_STEPS
            or len(name) + known.longest > MAX_PATH
            or (known.shape and known.shape != self.shape(reads))
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
        nodes, steps, asked = len(self.nodes), self.steps, self.asked
        outer, self.longest = self.longest, 0
        with self.inside(scope, at):
            output = layers()
        longest, self.longest = self.longest, max(outer, self.longest)
        if key and not (self.problems or scope.looks_out or not is_single(reads)):
            self._known[key] = Expanded(
                scope,
                reads,
                self.nodes[nodes:],
                output,
                self.steps - steps,
                longest - len(name),
                self.shape(reads) if self.asked > asked else None,
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
