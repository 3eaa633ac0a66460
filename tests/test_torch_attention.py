"""Attention against torch: its values, what its counter counts, and its bias as torchvision's."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.swin_transformer import ShiftedWindowAttention

import cnncalc
from cnncalc.layers.base import Shape
from tests.strategies import input_of

Q, K, V = "q", "k", "v"


def wide(channels: int) -> Any:
    return {"conv": {"out_channels": channels, "kernel_size": 1}}


def attends(shapes: dict[str, Shape], **fields: Any) -> dict[str, Any]:
    """An attention of three inputs of these shapes (channels first)."""
    inputs = {name: input_of(shape) for name, shape in shapes.items()}
    return {"inputs": inputs, "layers": [{"attention": fields, "from": [Q, K, V]}]}


def heads_of(x: Tensor, heads: int) -> Tensor:
    """(batch, places, heads, positions, channels of one head), of (batch, channels, …)."""
    places = x.shape[2:-1].numel()
    return x.reshape(len(x), heads, -1, places, x.shape[-1]).permute(0, 3, 1, 4, 2)


CASES = [
    ({Q: (6, 5), K: (6, 5), V: (6, 5)}, {"num_heads": 2}),
    ({Q: (6, 5), K: (6, 7), V: (6, 7)}, {"num_heads": 3, "causal": True}),
    ({Q: (8, 5), K: (4, 3), V: (4, 3)}, {"num_heads": 4, "num_kv_heads": 2}),
    ({Q: (8, 5), K: (4, 3), V: (12, 3)}, {"num_heads": 4, "num_kv_heads": 2}),
    ({Q: (4, 3, 5), K: (4, 3, 6), V: (4, 3, 6)}, {"num_heads": 2}),
    ({Q: (4, 2, 3, 5), K: (4, 2, 3, 5), V: (10, 2, 3, 5)}, {"num_heads": 2}),
    ({Q: (1, 2, 1), K: (1, 2, 1), V: (1, 2, 1)}, {}),
]


@pytest.mark.parametrize(("shapes", "fields"), CASES)
def test_values_and_products_are_those_of_torch(
    shapes: dict[str, Shape], fields: dict[str, Any]
) -> None:
    """Repeated by hand: heads of queries that share one of keys and values."""
    spec = attends(shapes, **fields)
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, *shape) for shape in shapes.values())
    found = cnncalc.build(spec).eval()(q, k, v)
    heads = fields.get("num_heads", 1)
    shared = fields.get("num_kv_heads", heads)
    q = heads_of(q, heads)
    k, v = (heads_of(x, shared).repeat_interleave(heads // shared, 2) for x in (k, v))
    wanted = scaled_dot_product_attention(q, k, v, is_causal=fields.get("causal", False))
    # The heads and their channels before the places.
    wanted = wanted.permute(0, 2, 4, 1, 3).flatten(1, 2).reshape(found.shape)
    torch.testing.assert_close(found, wanted)
    # On the meta device nothing is fused, which would hide products from the counter.
    with FlopCounterMode(display=False) as counter:
        scaled_dot_product_attention(q.to("meta"), k.to("meta"), v.to("meta"))
    report = cnncalc.analyze(spec, batch=2)
    assert report.total("flops") == counter.get_total_flops()


def test_the_bias_is_that_of_torchvisions_window_attention() -> None:
    """One window of 2×3 positions in four heads, given the same weights and table."""
    theirs = ShiftedWindowAttention(8, [2, 3], [0, 0], 4).eval()
    torch.nn.init.normal_(theirs.relative_position_bias_table)
    project = {"linear": {"out_features": 8, "position_wise": True}}
    spec = {
        "input": input_of((8, 6)),
        "layers": [
            {
                "attention": {
                    "num_heads": 4,
                    "relative_position_bias": [2, 3],
                    "branches": [[{**project, "name": name}] for name in (Q, K, V)],
                },
                "name": "a",
            },
            {**project, "name": "proj"},
        ],
    }
    twin: Any = cnncalc.build(spec).eval()
    state = {"a." + n: t for n, t in theirs.named_parameters() if "table" in n}
    state["a.relative_position_index"] = theirs.relative_position_index
    for kind in ("weight", "bias"):
        parts = getattr(theirs.qkv, kind).chunk(3)
        state |= {f"{name}.{kind}": part for name, part in zip((Q, K, V), parts, strict=True)}
        state[f"proj.{kind}"] = getattr(theirs.proj, kind)
    torch.testing.assert_close(twin.a.relative_position_index, theirs.relative_position_index)
    twin.load_state_dict(state)
    x = torch.randn(2, 8, 6)
    # Theirs reads (batch, height, width, channels).
    wanted = theirs(x.mT.reshape(2, 2, 3, 8)).flatten(1, 2).mT
    torch.testing.assert_close(twin(x), wanted)


@pytest.mark.parametrize(("whole", "shift"), [((6, 6), 1), ((4, 9), [1, 2]), ((6, 3), [1, 0])])
def test_shifted_windows_are_those_of_torchvision(whole: tuple[int, int], shift: Any) -> None:
    """Cut, attended and put back: all of Swin's window attention, given the same weights."""
    size = [2, 3]
    theirs = ShiftedWindowAttention(8, size, shift if isinstance(shift, list) else [shift] * 2, 4)
    torch.nn.init.normal_(theirs.relative_position_bias_table)
    cut = {"size": size, "shift": shift}
    fields = {"relative_position_bias": size, "shift": shift, "output_size": list(whole)}
    parts = [[{"slice": {"start": 8 * i, "stop": 8 * i + 8}}] for i in range(3)]
    spec = {
        "input": input_of((8, *whole)),
        "layers": [
            {"window_partition": cut},
            {"linear": {"out_features": 24, "position_wise": True}, "name": "qkv"},
            {"attention": {"num_heads": 4, "branches": parts, **fields}, "name": "a"},
            {"linear": {"out_features": 8, "position_wise": True}, "name": "proj"},
            {"window_reverse": {**cut, "output_size": list(whole)}},
        ],
    }
    twin: Any = cnncalc.build(spec).eval()
    state = theirs.state_dict()
    twin.load_state_dict({f"a.{n}" if "position" in n else n: t for n, t in state.items()})
    x = torch.randn(2, 8, *whole)
    with torch.no_grad():
        wanted = theirs.eval()(x.movedim(1, -1)).movedim(-1, 1)
        torch.testing.assert_close(twin(x), wanted)
    assert cnncalc.verify(spec, batch=2).ok


