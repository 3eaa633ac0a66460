"""Data sets: the digits, made up ones, made to fit a network, and some of each class."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from cnncalc.data import fitting
from cnncalc.data.fitting import stratified
from cnncalc.data.load import Dataset, load_data
from cnncalc.data.places import NAMES
from tests.data_sets import (
    IDX,
    TEST_IMAGES,
    TRAIN_IMAGES,
    error,
    idx,
    mnist,
    rows,
    same,
)
from tests.strategies import thorough


def test_split() -> None:
    """1,797 digits, scikit-learn's own counts of each; none twice, none left out."""
    from sklearn.datasets import load_digits

    found = load_data("digits", (1, 8, 8), 10)
    assert (len(found.train.labels), len(found.test.labels)) == (1437, 360)
    # 1,797 by class, and what is a fifth of each: 35.6 35.4 36.2 35.6 36.6 36.2 36.4 …
    sizes = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    tests = torch.bincount(found.test.labels).tolist()
    trains = torch.bincount(found.train.labels).tolist()
    assert [a + b for a, b in zip(trains, tests, strict=True)] == sizes
    assert all(abs(n - size * 360 / 1797) < 1 for n, size in zip(tests, sizes, strict=True))
    ours = rows(torch.cat([found.train.images, found.test.images]) * 16)
    labels = torch.cat([found.train.labels, found.test.labels]).tolist()
    theirs = load_digits()
    expected = zip(theirs.data.tolist(), theirs.target.tolist(), strict=True)
    assert sorted(zip(ours, labels, strict=True)) == sorted(expected)


def test_seed() -> None:
    first, again, other = (load_data("digits", (1, 8, 8), 10, seed=n) for n in (3, 3, 4))
    assert same(first, again)
    assert not torch.equal(first.test.images, other.test.images)
    assert first.notes == (
        "digits: 1,437 training and 360 test images of 8×8×1 from scikit-learn, "
        "split at random, stratified, seed 3",
    )


def test_resampled_in_three_channels() -> None:
    """Bilinear, by hand: an output pixel's centre lies between four of the input."""
    small = load_data("digits", (1, 8, 8), 10, limit_test=20).test.images[:, 0]
    found = load_data("digits", (3, 32, 32), 10, limit_test=20)
    for y, x in [(0, 0), (31, 31), (3, 17), (16, 9), (30, 1)]:
        expected = bilinear(small, (y + 0.5) / 4 - 0.5, (x + 0.5) / 4 - 0.5)
        for channel in range(3):
            assert torch.allclose(found.test.images[:, channel, y, x], expected, atol=1e-6)
    assert found.notes == (
        "digits: 1,437 training and 360 test images of 8×8×1 from scikit-learn, "
        "split at random, stratified, seed 0",
        "1,437 and 20 of them, stratified, seed 0",
        "resampled from 8×8 to 32×32, bilinear",
        "grey copied to 3 channels",
    )


def test_vectors() -> None:
    picture = load_data("digits", (1, 8, 8), 10).test.images
    found = load_data("digits", (64,), 10)
    assert torch.equal(found.test.images, picture.reshape(360, 64))
    assert found.notes[1:] == ("flattened: 64 values, rows of 8",)


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    assert error(lambda: load_data("digits", (1, 8, 8), 10)) == (
        "--data digits needs scikit-learn: in a checkout of cnncalc, pip install '.[train]'"
    )


def bilinear(images: Tensor, y: float, x: float) -> Tensor:
    """The value between pixels, at the edge that of the edge."""
    size = images.shape[-1]
    y, x = min(max(y, 0), size - 1), min(max(x, 0), size - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, size - 1), min(left + 1, size - 1)
    down, along = y - top, x - left
    upper = images[:, top, left] * (1 - along) + images[:, top, right] * along
    lower = images[:, bottom, left] * (1 - along) + images[:, bottom, right] * along
    return upper * (1 - down) + lower * down


