"""Pooling: windows, adaptive windows, whole maps, and the trained subsampling of 1998."""

from collections.abc import Iterator
from math import prod

from pydantic import Field

from cnncalc.dims import adaptive_reads
from cnncalc.layers.base import Activated, Layer, Shape, count, per_axis, times
from cnncalc.layers.fields import Flag, Sizes
from cnncalc.layers.window import Windowed, axes_rules, window_text

_STRIDE = "step S of the window along each axis; the kernel's size when it is left out"
_CEIL_MODE = "round a fraction up: a window that starts on input or left padding counts"


class _Pool(Windowed):
    """A window over each channel alone."""

    main = "kernel_size"
    prefix = "pool"

    stride: Sizes | None = Field(None, description=_STRIDE)

    def rules(self, *inputs: Shape) -> Iterator[str]:
        broken = list(super().rules(*inputs))
        yield from broken
        if broken:
            return
        # torch's rule: a window must never lie on padding alone.
        for window in dict.fromkeys(self.windows(*inputs)):
            padding = max(window.before, window.after)
            if padding > window.extent // 2:
                yield (
                    f"padding {padding} is more than half of the kernel: {padding} > "
                    f"⌊{window.extent}/2⌋"
                )

    def output(self, *inputs: Shape) -> Shape:
        return (inputs[0][0], *(window.output for window in self.windows(*inputs)))

    def connections(self, *inputs: Shape) -> int:
        return inputs[0][0] * prod(window.reads for window in self.windows(*inputs))

    def describe(self, *inputs: Shape) -> str:
        rounding = " ceil" if getattr(self, "ceil_mode", False) else ""
        return f"{self.type} {window_text(self.windows(*inputs))}{rounding}"


class _OrderPool(_Pool):
    """Takes the largest or smallest value of each window."""

    dilation: Sizes = Field(1, description="distance D between the window's taps along each axis")
    ceil_mode: Flag = Field(False, description=_CEIL_MODE)

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        # Finding the extreme of m values takes m − 1 comparisons; padding is not compared. Where
        # taps are further apart than the input is long, a window reads one value or none at all.
        reading = prod(min(window.reads, window.output) for window in self.windows(*inputs))
        return {"compare": self.connections(*inputs) - inputs[0][0] * reading}


class MaxPool(_OrderPool):
    """The largest value of each window."""

    type = "max_pool"


class MinPool(_OrderPool):
    """The smallest value of each window."""

    type = "min_pool"


class AvgPool(_Pool):
    """The mean of each window."""

    type = "avg_pool"

    ceil_mode: Flag = Field(False, description=_CEIL_MODE)
    count_include_pad: Flag = Field(True, description="whether padding counts as zeros in the mean")

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        outputs = count(self.output(*inputs))
        return {"add": self.connections(*inputs) - outputs, "divide": outputs}


class Subsample(_Pool, Activated):
    """LeNet-5's: the sum of each window times a trained coefficient plus a trained bias a map."""

    type = "subsample"
    prefix = "subsample"

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return {"weight": inputs[0][:1], "bias": inputs[0][:1]}

    def connections(self, *inputs: Shape) -> int:
        return super().connections(*inputs) + count(self.output(*inputs))

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        # m inputs and a bias: m additions; one multiplication by the coefficient.
        outputs = count(self.output(*inputs))
        return {"add": self.connections(*inputs) - outputs, "multiply": outputs}


class _AdaptivePool(Layer):
    """Windows that divide the input into a wanted number of outputs."""

    main = "output_size"
    prefix = "pool"

    output_size: Sizes = Field(description="output positions along each axis")

    def rules(self, *inputs: Shape) -> Iterator[str]:
        yield from axes_rules(self, inputs[0], {"output_size": self.output_size})

    def output(self, *inputs: Shape) -> Shape:
        return (inputs[0][0], *per_axis(self.output_size, len(inputs[0]) - 1))

    def connections(self, *inputs: Shape) -> int:
        return inputs[0][0] * prod(map(adaptive_reads, inputs[0][1:], self.output(*inputs)[1:]))

    def describe(self, *inputs: Shape) -> str:
        return f"{self.type} → {times(self.output(*inputs)[1:])}"


class AdaptiveAvgPool(_AdaptivePool):
    """The mean of each of `output_size` windows; window i reads ⌊iN/O⌋ to ⌈(i+1)N/O⌉ − 1."""

    type = "adaptive_avg_pool"

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        outputs = count(self.output(*inputs))
        return {"add": self.connections(*inputs) - outputs, "divide": outputs}


class AdaptiveMaxPool(_AdaptivePool):
    """The largest value of each of `output_size` windows."""

    type = "adaptive_max_pool"

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        return {"compare": self.connections(*inputs) - count(self.output(*inputs))}


class _GlobalPool(Layer):
    """One value a channel."""

    prefix = "pool"

    keepdim: Flag = Field(
        False, description="keep the spatial axes with size 1 instead of giving a vector"
    )

    def rules(self, *inputs: Shape) -> Iterator[str]:
        yield from axes_rules(self, inputs[0], {})

    def output(self, *inputs: Shape) -> Shape:
        (input,) = inputs
        return (input[0], *((1,) * (len(input) - 1) if self.keepdim else ()))

    def connections(self, *inputs: Shape) -> int:
        return count(inputs[0])


class GlobalAvgPool(_GlobalPool):
    """The mean of each channel."""

    type = "global_avg_pool"

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        return {"add": count(inputs[0]) - inputs[0][0], "divide": inputs[0][0]}


class GlobalMaxPool(_GlobalPool):
    """The largest value of each channel."""

    type = "global_max_pool"

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        return {"compare": count(inputs[0]) - inputs[0][0]}
