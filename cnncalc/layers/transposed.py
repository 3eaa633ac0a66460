"""The transposed convolution."""

from collections.abc import Iterator
from math import prod
from typing import Any

from pydantic import Field

from cnncalc.dims import TransposedWindow, ceil_div, extent, maximum, transposed_same
from cnncalc.layers.base import Shape, times
from cnncalc.layers.fields import Count, Flag, Naturals, Padding, Sizes
from cnncalc.layers.kept import INPUTS
from cnncalc.layers.keras_twin import Part, cropped, made, refused, slides, zeros
from cnncalc.layers.twin import Twin, along, module, padded
from cnncalc.layers.window import Kernels, OnAxes, axes_rules, both_sides


class ConvTranspose(OnAxes, Kernels):
    """The transpose of a convolution: every input position stamps the kernel on the output."""

    kernels = "stamped"
    prefix = "upconv"
    _kept = INPUTS
    _along = ("kernel_size", "stride", "padding", "output_padding", "dilation")

    out_channels: Count = Field(description="number of output channels")
    kernel_size: Sizes = Field(description="size F of the kernel along each axis")
    stride: Sizes = Field(1, description="distance S between stamps along each axis")
    padding: Padding = Field(
        0,
        description="positions P cropped from the output at the borders: a number, one for each "
        "axis, [before, after] for each axis, valid (none), half (of the kernel, on every side), "
        "or same (output N·S, the odd one after)",
    )
    output_padding: Naturals = Field(
        0,
        description="positions added at the far end of the output along each axis, fewer than the "
        "stride or the dilation",
    )
    dilation: Sizes = Field(1, description="distance D between the kernel's taps along each axis")
    groups: Count = Field(
        1, description="number of groups that input and output channels are split into"
    )
    bias: Flag = Field(True, description="whether every output channel has a bias")

    def windows(self, *inputs: Shape) -> tuple[TransposedWindow, ...]:
        return tuple(self._window(*axis) for axis in self._by_axis(inputs[0]))

    def _window(
        self, n: int, kernel_size: int, stride: int, padding: Any, added: int, dilation: int
    ) -> TransposedWindow:
        if padding == "same":
            before, after, added = transposed_same(kernel_size, stride, dilation)
        else:
            words = {"valid": 0, "half": extent(kernel_size, dilation) // 2}
            before, after = both_sides(words[padding] if isinstance(padding, str) else padding)
        return TransposedWindow(n, kernel_size, stride, before, after, dilation, added)

    def rules(self, *inputs: Shape) -> Iterator[str]:
        broken = list(axes_rules(self, inputs[0], self.per_axis_fields()))
        yield from broken
        yield from self._group_rules(inputs[0][0])
        if self.padding == "same" and self.output_padding != 0:
            yield "padding same says what is added, too; leave output_padding out"
        yield from () if broken else dict.fromkeys(self._misfits(*inputs))

    def _misfits(self, *inputs: Shape) -> Iterator[str]:
        for window in self.windows(*inputs):
            if window.output < 1:
                yield (
                    f"padding {window.before} + {window.after} crops everything: the output would "
                    f"be {window.output}"
                )
            elif window.output_padding >= maximum(window.stride, window.dilation):
                yield (
                    # torch's rule, which its meta device does not ask.
                    f"output_padding {window.output_padding} must be smaller than the stride "
                    f"{window.stride} or the dilation {window.dilation}, as in torch; for more, "
                    "put a pad behind it"
                )

    def output(self, *inputs: Shape) -> Shape:
        return (self.out_channels, *(window.output for window in self.windows(*inputs)))

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        # Stored the other way round than a convolution's, as torch does: (in, out / groups, …).
        kernel = tuple(window.kernel_size for window in self.windows(*inputs))
        weight = (inputs[0][0], self.out_channels // self.groups, *kernel)
        return {"weight": weight} | ({"bias": (self.out_channels,)} if self.bias else {})

    def _maps(self, channels: int) -> tuple[int, int]:
        return self.out_channels, self.groups

    def _wires(self, channels: int) -> int:
        return channels * self.out_channels // self.groups

    def macs(self, *inputs: Shape) -> int:
        # Input positions × kernel × wires: what torch.utils.flop_counter counts.
        taps = prod(window.n * window.kernel_size for window in self.windows(*inputs))
        return taps * self._wires(inputs[0][0])

    def describe(self, *inputs: Shape) -> str:
        added = [window.output_padding for window in self.windows(*inputs)]
        text = super().describe(*inputs) + (f" +{times(added)}" if any(added) else "")
        return text + (f" g{self.groups}" if self.groups != 1 else "")

    def twin(self, *inputs: Shape) -> Twin:
        windows = self.windows(*inputs)
        axes = len(windows)
        even = all(w.before == w.after for w in windows)
        fields = along(windows, "kernel_size", "stride", "dilation")
        call = "module(x)"
        if not even:
            # What torch cannot pad is added and cut behind it; a bias stands there too.
            slides = ", ".join(f"{name}={fields[name]}" for name in ("stride", "dilation"))
            call = f"F.conv_transpose{axes}d(x, module.weight, groups={self.groups}, {slides})"
            call = padded(call, [(0, w.output_padding) for w in windows])
            call = padded(call, [(-w.before, -w.after) for w in windows])
            call += f" + module.bias.view(-1{', 1' * axes})" if self.bias else ""
        return module(
            f"ConvTranspose{axes}d",
            call,
            in_channels=inputs[0][0],
            out_channels=self.out_channels,
            **fields,
            padding=tuple(w.before if even else 0 for w in windows),
            output_padding=tuple(w.output_padding if even else 0 for w in windows),
            groups=self.groups,
            bias=self.bias,
        )

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        windows = self.windows(*inputs)
        if self.groups > 1:
            raise refused("a conv_transpose with groups has no spelling in Keras")
        if any(w.dilation > 1 for w in windows) and any(w.stride > 1 for w in windows):
            raise refused("a conv_transpose with stride and dilation has no spelling in Keras")
        # Keras stamps the whole kernel, and leaves no gap behind the last stamp. What is wanted
        # beyond that are stamps of zeros.
        more = [maximum(ceil_div(w.output_padding - w.after, w.stride), 0) for w in windows]
        yield from zeros([(0, added) for added in more])
        sizes = slides(windows)
        yield made(
            f"Conv{len(windows)}DTranspose", filters=self.out_channels, **sizes, use_bias=self.bias
        )
        lengths = (
            (w.n + added) * w.stride + maximum(extent(w.kernel_size, w.dilation) - w.stride, 0)
            for w, added in zip(windows, more, strict=True)
        )
        ends = zip(windows, lengths, strict=True)
        yield from cropped([(w.before, length - w.before - w.output) for w, length in ends])
