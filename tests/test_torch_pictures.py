"""`cnncalc pictures`: what is drawn is what the run's weights and data say."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations, product
from pathlib import Path
from typing import Any

import cmarkgfm
import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch.nn import functional

import cnncalc as package
from cnncalc.data.load import load_data
from cnncalc.pictures import confusion, curves, figures, maps, mistakes, patches, pixels
from cnncalc.pictures.draw_run import RunSummary, draw_run
from cnncalc.pictures.filters import filters
from cnncalc.pictures.maps import layers
from cnncalc.pictures.trained_run import Answers, TrainedRun, answers, read_trained_run, watching
from cnncalc.training.run_folder import requested_spec
from cnncalc.training.settings import Settings
from cnncalc.training.train import train
from tests.command import Result, cnncalc
from tests.runs import Listener

torch.set_num_threads(1)

COLOUR: dict[str, Any] = {
    "name": "Colours",
    "input": {"height": 9, "width": 9, "channels": 3},
    "layers": [
        {"conv": {"out_channels": 3, "kernel_size": 3, "stride": 2, "padding": 1}},
        "relu",
        {"conv": {"out_channels": 4, "kernel_size": 2, "bias": False}},
        "batch_norm",
        "relu",
        {"max_pool": 2},
        "flatten",
        {"linear": {"out_features": 5, "activation": "softmax"}},
    ],
}


def conv(**fields: Any) -> dict[str, Any]:
    return {"conv": {"out_channels": 4, "kernel_size": 3, "activation": "relu", **fields}}


def spec(input: dict[str, int], outputs: int, *layers: Any) -> dict[str, Any]:
    return {"name": "net", "input": input, "layers": [*layers, "flatten", {"linear": outputs}]}


SPECS: dict[str, dict[str, Any]] = {
    "colour": COLOUR,
    "one logit": spec({"height": 6, "width": 6, "channels": 2}, 1, conv()),
    "signal": spec({"length": 40, "channels": 1}, 3, conv(padding=1), {"max_pool": 2}),
    "sensors": spec({"length": 12, "channels": 9}, 3, conv()),
    "volume": spec({"depth": 4, "height": 5, "width": 6, "channels": 1}, 3, conv(padding=1)),
    "vector": {**spec({"features": 13}, 3), "layers": [{"linear": 3}]},
    "picture as vector": {**spec({"features": 49}, 3), "layers": [{"linear": 3}]},
    "many classes": spec({"height": 4, "width": 4, "channels": 1}, 150, conv(out_channels=70)),
}


def trained(folder: Path, network: dict[str, Any] = COLOUR, **settings: Any) -> Path:
    """A run of two epochs, as the command leaves it."""
    path = folder.parent / f"{folder.name}.json"
    path.write_text(json.dumps(network), "utf-8")
    asked = requested_spec(str(path), {})
    chosen = {"data": "synthetic", "limit_train": 60, "limit_test": 40, "epochs": 2, **settings}
    given = Settings(device="cpu", batch_size=20, **chosen)
    train(asked.graph(), given, folder, Listener(), files=asked.files(given))
    return folder


@pytest.fixture(scope="module", params=SPECS)
def drawn(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path, RunSummary, list[Figure]]]:
    """A run of each kind of network with all its pictures, and their figures."""
    folder = trained(tmp_path_factory.mktemp("run") / "run", SPECS[request.param])
    made = list[Figure]()
    with pytest.MonkeyPatch.context() as patch:
        png = figures.png

        def kept(figure: Figure) -> bytes:
            made.append(figure)
            return png(figure)

        patch.setattr(figures, "png", kept)
        story = draw_run(folder, lambda _: None)
        yield request.param, folder, story, made


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of the network with colours."""
    return trained(tmp_path_factory.mktemp("colour") / "run", warmup=0.5)


@pytest.fixture(scope="module")
def shown(run: Path) -> Result:
    """What the command prints while it draws that run."""
    return cnncalc("pictures", str(run), "--sample", "7")


@pytest.fixture(scope="module")
def trained_run(run: Path) -> TrainedRun:
    return read_trained_run(run, "cpu")


def weights(run: Path, file: str = "checkpoint.pt") -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = torch.load(run / file, weights_only=True)["network"]
    return found


