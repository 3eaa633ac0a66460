"""What a convolution saves against the fully connected layer that maps the same input to the same
output, split into its two reasons.

Between the two stands the locally connected layer: it has the convolution's connections, but a
weight of its own for each. So

    fully connected / convolution = fully connected / locally connected   (sparse connections)
                                  × locally connected / convolution       (parameter sharing)

* Fully connected: a weight for every pair of an input and an output value.
* Locally connected: a weight for every multiplication that the convolution makes for one input,
  so its weights are the convolution's MACs. Groups, dilation and a table of connections leave out
  what the convolution leaves out. Weights that fall on padding are kept, as the convolution
  multiplies there too; `connections` counts those that meet an input. Where padding is large this
  layer has more weights than the fully connected one: the first factor is then below 1.
* A transposed convolution multiplies at every input position, so its locally connected layer has
  input positions × kernel weights; `connections` leaves out those whose product is cropped.
* `locally_connected` is that layer already: its second factor is 1.
* `weights_of`: the kernel is compared at every layer that uses it, and counted once in a sum. A
  fully connected layer has weights of its own each time: sharing between layers is sharing.
* Biases: one for each output value without sharing, one for each output channel with it; none
  where the convolution has none.

Source: Goodfellow, Bengio, Courville, Deep Learning, 2016, section 9.2 (sparse interactions,
parameter sharing) and 9.5 (unshared convolution).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any, NamedTuple

from cnncalc.analysis.layer_numbers import by_number
from cnncalc.asked import Asked
from cnncalc.errors import UsageError, shown, suggestion
from cnncalc.findings.dense_twin import Cost, DenseNetwork, Size
from cnncalc.graph import Graph
from cnncalc.infer import Facts
from cnncalc.layers.base import KernelUse, Shape, count
from cnncalc.presented import Presented
from cnncalc.report import exact

FULL, LOCAL, CONV = "fully_connected", "locally_connected", "convolution"
"""What the three layers that are compared are called in JSON and CSV."""


class Saving(NamedTuple):
    """Three layers that map the same input to the same output, and the factors between them."""

    dense: Cost
    local: Cost
    conv: Cost
    connections: int
    """Pairs of an input and an output value that meet in the second and the third, padding and
    what is cropped left out."""

    @property
    def costs(self) -> tuple[Cost, Cost, Cost]:
        """The three layers, from the largest on as a rule."""
        return self.dense, self.local, self.conv

    @property
    def sparsity(self) -> Fraction:
        """How many times fewer weights sparse connections need."""
        return Fraction(self.dense.weights, self.local.weights)

    @property
    def sharing(self) -> Fraction:
        """How many times fewer weights are left when positions share them."""
        return Fraction(self.local.weights, self.conv.weights)

    @property
    def whole(self) -> Fraction:
        """Both together: weights of the fully connected layer for each of the convolution."""
        return self.sparsity * self.sharing

    def to_dict(self) -> dict[str, Any]:
        """Costs by layer, and the factors."""
        factors = {"sparsity": self.sparsity, "sharing": self.sharing, "saving": self.whole}
        return {
            FULL: self.dense.to_dict(),
            LOCAL: self.local.to_dict(),
            CONV: self.conv.to_dict(),
            "connections": self.connections,
            **{name: exact(factor) for name, factor in factors.items()},
        }


class ConvComparison(NamedTuple):
    """One convolution beside its locally and its fully connected counterpart."""

    name: str
    type: str
    kernels: KernelUse | None
    """How it applies them, as `Layer.kernels` says."""
    layer: str
    """As tables describe it: `conv 5×5 s1 p0`."""
    input: Shape
    output: Shape
    kernel_size: tuple[int, ...]
    maps: tuple[int, int]
    """Fewest and most input maps that an output reads; of a transposed convolution the output
    maps that an input reaches."""
    positions: tuple[int, ...]
    """Where the kernel is applied: positions of the output, of a transposed one of the input."""
    weights_of: str | None
    auxiliary: bool
    """Whether only training runs it."""
    saving: Saving

    @property
    def window(self) -> tuple[int, int]:
        """Fewest and most inputs under the kernel of one output, padding included; of a
        transposed convolution the outputs under the stamp of one input, cropped ones included."""
        taps = prod(self.kernel_size)
        return taps * self.maps[0], taps * self.maps[1]

    def to_dict(self) -> dict[str, Any]:
        """Everything by name; shapes channels first."""
        return {
            "name": self.name,
            "type": self.type,
            "layer": self.layer,
            "weights_of": self.weights_of,
            "auxiliary": self.auxiliary,
            "input_shape": list(self.input),
            "output_shape": list(self.output),
            "inputs": count(self.input),
            "outputs": count(self.output),
            "window": list(self.window),
            **self.saving.to_dict(),
        }


@dataclass(frozen=True)
class FcComparison(Presented):
    """The convolutions of a network, their sum, and the network beside dense ones."""

    name: str
    batch: int
    dtype: str
    layers: list[ConvComparison]
    total: Saving | None
    """The sum over the layers; None where there is none."""
    network: Cost
    """The network itself, all its layers."""
    dense_networks: list[DenseNetwork]
    asked: Asked
    reads_ids: bool = False
    """Whether it reads ids of tokens, which no dense network does."""

    def to_dict(self) -> dict[str, Any]:
        """What `--format json` prints."""
        return {
            "name": self.name,
            "layout": "channels_first",
            "batch": self.batch,
            "dtype": self.dtype,
            "asked": self.asked.to_dict(),
            "layers": [layer.to_dict() for layer in self.layers],
            "total": self.total and self.total.to_dict(),
            "network": self.network.to_dict(),
            "dense_networks": [dense.to_dict() for dense in self.dense_networks],
        }


def compare_convolutions(
    graph: Graph, facts: Sequence[Facts], names: Sequence[str], batch: int, size: Size
) -> tuple[list[ConvComparison], Saving | None]:
    """The convolutions of those names (of the blocks of those names; all where there is none) in
    the graph's order, and their sum. MACs of layers that only training runs are no part of it.

    Raises UsageError.
    """
    found = [fact for fact in facts if fact.node.layer.kernels]
    known = {fact.node.name: fact for fact in facts}
    if names:
        wanted = {fact.node.name for name in names for fact in _named(name, found, known)}
        found = [fact for fact in found if fact.node.name in wanted]
    auxiliary = graph.only_auxiliary()
    compared = [_compare(f, f.node.name in auxiliary, batch, size) for f in found]
    return compared, _sum(compared, {name: _owner(name, known) for name in known})


def _named(name: str, convolutions: list[Facts], known: dict[str, Facts]) -> list[Facts]:
    chosen = [f for f in convolutions if f"{f.node.name}.".startswith(f"{name}.")]
    if not chosen and name not in known and (meant := by_number(name, [*known.values()])):
        chosen = [fact for fact in meant if fact.node.layer.kernels]
        name = meant[0].node.name
    if chosen:
        return chosen
    names = [fact.node.name for fact in convolutions]
    problem = f"no such layer: {shown(name)}"
    if name in known:
        problem = f"{name} is no convolution but {known[name].node.layer.type}"
    few = f"; the convolutions are {', '.join(names)}" if 0 < len(names) <= 8 else ""
    raise UsageError(problem + (suggestion(name, names) or few))


def _compare(fact: Facts, auxiliary: bool, batch: int, size: Size) -> ConvComparison:
    layer, windows, (input,), output = fact.node.layer, fact.windows, fact.inputs, fact.output
    # Not fact.weights: what works with another layer's kernel is compared with that.
    weights = layer.weights(*fact.inputs)
    biases = count(output) if "bias" in weights else 0
    pairs = count(input) * count(output)

    def cost(weights: int, biases: int, macs: int) -> Cost:
        return Cost(weights, biases, macs * batch, size(weights + biases))

    transposed = layer.kernels == "stamped"
    far = output if transposed else input
    table = getattr(layer, "connections_table", None)
    maps = list(map(len, table)) if table else [far[0] // (layer.wiring_groups(input) or 1)]
    return ConvComparison(
        fact.node.name,
        layer.type,
        layer.kernels,
        layer.describe(*fact.inputs),
        input,
        output,
        tuple(window.kernel_size for window in windows),
        (min(maps), max(maps)),
        input[1:] if transposed else output[1:],
        fact.node.weights_of,
        auxiliary,
        Saving(
            cost(pairs, biases, pairs),
            cost(fact.macs, biases, fact.macs),
            cost(prod(weights["weight"]), prod(weights.get("bias", (0,))), fact.macs),
            fact.connections - biases,
        ),
    )


def _owner(name: str, known: dict[str, Facts]) -> str:
    """The layer whose weights a layer works with: itself, or the first of those that share."""
    while shared := known[name].node.weights_of:
        name = shared
    return name


def _sum(layers: Sequence[ConvComparison], owners: dict[str, str]) -> Saving | None:
    """The sum of all layers: a kernel that several use is counted once, MACs where they run."""
    if not layers:
        return None
    kernels = {owners[layer.name]: layer.saving.conv for layer in layers}
    counted = (
        [layer.saving.dense for layer in layers],
        [layer.saving.local for layer in layers],
        list(kernels.values()),
    )
    run = [layer.saving.costs for layer in layers if not layer.auxiliary]
    dense, local, conv = (
        Cost(*map(sum, zip(*costs, strict=True)))._replace(macs=sum(those[i].macs for those in run))
        for i, costs in enumerate(counted)
    )
    return Saving(dense, local, conv, sum(layer.saving.connections for layer in layers))
