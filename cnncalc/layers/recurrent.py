"""Recurrent layers, which read `(channels, length)` step by step and remember.

Formulas are those of torch.nn.RNN, LSTM and GRU; sources: Elman, Finding Structure in Time, 1990;
Hochreiter and Schmidhuber, Long Short-Term Memory, 1997, with Gers's forget gate, 2000; Cho et al.,
Learning Phrase Representations using RNN Encoder–Decoder, 2014. The first state is 0.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from cnncalc.layers.axis_map import AxisMap
from cnncalc.layers.base import Layer, Shape, count, times
from cnncalc.layers.fields import Count, Depth, Flag, Probability
from cnncalc.layers.kept import Extra, Kept, Order
from cnncalc.layers.keras_twin import Code, Part, made, refused
from cnncalc.layers.twin import Twin, module

_HIDDEN = "length H of the state"
_LAYERS = "number of layers, each of which reads what the one before it gives at every step"
_BIAS = "whether the gates have biases, as in torch one for the input and one for the state"
_BOTH = "whether a second row of layers reads from the end; what both give is put side by side"
_DROPOUT = "probability that a value between two of the layers becomes 0 in training"
_SEQUENCES = "whether every step is given; else the state behind the last one, as a vector"


class _Recurrent(Layer):
    """A layer whose state at a step follows from the input there and the state before."""

    memory_order = "tokens_first"
    numbered = True
    family = "recurrent"
    main = "hidden_size"
    _gates: ClassVar[int]
    _per_unit: ClassVar[dict[str, int]]
    """Arithmetic of a step for each number of the state, biases left out."""
    _in_keras: ClassVar[str]

    if TYPE_CHECKING:
        # Fields of each class, in the place that its documentation has for them.
        hidden_size: int
        num_layers: int
        bias: bool
        bidirectional: bool
        dropout: float
        return_sequences: bool

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def _width(self) -> int:
        """Length of what one direction gives at a step."""
        return self.hidden_size

    @property
    def _biases(self) -> int:
        """How many biases a number of a gate has."""
        return 2 if self.bias else 0

    def rules(self, *inputs: Shape) -> Iterator[str]:
        (input,) = inputs
        if len(input) == 1:
            yield f"{self.type} needs steps (channels and length), not a vector of {input[0]}"
        elif len(input) > 2:
            yield (
                f"{self.type} needs steps (channels and length), not {times(input)}; put a "
                f"reshape [{input[0]}, -1] before it"
            )
        if self.dropout and self.num_layers == 1:
            yield "dropout stands between layers, and there is one; leave it out"

    def output(self, *inputs: Shape) -> Shape:
        width = self._directions * self._width
        return (width, *inputs[0][1:]) if self.return_sequences else (width,)

    def _rows(self) -> Iterator[str]:
        """What the names of all layers' tensors end with: `l0`, `l0_reverse`, `l1` …"""
        for layer in range(self.num_layers):
            yield from (f"l{layer}{end}" for end in ("", "_reverse")[: self._directions])

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        gates, found = self._gates * self.hidden_size, dict[str, Shape]()
        for row in self._rows():
            reads = inputs[0][0] if row[:3] in ("l0", "l0_") else self._directions * self._width
            found |= {f"weight_ih_{row}": (gates, reads), f"weight_hh_{row}": (gates, self._width)}
            found |= self._bias_of(row, (gates,)) | self._projection_of(row)
        return found

    def _bias_of(self, row: str, shape: Shape) -> dict[str, Shape]:
        names = (f"bias_ih_{row}", f"bias_hh_{row}")
        return dict.fromkeys(names, shape) if self.bias else {}

    def _projection_of(self, row: str) -> dict[str, Shape]:
        return {}

    def _by_layers(self, first: int, other: int, *inputs: Shape) -> int:
        """The sum over all layers, steps and directions, of which the first layer differs."""
        return (first + (self.num_layers - 1) * other) * self._directions * inputs[0][1]

    def _products(self, reads: int) -> int:
        """Multiply-adds at a step of one direction of a layer that reads so many numbers."""
        return self._gates * self.hidden_size * (reads + self._width)

    def macs(self, *inputs: Shape) -> int:
        # At every step, the first too: input and state times the gates' matrices.
        other = self._products(self._directions * self._width)
        return self._by_layers(self._products(inputs[0][0]), other, *inputs)

    def input_macs(self, *inputs: Shape) -> int:
        return self._by_layers(self._gates * self.hidden_size * inputs[0][0], 0, *inputs)

    def _bias_additions(self, *inputs: Shape) -> int:
        added = self._biases * self._gates * self.hidden_size
        return self._by_layers(added, added, *inputs)

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        units = self._by_layers(self.hidden_size, self.hidden_size, *inputs)
        counts = {kind: number * units for kind, number in self._per_unit.items()}
        return {**counts, "add": counts["add"] + self._bias_additions(*inputs)}

    def connections(self, *inputs: Shape) -> int:
        return self.macs(*inputs) + self._bias_additions(*inputs)

    def axis_map(self, *inputs: Shape) -> tuple[tuple[AxisMap | None, ...], ...]:
        # The state remembers all steps that were read.
        return ((None,),)

    def describe(self, *inputs: Shape) -> str:
        text = f"{self.type} {self.hidden_size}"
        text += f" ×{self.num_layers}" if self.num_layers > 1 else ""
        text += " bidirectional" if self.bidirectional else ""
        return text if self.return_sequences else f"{text} last"

    def _kept_by_step(self, trains: bool) -> int:
        """Numbers kept at a step of one direction of a layer, its input left out."""
        raise NotImplementedError

    def kept(self, *inputs: Shape) -> Kept:
        return self.kept_for((True,), True, *inputs)

    def kept_for(self, needed: Sequence[bool], trains: bool, *inputs: Shape) -> Kept:
        # What the first layer reads, step by step: a copy for each direction. Both directions of
        # any other read one tensor, before which the dropout keeps its mask. Only gradients of
        # weights need what is read.
        kept = self._kept_by_step(trains)
        between = self._width * (trains + (0 < self.dropout < 1))
        elements = self._by_layers(kept, kept + between, *inputs)
        scalars = [Extra(self.num_layers - 1, 0, per_sample=False)] if self.dropout == 1 else []
        extras = (Extra(elements), *scalars)
        return Kept(inputs=trains, extras=extras, order="tokens_first", copies=self._directions)

    def order(self, *inputs: Shape) -> Order:
        return self.memory_order if self.return_sequences else "channels_first"

    def stored(self, *inputs: Shape) -> int:
        # The states of all layers are one tensor. Of two directions the last two are a copy.
        if self.return_sequences or self.bidirectional:
            return count(self.output(*inputs))
        return self.num_layers * self._width

    def second_biases(self, *inputs: Shape) -> int:
        return self._gates * self.hidden_size * self._directions * self.num_layers * self.bias

    def _twin_of(self, name: str, *inputs: Shape, **fields: Any) -> Twin:
        state = "module(x.mT)[1]" + ("[0]" if name == "LSTM" else "")
        last = f"{state}[-2:].transpose(0, 1).flatten(1)" if self.bidirectional else f"{state}[-1]"
        return module(
            name,
            "module(x.mT)[0].mT" if self.return_sequences else last,
            input_size=inputs[0][0],
            hidden_size=self.hidden_size,
            num_layers=self.num_layers,
            **fields,
            bias=self.bias,
            batch_first=True,
            **({"dropout": self.dropout} if self.dropout else {}),
            bidirectional=self.bidirectional,
        )

    def _keras_fields(self) -> dict[str, Any]:
        """Arguments besides those that all have."""
        return {}

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        for layer in range(self.num_layers):
            last = layer == self.num_layers - 1
            fields = {
                "units": self.hidden_size,
                "return_sequences": self.return_sequences or not last,
                "use_bias": self.bias,
                **self._keras_fields(),
            }
            part = made(self._in_keras, **fields)
            if self.bidirectional:
                part = made("Bidirectional", layer=Code.call(f"layers.{self._in_keras}", fields))
            yield part if last else part._replace(suffix=f"_l{layer}")
            if self.dropout and not last:
                yield made("Dropout", rate=self.dropout)._replace(suffix=f"_dropout{layer}")


