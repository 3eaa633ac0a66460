"""Normalisation.

Arithmetic is that of inference. Where statistics are computed from the input, each of n values
takes part in a mean (n additions), a variance (n subtractions, n squares, n additions) and the
normalisation (n multiplications); the few operations for each group are counted beside it.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from cnncalc.dims import minimum
from cnncalc.layers.base import Activated, Layer, Shape, count
from cnncalc.layers.fields import Affine, Count, Flag, Real
from cnncalc.layers.foreign import foreign_layers
from cnncalc.layers.kept import INPUTS, Extra, Kept, Order
from cnncalc.layers.keras_twin import Part, made, refused, written
from cnncalc.layers.twin import Twin, channels_last, module
from cnncalc.layers.window import axes_rules

_EPS = "small number added to the variance"
_CHANNEL = "whether each channel has a trained scale and shift"
_FEATURES = {"num_features": "number of channels that arrive"}
_OVER = "channels: at each position alone; all: over the whole sample"


class _Norm(Activated):
    """Normalises values in groups, each by a mean and a variance of its own."""

    family = "normalisation"

    if TYPE_CHECKING:
        # Fields of each class, in the place that its documentation has for them.
        eps: Any
        affine: bool | str

    def _trained(self) -> tuple[str, ...]:
        """What is trained: a scale (weight) and a shift (bias), one of them, or none."""
        alone = {"scale": ("weight",), "shift": ("bias",)}
        if isinstance(self.affine, str):
            return alone[self.affine]
        return ("weight", "bias") if self.affine else ()

    def normalized(self, input: Shape) -> Shape:
        """The shape of the trained scale: one number for each channel."""
        return input[:1]

    def _groups(self, input: Shape) -> int:
        """How many groups a sample has: its channels, where a class says nothing else."""
        return input[0]

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return dict.fromkeys(self._trained(), self.normalized(inputs[0]))

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        values, groups = count(inputs[0]), self._groups(inputs[0])
        scaled, shifted = (values if name in self._trained() else 0 for name in ("weight", "bias"))
        return {
            # Mean: m − 1 additions a group; deviations: m; variance: m − 1, and the epsilon.
            "add": 3 * values - groups + shifted,
            "multiply": 2 * values + scaled,
            "divide": 3 * groups,
            "exp": groups,
        }

    def kept(self, *inputs: Shape) -> Kept:
        # Mean and 1/σ.
        return INPUTS.and_also(Extra(2 * self._groups(inputs[0])))

    def _in_keras(self, name: str, **arguments: Any) -> Part:
        """A layer of Keras that centres and scales."""
        scale, center = (part in self._trained() for part in ("weight", "bias"))
        return made(name, **arguments, epsilon=self.eps, center=center, scale=scale)


class BatchNorm(_Norm):
    """Normalises each channel by the mean and variance kept from training."""

    prefix = "bn"
    memory_order = "by_kernel"
    assertions: ClassVar[Mapping[str, str]] = _FEATURES

    eps: Real = Field(1e-5, gt=0, description=_EPS)
    momentum: Real = Field(0.1, description="weight of the newest batch in the kept statistics")
    affine: Affine = Field(
        True, description=f"{_CHANNEL}; scale or shift, as words, for one of them alone"
    )
    track_running_stats: Flag = Field(
        True, description="whether mean and variance are kept as buffers"
    )

    def buffers(self, *inputs: Shape) -> dict[str, Shape]:
        if not self.track_running_stats:
            return {}
        channels = inputs[0][:1]
        return {"running_mean": channels, "running_var": channels, "num_batches_tracked": ()}

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        if not self.track_running_stats:
            return super().elementwise(*inputs)
        # With kept statistics it is one scale and one shift a value.
        return dict.fromkeys(("multiply", "add"), count(inputs[0]))

    def twin(self, *inputs: Shape) -> Twin:
        alone = isinstance(self.affine, str)
        return module(
            "PartBatchNorm" if alone else f"BatchNorm{max(len(inputs[0]) - 1, 1)}d",
            num_features=inputs[0][0],
            eps=self.eps,
            momentum=self.momentum,
            affine=self.affine,
            track_running_stats=self.track_running_stats,
        )

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        if not self.track_running_stats:
            raise refused("a batch_norm without track_running_stats has no spelling in Keras")
        # Keras weighs the statistics that are kept, torch the newest batch.
        kept = round(float(1 - self.momentum), 12)
        yield self._in_keras("BatchNormalization", momentum=kept)

    def kept(self, *inputs: Shape) -> Kept:
        # Mean and 1/σ of the batch.
        return INPUTS.and_also(Extra(2 * inputs[0][0], per_sample=False))


class GroupNorm(_Norm):
    """Normalises each group of channels of each sample."""

    prefix = "gn"
    memory_order = "by_kernel"
    assertions: ClassVar[Mapping[str, str]] = {"num_channels": "number of channels that arrive"}

    num_groups: Count = Field(description="number of groups that the channels are split into")
    eps: Real = Field(1e-5, description=_EPS)
    affine: Flag = Field(True, description=_CHANNEL)

    def rules(self, *inputs: Shape) -> Iterator[str]:
        if inputs[0][0] % self.num_groups:
            yield f"{inputs[0][0]} channels do not divide into {self.num_groups} groups"

    def _groups(self, input: Shape) -> int:
        return self.num_groups

    def twin(self, *inputs: Shape) -> Twin:
        return module(
            "GroupNorm",
            num_groups=self.num_groups,
            num_channels=inputs[0][0],
            eps=self.eps,
            affine=self.affine,
        )

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        yield self._in_keras("GroupNormalization", groups=self._groups(inputs[0]))


class InstanceNorm(_Norm):
    """Normalises each channel of each sample."""

    prefix = "in"
    memory_order = "channels_first"
    assertions: ClassVar[Mapping[str, str]] = _FEATURES

    eps: Real = Field(1e-5, description=_EPS)
    affine: Flag = Field(False, description=_CHANNEL)

    def rules(self, *inputs: Shape) -> Iterator[str]:
        yield from axes_rules(self, inputs[0], {})
        if prod(inputs[0][1:]) == 1 and len(inputs[0]) > 1:
            yield "instance_norm needs more than one position to normalise over"

    def twin(self, *inputs: Shape) -> Twin:
        return module(
            f"InstanceNorm{len(inputs[0]) - 1}d",
            num_features=inputs[0][0],
            eps=self.eps,
            affine=self.affine,
        )

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        yield self._in_keras("GroupNormalization", groups=inputs[0][0])

    def kept(self, *inputs: Shape) -> Kept:
        # Mean and 1/σ, and the scale repeated for each sample.
        kept = Kept(inputs=True, order="channels_first")
        return kept.and_also(Extra((3 if self.affine else 2) * inputs[0][0]))


class _NormOver(_Norm):
    """Normalises each sample, over its channels at each position or over all its values."""

    memory_order = "channels_last"
    assertions: ClassVar[Mapping[str, str]] = {
        "normalized_shape": "sizes that are normalised together, channels first"
    }

    if TYPE_CHECKING:
        over: str

    def normalized(self, input: Shape) -> Shape:
        """The shape of what is normalised together."""
        return input if self.over == "all" else input[:1]

    def order(self, *inputs: Shape) -> Order:
        return "channels_first" if self.over == "all" else "channels_last"

    def arriving(self, name: str, *inputs: Shape) -> int | Shape:
        together = name == "normalized_shape"
        return self.normalized(inputs[0]) if together else super().arriving(name, *inputs)

    def _groups(self, input: Shape) -> int:
        return count(input) // count(self.normalized(input))

    def twin(self, *inputs: Shape) -> Twin:
        name, over = foreign_layers()[self.type].torch[0], self.normalized(inputs[0])
        call = "module(x)" if over == inputs[0] else channels_last("module(x)")
        fields = {"eps": self.eps, "elementwise_affine": self.affine}
        return module(name, call, normalized_shape=over, **fields)

    def _keras_axis(self, input: Shape) -> int | list[int]:
        """The axes that are normalised together, as Keras counts them."""
        return list(range(1, len(input) + 1)) if self.over == "all" and len(input) > 1 else -1


class LayerNorm(_NormOver):
    """Normalises each sample, over its channels at each position or over all its values."""

    prefix = "ln"

    over: Literal["channels", "all"] = Field("channels", description=_OVER)
    eps: Real = Field(1e-5, description=_EPS)
    affine: Flag = Field(True, description="whether each normalised value has a scale and shift")

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        yield self._in_keras("LayerNormalization", axis=self._keras_axis(inputs[0]))


class RmsNorm(_NormOver):
    """Divides each sample by its root mean square; nothing is subtracted."""

    prefix = "rms"

    over: Literal["channels", "all"] = Field("channels", description=_OVER)
    eps: Real | None = Field(
        None,
        description="small number added to the mean square; left out, the difference between 1 "
        "and the next number of the dtype, as torch has it",
    )
    affine: Flag = Field(True, description="whether each normalised value has a trained scale")

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return {"weight": self.normalized(inputs[0])} if self.affine else {}

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        # Squares; m − 1 additions a group and the epsilon; mean, root, reciprocal; the products.
        values, groups = count(inputs[0]), self._groups(inputs[0])
        multiply = 2 * values + (values if self.affine else 0)
        return {"add": values, "multiply": multiply, "divide": 2 * groups, "exp": groups}

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        # Left out, it is the smallest step above 1 of a float32.
        axis, epsilon = self._keras_axis(inputs[0]), 2.0**-23 if self.eps is None else self.eps
        if self.affine:
            yield made("RMSNormalization", axis=axis, epsilon=epsilon)
        else:
            yield written(f"rms_norm(x, {axis}, {epsilon})")

    def kept(self, *inputs: Shape) -> Kept:
        return self.kept_for((True,), True, *inputs)

    def kept_for(self, needed: Sequence[bool], trains: bool, *inputs: Shape) -> Kept:
        # The scale's gradient needs what was normalised, and nothing else.
        kept = INPUTS.and_also(Extra(self._groups(inputs[0]))) if any(needed) else Kept()
        return kept.and_also(Extra(count(inputs[0]))) if trains and self.affine else kept


class LocalResponseNorm(Layer):
    """AlexNet's of 2012: divides by a power of the squares of neighbouring channels."""

    prefix = "lrn"
    family = "normalisation"

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

    def order(self, *inputs: Shape) -> Order:
        return "as_input" if len(inputs[0]) < 4 else "channels_first"

    def twin(self, *inputs: Shape) -> Twin:
        # Over three axes torch takes no other order of them in memory.
        call = "module(x)" if len(inputs[0]) < 4 else "module(x.contiguous())"
        return module("LocalResponseNorm", call, **dict(self))

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        yield written(f"local_response_norm(x, {self.size}, {self.alpha}, {self.beta}, {self.k})")

    def kept(self, *inputs: Shape) -> Kept:
        # The squares with padding among the channels, the sums, and their power.
        channels, positions = inputs[0][0], prod(inputs[0][1:])
        squares = (channels + self.size - 1) * positions
        kept = Kept(inputs=True, order=self.order(*inputs))
        return kept.and_also(Extra(squares + 2 * count(inputs[0])))
