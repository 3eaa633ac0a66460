"""What other frameworks call our layers and fields: the names of the table are theirs."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"

import keras
import pytest
import torch

from cnncalc.layers import MODULES, layer_class
from cnncalc.layers.foreign import foreign_fields, foreign_layers, foreign_words
from cnncalc.spec.advice import field_names, unknown_activation, unknown_field, unknown_layer
from cnncalc.spec.calls import PLACES, as_item
from tests.command import cnncalc


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


def classes(home: Any) -> list[str]:
    """The layers of a framework."""
    base = torch.nn.Module if home is torch.nn else keras.layers.Layer
    there = vars(home).items()
    return [name for name, value in there if isinstance(value, type) and issubclass(value, base)]


def test_no_word_of_another_framework_is_taken_for_another_thing() -> None:
    there = vars(torch.nn.functional).items()
    functions = [name for name, f in there if callable(f) and name[0] != "_"]
    words = {*classes(torch.nn), *classes(keras.layers), *functions}
    assert len(words) > 300
    words |= {word.lower() for word in words} | {f"nn.{word}" for word in words}
    said = {word: unknown_layer(word) for word in words if word not in MODULES}
    assert {word: text for word, text in said.items() if "did you mean" in text} == {}
    names = [*vars(keras.activations), *functions, *classes(torch.nn)]
    said = {name: unknown_activation(name) for name in names if name[0].isalpha()}
    assert {word: text for word, text in said.items() if "did you mean" in text} == {}


FIELDS = {
    "bias": {"use_bias"},
    "channel_multiplier": {"depth_multiplier"},
    "dilation": {"dilation_rate"},
    "embedding_dim": {"output_dim"},
    "eps": {"epsilon"},
    "affine": {"elementwise_affine"},
    "hidden_size": {"units"},
    "keepdim": {"keepdims"},
    "kernel_size": {"pool_size"},
    "mode": {"interpolation"},
    "nonlinearity": {"activation"},
    "num_embeddings": {"input_dim"},
    "num_groups": {"groups"},
    "out_channels": {"filters"},
    "out_features": {"units"},
    "p": {"rate"},
    "scale_factor": {"size"},
    "shape": {"target_shape"},
    "stride": {"strides"},
}
"""The arguments of torch's and Keras' classes that are a field of ours by another name."""


def test_every_argument_has_its_true_counterpart_or_none() -> None:
    asked = 0
    for word, names in foreign_layers().items():
        cls = layer_class(word)
        for home, kinds in ((torch.nn, names.torch), (keras.layers, names.keras)):
            for kind in kinds:
                for argument in inspect.signature(getattr(home, kind).__init__).parameters:
                    if argument in ("self", "args", "kwargs", *field_names(cls)):
                        continue
                    asked += 1
                    said = unknown_field(cls, argument)
                    assert "did you mean" not in said, (word, argument)
                    _, called, ours = said.partition("the field is called ")
                    assert not called or argument in FIELDS[ours], (word, argument)
    assert asked > 200


def test_arguments_that_have_places_have_those() -> None:
    for (home, word), places in PLACES.items():
        for name in getattr(foreign_layers()[word], home):
            kind = getattr(torch.nn if home == "torch" else keras.layers, name)
            there = [p for p in inspect.signature(kind.__init__).parameters if p != "self"]
            assert there[: len(places)] == places, name


@pytest.mark.parametrize(
    ("call", "ours", "item"),
    [
        ("Conv2d(3, 6, 5)", "conv", "{conv: {out_channels: 6, kernel_size: 5}}"),
        (
            "torch.nn.Conv2d(3, 64, kernel_size=(7, 3), stride=2, padding=3, bias=False)",
            "conv",
            "{conv: {out_channels: 64, kernel_size: [7, 3], stride: 2, padding: 3, bias: false}}",
        ),
        ("nn.Linear(120, 10)", "linear", "{linear: {out_features: 10}}"),
        ("nn.MaxPool2d(2, 2)", "max_pool", "{max_pool: {kernel_size: 2, stride: 2}}"),
        ("nn.ReLU(inplace=True)", "relu", "relu"),
        ("nn.BatchNorm2d(64)", "batch_norm", "batch_norm"),
        ("nn.Dropout(0.5)", "dropout", "{dropout: {p: 0.5}}"),
        (
            "layers.Conv2D(32, 3, strides=2, padding='same', activation='relu')",
            "conv",
            "{conv: {out_channels: 32, kernel_size: 3, stride: 2, padding: same, "
            "activation: relu}}",
        ),
        ("Dense(10, 'relu')", "linear", "{linear: {out_features: 10, activation: relu}}"),
        # What cannot be told is not guessed.
        ("Conv2d(3, 6)", "conv", None),
        ("Conv2d(channels, 6, 5)", "conv", None),
        ("Conv2d(3, 6, 5, padding_mode='reflect')", "conv", None),
        ("Conv2d(__import__('os'), 6, 5)", "conv", None),
        ("Conv2d(3, 6, 5", "conv", None),
        ("Conv2d(*[3, 6, 5])", "conv", None),
        ("Conv2d(**{})", "conv", None),
        ("Conv2d(" + "(" * 150 + ")", "conv", None),
    ],
)
def test_a_call_is_written_as_an_item(call: str, ours: str, item: str | None) -> None:
    assert as_item(call, ours) == item


@pytest.mark.parametrize(
    ("item", "hint"),
    [
        ("nn.Conv2d", "no such layer; the layer is called conv"),
        ("tf.keras.layers.Dense", "no such layer; the layer is called linear"),
        ("nn.LazyConv2d", "no such layer; the layer is called conv"),
        ("Conv2d(3, 6, 5)", "no such layer; write {conv: {out_channels: 6, kernel_size: 5}}"),
        ("selu", "no such layer; `cnncalc layers` lists them"),
        ("glu", "no such layer; `cnncalc layers` lists them"),
        ("max_pol: 2", "no such layer; did you mean max_pool?"),
        ("conv: {out_channels: 8, kernel_size: 3, padding: SAME}", 'not "SAME"; write same'),
        ("conv: {out_channels: 8, kernel_size: 3x3}", 'not "3x3"; write 3'),
        ("conv: {out_channels: 8, kernel_size: 1×7}", 'not "1×7"; write [1, 7]'),
        ('max_pool: "(2, 2)"', 'not "(2, 2)"; write 2'),
        (
            "conv: {out_channels: 8, kernel_size: 3, padding: reflect}",
            "; a pad with mode reflect before it makes such borders",
        ),
        ('conv: {out_channels: 8, kernel_size: 3, bias: "False"}', "; write false"),
        ("conv: {out_channels: 8, kernel_size: 3, activation: nn.ReLU()}", "; it is called relu"),
        ("upsample: {scale_factor: 2, mode: bilinear}", 'not "bilinear"; write linear'),
        ("upsample: {scale_factor: 2, mode: bicubic}", 'not "bicubic"; write cubic'),
        ("upsample: {scale_factor: 2, mode: area}", 'not "area"'),
        (
            "conv: {out_channels: 8, kernel_size: 3, padding_mode: zeros}",
            "no such field of conv; borders are zeros: a pad with another mode before it makes "
            "others",
        ),
        (
            "batch_norm: {scale: false}",
            "; affine: false leaves out scale and shift, of batch_norm affine: shift the scale",
        ),
        (
            "multi_head_attention: {num_heads: 3, qkv_bias: true}",
            "; bias is that of all projections, the last one too",
        ),
        (
            "conv: {out_channels: 8, kernel_size: 3, kernel_initializer: he}",
            "; a spec says nothing of how weights start or are held",
        ),
    ],
)
def test_words_of_the_field_get_the_right_hint(
    item: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(
        f"input: {{height: 32, width: 32, channels: 3}}\nlayers:\n  - {item}\n"
    )
    result = cnncalc("table", "net.yaml")
    assert (result.code, result.out) == (2, "")
    (line,) = result.err.splitlines()
    assert line.endswith(hint)
