"""Normalisation.

Arithmetic is that of inference. Where statistics are computed from the input, each of n values
takes part in a mean (n additions), a variance (n subtractions, n squares, n additions) and the
normalisation (n multiplications); the few operations for each group are counted beside it.
"""

from collections.abc import Iterator
from math import prod
from typing import Literal

from pydantic import Field

from cnncalc.dims import minimum
from cnncalc.layers.base import Activated, Layer, Shape, count
from cnncalc.layers.fields import Count, Flag, Real
from cnncalc.layers.kept import Extra, Kept
from cnncalc.layers.keras_twin import Part, made, refused, written
from cnncalc.layers.twin import Twin, channels_last, module
from cnncalc.layers.window import axes_rules

_EPS = "small number added to the variance"
_OVER = "channels: at each position alone; all: over the whole sample"


def _affine(affine: bool, shape: Shape) -> dict[str, Shape]:
    return {"weight": shape, "bias": shape} if affine else {}


def _over_twin(name: str, layer: "LayerNorm | RmsNorm", input: Shape) -> Twin:
    over = layer.normalized(input)
    call = "module(x)" if over == input else channels_last("module(x)")
    return module(name, call, normalized_shape=over, eps=layer.eps, elementwise_affine=layer.affine)


def _keras_axis(layer: "LayerNorm | RmsNorm", input: Shape) -> int | list[int]:
    """The axes that are normalised together, as Keras counts them."""
    return list(range(1, len(input) + 1)) if layer.over == "all" and len(input) > 1 else -1


def _keras_groups(layer: "GroupNorm | InstanceNorm", groups: int) -> Part:
    affine = {"center": layer.affine, "scale": layer.affine}
    return made("GroupNormalization", groups=groups, epsilon=layer.eps, **affine)


def _normalise(values: int, groups: int, affine: bool) -> dict[str, int]:
    """Arithmetic of normalising `values` numbers in `groups` by their own mean and variance."""
    return {
        # Mean: m − 1 additions a group; deviations: m; variance: m − 1, and the epsilon.
        "add": 3 * values - groups + (values if affine else 0),
        "multiply": 2 * values + (values if affine else 0),
        "divide": 3 * groups,
        "exp": groups,
    }


class BatchNorm(Activated):
    """Normalises each channel by the mean and variance kept from training."""

    type = "batch_norm"
    prefix = "bn"
    family = "normalisation"

    eps: Real = Field(1e-5, description=_EPS)
    momentum: Real = Field(0.1, description="weight of the newest batch in the kept statistics")
    affine: Flag = Field(True, description="whether each channel has a trained scale and shift")
    track_running_stats: Flag = Field(
        True, description="whether mean and variance are kept as buffers"
    )

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return _affine(self.affine, inputs[0][:1])

    def buffers(self, *inputs: Shape) -> dict[str, Shape]:
        if not self.track_running_stats:
            return {}
        channels = inputs[0][:1]
        return {"running_mean": channels, "running_var": channels, "num_batches_tracked": ()}

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        # With kept statistics it is one scale and one shift a value.
        values = count(inputs[0])
        if self.track_running_stats:
            return {"multiply": values, "add": values}
        return _normalise(values, inputs[0][0], self.affine)

    def twin(self, *inputs: Shape) -> Twin:
        return module(
            f"BatchNorm{max(len(inputs[0]) - 1, 1)}d",
            num_features=inputs[0][0],
            eps=self.eps,
            momentum=self.momentum,
            affine=self.affine,
            track_running_stats=self.track_running_stats,
        )

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        if not self.track_running_stats:
            raise refused("a batch_norm without track_running_stats has no spelling in Keras")
        yield made(
            "BatchNormalization",
            # Keras weighs the statistics that are kept, torch the newest batch.
            momentum=round(float(1 - self.momentum), 12),
            epsilon=self.eps,
            center=self.affine,
            scale=self.affine,
        )

    def kept(self, *inputs: Shape) -> Kept:
        # Mean and 1/σ of the batch.
        return Kept(inputs=True, extras=(Extra(2 * inputs[0][0], per_sample=False),))


