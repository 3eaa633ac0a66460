"""Windows on an axis of their own, and back: what attention then works in, each window apart.

Sources: Liu et al., Swin Transformer, ICCV 2021 (arXiv 2103.14030), for windows and their shift; Tu
et al., MaxViT, ECCV 2022 (arXiv 2204.01697), for the grid.
"""

from collections.abc import Iterator
from math import prod

from pydantic import Field

from cnncalc.dims import root
from cnncalc.layers.axis_map import AxisMap
from cnncalc.layers.base import Layer, Sentence, Shape, per_axis, sizes_text, times
from cnncalc.layers.fields import Flag, Naturals, Sizes
from cnncalc.layers.kept import NOTHING
from cnncalc.layers.keras_twin import Part, written
from cnncalc.layers.twin import Twin
from cnncalc.layers.window import axes_rules

_SIZE = "positions of a window along each axis; of the grid, with grid"
_SHIFT = "positions by which the windows are shifted along each axis, around the ends"
_GRID = (
    "whether the positions of a window lie apart, spread over the whole (MaxViT's grid), and not "
    "side by side"
)


class _Windows(Layer):
    """What both directions have in common: sizes of the whole, and of what is cut out of it."""

    family = "rearranging"
    memory_order = "channels_first"
    main = "size"
    _kept = NOTHING

    size: Sizes = Field(description=_SIZE)
    shift: Naturals = Field(0, description=_SHIFT)
    grid: Flag = Field(False, description=_GRID)

    def axis_map(self, *inputs: Shape) -> tuple[tuple[AxisMap | None, ...], ...]:
        # The axes do not stay what they are.
        return ((None,) * (len(inputs[0]) - 1),)

    def describe(self, *inputs: Shape) -> str:
        axes = len(self._whole(*inputs))
        size, shift = per_axis(self.size, axes), per_axis(self.shift, axes)
        shifted = f" shift {sizes_text(shift)}" if any(shift) else ""
        return f"{self.type} {times(size)}{' grid' if self.grid else ''}{shifted}"

    def _whole(self, *inputs: Shape) -> Shape:
        """The sizes of what is cut into windows."""
        raise NotImplementedError

    def counts(self, *inputs: Shape) -> Shape:
        """How many windows there are along each axis."""
        whole = self._whole(*inputs)
        return tuple(n // s for n, s in zip(whole, per_axis(self.size, len(whole)), strict=True))

    def _steps(self, *inputs: Shape) -> tuple[Shape, Shape]:
        """Each axis in two, as the whole has them, and where in that windows, then positions are.

        Side by side an axis is windows × positions, in a grid positions × windows.
        """
        counts = self.counts(*inputs)
        pairs = zip(counts, per_axis(self.size, len(counts)), strict=True)
        split = tuple(n for pair in pairs for n in (reversed(pair) if self.grid else pair))
        first, second = range(0, len(split), 2), range(1, len(split), 2)
        return split, (*second, *first) if self.grid else (*first, *second)

    def _divides(self, whole: Shape) -> Iterator[str]:
        size, shift = per_axis(self.size, len(whole)), per_axis(self.shift, len(whole))
        for n, s in zip(whole, size, strict=True):
            if n % s:
                less = [f"{n // s * s}"] if n >= s else []
                would = " or ".join([*less, f"{(n // s + 1) * s}"])
                yield f"{n} positions do not divide into windows of {s}; {would} would"
        for s, shifted in zip(size, shift, strict=True):
            if shifted >= s:
                yield f"shift {shifted} must be less than the {s} positions of a window"


class WindowPartition(_Windows):
    """Cuts all axes into windows: channels, windows, positions within a window."""

    type = "window_partition"
    prefix = "windows"

    def _whole(self, *inputs: Shape) -> Shape:
        return inputs[0][1:]

    def rules(self, *inputs: Shape) -> Iterator[str]:
        broken = list(axes_rules(self, inputs[0], {"size": self.size, "shift": self.shift}))
        yield from broken or dict.fromkeys(self._divides(inputs[0][1:]))

    def output(self, *inputs: Shape) -> Shape:
        counts = self.counts(*inputs)
        return (inputs[0][0], prod(counts), prod(per_axis(self.size, len(counts))))

    def twin(self, *inputs: Shape) -> Twin:
        split, order = self._steps(*inputs)
        channels, windows, positions = self.output(*inputs)
        shift = per_axis(self.shift, len(inputs[0]) - 1)
        axes = tuple(range(2, 2 + len(shift)))
        rolled = f"x.roll({tuple(-s for s in shift)}, {axes})" if any(shift) else "x"
        dims = (0, 1, *(place + 2 for place in order))
        cut = f"{rolled}.reshape({(-1, channels, *split)}).permute({dims})"
        # A copy in any case, as it is in nearly all.
        return Twin(
            f"{cut}.clone(memory_format=torch.contiguous_format)"
            f".reshape({(-1, channels, windows, positions)})"
        )

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        split, order = self._steps(*inputs)
        channels, windows, positions = self.output(*inputs)
        shift = per_axis(self.shift, len(inputs[0]) - 1)
        axes = tuple(range(1, 1 + len(shift)))
        rolled = f"ops.roll(x, {tuple(-s for s in shift)}, {axes})" if any(shift) else "x"
        dims = (0, *(place + 1 for place in order), len(split) + 1)
        cut = f"ops.transpose(ops.reshape({rolled}, {(-1, *split, channels)}), {dims})"
        yield written(f"ops.reshape({cut}, {(-1, windows, positions, channels)})")


class WindowReverse(_Windows):
    """Puts windows back to where window_partition cut them out, with the same size and shift."""

    type = "window_reverse"
    prefix = "reverse"

    output_size: Sizes | None = Field(
        None,
        description="sizes that come back, as [56, 56]; where it is left out, there are as many "
        "windows along each axis, of two if size names no more",
    )

    def _axes(self) -> int:
        """Axes that come back."""
        fields = (self.output_size, self.size, self.shift)
        return next((len(field) for field in fields if isinstance(field, tuple)), 2)

    def _whole(self, *inputs: Shape) -> Shape:
        axes = self._axes()
        if self.output_size is not None:
            return per_axis(self.output_size, axes)
        along = root(inputs[0][1], axes)
        return tuple(along * size for size in per_axis(self.size, axes))

    def rules(self, *inputs: Shape) -> Iterator[str]:
        (input,) = inputs
        if len(input) != 3:
            yield Sentence(
                "window_reverse needs channels, windows and positions, as window_partition gives "
                "them, not {}",
                input,
            )
            return
        axes, broken = self._axes(), False
        for name in ("output_size", "size", "shift"):
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != axes:
                yield f"{name} has {len(value)} values, but there are {axes} axes"
                broken = True
        if broken:
            return
        _, windows, positions = input
        size = per_axis(self.size, axes)
        if positions != prod(size):
            yield f"windows of {times(size)} have {prod(size)} positions, but {positions} arrive"
            return
        whole = self._whole(*inputs)
        unfit = list(self._divides(whole))
        yield from dict.fromkeys(unfit)
        counts = self.counts(*inputs)
        if not unfit and windows != prod(counts):
            if self.output_size is None:
                yield f"{windows} windows are not as many along {axes} axes; give output_size"
            else:
                yield (
                    f"output_size {times(whole)} has {prod(counts)} windows of {times(size)}, but "
                    f"{windows} arrive"
                )

    def output(self, *inputs: Shape) -> Shape:
        return (inputs[0][0], *self._whole(*inputs))

    def _back(self, *inputs: Shape) -> tuple[Shape, Shape]:
        """The sizes of all axes in the order in which they arrive, and where each goes."""
        split, order = self._steps(*inputs)
        return tuple(split[place] for place in order), tuple(map(order.index, range(len(order))))

    def twin(self, *inputs: Shape) -> Twin:
        arriving, order = self._back(*inputs)
        output = self.output(*inputs)
        shift = per_axis(self.shift, len(output) - 1)
        axes = tuple(range(2, 2 + len(shift)))
        rolled = f".roll({tuple(shift)}, {axes})" if any(shift) else ""
        dims = (0, 1, *(place + 2 for place in order))
        return Twin(
            f"x.reshape({(-1, output[0], *arriving)}).permute({dims})"
            f".clone(memory_format=torch.contiguous_format).reshape({(-1, *output)}){rolled}"
        )

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        arriving, order = self._back(*inputs)
        channels, *whole = self.output(*inputs)
        shift = per_axis(self.shift, len(whole))
        dims = (0, *(place + 1 for place in order), len(order) + 1)
        put = f"ops.transpose(ops.reshape(x, {(-1, *arriving, channels)}), {dims})"
        put = f"ops.reshape({put}, {(-1, *whole, channels)})"
        axes = tuple(range(1, 1 + len(shift)))
        yield written(f"ops.roll({put}, {tuple(shift)}, {axes})" if any(shift) else put)
