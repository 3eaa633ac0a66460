"""Layers that move, copy or cut values and compute (almost) nothing."""

from collections.abc import Iterator
from math import prod
from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema

from cnncalc.dims import pinned
from cnncalc.errors import shown
from cnncalc.layers.axis_map import SAME, AxisMap, moved
from cnncalc.layers.base import Layer, Sentence, Shape, count
from cnncalc.layers.fields import Axis, Count, Natural, is_whole, refuse
from cnncalc.layers.kept import NOTHING, Strides
from cnncalc.layers.keras_twin import Part, channels_first, channels_last, made, written
from cnncalc.layers.layout import viewed
from cnncalc.layers.twin import Twin
from cnncalc.layers.window import axes_rules


class _View(Layer):
    values = "view"
    family = "rearranging"
    _kept = NOTHING

    def view(self, shape: Shape, strides: Strides, *inputs: Shape) -> Strides | None:
        return viewed(shape, strides, (shape[0], *self.output(*inputs)))

    def axis_map(self, *inputs: Shape) -> tuple[tuple[AxisMap | None, ...], ...]:
        # Where the axes do not stay what they are, an output position may come from anywhere.
        return ((SAME if self._keeps_axes(*inputs) else None,) * (len(inputs[0]) - 1),)

    def _keeps_axes(self, *inputs: Shape) -> bool:
        """Whether every value stays at its position."""
        output = self.output(*inputs)
        return len(output) == len(inputs[0]) and output == inputs[0]


class Flatten(_View):
    """All values as one vector."""

    memory_order = "channels_first"

    def output(self, *inputs: Shape) -> Shape:
        return (count(inputs[0]),)

    def twin(self, *inputs: Shape) -> Twin:
        return Twin("x.flatten(1)")

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        if len(inputs[0]) > 1:
            yield from channels_first(inputs[0])
            yield made("Flatten")


def _whole_numbers(minimum: int, wanted: str) -> Any:
    def parse(value: Any) -> tuple[int, ...]:
        listed = isinstance(value, (list, tuple)) and 1 <= len(value) <= 4
        for number in value if listed else [value]:
            if not listed or not is_whole(number, minimum):
                many = isinstance(value, (list, tuple)) and not listed and len(value)
                found = f"{len(value):,} of them" if many else shown(number)
                raise refuse(f"must list {wanted}, not {found}")
        # A number that may be -1 is asked here, so that `output` need not.
        return tuple(pinned(number) if number < 0 else number for number in value)

    number = {"type": "integer", "minimum": minimum}
    schema = {"type": "array", "items": number, "minItems": 1, "maxItems": 4}
    return PlainValidator(parse), WithJsonSchema(schema)


_SHAPE = _whole_numbers(-1, "one to four sizes, channels first, of which one may be -1")
_DIMS = _whole_numbers(0, "the axes in their new order, numbered from 0 (the channels)")


def _follows(size: int) -> bool:
    """Whether a size of a shape is left to the others."""
    return type(size) is int and size == -1


class Reshape(_View):
    """The same values under another shape."""

    memory_order = "channels_first"

    shape: Annotated[tuple[int, ...], _SHAPE[0], _SHAPE[1]] = Field(
        description="the new sizes, channels first; one may be -1 and follows from the others"
    )

    def rules(self, *inputs: Shape) -> Iterator[str]:
        if 0 in self.shape or self.shape.count(-1) > 1:
            yield f"shape {list(self.shape)} must have positive sizes and at most one -1"
            return
        known, values = prod(size for size in self.shape if size != -1), count(inputs[0])
        if values % known or (-1 not in self.shape and values != known):
            yield Sentence(
                f"{{}} has {values:,} values, which do not fill {list(self.shape)}", inputs[0]
            )

    def output(self, *inputs: Shape) -> Shape:
        rest = count(inputs[0]) // prod(size for size in self.shape if not _follows(size))
        return tuple(rest if _follows(size) else size for size in self.shape)

    def twin(self, *inputs: Shape) -> Twin:
        return Twin(f"x.reshape(-1, {str(self.output(*inputs))[1:-1]})")

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        (shape,), output = inputs, self.output(*inputs)
        if shape[0] == output[0]:
            # The channels stay what they are.
            yield made("Reshape", target_shape=channels_last(output))
            return
        yield from channels_first(shape)
        vector = len(output) == 1
        suffix = "" if vector else "_channels_first_too"
        yield made("Reshape", target_shape=output)._replace(suffix=suffix)
        if not vector:
            yield made("Permute", dims=(*range(2, len(output) + 1), 1))


