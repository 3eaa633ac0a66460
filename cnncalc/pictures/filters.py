"""The first layer's filters, before training and after it."""

from typing import NamedTuple

import torch
from torch import Tensor

from cnncalc.infer import Facts
from cnncalc.layers.base import times
from cnncalc.pictures import pixels
from cnncalc.pictures.figures import Band, Pixels, Tile, tiled_figure
from cnncalc.pictures.picture import LeftOut, Picture
from cnncalc.pictures.trained_run import TrainedRun
from cnncalc.witness.network import Network

MOST = 64
"""How many filters are shown."""
SIDE = 56
"""How large one is drawn, in pixels."""


class Filters(NamedTuple):
    """The weights of a layer as pictures: (filters, channels, height, width), or (…, length)."""

    layer: str
    kind: str
    note: str
    before: Tensor | None
    after: Tensor


def draw(run: TrainedRun) -> Picture:
    """Each filter before training above the same one after it, both on one scale."""
    found = filters(run)
    number, shown = len(found.after), min(len(found.after), MOST)
    tiles = [Tile(_pair(found, index), (str(index),)) for index in range(shown)]
    some = f"The first {shown} of {number:,}" if shown < number else f"The {number:,}"
    place = "after training"
    if found.before is not None:
        place = "above before training, below after it, a pair on one scale"
    zero = "0 is the middle line" if found.after.dim() == 3 else "0 is the middle grey"
    text = f"{some} {found.kind} of {found.layer}{found.note}: {place}; {zero}."
    title = f"What {found.layer} looks for"
    return Picture("filters", title, text, tiled_figure(title, [Band("", tiles)], text))


def filters(run: TrainedRun) -> Filters:
    """Those of the first convolution; else the rows of a first linear layer. Raises LeftOut."""
    first = next((fact for fact in run.facts if fact.node.layer.kernels == "shared"), None)
    if first is None:
        return _rows(run)
    name = first.node.name
    kernel = _weight(run.network, name)
    channels, sizes = kernel.shape[1], kernel.shape[2:]
    kind = f"filters of {times(sizes)}×{channels:,}"
    before = None if run.start is None else _weight(run.start, name)
    if len(sizes) == 1 and channels > 4:
        raise LeftOut(f"filters: those of {name} have {channels:,} channels, more than curves show")
    if len(sizes) > 1 and channels not in (1, 3):
        raise LeftOut(f"filters: those of {name} have {channels:,} channels, a picture 1 or 3")
    note = ""
    if len(sizes) == 3:
        middle = sizes[0] // 2
        kernel = kernel[:, :, middle]
        before = None if before is None else before[:, :, middle]
        note = ", the middle slice of each"
    return Filters(name, kind, note, before, kernel)


def _rows(run: TrainedRun) -> Filters:
    """What each unit of a linear layer makes of every pixel, as a picture. Raises LeftOut."""
    first = next(fact for fact in run.facts if fact.params)
    name, shape = first.node.name, run.goal.input
    if first.node.layer.family != "dense" or not _reads_input(run, first):
        raise LeftOut(f"filters: the weights of {name}, the first layer with any, are no pictures")
    weight = _weight(run.network, name)
    before = None if run.start is None else _weight(run.start, name)
    if len(shape) == 1:
        square = pixels.square(weight[0])
        size = tuple(square.shape)
    else:
        size = shape
    if size[0] not in (1, 3) or len(size) not in (2, 3):
        raise LeftOut(f"filters: {name} reads {times(shape)} values, which are no picture")
    rows = [None if w is None else w.reshape(len(w), *size) for w in (before, weight)]
    assert rows[1] is not None
    kind = f"rows of {len(weight[0]):,} weights"
    if len(size) == 3:
        kind = f"rows of weights as pictures of {times((*size[1:], size[0]))}"
    return Filters(name, kind, "", rows[0], rows[1])


def _reads_input(run: TrainedRun, linear: Facts) -> bool:
    """Whether only views that leave all values in order stand between a layer and the input."""
    nodes = {fact.node.name: fact.node for fact in run.facts}
    name = linear.node.inputs[0]
    while name in nodes:
        layer = nodes[name].layer
        if (layer.values, layer.memory_order) != ("view", "channels_first"):
            return False
        name = nodes[name].inputs[0]
    return True


def _weight(network: Network, name: str) -> Tensor:
    weight = network.get_submodule(name).weight
    assert isinstance(weight, Tensor)
    return weight.detach().cpu().float()


def _pair(found: Filters, index: int) -> Pixels:
    """A filter before and after, on the scale of the larger of the two."""
    pair = [part[index] for part in (found.before, found.after) if part is not None]
    most = float(torch.stack(pair).abs().max())
    if pair[0].dim() == 2:
        drawn = [pixels.curves(part, -most, most, SIDE * 2) for part in pair]
    else:
        drawn = [pixels.signed(part, most, SIDE) for part in pair]
    return pixels.stacked(*drawn) if len(drawn) == 2 else drawn[0]
