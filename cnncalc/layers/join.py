"""Layers that read several inputs."""

from collections.abc import Iterator, Sequence

from pydantic import Field

from cnncalc.dims import broadcast, maximum
from cnncalc.layers.axis_map import SAME, AxisMap
from cnncalc.layers.base import Activated, Sentence, Shape, count
from cnncalc.layers.fields import Axis
from cnncalc.layers.foreign import foreign_layers
from cnncalc.layers.kept import NOTHING, Extra, Kept
from cnncalc.layers.keras_twin import Part, made
from cnncalc.layers.twin import Twin, variables

MAX_OPERANDS = 16
"""How many operands an expression has; Python compiles no operators that are nested too deep."""


class _Join(Activated):
    joins = True
    family = "join"

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        if len(inputs) > 1:
            call = f"module([{', '.join(variables(len(inputs)))}])"
            yield made(foreign_layers()[self.type].keras[0])._replace(call=call)


def _differ(differ: str, inputs: tuple[Shape, ...], remedy: str) -> Sentence:
    """A sentence on inputs of different shapes, with each of them once."""
    different = list(dict.fromkeys(inputs))
    listed = " and ".join(["{}"] * len(different))
    return Sentence(f"branches {differ}: {listed}{remedy}", *different)


def _meet(sizes: tuple[int, ...]) -> bool:
    """Whether all sizes are one, but for those that are 1."""
    # What is a plain 1 needs no question; and where all others are alike, they need no second.
    others = [size for size in sizes if type(size) is not int or size != 1]
    return all(size == others[0] for size in others) or (
        all(size in (1, maximum(*others)) for size in others)
    )


class Add(_Join):
    """The sum of its inputs, value by value."""

    commutes = True
    _kept = NOTHING

    def rules(self, *inputs: Shape) -> Iterator[str]:
        if all(shape == inputs[0] for shape in inputs[1:]):
            return
        remedy = ""
        if len({shape[1:] for shape in inputs}) == 1 and len(inputs[0]) > 1:
            remedy = f"; give the shortcut a conv with out_channels {inputs[0][0]}"
        elif len({len(shape) for shape in inputs}) == 1 and len(inputs[0]) > 1:
            remedy = "; give both the same strides and padding"
        yield _differ("differ", inputs, remedy)

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        return {"add": (len(inputs) - 1) * count(self.output(*inputs))}

    def twin(self, *inputs: Shape) -> Twin:
        first, *others = variables(len(inputs))
        if len(others) >= MAX_OPERANDS:
            return Twin(f"sum([{', '.join(others)}], {first})")
        return Twin(" + ".join([first, *others]))


class Multiply(_Join):
    """The product of its inputs; an axis of size 1 is repeated (a factor for each channel)."""

    commutes = True

    def rules(self, *inputs: Shape) -> Iterator[str]:
        lengths = {len(shape) for shape in inputs}
        if len(lengths) > 1 or not all(map(_meet, zip(*inputs, strict=False))):
            remedy = "; a factor for each channel has shape C×1×1: keepdim, or a 1×1 conv"
            is_vector = len(lengths) > 1 and 1 in lengths
            yield _differ("differ", inputs, remedy if is_vector else "")

    def output(self, *inputs: Shape) -> Shape:
        return tuple(broadcast(*sizes) for sizes in zip(*inputs, strict=True))

    def axis_map(self, *inputs: Shape) -> tuple[tuple[AxisMap | None, ...], ...]:
        # A position that is repeated is read from everywhere, as what a global pooling found is.
        output = self.output(*inputs)
        return tuple(
            tuple(SAME if n == m else None for n, m in zip(input[1:], output[1:], strict=True))
            for input in inputs
        )

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        return {"multiply": (len(inputs) - 1) * count(self.output(*inputs))}

    def twin(self, *inputs: Shape) -> Twin:
        factors = variables(len(inputs))
        if len(factors) > MAX_OPERANDS:
            return Twin(f"product([{', '.join(factors)}])")
        return Twin(" * ".join(factors))

    def kept(self, *inputs: Shape) -> Kept:
        return self.kept_for((True,) * len(inputs), False, *inputs)

    def kept_for(self, needed: Sequence[bool], trains: bool, *inputs: Shape) -> Kept:
        # Two at a time: each factor is kept for the gradient of the product before it, and that
        # product, which is the first factor or a tensor between, for the gradient of the factor.
        factors = (any(needed[1:2]), *(any(needed[:i]) for i in range(1, len(inputs))))
        between = [self.output(*inputs[:i]) for i in range(2, len(inputs)) if needed[i]]
        return Kept(factors, extras=tuple(Extra(count(product)) for product in between))


class Concat(_Join):
    """The channels of all inputs, one behind the other, or with `axis` their positions."""

    memory_order = "by_kernel"
    _kept = NOTHING

    axis: Axis = Field(0, description="what is joined: 0 the channels, 1 the first spatial axis")

    def rules(self, *inputs: Shape) -> Iterator[str]:
        axis, shortest = self.axis, min(inputs, key=len)
        if axis >= len(shortest):
            axes = len(shortest) - 1
            yield Sentence(f"axis {axis} is beyond the axes 0 to {axes} of {{}}", shortest)
            return
        others = [shape[:axis] + shape[axis + 1 :] for shape in inputs]
        if any(other != others[0] for other in others[1:]):
            if axis:
                yield _differ(f"differ in more than axis {axis}", inputs, "")
                return
            remedy = "; crop or pad one to the other, or give both the same strides and padding"
            alike = len({len(shape) for shape in inputs}) == 1
            yield _differ("differ in more than their channels", inputs, remedy if alike else "")

    def output(self, *inputs: Shape) -> Shape:
        first, axis = inputs[0], self.axis
        return (*first[:axis], sum(shape[axis] for shape in inputs), *first[axis + 1 :])

    def axis_map(self, *inputs: Shape) -> tuple[tuple[AxisMap | None, ...], ...]:
        # Where positions are joined, each reads one input, and which depends on where it is.
        maps = tuple(None if axis == self.axis else SAME for axis in range(1, len(inputs[0])))
        return (maps,) * len(inputs)

    def twin(self, *inputs: Shape) -> Twin:
        return Twin(f"torch.cat(({', '.join(variables(len(inputs)))},), {self.axis + 1})")

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        for part in super().keras(*inputs):
            yield part._replace(arguments={"axis": self.axis} if self.axis else {})
