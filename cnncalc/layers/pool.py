"""Pooling: windows, adaptive windows, whole maps, and the trained subsampling of 1998."""

from collections.abc import Iterator
from math import prod

from pydantic import Field

from cnncalc.layers.base import Activated, Shape, count
from cnncalc.layers.fields import Flag, Sizes
from cnncalc.layers.window import Windowed, window_text

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
        # torch's rule, which looks at the kernel before dilation. It has no `same`.
        for window in dict.fromkeys(self.windows(*inputs)):
            padding = max(window.before, window.after)
            if self.padding != "same" and padding > window.kernel_size // 2:
                yield (
                    f"padding {padding} is more than half of the kernel: {padding} > "
                    f"⌊{window.kernel_size}/2⌋"
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
