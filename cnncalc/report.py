"""What is known of a network, as columns over its layers: the one thing that is printed.

A report holds plain values, no layers. Columns are computed when they are first asked for.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from cnncalc.asked import Asked
from cnncalc.dims import maximum, pinned
from cnncalc.errors import UsageError
from cnncalc.meanings import COLUMNS, Column, column, key_of
from cnncalc.presented import Presented

if TYPE_CHECKING:
    from cnncalc.analysis.notices import Notice
    from cnncalc.analysis.strides import StrideWarning

T = TypeVar("T")
PARTS = ("convolutional", "dense", "auxiliary")
"""Feature extraction; classification, which maps vectors to vectors; and what only training uses.
"""

ALWAYS_THERE = {
    "params",
    "weights",
    "biases",
    "trainable",
    "non_trainable",
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


@dataclass(eq=False, repr=False)
class Report(Presented):
    """Columns over the layers of one network, its inputs, its totals and its warnings."""

    name: str
    asked: Asked
    """What was asked otherwise than the spec says."""
    inputs: tuple[dict[str, Any], ...]
    """Each input's name, shape (channels first) and activations."""
    compute: Mapping[str, Callable[[], Sequence[Any]]]
    """What gives each column's values, one for each layer."""
    find_warnings: Callable[[], Iterable["Notice | StrideWarning"]] = tuple
    """What finds what is read by nothing, and the strides that do not fit."""
    description: str = ""
    source: str = ""
    remarks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What is to be said under a table that shows a column."""
    left_out: str = ""
    """Which auxiliary part is left out, where one does not fit, and why."""
    missing: Sequence[str] = ()
    """The layers that do not fit or read such: nothing is known of them, nor any total."""
    _known: dict[str, Sequence[Any]] = field(default_factory=dict, repr=False)
    _totals: dict[tuple[str, str | None], int] = field(default_factory=dict, repr=False)

    @property
    def batch(self) -> int:
        """How many inputs at a time are counted."""
        return self.asked.batch

    @property
    def dtype(self) -> str:
        """The type of a value, for columns in bytes."""
        return self.asked.dtype

    @property
    def count_as(self) -> str | None:
        """The tool that the column `count` follows."""
        return self.asked.count_as

    @cached_property
    def warnings(self) -> tuple["Notice | StrideWarning", ...]:
        """What nothing reads and which strides do not fit, found when they are first asked for."""
        return tuple(self.find_warnings())

    def column(self, key: str) -> Sequence[Any]:
        """The values of a column, one for each layer. Raises UsageError for an unknown one."""
        key = key_of(key)
        if key not in self._known:
            if key not in self.compute:
                column(key)
            self._known[key] = self.compute[key]()
        return self._known[key]

    def total(self, key: str, part: str | None = None) -> int:
        """The sum of a column, or of its layers in one part. Raises UsageError."""
        # Remembered: every cell that is a percentage asks for it.
        key = key_of(key)
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
        columns = [*map(key_of, columns)]
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
            "asked": self.asked.to_dict(),
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
