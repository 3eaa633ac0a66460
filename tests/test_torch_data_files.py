"""Data sets in their published formats: IDX, CIFAR-10, where they are looked for, and damage."""

from __future__ import annotations

import gzip
import tracemalloc
from functools import partial
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cnncalc.data import places
from cnncalc.data.load import load_data
from tests.data_sets import (
    CIFAR,
    IDX,
    TEST_IMAGES,
    TEST_LABELS,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    damaged,
    error,
    idx,
    mnist,
    refused_or_valid,
    write,
)
from tests.strategies import thorough


@pytest.mark.parametrize("place", ["MNIST/raw", "mnist", "."])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dot", [False, True])
def test_idx(tmp_path: Path, place: str, packed: bool, dot: bool) -> None:
    files = {
        (name.replace("-idx", ".idx") if dot else name) + ".gz" * packed: (
            gzip.compress(content) if packed else content
        )
        for name, content in IDX.items()
    }
    write(tmp_path / place, files)
    found = mnist(tmp_path)
    train = [
        [[[0, 51 / 255], [102 / 255, 153 / 255]]],
        [[[204 / 255, 1], [0, 0]]],
        [[[1 / 255, 2 / 255], [3 / 255, 4 / 255]]],
    ]
    assert torch.equal(found.train.images, torch.tensor(train))
    assert torch.equal(
        found.test.images,
        torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]], [[[0.0, 0.0], [0.0, 1.0]]]]),
    )
    assert found.train.labels.tolist() == [7, 0, 9]
    assert found.test.labels.tolist() == [1, 2]
    assert found.train.images.dtype == torch.float32
    assert found.train.labels.dtype == torch.int64
    assert found.classes == tuple("0123456789")
    where = tmp_path / place
    assert found.notes == (f"mnist: 3 training and 2 test images of 2×2×1 from {where}",)


def test_an_unpacked_file_that_is_called_packed(tmp_path: Path) -> None:
    write(tmp_path, {f"{name}.gz": content for name, content in IDX.items()})
    assert mnist(tmp_path).train.labels.tolist() == [7, 0, 9]


