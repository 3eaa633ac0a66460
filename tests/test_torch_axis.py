"""Positions joined and cut along an axis, against torch.cat and indexing."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import cnncalc
from tests.strategies import input_of


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 6), (4, 3, 5, 2)])
@pytest.mark.parametrize("rows", [False, True])
def test_parts_come_behind_one_another(shape: tuple[int, ...], rows: bool) -> None:
    """Values, and all that verify compares, of channels first and last in memory."""
    linear = {"linear": {"out_features": 4, "position_wise": True}}
    before: Any = linear if rows else {"conv": {"out_channels": 4, "kernel_size": 1}}
    for axis in range(1, len(shape)):
        rest = [{"slice": {"start": 1, "axis": axis}}]
        join = {"concat": {"branches": [[], rest], "axis": axis}}
        spec = {"input": input_of(shape), "layers": [join]}
        x = torch.randn(2, *shape)
        wanted = torch.cat((x, x.narrow(axis + 1, 1, shape[axis] - 1)), axis + 1)
        assert torch.equal(cnncalc.build(spec)(x), wanted)
        # Behind a function the part has memory of its own.
        join = {"concat": {"branches": [[], [*rest, "tanh"]], "axis": axis}}
        trained = {"input": input_of(shape), "layers": [before, join, "sigmoid", linear]}
        verified = cnncalc.verify(trained, batch=2)
        assert verified.step is not None
        assert verified.ok, verified.differences


def test_the_field_is_that_of_the_positions_cut() -> None:
    conv = {"conv": {"out_channels": 2, "kernel_size": 3}}
    spec = {"input": input_of((2, 9, 9)), "layers": [conv, {"slice": {"start": 2, "axis": 2}}]}
    report = cnncalc.analyze(spec)
    # Position 0 of the slice is 2 of the convolution, two further on, as if padding were −2.
    assert report.column("receptive_field")[-1] == [3, 3]
    assert report.column("effective_padding")[-1] == [0, -2]
