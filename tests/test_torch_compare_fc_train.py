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

import cnncalc
from cnncalc.data.fitting import Split
from cnncalc.data.load import Dataset
from cnncalc.findings.contest import Contest, Contestant, Shifted
from cnncalc.findings.contest_page import comma_separated, page, verdict
from cnncalc.render.write import write
from cnncalc.training import samples
from cnncalc.training.against_dense import ContestObserver, RunStopped, train_against_dense
from cnncalc.training.run_folder import RequestedSpec, read_run
from cnncalc.training.settings import Settings
from cnncalc.training.shifted_images import directions, farthest, shifted
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
    **settings: Any,
) -> Contest:
    """A contest on blobs, of ten epochs unless `settings` say otherwise."""
    asked = RequestedSpec("spec.json", json.dumps(spec), None, {})
    compared = cnncalc.compare_fc(spec, hidden=hidden)
    asked_for: dict[str, Any] = {"epochs": 10, "batch_size": 8, "lr": 0.01, "device": "cpu"}
    with pytest.MonkeyPatch.context() as patch:
        if dataset is not None or settings.get("data") is None:
            patch.setattr(samples, "load_data", lambda *_, **__: dataset or blobs())
        return train_against_dense(
            asked,
            compared.network,
            compared.dense_networks[-1],
            Settings(**{**asked_for, **settings}),
            runs,
            observer or Watching(),
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
        ((3, 32, 32), "up down left right", 4),
        ((1, 5, 9), "up down left right", 4),
        ((1, 3, 9), "up down left right", 2),
        ((2, 20), "left right", 4),
        ((2, 2), "left right", 1),
        ((1, 8, 8, 8), "front back up down left right", 4),
        # Nothing moves along an axis of one position.
        ((1, 1, 9), "left right", 4),
        ((4, 9, 1, 1), "front back", 4),
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
    found = trained(epochs=20, hidden=(64,))
    ours, theirs = found.network, found.dense
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
    for name, one in (("network", found.network), ("dense", found.dense)):
        metrics = (tmp_path / name / "metrics.jsonl").read_text("utf-8").splitlines()
        lines = [json.loads(line) for line in metrics]
        assert list(one.history) == lines
        assert float(one.accuracy()) == lines[-1]["test_accuracy"]
        assert one.train_accuracy == lines[-1]["train_accuracy"]
        assert one.seconds == pytest.approx(sum(line["seconds"] for line in lines))
        _, graph, _ = read_run(tmp_path / name)
        network = cnncalc.build(graph)
        state = torch.load(tmp_path / name / "checkpoint.pt", weights_only=True)
        network.load_state_dict(state["network"])
        network.eval()

        def right(images: torch.Tensor, network: torch.nn.Module = network) -> int:
            with torch.no_grad():
                return int((network(images).argmax(1) == labels).sum())

        for pixels, counts in one.shifted[1:]:
            ways = ((2, -pixels), (2, pixels), (3, -pixels), (3, pixels))
            assert counts == tuple(right(moved_by_hand(images, *way)) for way in ways)
            assert one.accuracy(pixels) == Fraction(sum(counts), 4 * 24)
    # Two networks, each as it stands and by four distances in four directions.
    assert observer.passes == [(n, 17) for n in range(1, 18)] * 2
    assert observer.steps == 2 * 2 * 3


def without_time(found: Contest) -> dict[str, Any]:
    text = json.dumps(found.to_dict())
    return dict(json.loads(re.sub(r'"seconds(_per_epoch)?": [\d.]+', '"seconds": 0', text)))


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
        (SIGNAL, 5, 2, "(12), moved left and right; the mean of the 2."),
        (
            VOLUME,
            3,
            6,
            "(3×4×5), moved front, back, up, down, left and right; the mean of the 6. What leaves "
            "is lost, what comes in is 0, nothing wraps round. By more than 2 positions nothing "
            "would be left of it.",
        ),
        (POINT, 1, 0, "Nothing is shifted: an input of 1×1 has one position."),
    ],
    ids=["signal", "volume", "point"],
)
def test_signals_and_volumes_are_shifted_along_their_own_axes(
    spec: dict[str, Any], shifts: int, ways: int, said: str
) -> None:
    found = trained(spec, data="synthetic", epochs=1, limit_train=30, limit_test=12)
    for one in (found.network, found.dense):
        assert [len(shift.right) for shift in one.shifted] == [1, *[ways] * (shifts - 1)]
    assert said in " ".join(write(page(found), "text").split())


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
    # One unit takes 32·32 + 1 + 10 + 10 parameters; this network has 1·9 + 1 + 10 + 10.
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
    params = 3_072 * 10**6 + 10**6 + 10**12 + 10**6 + 10**6 * 10 + 10
    arguments = ["--train", "--hidden", "1000000,1000000", "--optimizer", optimizer]
    result = command("compare-fc", "lenet5", *arguments)
    assert (result.code, result.out) == (2, "")
    assert re.fullmatch(
        rf"the dense network 3,072 → 1,000,000 → 1,000,000 → 10 has {params:,} parameters: to "
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
        path.name for path in (tmp_path / "both" / "dense").iterdir()
    }
    again = command(*arguments)
    assert (again.code, again.out, again.err) == (
        2,
        "",
        f"{tmp_path / 'both'}: runs are there already; give another --runs\n",
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


def made_up(ours: int, theirs: int, params: tuple[int, int], far: tuple[int, int]) -> Contest:
    """Two networks with so many of 1,000 test images right, and of 4,000 shifted by one."""

    def one(name: str, right: int, params: int, moved: int) -> Contestant:
        epoch = {"seconds": 1.5, "train_accuracy": 0.75}
        shifts = (Shifted(0, (right,)), Shifted(1, (moved, moved, moved, moved - 2)))
        return Contestant(name, "cpu", params, 1234, [epoch, epoch], shifts, 1_000)

    return Contest(
        data="a_b | <b>&\x1b",
        notes=("$made$ up",),
        train=5_000,
        input=(1, 2, 2),
        directions=("up", "down", "left", "right"),
        settings=dict.fromkeys(("epochs", "batch_size", "seed"), 2)
        | {"optimizer": "sgd", "lr": 0.1, "schedule": "constant"},
        torch="2.0",
        rule="hidden",
        sizes=(4, 7, 10),
        network=one("net", ours, params[0], far[0]),
        dense=one("dense", theirs, params[1], far[1]),
    )


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (
            # √(0.991·0.009/1000 + 0.978·0.022/1000) = 0.005518…
            made_up(991, 978, (104_202, 407_050), (950, 600)),
            "The network is more accurate by 1.30 points (99.10 % against 97.80 %) with 25.6 % of "
            "the dense network's parameters; shifted by 1 pixel it has 94.95 %, the dense network "
            "59.95 %. Two standard errors of the difference are 1.10 points on 1,000 test images, "
            "so it is hardly chance; another seed gives other figures.",
        ),
        (
            # √(0.9·0.1/1000 + 0.91·0.09/1000) = 0.013111…
            made_up(900, 910, (1_000, 2_500), (800, 100)),
            "The dense network is more accurate by 1.00 points (91.00 % against 90.00 %) with 2.5 "
            "times the network's parameters; shifted by 1 pixel it has 9.95 %, the network 79.95 %."
            " Two standard errors of the difference are 2.62 points on 1,000 test images, so it "
            "may be chance; another seed gives other figures.",
        ),
        (
            made_up(900, 900, (1_000, 1_000), (900, 900)),
            "Both are right in 90.00 %, the network with as many parameters; shifted by 1 pixel it "
            "has 89.95 %, the dense network 89.95 %.",
        ),
        (
            made_up(1_000, 0, (1_000, 995), (1_000, 2)),
            "The network is more accurate by 100.00 points (100.00 % against 0.00 %) with about as "
            "many parameters; shifted by 1 pixel it has 99.95 %, the dense network 0.15 %. Two "
            "standard errors of the difference are 0.00 points on 1,000 test images, so it is "
            "hardly chance; another seed gives other figures.",
        ),
    ],
    ids=["network", "dense", "tie", "all"],
)
def test_the_verdict_follows_from_the_numbers(found: Contest, text: str) -> None:
    assert verdict(found) == text


