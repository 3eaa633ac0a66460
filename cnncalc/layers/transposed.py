"""The transposed convolution."""

from collections.abc import Iterator
from math import prod

from pydantic import Field

from cnncalc.dims import TransposedWindow
from cnncalc.layers.axis_map import AxisMap, stamping
from cnncalc.layers.base import Activated, Shape, count, different, per_axis, times
from cnncalc.layers.fields import Count, Flag, Naturals, Sides, Sizes
from cnncalc.layers.kept import INPUTS, Kept
from cnncalc.layers.twin import Twin, module, padded
from cnncalc.layers.window import axes_rules, both_sides, window_text


class ConvTranspose(Activated):
    """The transpose of a convolution: every input position stamps the kernel on the output."""

    type = "conv_transpose"
    prefix = "upconv"
    numbered = True

    out_channels: Count = Field(description="number of output channels")
    kernel_size: Sizes = Field(description="size F of the kernel along each axis")
    stride: Sizes = Field(1, description="distance S between stamps along each axis")
    padding: Sides = Field(
        0,
        description="positions P cropped from the output at the borders: a number, one for each "
        "axis, or [before, after] for each axis",
    )
    output_padding: Naturals = Field(
        0,
        description="positions added at the far end of the output along each axis; to run it, "
        "torch wants fewer than the stride or the dilation",
    )
    dilation: Sizes = Field(1, description="distance D between the kernel's taps along each axis")
    groups: Count = Field(
        1, description="number of groups that input and output channels are split into"
    )
    bias: Flag = Field(True, description="whether every output channel has a bias")

    def windows(self, *inputs: Shape) -> tuple[TransposedWindow, ...]:
        sizes = inputs[0][1:]
        return tuple(
            TransposedWindow(n, k, s, *both_sides(padding), d, added)
            for n, k, s, padding, d, added in zip(
                sizes,
                *(
                    per_axis(value, len(sizes))
                    for value in (
                        self.kernel_size,
                        self.stride,
                        self.padding,
                        self.dilation,
                        self.output_padding,
                    )
                ),
                strict=True,
            )
        )

    def axis_map(self, *inputs: Shape) -> tuple[tuple[AxisMap | None, ...], ...]:
        return (tuple(map(stamping, self.windows(*inputs))),)

    def rules(self, *inputs: Shape) -> Iterator[str]:
        (input,) = inputs
        names = ("kernel_size", "stride", "padding", "output_padding", "dilation")
        broken = list(axes_rules(self, input, {name: getattr(self, name) for name in names}))
        yield from broken
        for name, number in (("input", input[0]), ("output", self.out_channels)):
            if number % self.groups:
                yield f"{number} {name} channels do not divide into {self.groups} groups"
        if broken:
            return
        yield from different(
            f"padding {window.before} + {window.after} crops everything: the output would be "
            f"{window.output}"
            for window in self.windows(input)
            if window.output < 1
        )

    def output(self, *inputs: Shape) -> Shape:
        return (self.out_channels, *(window.output for window in self.windows(*inputs)))

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        # Stored the other way round than a convolution's, as torch does: (in, out / groups, …).
        kernel = tuple(window.kernel_size for window in self.windows(*inputs))
        weight = (inputs[0][0], self.out_channels // self.groups, *kernel)
        return {"weight": weight} | ({"bias": (self.out_channels,)} if self.bias else {})

    def _wires(self, channels: int) -> int:
        return channels * self.out_channels // self.groups

    def macs(self, *inputs: Shape) -> int:
        # Input positions × kernel × wires: what torch.utils.flop_counter counts.
        taps = prod(window.n * window.kernel_size for window in self.windows(*inputs))
        return taps * self._wires(inputs[0][0])

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        return {"add": count(self.output(*inputs))} if self.bias else {}

    def connections(self, *inputs: Shape) -> int:
        reads = prod(window.reads for window in self.windows(*inputs))
        biases = count(self.output(*inputs)) if self.bias else 0
        return reads * self._wires(inputs[0][0]) + biases

    def wiring_groups(self, *inputs: Shape) -> int:
        return self.groups

    def describe(self, *inputs: Shape) -> str:
        windows = self.windows(*inputs)
        added = [window.output_padding for window in windows]
        text = f"{self.type} {window_text(windows)}"
        if any(added):
            text += f" +{times(added)}"
        return text + (f" g{self.groups}" if self.groups != 1 else "")

    def twin(self, *inputs: Shape) -> Twin:
        windows = self.windows(*inputs)
        axes = len(windows)
        even = all(
            w.before == w.after and w.output_padding < max(w.stride, w.dilation) for w in windows
        )
        fields = {
            name: tuple(getattr(w, name) for w in windows)
            for name in ("kernel_size", "stride", "dilation")
        }
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

    def kept(self, *inputs: Shape) -> Kept:
        return INPUTS
