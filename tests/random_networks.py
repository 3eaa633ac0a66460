"""Random small networks by their numbers, as plain specs: every layer, joins, blocks, 1-D to 3-D.

Nothing here knows a formula of a size: a layer is tried, and one that does not fit is left out.
What it gives is asked of torch alone, by running the twin. So a wrong shape of ours is no shape
that a network is made for.
"""

from __future__ import annotations

from random import Random
from typing import Any

from cnncalc.errors import CnncalcError
from cnncalc.layers import MODULES

Item = dict[str, Any]
Shape = tuple[int, ...]
_KEYS = {
    0: ("features",),
    1: ("channels", "length"),
    2: ("channels", "height", "width"),
    3: ("channels", "depth", "height", "width"),
}
SEVERAL = {"add", "multiply", "concat", "attention", "matmul", "embedding", "window_reverse"}
"""What no random layer is: words of several inputs, of whole numbers, and what undoes windows."""
_LARGEST = {1: 12, 2: 8, 3: 5}


def network(seed: int) -> dict[str, Any]:
    """The network of a number, valid by our rules, with at most eight items."""
    return _Drawn(Random(seed)).spec()


class _Drawn:
    def __init__(self, dice: Random) -> None:
        self.dice = dice

    def spec(self) -> dict[str, Any]:
        dice = self.dice
        axes = dice.choice([0, 1, 1, 2, 2, 2, 2, 3, 3])
        sizes = [dice.randint(2, _LARGEST[axes]) for _ in range(axes)]
        start = (dice.choice([1, 2, 3, 4, 6]) if axes else dice.randint(1, 12), *sizes)
        spec: dict[str, Any] = {
            "name": "random",
            "input": dict(zip(_KEYS[axes], start, strict=True)),
        }
        spec["layers"], shape = [], start
        known: dict[str, Shape] = {"input": start}
        for turn in range(dice.randint(1, 8)):
            for _ in range(8):
                item, blocks = self.item(shape, known, f"n{turn}")
                tried = {**spec, "layers": [*spec["layers"], item]}
                if blocks:
                    tried["blocks"] = {**spec.get("blocks", {}), **blocks}
                given = outputs(tried)
                if given is not None:
                    spec, shape = tried, given
                    if "name" in item:
                        known[item["name"]] = shape
                    break
        return spec if spec["layers"] else {**spec, "layers": ["relu"]}

    def item(
        self, shape: Shape, known: dict[str, Shape], name: str
    ) -> tuple[Item, dict[str, list[Item]]]:
        """An item that may not fit, and the block that it uses."""
        dice = self.dice
        kind = dice.random()
        alike = [other for other, its in known.items() if its == shape]
        if kind < 0.08 and len(alike) > 1:
            word = dice.choice(["add", "multiply", "concat"])
            item: Item = {word: None, "from": dice.sample(alike, dice.randint(2, len(alike)))}
        elif kind < 0.2:
            word = dice.choice(["add", "multiply", "concat"])
            item = {word: [self.chain(shape, 2) for _ in range(dice.randint(2, 3))]}
        elif kind < 0.26:
            return {f"block_{name}": None}, {
                f"block_{name}": self.chain(shape, 3) or [{"relu": None}]
            }
        elif kind < 0.3:
            item = {
                "repeat": dice.randint(1, 3),
                "layers": self.chain(shape, 2) or [{"relu": None}],
            }
            return item, {}
        elif kind < 0.34 and len(known) > 1:
            item = {**self.layer(shape), "from": dice.choice(list(known))}
        else:
            item = self.layer(shape)
            if dice.random() < 0.2 and next(iter(item)) in _WEIGHTED:
                item["trainable"] = False
        if dice.random() < 0.5:
            item["name"] = name
        return item, {}

    def chain(self, shape: Shape, most: int) -> list[Item]:
        return [
            self.keeping(shape) if self.dice.random() < 0.6 else self.layer(shape)
            for _ in range(self.dice.randint(0, most))
        ]

    def keeping(self, shape: Shape) -> Item:
        """A layer that gives the shape that it reads."""
        dice = self.dice
        words = ["relu", "tanh", "sigmoid", "batch_norm", "dropout", "layer_norm", "gelu"]
        if len(shape) == 1:
            return dice.choice([{dice.choice(words): None}, {"linear": shape[0]}])
        conv = {"out_channels": shape[0], "kernel_size": dice.choice([1, 2, 3]), "padding": "same"}
        pool = {"kernel_size": 3, "stride": 1, "padding": 1}
        return dice.choice(
            [
                {dice.choice(words): None},
                {"conv": conv},
                {"depthwise_conv": {"kernel_size": 3, "padding": 1}},
                {dice.choice(["max_pool", "avg_pool", "min_pool"]): pool},
            ]
        )

    def layer(self, shape: Shape) -> Item:
        """Any word of the language with fields that may not fit."""
        dice = self.dice
        word = dice.choice([word for word in MODULES if word not in SEVERAL])
        if word == "max_unpool":
            pool = self.window(shape) | {"ceil_mode": dice.random() < 0.5}
            name = f"p{dice.randrange(10**6)}"
            inner = [{"max_pool": pool, "name": name}, {"relu": None}]
            return {"concat": [[*inner, {"max_unpool": None, "indices_of": name}], []]}
        fields = self.fields(word, shape)
        if word in _ACTIVATED and dice.random() < 0.3:
            fields["activation"] = dice.choice(["relu", "sigmoid", "softmax", "gelu", "prelu"])
        return {word: fields or None}

    def sizes(self, shape: Shape, least: int, most: int) -> Any:
        """One number for all axes, or one for each."""
        dice, axes = self.dice, len(shape) - 1
        if dice.random() < 0.5 or not axes:
            return dice.randint(least, most)
        return [dice.randint(least, most) for _ in range(axes)]

    def sides(self, shape: Shape, most: int) -> Any:
        dice = self.dice
        if dice.random() < 0.5:
            return dice.randint(0, most)
        return [[dice.randint(0, most), dice.randint(0, most)] for _ in shape[1:]] or 0

    def window(self, shape: Shape) -> Item:
        dice = self.dice
        fields: Item = {"kernel_size": self.sizes(shape, 1, 4)}
        if dice.random() < 0.7:
            fields["stride"] = self.sizes(shape, 1, 3)
        if dice.random() < 0.7:
            fields["padding"] = dice.choice([self.sides(shape, 2), "same", "same"])
        return fields

    def fields(self, word: str, shape: Shape) -> Item:
        dice = self.dice
        channels, flag = shape[0], dice.random() < 0.5
        divisor = dice.choice([d for d in range(1, channels + 1) if channels % d == 0])
        out = dice.randint(1, 5)
        dilated = {"dilation": self.sizes(shape, 1, 3)} if dice.random() < 0.3 else {}
        if word == "conv" and dice.random() < 0.2:
            maps = [dice.sample(range(channels), dice.randint(1, channels)) for _ in range(out)]
            return {**self.window(shape), **dilated, "out_channels": out, "connections": maps}
        if word == "conv":
            groups = {"groups": divisor, "out_channels": divisor * dice.randint(1, 2)}
            return {**self.window(shape), **dilated, "bias": flag, **groups}
        if word == "conv_transpose":
            fields = {**self.window(shape), "out_channels": divisor * 2, "groups": divisor}
            fields["padding"] = self.sides(shape, 2)
            fields["output_padding"] = self.sizes(shape, 0, 1)
            if len(shape) == 4 and 1 in _each(fields["kernel_size"]):
                # Dilated, torch's output of such a kernel is in memory that is larger than it.
                return {**fields, "bias": flag}
            return {**fields, **dilated, "bias": flag}
        if word in ("depthwise_conv", "locally_connected", "separable_conv"):
            more: Item = {} if word == "depthwise_conv" else {"out_channels": out}
            if word != "locally_connected":
                more["channel_multiplier"] = dice.randint(1, 2)
            return {**self.window(shape), **dilated, **more, "bias": flag}
        if word in ("max_pool", "min_pool"):
            return {**self.window(shape), **dilated, "ceil_mode": flag}
        table: dict[str, Item] = {
            "avg_pool": {
                **self.window(shape),
                "ceil_mode": flag,
                "count_include_pad": dice.random() < 0.5,
            },
            "subsample": self.window(shape),
            "blur_pool": {
                "kernel_size": self.sizes(shape, 1, 5),
                "stride": self.sizes(shape, 1, 3),
            },
            "adaptive_avg_pool": {"output_size": self.sizes(shape, 1, 5)},
            "adaptive_max_pool": {"output_size": self.sizes(shape, 1, 5)},
            "global_avg_pool": {"keepdim": flag},
            "global_max_pool": {"keepdim": flag},
            "linear": {
                "out_features": dice.randint(1, 8),
                "bias": flag,
                "position_wise": len(shape) > 1,
            },
            "rbf": {"out_features": dice.randint(1, 8)},
            "multi_head_attention": {"num_heads": divisor, "bias": flag},
            "select": {"index": dice.randint(0, 3)},
            "batch_norm": {"affine": flag, "track_running_stats": dice.random() < 0.7},
            "layer_norm": {"affine": flag, "over": dice.choice(["channels", "all"])},
            "rms_norm": {"affine": flag, "over": dice.choice(["channels", "all"])},
            "group_norm": {"affine": flag, "num_groups": divisor},
            "instance_norm": {"affine": flag},
            "local_response_norm": {"size": dice.randint(1, 5)},
            "layer_scale": {"initial": 0.5},
            "leaky_relu": {"negative_slope": 0.2},
            "prelu": {"num_parameters": dice.choice([1, channels])},
            "elu": {"alpha": 0.5},
            "gelu": {"approximate": dice.choice(["none", "tanh"])},
            "softplus": {"beta": 2.0},
            "dropout": {"p": dice.choice([0, 0.3, 1]), "per_channel": flag},
            "drop_path": {"p": dice.choice([0, 0.3, 1])},
            "reshape": {"shape": dice.choice([[channels, -1], [-1, 2], [-1], [2, 2, -1]])},
            "permute": {"dims": dice.sample(range(len(shape)), len(shape))},
            "slice": {"start": dice.randrange(channels)},
            "channel_shuffle": {"groups": divisor},
            "pad": {
                "padding": self.sides(shape, 2),
                "mode": dice.choice(["constant", "reflect", "replicate", "circular"]),
            },
            "crop": {"cropping": self.sides(shape, 2)},
            "upsample": {
                dice.choice(["scale_factor", "size"]): self.sizes(shape, 1, 5),
                "mode": dice.choice(["nearest", "linear", "cubic"]),
            },
            "pixel_shuffle": {"upscale_factor": dice.choice([1, 2])},
            "pixel_unshuffle": {"downscale_factor": dice.choice([1, 2])},
            "lstm": {"hidden_size": out, "bias": flag, "bidirectional": dice.random() < 0.5},
            "gru": {"hidden_size": out, "return_sequences": flag},
            "rnn": {"hidden_size": out, "num_layers": dice.randint(1, 2), "return_sequences": flag},
            "scale": {"factor": 2.0, "offset": dice.choice([0.0, 1.0])},
            "function": {"kind": dice.choice(["abs", "square"])},
            "window_partition": {"size": self.sizes(shape, 1, 3), "shift": dice.choice([0, 1])},
        }
        return dict(table.get(word, {}))


def _each(sizes: Any) -> list[int]:
    return sizes if isinstance(sizes, list) else [sizes]


_ACTIVATED = {"conv", "depthwise_conv", "separable_conv", "locally_connected", "conv_transpose"} | {
    "linear",
    "subsample",
    "batch_norm",
}
_WEIGHTED = _ACTIVATED - {"separable_conv"} | {
    "layer_norm",
    "rms_norm",
    "group_norm",
    "layer_scale",
    "prelu",
    "multi_head_attention",
    "class_token",
    "position_embedding",
}


def outputs(spec: dict[str, Any]) -> Shape | None:
    """What the twin of a spec gives for one input in torch; None where our rules refuse it.

    Also where a value is not finite: a maximum over padding alone is none, and has no gradient.
    """
    import torch

    import cnncalc

    try:
        graph = cnncalc.load(spec)
        twin = cnncalc.build(graph).eval()
        finite = []
        twin(
            *(torch.rand(2, *shape) for shape in graph.inputs.values()),
            watch=lambda _, value: finite.append((value, bool(value.isfinite().all()))),
        )
    except CnncalcError:
        return None
    value, _ = finite[-1]
    return tuple(value.shape[1:]) if all(f for _, f in finite) and value.numel() < 40_000 else None