def images(**limits: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The test set of the network with colours."""
    limits = {"limit_train": 60, "limit_test": 40, **limits}
    return load_data("synthetic", (3, 9, 9), 5, **limits).test  # type: ignore[arg-type]


def pixels_of(path: Path) -> np.ndarray[Any, Any]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def is_in(part: np.ndarray[Any, Any], page: np.ndarray[Any, Any]) -> bool:
    """Whether a page holds these pixels somewhere."""
    height, width, _ = part.shape
    places = np.argwhere((page[: 1 - height or None, : 1 - width or None] == part[0, 0]).all(-1))
    return any((page[y : y + height, x : x + width] == part).all() for y, x in places)


# What every picture keeps to


WANTED = {
    "colour": {"filters", "patches-conv1", "patches-conv2"},
    "one logit": {"patches-conv1"},
    "signal": {"filters", "patches-conv1"},
    "sensors": {"patches-conv1"},
    "volume": {"filters", "patches-conv1"},
    "vector": {"filters"},
    "picture as vector": {"filters"},
    "many classes": {"filters", "patches-conv1"},
}


def test_every_kind_of_network_has_its_pictures(
    drawn: tuple[str, Path, RunSummary, list[Figure]],
) -> None:
    kind, folder, story, _ = drawn
    names = {Path(picture.file).stem for picture in story.pictures}
    # Labels of synthetic data go round, so the first samples are of different classes.
    maps = {f"maps-{index}" for index in range(2 if kind == "one logit" else 3)}
    assert names == {"curves", "confusion", "mistakes", *maps, *WANTED[kind]}
    assert {path.stem for path in (folder / "pictures").iterdir()} == names
    for picture in story.pictures:
        with Image.open(folder / picture.file) as image:
            assert len(image.convert("RGB").getcolors(1 << 24) or []) > 5


LEFT_OUT = {
    "one logit": ["filters: those of conv1 have 2 channels, a picture 1 or 3"],
    "sensors": ["filters: those of conv1 have 9 channels, more than curves show"],
    "vector": ["patches: the network has no convolution"],
    "picture as vector": ["patches: the network has no convolution"],
}


def test_what_cannot_be_drawn_is_said(drawn: tuple[str, Path, RunSummary, list[Figure]]) -> None:
    kind, _, story, _ = drawn
    assert list(story.left_out) == LEFT_OUT.get(kind, [])


def test_nothing_is_cut(drawn: tuple[str, Path, RunSummary, list[Figure]]) -> None:
    for figure in drawn[3]:
        assert_inside(figure)


def assert_inside(figure: Figure) -> None:
    box = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert box.x0 >= 0, figure
    assert box.y0 >= 0, figure
    assert box.x1 <= width, figure
    assert box.y1 <= height, figure


def test_the_same_run_gives_the_same_bytes(run: Path, tmp_path: Path) -> None:
    found = []
    for name in ("a", "b"):
        copy = shutil.copytree(run, tmp_path / name, ignore=shutil.ignore_patterns("pictures"))
        assert cnncalc("pictures", str(copy)).code == 0
        files = sorted(path for path in copy.rglob("*") if path.suffix in (".png", ".md", ".html"))
        assert len(files) == 11
        found.append({str(path.relative_to(copy)): path.read_bytes() for path in files})
    assert found[0] == found[1]
    assert all(
        b"Software" not in content and b"tIME" not in content for content in found[0].values()
    )


def test_a_users_style_changes_nothing(run: Path, tmp_path: Path) -> None:
    first = drawn_curves(run, tmp_path / "a")
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 20, "lines.linewidth": 9}):
        assert drawn_curves(run, tmp_path / "b") == first
        assert matplotlib.rcParams["font.size"] == 20


def drawn_curves(run: Path, folder: Path) -> bytes:
    with figures.style():
        return figures.png(curves.draw(read_trained_run(run, "cpu")).figure)


def test_matplotlib_is_imported_by_the_pictures_only_and_never_pyplot() -> None:
    root = Path(package.__file__).parent
    importing = re.compile(r"^\s*(?:import|from) matplotlib(\S*)", re.MULTILINE)
    found = {
        path.relative_to(root): importing.findall(path.read_text("utf-8"))
        for path in root.rglob("*.py")
    }
    assert {path.parts[0] for path, names in found.items() if names} == {"pictures"}
    assert not any("pyplot" in name for names in found.values() for name in names)


# Sheets


def test_texts_and_tiles_of_a_sheet_do_not_overlap() -> None:
    tile = np.zeros((20, 30, 3), np.uint8)
    long = figures.Tile(tile, ("Ankle boot, taken for", "Sneaker (99.12 %)"))
    page = figures.laid_out(
        "A title that is longer than the page is wide, " * 4,
        [
            figures.Band("a band", [figures.Tile(tile)] * 40),
            figures.Band("beside", [figures.Tile(tile, ("1",))] * 3, beside=True),
            figures.Band("another one beside", [long] * 12, beside=True),
        ],
        "a note of many words " * 12,
    )
    boxes = [(x, y, x + 30, y + 20) for x, y, _ in page.pictures]
    assert len(boxes) == 40 + 3 + 12
    for text in page.texts:
        width = figures.text_width(text.text, text.size, text.bold)
        left = text.x - width / 2 if text.centred else text.x
        # Letters take less than a line of 1.2 times their size, at 100 pixels an inch.
        boxes.append((left, text.y, left + width, text.y + text.size * 100 / 72 * 1.2))
    for one, other in combinations(boxes, 2):
        beside = one[2] <= other[0] or other[2] <= one[0]
        assert beside or one[3] <= other[1] or other[3] <= one[1], (one, other)
    assert max(box[2] for box in boxes) <= figures.WIDTH - 16
    assert_inside(page.figure())


# Pixels


def test_weights_are_grey_around_0() -> None:
    weights = torch.tensor([[[-2.0, 0.0], [1.0, 2.0]]])
    # w/(2·2) + 1/2 of 255, each value a square of 3×3: 0, 127.5, 191.25 and 255.
    expected = np.array([[0, 128], [191, 255]]).repeat(3, 0).repeat(3, 1)
    found = pixels.signed(weights, 2.0, 7)
    assert found.shape == (6, 6, 3)
    assert (found == expected[..., None]).all()


@pytest.mark.parametrize(
    ("shape", "side", "size"),
    [
        ((1, 5, 5), 56, (55, 55)),
        ((3, 28, 14), 56, (56, 28)),
        ((2, 9, 9), 90, (90, 90)),
        ((1, 224, 112), 112, (112, 56)),
        ((1, 3, 8, 4), 64, (64, 32)),
        ((784,), 60, (56, 56)),
        ((12,), 60, (48, 60)),
        ((13,), 60, (48, 52)),
        ((2, 500), 60, (48, 60)),
    ],
)
def test_samples_of_all_shapes_are_pictures(
    shape: tuple[int, ...], side: int, size: tuple[int, int]
) -> None:
    found = pixels.picture(torch.rand(shape), side)
    assert found.shape == (*size, 3)
    assert found.dtype == np.uint8


def test_a_large_picture_is_the_mean_of_its_pixels() -> None:
    found = pixels.picture(torch.tensor([[[0.0, 1.0], [1.0, 1.0]]]).repeat(1, 4, 4), 4)
    # 3/4 of 255 is 191.25.
    assert (found == 191).all()


# Filters


def test_filters_are_those_of_the_run(trained_run: TrainedRun, run: Path) -> None:
    found = filters(trained_run)
    assert (found.layer, found.kind) == ("conv1", "filters of 3×3×3")
    before, after = found.stages
    assert torch.equal(before, weights(run, "start.pt")["conv1.weight"])
    assert torch.equal(after, weights(run)["conv1.weight"])
    assert not torch.equal(before, after)


def test_a_filter_is_drawn_before_above_after_on_one_scale(run: Path, shown: Result) -> None:
    page = pixels_of(run / "pictures" / "filters.png")
    before, after = (weights(run, file)["conv1.weight"] for file in ("start.pt", "checkpoint.pt"))
    for one, other in zip(before.numpy(), after.numpy(), strict=True):
        most = max(abs(one).max(), abs(other).max())
        greys = [(np.moveaxis(w, 0, -1) / (2 * most) + 0.5) * 255 for w in (one, other)]
        # 56 // 3 pixels for each weight, and a white line of two between the pictures.
        first, second = (g.round().astype(np.uint8).repeat(18, 0).repeat(18, 1) for g in greys)
        line = np.full((2, 54, 3), 255, np.uint8)
        assert is_in(np.concatenate([first, line, second]), page)


GREY = {"height": 8, "width": 8, "channels": 3}


@pytest.mark.parametrize(
    ("network", "kind"),
    [
        (spec(GREY, 10, conv()), "filters of 3×3×1"),
        (spec(GREY, 10), "rows of weights as pictures of 8×8×1"),
        ({**spec({"features": 192}, 10), "layers": [{"linear": 10}]}, "rows of weights as "),
    ],
    ids=["convolution", "linear", "vector"],
)
def test_filters_of_grey_pictures_are_the_sums_of_their_channels(
    network: dict[str, Any], kind: str, tmp_path: Path
) -> None:
    """Of digits, whose grey is copied to three channels, w₁·g + w₂·g + w₃·g = (w₁ + w₂ + w₃)·g."""
    folder = trained(tmp_path / "run", network, data="digits", epochs=1)
    found = filters(read_trained_run(folder, "cpu"))
    assert found.kind.startswith(kind)
    assert found.note == ", each the sum of its three channels, which read the same grey"
    for stage, file in zip(found.stages, ("start.pt", "checkpoint.pt"), strict=True):
        weight = weights(folder, file)[f"{found.layer}.weight"]
        parts = weight.reshape(len(weight), 3, *stage.shape[2:])
        assert torch.equal(stage, parts.sum(1, keepdim=True))


# Maps


def test_maps_are_shown_behind_their_activation(trained_run: TrainedRun) -> None:
    assert [[fact.node.name for fact in row] for row in layers(trained_run)] == [
        ["conv1", "relu1"],
        ["conv2", "bn1", "relu2"],
        ["pool1"],
        ["fc1"],
    ]


def test_a_map_is_what_torch_computes(run: Path, shown: Result) -> None:
    page = pixels_of(run / "pictures" / "maps-7.png")
    state = weights(run)
    sample = images()[0][7:8]
    found = functional.conv2d(sample, state["conv1.weight"], state["conv1.bias"], 2, 1).relu()[0]
    low, high = float(found.min()), float(found.max())
    for channel in found.double().numpy():
        colours = matplotlib.colormaps["viridis"]((channel - low) / (high - low), bytes=True)
        # A map of 5×5: 56 // 5 pixels for each value.
        assert is_in(colours[..., :3].repeat(11, 0).repeat(11, 1), page)


# Patches


def naive_conv(image: Any, weight: Any, bias: Any, stride: int, padding: int) -> dict[Any, float]:
    """Every response, by (filter, row, column): sums of products over nested lists."""
    size, kernel = len(image[0]), len(weight[0][0])
    positions = range((size + 2 * padding - kernel) // stride + 1)
    found = {}
    for f, i, j in product(range(len(weight)), positions, positions):
        total = bias[f]
        for c, a, b in product(range(len(image)), range(kernel), range(kernel)):
            y, x = i * stride - padding + a, j * stride - padding + b
            if 0 <= y < size and 0 <= x < size:
                total += weight[f][c][a][b] * image[c][y][x]
        found[f, i, j] = total
    return found


def naive_strongest(responses: list[dict[Any, float]], f: int) -> list[tuple[float, int, Any]]:
    """(value, sample, position) of each sample's strongest response, the strongest first."""
    best = []
    for sample, values in enumerate(responses):
        own = {(i, j): value for (g, i, j), value in values.items() if g == f}
        place = max(own, key=lambda key: own[key])
        best.append((own[place], sample, place))
    return sorted(best, reverse=True)[:8]


@pytest.fixture(scope="module")
def responses(run: Path) -> dict[str, list[dict[Any, float]]]:
    """What both convolutions answer to all test images, by loops."""
    state = {name: tensor.tolist() for name, tensor in weights(run).items()}
    first, second = [], []
    for image in images()[0].tolist():
        outputs = naive_conv(image, state["conv1.weight"], state["conv1.bias"], 2, 1)
        first.append(outputs)
        maps = [[[max(outputs[f, i, j], 0) for j in range(5)] for i in range(5)] for f in range(3)]
        second.append(naive_conv(maps, state["conv2.weight"], [0.0] * 4, 1, 0))
    return {"conv1": first, "conv2": second}


def gathered(trained_run: TrainedRun, *names: str) -> dict[str, patches.Strongest]:
    assert trained_run.data is not None
    found = {name: patches.Responses() for name in names}
    answers(trained_run, trained_run.network, trained_run.data.test, watching(found))
    return {name: responses.strongest() for name, responses in found.items()}


@pytest.mark.parametrize(("layer", "number"), [("conv1", 3), ("conv2", 4)])
def test_patches_are_the_strongest_of_all_positions(
    trained_run: TrainedRun, responses: dict[str, list[dict[Any, float]]], layer: str, number: int
) -> None:
    found = gathered(trained_run, layer)[layer]
    assert found.values.shape == (number, 8)
    for f in range(number):
        expected = naive_strongest(responses[layer], f)
        assert found.samples[f].tolist() == [sample for _, sample, _ in expected]
        assert [tuple(place) for place in found.positions[f]] == [place for *_, place in expected]
        values = [value for value, *_ in expected]
        assert found.values[f].tolist() == pytest.approx(values, abs=1e-5)


def test_a_patch_is_the_input_that_its_position_reads(trained_run: TrainedRun) -> None:
    image = images()[0][3]
    padded = functional.pad(image, (1, 1, 1, 1))
    conv1, conv2 = trained_run.facts[0], trained_run.facts[2]
    axes = patches.receptive_axes(trained_run, conv1)
    for i, j in product(range(5), range(5)):
        # Kernel 3, stride 2, padding 1: rows 2i − 1 to 2i + 1, so 2i to 2i + 2 with the padding.
        part = patches.crop(image, axes, (i, j))
        assert torch.equal(part.values, padded[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3])
        rows = [not 0 <= y < 9 for y in range(2 * i - 1, 2 * i + 2)]
        columns = [not 0 <= x < 9 for x in range(2 * j - 1, 2 * j + 2)]
        assert part.outside.tolist() == [[y or x for x in columns] for y in rows]
    axes = patches.receptive_axes(trained_run, conv2)
    # Kernel 2 behind it: rows 2i − 1 to 2(i + 1) + 1, five of them.
    for i, j in product(range(4), range(4)):
        part = patches.crop(image, axes, (i, j))
        assert torch.equal(part.values, padded[:, 2 * i : 2 * i + 5, 2 * j : 2 * j + 5])


def test_a_field_longer_than_the_sample_is_clipped(tmp_path: Path) -> None:
    network = spec(
        {"height": 6, "width": 6, "channels": 1},
        2,
        conv(padding=1),
        conv(padding=1),
        conv(padding=1),
    )
    trained_run = read_trained_run(trained(tmp_path / "run", network, epochs=1), "cpu")
    (deep,) = patches.named_layers(trained_run, ["conv3"])
    image = torch.arange(36.0).reshape(1, 6, 6)
    # Three kernels of 3: row i reads i − 3 to i + 3, 7 of 6 rows.
    axes = patches.receptive_axes(trained_run, deep)
    for i, j in product(range(6), range(6)):
        part = patches.crop(image, axes, (i, j))
        inside = image[:, max(i - 3, 0) : i + 4, max(j - 3, 0) : j + 4]
        assert torch.equal(part.values, inside)
        assert not part.outside.any()


def test_patches_are_drawn_with_padding_in_pink(
    run: Path, trained_run: TrainedRun, shown: Result
) -> None:
    page = pixels_of(run / "pictures" / "patches-conv1.png")
    found = gathered(trained_run, "conv1")["conv1"]
    padded = functional.pad(images()[0], (1, 1, 1, 1), value=-1).permute(0, 2, 3, 1)
    for sample, (i, j) in zip(
        found.samples.flatten(), found.positions.reshape(-1, 2).tolist(), strict=True
    ):
        part = padded[sample, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3].numpy()
        expected = (part * 255).round().clip(0).astype(np.uint8)
        expected[part[..., 0] < 0] = (244, 190, 200)
        # 64 // 3 pixels for each pixel of the input.
        assert is_in(expected.repeat(21, 0).repeat(21, 1), page)


@pytest.mark.parametrize("classes", [5, 33])
def test_scores_have_the_names_of_their_classes(
    classes: int, trained_run: TrainedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    bands: list[figures.Band] = []

    def kept(title: str, drawn: list[figures.Band], *_: str) -> Figure:
        bands.extend(drawn)
        return Figure()

    monkeypatch.setattr("cnncalc.pictures.maps.tiled_figure", kept)
    data = replace(trained_run.samples, classes=tuple(f"class {n}" for n in range(classes)))
    goal = trained_run.goal._replace(outputs=classes)
    maps.draw(replace(trained_run, data=data, goal=goal), 0)
    *others, scores = bands
    assert scores.title.startswith("fc1 5, ")
    if classes == 5:
        assert [tile.caption for tile in scores.tiles] == [(f"class {n}",) for n in range(5)]
    # 33 names are more than a row of them shows.
    assert all(not tile.caption for band in others for tile in band.tiles)
    assert (classes == 33) == (len(scores.tiles) == 1)


# Confusion and mistakes


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ([0, 1, 2, 1, 0, 2], "No class was taken for the same other one more than once."),
        ([0, 1, 1, 1, 0, 2], "Most often c was taken for b: 2 times."),
        ([0, 1, 2, 2, 1, 0], "6 of 6 test samples are right."),
    ],
)
def test_what_happened_once_is_not_most_often(
    said: list[int], text: str, trained_run: TrainedRun
) -> None:
    """Right would be 0, 1, 2, 2, 1, 0: c for b, b for a and a for c once; or c for b twice."""
    labels = torch.tensor([0, 1, 2, 2, 1, 0])
    found = Answers(torch.zeros(6, 3), torch.tensor(said), torch.zeros(6), labels)
    data = replace(trained_run.samples, classes=tuple("abc"))
    drawn = confusion.draw(replace(trained_run, data=data), found)
    assert text in drawn.text


