"""Interpolation and adaptive pooling read what torch reads: where a gradient arrives."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional

from cnncalc.analysis.receptive_field import ITSELF, compose
from cnncalc.layers.axis_map import AxisMap, dividing, repeating, resizing

Function = Callable[[torch.Tensor], torch.Tensor]


def interpolated(mode: str, outputs: int) -> Function:
    # Both axes at once: torch has cubic interpolation of two axes only.
    return lambda x: functional.interpolate(x, (outputs, 1), mode=mode)


CASES: list[tuple[str, int, int, AxisMap | None, Function]] = [
    *(
        (
            f"{mode} {n} to {outputs}",
            n,
            outputs,
            resizing(n, outputs, reach),
            interpolated(mode, outputs),
        )
        for mode, reach in (("nearest", 0), ("bilinear", 1), ("bicubic", 2))
        for n, outputs in ((12, 24), (12, 36), (12, 18), (20, 28), (24, 12), (27, 9), (20, 15))
    ),
    *(
        (
            f"adaptive {n} to {outputs}",
            n,
            outputs,
            dividing(n, outputs),
            lambda x, outputs=outputs: functional.adaptive_avg_pool2d(x, (outputs, 1)),
        )
        for n, outputs in ((32, 12), (12, 6), (13, 5), (6, 7), (9, 9))
    ),
    ("shuffle", 8, 24, repeating(3), lambda x: functional.pixel_shuffle(x.expand(1, 9, -1, 1), 3)),
]


@pytest.mark.parametrize(
    ("n", "outputs", "step", "function"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_gradients_arrive_where_it_says(
    n: int, outputs: int, step: AxisMap, function: Function
) -> None:
    field = compose(step, ITSELF)
    assert field is not None
    x = torch.rand(1, 1, n, 1, dtype=torch.float64, requires_grad=True)
    column = function(x)[0, 0, :, 0]
    assert len(column) == outputs
    compared = 0
    for o in range(outputs):
        (gradient,) = torch.autograd.grad(column[o], x, retain_graph=True)
        read = gradient.flatten().abs().gt(1e-12).nonzero().flatten().tolist()
        ends = field.at(o)
        assert ends is not None
        # At the border torch reads the last position again instead of those beyond.
        if ends[0] >= 0 and ends[1] < n:
            assert (read[0], read[-1]) == ends
            compared += 1
    assert compared >= outputs // 2
