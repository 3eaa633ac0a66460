"""Data sets in the format of MNIST: IDX files, gzipped or not.

A file is 0, 0, the type of its values (8: unsigned bytes), the number of its axes; the size of
each axis in four bytes, the high one first; the values. http://yann.lecun.com/exdb/mnist/
"""

import gzip
import os
import struct
import zlib
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import torch

from cnncalc.data import places
from cnncalc.data.fitting import Pictures, Source, in_memory
from cnncalc.errors import UsageError

_GZIP = b"\x1f\x8b"
_INFLATION = 1032
"""The most bytes that one byte of deflated data can stand for."""
_PARTS = {
    f"{part} {what}": (f"{part}-{what}-idx{axes}-ubyte", f"{part}-{what}.idx{axes}-ubyte")
    for part in ("train", "t10k")
    for what, axes in (("images", 3), ("labels", 1))
}
_FILES = {part: (*names, *(f"{name}.gz" for name in names)) for part, names in _PARTS.items()}


class IdxSet(NamedTuple):
    """A published set: torchvision's class and folder of it, its classes, another way to get it."""

    torchvision: str
    classes: tuple[str, ...]
    way: str = ""


SETS = {
    "mnist": IdxSet("MNIST", tuple("0123456789")),
    "fashion-mnist": IdxSet(
        "FashionMNIST",
        (
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
        "install Debian's package dataset-fashion-mnist, or ",
    ),
}


def source(name: str, folder: Path | None) -> Source:
    """The set of that name."""
    return Source(SETS[name].classes, lambda: _read_set(name, folder))


def _read_set(name: str, folder: Path | None) -> tuple[Pictures, Pictures, str]:
    kind, classes, way = SETS[name]

    def missing(roots: Sequence[Path]) -> str:
        return (
            f"{name}: not in {places.listed(roots)}: {way}put "
            f"{', '.join(names[0] for names in _PARTS.values())} (gzipped or not) into "
            f"{places.label(roots[0] / kind / 'raw')}; torchvision.datasets.{kind}"
            f"({places.label(roots[0])!r}, download=True) does that"
        )

    found = places.find(places.roots(folder), (f"{kind}/raw", name, ""), _FILES, missing)
    train, test = (_pictures(found.files, part, len(classes)) for part in ("train", "t10k"))
    height, width = (size for size in train[0].shape[2:])
    if test[0].shape[2:] != train[0].shape[2:]:
        raise UsageError(
            f"{places.label(found.files['t10k images'])}: images of "
            f"{test[0].shape[2]}×{test[0].shape[3]}, and those to train on are {height}×{width}"
        )
    return (
        in_memory(*train),
        in_memory(*test),
        f"{len(train[0]):,} training and {len(test[0]):,} test images of {height}×{width}×1 "
        f"from {places.label(found.folder)}",
    )


def _pictures(files: dict[str, Path], part: str, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images (N, 1, H, W) and their labels."""
    images, labels = read(files[f"{part} images"], 3), read(files[f"{part} labels"], 1)
    label = places.label(files[f"{part} labels"])
    if len(images) != len(labels):
        raise UsageError(
            f"{label}: {len(labels):,} labels, and {files[f'{part} images'].name} has "
            f"{len(images):,} images"
        )
    if labels.max() >= classes:
        first = int((labels >= classes).nonzero()[0])
        raise UsageError(
            f"{label}: label {labels[first]} of image {first:,} (counted from 0); labels are 0 to "
            f"{classes - 1}"
        )
    return images[:, None], labels


def read(path: Path, axes: int) -> torch.Tensor:
    """The bytes of an IDX file of so many axes. Raises UsageError for any other file."""
    label = places.label(path)
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == _GZIP
            file.seek(0)
            size = os.fstat(file.fileno()).st_size
            unpacked = gzip.GzipFile(fileobj=file) if packed else file
            return _parsed(cast(BinaryIO, unpacked), size, packed, axes, label)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UsageError(f"{label}: damaged or cut off ({error}); get it again") from None


def _parsed(file: BinaryIO, size: int, packed: bool, axes: int, label: str) -> torch.Tensor:
    """The values of an open file that takes `size` bytes on disk."""
    magic, length = 0x0800 + axes, 4 + 4 * axes
    header = file.read(length)
    if len(header) < length:
        raise UsageError(
            f"{label}: cut off: an IDX header of {length} bytes expected, {len(header)} found"
        )
    first, *sizes = struct.unpack(f">{1 + axes}I", header)
    if first != magic:
        what = {1: "labels", 3: "images"}[axes]
        raise UsageError(
            f"{label}: no IDX file of {what}: it starts with 0x{first:08x}, not 0x{magic:08x}"
        )
    expected = prod(sizes)
    claim = f"its header says {'×'.join(f'{n:,}' for n in sizes)} = {expected:,} bytes"
    if expected == 0:
        raise UsageError(f"{label}: {claim}: it holds nothing")
    if expected > places.MAX_BYTES:
        raise UsageError(f"{label}: {claim}; {places.MAX_BYTES:,} are read at most")
    if packed and expected > size * _INFLATION:
        raise UsageError(f"{label}: {claim}, more than {size:,} bytes of gzip can hold")
    content = places.read(file, expected) if packed or size == length + expected else None
    found = size - length if content is None else len(content)
    if content is None or found != expected:
        unknown = "more" if packed and found > expected else f"{found:,}"
        state = "cut off, get it again" if found < expected else "too long"
        raise UsageError(f"{label}: {claim}, {unknown} follow: {state}")
    return torch.frombuffer(content, dtype=torch.uint8).reshape(sizes)
