"""Functions of each value alone, softmax and dropout.

`_each` gives the arithmetic for one value as inference computes it. They overwrite their input:
the activation total counts no new values.
"""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from cnncalc.layers.base import Layer, Shape, count
from cnncalc.layers.fields import Count, Flag, Probability, Real


class _Elementwise(Layer):
    values = "in_place"
    _each: ClassVar[dict[str, int]] = {}

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        return {kind: number * count(inputs[0]) for kind, number in self._each.items()}


class Relu(_Elementwise):
    """max(0, x)."""

    type = "relu"
    prefix = "relu"
    _each: ClassVar[dict[str, int]] = {"compare": 1}


class Relu6(_Elementwise):
    """min(max(0, x), 6)."""

    type = "relu6"
    prefix = "relu"
    _each: ClassVar[dict[str, int]] = {"compare": 2}


class LeakyRelu(_Elementwise):
    """x where it is positive, a small multiple of x elsewhere."""

    type = "leaky_relu"
    prefix = "relu"
    main = "negative_slope"
    _each: ClassVar[dict[str, int]] = {"compare": 1, "multiply": 1}

    negative_slope: Real = Field(0.01, description="slope where the input is negative")


class Prelu(_Elementwise):
    """A leaky ReLU whose slope is trained."""

    type = "prelu"
    prefix = "prelu"
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


class Elu(_Elementwise):
    """x where it is positive, α(eˣ − 1) elsewhere."""

    type = "elu"
    prefix = "elu"
    _each: ClassVar[dict[str, int]] = {"compare": 1, "exp": 1, "add": 1, "multiply": 1}

    alpha: Real = Field(1.0, description="the limit for very negative input is −alpha")


class Gelu(_Elementwise):
    """x times the normal distribution function of x: x/2 · (1 + erf(x/√2))."""

    type = "gelu"
    prefix = "gelu"

    approximate: Literal["none", "tanh"] = Field(
        "none", description="tanh: the approximation x/2 · (1 + tanh(√(2/π)(x + 0.044715x³)))"
    )

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        multiply, add = (6, 2) if self.approximate == "tanh" else (3, 1)
        values = count(inputs[0])
        return {"multiply": multiply * values, "add": add * values, "exp": values}


class Silu(_Elementwise):
    """x · sigmoid(x), also called swish."""

    type = "silu"
    prefix = "silu"
    _each: ClassVar[dict[str, int]] = {"exp": 1, "add": 1, "divide": 1, "multiply": 1}


class Sigmoid(_Elementwise):
    """1 / (1 + e⁻ˣ)."""

    type = "sigmoid"
    prefix = "sigmoid"
    _each: ClassVar[dict[str, int]] = {"exp": 1, "add": 1, "divide": 1}


class Tanh(_Elementwise):
    """The hyperbolic tangent."""

    type = "tanh"
    prefix = "tanh"
    _each: ClassVar[dict[str, int]] = {"exp": 1}


class HardSwish(_Elementwise):
    """x · min(max(x + 3, 0), 6) / 6."""

    type = "hard_swish"
    prefix = "hswish"
    _each: ClassVar[dict[str, int]] = {"add": 1, "compare": 2, "multiply": 1, "divide": 1}


class HardSigmoid(_Elementwise):
    """min(max(x + 3, 0), 6) / 6."""

    type = "hard_sigmoid"
    prefix = "hsigmoid"
    _each: ClassVar[dict[str, int]] = {"add": 1, "compare": 2, "divide": 1}


class Softmax(_Elementwise):
    """eˣ over its sum along the channels, at each position alone."""

    type = "softmax"
    prefix = "softmax"

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        # The largest is found (n − 1 comparisons) and subtracted, so that no power overflows.
        values, sums = count(inputs[0]), count(inputs[0][1:])
        return {
            "compare": values - sums,
            "add": 2 * values - sums,
            "exp": values,
            "divide": values,
        }


class Softplus(_Elementwise):
    """log(1 + e^(βx)) / β."""

    type = "softplus"
    prefix = "softplus"
    _each: ClassVar[dict[str, int]] = {"exp": 2, "add": 1, "multiply": 1, "divide": 1}

    beta: Real = Field(1.0, description="how sharply it bends at 0")


class Mish(_Elementwise):
    """x · tanh(log(1 + eˣ))."""

    type = "mish"
    prefix = "mish"
    _each: ClassVar[dict[str, int]] = {"exp": 3, "add": 1, "multiply": 1}


class Dropout(_Elementwise):
    """Sets values to zero at random in training; does nothing in inference."""

    type = "dropout"
    prefix = "dropout"
    main = "p"

    p: Probability = Field(0.5, description="probability that a value is set to zero")
    per_channel: Flag = Field(False, description="drop whole channels, as torch's Dropout2d does")
