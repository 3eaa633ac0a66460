"""Random layers and random networks, as the plain values that a spec file holds.

`layers_for(shape)` knows every word of the language: a new layer gets all property tests by one
function here. Everything drawn is valid, and small enough to be carried out by the oracle.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from cnncalc.infer import infer
from cnncalc.layers import MODULES, layer_class
from cnncalc.layers.base import Ids, Shape
from cnncalc.spec.load import load

Item = Any
"""One entry of `layers`: a word, or a mapping."""

INPUT_KEYS = {
    0: ("features",),
    1: ("channels", "length"),
    2: ("channels", "height", "width"),
    3: ("channels", "depth", "height", "width"),
}
_LARGEST = {0: 12, 1: 12, 2: 7, 3: 4}
_KERNEL = {1: 5, 2: 4, 3: 3}
_PADDING = {1: 4, 2: 2, 3: 1}


def thorough(examples: int) -> settings:
    """That many cases, the same ones in every run, however slow the machine."""
    return settings(max_examples=examples, deadline=None, derandomize=True, database=None)


def input_of(shape: Shape) -> dict[str, int]:
    """`input` of a spec for a shape (channels first)."""
    if isinstance(shape, Ids):
        return {"length": shape[0]}
    return dict(zip(INPUT_KEYS[len(shape) - 1], shape, strict=True))


def spec_of(item: Item, shape: Shape) -> dict[str, Any]:
    """A network of one layer."""
    return {"name": "one", "input": input_of(shape), "layers": [item]}


def undone(pooling: Any) -> Item:
    """A max pooling and what undoes it, as one item; the values between are others."""
    layers = [{"max_pool": pooling, "name": "pool"}, "sigmoid"]
    layers.append({"max_unpool": None, "indices_of": "pool"})
    return {"repeat": {"times": 1, "layers": layers}}


def output_of(item: Item, shape: Shape) -> Shape:
    """What the next layer reads: generated networks have to go on from there."""
    return infer(load(spec_of(item, shape)))[-1].output


@st.composite
def shapes(draw: DrawFn, min_axes: int = 0, max_axes: int = 3) -> Shape:
    """A vector, or channels and up to three spatial sizes."""
    axes = draw(st.integers(min_axes, max_axes))
    if axes == 0:
        return (draw(st.integers(1, _LARGEST[0])),)
    sizes = draw(st.lists(st.integers(1, _LARGEST[axes]), min_size=axes, max_size=axes))
    return (draw(st.sampled_from([1, 2, 3, 4, 4])), *sizes)


def ids() -> SearchStrategy[Shape]:
    """A row of whole numbers."""
    return st.integers(1, _LARGEST[1]).map(lambda length: Ids((length,)))


def shapes_for(word: str) -> SearchStrategy[Shape]:
    """A shape that a word makes sense on."""
    return ids() if word in _IDS else shapes().filter(lambda shape: word in words_for(shape))


# Fields


def _divisors(*numbers: int) -> SearchStrategy[int]:
    limit = min(numbers)
    return st.sampled_from([d for d in range(1, limit + 1) if not any(n % d for n in numbers)])


def _spelled(draw: DrawFn, values: list[Any]) -> Any:
    """One value for each axis, or one for all where they agree."""
    one_for_all = not isinstance(values[0], list) and len({*map(str, values)}) == 1
    return values[0] if one_for_all and draw(st.booleans()) else values


@st.composite
def windows(
    draw: DrawFn, sizes: tuple[int, ...], pool: bool = False, dilated: bool = True
) -> dict[str, Any]:
    """kernel_size, stride, padding and dilation with which at least one window fits."""
    axes = len(sizes)
    columns: dict[str, list[Any]] = {"kernel_size": [], "stride": [], "padding": [], "dilation": []}
    for n in sizes:
        kernel = draw(st.integers(1, _KERNEL[axes]))
        dilation = draw(st.integers(1, 3)) if dilated else 1
        largest = kernel // 2 if pool else _PADDING[axes]
        before, after = draw(st.tuples(st.integers(0, largest), st.integers(0, largest)))
        missing = dilation * (kernel - 1) + 1 - n - before - after
        if missing > 0 and pool:
            # More than half of the kernel is too much padding for a pool.
            before, after, dilation = largest, largest, 1
        elif missing > 0:
            after += missing
        columns["kernel_size"].append(kernel)
        columns["stride"].append(draw(st.integers(1, 4)))
        columns["padding"].append(before if before == after else [before, after])
        columns["dilation"].append(dilation)
    word = draw(st.sampled_from([None, None, None, "same", "valid"]))
    if word == "valid":
        fitting = [
            max(1, min(k, (n - 1) // d + 1))
            for k, d, n in zip(columns["kernel_size"], columns["dilation"], sizes, strict=True)
        ]
        columns["kernel_size"] = fitting
    if any(isinstance(side, list) for side in columns["padding"]):
        columns["padding"] = [p if isinstance(p, list) else [p, p] for p in columns["padding"]]
    fields = {key: _spelled(draw, values) for key, values in columns.items()}
    if word is not None:
        fields["padding"] = word
    if pool and draw(st.booleans()):
        # Left out, the stride of a pool is its kernel.
        del fields["stride"]
    if not dilated:
        del fields["dilation"]
    return fields


def _activations(shape: Shape) -> SearchStrategy[Any]:
    prelu = st.sampled_from([1, shape[0]]).map(lambda n: {"prelu": {"num_parameters": n}})
    words = st.sampled_from(["relu", "sigmoid", "softmax", "gelu", "mish"])
    return st.one_of(words, prelu, st.just({"leaky_relu": {"negative_slope": 0.2}}))


_OUT = st.integers(1, 4)


@st.composite
def conv_fields(draw: DrawFn, shape: Shape) -> dict[str, Any]:
    """A convolution: dense, grouped, or with a table of connections."""
    fields = draw(windows(shape[1:]))
    kind = draw(st.sampled_from(["dense", "groups", "connections"]))
    fields["out_channels"] = draw(_OUT)
    if kind == "groups":
        fields["groups"] = groups = draw(_divisors(shape[0]))
        fields["out_channels"] = groups * draw(st.integers(1, 2))
    if kind == "connections":
        maps = st.lists(st.integers(0, shape[0] - 1), min_size=1, unique=True)
        fields["connections"] = [draw(maps) for _ in range(fields["out_channels"])]
    return fields


@st.composite
def conv_transpose_fields(draw: DrawFn, shape: Shape) -> dict[str, Any]:
    """A transposed convolution that leaves at least one output position."""
    axes = len(shape) - 1
    columns: dict[str, list[Any]] = {
        "kernel_size": [],
        "stride": [],
        "padding": [],
        "dilation": [],
        "output_padding": [],
    }
    for n in shape[1:]:
        kernel = draw(st.integers(1, _KERNEL[axes]))
        stride, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 3))
        added = draw(st.integers(0, max(stride, dilation) - 1))
        whole = (n - 1) * stride + dilation * (kernel - 1) + 1 + added
        before = draw(st.integers(0, min(2, whole - 1)))
        after = draw(st.integers(0, min(2, whole - 1 - before)))
        columns["kernel_size"].append(kernel)
        columns["stride"].append(stride)
        columns["padding"].append([before, after])
        columns["dilation"].append(dilation)
        columns["output_padding"].append(added)
    fields = {key: _spelled(draw, values) for key, values in columns.items()}
    if draw(st.integers(0, 3)) == 0:
        fields["padding"] = draw(st.sampled_from(["same", "valid", "half"]))
        fields.pop("output_padding")
        if min(shape[1:]) == 1 and fields["padding"] == "half":
            # Half of an even kernel on both sides is all of it.
            fields["padding"] = "valid"
    fields["groups"] = groups = draw(_divisors(shape[0]))
    fields["out_channels"] = groups * draw(st.integers(1, 2))
    return fields


@st.composite
def _pad_fields(draw: DrawFn, shape: Shape) -> dict[str, Any]:
    mode = draw(st.sampled_from(["constant", "reflect", "replicate", "circular"]))
    limits = [{"reflect": n - 1, "circular": n}.get(mode, 3) for n in shape[1:]]
    sides = [draw(st.lists(st.integers(0, n), min_size=2, max_size=2)) for n in limits]
    return {"padding": sides, "mode": mode}


@st.composite
def _crop_fields(draw: DrawFn, shape: Shape) -> dict[str, Any]:
    sides = []
    for n in shape[1:]:
        before = draw(st.integers(0, n - 1))
        sides.append([before, draw(st.integers(0, n - 1 - before))])
    return {"cropping": sides}


def _sizes(shape: Shape, largest: int) -> SearchStrategy[list[int]]:
    axes = len(shape) - 1
    return st.lists(st.integers(1, largest), min_size=axes, max_size=axes)


@st.composite
def _upsample_fields(draw: DrawFn, shape: Shape) -> dict[str, Any]:
    field, largest = draw(st.sampled_from([("scale_factor", 3), ("size", 12)]))
    mode = draw(st.sampled_from(["nearest", "linear", "cubic"]))
    return {field: _spelled(draw, draw(_sizes(shape, largest))), "mode": mode}


@st.composite
def _slice_fields(draw: DrawFn, shape: Shape) -> dict[str, Any]:
    axis = draw(st.sampled_from([0, *range(len(shape))]))
    start = draw(st.integers(0, shape[axis] - 1))
    stop = draw(st.one_of(st.none(), st.integers(start + 1, shape[axis])))
    along = {"axis": axis} if axis else {}
    return {"start": start, **({} if stop is None else {"stop": stop}), **along}


@st.composite
def _branches(draw: DrawFn, shape: Shape, word: str) -> list[list[Item]]:
    """Branches whose ends fit together: each keeps the shape, as far as the join wants it."""
    branches = [draw(_body(shape)) for _ in range(draw(st.integers(2, 3)))]
    if word == "multiply" and len(shape) > 1:
        branches[0] = [*branches[0], {"global_avg_pool": {"keepdim": True}}]
    if word == "concat":
        wider = {"conv": {"out_channels": draw(_OUT), "kernel_size": 1}}
        branches[0].append(wider if len(shape) > 1 else {"linear": draw(_OUT)})
    return branches


@st.composite
def _matrices(draw: DrawFn, shape: Shape) -> list[list[Item]]:
    """Two branches that meet: the second has as many channels as the first has at the end."""
    meets: Item = {"conv": {"out_channels": shape[-1], "kernel_size": 1}}
    first: list[Item] = [{"conv": {"out_channels": draw(_OUT), "kernel_size": 1}}]
    if shape[0] == shape[-1]:
        return [draw(st.sampled_from([[], first])), draw(st.sampled_from([[], [meets]]))]
    return [draw(st.sampled_from([[], first])), [meets, *draw(st.sampled_from([[], ["tanh"]]))]]


@st.composite
def _windows_of(draw: DrawFn, shape: Shape) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields that cut a shape into windows, and those that put them back."""
    size = [draw(_divisors(n)) for n in shape[1:]]
    shift = [draw(st.integers(0, s - 1)) for s in size]
    fields: dict[str, Any] = {"size": size, "shift": shift, "grid": draw(_FLAG)}
    return fields, {**fields, "output_size": list(shape[1:])}