class LayerNorm(Activated):
    """Normalises each sample, over its channels at each position or over all its values."""

    type = "layer_norm"
    prefix = "ln"
    family = "normalisation"
    memory_order = "channels_last"

    over: Literal["channels", "all"] = Field("channels", description=_OVER)
    eps: Real = Field(1e-5, description=_EPS)
    affine: Flag = Field(True, description="whether each normalised value has a scale and shift")

    def normalized(self, input: Shape) -> Shape:
        """The shape of what is normalised together."""
        return input if self.over == "all" else input[:1]

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return _affine(self.affine, self.normalized(inputs[0]))

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        values = count(inputs[0])
        return _normalise(values, values // count(self.normalized(inputs[0])), self.affine)

    def twin(self, *inputs: Shape) -> Twin:
        return _over_twin("LayerNorm", self, inputs[0])

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        affine = {"center": self.affine, "scale": self.affine}
        yield made(
            "LayerNormalization", axis=_keras_axis(self, inputs[0]), epsilon=self.eps, **affine
        )

    def kept(self, *inputs: Shape) -> Kept:
        groups = count(inputs[0]) // count(self.normalized(inputs[0]))
        return Kept(inputs=True, extras=(Extra(2 * groups),))


class GroupNorm(Activated):
    """Normalises each group of channels of each sample."""

    type = "group_norm"
    prefix = "gn"
    family = "normalisation"
    main = "num_groups"

    num_groups: Count = Field(description="number of groups that the channels are split into")
    eps: Real = Field(1e-5, description=_EPS)
    affine: Flag = Field(True, description="whether each channel has a trained scale and shift")

    def rules(self, *inputs: Shape) -> Iterator[str]:
        if inputs[0][0] % self.num_groups:
            yield f"{inputs[0][0]} channels do not divide into {self.num_groups} groups"

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return _affine(self.affine, inputs[0][:1])

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        return _normalise(count(inputs[0]), self.num_groups, self.affine)

    def twin(self, *inputs: Shape) -> Twin:
        return module(
            "GroupNorm",
            num_groups=self.num_groups,
            num_channels=inputs[0][0],
            eps=self.eps,
            affine=self.affine,
        )

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        yield _keras_groups(self, self.num_groups)

    def kept(self, *inputs: Shape) -> Kept:
        return Kept(inputs=True, extras=(Extra(2 * self.num_groups),))


class InstanceNorm(Activated):
    """Normalises each channel of each sample."""

    type = "instance_norm"
    prefix = "in"
    family = "normalisation"

    eps: Real = Field(1e-5, description=_EPS)
    affine: Flag = Field(False, description="whether each channel has a trained scale and shift")

    def rules(self, *inputs: Shape) -> Iterator[str]:
        yield from axes_rules(self, inputs[0], {})
        if prod(inputs[0][1:]) == 1 and len(inputs[0]) > 1:
            yield "instance_norm needs more than one position to normalise over"

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return _affine(self.affine, inputs[0][:1])

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        return _normalise(count(inputs[0]), inputs[0][0], self.affine)

    def twin(self, *inputs: Shape) -> Twin:
        return module(
            f"InstanceNorm{len(inputs[0]) - 1}d",
            num_features=inputs[0][0],
            eps=self.eps,
            affine=self.affine,
        )

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        yield _keras_groups(self, inputs[0][0])

    def kept(self, *inputs: Shape) -> Kept:
        # Mean and 1/σ, and the scale repeated for each sample.
        return Kept(inputs=True, extras=(Extra((3 if self.affine else 2) * inputs[0][0]),))


class RmsNorm(Activated):
    """Divides each sample by its root mean square; nothing is subtracted."""

    type = "rms_norm"
    prefix = "rms"
    family = "normalisation"
    memory_order = "channels_last"

    over: Literal["channels", "all"] = Field("channels", description=_OVER)
    eps: Real | None = Field(
        None,
        description="small number added to the mean square; left out, the difference between 1 "
        "and the next number of the dtype, as torch has it",
    )
    affine: Flag = Field(True, description="whether each normalised value has a trained scale")

    def normalized(self, input: Shape) -> Shape:
        """The shape of what is normalised together."""
        return input if self.over == "all" else input[:1]

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return {"weight": self.normalized(inputs[0])} if self.affine else {}

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        # Squares; m − 1 additions a group and the epsilon; mean, root, reciprocal; the products.
        values = count(inputs[0])
        groups = values // count(self.normalized(inputs[0]))
        multiply = 2 * values + (values if self.affine else 0)
        return {"add": values, "multiply": multiply, "divide": 2 * groups, "exp": groups}

    def twin(self, *inputs: Shape) -> Twin:
        return _over_twin("RMSNorm", self, inputs[0])

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        # Left out, it is the smallest step above 1 of a float32.
        axis, epsilon = _keras_axis(self, inputs[0]), 2.0**-23 if self.eps is None else self.eps
        if self.affine:
            yield made("RMSNormalization", axis=axis, epsilon=epsilon)
        else:
            yield written(f"rms_norm(x, {axis}, {epsilon})")

    def kept(self, *inputs: Shape) -> Kept:
        values = count(inputs[0])
        groups = values // count(self.normalized(inputs[0]))
        return Kept(inputs=True, extras=(Extra(groups + (values if self.affine else 0)),))


class LocalResponseNorm(Layer):
    """AlexNet's of 2012: divides by a power of the squares of neighbouring channels."""

    type = "local_response_norm"
    prefix = "lrn"
    family = "normalisation"
    main = "size"

    size: Count = Field(description="number of neighbouring channels")
    alpha: Real = Field(1e-4, description="factor of the mean of squares, as torch has it")
    beta: Real = Field(0.75, description="exponent")
    k: Real = Field(1.0, description="number added to the sum")

    def rules(self, *inputs: Shape) -> Iterator[str]:
        yield from axes_rules(self, inputs[0], {})

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        # Squares; sums of at most `size` neighbours and k; alpha; the power; the division.
        channels, positions = inputs[0][0], prod(inputs[0][1:])
        before, after = self.size // 2, (self.size - 1) // 2
        neighbours = sum(
            reach * channels - reach * (reach + 1) // 2
            for reach in (minimum(before, channels - 1), minimum(after, channels - 1))
        )
        values = channels * positions
        return {
            "multiply": 2 * values,
            "add": neighbours * positions + values,
            "exp": values,
            "divide": values,
        }

    def twin(self, *inputs: Shape) -> Twin:
        return module("LocalResponseNorm", **dict(self))

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        yield written(f"local_response_norm(x, {self.size}, {self.alpha}, {self.beta}, {self.k})")

    def kept(self, *inputs: Shape) -> Kept:
        # The squares with padding among the channels, the sums, and their power.
        channels, positions = inputs[0][0], prod(inputs[0][1:])
        squares = (channels + self.size - 1) * positions
        return Kept(inputs=True, extras=(Extra(squares + 2 * count(inputs[0])),))
