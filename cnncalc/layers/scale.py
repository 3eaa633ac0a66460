"""Trained factors."""

from collections.abc import Iterator, Sequence

from pydantic import Field

from cnncalc.layers.base import Layer, Shape, count
from cnncalc.layers.fields import Real
from cnncalc.layers.kept import INPUTS, NOTHING, Kept
from cnncalc.layers.keras_twin import Part, own
from cnncalc.layers.twin import Twin, module


class LayerScale(Layer):
    """Multiplies each channel by a trained factor, as ConvNeXt does at the end of a block."""

    prefix = "scale"
    family = "normalisation"
    main = "initial"
    _kept = INPUTS

    initial: Real = Field(1e-6, description="what the factors are before training")

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        channels, *sizes = inputs[0]
        return {"weight": (channels, *(1 for _ in sizes))}

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        return {"multiply": count(inputs[0])}

    def kept_for(self, needed: Sequence[bool], trains: bool, *inputs: Shape) -> Kept:
        return INPUTS if trains else NOTHING

    def twin(self, *inputs: Shape) -> Twin:
        shapes = self.weights(*inputs)
        return module("Weights", "x * module.weight", shapes=shapes, mean=self.initial)

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        yield own("ScaleAndShift", initial=self.initial, use_bias=False)
