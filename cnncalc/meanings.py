"""What a column is called and means, and how its cells print and add up."""

from typing import Literal, NamedTuple

from cnncalc.errors import UsageError, hint

Kind = Literal["text", "count", "share", "ratio", "shape", "sizes"]

CONVENTION = (
    "FLOPs = 2 × MACs; a MAC is one multiply-add of a convolution or matrix product, biases not "
    "counted."
)
"""The counting convention as it stands under a table of MACs or FLOPs."""
COUNTED = {"macs", "macs_share", "flops", "backward_macs", "intensity"}
"""The columns that follow it."""


class Column(NamedTuple):
    """What a column is called, what it means, and how its cells print and add up.

    `kind`: `text`; `count` (an integer); `share` (percent of the total of the column `of`);
    `ratio` (of the two columns in `of`); `shape` (channels first); `sizes` (a number for each
    axis).
    `fused`: what one row shows for a layer and its activation: the first's value, the last's, the
    sum, the largest, or both.
    """

    key: str
    title: str
    meaning: str
    kind: Kind = "count"
    fused: Literal["first", "last", "sum", "max", "both"] = "sum"
    total: bool = False
    of: str = ""
    peak: bool = False
    """Whether its total is its largest value and not its sum."""
    unit: str = ""
    """`B`, where it counts bytes."""


_COLUMNS = (
    Column(
        "number",
        "#",
        "the textbook's layer number: convolutions, dense, locally connected and attention layers "
        "count, along the longest path; what follows one belongs to it",
        "text",
        "first",
    ),
    Column("name", "name", "the layer's name", "text", "first"),
    Column("type", "type", "the layer's word in the spec language", "text", "both"),
    Column(
        "layer",
        "layer",
        "the layer with kernel, stride s, padding p, dilation d, groups g where they apply, and "
        "its activation",
        "text",
        "both",
    ),
    Column("input", "input", "shape of the input, or of the first of several", "shape", "first"),
    Column("output", "output", "shape of the output", "shape", "last"),
    Column("kernel_size", "kernel", "kernel along each axis", "sizes", "first"),
    Column("stride", "stride", "stride along each axis", "sizes", "first"),
    Column("padding", "padding", "padding along each axis", "sizes", "first"),
    Column("dilation", "dilation", "dilation along each axis", "sizes", "first"),
    Column("groups", "groups", "groups of channels", "text", "first"),
    Column(
        "activations",
        "activations",
        "elements of the output; in parentheses where they are no new values (views, activation "
        "functions, dropout), which the total does not count again",
        fused="last",
        total=True,
    ),
    Column(
        "new_activations",
        "new activations",
        "elements of the output, 0 where they are no new values; these add up to the total",
        total=True,
    ),
    Column("params", "params", "trained parameters, biases included", total=True),
    Column("params_share", "params %", "percent of all parameters", "share", of="params"),
    Column("weights", "weights", "trained parameters without biases", total=True),
    Column("biases", "biases", "trained biases", total=True),
    Column("trainable", "trainable", "of the parameters, those that are trained", total=True),
    Column(
        "non_trainable",
        "non-trainable",
        "of the parameters, those that are not trained: of layers with `trainable: false`, and "
        "with `--params-as keras` what else is kept (moving statistics)",
        total=True,
    ),
    Column("buffers", "buffers", "values that are kept and not trained", total=True),
    Column(
        "macs",
        "MACs",
        "multiply-accumulates of convolutions and matrix products, biases not counted",
        total=True,
    ),
    Column("macs_share", "MACs %", "percent of all MACs", "share", of="macs"),
    Column("flops", "FLOPs", "floating-point operations: 2 × MACs", total=True),
    Column(
        "count",
        "count",
        "what the tool that `--count-as` names counts, in its unit; FLOPs where none is named",
        total=True,
    ),
    Column(
        "backward_macs",
        "backward MACs",
        "multiply-accumulates of the gradients of weights and inputs; what reads the network's "
        "input alone needs none of its input",
        total=True,
    ),
    Column(
        "elementwise",
        "elementwise",
        "all other arithmetic: additions (of biases too), multiplications, comparisons, "
        "divisions and transcendental functions",
        total=True,
    ),
    Column(
        "connections",
        "connections",
        "connected pairs of an input and an output value, padding left out, and biases, as the "
        "1998 paper counts LeNet-5's",
        total=True,
    ),
    Column(
        "params_bytes",
        "params bytes",
        "bytes of the parameters at the given dtype",
        total=True,
        unit="B",
    ),
    Column(
        "activations_bytes",
        "activations bytes",
        "bytes of the new activations at the given dtype",
        total=True,
        unit="B",
    ),
    Column(
        "receptive_field",
        "receptive field",
        "input positions along each axis that an output position in the interior can depend on; "
        "`all` is the whole input",
        "sizes",
        "last",
    ),
    Column(
        "effective_stride",
        "eff. stride",
        "input positions from one output position to the next, along each axis",
        "sizes",
        "last",
    ),
    Column(
        "effective_padding",
        "eff. padding",
        "how far before the input the first output position starts to read, along each axis",
        "sizes",
        "last",
    ),
    Column(
        "misaligned",
        "misaligned",
        "axes along which a layer joins branches of different stride or centre",
        "text",
        "first",
    ),
    Column(
        "peak_memory",
        "peak memory",
        "bytes of the tensors that are alive while the layer runs in inference, at the given dtype "
        "and batch, weights left out; its total is the largest of all layers",
        fused="max",
        total=True,
        unit="B",
        peak=True,
    ),
    Column("alive", "alive", "the layers whose tensors are alive while it runs", "text", "first"),
    Column(
        "saved_bytes",
        "saved bytes",
        "bytes of the tensors that autograd keeps for the layer's gradient and that no layer "
        "before it keeps already, at the given dtype and batch",
        total=True,
        unit="B",
    ),
    Column(
        "optimizer_bytes",
        "optimizer bytes",
        "bytes of the optimizer's state, by `--optimizer`; sgd has none",
        total=True,
        unit="B",
    ),
    Column(
        "training_bytes",
        "training bytes",
        "parameters, their gradients, the optimizer's state and what is saved for backward",
        total=True,
        unit="B",
    ),
    Column(
        "bytes_moved",
        "bytes moved",
        "inputs, output and parameters, each moved once: a lower bound of a layer's traffic "
        "with memory",
        total=True,
        unit="B",
    ),
    Column(
        "intensity",
        "FLOPs/byte",
        "arithmetic intensity: FLOPs by bytes moved, an upper bound",
        "ratio",
        of="flops/bytes_moved",
    ),
    Column("part", "part", "convolutional or dense", "text", "first"),
)
COLUMNS = {column.key: column for column in _COLUMNS}

DEFAULT_COLUMNS = (
    "number",
    "name",
    "layer",
    "output",
    "activations",
    "params",
    "params_share",
    "macs",
    "macs_share",
    "flops",
)


def key_of(word: str) -> str:
    """The key of a column as it is called now."""
    return _FORMERLY.get(word, word)


_FORMERLY = {"working_set": "peak_memory"}
"""What columns were called before."""


def column(key: str) -> Column:
    """The column of that key. Raises UsageError."""
    key = key_of(key)
    if key not in COLUMNS:
        raise UsageError(f"no such column: {key}{hint(key, COLUMNS)}")
    return COLUMNS[key]
