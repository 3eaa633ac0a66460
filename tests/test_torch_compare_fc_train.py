"""`cnncalc compare-fc --train`: what is trained, what is shifted, and what is said of it."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from html.parser import HTMLParser
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
import torch
from markdown_it import MarkdownIt
from PIL import Image
from scipy import stats  # type: ignore[import-untyped]
from sklearn.datasets import load_digits

import cnncalc
from cnncalc.data import load
from cnncalc.data.fitting import Split
from cnncalc.data.load import Dataset, native_shape
from cnncalc.findings.contest import Contest, Contestant, Round, Shifted, Side, Trial
from cnncalc.findings.contest_page import beside, comma_separated, page, verdict
from cnncalc.findings.mcnemar import mcnemar
from cnncalc.findings.spread import Spread, spread
from cnncalc.render.write import write
from cnncalc.training import samples
from cnncalc.training.against_dense import ContestObserver, RunStopped, train_against_dense
from cnncalc.training.objective import objective
from cnncalc.training.rates import best
from cnncalc.training.run_folder import RequestedSpec, read_run
from cnncalc.training.settings import Settings
from cnncalc.training.shifted_images import answers_when_shifted, directions, farthest, shifted
from cnncalc.training.train import train
from tests.command import cnncalc as command
from tests.runs import Listener

INVARIANT = {
    "name": "invariant",
    "input": {"height": 16, "width": 16, "channels": 1},
    "layers": [
        {"conv": {"out_channels": 8, "kernel_size": 3, "activation": "relu"}},
        "global_max_pool",
        "flatten",
        {"linear": 4},
    ],
}
"""No padding, and the maximum over all positions: where a blob lies cannot matter."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Watching(Listener, ContestObserver):
    """Keeps what it is told; `at_shift` is called after every pass over shifted images."""

    def __init__(self, at: Any = None, at_shift: Callable[[], None] = lambda: None) -> None:
        super().__init__(at)
        self.passes: list[tuple[int, int]] = []
        self.at_shift = at_shift

    def shifts(self, done: int, passes: int) -> None:
        self.passes.append((done, passes))
        self.at_shift()


def blobs(samples: int = 80, size: int = 16) -> Dataset:
    """Two bright pixels near the middle of a dark picture; the class is how they lie together.

    All of a blob and the windows of 3×3 that see it stay inside when it is moved by 4.
    """
    other = ((0, 1), (1, 0), (1, 1), (0, 2))
    generator = torch.Generator().manual_seed(3)
    images, labels = torch.zeros(samples, 1, size, size), torch.arange(samples) % len(other)
    for image, label in zip(images, labels.tolist(), strict=True):
        row, column = torch.randint(6, 9, (2,), generator=generator).tolist()
        image[0, row, column] = 1
        image[0, row + other[label][0], column + other[label][1]] = 1
    split = Split(images, labels)
    return Dataset("blobs", split, split, tuple("abcd"), ("made up",))


def trained(
    spec: dict[str, Any] = INVARIANT,
    hidden: tuple[int, ...] = (32,),
    runs: Path | None = None,
    dataset: Dataset | None = None,
    observer: Watching | None = None,
    seeds: int = 1,
    resume: bool = False,
    **settings: Any,
) -> Contest:
    """A contest on blobs, of ten epochs unless `settings` say otherwise."""
    asked = RequestedSpec("spec.json", json.dumps(spec), None, {})
    asked_for: dict[str, Any] = {"epochs": 10, "batch_size": 8, "lr": 0.01, "device": "cpu"}
    with pytest.MonkeyPatch.context() as patch:
        if dataset is not None or settings.get("data") is None:
            patch.setattr(samples, "load_data", lambda *_, **__: dataset or blobs())
            patch.setattr(load, "native_shape", lambda *_: None)
        return train_against_dense(
            asked,
            cnncalc.compare_fc(spec).network,
            hidden,
            Settings(**{**asked_for, **settings}),
            observer or Watching(),
            seeds=seeds,
            runs=runs,
            resume=resume,
        )


# Shifts


def moved_by_hand(images: torch.Tensor, axis: int, by: int) -> torch.Tensor:
    """Every value looked up where it came from, 0 where that is outside."""
    moved = torch.zeros(images.shape)
    for place in product(*map(range, images.shape)):
        source = list(place)
        source[axis] -= by
        if 0 <= source[axis] < images.shape[axis]:
            moved[place] = images[tuple(source)]
    return moved


@pytest.mark.parametrize("by", [-6, -5, -4, -1, 0, 1, 2, 5, 6])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((2, 3, 5), 2),
        ((2, 1, 5, 4), 2),
        ((2, 2, 4, 5), 3),
        ((1, 2, 3, 5, 2), 2),
        ((1, 1, 2, 3, 5), 4),
    ],
)
def test_pixels_come_from_where_a_naive_loop_finds_them(
    shape: tuple[int, ...], axis: int, by: int
) -> None:
    images = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    before = images.clone()
    assert torch.equal(shifted(images, axis, by), moved_by_hand(images, axis, by))
    assert torch.equal(images, before)


