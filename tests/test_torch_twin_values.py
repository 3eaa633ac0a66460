"""What the twins of layers compute: against torch's functions, and figures written out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

import cnncalc
from cnncalc.infer import infer
from cnncalc.layers.conv import Conv
from tests.strategies import input_of, spec_of

SMALL = ["lenet5", "lenet5-1998", "keras-mnist", "simple-convnet", "cs231n-demo", "convnet-39x31"]


@pytest.mark.parametrize("name", SMALL)
def test_a_forward_and_a_backward_pass(name: str) -> None:
    torch.manual_seed(0)
    graph = cnncalc.load(name)
    twin: Any = cnncalc.build(graph)
    output = twin(torch.rand(2, *graph.inputs["input"]))
    assert output.shape == (2, *infer(graph)[-1].output)
    assert output.isfinite().all()
    output.square().sum().backward()
    for parameter in twin.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
    assert any(parameter.grad.any() for parameter in twin.parameters())


def one(item: Any, *shape: int) -> Any:
    return cnncalc.build(spec_of(item, shape)).eval()


INFINITY = float("inf")
X2 = torch.arange(2 * 3 * 5 * 6, dtype=torch.float32).sin().view(2, 3, 5, 6)

SAME_VALUES: list[tuple[dict[str, Any], Callable[[Tensor], Tensor]]] = [
    # `same` is 0 before and 1 after where the kernel is even and the stride 1.
    (
        {"max_pool": {"kernel_size": 2, "stride": 1, "padding": "same"}},
        lambda x: functional.max_pool2d(functional.pad(x, (0, 1, 0, 1), value=-INFINITY), 2, 1),
    ),
    (
        {"min_pool": {"kernel_size": 2, "stride": 1, "padding": "same"}},
        lambda x: -functional.max_pool2d(functional.pad(-x, (0, 1, 0, 1), value=-INFINITY), 2, 1),
    ),
    (
        {"avg_pool": {"kernel_size": 2, "stride": 1, "padding": "same"}},
        lambda x: functional.avg_pool2d(functional.pad(x, (0, 1, 0, 1)), 2, 1),
    ),
    # 25 of the 30 windows are whole; the others hold 2 values, the corner 1.
    (
        {
            "avg_pool": {
                "kernel_size": 2,
                "stride": 1,
                "padding": [[0, 1], [0, 1]],
                "count_include_pad": False,
            }
        },
        lambda x: (
            functional.avg_pool2d(functional.pad(x, (0, 1, 0, 1)), 2, 1)
            * torch.tensor([1.0, 1, 1, 1, 2])[:, None]
            * torch.tensor([1.0, 1, 1, 1, 1, 2])
        ),
    ),
    # The last windows of 5 rows and of 1 + 6 columns hang over: they are divided by 2, not by 4.
    (
        {"avg_pool": {"kernel_size": 2, "padding": [[0, 0], [1, 0]], "ceil_mode": True}},
        lambda x: functional.avg_pool2d(functional.pad(x, (1, 0)), 2, ceil_mode=True),
    ),
    (
        {"pad": {"padding": [[1, 2], [3, 0]], "mode": "reflect"}},
        lambda x: functional.pad(x, (3, 0, 1, 2), mode="reflect"),
    ),
    ({"crop": [[1, 2], [3, 0]]}, lambda x: x[:, :, 1:3, 3:]),
    ({"slice": {"start": 1}}, lambda x: x[:, 1:]),
    ({"permute": [2, 0, 1]}, lambda x: x.permute(0, 3, 1, 2)),
    ({"reshape": [5, -1]}, lambda x: x.reshape(2, 5, 18)),
    ({"global_avg_pool": {}}, lambda x: x.mean((2, 3))),
    ({"global_max_pool": {"keepdim": True}}, lambda x: x.amax((2, 3), keepdim=True)),
    ({"softmax": {}}, lambda x: x.exp() / x.exp().sum(1, keepdim=True)),
    ({"dropout": 0.5}, lambda x: x),
    ({"drop_path": 0.5}, lambda x: x),
    ({"layer_scale": 0.25}, lambda x: x / 4),
    ({"channel_shuffle": 3}, lambda x: x),
    (
        {"upsample": {"scale_factor": 2}},
        lambda x: x.repeat_interleave(2, 2).repeat_interleave(2, 3),
    ),
    (
        {"layer_norm": {"over": "channels"}},
        lambda x: (
            (x - x.mean(1, keepdim=True)) / (x.var(1, correction=0, keepdim=True) + 1e-5).sqrt()
        ),
    ),
    ({"add": [["relu"], [], ["tanh"]]}, lambda x: x.relu() + x + x.tanh()),
    (
        {"multiply": [[{"global_avg_pool": {"keepdim": True}}], []]},
        lambda x: x.mean((2, 3), keepdim=True) * x,
    ),
    ({"concat": [[], ["relu"]]}, lambda x: torch.cat((x, x.relu()), 1)),
]


@pytest.mark.parametrize(
    ("item", "expected"), SAME_VALUES, ids=[next(iter(c[0])) for c in SAME_VALUES]
)
def test_values(item: Any, expected: Callable[[Tensor], Tensor]) -> None:
    torch.testing.assert_close(one(item, 3, 5, 6)(X2), expected(X2))


def test_the_means_of_windows_of_the_course_example() -> None:
    """Pooling of the 4×4 map of an image-analysis lecture: figures printed there."""
    rows = [[13.0, 20, 30, 0], [8, 12, 3, 0], [34, 70, 33, 5], [111, 80, 10, 23]]
    x = torch.tensor(rows)[None, None]
    found = {
        word: one({word: 2}, 1, 4, 4)(x).flatten().tolist()
        for word in ("max_pool", "min_pool", "avg_pool")
    }
    assert found == {
        "max_pool": [20, 30, 111, 33],
        "min_pool": [8, 0, 34, 5],
        "avg_pool": [13.25, 8.25, 73.75, 17.75],
    }


def test_uneven_padding_of_a_convolution_is_that_of_tensorflow() -> None:
    """`same` with stride 2 on 6 positions pads one position, after: 0·3 + 1·5 and so on."""
    twin = one(
        {"conv": {"out_channels": 1, "kernel_size": 3, "stride": 2, "padding": "same"}}, 1, 6
    )
    with torch.no_grad():
        twin.conv1.weight[:] = torch.tensor([1.0, 10, 100])
        twin.conv1.bias[:] = 0
    x = torch.tensor([[[1.0, 2, 3, 4, 5, 6]]])
    assert twin(x).tolist() == [[[321.0, 543.0, 65.0]]]


def test_a_transposed_convolution_that_torch_cannot_pad() -> None:
    """Stamps 1, 10 at 0 and 2, of 1 and 2: 1 10 2 20; one cut before, one added behind."""
    fields = {"out_channels": 1, "kernel_size": 2, "stride": 2, "padding": [[1, 0]]}
    twin = one({"conv_transpose": {**fields, "output_padding": 1}}, 1, 2)
    with torch.no_grad():
        twin.upconv1.weight[:] = torch.tensor([1.0, 10])
        twin.upconv1.bias[:] = 0.5
    assert twin(torch.tensor([[[1.0, 2]]])).tolist() == [[[10.5, 2.5, 20.5, 0.5]]]


def test_cubic_along_one_and_three_axes() -> None:
    """A product of three curves is enlarged as each of them is."""
    x, y, z = (torch.rand(n) for n in (4, 3, 5))

    def enlarged(curve: Tensor) -> Tensor:
        plane = curve[None, None, :, None].expand(1, 1, -1, 3)
        size = (2 * len(curve), 3)
        return functional.interpolate(plane, size, mode="bicubic")[0, 0, :, 0]

    item = {"upsample": {"scale_factor": 2, "mode": "cubic"}}
    torch.testing.assert_close(one(item, 1, 4)(x[None, None])[0, 0], enlarged(x))
    product = torch.einsum("x,y,z->xyz", x, y, z)[None, None]
    wanted = torch.einsum("x,y,z->xyz", enlarged(x), enlarged(y), enlarged(z))
    torch.testing.assert_close(one(item, 1, 4, 3, 5)(product)[0, 0], wanted)


def test_a_locally_connected_layer_with_the_same_weights_everywhere_is_a_convolution() -> None:
    fields = {"out_channels": 4, "kernel_size": [3, 2], "stride": [2, 1], "dilation": [1, 2]}
    shared = one({"conv": fields}, 3, 5, 6)
    local = one({"locally_connected": fields}, 3, 5, 6)
    with torch.no_grad():
        local.local1.weight[:] = shared.conv1.weight[:, None, None]
        local.local1.bias[:] = shared.conv1.bias[:, None, None]
    torch.testing.assert_close(local(X2), shared(X2))


def test_tokens() -> None:
    """A class token stands first, every position has an embedding, `select` takes a token."""
    x = torch.rand(2, 4, 3)
    token, position = one({"class_token": {}}, 4, 3), one({"position_embedding": {}}, 4, 3)
    with torch.no_grad():
        token.token1.weight[:] = torch.tensor([1.0, 2, 3, 4])
    first = torch.tensor([1.0, 2, 3, 4]).expand(2, 4)
    torch.testing.assert_close(token(x), torch.cat((first[:, :, None], x), 2))
    torch.testing.assert_close(position(x), x + position.position1.weight[0].T)
    torch.testing.assert_close(one({"select": 1}, 4, 3)(x), x[:, :, 1])


@pytest.mark.parametrize("training", [False, True])
def test_attention_is_the_formula_of_the_paper(training: bool) -> None:
    """softmax(QKᵀ/√2)V in each of two heads of two channels, then the projection."""
    twin = one({"multi_head_attention": 2}, 4, 3).train(training)
    module, x = twin.attention1, torch.rand(1, 4, 3)
    q, k, v = (module.in_proj_weight @ x[0] + module.in_proj_bias[:, None]).view(3, 2, 2, 3)
    weights = (torch.einsum("hcq,hck->hqk", q, k) / 2**0.5).softmax(-1)
    heads = torch.einsum("hqk,hck->hcq", weights, v).reshape(4, 3)
    wanted = module.out_proj.weight @ heads + module.out_proj.bias[:, None]
    torch.testing.assert_close(twin(x)[0], wanted)
    with torch.no_grad():
        # Without gradients torch takes another way in eval mode.
        torch.testing.assert_close(twin(x)[0], wanted)


def unpooled(x: Tensor, pooling: dict[str, Any]) -> Tensor:
    """What comes back through our network."""
    layers = [{"max_pool": pooling, "name": "p"}, "sigmoid", UNDO]
    spec = {"name": "undone", "input": input_of(tuple(x.shape[1:])), "layers": layers}
    found: Tensor = cnncalc.build(spec).eval()(x)
    return found


UNDO = {"max_unpool": None, "indices_of": "p"}


def test_unpooling_puts_values_back_where_they_were_found() -> None:
    # Of 5 positions two windows of 2 read four.
    found = unpooled(torch.tensor([[[7.0, 8, 3, -1, 9]]]), {"kernel_size": 2})
    torch.testing.assert_close(found, torch.tensor([[[0, 8, 3, 0, 0.0]]]).sigmoid() * (found != 0))
    assert (found != 0).tolist() == [[[False, True, True, False, False]]]


@pytest.mark.parametrize("sizes", [(45,), (45, 60), (44, 61), (7, 6, 5)])
@pytest.mark.parametrize(
    "fields", [{}, {"ceil_mode": True}, {"padding": 1}, {"stride": 3, "padding": 1}]
)
@pytest.mark.parametrize("kernel", [2, 3])
def test_unpooling_is_torchs(sizes: tuple[int, ...], fields: dict[str, Any], kernel: int) -> None:
    axes, x = len(sizes), torch.randn(2, 3, *sizes)
    pool = getattr(torch.nn, f"MaxPool{axes}d")(kernel, **fields, return_indices=True)
    unpool = getattr(torch.nn, f"MaxUnpool{axes}d")(
        kernel, fields.get("stride"), fields.get("padding", 0)
    )
    values, indices = pool(x)
    wanted = unpool(values.sigmoid(), indices, output_size=sizes)
    torch.testing.assert_close(unpooled(x, {"kernel_size": kernel, **fields}), wanted)


@pytest.mark.parametrize(
    "fields",
    [{"padding": "same"}, {"padding": [[0, 1]]}, {"dilation": 2, "stride": 1}, {"dilation": 3}],
)
def test_unpooling_behind_windows_that_torch_does_not_undo(fields: dict[str, Any]) -> None:
    """Position by position: a value stands where the largest of its window was."""
    x = torch.randperm(11).float().view(1, 1, 11) / 10
    values = x[0, 0].tolist()
    dilation, stride = fields.get("dilation", 1), fields.get("stride", 2)
    before, after = {"same": (0, 1)}.get(str(fields.get("padding")), (0, 0))
    after = 1 if "padding" in fields else after
    outputs = (11 + before + after - dilation - 1) // stride + 1
    wanted = [0.0] * 11
    for output in range(outputs):
        taps = [output * stride - before + dilation * tap for tap in range(2)]
        place = max((tap for tap in taps if 0 <= tap < 11), key=values.__getitem__)
        wanted[place] = 1 / (1 + math.exp(-values[place]))
    found = unpooled(x, {"kernel_size": 2, **fields})[0, 0]
    torch.testing.assert_close(found, torch.tensor(wanted))


# LeNet-5 of 1998


def test_c3_reads_the_maps_of_the_table_and_no_others() -> None:
    torch.manual_seed(0)
    graph = cnncalc.load("lenet5-1998")
    layer = next(node.layer for node in graph.nodes if node.name == "C3")
    assert isinstance(layer, Conv)
    table = layer.connections_table
    assert table is not None
    twin: Any = cnncalc.build(graph)
    x = torch.rand(1, 6, 14, 14, requires_grad=True)
    output = twin.get_submodule("C3")(x)
    # A dense convolution with zeros where the table names no map gives the same.
    dense = torch.zeros(16, 6, 5, 5)
    pairs = [(o, i) for o, maps in enumerate(table) for i in maps]
    assert len(pairs) == 60
    for (o, i), kernel in zip(pairs, twin.C3.weight, strict=True):
        dense[o, i] = kernel
    torch.testing.assert_close(output, functional.conv2d(x, dense, twin.C3.bias))
    for o, maps in enumerate(table):
        (gradient,) = torch.autograd.grad(output[0, o].sum(), x, retain_graph=True)
        assert gradient[0].flatten(1).any(1).nonzero().flatten().tolist() == sorted(maps)


def test_c3_multiplies_150_000_times() -> None:
    """60 pairs × 25 taps × 10 × 10 positions; a dense convolution would take 240,000."""
    with torch.device("meta"):
        c3 = cnncalc.build("lenet5-1998").get_submodule("C3")
        with FlopCounterMode(display=False) as counter:
            c3(torch.empty(1, 6, 14, 14))
    assert counter.get_total_flops() == 2 * 150_000


def test_subsampling_is_a_sum_times_a_coefficient_plus_a_bias() -> None:
    twin = one({"subsample": 2}, 2, 2, 4)
    with torch.no_grad():
        twin.subsample1.weight[:] = torch.tensor([2.0, 3])
        twin.subsample1.bias[:] = torch.tensor([0.5, -1])
    x = torch.tensor([[[1.0, 2, 3, 4], [5, 6, 7, 8]], [[0, 0, 1, 1], [0, 0, 1, 1]]])[None]
    # 1 + 2 + 5 + 6 = 14 and 22, twice and a half; 0 and 4, three times less one.
    assert twin(x).tolist() == [[[[28.5, 44.5]], [[-1.0, 11.0]]]]


def test_rbf_is_a_squared_distance_to_prototypes_that_are_not_trained() -> None:
    twin = one({"rbf": 2}, 3)
    assert not list(twin.parameters())
    assert set(twin.rbf1.prototypes.flatten().tolist()) <= {-1.0, 1.0}
    twin.rbf1.prototypes[:] = torch.tensor([[1.0, -1, 1], [-1, -1, -1]])
    # (0, 0, 2)² = 4 and (2, 0, 4)² = 4 + 16.
    assert twin(torch.tensor([[1.0, -1, 3]])).tolist() == [[4.0, 20.0]]