def test_the_matrix_counts_every_pair() -> None:
    generator = torch.Generator().manual_seed(5)
    labels, said = (torch.randint(4, (300,), generator=generator) for _ in range(2))
    expected = [[0] * 4 for _ in range(4)]
    for true, answer in zip(labels.tolist(), said.tolist(), strict=True):
        expected[true][answer] += 1
    found = confusion.counts(said, labels, 4)
    assert found.tolist() == expected
    figure = confusion.figure(found, ["a", "b", "c", "d"])
    (axes,) = figure.axes
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    assert cells == {(j, i): str(expected[i][j]) for i in range(4) for j in range(4)}
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("true class", "taken for")
    assert axes.get_title() == f"{sum(expected[i][i] for i in range(4))} of 300 are right"


@pytest.mark.parametrize(
    ("number", "name"),
    [
        *((number, "a") for number in (2, 3, 20, 21, 60, 61, 150, 1000)),
        *((number, "a name of many words that nobody can shorten") for number in (2, 20, 60)),
        (3, "$x_$"),
        (3, "고양이"),
    ],
)
def test_a_matrix_of_any_size_fits_its_picture(number: int, name: str) -> None:
    matrix = torch.eye(number, dtype=torch.long) * 12_345
    with figures.style():
        figure = confusion.figure(matrix, [name] * number)
        assert len(figures.png(figure)) > 1000
    assert_inside(figure)
    width, height = figure.get_size_inches() * 100
    assert max(width, height) < 1400
    (axes,) = figure.axes
    assert bool(axes.texts) is (number <= 20)
    ticks = [text.get_window_extent() for text in axes.get_xticklabels()]
    assert not any(a.overlaps(b) for a, b in combinations(ticks, 2))