def test_a_picture_goes_where_the_direction_says() -> None:
    picture = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    moved = {w.name: shifted(picture, w.axis, w.sign)[0, 0].tolist() for w in directions((1, 2, 2))}
    assert moved == {
        "up": [[3, 4], [0, 0]],
        "down": [[0, 0], [1, 2]],
        "left": [[2, 0], [4, 0]],
        "right": [[0, 1], [0, 3]],
    }


@pytest.mark.parametrize(
    ("input", "names", "far"),
    [
        # A quarter of the shortest axis, from 1 to 4.
        ((3, 32, 32), "up down left right", 4),
        ((1, 28, 28), "up down left right", 4),
        ((1, 8, 8), "up down left right", 2),
        ((1, 13, 40), "up down left right", 3),
        ((1, 3, 9), "up down left right", 1),
        ((2, 20), "left right", 4),
        ((2, 2), "left right", 1),
        ((1, 8, 8, 8), "front back up down left right", 2),
        # Nothing moves along an axis of one position.
        ((1, 1, 9), "left right", 2),
        ((4, 9, 1, 1), "front back", 2),
        ((4, 1, 1), "", 0),
    ],
)
def test_images_move_both_ways_along_their_axes(
    input: tuple[int, ...], names: str, far: int
) -> None:
    assert " ".join(way.name for way in directions(input)) == names
    assert farthest(input) == far


# The dense network


def params_of(*sizes: int) -> int:
    return sum(a * b + b for a, b in pairwise(sizes))


def test_the_dense_network_is_the_largest_with_a_hidden_layer_that_costs_no_more() -> None:
    # 784·131 + 131 + 131·10 + 10 of 104,202; one unit more takes 784 + 1 + 10.
    assert params_of(784, 131, 10) == 104_155
    assert params_of(784, 132, 10) == 104_950 > 104_202
    options = ["--train", "--data", "synthetic", "--epochs", "1", "--limit-train", "20"]
    result = command("compare-fc", "keras-mnist", *options, "--limit-test", "10", "-f", "json")
    assert result.code == 0, result.err
    found = json.loads(result.out)
    assert found["network"]["params"] == 104_202
    assert found["dense"]["params"] == 104_155
    assert (found["dense"]["kind"], found["dense"]["sizes"]) == ("one hidden layer", [784, 131, 10])


@pytest.mark.parametrize("input", [(1, 28, 28), (784, 1), (2, 7, 8, 7), (1, 784)])
def test_what_is_trained_has_the_parameters_that_are_stated(input: tuple[int, ...]) -> None:
    """784-512-10 of the book has 407,050."""
    spec = {
        "input": dict(zip(FORMS[len(input)], (*input[1:], input[0]), strict=True)),
        "layers": ["flatten", {"linear": 10}],
    }
    dense = cnncalc.compare_fc(spec, hidden=[512]).dense_networks[-1]
    network = cnncalc.build(dense.spec(input))
    assert dense.cost.params == 407_050
    assert sum(tensor.numel() for tensor in network.parameters()) == 407_050
    assert network(torch.zeros(3, *input)).shape == (3, 10)
    assert sum(isinstance(module, torch.nn.ReLU) for module in network.modules()) == 1


FORMS = {
    2: ("length", "channels"),
    3: ("height", "width", "channels"),
    4: ("depth", "height", "width", "channels"),
}


# What both learn


def test_a_network_that_cannot_tell_where_keeps_its_accuracy_and_the_dense_one_falls() -> None:
    (one,) = trained(epochs=20, hidden=(64,)).rounds
    ours, theirs = one.network, one.dense
    at_home = ours.shifted[0].right[0]
    assert at_home == 80
    assert [shift.pixels for shift in ours.shifted] == [0, 1, 2, 3, 4]
    assert all(shift.right == (at_home,) * 4 for shift in ours.shifted[1:])
    assert theirs.accuracy() > Fraction(9, 10)
    assert theirs.accuracy(4) < Fraction(1, 2)


def test_accuracies_are_those_of_the_networks_that_are_kept(tmp_path: Path) -> None:
    observer = Watching()
    few = blobs(24)
    found = trained(runs=tmp_path, epochs=2, observer=observer, dataset=few)
    images, labels = few.test
    (done,) = found.rounds
    answers = {}
    for name, one in (("network", done.network), ("dense", done.dense)):
        place = tmp_path / "seed-0" / name
        metrics = (place / "metrics.jsonl").read_text("utf-8").splitlines()
        lines = [json.loads(line) for line in metrics]
        assert list(one.history) == lines
        assert float(one.accuracy()) == lines[-1]["test_accuracy"]
        assert one.train_accuracy == lines[-1]["train_accuracy"]
        assert one.seconds == pytest.approx(sum(line["seconds"] for line in lines))
        _, graph, _ = read_run(place)
        network = cnncalc.build(graph)
        state = torch.load(place / "checkpoint.pt", weights_only=True)
        network.load_state_dict(state["network"])
        network.eval()

        def right(images: torch.Tensor, network: torch.nn.Module = network) -> int:
            with torch.no_grad():
                return int((network(images).argmax(1) == labels).sum())

        for pixels, counts in one.shifted[1:]:
            ways = ((2, -pixels), (2, pixels), (3, -pixels), (3, pixels))
            assert counts == tuple(right(moved_by_hand(images, *way)) for way in ways)
            assert one.accuracy(pixels) == Fraction(sum(counts), 4 * 24)
        with torch.no_grad():
            answers[name] = (network(images).argmax(1) == labels).tolist()
    pairs = [*zip(answers["network"], answers["dense"], strict=True)]
    assert done.only_network == pairs.count((True, False))
    assert done.only_dense == pairs.count((False, True))
    # Two networks, each as it stands and by four distances in four directions.
    assert observer.passes == [(n, 17) for n in range(1, 18)] * 2
    assert observer.steps == 2 * 2 * 3