def test_enlarged(tmp_path: Path) -> None:
    """Of 0, 1 in a row four values: their centres lie at −0.25, 0.25, 0.75 and 1.25."""
    images = bytes.fromhex("00000803 00000003 00000001 00000002") + bytes([0, 255] * 3)
    tests = bytes.fromhex("00000803 00000002 00000001 00000002") + bytes([0, 255] * 2)
    folder = idx(tmp_path, {TRAIN_IMAGES: images, TEST_IMAGES: tests})
    found = mnist(folder, (1, 1, 4))
    assert found.train.images[0].flatten().tolist() == pytest.approx([0, 0.25, 0.75, 1])
    assert found.notes[1:] == ("resampled from 1×2 to 1×4, bilinear, proportions not kept",)


def test_shrunk_with_antialiasing(tmp_path: Path) -> None:
    """Of 0, 1, 0, 1 two: weights 3/4, 3/4, 1/4 by distance, over their sum of 7/4."""
    images = bytes.fromhex("00000803 00000003 00000002 00000004") + bytes([0, 255] * 12)
    tests = bytes.fromhex("00000803 00000002 00000002 00000004") + bytes([0, 255] * 8)
    folder = idx(tmp_path, {TRAIN_IMAGES: images, TEST_IMAGES: tests})
    found = mnist(folder, (1, 1, 2))
    assert found.train.images[0].flatten().tolist() == pytest.approx([3 / 7, 4 / 7])
    assert found.notes[1:] == ("resampled from 2×4 to 1×2, bilinear, antialiased",)


@pytest.mark.parametrize(
    ("shape", "outputs", "message"),
    [
        (
            (1, 8, 8),
            7,
            "the network has 7 outputs but digits has 10 classes: "
            "set out_features of its last layer to 10",
        ),
        (
            (1, 8, 8),
            1,
            "the network has 1 output but digits has 10 classes: "
            "set out_features of its last layer to 10",
        ),
        (
            (2, 8, 8),
            10,
            "digits does not fit the network's input: it has 2 channels, a picture 1 or 3; "
            "--data synthetic fits any input",
        ),
        (
            (1, 64),
            10,
            "digits does not fit the network's input: its sizes without the channels are 1, "
            "those of a picture 2; --data synthetic fits any input",
        ),
        (
            (1, 8, 8, 8),
            10,
            "digits does not fit the network's input: its sizes without the channels are 3, "
            "those of a picture 2; --data synthetic fits any input",
        ),
        (
            (102,),
            10,
            "digits does not fit the network's input: 102 values are no square picture, as "
            "784 (28×28) or 3,072 (32×32×3) are; --data synthetic fits any input",
        ),
    ],
)
def test_networks_that_do_not_fit(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], outputs: int, message: str
) -> None:
    # Before anything is read.
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    assert error(lambda: load_data("digits", shape, outputs)) == message


def test_data_that_memory_cannot_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """1,797 images of 3×224×224 floats are 1,797 · 150,528 · 4 bytes."""
    monkeypatch.setattr(fitting, "_memory", lambda: 2_000_000_000)
    assert error(lambda: load_data("digits", (3, 224, 224), 10)) == (
        "digits: 1,797 images of 150,528 values take 1.1 GB, more than half of this machine's "
        "2.0 GB: take fewer with --limit-train and --limit-test, or give the network a "
        "smaller input"
    )
    few = load_data("digits", (3, 224, 224), 10, limit_train=10, limit_test=10)
    assert len(few.train.images) == 10


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "minst",
            '--data "minst": no such data set; did you mean mnist? (digits, fashion-mnist, '
            "mnist, cifar10, imagefolder:PATH, synthetic)",
        ),
        (
            "imagefolder:",
            '--data "imagefolder:": no such data set; name the folder (digits, fashion-mnist, '
            "mnist, cifar10, imagefolder:PATH, synthetic)",
        ),
        (
            "\x1b[2J",
            '--data "\\x1b[2J": no such data set (digits, fashion-mnist, '
            "mnist, cifar10, imagefolder:PATH, synthetic)",
        ),
    ],
)
def test_no_such_set(name: str, message: str) -> None:
    assert error(lambda: load_data(name, (1, 8, 8), 10)) == message


