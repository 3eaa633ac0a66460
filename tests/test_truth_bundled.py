"""Every bundled spec is complete, says where it comes from, and warns of nothing unexpected."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from cnncalc.api import analyze
from cnncalc.spec.bundled import bundled
from cnncalc.spec.load import load, read, source

NAMES = [
    *("lenet5", "lenet5-slide", "lenet5-1998", "keras-mnist", "keras-mnist-nopool"),
    *("image-analysis-32", "image-analysis-150", "simple-convnet", "deep-convnet"),
    *("convnet-39x31", "cs231n-demo", "three-layer-convnet", "mlp-mnist", "alexnet"),
    *("alexnet-2012", "zfnet", "vgg11", "vgg13", "vgg16", "vgg19", "unet-2015"),
]

STARTS = ('  "layers": [', "layers:")
"""The line before the first layer."""

FRACTIONS = {
    # (224 + 2·2 − 11)/4 + 1: the last column of the padding is not read.
    "alexnet": {"conv1": ("221/4", 0)},
    # (11 − 2)/2 + 1: Keras drops the last row and column of the 11×11 maps.
    "keras-mnist": {"max_pooling2d_1": ("11/2", 1)},
    # (224 + 2·1 − 7)/2 + 1 loses padding; (110 − 3)/2 + 1 and (26 − 3)/2 + 1 are rounded up.
    "zfnet": {"conv1": ("221/2", 0), "pool1": ("109/2", 0), "pool2": ("25/2", 0)},
}
"""The strides that do not fit: the exact output size and the input positions that are lost."""


def written(name: str) -> Any:
    """What stands in the file of a bundled network."""
    label, text, _ = source(name)
    return read(label, text).data


def test_all_networks_are_there() -> None:
    assert set(NAMES) <= set(bundled())


@pytest.mark.parametrize("name", bundled())
def test_it_says_what_it_is(name: str) -> None:
    data = written(name)
    for key in ("name", "description", "source"):
        assert data[key].strip() == data[key] != ""
        assert data[key].isprintable()
    assert list(data)[:3] == ["name", "description", "source"]
    graph = load(name)
    assert (graph.name, graph.description) == (data["name"], data["description"])
    assert graph.source == data["source"]


@pytest.mark.parametrize("name", [n for n, path in bundled().items() if path.suffix == ".yaml"])
def test_it_is_short(name: str) -> None:
    # So that it can be read; the description also stands in the list of all networks.
    assert len(written(name)["description"]) < 80
    assert len(bundled()[name].read_text(encoding="utf-8").splitlines()) <= 80


def test_titles_differ() -> None:
    titles = [load(name).name for name in bundled()]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("name", NAMES)
def test_one_layer_a_line(name: str) -> None:
    path = bundled()[name]
    items = written(name)["layers"]
    lines = path.read_text(encoding="utf-8").splitlines()
    first = next(i for i, line in enumerate(lines, 1) if line in STARTS)
    parsed: list[Any] = []
    for line in lines[first:]:
        text = line.strip().removesuffix(",")
        if path.suffix == ".json" and text not in ("]", "}"):
            parsed.append(json.loads(text))
        elif path.suffix == ".yaml" and not text.startswith("#"):
            parsed += yaml.safe_load(text)
    assert parsed == items


@pytest.mark.parametrize("name", NAMES)
def test_layers_that_compute_have_names_of_their_source(name: str) -> None:
    nodes = load(name).nodes
    assert len({node.name for node in nodes}) == len(nodes)
    explicit = {item["name"] for item in written(name)["layers"] if "name" in item}
    automatic = {
        node.layer.type for node in nodes if not node.fused_into and node.name not in explicit
    }
    assert automatic <= {"flatten", "softmax"}


@pytest.mark.parametrize("name", NAMES)
def test_strides_that_do_not_fit(name: str) -> None:
    found: dict[str, set[tuple[Any, Any]]] = {}
    for warning in analyze(name).to_dict()["warnings"]:
        assert warning["kind"] == "stride"
        found.setdefault(warning["layer"], set()).add((warning["exact"], warning["lost_input"]))
    assert found == {layer: {fraction} for layer, fraction in FRACTIONS.get(name, {}).items()}


MACS = {
    # Output positions × filters × what a filter reads; then inputs × outputs of dense layers.
    "lenet5": [784 * 6 * 75, 100 * 16 * 150, 400 * 120, 120 * 84, 84 * 10],
    "lenet5-slide": [784 * 8 * 75, 100 * 16 * 200, 400 * 120, 120 * 84, 84 * 10],
    "lenet5-1998": [784 * 6 * 25, 100 * 60 * 25, 120 * 400, 120 * 84],
    "keras-mnist": [676 * 32 * 9, 121 * 64 * 288, 9 * 128 * 576, 1152 * 10],
    "keras-mnist-nopool": [676 * 32 * 9, 576 * 64 * 288, 484 * 128 * 576, 61_952 * 10],
    "image-analysis-32": [1024 * 32 * 27, 900 * 32 * 288],
    "image-analysis-150": [22_500 * 32 * 27, 5184 * 32 * 512, 41_472 * 256, 256 * 5],
    "simple-convnet": [576 * 30 * 25, 4320 * 100, 100 * 10],
    "deep-convnet": [
        *(784 * 16 * 9, 784 * 16 * 144, 196 * 32 * 144, 256 * 32 * 288),
        *(64 * 64 * 288, 64 * 64 * 576, 1024 * 50, 50 * 10),
    ],
    "convnet-39x31": [
        *(36 * 28 * 20 * 16, 16 * 12 * 40 * 180, 6 * 4 * 60 * 360, 2 * 1 * 80 * 240, 160 * 100),
    ],
    "cs231n-demo": [1024 * 10 * 27, (1024 + 2 * 256 + 2 * 64) * 10 * 90, 160 * 10],
    "three-layer-convnet": [1024 * 32 * 147, 8192 * 100, 100 * 10],
    "mlp-mnist": [784 * 512, 512 * 10],
    "alexnet-2012": [
        *(55**2 * 96 * 363, 27**2 * 256 * 1200, 13**2 * 384 * 2304, 13**2 * 384 * 1728),
        *(13**2 * 256 * 1728, 9216 * 4096, 4096 * 4096, 4096 * 1000),
    ],
    "zfnet": [
        *(110**2 * 96 * 147, 26**2 * 256 * 2400, 13**2 * 384 * 2304, 13**2 * 384 * 3456),
        *(13**2 * 256 * 3456, 9216 * 4096, 4096 * 4096, 4096 * 1000),
    ],
    "unet-2015": [
        *(570**2 * 64 * 9, 568**2 * 64 * 576, 282**2 * 128 * 576, 280**2 * 128 * 1152),
        *(138**2 * 256 * 1152, 136**2 * 256 * 2304, 66**2 * 512 * 2304, 64**2 * 512 * 4608),
        *(30**2 * 1024 * 4608, 28**2 * 1024 * 9216),
        # Up-convs: input positions × 4 × channels in × channels out.
        *(28**2 * 4 * 1024 * 512, 54**2 * 512 * 9216, 52**2 * 512 * 4608),
        *(52**2 * 4 * 512 * 256, 102**2 * 256 * 4608, 100**2 * 256 * 2304),
        *(100**2 * 4 * 256 * 128, 198**2 * 128 * 2304, 196**2 * 128 * 1152),
        *(196**2 * 4 * 128 * 64, 390**2 * 64 * 1152, 388**2 * 64 * 576),
        388**2 * 2 * 64,
    ],
}
"""Work by hand; torchvision publishes that of alexnet and the VGGs."""


@pytest.mark.parametrize("name", MACS)
def test_macs(name: str) -> None:
    report = analyze(name)
    assert report.total("macs") == sum(MACS[name])
    assert report.total("flops") == 2 * sum(MACS[name])
