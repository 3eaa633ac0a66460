"""What layers with trained kernels share, whichever way those go over the input."""

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, ClassVar

from cnncalc.layers.base import Activated, KernelUse, Shape, count


class Kernels(Activated):
    """A convolution or its transpose; `_maps` says how channels are wired."""

    numbered = True
    family = "convolution"
    kernels: ClassVar[KernelUse | None] = "shared"

    if TYPE_CHECKING:
        # A field of each class, in the place that its documentation has for it.
        bias: bool

    def _maps(self, channels: int) -> tuple[int, int]:
        """(output channels, groups) for an input of that many channels."""
        raise NotImplementedError

    def _wires(self, channels: int) -> int:
        """Pairs of an input map and an output map that a kernel joins."""
        out_channels, groups = self._maps(channels)
        return channels // groups * out_channels

    def _group_rules(self, channels: int) -> Iterator[str]:
        """Channels must divide into groups on both sides."""
        out_channels, groups = self._maps(channels)
        for name, number in (("input", channels), ("output", out_channels)):
            if number % groups:
                yield f"{number} {name} channels do not divide into {groups} groups"

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        return {"add": count(self.output(*inputs))} if self.bias else {}

    def connections(self, *inputs: Shape) -> int:
        reads = prod(window.reads for window in self.windows(*inputs))
        biases = count(self.output(*inputs)) if self.bias else 0
        return reads * self._wires(inputs[0][0]) + biases

    def wiring_groups(self, *inputs: Shape) -> int:
        return self._maps(inputs[0][0])[1]
