"""Windows against slices of the input: each is what numpy's indexing cuts out."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import cnncalc
from tests.strategies import input_of


def run(items: list[Any], x: torch.Tensor) -> torch.Tensor:
    found: torch.Tensor = cnncalc.build({"input": input_of(tuple(x.shape[1:])), "layers": items})(x)
    return found


X = torch.arange(2 * 3 * 6 * 9.0).reshape(2, 3, 6, 9)


def test_windows_lie_side_by_side() -> None:
    windows = run([{"window_partition": 3}], X)
    for row in range(2):
        for column in range(3):
            found = windows[:, :, 3 * row + column].reshape(2, 3, 3, 3)
            rows, columns = slice(3 * row, 3 * row + 3), slice(3 * column, 3 * column + 3)
            assert torch.equal(found, X[:, :, rows, columns])


def test_windows_of_a_grid_are_spread_over_the_whole() -> None:
    """3×3 positions in each: every second row, every third column."""
    windows = run([{"window_partition": {"size": 3, "grid": True}}], X)
    for row in range(2):
        for column in range(3):
            found = windows[:, :, 3 * row + column].reshape(2, 3, 3, 3)
            assert torch.equal(found, X[:, :, row::2, column::3])


def test_a_shifted_window_starts_further_on_and_goes_around() -> None:
    windows = run([{"window_partition": {"size": [2, 3], "shift": [1, 2]}}], X)
    assert torch.equal(windows[:, :, 0].reshape(2, 3, 2, 3), X[:, :, 1:3, 2:5])
    last = X[:, :, [5, 0]][..., [8, 0, 1]]
    assert torch.equal(windows[:, :, -1].reshape(2, 3, 2, 3), last)


@pytest.mark.parametrize("grid", [False, True])
@pytest.mark.parametrize(
    ("shape", "size", "shift"),
    [((3, 8), [4], [1]), ((2, 6, 6), 3, 2), ((2, 4, 6), [4, 2], [0, 1]), ((1, 4, 2, 6), 2, 1)],
)
def test_windows_go_back_to_where_they_were(
    shape: tuple[int, ...], size: Any, shift: Any, grid: bool
) -> None:
    x = torch.randn(2, *shape)
    fields = {"size": size, "shift": shift, "grid": grid}
    back = {**fields, "output_size": list(shape[1:])}
    assert torch.equal(run([{"window_partition": fields}, {"window_reverse": back}], x), x)
    if shape == (2, 6, 6):
        there_and_back = [{"window_partition": fields}, {"window_reverse": fields}]
        assert torch.equal(run(there_and_back, x), x)
