"""What layers share that slide a kernel: its fields, geometry and rules, and what is trained."""

from collections.abc import Iterable, Iterator, Mapping
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from cnncalc.dims import TransposedWindow, Window, half_padding, same_padding
from cnncalc.layers.base import (
    AXIS_NAMES,
    KernelUse,
    Layer,
    Normed,
    Sentence,
    Shape,
    count,
    per_axis,
    sizes_text,
    times,
)
from cnncalc.layers.fields import MAX_AXES, Padding, Side, Sizes
from cnncalc.layers.kept import Order


def axes_rules(layer: Layer, input: Shape, fields: dict[str, Any]) -> Iterator[str]:
    """The input must have spatial axes, and each field one value for all or one for each."""
    axes = len(input) - 1
    if not 1 <= axes <= MAX_AXES:
        found = "a vector of {}" if axes == 0 else "{}"
        yield Sentence(
            f"{layer.type} needs an input with 1 to {MAX_AXES} spatial axes, not {found}", input
        )
        return
    for name, value in fields.items():
        if isinstance(value, tuple) and len(value) != axes:
            yield Sentence(
                f"{name} has {len(value)} values, but the input {{}} has {axes} spatial "
                f"{'axis' if axes == 1 else 'axes'}",
                input,
            )


def both_sides(padding: Side) -> tuple[int, int]:
    """(before, after) of one axis."""
    return padding if isinstance(padding, tuple) else (padding, padding)


def side_text(before: int, after: int) -> str:
    """Padding of one axis as the formula has it: `2`, or `0+1` where the sides differ."""
    return str(before) if before == after else f"{before}+{after}"


def window_text(windows: tuple[Window | TransposedWindow, ...]) -> str:
    """Kernel, stride and padding, and dilation where there is one: `5×5 s1 p0`."""
    text = (
        f"{times([w.kernel_size for w in windows])} s{sizes_text([w.stride for w in windows])} "
        f"p{sizes_text([side_text(w.before, w.after) for w in windows])}"
    )
    if any(window.dilation != 1 for window in windows):
        text += f" d{sizes_text([w.dilation for w in windows])}"
    return text


class OnAxes(Layer):
    """A layer that works along spatial axes, one to three of them."""

    memory_order: ClassVar[Order] = "by_kernel"
    _along: ClassVar[tuple[str, ...]] = ()
    """Its fields that have one value for all axes or one for each."""

    def per_axis_fields(self) -> dict[str, Any]:
        """Those fields by name, with what stands for one that is left out."""
        return {name: getattr(self, name) for name in self._along}

    def _by_axis(self, input: Shape) -> Iterator[tuple[Any, ...]]:
        """The input's size along each axis, and what each of those fields has for it."""
        sizes = input[1:]
        values = self.per_axis_fields().values()
        return zip(sizes, *(per_axis(value, len(sizes)) for value in values), strict=True)

    def rules(self, *inputs: Shape) -> Iterator[str]:
        broken = axes_rules(self, inputs[0], self.per_axis_fields())
        # Each sentence once: windows that break no rule need not be compared for it.
        yield from list(broken) or dict.fromkeys(self._misfits(*inputs))

    def _misfits(self, *inputs: Shape) -> Iterable[str]:
        """What does not fit along one of the axes, of which there are as many as there must be."""
        return ()

    def output(self, *inputs: Shape) -> Shape:
        """The channels that come in, and along each axis what its window gives."""
        return (inputs[0][0], *(window.output for window in self.windows(*inputs)))

    def describe(self, *inputs: Shape) -> str:
        windows = self.windows(*inputs)
        return f"{self.type} {window_text(windows)}" if windows else self.type

    def _sides(self, *inputs: Shape) -> list[tuple[int, int]]:
        """Padding before and after along each axis."""
        return [(window.before, window.after) for window in self.windows(*inputs)]


