"""The inverse of max pooling."""

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from cnncalc.dims import TransposedWindow, maximum
from cnncalc.layers.axis_map import AxisMap, stamping
from cnncalc.layers.base import Layer, Shape, different, per_axis, sizes_text, times
from cnncalc.layers.fields import Sizes
from cnncalc.layers.kept import NOTHING
from cnncalc.layers.keras_twin import Part, written
from cnncalc.layers.twin import Twin, module
from cnncalc.layers.window import axes_rules


class MaxUnpool(Layer):
    """Puts each value back where a max pooling found it; all other positions are zero."""

    type = "max_unpool"
    prefix = "unpool"
    family = "unpooling"
    _kept = NOTHING
    main = "kernel_size"

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

    def _fields(self) -> dict[str, Any]:
        stride = self.kernel_size if self.stride is None else self.stride
        return {"kernel_size": self.kernel_size, "stride": stride}

    def _unsized(self, input: Shape) -> tuple[TransposedWindow, ...]:
        """The windows that `size` does not cut or extend."""
        kernel_size, stride = (per_axis(v, len(input) - 1) for v in self._fields().values())
        axes = zip(input[1:], kernel_size, stride, strict=True)
        return tuple(TransposedWindow(n, k, s, 0, 0) for n, k, s in axes)

    def windows(self, *inputs: Shape) -> tuple[TransposedWindow, ...]:
        windows = self._unsized(inputs[0])
        if self.size is None:
            return windows
        return tuple(
            window._replace(
                after=maximum(window.output - size, 0),
                output_padding=maximum(size - window.output, 0),
            )
            for window, size in zip(windows, per_axis(self.size, len(windows)), strict=True)
        )

    def rules(self, *inputs: Shape) -> Iterator[str]:
        (input,) = inputs
        broken = list(axes_rules(self, input, {**self._fields(), "size": self.size}))
        yield from broken
        if broken or self.size is None:
            return
        # torch's rule: a stride less or more would be another number of windows.
        windows = self._unsized(input)
        pairs = zip(windows, per_axis(self.size, len(windows)), strict=True)
        ranges = ((size, w.output - w.stride + 1, w.output + w.stride - 1) for w, size in pairs)
        yield from different(
            f"size {size} must be from {maximum(least, 1)} to {most}"
            for size, least, most in ranges
            if not least <= size <= most
        )

    def output(self, *inputs: Shape) -> Shape:
        return (inputs[0][0], *(window.output for window in self.windows(*inputs)))

    def axis_map(self, *inputs: Shape) -> tuple[tuple[AxisMap | None, ...], ...]:
        return (tuple(map(stamping, self.windows(*inputs))),)

    def describe(self, *inputs: Shape) -> str:
        windows = self.windows(*inputs)
        return (
            f"{self.type} {times([w.kernel_size for w in windows])} "
            f"s{sizes_text([w.stride for w in windows])} → {times(self.output(*inputs)[1:])}"
        )

    def twin(self, *inputs: Shape) -> Twin:
        stride = tuple(window.stride for window in self.windows(*inputs))
        return module("MaxUnpool", stride=stride, size=self.output(*inputs)[1:])

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        stride = tuple(window.stride for window in self.windows(*inputs))
        yield written(f"unpool(x, {stride}, {self.output(*inputs)[1:]})")
