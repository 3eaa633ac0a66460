"""From the name of a data set to tensors that fit a network."""

from dataclasses import dataclass
from pathlib import Path

from cnncalc.data import cifar, digits, idx, imagefolder, synthetic
from cnncalc.data.fitting import (
    Pictures,
    ShapesMet,
    Source,
    Split,
    check_memory,
    stratified,
    target,
)
from cnncalc.data.places import NAMES, label
from cnncalc.errors import UsageError, shown, suggestion
from cnncalc.layers.base import Shape


@dataclass(frozen=True)
class Dataset:
    """A data set made to fit a network."""

    name: str
    train: Split
    test: Split
    classes: tuple[str, ...]
    """What the labels 0, 1 … are called."""
    notes: tuple[str, ...]
    """Where it is from, and what was done to make it fit: a line each."""


def load_data(
    name: str,
    input: Shape,
    outputs: int,
    *,
    folder: Path | None = None,
    limit_train: int | None = None,
    limit_test: int | None = None,
    seed: int = 0,
) -> Dataset:
    """The data set `name` (see NAMES), made to fit `input`, channels first or (features,).

    `outputs` is the length of the network's output; 1 is a single logit for two classes. A limit
    takes so many images at random, at least 1, of each class its share. Files are looked for in
    `folder`, else in $CNNCALC_DATA or ./data, and where Debian installs data sets. Nothing is
    downloaded. The same arguments and files give the same tensors. Raises UsageError.
    """
    if name == "synthetic":
        train, test, count, note = synthetic.make(input, outputs, limit_train, limit_test, seed)
        return Dataset(name, train, test, tuple(map(str, range(count))), (note,))
    try:
        return _fitted(
            name, _source(name, folder, seed), input, outputs, (limit_train, limit_test), seed
        )
    except OSError as error:
        raise UsageError(f"{label(error.filename or name)}: {error.strerror or error}") from None


def native_shape(name: str, folder: Path | None = None) -> Shape | None:
    """The shape of each picture of the data set `name` as it is there, channels first.

    None where they have many, and for `synthetic`, which is made for its input. Raises UsageError.
    """
    if name == "synthetic":
        return None
    try:
        pictures, *_ = _source(name, folder, 0).read()
    except OSError as error:
        raise UsageError(f"{label(error.filename or name)}: {error.strerror or error}") from None
    return pictures.shape


def _fitted(
    name: str,
    source: Source,
    input: Shape,
    outputs: int,
    limits: tuple[int | None, int | None],
    seed: int,
) -> Dataset:
    fit = target(label(name), input)
    _check_classes(label(name), source.classes, outputs)
    *whole, text = source.read()
    parts = [
        _limited(part, limit, len(source.classes), seed)
        for part, limit in zip(whole, limits, strict=True)
    ]
    counts, met = [len(part.labels) for part in parts], ShapesMet()
    check_memory(label(name), counts, input)
    train, test = (part.fitted(fit, met) for part in parts)
    notes = [f"{label(name)}: {text}"]
    if counts != [len(part.labels) for part in whole]:
        notes.append(f"{counts[0]:,} and {counts[1]:,} of them, stratified, seed {seed}")
    notes += met.notes(fit)
    if outputs == 1:
        notes.append("one output: 0 is {}, 1 is {}".format(*source.classes))
    return Dataset(name, train, test, source.classes, tuple(notes))


def _source(name: str, folder: Path | None, seed: int) -> Source:
    if name == "digits":
        return digits.source(seed)
    if name == "cifar10":
        return cifar.source(folder)
    if name in idx.SETS:
        return idx.source(name, folder)
    kind, _, path = name.partition(":")
    if kind == "imagefolder" and path:
        return imagefolder.source(path, seed)
    hint = "; name the folder" if kind == "imagefolder" else suggestion(name, NAMES)
    raise UsageError(f"--data {shown(name)}: no such data set{hint} ({', '.join(NAMES)})")


def _check_classes(name: str, classes: tuple[str, ...], outputs: int) -> None:
    if outputs == len(classes) or (outputs == 1 and len(classes) == 2):
        return
    plural = "s" if outputs != 1 else ""
    either = " (or to 1)" if len(classes) == 2 else ""
    raise UsageError(
        f"the network has {outputs:,} output{plural} but {name} has {len(classes):,} classes: "
        f"set out_features of its last layer to {len(classes)}{either}"
    )


def _limited(pictures: Pictures, limit: int | None, classes: int, seed: int) -> Pictures:
    return (
        pictures
        if limit is None or limit >= len(pictures.labels)
        else pictures.take(stratified(pictures.labels, limit, classes, seed))
    )
