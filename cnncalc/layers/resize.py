"""Layers that add, cut, repeat or interpolate positions; nothing is trained."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from cnncalc.dims import Window, maximum
from cnncalc.layers.axis_map import AxisMap, moved, repeating, resizing, sliding
from cnncalc.layers.base import (
    AXIS_NAMES,
    Layer,
    Sentence,
    Shape,
    count,
    per_axis,
    sizes_text,
    times,
)
from cnncalc.layers.fields import Count, Sides, Sizes
from cnncalc.layers.kept import INPUTS, NOTHING, Kept, Strides
from cnncalc.layers.keras_twin import Part, cropped, filled, made, refused, written, zeros
from cnncalc.layers.twin import Twin, module, padded
from cnncalc.layers.window import OnAxes, both_sides, side_text


class _Borders(OnAxes):
    """A layer that adds or cuts positions at the borders."""

    family = "resizing"

    def _sides(self, *inputs: Shape) -> list[tuple[int, int]]:
        return [both_sides(side) for _, side in self._by_axis(inputs[0])]

    def describe(self, *inputs: Shape) -> str:
        return f"{self.type} {sizes_text([side_text(*side) for side in self._sides(*inputs)])}"


class Pad(_Borders):
    """Adds positions at the borders."""

    _along = ("padding",)

    padding: Sides = Field(
        description="positions added at the borders: a number, one for each axis, or "
        "[before, after] for each axis"
    )
    mode: Literal["constant", "reflect", "replicate", "circular"] = Field(
        "constant", description="what fills them: zeros, the mirror image, the border, the far end"
    )

    def _misfits(self, *inputs: Shape) -> Iterator[str]:
        for n, side in self._by_axis(inputs[0]):
            padding, limit = maximum(*both_sides(side)), n - 1 if self.mode == "reflect" else n
            if self.mode in ("reflect", "circular") and padding > limit:
                yield f"{self.mode} padding {padding} needs more input than {n}"

    def output(self, *inputs: Shape) -> Shape:
        channels, *sizes = inputs[0]
        return (channels, *(n + sum(p) for n, p in zip(sizes, self._sides(*inputs), strict=True)))

    def view(self, shape: Shape, strides: Strides, *inputs: Shape) -> Strides | None:
        return None if any(map(any, self._sides(*inputs))) else strides

    def axis_map(self, *inputs: Shape) -> tuple[tuple[AxisMap | None, ...], ...]:
        return (tuple(moved(-before) for before, _ in self._sides(*inputs)),)

    def twin(self, *inputs: Shape) -> Twin:
        return Twin(padded("x", self._sides(*inputs), mode=self.mode))

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        sides = self._sides(*inputs)
        if self.mode == "constant":
            yield from (part._replace(suffix="") for part in zeros(sides))
            return
        for axis, (n, (before, after)) in enumerate(zip(inputs[0][1:], sides, strict=True), 1):
            if before or after:
                yield filled(self.mode, axis, n, before, after)

    def kept(self, *inputs: Shape) -> Kept:
        added = any(map(any, self._sides(*inputs)))
        return INPUTS if added and self.mode in ("reflect", "replicate") else NOTHING


class Crop(_Borders):
    """Cuts positions off at the borders."""

    _along = ("cropping",)
    _kept = NOTHING
    values = "view"

    cropping: Sides = Field(
        description="positions cut off at the borders: a number, one for each axis, or "
        "[before, after] for each axis"
    )

    def view(self, shape: Shape, strides: Strides, *inputs: Shape) -> Strides:
        return strides

    def _misfits(self, *inputs: Shape) -> Iterator[str]:
        for n, (before, after) in zip(inputs[0][1:], self._sides(*inputs), strict=True):
            if before + after >= n:
                yield f"cropping {before} + {after} leaves nothing of {n}"

    def output(self, *inputs: Shape) -> Shape:
        channels, *sizes = inputs[0]
        return (channels, *(n - sum(c) for n, c in zip(sizes, self._sides(*inputs), strict=True)))

    def axis_map(self, *inputs: Shape) -> tuple[tuple[AxisMap | None, ...], ...]:
        return (tuple(moved(before) for before, _ in self._sides(*inputs)),)

    def twin(self, *inputs: Shape) -> Twin:
        sizes = zip(inputs[0][1:], self._sides(*inputs), strict=True)
        kept = (f"{before}:{n - after}" for n, (before, after) in sizes)
        return Twin(f"x[:, :, {', '.join(kept)}]")

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        yield from (part._replace(suffix="") for part in cropped(self._sides(*inputs)))


_TAPS = {"nearest": 1, "linear": 2, "cubic": 4}


class Upsample(OnAxes):
    """Enlarges by repeating or interpolating values; nothing is trained."""

    family = "resizing"
    _kept = NOTHING
    main = "scale_factor"
    _along = ("scale_factor", "size")

    scale_factor: Sizes | None = Field(
        None, description="how many times larger along each axis; instead of size"
    )
    size: Sizes | None = Field(None, description="output positions along each axis")
    mode: Literal["nearest", "linear", "cubic"] = Field(
        "nearest",
        description="nearest: repeat; linear: linear along every axis (torch's bilinear, "
        "trilinear); cubic: cubic along every axis (torch's bicubic)",
    )

    @property
    def taps(self) -> int:
        """How many values an output is made of along each axis."""
        return _TAPS[self.mode]

    def rules(self, *inputs: Shape) -> Iterator[str]:
        yield from super().rules(*inputs)
        if (self.scale_factor is None) == (self.size is None):
            yield "give either scale_factor or size"

    def output(self, *inputs: Shape) -> Shape:
        channels, *sizes = inputs[0]
        if self.size is not None:
            return (channels, *per_axis(self.size, len(sizes)))
        return (channels, *(n * factor for n, factor, _ in self._by_axis(inputs[0])))

    def axis_map(self, *inputs: Shape) -> tuple[tuple[AxisMap | None, ...], ...]:
        sizes = zip(inputs[0][1:], self.output(*inputs)[1:], strict=True)
        return (tuple(resizing(n, outputs, self.taps // 2) for n, outputs in sizes),)

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        # A weighted sum of the neighbours: 2 (linear) or 4 (cubic) along each axis.
        taps = self.taps ** (len(inputs[0]) - 1)
        outputs = count(self.output(*inputs))
        return {"multiply": taps * outputs, "add": (taps - 1) * outputs} if taps > 1 else {}

    def describe(self, *inputs: Shape) -> str:
        return f"{self.type} {self.mode} → {times(self.output(*inputs)[1:])}"

    def twin(self, *inputs: Shape) -> Twin:
        axes, sizes = len(inputs[0]) - 1, self.output(*inputs)[1:]
        if self.mode == "cubic" and axes != 2:
            return Twin(_cubic(inputs[0], sizes))
        names = {"linear": ("linear", "bilinear", "trilinear")[axes - 1], "cubic": "bicubic"}
        mode = names.get(self.mode, self.mode)
        if self.size is not None:
            return module("Upsample", size=sizes, mode=mode)
        factors = per_axis(self.scale_factor, axes)
        # One number where one will do: calflops fails at several.
        factor = factors[0] if len(set(factors)) == 1 else factors
        return module("Upsample", scale_factor=factor, mode=mode)

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        sizes, outputs = inputs[0][1:], self.output(*inputs)[1:]
        if self.mode == "cubic":
            # Its backends interpolate with different coefficients.
            raise refused("a cubic upsample has no spelling in Keras")
        pairs, axes = list(zip(sizes, outputs, strict=True)), len(sizes)
        factors, whole = tuple(o // n for n, o in pairs), not any(o % n for n, o in pairs)
        if self.mode == "linear" and axes == 2 and whole:
            yield made("UpSampling2D", size=factors, interpolation="bilinear")
        elif self.mode == "linear":
            yield written(f"interpolate(x, {outputs})")
        elif whole:
            yield made(f"UpSampling{axes}D", size=factors if axes > 1 else factors[0])
        else:
            for axis, (n, o) in enumerate(pairs, 1):
                if n != o:
                    yield written(f"ops.take(x, ops.arange({o}) * {n} // {o}, axis={axis})")


def _cubic(input: Shape, sizes: tuple[int, ...]) -> str:
    """Cubic along one or three axes, of which torch knows two: the others become one of them."""

    def bicubic(x: str, height: int, width: int) -> str:
        return f"F.interpolate({x}, ({height}, {width}), mode='bicubic')"

    if len(sizes) == 1:
        return bicubic("x[:, :, None]", 1, sizes[0]) + "[:, :, 0]"
    depth, height, width = sizes
    planes = bicubic("x.flatten(1, 2)", height, width) + f".unflatten(1, {input[:2]})"
    return bicubic(f"{planes}.flatten(3)", depth, height * width) + (
        f".unflatten(3, ({height}, {width}))"
    )


class PixelShuffle(Layer):
    """Turns channels into positions: (C·r², H, W) to (C, H·r, W·r)."""

    memory_order = "by_kernel"
    family = "resizing"
    _kept = NOTHING
    prefix = "shuffle"

    upscale_factor: Count = Field(description="r, how many times larger height and width become")

    def rules(self, *inputs: Shape) -> Iterator[str]:
        if len(inputs[0]) != 3:
            yield Sentence("pixel_shuffle needs height and width, not {}", inputs[0])
        elif inputs[0][0] % self.upscale_factor**2:
            yield f"{inputs[0][0]} channels do not divide by {self.upscale_factor}²"

    def output(self, *inputs: Shape) -> Shape:
        channels, *sizes = inputs[0]
        return (channels // self.upscale_factor**2, *(n * self.upscale_factor for n in sizes))

    def axis_map(self, *inputs: Shape) -> tuple[tuple[AxisMap | None, ...], ...]:
        return ((repeating(self.upscale_factor),) * 2,)

    def describe(self, *inputs: Shape) -> str:
        return f"{self.type} ×{self.upscale_factor}"

    def twin(self, *inputs: Shape) -> Twin:
        return module("PixelShuffle", upscale_factor=self.upscale_factor)

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        channels, height, width = self.output(*inputs)
        r = self.upscale_factor
        split = (height // r, width // r, channels, r, r)
        yield made("Reshape", target_shape=split)._replace(suffix="_split")
        yield made("Permute", dims=(1, 4, 2, 5, 3))._replace(suffix="_order")
        yield made("Reshape", target_shape=(height, width, channels))


class PixelUnshuffle(Layer):
    """Turns positions into channels: (C, H·r, W·r) to (C·r², H, W)."""

    family = "resizing"
    _kept = NOTHING
    prefix = "unshuffle"
    memory_order = "channels_first"

    downscale_factor: Count = Field(description="r, how many times smaller height and width become")

    def rules(self, *inputs: Shape) -> Iterator[str]:
        if len(inputs[0]) != 3:
            yield Sentence("pixel_unshuffle needs height and width, not {}", inputs[0])
            return
        for name, size in zip(AXIS_NAMES[2], inputs[0][1:], strict=True):
            if size % self.downscale_factor:
                yield f"{name} {size} does not divide by {self.downscale_factor}"

    def output(self, *inputs: Shape) -> Shape:
        channels, *sizes = inputs[0]
        return (channels * self.downscale_factor**2, *(n // self.downscale_factor for n in sizes))

    def axis_map(self, *inputs: Shape) -> tuple[tuple[AxisMap | None, ...], ...]:
        # The r positions that become one.
        r = self.downscale_factor
        return (tuple(sliding(Window(n, r, r, 0, 0)) for n in inputs[0][1:]),)

    def describe(self, *inputs: Shape) -> str:
        return f"{self.type} ÷{self.downscale_factor}"

    def twin(self, *inputs: Shape) -> Twin:
        return module("PixelUnshuffle", downscale_factor=self.downscale_factor)

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        (channels, *_), (deep, height, width) = inputs[0], self.output(*inputs)
        r = self.downscale_factor
        split = (height, r, width, r, channels)
        yield made("Reshape", target_shape=split)._replace(suffix="_split")
        yield made("Permute", dims=(1, 3, 5, 2, 4))._replace(suffix="_order")
        yield made("Reshape", target_shape=(height, width, deep))
