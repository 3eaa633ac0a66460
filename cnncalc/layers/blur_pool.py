"""Pooling that blurs before it skips positions, so that shifts of the input matter less.

Source: Zhang, Making Convolutional Networks Shift-Invariant Again, ICML 2019 (arXiv 1904.11486).
"""

from collections.abc import Iterator
from itertools import product
from math import comb, prod

from pydantic import Field

from cnncalc.dims import Window
from cnncalc.layers.base import Shape
from cnncalc.layers.fields import Sizes
from cnncalc.layers.kept import INPUTS, Extra, Kept, padded_size
from cnncalc.layers.keras_twin import Part, each, filled, made, slides, written
from cnncalc.layers.twin import Twin, module, padded
from cnncalc.layers.window import OnAxes

_LARGEST = 64


class BlurPool(OnAxes):
    """Blurs each channel by a fixed binomial kernel, reflected at the borders, with a stride."""

    prefix = "blur"
    main = "kernel_size"
    family = "pooling"
    _along = ("kernel_size", "stride")

    kernel_size: Sizes = Field(
        3,
        description="size F of the kernel along each axis: 3 is [1, 2, 1]/4, 5 [1, 4, 6, 4, 1]/16",
    )
    stride: Sizes = Field(
        2, description="step S of the kernel along each axis; the output is ⌈N/S⌉"
    )

    def windows(self, *inputs: Shape) -> tuple[Window, ...]:
        # Padded as in the paper's code: ⌊(F − 1)/2⌋ positions before, ⌈(F − 1)/2⌉ after.
        axes = self._by_axis(inputs[0])
        return tuple(Window(n, k, s, (k - 1) // 2, k // 2) for n, k, s in axes)

    def _misfits(self, *inputs: Shape) -> Iterator[str]:
        windows = self.windows(*inputs)
        for kernel_size in (w.kernel_size for w in windows if w.kernel_size > _LARGEST):
            yield f"kernel {kernel_size} is larger than {_LARGEST}"
        for w in (w for w in windows if w.after >= w.n):
            yield (
                f"kernel {w.kernel_size} reflects {w.after} positions and needs more input than "
                f"{w.n}"
            )

    def buffers(self, *inputs: Shape) -> dict[str, Shape]:
        # One kernel for each channel, named as in the paper's code.
        kernel = tuple(window.kernel_size for window in self.windows(*inputs))
        return {"filt": (inputs[0][0], 1, *kernel)}

    def macs(self, *inputs: Shape) -> int:
        # A depthwise convolution's, as torch.utils.flop_counter counts it.
        taps = prod(window.output * window.kernel_size for window in self.windows(*inputs))
        return taps * inputs[0][0]

    def connections(self, *inputs: Shape) -> int:
        return inputs[0][0] * prod(window.reads for window in self.windows(*inputs))

    def _kernel(self, *inputs: Shape) -> tuple[float, ...]:
        """The numbers of one kernel: along each axis a row of binomials that sum to 1."""
        sizes = (window.kernel_size for window in self.windows(*inputs))
        rows = ([comb(k - 1, i) / 2 ** (k - 1) for i in range(k)] for k in sizes)
        return tuple(map(prod, product(*rows)))

    def kept(self, *inputs: Shape) -> Kept:
        # The input of the reflection, and what it gives the convolution.
        sides = self._sides(*inputs)
        copy = [Extra(padded_size(inputs[0], sides))] if any(map(any, sides)) else []
        return INPUTS.and_also(*copy)

    def twin(self, *inputs: Shape) -> Twin:
        x = padded("x", self._sides(*inputs), mode="reflect")
        stride = each(self.windows(*inputs), "stride")
        call = f"F.conv{len(stride)}d({x}, module.filt, stride={stride}, groups={inputs[0][0]})"
        numbers = {"filt": self._kernel(*inputs)}
        return module("Constants", call, shapes=self.buffers(*inputs), numbers=numbers)

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        windows, numbers = self.windows(*inputs), self._kernel(*inputs)
        for axis, window in enumerate(windows, 1):
            if window.after:
                yield filled("reflect", axis, window.n, window.before, window.after)
        channels, *sizes = self.output(*inputs)
        sizes_and_steps = ", ".join(map(str, slides(windows).values()))
        yield written(f"windows(x, {sizes_and_steps})")
        yield made("Reshape", target_shape=(*sizes, len(numbers), channels))._replace(
            suffix="_taps"
        )
        yield written(f"ops.einsum('...tc,t->...c', x, ops.array({list(numbers)}))")