def without_time(found: Contest) -> Any:
    def without(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: without(v) for k, v in value.items() if not k.startswith("seconds")}
        return [*map(without, value)] if isinstance(value, list) else value

    return without(found.to_dict())


def test_the_same_seed_gives_the_same_figures() -> None:
    first, again, other = (without_time(trained(epochs=1, seed=seed)) for seed in (5, 5, 6))
    assert first == again
    assert first != other


SIGNAL = {
    "name": "signal",
    "input": {"length": 12, "channels": 2},
    "layers": [
        {"conv": {"out_channels": 4, "kernel_size": 3}},
        "flatten",
        {"linear": 3},
    ],
}
VOLUME = {
    "name": "volume",
    "input": {"depth": 3, "height": 4, "width": 5, "channels": 1},
    "layers": [{"conv": {"out_channels": 4, "kernel_size": 3}}, "flatten", {"linear": 3}],
}
POINT = {
    "name": "point",
    "input": {"height": 1, "width": 1, "channels": 3},
    "layers": [{"conv": {"out_channels": 4, "kernel_size": 1}}, "flatten", {"linear": 3}],
}


@pytest.mark.parametrize(
    ("spec", "shifts", "ways", "said"),
    [
        (SIGNAL, 4, 2, "(12) moved left and right; the mean of the 2."),
        (
            VOLUME,
            2,
            6,
            "(3×4×5) moved front, back, up, down, left and right; the mean of the 6. What leaves "
            "is lost, what comes in is 0, nothing wraps round.",
        ),
        (POINT, 1, 0, "Nothing is shifted: an input of 1×1 has one position."),
    ],
    ids=["signal", "volume", "point"],
)
def test_signals_and_volumes_are_shifted_along_their_own_axes(
    spec: dict[str, Any], shifts: int, ways: int, said: str
) -> None:
    found = trained(spec, data="synthetic", epochs=1, limit_train=30, limit_test=12)
    for one in (found.rounds[0].network, found.rounds[0].dense):
        assert [len(shift.right) for shift in one.shifted] == [1, *[ways] * (shifts - 1)]
    assert said in " ".join(write(page(found), "text").split())


# What each of them reads


def test_the_dense_network_reads_the_digits_as_they_are(tmp_path: Path) -> None:
    few = ["--limit-train", "40", "--limit-test", "20", "--epochs", "1", "--lr", "0.01"]
    place = tmp_path / "runs"
    result = command(
        "compare-fc", "lenet5", "--train", *few, "--format", "json", "--runs", str(place)
    )
    assert result.code == 0, result.err
    found = json.loads(result.out)
    # 64·826 + 826 + 826·10 + 10 of 62,006; one unit more takes 75.
    assert params_of(64, 826, 10) == 61_960 > 62_006 - 75
    assert (found["dense"]["sizes"], found["dense"]["params"]) == ([64, 826, 10], 61_960)
    assert (found["dense"]["input"], found["network"]["input"]) == ([1, 8, 8], [3, 32, 32])
    _, graph, settings = read_run(place / "seed-0" / "dense")
    read = samples.find_samples(objective(graph), settings).test.images
    digits = torch.tensor(load_digits().images / 16, dtype=torch.float32)
    # Each picture is one of scikit-learn's, value for value.
    assert read.shape == (20, 1, 8, 8)
    assert all(any(torch.equal(image[0], digit) for digit in digits) for image in read)
    (seed,) = found["seeds"]
    assert seed["network"]["notes"] == [
        "resampled from 8×8 to 32×32, bilinear",
        "grey copied to 3 channels",
    ]
    assert seed["dense"]["notes"] == []
    page = (place / "README.md").read_text("utf-8")
    assert "The dense network reads 8×8×1: the data as they are." in page
    results = json.loads((place / "results.json").read_text("utf-8"))
    assert results == found


