"""The code that `cnncalc export --to keras` writes, run under Keras 3 on its torch backend."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import prod
from types import FunctionType
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"

import keras
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import cnncalc
from cnncalc.errors import UsageError
from cnncalc.graph import Graph
from cnncalc.infer import Facts, infer
from cnncalc.interop.keras_source import keras_source
from cnncalc.interop.torch_source import TAKEN
from cnncalc.layers import MODULES
from cnncalc.witness.measure import random_inputs
from tests.formatted import check_format
from tests.strategies import (
    SHADOWS,
    layers_for,
    shadowing,
    shapes_for,
    spec_of,
    specs,
    thorough,
)
from tests.zoo import zoo

pytestmark = [
    # Keras reads an index of torch through numpy, which torch does not like yet.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    # Keras doubts that one value alone should be divided by its sum.
    pytest.mark.filterwarnings("ignore:.*softmax over axis:UserWarning"),
]


def executed(source: str) -> Any:
    """The model that a module's last function makes."""
    space: dict[str, Any] = {"__name__": "exported"}
    exec(compile(source, "exported.py", "exec"), space)
    made = [v for v in space.values() if isinstance(v, FunctionType) and v.__module__ == "exported"]
    return made[-1]()


def export(graph: Graph) -> str:
    return keras_source(graph, infer(graph))


def outputs(model: Any) -> list[tuple[int, ...]]:
    shapes = model.output_shape
    return [tuple(shape[1:]) for shape in (shapes if isinstance(shapes, list) else [shapes])]


