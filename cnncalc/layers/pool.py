"""Pooling: windows, adaptive windows, whole maps, and the trained subsampling of 1998."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from pydantic import Field

from cnncalc.dims import Window, maximum, minimum
from cnncalc.layers.base import Activated, Shape, count
from cnncalc.layers.fields import Flag, Sizes
from cnncalc.layers.kept import INDEX_BYTES, Extra, Kept, Order, instead, padded_size
from cnncalc.layers.keras_twin import Part, is_same, own, pooling, refused, written, zeros
from cnncalc.layers.twin import Twin, along, module, padded
from cnncalc.layers.window import Windowed

_STRIDE = "step S of the window along each axis; the kernel's size when it is left out"
_CEIL_MODE = "round a fraction up: a window that starts on input or left padding counts"


class _Pool(Windowed):
    """A window over each channel alone."""

    prefix = "pool"
    family = "pooling"

    stride: Sizes | None = Field(None, description=_STRIDE)

    def _misfits(self, *inputs: Shape) -> Iterator[str]:
        yield from list(super()._misfits(*inputs)) or self._too_much_padding(*inputs)

    def _too_much_padding(self, *inputs: Shape) -> Iterator[str]:
        # torch's rule, which looks at the kernel before dilation. It has no `same`.
        for window in () if self.padding == "same" else self.windows(*inputs):
            padding, half = maximum(window.before, window.after), window.kernel_size // 2
            if padding > half:
                yield (
                    f"padding {padding} is more than half of the kernel: {padding} > "
                    f"⌊{window.kernel_size}/2⌋"
                )

    def connections(self, *inputs: Shape) -> int:
        return inputs[0][0] * prod(window.reads for window in self.windows(*inputs))

    def describe(self, *inputs: Shape) -> str:
        return super().describe(*inputs) + (" ceil" if getattr(self, "ceil_mode", False) else "")

    def order(self, *inputs: Shape) -> Order:
        # Along one axis torch pools as over two; its padding is laid out anew.
        if len(inputs[0]) == 2:
            return "channels_first" if any(self.pads_apart(*inputs)[0]) else "as_input"
        return (
            "channels_first"
            if len(inputs[0]) == 4 and self.reduces in ("mean", "sum")
            else self.memory_order
        )

    def _as_torch_pads(self, *inputs: Shape) -> bool:
        """Whether torch's modules can do the padding: as much on both sides, at most half."""
        return all(w.before == w.after <= w.kernel_size // 2 for w in self.windows(*inputs))

    def reach(self, *inputs: Shape) -> list[tuple[int, int]]:
        """Padding with which all windows fit exactly, or leave input over."""
        return [
            (w.before, maximum((w.output - 1) * w.stride + w.extent - w.n - w.before, 0))
            for w in self.windows(*inputs)
        ]

    def pads_apart(self, *inputs: Shape) -> list[tuple[int, int]]:
        """What the twin pads itself, because torch's module cannot."""
        nothing = [(0, 0)] * (len(inputs[0]) - 1)
        return nothing if self._as_torch_pads(*inputs) else self.reach(*inputs)

    def _slides(self, pads: bool, *inputs: Shape) -> dict[str, Any]:
        """Kernel, stride and padding along each axis, as torch's modules take them."""
        windows = self.windows(*inputs)
        return {
            **along(windows, "kernel_size", "stride"),
            "padding": tuple(w.before if pads else 0 for w in windows),
            "ceil_mode": pads and getattr(self, "ceil_mode", False),
        }


class _OrderPool(_Pool):
    """Takes the largest or smallest value of each window."""

    dilation: Sizes = Field(1, description="distance D between the window's taps along each axis")
    ceil_mode: Flag = Field(False, description=_CEIL_MODE)

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        # Finding the extreme of m values takes m − 1 comparisons; padding is not compared. Where
        # taps are further apart than the input is long, a window reads one value or none at all.
        reading = prod(minimum(window.reads, window.output) for window in self.windows(*inputs))
        return {"compare": self.connections(*inputs) - inputs[0][0] * reading}

    def _and_indices(self, kept: Kept, *inputs: Shape) -> Kept:
        """And where each window's largest value was."""
        return kept.and_also(Extra(count(self.output(*inputs)), INDEX_BYTES))

    def _largest(self, x: str, *inputs: Shape) -> Twin:
        """The largest value of each window of an expression."""
        windows, pads = self.windows(*inputs), self._as_torch_pads(*inputs)
        if not pads:
            x = padded(x, self.reach(*inputs), value="-torch.inf")
        slides = self._slides(pads, *inputs) | along(windows, "dilation")
        return module(f"MaxPool{len(windows)}d", f"module({x})", **slides)

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        windows, reach = self.windows(*inputs), self.reach(*inputs)
        if any(w.dilation > 1 for w in windows):
            raise refused(f"a {self.type} with dilation has no spelling in Keras")
        same = is_same(windows)
        if not same and any(map(any, reach)):
            widths = ((0, 0), *reach, (0, 0))
            yield written(f'ops.pad(x, {widths}, constant_values=-float("inf"))')
        yield pooling("MaxPooling", windows, same)


class MaxPool(_OrderPool):
    """The largest value of each window."""

    reduces = "max"
    gives_indices = True

    def twin(self, *inputs: Shape) -> Twin:
        return self._largest("x", *inputs)

    def kept(self, *inputs: Shape) -> Kept:
        return self._and_indices(instead(inputs[0], self.pads_apart(*inputs)), *inputs)


class MinPool(_OrderPool):
    """The smallest value of each window."""

    reduces = "min"

    def twin(self, *inputs: Shape) -> Twin:
        twin = self._largest("-x", *inputs)
        return twin._replace(call=f"-{twin.call}")

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        yield written("-x")
        yield from super().keras(*inputs)
        yield written("-x")

    def kept(self, *inputs: Shape) -> Kept:
        # It is the largest of the negated values.
        negated = padded_size(inputs[0], self.pads_apart(*inputs))
        return self._and_indices(Kept(extras=(Extra(negated),)), *inputs)


class AvgPool(_Pool):
    """The mean of each window."""

    reduces = "mean"

    ceil_mode: Flag = Field(False, description=_CEIL_MODE)
    count_include_pad: Flag = Field(True, description="whether padding counts as zeros in the mean")

    def _misfits(self, *inputs: Shape) -> Iterator[str]:
        yield from (broken := list(super()._misfits(*inputs)))
        # torch's rule, of means over three axes; what it cannot pad itself is padded apart.
        if not broken and self.padding != "same" and super()._as_torch_pads(*inputs):
            for window in self._too_small(*inputs):
                yield (
                    f"kernel {window.kernel_size} is larger than the input's {window.n}, padding "
                    "left out, which torch's AvgPool3d refuses; put a pad before it"
                )

    def _too_small(self, *inputs: Shape) -> list[Window]:
        """The windows that torch refuses on their input, however it is padded."""
        windows = self.windows(*inputs)
        return [w for w in windows if w.kernel_size > w.n] if len(windows) == 3 else []

    def _as_torch_pads(self, *inputs: Shape) -> bool:
        return super()._as_torch_pads(*inputs) and not self._too_small(*inputs)

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        outputs = count(self.output(*inputs))
        return {"add": self.connections(*inputs) - outputs, "divide": outputs}

    def _counted(self, *inputs: Shape) -> list[tuple[int, int]]:
        """Padding that counts as zeros in the mean."""
        sides = self._sides(*inputs)
        return sides if self.count_include_pad else [(0, 0)] * len(sides)

    def twin(self, *inputs: Shape) -> Twin:
        pads = self._as_torch_pads(*inputs)
        call = "module(x)"
        if not pads:
            reach = self.reach(*inputs)
            call = f"module({padded('x', reach)})"
            counted = self._counted(*inputs)
            if counted != reach:
                # Divided by the share of each window that counts.
                rest = [(r[0] - c[0], r[1] - c[1]) for r, c in zip(reach, counted, strict=True)]
                ones = padded(padded("torch.ones_like(x)", counted, value="1.0"), rest)
                call = f"{call} / module({ones})"
        slides = self._slides(pads, *inputs)
        include = {"count_include_pad": self.count_include_pad}
        return module(f"AvgPool{len(inputs[0]) - 1}d", call, **slides, **include)

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        windows, reach = self.windows(*inputs), self.reach(*inputs)
        # Keras' own `same` is left aside: not all of its backends leave padding out of the mean.
        sides = self._counted(*inputs)
        # A window that leaves padding over does not read it.
        counted = [(min(a, c), min(b, d)) for (a, b), (c, d) in zip(sides, reach, strict=True)]
        yield from zeros(reach)
        yield pooling("AveragePooling", windows)
        if counted != reach:
            added = [(r[0] - c[0], r[1] - c[1]) for r, c in zip(reach, counted, strict=True)]
            size = [w.n + sum(c) for w, c in zip(windows, counted, strict=True)]
            ones = f"ops.pad(ops.ones({(1, *size, 1)}), {((0, 0), *added, (0, 0))})"
            sizes = pooling("", windows).arguments
            yield written(f"x / ops.average_pool({ones}, {sizes['pool_size']}, {sizes['strides']})")

    def kept(self, *inputs: Shape) -> Kept:
        # And the shares that the means are divided by.
        divided = " / " in self.twin(*inputs).call
        shares = [Extra(count(self.output(*inputs)))] if divided else []
        return instead(inputs[0], self.pads_apart(*inputs)).and_also(*shares)


class Subsample(_Pool, Activated):
    """LeNet-5's: the sum of each window times a trained coefficient plus a trained bias a map."""

    prefix = "subsample"

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return {"weight": inputs[0][:1], "bias": inputs[0][:1]}

    def connections(self, *inputs: Shape) -> int:
        return super().connections(*inputs) + count(self.output(*inputs))

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        # m inputs and a bias: m additions; one multiplication by the coefficient.
        outputs = count(self.output(*inputs))
        return {"add": self.connections(*inputs) - outputs, "multiply": outputs}

    def twin(self, *inputs: Shape) -> Twin:
        slides = self._slides(False, *inputs)
        kernel, stride, taps = slides["kernel_size"], slides["stride"], prod(slides["kernel_size"])
        x, axes = padded("x", self.reach(*inputs)), len(kernel)
        sums = f"F.avg_pool{axes}d({x}, {kernel}, {stride}) * {taps}"
        weight, bias = (f"module.{name}.view(-1{', 1' * axes})" for name in ("weight", "bias"))
        call = f"{sums} * {weight} + {bias}"
        # It starts as a mean.
        return module("Weights", call, shapes=self.weights(*inputs), mean=1 / taps)

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        windows = self.windows(*inputs)
        taps = prod(window.kernel_size for window in windows)
        yield from zeros(self.reach(*inputs))
        yield pooling("AveragePooling", windows)._replace(suffix="_mean")
        yield written(f"x * {taps}")
        yield own("ScaleAndShift", initial=1 / taps)

    def kept(self, *inputs: Shape) -> Kept:
        return self.kept_for((True,), True, *inputs)

    def kept_for(self, needed: Sequence[bool], trains: bool, *inputs: Shape) -> Kept:
        # The sums, for the coefficients.
        kept = instead(inputs[0], self.reach(*inputs)) if any(needed) else Kept()
        return kept.and_also(Extra(count(self.output(*inputs)))) if trains else kept
