"""What all layers that slide a kernel share: its fields, its geometry and its rules."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from cnncalc.dims import TransposedWindow, Window, same_padding
from cnncalc.layers.base import AXIS_NAMES, Layer, Shape, per_axis, sizes_text, times
from cnncalc.layers.fields import MAX_AXES, Padding, Side, Sizes


def axes_rules(layer: Layer, input: Shape, fields: dict[str, Any]) -> Iterator[str]:
    """The input must have spatial axes, and each field one value for all or one for each."""
    axes = len(input) - 1
    if not 1 <= axes <= MAX_AXES:
        yield (
            f"{layer.type} needs an input with 1 to {MAX_AXES} spatial axes, not "
            f"{'a vector of ' if axes == 0 else ''}{times(input)}"
        )
        return
    for name, value in fields.items():
        if isinstance(value, tuple) and len(value) != axes:
            yield (
                f"{name} has {len(value)} values, but the input {times(input)} has {axes} spatial "
                f"{'axis' if axes == 1 else 'axes'}"
            )


def both_sides(padding: Side) -> tuple[int, int]:
    """(before, after) of one axis."""
    return padding if isinstance(padding, tuple) else (padding, padding)


def padding_text(window: Window | TransposedWindow) -> str:
    """Padding of one axis as the formula has it: `2`, or `0+1` where the sides differ."""
    if window.before == window.after:
        return str(window.before)
    return f"{window.before}+{window.after}"


def window_text(windows: tuple[Window | TransposedWindow, ...]) -> str:
    """Kernel, stride and padding, and dilation where there is one: `5×5 s1 p0`."""
    paddings = [padding_text(window) for window in windows]
    same = len(set(paddings)) == 1
    text = (
        f"{times([w.kernel_size for w in windows])} s{sizes_text([w.stride for w in windows])} "
        f"p{paddings[0] if same else '×'.join(paddings)}"
    )
    if any(window.dilation != 1 for window in windows):
        text += f" d{sizes_text([w.dilation for w in windows])}"
    return text


class OnAxes(Layer):
    """A layer that works along spatial axes, one to three of them."""

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
        "[before, after] for each axis, valid (none), or same (output ⌈N/S⌉, the odd one after)",
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
            value if value == "same" else per_axis(value, len(sizes))
            for value in self.per_axis_fields().values()
        ]
        if padding == "same":
            padding = map(same_padding, sizes, kernel_size, stride, dilation)
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
            padding = f"2·{window.before}"
            if window.before != window.after:
                padding = f"{window.before} + {window.after}"
            found = f"{window.n} + {padding} < {window.extent}"
            yield f"{kernel} does not fit the input{place}: {found}"
