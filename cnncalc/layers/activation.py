"""Functions of each value alone, softmax and dropout.

`_each` gives the arithmetic for one value as inference computes it. They overwrite their input:
the activation total counts no new values.
"""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from cnncalc.layers.base import Family, Layer, Shape, count
from cnncalc.layers.fields import Count, Flag, Probability, Real
from cnncalc.layers.foreign import foreign_layers
from cnncalc.layers.kept import INPUTS, NOTHING, OUTPUT, Extra, Kept, Strides
from cnncalc.layers.keras_twin import Part, made, written
from cnncalc.layers.twin import Twin, module


class Elementwise(Layer):
    """A function of each value alone; `_each` is its arithmetic for one value.

    Its gradient needs the input, unless a class says that the output is enough.
    """

    values = "in_place"
    family: ClassVar[Family | None] = "activation"
    _each: ClassVar[dict[str, int]] = {}
    _keras: ClassVar[str] = ""
    """What Keras' layer Activation calls it, where that is not our word."""
    _kept = INPUTS

    def twin(self, *inputs: Shape) -> Twin:
        # The arguments of torch's class are our fields.
        return module(foreign_layers()[self.type].torch[0], **dict(self))

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        yield made("Activation", activation=self._keras or self.type)

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        return {kind: number * count(inputs[0]) for kind, number in self._each.items()}


class Relu(Elementwise):
    """max(0, x)."""

    _kept = OUTPUT
    _each: ClassVar[dict[str, int]] = {"compare": 1}


class Relu6(Elementwise):
    """min(max(0, x), 6)."""

    prefix = "relu"
    _each: ClassVar[dict[str, int]] = {"compare": 2}

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        yield made("ReLU", max_value=6)


class LeakyRelu(Elementwise):
    """x where it is positive, a small multiple of x elsewhere."""

    prefix = "relu"
    main = "negative_slope"
    _each: ClassVar[dict[str, int]] = {"compare": 1, "multiply": 1}

    negative_slope: Real = Field(0.01, description="slope where the input is negative")

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        slope = self.negative_slope
        if slope < 0:
            yield written(f"ops.maximum(x, 0.0) + {slope} * ops.minimum(x, 0.0)")
        else:
            yield made("LeakyReLU", negative_slope=slope)


class Prelu(Elementwise):
    """A leaky ReLU whose slope is trained."""

    main = "num_parameters"
    _each: ClassVar[dict[str, int]] = {"compare": 1, "multiply": 1}

    num_parameters: Count = Field(
        1, description="number of slopes: 1, or as many as there are channels"
    )

    def rules(self, *inputs: Shape) -> Iterator[str]:
        if self.num_parameters not in (1, inputs[0][0]):
            yield (
                f"num_parameters must be 1 or the number of channels {inputs[0][0]}, not "
                f"{self.num_parameters}"
            )

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return {"weight": (self.num_parameters,)}

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        axes = len(inputs[0])
        shared = list(range(1, axes + (self.num_parameters == 1 or axes == 0)))
        yield made("PReLU", shared_axes=shared or None)


class Sigmoid(Elementwise):
    """1 / (1 + e⁻ˣ)."""

    answers = "probabilities"
    _kept = OUTPUT
    _each: ClassVar[dict[str, int]] = {"exp": 1, "add": 1, "divide": 1}


class Tanh(Elementwise):
    """The hyperbolic tangent."""

    _kept = OUTPUT
    _each: ClassVar[dict[str, int]] = {"exp": 1}


class _OverChannels(Elementwise):
    memory_order = "channels_first"
    answers = "probabilities"
    _kept = OUTPUT

    def twin(self, *inputs: Shape) -> Twin:
        return super().twin(*inputs)._replace(arguments={"dim": 1})


class Softmax(_OverChannels):
    """eˣ over its sum along the channels, at each position alone."""

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        # The largest is found (n − 1 comparisons) and subtracted, so that no power overflows.
        values, sums = count(inputs[0]), count(inputs[0][1:])
        return {
            "compare": values - sums,
            "add": 2 * values - sums,
            "exp": values,
            "divide": values,
        }


class LogSoftmax(_OverChannels):
    """The logarithm of the softmax along the channels, at each position alone."""

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        # x − max − log Σ e^(x − max): two differences a value, and a logarithm a sum.
        values, sums = count(inputs[0]), count(inputs[0][1:])
        return {"compare": values - sums, "add": 3 * values - sums, "exp": values + sums}


class Dropout(Elementwise):
    """Sets values to zero at random in training; does nothing in inference."""

    family = None
    identity = True
    main = "p"

    p: Probability = Field(0.5, description="probability that a value is set to zero")
    per_channel: Flag = Field(False, description="drop whole channels, as torch's Dropout2d does")

    def twin(self, *inputs: Shape) -> Twin:
        axes = len(inputs[0]) - 1
        return module(f"Dropout{axes}d" if self.per_channel and axes else "Dropout", p=self.p)

    def view(self, shape: Shape, strides: Strides, *inputs: Shape) -> Strides | None:
        return None if self.p else strides

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        axes = len(inputs[0]) - 1
        name = f"SpatialDropout{axes}D" if self.per_channel and axes else "Dropout"
        yield made(name, rate=self.p)

    def kept(self, *inputs: Shape) -> Kept:
        # The mask, scaled already.
        if not self.p:
            return NOTHING
        if self.p == 1:
            return Kept(extras=(Extra(1, per_sample=False),))
        alone = self.per_channel and len(inputs[0]) > 1
        return Kept(extras=(Extra(inputs[0][0] if alone else count(inputs[0])),))


class DropPath(Elementwise):
    """Sets whole samples to zero at random in training; does nothing in inference.

    Before the add of a residual block it is stochastic depth: the block is skipped.
    """

    family = None
    identity = True

    p: Probability = Field(description="probability that a sample is set to zero")

    def kept(self, *inputs: Shape) -> Kept:
        # Whether each sample goes on.
        return Kept(extras=(Extra(1, bytes=1),)) if 0 < self.p < 1 else NOTHING

    def view(self, shape: Shape, strides: Strides, *inputs: Shape) -> Strides | None:
        return None if self.p else strides

    def twin(self, *inputs: Shape) -> Twin:
        return module("DropPath", p=self.p)

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        yield made("Dropout", rate=self.p, noise_shape=(None, *(1 for _ in inputs[0])))
