"""CIFAR-10 in its binary version.

A file is records of 3,073 bytes: the label, then 32×32 bytes each of red, green and blue, row by
row. https://www.cs.toronto.edu/~kriz/cifar.html
"""

from collections.abc import Sequence
from pathlib import Path

import torch

from cnncalc.data import places
from cnncalc.data.fitting import Pictures, Source, in_memory
from cnncalc.errors import UsageError

_CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
_SIZE = 32
_RECORD = 1 + 3 * _SIZE**2
_TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
_TEST = "test_batch.bin"
_FOLDER = "cifar-10-batches-bin"
_ARCHIVE = "cifar-10-binary.tar.gz"
_PICKLES = ("cifar-10-batches-py", "cifar-10-python.tar.gz", "data_batch_1")
"""What shows that somebody has the version for Python."""


def source(folder: Path | None) -> Source:
    """CIFAR-10."""
    return Source(_CLASSES, lambda: _read_set(folder))


def _read_set(folder: Path | None) -> tuple[Pictures, Pictures, str]:
    wanted = {name: (name,) for name in (*_TRAIN, _TEST)}
    found = places.find(places.roots(folder), (_FOLDER, "cifar10", ""), wanted, _missing)
    batches = [read(found.files[name]) for name in _TRAIN]
    images, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
    test_images, test_labels = read(found.files[_TEST])
    return (
        in_memory(images, labels),
        in_memory(test_images, test_labels),
        f"{len(labels):,} training and {len(test_labels):,} test images of 32×32×3 "
        f"from {places.label(found.folder)}",
    )


def _missing(roots: Sequence[Path]) -> str:
    """That there is no CIFAR-10, and how to get it."""
    for root in roots:
        if (root / _ARCHIVE).is_file():
            archive, into = places.label(root / _ARCHIVE), places.label(root)
            return f"cifar10: {archive} is not unpacked: tar -xzf {archive} -C {into}"
    get = (
        f"unpack {_ARCHIVE} of https://www.cs.toronto.edu/~kriz/cifar.html into "
        f"{places.label(roots[0])} (it makes {_FOLDER} with {_TRAIN[0]} to 5 and {_TEST})"
    )
    pickles = (root / name for root in roots for name in _PICKLES)
    if there := next(filter(Path.exists, pickles), None):
        return (
            f"cifar10: {places.label(there)} is the version for Python, made of "
            f"pickles, which can run code and are not read: {get}"
        )
    return f"cifar10: not in {places.listed(roots)}: {get}"


def read(path: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """The images (N, 3, 32, 32) and labels of one file. Raises UsageError for any other file."""
    label = places.label(path)
    size = path.stat().st_size
    if size > places.MAX_BYTES:
        raise UsageError(f"{label}: {size:,} bytes; {places.MAX_BYTES:,} are read at most")
    content = bytearray(path.read_bytes())
    if not content or len(content) % _RECORD:
        raise UsageError(
            f"{label}: {len(content):,} bytes; a file of CIFAR-10 has {_RECORD:,} for each image, "
            f"{_RECORD * 10_000:,} in all: get it again"
        )
    records = torch.frombuffer(content, dtype=torch.uint8).reshape(-1, _RECORD)
    labels = records[:, 0]
    if labels.max() >= len(_CLASSES):
        first = int((labels >= len(_CLASSES)).nonzero()[0])
        raise UsageError(
            f"{label}: label {labels[first]} of image {first:,} (counted from 0); labels are 0 to 9"
        )
    return records[:, 1:].reshape(-1, 3, _SIZE, _SIZE), labels
