"""The numpy reference of `cnncalc slide` against torch: maps and gradients, digit for digit.

All numbers are integers or halves, and those of means multiples of all that they are divided by,
so that torch's double precision is exact.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from cnncalc.sliding.layer import slide
from cnncalc.sliding.slide import Slide, shares
from cnncalc.sliding.sums import Array


def integers(seed: int, *shape: int, most: int = 9) -> Array:
    """Integers as Python's, few enough that there are ties."""
    drawn = np.random.default_rng(seed).integers(-most, most + 1, shape)
    return drawn.astype(object)


def tensor(values: Array) -> torch.Tensor:
    return torch.tensor(values.astype(np.float64), requires_grad=True)


def same(ours: Array, theirs: torch.Tensor | None) -> None:
    assert theirs is not None
    assert ours.shape == theirs.shape
    assert np.array_equal(ours.astype(np.float64), theirs.detach().numpy())


def padding_of(ours: Slide) -> tuple[int, int, int, int]:
    """The padding as torch.nn.functional.pad has it."""
    rows, columns = ours.windows
    return columns.before, columns.after, rows.before, rows.after


CONVOLUTIONS: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ((1, 5, 5), (1, 1, 3, 3), {}),
    ((3, 7, 6), (4, 3, 3, 2), {"stride": 2, "padding": 1}),
    ((2, 9, 8), (3, 2, 2, 3), {"stride": [2, 1], "padding": [[1, 0], [2, 1]], "dilation": [2, 1]}),
    ((2, 6, 6), (2, 2, 4, 4), {"padding": "same"}),
    ((1, 7, 7), (2, 1, 3, 3), {"stride": 3}),
    ((2, 5, 5), (1, 2, 3, 3), {"stride": 2, "dilation": 2, "padding": 3}),
    ((1, 3, 3), (1, 1, 1, 1), {"stride": 2, "padding": 2}),
]


@pytest.mark.parametrize("value", [None, 0, -3, Fraction(5, 2)])
@pytest.mark.parametrize("relu", [False, True], ids=["linear", "relu"])
@pytest.mark.parametrize(("shape", "kernel_shape", "fields"), CONVOLUTIONS)
def test_convolutions(
    shape: tuple[int, ...],
    kernel_shape: tuple[int, ...],
    fields: dict[str, Any],
    relu: bool,
    value: int | Fraction | None,
) -> None:
    x, kernel, bias = integers(1, *shape), integers(2, *kernel_shape), integers(3, kernel_shape[0])
    ours = slide(x, [kernel], bias=list(bias), padding_value=value, relu=relu, **fields)
    tensors = tensor(x), tensor(kernel), tensor(bias)
    padded = functional.pad(tensors[0], padding_of(ours), value=float(value or 0))
    slides = {key: fields[key] for key in ("stride", "dilation") if key in fields}
    theirs = functional.conv2d(padded[None], *tensors[1:], **slides)[0]
    theirs = theirs.relu() if relu else theirs
    same(ours.map, theirs)

    upstream = integers(4, *theirs.shape)
    torch.autograd.backward(theirs, torch.tensor(upstream.astype(np.float64)))
    gradients = ours.gradients(upstream)
    assert gradients.kernel is not None
    assert gradients.bias is not None
    same(gradients.input, tensors[0].grad)
    same(gradients.kernel, tensors[1].grad)
    same(gradients.bias, tensors[2].grad)


def test_a_kernel_without_channels_goes_over_each_channel_alone() -> None:
    x, one, other = integers(1, 3, 6, 5), integers(2, 3, 3), integers(3, 3, 3)
    ours = slide(x, [one, other], padding=1)
    tensors = tensor(x), tensor(np.stack([one, other] * 3)[:, None])
    theirs = functional.conv2d(tensors[0][None], tensors[1], padding=1, groups=3)[0]
    same(ours.map, theirs)
    torch.autograd.backward(theirs.sum())
    gradients = ours.gradients()
    assert gradients.kernel is not None
    same(gradients.input, tensors[0].grad)
    same(gradients.kernel, tensors[1].grad)


def test_a_flat_input_is_slid_along_one_axis() -> None:
    x, kernel = integers(1, 9), integers(2, 3)
    ours = slide(x, [kernel], stride=2, padding=1, dilation=2)
    theirs = functional.conv1d(
        tensor(x)[None, None], tensor(kernel)[None, None], stride=2, padding=1, dilation=2
    )
    same(ours.map, theirs)
    best = functional.max_pool1d(tensor(x)[None, None], 3, stride=2, padding=1)
    same(slide(x, pool="max_pool", kernel_size=3, stride=2, padding=1).map, best)


POOLS: list[tuple[dict[str, Any], bool]] = [
    ({"kernel_size": k, "stride": s, "padding": p}, ceil)
    for k, s, p, ceil in product((2, 3), (1, 2, 3), (0, 1), (False, True))
]


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize(("fields", "ceil_mode"), POOLS)
@pytest.mark.parametrize("least", [False, True], ids=["max", "min"])
def test_largest_and_smallest_values(
    fields: dict[str, Any], ceil_mode: bool, dilation: int, least: bool
) -> None:
    # Few different values: nearly every window has ties, which torch gives to the first.
    x = integers(5, 2, 7, 8, most=1)
    fields = {**fields, "dilation": dilation}
    word, sign = ("min_pool", -1) if least else ("max_pool", 1)
    ours = slide(x, pool=word, ceil_mode=ceil_mode, **fields)
    given = tensor(x)
    theirs = sign * functional.max_pool2d((sign * given)[None], ceil_mode=ceil_mode, **fields)[0]
    same(ours.map, theirs)
    upstream = integers(6, *theirs.shape)
    torch.autograd.backward(theirs, torch.tensor(upstream.astype(np.float64)))
    same(ours.gradients(upstream).input, given.grad)


