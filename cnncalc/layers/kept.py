"""What autograd keeps of a layer until its gradient is computed."""

from collections.abc import Sequence
from math import prod
from typing import Literal, NamedTuple

Order = Literal["as_input", "by_kernel", "channels_first", "channels_last", "tokens_first"]
"""How a new tensor lies in memory; `cnncalc.layers.layout` has what each means."""
Strides = tuple[int, ...]
"""Steps in memory from one position to the next along each axis, batch first."""

INDEX_BYTES = 8
"""torch's indices are int64."""


class Extra(NamedTuple):
    """A tensor that nobody but the gradient needs: statistics, masks, indices, copies."""

    elements: int
    bytes: int = 0
    """Of one element; 0 where it has the network's dtype."""
    per_sample: bool = True
    """Whether each sample of a batch has its own."""


class Kept(NamedTuple):
    """The tensors that a gradient needs, the layer's own weights and buffers left out.

    As torch's CPU kernels keep them in training, which tests measure.
    """

    inputs: bool | tuple[bool, ...] = False
    """All of them, or which."""
    output: bool = False
    extras: tuple[Extra, ...] = ()
    order: Order = "as_input"
    """How `inputs` must lie to be kept: a copy is kept of those that lie otherwise."""
    in_rows: bool = False
    """Whether instead each position's channels must lie side by side, and places in turn."""
    strictly: bool = False
    """Whether a single channel, too, must be a step of 1 from the next one."""
    copies: int = 1
    """How many copies are kept where any is."""

    def and_also(self, *extras: Extra) -> "Kept":
        """The same and more."""
        return self._replace(extras=(*self.extras, *extras))


NOTHING = Kept()
INPUTS = Kept(inputs=True)
OUTPUT = Kept(output=True)


def padded_size(input: tuple[int, ...], sides: Sequence[tuple[int, int]]) -> int:
    """Elements of an input with (before, after) positions added along each axis."""
    return input[0] * prod(n + sum(side) for n, side in zip(input[1:], sides, strict=True))


def instead(input: tuple[int, ...], sides: Sequence[tuple[int, int]]) -> Kept:
    """The input; or, where it is padded, the copy."""
    return Kept(extras=(Extra(padded_size(input, sides)),)) if any(map(any, sides)) else INPUTS
