"""One item of a spec as nodes: fields, fused activations, names, wiring and branches."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from cnncalc.errors import MAX_REPORTED, Path, path_text, shown
from cnncalc.graph import INPUT, Node
from cnncalc.layers import ACTIVATIONS, MODULES, NORMS, layer_class
from cnncalc.layers.base import Layer
from cnncalc.spec import advice
from cnncalc.spec.assertions import asserted, assertions_of
from cnncalc.spec.resolve import Resolver, written
from cnncalc.spec.scope import MAX_PATH, UNKNOWN, bundle, is_bundle, unbundled

MAX_NESTED = 40
"""How deep blocks, repeats and branches may stand inside one another."""


class LayerExpander(Resolver, ABC):
    """Knows all of the language but its constructs."""

    blocks: dict[str, Any]

    def __init__(self) -> None:
        super().__init__()
        self._names: dict[str, Node] = {}
        self._named = 0
        """How many nodes `_names` knows."""
        self._made: dict[str, Layer] = {}
        """Layers by how they are written: blocks write the same ones again and again."""

    @abstractmethod
    def items(self, items: list[Any], path: Path, reads: str) -> str:
        """Add the nodes of a list of items; the first reads `reads`. Gives the last's name."""

    def layer(
        self,
        word: str,
        value: Any,
        beside: dict[str, Any],
        explicit: str | None,
        path: Path,
        at: Path,
        reads: str,
    ) -> str:
        """Add the nodes of one layer."""
        cls = layer_class(word)
        name = explicit or self.scope.automatic_name(cls.prefix or cls.type)
        sources = self.read(beside, path, name, reads)
        fields, before = _fields(cls, value), self.unresolved
        branches = fields.pop("branches", None) if cls.joins and fields is not None else None
        if fields is not None:
            inner = isinstance(value, dict)
            fields = {
                key: self.resolved(v, (*at, key) if inner else at, f"{name}.{key}")
                for key, v in fields.items()
            }
        norm = fields.pop("norm", None) if fields and "norm" in cls.model_fields else None
        if norm is not None and fields is not None:
            # It sets the mean itself, so that biases before it do nothing; the activation is last.
            fields = {"bias": False, **fields}
            behind = fields.pop("activation", None)
            if "weights_of" in beside:
                message = "with norm it is not clear whose weights are meant; make norm an item"
                self.problem((*path, "weights_of"), f"{name}.weights_of", message)
        whole = self.unresolved == before
        assertions = self.assertions(cls, fields, name, at) if fields and whole else ()
        layer = self.validated(cls, fields, value, name, at) if whole else None
        fused = fields.get("activation") if fields and "activation" in cls.model_fields else None
        given = value.get("activation") if isinstance(value, dict) else None
        activation = self.activation(fused, name, at, computed=given != fused)
        if cls.joins and fields is None:
            sources = None
        elif cls.joins:
            place = (*at, "branches") if isinstance(value, dict) and branches is not None else at
            sources = self.branches(cls, branches, sources, beside, name, place)
            sources = self.fitting(word, cls.operands, sources, beside, path, name)
        elif sources is not None and len(sources) != 1:
            sources = self.fitting(word, ["input"], sources, beside, path, name)
        parts = (layer.lower() or {"": layer}) if layer else {}
        shared = None
        if "weights_of" in beside and "" in parts and cls.weights is Layer.weights:
            self.problem((*path, "weights_of"), name, f"{word} has no weights to share")
        elif "weights_of" in beside and parts:
            shared = self.shared(beside["weights_of"], [*parts], path, name)
        undone = self.undone(cls, beside, path, name)
        if not parts or sources is None or undone == UNKNOWN:
            return self.keep(explicit, UNKNOWN)
        output = full = self.full(name, path)
        uses = self.scope.uses
        for suffix, part in parts.items():
            output = _part(full, suffix)
            owner = None
            if shared:
                first = self.names[_part(shared, suffix)]
                owner = first.weights_of or first.name
            self.nodes.append(
                Node(
                    output,
                    part,
                    tuple(sources),
                    None,
                    at,
                    uses,
                    owner,
                    undone,
                    assertions=assertions,
                )
            )
            sources, assertions = [output], ()
        if norm is not None:
            output = self.norm(norm, behind, name, at, output)
        if activation is not None:
            place = (*at, "activation")
            node = Node(f"{full}.{activation.type}", activation, (output,), output, place, uses)
            self.nodes.append(node)
            output = node.name
        return self.keep(explicit, output)

    def norm(self, value: Any, activation: Any, name: str, at: Path, reads: str) -> str:
        """Add the nodes of the `norm` field and of the activation behind it."""
        at = (*at, "norm")
        explicit, words = None, {value: None} if isinstance(value, str) else value
        if isinstance(words, dict) and "name" in words:
            explicit = self.explicit_name(words["name"], at)
            words = {key: entry for key, entry in words.items() if key != "name"}
        if not isinstance(words, dict) or len(words) != 1:
            message = f"must be a word, or a mapping with one as a key, not {shown(value)}"
            return self.keep(explicit, self.unknown(at, f"{name}.norm", message))
        ((word, fields),) = words.items()
        if word not in NORMS:
            message = advice.unknown_norm(word)
            return self.keep(explicit, self.unknown(at, f"{name}.norm", message))
        cls = layer_class(word)
        fields = _fields(cls, fields)
        if fields is not None and activation is not None:
            fields = {**fields, "activation": activation}
        at = at if isinstance(value, str) else (*at, word)
        return self.layer(word, fields, {}, explicit, at, at, reads)

    def assertions(
        self, cls: type[Layer], fields: dict[str, Any], name: str, at: Path
    ) -> tuple[tuple[str, Any], ...]:
        """Take out of the fields what only says something of the input."""
        found = list[tuple[str, Any]]()
        for key in assertions_of(cls).keys() & fields.keys():
            value = fields.pop(key)
            try:
                found.append((key, asserted(key, value)))
            except ValueError as error:
                self.problem((*at, key), f"{name}.{key}", str(error))
        return tuple(sorted(found))

    @property
    def names(self) -> dict[str, Node]:
        """Every node by name; those that are fused into others have none."""
        # Gathered here: few networks share weights.
        added, self._named = self.nodes[self._named :], len(self.nodes)
        self._names.update((n.name, n) for n in added if not n.fused_into)
        return self._names

    def full(self, name: str, path: Path) -> str:
        """What a name of this scope is called in the graph."""
        full = self.scope.full(name)
        self.longest = max(self.longest, len(full))
        if len(full) > MAX_PATH:
            message = f"its name within the blocks has more than {MAX_PATH} characters"
            self.problem(path, name, message)
        return full[:MAX_PATH]

    def shared(self, source: Any, parts: list[str], path: Path, name: str) -> str | None:
        """The full name of the layer whose weights `weights_of` shares, part by part."""
        path, where = (*path, "weights_of"), f"{name}.weights_of"
        scope = self.scope.owner(source)
        if scope is None:
            self.problem(path, where, self.scope.no_source(source, name, "weights_of", self.hint))
            return None
        full = scope.full(source)
        if all(_part(full, part) in self.names for part in parts):
            return full
        if scope.named[source] != UNKNOWN:
            self.problem(path, where, f"{source} is no layer of this kind; it has no such weights")
        return None

    def undone(self, cls: type[Layer], beside: dict[str, Any], path: Path, name: str) -> str | None:
        """The full name of the pooling that `indices_of` names; UNKNOWN where it is wrong."""
        place, where = (*path, "indices_of"), f"{name}.indices_of"
        if not cls.needs_indices:
            if "indices_of" in beside:
                message = f"{cls.type} takes no indices; indices_of stands beside max_unpool"
                self.problem(place, name, message)
            return None
        if "indices_of" not in beside:
            message = (
                f"{cls.type} needs indices_of beside it: the name of the max_pool that it undoes, "
                f"as in {{{cls.type}: null, indices_of: pool1}}"
            )
            return self.unknown(path, name, message)
        source = beside["indices_of"]
        found = self.scope.find(source)
        if found is None:
            message = self.scope.no_source(source, name, "indices_of", self.hint)
            return self.unknown(place, where, message)
        if found == UNKNOWN:
            return UNKNOWN
        node = self.names.get(found)
        if node is None or not node.layer.gives_indices:
            what = node.layer.type if node else "no max_pool"
            return self.unknown(place, where, f"{source} is {what}; indices_of names a max_pool")
        return found

    def keep(self, explicit: str | None, output: str) -> str:
        """Remember what a name stands for, so that one mistake does not cause others."""
        if explicit:
            self.scope.named[explicit] = output
        return output

    def explicit_name(self, value: Any, path: Path) -> str | None:
        """The name that an item gives itself, if it can have it."""
        message = self.scope.refusal(value)
        if message is not None:
            self.problem((*path, "name"), path_text((*path, "name")), message)
        return str(value) if message is None else None

    def activation(self, value: Any, name: str, at: Path, computed: bool = False) -> Layer | None:
        """The layer of the `activation` field; None where there is none, or none that can be."""
        if not isinstance(value, str) and not (isinstance(value, dict) and len(value) == 1):
            return None
        at, where = (*at, "activation"), f"{name}.activation"
        word, fields = (value, None) if isinstance(value, str) else next(iter(value.items()))
        if word not in ACTIVATIONS:
            self.problem(at, where, advice.unknown_activation(word, computed))
            return None
        cls = layer_class(word)
        at = at if isinstance(value, str) else (*at, word)
        return self.validated(cls, _fields(cls, fields), fields, where, at)

    def validated(
        self, cls: type[Layer], fields: dict[str, Any] | None, value: Any, name: str, at: Path
    ) -> Layer | None:
        """The layer with these fields, or None and its problems."""
        if fields is None:
            wanted = "a list of branches" if cls.joins else "a mapping of fields"
            message = f"{cls.type} takes {wanted}, not {shown(value)}"
            if cls.of_one:
                message += f"; {cls.of_one} reads one input"
            if cls.needs_indices:
                message = f"{cls.type} takes no {shown(value)}; {advice.NO_WINDOW}"
            self.problem(at, name, message)
            return None
        text = written(cls.type, fields)
        if text in self._made:
            return self._made[text]
        # pydantic takes no keys that UTF-8 cannot write.
        odd = dict.fromkeys(k for k in fields if not isinstance(k, str) or not k.isprintable())
        for key in odd:
            field = advice.quoted(key)
            self.problem((*at, key), f"{name}.{field}", advice.unknown_field(cls, field))
        try:
            layer = cls.model_validate({k: v for k, v in fields.items() if k not in odd})
            if text and not odd:
                self._made[text] = layer
            return None if odd else layer
        except ValidationError as error:
            entries = error.errors(include_url=False)
        unknown = [str(e["loc"][0]) for e in entries if e["type"] == "extra_forbidden"]
        meant = {advice.right_field(cls, field) for field in unknown[:MAX_REPORTED]}
        for entry in entries:
            field, missing = str(entry["loc"][0]), entry["type"] == "missing"
            # Where a misspelt field was meant to be this one, one message is enough.
            if missing and field in meant:
                continue
            place = (*at, field) if isinstance(value, dict) and not missing else at
            message = advice.broken_field(cls, field, entry)
            self.problem(place, f"{name}.{advice.quoted(field)}", message)
        return None

    # Wiring

    def read(self, beside: dict[str, Any], path: Path, name: str, reads: str) -> list[str] | None:
        """The nodes that an item reads: those of its `from`, or what stands before it."""
        return self.sources(beside["from"], path, name) if "from" in beside else unbundled(reads)

    def fitting(
        self,
        word: str,
        wanted: Sequence[str],
        sources: list[str] | None,
        beside: dict[str, Any],
        path: Path,
        name: str,
    ) -> list[str] | None:
        """The nodes that are read, where there is one for each input, if so many are wanted."""
        if sources is None or not wanted or len(sources) == len(wanted):
            return sources
        inputs = f"{len(wanted)} inputs ({', '.join(wanted)})" if len(wanted) > 1 else "one input"
        message = f"{word} reads {inputs}, not {len(sources)}"
        if "from" in beside:
            more = "; add and concat join several" if len(wanted) == 1 else ""
            self.problem((*path, "from"), f"{name}.from", message + more)
        elif len(wanted) == 1:
            self.problem(path, name, self.scope.several(sources))
        else:
            self.problem(path, name, f"{message}; list what it reads with from: […]")
        return None

    def sources(self, value: Any, path: Path, name: str) -> list[str] | None:
        """The nodes that `from` names."""
        path, where = (*path, "from"), f"{name}.from"
        several = isinstance(value, list) and value
        wanted, found, complete = value if several else [value], list[str](), True
        self.step(path, len(wanted))
        for index, source in enumerate(wanted):
            output = self.scope.find(source)
            place = (*path, index) if several else path
            # A reader takes it for the block's own input.
            if source == INPUT and self.scope.uses:
                message = (
                    "input is the network's, not the block's; name what the block reads, "
                    "inputs: [x], and read that"
                )
                self.problem(place, where, message)
                complete = False
            elif output is not None:
                found += unbundled(output)
            else:
                self.problem(place, where, self.scope.no_source(source, name, "from", self.hint))
                complete = False
        return found if complete else None

    def branches(
        self,
        cls: type[Layer],
        branches: Any,
        sources: list[str] | None,
        beside: dict[str, Any],
        name: str,
        at: Path,
    ) -> list[str] | None:
        """What a join reads: the ends of its branches, or what `from` names."""
        if branches is None:
            if sources is None or len(sources) > 1:
                return sources
            self.problem(at, name, advice.one_input(cls))
            return None
        if not isinstance(branches, list) or len(branches) < 2:
            wanted = "needs two or more branches, each a list of layers"
            found = str(len(branches)) if isinstance(branches, list) else shown(branches)
            self.problem(at, name, f"{wanted}, not {found}")
            return None
        if len(names := list(filter(None, map(self.named_branch, branches)))) == len(branches):
            said = "branches are lists of layers, and these are names of earlier ones; write from: "
            self.problem(at, name, f"{said}[{', '.join(names)}] beside it, and no branches")
            return None
        if "from" in beside and sources is not None and len(sources) > 1:
            self.problem(at, name, "has branches, so from can name one input only")
            sources = None
        start = bundle(sources) if sources else UNKNOWN
        ends = [
            self.branch(branch, (*at, index), start, name) for index, branch in enumerate(branches)
        ]
        for index, end in enumerate(ends):
            if is_bundle(end):
                ends[index] = self.unknown((*at, index), name, self.scope.several(unbundled(end)))
        return ends

    def named_branch(self, branch: Any) -> str | None:
        """The earlier layer's name that stands where a branch should, in brackets or not."""
        word = branch[0] if isinstance(branch, list) and len(branch) == 1 else branch
        if not isinstance(word, str) or word in MODULES or word in self.blocks:
            return None
        return word if any(word in scope.named for scope in self.scope.outward()) else None

    def branch(self, branch: Any, path: Path, reads: str, name: str) -> str:
        """Add the nodes of one branch. Gives the name of its output."""
        if isinstance(branch, list):
            return self.items(branch, path, reads)
        message = f"a branch is a list of layers, not {shown(branch)}"
        remedy = "; put it in brackets of its own" if isinstance(branch, (str, dict)) else ""
        remedy = "; from reads earlier layers by name" if self.named_branch(branch) else remedy
        return self.unknown(path, name, message + remedy)


def _part(full: str, suffix: str) -> str:
    """What a part of a layer is called; most layers are one part without a name of its own."""
    return f"{full}.{suffix}" if suffix else full


def _fields(cls: type[Layer], value: Any) -> dict[str, Any] | None:
    """The fields that a layer's value gives, or None where it can give none."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return dict(value)
    if cls.joins and isinstance(value, list):
        return {"branches": value}
    return {cls.main: value} if cls.main else None