@pytest.mark.parametrize("count_include_pad", [True, False])
@pytest.mark.parametrize(("fields", "ceil_mode"), POOLS)
def test_means(fields: dict[str, Any], ceil_mode: bool, count_include_pad: bool) -> None:
    x = 36 * integers(7, 2, 7, 8)
    extra: dict[str, Any] = {"ceil_mode": ceil_mode, "count_include_pad": count_include_pad}
    ours = slide(x, pool="avg_pool", **fields, **extra)
    given = tensor(x)
    theirs = functional.avg_pool2d(given[None], **fields, **extra)[0]
    same(ours.map, theirs)
    upstream = 36 * integers(8, *theirs.shape)
    torch.autograd.backward(theirs, torch.tensor(upstream.astype(np.float64)))
    same(ours.gradients(upstream).input, given.grad)


@pytest.mark.parametrize("word", ["max_pool", "avg_pool", "min_pool"])
def test_pooling_with_a_padding_value_reads_it(word: str) -> None:
    x = 9 * integers(9, 2, 6, 6)
    ours = slide(x, pool=word, kernel_size=3, stride=2, padding=1, padding_value=36)
    given = tensor(x)
    padded = functional.pad(given, padding_of(ours), value=36.0)[None]
    theirs = {
        "max_pool": lambda: functional.max_pool2d(padded, 3, 2),
        "min_pool": lambda: -functional.max_pool2d(-padded, 3, 2),
        "avg_pool": lambda: functional.avg_pool2d(padded, 3, 2),
    }[word]()[0]
    same(ours.map, theirs)
    upstream = 9 * integers(8, *theirs.shape)
    torch.autograd.backward(theirs, torch.tensor(upstream.astype(np.float64)))
    same(ours.gradients(upstream).input, given.grad)


@pytest.mark.parametrize(
    ("kernel", "fields"),
    [((3, 3), {"stride": 2, "padding": 1}), ((5, 4), {"padding": "same", "padding_value": 128})],
)
def test_pictures_are_computed_band_by_band(
    kernel: tuple[int, int], fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cnncalc.sliding.slide.MAX_EXACT", 100)
    monkeypatch.setattr("cnncalc.sliding.slide._BAND", 100)
    x = np.random.default_rng(1).integers(0, 256, (3, 40, 30), dtype=np.uint8)
    weights = integers(2, *kernel)
    ours = slide(x, [weights], bias=[7], relu=True, **fields)
    bands = list(ours.bands())
    assert len(bands) > 5
    value = float(fields.get("padding_value", 0))
    padded = functional.pad(torch.tensor(x).double(), padding_of(ours), value=value)[None]
    filters = torch.tensor(np.stack([weights] * 3)[:, None].astype(np.float64))
    theirs = functional.conv2d(padded, filters, stride=fields.get("stride", 1), groups=3)[0] + 7
    same(np.concatenate(bands, axis=1), theirs.relu())


@pytest.mark.parametrize("word", ["max_pool", "avg_pool", "min_pool"])
def test_pictures_are_pooled_band_by_band(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(1).integers(0, 256, (3, 41, 30), dtype=np.uint8)
    fields: dict[str, Any] = {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}
    exact = slide(x, pool=word, **fields).map.astype(np.float64)
    monkeypatch.setattr("cnncalc.sliding.slide.MAX_EXACT", 100)
    monkeypatch.setattr("cnncalc.sliding.slide._BAND", 100)
    bands = list(slide(x, pool=word, **fields).bands())
    assert len(bands) > 5
    np.testing.assert_allclose(np.concatenate(bands, axis=1), exact, rtol=1e-13)
    if word == "max_pool":
        theirs = functional.max_pool2d(torch.tensor(x).double()[None], 3, 2, 1, ceil_mode=True)
        same(np.concatenate(bands, axis=1), theirs[0])


WORKED = [
    slide(integers(1, 2, 6, 7), [integers(2, 3, 2, 3, 3)], bias=[1, 2, 3], padding=1, stride=2),
    slide(integers(1, 2, 6, 7), [integers(2, 2, 3)], relu=True, dilation=2),
    *(
        slide(36 * integers(3, 2, 6, 7), pool=word, kernel_size=3, stride=2, padding=1)
        for word in ("max_pool", "min_pool", "avg_pool")
    ),
]


@pytest.mark.parametrize("ours", WORKED, ids=lambda ours: ours.kind)
def test_a_window_is_worked_out_as_the_map_says(ours: Slide) -> None:
    for place in np.ndindex(*ours.output_shape):
        assert ours.step(*place).value == ours.map[place]


@pytest.mark.parametrize("ours", WORKED, ids=lambda ours: ours.kind)
def test_the_shares_of_a_gradient_add_up_to_it(ours: Slide) -> None:
    upstream = integers(5, *ours.output_shape)
    gradients = ours.gradients(upstream)
    for summands, gradient in zip(
        shares(ours, upstream), (gradients.input, gradients.kernel), strict=True
    ):
        if gradient is None:
            assert not summands
            continue
        for place in np.ndindex(*gradient.shape):
            found = summands.get(place, [])
            assert sum(share.value for share in found) == gradient[place]