class Windowed(OnAxes):
    """A layer that slides a kernel along every spatial axis."""

    reduces: ClassVar[Literal["sum", "mean", "max", "min"]] = "sum"
    """What becomes of the values of a window."""

    kernel_size: Sizes = Field(description="size F of the kernel along each axis")
    stride: Sizes | None = Field(None, description="step S of the kernel along each axis")
    padding: Padding = Field(
        0,
        description="positions P added at the borders: a number, one for each axis, "
        "[before, after] for each axis, valid (none), half (half the kernel's extent on each "
        "side), or same (output ⌈N/S⌉, the odd one after)",
    )

    def per_axis_fields(self) -> dict[str, Any]:
        """Kernel, stride, padding and dilation, each one for all axes or one for each."""
        return {
            "kernel_size": self.kernel_size,
            "stride": self.kernel_size if self.stride is None else self.stride,
            "padding": 0 if self.padding == "valid" else self.padding,
            "dilation": getattr(self, "dilation", 1),
        }

    def windows(self, *inputs: Shape) -> tuple[Window, ...]:
        sizes = inputs[0][1:]
        kernel_size, stride, padding, dilation = [
            value if value in ("same", "half") else per_axis(value, len(sizes))
            for value in self.per_axis_fields().values()
        ]
        if padding == "same":
            padding = map(same_padding, sizes, kernel_size, stride, dilation)
        elif padding == "half":
            padding = map(half_padding, kernel_size, dilation)
        # Not getattr: pydantic searches long for a field that a layer does not have.
        ceil_mode = vars(self).get("ceil_mode", False)
        along = zip(sizes, kernel_size, stride, map(both_sides, padding), dilation, strict=True)
        return tuple([Window(n, k, s, *sides, d, ceil_mode) for n, k, s, sides, d in along])

    def _misfits(self, *inputs: Shape) -> Iterator[str]:
        """The kernel must fit the padded input along every axis."""
        windows = self.windows(*inputs)
        names = AXIS_NAMES[len(windows)]
        broken = [window for window in windows if window.output < 1]
        for window in dict.fromkeys(broken):
            axes = [name for name, other in zip(names, windows, strict=True) if other == window]
            place = "" if len(axes) == len(windows) else f"'s {' and '.join(axes)}"
            kernel = f"kernel {window.kernel_size}"
            if window.dilation != 1:
                kernel += f" with dilation {window.dilation} (extent {window.extent})"
            before, after = window.before, window.after
            padding = f"2·{before}" if before == after else f"{before} + {after}"
            found = f"{window.n} + {padding} < {window.extent}"
            yield f"{kernel} does not fit the input{place}: {found}"


class Kernels(Normed):
    """A convolution or its transpose; `_maps` says how channels are wired."""

    numbered = True
    family = "convolution"
    kernels: ClassVar[KernelUse | None] = "shared"
    assertions: ClassVar[Mapping[str, str]] = {"in_channels": "number of channels that arrive"}

    if TYPE_CHECKING:
        # A field of each class, in the place that its documentation has for it.
        bias: bool

    def _maps(self, channels: int) -> tuple[int, int]:
        """(output channels, groups) for an input of that many channels."""
        raise NotImplementedError

    def _wires(self, channels: int) -> int:
        """Pairs of an input map and an output map that a kernel joins."""
        out_channels, groups = self._maps(channels)
        return channels // groups * out_channels

    def _group_rules(self, channels: int) -> Iterator[str]:
        """Channels must divide into groups on both sides."""
        out_channels, groups = self._maps(channels)
        for name, number in (("input", channels), ("output", out_channels)):
            if number % groups:
                yield f"{number} {name} channels do not divide into {groups} groups"

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        return {"add": count(self.output(*inputs))} if self.bias else {}

    def connections(self, *inputs: Shape) -> int:
        reads = prod(window.reads for window in self.windows(*inputs))
        biases = count(self.output(*inputs)) if self.bias else 0
        return reads * self._wires(inputs[0][0]) + biases

    def wiring_groups(self, *inputs: Shape) -> int:
        return self._maps(inputs[0][0])[1]
