"""Recurrent layers: against torch's modules, and step by step by hand with counted arithmetic."""

from __future__ import annotations

import math
from collections import Counter
from itertools import product
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import cnncalc
from cnncalc.infer import infer
from tests.strategies import spec_of

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")

STEPS, READS = 4, 3


# Step by step, each operation counted


class Number:
    """A number that counts what is done with it."""

    done: ClassVar[Counter[str]] = Counter()

    def __init__(self, value: float) -> None:
        self.value = value

    def _do(self, kind: str, value: float) -> Number:
        Number.done[kind] += 1
        return Number(value)

    def __add__(self, other: Number) -> Number:
        return self._do("add", self.value + other.value)

    def __rsub__(self, other: float) -> Number:
        return self._do("add", other - self.value)

    def __mul__(self, other: Number) -> Number:
        return self._do("multiply", self.value * other.value)

    def tanh(self) -> Number:
        return self._do("exp", math.tanh(self.value))

    def relu(self) -> Number:
        return self._do("compare", max(self.value, 0.0))

    def sigmoid(self) -> Number:
        Number.done.update(exp=1, add=1, divide=1)
        return Number(1 / (1 + math.exp(-self.value)))


Vector = list[Number]


def product_of(matrix: Tensor, vector: Vector) -> Vector:
    """A matrix times a vector: multiply-adds."""
    found = []
    for row in matrix.tolist():
        assert len(row) == len(vector)
        Number.done["macs"] += len(row)
        found.append(Number(sum(w * x.value for w, x in zip(row, vector, strict=True))))
    return found


def biased(vector: Vector, bias: Any) -> Vector:
    if bias is None:
        return vector
    return [x + Number(b) for x, b in zip(vector, bias.tolist(), strict=True)]


def cell_of(word: str, fields: dict[str, Any], weights: dict[str, Tensor], end: str) -> Any:
    """One step: the state that is given, and all that is remembered, from what is read."""
    size = fields["hidden_size"]

    def of(name: str) -> Any:
        return weights.get(f"{name}_{end}")

    def sums(x: Vector, h: Vector) -> Vector:
        read = biased(product_of(of("weight_ih"), x), of("bias_ih"))
        remembered = biased(product_of(of("weight_hh"), h), of("bias_hh"))
        return [a + b for a, b in zip(read, remembered, strict=True)]

    def rnn(x: Vector, h: Vector, c: Vector) -> tuple[Vector, Vector]:
        through = fields.get("nonlinearity", "tanh")
        return [getattr(s, through)() for s in sums(x, h)], c

    def lstm(x: Vector, h: Vector, c: Vector) -> tuple[Vector, Vector]:
        gates = sums(x, h)
        i, f, g, o = (gates[k * size : (k + 1) * size] for k in range(4))
        c = [
            f_.sigmoid() * c_ + i_.sigmoid() * g_.tanh()
            for i_, f_, g_, c_ in zip(i, f, g, c, strict=True)
        ]
        h = [o_.sigmoid() * c_.tanh() for o_, c_ in zip(o, c, strict=True)]
        return (h if of("weight_hr") is None else product_of(of("weight_hr"), h)), c

    def gru(x: Vector, h: Vector, c: Vector) -> tuple[Vector, Vector]:
        if fields.get("reset_after", True):
            read = biased(product_of(of("weight_ih"), x), of("bias_ih"))
            remembered = biased(product_of(of("weight_hh"), h), of("bias_hh"))
        else:
            read = biased(product_of(of("weight_ih"), x), of("bias"))
            remembered = product_of(of("weight_hh")[: 2 * size], h)
        gates = [(a + b).sigmoid() for a, b in zip(read, remembered[: 2 * size], strict=False)]
        r, z = gates[:size], gates[size:]
        if fields.get("reset_after", True):
            behind = [a * b for a, b in zip(r, remembered[2 * size :], strict=True)]
        else:
            reset = [a * b for a, b in zip(r, h, strict=True)]
            behind = product_of(of("weight_hh")[2 * size :], reset)
        n = [(a + b).tanh() for a, b in zip(read[2 * size :], behind, strict=True)]
        return [(1 - z_) * n_ + z_ * h_ for z_, n_, h_ in zip(z, n, h, strict=True)], c

    return {"rnn": rnn, "lstm": lstm, "gru": gru}[word]


def by_hand(word: str, fields: dict[str, Any], weights: dict[str, Tensor], x: Any) -> Any:
    """What is given for a sample, steps first."""
    width = fields.get("proj_size") or fields["hidden_size"]
    sequence = [[Number(value) for value in step] for step in x]
    lasts: list[Vector] = []
    for layer in range(fields.get("num_layers", 1)):
        rows, lasts = [], []
        for end in ("", "_reverse")[: 1 + fields.get("bidirectional", False)]:
            step = cell_of(word, fields, weights, f"l{layer}{end}")
            h = [Number(0.0) for _ in range(width)]
            c = [Number(0.0) for _ in range(fields["hidden_size"])]
            states = []
            for read in reversed(sequence) if end else sequence:
                h, c = step(read, h, c)
                states.append(h)
            lasts.append(h)
            rows.append(states[::-1] if end else states)
        sequence = [[n for row in step for n in row] for step in zip(*rows, strict=True)]
    given = sequence if fields.get("return_sequences", True) else [[n for h in lasts for n in h]]
    return torch.tensor([[number.value for number in step] for step in given])


