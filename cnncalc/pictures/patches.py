"""The patches of samples that excite a filter most, cropped to what its position reads."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from cnncalc.analysis.receptive_field import Axis, Field, receptive_fields
from cnncalc.errors import UsageError, shown, suggestion
from cnncalc.infer import Facts
from cnncalc.layers.base import times
from cnncalc.pictures import pixels
from cnncalc.pictures.figures import Band, Tile, tiled_figure
from cnncalc.pictures.picture import LeftOut, Picture, evenly, sentence
from cnncalc.pictures.trained_run import TrainedRun

FILTERS = 12
"""How many filters of a layer are shown."""
SAMPLES = 8
"""How many patches of each."""
LAYERS = 6
"""How many convolutions where nobody says which."""
_SIDE = 64


class Strongest(NamedTuple):
    """For each filter the samples with the strongest responses, one position of each.

    `values`, `samples` (filters, patches) and `positions` (filters, patches, axes).
    """

    values: torch.Tensor
    samples: torch.Tensor
    positions: npt.NDArray[np.intp]


class Crop(NamedTuple):
    """A part of a sample (C, *sizes), and which positions (*sizes) lie outside of the sample."""

    values: torch.Tensor
    outside: torch.Tensor


class Responses:
    """Gathers a layer's strongest response to each sample, batch after batch."""

    def __init__(self) -> None:
        self._values: list[torch.Tensor] = []
        self._places: list[torch.Tensor] = []
        self._sizes: tuple[int, ...] = ()

    def __call__(self, output: torch.Tensor) -> None:
        maps = output.detach()[:, :FILTERS]
        self._sizes = tuple(maps.shape[2:])
        # Of several largest values torch gives the first.
        values, places = maps.flatten(2).max(2)
        self._values.append(values.float().cpu())
        self._places.append(places.cpu())

    def strongest(self, number: int = SAMPLES) -> Strongest:
        """The samples in order, the strongest first; of two alike the earlier one."""
        values, places = torch.cat(self._values).T, torch.cat(self._places).T
        order = values.sort(dim=1, descending=True, stable=True).indices[:, :number]
        # Not torch's: it would import a library for symbols first.
        positions = np.unravel_index(places.gather(1, order).numpy(), self._sizes)
        return Strongest(values.gather(1, order), order, np.stack(positions, -1))


def named_layers(run: TrainedRun, names: Sequence[str]) -> list[Facts]:
    """The layers of these names. Raises UsageError for what is none, or makes no maps."""
    known = {fact.node.name: fact for fact in run.facts}
    for name in names:
        if name not in known:
            there = [fact.node.name for fact in _convolutions(run)]
            hint = suggestion(name, known) or f"; convolutions are {', '.join(there[:8]) or 'none'}"
            raise UsageError(f"--layer {shown(name)}: the network has no such layer{hint}")
        if len(known[name].output) < 2:
            raise UsageError(f"--layer {name}: it gives a vector, which has no positions to crop")
        if name in run.goal.graph.only_auxiliary():
            raise UsageError(f"--layer {name}: only training runs it")
    return [known[name] for name in dict.fromkeys(names)]


def chosen_layers(run: TrainedRun) -> tuple[list[Facts], str]:
    """Some of the convolutions, and a sentence where they are not all."""
    there = _convolutions(run)
    if not there:
        return [], "patches: the network has no convolution"
    some = evenly(there, LAYERS)
    note = f"patches: {len(some)} of {len(there):,} convolutions; --layer names others"
    return some, note if len(some) < len(there) else ""


def _convolutions(run: TrainedRun) -> list[Facts]:
    resting = run.goal.graph.only_auxiliary()
    return [fact for fact in run.facts if fact.node.layer.kernels and fact.node.name not in resting]


def draw(run: TrainedRun, layer: Facts, responses: Responses) -> Picture:
    """A row for each filter: patches with their responses. Raises LeftOut."""
    name, images = layer.node.name, run.samples.test.images
    axes = receptive_axes(run, layer)
    found = responses.strongest()
    bands, clipped = [], False
    for index, (values, samples, positions) in enumerate(zip(*found, strict=True)):
        crops = [
            crop(images[sample], axes, position.tolist())
            for sample, position in zip(samples, positions, strict=True)
        ]
        clipped |= any(bool(patch.outside.any()) for patch in crops)
        tiles = [
            Tile(pixels.picture(patch.values, _SIDE, patch.outside), (f"{value:.3g}",))
            for patch, value in zip(crops, values, strict=True)
        ]
        bands.append(Band(str(index), tiles, beside=True))
    extents = [_extent(axis, size) for axis, size in zip(axes, run.goal.input[1:], strict=True)]
    number, filters = layer.output[0], len(bands)
    some = f"the first {filters} of {number:,}" if filters < number else f"each of {number:,}"
    text = sentence(
        f"For {some} maps of {name} the {len(bands[0].tiles)} test samples to which it responds "
        f"most: the part of the input, {times(extents)}, that the strongest position reads, "
        "with its value",
        "pink is padding, outside of the sample" if clipped else "",
        pixels.part_shown(run.goal.input),
    )
    title = f"What excites {name} most"
    # A name of the spec may hold what a file's name may not.
    file = re.sub(r"[^\w.-]+", "-", name)
    return Picture(f"patches-{file}", title, text, tiled_figure(title, bands, text))


def receptive_axes(run: TrainedRun, layer: Facts) -> tuple[Axis, ...]:
    """What a layer's positions read along each axis of the input. Raises LeftOut."""
    names = [fact.node.name for fact in run.facts]
    axes = receptive_fields(run.facts)[names.index(layer.node.name)].axes
    if len(axes) != len(layer.output) - 1 or not axes or None in axes:
        raise LeftOut(f"patches: what {layer.node.name} reads of the input cannot be followed")
    return axes


def crop(sample: torch.Tensor, axes: Sequence[Axis], position: Sequence[int]) -> Crop:
    """The part of a sample (C, *sizes) that a position reads.

    Along an axis where the receptive field is longer than the sample, only what is inside; else
    the whole field, with zeros outside of the sample.
    """
    sizes = sample.shape[1:]
    inside = torch.ones(sizes, dtype=torch.bool)
    for axis, (read, place, size) in enumerate(zip(axes, position, sizes, strict=True)):
        ends = read.at(place) if isinstance(read, Field) else (0, size - 1)
        first, last = ends or (-1, -1)
        if _extent(read, size) == size:
            first, last = max(first, 0), min(last, size - 1)
        wanted = torch.arange(first, last + 1)
        there = (wanted >= 0) & (wanted < size)
        sample = sample.index_select(axis + 1, wanted.clamp(0, size - 1))
        inside = inside.index_select(axis, wanted.clamp(0, size - 1))
        shape = [-1 if other == axis else 1 for other in range(len(sizes))]
        inside = inside & there.reshape(shape)
    return Crop(sample * inside, ~inside)


def _extent(axis: Axis, size: int) -> int:
    """How many positions of the input a crop spans at most."""
    return min(axis.extent, size) if isinstance(axis, Field) else size