class Permute(_View):
    """The same values with the axes in another order."""

    dims: Annotated[tuple[int, ...], _DIMS[0], _DIMS[1]] = Field(
        description="the input's axes in their new order; 0 is the channels, 1 the first spatial"
    )

    def rules(self, *inputs: Shape) -> Iterator[str]:
        axes = len(inputs[0])
        if sorted(self.dims) != list(range(axes)):
            yield (
                f"dims must name each of the input's axes 0 to {axes - 1} once, not "
                f"{list(self.dims)}"
            )

    def output(self, *inputs: Shape) -> Shape:
        return tuple(inputs[0][axis] for axis in self.dims)

    def view(self, shape: Shape, strides: Strides, *inputs: Shape) -> Strides:
        return (strides[0], *(strides[axis + 1] for axis in self.dims))

    def _keeps_axes(self, *inputs: Shape) -> bool:
        return list(self.dims) == sorted(self.dims)

    def twin(self, *inputs: Shape) -> Twin:
        return Twin(f"x.permute{(0, *(axis + 1 for axis in self.dims))}")

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        # Where each axis of torch stands in Keras, counted from 1.
        stands = [len(inputs[0]), *range(1, len(inputs[0]))]
        yield made("Permute", dims=channels_last(tuple(stands[axis] for axis in self.dims)))


class Slice(_View):
    """The channels from `start` to `stop`, or with `axis` the positions; two of them split them."""

    main = "stop"

    start: Natural = Field(0, description="first channel (or position), from 0")
    stop: Count | None = Field(
        None, description="the channel behind the last; all that follow when it is left out"
    )
    axis: Axis = Field(0, description="what is cut: 0 the channels, 1 the first spatial axis")

    def _stop(self, input: Shape) -> int:
        return input[self.axis] if self.stop is None else self.stop

    def rules(self, *inputs: Shape) -> Iterator[str]:
        axes = len(inputs[0])
        if self.axis >= axes:
            yield Sentence(
                f"axis {self.axis} is beyond the axes 0 to {axes - 1} of {{}}", inputs[0]
            )
            return
        size, stop = inputs[0][self.axis], self._stop(inputs[0])
        what = f"positions along axis {self.axis}" if self.axis else "channels"
        if stop > size:
            yield f"stop {stop} is beyond the input's {size} {what}"
        elif self.start >= stop:
            last = f"the number of {what}" if self.stop is None else "stop"
            yield f"start must be less than {last}: {self.start} ≥ {stop}"

    def output(self, *inputs: Shape) -> Shape:
        (input,), axis = inputs, self.axis
        return (*input[:axis], self._stop(input) - self.start, *input[axis + 1 :])

    def view(self, shape: Shape, strides: Strides, *inputs: Shape) -> Strides:
        return strides

    def axis_map(self, *inputs: Shape) -> tuple[tuple[AxisMap | None, ...], ...]:
        axes = range(1, len(inputs[0]))
        return (tuple(moved(self.start) if axis == self.axis else SAME for axis in axes),)

    def describe(self, *inputs: Shape) -> str:
        along = f" axis {self.axis}" if self.axis else ""
        return f"{self.type} {self.start}:{self._stop(inputs[0])}{along}"

    def twin(self, *inputs: Shape) -> Twin:
        return Twin(f"x[{':, ' * (self.axis + 1)}{self.start}:{self._stop(inputs[0])}]")

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        before = ":, " * self.axis if self.axis else "..., "
        yield written(f"x[{before}{self.start}:{self._stop(inputs[0])}]")


class ChannelShuffle(Layer):
    """Interleaves the channels of `groups` groups."""

    family = "rearranging"
    _kept = NOTHING
    memory_order = "channels_first"
    prefix = "shuffle"

    groups: Count = Field(description="number of groups whose channels are interleaved")

    def rules(self, *inputs: Shape) -> Iterator[str]:
        yield from axes_rules(self, inputs[0], {})
        if inputs[0][0] % self.groups:
            yield f"{inputs[0][0]} channels do not divide into {self.groups} groups"

    def view(self, shape: Shape, strides: Strides, *inputs: Shape) -> Strides | None:
        # One group, or as many as channels, changes nothing and copies nothing.
        batch, channels, *sizes = shape
        split = (batch, channels // self.groups, self.groups, *sizes)
        steps = (strides[0], strides[1], channels // self.groups * strides[1], *strides[2:])
        return viewed(split, steps, shape)

    def twin(self, *inputs: Shape) -> Twin:
        return Twin(f"x.unflatten(1, ({self.groups}, -1)).transpose(1, 2).flatten(1, 2)")

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        channels, *sizes = inputs[0]
        axes = len(sizes)
        split = (*sizes, self.groups, channels // self.groups)
        yield made("Reshape", target_shape=split)._replace(suffix="_groups")
        order = (*range(1, axes + 1), axes + 2, axes + 1)
        yield made("Permute", dims=order)._replace(suffix="_interleaved")
        yield made("Reshape", target_shape=(*sizes, channels))
