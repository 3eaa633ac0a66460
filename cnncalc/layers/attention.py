"""Layers that work on tokens, `(channels, length)`: self-attention, and what a ViT adds to it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from pydantic import Field

from cnncalc.layers.activation import Softmax
from cnncalc.layers.axis_map import AxisMap, moved
from cnncalc.layers.base import Layer, Sentence, Shape, count
from cnncalc.layers.fields import Count, Flag, Natural
from cnncalc.layers.kept import NOTHING, Extra, Kept, Strides
from cnncalc.layers.keras_twin import Part, made, own, written
from cnncalc.layers.twin import Twin, module


class _OnTokens(Layer):
    """A layer that reads a row of tokens, each a vector of all channels."""

    def rules(self, *inputs: Shape) -> Iterator[str]:
        (input,) = inputs
        if len(input) == 1:
            yield f"{self.type} needs tokens (channels and length), not a vector of {input[0]}"
        elif len(input) > 2:
            yield Sentence(
                f"{self.type} needs tokens (channels and length), not {{}}; put a reshape "
                f"[{input[0]}, -1] before it",
                input,
            )


class MultiHeadAttention(_OnTokens):
    """Self-attention: every token becomes a weighted sum of all tokens, in each head apart."""

    memory_order = "tokens_first"
    prefix = "attention"
    family = "attention"
    numbered = True
    assertions: ClassVar[Mapping[str, str]] = {"embed_dim": "number of channels that arrive"}

    num_heads: Count = Field(description="number of heads that the channels are split into")
    bias: Flag = Field(True, description="whether the four projections have biases")

    def rules(self, *inputs: Shape) -> Iterator[str]:
        yield from super().rules(*inputs)
        if inputs[0][0] % self.num_heads:
            yield f"{inputs[0][0]} channels do not divide into {self.num_heads} heads"

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        # Queries, keys and values in one matrix, as torch keeps them.
        c = inputs[0][0]
        weights: dict[str, Shape] = {"in_proj_weight": (3 * c, c), "out_proj.weight": (c, c)}
        biases: dict[str, Shape] = {"in_proj_bias": (3 * c,), "out_proj.bias": (c,)}
        return weights | biases if self.bias else weights

    def macs(self, *inputs: Shape) -> int:
        # Four projections; then QKᵀ and its product with V, C/h channels in each of h heads.
        # Vaswani et al., Attention Is All You Need, 2017, section 3.2.
        c, length = inputs[0]
        return 4 * c * c * length + 2 * c * length * length

    def computed_macs(self, *inputs: Shape) -> int:
        # Queries meet keys, and scores meet values.
        channels, length = inputs[0]
        return 2 * channels * length**2

    def input_macs(self, *inputs: Shape) -> int:
        # The projection to queries, keys and values; all else multiplies what follows from it.
        channels, length = inputs[0]
        return 3 * channels * channels * length

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        # A softmax over L scores for each token and head; the queries are scaled by 1/√(C/h).
        _, length = inputs[0]
        counts = Softmax().elementwise((length, self.num_heads * length))
        biases = 4 * count(inputs[0]) if self.bias else 0
        return {**counts, "multiply": count(inputs[0]), "add": counts["add"] + biases}

    def connections(self, *inputs: Shape) -> int:
        # Those of the projections; queries meet keys and scores meet values without any weight.
        c, length = inputs[0]
        return 4 * c * length * (c + (1 if self.bias else 0))

    def axis_map(self, *inputs: Shape) -> tuple[tuple[AxisMap | None, ...], ...]:
        return ((None,),)

    def describe(self, *inputs: Shape) -> str:
        return f"{self.type} {self.num_heads} head{'s' if self.num_heads > 1 else ''}"

    def twin(self, *inputs: Shape) -> Twin:
        return module(
            "MultiheadAttention",
            "module(*[x.mT] * 3, need_weights=False)[0].mT",
            embed_dim=inputs[0][0],
            num_heads=self.num_heads,
            bias=self.bias,
            batch_first=True,
        )

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        heads, width = self.num_heads, inputs[0][0] // self.num_heads
        part = made("MultiHeadAttention", num_heads=heads, key_dim=width, use_bias=self.bias)
        yield part._replace(call="module(x, x)")

    def kept(self, *inputs: Shape) -> Kept:
        # Queries, keys and values in one, what they give, and the logarithm of each softmax's sum.
        _, length = inputs[0]
        extras = (Extra(4 * count(inputs[0])), Extra(self.num_heads * length))
        return Kept(inputs=True, extras=extras, order="channels_last", strictly=True)

    def kept_for(self, needed: Sequence[bool], trains: bool, *inputs: Shape) -> Kept:
        # What is read is kept for the weights of the first projection alone.
        return self.kept(*inputs)._replace(inputs=trains)


class ClassToken(_OnTokens):
    """Puts one trained token before the others; its output is what classifies."""

    _kept = NOTHING
    prefix = "token"
    memory_order = "channels_first"

    def output(self, *inputs: Shape) -> Shape:
        channels, length = inputs[0]
        return (channels, length + 1)

    def axis_map(self, *inputs: Shape) -> tuple[tuple[AxisMap | None, ...], ...]:
        return ((moved(-1),),)

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return {"weight": (1, 1, inputs[0][0])}

    def twin(self, *inputs: Shape) -> Twin:
        call = "torch.cat((module.weight.mT.expand(len(x), -1, -1), x), -1)"
        return module("Weights", call, shapes=self.weights(*inputs))

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        yield own("ClassToken")


class PositionEmbedding(_OnTokens):
    """Adds a trained vector to each token, one for each position."""

    _kept = NOTHING
    prefix = "position"

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        channels, length = inputs[0]
        return {"weight": (1, length, channels)}

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        return {"add": count(inputs[0])}

    def twin(self, *inputs: Shape) -> Twin:
        call = "x + module.weight.mT"
        return module("Weights", call, shapes=self.weights(*inputs), std=0.02)

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        yield own("PositionEmbedding")


class Select(_OnTokens):
    """Takes one token, such as the class token, as a vector."""

    _kept = NOTHING
    values = "view"

    index: Natural = Field(description="position of the token, from 0")

    def rules(self, *inputs: Shape) -> Iterator[str]:
        yield from super().rules(*inputs)
        if len(inputs[0]) == 2 and self.index >= inputs[0][1]:
            yield f"index {self.index} is beyond the {inputs[0][1]} tokens, counted from 0"

    def output(self, *inputs: Shape) -> Shape:
        return inputs[0][:1]

    def axis_map(self, *inputs: Shape) -> tuple[tuple[AxisMap | None, ...], ...]:
        return ((None,),)

    def view(self, shape: Shape, strides: Strides, *inputs: Shape) -> Strides:
        return strides[:-1]

    def describe(self, *inputs: Shape) -> str:
        return f"{self.type} {self.index}"

    def twin(self, *inputs: Shape) -> Twin:
        return Twin(f"x[..., {self.index}]")

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        yield written(f"x[:, {self.index}]")
