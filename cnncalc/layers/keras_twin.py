"""A layer's twin in Keras 3, channels last, as plain data: it is known without Keras.

`cnncalc.interop` writes it as code.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from cnncalc.dims import TransposedWindow, Window, same_padding
from cnncalc.errors import UsageError


class Part(NamedTuple):
    """A call of a layer of Keras, or an expression over `x`, `x1` …; one reads the one before."""

    made_of: str
    arguments: dict[str, Any]
    call: str = "module(x)"
    suffix: str = ""
    """What is added to the layer's name where it is not the one that the spec names."""


class Code(str):
    """An argument that is an expression itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    @classmethod
    def call(cls, name: str, arguments: dict[str, Any]) -> "Code":
        """A call with arguments by their names."""
        return cls(f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})")


Sides = Sequence[tuple[int, int]]
"""(before, after) along each axis."""


def refused(message: str) -> UsageError:
    return UsageError(f"{message}; --to torch can")


def channels_last(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape as Keras has it."""
    return (*shape[1:], shape[0])


def made(made_of: str, /, **arguments: Any) -> Part:
    """A layer of Keras."""
    return Part(f"layers.{made_of}", arguments)


def own(made_of: str, /, **arguments: Any) -> Part:
    """A layer that Keras has not: a class of cnncalc.interop.keras_layers."""
    return Part(made_of, arguments)


def written(call: str) -> Part:
    """An expression over `ops` and the functions of cnncalc.interop.keras_layers."""
    return Part("", {}, call)


def channels_first(shape: tuple[int, ...]) -> Iterator[Part]:
    """The order of torch, which is what flattening makes a difference to."""
    if sum(size > 1 for size in shape) > 1 and shape[0] > 1:
        dims = (len(shape), *range(1, len(shape)))
        yield made("Permute", dims=dims)._replace(suffix="_channels_first")


def zeros(sides: Sides) -> Iterator[Part]:
    """Zeros at the borders."""
    if any(map(any, sides)):
        padding = tuple(sides) if len(sides) > 1 else tuple(sides[0])
        yield made(f"ZeroPadding{len(sides)}D", padding=padding)._replace(suffix="_pad")


def cropped(sides: Sides) -> Iterator[Part]:
    """Positions cut off at the borders."""
    if any(map(any, sides)):
        cropping = tuple(sides) if len(sides) > 1 else tuple(sides[0])
        yield made(f"Cropping{len(sides)}D", cropping=cropping)._replace(suffix="_crop")


def filled(mode: str, axis: int, n: int, before: int, after: int) -> Part:
    """Positions at the borders of one axis, which read others: reflect, replicate or circular."""
    around, last = f"ops.arange({-before}, {n + after})", n - 1
    places = {
        "circular": f"{around} % {n}",
        "replicate": f"ops.clip({around}, 0, {last})",
        "reflect": f"{last} - ops.absolute({last} - ops.absolute({around}))",
    }
    return written(f"ops.take(x, {places[mode]}, axis={axis})")


def is_same(windows: Sequence[Window]) -> bool:
    """Whether Keras' padding `same` is what is wanted, and pads at all."""
    padded = any(w.before or w.after for w in windows)
    return padded and all(
        (w.before, w.after) == same_padding(w.n, w.kernel_size, w.stride, w.dilation)
        for w in windows
    )


def each(windows: Sequence[Window | TransposedWindow], name: str) -> tuple[int, ...]:
    """One number of every window."""
    return tuple(getattr(window, name) for window in windows)


def slides(windows: Sequence[Window | TransposedWindow]) -> dict[str, Any]:
    """Kernel, stride and dilation along each axis, as convolutions of Keras take them."""
    return {
        "kernel_size": each(windows, "kernel_size"),
        "strides": each(windows, "stride"),
        "dilation_rate": each(windows, "dilation"),
    }


def pooling(name: str, windows: Sequence[Window], same: bool = False) -> Part:
    """A pooling, which slides over no padding but `same`."""
    sizes = {"pool_size": each(windows, "kernel_size"), "strides": each(windows, "stride")}
    return made(f"{name}{len(windows)}D", **sizes, padding="same" if same else "valid")