def logits_of(run: Path, network: torch.nn.Module) -> torch.Tensor:
    network.load_state_dict(weights(run))
    with torch.no_grad():
        found: torch.Tensor = network.eval()(images()[0])
    return found


@pytest.fixture(scope="module")
def probabilities(run: Path) -> torch.Tensor:
    """What the network, as the spec has it, says to the test set: its last layer is a softmax."""
    return logits_of(run, package.build(COLOUR))


def test_answers_are_those_of_the_network(
    run: Path, trained_run: TrainedRun, probabilities: torch.Tensor
) -> None:
    assert trained_run.data is not None
    found = answers(trained_run, trained_run.network, trained_run.data.test)
    labels = images()[1]
    assert torch.allclose(found.probabilities, probabilities, atol=1e-6)
    assert torch.equal(found.said, probabilities.argmax(1))
    expected = functional.nll_loss(probabilities.log(), labels, reduction="none")
    assert torch.allclose(found.losses, expected, atol=1e-5)
    assert found.right == sum(
        int(said == label) for said, label in zip(probabilities.argmax(1), labels, strict=True)
    )
    last = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    assert (found.accuracy, found.loss) == pytest.approx((last["test_accuracy"], last["test_loss"]))


def test_one_logit_speaks_for_two_classes(tmp_path: Path) -> None:
    network = spec({"height": 4, "width": 4, "channels": 1}, 1)
    network["layers"][-1] = {"linear": {"out_features": 1, "activation": "sigmoid"}}
    run = trained(tmp_path / "run", network, lr=0.02, epochs=15)
    trained_run = read_trained_run(run, "cpu")
    assert trained_run.data is not None
    found = answers(trained_run, trained_run.network, trained_run.data.test)
    whole = package.build(network)
    whole.load_state_dict(weights(run))
    with torch.no_grad():
        second = whole.eval()(trained_run.data.test.images)[:, 0]
    assert torch.allclose(found.probabilities, torch.stack([1 - second, second], 1), atol=1e-6)
    assert found.said.tolist() == [int(p > 0.5) for p in second.tolist()]
    assert set(found.said.tolist()) == {0, 1}
    of_the_truth = torch.where(trained_run.data.test.labels == 1, second, 1 - second)
    assert torch.allclose(found.losses, -of_the_truth.log(), atol=1e-5)


