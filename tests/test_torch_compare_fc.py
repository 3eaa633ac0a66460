"""The matrix of a convolution, column by column, as torch computes it."""

from __future__ import annotations

from math import prod
from typing import Any

import pytest
import torch

import cnncalc

CASES: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "plain": ((3, 6, 5), {"conv": {"out_channels": 4, "kernel_size": 3}}),
    "padding": ((2, 5, 5), {"conv": {"out_channels": 3, "kernel_size": 3, "padding": 1}}),
    "wide": ((2, 2, 2), {"conv": {"out_channels": 3, "kernel_size": 3, "padding": 2}}),
    "one side": (
        (2, 5, 4),
        {"conv": {"out_channels": 2, "kernel_size": 3, "padding": [[0, 2], [1, 0]]}},
    ),
    "same": ((2, 7, 7), {"conv": {"out_channels": 2, "kernel_size": 4, "padding": "same"}}),
    "stride": ((2, 9, 8), {"conv": {"out_channels": 2, "kernel_size": 3, "stride": 2}}),
    "dilation": (
        (2, 9, 9),
        {"conv": {"out_channels": 2, "kernel_size": 3, "dilation": 2, "padding": 2}},
    ),
    "groups": ((4, 5, 5), {"conv": {"out_channels": 6, "kernel_size": 3, "groups": 2}}),
    "depthwise": ((4, 5, 5), {"depthwise_conv": {"kernel_size": 3, "channel_multiplier": 2}}),
    "table": (
        (3, 5, 5),
        {"conv": {"out_channels": 2, "kernel_size": 3, "connections": [[0, 2], [1]]}},
    ),
    "1-D": ((2, 12), {"conv": {"out_channels": 3, "kernel_size": 5, "padding": 2}}),
    "3-D": ((1, 4, 4, 4), {"conv": {"out_channels": 2, "kernel_size": 3, "padding": 1}}),
    "transposed": (
        (3, 4, 4),
        {"conv_transpose": {"out_channels": 2, "kernel_size": 3, "stride": 2, "padding": 1}},
    ),
    "transposed groups": (
        (4, 3, 3),
        {"conv_transpose": {"out_channels": 2, "kernel_size": 2, "stride": 2, "groups": 2}},
    ),
    "local": ((2, 5, 5), {"locally_connected": {"out_channels": 2, "kernel_size": 3}}),
}
NAMES = {2: ("length",), 3: ("height", "width"), 4: ("depth", "height", "width")}


@pytest.mark.parametrize(("shape", "layer"), CASES.values(), ids=list(CASES))
def test_the_matrix_has_these_entries(shape: tuple[int, ...], layer: dict[str, Any]) -> None:
    ((word, fields),) = layer.items()
    size = dict(zip(NAMES[len(shape)], shape[1:], strict=True))
    spec = {
        "input": {**size, "channels": shape[0]},
        "layers": [{word: {**fields, "bias": False}}],
    }
    torch.manual_seed(0)
    twin = cnncalc.build(spec).double().eval()
    for weight in twin.parameters():
        torch.nn.init.uniform_(weight, 1, 2)
    inputs = prod(shape)
    with torch.no_grad():
        # A row for each input: what the layer makes of it alone.
        matrix = twin(torch.eye(inputs, dtype=torch.float64).view(inputs, *shape)).flatten(1)
    (compared,) = cnncalc.compare_fc(spec).layers
    assert matrix.numel() == compared.saving.dense.weights
    assert int(matrix.count_nonzero()) == compared.saving.connections
    weights = torch.unique(matrix[matrix != 0])
    assert len(weights) == compared.saving.conv.weights
