"""Accuracy and loss, epoch by epoch."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cnncalc.pictures.figures import blank_figure
from cnncalc.pictures.picture import Picture, share
from cnncalc.pictures.trained_run import TrainedRun
from cnncalc.training.loop import Epoch

_TRAIN, _TEST = "#1f77b4", "#d62728"


def draw(run: TrainedRun) -> Picture:
    """Two panels, each with a curve of the training and one of the test set."""
    first, last = run.history[0], run.history[-1]
    names = ("samples while learning", "samples after the epoch")
    way = f"from {share(first.test_accuracy)} after epoch {first.epoch} to "
    text = (
        f"The accuracy on the {'samples' if run.overfit else 'test set'} goes "
        f"{way if len(run.history) > 1 else 'to '}{share(last.test_accuracy)} after epoch "
        f"{last.epoch}; training figures are means over an epoch, while the weights move."
    )
    figure = panels(run.history, names if run.overfit else ("train", "test set"))
    return Picture("curves", "Accuracy and loss", text, figure)


def panels(history: Sequence[Epoch], names: tuple[str, str]) -> Figure:
    """Accuracy to the left, loss to the right; both over the epochs."""
    figure = blank_figure(960, 360, layout="constrained")
    epochs = [epoch.epoch for epoch in history]
    marker = "o" if len(epochs) <= 40 else None
    for place, (what, unit, scale) in enumerate((("accuracy", " (%)", 100), ("loss", "", 1))):
        axes = figure.add_subplot(1, 2, place + 1)
        for name, part, colour in zip(names, ("train", "test"), (_TRAIN, _TEST), strict=True):
            values = [scale * getattr(epoch, f"{part}_{what}") for epoch in history]
            axes.plot(epochs, values, color=colour, label=name, marker=marker, markersize=3)
        axes.set(
            xlabel="epoch",
            ylabel=f"{what}{unit}",
            # Of a single epoch a locator would show fractions.
            xlim=(epochs[0] - 0.5, epochs[-1] + 0.5),
        )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    return figure
