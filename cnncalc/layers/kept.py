"""What autograd keeps of a layer until its gradient is computed."""

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

INDEX_BYTES = 8
"""torch's indices are int64."""


class Extra(NamedTuple):
    """A tensor that nobody but the gradient needs: statistics, masks, indices, copies."""

    elements: int
    bytes: int = 0
    """Of one element; 0 where it has the network's dtype."""
    per_sample: bool = True
    """Whether each sample of a batch has its own."""
    needed_by: tuple[int, ...] = ()
    """Inputs, by place, of which one must have a gradient for it to be kept; () asks for none."""


class Kept(NamedTuple):
    """The tensors that a gradient needs, the layer's own weights and buffers left out.

    As torch's CPU kernels keep them in training, which tests measure.
    """

    inputs: bool = False
    output: bool = False
    extras: tuple[Extra, ...] = ()
    of: tuple[tuple[int, tuple[int, ...]], ...] = ()
    """Inputs by place, and for each the places as in `needed_by`: for a layer that keeps not each
    for the gradients of the others."""
    channels_last: bool = False
    """Whether inputs are kept with the channels as the last axis: a copy where they are not."""

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
