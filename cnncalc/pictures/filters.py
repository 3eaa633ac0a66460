"""The first layer's filters, before training and after it."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from cnncalc.infer import Facts
from cnncalc.layers.base import times
from cnncalc.pictures import pixels
from cnncalc.pictures.figures import Band, Pixels, Tile, tiled_figure
from cnncalc.pictures.picture import LeftOut, Picture
from cnncalc.pictures.trained_run import TrainedRun

MOST = 64
"""How many filters are shown."""
_SUMMED = ", each the sum of its three channels, which read the same grey"
SIDE = 56
"""How large one is drawn, in pixels."""


class Filters(NamedTuple):
    """The weights of a layer as pictures: (filters, channels, height, width), or (…, length)."""

    layer: str
    kind: str
    note: str
    stages: Sequence[torch.Tensor]
    """Before training, where that is known, and after it."""


def draw(run: TrainedRun) -> Picture:
    """Each filter before training above the same one after it, both on one scale."""
    found = filters(run)
    after = found.stages[-1]
    number, shown = len(after), min(len(after), MOST)
    tiles = [Tile(_pair(found, index), (str(index),)) for index in range(shown)]
    some = f"The first {shown} of {number:,}" if shown < number else f"The {number:,}"
    both = "above before training, below after it, a pair on one scale"
    place = both if len(found.stages) == 2 else "after training"
    zero = "0 is the middle line" if after.dim() == 3 else "0 is the middle grey"
    text = f"{some} {found.kind} of {found.layer}{found.note}: {place}; {zero}."
    title = f"What {found.layer} looks for"
    return Picture("filters", title, text, tiled_figure(title, [Band("", tiles)], text))


def filters(run: TrainedRun) -> Filters:
    """Those of the first convolution; else the rows of a first linear layer. Raises LeftOut."""
    first = next((fact for fact in run.facts if fact.node.layer.kernels == "shared"), None)
    if first is None:
        return _rows(run)
    name = first.node.name
    kernels = _weights(run, name)
    _, channels, *sizes = kernels[-1].shape
    if len(sizes) == 1 and channels > 4:
        raise LeftOut(f"filters: those of {name} have {channels:,} channels, more than curves show")
    if len(sizes) > 1 and channels not in (1, 3):
        raise LeftOut(f"filters: those of {name} have {channels:,} channels, a picture 1 or 3")
    note = ""
    direct = first.node.inputs[0] in run.goal.graph.inputs
    if channels == 3 and len(sizes) == 2 and direct and _reads_grey(run):
        channels, note = 1, _SUMMED
        kernels = [kernel.sum(1, keepdim=True) for kernel in kernels]
    if len(sizes) == 3:
        kernels = [kernel[:, :, sizes[0] // 2] for kernel in kernels]
        note = ", the middle slice of each"
    return Filters(name, f"filters of {times(sizes)}×{channels:,}", note, kernels)


def _reads_grey(run: TrainedRun) -> bool:
    """Whether the three channels of a run's pictures are one, copied."""
    if run.data is None:
        return False
    images = run.data.train.images
    if images.dim() == 2:
        images = images.view(len(images), 3, -1)
    return bool((images == images[:, :1]).all())


def _rows(run: TrainedRun) -> Filters:
    """What each unit of a linear layer makes of every pixel, as a picture. Raises LeftOut."""
    first = next(fact for fact in run.facts if fact.params)
    name, shape = first.node.name, run.goal.input
    if first.node.layer.family != "dense" or not _reads_input(run, first):
        raise LeftOut(f"filters: the weights of {name}, the first layer with any, are no pictures")
    weights = _weights(run, name)
    size = tuple(pixels.square(weights[0][0]).shape) if len(shape) == 1 else shape
    if size[0] not in (1, 3) or len(size) not in (2, 3):
        raise LeftOut(f"filters: {name} reads {times(shape)} values, which are no picture")
    note, rows = "", [weight.reshape(len(weight), *size) for weight in weights]
    if len(size) == 3 and size[0] == 3 and _reads_grey(run):
        size, note = (1, *size[1:]), _SUMMED
        rows = [row.sum(1, keepdim=True) for row in rows]
    kind = (
        f"rows of weights as pictures of {times((*size[1:], size[0]))}"
        if len(size) == 3
        else f"rows of {len(weights[0][0]):,} weights"
    )
    return Filters(name, kind, note, rows)


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


def _weights(run: TrainedRun, name: str) -> list[torch.Tensor]:
    """Those of a layer before training, where they are known, and after it."""
    known = [network for network in (run.start, run.network) if network is not None]
    return [network.get_parameter(f"{name}.weight").detach().cpu().float() for network in known]


def _pair(found: Filters, index: int) -> Pixels:
    """A filter before and after, on the scale of the larger of the two."""
    pair = [weights[index] for weights in found.stages]
    most = float(torch.stack(pair).abs().max())
    drawn = [
        pixels.curves(part, -most, most, SIDE * 2)
        if part.dim() == 2
        else pixels.signed(part, most, SIDE)
        for part in pair
    ]
    return pixels.stacked(*drawn) if len(drawn) == 2 else drawn[0]
