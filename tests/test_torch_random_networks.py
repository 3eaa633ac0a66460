"""`cnncalc verify` on random networks: all of them are right, so it must find nothing."""

from __future__ import annotations

import json

import pytest
import torch

import cnncalc
from cnncalc.findings.verification import Verification
from cnncalc.layers import MODULES
from tests.random_networks import SEVERAL, network

PART = 100
"""Networks in the default run; 2,000 in the slow one."""


def disagreements(seeds: range) -> tuple[list[str], set[str]]:
    """Each network that torch is said to disagree about, and the layers that were met."""
    wrong, met = [], set()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for seed in seeds:
            spec = network(seed)
            found = cnncalc.verify(spec, device="cpu")
            assert isinstance(found, Verification)
            met |= set(found.report.column("type"))
            # Near to borders receptive fields are not looked at, nor what is too large.
            unseen = set(found.unseen()) - {"reads", "connections"}
            if found.differences or unseen:
                wrong.append(f"{seed}: {found.differences} {unseen} {json.dumps(spec)}")
    finally:
        torch.set_num_threads(threads)
    return wrong, met


def test_a_part() -> None:
    wrong, _ = disagreements(range(PART))
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 2000, 200))
def test_two_thousand(start: int) -> None:
    wrong, met = disagreements(range(start, start + 200))
    assert wrong == []
    # A separable convolution is two layers of a network; of the others one may be missing here.
    assert len(set(MODULES) - {"separable_conv", *SEVERAL} - met) <= 1
