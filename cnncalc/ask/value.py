"""One number of a network, as it stands in a sentence."""

import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Annotated, Any

from cnncalc.amounts import Layout, decimals, percent, shape_text, sizes_text
from cnncalc.analysis.layer_numbers import by_number
from cnncalc.ask.groups import CountedAs, OfNetwork
from cnncalc.ask.option import LayoutOption, Option, SpecArgument
from cnncalc.ask.request import Answer
from cnncalc.errors import UsageError, hint, shown, suggestion
from cnncalc.graph import Graph
from cnncalc.infer import infer
from cnncalc.meanings import COLUMNS, column, key_of
from cnncalc.report import PARTS, Report

_UNITS = {
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
_FORMAT = re.compile(rf"(?:\.(\d\d?))?({'|'.join(_UNITS)})?")
FORMATS = "grouped, plain, or decimals and a unit such as .1M, .2k, .0MiB"
"""What `format` takes."""


@dataclass(frozen=True, kw_only=True)
class Value(CountedAs, OfNetwork[Any]):
    """One number of a network."""

    spec: SpecArgument = field()
    number: Annotated[str, Option("A total, a part's, a layer's or a block's.", positional=True)]
    layout: LayoutOption = "hwc"
    format: Annotated[str, Option(FORMATS)] = "grouped"
    unit: Annotated[bool, Option("Whether the unit of its format stands behind it.")] = True

    def find(self) -> Any:
        graph = self.graph()
        return quantity(self.report(graph), _by_name(self.number, graph))

    def answer(self, found: Any) -> Answer:
        key = self.number.rpartition(".")[2]
        return Answer(written(found, self.format, key, self.layout, unit=self.unit))


def _by_name(number: str, graph: Graph) -> str:
    """The number with its layer's name, where it has the textbook's number of it: `1.params`."""
    of, _, key = number.rpartition(".")
    if not of.isdigit() or any(f"{node.name}.".startswith(f"{of}.") for node in graph.nodes):
        return number
    meant = [fact.node.name for fact in by_number(of, infer(graph))]
    if len(meant) > 1:
        raise UsageError(f"{of} is the number of several layers: {', '.join(meant[:8])}")
    return f"{meant[0]}.{key}" if meant else number


def quantity(report: Report, name: str) -> Any:
    """What a name stands for: a total (`params`), a part's (`dense.params`), a layer's cell
    (`conv1.output`) or a block's sum (`layer2.0.macs`). Raises UsageError.

    Counts are integers, ratios fractions; shares and shapes are texts, as in the table.
    """
    of, _, key = name.rpartition(".")
    key = key_of(key)
    if key == "layers" and not of:
        return report.layers
    if key not in COLUMNS:
        raise UsageError(f"no such number: {shown(name)}{hint(key, [*COLUMNS, 'layers'])}")
    if not of or of in PARTS:
        return report.total(key, of or None)
    meant, names = column(key), report.column("name")
    if of in names:
        return _cell(report, key, names.index(of))
    inside = [i for i, layer in enumerate(names) if layer.startswith(f"{of}.")]
    if not inside:
        blocks = {layer[:i] for layer in names for i, sign in enumerate(layer) if sign == "."}
        raise UsageError(f"no such layer: {shown(of)}{suggestion(of, [*names, *sorted(blocks)])}")
    if meant.fused == "last" and not meant.total:
        # That of the block's output.
        return _cell(report, key, inside[-1])
    if not meant.total:
        raise UsageError(f"{of} is a block, and the column {key} has no total")
    values = report.column("new_activations" if key == "activations" else key)
    chosen = [values[i] for i in inside]
    return max(chosen) if meant.peak else sum(chosen)


def _cell(report: Report, key: str, index: int) -> Any:
    meant = column(key)
    if meant.kind == "share":
        return percent(report.column(meant.of)[index], report.total(meant.of))
    value = report.column(key)[index]
    if value is None:
        raise UsageError(f"{report.column('name')[index]} has no {meant.title}")
    return value


def written(value: Any, format: str, key: str, layout: Layout, *, unit: bool) -> str:
    """A number or cell as text. `format` is one of FORMATS; rounding is exact, halves up.

    Raises UsageError.
    """
    kind = COLUMNS[key].kind if key in COLUMNS else "count"
    if not isinstance(value, (int, Fraction)):
        if format != "grouped":
            raise UsageError(f"format={format} is for numbers; {key} is none")
        if kind == "shape":
            return shape_text(value, layout)
        return sizes_text(value) if kind == "sizes" else str(value)
    if format in ("grouped", "plain"):
        if isinstance(value, Fraction):
            return decimals(value)
        return f"{value:,}" if format == "grouped" else str(value)
    match = _FORMAT.fullmatch(format)
    if match is None:
        raise UsageError(f"format must be {FORMATS}, not {shown(format)}")
    places, name = int(match[1] or ("1" if match[2] else "0")), match[2] or ""
    text = decimals(Fraction(value) / _UNITS.get(name, 1), places).removesuffix(".0" * (not places))
    # `KiB` is a word, `M` a letter behind the number.
    return text + (f"{' ' * (len(name) > 1)}{name}" if unit else "")