class Rnn(_Recurrent):
    """Elman's recurrent layer: the state is a sum of input and state, through a nonlinearity."""

    _gates = 1
    _in_keras = "SimpleRNN"
    _per_unit: ClassVar[dict[str, int]] = {"add": 1}

    hidden_size: Count = Field(description=_HIDDEN)
    num_layers: Depth = Field(1, description=_LAYERS)
    nonlinearity: Literal["tanh", "relu"] = Field("tanh", description="what the sum goes through")
    bias: Flag = Field(True, description=_BIAS)
    dropout: Probability = Field(0.0, description=_DROPOUT)
    bidirectional: Flag = Field(False, description=_BOTH)
    return_sequences: Flag = Field(True, description=_SEQUENCES)

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        kind = "exp" if self.nonlinearity == "tanh" else "compare"
        units = self._by_layers(self.hidden_size, self.hidden_size, *inputs)
        return {**super().elementwise(*inputs), kind: units}

    def _kept_by_step(self, trains: bool) -> int:
        # The state; that before the first step comes on top.
        return self.hidden_size

    def kept_for(self, needed: Sequence[bool], trains: bool, *inputs: Shape) -> Kept:
        kept = super().kept_for(needed, trains, *inputs)
        first = Extra(self.hidden_size * self._directions * self.num_layers)
        return kept.and_also(first) if trains else kept

    def twin(self, *inputs: Shape) -> Twin:
        return self._twin_of("RNN", *inputs, **self._named("nonlinearity"))

    def _named(self, name: str) -> dict[str, str]:
        """The nonlinearity as an argument of that name, where it is not the usual one."""
        return {name: self.nonlinearity} if self.nonlinearity == "relu" else {}

    def _keras_fields(self) -> dict[str, Any]:
        return self._named("activation")


