"""One layer at a time: at least one figure for every word, with its arithmetic written out."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any, NamedTuple

import pytest

from cnncalc import layers
from cnncalc.api import analyze
from cnncalc.errors import SpecError
from cnncalc.infer import Facts, infer
from cnncalc.layers import MODULES, layer_class
from cnncalc.layers.base import Ids, Layer, Shape
from cnncalc.spec.load import load
from tests.strategies import spec_of, undone


class Case(NamedTuple):
    """An item on an input (channels first), and what must come out."""

    item: Any
    input: Shape
    output: Shape
    params: int = 0
    macs: int = 0
    elementwise: dict[str, int] = {}  # noqa: RUF012 (never changed)
    connections: int = 0
    buffers: int = 0

    @property
    def word(self) -> str:
        item = self.item
        if "repeat" in item:
            item = item["repeat"]["layers"][-1]
        return item if isinstance(item, str) else next(iter(item))


def _sigmoid(values: int) -> dict[str, int]:
    """1/(1 + e^−x)."""
    return {"exp": values, "add": values, "divide": values}


CASES = [
    # The course's CONV1: 6 filters of 5×5×3 and a bias each, at 28×28 positions.
    Case(
        {"conv": {"out_channels": 6, "kernel_size": 5}},
        (3, 32, 32),
        (6, 28, 28),
        params=6 * (5 * 5 * 3 + 1),
        macs=28 * 28 * 6 * 5 * 5 * 3,
        elementwise={"add": 28 * 28 * 6},
        connections=28 * 28 * 6 * (5 * 5 * 3 + 1),
    ),
    # AlexNet's conv2 of 2012: two groups, each 128 filters on 48 of the 96 maps. Of the padded
    # 31 rows the 27 windows of 5 read 135 cells, of which 2·(2 + 1) are padding.
    Case(
        {"conv": {"out_channels": 256, "kernel_size": 5, "padding": 2, "groups": 2}},
        (96, 27, 27),
        (256, 27, 27),
        params=256 * (5 * 5 * 48 + 1),
        macs=27 * 27 * 256 * 5 * 5 * 48,
        elementwise={"add": 27 * 27 * 256},
        connections=(27 * 5 - 6) ** 2 * 256 * 48 + 27 * 27 * 256,
    ),
    # Dilation 2 stretches a kernel of 3 over 5: 10 − 5 + 1 = 6.
    Case(
        {"conv": {"out_channels": 4, "kernel_size": 3, "dilation": 2, "bias": False}},
        (2, 10),
        (4, 6),
        params=4 * 2 * 3,
        macs=6 * 4 * 2 * 3,
        connections=6 * 4 * 2 * 3,
    ),
    # TensorFlow's same with stride 2: ⌈5/2⌉ = 3 outputs need 2·2 + 2 = 6 cells: 0 before, 1 after.
    Case(
        {"conv": {"out_channels": 1, "kernel_size": 2, "stride": 2, "padding": "same"}},
        (1, 5),
        (1, 3),
        params=2 + 1,
        macs=3 * 2,
        elementwise={"add": 3},
        connections=3 * 2 - 1 + 3,
    ),
    # LeNet-5's C3 in small: three output maps read 1, 2 and 2 of the input maps.
    Case(
        {
            "conv": {
                "out_channels": 3,
                "kernel_size": 5,
                "connections": [[0], [0, 1], [1, 2]],
            }
        },
        (3, 14, 14),
        (3, 10, 10),
        params=5 * 5 * 5 + 3,
        macs=10 * 10 * 5 * 5 * 5,
        elementwise={"add": 300},
        connections=10 * 10 * (5 * 5 * 5 + 3),
    ),
    Case(
        {"depthwise_conv": {"kernel_size": 3, "channel_multiplier": 2}},
        (8, 6, 6),
        (16, 4, 4),
        params=16 * (3 * 3 + 1),
        macs=4 * 4 * 16 * 3 * 3,
        elementwise={"add": 4 * 4 * 16},
        connections=4 * 4 * 16 * (3 * 3 + 1),
    ),
    # In front of ResNet's second stage: 3×3 for each of 64 channels, every second of 112 positions.
    # Along an axis the first window reads 2 inputs and each of the 55 others 3.
    Case(
        {"blur_pool": 3},
        (64, 112, 112),
        (64, 56, 56),
        macs=56 * 56 * 64 * 3 * 3,
        connections=64 * (2 + 55 * 3) ** 2,
        buffers=64 * 3 * 3,
    ),
    # 4 taps on 5 inputs, 1 position before and 2 after: windows from −1, 1 and 3 read 3, 4 and 2.
    Case(
        {"blur_pool": 4},
        (2, 5),
        (2, 3),
        macs=3 * 2 * 4,
        connections=2 * (3 + 4 + 2),
        buffers=2 * 4,
    ),
    # Xception's entry: 3×3 for each of 64 channels, then 64 → 128 at each of 7×7 positions.
    Case(
        {"separable_conv": {"out_channels": 128, "kernel_size": 3, "bias": False}},
        (64, 9, 9),
        (128, 7, 7),
        params=64 * 3 * 3 + 64 * 128,
        macs=7 * 7 * 64 * 3 * 3 + 7 * 7 * 64 * 128,
        connections=7 * 7 * 64 * 3 * 3 + 7 * 7 * 64 * 128,
    ),
    # Without sharing every one of 55·55·96 neurons has 11·11·3 weights and a bias: 105,705,600.
    Case(
        {"locally_connected": {"out_channels": 96, "kernel_size": 11, "stride": 4}},
        (3, 227, 227),
        (96, 55, 55),
        params=55 * 55 * 96 * (11 * 11 * 3 + 1),
        macs=55 * 55 * 96 * 11 * 11 * 3,
        elementwise={"add": 55 * 55 * 96},
        connections=55 * 55 * 96 * (11 * 11 * 3 + 1),
    ),
    # U-Net's up-convolution: every position stamps 2×2 beside its neighbour's.
    Case(
        {"conv_transpose": {"out_channels": 512, "kernel_size": 2, "stride": 2}},
        (1024, 28, 28),
        (512, 56, 56),
        params=1024 * 512 * 2 * 2 + 512,
        macs=28 * 28 * 1024 * 512 * 2 * 2,
        elementwise={"add": 56 * 56 * 512},
        connections=28 * 28 * 1024 * 512 * 2 * 2 + 56 * 56 * 512,
    ),
    # (5 − 1)·2 − 2·1 + 3 + 1 = 10: the canvas of 11 loses a cell at each end and gains one. The
    # first and the last cell had one stamp each; the added one is the last again.
    Case(
        {
            "conv_transpose": {
                "out_channels": 4,
                "kernel_size": 3,
                "stride": 2,
                "padding": 1,
                "output_padding": 1,
                "groups": 2,
                "bias": False,
            }
        },
        (2, 5),
        (4, 10),
        params=2 * 2 * 3,
        macs=5 * 3 * 2 * 2,
        connections=(5 * 3 - 1) * 2 * 2,
    ),
    # Nine inputs a window, eight comparisons.
    Case(
        {"max_pool": {"kernel_size": 3, "stride": 2}},
        (96, 55, 55),
        (96, 27, 27),
        elementwise={"compare": 27 * 27 * 96 * 8},
        connections=27 * 27 * 96 * 9,
    ),
    # ⌈(6 − 3)/2⌉ + 1 = 3; the third window sticks out by one and has two values to compare.
    Case(
        {"max_pool": {"kernel_size": 3, "stride": 2, "ceil_mode": True}},
        (5, 6),
        (5, 3),
        elementwise={"compare": 5 * (2 + 2 + 1)},
        connections=5 * (3 + 3 + 2),
    ),
    # Taps two apart pass over the one value, with padding on both sides: nothing is compared.
    Case(
        {"max_pool": {"kernel_size": 2, "stride": 1, "padding": 1, "dilation": 2}},
        (1, 1),
        (1, 1),
        elementwise={"compare": 0},
    ),
    # SegNet's: 7·2 → 14. Windows of 3 every 2 positions: 2·2 + 3 = 7, or 8 of which one is new.
    # Pooling compares 3 times for each of 7·7·512 windows; between stands a sigmoid.
    Case(
        undone(2),
        (512, 14, 14),
        (512, 14, 14),
        elementwise={"compare": 3 * 7 * 7 * 512, **_sigmoid(7 * 7 * 512)},
        connections=14 * 14 * 512,
    ),
    # Of 8 positions 3 windows of 3 read 7; the eighth comes back as a zero.
    Case(
        undone({"kernel_size": 3, "stride": 2}),
        (4, 8),
        (4, 8),
        elementwise={"compare": 2 * 3 * 4, **_sigmoid(3 * 4)},
        connections=3 * 3 * 4,
    ),
    # The lecture's minimum of a 4×4 map.
    Case(
        {"min_pool": 2},
        (1, 4, 4),
        (1, 2, 2),
        elementwise={"compare": 4 * 3},
        connections=16,
    ),
    Case(
        {"avg_pool": 2},
        (16, 10, 10),
        (16, 5, 5),
        elementwise={"add": 16 * 25 * 3, "divide": 16 * 25},
        connections=16 * 100,
    ),
    # Padding is not added up: windows of 2, 3 and 2 values.
    Case(
        {"avg_pool": {"kernel_size": 3, "stride": 2, "padding": 1}},
        (1, 5),
        (1, 3),
        elementwise={"add": 1 + 2 + 1, "divide": 3},
        connections=2 + 3 + 2,
    ),
    # Thirds of 7: positions 0–2, 2–4 and 4–6 along each axis.
    Case(
        {"adaptive_avg_pool": 3},
        (2, 7, 7),
        (2, 3, 3),
        elementwise={"add": 2 * (9 * 9 - 9), "divide": 2 * 9},
        connections=2 * 9 * 9,
    ),
    Case(
        {"adaptive_max_pool": {"output_size": [2, 1]}},
        (3, 4, 5),
        (3, 2, 1),
        elementwise={"compare": 3 * (4 * 5 - 2)},
        connections=3 * 4 * 5,
    ),
    Case(
        "global_avg_pool",
        (512, 7, 7),
        (512,),
        elementwise={"add": 512 * 48, "divide": 512},
        connections=512 * 49,
    ),
    Case(
        {"global_max_pool": {"keepdim": True}},
        (4, 3, 3, 3),
        (4, 1, 1, 1),
        elementwise={"compare": 4 * 26},
        connections=4 * 27,
    ),
    # LeNet-5's S2: 12 trained numbers, 5,880 connections.
    Case(
        {"subsample": 2},
        (6, 28, 28),
        (6, 14, 14),
        params=6 * 2,
        elementwise={"add": 6 * 14 * 14 * 4, "multiply": 6 * 14 * 14},
        connections=6 * 14 * 14 * (4 + 1),
    ),
    Case(
        {"linear": 120},
        (400,),
        (120,),
        params=400 * 120 + 120,
        macs=400 * 120,
        elementwise={"add": 120},
        connections=400 * 120 + 120,
    ),
    # ViT-B's widening of 197 tokens: one matrix for all of them.
    Case(
        {"linear": {"out_features": 3072, "position_wise": True}},
        (768, 197),
        (3072, 197),
        params=768 * 3072 + 3072,
        macs=197 * 768 * 3072,
        elementwise={"add": 197 * 3072},
        connections=197 * (768 * 3072 + 3072),
    ),
    # LeNet-5's output: 10 prototypes of 84 fixed numbers; 84 differences, 84 squares, 83 sums.
    Case(
        {"rbf": 10},
        (84,),
        (10,),
        elementwise={"add": 10 * (84 + 83), "multiply": 840},
        connections=840,
        buffers=840,
    ),
    # ViT-B: 197 tokens of 768 channels, 12 heads. Each of them four projections of 768·768 and a
    # bias a value; in each head a score for each pair of tokens (64 products) and each pair once
    # more for the sum (64 products). Queries are scaled; a softmax has 197 scores.
    Case(
        {"multi_head_attention": 12},
        (768, 197),
        (768, 197),
        params=4 * 768 * 768 + 4 * 768,
        macs=4 * 197 * 768 * 768 + 2 * 12 * 197 * 197 * 64,
        elementwise={
            "add": 4 * 197 * 768 + 12 * 197 * (197 + 196),
            "multiply": 197 * 768,
            "compare": 12 * 197 * 196,
            "exp": 12 * 197 * 197,
            "divide": 12 * 197 * 197,
        },
        connections=4 * 197 * 768 * (768 + 1),
    ),
    # One token: its only score is compared with none and added to none.
    Case(
        {"multi_head_attention": {"num_heads": 2, "bias": False}},
        (6, 1),
        (6, 1),
        params=4 * 36,
        macs=4 * 36 + 2 * 6,
        elementwise={"add": 2, "multiply": 6, "compare": 0, "exp": 2, "divide": 2},
        connections=4 * 36,
    ),
    # A Gram matrix of 49 positions by their 64 channels, apart in 3 places: 49·49 sums of 64.
    Case(
        {"matmul": [[{"permute": [2, 1, 0]}], []]}, (64, 3, 49), (49, 3, 49), macs=3 * 49 * 49 * 64
    ),
    # Along the width, and its two parts put behind one another the other way round.
    Case({"slice": {"stop": 3, "axis": 2}}, (4, 5, 9), (4, 5, 3)),
    Case(
        {"concat": {"branches": [[{"slice": {"start": 2, "axis": 1}}], []], "axis": 1}},
        (3, 7),
        (3, 5 + 7),
    ),
    # Swin-T's first stage, 56·56 positions in 8·8 windows of 7·7, and back.
    Case({"window_partition": {"size": 7, "shift": 3}}, (96, 56, 56), (96, 64, 49)),
    Case({"window_partition": [2, 3]}, (4, 6, 6), (4, 3 * 2, 2 * 3)),
    Case({"window_partition": 5}, (4, 15), (4, 3, 5)),
    Case({"window_partition": {"size": 2, "grid": True}}, (4, 4, 6, 8), (4, 2 * 3 * 4, 8)),
    Case({"window_reverse": {"size": 7, "shift": 3}}, (96, 64, 49), (96, 56, 56)),
    Case({"window_reverse": {"size": 2, "output_size": [4, 6]}}, (3, 6, 4), (3, 4, 6)),
    Case({"window_reverse": {"size": [2, 2, 2]}}, (3, 27, 8), (3, 6, 6, 6)),
    # A window of Swin-T's first stage, queries, keys and values alike: 64 windows of 7·7 positions,
    # 3 heads of 32 channels. For each pair of positions 32 products to score and 32 to sum; 13·13
    # offsets of each head; a softmax has 49 scores, each with its bias and the maximum taken off.
    Case(
        {"attention": {"branches": [[], [], []], "num_heads": 3, "relative_position_bias": [7, 7]}},
        (96, 64, 49),
        (96, 64, 49),
        params=13 * 13 * 3,
        macs=64 * 3 * 49 * 49 * (32 + 32),
        elementwise={
            "add": 64 * 3 * 49 * (49 + 49 + 48),
            "multiply": 64 * 49 * 96,
            "compare": 64 * 3 * 49 * 48,
            "exp": 64 * 3 * 49 * 49,
            "divide": 64 * 3 * 49 * 49,
        },
        buffers=49 * 49,
    ),
    # SRGAN's other way round: each 2×2 positions become four channels.
    Case({"pixel_unshuffle": 2}, (3, 8, 6), (12, 4, 3)),
    # Keras' padding same: 7 · 2 = 14. Uncropped 6·2 + 5 = 17, so 1 is cut before and 2 after. Of
    # the stamps' 35 taps along an axis tap 0 of the first is cut, and at the far end taps 3 and 4
    # of the last.
    Case(
        {"conv_transpose": {"out_channels": 4, "kernel_size": 5, "stride": 2, "padding": "same"}},
        (3, 7, 7),
        (4, 14, 14),
        params=4 * (3 * 25 + 1),
        macs=7 * 7 * 25 * 3 * 4,
        elementwise={"add": 14 * 14 * 4},
        connections=(35 - 1 - 2) ** 2 * 3 * 4 + 14 * 14 * 4,
    ),
    # Half of 3 on every side: (4 − 1)·2 + 3 − 2 = 7; of the 12 stamped taps the outer two are cut.
    Case(
        {"conv_transpose": {"out_channels": 1, "kernel_size": 3, "stride": 2, "padding": "half"}},
        (1, 4),
        (1, 7),
        params=4,
        macs=12,
        elementwise={"add": 7},
        connections=12 - 2 + 7,
    ),
    # Stamps of 1, three apart, and a gap behind the last: 4 · 3.
    Case(
        {"conv_transpose": {"out_channels": 1, "kernel_size": 1, "stride": 3, "padding": "same"}},
        (1, 4),
        (1, 12),
        params=2,
        macs=4,
        elementwise={"add": 12},
        connections=4 + 12,
    ),
    # Keras' InceptionV3 has no scales (scale=False): a shift for each of 32 maps.
    Case(
        {"batch_norm": {"affine": "shift"}},
        (32, 149, 149),
        (32, 149, 149),
        params=32,
        elementwise={"multiply": 32 * 149 * 149, "add": 32 * 149 * 149},
        buffers=2 * 32 + 1,
    ),
    # Pixels to −1 … 1, as Keras' MobileNet wants them.
    Case(
        {"scale": {"factor": 1 / 127.5, "offset": -1}},
        (3, 4, 4),
        (3, 4, 4),
        elementwise={"multiply": 48, "add": 48},
    ),
    Case({"scale": [1, 2, 3]}, (3, 4, 4), (3, 4, 4), elementwise={"multiply": 48}),
    Case({"function": "sqrt"}, (3, 4), (3, 4), elementwise={"exp": 12}),
    Case(
        {"function": {"kind": "clamp", "min": 0, "max": 6}},
        (3, 4),
        (3, 4),
        elementwise={"compare": 24},
    ),
    # BERT base: 30,522 word pieces, a vector of 768 each; looked up, not multiplied.
    Case(
        {"embedding": {"num_embeddings": 30522, "embedding_dim": 768}},
        Ids((512,)),
        (768, 512),
        params=23_440_896,
    ),
    # Four gates of 1,024, each with a bias for the input and one for the state; ten steps.
    Case(
        {"lstm": 1024},
        (256, 10),
        (1024, 10),
        params=4 * 1024 * (256 + 1024 + 2),
        macs=10 * 4 * 1024 * (256 + 1024),
        elementwise={
            "add": 10 * 1024 * (4 * 3 + 3 + 1),
            "multiply": 10 * 1024 * 3,
            "divide": 10 * 1024 * 3,
            "exp": 10 * 1024 * 5,
        },
        connections=10 * 4 * 1024 * (256 + 1024 + 2),
    ),
    # Two layers, two directions: the second layer reads 2 · 5.
    Case(
        {"gru": {"hidden_size": 5, "num_layers": 2, "bidirectional": True}},
        (3, 7),
        (10, 7),
        params=2 * 3 * 5 * (3 + 5 + 2) + 2 * 3 * 5 * (10 + 5 + 2),
        macs=7 * 2 * 3 * 5 * (3 + 5 + 10 + 5),
        elementwise={
            "add": 7 * 4 * 5 * (3 * 2 + 2 + 2 + 3),
            "multiply": 7 * 4 * 5 * 3,
            "divide": 7 * 4 * 5 * 2,
            "exp": 7 * 4 * 5 * 3,
        },
        connections=7 * 2 * 3 * 5 * (3 + 5 + 10 + 5) + 7 * 4 * 2 * 3 * 5,
    ),
    # The last state alone.
    Case(
        {"rnn": {"hidden_size": 6, "return_sequences": False}},
        (4, 9),
        (6,),
        params=6 * (4 + 6 + 2),
        macs=9 * 6 * (4 + 6),
        elementwise={"add": 9 * 6 * 3, "exp": 9 * 6},
        connections=9 * 6 * (4 + 6 + 2),
    ),
    Case("class_token", (768, 196), (768, 197), params=768),
    Case(
        "position_embedding",
        (768, 197),
        (768, 197),
        params=197 * 768,
        elementwise={"add": 197 * 768},
    ),
    Case({"select": 0}, (768, 197), (768,)),
    # torch keeps a mean and a variance a channel and the number of batches.
    Case(
        "batch_norm",
        (64, 10, 10),
        (64, 10, 10),
        params=2 * 64,
        elementwise={"multiply": 6400, "add": 6400},
        buffers=2 * 64 + 1,
    ),
    # Statistics of the batch itself, a channel of 4: mean 3 additions and 1 division, 4
    # deviations, 4 squares, 3 additions and 1 division, ε, one root and one reciprocal, 4 products.
    Case(
        {"batch_norm": {"track_running_stats": False, "affine": False}},
        (2, 4),
        (2, 4),
        elementwise={
            "add": 2 * (3 + 4 + 3 + 1),
            "multiply": 2 * (4 + 4),
            "divide": 2 * 3,
            "exp": 2,
        },
    ),
    # The same for each of 5 tokens of 3 channels, then a scale and a shift a value.
    Case(
        "layer_norm",
        (3, 5),
        (3, 5),
        params=2 * 3,
        elementwise={
            "add": 5 * (2 + 3 + 2 + 1 + 3),
            "multiply": 5 * (3 + 3 + 3),
            "divide": 5 * 3,
            "exp": 5,
        },
    ),
    Case(
        {"layer_norm": {"over": "all"}},
        (3, 5),
        (3, 5),
        params=2 * 15,
        elementwise={
            "add": 14 + 15 + 14 + 1 + 15,
            "multiply": 15 + 15 + 15,
            "divide": 3,
            "exp": 1,
        },
    ),
    # Two groups of 2·2·2 = 8 values.
    Case(
        {"group_norm": 2},
        (4, 2, 2),
        (4, 2, 2),
        params=2 * 4,
        elementwise={
            "add": 2 * (7 + 8 + 7 + 1 + 8),
            "multiply": 2 * (8 + 8 + 8),
            "divide": 2 * 3,
            "exp": 2,
        },
    ),
    # torch's has no trained numbers unless it is asked for them.
    Case(
        "instance_norm",
        (2, 2, 2),
        (2, 2, 2),
        elementwise={
            "add": 2 * (3 + 4 + 3 + 1),
            "multiply": 2 * (4 + 4),
            "divide": 2 * 3,
            "exp": 2,
        },
    ),
    # Each of 5 tokens of 3 channels: 3 squares, 2 additions, a division, ε, a root and a
    # reciprocal, 3 products, 3 scales.
    Case(
        "rms_norm",
        (3, 5),
        (3, 5),
        params=3,
        elementwise={"multiply": 5 * (3 + 3 + 3), "add": 5 * (2 + 1), "divide": 5 * 2, "exp": 5},
    ),
    Case(
        {"rms_norm": {"over": "all", "affine": False}},
        (3, 5),
        (3, 5),
        elementwise={"multiply": 15 + 15, "add": 14 + 1, "divide": 2, "exp": 1},
    ),
    # ConvNeXt-T's first stage.
    Case(
        {"layer_scale": 1e-6},
        (96, 56, 56),
        (96, 56, 56),
        params=96,
        elementwise={"multiply": 96 * 56 * 56},
    ),
    # Of 4 channels the neighbourhoods of 3 have 2, 3, 3 and 2 squares: 1 + 2 + 2 + 1 additions
    # and k; a square and α each; the power; the division.
    Case(
        {"local_response_norm": 3},
        (4, 2),
        (4, 2),
        elementwise={
            "add": 2 * (1 + 2 + 2 + 1) + 8,
            "multiply": 2 * 8,
            "exp": 8,
            "divide": 8,
        },
    ),
    Case("relu", (4, 5), (4, 5), elementwise={"compare": 20}),
    Case("relu6", (4, 5), (4, 5), elementwise={"compare": 2 * 20}),
    Case({"leaky_relu": 0.2}, (20,), (20,), elementwise={"compare": 20, "multiply": 20}),
    Case({"prelu": 4}, (4, 5), (4, 5), params=4, elementwise={"compare": 20, "multiply": 20}),
    Case("prelu", (4, 5), (4, 5), params=1, elementwise={"compare": 20, "multiply": 20}),
    # α(eˣ − 1).
    Case(
        "elu",
        (20,),
        (20,),
        elementwise={"compare": 20, "exp": 20, "add": 20, "multiply": 20},
    ),
    # x/√2, erf, 1 + …, x/2, their product.
    Case("gelu", (20,), (20,), elementwise={"multiply": 60, "exp": 20, "add": 20}),
    # x², x³, 0.044715·…, x + …, √(2/π)·…, tanh, 1 + …, x/2, their product.
    Case(
        {"gelu": {"approximate": "tanh"}},
        (20,),
        (20,),
        elementwise={"multiply": 6 * 20, "add": 2 * 20, "exp": 20},
    ),
    Case(
        "silu",
        (20,),
        (20,),
        elementwise={"exp": 20, "add": 20, "divide": 20, "multiply": 20},
    ),
    Case("sigmoid", (20,), (20,), elementwise={"exp": 20, "add": 20, "divide": 20}),
    Case("tanh", (20,), (20,), elementwise={"exp": 20}),
    Case(
        "hard_swish",
        (20,),
        (20,),
        elementwise={"add": 20, "compare": 40, "multiply": 20, "divide": 20},
    ),
    Case("hard_sigmoid", (20,), (20,), elementwise={"add": 20, "compare": 40, "divide": 20}),
    # Ten scores: the largest (9 comparisons), 10 differences, 10 powers, 9 sums, 10 quotients.
    Case(
        "softmax",
        (10,),
        (10,),
        elementwise={"compare": 9, "add": 10 + 9, "exp": 10, "divide": 10},
    ),
    # The same at each of 6 positions.
    Case(
        "softmax",
        (10, 2, 3),
        (10, 2, 3),
        elementwise={"compare": 6 * 9, "add": 6 * 19, "exp": 60, "divide": 60},
    ),
    # Ten scores: the largest, 10 differences, 10 powers, 9 sums, a logarithm, 10 differences.
    Case(
        "log_softmax",
        (10,),
        (10,),
        elementwise={"compare": 9, "add": 10 + 9 + 10, "exp": 10 + 1},
    ),
    # log(1 + e^(βx)) / β.
    Case(
        "softplus",
        (20,),
        (20,),
        elementwise={"multiply": 20, "exp": 40, "add": 20, "divide": 20},
    ),
    # x · tanh(log(1 + eˣ)).
    Case("mish", (20,), (20,), elementwise={"exp": 60, "add": 20, "multiply": 20}),
    Case({"dropout": 0.5}, (4, 5), (4, 5)),
    Case({"drop_path": 0.1}, (4, 5), (4, 5)),
    Case("flatten", (16, 5, 5), (16 * 5 * 5,)),
    Case({"reshape": [4, -1]}, (2, 6, 6), (4, 2 * 6 * 6 // 4)),
    Case({"permute": [2, 0, 1]}, (3, 4, 5), (5, 3, 4)),
    # ShuffleNetV2: one half of the channels goes by.
    Case({"slice": 58}, (116, 28, 28), (58, 28, 28)),
    Case({"slice": {"start": 2, "stop": 3}}, (4,), (3 - 2,)),
    Case({"slice": {"start": 3}}, (4, 5), (4 - 3, 5)),
    Case({"pad": [[1, 2], 3]}, (3, 4, 5), (3, 4 + 1 + 2, 5 + 3 + 3)),
    # U-Net crops 64 to 56.
    Case({"crop": 4}, (512, 64, 64), (512, 56, 56)),
    Case({"upsample": 2}, (8, 5, 6), (8, 10, 12)),
    # Four neighbours with a weight each: 4 products and 3 sums a value.
    Case(
        {"upsample": {"size": [7, 9], "mode": "linear"}},
        (2, 5, 6),
        (2, 7, 9),
        elementwise={"multiply": 4 * 2 * 63, "add": 3 * 2 * 63},
    ),
    Case(
        {"upsample": {"scale_factor": 3, "mode": "cubic"}},
        (1, 4),
        (1, 12),
        elementwise={"multiply": 4 * 12, "add": 3 * 12},
    ),
    Case({"pixel_shuffle": 2}, (12, 3, 5), (12 // 4, 6, 10)),
    Case({"channel_shuffle": 3}, (12, 3, 5), (12, 3, 5)),
    Case({"add": [[], [], []]}, (4, 5), (4, 5), elementwise={"add": 2 * 20}),
    # A squeeze-and-excitation in small: a mean a channel, then a factor for each of its values.
    Case(
        {"multiply": [[], [{"global_avg_pool": {"keepdim": True}}]]},
        (4, 2, 3),
        (4, 2, 3),
        elementwise={"add": 4 * 5, "divide": 4, "multiply": 24},
        connections=4 * 6,
    ),
    # The same, the small factor first; and three of which none is as large as their product.
    Case(
        {"multiply": [[{"global_avg_pool": {"keepdim": True}}], []]},
        (4, 2, 3),
        (4, 2, 3),
        elementwise={"add": 4 * 5, "divide": 4, "multiply": 24},
        connections=4 * 6,
    ),
    Case(
        {"multiply": [[{"max_pool": [2, 1]}], [{"max_pool": [1, 3]}], [{"max_pool": [2, 3]}]]},
        (4, 2, 3),
        (4, 2, 3),
        # Of 2, 3 and 6 values the largest, then two products of 24.
        elementwise={"compare": 12 * 1 + 8 * 2 + 4 * 5, "multiply": 2 * 24},
        connections=3 * 24,
    ),
    Case({"concat": [[], ["relu"]]}, (4, 5), (8, 5), elementwise={"compare": 20}),
]


def facts_of(case: Case) -> list[Facts]:
    return infer(load(spec_of(case.item, case.input)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.item))
def test_figures(case: Case) -> None:
    facts = facts_of(case)
    elementwise: dict[str, int] = {}
    for fact in facts:
        for kind, number in fact.elementwise.items():
            elementwise[kind] = elementwise.get(kind, 0) + number
    assert facts[-1].output == case.output
    assert sum(fact.params for fact in facts) == case.params
    assert sum(fact.macs for fact in facts) == case.macs
    assert elementwise == case.elementwise
    assert sum(fact.connections for fact in facts) == case.connections
    assert sum(fact.buffers for fact in facts) == case.buffers


def test_every_word_has_a_figure() -> None:
    assert {case.word for case in CASES} == set(MODULES)


@pytest.mark.parametrize("word", MODULES)
def test_a_word_finds_its_class(word: str) -> None:
    cls = layer_class(word)
    assert cls.type == word
    assert cls.__module__ == f"cnncalc.layers.{MODULES[word]}"


def leaves(cls: type[Layer]) -> set[type[Layer]]:
    """The classes below one that nothing is derived from."""
    below = cls.__subclasses__()
    return set().union(*map(leaves, below)) if below else {cls}


def test_every_class_is_registered() -> None:
    """No layer is written and then forgotten: each class is found by its word."""
    modules = [m.name for m in pkgutil.iter_modules(layers.__path__, "cnncalc.layers.")]
    for name in modules:
        import_module(name)
    # A layer that another test defines for itself is none of ours.
    ours = {cls for cls in leaves(Layer) if cls.__module__ in modules}
    assert ours == {layer_class(word) for word in MODULES}


@pytest.mark.parametrize("word", MODULES)
def test_every_layer_and_field_says_what_it_is(word: str) -> None:
    cls = layer_class(word)
    assert cls.__doc__
    assert cls.__doc__ != Layer.__doc__
    assert all(field.description for field in cls.model_fields.values())


SAME_AS = [
    # A bare number fills the main field.
    ({"max_pool": 2}, {"max_pool": {"kernel_size": 2}}),
    ({"max_pool": {"kernel_size": 2}}, {"max_pool": {"kernel_size": 2, "stride": 2}}),
    ({"avg_pool": [2, 3]}, {"avg_pool": {"kernel_size": [2, 3], "stride": [2, 3]}}),
    ({"group_norm": 2}, {"group_norm": {"num_groups": 2}}),
    ({"crop": 1}, {"crop": {"cropping": [[1, 1], [1, 1]]}}),
    # One number stands for every axis, and valid for no padding.
    (
        {"conv": {"out_channels": 2, "kernel_size": 3, "padding": "valid"}},
        {
            "conv": {
                "out_channels": 2,
                "kernel_size": [3, 3],
                "stride": [1, 1],
                "padding": [[0, 0], 0],
                "dilation": [1, 1],
                "groups": 1,
                "bias": True,
            }
        },
    ),
]


@pytest.mark.parametrize(("short", "long"), SAME_AS)
def test_short_and_long_forms_are_the_same(short: Any, long: Any) -> None:
    def seen(item: Any) -> list[Any]:
        facts = infer(load(spec_of(item, (4, 8, 9))))
        return [(f.output, f.weights, f.macs, f.connections, f.windows) for f in facts]

    assert seen(short) == seen(long)


TORCH_NAMES = [
    # How torch stores them: convolutions (out, in / groups, …), transposed ones (in, out / groups).
    (
        {"conv": {"out_channels": 8, "kernel_size": [3, 5], "groups": 2}},
        {"weight": (8, 2, 3, 5), "bias": (8,)},
    ),
    (
        {"conv_transpose": {"out_channels": 8, "kernel_size": 3, "groups": 2}},
        {"weight": (4, 4, 3, 3), "bias": (8,)},
    ),
    ({"depthwise_conv": {"kernel_size": 3, "bias": False}}, {"weight": (4, 1, 3, 3)}),
    ({"linear": {"out_features": 2, "position_wise": True}}, {"weight": (2, 4), "bias": (2,)}),
    ("batch_norm", {"weight": (4,), "bias": (4,)}),
    ({"layer_norm": {"over": "all"}}, {"weight": (4, 8, 9), "bias": (4, 8, 9)}),
    ({"prelu": 4}, {"weight": (4,)}),
    ("layer_scale", {"weight": (4, 1, 1)}),
    ("rms_norm", {"weight": (4,)}),
    ({"local_response_norm": 5}, {}),
]


@pytest.mark.parametrize(("item", "weights"), TORCH_NAMES)
def test_weights_are_named_and_shaped_as_torch_has_them(
    item: Any, weights: dict[str, Shape]
) -> None:
    (facts,) = infer(load(spec_of(item, (4, 8, 9))))
    assert facts.weights == weights


VALUES = [
    ("conv1", "new", {"conv": {"out_channels": 1, "kernel_size": 1}}),
    ("batch_norm", "new", "batch_norm"),
    ("add", "new", {"add": [[], []]}),
    ("pad", "new", {"pad": 1}),
    ("concat", "new", {"concat": [[], []]}),
    ("relu", "in_place", "relu"),
    ("softmax", "in_place", "softmax"),
    ("dropout", "in_place", "dropout"),
    ("layer_scale", "new", "layer_scale"),
    ("max_unpool", "new", undone(2)),
    ("drop_path", "in_place", {"drop_path": 0.1}),
    ("slice", "view", {"slice": 1}),
    ("flatten", "view", "flatten"),
    ("reshape", "view", {"reshape": [-1]}),
    ("permute", "view", {"permute": [1, 2, 0]}),
    ("crop", "view", {"crop": 1}),
]


@pytest.mark.parametrize(("name", "kind", "item"), VALUES, ids=[name for name, *_ in VALUES])
def test_which_layers_make_new_values(name: str, kind: str, item: Any) -> None:
    """Activations are counted where values are made, not where they are overwritten or moved."""
    facts = infer(load(spec_of(item, (3, 6, 7))))[-1]
    assert facts.new_activations == (facts.activations if kind == "new" else 0)


UNDO = {"max_unpool": None, "indices_of": "p"}
SAME_AND_MORE = {"padding": "same", "output_padding": 1}
REFUSED = [
    ({"conv": {"out_channels": 5, "kernel_size": 3, "groups": 2}}, "5 output channels do not"),
    ({"conv": {"out_channels": 6, "kernel_size": 3, "groups": 3}}, "4 input channels do not"),
    ({"max_pool": {"kernel_size": 2, "padding": 2}}, "padding 2 is more than half"),
    ({"max_pool": {"kernel_size": 2, "padding": 2, "dilation": 3}}, "more than half of the kernel"),
    ({"conv_transpose": {"out_channels": 1, "kernel_size": 2, "padding": 5}}, "crops everything"),
    ({"pixel_shuffle": 3}, "4 channels do not divide by 3²"),
    ({"scale": [1, 2]}, "factor has 2 values for 4 channels"),
    ({"scale": {"factor": "much"}}, "must be a number, or a list with one for each channel"),
    ({"function": "clamp"}, "clamp needs min, max or both"),
    ({"function": {"kind": "abs", "max": 1}}, "abs takes no max; clamp does"),
    ({"function": "tan"}, "must be abs, sqrt, exp"),
    ({"pixel_unshuffle": 2}, "width 9 does not divide by 2"),
    (
        {"conv_transpose": {"out_channels": 1, "kernel_size": 2, **SAME_AND_MORE}},
        "padding same says what is added, too",
    ),
    ({"prelu": 3}, "1 or the number of channels 4, not 3"),
    ({"reshape": [5, -1]}, "which do not fill"),
    ({"crop": 4}, "leaves nothing of 8"),
    ({"pad": {"padding": 8, "mode": "reflect"}}, "needs more input than 8"),
    ({"upsample": {"mode": "nearest"}}, "either scale_factor or size"),
    ({"linear": 3}, "put a flatten before it"),
    ({"add": [[], [{"max_pool": 2}]]}, "branches differ"),
    ({"slice": 5}, "stop 5 is beyond the input's 4 channels"),
    ({"slice": {"start": 2, "stop": 2}}, "start must be less than stop: 2 ≥ 2"),
    ({"slice": {"start": 4}}, "less than the number of channels: 4 ≥ 4"),
    (
        {"add": [[{"max_pool": 2, "name": "p"}, {"max_pool": 2}, UNDO], []]},
        "it reads 2×2×4, but p, whose indices it takes, gave 4×4×4; both must be the same",
    ),
    ("class_token", r"not 8×9×4; put a reshape \[4, -1\] before it"),
]


@pytest.mark.parametrize(("item", "sentence"), REFUSED, ids=[s for _, s in REFUSED])
def test_rules_refuse_what_has_no_meaning(item: Any, sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        infer(load(spec_of(item, (4, 8, 9))))


def test_biases_of_attention_are_those_of_its_four_projections() -> None:
    report = analyze(spec_of({"multi_head_attention": 2}, (6, 5)))
    assert report.column("weights") == [4 * 6 * 6]
    assert report.column("biases") == [4 * 6]


_ALL: list[list[Any]] = [[], [], []]
_HALF, _ONE_LESS = [{"slice": 2}], [{"crop": [[0, 1]]}]
REFUSED_TOKENS = [
    (
        "attention",
        (4, 5),
        "reads 3 inputs, q, k, v, not one; multi_head_attention makes them of one, or",
    ),
    (
        {"attention": 2},
        (4, 5),
        "takes a list of branches, not 2; multi_head_attention reads one input",
    ),
    ({"attention": [[], []]}, (4, 5), r"attention reads 3 inputs \(q, k, v\), not 2"),
    ({"attention": [["flatten"]] * 3}, (4, 5), "needs tokens .* not a vector of 20"),
    ({"attention": [[], [], _ONE_LESS]}, (4, 5), "k and v differ in more than their channels"),
    (
        {"attention": {"branches": _ALL, "num_heads": 3}},
        (4, 5),
        "the channels 4 of q, 4 of k, 4 of v do not divide into 3 heads",
    ),
    (
        {"attention": {"branches": _ALL, "num_heads": 4, "num_kv_heads": 3}},
        (12, 5),
        "4 heads do not divide by num_kv_heads 3",
    ),
    ({"attention": [[], _HALF, []]}, (4, 5), "a head of q has 4 channels, but one of k has 2"),
    (
        {"attention": {"branches": _ALL, "relative_position_bias": [2, 3]}},
        (4, 5),
        r"\[2, 3\] has 6 positions, but there are 5 queries and 5 keys",
    ),
    (
        {"attention": [[], *[[{"crop": [[0, 1], [0, 0]]}]] * 2]},
        (4, 3, 5),
        "q and k differ in axes that are apart, those before the last: 3×5×4 and 2×5×4",
    ),
    ("matmul", (4, 5), "matmul reads 2 inputs, a, b, not one; give it a branch for each, or from:"),
    ({"matmul": [[], [], []]}, (4, 5), r"matmul reads 2 inputs \(a, b\), not 3"),
    ({"matmul": [[], []]}, (4, 5), "the last axis of a is 5, but b has 4 channels: 5×4 and 5×4"),
    ({"matmul": [[], ["flatten"]]}, (4, 5), "channels and positions, not a vector of 20"),
    (
        {"matmul": [[], [{"crop": [[0, 1], [0, 0]]}]]},
        (4, 3, 4),
        "a and b differ in axes that are apart, those before the last: 3×4×4 and 2×4×4",
    ),
    (
        {"slice": {"stop": 6, "axis": 1}},
        (4, 5),
        "stop 6 is beyond the input's 5 positions along axis",
    ),
    ({"slice": {"stop": 1, "axis": 2}}, (4, 5), "axis 2 is beyond the axes 0 to 1 of 5×4"),
    ({"concat": {"branches": [[], []], "axis": 2}}, (4, 5), "axis 2 is beyond the axes 0 to 1"),
    (
        {"concat": {"branches": [[], [{"slice": 2}]], "axis": 1}},
        (4, 5),
        "branches differ in more than axis 1: 5×4 and 5×2",
    ),
    (
        {"attention": {"branches": _ALL, "shift": 1}},
        (4, 4, 9),
        "shift needs relative_position_bias: the sizes of the window",
    ),
    (
        {"attention": {"branches": _ALL, "output_size": [3, 3]}},
        (4, 4, 9),
        "output_size says where shifted windows lie; there is no shift",
    ),
    (
        {"attention": {"branches": _ALL, "relative_position_bias": [3, 3], "shift": 1}},
        (4, 6, 9),
        "6 windows are not as many along 2 axes; give output_size",
    ),
    ({"window_partition": 3}, (4, 6, 7), "7 positions do not divide into windows of 3; 6 or 9"),
    ({"window_partition": 7}, (4, 5), "5 positions do not divide into windows of 7; 7 would"),
    ({"window_partition": 7}, (4,), "1 to 3 spatial axes, not a vector of 4"),
    ({"window_partition": [7, 7]}, (4, 7), "size has 2 values, but the input 7×4 has 1"),
    (
        {"window_partition": {"size": 2, "shift": 2}},
        (4, 6),
        "shift 2 must be less than the 2 positions",
    ),
    ({"window_reverse": 3}, (4, 6), "needs channels, windows and positions, .* not 6×4"),
    ({"window_reverse": 3}, (4, 4, 6), "windows of 3×3 have 9 positions, but 6 arrive"),
    ({"window_reverse": 3}, (4, 6, 9), "6 windows are not as many along 2 axes; give output_size"),
    (
        {"window_reverse": {"size": 3, "output_size": [6, 9]}},
        (4, 5, 9),
        "output_size 6×9 has 6 windows of 3×3, but 5 arrive",
    ),
    (
        {"window_reverse": {"size": 3, "output_size": [6, 9, 3]}},
        (4, 5, 9),
        "27 positions, but 9 arrive",
    ),
    (
        {"window_reverse": {"size": [3, 3], "output_size": [6, 9, 3]}},
        (4, 5, 9),
        "size has 2 values, but there are 3 axes",
    ),
    ({"multi_head_attention": 3}, (4, 5), "4 channels do not divide into 3 heads"),
    ({"multi_head_attention": 2}, (4,), "needs tokens .* not a vector of 4"),
    ({"lstm": 3}, (4,), "lstm needs steps .* not a vector of 4"),
    ({"gru": 3}, (4, 5, 6), r"not 4×5×6; put a reshape \[4, -1\] before it"),
    ({"rnn": {"hidden_size": 3, "dropout": 0.5}}, (4, 5), "dropout stands between layers"),
    ({"lstm": {"hidden_size": 3, "proj_size": 3}}, (4, 5), "proj_size 3 must be smaller than"),
    ({"lstm": {"hidden_size": 3, "num_layers": 1001}}, (4, 5), "must be at most 1,000, not 1001"),
    ({"rnn": {"units": 3}}, (4, 5), "the field is called hidden_size"),
    ({"select": 5}, (4, 5), "index 5 is beyond the 5 tokens, counted from 0"),
]


@pytest.mark.parametrize(("item", "shape", "sentence"), REFUSED_TOKENS)
def test_rules_of_tokens(item: Any, shape: Shape, sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        infer(load(spec_of(item, shape)))
