"""Why each number of a layer is what it is: the code that computes it, run on traced numbers.

A layer's own methods are called with its sizes as `Traced` numbers, each under the letter that
textbooks give it, so that what they return carries its formula.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

from cnncalc.analysis.layer_numbers import by_number, layer_numbers
from cnncalc.analysis.memory import WorkingSet, working_sets
from cnncalc.analysis.receptive_field import ITSELF, Field, Trace, receptive_fields
from cnncalc.analysis.strides import StrideWarning, stride_warnings
from cnncalc.asked import Asked
from cnncalc.dims import Window
from cnncalc.errors import UsageError, shorten, shown, suggestion
from cnncalc.findings.expression import (
    MAX_TERMS,
    Expression,
    Name,
    Number,
    Product,
    Quotient,
    Sum,
    Traced,
    add,
    expression_of,
    letters_of,
    multiply,
    replace,
    sum_of,
)
from cnncalc.findings.traced_layer import AXIS_LETTERS, sizes_named, traced_layer, traced_windows
from cnncalc.graph import Graph
from cnncalc.infer import Facts
from cnncalc.layers.base import AXIS_NAMES, Shape
from cnncalc.layers.kept import INDEX_BYTES
from cnncalc.presented import Presented

MEANINGS = {
    "H": "height",
    "W": "width",
    "L": "length",
    "Z": "depth",
    "C": "channels",
    "F": "kernel",
    "S": "stride",
    "P": "padding of each side",
    "D": "dilation",
    "A": "output padding",
    "K": "output channels",
    "g": "groups",
    "h": "heads",
    "m": "multiplier",
    "O": "output size",
    "r": "factor",
    "n": "size",
    "R": "receptive field",
    "J": "effective stride",
}
"""What each letter means."""

_ORDER = "HWLZFCgmhnOrK"
"""In which order factors are written."""


class Line(NamedTuple):
    """One derivation: what it gives (a word, or the names of sizes), its formula, its value."""

    what: str | tuple[Name, ...]
    formula: Expression
    value: int


class Explanation(NamedTuple):
    """One layer: what goes in, how each of its numbers comes about, what to say besides."""

    name: str
    layer: str
    inputs: tuple[Shape, ...]
    output: Shape
    lines: tuple[Line, ...]
    remark: str
    warnings: tuple[StrideWarning, ...]
    fused: bool


@dataclass(frozen=True)
class Explained(Presented):
    """A network, or some of its layers, explained; and its totals as sums where they are short."""

    name: str
    layers: tuple[Explanation, ...]
    totals: tuple[Line, ...]
    asked: Asked


def explanations(
    graph: Graph, facts: list[Facts], bits: int, names: Sequence[str] = ()
) -> list[Explanation]:
    """Each layer explained; or those of the names, blocks among them, with what is fused.

    `bits` are those of one value. Raises UsageError for a name that there is not.
    """
    wanted = {fact.node.name for name in names for fact in layers_named(name, facts)}
    traces = dict(zip((f.node.name for f in facts), receptive_fields(facts), strict=True))
    sets = {found.node: found for found in working_sets(graph, facts)}
    unread = set(graph.unread())
    costs: dict[tuple[int, int], tuple[Line, ...]] = {}

    def costs_of(fact: Facts) -> tuple[Line, ...]:
        # Networks repeat themselves: equal layers on equal inputs share their work.
        key = id(fact.work), fact.params
        if key not in costs:
            costs[key] = tuple(_sizes_and_costs(fact))
        return costs[key]

    return [
        Explanation(
            name=fact.node.name,
            layer=fact.node.layer.describe(*fact.inputs),
            inputs=fact.inputs,
            output=fact.output,
            lines=(
                *costs_of(fact),
                *_receptive_field(fact, traces),
                *_memory(fact, sets.get(fact.node.name), bits),
            ),
            remark=_remark(fact, fact.node.name in unread),
            warnings=tuple(stride_warnings(fact)),
            fused=fact.node.fused_into is not None,
        )
        for fact in facts
        if not names or not wanted.isdisjoint((fact.node.name, fact.node.fused_into))
    ]


def totals(graph: Graph, facts: list[Facts]) -> Iterator[Line]:
    """Activations, parameters and MACs of the network as sums over its layers, if few have any."""
    resting = graph.only_auxiliary()
    counted: dict[str, Callable[[Facts], int]] = {
        "activations": lambda fact: 0 if fact.node.name in resting else fact.new_activations,
        "params": lambda fact: fact.params,
        "MACs": lambda fact: 0 if fact.node.name in resting else fact.macs,
    }
    for what, number in counted.items():
        found = [(1, Name(f.node.name, "", number(f))) for f in facts if number(f)]
        if 0 < len(found) <= MAX_TERMS:
            total = add(*found)
            yield Line(what, total, total.value)


def layers_named(name: str, facts: Sequence[Facts]) -> list[Facts]:
    """The layers that the name of a layer or a block, else the textbook's number, stands for.

    Raises UsageError.
    """
    chosen = [fact for fact in facts if f"{fact.node.name}.".startswith(f"{name}.")]
    chosen = chosen or by_number(name, facts)
    if not chosen:
        names = [fact.node.name for fact in facts]
        hint = suggestion(name, names) or "; `cnncalc table` lists them"
        if name.isdigit() and (number := max((n or 0 for n in layer_numbers(facts)), default=0)):
            raise UsageError(f"no such layer: {shorten(name)}; their numbers are 1 to {number:,}")
        raise UsageError(f"no such layer: {shown(name)}{hint}")
    return chosen


# Tracing


def _sizes_and_costs(fact: Facts) -> Iterator[Line]:
    """Output sizes, activations, parameters, MACs and FLOPs."""
    below = str(len(fact.inputs) + 1)
    inputs = [
        tuple(map(Traced, sizes_named(shape, str(i)))) for i, shape in enumerate(fact.inputs, 1)
    ]
    layer = traced_layer(fact, inputs)
    names = sizes_named(fact.output, below)
    formulas = [expression_of(number) for number in layer.output(*inputs)]
    # Later formulas use the names of what is computed, not the formulas again.
    known: dict[Expression, Name] = {
        formula: name
        for formula, name in zip(formulas, names, strict=True)
        if not isinstance(formula, Name | Number)
    }
    yield from _size_lines(known)
    sizes = [known.get(formula, formula) for formula in formulas]
    if fact.node.layer.values == "new":
        yield Line("activations", _product(sizes, below), fact.activations)
    if fact.params:
        shapes = layer.weights(*inputs).values()
        tensors = [_product(map(expression_of, shape), below) for shape in shapes]
        yield Line("params", add(*((1, tensor) for tensor in tensors)), fact.params)
    if fact.macs:
        macs = replace(expression_of(layer.macs(*inputs)), known)
        yield Line("MACs", _in_order(macs, below), fact.macs)
        yield Line("FLOPs", multiply(Number(2), Name("MACs", "", fact.macs)), 2 * fact.macs)


def _size_lines(known: dict[Expression, Name]) -> Iterator[Line]:
    """A line for each computed size; axes with the same numbers share one."""
    lines: dict[Expression, tuple[list[Name], Expression]] = {}
    for formula, name in known.items():
        anonymous = _anonymous(formula) if name.letter != "C" else formula
        lines.setdefault(anonymous, ([], formula))[0].append(name)
    for names, formula in lines.values():
        yield Line(tuple(names), formula, formula.value)


def _anonymous(formula: Expression) -> Expression:
    """The formula without the names of axes."""
    renamed: dict[Expression, Expression] = {
        name: Name("", "", name.value)
        for name in letters_of(formula)
        if name.letter in AXIS_LETTERS.values()
    }
    return replace(formula, renamed)


def _product(factors: Iterable[Expression], below: str) -> Expression:
    one: Expression = Number(1)
    return _in_order(reduce(multiply, factors, one), below)


def _in_order(formula: Expression, below: str) -> Expression:
    """Products with their factors in the usual order: output sizes, kernel, channels."""
    match formula:
        case Sum(terms):
            return Sum(tuple((sign, _in_order(term, below)) for sign, term in terms))
        case Product(factors):
            return Product(tuple(sorted(factors, key=lambda factor: _rank(factor, below))))
    return formula


def _rank(factor: Expression, below: str) -> tuple[int, int]:
    if isinstance(factor, Number):
        return (-1, 0)
    first = next(letters_of(factor), Name("", "", 0))
    return (0 if first.below == below and first.letter != "C" else 1, _ORDER.find(first.letter))


# Receptive field and memory


def _receptive_field(fact: Facts, traces: Mapping[str, Trace]) -> Iterator[Line]:
    """R₂ = R₁ + D(F − 1)·J₁ and J₂ = S·J₁, where that is what the axis maps compose to.

    Source: Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks"
    (Distill, 2019), equations 2 and 3.
    """
    axes = traces[fact.node.name].axes
    if not fact.windows or len(fact.windows) != len(axes):
        return
    before = traces.get(fact.node.inputs[0])
    seen: set[tuple[Any, ...]] = set()
    names = [AXIS_LETTERS[axis] for axis in AXIS_NAMES[len(axes)]]
    windows = traced_windows(fact.windows, fact.inputs[0][1:])
    for index, (axis, window, traced) in enumerate(zip(axes, fact.windows, windows, strict=True)):
        read = before.axes[index] if before else ITSELF
        if not (
            isinstance(axis, Field)
            and isinstance(read, Field)
            and isinstance(window, Window)
            and isinstance(traced, Window)
        ):
            continue
        step = read.stride
        key = (window.extent, window.stride, read.extent, step)
        if step.denominator != 1 or key in seen:
            continue
        seen.add(key)
        below = names[index] if len(set(axes)) > 1 else ""
        field = Traced(Name("R", f"1{below}", read.extent))
        jump = Traced(Name("J", f"1{below}", step.numerator))
        grown = expression_of(field + (traced.extent - 1) * jump)
        strided = expression_of(traced.stride * jump)
        if grown.value == axis.extent and strided.value == axis.stride:
            yield Line((Name("R", f"2{below}", axis.extent),), grown, axis.extent)
            yield Line((Name("J", f"2{below}", strided.value),), strided, strided.value)


def _memory(fact: Facts, alive: WorkingSet | None, bits: int) -> Iterator[Line]:
    """Bytes of the parameters, and of the tensors that are alive while the layer runs."""

    def sized(values: Expression) -> Expression:
        eighths = Quotient(multiply(Number(bits), values), Number(8), up=True)
        return eighths if bits % 8 else multiply(Number(bits // 8), values)

    if fact.params:
        size = sized(Name("params", "", fact.params))
        yield Line("params bytes", size, size.value)
    if alive is not None and fact.node.layer.values == "new":
        size = sized(_alive(alive, False))
        if alive.indices:
            size = add((1, size), (1, multiply(Number(INDEX_BYTES), _alive(alive, True))))
        yield Line("peak memory", size, size.value)


def _alive(alive: WorkingSet, indices: bool) -> Expression:
    """The tensors of values, or of indices, as a sum; of many the first."""
    known = [Name(t.name, "", t.elements) for t in alive.named if t.indices == indices]
    number = alive.tensors - sum(t.indices != indices for t in alive.named)
    return sum_of(known, number, alive.indices if indices else alive.elements)


def _remark(fact: Facts, unread: bool) -> str:
    """What is to be said besides."""
    layer, node = fact.node.layer, fact.node
    said = []
    if unread and not node.fused_into:
        said.append("No output needs it; it is counted all the same.")
    if node.weights_of:
        said.append(f"Works with the weights of {node.weights_of}, which are counted there.")
    elif node.indices_of:
        read = f"Puts each value where {node.indices_of} found it"
        said.append(f"{read}, and is as large as what that read.")
    elif layer.values == "view":
        said.append(f"{layer.type} gives the same values, or some of them: nothing new is stored.")
    elif layer.values == "in_place" and not fact.params:
        nothing = "nothing new is stored, nothing is trained"
        said.append(f"{layer.type} overwrites each value: {nothing}.")
    return " ".join(said)
