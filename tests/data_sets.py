"""Data sets in their published formats, byte by byte, and what tests of them ask."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import strategies as st
from torch import Tensor

from cnncalc.data.load import Dataset, load_data
from cnncalc.errors import UsageError

torch.set_num_threads(1)

IDX = {
    # Three pictures of 2 rows and 2 columns, and two; their labels.
    "train-images-idx3-ubyte": bytes.fromhex("00000803 00000003 00000002 00000002")
    + bytes([0, 51, 102, 153, 204, 255, 0, 0, 1, 2, 3, 4]),
    "train-labels-idx1-ubyte": bytes.fromhex("00000801 00000003") + bytes([7, 0, 9]),
    "t10k-images-idx3-ubyte": bytes.fromhex("00000803 00000002 00000002 00000002")
    + bytes([255, 0, 0, 0, 0, 0, 0, 255]),
    "t10k-labels-idx1-ubyte": bytes.fromhex("00000801 00000002") + bytes([1, 2]),
}
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = IDX
PLANE = 32 * 32
CIFAR = {
    **{
        f"data_batch_{n}.bin": bytes([n]) + bytes([n]) * PLANE + bytes([0]) * 2 * PLANE
        for n in range(1, 6)
    },
    # A dog whose picture is red, green and blue in rows of its own; a truck in the dark.
    "test_batch.bin": bytes([5, 255] + [0] * 31 + [51] * 32)
    + bytes(PLANE - 64)
    + bytes([0] * 32 + [102] * 32)
    + bytes(PLANE - 64)
    + bytes([0] * 64 + [153])
    + bytes(PLANE - 65)
    + bytes([9])
    + bytes(3 * PLANE),
}


def write(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def idx(folder: Path, change: dict[str, bytes] | None = None) -> Path:
    return write(folder, IDX | (change or {}))


def mnist(folder: Path, shape: tuple[int, ...] = (1, 2, 2)) -> Dataset:
    return load_data("mnist", shape, 10, folder=folder)


def error(call: Callable[[], object]) -> str:
    with pytest.raises(UsageError) as caught:
        call()
    return str(caught.value)


def same(one: Dataset, other: Dataset) -> bool:
    pairs = zip((*one.train, *one.test), (*other.train, *other.test), strict=True)
    return one.notes == other.notes and all(torch.equal(a, b) for a, b in pairs)


def damaged(data: st.DataObject, content: bytes) -> bytes:
    if data.draw(st.booleans()):
        return content[: data.draw(st.integers(0, len(content) - 1))]
    changed = bytearray(content)
    # Most of what can go wrong is in the first bytes.
    for _ in range(data.draw(st.integers(1, 3))):
        end = data.draw(st.sampled_from([min(24, len(content)), len(content)]))
        changed[data.draw(st.integers(0, end - 1))] ^= 1 << data.draw(st.integers(0, 7))
    return bytes(changed)


def refused_or_valid(load: Callable[[], Dataset], counts: list[int]) -> None:
    """A set of as many items, or a sentence on one line."""
    try:
        found = load()
    except UsageError as refusal:
        message = str(refusal)
    else:
        message = "none"
        assert [len(part.labels) for part in (found.train, found.test)] == counts
        for images, labels in (found.train, found.test):
            assert len(images) == len(labels)
            assert 0 <= images.min() <= images.max() <= 1
            assert 0 <= labels.min() <= labels.max() < len(found.classes)
    assert message.isprintable()
    assert 0 < len(message) < 400


def rows(images: Tensor) -> list[list[float]]:
    rows: list[list[float]] = images.flatten(1).tolist()
    return rows