def test_a_narrow_dense_network_is_called_that() -> None:
    options = ["--data", "synthetic", "--epochs", "1", "--limit-train", "10", "--limit-test", "10"]
    # 3,072·2 + 2 + 2·10 + 10 = 6,176 of 6,440 parameters.
    assert params_of(3_072, 2, 10) == 6_176
    result = command("compare-fc", "cs231n-demo", "--train", *options)
    assert "3,072 → 2 → 10, ReLU between. 2 hidden units for 10 results are few: --hidden" in (
        " ".join(result.out.split())
    )


FOUND = made_up(991, 978, (104_202, 407_050), (950, 600))
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
    assert [float(dense[f"test_accuracy_{n}"]) for n in (0, 1)] == [0.978, 0.5995]
    assert (dense["epochs"], dense["seconds"], dense["train_accuracy"]) == ("2", "3.0", "0.75")
    found = json.loads(json.dumps(FOUND.to_dict()))
    assert found["dense"]["shifted"] == [
        {"pixels": 0, "accuracy": 0.978, "right": 978},
        {
            "pixels": 1,
            "accuracy": 0.5995,
            "right": {"up": 600, "down": 600, "left": 600, "right": 598},
        },
    ]
    assert found["samples"] == {"train": 5_000, "test": 1_000}
    assert (found["network"]["seconds"], found["network"]["seconds_per_epoch"]) == (3.0, 1.5)


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
