"""The shape that people give for an input: a text with channels last, or torch's tuple."""

from collections.abc import Sequence
from operator import index
from typing import Any

from cnncalc.amounts import shape_text
from cnncalc.errors import UsageError, printable, shorten, shown
from cnncalc.graph import Graph
from cnncalc.layers.base import Shape
from cnncalc.layers.fields import MAX_INT, is_whole

ORDERS = (
    "features",
    "length × channels",
    "height × width × channels",
    "depth × height × width × channels",
)
"""What the sizes of a text are, by how many there are."""
MOST = 6
"""So many sizes are too many, even with a batch."""
_A_TUPLE = "a tuple such as (3, 224, 224), or the text 224x224x3"


def input_shape(given: str | Sequence[int], graph: Graph | None = None) -> Shape:
    """The shape, channels first, that `--input` or `input=` gives. Raises UsageError.

    A text such as `256x256x3` has the channels last, as textbooks do; a sequence of numbers has
    them first, as torch does. Where a graph tells how many axes there are, they may be left out
    and stay as they are. Sizes that have the graph's channels at the other end only are refused:
    they are in the other order, and would be another network's.
    """
    is_text = isinstance(given, str)
    sizes = _of_text(given) if isinstance(given, str) else _of_sequence(given)
    # Channels first: the order is looked at from here on.
    shape = (sizes[-1], *sizes[:-1]) if is_text else sizes
    if graph is None:
        if len(shape) > len(ORDERS):
            raise UsageError(f"{_option(sizes, is_text)}: an input has at most four sizes")
        return shape
    if len(graph.inputs) > 1:
        raise UsageError("--input is for a network with one input; set the sizes by variables")
    (wanted,) = graph.inputs.values()
    channels, axes = wanted[0], len(wanted)
    if len(sizes) == axes - 1:
        return (channels, *sizes)
    if len(sizes) != axes:
        raise UsageError(_wrong_number(given, sizes, wanted))
    # Theirs, and the other one.
    end, other = (sizes[-1], sizes[0]) if is_text else (sizes[0], sizes[-1])
    if other == channels != end:
        right = (*sizes[1:], channels) if is_text else (channels, *sizes[:-1])
        said = f"{_option(sizes, is_text)}: {graph.name} takes"
        order = ORDERS[axes - 1] if is_text else "channels first, as torch does"
        raise UsageError(f"{said} {order}: {_option(right, is_text)}")
    return shape


def looks_channels_first(text: str) -> bool:
    """Whether a text has torch's order, by its looks: 1 or 3 channels at its start only.

    Raises UsageError.
    """
    sizes = _of_text(text)
    return len(sizes) > 1 and sizes[0] in (1, 3) and sizes[-1] not in (1, 3)


def _of_text(text: str) -> Shape:
    parts = text.lower().replace("×", "x").split("x", MOST)
    if not all(part.isascii() and part.isdigit() for part in parts):
        quoted = printable(shorten(text)) or '""'
        raise UsageError(f"--input must be sizes like 256x256 or 256x256x3, not {quoted}")
    sizes = tuple(int(part) if len(part) <= 40 else MAX_INT + 1 for part in parts)
    return _bounded(sizes)


def _of_sequence(given: Any) -> Shape:
    # Numbers of numpy, and of torch.Size, are whole numbers, too.
    listed = isinstance(given, Sequence) and not isinstance(given, bytes)
    if not listed and not hasattr(given, "tolist"):
        raise UsageError(f"input must be {_A_TUPLE}, not {shown(given)}")
    try:
        sizes = tuple(size if is_whole(size, 1) else _whole(size) for size in given)
    except TypeError:
        raise UsageError(f"input must be whole numbers: {_A_TUPLE}") from None
    if not 0 < len(sizes) <= MOST:
        raise UsageError(f"input must be {_A_TUPLE}, not of {len(sizes)} numbers")
    return _bounded(sizes)


def _whole(size: Any) -> int:
    """A number of another library as ours. Raises TypeError where it is not whole."""
    if isinstance(size, bool):
        raise TypeError
    return index(size)


def _bounded(sizes: Shape) -> Shape:
    if not all(is_whole(size, 1) for size in sizes):
        raise UsageError(f"--input: every size must be from 1 to {MAX_INT:,}")
    return sizes


def _option(sizes: Sequence[int], is_text: bool) -> str:
    """What is written to give these sizes."""
    numbers = ("x" if is_text else ", ").join(map(str, sizes))
    return f"--input {numbers}" if is_text else f"input=({numbers})"


def _wrong_number(given: Any, sizes: Shape, wanted: Shape) -> str:
    is_text = isinstance(given, str)
    its = shape_text(wanted).replace("×", "x") if is_text else f"({', '.join(map(str, wanted))})"
    found = "x".join(map(str, sizes)) if is_text else f"({', '.join(map(str, sizes))})"
    said = f"--input must have as many sizes as the spec's {its}, not {found}"
    if len(sizes) == len(wanted) + 1 and wanted[0] in (sizes[1], sizes[-1]):
        batch, *rest = sizes
        if (rest[0] == wanted[0]) == is_text and rest[0] != rest[-1]:
            rest = [*rest[1:], rest[0]] if is_text else [rest[-1], *rest[:-1]]
        name = f"--batch {batch}" if is_text else f"batch={batch}"
        said += f"; the batch is apart: {_option(rest, is_text)} and {name}"
    return said