@st.composite
def _attention_fields(draw: DrawFn, shape: Shape) -> dict[str, Any]:
    """Queries, keys and values of their own numbers, widths and heads."""
    channels, length = shape[0], shape[-1]
    heads = draw(_divisors(channels))
    shared = draw(_divisors(heads))
    fields: dict[str, Any] = {"num_heads": heads, "num_kv_heads": shared, "causal": draw(_FLAG)}
    last = [[0, 0]] * (len(shape) - 2)
    cut: list[Item] = []
    if draw(_FLAG):
        fields["relative_position_bias"] = [length]
    else:
        cut = [{"crop": [*last, [0, draw(st.integers(0, length - 1))]]}]
    fewer = {"conv": {"out_channels": channels // heads * shared, "kernel_size": 1}}
    width = shared * draw(st.sampled_from([1, 3, channels // heads]))
    values = {"conv": {"out_channels": width, "kernel_size": 1}}
    keys = [] if shared == heads and draw(_FLAG) else [fewer]
    same = shared == heads and draw(_FLAG)
    fields["branches"] = [draw(_body(shape)), [*cut, *keys], [*cut] if same else [*cut, values]]
    return fields


@st.composite
def _body(draw: DrawFn, shape: Shape) -> list[Item]:
    """Up to two layers that keep the shape."""
    keep: list[Item] = ["relu", "batch_norm", {"dropout": 0.3}, {"add": [["tanh"], []]}]
    if len(shape) > 1:
        keep.append({"conv": {"out_channels": shape[0], "kernel_size": 3, "padding": "same"}})
        keep.append({"max_pool": {"kernel_size": 3, "stride": 1, "padding": 1}})
    else:
        keep.append({"linear": shape[0]})
    return draw(st.lists(st.sampled_from(keep), max_size=2))


def _fixed(**fields: SearchStrategy[Any]) -> Callable[[Shape], SearchStrategy[dict[str, Any]]]:
    return lambda shape: st.fixed_dictionaries(fields)


_FLAG = st.booleans()
_FUNCTIONS: list[dict[str, Any]] = [
    *({"kind": kind} for kind in ("abs", "square", "sin", "cos", "neg")),
    *({"kind": "clamp", **bounds} for bounds in ({"min": 0}, {"max": 0.5}, {"min": -1, "max": 1})),
]


def _constants(channels: int) -> SearchStrategy[Any]:
    number = st.sampled_from([0, 1, 0.5, -2])
    return number | st.lists(number, min_size=channels, max_size=channels)


_NOTHING = _fixed()

_ANY: dict[str, Callable[[Shape], SearchStrategy[Any]]] = {
    "batch_norm": _fixed(
        affine=st.sampled_from([True, False, "scale", "shift"]), track_running_stats=_FLAG
    ),
    "layer_norm": _fixed(over=st.sampled_from(["channels", "all"]), affine=_FLAG),
    "group_norm": lambda s: st.fixed_dictionaries({"num_groups": _divisors(s[0]), "affine": _FLAG}),
    "prelu": lambda s: st.fixed_dictionaries({"num_parameters": st.sampled_from([1, s[0]])}),
    "leaky_relu": _fixed(negative_slope=st.sampled_from([0.01, 0.3])),
    "gelu": _fixed(approximate=st.sampled_from(["none", "tanh"])),
    "rms_norm": _fixed(over=st.sampled_from(["channels", "all"]), affine=_FLAG),
    "layer_scale": _fixed(initial=st.sampled_from([1e-6, 1.0])),
    "scale": lambda s: st.fixed_dictionaries(
        {name: _constants(s[0]) for name in ("factor", "offset")}
    ),
    # The others are not everywhere finite.
    "function": lambda s: st.sampled_from(_FUNCTIONS),
    "drop_path": _fixed(p=st.sampled_from([0, 0.5, 1])),
    "slice": _slice_fields,
    "dropout": _fixed(p=st.sampled_from([0, 0.5, 1]), per_channel=_FLAG),
    "elu": _fixed(alpha=st.sampled_from([0.5, 1.0])),
    "softplus": _fixed(beta=st.sampled_from([1.0, 2.0])),
    "log_softmax": _NOTHING,
    "flatten": _NOTHING,
    "reshape": lambda s: st.fixed_dictionaries(
        {"shape": st.sampled_from([[-1], [prod(s)], [s[0], -1], list(s[::-1])])}
    ),
    "permute": lambda s: st.fixed_dictionaries({"dims": st.permutations(list(range(len(s))))}),
    "add": lambda s: _branches(s, "add"),
    "multiply": lambda s: _branches(s, "multiply"),
    "concat": lambda s: _branches(s, "concat"),
} | dict.fromkeys(
    ["relu", "relu6", "silu", "sigmoid", "tanh", "hard_swish", "hard_sigmoid", "softmax", "mish"],
    _NOTHING,
)

_VECTOR: dict[str, Callable[[Shape], SearchStrategy[Any]]] = {
    "linear": _fixed(out_features=st.integers(1, 8), bias=_FLAG),
    "rbf": _fixed(out_features=st.integers(1, 8)),
}


def _window_fields(
    pool: bool = False, dilated: bool = True, **more: SearchStrategy[Any]
) -> Callable[[Shape], SearchStrategy[dict[str, Any]]]:
    return lambda shape: st.builds(
        lambda a, b: a | b, windows(shape[1:], pool, dilated), st.fixed_dictionaries(more)
    )


def _mean_fits(fields: dict[str, Any], shape: Shape) -> bool:
    """torch's mean over three axes wants an input as large as the kernel, where it pads itself."""
    kernel, padding = fields["kernel_size"], fields["padding"]
    kernels = kernel if isinstance(kernel, list) else [kernel] * 3
    sides = padding if isinstance(padding, list) else []
    apart = padding == "same" or any(isinstance(p, list) and p[0] != p[1] for p in sides)
    return len(shape) < 4 or apart or all(k <= n for k, n in zip(kernels, shape[1:], strict=True))


def _output_size(shape: Shape) -> SearchStrategy[Any]:
    return st.fixed_dictionaries({"output_size": st.one_of(st.integers(1, 5), _sizes(shape, 6))})


_SPATIAL: dict[str, Callable[[Shape], SearchStrategy[Any]]] = {
    "conv": lambda s: st.builds(lambda a, b: a | {"bias": b}, conv_fields(s), _FLAG),
    "depthwise_conv": _window_fields(channel_multiplier=st.integers(1, 2), bias=_FLAG),
    "separable_conv": _window_fields(
        out_channels=_OUT, channel_multiplier=st.integers(1, 2), bias=_FLAG
    ),
    "locally_connected": _window_fields(out_channels=_OUT, bias=_FLAG),
    "conv_transpose": lambda s: st.builds(
        lambda a, b: a | {"bias": b}, conv_transpose_fields(s), _FLAG
    ),
    "max_pool": _window_fields(pool=True, ceil_mode=_FLAG),
    "min_pool": _window_fields(pool=True, ceil_mode=_FLAG),
    "avg_pool": lambda s: _window_fields(
        pool=True, dilated=False, ceil_mode=_FLAG, count_include_pad=_FLAG
    )(s).filter(lambda fields: _mean_fits(fields, s)),
    "subsample": _window_fields(pool=True, dilated=False),
    "max_unpool": _window_fields(pool=True, ceil_mode=_FLAG),
    "blur_pool": lambda s: st.fixed_dictionaries(
        # Torch reflects fewer positions than there are.
        {
            "kernel_size": st.tuples(*(st.integers(1, min(5, 2 * n - 1)) for n in s[1:])).map(list),
            "stride": st.integers(1, 3),
        }
    ),
    "adaptive_avg_pool": _output_size,
    "adaptive_max_pool": _output_size,
    "global_avg_pool": _fixed(keepdim=_FLAG),
    "global_max_pool": _fixed(keepdim=_FLAG),
    "instance_norm": _fixed(affine=_FLAG),
    "local_response_norm": _fixed(size=st.integers(1, 5)),
    "pad": _pad_fields,
    "crop": _crop_fields,
    "upsample": _upsample_fields,
    "pixel_shuffle": lambda s: st.fixed_dictionaries(
        {"upscale_factor": st.sampled_from([r for r in (1, 2) if s[0] % r**2 == 0])}
    ),
    "pixel_unshuffle": lambda s: st.fixed_dictionaries(
        {"downscale_factor": _divisors(*s[1:]) if len(s) == 3 else st.just(1)}
    ),
    "channel_shuffle": lambda s: st.fixed_dictionaries({"groups": _divisors(s[0])}),
    "linear": _fixed(out_features=st.integers(1, 8), bias=_FLAG, position_wise=st.just(True)),
    "attention": _attention_fields,
    "matmul": lambda s: _matrices(s),
    "window_partition": lambda s: st.builds(lambda fields: fields[0], _windows_of(s)),
    "window_reverse": lambda s: st.builds(lambda fields: fields[1], _windows_of(s)),
}

_TOKENS: dict[str, Callable[[Shape], SearchStrategy[Any]]] = {
    "multi_head_attention": lambda s: st.fixed_dictionaries(
        {"num_heads": _divisors(s[0]), "bias": _FLAG}
    ),
    "class_token": _NOTHING,
    "position_embedding": _NOTHING,
    "select": lambda s: st.fixed_dictionaries({"index": st.integers(0, s[1] - 1)}),
}

_IDS: dict[str, Callable[[Shape], SearchStrategy[Any]]] = {
    "embedding": _fixed(
        num_embeddings=st.integers(4, 20),
        embedding_dim=_OUT,
        padding_idx=st.none() | st.integers(0, 3),
    ),
}


@st.composite
def _recurrent(draw: DrawFn, shape: Shape, word: str) -> dict[str, Any]:
    """Up to three layers, with all that one of these words takes."""
    fields: dict[str, Any] = {"hidden_size": draw(st.integers(2, 5))}
    fields["num_layers"] = layers = draw(st.sampled_from([1, 1, 2, 3]))
    fields |= {name: draw(_FLAG) for name in ("bias", "bidirectional", "return_sequences")}
    if layers > 1:
        fields["dropout"] = draw(st.sampled_from([0.0, 0.5, 1.0]))
    if word == "rnn":
        fields["nonlinearity"] = draw(st.sampled_from(["tanh", "relu"]))
    if word == "gru":
        fields["reset_after"] = draw(_FLAG)
    if word == "lstm":
        fields["proj_size"] = draw(st.none() | st.just(fields["hidden_size"] - 1))
    return fields


_TOKENS |= {word: partial(_recurrent, word=word) for word in ("rnn", "lstm", "gru")}

KNOWN_WORDS = {*_ANY, *_VECTOR, *_SPATIAL, *_TOKENS, *_IDS}
"""Every word that can be drawn; a test compares them with the words of the language."""


def words_for(shape: Shape) -> list[str]:
    """The words that make sense on a shape."""
    if isinstance(shape, Ids):
        return [*_IDS]
    words = [*_ANY, *(_SPATIAL if len(shape) > 1 else _VECTOR)]
    words += _TOKENS if len(shape) == 2 else ()
    if len(shape) != 3:
        words = [word for word in words if word not in ("pixel_shuffle", "pixel_unshuffle")]
    if prod(shape[1:]) == 1:
        words = [word for word in words if word != "instance_norm"]
    return sorted(words, key=list(MODULES).index)


@st.composite
def layers_for(draw: DrawFn, shape: Shape, word: str | None = None) -> Item:
    """An item of a spec that is valid on an input of this shape: any word, or the given one."""
    if word is None:
        word = draw(st.sampled_from(words_for(shape)))
    tables = _ANY | _TOKENS | _IDS | (_SPATIAL if len(shape) > 1 else _VECTOR)
    value = draw(tables[word](shape))
    if word == "max_unpool":
        return undone(value)
    if word == "window_reverse":
        cut = {key: value[key] for key in value.keys() - {"output_size"}}
        layers = [{"window_partition": cut}, "sigmoid", {word: value}]
        return {"repeat": {"times": 1, "layers": layers}}
    if value == {} and draw(st.booleans()):
        return word
    if "activation" in layer_class(word).model_fields and draw(st.booleans()):
        fields = {"branches": value} if isinstance(value, list) else value
        output = output_of({word: value}, shape)
        return {word: {**fields, "activation": draw(_activations(output))}}
    return {word: value}


@st.composite
def specs(draw: DrawFn, max_layers: int = 6) -> dict[str, Any]:
    """A whole network: a chain with fused activations, joins over branches, and long edges."""
    # One in eight reads ids.
    shape = draw(shapes() if draw(st.integers(0, 7)) else ids())
    known: dict[str, Shape] = {"input": shape}
    layers: list[Item] = []
    for index in range(draw(st.integers(1, max_layers))):
        beside: dict[str, Any] = {}
        if draw(st.integers(0, 3)) == 0:
            beside["from"] = draw(st.sampled_from(sorted(known)))
            shape = known[beside["from"]]
        alike = sorted(name for name, other in known.items() if other == shape)
        if len(alike) > 1 and not isinstance(shape, Ids) and draw(st.booleans()):
            # A long edge: a join of what earlier layers gave.
            word = draw(st.sampled_from(["add", "multiply", "concat"]))
            item: Item = {word: {}}
            beside["from"] = draw(st.permutations(alike))[:3]
            inputs = len(beside["from"])
            shape = (shape[0] * inputs if word == "concat" else shape[0], *shape[1:])
        else:
            item = draw(layers_for(shape))
            shape = output_of(item, shape)
        if draw(st.booleans()):
            beside["name"] = f"n{index}"
            known[beside["name"]] = shape
        if beside and isinstance(item, str):
            item = {item: None}
        layers.append({**item, **beside} if beside else item)
    return {"name": "random", "input": input_of(draw(st.just(known["input"]))), "layers": layers}


_SHADOWS = """
x len super sum max map zip list slice enumerate keras ops range int float str tuple dict print
layers random prod i layer inputs self torch nn F functional Tensor Sequence Sizes product
windows interpolate Weights filters units strides out_channels kernel_size shapes module network
parameters outputs format id input_1 type object x_part layer_part x1 x2 __reads__ __name__ class
"""
SHADOWS = _SHADOWS.split()
"""Names that mean something to Python, to exported code, or to the frameworks it is for."""


def shadowing(own: list[Item], blocks: list[str], layers: list[str]) -> dict[str, Any]:
    """A network whose blocks, parameters and values have such names, over code that needs ours."""
    conv = {"out_channels": "=out", "kernel_size": 3, "padding": 1}

    def block(i: int) -> list[Item]:
        # Each has a form of its own, an argument that differs, and a value that lives on.
        first = {"conv": conv, "name": layers[i % len(layers)]}
        return [first, {"add": [[{"tanh": None, "name": f"t{i}"}], []]}]

    blocks = [word for word in blocks if word not in MODULES]
    uses = [{word: 2 + i % 2, "name": f"use{i}_{word}"} for i, word in enumerate(blocks)]
    values = [{"tanh": None, "name": word, "from": "input"} for word in layers]
    ends = [{"add": None, "from": layers}, *own, *uses, *({word: 3} for word in blocks)]
    return {
        "name": "len",
        "input": {"height": 6, "width": 5, "channels": 2},
        "blocks": {w: {"args": {"out": None}, "layers": block(i)} for i, w in enumerate(blocks)},
        "layers": [*values, *ends],
    }
