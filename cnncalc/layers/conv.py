"""Convolutions: shared, depthwise, separable, unshared and transposed."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from math import prod
from typing import Annotated, Any, ClassVar

from pydantic import Field, PlainValidator, WithJsonSchema

from cnncalc.errors import shown
from cnncalc.layers.base import Layer, Normed, Shape
from cnncalc.layers.fields import Count, Flag, Sizes, is_whole, refuse
from cnncalc.layers.kept import (
    INDEX_BYTES,
    INPUTS,
    NOTHING,
    Extra,
    Kept,
    Order,
    instead,
    padded_size,
)
from cnncalc.layers.keras_twin import Part, is_same, made, own, slides, written, zeros
from cnncalc.layers.twin import Twin, along, module, padded
from cnncalc.layers.window import Kernels, Windowed


def _connections(value: Any) -> tuple[tuple[int, ...], ...] | None:
    if value is None:
        return None
    for row in value if isinstance(value, (list, tuple)) and value else [value]:
        if not isinstance(row, (list, tuple)) or not row or not all(is_whole(i, 0) for i in row):
            raise refuse(
                "must list, for each output map, the input maps it reads (numbers from 0), "
                f"not {shown(row)}"
            )
        if len(set(row)) < len(row):
            raise refuse("must not name an input map twice for one output map")
    return tuple(map(tuple, value))


Connections = Annotated[
    tuple[tuple[int, ...], ...] | None,
    PlainValidator(_connections),
    WithJsonSchema(
        {
            "type": ["array", "null"],
            "items": {
                "type": "array",
                "items": {"type": "integer", "minimum": 0},
                "minItems": 1,
                "uniqueItems": True,
            },
        }
    ),
]
"""For each output map the input maps it reads."""

_OUT_CHANNELS = "number of filters, which is the number of output channels"
_BIAS = "whether every output channel has a bias"
_DILATION = "distance D between the kernel's taps along each axis"


class _Convolution(Windowed, Kernels):
    """What convolutions share that read a window at each position of the output."""

    stride: Sizes = Field(1, description="step S of the kernel along each axis")
    dilation: Sizes = Field(1, description=_DILATION)
    bias: Flag = Field(True, description=_BIAS)

    def output(self, *inputs: Shape) -> Shape:
        out_channels, _ = self._maps(inputs[0][0])
        return (out_channels, *(window.output for window in self.windows(*inputs)))

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        # Kernels are stored as torch stores them: (out, in / groups, *kernel).
        channels = inputs[0][0]
        out_channels, groups = self._maps(channels)
        kernel = tuple(window.kernel_size for window in self.windows(*inputs))
        bias = {"bias": (out_channels,)} if self.bias else {}
        return {"weight": (out_channels, channels // groups, *kernel)} | bias

    def macs(self, *inputs: Shape) -> int:
        # Every kernel is applied at every output position; padding is multiplied too, as
        # torch.utils.flop_counter counts it.
        windows = self.windows(*inputs)
        taps = prod(window.output * window.kernel_size for window in windows)
        return taps * self._wires(inputs[0][0])

    def kept(self, *inputs: Shape) -> Kept:
        return INPUTS if self._even(*inputs) else instead(inputs[0], self._sides(*inputs))

    def _even(self, *inputs: Shape) -> bool:
        """Whether torch's module can do the padding: as much on both sides."""
        return all(window.before == window.after for window in self.windows(*inputs))

    def _padded(self, *inputs: Shape) -> str:
        """A call of a module that does not pad."""
        return f"module({padded('x', self._sides(*inputs))})"

    def twin(self, *inputs: Shape) -> Twin:
        windows = self.windows(*inputs)
        out_channels, groups = self._maps(inputs[0][0])
        even = self._even(*inputs)
        return module(
            f"Conv{len(windows)}d",
            "module(x)" if even else self._padded(*inputs),
            in_channels=inputs[0][0],
            out_channels=out_channels,
            **along(windows, "kernel_size", "stride", "dilation"),
            padding=tuple(window.before if even else 0 for window in windows),
            groups=groups,
            bias=self.bias,
        )

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        windows, channels = self.windows(*inputs), inputs[0][0]
        outputs, groups = self._maps(channels)
        sliding, axes, skips = slides(windows), len(windows), ()
        if max(sliding["strides"]) > 1 and max(sliding["dilation_rate"]) > 1:
            # Keras takes one of them only: all positions, of which some are kept.
            skips, sliding["strides"] = sliding["strides"], (1,) * axes
        same = is_same(windows) and not skips
        if not same:
            yield from zeros(self._sides(*inputs))
        sliding |= {"padding": "same" if same else "valid", "use_bias": self.bias}
        if groups == channels > 1 and axes < 3 and len(set(sliding["strides"])) == 1:
            multiplier = outputs // channels
            yield made(f"DepthwiseConv{axes}D", **sliding, depth_multiplier=multiplier)
        else:
            yield made(f"Conv{axes}D", filters=outputs, **sliding, groups=groups)
        if skips:
            yield written(f"x[:, {', '.join(f'::{step}' for step in skips)}]")

    def _own(self, made_of: str, *inputs: Shape, **first: Any) -> Iterator[Part]:
        """A layer that Keras has not, which pads nothing."""
        yield from zeros(self._sides(*inputs))
        yield own(made_of, **first, **slides(self.windows(*inputs)), use_bias=self.bias)


