"""From plain values to a graph: blocks, repeats, names, wiring, branches, fused activations.

Every mistake that can be found independently of the others is collected, with its path in the
document, and all are raised together.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from cnncalc.dims import is_integer, pinned
from cnncalc.errors import MAX_REPORTED, Path, Problem, path_text, shown
from cnncalc.graph import INPUT, Graph
from cnncalc.infer import judge
from cnncalc.layers import MODULES
from cnncalc.spec import advice
from cnncalc.spec.copies import Expanded
from cnncalc.spec.document import Document
from cnncalc.spec.formula import is_variable
from cnncalc.spec.header import A_VARIABLE, Header
from cnncalc.spec.items import (
    MAX_NESTED,
    MAX_STEPS,
    SEVERAL,
    UNKNOWN,
    LayerExpander,
    TooLarge,
    written,
)
from cnncalc.spec.scope import ITEM_KEYS, MAX_PATH, Scope, Stop, explicit_names

MAX_NODES = 5_000
"""The most layers that a spec may expand to."""
MAX_TIMES = 1_000
"""The most rounds of a repeat."""


def expand(
    document: Document, variables: Mapping[str, Any] | None = None, variant: str | None = None
) -> Graph:
    """The graph of a document. Raises SpecError with every independent mistake.

    `variant` chooses one of the spec's named settings, `variables` replaces single values.
    """
    expander = _Expander()
    graph = expander.graph(document, variables or {}, variant)
    if expander.problems:
        # Layers that are well written may still not fit: one mistake must not hide the other.
        misfits = (misfit.problem for misfit in judge(graph)[1])
        raise document.origin.error([*expander.problems, *misfits])
    return graph


class _Expander(LayerExpander):
    def __init__(self) -> None:
        super().__init__()
        self.blocks: dict[str, Any] = {}
        self.open: list[str] = []
        """The blocks that are being expanded, the outermost first."""
        self._explicit: dict[int, set[str]] = {}
        """The explicit names of lists of items, by the identity of the list."""
        self._known: dict[Hashable, Expanded] = {}
        """Blocks and rounds by all that they depend on: networks repeat themselves."""

    # The document

    def graph(self, document: Document, variables: Mapping[str, Any], variant: str | None) -> Graph:
        header = Header(document, variables, variant)
        self.problems += header.problems
        self.blocks = header.blocks
        output, outputs, auxiliary = UNKNOWN, list[str](), list[str]()
        inputs = header.input_names or [INPUT]
        self.top = self.scope = Scope({*explicit_names(header.items), *inputs}, header.variables)
        self.scope.named.update({name: name for name in inputs})
        try:
            reads = inputs[0] if len(inputs) == 1 else SEVERAL
            output = self.items(header.items, ("layers",), reads)
            if output == SEVERAL:
                self.problem(("layers",), "layers", "no layer reads an input")
            outputs = self.outputs(header.outputs, "outputs") or [output]
            auxiliary = self.outputs(header.auxiliary, "auxiliary")
            for index, name in enumerate(auxiliary):
                if name in outputs and name != UNKNOWN:
                    message = f"{header.auxiliary[index]} is an output of the network itself"
                    self.problem(("auxiliary", index), "auxiliary", message)
        except TooLarge as end:
            where = self.scope.prefix.removesuffix(".") or path_text(end.path)
            self.problems.append(Problem(end.path, where, end.message, self.scope.uses))
        except Stop:
            pass
        complete = not self.problems
        return Graph(
            name=header.name,
            inputs=header.inputs,
            nodes=tuple(self.nodes),
            description=header.description,
            source=header.source,
            origin=document.origin,
            outputs=tuple(outputs) if complete else (),
            auxiliary=tuple(auxiliary) if complete else (),
        )

    def outputs(self, names: list[Any], key: str) -> list[str]:
        """The nodes that `outputs` or `auxiliary` names."""
        found = []
        for index, name in enumerate(names):
            output = self.scope.find(name)
            if output is None:
                message = self.scope.no_source(name, "", key, self.hint)
            elif output not in self.names and output in self.top.named:
                message = f"{shown(name)} is an input; {key} names layers"
            elif output in found and output != UNKNOWN:
                message = f"{shown(name)} gives a result that is listed already"
            else:
                found.append(output)
                continue
            self.problem((key, index), key, message)
        return found

    # Items

    def items(self, items: list[Any], path: Path, reads: str) -> str:
        """Add the nodes of a list of items; the first reads `reads`. Gives the last's name."""
        self.step(path, 1 + len(items))
        if len(self.nodes) + len(items) > MAX_NODES:
            raise TooLarge(path, f"more than {MAX_NODES:,} layers in all")
        if self.nested > MAX_NESTED:
            message = f"blocks, repeats and branches nested more than {MAX_NESTED} deep"
            return self.unknown(path, path_text(path), message)
        self.nested += 1
        for index, item in enumerate(items):
            reads = self.item(item, (*path, index), reads)
        self.nested -= 1
        return reads

    def item(self, item: Any, path: Path, reads: str) -> str:
        """Add the nodes of one item. Gives the name of its output."""
        if isinstance(item, str):
            return self.word(item, None, {}, path, path, reads)
        if not isinstance(item, dict):
            message = f"must be a layer's name or a mapping, not {shown(item)}"
            return self.unknown(path, path_text(path), message)
        beside = {key: item[key] for key in ITEM_KEYS if key in item}
        words = [key for key in item if key not in ITEM_KEYS]
        if len(words) != 1:
            for found in advice.no_layer(item, words, path, self.blocks):
                self.problem(found.path, found.where, found.message)
            explicit = self.explicit_name(beside["name"], path) if "name" in beside else None
            return self.keep(explicit, UNKNOWN)
        return self.word(words[0], item[words[0]], beside, path, (*path, words[0]), reads)

    def word(
        self, word: Any, value: Any, beside: dict[str, Any], path: Path, at: Path, reads: str
    ) -> str:
        """Add the nodes of a layer, a block or a repeat. `at` is where its word stands."""
        explicit = self.explicit_name(beside["name"], path) if "name" in beside else None
        if word == "repeat" or (isinstance(word, str) and word in self.blocks):
            return self.construct(word, value, beside, explicit, path, at, reads)
        if word not in MODULES:
            # Nobody reads the suggestions behind the first problems.
            among = self.blocks if len(self.problems) < MAX_REPORTED else ()
            self.problem(at, advice.quoted(word), advice.unknown_layer(word, among))
            word = advice.right_word(word)
            if word is None or value is None:
                return self.keep(explicit, UNKNOWN)
        return self.layer(word, value, beside, explicit, path, at, reads)

    # Blocks and repeats

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
