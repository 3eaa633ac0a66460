"""From plain values to a graph: blocks, repeats, names, wiring, branches, fused activations.

Every mistake that can be found independently of the others is collected, with its path in the
document, and all are raised together.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from cnncalc.errors import MAX_REPORTED, Path, Problem, path_text, shown
from cnncalc.graph import INPUT, Graph
from cnncalc.infer import Judged, judge
from cnncalc.layers import MODULES
from cnncalc.layers.base import Shape
from cnncalc.spec import advice
from cnncalc.spec.blocks import MAX_NODES
from cnncalc.spec.document import Document
from cnncalc.spec.header import Header
from cnncalc.spec.items import MAX_NESTED
from cnncalc.spec.networks import Find, NetworkExpander, Use
from cnncalc.spec.resolve import TooLarge
from cnncalc.spec.scope import (
    ITEM_KEYS,
    UNKNOWN,
    Scope,
    Stop,
    bundle,
    explicit_names,
    is_bundle,
    unbundled,
)

_BESIDE = frozenset(ITEM_KEYS)


def expand(
    document: Document,
    variables: Mapping[str, Any] | None = None,
    variant: str | None = None,
    shape: Shape | None = None,
    *,
    find: Find | None = None,
) -> Graph:
    """The graph of a document. Raises SpecError with every independent mistake.

    `variant` chooses one of the spec's named settings, `variables` replaces single values, and
    `shape` the only input's, channels first. `find` gives the networks that it uses as items.
    """
    expander = _Expander()
    expander.find = find or expander.find
    header = Header(document, variables or {}, variant)
    if shape is not None:
        (name,) = header.inputs
        header.inputs = {name: shape}
    graph = expander.graph(header, document)
    if expander.asked:
        # What formulas made of one shape is wrong for another.
        graph = graph._replace(on=partial(expand, document, variables, variant, find=find))
    if expander.problems:
        # Layers that are well written may still not fit: one mistake must not hide the other.
        misfits = (misfit.problem for misfit in judge(graph)[1])
        raise document.origin.error([*expander.problems, *misfits])
    # Where a formula asked for a shape that is not to be had, `infer` says why; on another input it
    # may be.
    return graph


class _Expander(NetworkExpander):
    # The document

    def graph(self, header: Header, document: Document) -> Graph:
        self.problems += header.problems
        self.blocks = header.blocks
        output, outputs, auxiliary = UNKNOWN, list[str](), list[str]()
        inputs = header.input_names or [INPUT]
        self.top = self.scope = Scope({*explicit_names(header.items), *inputs}, header.variables)
        self.scope.named.update({name: name for name in inputs})
        self.judged = Judged(header.inputs)
        try:
            start = bundle(inputs)
            output = self.items(header.items, ("layers",), start)
            if output == start and is_bundle(start):
                self.problem(("layers",), "layers", "no layer reads an input")
            outputs = self.outputs(header.outputs, "outputs") or unbundled(output)
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
            outputs=tuple(filter(None, outputs)) if complete else (),
            auxiliary=tuple(filter(None, auxiliary)) if complete else (),
            unused_blocks=_unused(header.blocks, header.items) if header.blocks else (),
            changed=header.changed,
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
                found += unbundled(output)
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
            self.reading = None, reads
            return self.word(item, None, {}, path, path, reads)
        if not isinstance(item, dict):
            message = f"must be a layer's name or a mapping, not {shown(item)}"
            return self.unknown(path, path_text(path), message)
        beside = {key: item[key] for key in _BESIDE & item.keys() if key not in self.blocks}
        words = [key for key in item if key not in beside]
        if len(words) != 1:
            for found in advice.no_layer(item, words, path, self.blocks):
                self.problem(found.path, found.where, found.message)
            explicit = self.explicit_name(beside["name"], path) if "name" in beside else None
            return self.keep(explicit, UNKNOWN)
        self.reading = beside.get("from"), reads
        if "when" in beside:
            wanted = self.truth(beside["when"], path, "when")
            if not wanted:
                return self.left_out(words[0], beside, path, reads if wanted is False else UNKNOWN)
        before = len(self.nodes)
        output = self.word(words[0], item[words[0]], beside, path, (*path, words[0]), reads)
        if "trainable" in beside and self.truth(beside["trainable"], path, "trainable") is False:
            self.nodes[before:] = [n._replace(trainable=False) for n in self.nodes[before:]]
        return output

    def truth(self, value: Any, path: Path, key: str) -> bool | None:
        """What a key beside an item says, true or false, or None where that is not to be known."""
        path, before = (*path, key), self.unresolved
        found = self.resolved(value, path, path_text(path))
        if isinstance(found, bool):
            return found
        if self.unresolved == before:
            message = f"must be true or false, or a formula such as =n > 1, not {shown(found)}"
            self.problem(path, path_text(path), message)
        return None

    def left_out(self, word: Any, beside: dict[str, Any], path: Path, reads: str) -> str:
        """What an item comes to that is not wanted: what it would read, under its name."""
        explicit = self.explicit_name(beside["name"], path) if "name" in beside else None
        if "from" in beside and reads != UNKNOWN:
            name = explicit or advice.quoted(word)
            sources = self.sources(beside["from"], path, name)
            reads = bundle(sources) if sources else UNKNOWN
        return self.keep(explicit, reads)

    def word(
        self, word: Any, value: Any, beside: dict[str, Any], path: Path, at: Path, reads: str
    ) -> str:
        """Add the nodes of a layer, a block or a repeat. `at` is where its word stands."""
        explicit = self.explicit_name(beside["name"], path) if "name" in beside else None
        if word == "repeat" or (isinstance(word, str) and word in self.blocks):
            return self.construct(word, value, beside, explicit, path, at, reads)
        if word == "network":
            name = explicit or self.scope.automatic_name("network")
            return self.network(value, beside, Use(explicit, name, path, at), reads)
        if word not in MODULES:
            # Nobody reads the suggestions behind the first problems.
            among = self.blocks if len(self.problems) < MAX_REPORTED else ()
            self.problem(at, advice.quoted(word), advice.unknown_layer(word, among))
            word = advice.right_word(word)
            if word is None or value is None:
                return self.keep(explicit, UNKNOWN)
        return self.layer(word, value, beside, explicit, path, at, reads)


def _unused(blocks: Mapping[str, Any], items: list[Any]) -> tuple[str, ...]:
    """The blocks that items do not speak of, be it in another block that they use.

    Whether a round or a branch is ever expanded is not asked: another variant may.
    """
    left, waiting = dict(blocks), [items]
    while waiting and left:
        for word in _words(waiting.pop()):
            if word in left:
                block = left.pop(word)
                waiting.append(block["layers"] if block else [])
    return tuple(left)


def _words(value: Any) -> Iterator[str]:
    """Every key and every text within a value."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from (key for key in value if isinstance(key, str))
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str):
            yield value
