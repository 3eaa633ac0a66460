"""Dense layers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from pydantic import Field

from cnncalc.layers.base import Layer, Normed, Sentence, Shape, count
from cnncalc.layers.fields import Count, Flag
from cnncalc.layers.kept import NOTHING, Extra, Kept
from cnncalc.layers.keras_twin import Part, made, own
from cnncalc.layers.twin import Twin, channels_last, module

_FEATURES = {"in_features": "number of values that arrive; of channels if position_wise"}


class Linear(Normed):
    """Fully connected: every output is a weighted sum of all inputs, plus a bias."""

    prefix = "fc"
    family = "dense"
    memory_order = "channels_last"
    _kept = Kept(inputs=True, order="channels_last")
    numbered = True
    assertions: ClassVar[Mapping[str, str]] = _FEATURES

    out_features: Count = Field(description="number of outputs")
    bias: Flag = Field(True, description="whether every output has a bias")
    position_wise: Flag = Field(
        False, description="apply it along the channels at every position, with the same weights"
    )

    def rules(self, *inputs: Shape) -> Iterator[str]:
        if len(inputs[0]) > 1 and not self.position_wise:
            yield Sentence(
                "linear needs a vector, not {}; put a flatten before it, or set position_wise to "
                "apply it at every position",
                inputs[0],
            )

    def output(self, *inputs: Shape) -> Shape:
        return (self.out_features, *inputs[0][1:])

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        weights: dict[str, Shape] = {"weight": (self.out_features, inputs[0][0])}
        return {**weights, "bias": (self.out_features,)} if self.bias else weights

    def macs(self, *inputs: Shape) -> int:
        return self.out_features * count(inputs[0])

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        return {"add": count(self.output(*inputs))} if self.bias else {}

    def connections(self, *inputs: Shape) -> int:
        return self.macs(*inputs) + (count(self.output(*inputs)) if self.bias else 0)

    def twin(self, *inputs: Shape) -> Twin:
        call = channels_last("module(x)") if len(inputs[0]) > 1 else "module(x)"
        return module(
            "Linear",
            call,
            in_features=inputs[0][0],
            out_features=self.out_features,
            bias=self.bias,
        )

    def kept_for(self, needed: Sequence[bool], trains: bool, *inputs: Shape) -> Kept:
        return self._kept if trains else NOTHING

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        yield made("Dense", units=self.out_features, use_bias=self.bias)


class Rbf(Layer):
    """LeNet-5's output of 1998: squared distances to fixed prototypes, nothing trained."""

    family = "dense"
    answers = "distances"
    assertions: ClassVar[Mapping[str, str]] = _FEATURES

    out_features: Count = Field(description="number of prototypes, one for each output")

    def rules(self, *inputs: Shape) -> Iterator[str]:
        if len(inputs[0]) > 1:
            yield Sentence("rbf needs a vector, not {}; put a flatten before it", inputs[0])

    def output(self, *inputs: Shape) -> Shape:
        return (self.out_features,)

    def buffers(self, *inputs: Shape) -> dict[str, Shape]:
        return {"prototypes": (self.out_features, inputs[0][0])}

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        # Σ (x − w)² over m inputs: m subtractions, m squares, m − 1 additions.
        pairs = self.connections(*inputs)
        return {"add": 2 * pairs - self.out_features, "multiply": pairs}

    def connections(self, *inputs: Shape) -> int:
        return self.out_features * inputs[0][0]

    def twin(self, *inputs: Shape) -> Twin:
        return module("Rbf", in_features=inputs[0][0], out_features=self.out_features)

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        yield own("Rbf", units=self.out_features)

    def kept(self, *inputs: Shape) -> Kept:
        # The differences, to be squared.
        return Kept(extras=(Extra(self.connections(*inputs)),))
