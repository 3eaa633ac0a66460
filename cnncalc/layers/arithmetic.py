"""Arithmetic with constants, and functions of each value that have no word of their own."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from cnncalc.dims import AbstractNumber
from cnncalc.errors import shown
from cnncalc.layers.base import Layer, Shape, count
from cnncalc.layers.fields import Real, refuse
from cnncalc.layers.kept import INPUTS, NOTHING, OUTPUT, Extra, Kept
from cnncalc.layers.keras_twin import Part, written
from cnncalc.layers.twin import Twin

_LARGEST = 1e12


def _numbers(value: Any) -> Any:
    listed = isinstance(value, (list, tuple)) and len(value) > 0
    for number in value if listed else [value]:
        plain = isinstance(number, (int, float, AbstractNumber)) and not isinstance(number, bool)
        if not plain or not -_LARGEST <= number <= _LARGEST:
            raise refuse(
                f"must be a number, or a list with one for each channel, not {shown(number)}"
            )
    return tuple(map(float, value)) if listed else float(value)


_number = {"type": "number", "minimum": -_LARGEST, "maximum": _LARGEST}
Numbers = Annotated[
    float | tuple[float, ...],
    PlainValidator(_numbers),
    WithJsonSchema({"anyOf": [_number, {"type": "array", "items": _number, "minItems": 1}]}),
]
"""One number for all channels, or one for each."""


class Scale(Layer):
    """Multiplies by a constant and adds one; nothing is trained. (x − mean)/σ is such a layer."""

    main = "factor"

    factor: Numbers = Field(1.0, description="what is multiplied by: a number, or one a channel")
    offset: Numbers = Field(
        0.0, description="what is added behind that: a number, or one a channel"
    )

    def _steps(self) -> list[tuple[str, str, Any]]:
        """What is done: the kind of operation, its sign, its constant."""
        steps = (("multiply", "*", self.factor, 1), ("add", "+", self.offset, 0))
        return [(kind, sign, by) for kind, sign, by, nothing in steps if by != nothing]

    def rules(self, *inputs: Shape) -> Iterator[str]:
        for name, value in (("factor", self.factor), ("offset", self.offset)):
            if isinstance(value, tuple) and len(value) != inputs[0][0]:
                yield f"{name} has {len(value)} values for {inputs[0][0]} channels"

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        return {kind: count(inputs[0]) for kind, _, _ in self._steps()}

    def kept(self, *inputs: Shape) -> Kept:
        # Of many factors a tensor; one is a number.
        if isinstance(self.factor, tuple):
            return NOTHING.and_also(Extra(len(self.factor), per_sample=False))
        return NOTHING

    def twin(self, *inputs: Shape) -> Twin:
        ones = ", 1" * (len(inputs[0]) - 1)
        call = "x"
        for _, sign, by in self._steps():
            many = f"x.new_tensor({by}).view(-1{ones})"
            call += f" {sign} {many if isinstance(by, tuple) else by}"
        return Twin(call)

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        call = "x"
        for _, sign, by in self._steps():
            call += f" {sign} {f'ops.array({list(by)})' if isinstance(by, tuple) else by}"
        if call != "x":
            yield written(call)


class Function(Layer):
    """A function of each value alone that has no word of its own."""

    main = "kind"
    _OF: ClassVar[dict[str, tuple[str, Kept, str]]] = {
        # Its arithmetic, what its gradient needs, its name in Keras.
        "abs": ("compare", INPUTS, "absolute"),
        "sqrt": ("exp", OUTPUT, "sqrt"),
        "exp": ("exp", OUTPUT, "exp"),
        "log": ("exp", INPUTS, "log"),
        "square": ("multiply", INPUTS, "square"),
        "sin": ("exp", INPUTS, "sin"),
        "cos": ("exp", INPUTS, "cos"),
        "neg": ("multiply", NOTHING, "negative"),
        "reciprocal": ("divide", OUTPUT, "reciprocal"),
        "clamp": ("compare", INPUTS, ""),
    }

    kind: Literal[
        "abs", "sqrt", "exp", "log", "square", "sin", "cos", "neg", "reciprocal", "clamp"
    ] = Field(description="which function, by its name in torch")
    min: Real | None = Field(None, description="of clamp: what is less becomes this")
    max: Real | None = Field(None, description="of clamp: what is more becomes this")

    def _bounds(self) -> dict[str, float]:
        found = {"min": self.min, "max": self.max}
        return {name: bound for name, bound in found.items() if bound is not None}

    def rules(self, *inputs: Shape) -> Iterator[str]:
        bounds = self._bounds()
        if self.kind == "clamp" and not bounds:
            yield "clamp needs min, max or both"
        elif self.kind != "clamp" and bounds:
            yield f"{self.kind} takes no {' and no '.join(bounds)}; clamp does"

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        each = len(self._bounds()) if self.kind == "clamp" else 1
        return {self._OF[self.kind][0]: each * count(inputs[0])}

    @property
    def partial(self) -> bool:
        return self.kind in ("sqrt", "exp", "log", "reciprocal")

    def kept(self, *inputs: Shape) -> Kept:
        return self._OF[self.kind][1]

    def describe(self, *inputs: Shape) -> str:
        return f"{self.type} {self.kind}"

    def twin(self, *inputs: Shape) -> Twin:
        bounds = ", ".join(f"{name}={bound}" for name, bound in self._bounds().items())
        return Twin(f"x.{self.kind}({bounds})")

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        call = f"ops.{self._OF[self.kind][2]}(x)"
        if self.kind == "clamp":
            call = "x"
            for name, bound in self._bounds().items():
                # What is not less than the least is the larger of both.
                call = f"ops.{'maximum' if name == 'min' else 'minimum'}({call}, {bound})"
        yield written(call)
