"""The inverse of max pooling."""

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from cnncalc.dims import TransposedWindow, maximum
from cnncalc.layers.base import Shape, sizes_text, times
from cnncalc.layers.fields import Sizes
from cnncalc.layers.kept import NOTHING
from cnncalc.layers.keras_twin import Part, each, written
from cnncalc.layers.twin import Twin, along, module
from cnncalc.layers.window import OnAxes


class MaxUnpool(OnAxes):
    """Puts each value back where a max pooling found it; all other positions are zero."""

    prefix = "unpool"
    family = "unpooling"
    _kept = NOTHING

    kernel_size: Sizes = Field(description="size F of the pooling's window along each axis")
    stride: Sizes | None = Field(
        None,
        description="step S of the pooling's window along each axis; the kernel's size when it is "
        "left out",
    )
    size: Sizes | None = Field(
        None,
        description="output positions along each axis, as many as the pooling read; "
        "(N − 1)·S + F when it is left out",
    )

    def per_axis_fields(self) -> dict[str, Any]:
        stride = self.kernel_size if self.stride is None else self.stride
        return {"kernel_size": self.kernel_size, "stride": stride, "size": self.size}

    def _sized(self, input: Shape) -> Iterator[tuple[TransposedWindow, int | None]]:
        """The windows without a size, and the size that cuts or extends them."""
        for n, kernel_size, stride, size in self._by_axis(input):
            yield TransposedWindow(n, kernel_size, stride, 0, 0), size

    def windows(self, *inputs: Shape) -> tuple[TransposedWindow, ...]:
        return tuple(
            window
            if size is None
            else window._replace(
                after=maximum(window.output - size, 0),
                output_padding=maximum(size - window.output, 0),
            )
            for window, size in self._sized(inputs[0])
        )

    def _misfits(self, *inputs: Shape) -> Iterator[str]:
        # torch's rule: a stride less or more would be another number of windows.
        for window, size in self._sized(inputs[0]):
            least, most = window.output - window.stride + 1, window.output + window.stride - 1
            if size is not None and not least <= size <= most:
                yield f"size {size} must be from {maximum(least, 1)} to {most}"

    def describe(self, *inputs: Shape) -> str:
        windows = self.windows(*inputs)
        return (
            f"{self.type} {times([w.kernel_size for w in windows])} "
            f"s{sizes_text([w.stride for w in windows])} → {times(self.output(*inputs)[1:])}"
        )

    def twin(self, *inputs: Shape) -> Twin:
        stride = along(self.windows(*inputs), "stride")
        return module("MaxUnpool", **stride, size=self.output(*inputs)[1:])

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        strides = each(self.windows(*inputs), "stride")
        yield written(f"unpool(x, {strides}, {self.output(*inputs)[1:]})")