def test_mistakes_come_with_the_highest_loss_first(
    trained_run: TrainedRun, probabilities: torch.Tensor
) -> None:
    assert trained_run.data is not None
    labels = images()[1].tolist()
    losses = {
        index: float(-row[label].log())
        for index, (row, label) in enumerate(zip(probabilities, labels, strict=True))
        if int(row.argmax()) != label
    }
    found = mistakes.worst(answers(trained_run, trained_run.network, trained_run.data.test))
    assert found == sorted(losses, key=lambda index: -losses[index])
    assert len(found) > 3


def test_a_network_without_mistakes_says_so(tmp_path: Path) -> None:
    network = spec({"height": 4, "width": 4, "channels": 1}, 2)
    run = trained(tmp_path / "run", network, epochs=20, lr=0.02)
    result = cnncalc("pictures", str(run))
    assert "left out: mistakes: there are none in 40 test samples\n" in result.err


# Learning by heart


def test_a_run_that_learns_by_heart_has_few_pictures(tmp_path: Path) -> None:
    run = trained(tmp_path / "run", overfit=6, epochs=30, lr=0.02)
    result = cnncalc("pictures", str(run))
    assert result.code == 0
    names = [Path(line).name for line in result.out.splitlines()]
    assert names == ["curves.png", "filters.png", "README.md", "index.html"]
    assert result.err == (
        "left out: maps, patches and confusion: a few samples learnt by heart say little\n"
        "left out: mistakes: there are none in 6 samples\n"
    )
    # What is asked for is drawn.
    result = cnncalc("pictures", str(run), "--sample", "5", "--layer", "pool1")
    names = [Path(line).name for line in result.out.splitlines()]
    assert names[2:4] == ["maps-5.png", "patches-pool1.png"]


