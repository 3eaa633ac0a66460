"""Pooling whose windows follow from the output's size: adaptive, and over whole maps."""

from collections.abc import Iterator
from math import prod

from pydantic import Field

from cnncalc.dims import adaptive_reads
from cnncalc.layers.axis_map import AxisMap, dividing
from cnncalc.layers.base import Shape, count, per_axis, times
from cnncalc.layers.fields import Flag, Sizes
from cnncalc.layers.foreign import foreign_layers
from cnncalc.layers.kept import INDEX_BYTES, INPUTS, NOTHING, Extra, Kept, Order
from cnncalc.layers.keras_twin import Part, made
from cnncalc.layers.twin import Twin, module
from cnncalc.layers.window import OnAxes


class _AdaptivePool(OnAxes):
    """Windows that divide the input into a wanted number of outputs."""

    prefix = "pool"
    family = "pooling"
    _along = ("output_size",)

    output_size: Sizes = Field(description="output positions along each axis")

    def order(self, *inputs: Shape) -> Order:
        return ("as_input", self.memory_order, "channels_first")[len(inputs[0]) - 2]

    def output(self, *inputs: Shape) -> Shape:
        return (inputs[0][0], *per_axis(self.output_size, len(inputs[0]) - 1))

    def axis_map(self, *inputs: Shape) -> tuple[tuple[AxisMap | None, ...], ...]:
        return (tuple(map(dividing, inputs[0][1:], self.output(*inputs)[1:])),)

    def connections(self, *inputs: Shape) -> int:
        return inputs[0][0] * prod(map(adaptive_reads, inputs[0][1:], self.output(*inputs)[1:]))

    def describe(self, *inputs: Shape) -> str:
        return f"{self.type} → {times(self.output(*inputs)[1:])}"

    def twin(self, *inputs: Shape) -> Twin:
        sizes = self.output(*inputs)[1:]
        return module(foreign_layers()[self.type].torch[len(sizes) - 1], output_size=sizes)

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        sizes = self.output(*inputs)[1:]
        name = foreign_layers()[self.type].keras[len(sizes) - 1]
        pairs = list(zip(inputs[0][1:], sizes, strict=True))
        if any(n % outputs for n, outputs in pairs):
            yield made(name, output_size=sizes)
        elif any(n != outputs for n, outputs in pairs):
            pool = tuple(n // outputs for n, outputs in pairs)
            yield made(name.removeprefix("Adaptive"), pool_size=pool)


class AdaptiveAvgPool(_AdaptivePool):
    """The mean of each of `output_size` windows; window i reads ⌊iN/O⌋ to ⌈(i+1)N/O⌉ − 1."""

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        outputs = count(self.output(*inputs))
        return {"add": self.connections(*inputs) - outputs, "divide": outputs}

    def kept(self, *inputs: Shape) -> Kept:
        # One mean a channel is computed as such.
        return NOTHING if all(n == 1 for n in self.output(*inputs)[1:]) else INPUTS


class AdaptiveMaxPool(_AdaptivePool):
    """The largest value of each of `output_size` windows."""

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        return {"compare": self.connections(*inputs) - count(self.output(*inputs))}

    def kept(self, *inputs: Shape) -> Kept:
        return INPUTS.and_also(Extra(count(self.output(*inputs)), INDEX_BYTES))


class _GlobalPool(OnAxes):
    """One value a channel."""

    prefix = "pool"
    family = "pooling"

    keepdim: Flag = Field(
        False, description="keep the spatial axes with size 1 instead of giving a vector"
    )

    def output(self, *inputs: Shape) -> Shape:
        return (inputs[0][0], *((1,) * (len(inputs[0]) - 1) if self.keepdim else ()))

    def axis_map(self, *inputs: Shape) -> tuple[tuple[AxisMap | None, ...], ...]:
        return ((None,) * (len(inputs[0]) - 1),)

    def connections(self, *inputs: Shape) -> int:
        return count(inputs[0])

    def twin(self, *inputs: Shape) -> Twin:
        call = "module(x)" if self.keepdim else "module(x).flatten(1)"
        name = foreign_layers()[self.type].torch[len(inputs[0]) - 2]
        return module(name, call, output_size=1)

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        name = foreign_layers()[self.type].keras[len(inputs[0]) - 2]
        yield made(name, keepdims=self.keepdim)


class GlobalAvgPool(_GlobalPool):
    """The mean of each channel."""

    _kept = NOTHING

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        return {"add": count(inputs[0]) - inputs[0][0], "divide": inputs[0][0]}


class GlobalMaxPool(_GlobalPool):
    """The largest value of each channel."""

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        return {"compare": count(inputs[0]) - inputs[0][0]}

    def kept(self, *inputs: Shape) -> Kept:
        return INPUTS.and_also(Extra(inputs[0][0], INDEX_BYTES))
