"""Attention as PyTorch has it: names and shapes of the weights, and what its counter counts."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from cnncalc.infer import infer
from cnncalc.spec.load import load
from tests.strategies import spec_of

CASES = [
    (1, 1, 1, True),
    (6, 2, 1, False),
    (12, 3, 7, True),
    (8, 8, 10, False),
    (768, 12, 197, True),
]


@pytest.mark.parametrize(("channels", "heads", "length", "bias"), CASES)
def test_multi_head_attention(channels: int, heads: int, length: int, bias: bool) -> None:
    """On the meta device every product is seen; fused kernels of the CPU are not counted."""
    item = {"multi_head_attention": {"num_heads": heads, "bias": bias}}
    (facts,) = infer(load(spec_of(item, (channels, length))))
    module = torch.nn.MultiheadAttention(
        channels, heads, bias=bias, batch_first=True, device="meta"
    ).eval()
    tokens = torch.empty(1, length, channels, device="meta")
    with FlopCounterMode(display=False) as counter:
        output, _ = module(tokens, tokens, tokens)
    assert facts.weights == {name: tuple(w.shape) for name, w in module.named_parameters()}
    assert facts.output == tuple(output.mT.shape[1:])
    assert 2 * facts.macs == counter.get_total_flops()