def test_subsets_are_stratified_and_the_same_again() -> None:
    def load() -> Dataset:
        return load_data("digits", (64,), 10, limit_train=100, limit_test=9999, seed=5)

    found, whole = load(), load_data("digits", (64,), 10, seed=5)
    assert same(found, load())
    assert torch.equal(found.test.images, whole.test.images)
    # 100 of about 143.7 of each class among 1,437.
    assert torch.bincount(found.train.labels).tolist() == [10] * 10
    everything = set(map(tuple, rows(whole.train.images)))
    assert set(map(tuple, rows(found.train.images))) <= everything
    assert found.notes[1] == "100 and 360 of them, stratified, seed 5"


@given(labels=st.lists(st.integers(0, 5), min_size=1, max_size=60), data=st.data())
@thorough(100)
def test_shares(labels: list[int], data: st.DataObject) -> None:
    """No class is an item or more from its share; nothing is drawn twice."""
    count = data.draw(st.integers(1, len(labels)))
    seed = data.draw(st.integers(0, 9))
    drawn = stratified(torch.tensor(labels), count, 6, seed).tolist()
    assert len(drawn) == count
    assert drawn == sorted(set(drawn))
    for label in range(6):
        found = sum(labels[index] == label for index in drawn)
        # |found − count·size/n| < 1, in integers.
        assert abs(found * len(labels) - count * labels.count(label)) < len(labels)


def test_every_item_can_be_drawn() -> None:
    labels = torch.tensor([0, 1, 0, 1, 0, 1])
    drawn = {index for seed in range(40) for index in stratified(labels, 2, 2, seed).tolist()}
    assert drawn == set(range(6))


@pytest.mark.parametrize(
    ("shape", "outputs"),
    [((3, 32, 32), 10), ((1, 100), 5), ((2, 5, 6, 7), 3), ((20,), 4), ((1, 8, 8), 1)],
)
def test_learnable(shape: tuple[int, ...], outputs: int) -> None:
    """The mean image of each class, seen in training, tells the test images apart."""
    found = load_data("synthetic", shape, outputs)
    classes = max(outputs, 2)
    images, labels = found.train
    assert images.shape == (2000, *shape)
    assert found.test.images.shape == (500, *shape)
    assert len(found.classes) == classes
    assert 0 <= images.min() <= images.max() <= 1
    means = torch.stack([images[labels == n].mean(0).flatten() for n in range(classes)])
    nearest = torch.cdist(found.test.images.flatten(1), means).argmin(1)
    assert (nearest == found.test.labels).float().mean() > 0.97


def test_as_many_as_wanted_and_the_same_again() -> None:
    found, again, other = (
        load_data("synthetic", (1, 4, 4), 3, limit_train=2500, limit_test=7, seed=seed)
        for seed in (8, 8, 9)
    )
    assert same(found, again)
    assert not torch.equal(found.test.images, other.test.images)
    # 2,507 items, every third one of the same class; the last seven are 2500 to 2506.
    assert torch.bincount(found.train.labels).tolist() == [834, 833, 833]
    assert found.test.labels.tolist() == [1, 2, 0, 1, 2, 0, 1]
    assert found.notes == (
        "synthetic: 2,500 training and 7 test images made up, a coarse pattern for each of 3 "
        "classes and noise, seed 8",
    )


def test_many_classes() -> None:
    found = load_data("synthetic", (4,), 3000)
    assert torch.bincount(found.train.labels).tolist() == [2] * 3000
    assert torch.bincount(found.test.labels).tolist() == [1] * 3000
    assert error(lambda: load_data("synthetic", (4,), 10**12)) == (
        "synthetic: 1,000,000,000,000 classes; there can be 2 to 100,000"
    )


def test_made_up_data_that_memory_cannot_hold() -> None:
    """2,500 images of 10¹² values are 10¹⁶ bytes."""
    message = error(lambda: load_data("synthetic", (1, 10**6, 10**6), 10))
    assert message.startswith(
        "synthetic: 2,500 images of 1,000,000,000,000 values take 10,000,000.0 GB, more than "
    )


def test_the_documents_name_every_set_and_file() -> None:
    text = (Path(__file__).resolve().parent.parent / "docs" / "training.md").read_text("utf-8")
    words = (*NAMES, *IDX, "data_batch_1.bin", "data_batch_5.bin", "test_batch.bin")
    assert [word for word in words if word not in text] == []