def test_fashion_mnist_is_not_taken_for_mnist(tmp_path: Path) -> None:
    idx(tmp_path / "FashionMNIST" / "raw")
    found = load_data("fashion-mnist", (1, 2, 2), 10, folder=tmp_path)
    assert [found.classes[label] for label in found.train.labels] == [
        "Sneaker",
        "T-shirt/top",
        "Ankle boot",
    ]
    assert "mnist: not in " in error(lambda: mnist(tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {TRAIN_IMAGES: IDX[TRAIN_IMAGES][:-5]},
            "train-images-idx3-ubyte: its header says 3×2×2 = 12 bytes, 7 follow: cut off, "
            "get it again",
        ),
        (
            {TRAIN_IMAGES: IDX[TRAIN_IMAGES] + b"\0"},
            "train-images-idx3-ubyte: its header says 3×2×2 = 12 bytes, 13 follow: too long",
        ),
        (
            {TRAIN_IMAGES: IDX[TRAIN_IMAGES][:10]},
            "train-images-idx3-ubyte: cut off: an IDX header of 16 bytes expected, 10 found",
        ),
        (
            {TRAIN_IMAGES: b""},
            "train-images-idx3-ubyte: cut off: an IDX header of 16 bytes expected, 0 found",
        ),
        (
            {TRAIN_IMAGES: IDX[TEST_LABELS] + bytes(9)},
            "train-images-idx3-ubyte: no IDX file of images: it starts with 0x00000801, "
            "not 0x00000803",
        ),
        (
            {TEST_LABELS: b"<!doctype html>"},
            "t10k-labels-idx1-ubyte: no IDX file of labels: it starts with 0x3c21646f, "
            "not 0x00000801",
        ),
        (
            {TRAIN_IMAGES: bytes.fromhex("00000803 80000000 0000001c 0000001c")},
            "train-images-idx3-ubyte: its header says 2,147,483,648×28×28 = "
            "1,683,627,180,032 bytes; 2,000,000,000 are read at most",
        ),
        (
            {TRAIN_IMAGES: bytes.fromhex("00000803 00010000 0000001c 0000001c")},
            "train-images-idx3-ubyte: its header says 65,536×28×28 = 51,380,224 bytes, "
            "0 follow: cut off, get it again",
        ),
        (
            {TRAIN_IMAGES: bytes.fromhex("00000803 00000003 00000000 00000002")},
            "train-images-idx3-ubyte: its header says 3×0×2 = 0 bytes: it holds nothing",
        ),
        (
            {TRAIN_LABELS: IDX[TEST_LABELS]},
            "train-labels-idx1-ubyte: 2 labels, and train-images-idx3-ubyte has 3 images",
        ),
        (
            {TRAIN_LABELS: IDX[TRAIN_LABELS][:-1] + b"\x0a"},
            "train-labels-idx1-ubyte: label 10 of image 2 (counted from 0); labels are 0 to 9",
        ),
        (
            {TEST_IMAGES: bytes.fromhex("00000803 00000002 00000001 00000004") + bytes(8)},
            "t10k-images-idx3-ubyte: images of 1×4, and those to train on are 2×2",
        ),
        (
            {TRAIN_IMAGES: gzip.compress(IDX[TRAIN_IMAGES], mtime=0)[:-9]},
            "train-images-idx3-ubyte: damaged or cut off (Compressed file ended before the "
            "end-of-stream marker was reached); get it again",
        ),
        (
            {TRAIN_IMAGES: gzip.compress(IDX[TRAIN_IMAGES][:-2])},
            "train-images-idx3-ubyte: its header says 3×2×2 = 12 bytes, 10 follow: cut off, "
            "get it again",
        ),
        (
            {TRAIN_IMAGES: gzip.compress(IDX[TRAIN_IMAGES] + bytes(100))},
            "train-images-idx3-ubyte: its header says 3×2×2 = 12 bytes, more follow: too long",
        ),
    ],
)
def test_damaged_idx(tmp_path: Path, change: dict[str, bytes], message: str) -> None:
    folder = idx(tmp_path, change)
    assert error(lambda: mnist(folder)) == f"{tmp_path}/{message}"


def test_a_compressed_header_is_not_believed(tmp_path: Path) -> None:
    header = bytes.fromhex("00000803 00100000 0000001c 0000001c")
    content = gzip.compress(header, mtime=0)
    folder = idx(tmp_path, {TRAIN_IMAGES: content})
    assert error(lambda: mnist(folder)) == (
        f"{folder / TRAIN_IMAGES}: its header says 1,048,576×28×28 = 822,083,584 bytes, more "
        f"than {len(content)} bytes of gzip can hold"
    )


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = gzip.compress(IDX[TRAIN_IMAGES] + bytes(100_000_000), 6)
    assert len(bomb) < 200_000
    folder = idx(tmp_path, {TRAIN_IMAGES: bomb})
    tracemalloc.start()
    try:
        assert "more follow: too long" in error(lambda: mnist(folder))
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_what_is_missing(tmp_path: Path) -> None:
    folder = idx(tmp_path)
    (folder / TRAIN_LABELS).unlink()
    (folder / TEST_IMAGES).unlink()
    (folder / TEST_IMAGES).mkdir()
    assert error(lambda: mnist(folder)) == (
        f"{folder}: train-labels-idx1-ubyte and t10k-images-idx3-ubyte missing"
    )