class Lstm(_Recurrent):
    """Long short-term memory: input, forget and output gates around a cell."""

    _gates = 4
    _in_keras = "LSTM"
    # Four sums of input and state, three sigmoids, tanh of a gate and of the cell; the cell is
    # f·c + i·g, the state o·tanh(c).
    _per_unit: ClassVar[dict[str, int]] = {"add": 4 + 3 + 1, "multiply": 3, "divide": 3, "exp": 5}

    hidden_size: Count = Field(description="length H of the cell, and of the state")
    num_layers: Depth = Field(1, description=_LAYERS)
    proj_size: Count | None = Field(
        None, description="length of a projection that stands for the state: it is given and read"
    )
    bias: Flag = Field(True, description=_BIAS)
    dropout: Probability = Field(0.0, description=_DROPOUT)
    bidirectional: Flag = Field(False, description=_BOTH)
    return_sequences: Flag = Field(True, description=_SEQUENCES)

    @property
    def _width(self) -> int:
        return self.hidden_size if self.proj_size is None else self.proj_size

    def rules(self, *inputs: Shape) -> Iterator[str]:
        yield from super().rules(*inputs)
        if self.proj_size is not None and self.proj_size >= self.hidden_size:
            yield f"proj_size {self.proj_size} must be smaller than hidden_size {self.hidden_size}"

    def _projection_of(self, row: str) -> dict[str, Shape]:
        if self.proj_size is None:
            return {}
        return {f"weight_hr_{row}": (self.proj_size, self.hidden_size)}

    def _products(self, reads: int) -> int:
        projection = 0 if self.proj_size is None else self.proj_size * self.hidden_size
        return super()._products(reads) + projection

    def describe(self, *inputs: Shape) -> str:
        text = super().describe(*inputs)
        size = str(self.hidden_size)
        return text if self.proj_size is None else text.replace(size, f"{size}→{self.proj_size}", 1)

    def _kept_by_step(self, trains: bool) -> int:
        # The gates, the cell before and its tanh; for the weights what they multiply, the state
        # before and what is projected.
        projected = 0 if self.proj_size is None else self.hidden_size
        return 6 * self.hidden_size + (self._width + projected if trains else 0)

    def twin(self, *inputs: Shape) -> Twin:
        projection = {} if self.proj_size is None else {"proj_size": self.proj_size}
        return self._twin_of("LSTM", *inputs, **projection)

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        if self.proj_size is not None:
            raise refused("an lstm with proj_size has no spelling in Keras")
        yield from super().keras(*inputs)


class Gru(_Recurrent):
    """Gated recurrent unit: an update gate between the state and a new one, a reset gate before."""

    _gates = 3
    _in_keras = "GRU"
    # Two sums and sigmoids; the new n is tanh(W x + r·(U h)) or tanh(W x + U (r·h)); the state is
    # (1 − z)·n + z·h.
    _per_unit: ClassVar[dict[str, int]] = {"add": 2 + 2 + 3, "multiply": 3, "divide": 2, "exp": 3}

    hidden_size: Count = Field(description=_HIDDEN)
    num_layers: Depth = Field(1, description=_LAYERS)
    reset_after: Flag = Field(
        True,
        description="whether the reset gate comes behind the product with the state, as in torch "
        "and cuDNN; before it, as in the paper, there is one bias",
    )
    bias: Flag = Field(True, description=_BIAS)
    dropout: Probability = Field(0.0, description=_DROPOUT)
    bidirectional: Flag = Field(False, description=_BOTH)
    return_sequences: Flag = Field(True, description=_SEQUENCES)

    @property
    def _biases(self) -> int:
        return super()._biases if self.reset_after else int(self.bias)

    def _bias_of(self, row: str, shape: Shape) -> dict[str, Shape]:
        if self.reset_after or not self.bias:
            return super()._bias_of(row, shape)
        return {f"bias_{row}": shape}

    def _kept_by_step(self, trains: bool) -> int:
        # The state before, two gates, n, and what comes of them: r·h and 1 − z; torch's own kernel
        # has all gates in one, beside z and n and their differences. One of them is for weights.
        return (6 + self.reset_after - (not trains)) * self.hidden_size

    def second_biases(self, *inputs: Shape) -> int:
        # Keras has both where the reset comes behind.
        return 0

    def twin(self, *inputs: Shape) -> Twin:
        return self._twin_of("GRU" if self.reset_after else "GruResetBefore", *inputs)

    def _keras_fields(self) -> dict[str, Any]:
        return {"reset_after": self.reset_after}
