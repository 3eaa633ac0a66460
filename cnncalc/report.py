"""What is known of a network, as columns over its layers: the one thing that is printed.

A report holds plain values, no layers. Columns are computed when they are first asked for.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from cnncalc.dims import maximum, pinned
from cnncalc.errors import UsageError, hint
from cnncalc.presented import Presented

if TYPE_CHECKING:
    from cnncalc.analysis.notices import Notice
    from cnncalc.analysis.strides import StrideWarning

T = TypeVar("T")
Kind = Literal["text", "count", "share", "ratio", "shape", "sizes"]

CONVENTION = (
    "FLOPs = 2 × MACs; a MAC is one multiply-add of a convolution or matrix product, biases not "
    "counted."
)
"""The counting convention as it stands under every table."""


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
        "params_bytes", "params bytes", "bytes of the parameters at the given dtype", total=True
    ),
    Column(
        "activations_bytes",
        "activations bytes",
        "bytes of the new activations at the given dtype",
        total=True,
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
        "working_set",
        "working set",
        "bytes of the tensors that are alive while the layer runs in inference, at the given dtype "
        "and batch, weights left out; its total is the largest, the peak",
        fused="max",
        total=True,
        peak=True,
    ),
    Column("alive", "alive", "the layers whose tensors are alive while it runs", "text", "first"),
    Column(
        "saved_bytes",
        "saved bytes",
        "bytes of the tensors that autograd keeps for the layer's gradient and that no layer "
        "before it keeps already, at the given dtype and batch",
        total=True,
    ),
    Column(
        "optimizer_bytes",
        "optimizer bytes",
        "bytes of the optimizer's state, by `--optimizer`; sgd has none",
        total=True,
    ),
    Column(
        "training_bytes",
        "training bytes",
        "parameters, their gradients, the optimizer's state and what is saved for backward",
        total=True,
    ),
    Column(
        "bytes_moved",
        "bytes moved",
        "inputs, output and parameters, each moved once: a lower bound of a layer's traffic "
        "with memory",
        total=True,
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

PARTS = ("convolutional", "dense", "auxiliary")
"""Feature extraction; classification, which maps vectors to vectors; and what only training uses.
"""

ALWAYS_THERE = {
    "params",
    "weights",
    "biases",
    "buffers",
    "params_bytes",
    "backward_macs",
    "saved_bytes",
    "optimizer_bytes",
    "training_bytes",
}
"""Columns whose total includes the auxiliary part: it is stored and trained."""


def with_fused(layers: Iterable[T], is_fused: Callable[[T], bool]) -> list[list[T]]:
    """Each layer with those behind it that are fused into it."""
    rows: list[list[T]] = []
    for layer in layers:
        if rows and is_fused(layer):
            rows[-1].append(layer)
        else:
            rows.append([layer])
    return rows


def ratio(a: int, b: int) -> Fraction | None:
    """How many a for each b; none of nothing."""
    return Fraction(pinned(a), pinned(b)) if b else None


def exact(number: Fraction) -> int | str:
    """A whole number, or the fraction as text: `1024/25`."""
    return number.numerator if number.denominator == 1 else str(number)


def column(key: str) -> Column:
    """The column of that key. Raises UsageError."""
    if key not in COLUMNS:
        raise UsageError(f"no such column: {key}{hint(key, COLUMNS)}")
    return COLUMNS[key]


@dataclass(eq=False, repr=False)
class Report(Presented):
    """Columns over the layers of one network, its inputs, its totals and its warnings."""

    name: str
    inputs: tuple[dict[str, Any], ...]
    """Each input's name, shape (channels first) and activations."""
    compute: Mapping[str, Callable[[], Sequence[Any]]]
    """What gives each column's values, one for each layer."""
    find_warnings: Callable[[], Iterable["Notice | StrideWarning"]] = tuple
    """What finds what is read by nothing, and the strides that do not fit."""
    description: str = ""
    source: str = ""
    batch: int = 1
    dtype: str = "float32"
    count_as: str | None = None
    """The tool that the column `count` follows."""
    remarks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What is to be said under a table that shows a column."""
    _known: dict[str, Sequence[Any]] = field(default_factory=dict, repr=False)
    _totals: dict[tuple[str, str | None], int] = field(default_factory=dict, repr=False)

    @cached_property
    def warnings(self) -> tuple["Notice | StrideWarning", ...]:
        """What nothing reads and which strides do not fit, found when they are first asked for."""
        return tuple(self.find_warnings())

    def column(self, key: str) -> Sequence[Any]:
        """The values of a column, one for each layer. Raises UsageError for an unknown one."""
        if key not in self._known:
            if key not in self.compute:
                column(key)
            self._known[key] = self.compute[key]()
        return self._known[key]

    def total(self, key: str, part: str | None = None) -> int:
        """The sum of a column, or of its layers in one part. Raises UsageError."""
        # Remembered: every cell that is a percentage asks for it.
        if (key, part) not in self._totals:
            if not column(key).total:
                raise UsageError(f"the column {key} has no total")
            # Values under another shape, or overwritten ones, are counted where they were made.
            values = self.column("new_activations" if key == "activations" else key)
            resting = set() if key in ALWAYS_THERE else {"auxiliary"}
            parts = {part} if part else {*PARTS} - resting
            its_parts = zip(values, self.column("part"), strict=True)
            values = [value for value, its in its_parts if its in parts]
            self._totals[key, part] = (
                maximum(*values) if column(key).peak and values else sum(values)
            )
        return self._totals[key, part]

    def _plain(self, key: str) -> Sequence[Any]:
        """A column's values as JSON has them."""
        values = self.column(key)
        if key in COLUMNS and COLUMNS[key].kind == "ratio":
            return [None if value is None else float(value) for value in values]
        return values

    def ratio(self, meant: Column, part: str | None = None) -> Fraction | None:
        """The ratio of the totals that a column of ratios is of."""
        a, b = meant.of.split("/")
        return ratio(self.total(a, part), self.total(b, part))

    def groups(self) -> list[list[int]]:
        """The layers that share a row: each with the activation that is fused into it."""
        into = self.column("fused_into")
        return with_fused(range(len(into)), lambda layer: into[layer] is not None)

    @property
    def layers(self) -> int:
        """How many layers the textbook counts; what only training uses makes it no deeper."""
        numbers = zip(self.column("number"), self.column("part"), strict=True)
        return max((n or 0 for n, part in numbers if part != "auxiliary"), default=0)

    def to_dict(self, columns: Sequence[str] = ()) -> dict[str, Any]:
        """The report as the JSON contract has it; `columns` names more keys for each layer."""
        keys = [*_JSON_KEYS, *(key for key in columns if key not in _JSON_KEYS)]
        values = [self._plain(_JSON_KEYS.get(key, key)) for key in keys]
        warned: dict[str, list[dict[str, Any]]] = {}
        for warning in self.warnings:
            warned.setdefault(warning.layer, []).append(warning.to_dict())
        layers = [dict(zip(keys, row, strict=True)) for row in zip(*values, strict=True)]
        for layer in layers:
            layer["warnings"] = warned.get(layer["name"], [])
        sums = ("params", "buffers", "macs", "flops", "activations")
        asked = [
            key for key in columns if key not in sums and key in COLUMNS and COLUMNS[key].total
        ]
        return {
            "name": self.name,
            "layout": "channels_first",
            "batch": self.batch,
            "dtype": self.dtype,
            "convention": self.count_as or "cnncalc",
            "inputs": list(self.inputs),
            "layers": layers,
            "totals": {key: self.total(key) for key in (*sums, *asked)} | {"layers": self.layers},
            "parts": {part: {key: self.total(key, part) for key in sums} for part in PARTS},
            "warnings": [warning for those in warned.values() for warning in those],
        }


_JSON_KEYS = {
    "name": "name",
    "number": "number",
    "type": "type",
    "from": "from",
    "fused_into": "fused_into",
    "input_shapes": "input_shapes",
    "output_shape": "output",
    "kernel_size": "kernel_size",
    "stride": "stride",
    "padding": "padding",
    "dilation": "dilation",
    "groups": "groups",
    "activations": "activations",
    "new_activations": "new_activations",
    "params": "params",
    "buffers": "buffers",
    "macs": "macs",
    "flops": "flops",
    "elementwise": "elementwise_by_kind",
}
"""The keys of a layer in the JSON contract, and the columns that give their values."""
