"""What a blur pooling computes: reflection, binomial kernel and stride done by hand with numpy."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

import cnncalc
from cnncalc.errors import CnncalcError
from tests.strategies import spec_of

ROWS = {1: [1], 2: [1, 1], 3: [1, 2, 1], 4: [1, 3, 3, 1], 5: [1, 4, 6, 4, 1]}
"""Rows of Pascal's triangle, as the paper lists them for its filters."""


def blurred(x: Any, size: int, stride: int) -> Any:
    """Each channel of (channels, *sizes), window after window."""
    axes = x.ndim - 1
    sides = [(0, 0)] + [((size - 1) // 2, size - 1 - (size - 1) // 2)] * axes
    wide = np.pad(x, sides, mode="reflect")
    kernel = np.ones(())
    for _ in range(axes):
        kernel = np.multiply.outer(kernel, np.array(ROWS[size]) / 2 ** (size - 1))
    outputs = [-(-n // stride) for n in x.shape[1:]]
    whole: Any = slice(None)
    found = np.empty((len(x), *outputs))
    for place in product(*map(range, outputs)):
        window = tuple(slice(p * stride, p * stride + size) for p in place)
        products = wide[(whole, *window)] * kernel
        found[(whole, *place)] = products.reshape(len(x), -1).sum(1)
    return found


@pytest.mark.parametrize("shape", [(2, 9), (3, 6, 7), (2, 4, 5, 6)])
@pytest.mark.parametrize(
    ("size", "stride"), [(1, 2), (2, 1), (2, 2), (3, 1), (3, 2), (4, 3), (5, 2)]
)
def test_the_twin_blurs_as_by_hand(shape: tuple[int, ...], size: int, stride: int) -> None:
    item = {"blur_pool": {"kernel_size": size, "stride": stride}}
    twin: Any = cnncalc.build(spec_of(item, shape)).eval()
    x = np.random.default_rng(0).normal(size=shape)
    found = twin.double()(torch.from_numpy(x)[None])[0].numpy()
    np.testing.assert_allclose(found, blurred(x, size, stride), atol=1e-12)


def test_a_row_of_four() -> None:
    # Reflected: 2 | 1 2 3 4 | 3. (2 + 2·1 + 2)/4 and (2 + 2·3 + 4)/4.
    twin: Any = cnncalc.build(spec_of("blur_pool", (1, 4))).eval()
    assert twin(torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])).tolist() == [[[1.5, 3.0]]]


def test_the_kernel_is_a_buffer_for_each_channel() -> None:
    """As the paper's code keeps it, so that its checkpoints fit: filt, (channels, 1, 3, 3)."""
    state = cnncalc.build(spec_of("blur_pool", (5, 8, 8))).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == {
        "blur1.filt": (5, 1, 3, 3)
    }
    assert (16 * state["blur1.filt"][4, 0]).tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (5, "kernel 5 reflects 2 positions and needs more input than 2"),
        (65, "kernel 65 is larger than 64"),
    ],
)
def test_what_cannot_be_reflected_is_refused(size: int, message: str) -> None:
    with pytest.raises(CnncalcError, match=message):
        cnncalc.analyze(spec_of({"blur_pool": size}, (1, 2, 8)))
    if size == 5:
        with pytest.raises(RuntimeError, match="Padding size should be less than"):
            torch.nn.functional.pad(torch.empty(1, 1, 2, 8), (2, 2, 2, 2), mode="reflect")
