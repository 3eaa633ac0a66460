"""Products of two computed matrices against torch's einsum, its counter and its autograd."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import cnncalc
from cnncalc.layers.base import Shape
from tests.strategies import input_of

SHAPES: list[tuple[Shape, Shape]] = [
    ((4, 5), (5, 3)),
    ((1, 5), (5, 1)),
    ((4, 2, 5), (5, 2, 3)),
    ((4, 2, 3, 2), (2, 2, 3, 6)),
]


@pytest.mark.parametrize(("first", "second"), SHAPES)
def test_values_and_products_are_those_of_torch(first: Shape, second: Shape) -> None:
    spec = {
        "inputs": {"a": input_of(first), "b": input_of(second)},
        "layers": [{"matmul": None, "from": ["a", "b"]}],
    }
    a, b = torch.randn(2, *first), torch.randn(2, *second)
    wanted = torch.einsum("bm...k,bk...n->bm...n", a, b)
    torch.testing.assert_close(cnncalc.build(spec)(a, b), wanted)
    with FlopCounterMode(display=False) as counter:
        torch.einsum("bm...k,bk...n->bm...n", a.to("meta"), b.to("meta"))
    report = cnncalc.analyze(spec, batch=2)
    assert report.total("flops") == counter.get_total_flops()
    assert tuple(report.column("output")[0]) == tuple(wanted.shape[1:])


def wide(channels: int) -> Any:
    return {"conv": {"out_channels": channels, "kernel_size": 1}}


ROWS = {"linear": {"out_features": 6, "position_wise": True}}


@pytest.mark.parametrize("shape", [(6, 6), (6, 3, 6), (6, 1, 2, 6)])
@pytest.mark.parametrize(
    ("batch", "first", "second"),
    [
        (1, [wide(4)], [wide(6)]),
        (2, [wide(4)], [wide(6)]),
        (2, [wide(4)], []),
        (2, [], [wide(6)]),
        (2, [ROWS], [ROWS, "tanh"]),
        (2, [{"linear": {"out_features": 12, "position_wise": True}}, {"slice": 6}], [ROWS]),
    ],
)
def test_training_is_that_of_torch(shape: Shape, batch: int, first: Any, second: Any) -> None:
    """What autograd keeps, to the byte, and the products of the backward pass."""
    spec = {"input": input_of(shape), "layers": [{"matmul": [first, second]}, "sigmoid"]}
    verified = cnncalc.verify(spec, batch=batch)
    assert verified.ok, verified.differences
    output = cnncalc.build(spec).to("meta")(torch.empty(batch, *shape, device="meta"))
    with FlopCounterMode(display=False) as counter:
        output.sum().backward()
    report = cnncalc.analyze(spec, batch=batch)
    assert 2 * report.total("backward_macs") == counter.get_total_flops()