@given(data=st.data())
@thorough(100)
def test_idx_damaged_at_random(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Files cut off or with a bit changed are refused on one line, or are another set."""
    folder = idx(tmp_path_factory.getbasetemp() / "damaged")
    name = data.draw(st.sampled_from(list(IDX)))
    content = IDX[name]
    if data.draw(st.booleans()):
        content = gzip.compress(content, mtime=0)
    (folder / name).write_bytes(damaged(data, content))
    refused_or_valid(lambda: mnist(folder), [3, 2])


@pytest.mark.parametrize("place", ["cifar-10-batches-bin", "cifar10", "."])
def test_cifar(tmp_path: Path, place: str) -> None:
    write(tmp_path / place, CIFAR)
    found = load_data("cifar10", (3, 32, 32), 10, folder=tmp_path)
    assert found.train.labels.tolist() == [1, 2, 3, 4, 5]
    assert torch.equal(
        found.train.images[:, 0], (torch.arange(1, 6) / 255).view(5, 1, 1).expand(5, 32, 32)
    )
    assert found.train.images[:, 1:].count_nonzero() == 0
    assert [found.classes[label] for label in found.test.labels] == ["dog", "truck"]
    dog = torch.zeros(3, 32, 32)
    dog[0, 0, 0], dog[0, 1], dog[1, 1], dog[2, 2, 0] = 1, 0.2, 0.4, 0.6
    assert torch.equal(found.test.images, torch.stack([dog, torch.zeros(3, 32, 32)]))
    where = tmp_path / place
    assert found.notes == (f"cifar10: 5 training and 2 test images of 32×32×3 from {where}",)


def test_colour_is_turned_to_grey(tmp_path: Path) -> None:
    folder = write(tmp_path, CIFAR)
    found = load_data("cifar10", (1, 32, 32), 10, folder=folder)
    dog = found.test.images[0, 0]
    expected = [0.299, 0.299 * 0.2 + 0.587 * 0.4, 0.114 * 0.6]
    assert [dog[0, 0].item(), dog[1, 0].item(), dog[2, 0].item()] == pytest.approx(expected)
    assert found.notes[1:] == ("colour turned to grey: 0.299 red + 0.587 green + 0.114 blue",)
    flat = load_data("cifar10", (1024,), 10, folder=folder)
    assert torch.equal(flat.test.images[0], dog.flatten())


def test_coloured_vectors(tmp_path: Path) -> None:
    folder = write(tmp_path, CIFAR)
    found = load_data("cifar10", (3072,), 10, folder=folder)
    assert found.test.images[0].nonzero().flatten().tolist() == [
        0,
        *range(32, 64),
        *range(1024 + 32, 1024 + 64),
        2 * 1024 + 64,
    ]
    assert found.notes[1:] == ("flattened: 3,072 values, 3 × 32 rows of 32",)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "data_batch_3.bin",
            CIFAR["data_batch_3.bin"][:-1],
            "3,072 bytes; a file of CIFAR-10 has 3,073 for each image, 30,730,000 in all: "
            "get it again",
        ),
        (
            "test_batch.bin",
            b"",
            "0 bytes; a file of CIFAR-10 has 3,073 for each image, 30,730,000 in all: get it again",
        ),
        (
            "test_batch.bin",
            CIFAR["data_batch_1.bin"] + b"\xff" + bytes(3072),
            "label 255 of image 1 (counted from 0); labels are 0 to 9",
        ),
    ],
)
def test_damaged_cifar(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    folder = write(tmp_path, CIFAR | {name: content})
    assert error(lambda: load_data("cifar10", (3, 32, 32), 10, folder=folder)) == (
        f"{folder / name}: {message}"
    )


def test_a_file_larger_than_all_memory(tmp_path: Path) -> None:
    folder = write(tmp_path, CIFAR)
    with open(folder / "test_batch.bin", "r+b") as file:
        file.truncate(3073 * 10**9)
    assert error(lambda: load_data("cifar10", (3, 32, 32), 10, folder=folder)) == (
        f"{folder / 'test_batch.bin'}: 3,073,000,000,000 bytes; 2,000,000,000 are read at most"
    )


@given(data=st.data())
@thorough(100)
def test_cifar_damaged_at_random(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = write(tmp_path_factory.getbasetemp() / "damaged_cifar", CIFAR)
    name = data.draw(st.sampled_from(list(CIFAR)))
    (folder / name).write_bytes(damaged(data, CIFAR[name]))
    sizes = [5, 2]
    if name == "test_batch.bin" and (folder / name).stat().st_size == 3073:
        sizes = [5, 1]
    refused_or_valid(lambda: load_data("cifar10", (1, 4, 4), 10, folder=folder), sizes)


def test_missing_sets_say_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CNNCALC_DATA", raising=False)
    monkeypatch.setattr(places, "DEBIAN", Path("/usr/share/nothing"))
    files = (
        "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, "
        "t10k-labels-idx1-ubyte (gzipped or not)"
    )
    found = {
        name: error(partial(load_data, name, (3, 32, 32), 10))
        for name in ("mnist", "fashion-mnist", "cifar10")
    }
    assert found == {
        "mnist": f"mnist: not in data or /usr/share/nothing: put {files} into "
        "data/MNIST/raw; torchvision.datasets.MNIST('data', download=True) does that",
        "fashion-mnist": "fashion-mnist: not in data or /usr/share/nothing: install Debian's "
        f"package dataset-fashion-mnist, or put {files} into data/FashionMNIST/raw; "
        "torchvision.datasets.FashionMNIST('data', download=True) does that",
        "cifar10": "cifar10: not in data or /usr/share/nothing: unpack "
        "cifar-10-binary.tar.gz of https://www.cs.toronto.edu/~kriz/cifar.html into data "
        "(it makes cifar-10-batches-bin with data_batch_1.bin to 5 and test_batch.bin)",
    }


def test_pickles_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-batches-py").mkdir()
    message = error(lambda: load_data("cifar10", (3, 32, 32), 10, folder=tmp_path))
    assert message.startswith(
        f"cifar10: {tmp_path}/cifar-10-batches-py is the version for Python, made of pickles, "
        "which can run code and are not read: unpack cifar-10-binary.tar.gz of "
        "https://www.cs.toronto.edu/~kriz/cifar.html into "
    )


def test_an_archive_is_to_be_unpacked(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-binary.tar.gz").touch()
    assert error(lambda: load_data("cifar10", (3, 32, 32), 10, folder=tmp_path)) == (
        f"cifar10: {tmp_path}/cifar-10-binary.tar.gz is not unpacked: "
        f"tar -xzf {tmp_path}/cifar-10-binary.tar.gz -C {tmp_path}"
    )


def test_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that is given only; else the environment's, or ./data; then Debian's."""

    def labels(folder: Path | None = None) -> list[int]:
        return load_data("mnist", (1, 2, 2), 10, folder=folder).train.labels.tolist()

    for number, name in enumerate(("given", "environment", "data", "debian")):
        idx(
            tmp_path / name / "mnist",
            {TRAIN_LABELS: IDX[TRAIN_LABELS][:-3] + bytes([number] * 3)},
        )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(places, "DEBIAN", tmp_path / "debian")
    monkeypatch.setenv("CNNCALC_DATA", "environment")
    assert labels(tmp_path / "given") == [0, 0, 0]
    assert labels() == [1, 1, 1]
    monkeypatch.delenv("CNNCALC_DATA")
    assert labels() == [2, 2, 2]
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    assert labels() == [3, 3, 3]
    assert error(lambda: labels(tmp_path / "no\nwhere")).startswith(
        f"mnist: not in {tmp_path}/no\\nwhere: put "
    )


def test_the_real_fashion_mnist_of_debian(tmp_path: Path) -> None:
    """Figures as published: zalandoresearch/fashion-mnist; its mean and deviation as used."""
    if not (places.DEBIAN / "fashion-mnist").is_dir():
        message = error(lambda: load_data("fashion-mnist", (1, 28, 28), 10, folder=tmp_path))
        assert "install Debian's package dataset-fashion-mnist" in message
        return
    found = load_data("fashion-mnist", (1, 28, 28), 10, folder=places.DEBIAN)
    assert found.train.images.shape == (60_000, 1, 28, 28)
    assert torch.bincount(found.train.labels).tolist() == [6_000] * 10
    assert torch.bincount(found.test.labels).tolist() == [1_000] * 10
    assert found.train.labels[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    mean, deviation = found.train.images.mean().item(), found.train.images.std().item()
    assert (round(mean, 4), round(deviation, 4)) == (0.2860, 0.3530)
