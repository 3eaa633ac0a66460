"""What other frameworks call our layers and fields: one table of each, for whoever meets them."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

# `*` stands for the number of axes: Conv1d, Conv2d and Conv3d in torch, Conv1D … in Keras. A name
# that two layers have in one framework is first the one's that stands first. `others` are names
# of functions, of older versions and of daily speech. Where torch has a class that computes a
# layer it stands here; fields have torch's names, unless the table says otherwise.
_LAYERS = """
word                 | torch              | keras                  | onnx               | others
conv                 | Conv*              | Conv*                  | Conv               | convolution convolution*
depthwise_conv       | Conv*              | DepthwiseConv1D DepthwiseConv2D |           | depthwise
separable_conv       |                    | SeparableConv1D SeparableConv2D |           | separableconvolution1d separableconvolution2d
locally_connected    |                    |                        |                    | locallyconnected1d locallyconnected2d
conv_transpose       | ConvTranspose*     | Conv*Transpose         | ConvTranspose      | deconv deconvolution upconv convolution*transpose
max_pool             | MaxPool*           | MaxPooling*            | MaxPool            | maxpooling pool pooling maxpool*withindices
avg_pool             | AvgPool*           | AveragePooling*        | AveragePool        | averagepool* averagepooling meanpool
min_pool             |                    |                        |                    | minpooling
subsample            |                    |                        |                    | subsampling
max_unpool           | MaxUnpool*         |                        | MaxUnpool          | unpool unpooling
adaptive_avg_pool    | AdaptiveAvgPool*   | AdaptiveAveragePooling* |                   |
adaptive_max_pool    | AdaptiveMaxPool*   | AdaptiveMaxPooling*    |                    | adaptivemaxpool*withindices
global_avg_pool      | AdaptiveAvgPool*   | GlobalAveragePooling*  | GlobalAveragePool  | gap mean globalavgpool*
global_max_pool      | AdaptiveMaxPool*   | GlobalMaxPooling*      | GlobalMaxPool      | globalmaxpool*
linear               | Linear             | Dense                  | Gemm               | affine fc innerproduct fullyconnected
embedding            | Embedding          | Embedding              |                    | lookuptable wordembedding
rnn                  | RNN                | SimpleRNN              | RNN                | elman recurrent
lstm                 | LSTM               | LSTM                   | LSTM               |
gru                  | GRU                | GRU                    | GRU                |
multi_head_attention | MultiheadAttention | MultiHeadAttention     | Attention          | selfattention mha multiheadattentionforward
attention            |                    |                        | Attention          | scaleddotproductattention sdpa
matmul               |                    |                        | MatMul             | bmm dot
class_token          |                    |                        |                    | clstoken
position_embedding   |                    |                        |                    | positionalembedding posembedding
batch_norm           | BatchNorm*         | BatchNormalization     | BatchNormalization | bn syncbatchnorm
layer_norm           | LayerNorm          | LayerNormalization     | LayerNormalization | ln
group_norm           | GroupNorm          | GroupNormalization     | GroupNormalization | gn
instance_norm        | InstanceNorm*      |                        | InstanceNormalization |
rms_norm             | RMSNorm            | RMSNormalization       | RMSNormalization   |
local_response_norm  | LocalResponseNorm  |                        | LRN                | crossmaplrn2d
relu                 | ReLU               | ReLU                   | Relu               |
relu6                | ReLU6              |                        |                    |
leaky_relu           | LeakyReLU          | LeakyReLU              | LeakyRelu          | lrelu
prelu                | PReLU              | PReLU                  | PRelu              |
sigmoid              | Sigmoid            |                        | Sigmoid            |
tanh                 | Tanh               |                        | Tanh               |
softmax              | Softmax            | Softmax                | Softmax            | softmax2d
log_softmax          | LogSoftmax         |                        | LogSoftmax         |
elu                  | ELU                | ELU                    | Elu                |
gelu                 | GELU               |                        | Gelu               |
silu                 | SiLU               |                        |                    | swish
hard_swish           | Hardswish          |                        | HardSwish          | hswish hardsilu
hard_sigmoid         | Hardsigmoid        |                        | HardSigmoid        | hsigmoid
softplus             | Softplus           |                        | Softplus           |
mish                 | Mish               |                        | Mish               |
dropout              | Dropout Dropout*   | Dropout SpatialDropout* | Dropout           |
drop_path            |                    |                        |                    | stochasticdepth
scale                |                    | Rescaling              |                    | rescale
function             |                    |                        | Abs Sqrt Exp Log Sin Cos Neg Reciprocal Clip |
flatten              | Flatten            | Flatten                | Flatten            |
reshape              |                    | Reshape                | Reshape            | view unflatten
permute              |                    | Permute                | Transpose          |
slice                |                    |                        | Slice Split        | chunk narrow
channel_shuffle      | ChannelShuffle     |                        |                    | nativechannelshuffle
pad                  | ZeroPad* ConstantPad* | ZeroPadding*        | Pad                |
crop                 |                    | Cropping*              |                    | centercrop
upsample             | Upsample           | UpSampling*            | Resize             | interpolate upsamplingbilinear2d upsamplingnearest2d upsamplebilinear upsamplenearest
pixel_shuffle        | PixelShuffle       |                        | DepthToSpace       |
pixel_unshuffle      | PixelUnshuffle     |                        | SpaceToDepth       |
add                  |                    | Add                    | Add Sum            | residual
multiply             |                    | Multiply               | Mul                |
concat               |                    | Concatenate            | Concat             | cat
"""

_FIELDS = """
word                 | torch              | keras                  | onnx               | others
out_channels         |                    | filters                |                    | filter nb_filter num_filters num_output channels features out_features units
out_features         |                    | units                  |                    | out_channels features num_output output_dim hidden size nodes neurons
kernel_size          |                    | kernel_size pool_size  | kernel_shape       | kernel ksize filter_size k f size window window_size
stride               |                    | strides                | strides            | s subsample
padding              |                    | padding                | pads auto_pad      | pad border_mode p
dilation             |                    | dilation_rate          | dilations          |
groups               |                    | groups                 | group              |
bias                 |                    | use_bias               |                    | bias_term
channel_multiplier   |                    | depth_multiplier       |                    |
scale_factor         |                    | size                   | scales             | scale factor
shape                |                    | target_shape           |                    |
dims                 |                    | dims                   | perm               | dim order
p                    |                    | rate                   |                    | dropout_rate prob probability dropout_prob
eps                  |                    | epsilon                | epsilon            |
num_embeddings       |                    | input_dim              |                    | vocab_size vocabulary
embedding_dim        |                    | output_dim             |                    | embed_dim dim
hidden_size          |                    | units                  |                    | hidden hidden_dim num_units cell_size
proj_size            |                    |                        |                    | projection_size num_proj
nonlinearity         |                    | activation             | activations        |
momentum             |                    | momentum               | momentum           |
affine               | affine elementwise_affine |                 |                    |
negative_slope       |                    | negative_slope         | alpha              | slope
keepdim              |                    | keepdims               |                    |
output_size          |                    | output_size            |                    | size
cropping             |                    | cropping               |                    | margin
activation           |                    | activation             |                    | act nonlinearity
upscale_factor       |                    |                        | blocksize          | block_size r
downscale_factor     |                    |                        | blocksize          | block_size r
num_groups           |                    | groups                 | num_groups         |
mode                 |                    | interpolation          |                    |
"""

_VALUES = """
same
valid
half
nearest
reflect
linear bilinear trilinear
cubic bicubic
constant zeros
replicate edge
circular wrap
true yes
false no
"""
"""Our values, and what else people write for them; each also in capitals."""

_NONE = """
additiveattention alphadropout bilinear callable celu convtbc cosineembeddingloss dot embeddingbag
fractionalmaxpool2d fractionalmaxpool2dwithindices fractionalmaxpool3d
fractionalmaxpool3dwithindices gaussiandropout gelunew glu gridsample groupedmm gumbelsoftmax
hardshrink hardtanh hastorchfunction hingeembeddingloss layer logsigmoid lppool1d lppool2d lppool3d
quickgelu rrelu scaledmm scalingtype selu softmin softshrink softsign sparseplus sparsesigmoid
"""
"""Words of other frameworks for what no layer of ours computes, though one's name is close."""


