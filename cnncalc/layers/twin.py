"""A layer's twin in torch, as plain data: what it is made of is known without torch.

`cnncalc.witness` runs it.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from cnncalc.dims import TransposedWindow, Window


class Twin(NamedTuple):
    """An expression over the inputs, and the module that it calls.

    In `call` the inputs are `x`, `x1`, `x2` …, batch first; `module` is the module; `torch` and
    `F` (torch.nn.functional) are known, and the functions of cnncalc.witness.modules.
    """

    call: str
    module: str | None = None
    """The name of a class of torch.nn, or else of cnncalc.witness.modules; none where the
    expression needs none."""
    arguments: dict[str, Any] = {}  # noqa: RUF012 (nobody writes into it)


def module(name: str, call: str = "module(x)", /, **arguments: Any) -> Twin:
    """A module by the name of its class, with the arguments that make it."""
    return Twin(call, name, arguments)


def along(windows: Sequence[Window | TransposedWindow], *names: str) -> dict[str, tuple[int, ...]]:
    """Numbers of all windows, by what they are called there and in torch."""
    return {name: tuple(getattr(window, name) for window in windows) for name in names}


def variables(inputs: int) -> tuple[str, ...]:
    """What the inputs are called in an expression."""
    return ("x", *(f"x{i}" for i in range(1, inputs)))


def padded(x: str, sides: Iterable[tuple[int, int]], value: str = "", mode: str = "") -> str:
    """`x` with (before, after) positions added along each axis; negative ones are cut off."""
    # torch names the last axis first.
    amounts = tuple(number for side in reversed(list(sides)) for number in side)
    if not any(amounts):
        return x
    how = f", mode={mode!r}" if mode else f", value={value}" if value else ""
    return f"F.pad({x}, {amounts}{how})"


def channels_last(call: str) -> str:
    """A call of a module that works along the last axis, on channels."""
    return f"{call.replace('(x)', '(x.movedim(1, -1))')}.movedim(-1, 1)"
