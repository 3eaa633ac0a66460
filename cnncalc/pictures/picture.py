"""One picture of a run: its file, its title, and a sentence about what is to be seen."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from cnncalc.errors import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

T = TypeVar("T")
_LETTERS = 16


class Picture(NamedTuple):
    """A figure, and what the summary says of it."""

    name: str
    """The file's, without its ending."""
    title: str
    text: str
    """What is to be seen in it, a sentence or two."""
    figure: "Figure"


class LeftOut(Exception):
    """There is nothing to draw; its text says why."""


def short(name: str) -> str:
    """A class's name where there is little room."""
    name = printable(name)
    return name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"


def share(part: float) -> str:
    """A part as a percentage with two decimals."""
    return f"{100 * part:.2f} %"


def sentence(*parts: str) -> str:
    """What is to be seen, and what else there is to say of it."""
    return f"{'; '.join(filter(None, parts))}."


def evenly(things: Sequence[T], most: int) -> list[T]:
    """At most so many of them, the first and the last too, at equal distances."""
    number, last = min(len(things), most), len(things) - 1
    return [things[round(i * last / max(number - 1, 1))] for i in range(number)]