class Names(NamedTuple):
    """What a layer or a field is called elsewhere."""

    torch: tuple[str, ...]
    keras: tuple[str, ...]
    onnx: tuple[str, ...]
    others: tuple[str, ...]


@cache
def foreign_layers() -> Mapping[str, Names]:
    """The classes and operators that are a layer, by our word."""
    return _read(_LAYERS)


@cache
def foreign_fields() -> Mapping[str, Names]:
    """What a field is called, by our name."""
    return _read(_FIELDS)


@cache
def foreign_words() -> dict[str, str]:
    """Our word for each word of another framework, spelled in lower case without underscores."""
    found: dict[str, str] = {}
    for word, names in foreign_layers().items():
        for name in (name for some in names for name in some):
            found.setdefault(name.lower().replace("_", ""), word)
    return found


@cache
def foreign_values() -> Mapping[str, str]:
    """Our value for each that people write, in lower case."""
    rows = map(str.split, _VALUES.strip().splitlines())
    return {name: row[0] for row in rows for name in row}


@cache
def without_layer() -> frozenset[str]:
    """The words, in lower case without underscores, of which a close word is another thing."""
    return frozenset(_NONE.split())


def _read(table: str) -> dict[str, Names]:
    rows = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()[1:]]
    return {word: Names(*map(_names, range(4), cells)) for word, *cells in rows}


def _names(column: int, cell: str) -> tuple[str, ...]:
    """The names of a cell, `*` written out with the letter that its framework has."""
    letter = "D" if column == 1 else "d"
    return tuple(
        name.replace("*", f"{axes}{letter}")
        for name in cell.split()
        for axes in ("123" if "*" in name else "1")
    )
