"""The layers of the spec language, one class each, found by their word.

A module is imported when a spec first uses one of its words: defining all classes costs as much
as the rest of the start-up. Adding a layer is writing its class and putting its word here.
"""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnncalc.layers.base import Layer

GROUPS = {
    "Convolutions": {
        "conv": "conv depthwise_conv separable_conv locally_connected",
        "transposed": "conv_transpose",
    },
    "Pooling": {
        "pool": "max_pool avg_pool min_pool subsample",
        "blur_pool": "blur_pool",
        "unpool": "max_unpool",
        "adaptive_pool": "adaptive_avg_pool adaptive_max_pool global_avg_pool global_max_pool",
    },
    "Dense layers": {"linear": "linear rbf"},
    "Tokens": {"embedding": "embedding"},
    "Recurrent layers": {"recurrent": "rnn lstm gru"},
    "Attention": {
        "attention": "multi_head_attention class_token position_embedding select",
        "dot_product": "attention matmul",
    },
    "Normalisation": {
        "norm": "batch_norm layer_norm group_norm instance_norm rms_norm local_response_norm",
        "scale": "layer_scale",
    },
    "Activations": {
        "activation": "relu relu6 leaky_relu prelu sigmoid tanh softmax log_softmax",
        "smooth_activation": "elu gelu silu hard_swish hard_sigmoid softplus mish",
    },
    "Arithmetic": {"arithmetic": "scale function"},
    "Dropout": {"activation": "dropout drop_path"},
    "Moving values": {
        "reshape": "flatten reshape permute slice channel_shuffle",
        "resize": "pad crop upsample pixel_shuffle pixel_unshuffle",
        "window_partition": "window_partition window_reverse",
    },
    "Joins": {"join": "add multiply concat"},
}
"""The words of the language: by group as the docs have them, then by the module of their class."""

MODULES = {
    word: module
    for modules in GROUPS.values()
    for module, words in modules.items()
    for word in words.split()
}
"""The module of this package that each word's class lives in, in the order of the docs."""

LATER = frozenset(
    [
        "blur_pool",
        "embedding",
        "rnn",
        "lstm",
        "gru",
        "attention",
        "matmul",
        "pixel_unshuffle",
        "window_partition",
        "window_reverse",
        "scale",
        "function",
    ]
)
"""Words that came when there were specs already: a block of one's own may be called so."""

ACTIVATIONS = " ".join(GROUPS["Activations"].values()).split()
"""The words that `activation` takes."""

NORMS = GROUPS["Normalisation"]["norm"].split()
"""The words that `norm` takes."""


@cache
def layer_class(word: str) -> "type[Layer]":
    """The class of a layer's word. Raises KeyError for a word that is none."""
    module = import_module(f"cnncalc.layers.{MODULES[word]}")
    found: type[Layer] = getattr(module, word.title().replace("_", ""))
    return found
