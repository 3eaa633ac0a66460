"""What torch refuses to compute is refused by the rules, with the numbers; what it takes is not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import pytest
import torch
from torch import nn

import cnncalc
from cnncalc.errors import SpecError
from tests.strategies import spec_of

AXES = {1: (5,), 2: (4, 3), 3: (2, 3, 2)}


def refused(module: Callable[[], nn.Module], *shape: int) -> bool:
    """Whether torch refuses to make a module or to run it, or gives no position at all."""
    try:
        x = torch.rand(2, *shape, requires_grad=True)
        output = module()(x)
        output.sum().backward()
    except (RuntimeError, ValueError):
        return True
    return not output.numel()


def said(item: Any, *shape: int) -> str:
    """What our rules say of a layer; nothing where it fits."""
    try:
        cnncalc.analyze(spec_of(item, shape))
    except SpecError as error:
        return error.problems[0].split(": ", 2)[2]
    return ""


@pytest.mark.parametrize("axes", AXES)
def test_transposed_convolutions(axes: int) -> None:
    kind = getattr(nn, f"ConvTranspose{axes}d")
    taken = 0
    for kernel, stride, padding, added, dilation in product(
        (1, 3), (1, 2), (0, 1, 3), range(4), (1, 3)
    ):
        fields = {"kernel_size": kernel, "stride": stride, "padding": padding}
        fields |= {"output_padding": added, "dilation": dilation}

        def module(fields: dict[str, int] = fields) -> nn.Module:
            made: nn.Module = kind(2, 2, **fields)
            return made

        item = {"conv_transpose": {"out_channels": 2, **fields}}
        words = said(item, 2, *AXES[axes])
        assert bool(words) == refused(module, 2, *AXES[axes]), (fields, words)
        taken += not words
    assert taken > 20


@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize(("word", "name"), [("avg_pool", "AvgPool"), ("max_pool", "MaxPool")])
def test_poolings(word: str, name: str, axes: int) -> None:
    kind = getattr(nn, f"{name}{axes}d")
    taken = 0
    for kernel, stride, padding, ceil in product(range(1, 7), (1, 2), range(4), (False, True)):
        fields = {"kernel_size": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil}
        words = said({word: fields}, 2, *AXES[axes])
        wanted = refused(partial(kind, **fields), 2, *AXES[axes])
        assert bool(words) == wanted, (fields, words)
        taken += not words
    assert taken > 10


def test_each_says_which_rule_it_is() -> None:
    fields = {"out_channels": 2, "kernel_size": 3, "output_padding": 1}
    assert said({"conv_transpose": fields}, 2, 5).startswith(
        "output_padding 1 must be smaller than the stride 1 or the dilation 1, as in torch; for "
        "more, put a pad behind it"
    )
    assert said({"avg_pool": {"kernel_size": 3, "padding": 1}}, 1, 2, 4, 4).startswith(
        "kernel 3 is larger than the input's 2, padding left out, which torch's AvgPool3d "
        "refuses; put a pad before it"
    )
    # Both remedies run in torch.
    behind = [{"conv_transpose": {**fields, "output_padding": 0}}, {"pad": [[0, 1]]}]
    before = [{"pad": 1}, {"avg_pool": 3}]
    for shape, layers in (((2, 5), behind), ((1, 2, 4, 4), before)):
        twin = cnncalc.build({**spec_of("relu", shape), "layers": layers})
        twin(torch.rand(1, *shape))