# The summary


class Sources(HTMLParser):
    """The addresses of the pictures in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.found.append(str(dict(attrs)["src"]))


def test_the_summary_shows_every_picture(run: Path, shown: Result) -> None:
    assert (shown.code, shown.err) == (0, "")
    names = [str(Path(line).relative_to(run)) for line in shown.out.splitlines()]
    assert names[-2:] == ["README.md", "index.html"]
    markdown = (run / "README.md").read_text("utf-8")
    rendered = cmarkgfm.github_flavored_markdown_to_html(markdown)
    html = (run / "index.html").read_text("utf-8")
    for page in (rendered, html):
        assert Sources(page).found == names[:-2]
        assert page.count("<table") == 2
    assert all((run / name).is_file() for name in names)
    assert html.startswith("<!doctype html>")


def test_its_numbers_are_those_of_the_metrics(run: Path, shown: Result) -> None:
    text = (run / "README.md").read_text("utf-8")
    rows = [
        [cell.strip() for cell in line[1:-1].split("|")]
        for line in text.splitlines()
        if re.match(r"\| +(before|\d+) \|", line)
    ]
    epochs = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert rows[1:] == [
        [
            str(epoch["epoch"]),
            f"{epoch['train_loss']:.4f}",
            f"{100 * epoch['train_accuracy']:.2f} %",
            f"{epoch['test_loss']:.4f}",
            f"{100 * epoch['test_accuracy']:.2f} %",
            f"{epoch['seconds']:.1f}",
        ]
        for epoch in epochs
    ]
    network = package.build(COLOUR)
    network.load_state_dict(weights(run, "start.pt"))
    with torch.no_grad():
        before = network.eval()(images()[0])
    loss = float(functional.nll_loss(before.log(), images()[1]))
    right = int((before.argmax(1) == images()[1]).sum())
    assert rows[0] == ["before", "", "", f"{loss:.4f}", f"{100 * right / 40:.2f} %", ""]
    # 3·(27 + 1) + 4·12 + 2·4 + 5·(16 + 1) parameters.
    assert f"**{3 * 28 + 48 + 8 + 85}**" in text


def test_its_command_trains_the_same_weights(
    run: Path, shown: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copytree(run, tmp_path / "copy")
    lines = (copy / "README.md").read_text("utf-8").splitlines()
    (command,) = (line for line in lines if line.startswith("    cnncalc train "))
    monkeypatch.chdir(copy)
    assert cnncalc(*shlex.split(command)[1:], "--no-pictures").code == 0
    again = weights(copy / "again")
    assert all(torch.equal(tensor, again[name]) for name, tensor in weights(run).items())


def test_a_spec_without_a_name_is_called_as_its_file_was(tmp_path: Path) -> None:
    """In the folder of the run its file is another one, spec.json."""
    nameless = {key: value for key, value in COLOUR.items() if key != "name"}
    folder = trained(tmp_path / "squares", nameless, epochs=1)
    assert read_trained_run(folder, "cpu").graph.name == "squares"
    assert cnncalc("pictures", str(folder)).code == 0
    page = (folder / "README.md").read_text("utf-8")
    assert page.startswith("# squares on synthetic\n")
    # A run of an earlier version does not say it.
    about = json.loads((folder / "run.json").read_text("utf-8"))
    del about["name"]
    (folder / "run.json").write_text(json.dumps(about))
    assert read_trained_run(folder, "cpu").graph.name == "spec"


def test_its_command_has_variables_and_input(tmp_path: Path) -> None:
    network = {
        **spec({"height": 4, "width": 4, "channels": 1}, 2, conv(out_channels="=width")),
        "vars": {"width": 2},
    }
    path = tmp_path / "net.json"
    path.write_text(json.dumps(network), "utf-8")
    options = ["--data", "synthetic", "--limit-train", "20", "--limit-test", "10", "--epochs", "1"]
    folder = str(tmp_path / "a b")
    result = cnncalc(
        *("train", str(path), *options, "--set", "width=5", "--input", "6x5", "--device", "cpu"),
        *("-o", folder, "--no-pictures"),
    )
    assert (result.code, result.err) == (0, "")
    assert cnncalc("pictures", folder).code == 0
    text = (tmp_path / "a b" / "README.md").read_text("utf-8")
    assert (
        "    cnncalc train spec.json --set width=5 --input 6x5x1 --data synthetic --epochs 1 "
        "--device cpu --limit-train 20 --limit-test 10 --output again\n"
    ) in text


# Mistakes of the user


def damaged(run: Path) -> None:
    for name in ("checkpoint.pt", "previous.pt", "start.pt"):
        (run / name).write_bytes((run / name).read_bytes()[:1000])


def started(run: Path) -> None:
    for name in ("checkpoint.pt", "previous.pt"):
        (run / name).unlink()


def bad_history(run: Path) -> None:
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    state["history"][1]["test_loss"] = "low"
    torch.save(state, run / "checkpoint.pt")


def other_weights(run: Path) -> None:
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    del state["network"]["fc1.bias"]
    torch.save(state, run / "checkpoint.pt")


def other_spec(run: Path) -> None:
    spec = run / "spec.json"
    spec.write_text(spec.read_text("utf-8").replace('"stride": 2', '"stride": 1'), "utf-8")


def broken_spec(run: Path) -> None:
    (run / "spec.json").write_text("{", "utf-8")


def broken_about(run: Path) -> None:
    (run / "run.json").write_text("[]", "utf-8")


def readme_is_a_folder(run: Path) -> None:
    (run / "README.md").unlink(missing_ok=True)
    (run / "README.md").mkdir()


def pictures_is_a_file(run: Path) -> None:
    shutil.rmtree(run / "pictures", ignore_errors=True)
    (run / "pictures").write_text("", "utf-8")


@pytest.mark.parametrize(
    ("spoil", "options", "message"),
    [
        (None, ["--sample", "40"], "--sample 40: the test set has 40, from 0 to 39"),
        (None, ["--sample", "-1"], "--sample -1: the test set has 40, from 0 to 39"),
        (
            None,
            ["--layer", "conv3"],
            '--layer "conv3": the network has no such layer; did you mean conv2?',
        ),
        (
            None,
            ["--layer", "x"],
            '--layer "x": the network has no such layer; convolutions are conv1, conv2',
        ),
        (
            None,
            ["--layer", "fc1"],
            "--layer fc1: it gives a vector, which has no positions to crop",
        ),
        (None, ["--device", "mps"], "--device mps: torch finds none here; there is --device cpu"),
        (
            damaged,
            [],
            "RUN/checkpoint.pt: truncated, corrupt, or no checkpoint of cnncalc; no other one is "
            "whole: train anew with another --output",
        ),
        (
            started,
            [],
            "RUN: no epoch of this run has ended; train goes on with --resume, and pictures need "
            "one",
        ),
        (other_spec, [], "RUN/spec.json: the checkpoint beside it is of another network"),
        (
            broken_spec,
            [],
            "RUN/spec.json:1:2: not JSON: the text ends too early; a bracket is not closed",
        ),
        (
            bad_history,
            [],
            "RUN: its checkpoint does not fit (test_loss of epoch 2 is no finite number)",
        ),
        (
            other_weights,
            [],
            "RUN: its checkpoint does not fit (network has no fc1.bias)",
        ),
        (broken_about, [], "RUN/run.json: not what cnncalc train wrote"),
        (shutil.rmtree, [], "RUN: no run of cnncalc train (No such file or directory)"),
        (readme_is_a_folder, [], "RUN/README.md: Is a directory"),
        (pictures_is_a_file, [], "RUN/pictures: File exists"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    run: Path,
    tmp_path: Path,
    spoil: Callable[[Path], None] | None,
    options: list[str],
    message: str,
) -> None:
    copy = shutil.copytree(run, tmp_path / "run")
    if spoil is not None:
        spoil(copy)
    result = cnncalc("pictures", str(copy), *options)
    assert (result.code, result.err) == (2, f"{message.replace('RUN', str(copy))}\n")


def test_without_matplotlib_it_says_what_to_install(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = cnncalc("pictures", str(run))
    assert (result.code, result.out) == (2, "")
    assert (
        result.err
        == "cnncalc pictures needs matplotlib: in a checkout of cnncalc, pip install '.[train]'\n"
    )


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"data": "imagefolder:/nowhere"}, "/nowhere: no such folder"),
        ({"limit_test": 39}, "the data are no longer those of the run"),
    ],
)
def test_without_the_data_curves_and_filters_are_drawn(
    run: Path, tmp_path: Path, options: dict[str, Any], reason: str
) -> None:
    copy = shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("pictures"))
    about = json.loads((copy / "run.json").read_text("utf-8"))
    about["settings"].update(options)
    (copy / "run.json").write_text(json.dumps(about), "utf-8")
    result = cnncalc("pictures", str(copy))
    assert result.code == 0
    names = [Path(line).name for line in result.out.splitlines()]
    assert names == ["curves.png", "filters.png", "README.md", "index.html"]
    assert result.err == f"left out: maps, patches, confusion and mistakes: {reason}\n"
    assert reason in (copy / "README.md").read_text("utf-8").replace("\\", "")


def test_without_the_start_only_the_end_is_shown(run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(run, tmp_path / "run")
    (copy / "start.pt").unlink()
    result = cnncalc("pictures", str(copy))
    assert result.code == 0
    start = copy / "start.pt"
    assert result.err == f"left out: {start} is missing: nothing is shown of before training\n"
    text = (copy / "README.md").read_text("utf-8")
    assert "before training" not in text.partition("Left out")[0]


# At the end of training


def command(folder: Path, *options: str) -> Result:
    """A short run of the command."""
    path = folder / "net.json"
    path.write_text(json.dumps(COLOUR), "utf-8")
    given = ["--data", "synthetic", "--limit-train", "20", "--limit-test", "10", "--epochs", "1"]
    return cnncalc("train", str(path), *given, "-o", str(folder / "run"), *options)


def test_train_draws_at_its_end(tmp_path: Path) -> None:
    result = command(tmp_path)
    assert (result.code, result.err) == (0, "")
    readme = tmp_path / "run" / "README.md"
    assert result.out.endswith(f"its pictures are in {readme} and index.html\n")
    assert (tmp_path / "run" / "pictures" / "curves.png").is_file()
    before = {path: path.read_bytes() for path in (tmp_path / "run" / "pictures").iterdir()}
    assert cnncalc("pictures", str(tmp_path / "run")).code == 0
    assert {path: path.read_bytes() for path in (tmp_path / "run" / "pictures").iterdir()} == before


def test_train_without_pictures(tmp_path: Path) -> None:
    result = command(tmp_path, "--no-pictures")
    assert (result.code, result.err) == (0, "")
    assert "its pictures" not in result.out
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"spec.json", "run.json", "start.pt", "checkpoint.pt", "metrics.jsonl"}


def test_a_failing_picture_does_not_cost_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError("the ink is gone")

    monkeypatch.setattr(curves, "draw", fail)
    result = command(tmp_path)
    run = tmp_path / "run"
    assert (result.code, result.err) == (
        0,
        f"no pictures: the ink is gone; cnncalc pictures {run} draws them\n",
    )
    assert (run / "checkpoint.pt").is_file()


def test_a_run_that_was_stopped_says_so(tmp_path: Path) -> None:
    run = trained(tmp_path / "run", epochs=3)
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    # As it is saved two steps after the second epoch.
    state["history"].pop()
    torch.save({**state, "epoch": 2, "step": 2}, run / "checkpoint.pt")
    assert cnncalc("pictures", str(run)).code == 0
    trained_run = read_trained_run(run, "cpu")
    assert trained_run.data is not None
    right = answers(trained_run, trained_run.network, trained_run.data.test).right
    text = (run / "README.md").read_text("utf-8")
    assert "After 2 of 3 epochs: " in text
    assert (
        f"It was stopped in epoch 3, and the pictures show that moment: {right} of 40 are right.\n"
    ) in text
