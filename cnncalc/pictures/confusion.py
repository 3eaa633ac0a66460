"""Which class was taken for which."""

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure

from cnncalc.pictures.figures import blank_figure, text_width
from cnncalc.pictures.picture import LeftOut, Picture, evenly, short
from cnncalc.pictures.trained_run import Answers, TrainedRun

MOST = 1_000
"""The most classes whose matrix can be looked at."""
_NUMBERED = 20
"""The most classes with numbers in the cells."""
_NAMED = 60
"""The most classes that all have their names at the sides."""


def counts(said: torch.Tensor, labels: torch.Tensor, classes: int) -> torch.Tensor:
    """How often class i (row) was taken for class j (column)."""
    return torch.bincount(labels * classes + said, minlength=classes**2).reshape(classes, classes)


def draw(run: TrainedRun, found: Answers) -> Picture:
    """The matrix, coloured by the share of each row. Raises LeftOut."""
    classes = run.samples.classes
    if len(classes) > MOST:
        raise LeftOut(f"confusion: {len(classes):,} classes; {MOST:,} can be looked at")
    matrix, total = counts(found.said, found.labels, len(classes)), len(found.labels)
    text = (
        f"{found.right:,} of {total:,} test samples are right. Rows are what they are, columns "
        "what they were taken for; a cell is the darker, the larger its part of its row"
    )
    wrong = matrix.clone().fill_diagonal_(0)
    if wrong.any():
        # Of several cells alike the first.
        row, column = divmod(int(wrong.flatten().argmax()), len(classes))
        most = int(wrong[row, column])
        text += (
            ". No class was taken for the same other one more than once"
            if most == 1
            else f". Most often {short(classes[row])} was taken for {short(classes[column])}: "
            f"{most:,} times"
        )
    drawn = figure(matrix, classes)
    return Picture("confusion", "Which class is taken for which", f"{text}.", drawn)


def figure(matrix: torch.Tensor, classes: Sequence[str]) -> Figure:
    """The matrix with the classes at its sides, and counts in the cells where there is room."""
    number = len(classes)
    shares = matrix / matrix.sum(1, keepdim=True).clamp(min=1)
    widest = text_width(f"{int(matrix.max()):,}", 8)
    cell = max(30.0, widest + 8, 200 / number) if number <= _NUMBERED else max(700 / number, 1.0)
    names = [short(name) for name in classes]
    room = max(text_width(name, 8) for name in names) + 90
    drawn = blank_figure(cell * number + room, cell * number + room, layout="constrained")
    axes = drawn.add_subplot()
    axes.imshow(shares.numpy(), cmap="Blues", vmin=0, vmax=1)
    named = evenly(range(number), _NAMED if number <= _NAMED else 20)
    size = 8 if number <= 35 else 6
    sideways = number > _NUMBERED or max(text_width(name, size) for name in names) > cell - 4
    texts = [names[index] for index in named]
    axes.set_xticks(named, texts, fontsize=size, rotation=90 if sideways else 0, parse_math=False)
    axes.set_yticks(named, texts, fontsize=size, parse_math=False)
    right, total = int(matrix.trace()), int(matrix.sum())
    axes.set_title(f"{right:,} of {total:,} are right", fontsize=10)
    axes.set(xlabel="taken for", ylabel="true class")
    if number <= _NUMBERED:
        for row, values in enumerate(matrix.tolist()):
            for column, value in enumerate(values):
                colour = "white" if shares[row, column] > 0.5 else "black" if value else "silver"
                axes.text(
                    *(column, row, f"{value:,}"),
                    ha="center",
                    va="center",
                    fontsize=8,
                    color=colour,
                )
    return drawn
