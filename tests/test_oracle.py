"""Every figure of small random layers against loops that really slide the windows."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncalc.dims import Window, floor_sum, pairs_below
from cnncalc.errors import SpecError
from cnncalc.infer import Facts, infer
from cnncalc.layers.base import Shape
from cnncalc.spec.load import load
from tests import oracle
from tests.oracle import Axis, BruteCount
from tests.strategies import layers_for, output_of, shapes, spec_of, thorough

SPATIAL = shapes(min_axes=1)


def facts_of(item: Any, shape: Shape) -> list[Facts]:
    """Facts of the layers that an item stands for, without a fused activation."""
    ((word, fields),) = item.items()
    fields = {key: value for key, value in fields.items() if key != "activation"}
    return infer(load(spec_of({word: fields}, shape)))


def for_each(value: Any, axes: int) -> list[Any]:
    """A field of a spec as a list with one entry for each axis."""
    return list(value) if isinstance(value, list) else [value] * axes


def axes_of(fields: dict[str, Any], sizes: tuple[int, ...]) -> list[Axis]:
    """How a person reads the fields of a windowed layer."""
    many = len(sizes)
    kernels = for_each(fields["kernel_size"], many)
    # The stride of a pool is its kernel where it is left out.
    strides = for_each(fields.get("stride", kernels), many)
    dilations = for_each(fields.get("dilation", 1), many)
    padding = fields["padding"]
    if padding == "same":
        sides: Any = map(oracle.same, sizes, kernels, strides, dilations)
    elif padding == "valid":
        sides = [(0, 0)] * many
    else:
        sides = [p if isinstance(p, list) else (p, p) for p in for_each(padding, many)]
    return [
        Axis(n, kernel, stride, before, after, dilation, fields.get("ceil_mode", False))
        for n, kernel, stride, (before, after), dilation in zip(
            sizes, kernels, strides, sides, dilations, strict=True
        )
    ]


def check(facts: Facts, count: BruteCount) -> None:
    """Shape, parameters, MACs, connections and elementwise arithmetic, each to the unit."""
    assert facts.output == count.output_shape
    assert facts.params == len(count.weights)
    assert facts.macs == count.macs
    assert facts.connections == count.connections
    assert Counter(facts.elementwise) == count.elementwise


def check_windows(facts: Facts, axes: list[Axis]) -> None:
    """What is lost at the far end, what of it is input, and the size before rounding."""
    for window, axis in zip(facts.windows, axes, strict=True):
        assert isinstance(window, Window)
        assert window.output == len(axis.starts)
        assert window.lost == len(axis.lost)
        assert window.lost_input == sum(cell is not None for cell in axis.lost)
        span = axis.dilation * (axis.kernel_size - 1)
        cells = axis.n + axis.before + axis.after
        assert window.exact == Fraction(cells - span - 1, axis.stride) + 1
        assert window.rest == (cells - span - 1) % axis.stride


@thorough(250)
@given(st.data(), SPATIAL)
def test_conv(data: st.DataObject, shape: Shape) -> None:
    """Dense, grouped and with connections, dilated, with any padding, in 1-D to 3-D."""
    item = data.draw(layers_for(shape, "conv"))
    fields, (facts,) = item["conv"], facts_of(item, shape)
    axes = axes_of(fields, shape[1:])
    wires = fields.get("connections") or oracle.readers(
        shape[0], fields["out_channels"], fields.get("groups", 1)
    )
    check(facts, oracle.conv(axes, wires, fields["bias"]))
    check_windows(facts, axes)


@thorough(120)
@given(st.data(), SPATIAL)
def test_depthwise_conv(data: st.DataObject, shape: Shape) -> None:
    item = data.draw(layers_for(shape, "depthwise_conv"))
    fields, (facts,) = item["depthwise_conv"], facts_of(item, shape)
    axes = axes_of(fields, shape[1:])
    wires = [[channel] for channel in range(shape[0]) for _ in range(fields["channel_multiplier"])]
    check(facts, oracle.conv(axes, wires, fields["bias"]))
    check_windows(facts, axes)


@thorough(80)
@given(st.data(), SPATIAL)
def test_separable_conv(data: st.DataObject, shape: Shape) -> None:
    """Two layers: each channel alone, without a bias, then every channel at each position."""
    item = data.draw(layers_for(shape, "separable_conv"))
    fields, (depthwise, pointwise) = item["separable_conv"], facts_of(item, shape)
    axes = axes_of(fields, shape[1:])
    wires = [[channel] for channel in range(shape[0]) for _ in range(fields["channel_multiplier"])]
    first = oracle.conv(axes, wires, bias=False)
    check(depthwise, first)
    every = [list(range(len(wires)))] * fields["out_channels"]
    single = [Axis(n, 1) for n in first.output_shape[1:]]
    check(pointwise, oracle.conv(single, every, fields["bias"]))


@thorough(100)
@given(st.data(), SPATIAL)
def test_locally_connected(data: st.DataObject, shape: Shape) -> None:
    item = data.draw(layers_for(shape, "locally_connected"))
    fields, (facts,) = item["locally_connected"], facts_of(item, shape)
    axes = axes_of(fields, shape[1:])
    wires = oracle.readers(shape[0], fields["out_channels"], 1)
    check(facts, oracle.conv(axes, wires, fields["bias"], shared=False))
    check_windows(facts, axes)


def cut(axis: oracle.Axis, word: str) -> tuple[oracle.Axis, int]:
    """An axis of a transposed convolution whose padding is a word; and what it adds at the end."""
    if word == "half":
        middle = (axis.taps[-1] + 1) // 2
        return replace(axis, before=middle, after=middle), 0
    size = (axis.n - 1) * axis.stride + axis.taps[-1] + 1
    before = after = 0
    while word == "same" and size - before - after > axis.n * axis.stride:
        # In turns from the end and from the start.
        before, after = (before, after + 1) if before == after else (before + 1, after)
    missing = axis.n * axis.stride - size if word == "same" else 0
    return replace(axis, before=before, after=after), max(missing, 0)


@thorough(200)
@given(st.data(), SPATIAL)
def test_conv_transpose(data: st.DataObject, shape: Shape) -> None:
    item = data.draw(layers_for(shape, "conv_transpose"))
    fields, (facts,) = item["conv_transpose"], facts_of(item, shape)
    word = fields["padding"] if isinstance(fields["padding"], str) else None
    axes = axes_of(fields | {"padding": 0} if word else fields, shape[1:])
    added = for_each(fields.get("output_padding", 0), len(axes))
    if word:
        axes, added = map(list, zip(*(cut(axis, word) for axis in axes), strict=True))
    wires = oracle.readers(shape[0], fields["out_channels"], fields["groups"])
    check(facts, oracle.conv_transpose(axes, added, wires, fields["bias"]))


@pytest.mark.parametrize("word", ["max_pool", "min_pool", "avg_pool", "subsample"])
@thorough(150)
@given(st.data(), SPATIAL)
def test_pools(word: str, data: st.DataObject, shape: Shape) -> None:
    """With and without `ceil_mode`; padding takes no part in a maximum, minimum or sum."""
    item = data.draw(layers_for(shape, word))
    (facts,) = facts_of(item, shape)
    axes = axes_of(item[word], shape[1:])
    check(facts, oracle.pool(shape[0], axes, word.removesuffix("_pool")))
    check_windows(facts, axes)


@pytest.mark.parametrize("word", ["adaptive_avg_pool", "adaptive_max_pool"])
@thorough(100)
@given(st.data(), SPATIAL)
def test_adaptive_pools(word: str, data: st.DataObject, shape: Shape) -> None:
    item = data.draw(layers_for(shape, word))
    (facts,) = facts_of(item, shape)
    sizes = shape[1:]
    outputs = for_each(item[word]["output_size"], len(sizes))
    pairs = list(zip(sizes, outputs, strict=True))
    check(facts, oracle.adaptive_pool(shape[0], pairs, word.split("_")[1]))


@pytest.mark.parametrize("kind", ["avg", "max"])
@thorough(40)
@given(SPATIAL)
def test_global_pools(kind: str, shape: Shape) -> None:
    """One adaptive window over everything."""
    (facts,) = facts_of({f"global_{kind}_pool": {"keepdim": True}}, shape)
    check(facts, oracle.adaptive_pool(shape[0], [(n, 1) for n in shape[1:]], kind))


@thorough(60)
@given(st.data(), shapes(max_axes=1))
def test_linear(data: st.DataObject, shape: Shape) -> None:
    item = data.draw(layers_for(shape, "linear"))
    fields, (facts,) = item["linear"], facts_of(item, shape)
    positions = shape[1] if len(shape) > 1 else 1
    count = oracle.linear(shape[0], fields["out_features"], positions, fields["bias"])
    if len(shape) == 1:
        count.output = {place[:1] for place in count.output}
    check(facts, count)


@thorough(200)
@given(st.data(), SPATIAL, st.booleans())
def test_a_kernel_that_never_fits_is_refused(
    data: st.DataObject, shape: Shape, ceil_mode: bool
) -> None:
    """Where not one window can be put, there is an error; where one can, there is none."""
    size = st.lists(st.integers(1, 9), min_size=len(shape) - 1, max_size=len(shape) - 1)
    fields = {"kernel_size": data.draw(size), "stride": data.draw(size), "padding": 0}
    if ceil_mode:
        fields["ceil_mode"] = True
    axes = axes_of(fields, shape[1:])
    if all(axis.starts for axis in axes):
        output = output_of({"max_pool": fields}, shape)
        assert output == (shape[0], *(len(axis.starts) for axis in axes))
    else:
        with pytest.raises(SpecError, match="does not fit the input"):
            output_of({"max_pool": fields}, shape)


_SMALL = st.integers(0, 40)
_POSITIVE = st.integers(1, 12)


@thorough(300)
@given(_SMALL, _POSITIVE, _SMALL, _SMALL)
def test_floor_sum(n: int, m: int, a: int, b: int) -> None:
    assert floor_sum(n, m, a, b) == sum((a * i + b) // m for i in range(n))


@thorough(300)
@given(st.integers(-3, 60), _POSITIVE, _POSITIVE, _POSITIVE, _POSITIVE)
def test_pairs_below(limit: int, outputs: int, stride: int, taps: int, dilation: int) -> None:
    below = [
        (o, t) for o in range(outputs) for t in range(taps) if o * stride + t * dilation < limit
    ]
    assert pairs_below(limit, outputs, stride, taps, dilation) == len(below)


@thorough(150)
@given(st.integers(1, 12), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3))
def test_same_padding_keeps_the_size_over_the_stride(
    n: int, kernel_size: int, stride: int, dilation: int
) -> None:
    """The output is one for each stride begun, and the odd position of padding is the last."""
    before, after = oracle.same(n, kernel_size, stride, dilation)
    item = {
        "conv": {
            "out_channels": 1,
            "kernel_size": kernel_size,
            "stride": stride,
            "dilation": dilation,
            "padding": "same",
        }
    }
    (facts,) = facts_of(item, (1, n))
    (window,) = facts.windows
    assert (window.before, window.after) == (before, after)
    assert window.output == len(range(0, n, stride))