def last(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Channels last."""
    return (*shape[1:], shape[0])


@pytest.mark.parametrize("name", [name for name in zoo() if name != "segnet"])
def test_shapes_and_counts_of_every_bundled_network(name: str) -> None:
    graph = cnncalc.load(name)
    facts = {fact.node.name: fact for fact in infer(graph)}
    source = export(graph)
    check_format(source)
    with keras.device("meta"):
        model = executed(source)
    assert outputs(model) == [last(facts[n].output) for n in (*graph.outputs, *graph.auxiliary)]
    params = sum(fact.params for fact in facts.values())
    assert sum(prod(w.shape) for w in model.trainable_weights) == params
    # Keras keeps two statistics a channel; torch's count of batches is no tensor of Keras.
    kept = sum(f.buffers - (f.node.layer.type == "batch_norm") for f in facts.values())
    assert model.count_params() == params + kept
    lines: list[str] = []
    model.summary(print_fn=lambda text, **_: lines.append(text))
    assert f"Trainable params: {params:,}" in "\n".join(lines)


# Values


def copy_weights(graph: Graph, twin: Any, model: Any) -> None:
    """Gives a model of Keras the weights of the torch twin."""
    state = twin.state_dict()
    by_name = {layer.name: layer for layer in model.layers}
    for fact in infer(graph):
        node = fact.node
        mine = {k.removeprefix(f"{node.name}."): v for k, v in state.items()}
        if node.layer.type in ("rnn", "lstm", "gru"):
            copy_recurrent(node.layer, mine, by_name, node.name)
            continue
        names = [*fact.weights, *node.layer.buffers(*fact.inputs)]
        tensors = [mine[name] for name in names if name != "num_batches_tracked"]
        if tensors:
            # A model of Keras leaves out what reaches no output.
            for name in {node.name.replace(".", joint) for joint in ("_", "-")} & {*by_name}:
                arrays = as_keras(fact, *tensors)
                shapes = [tuple(weight.shape) for weight in by_name[name].weights]
                assert [tuple(array.shape) for array in arrays] == shapes, name
                by_name[name].set_weights([array.numpy() for array in arrays])


def copy_recurrent(layer: Any, mine: dict[str, Tensor], by_name: Any, name: str) -> None:
    """Keras keeps matrices the other way round, a GRU's gates as z, r, n, and fewer biases."""
    for i in range(layer.num_layers):
        title = name if i == layer.num_layers - 1 else f"{name}_l{i}"
        arrays: list[Tensor] = []
        for end in ("", "_reverse")[: 1 + layer.bidirectional]:
            tensors = {k.rsplit("_l", 1)[0]: v for k, v in mine.items() if k.endswith(f"l{i}{end}")}
            if layer.type == "gru":
                for key, tensor in tensors.items():
                    reset, update, new = tensor.chunk(3)
                    tensors[key] = torch.cat((update, reset, new))
            arrays += [tensors.pop("weight_ih").T, tensors.pop("weight_hh").T]
            biases = list(tensors.values())
            if len(biases) == 2:
                both = torch.stack(biases)
                biases = [both if layer.type == "gru" else both.sum(0)]
            arrays += biases
        for joint in ("_", "-"):
            if (found := title.replace(".", joint)) in by_name:
                by_name[found].set_weights([array.numpy() for array in arrays])
                break


def as_keras(fact: Facts, *tensors: Tensor) -> list[Tensor]:
    """A layer's tensors in the order and the axes of Keras."""
    layer: Any = fact.node.layer
    shape, weight = fact.inputs[0], tensors[0]
    axes = len(shape) - 1
    taps = tuple(range(2, 2 + axes))
    match layer.type:
        case "conv" if weight.dim() == axes + 1:
            return [weight.flatten(1).T, *tensors[1:]]
        case "conv" | "depthwise_conv":
            out, groups = fact.output[0], layer.wiring_groups(*fact.inputs)
            windows = layer.windows(*fact.inputs)
            strides = {window.stride for window in windows}
            dilated = max(window.dilation for window in windows) > 1
            if groups == shape[0] > 1 and axes < 3 and (len(strides) == 1 or dilated):
                split = weight.reshape(shape[0], out // shape[0], *weight.shape[2:])
                return [split.permute(*taps, 0, 1), *tensors[1:]]
            return [weight.permute(*taps, 1, 0), *tensors[1:]]
        case "conv_transpose":
            return [weight.permute(*taps, 1, 0), *tensors[1:]]
        case "locally_connected":
            # (out, *positions, in, *kernel) to (*positions, kernel and in, out).
            places = range(1, axes + 1)
            kernel = range(axes + 2, 2 * axes + 2)
            moved = weight.permute(*places, *kernel, axes + 1, 0).flatten(axes, 2 * axes)
            return [moved, *(bias.movedim(0, -1) for bias in tensors[1:])]
        case "linear":
            return [weight.T, *tensors[1:]]
        case "multi_head_attention":
            channels, heads = shape[0], layer.num_heads
            per_head = (channels, heads, channels // heads)
            weights, rest = tensors[0].chunk(3), tensors[2:]
            projections = [w.T.reshape(per_head) for w in weights]
            output = tensors[1].T.reshape(*per_head[1:], channels)
            if not rest:
                return [*projections, output]
            biases = [b.reshape(per_head[1:]) for b in rest[0].chunk(3)]
            pairs = zip(projections, biases, strict=True)
            return [*(t for pair in pairs for t in pair), output, rest[1]]
        case "layer_norm" | "rms_norm":
            return [tensor.movedim(0, -1) for tensor in tensors]
        case "layer_scale":
            return [weight.flatten()]
        case "prelu":
            return [weight.reshape(*[1] * axes, -1)]
        case _:
            return list(tensors)


def same_values(spec: Any) -> None:
    """The twin in torch and the model of Keras give the same, with the same weights."""
    graph = cnncalc.load(spec)
    torch.manual_seed(0)
    source = export(graph)
    twin: Any = cnncalc.build(graph).eval()
    for name, tensor in twin.state_dict().items():
        if name.endswith("running_var") or ("weight" in name and tensor.dim() == 1):
            tensor.uniform_(0.5, 1.5)
        elif name.endswith(("running_mean", "bias")):
            tensor.uniform_(-0.5, 0.5)
    model = executed(source)
    copy_weights(graph, twin, model)
    inputs = random_inputs(graph, 2)
    with torch.no_grad():
        wanted = twin(*inputs)
        moved = [x.movedim(1, -1) if x.is_floating_point() else x for x in inputs]
        found = model(moved if len(moved) > 1 else moved[0])
    pairs = (x if isinstance(x, (list, tuple)) else [x] for x in (found, wanted))
    for a, b in zip(*pairs, strict=True):
        torch.testing.assert_close(a.movedim(-1, 1), b, rtol=1e-3, atol=1e-4)


def refusable(layer: dict[str, Any]) -> bool:
    """Whether a layer's fields are among those that Keras has no spelling for."""
    ((word, fields),) = layer.items()
    if word == "repeat":
        return any(map(refusable, mappings(fields["layers"])))
    if word == "max_unpool":
        return True
    dilated, strided = (above_one(fields.get(name, 1)) for name in ("dilation", "stride"))
    refused: dict[str, bool] = {
        "attention": "relative_position_bias" in fields,
        "batch_norm": fields.get("track_running_stats") is False,
        "conv_transpose": fields.get("groups", 1) > 1 or (dilated and strided),
        "embedding": fields.get("padding_idx") is not None,
        "lstm": fields.get("proj_size") is not None,
        "max_pool": dilated,
        "min_pool": dilated,
        "upsample": fields.get("mode") == "cubic",
    }
    return refused.get(word, False)


def mappings(item: Any) -> Iterator[dict[str, Any]]:
    """Every word with its fields in a spec, branches included."""
    values = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
    if isinstance(item, dict):
        yield from ({word: v} for word, v in item.items() if isinstance(v, dict))
        if "max_unpool" in item:
            yield {"max_unpool": {}}
    for value in values:
        yield from mappings(value)


def above_one(value: Any) -> bool:
    return any(number > 1 for number in (value if isinstance(value, list) else [value]))


@pytest.mark.parametrize("word", MODULES)
@thorough(6)
@given(data=st.data())
def test_values_of_every_layer(word: str, data: st.DataObject) -> None:
    """On random fields: the values of the twin, or a refusal where one is due."""
    shape = data.draw(shapes_for(word))
    layer = data.draw(layers_for(shape, word))
    spec = spec_of(layer, shape)
    found = word == "max_unpool" or (isinstance(layer, dict) and isinstance(layer.get(word), dict))
    if found and refusable(layer):
        words = f"{word}|max_pool" if word == "max_unpool" else word
        message = f"^[\\w.]+: an? (cubic )?({words}) .*no spelling in Keras"
        with pytest.raises(UsageError, match=message):
            export(cnncalc.load(spec))
    else:
        same_values(spec)


@thorough(15)
@given(spec=specs().filter(lambda spec: not any(map(refusable, mappings(spec)))))
def test_values_of_random_networks(spec: dict[str, Any]) -> None:
    check_format(export(cnncalc.load(spec)))
    same_values(spec)


SMALL = [
    "lenet5",
    "lenet5-1998",
    "keras-mnist",
    "simple-convnet",
    "cs231n-demo",
    "convnet-39x31",
    "m5",
    "three-layer-convnet",
    "deep-convnet",
    "preresnet110-cifar",
    "mobilenet_v3_small",
    "shufflenet_v2_x0_5",
    "squeezenet1_1",
    "resnet18",
    "googlenet-torchvision",
    "alexnet-2012",
    "vit_b_32",
    "unet",
    "densenet121",
    "efficientnet_b0",
]


@pytest.mark.parametrize("name", SMALL)
def test_values_of_bundled_networks(name: str) -> None:
    same_values(name)


OWN = [
    {"upsample": {"scale_factor": 2, "mode": "linear"}},
    {"locally_connected": {"out_channels": 2, "kernel_size": 2}},
    {"local_response_norm": 3},
    {"subsample": 2},
    {"rms_norm": None},
]
"""Layers for which the code takes along definitions of ours."""


def test_no_name_shadows_what_the_code_uses() -> None:
    # The twin's modules have the layers' names.
    free = [word for word in SHADOWS if word not in TAKEN and not word.startswith("__")]
    same_values(shadowing(OWN, SHADOWS, free))


@pytest.mark.parametrize("word", ["x", "len", "super", "sum", "zip", "keras", "filters", "range"])
def test_one_name_shadows_nothing(word: str) -> None:
    same_values(shadowing(OWN, [word, "other"], [word, "value"]))


@pytest.mark.parametrize("word", ["add", "multiply", "concat"])
def test_a_join_of_many(word: str) -> None:
    names = [f"n{i}" for i in range(500)]
    layers = [{"tanh": None, "name": name, "from": "input"} for name in names]
    spec = {"name": "many", "input": {"features": 2}}
    same_values({**spec, "layers": [*layers, {word: None, "from": names}]})


@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, 5, 7])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_transposed_same_is_that_of_keras(kernel_size: int, stride: int) -> None:
    """The gradient of the convolution with `same`: Keras' own, on what it reads and gives."""
    sizes = {"kernel_size": kernel_size, "stride": stride, "padding": "same"}
    graph = cnncalc.load(spec_of({"conv_transpose": {"out_channels": 1, **sizes}}, (1, 7, 7)))
    twin: Any = cnncalc.build(graph).eval()
    kernel = twin.upconv1.weight
    x, y = torch.randn(1, 1, 7, 7), torch.randn(1, 7 * stride, 7 * stride, 1)
    convolved = keras.ops.conv(
        y, kernel.detach().permute(2, 3, 1, 0), strides=stride, padding="same"
    )
    with torch.no_grad():
        given = twin(x) - twin.upconv1.bias
    assert given.shape == (1, 1, 7 * stride, 7 * stride)
    # What is transposed: ⟨Aᵀx, y⟩ = ⟨x, Ay⟩.
    one, other = (given[0, 0] * y[0, ..., 0]).sum(), (x[0, 0] * convolved[0, ..., 0]).sum()
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
