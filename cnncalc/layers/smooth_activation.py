"""Activations that came after ReLU: smooth ones and their piecewise linear imitations."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from cnncalc.layers.activation import Elementwise
from cnncalc.layers.base import Shape, count
from cnncalc.layers.fields import Real
from cnncalc.layers.keras_twin import Part, made, written


class Elu(Elementwise):
    """x where it is positive, α(eˣ − 1) elsewhere."""

    _each: ClassVar[dict[str, int]] = {"compare": 1, "exp": 1, "add": 1, "multiply": 1}

    alpha: Real = Field(1.0, description="the limit for very negative input is −alpha")

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        yield made("ELU", alpha=self.alpha)


class Gelu(Elementwise):
    """x times the normal distribution function of x: x/2 · (1 + erf(x/√2))."""

    approximate: Literal["none", "tanh"] = Field(
        "none", description="tanh: the approximation x/2 · (1 + tanh(√(2/π)(x + 0.044715x³)))"
    )

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        multiply, add = (6, 2) if self.approximate == "tanh" else (3, 1)
        values = count(inputs[0])
        return {"multiply": multiply * values, "add": add * values, "exp": values}

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        if self.approximate == "tanh":
            yield written("ops.gelu(x, approximate=True)")
        else:
            yield from super().keras(*inputs)


class Silu(Elementwise):
    """x · sigmoid(x), also called swish."""

    _each: ClassVar[dict[str, int]] = {"exp": 1, "add": 1, "divide": 1, "multiply": 1}


class HardSwish(Elementwise):
    """x · min(max(x + 3, 0), 6) / 6."""

    _keras = "hard_silu"
    prefix = "hswish"
    _each: ClassVar[dict[str, int]] = {"add": 1, "compare": 2, "multiply": 1, "divide": 1}


class HardSigmoid(Elementwise):
    """min(max(x + 3, 0), 6) / 6."""

    prefix = "hsigmoid"
    _each: ClassVar[dict[str, int]] = {"add": 1, "compare": 2, "divide": 1}


class Softplus(Elementwise):
    """log(1 + e^(βx)) / β."""

    _each: ClassVar[dict[str, int]] = {"exp": 2, "add": 1, "multiply": 1, "divide": 1}

    beta: Real = Field(1.0, description="how sharply it bends at 0")

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        if self.beta == 1:
            yield from super().keras(*inputs)
        else:
            yield written(f"ops.softplus({self.beta} * x) / {self.beta}")


class Mish(Elementwise):
    """x · tanh(log(1 + eˣ))."""

    _each: ClassVar[dict[str, int]] = {"exp": 3, "add": 1, "multiply": 1}