class Conv(_Convolution):
    """Slides `out_channels` kernels over the input; every position uses the same weights."""

    out_channels: Count = Field(description=_OUT_CHANNELS)
    groups: Count = Field(
        1, description="number of groups that input and output channels are split into"
    )
    connections_table: Connections = Field(
        None,
        alias="connections",
        description="for each output map, the input maps that it reads, numbered from 0 "
        "(LeNet-5's C3); all of them when it is left out",
    )

    def _maps(self, channels: int) -> tuple[int, int]:
        return self.out_channels, self.groups

    def _wires(self, channels: int) -> int:
        table = self.connections_table
        return super()._wires(channels) if table is None else sum(map(len, table))

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        weights = super().weights(*inputs)
        if self.connections_table is not None:
            # One kernel for each wire: no weight exists where there is no connection.
            weights["weight"] = (self._wires(inputs[0][0]), *weights["weight"][2:])
        return weights

    def rules(self, *inputs: Shape) -> Iterator[str]:
        yield from super().rules(*inputs)
        channels = inputs[0][0]
        yield from self._group_rules(channels)
        table = self.connections_table
        if table is None:
            return
        if self.groups != 1:
            yield "connections and groups exclude each other"
        if len(table) != self.out_channels:
            yield f"connections has {len(table)} rows, but out_channels is {self.out_channels}"
        highest = max(map(max, table))
        if highest >= channels:
            yield (
                f"connections names input map {highest}, but the input has {channels}, "
                f"numbered 0 to {channels - 1}"
            )

    def kept(self, *inputs: Shape) -> Kept:
        if self.connections_table is None:
            return super().kept(*inputs)
        return self.kept_for((True,), True, *inputs)

    def kept_for(self, needed: Sequence[bool], trains: bool, *inputs: Shape) -> Kept:
        if self.connections_table is None:
            return super().kept_for(needed, trains, *inputs)
        # The maps that each output map gathers, and for the gradient of the input their numbers.
        one_map = padded_size((1, *inputs[0][1:]), self._sides(*inputs))
        numbers = map(len, self.connections_table)
        pairs = (
            (Extra(n * one_map), Extra(n * any(needed), INDEX_BYTES, per_sample=False))
            for n in numbers
        )
        return Kept(extras=tuple(chain.from_iterable(pairs)))

    def order(self, *inputs: Shape) -> Order:
        return self.memory_order if self.connections_table is None else "channels_first"

    def describe(self, *inputs: Shape) -> str:
        groups = f" g{self.groups}" if self.groups != 1 else ""
        table = self.connections_table
        pairs = f" ({self._wires(inputs[0][0])} pairs)" if table is not None else ""
        return super().describe(*inputs) + groups + pairs

    def twin(self, *inputs: Shape) -> Twin:
        if self.connections_table is None:
            return super().twin(*inputs)
        return module(
            "ConnectedConv",
            self._padded(*inputs),
            connections=self.connections_table,
            **along(self.windows(*inputs), "kernel_size", "stride", "dilation"),
            bias=self.bias,
        )

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        if self.connections_table is None:
            yield from super().keras(*inputs)
            return
        yield from self._own("ConnectedConv", *inputs, connections=self.connections_table)


class DepthwiseConv(_Convolution):
    """Slides kernels over every input channel alone: a convolution with one group a channel."""

    prefix = "dwconv"

    channel_multiplier: Count = Field(1, description="output channels for each input channel")

    def _maps(self, channels: int) -> tuple[int, int]:
        return channels * self.channel_multiplier, channels


class SeparableConv(Windowed, Normed):
    """A depthwise convolution and a 1×1 convolution behind it, each a layer of the graph."""

    family = "convolution"
    prefix = "sepconv"
    assertions: ClassVar[Mapping[str, str]] = Kernels.assertions

    stride: Sizes = Field(1, description="step S of the depthwise kernel along each axis")
    dilation: Sizes = Field(1, description=_DILATION)
    out_channels: Count = Field(description="number of output channels of the 1×1 convolution")
    channel_multiplier: Count = Field(
        1, description="channels between the two for each input channel"
    )
    bias: Flag = Field(True, description="whether the 1×1 convolution has biases")

    def lower(self) -> dict[str, Layer]:
        return {
            "depthwise": DepthwiseConv(
                kernel_size=self.kernel_size,
                stride=self.stride,
                padding=self.padding,
                dilation=self.dilation,
                channel_multiplier=self.channel_multiplier,
                bias=False,
            ),
            "pointwise": Conv(out_channels=self.out_channels, kernel_size=1, bias=self.bias),
        }


class LocallyConnected(_Convolution):
    """Reads the same windows as a convolution, with weights of its own at every position."""

    kernels = "unshared"
    prefix = "local"
    memory_order = "channels_first"

    out_channels: Count = Field(description="number of output channels")
    bias: Flag = Field(True, description="whether every output value has a bias")

    def _maps(self, channels: int) -> tuple[int, int]:
        return self.out_channels, 1

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        # A kernel for each output position: (out, *positions, in, *kernel).
        shared = super().weights(*inputs)["weight"]
        output = self.output(*inputs)
        return {"weight": (*output, *shared[1:])} | ({"bias": output} if self.bias else {})

    def twin(self, *inputs: Shape) -> Twin:
        return module(
            "LocallyConnected",
            self._padded(*inputs),
            weight=self.weights(*inputs)["weight"],
            **along(self.windows(*inputs), "stride", "dilation"),
            bias=self.bias,
        )

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        yield from self._own("LocallyConnected", *inputs, filters=self.out_channels)

    def kept(self, *inputs: Shape) -> Kept:
        # A copy of every window.
        windows = self.windows(*inputs)
        taps = prod(window.output * window.kernel_size for window in windows)
        return Kept(extras=(Extra(inputs[0][0] * taps),))

    def kept_for(self, needed: Sequence[bool], trains: bool, *inputs: Shape) -> Kept:
        return self.kept(*inputs) if trains else NOTHING
