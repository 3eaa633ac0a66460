"""What other frameworks call our layers and fields: the names of the table are theirs."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"

import keras
import pytest
import torch

from cnncalc.layers import MODULES, layer_class
from cnncalc.layers.foreign import foreign_fields, foreign_layers, foreign_words
from cnncalc.spec.advice import field_names


def test_every_row_is_a_layer_or_a_field_of_ours() -> None:
    assert set(foreign_layers()) <= set(MODULES)
    known = {field for word in MODULES for field in field_names(layer_class(word))}
    assert set(foreign_fields()) <= known


@pytest.mark.parametrize("word", foreign_layers())
def test_every_class_is_there(word: str) -> None:
    names = foreign_layers()[word]
    assert [name for name in names.torch if not hasattr(torch.nn, name)] == []
    assert [name for name in names.keras if not hasattr(keras.layers, name)] == []


def arguments(framework: str, field: str) -> Iterator[str]:
    """The arguments of all classes that are a layer with this field of ours."""
    for word, names in foreign_layers().items():
        if field in field_names(layer_class(word)):
            home: Any = torch.nn if framework == "torch" else keras.layers
            for name in getattr(names, framework):
                yield from inspect.signature(getattr(home, name).__init__).parameters


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_every_field_is_an_argument_of_such_a_class(framework: str) -> None:
    for field, names in foreign_fields().items():
        there = {*arguments(framework, field)}
        assert [n for n in getattr(names, framework) if n not in there] == [], field


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        *(("Conv2d", "conv"), ("Conv3D", "conv"), ("DepthwiseConv2D", "depthwise_conv")),
        *(("Conv2DTranspose", "conv_transpose"), ("ConvTranspose1d", "conv_transpose")),
        *(("Gemm", "linear"), ("LRN", "local_response_norm"), ("DepthToSpace", "pixel_shuffle")),
        # Torch has no global pooling: its class is the adaptive one's.
        *(("AdaptiveAvgPool2d", "adaptive_avg_pool"), ("GlobalAveragePool", "global_avg_pool")),
        *(("Hardswish", "hard_swish"), ("ZeroPadding2D", "pad"), ("Transpose", "permute")),
    ],
)
def test_a_name_is_first_that_of_the_nearest_layer(theirs: str, ours: str) -> None:
    assert foreign_words()[theirs.lower()] == ours
