"""Dumoulin & Visin's guide to convolution arithmetic: its examples and its relationships."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest

from cnncalc.layers import layer_class
from tests.truth import document, only

GUIDE = document("13_conv_arithmetic.json")


def size(word: str, i: int, **fields: int) -> int | None:
    """The output along one axis, or None where the layer's rules refuse."""
    layer = layer_class(word).model_validate(fields)
    if any(layer.rules((1, i))):
        return None
    return layer.output((1, i))[-1]


def direct(i: int, k: int, s: int = 1, p: int = 0, d: int = 1) -> int | None:
    return size("conv", i, out_channels=1, kernel_size=k, stride=s, padding=p, dilation=d)


def transposed(i: int, k: int, s: int = 1, p: int = 0, a: int = 0) -> int | None:
    fields = {"out_channels": 1, "kernel_size": k, "stride": s, "padding": p, "output_padding": a}
    return size("conv_transpose", i, **fields)


# The examples


@pytest.mark.parametrize("example", GUIDE["direct_examples"], ids=lambda e: e["name"])
def test_direct_example(example: dict[str, Any]) -> None:
    fields = {"kernel_size": example["k"], "stride": example["s"], "padding": example["p"]}
    word = {"average_pooling": "avg_pool", "max_pooling": "max_pool"}.get(
        example["name"].removeprefix("numerical_"), "conv"
    )
    if word == "conv":
        fields |= {"out_channels": 1, "dilation": example["d"]}
    assert only([example["i"]] * 2 + [1], word, **fields)["shape"] == [example["o"]] * 2 + [1]


@pytest.mark.parametrize("example", GUIDE["transposed_examples"], ids=lambda e: e["name"])
def test_transposed_example(example: dict[str, Any]) -> None:
    forward, i_t, a = example["direct"], example["i_t"], example["a"]
    i, k, s, p = (forward[key] for key in "iksp")
    assert direct(i, k, s, p) == i_t
    assert transposed(i_t, k, s, p, a) == example["o_t"] == i
    # The same as a convolution of stride 1 over the input with s − 1 zeros put in between.
    assert example["stretched"] == i_t + (i_t - 1) * (s - 1)
    assert example["p_t"] == k - p - 1
    padding = [[example["p_t"], example["p_t"] + a]] * 2
    fields = {"out_channels": 1, "kernel_size": k, "padding": padding}
    stretched = only([example["stretched"]] * 2 + [1], "conv", **fields)
    assert stretched["shape"] == [example["o_t"]] * 2 + [1]


# The relationships, over all small sizes

Case = tuple[int | None, int]
"""What we say and what the guide says."""

SIZES = range(1, 13)
KERNELS = range(1, 6)
STRIDES = range(1, 5)
PADDINGS = range(4)


def forward(
    sizes: Callable[[int, int, int, int], bool], says: Callable[[int, int, int, int], int]
) -> Iterator[Case]:
    """Direct convolutions whose (i, k, s, p) the relationship is about, where the kernel fits."""
    for i, k, s, p in product(SIZES, KERNELS, STRIDES, range(5)):
        if k <= i + 2 * p and sizes(i, k, s, p):
            yield direct(i, k, s, p), says(i, k, s, p)


def backward(
    sizes: Callable[[int, int, int, int], bool], says: Callable[[int, int, int, int, int, int], int]
) -> Iterator[Case]:
    """Transposes of direct convolutions; `says` is told i, k, s, p, i' and a, and o' must be i."""
    for i, k, s, p in product(SIZES, KERNELS, STRIDES, PADDINGS):
        if k <= i + 2 * p and p < k and sizes(i, k, s, p):
            i_t, a = (i + 2 * p - k) // s + 1, (i + 2 * p - k) % s
            assert direct(i, k, s, p) == i_t
            ours = transposed(i_t, k, s, p, a)
            assert ours == i
            yield ours, says(i, k, s, p, i_t, a)


