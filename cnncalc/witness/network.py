"""A graph as one torch module that runs its nodes in their order."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph, indices
from cnncalc.infer import Facts, twins
from cnncalc.layers.twin import Twin, variables
from cnncalc.witness import modules

Watch = Callable[[str, Tensor], None]
"""Called with the name of each node and its output."""


class Network(nn.Module):
    """The layers of a graph as modules of their names, and the order in which they run.

    In training it also gives what the auxiliary outputs give; in eval mode their layers rest.
    """

    def __init__(self, graph: Graph, facts: Sequence[Facts]) -> None:
        super().__init__()
        self._inputs = tuple(graph.inputs)
        self._outputs, self._auxiliary = graph.outputs, graph.auxiliary
        self._resting = graph.only_auxiliary()
        self._ties: list[tuple[str, str]] = []
        """Modules that differ, and whose tensors they have."""
        made = twins(facts)
        places = {fact.node.name: self._place(fact, made) for fact in facts}
        asked = {node.indices_of for node in graph.nodes}
        frees = _frees(graph)
        # Of each node what is called on what, and which values nothing reads from then on.
        self.steps = tuple(
            (
                node.name,
                made[node.name].call,
                places[node.name],
                node.values,
                (node.name, indices(node.name)) if node.name in asked else (node.name,),
                frees.get(node.name, ()),
            )
            for node in graph.nodes
        )

    def forward(self, *inputs: Tensor, watch: Watch | None = None) -> Tensor | tuple[Tensor, ...]:
        """The output; a tuple where there are several."""
        if len(inputs) != len(self._inputs):
            names = ", ".join(self._inputs)
            raise TypeError(f"{len(self._inputs)} inputs are needed ({names}), not {len(inputs)}")
        values = dict(zip(self._inputs, inputs, strict=True))
        for name, call, module, reads, gives, frees in self.steps:
            if self.training or name not in self._resting:
                run = function(call, len(reads))
                # No variable holds the value: it is freed when `values` lets it go.
                if len(gives) == 1:
                    values[name] = run(self.get_submodule(module), *map(values.__getitem__, reads))
                else:
                    found = run(self.get_submodule(module), *map(values.__getitem__, reads))
                    values.update(zip(gives, found, strict=True))
                    del found
                if watch is not None:
                    watch(name, values[name])
            for read in frees:
                values.pop(read, None)
        wanted = self._outputs + (self._auxiliary if self.training else ())
        results = tuple(values[name] for name in wanted)
        return results[0] if len(results) == 1 else results

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Network":
        # What moves to a device or becomes another type moves layer by layer.
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for mine, theirs in self._ties:
            _tie(self.get_submodule(mine), self.get_submodule(theirs))
        return self

    def _place(self, fact: Facts, twins: dict[str, Twin]) -> str:
        """Makes a node's module, puts it under the node's name, and says where it is."""
        node, twin = fact.node, twins[fact.node.name]
        if twin.module is None:
            return ""
        kind: type[nn.Module] = getattr(nn, twin.module, None) or getattr(modules, twin.module)
        made = kind(**twin.arguments)
        if node.weights_of and twins[node.weights_of].module:
            shared = self.get_submodule(node.weights_of)
            if twin[1:] == twins[node.weights_of][1:]:
                made = shared
            else:
                self._ties.append((node.name, node.weights_of))
                _tie(made, shared)
        # What counts a model's modules takes one with others inside for no layer.
        if not node.trainable:
            made.requires_grad_(False)
        beside = node.fused_into and twins[node.fused_into].module and not fact.weights
        place = "_".join(node.name.rsplit(".", 1)) if beside else node.name
        self._put(place, made, node.name)
        return place

    def _put(self, place: str, made: nn.Module, name: str) -> None:
        *path, last = place.split(".")
        parent: nn.Module = self
        taken = f"{name}: a torch module has something else of that name; give it another one"
        for part in path:
            if not hasattr(parent, part):
                parent.add_module(part, nn.Module())
            parent = getattr(parent, part)
            if not isinstance(parent, nn.Module):
                raise CnncalcError(taken)
        if hasattr(parent, last):
            raise CnncalcError(taken)
        parent.add_module(last, made)


def _frees(graph: Graph) -> dict[str, tuple[str, ...]]:
    """By node: the values that it is the last to need. One that nothing reads frees itself."""
    last = dict.fromkeys(graph.inputs, graph.nodes[0].name)
    for node in graph.nodes:
        last |= dict.fromkeys((node.name, *node.values), node.name)
    frees: dict[str, tuple[str, ...]] = {}
    for name, reader in last.items():
        if name not in (*graph.outputs, *graph.auxiliary):
            frees[reader] = (*frees.get(reader, ()), name)
    return frees


def _tie(made: nn.Module, shared: nn.Module) -> None:
    """Gives a module the tensors of another one of the same names."""
    for name, _ in [*made.named_parameters(), *made.named_buffers()]:
        path, _, last = name.rpartition(".")
        with suppress(AttributeError):
            setattr(made.get_submodule(path), last, getattr(shared.get_submodule(path), last))


@cache
def function(call: str, inputs: int, functional: Any = nn.functional) -> Any:
    """An expression of a twin as a function of its module and inputs."""
    # It is one of our own layers': nothing of a spec is in it but sizes.
    names = ", ".join(("module", *variables(inputs)))
    known = {"torch": torch, "F": functional, "product": modules.product, "rows": modules.rows}
    return eval(f"lambda {names}: {call}", known)
