"""One layer of each kind against torch.nn.functional called by hand: values, and so the sides.

Nothing of a layer's twin is used but its numbers: sizes are odd, strides do not fit, and both sides
differ, so that a window on the wrong side gives another value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as f

import cnncalc
from cnncalc.layers import MODULES
from tests.strategies import spec_of

X = torch.randn(2, 4, 7, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
V, T = X[:, :, 0, 0], X[:, :, 0]
INFINITY = float("inf")
Weights = dict[str, Tensor]


def same(x: Tensor, kernel: int, stride: int, value: float = 0.0) -> Tensor:
    """TensorFlow's `SAME`: as many outputs as strides begin in the input, the odd row behind."""
    amounts: list[int] = []
    for n in reversed(x.shape[2:]):
        total = max((-(-n // stride) - 1) * stride + kernel - n, 0)
        amounts += [total // 2, total - total // 2]
    return f.pad(x, amounts, value=value)


def binomial(x: Tensor, weights: Weights) -> Tensor:
    kernel = torch.tensor([1.0, 3, 3, 1], dtype=x.dtype) / 8
    square = (kernel[:, None] * kernel)[None, None].repeat(4, 1, 1, 1)
    return f.conv2d(f.pad(x, (1, 2, 1, 2), mode="reflect"), square, stride=2, groups=4)


def attention(x: Tensor, w: Weights) -> Tensor:
    q, k, v = f.linear(x.mT, w["in_proj_weight"], w["in_proj_bias"]).chunk(3, -1)
    q, k, v = (t.reshape(*t.shape[:2], 2, 2).transpose(1, 2) for t in (q, k, v))
    heads = f.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
    return f.linear(heads, w["out_proj.weight"], w["out_proj.bias"]).mT


def connected(x: Tensor, w: Weights) -> Tensor:
    maps = [x[:, [0, 2]], x[:, [3]]]
    kernels = [w["weight"][:2][None], w["weight"][2:][None]]
    each = [f.conv2d(a, b, stride=2) for a, b in zip(maps, kernels, strict=True)]
    return torch.cat(each, 1) + w["bias"].view(-1, 1, 1)


def local(x: Tensor, w: Weights) -> Tensor:
    columns = f.unfold(same(x, 2, 2), 2, stride=2)
    kernels = w["weight"].flatten(1, 2).flatten(2)
    return torch.einsum("bkp,opk->bop", columns, kernels).view(2, 3, 4, 3) + w["bias"]


def pooled(x: Tensor, kernel: int, stride: int) -> Tensor:
    return f.max_pool2d(same(x, kernel, stride, -INFINITY), kernel, stride)


def mean_without_padding(x: Tensor, kernel: int, stride: int) -> Tensor:
    sums = f.avg_pool2d(same(x, kernel, stride), kernel, stride)
    return sums / f.avg_pool2d(same(torch.ones_like(x), kernel, stride), kernel, stride)


def unpooled(x: Tensor, w: Weights) -> Tensor:
    values, places = f.max_pool2d(x, 2, return_indices=True)
    return torch.cat((f.max_unpool2d(values.tanh(), places, (2, 2), output_size=(7, 5)), x), 1)


def nothing(x: Tensor, w: Weights) -> Tensor:
    return x


WINDOW = {"kernel_size": 4, "stride": 2, "padding": "same"}
SIDES = [[0, 2], [2, 1]]
CASES: list[tuple[Any, Tensor, Callable[[Tensor, Weights], Tensor]]] = [
    (
        {"conv": {"out_channels": 6, "groups": 2, **WINDOW}},
        X,
        lambda x, w: f.conv2d(same(x, 4, 2), w["weight"], w["bias"], 2, groups=2),
    ),
    (
        {"conv": {"out_channels": 2, "kernel_size": 3, "padding": SIDES, "dilation": 2}},
        X,
        lambda x, w: f.conv2d(f.pad(x, (2, 1, 0, 2)), w["weight"], w["bias"], dilation=2),
    ),
    (
        {"conv": {"out_channels": 2, "kernel_size": 3, "stride": 2, "connections": [[0, 2], [3]]}},
        X,
        connected,
    ),
    (
        {"depthwise_conv": {"channel_multiplier": 2, **WINDOW}},
        X,
        lambda x, w: f.conv2d(same(x, 4, 2), w["weight"], w["bias"], 2, groups=4),
    ),
    (
        {"separable_conv": {"out_channels": 3, **WINDOW}},
        X,
        lambda x, w: f.conv2d(
            f.conv2d(same(x, 4, 2), w["depthwise.weight"], None, 2, groups=4),
            w["pointwise.weight"],
            w["pointwise.bias"],
        ),
    ),
    ({"locally_connected": {"out_channels": 3, **WINDOW, "kernel_size": 2}}, X, local),
    (
        {"conv_transpose": {"out_channels": 3, **WINDOW, "padding": SIDES, "output_padding": 1}},
        X,
        lambda x, w: f.pad(
            f.conv_transpose2d(x, w["weight"], w["bias"], 2, output_padding=1), (-2, -1, 0, -2)
        ),
    ),
    ({"max_pool": WINDOW}, X, lambda x, w: pooled(x, 4, 2)),
    ({"min_pool": WINDOW}, X, lambda x, w: -pooled(-x, 4, 2)),
    ({"avg_pool": WINDOW}, X, lambda x, w: f.avg_pool2d(same(x, 4, 2), 4, 2)),
    (
        {"avg_pool": {**WINDOW, "count_include_pad": False}},
        X,
        lambda x, w: mean_without_padding(x, 4, 2),
    ),
    (
        {"max_pool": {"kernel_size": 2, "stride": 3, "ceil_mode": True}},
        X,
        lambda x, w: f.max_pool2d(x, 2, 3, ceil_mode=True),
    ),
    (
        {"subsample": WINDOW},
        X,
        lambda x, w: (
            16 * f.avg_pool2d(same(x, 4, 2), 4, 2) * w["weight"].view(-1, 1, 1)
            + w["bias"].view(-1, 1, 1)
        ),
    ),
    ({"blur_pool": {"kernel_size": 4, "stride": 2}}, X, binomial),
    (
        {
            "concat": [
                [{"max_pool": 2, "name": "p"}, "tanh", {"max_unpool": None, "indices_of": "p"}],
                [],
            ]
        },
        X,
        unpooled,
    ),
    ({"adaptive_avg_pool": [3, 4]}, X, lambda x, w: f.adaptive_avg_pool2d(x, (3, 4))),
    ({"adaptive_max_pool": [3, 4]}, X, lambda x, w: f.adaptive_max_pool2d(x, (3, 4))),
    ({"global_avg_pool": {}}, X, lambda x, w: f.avg_pool2d(x, (7, 5)).flatten(1)),
    ({"global_max_pool": {}}, X, lambda x, w: f.max_pool2d(x, (7, 5)).flatten(1)),
    ({"linear": 3}, V, lambda x, w: f.linear(x, w["weight"], w["bias"])),
    (
        {"linear": {"out_features": 3, "position_wise": True}},
        X,
        lambda x, w: f.conv2d(x, w["weight"][:, :, None, None], w["bias"]),
    ),
    ({"rbf": 3}, V, lambda x, w: torch.cdist(x, w["prototypes"]) ** 2),
    ({"multi_head_attention": 2}, T, attention),
    ({"class_token": {}}, T, lambda x, w: torch.cat((w["weight"].mT.repeat(2, 1, 1), x), 2)),
    ({"position_embedding": {}}, T, lambda x, w: x + w["weight"].mT),
    ({"select": 2}, T, lambda x, w: x[:, :, 2]),
    (
        {"batch_norm": {"eps": 0.1}},
        X,
        lambda x, w: f.batch_norm(
            x, w["running_mean"], w["running_var"], w["weight"], w["bias"], eps=0.1
        ),
    ),
    (
        {"layer_norm": {"eps": 0.1}},
        X,
        lambda x, w: f.layer_norm(x.permute(0, 2, 3, 1), (4,), w["weight"], w["bias"], 0.1).permute(
            0, 3, 1, 2
        ),
    ),
    (
        {"layer_norm": {"over": "all"}},
        X,
        lambda x, w: f.layer_norm(x, (4, 7, 5), w["weight"], w["bias"]),
    ),
    (
        {"group_norm": 2},
        X,
        lambda x, w: f.group_norm(x, 2, w["weight"], w["bias"]),
    ),
    (
        {"instance_norm": {"affine": True}},
        X,
        lambda x, w: f.instance_norm(x, weight=w["weight"], bias=w["bias"]),
    ),
    (
        {"rms_norm": {"eps": 0.1}},
        T,
        lambda x, w: f.rms_norm(x.mT, (4,), w["weight"], 0.1).mT,
    ),
    (
        {"local_response_norm": {"size": 3, "alpha": 0.5, "beta": 0.6, "k": 2}},
        X,
        lambda x, w: f.local_response_norm(x, 3, 0.5, 0.6, 2.0),
    ),
    ({"layer_scale": 1.0}, X, lambda x, w: x * w["weight"]),
    ({"relu": {}}, X, lambda x, w: f.relu(x)),
    ({"relu6": {}}, 9 * X, lambda x, w: f.hardtanh(x, 0, 6)),
    ({"leaky_relu": 0.3}, X, lambda x, w: f.leaky_relu(x, 0.3)),
    ({"prelu": 4}, X, lambda x, w: f.prelu(x, w["weight"])),
    ({"sigmoid": {}}, X, lambda x, w: f.sigmoid(x)),
    ({"tanh": {}}, X, lambda x, w: f.tanh(x)),
    ({"softmax": {}}, X, lambda x, w: f.softmax(x, 1)),
    ({"log_softmax": {}}, X, lambda x, w: f.log_softmax(x, 1)),
    ({"elu": {"alpha": 0.5}}, X, lambda x, w: f.elu(x, 0.5)),
    ({"gelu": {}}, X, lambda x, w: f.gelu(x)),
    ({"gelu": {"approximate": "tanh"}}, X, lambda x, w: f.gelu(x, approximate="tanh")),
    ({"silu": {}}, X, lambda x, w: f.silu(x)),
    ({"hard_swish": {}}, 4 * X, lambda x, w: f.hardswish(x)),
    ({"hard_sigmoid": {}}, 4 * X, lambda x, w: f.hardsigmoid(x)),
    ({"softplus": {"beta": 2.0}}, X, lambda x, w: f.softplus(x, 2.0)),
    ({"mish": {}}, X, lambda x, w: f.mish(x)),
    ({"dropout": 0.5}, X, nothing),
    ({"drop_path": 0.5}, X, nothing),
    ({"flatten": {}}, X, lambda x, w: x.reshape(2, -1)),
    ({"reshape": [4, 5, 7]}, X, lambda x, w: x.reshape(2, 4, 5, 7)),
    ({"permute": [2, 0, 1]}, X, lambda x, w: x.permute(0, 3, 1, 2)),
    ({"slice": {"start": 1, "stop": 3}}, X, lambda x, w: x[:, 1:3]),
    ({"channel_shuffle": 2}, X, lambda x, w: f.channel_shuffle(x, 2)),
    ({"pad": {"padding": SIDES}}, X, lambda x, w: f.pad(x, (2, 1, 0, 2))),
    (
        {"pad": {"padding": SIDES, "mode": "circular"}},
        X,
        lambda x, w: f.pad(x, (2, 1, 0, 2), mode="circular"),
    ),
    ({"crop": SIDES}, X, lambda x, w: f.pad(x, (-2, -1, 0, -2))),
    (
        {"upsample": {"size": [9, 12], "mode": "linear"}},
        X,
        lambda x, w: f.interpolate(x, (9, 12), mode="bilinear"),
    ),
    (
        {"upsample": {"size": [9, 12]}},
        X,
        lambda x, w: f.interpolate(x, (9, 12)),
    ),
    ({"pixel_shuffle": 2}, X, lambda x, w: f.pixel_shuffle(x, 2)),
    ({"pixel_unshuffle": 2}, X[:, :, :6, :4], lambda x, w: f.pixel_unshuffle(x, 2)),
    (
        {"window_partition": [3, 2]},
        X[:, :, :6, :4],
        lambda x, w: f.unfold(x, (3, 2), stride=(3, 2)).reshape(2, 4, 6, 4).mT,
    ),
    (
        {"window_reverse": {"size": [3, 2], "output_size": [6, 4]}},
        X[:, :, :4, :3].repeat(1, 1, 1, 2),
        lambda x, w: f.fold(x.mT.reshape(2, 24, 4), (6, 4), (3, 2), stride=(3, 2)),
    ),
    (
        {"scale": {"factor": 2.0, "offset": 0.5}},
        X,
        lambda x, w: f.linear(x[..., None], x.new_tensor([[2.0]]), x.new_tensor([0.5]))[..., 0],
    ),
    ({"function": "abs"}, X, lambda x, w: f.relu(x) + f.relu(-x)),
    ({"add": [["tanh"], []]}, X, lambda x, w: f.tanh(x) + x),
    ({"multiply": [["tanh"], []]}, X, lambda x, w: f.tanh(x) * x),
    ({"concat": [["tanh"], []]}, X, lambda x, w: torch.cat((f.tanh(x), x), 1)),
]


ELSEWHERE = {
    "max_unpool": "in a branch above, behind its pooling",
    **dict.fromkeys(("rnn", "lstm", "gru"), "by hand, step by step: test_torch_recurrent.py"),
    "attention": "three inputs: test_torch_attention.py",
    "matmul": "two inputs: test_torch_matmul.py",
    "embedding": "whole numbers: test_torch_ids.py",
}


def test_every_kind_is_here() -> None:
    words = {next(iter(item)) for item, *_ in CASES}
    assert words.isdisjoint(ELSEWHERE)
    assert words | set(ELSEWHERE) == set(MODULES)


@pytest.mark.parametrize(
    ("item", "x", "by_hand"), CASES, ids=[f"{i}-{next(iter(c[0]))}" for i, c in enumerate(CASES)]
)
def test_values(item: Any, x: Tensor, by_hand: Callable[[Tensor, Weights], Tensor]) -> None:
    twin: Any = cnncalc.build(spec_of(item, tuple(x.shape[1:]))).to(torch.float64).eval()
    torch.manual_seed(1)
    with torch.no_grad():
        for tensor in [*twin.parameters(), *twin.buffers()]:
            if tensor.is_floating_point() and "blur_pool" not in item:
                tensor.uniform_(0.5, 2)
        state = {name.partition(".")[2]: tensor for name, tensor in twin.state_dict().items()}
        torch.testing.assert_close(twin(x), by_hand(x, state))