@pytest.mark.parametrize(
    ("name", "shape"), [("digits", (1, 8, 8)), ("cifar10", (3, 32, 32)), ("synthetic", None)]
)
def test_data_sets_say_the_shape_of_their_pictures(
    name: str, shape: tuple[int, ...] | None, tmp_path: Path
) -> None:
    for file in (*(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin"):
        (tmp_path / file).write_bytes(bytes(3_073))
    assert native_shape(name, tmp_path) == shape


def test_pictures_of_many_sizes_have_no_shape(tmp_path: Path) -> None:
    for place in ("cat/1", "cat/2", "dog/1", "dog/2"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        Image.new("RGB", (4, 4)).save(tmp_path / f"{place}.png")
    assert native_shape(f"imagefolder:{tmp_path}") is None


def test_pictures_are_shifted_before_they_are_made_to_fit() -> None:
    """A network that looks at one value of a picture twice as large: the shifts of the original."""

    class Corner(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            assert x.shape[1:] == (1, 8, 8)
            # The middle of the picture's second row and column, 1 where that pixel is bright.
            lit = x[:, 0, 2:4, 2:4].mean((1, 2)) > 0.5
            return torch.stack((~lit, lit), 1).float()

    images = torch.zeros(1, 1, 4, 4)
    images[0, 0, 1, 2] = 1

    def read(images: torch.Tensor) -> torch.Tensor:
        return images.repeat_interleave(2, 2).repeat_interleave(2, 3)

    answers = answers_when_shifted(
        Corner(),
        1,
        Split(read(images), torch.tensor([1])),
        images,
        read,
        batch_size=1,
        step=lambda *_: None,
    )
    # Up, down, left, right: by one pixel to the left, which are two of those read, it is there.
    assert answers == (((0, (0,)), (1, (0, 0, 1, 0))), (False,))


# How the rates are chosen


def spied(**settings: Any) -> tuple[Contest, list[tuple[str, float, Dataset]]]:
    """A contest, and which networks it trained at which rates on which data."""
    seen: list[tuple[str, float, Dataset]] = []

    def remembered(graph: Any, asked: Settings, *rest: Any, **more: Any) -> Any:
        assert asked.lr is not None
        seen.append((graph.name, asked.lr, more["dataset"]))
        return train(graph, asked, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cnncalc.training.against_dense.train", remembered)
        return trained(lr=None, **settings), seen


def split_blobs() -> Dataset:
    """Blobs of which every image is another one: 60 to train on, 20 to test on."""
    all_of_them = blobs().train
    images = all_of_them.images + torch.arange(80).view(80, 1, 1, 1) / 1e4
    train, test = (Split(images[a:b], all_of_them.labels[a:b]) for a, b in ((0, 60), (60, 80)))
    return Dataset("blobs", train, test, tuple("abcd"), ("made up",))


def test_rates_are_tried_on_the_training_set_alone_and_as_often_for_both() -> None:
    given = split_blobs()
    found, seen = spied(dataset=given, epochs=2)
    grid = [0.002 / 4, 0.002, 0.002 * 4]
    (done,) = found.rounds
    assert [(name, lr) for name, lr, _ in seen] == [
        *(("invariant", lr) for lr in grid),
        *(("dense 256-32-4", lr) for lr in grid),
        ("invariant", done.network.lr),
        ("dense 256-32-4", done.dense.lr),
    ]

    def keys(split: Split) -> set[bytes]:
        return {image.numpy().tobytes() for image in split.images}

    for *_, dataset in seen[:6]:
        # A fifth of 60, and 3 of each class of 15.
        assert (len(dataset.train.labels), len(dataset.test.labels)) == (48, 12)
        assert dataset.test.labels.bincount().tolist() == [3, 3, 3, 3]
        assert keys(dataset.train) | keys(dataset.test) == keys(given.train)
        assert not keys(dataset.train) & keys(dataset.test)
        assert not keys(dataset.test) & keys(given.test)
    assert all(dataset is given for *_, dataset in seen[6:])
    for one in (done.network, done.dense):
        assert [trial.lr for trial in one.trials] == grid
        assert one.lr == best(one.trials)
    assert found.validation == 12


@pytest.mark.parametrize(
    ("trials", "lr"),
    [
        ([(0.1, 0.5, 1.0), (0.2, 0.7, 1.0), (0.4, 0.6, 0.1)], 0.2),
        # Of equal accuracies the lower loss, of equal losses the lower rate.
        ([(0.1, 0.7, 1.0), (0.2, 0.7, 0.5), (0.4, 0.7, 0.5)], 0.2),
        ([(0.1, 0.2, 1.0), (0.2, None, None)], 0.1),
        ([(0.1, None, None)], None),
    ],
)
def test_the_best_rate_is_that_of_the_highest_accuracy(
    trials: list[tuple[float, float | None, float | None]], lr: float | None
) -> None:
    assert best(tuple(Trial(*trial) for trial in trials)) == lr


def test_seeds_with_the_same_training_set_share_the_choice() -> None:
    found, seen = spied(dataset=split_blobs(), epochs=1, seeds=3)
    assert len(seen) == 2 * 3 + 3 * 2
    assert len({id(one.network.trials) for one in found.rounds}) == 1
    text = " ".join(write(page(found), "text").split())
    assert "the first one chooses for all" in text


def test_seeds_with_training_sets_of_their_own_choose_anew() -> None:
    few = {"limit_train": 30, "limit_test": 10, "epochs": 1}
    found, seen = spied(spec={**SIGNAL}, data="synthetic", seeds=2, **few)
    assert len(seen) == 2 * (2 * 3 + 2)
    assert [one.seed for one in found.rounds] == [0, 1]
    text = " ".join(write(page(found), "text").split())
    assert "so each chooses anew" in text


# Several seeds


def test_a_contest_that_was_stopped_goes_on_with_the_same_figures(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"seeds": 2, "epochs": 1, "dataset": split_blobs(), "lr": None}
    whole = trained(runs=tmp_path / "whole", **asked)

    def at(steps: int) -> None:
        if steps == 50:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(RunStopped):
        trained(runs=tmp_path / "cut", observer=Watching(at), **asked)
    rest = Watching()
    found = trained(runs=tmp_path / "cut", observer=rest, resume=True, **asked)
    assert without_time(found) == without_time(whole)
    # Six trials of 6 steps, and two runs of 8 for each seed.
    assert 50 + rest.steps == 6 * 6 + 2 * 2 * 8
    folders = ["dense", "dense-lr-0.0005", "dense-lr-0.002", "dense-lr-0.008"]
    assert sorted(path.name for path in (tmp_path / "cut" / "seed-0").iterdir()) == [
        *folders,
        *(name.replace("dense", "network") for name in folders),
    ]
    assert sorted(path.name for path in (tmp_path / "cut" / "seed-1").iterdir()) == [
        "dense",
        "network",
    ]


def test_a_folder_of_something_else_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    result = command("compare-fc", "lenet5", "--train", "--runs", str(tmp_path), "--resume")
    assert (result.code, result.out, result.err) == (
        2,
        "",
        f"{tmp_path}: not empty, and no runs of several seeds: its files might be overwritten; "
        "give --runs a folder that is new or empty\n",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


@pytest.mark.slow
def test_the_digits_show_no_difference() -> None:
    """What a dense 64-826-10 and LeNet-5 were measured to reach on the digits as they are with
    the same settings elsewhere: 98.33, 95.56, 99.17 % and 98.06, 97.22, 98.33 %.

    The bits differ between machines and versions of torch: 1.5 points are 5 images of 360.
    """
    arguments = ["--train", "--lr", "0.002", "--seeds", "3", "--format", "json"]
    found = json.loads(command("compare-fc", "lenet5", *arguments).out)
    known = {"network": (0.9806, 0.9722, 0.9833), "dense": (0.9833, 0.9556, 0.9917)}
    for word, accuracies in known.items():
        reached = [seed[word]["test_accuracy"] for seed in found["seeds"]]
        assert reached == pytest.approx(accuracies, abs=0.015)
    assert "no difference shown at 5 %" in found["verdict"]


# How it ends early


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_runs_that_nobody_asked_for_are_not_kept(empty: Path) -> None:
    found: list[Path] = []
    observer = Watching(at=lambda _: found.extend(empty.iterdir()))
    trained(epochs=1, observer=observer)
    assert found
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_and_leaves_nothing(
    number: signal.Signals, code: int, empty: Path
) -> None:
    def at(steps: int) -> None:
        if steps == 12:
            os.kill(os.getpid(), number)

    observer = Watching(at)
    with pytest.raises(RunStopped, match=f"^{number.name}: stopped$") as stopped:
        trained(observer=observer)
    assert stopped.value.code == code
    assert observer.steps == 12
    assert list(empty.iterdir()) == []


def test_ctrl_c_while_images_are_shifted_exits_130(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cnncalc.cli import train_both as watching

    def interrupt(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(watching._Watching, "shifts", interrupt)
    try:
        options = ["--data", "synthetic", "--epochs", "1", "--limit-train", "10"]
        result = command("compare-fc", "--train", *options, "--limit-test", "10")
    finally:
        signal.signal(signal.SIGINT, before)
    assert (result.code, result.out) == (130, "")
    assert result.err.endswith("SIGINT: stopped\n")
    assert list(empty.iterdir()) == []


def test_a_loss_that_is_no_number_exits_1(empty: Path) -> None:
    with pytest.raises(RunStopped, match=r"no finite number .*; try a smaller --lr$") as stopped:
        trained(optimizer="sgd", lr=1e30, epochs=2)
    assert stopped.value.code == 1
    assert list(empty.iterdir()) == []


# What is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "3"], "--epochs is for --train"),
        (["--batch-size", "3"], "--batch-size is for --train"),
        (["--runs", "x"], "--runs is for --train"),
        (["--seeds", "2"], "--seeds is for --train"),
        (["--resume"], "--resume is for --train"),
        (["--train", "--resume"], "--resume: name the folder of the runs with --runs"),
        (
            ["--train", "--runs", ""],
            '--runs: "" names no folder; a variable that is not set gives it',
        ),
        (["--train", "--seeds", "0"], "--seeds must be from 1 to 1,000, not 0"),
        (["--train", "--epochs", "0"], "--epochs must be from 1 to 1,000,000, not 0"),
        (["conv1", "--train"], '--train compares whole networks: leave out "conv1"'),
        (["--train", "--batch", "2"], "--train takes --batch-size: --batch is for counts"),
        (["--train", "--dtype", "float16"], '--train trains in float32, not "float16"'),
        (["--train", "-o", "no/page.html"], "no/page.html: there is no such folder"),
        (["--train", "--hidden", "a"], '--hidden takes sizes like 600,300, not "a"'),
    ],
)
def test_options_that_mean_nothing_are_refused(arguments: list[str], message: str) -> None:
    result = command("compare-fc", "lenet5", *arguments)
    assert (result.code, result.out, result.err) == (2, "", f"{message}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["mlp-mnist"],
            "MNIST dense network: its input is a vector, which has nothing to shift; --train "
            "compares networks that read images or signals",
        ),
        (
            ["alexnet"],
            "the network has 1,000 outputs but digits has 10 classes: set out_features of its "
            "last layer to 10",
        ),
        (["lenet5", "--data", "digit"], '--data "digit": no such data set; did you mean digits?'),
    ],
)
def test_networks_and_data_that_do_not_fit_are_refused(arguments: list[str], message: str) -> None:
    result = command("compare-fc", "--train", *arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(message)
    assert result.err.count("\n") == 1


def test_a_network_too_small_for_a_hidden_unit_wants_hidden_layers(tmp_path: Path) -> None:
    # One unit takes 8·8 + 1 + 10 + 10 parameters; this network has 1·9 + 1 + 10 + 10.
    spec = tmp_path / "small.json"
    layers = [{"conv": {"out_channels": 1, "kernel_size": 3}}, "global_avg_pool", "flatten"]
    size = {"height": 32, "width": 32, "channels": 1}
    spec.write_text(json.dumps({"input": size, "layers": [*layers, {"linear": 10}]}))
    result = command("compare-fc", str(spec), "--train")
    assert (result.code, result.err) == (
        2,
        "one hidden unit alone takes more than the 30 parameters of the network: name the hidden "
        "layers of the dense one, as --hidden 512\n",
    )


@pytest.mark.parametrize(
    ("optimizer", "copies"), [("sgd", 3), ("momentum", 5), ("rmsprop", 5), ("adam", 7)]
)
def test_a_dense_network_that_does_not_fit_is_not_built(optimizer: str, copies: int) -> None:
    """Weights, gradients and what the optimizer remembers; a checkpoint copies the first and the
    last."""
    params = 64 * 10**6 + 10**6 + 10**12 + 10**6 + 10**6 * 10 + 10
    arguments = ["--train", "--hidden", "1000000,1000000", "--optimizer", optimizer]
    result = command("compare-fc", "lenet5", *arguments)
    assert (result.code, result.out) == (2, "")
    assert re.fullmatch(
        rf"the dense network 64 → 1,000,000 → 1,000,000 → 10 has {params:,} parameters: to "
        rf"train it with {optimizer} takes {4 * copies * params:,} bytes, and [\d,]+ are free; "
        "name smaller hidden layers with --hidden\n",
        result.err,
    )


def test_runs_are_not_written_over(tmp_path: Path) -> None:
    options = ["--data", "synthetic", "--epochs", "1", "--limit-train", "10", "--limit-test", "10"]
    arguments = ["compare-fc", "lenet5", "--train", *options, "--runs", str(tmp_path / "both")]
    first = command(*arguments)
    assert (first.code, first.err.splitlines()[-1]) == (0, f"the runs are in {tmp_path / 'both'}")
    assert {"checkpoint.pt", "spec.json", "run.json"} <= {
        path.name for path in (tmp_path / "both" / "seed-0" / "dense").iterdir()
    }
    again = command(*arguments)
    assert (again.code, again.out, again.err) == (
        2,
        "",
        f"{tmp_path / 'both'}: runs are there already; continue them with --resume, or give "
        "another --runs\n",
    )


def test_a_document_trains_nothing(tmp_path: Path) -> None:
    text = "<!-- cnncalc:begin compare-fc lenet5 train=yes -->\n<!-- cnncalc:end -->\n"
    (tmp_path / "a.md").write_text(text, "utf-8")
    result = command("embed", str(tmp_path / "a.md"))
    assert result.code == 2
    assert 'compare-fc has no option "train"' in result.err


def python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def test_without_training_torch_is_not_imported() -> None:
    looked = "from cnncalc.__main__ import main\ntry: main()\nexcept SystemExit: pass\n"
    done = python(
        f"import sys; sys.argv = ['cnncalc', 'compare-fc']; {looked}print('torch' in sys.modules)"
    )
    first, *_, last = done.stdout.splitlines()
    assert (first, last) == ("LeNet-5: convolutions and fully connected layers", "False")


# What is printed


def made_up(*rounds: tuple[int, int, int], params: tuple[int, int] = (104_202, 407_050)) -> Contest:
    """With each seed both have so many of 1,000 test images right, and one alone so many."""

    def one(right: int, moved: int) -> Contestant:
        epoch = {"seconds": 1.5, "train_accuracy": 0.75}
        shifts = (Shifted(0, (right,)), Shifted(1, (moved, moved, moved, moved - 2)))
        return Contestant("cpu", 0.5, (), [epoch, epoch], shifts, 1_000)

    return Contest(
        data="a_b | <b>&\x1b",
        train=5_000,
        directions=("up", "down", "left", "right"),
        settings={
            "epochs": 2,
            "batch_size": 2,
            "optimizer": "sgd",
            "lr": 0.5,
            "schedule": "constant",
            "seeds": [*range(3, 3 + len(rounds))],
        },
        validation=0,
        torch="2.0",
        rule="hidden",
        sizes=(4, 7, 10),
        network=Side("net", params[0], 1234, (1, 2, 2)),
        dense=Side("dense", params[1], 1234, (1, 2, 2)),
        rounds=tuple(
            Round(
                seed,
                (f"$made$ up, seed {seed}",),
                (),
                (),
                one(both + network, 950),
                one(both + dense, 600),
                network,
                dense,
            )
            for seed, (both, network, dense) in enumerate(rounds, 3)
        ),
    )


@pytest.mark.parametrize(
    ("only_first", "only_second", "p"),
    [
        # 2·(1 + 12 + 66 + 220)/2¹² and 2·(1 + 8)/2⁸, by hand.
        (9, 3, Fraction(598, 4096)),
        (3, 9, Fraction(598, 4096)),
        (1, 7, Fraction(18, 256)),
        (0, 5, Fraction(1, 16)),
        (0, 6, Fraction(1, 32)),
        # Twice the larger half is more than 1.
        (4, 4, Fraction(1)),
        (5, 4, Fraction(1)),
        (0, 0, Fraction(1)),
    ],
)
def test_mcnemar_is_the_binomial_sum(only_first: int, only_second: int, p: Fraction) -> None:
    assert mcnemar(only_first, only_second) == p


def test_mcnemar_gives_the_published_figure() -> None:
    """Raschka, mlxtend's guide, example 2 of `mcnemar`: [[9959, 11], [1, 29]], exact."""
    assert float(mcnemar(11, 1)) == 0.00634765625


@pytest.mark.parametrize(("only_first", "only_second"), [(121, 59), (2, 30), (4_000, 4_200)])
def test_mcnemar_is_scipys_binomial_test(only_first: int, only_second: int) -> None:
    found = stats.binomtest(only_first, only_first + only_second, 0.5).pvalue
    assert float(mcnemar(only_first, only_second)) == pytest.approx(found, rel=1e-9)


@pytest.mark.parametrize(
    ("values", "mean", "deviation"),
    [
        # ((2 − 4)² + (4 − 4)² + (6 − 4)²)/2 = 4.
        ((2, 4, 6), 4, 2.0),
        ((0.25, 0.75), Fraction(1, 2), 0.125**0.5),
        ((7,), 7, None),
        ((3, 3), 3, 0.0),
    ],
)
def test_spread_is_the_sample_standard_deviation(
    values: tuple[float, ...], mean: Fraction, deviation: float | None
) -> None:
    assert spread(values) == Spread(Fraction(mean), deviation)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (
            # 2·(1 + 20 + 190 + 1140 + 4845 + 15504)/2²⁰ = 0.0414.
            made_up((970, 15, 5)),
            "net 98.50 %, dense 97.50 % of 1,000 test images. net alone is right on 15 of them, "
            "the dense network alone on 5: McNemar's exact test gives p = 0.041: a difference is "
            "shown at 5 %, and net is the better one. One seed says nothing of what another one "
            "gives: --seeds 5.",
        ),
        (
            # 2·(1 + 12 + 66 + 220)/2¹² = 0.14599…
            made_up((900, 3, 9)),
            "net 90.30 %, dense 90.90 % of 1,000 test images. net alone is right on 3 of them, "
            "the dense network alone on 9: McNemar's exact test gives p = 0.146: no difference "
            "shown at 5 %. One seed says nothing of what another one gives: --seeds 5.",
        ),
        (
            # The same 0.0414 of two seeds is no 5 %: twice it is 0.083.
            made_up((970, 15, 5), (900, 9, 3)),
            # 98.5 and 90.9: mean 94.7, deviation 7.6/√2; 97.5 and 90.3: 93.9, 7.2/√2.
            "Over 2 seeds net 94.70 ± 5.37 %, dense 93.90 ± 5.09 % (mean ± sample standard "
            "deviation). McNemar's exact test, for each seed on its 1,000 test images: p = 0.041 "
            "to 0.146; the least times 2, as there are 2 tests (Bonferroni): p = 0.083: no "
            "difference shown at 5 %.",
        ),
        (
            # 2·(1 + 30)/2³⁰.
            made_up((900, 1, 29), (900, 1, 29), (930, 0, 0)),
            "Over 3 seeds net 91.07 ± 1.67 %, dense 92.93 ± 0.06 % (mean ± sample standard "
            "deviation). McNemar's exact test, for each seed on its 1,000 test images: p < 0.001 "
            "to 1.000; the least times 3, as there are 3 tests (Bonferroni): p < 0.001: a "
            "difference is shown at 5 % with 2 of 3 seeds, and the dense network is the better "
            "one there.",
        ),
        (
            made_up((900, 1, 29), (900, 29, 1)),
            "Over 2 seeds net 91.50 ± 1.98 %, dense 91.50 ± 1.98 % (mean ± sample standard "
            "deviation). McNemar's exact test, for each seed on its 1,000 test images: p < 0.001 "
            "each time; the least times 2, as there are 2 tests (Bonferroni): p < 0.001: "
            "differences are shown at 5 %, and not in one direction: net is the better one with "
            "1 of 2 seeds, the dense network with 1.",
        ),
    ],
    ids=["shown", "not shown", "corrected", "some", "both ways"],
)
def test_the_verdict_says_what_was_shown(found: Contest, text: str) -> None:
    assert verdict(found) == text


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ((104_202, 407_050), "25.6 % of the dense network's parameters"),
        ((2_500, 1_000), "2.5 times the dense network's parameters"),
        ((1_000, 1_000), "as many parameters"),
        ((1_000, 995), "about as many parameters"),
    ],
)
def test_parameters_and_shifts_stand_beside_it(params: tuple[int, int], text: str) -> None:
    assert beside(made_up((900, 1, 2), params=params)) == (
        f"net has {text}; shifted by 1 pixel it has 94.95 %, the dense network 59.95 %."
    )


def test_a_narrow_dense_network_is_called_that() -> None:
    options = ["--data", "synthetic", "--epochs", "1", "--limit-train", "10", "--limit-test", "10"]
    # It is made up for its input: 3,072·2 + 2 + 2·10 + 10 = 6,176 of 6,440 parameters.
    assert params_of(3_072, 2, 10) == 6_176
    result = command("compare-fc", "cs231n-demo", "--train", *options)
    assert "3,072 → 2 → 10, ReLU between. 2 hidden units for 10 results are few: --hidden" in (
        " ".join(result.out.split())
    )


FOUND = made_up((970, 21, 8))
FIGURES = {
    "104,202",
    "407,050",
    "1,234",
    "1.5",
    "3.0",
    "75.00 %",
    "99.10 %",
    "97.80 %",
    "94.95 %",
    "59.95 %",
}


class Texts(HTMLParser):
    """The tags of a document and what stands between them."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: set[str] = set()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts.add(data)


def test_every_format_has_every_figure() -> None:
    text = write(page(FOUND), "text")
    assert all(figure in text for figure in FIGURES)
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    html = Texts()
    html.feed(write(page(FOUND), "html"))
    assert html.texts >= FIGURES
    assert "b" not in html.tags
    tokens = MarkdownIt().enable("table").parse(write(page(FOUND), "markdown"))
    assert {token.content for token in tokens if token.type == "inline"} >= FIGURES
    latex = write(page(FOUND), "latex")
    assert all(figure.replace("%", "\\%") in latex for figure in FIGURES)
    for format in ("rst", "asciidoc"):
        assert all(figure in write(page(FOUND), format) for figure in FIGURES)


def test_csv_and_json_have_raw_numbers() -> None:
    network, dense = csv.DictReader(io.StringIO(comma_separated(FOUND)))
    assert (network["network"], network["params"], network["macs"]) == ("network", "104202", "1234")
    assert (network["seed"], network["lr"], network["right_alone"]) == ("3", "0.5", "21")
    assert (dense["right_alone"], float(dense["mcnemar_p"])) == ("8", float(mcnemar(21, 8)))
    assert [float(dense[f"test_accuracy_{n}"]) for n in (0, 1)] == [0.978, 0.5995]
    assert (dense["epochs"], dense["seconds"], dense["train_accuracy"]) == ("2", "3.0", "0.75")
    found = json.loads(json.dumps(FOUND.to_dict()))
    (seed,) = found["seeds"]
    assert seed["dense"]["shifted"] == [
        {"pixels": 0, "accuracy": 0.978, "right": 978},
        {
            "pixels": 1,
            "accuracy": 0.5995,
            "right": {"up": 600, "down": 600, "left": 600, "right": 598},
        },
    ]
    assert found["samples"] == {"train": 5_000, "validation": 0, "test": 1_000}
    assert (seed["network"]["seconds"], seed["network"]["seconds_per_epoch"]) == (3.0, 1.5)
    assert found["network"]["test_accuracy"] == {"mean": 0.991, "sample_standard_deviation": None}
    assert seed["mcnemar"] == {"only_network": 21, "only_dense": 8, "p": float(mcnemar(21, 8))}
    assert (found["network"]["params"], found["dense"]["input"]) == (104_202, [1, 2, 2])


@pytest.mark.parametrize("format", ["text", "markdown", "latex", "html", "csv", "json"])
def test_a_file_gets_the_page_and_stderr_the_progress(format: str, tmp_path: Path) -> None:
    options = ["--data", "synthetic", "--epochs", "2", "--limit-train", "20", "--limit-test", "10"]
    arguments = ["compare-fc", "lenet5", "--train", *options, "--format", format]
    shown = command(*arguments)
    assert shown.code == 0, shown.err
    lines = shown.err.splitlines()
    assert [line[:9] for line in lines if line.startswith("epoch")] == [
        "epoch 1/2",
        "epoch 2/2",
    ] * 2
    # What holds for both is said once.
    assert len([line for line in lines if line.startswith("adam, lr ")]) == 1
    assert "dense 3072-20-10 on synthetic: 20 samples to train on, 10 to test on" in lines
    file = tmp_path / "page"
    written = command(*arguments, "-o", str(file))
    assert (written.code, written.out) == (0, "")
    # All but the seconds, and what pads them, is the same again; a file is a whole document.
    printed, document = (
        re.sub(r"[\d.]*\d", "", re.sub(r"-{2,}|─+| +", " ", text))
        for text in (shown.out, file.read_text("utf-8"))
    )
    assert printed in document if format == "html" else printed == document