RELATIONSHIPS: dict[str, Iterator[Case]] = {
    "R1": forward(lambda i, k, s, p: s == 1 and p == 0, lambda i, k, s, p: i - k + 1),
    "R2": forward(lambda i, k, s, p: s == 1, lambda i, k, s, p: i - k + 2 * p + 1),
    "R3 half": forward(
        lambda i, k, s, p: s == 1 and k % 2 == 1 and p == k // 2, lambda i, k, s, p: i
    ),
    "R4 full": forward(lambda i, k, s, p: s == 1 and p == k - 1, lambda i, k, s, p: i + k - 1),
    "R5": forward(lambda i, k, s, p: p == 0, lambda i, k, s, p: (i - k) // s + 1),
    "R6": forward(lambda i, k, s, p: True, lambda i, k, s, p: (i + 2 * p - k) // s + 1),
    "R7 pooling": (
        (size(word, i, kernel_size=k, stride=s), (i - k) // s + 1)
        for word, i, k, s in product(("max_pool", "avg_pool", "min_pool"), SIZES, KERNELS, STRIDES)
        if k <= i
    ),
    "R8 T": backward(lambda i, k, s, p: s == 1 and p == 0, lambda i, k, s, p, i_t, a: i_t + k - 1),
    "R9 T": backward(lambda i, k, s, p: s == 1, lambda i, k, s, p, i_t, a: i_t + k - 1 - 2 * p),
    "R10 T half": backward(
        lambda i, k, s, p: s == 1 and k % 2 == 1 and p == k // 2, lambda i, k, s, p, i_t, a: i_t
    ),
    "R11 T full": backward(
        lambda i, k, s, p: s == 1 and p == k - 1, lambda i, k, s, p, i_t, a: i_t - (k - 1)
    ),
    "R12 T": backward(
        lambda i, k, s, p: p == 0 and (i - k) % s == 0,
        lambda i, k, s, p, i_t, a: s * (i_t - 1) + k,
    ),
    "R13 T": backward(
        lambda i, k, s, p: (i + 2 * p - k) % s == 0,
        lambda i, k, s, p, i_t, a: s * (i_t - 1) + k - 2 * p,
    ),
    "R14 T": backward(
        lambda i, k, s, p: True, lambda i, k, s, p, i_t, a: s * (i_t - 1) + a + k - 2 * p
    ),
    "R15 dilation": (
        (direct(i, k, s, p, d), (i + 2 * p - k - (k - 1) * (d - 1)) // s + 1)
        for i, k, s, p, d in product(SIZES, KERNELS, STRIDES, PADDINGS, range(1, 4))
        if k + (k - 1) * (d - 1) <= i + 2 * p
    ),
}


@pytest.mark.parametrize("name", GUIDE["relationships"])
def test_relationship(name: str) -> None:
    cases = list(RELATIONSHIPS[name])
    assert len(cases) >= 20
    assert [(ours, theirs) for ours, theirs in cases if ours != theirs] == []


def test_stride_that_leaves_a_fraction() -> None:
    # padding_strides_odd: (6 + 2 − 3)/2 + 1 = 7/2.
    layer = only([6, 6, 1], "conv", out_channels=1, kernel_size=3, stride=2, padding=1)
    assert {warning["exact"] for warning in layer["warnings"]} == {"7/2"}


# PyTorch's docstrings

PYTORCH = {
    "Conv": "floor((H+2p-d(k-1)-1)/s + 1)",
    "ConvTranspose": "(H-1)s - 2p + d(k-1) + output_padding + 1",
    "MaxPool": "floor((H+2p-d(k-1)-1)/s + 1); ceil_mode: floor((H+2p-d(k-1)-1+(s-1))/s)+1, "
    "minus 1 when (out-1)*s >= H+p",
    "AvgPool": "floor((H+2p-k)/s + 1); same ceil_mode rule",
    "MaxUnpool": "(H-1)s - 2p + k",
}
"""The formulas that the tests below write in Python; MaxUnpool is no layer of ours."""


def test_the_formulas_are_those_of_the_docstrings() -> None:
    assert GUIDE["pytorch"] == PYTORCH


def test_pytorch_conv_transpose() -> None:
    cases = 0
    for h, k, s, p, d, a in product(SIZES, KERNELS, STRIDES, PADDINGS, range(1, 4), range(3)):
        theirs = (h - 1) * s - 2 * p + d * (k - 1) + a + 1
        fields = {"kernel_size": k, "stride": s, "padding": p, "dilation": d, "output_padding": a}
        ours = size("conv_transpose", h, out_channels=1, **fields)
        # To compute it, torch wants less output padding than the stride or the dilation.
        assert ours == (theirs if theirs >= 1 and a < max(s, d) else None)
        cases += ours is not None
    assert cases > 1000


@pytest.mark.parametrize("word", ["max_pool", "min_pool", "avg_pool"])
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_pytorch_pooling(word: str, ceil_mode: bool) -> None:
    cases = 0
    for h, k, s, p, d in product(SIZES, KERNELS, STRIDES, PADDINGS, range(1, 4)):
        if p > k // 2 or (word == "avg_pool" and d > 1):
            continue
        over = h + 2 * p - d * (k - 1) - 1
        theirs = over // s + 1
        if ceil_mode:
            theirs = (over + s - 1) // s + 1
            theirs -= (theirs - 1) * s >= h + p
        fields: dict[str, int] = {"kernel_size": k, "stride": s, "padding": p}
        if word != "avg_pool":
            fields["dilation"] = d
        ours = size(word, h, **fields, ceil_mode=ceil_mode)
        assert ours == (theirs if theirs >= 1 else None)
        cases += ours is not None
    assert cases > 200
