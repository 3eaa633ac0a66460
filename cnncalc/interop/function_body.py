"""The body of a function that computes a block: plain statements, and what values are called."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from cnncalc.interop.outline import Block, Step
from cnncalc.interop.python_text import PART, identifier
from cnncalc.layers.twin import variables

RUNNING = "x"
"""What a value is called that the next statement reads, and nothing else."""
READS = "__reads__"
"""Stands in the call of a block for what it reads."""
_MAX_NESTED = 60
"""The longest expression that an activation is put around."""


class Statement(NamedTuple):
    """One line, before it is laid out: values that are given names, and the expression."""

    items: Sequence[Step | Block]
    targets: tuple[str, ...]
    call: str
    last: bool
    """Whether nothing comes after it."""


class FunctionBody:
    """What a block's values are called, and the expressions that compute them.

    `module` gives the text of what an item calls; `taken` are names that mean something already.
    """

    def __init__(
        self,
        block: Block,
        outputs: Sequence[str],
        module: Callable[[Step | Block], str],
        taken: Collection[str],
        inputs: Mapping[str, str] | None = None,
    ) -> None:
        self.block, self.module = block, module
        self.readers: dict[str, list[int]] = {}
        for i, reads in enumerate([*(dict.fromkeys(item.reads) for item in block.items), outputs]):
            for name in reads:
                self.readers.setdefault(name, []).append(i)
        names = {*taken, RUNNING}
        self.locals: dict[str, str] = {}
        for i, name in enumerate(block.reads):
            alone = len(block.reads) == 1 and self.readers.get(name, [0]) == [0]
            title = f"inputs_{i}" if i else "inputs"
            if inputs is not None:
                alone, title = False, inputs[name]
            self.locals[name] = RUNNING if alone else identifier(title, names)
        for i, item in enumerate(block.items):
            for number, name in enumerate(item.gives):
                alone = len(item.gives) == 1 or (number == 0 and isinstance(item, Step))
                running = alone and self.readers.get(name) == [i + 1]
                title = item.local.replace(".", "_")
                if number:
                    title += "_indices" if isinstance(item, Step) else f"_{number}"
                if title.endswith(PART):
                    title += "_"
                self.locals[name] = RUNNING if running else identifier(title, names)

    def statements(self) -> list[Statement]:
        """One for each item, or for an item and the activations that are fused to it.

        What nobody reads has no target; where it has no module either it is left out.
        """
        found, i = list[Statement](), 0
        while i < len(self.block.items):
            group, i = self._group(i)
            read = tuple(name for name in group[-1].gives if name in self.readers)
            targets = tuple(self.locals[name] for name in group[-1].gives) if read else ()
            if targets or group[0].attribute:
                last = i == len(self.block.items)
                found.append(Statement(group, targets, self._call(group), last))
        return found

    def _group(self, i: int) -> tuple[list[Step | Block], int]:
        items, group = self.block.items, [self.block.items[i]]
        i += 1
        while i < len(items):
            item, before = items[i], items[i - 1].gives
            fused = isinstance(item, Step) and item.fused and item.resting == group[0].resting
            if not fused or item.reads != before or self.readers.get(before[0]) != [i]:
                break
            if len(self._call([*group, item])) > _MAX_NESTED:
                break
            group.append(item)
            i += 1
        return group, i

    def _call(self, group: Sequence[Step | Block]) -> str:
        expression = ""
        for item in group:
            module = self.module(item)
            reads = [self.locals[name] for name in item.reads]
            if isinstance(item, Block):
                expression = module.replace(READS, ", ".join(reads), 1)
                continue
            known = dict(zip(variables(len(reads)), reads, strict=True)) | {"module": module}
            if expression:
                known["x"] = expression
            expression = _substitute(item.call, known)
        return expression


def _substitute(call: str, known: dict[str, str]) -> str:
    return re.sub(r"\b(module|x\d*)\b", lambda match: known[match[0]], call)
