"""Inputs of whole numbers in torch: values, gradients and what another tool counts."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torchinfo import summary

import cnncalc
from tests.test_ids import TEXT


def test_the_twin_is_the_network_of_the_paper() -> None:
    torch.manual_seed(0)
    twin: Any = cnncalc.build(TEXT).eval()
    ids = torch.randint(20_000, (2, 50))
    rows = twin.embedding1.weight[ids]
    assert rows.shape == (2, 50, 300)
    # Each filter is a row of 3 · 300 weights, and meets three words at a time.
    words = rows.unfold(1, 3, 1).permute(0, 1, 2, 3).flatten(2)
    maps = (words @ twin.conv1.weight.flatten(1).T + twin.conv1.bias).relu()
    expected = nn.functional.linear(maps.amax(1), twin.fc1.weight, twin.fc1.bias)
    torch.testing.assert_close(twin(ids), expected)


def test_no_token_has_no_gradient() -> None:
    item = {"embedding": {"num_embeddings": 5, "embedding_dim": 2, "padding_idx": 3}}
    twin: Any = cnncalc.build({"input": {"length": 3}, "layers": [item]})
    twin(torch.tensor([[3, 1, 1]])).sum().backward()
    assert not twin.embedding1.weight[3].any()
    assert twin.embedding1.weight.grad.tolist() == [[0, 0], [2, 2], [0, 0], [0, 0], [0, 0]]


def test_verify_reads_ids() -> None:
    found = cnncalc.verify(TEXT)
    assert not found.differences
    # Two rows of 50 ids of eight bytes.
    assert found.step is not None
    assert found.step.saved[0] == 2 * 50 * 8


def test_torchinfo_counts_the_table() -> None:
    x = torch.zeros(1, 50, dtype=torch.long)
    found = summary(cnncalc.build(TEXT), input_data=x, verbose=0, mode="eval", device="cpu")
    counted = cnncalc.analyze(TEXT, count_as="torchinfo")
    assert found.total_mult_adds == counted.total("count")
