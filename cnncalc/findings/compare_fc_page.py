"""Convolutions beside fully connected layers: the page, and the CSV."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import prod
from typing import Any

from cnncalc.amounts import Layout, amount, percent, shape_text
from cnncalc.findings import maths
from cnncalc.findings.compare_fc import CONV, FULL, LOCAL, ConvComparison, FcComparison, Saving
from cnncalc.findings.dense_twin import Cost, DenseNetwork
from cnncalc.layers.base import count, times
from cnncalc.page import Block, Grid, Heading, Items, Maths, Page, Prose, Working
from cnncalc.tables.csv import as_csv

_COUNTED: dict[str, Callable[[Cost], int]] = {
    "weights": lambda cost: cost.weights,
    "biases": lambda cost: cost.biases,
    "parameters": lambda cost: cost.params,
    "MACs": lambda cost: cost.macs,
    "bytes": lambda cost: cost.bytes,
}
_COLUMN = {"twin": "dense twin", "one hidden layer": "one hidden layer", "hidden": "your own"}


def page(
    found: FcComparison, each: bool, networks: bool, layout: Layout, rounded: bool = False
) -> Page:
    """The convolutions, `each` with its working or as a table, and the dense `networks`.

    `rounded` are the counts of tables, never those of the working.
    """
    title = found.asked.titled(found.name, layout)
    blocks: list[Block] = [Heading(f"{title}: convolutions and fully connected layers", 1)]
    if found.total is None:
        blocks.append(Prose("There is no convolution in this network."))
    elif each:
        for layer in found.layers:
            blocks += _working(layer, found, layout, rounded)
    if found.total is not None and (not each or len(found.layers) > 1):
        blocks += _table(found, found.total, rounded)
    if networks:
        blocks += _networks(found, rounded)
    return blocks


# One convolution


def _working(
    layer: ConvComparison, found: FcComparison, layout: Layout, rounded: bool
) -> Iterator[Block]:
    saving = layer.saving
    yield Heading(layer.name)
    yield Prose(" ".join(_story(layer, layout)))
    yield _costs(saving, found, rounded)
    dense, local, conv = saving.dense.weights, saving.local.weights, saving.conv.weights
    yield Working(
        [
            [maths.word("sparse connections"), _ratio(dense, local), *_values(saving.sparsity)],
            [maths.word("parameter sharing"), _ratio(local, conv), *_values(saving.sharing)],
            [
                maths.word("both"),
                _product(saving.sparsity, saving.sharing),
                *_values(saving.whole)[-1:],
            ],
        ]
    )


def _story(layer: ConvComparison, layout: Layout) -> Iterator[str]:
    """What the convolution leaves out, what it shares, and what is odd about it."""
    saving, transposed = layer.saving, layer.kernels == "stamped"
    inputs, outputs = count(layer.input), count(layer.output)
    yield (
        f"{layer.layer} maps {shape_text(layer.input, layout)} to "
        f"{shape_text(layer.output, layout)}. Fully connected, each of {outputs:,} outputs has a "
        f"weight for each of {inputs:,} inputs."
    )
    sizes = [times([*layer.kernel_size, maps]) for maps in layer.maps]
    windows = dict.fromkeys(f"{a} = {b:,}" for a, b in zip(sizes, layer.window, strict=True))
    window = " to ".join(windows)
    lost = saving.local.weights - saving.connections
    stamps = ("input", "reaches", "outputs", outputs)
    near, sees, far, there = stamps if transposed else ("output", "sees", "inputs", inputs)
    if layer.window[1] > there:
        yield f"Here one {near} has {window} weights for {there:,} {far}."
    else:
        sees += " at most" if lost else ""
        yield f"Here one {near} {sees} {window} of {there:,} {far} (sparse connections)."
    positions = prod(layer.positions)
    if layer.kernels == "unshared":
        yield "Every position has weights of its own: nothing is shared."
    elif positions == 1:
        yield f"The {near} has one position: nothing is shared."
    else:
        yield (
            f"All {times(layer.positions)} = {positions:,} positions of the {near} use the same "
            "weights (parameter sharing), which saves weights and no MACs."
        )
    if lost:
        yield (
            f"Of the {saving.local.weights:,} weights of the locally connected layer {lost:,} "
            f"{'are cropped' if transposed else 'fall on padding'} and {saving.connections:,} "
            "connect an input and an output."
        )
    if saving.sparsity < 1:
        yield "These are so many that it has more weights than the fully connected layer."
    if saving.whole == 1 and not lost:
        yield "So this is a fully connected layer."
    if layer.weights_of:
        yield f"The weights are those of {layer.weights_of}; a sum counts them once."


def _costs(saving: Saving, found: FcComparison, rounded: bool) -> Grid:
    """The three layers, a column each."""
    rows = _rows(saving.costs, found, rounded)
    if saving.connections != saving.local.weights:
        met = (saving.dense.weights, saving.connections, saving.connections)
        rows.append(["real connections", *(amount(n, rounded=rounded) for n in met)])
    return Grid(
        ["", "fully connected", "locally connected", "convolution"], rows, right=range(1, 4)
    )


def _rows(costs: Sequence[Cost], found: FcComparison, rounded: bool) -> list[list[str]]:
    titles = {
        "MACs": f"MACs (batch {found.batch:,})" if found.batch > 1 else "MACs",
        "bytes": f"bytes ({found.dtype})",
    }
    return [
        [titles.get(name, name), *(_count(value(cost), name, rounded) for cost in costs)]
        for name, value in _COUNTED.items()
    ]


def _count(value: int, name: str, rounded: bool) -> str:
    return amount(value, "B" if rounded and name == "bytes" else "", rounded=rounded)


# All convolutions


def _table(found: FcComparison, total: Saving, rounded: bool) -> Iterator[Block]:
    """A row for each convolution, the sum, and what the sum consists of."""
    savings = [(layer.name, layer.saving) for layer in found.layers]
    several = len(savings) > 1
    rows = [_row(name, saving, rounded) for name, saving in savings + [("sum", total)] * several]
    header = ["weights", "fully connected", "locally", "shared", "sparse", "× sharing"]
    yield Grid(header, rows, right=range(1, 6), foot=several)
    yield Prose(
        "Fully connected: every output has a weight for every input. Locally connected: for the "
        "inputs under its kernel. Shared: the convolution, whose positions have the same weights."
        "\nFully connected = shared × sparse × sharing."
    )
    yield _costs(total, found, rounded)
    shares = any(layer.weights_of for layer in found.layers)
    notes = {
        "Weights that several layers share are counted once in the sum.": shares,
        "Layers that only training runs are in the sum without their MACs.": any(
            layer.auxiliary for layer in found.layers
        ),
        "A factor below 1: with weights on padding, or on what is cropped, the locally connected "
        "layer has more of them than the fully connected one.": any(
            layer.saving.sparsity < 1 for layer in found.layers
        ),
    }
    if any(notes.values()):
        yield Prose("\n".join(note for note, holds in notes.items() if holds))


def _row(name: str, saving: Saving, rounded: bool) -> list[str]:
    weights = (cost.weights for cost in saving.costs)
    factors = (saving.sparsity, saving.sharing)
    return [name, *(amount(n, rounded=rounded) for n in weights), *map(decimal, factors)]


# The network beside dense ones


def _networks(found: FcComparison, rounded: bool) -> Iterator[Block]:
    dense = found.dense_networks
    yield Heading("As a dense network")
    if found.reads_ids:
        yield Prose(
            "Its input is ids of tokens. Dense layers read values: there is none to compare."
        )
        return
    if not any(network.kind == "one hidden layer" for network in dense):
        yield Prose("One hidden unit alone takes more parameters than this network has.")
    if not dense:
        return
    yield Items([_sentence(network, found.network) for network in dense])
    costs = [found.network, *(network.cost for network in dense)]
    header = ["", "this network", *(_COLUMN[network.kind] for network in dense)]
    yield Grid(header, _rows(costs, found, rounded), right=range(1, len(header)))


def _sentence(network: DenseNetwork, own: Cost) -> str:
    sizes = network.arrows
    if network.kind == "one hidden layer":
        return (
            f"One hidden layer, as many units as the parameters allow: {sizes}, "
            f"{network.cost.params:,} of {own.params:,} parameters."
        )
    name = "Dense twin, the same values fully connected" if network.kind == "twin" else "Your own"
    if not own.weights:
        return f"{name}: {sizes}, {network.cost.weights:,} weights; this network has none."
    times_ours = decimal(Fraction(network.cost.weights, own.weights))
    part = percent(own.weights, network.cost.weights)
    return f"{name}: {sizes}, {times_ours} times the weights; this network has {part} % of them."


# Terms


def decimal(number: Fraction) -> str:
    """`40.96`; three dots where more digits follow: `44.80…`, `0.012…`, `1,088…`."""
    exact = (number * 1000).denominator == 1
    places = 3 if exact else 2 if number < 1000 else 0
    while number * 10**places < 10:
        places += 1
    whole, rest = divmod(int(number * 10**places), 10**places)
    text = f"{whole:,}.{rest:0{places}}" if places else f"{whole:,}"
    return text.rstrip("0").rstrip(".") if exact else f"{text}…"


def _ratio(a: int, b: int) -> Maths:
    return maths.fraction(maths.number(a), maths.number(b))


def _values(number: Fraction) -> list[Maths]:
    """A whole number; else the fraction in lowest terms, and as a decimal."""
    lowest = [_ratio(number.numerator, number.denominator)] if number.denominator > 1 else []
    return [*lowest, maths.digits(decimal(number))]


def _product(a: Fraction, b: Fraction) -> Maths:
    """The exact factors: a decimal that goes on is written as a fraction."""
    factors = map(_values, (a, b))
    exact = [terms[0 if terms[-1].text[-1] == "…" else -1] for terms in factors]
    return maths.joined(exact, maths.TIMES)


# CSV

_REST = ("connections", "sparsity", "sharing", "saving")


def comma_separated(found: FcComparison, layout: Layout) -> str:
    """A line for each convolution: shapes as `28x28x6`, raw numbers, factors as fractions."""
    keys = ("weights", "biases", "macs", "bytes")
    costs = [(which, key) for which in (FULL, LOCAL, CONV) for key in keys]
    sizes = ("inputs", "outputs", "window_least", "window_most")
    names = [f"{which}_{key}" for which, key in costs]
    header = ["name", "layer", "weights_of", "input", "output", *sizes, *names, *_REST]

    def row(layer: ConvComparison) -> list[Any]:
        entry = layer.to_dict()
        return [
            *(layer.name, layer.layer, layer.weights_of),
            *(shape_text(s, layout).replace("×", "x") for s in (layer.input, layer.output)),
            *(entry["inputs"], entry["outputs"], *layer.window),
            *(entry[which][key] for which, key in costs),
            *(entry[key] for key in _REST),
        ]

    return as_csv([header, *map(row, found.layers)])