KINDS: dict[str, list[dict[str, Any]]] = {
    "rnn": [{}, {"nonlinearity": "relu", "bias": False}],
    "lstm": [{}, {"bias": False}, {"hidden_size": 3, "proj_size": 2}],
    "gru": [{}, {"reset_after": False}, {"bias": False}],
}
CASES: list[tuple[str, dict[str, Any]]] = [
    (word, {"hidden_size": 2, **more, **both})
    for word, mores in KINDS.items()
    for more, both in product(
        mores,
        [
            {},
            {"num_layers": 3, "bidirectional": True},
            {"num_layers": 2, "return_sequences": False},
        ],
    )
]


@pytest.mark.parametrize(("word", "fields"), CASES, ids=lambda case: str(case))
def test_values_and_arithmetic_are_those_by_hand(word: str, fields: dict[str, Any]) -> None:
    torch.manual_seed(0)
    graph = cnncalc.load(spec_of({word: fields}, (READS, STEPS)))
    (fact,) = infer(graph)
    twin: Any = cnncalc.build(graph).eval()
    x = torch.randn(1, READS, STEPS)
    Number.done = Counter()
    weights = {name.partition(".")[2]: tensor for name, tensor in twin.state_dict().items()}
    wanted = by_hand(word, fields, weights, x[0].T.tolist())
    with torch.no_grad():
        found = twin(x)[0]
    torch.testing.assert_close(found.T if found.dim() > 1 else found[None], wanted)
    done = {kind: n for kind, n in Number.done.items() if n}
    assert done.pop("macs") == fact.macs
    assert done == {kind: n for kind, n in fact.elementwise.items() if n}


# Torch's modules


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_tensors_and_products_of_torch(kind: Any, bias: bool, bidirectional: bool) -> None:
    """As PyTorch names and shapes them, and what its counter counts."""
    fields = {"hidden_size": 7, "num_layers": 3, "bias": bias, "bidirectional": bidirectional}
    (fact,) = infer(cnncalc.load(spec_of({kind.__name__.lower(): fields}, (5, 11))))
    made = kind(5, 7, 3, bias=bias, bidirectional=bidirectional, batch_first=True, device="meta")
    with FlopCounterMode(display=False) as counter:
        given, _ = made(torch.empty(1, 11, 5, device="meta"))
    assert fact.work.weights == {name: tuple(p.shape) for name, p in made.named_parameters()}
    assert fact.output == tuple(given.mT.shape[1:])
    assert 2 * fact.macs == counter.get_total_flops()


def test_the_last_state_of_both_directions() -> None:
    """Of the first direction that behind the last step, of the second that before the first."""
    item = {"lstm": {"hidden_size": 2, "bidirectional": True, "return_sequences": False}}
    twin: Any = cnncalc.build(spec_of(item, (3, 4))).eval()
    x = torch.randn(2, 3, 4)
    states = twin.lstm1(x.mT)[0]
    torch.testing.assert_close(twin(x), torch.cat((states[:, -1, :2], states[:, 0, 2:]), 1))


POSITION_WISE = {"linear": {"out_features": 4, "position_wise": True}}
CHAINS: list[list[Any]] = [
    [{"lstm": {"hidden_size": 3, "num_layers": 2, "bidirectional": True}}, {"gru": 4}, "relu"],
    [{"gru": {"hidden_size": 3, "num_layers": 2, "return_sequences": False}}, {"linear": 2}],
    [{"rnn": 3}, "flatten", {"linear": 2}],
    [{"lstm": {"hidden_size": 3, "proj_size": 2}}, POSITION_WISE],
    [{"gru": {"hidden_size": 3, "reset_after": False, "bidirectional": True}}, {"lstm": 2}],
    [{"conv": {"out_channels": 4, "kernel_size": 1}}, "relu", {"lstm": 5}, "layer_norm"],
    [POSITION_WISE, {"lstm": 5}, {"select": 0}, {"linear": 3}],
]


@pytest.mark.parametrize("layers", CHAINS, ids=str)
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("length", [1, 6])
def test_verify_agrees_on_what_stands_around_them(layers: Any, batch: int, length: int) -> None:
    """To the byte of what autograd keeps: which of the tensors are copies depends on all three."""
    spec = {"name": "chain", "input": {"length": length, "channels": 5}, "layers": layers}
    found = cnncalc.verify(spec, batch=batch)
    assert [str(d) for d in found.differences] == []
    assert found.step is not None


@pytest.mark.parametrize("word", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("both", [False, True])
def test_frozen_ones_keep_less(word: str, both: bool) -> None:
    """What weights multiply is kept for their gradients alone."""
    more: list[dict[str, Any]] = [{}]
    more += [{"proj_size": 2}] if word == "lstm" else []
    more += [{"reset_after": False}] if word == "gru" else []
    for fields in more:
        layer = {"hidden_size": 3, "num_layers": 2, "dropout": 0.5, "bidirectional": both}
        layers = [POSITION_WISE, {word: {**layer, **fields}, "trainable": False}]
        spec = {"name": "frozen", "input": {"length": 6, "channels": 5}, "layers": layers}
        assert cnncalc.verify(spec).differences == ()
