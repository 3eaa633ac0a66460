"""What each layer makes of a sample: its feature maps."""

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cnncalc.amounts import shape_text
from cnncalc.infer import Facts
from cnncalc.pictures import pixels
from cnncalc.pictures.figures import Band, Pixels, Tile, tiled_figure
from cnncalc.pictures.picture import Picture, evenly, sentence, share, short
from cnncalc.pictures.trained_run import TrainedRun, outputs, predictions

CHANNELS = 32
"""How many maps of a layer are shown."""
LAYERS = 12
"""How many layers are shown."""
_SIDES, _LARGE = {28: 56, 32: 64}, 112
"""How large maps up to a size are drawn, and all others, and the sample."""
_SQUARE = 12
"""How large a value of a vector is drawn, and how high a channel of a signal."""
_SCORE = 24
"""How large the score of a class is drawn."""
_LENGTH = 768
"""How long a signal is drawn at most."""
_UNITS = 512
"""How many values of a vector are shown."""


def chosen_samples(run: TrainedRun) -> list[int]:
    """The first test samples of three different classes."""
    labels = run.samples.test.labels.tolist()
    # From the last one on: what stands for a class in the end is the first.
    first = {label: index for index, label in reversed([*enumerate(labels)])}
    return sorted(first.values())[:3]


def draw(run: TrainedRun, index: int) -> Picture:
    """A test sample, then the output of each layer that makes new values."""
    test, classes = run.samples.test, run.samples.classes
    sample, label = test.images[index], int(test.labels[index])
    rows = layers(run)
    shown = evenly(rows, LAYERS)
    wanted = {last.node.name for *_, last in shown}
    found: dict[str, Tensor] = {}

    def keep(name: str, output: Tensor) -> None:
        if name in wanted:
            found[name] = torch.nan_to_num(output[0].detach().float().cpu())

    with torch.no_grad():
        logits = outputs(run, run.network, sample[None], keep)
    probabilities, answers = predictions(logits)
    answer = int(answers[0])
    bands = [
        Band(f"input {shape_text(run.goal.input)}", [Tile(pixels.picture(sample, _LARGE))]),
        *(_band(row, found[row[-1].node.name], _names(run, row)) for row in shown),
    ]
    said = "recognised" if answer == label else f"taken for {short(classes[answer])}"
    surely = share(float(probabilities[0, answer]))
    title = f"Test sample {index:,}, class {short(classes[label])}: {said} ({surely})"
    some = pixels.part_shown(run.goal.input)
    note = sentence(
        "dark is each layer's smallest value, bright its largest",
        some and f"of the input {some}",
        f"{len(shown)} of {len(rows):,} layers" if len(shown) < len(rows) else "",
    )
    return Picture(
        f"maps-{index}",
        title,
        f"What each layer makes of it; {note}",
        tiled_figure(title, bands, note[0].upper() + note[1:]),
    )


def layers(run: TrainedRun) -> list[list[Facts]]:
    """The layers that make new values, each with the normalisation and activation behind it.

    One that follows belongs to the layer before it where nothing else reads that layer.
    """
    readers = Counter(name for fact in run.facts for name in fact.node.inputs)
    resting = run.goal.graph.only_auxiliary()
    by_last: dict[str, list[Facts]] = {}
    for fact in run.facts:
        node = fact.node
        if node.name in resting:
            continue
        before = by_last.get(node.inputs[0])
        follows = node.layer.identity or node.layer.family in ("activation", "normalisation")
        if follows and before and readers[node.inputs[0]] == 1:
            del by_last[node.inputs[0]]
            by_last[node.name] = [*before, fact]
        elif node.layer.values != "view":
            by_last[node.name] = [fact]
    return list(by_last.values())


def _names(run: TrainedRun, row: list[Facts]) -> Sequence[str]:
    """The classes whose scores a layer gives, where all of them can be named."""
    classes, last = run.samples.classes, row[-1]
    gives_scores = last.node.name in run.goal.graph.outputs and len(classes) == run.goal.outputs
    return classes if gives_scores and len(classes) <= CHANNELS else ()


def _band(row: list[Facts], values: Tensor, names: Sequence[str] = ()) -> Band:
    """`conv1 + relu 28×28×6, 0 to 3.2`, and how many channels of many are shown.

    Scores of classes have their names under them.
    """
    words = [row[0].node.name, *(f.node.layer.type for f in row[1:] if not f.node.layer.identity)]
    channels = values.shape[0]
    limit = _UNITS if values[0].numel() == 1 else CHANNELS
    some = f", the first {limit} of {channels:,}" if channels > limit else ""
    low, high = float(values.min()), float(values.max())
    title = f"{' + '.join(words)} {shape_text(row[-1].output)}, {low:.3g} to {high:.3g}{some}"
    if names:
        scores = values.flatten()
        return Band(
            title,
            [
                Tile(pixels.heat_map(score.view(1, 1), low, high, _SCORE), (short(name),))
                for score, name in zip(scores, names, strict=True)
            ],
        )
    return Band(title, _tiles(values, low, high))


def _tiles(values: Tensor, low: float, high: float) -> list[Tile]:
    """Maps (C, H, W), rows of a signal's (C, length), or one strip of a vector."""
    if values[0].numel() == 1:
        return [Tile(_strip(values.flatten()[:_UNITS], low, high))]
    if values.dim() == 2:
        return [Tile(_strips(values[:CHANNELS], low, high))]
    if values.dim() == 4:
        values = values[:, values.shape[1] // 2]
    longest = max(values.shape[1:])
    side = next((side for size, side in _SIDES.items() if longest <= size), _LARGE)
    return [Tile(pixels.heat_map(part, low, high, side)) for part in values[:CHANNELS]]


def _strips(signal: Tensor, low: float, high: float) -> Pixels:
    """The channels of a signal (C, length) as rows."""
    length = signal.shape[1]
    fitted = (
        nn.functional.interpolate(signal[None], _LENGTH, mode="area")[0]
        if length > _LENGTH
        else signal.repeat_interleave(min(_LENGTH // length, 2 * _SQUARE), 1)
    )
    rows = fitted.repeat_interleave(_SQUARE, 0)
    return pixels.heat_map(rows, low, high, max(rows.shape))


def _strip(vector: Tensor, low: float, high: float) -> Pixels:
    """The values of a vector as squares, 64 in a row."""
    room = -len(vector) % 64 if len(vector) > 64 else 0
    grid = torch.cat([vector, vector.new_full((room,), low)]).reshape(-1, min(len(vector), 64))
    drawn = pixels.heat_map(grid, low, high, _SQUARE * max(grid.shape))
    if room:
        drawn[-_SQUARE:, -_SQUARE * room :] = 255
    return drawn
