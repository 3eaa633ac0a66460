"""The layers of the spec language, one class each, found by their word.

A module is imported when a spec first uses one of its words: defining all classes costs as much
as the rest of the start-up. Adding a layer is writing its class and putting its word here.
"""

from __future__ import annotations

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
        "unpool": "max_unpool",
        "adaptive_pool": "adaptive_avg_pool adaptive_max_pool global_avg_pool global_max_pool",
    },
    "Dense layers": {"linear": "linear rbf"},
    "Attention": {"attention": "multi_head_attention class_token position_embedding select"},
    "Normalisation": {
        "norm": "batch_norm layer_norm group_norm instance_norm rms_norm local_response_norm",
        "scale": "layer_scale",
    },
    "Activations": {
        "activation": "relu relu6 leaky_relu prelu sigmoid tanh softmax log_softmax",
        "smooth_activation": "elu gelu silu hard_swish hard_sigmoid softplus mish",
    },
    "Dropout": {"activation": "dropout drop_path"},
    "Moving values": {
        "reshape": "flatten reshape permute slice channel_shuffle",
        "resize": "pad crop upsample pixel_shuffle",
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

ACTIVATIONS = " ".join(GROUPS["Activations"].values()).split()
"""The words that `activation` takes."""

FOREIGN_WORDS = {
    "conv": "conv1d conv2d conv3d convolution convolution1d convolution2d convolution3d",
    "depthwise_conv": "depthwiseconv1d depthwiseconv2d depthwise",
    "separable_conv": "separableconv1d separableconv2d",
    "locally_connected": "locallyconnected1d locallyconnected2d",
    "conv_transpose": "convtranspose1d convtranspose2d convtranspose3d conv1dtranspose "
    "conv2dtranspose conv3dtranspose deconv deconvolution upconv",
    "linear": "dense affine fc innerproduct fullyconnected",
    "max_pool": "maxpool maxpool1d maxpool2d maxpool3d maxpooling maxpooling1d maxpooling2d "
    "maxpooling3d pool pooling",
    "avg_pool": "avgpool avgpool1d avgpool2d avgpool3d averagepool averagepooling "
    "averagepooling1d averagepooling2d averagepooling3d meanpool",
    "min_pool": "minpool minpooling",
    "adaptive_avg_pool": "adaptiveavgpool1d adaptiveavgpool2d adaptiveavgpool3d",
    "adaptive_max_pool": "adaptivemaxpool1d adaptivemaxpool2d adaptivemaxpool3d",
    "global_avg_pool": "globalaveragepooling1d globalaveragepooling2d globalaveragepooling3d "
    "globalavgpool gap mean",
    "global_max_pool": "globalmaxpooling1d globalmaxpooling2d globalmaxpooling3d globalmaxpool",
    "subsample": "subsampling",
    "max_unpool": "maxunpool1d maxunpool2d maxunpool3d unpool unpooling",
    "multi_head_attention": "attention selfattention mha",
    "class_token": "clstoken",
    "position_embedding": "positionalembedding posembedding",
    "batch_norm": "batchnorm batchnorm1d batchnorm2d batchnorm3d batchnormalization bn",
    "layer_norm": "layernorm layernormalization ln",
    "group_norm": "groupnorm groupnormalization gn",
    "instance_norm": "instancenorm instancenorm1d instancenorm2d instancenorm3d",
    "rms_norm": "rmsnormalization",
    "local_response_norm": "lrn localresponsenorm",
    "leaky_relu": "leakyrelu lrelu",
    "silu": "swish",
    "hard_swish": "hardswish",
    "hard_sigmoid": "hardsigmoid",
    "dropout": "dropout1d dropout2d dropout3d spatialdropout2d",
    "drop_path": "stochasticdepth",
    "reshape": "view",
    "permute": "transpose",
    "slice": "split chunk narrow",
    "pad": "zeropad2d zeropadding1d zeropadding2d zeropadding3d constantpad2d",
    "crop": "cropping1d cropping2d cropping3d centercrop",
    "upsample": "upsampling1d upsampling2d upsampling3d interpolate resize",
    "pixel_shuffle": "pixelshuffle depthtospace",
    "channel_shuffle": "channelshuffle",
    "concat": "concatenate cat",
    "multiply": "mul",
    "add": "sum residual",
}
"""What other frameworks call a layer, in lower case and without underscores, by our word."""


@cache
def foreign_words() -> dict[str, str]:
    """Our word for each word of another framework, spelled in lower case without underscores."""
    return {alias: word for word, aliases in FOREIGN_WORDS.items() for alias in aliases.split()}


@cache
def layer_class(word: str) -> type[Layer]:
    """The class of a layer's word. Raises KeyError for a word that is none."""
    module = import_module(f"cnncalc.layers.{MODULES[word]}")
    found: type[Layer] = getattr(module, word.title().replace("_", ""))
    return found
