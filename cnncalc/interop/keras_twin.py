"""What computes each layer in Keras 3, channels last, as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from cnncalc.interop import keras_windows as windows
from cnncalc.interop.keras_part import Part, channels_last, made, own, refused, written
from cnncalc.layers.base import Layer, Shape, per_axis
from cnncalc.layers.window import both_sides


def spelling(layer: Layer, *inputs: Shape) -> list[Part]:
    """The parts of a layer. Raises UsageError where Keras has no spelling for it."""
    found = _SPELLINGS.get(layer.type)
    if found is None:
        raise refused(f"{layer.type} has no spelling in Keras")
    return list(found(layer, *inputs))


# Dense layers, attention and tokens


def _linear(layer: Any, *inputs: Shape) -> Iterator[Part]:
    yield made("Dense", units=layer.out_features, use_bias=layer.bias)


def _rbf(layer: Any, *inputs: Shape) -> Iterator[Part]:
    yield own("Rbf", units=layer.out_features)


def _attention(layer: Any, *inputs: Shape) -> Iterator[Part]:
    heads, channels = layer.num_heads, inputs[0][0]
    fields = {"num_heads": heads, "key_dim": channels // heads, "use_bias": layer.bias}
    yield made("MultiHeadAttention", **fields)._replace(call="module(x, x)")


def _class_token(layer: Any, *inputs: Shape) -> Iterator[Part]:
    yield own("ClassToken")


def _position_embedding(layer: Any, *inputs: Shape) -> Iterator[Part]:
    yield own("PositionEmbedding")


def _select(layer: Any, *inputs: Shape) -> Iterator[Part]:
    yield written(f"x[:, {layer.index}]")


# Normalisation


def _batch_norm(layer: Any, *inputs: Shape) -> Iterator[Part]:
    if not layer.track_running_stats:
        message = "a batch_norm without track_running_stats has no spelling in Keras"
        raise refused(message)
    # Keras weighs the statistics that are kept, torch the newest batch.
    momentum = float(1 - layer.momentum)
    yield made(
        "BatchNormalization",
        momentum=round(momentum, 12),
        epsilon=layer.eps,
        center=layer.affine,
        scale=layer.affine,
    )


def _axis(layer: Any, *inputs: Shape) -> int | list[int]:
    """The axes that are normalised together."""
    if layer.over == "all" and len(inputs[0]) > 1:
        return list(range(1, len(inputs[0]) + 1))
    return -1


def _layer_norm(layer: Any, *inputs: Shape) -> Iterator[Part]:
    affine = {"center": layer.affine, "scale": layer.affine}
    axis = _axis(layer, *inputs)
    yield made("LayerNormalization", axis=axis, epsilon=layer.eps, **affine)


def _group_norm(layer: Any, *inputs: Shape) -> Iterator[Part]:
    groups = layer.num_groups if layer.type == "group_norm" else inputs[0][0]
    affine = {"center": layer.affine, "scale": layer.affine}
    yield made("GroupNormalization", groups=groups, epsilon=layer.eps, **affine)


def _rms_norm(layer: Any, *inputs: Shape) -> Iterator[Part]:
    # Left out, it is the smallest step above 1 of a float32.
    axis, epsilon = _axis(layer, *inputs), 2.0**-23 if layer.eps is None else layer.eps
    if layer.affine:
        yield made("RMSNormalization", axis=axis, epsilon=epsilon)
    else:
        yield written(f"rms_norm(x, {axis}, {epsilon})")


def _local_response_norm(layer: Any, *inputs: Shape) -> Iterator[Part]:
    yield written(f"local_response_norm(x, {layer.size}, {layer.alpha}, {layer.beta}, {layer.k})")


def _layer_scale(layer: Any, *inputs: Shape) -> Iterator[Part]:
    yield own("ScaleAndShift", initial=layer.initial, use_bias=False)


# Functions of each value


def _activation(word: str) -> Callable[..., Iterator[Part]]:
    def parts(layer: Any, *inputs: Shape) -> Iterator[Part]:
        yield made("Activation", activation=word)

    return parts


def _relu6(layer: Any, *inputs: Shape) -> Iterator[Part]:
    yield made("ReLU", max_value=6)


def _leaky_relu(layer: Any, *inputs: Shape) -> Iterator[Part]:
    if layer.negative_slope < 0:
        slope = layer.negative_slope
        yield written(f"ops.maximum(x, 0.0) + {slope} * ops.minimum(x, 0.0)")
    else:
        yield made("LeakyReLU", negative_slope=layer.negative_slope)


def _prelu(layer: Any, *inputs: Shape) -> Iterator[Part]:
    axes = len(inputs[0])
    shared = list(range(1, axes + (layer.num_parameters == 1 or axes == 0)))
    yield made("PReLU", shared_axes=shared or None)


def _elu(layer: Any, *inputs: Shape) -> Iterator[Part]:
    yield made("ELU", alpha=layer.alpha)


def _gelu(layer: Any, *inputs: Shape) -> Iterator[Part]:
    if layer.approximate == "tanh":
        yield written("ops.gelu(x, approximate=True)")
    else:
        yield made("Activation", activation="gelu")


def _softplus(layer: Any, *inputs: Shape) -> Iterator[Part]:
    if layer.beta == 1:
        yield made("Activation", activation="softplus")
    else:
        yield written(f"ops.softplus({layer.beta} * x) / {layer.beta}")


def _dropout(layer: Any, *inputs: Shape) -> Iterator[Part]:
    axes = len(inputs[0]) - 1
    name = f"SpatialDropout{axes}D" if layer.per_channel and axes else "Dropout"
    yield made(name, rate=layer.p)


def _drop_path(layer: Any, *inputs: Shape) -> Iterator[Part]:
    shape = (None, *(1 for _ in inputs[0]))
    yield made("Dropout", rate=layer.p, noise_shape=shape)


# Shapes


def _flatten(layer: Any, *inputs: Shape) -> Iterator[Part]:
    (shape,) = inputs
    if len(shape) > 1:
        yield from _channels_first(shape)
        yield made("Flatten")


def _channels_first(shape: Shape) -> Iterator[Part]:
    """The order of torch, which is what flattening makes a difference to."""
    if sum(size > 1 for size in shape) > 1 and shape[0] > 1:
        yield made("Permute", dims=(len(shape), *range(1, len(shape))))._replace(
            suffix="_channels_first"
        )


def _reshape(layer: Any, *inputs: Shape) -> Iterator[Part]:
    (shape,), output = inputs, layer.output(*inputs)
    if shape[0] == output[0]:
        # The channels stay what they are.
        yield made("Reshape", target_shape=channels_last(output))
        return
    yield from _channels_first(shape)
    if len(output) == 1:
        yield made("Reshape", target_shape=output)
        return
    yield made("Reshape", target_shape=output)._replace(suffix="_channels_first_too")
    yield made("Permute", dims=(*range(2, len(output) + 1), 1))


def _permute(layer: Any, *inputs: Shape) -> Iterator[Part]:
    axes = len(inputs[0])
    # Where each axis of torch stands in Keras, counted from 1.
    stands = [axes, *range(1, axes)]
    order = [*range(1, axes), 0]
    yield made("Permute", dims=tuple(stands[layer.dims[axis]] for axis in order))


def _slice(layer: Any, *inputs: Shape) -> Iterator[Part]:
    stop = layer.start + layer.output(*inputs)[0]
    yield written(f"x[..., {layer.start}:{stop}]")


def _channel_shuffle(layer: Any, *inputs: Shape) -> Iterator[Part]:
    channels, *sizes = inputs[0]
    axes = len(sizes)
    split = (*sizes, layer.groups, channels // layer.groups)
    yield made("Reshape", target_shape=split)._replace(suffix="_groups")
    order = (*range(1, axes + 1), axes + 2, axes + 1)
    yield made("Permute", dims=order)._replace(suffix="_interleaved")
    yield made("Reshape", target_shape=(*sizes, channels))


def _pad(layer: Any, *inputs: Shape) -> Iterator[Part]:
    sides = list(map(both_sides, per_axis(layer.padding, len(inputs[0]) - 1)))
    if layer.mode == "constant":
        yield from (part._replace(suffix="") for part in windows.zeros(sides))
        return
    for axis, (n, (before, after)) in enumerate(zip(inputs[0][1:], sides, strict=True), 1):
        if not before and not after:
            continue
        places = f"ops.arange({-before}, {n + after})"
        if layer.mode == "circular":
            places += f" % {n}"
        elif layer.mode == "replicate":
            places = f"ops.clip({places}, 0, {n - 1})"
        else:
            places = f"{n - 1} - ops.absolute({n - 1} - ops.absolute({places}))"
        yield written(f"ops.take(x, {places}, axis={axis})")


def _crop(layer: Any, *inputs: Shape) -> Iterator[Part]:
    sides = list(map(both_sides, per_axis(layer.cropping, len(inputs[0]) - 1)))
    yield from (part._replace(suffix="") for part in windows.cropped(sides))


def _upsample(layer: Any, *inputs: Shape) -> Iterator[Part]:
    sizes, outputs = inputs[0][1:], layer.output(*inputs)[1:]
    if layer.mode == "cubic":
        # Its backends interpolate with different coefficients.
        raise refused("a cubic upsample has no spelling in Keras")
    whole = not any(o % n for n, o in zip(sizes, outputs, strict=True))
    factors = tuple(o // n for n, o in zip(sizes, outputs, strict=True))
    axes = len(sizes)
    if layer.mode == "linear" and axes == 2 and whole:
        yield made("UpSampling2D", size=factors, interpolation="bilinear")
    elif layer.mode == "linear":
        yield written(f"interpolate(x, {outputs})")
    elif whole:
        size = factors if axes > 1 else factors[0]
        yield made(f"UpSampling{axes}D", size=size)
    else:
        for axis, (n, o) in enumerate(zip(sizes, outputs, strict=True), 1):
            if n != o:
                yield written(f"ops.take(x, ops.arange({o}) * {n} // {o}, axis={axis})")


def _pixel_shuffle(layer: Any, *inputs: Shape) -> Iterator[Part]:
    channels, height, width = layer.output(*inputs)
    r = layer.upscale_factor
    split = (height // r, width // r, channels, r, r)
    yield made("Reshape", target_shape=split)._replace(suffix="_split")
    yield made("Permute", dims=(1, 4, 2, 5, 3))._replace(suffix="_order")
    yield made("Reshape", target_shape=(height, width, channels))


# Joins


def _join(name: str, **arguments: Any) -> Callable[..., Iterator[Part]]:
    def parts(layer: Any, *inputs: Shape) -> Iterator[Part]:
        if len(inputs) > 1:
            listed = ", ".join(["x", *(f"x{i}" for i in range(1, len(inputs)))])
            yield made(name, **arguments)._replace(call=f"module([{listed}])")

    return parts


_SPELLINGS: dict[str, Callable[..., Iterator[Part]]] = {
    "conv": windows.conv,
    "depthwise_conv": windows.conv,
    "locally_connected": windows.locally_connected,
    "conv_transpose": windows.conv_transpose,
    "max_pool": windows.pool,
    "min_pool": windows.pool,
    "avg_pool": windows.avg_pool,
    "subsample": windows.subsample,
    "max_unpool": windows.max_unpool,
    "adaptive_avg_pool": windows.adaptive("Average"),
    "adaptive_max_pool": windows.adaptive("Max"),
    "global_avg_pool": windows.whole_map("Average"),
    "global_max_pool": windows.whole_map("Max"),
    "linear": _linear,
    "rbf": _rbf,
    "multi_head_attention": _attention,
    "class_token": _class_token,
    "position_embedding": _position_embedding,
    "select": _select,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "instance_norm": _group_norm,
    "rms_norm": _rms_norm,
    "local_response_norm": _local_response_norm,
    "layer_scale": _layer_scale,
    "relu": _activation("relu"),
    "relu6": _relu6,
    "leaky_relu": _leaky_relu,
    "prelu": _prelu,
    "sigmoid": _activation("sigmoid"),
    "tanh": _activation("tanh"),
    "softmax": _activation("softmax"),
    "log_softmax": _activation("log_softmax"),
    "elu": _elu,
    "gelu": _gelu,
    "silu": _activation("silu"),
    "hard_swish": _activation("hard_silu"),
    "hard_sigmoid": _activation("hard_sigmoid"),
    "softplus": _softplus,
    "mish": _activation("mish"),
    "dropout": _dropout,
    "drop_path": _drop_path,
    "flatten": _flatten,
    "reshape": _reshape,
    "permute": _permute,
    "slice": _slice,
    "channel_shuffle": _channel_shuffle,
    "pad": _pad,
    "crop": _crop,
    "upsample": _upsample,
    "pixel_shuffle": _pixel_shuffle,
    "add": _join("Add"),
    "multiply": _join("Multiply"),
    "concat": _join("Concatenate"),
}