def test_a_causal_bias_hides_what_is_behind() -> None:
    spec = attends({Q: (2, 4), K: (2, 4), V: (2, 4)}, relative_position_bias=[4], causal=True)
    twin: Any = cnncalc.build(spec).eval()
    q, k, v = torch.randn(3, 1, 2, 4)
    before = twin(q, k, v)
    v[..., 2:] += 1
    assert torch.equal(twin(q, k, v)[..., :2], before[..., :2])
    assert not torch.allclose(twin(q, k, v)[..., 2], before[..., 2])


TRAINED = [
    # Plain, and with keys that nothing trained precedes.
    ({"num_heads": 2}, [wide(8)], [wide(8)], [wide(8)]),
    ({"num_heads": 2}, [wide(8)], [], []),
    ({"num_heads": 2}, [], [], [wide(8)]),
    ({"num_heads": 4, "num_kv_heads": 2}, [], [wide(4)], [wide(4)]),
    ({"num_heads": 2}, [wide(8)], [wide(8)], [wide(12)]),
    ({"num_heads": 2}, [wide(8)], [], [wide(12)]),
    ({"num_heads": 2, "relative_position_bias": [2, 3]}, [], [], []),
    ({"num_heads": 1, "relative_position_bias": [6]}, [], [wide(8)], [wide(3)]),
    ({"num_heads": 4, "num_kv_heads": 1, "relative_position_bias": 6}, [], [wide(2)], [wide(2)]),
]


@pytest.mark.parametrize("shape", [(8, 6), (8, 3, 6)], ids=["one", "windows"])
@pytest.mark.parametrize(("fields", "q", "k", "v"), TRAINED)
def test_training_is_that_of_torch(
    shape: Shape, fields: dict[str, Any], q: Any, k: Any, v: Any
) -> None:
    """What autograd keeps, to the byte, and the products of the backward pass."""
    layers = [{"attention": {"branches": [q, k, v], **fields}}, "sigmoid"]
    spec = {"input": input_of(shape), "layers": layers}
    verified = cnncalc.verify(spec, batch=2)
    assert verified.step is not None
    assert verified.ok, verified.differences
    twin = cnncalc.build(spec).to("meta")
    output = twin(torch.empty(2, *shape, device="meta"))
    with FlopCounterMode(display=False) as counter:
        output.sum().backward()
    report = cnncalc.analyze(spec, batch=2)
    assert 2 * report.total("backward_macs") == counter.get_total_flops()


@pytest.mark.parametrize("values", [8, 12])
@pytest.mark.parametrize(
    ("shape", "shift"), [((8, 6), 0), ((8, 4, 6), 1)], ids=["one", "shifted windows"]
)
def test_a_frozen_bias_is_kept_where_torch_can_fuse_it(
    shape: Shape, shift: int, values: int
) -> None:
    fields: dict[str, Any] = {"num_heads": 2, "relative_position_bias": [2, 3], "shift": shift}
    item = {"attention": {"branches": [[], [], [wide(values)]], **fields}, "trainable": False}
    spec = {"input": input_of(shape), "layers": [wide(8), item, "sigmoid"]}
    verified = cnncalc.verify(spec, batch=2)
    assert verified.step is not None
    assert verified.ok, verified.differences


@pytest.mark.parametrize("heads", [1, 2])
def test_cut_from_one_projection_nothing_is_copied(heads: int) -> None:
    """Queries, keys and values are channels of one tensor, which is kept once."""
    cuts = [[{"slice": {"start": 8 * i, "stop": 8 * i + 8}}] for i in range(3)]
    attention = {"attention": {"num_heads": heads, "branches": cuts}}
    project = {"linear": {"out_features": 24, "position_wise": True}}
    spec = {"input": input_of((8, 5)), "layers": [project, attention]}
    assert cnncalc.verify(spec, batch=2).ok
    kept = cnncalc.analyze(spec, optimizer="sgd").column("saved_bytes")
    # 24 projected values, 8 of the output and a sum for each head and query.
    assert kept[-1] == 4 * 5 * (24 + 8 + heads)


def test_torchs_kernel_keeps_no_scores() -> None:
    """Queries, keys, values, the output, and a number for each query and head: no 50 × 50."""
    spec = {
        "input": input_of((8, 50)),
        "layers": [wide(8), {"attention": {"num_heads": 2, "branches": [[], [], []]}}],
    }
    (_, kept) = cnncalc.analyze(spec, dtype="float32", optimizer="sgd").column("saved_bytes")
    assert kept == 4 * (4 * 8 * 50 + 2 * 50)
