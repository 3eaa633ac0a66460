"""Products of computed values: attention of queries to keys and values, and any two matrices."""

from collections.abc import Iterator, Sequence
from math import prod

from pydantic import Field

from cnncalc.layers.activation import Softmax
from cnncalc.layers.axis_map import SAME, AxisMap
from cnncalc.layers.base import Layer, Sentence, Shape, count, per_axis, sizes_text, times
from cnncalc.layers.fields import Count, Flag, Naturals, Sizes
from cnncalc.layers.kept import Extra, Kept
from cnncalc.layers.keras_twin import Part, refused, written
from cnncalc.layers.twin import Twin, module
from cnncalc.layers.window_partition import WindowReverse


class Attention(Layer):
    """Each query takes a sum of the values, weighted by the softmax of its products with the keys.

    It works along the last axis, in each head apart; the axes between the channels and the last
    are apart, too, as windows are.
    """

    joins = True
    operands = ("q", "k", "v")
    of_one = "multi_head_attention"
    family = "attention"
    memory_order = "channels_last"

    num_heads: Count = Field(1, description="number of heads that the queries' channels split into")
    num_kv_heads: Count | None = Field(
        None,
        description="number of heads of keys and values, where several heads of queries share one "
        "(grouped queries)",
    )
    relative_position_bias: Sizes | None = Field(
        None,
        description="the sizes of the window that the positions are, as in [7, 7]: adds to each "
        "score a trained number, one for each head and offset from query to key",
    )
    shift: Naturals = Field(
        0,
        description="the shift with which window_partition cut the windows: positions that it "
        "brought together from both ends do not read one another; counted as if they did",
    )
    output_size: Sizes | None = Field(
        None,
        description="with shift, the sizes of what the windows are cut out of; where it is left "
        "out, there are as many windows along each axis",
    )
    causal: Flag = Field(
        False,
        description="whether a query reads no keys behind its own position; counted as if it did",
    )

    @property
    def kv_heads(self) -> int:
        return self.num_heads if self.num_kv_heads is None else self.num_kv_heads

    @property
    def window(self) -> tuple[int, ...]:
        """The sizes of the window; none where scores have no bias."""
        sizes = self.relative_position_bias
        return sizes if isinstance(sizes, tuple) else () if sizes is None else (sizes,)

    def rules(self, *inputs: Shape) -> Iterator[str]:
        broken = list(self._axes_rules(*inputs))
        yield from broken
        (q, *_), (k, *_), (v, *_) = inputs
        if self.num_heads % self.kv_heads:
            yield f"{self.num_heads} heads do not divide by num_kv_heads {self.kv_heads}"
        heads = (self.num_heads, self.kv_heads, self.kv_heads)
        unfit: dict[str, list[str]] = {}
        for name, channels, parts in zip(self.operands, (q, k, v), heads, strict=True):
            if channels % parts:
                unfit.setdefault(f"do not divide into {parts} heads", []).append(
                    f"{channels} of {name}"
                )
        for what, channels_of in unfit.items():
            yield f"the channels {', '.join(channels_of)} {what}"
        broken += unfit
        if not broken and q // self.num_heads != k // self.kv_heads:
            yield (
                f"a head of q has {q // self.num_heads} channels, but one of k has "
                f"{k // self.kv_heads}"
            )
        if not broken and self.window:
            positions, queries, keys = prod(self.window), inputs[0][-1], inputs[1][-1]
            if positions != queries or positions != keys:
                yield (
                    f"relative_position_bias {list(self.window)} has {positions} positions, but "
                    f"there are {queries} queries and {keys} keys"
                )
                return
        if not broken:
            yield from self._shift_rules(*inputs)

    def _shifts(self) -> tuple[int, ...]:
        """The shift along each axis of the window; none where nothing is shifted."""
        shift = self.shift if isinstance(self.shift, tuple) else (self.shift,)
        return per_axis(self.shift, len(self.window) or 1) if any(shift) else ()

    def _cut(self) -> WindowReverse:
        """What puts the shifted windows back."""
        return WindowReverse(size=self.window, shift=self.shift, output_size=self.output_size)

    def _shift_rules(self, *inputs: Shape) -> Iterator[str]:
        if not self._shifts():
            if self.output_size is not None:
                yield "output_size says where shifted windows lie; there is no shift"
        elif not self.window:
            yield "shift needs relative_position_bias: the sizes of the window, as in [7, 7]"
        else:
            yield from self._cut().rules(inputs[0])

    def _axes_rules(self, *inputs: Shape) -> Iterator[str]:
        q, k, v = inputs
        vectors = [shape for shape in inputs if len(shape) == 1]
        if vectors:
            yield f"attention needs tokens (channels and length), not a vector of {vectors[0][0]}"
        elif k[1:] != v[1:]:
            yield Sentence("k and v differ in more than their channels: {} and {}", k, v)
        elif q[1:-1] != k[1:-1]:
            yield Sentence(
                "q and k differ in axes that are apart, those before the last: {} and {}", q, k
            )

    def output(self, *inputs: Shape) -> Shape:
        channels = inputs[2][0] // self.kv_heads * self.num_heads
        return (channels, *inputs[0][1:])

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        # Named as in the code of Liu et al., Swin Transformer, 2021 (arXiv 2103.14030).
        offsets = prod(2 * size - 1 for size in self.window)
        return {"relative_position_bias_table": (offsets, self.num_heads)} if self.window else {}

    def buffers(self, *inputs: Shape) -> dict[str, Shape]:
        scores = inputs[0][-1] * inputs[1][-1]
        return {"relative_position_index": (scores,)} if self.window else {}

    def _scores(self, *inputs: Shape) -> int:
        """Scores of all queries, in all heads and all places that are apart."""
        return self.num_heads * count(inputs[0][1:]) * inputs[1][-1]

    def _score_macs(self, *inputs: Shape) -> tuple[int, int]:
        """MACs of the scores QKᵀ, and of their products with V."""
        scores = self._scores(*inputs)
        return scores * (inputs[0][0] // self.num_heads), scores * (inputs[2][0] // self.kv_heads)

    def macs(self, *inputs: Shape) -> int:
        # Vaswani et al., Attention Is All You Need, 2017, section 3.2.1.
        return sum(self._score_macs(*inputs))

    def computed_macs(self, *inputs: Shape) -> int:
        return self.macs(*inputs)

    def backward_macs(self, needed: Sequence[bool], trains: bool, *inputs: Shape) -> int:
        # Those of Q and K, each from the scores'; the scores' and those of V from the output's.
        of_scores, of_values = self._score_macs(*inputs)
        q, k, v = needed
        return of_scores * (q + k) + of_values * (v + (q or k or trains))

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        # A softmax over S scores for each query and head; the queries are scaled by 1/√D.
        scores = self._scores(*inputs)
        counts = Softmax().elementwise((inputs[1][-1], scores // inputs[1][-1]))
        biases = scores if self.window else 0
        return {**counts, "multiply": count(inputs[0]), "add": counts["add"] + biases}

    def axis_map(self, *inputs: Shape) -> tuple[tuple[AxisMap | None, ...], ...]:
        apart = (SAME,) * (len(inputs[0]) - 2)
        return ((*apart, SAME), (*apart, None), (*apart, None))

    def describe(self, *inputs: Shape) -> str:
        heads = f"{self.num_heads} head{'s' if self.num_heads > 1 else ''}"
        shared = f" ({self.kv_heads} of k, v)" if self.kv_heads != self.num_heads else ""
        bias = f" bias {times(self.window)}" if self.window else ""
        bias += f" shift {sizes_text(self._shifts())}" if self._shifts() else ""
        return f"{self.type} {heads}{shared}{' causal' if self.causal else ''}{bias}"

    def twin(self, *inputs: Shape) -> Twin:
        return module(
            "Attention",
            "module(x, x1, x2)",
            num_heads=self.num_heads,
            num_kv_heads=self.kv_heads,
            window=self.window,
            shift=self._shifts(),
            grid=self._cut().counts(inputs[0]) if self._shifts() else (),
            causal=self.causal,
        )

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        if self.window:
            raise refused("an attention with relative_position_bias has no spelling in Keras")
        heads = (self.num_heads, self.kv_heads, self.kv_heads)
        split = [
            f"ops.reshape({x}, (-1, {shape[-1]}, {h}, {shape[0] // h}))"
            for x, shape, h in zip(("x", "x1", "x2"), inputs, heads, strict=True)
        ]
        channels, *sizes = self.output(*inputs)
        causal = ", is_causal=True" if self.causal else ""
        call = f"ops.dot_product_attention({', '.join(split)}{causal})"
        yield written(f"ops.reshape({call}, {(-1, *sizes, channels)})")

    def kept(self, *inputs: Shape) -> Kept:
        return self.kept_for((True, True, True), True, *inputs)

    def kept_for(self, needed: Sequence[bool], trains: bool, *inputs: Shape) -> Kept:
        """As torch's scaled_dot_product_attention keeps it, which is fused where all heads have
        one width and nothing that is added to the scores is trained."""
        q, k, v = inputs
        repeats = self.num_heads // self.kv_heads
        trained = trains and bool(self.window)
        if not trained and q[0] // self.num_heads == v[0] // self.kv_heads:
            # With the logarithm of each softmax's sum, and what is added to the scores.
            sums = Extra(self.num_heads * count(q[1:]))
            added = Extra(self.num_heads * q[-1] * k[-1], per_sample=False)
            added = Extra(self._scores(*inputs)) if self._shifts() else added
            extras = (sums, added) if self.window else (sums,)
            return Kept(inputs=True, output=True, extras=extras, in_rows=True)
        # Queries and keys, both scaled, each for the other; the softmax; and the values, of several
        # heads with the heads before the positions.
        of_q, of_k, _ = needed
        kept = Kept(extras=(Extra(self._scores(*inputs)),), in_rows=True)
        if of_k:
            kept = kept.and_also(Extra(count(q)))
        if of_q:
            kept = kept.and_also(Extra(count(k) * repeats))
        if not (of_q or of_k or trained):
            return kept
        if self.num_heads > 1:
            return kept.and_also(Extra(count(v) * repeats))
        return kept._replace(inputs=(False, False, True))


class Matmul(Layer):
    """The matrix product of two inputs: the first's last axis meets the second's channels.

    (M, *apart, K) and (K, *apart, N) give (M, *apart, N): each place along the axes between has a
    product of its own.
    """

    joins = True
    operands = ("a", "b")
    memory_order = "channels_first"

    def rules(self, *inputs: Shape) -> Iterator[str]:
        a, b = inputs
        if len(a) == 1 or len(b) == 1:
            vector = a if len(a) == 1 else b
            yield f"matmul needs channels and positions, not a vector of {vector[0]}"
        elif a[1:-1] != b[1:-1]:
            yield Sentence(
                "a and b differ in axes that are apart, those before the last: {} and {}", a, b
            )
        elif a[-1] != b[0]:
            yield Sentence(
                f"the last axis of a is {a[-1]}, but b has {b[0]} channels: {{}} and {{}}", a, b
            )

    def output(self, *inputs: Shape) -> Shape:
        return (*inputs[0][:-1], inputs[1][-1])

    def macs(self, *inputs: Shape) -> int:
        return count(self.output(*inputs)) * inputs[0][-1]

    def computed_macs(self, *inputs: Shape) -> int:
        return self.macs(*inputs)

    def backward_macs(self, needed: Sequence[bool], trains: bool, *inputs: Shape) -> int:
        # The gradient of each is a product with the other.
        return self.macs(*inputs) * sum(needed)

    def axis_map(self, *inputs: Shape) -> tuple[tuple[AxisMap | None, ...], ...]:
        apart = (SAME,) * (len(inputs[0]) - 2)
        return ((*apart, None), (*apart, SAME))

    def twin(self, *inputs: Shape) -> Twin:
        apart = inputs[0][1:-1]
        if not apart:
            return Twin("x @ x1")
        product = "rows(x).flatten(0, -3).mT @ rows(x1).flatten(0, -3).mT"
        return Twin(f"({product}).unflatten(0, {(-1, *apart)}).movedim(-2, 1).contiguous()")

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        # Both are transposed there, and so is their product.
        yield written("ops.matmul(x1, x)")

    def kept(self, *inputs: Shape) -> Kept:
        return self.kept_for((True, True), False, *inputs)

    def kept_for(self, needed: Sequence[bool], trains: bool, *inputs: Shape) -> Kept:
        # Each for the gradient of the other. Matrices at several places are copied to lie in turn.
        return Kept(inputs=(needed[1], needed[0]), in_rows=len(inputs[0]) > 2)
