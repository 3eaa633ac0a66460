"""Drawings: nothing overlaps, nothing is cut, arrows join their boxes, texts are the graph's."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cnncalc
from cnncalc.drawing.bars import bars
from cnncalc.drawing.blocks import blocks
from cnncalc.drawing.diagram import Arrow, Box, Depth, Diagram, diagram
from cnncalc.drawing.layering import layered
from cnncalc.drawing.maps import LARGE, SMALL, figure
from cnncalc.drawing.receptive_field import receptive_field
from cnncalc.drawing.scene import Line, Point, Rect, Scene, log_size
from cnncalc.errors import UsageError
from cnncalc.graph import Graph
from cnncalc.infer import infer
from cnncalc.spec.bundled import networks
from tests.command import cnncalc as run
from tests.zoo import zoo

SVG = "{http://www.w3.org/2000/svg}"
EVERY = 99
"""A depth below which no network has blocks."""


def drawn(name: str, depth: Depth = None) -> Diagram:
    graph = cnncalc.load(name)
    return diagram(graph, cnncalc.analyze(graph), "maps", depth)


def chain(layers: int) -> dict[str, Any]:
    return {
        "input": {"height": 8, "width": 8, "channels": 1},
        "layers": [{"conv": {"out_channels": 1, "kernel_size": 1}}] * layers,
    }


# The picture


def overlap(a: Rect, b: Rect) -> bool:
    return (
        min(a.x + a.width, b.x + b.width) - max(a.x, b.x) > 0.01
        and min(a.y + a.height, b.y + b.height) - max(a.y, b.y) > 0.01
    )


def overlapping(rects: list[Rect]) -> Iterator[tuple[Rect, Rect]]:
    """The pairs that overlap, by a sweep from above."""
    open_ones: list[Rect] = []
    for rect in sorted(rects, key=lambda r: r.y):
        open_ones = [other for other in open_ones if other.y + other.height > rect.y]
        yield from ((rect, other) for other in open_ones if overlap(rect, other))
        open_ones.append(rect)


def inside(point: Point, rect: Rect, by: float = 0.0) -> bool:
    x, y = point
    return (
        rect.x + by <= x <= rect.x + rect.width - by
        and rect.y + by <= y <= rect.y + rect.height - by
    )


def sampled(line: Line) -> list[Point]:
    """Points on a line, a curve as its Bézier pieces run."""
    found = []
    for (x0, y0), (x1, y1) in pairwise(line.points):
        for step in range(9):
            t = step / 8
            x = y = t
            if line.curved:
                # Control points at half the height, straight below and above the ends.
                x = 3 * (1 - t) * t * t + t * t * t
                y = 1.5 * (1 - t) * t + t * t * t
            found.append((x0 + x * (x1 - x0), y0 + y * (y1 - y0)))
    return found


def check_scene(scene: Scene, arrows: tuple[Arrow, ...]) -> None:
    page = Rect(0, 0, scene.width, scene.height)
    assert not list(overlapping(list(scene.boxes)))
    texts = [text.rect for text in scene.texts]
    assert not list(overlapping(texts))
    for rect in (*scene.boxes, *texts):
        assert inside((rect.x, rect.y), page)
        assert inside((rect.x + rect.width, rect.y + rect.height), page)
    assert len(scene.arrows) == len(arrows)
    for arrow, line in zip(arrows, scene.arrows, strict=True):
        ends = scene.boxes[arrow.source], scene.boxes[arrow.target]
        # In rows an arrow ends two points before its sheets.
        for point, rect in zip((line.points[0], line.points[-1]), ends, strict=True):
            near = Rect(rect.x - 3, rect.y - 0.01, rect.width + 6, rect.height + 0.02)
            assert inside(point, near)
        assert line.dashed == arrow.auxiliary
    if sum(len(line.points) for line in scene.arrows) * len(scene.boxes) > 100_000:
        return
    for arrow, line in zip(arrows, scene.arrows, strict=True):
        points = sampled(line)
        assert all(inside(point, page) for point in points)
        assert not any(inside(point, text) for point in points for text in texts)
        for i, rect in enumerate(scene.boxes):
            if i not in arrow[:2]:
                assert not any(inside(point, rect, 0.01) for point in points)


@pytest.mark.parametrize("name", networks())
def test_nothing_overlaps_and_nothing_is_cut(name: str) -> None:
    found = drawn(name)
    assert len(found.boxes) <= 42
    check_scene(blocks(found), found.arrows)


@pytest.mark.parametrize("name", zoo())
def test_branches_are_drawn_without_crossings(name: str) -> None:
    found = drawn(name, EVERY)
    scene = blocks(found)
    check_scene(scene, found.arrows)
    assert crossings(scene) == 0


def crossings(scene: Scene) -> int:
    """Pairs of arrows' pieces that change sides, looked at one by one."""
    pieces: dict[tuple[float, float], list[tuple[float, float]]] = {}
    for line in scene.arrows:
        for (x0, _), (x1, y1) in pairwise(line.points):
            if x0 != x1:
                # Pieces of the same strip bend alike: they cross if their ends change sides.
                pieces.setdefault((round(y1, 2), 0), []).append((x0, x1))
    straight = [
        (x0, y0, y1)
        for line in scene.arrows
        for (x0, y0), (x1, y1) in pairwise(line.points)
        if x0 == x1
    ]
    count = 0
    for (bottom, _), ends in pieces.items():
        count += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in combinations(ends, 2))
        count += sum(
            (a - x) * (b - x) < 0
            for a, b in ends
            for x, above, below in straight
            if above < bottom - 1 < below
        )
    return count


def test_the_oracle_of_crossings_sees_one() -> None:
    scene = Scene(
        9,
        9,
        (),
        "",
        "",
        arrows=(Line(((0, 0), (5, 9)), curved=True), Line(((5, 0), (0, 9)), curved=True)),
    )
    assert crossings(scene) == 1


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    """Boxes in topological order, and arrows between them."""
    boxes = draw(st.integers(1, 14))
    pairs = [(a, b) for b in range(boxes) for a in range(b)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=24)) if pairs else []
    return boxes, sorted(chosen, key=lambda pair: pair[::-1])


@given(graphs(), st.data())
@settings(deadline=None)
def test_any_graph_is_laid_out(
    graph: tuple[int, list[tuple[int, int]]], data: st.DataObject
) -> None:
    boxes, arrows = graph
    shapes = st.lists(st.integers(1, 4096), min_size=1, max_size=4).map(tuple)
    names = st.text("abcWM_.", min_size=1, max_size=30)
    made = tuple(
        Box(data.draw(names), ("conv 3×3",), data.draw(shapes), "4@5×6", 7, "conv")
        for _ in range(boxes)
    )
    found = Diagram("net", "a net", made, tuple(Arrow(a, b) for a, b in arrows))
    check_scene(blocks(found), found.arrows)


@given(graphs())
@settings(deadline=None)
def test_ranks_and_crossings_are_what_they_say(graph: tuple[int, list[tuple[int, int]]]) -> None:
    boxes, arrows = graph
    found = layered(boxes, arrows)
    assert sorted(point for points in found.order for point in points) == list(
        range(len(found.rank))
    )
    place = {point: i for points in found.order for i, point in enumerate(points)}
    pieces = []
    for (a, b), route in zip(arrows, found.routes, strict=True):
        assert (route[0], route[-1]) == (a, b)
        for above, below in pairwise(route):
            assert found.rank[below] == found.rank[above] + 1
            pieces.append((found.rank[above], place[above], place[below]))
    naive = sum(
        p[0] == q[0] and (p[1] - q[1]) * (p[2] - q[2]) < 0 for p, q in combinations(pieces, 2)
    )
    assert found.crossings() == naive


def test_crossings_that_can_be_avoided_are() -> None:
    # Two sources; the first reads into the right of two joins, the second into the left.
    assert layered(4, [(0, 3), (1, 2)]).crossings() == 0
    # Every one of three into every one of three cannot be drawn with fewer than 9 crossings.
    arrows = [(a, b) for b in (3, 4, 5) for a in (0, 1, 2)]
    assert layered(6, arrows).crossings() == 9


# Maps


def test_sizes_are_on_a_logarithmic_scale() -> None:
    assert [log_size(n) for n in (1, 2, 3, 224, 256, 2**40)] == [0, 1, 1.5, 7.75, 8, 40]
    sides = [LARGE.side(n) for n in (1, 2, 7, 14, 28, 56, 112, 224, 512, 4096)]
    assert sides == sorted(set(sides))
    assert SMALL.side(10**12) == SMALL.side(2**12) == 6 + 4 * 12


def test_a_map_is_a_stack_of_sheets_of_its_height_and_width() -> None:
    # 28 is 16·1.75, so 4.75 doublings of 10 points above the least, 8; 7 is 4·1.75.
    front = figure((3, 28, 7), "conv", LARGE).polygons
    assert len(front) == 3
    (left, top), (right, _), (_, bottom), _ = front[-1].points
    assert (right - left, bottom - top) == (8 + 10 * 2.75, 8 + 10 * 4.75)
    # The front sheet lies lowest and furthest to the left.
    assert left == min(x for polygon in front for x, _ in polygon.points)
    counts = [len(figure((c, 8, 8), "conv", LARGE).polygons) for c in (1, 2, 3, 6, 16, 64, 512)]
    assert counts == [1, 2, 3, 4, 6, 8, 11]


@pytest.mark.parametrize(
    ("shape", "width", "height"),
    [
        ((16,), 10, 48),  # a bar: least + 2 across, 8 + 10·4 long
        ((1, 16), 48, 8),  # a strip
        ((1, 4, 16), 48, 28),  # a sheet
        ((1, 4, 4, 16), 48 + 8.4, 28 + 8.4),  # a volume: 0.3 of the depth's 28 behind it
    ],
)
def test_each_kind_of_map_has_its_figure(
    shape: tuple[int, ...], width: float, height: float
) -> None:
    found = figure(shape, "conv", LARGE)
    assert (found.width, found.height) == pytest.approx((width, height))
    xs, ys = zip(*(point for polygon in found.polygons for point in polygon.points), strict=True)
    assert (min(xs), min(ys)) == (0, 0)
    assert (max(xs), max(ys)) == pytest.approx((width, height))


# SVG


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


@pytest.mark.parametrize("kind", ["blocks", "bars", "receptive-field"])
@pytest.mark.parametrize("name", ["lenet5", "resnet18", "inception_v3", "c3d", "m5", "vit_b_16"])
def test_svg_is_whole_in_itself(name: str, kind: str) -> None:
    text = cnncalc.draw(name, kind=kind)
    root = parsed(text)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    assert (float(root.attrib["width"]), float(root.attrib["height"])) == (width, height)
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert cnncalc.load(name).name in str(title.text)
    assert desc is not None
    assert desc.text
    assert root.attrib["role"] == "img"
    assert "light-dark(#1f2328, #e6edf3)" in text
    assert not re.search(r"<script|href|@import|<image|foreignObject", text)
    # Inside a page its rules reach nothing else.
    selectors = re.findall(r"^([^@{}\n]+) \{", text[text.index("<style>") + 7 :], re.MULTILINE)
    assert len(selectors) > 20
    reached = (".cnncalc ", ".cnncalc:root")
    assert all(one.startswith(reached) for rule in selectors for one in rule.split(", "))
    # At most two decimals.
    assert not re.search(r"\.\d{3}", text)


def test_lenet5_shows_its_maps_and_what_is_between_them() -> None:
    root = parsed(cnncalc.draw("lenet5"))
    texts = [str(text.text) for text in root.iter(f"{SVG}text")]
    for expected in ("3@32×32", "6@28×28", "6@14×14", "16@10×10", "16@5×5", "400", "120", "84"):
        assert expected in texts
    assert {"456 params", "2,416 params", "48,120 params", "10,164 params"} <= set(texts)
    assert texts.count("conv 5×5") == 2
    # 3 sheets of 3 channels; 4 and 4 of 6; 6 and 6 of 16; four bars.
    assert len(list(root.iter(f"{SVG}polygon"))) == 3 + 4 + 4 + 6 + 6 + 4
    assert sum("marker-end" in path.attrib for path in root.iter(f"{SVG}path")) == 8


@pytest.mark.parametrize(
    ("layout", "text"), [("maps", "6@28×28"), ("hwc", "28×28×6"), ("chw", "6×28×28")]
)
def test_shapes_in_the_order_that_is_wanted(layout: str, text: str) -> None:
    found = run("draw", "lenet5", "--layout", layout)
    assert f">{text}<" in found.out


def test_what_only_training_uses_is_dashed() -> None:
    found = drawn("inception_v3")
    resting = {box.name for box in found.boxes if box.auxiliary}
    assert resting
    assert all(name.startswith("AuxLogits") for name in resting)
    dashed = {found.boxes[a.target].name for a in found.arrows if a.auxiliary}
    assert dashed == resting


def test_several_inputs_and_outputs() -> None:
    spec = {
        "inputs": {
            "image": {"height": 8, "width": 8, "channels": 3},
            "depth": {"height": 8, "width": 8, "channels": 1},
        },
        "outputs": ["mask", "class"],
        "layers": [
            {"concat": {}, "from": ["image", "depth"], "name": "both"},
            {"conv": {"out_channels": 4, "kernel_size": 1}, "name": "mask", "from": "both"},
            {"global_avg_pool": {}, "from": "both", "name": "mean"},
            {"linear": {"out_features": 5}, "name": "class"},
        ],
    }
    graph = cnncalc.load(spec)
    found = diagram(graph, cnncalc.analyze(graph), "maps", None)
    named = [(found.boxes[a.source].name, found.boxes[a.target].name) for a in found.arrows]
    assert sorted(named) == sorted(
        [
            ("image", "both"),
            ("depth", "both"),
            ("both", "mask"),
            ("both", "mean"),
            ("mean", "class"),
        ]
    )
    assert {box.name for box in found.boxes if box.output} == {"mask", "class"}
    check_scene(blocks(found), found.arrows)


HOSTILE = """a"b<c>&'\\`#|[]{}$%_^~*é漢\u202e"""


def hostile() -> Graph:
    graph = cnncalc.load(chain(2))
    first, second = graph.nodes
    return graph._replace(
        name=HOSTILE + "\n]]>",
        nodes=(first._replace(name=HOSTILE), second._replace(inputs=(HOSTILE,))),
    )


def test_no_name_breaks_out_of_its_place() -> None:
    root = parsed(cnncalc.draw(hostile()))
    shown = HOSTILE.replace("\u202e", "\\u202e")
    assert shown in [text.text for text in root.iter(f"{SVG}text")]
    text = cnncalc.draw(hostile(), format="mermaid")
    (label,) = re.findall(r'n1\["(.*)"\]', text)
    assert not set(label.replace("<br/>", "")) & set('"<>&\\`|[]{}')
    entities = re.sub(r"#(\d+);", lambda m: chr(int(m[1])), label.split("<br/>")[0])
    assert entities == shown
    dot = cnncalc.draw(hostile(), format="dot")
    (label,) = re.findall(r'n1 \[label="((?:[^"\\]|\\.)*)"', dot)
    assert re.sub(r"\\(.)", r"\1", label.split("\\n")[0]) == shown
    tikz = cnncalc.draw(hostile(), format="tikz")
    assert "\\$\\%\\_\\textasciicircum{}\\textasciitilde{}" in tikz


# Mermaid and Graphviz


def contracted(graph: Graph) -> tuple[list[str], set[tuple[str, str]]]:
    """The graph with each fused activation as one with its layer."""
    into = {node.name: node.fused_into or node.name for node in graph.nodes}
    into |= {name: name for name in graph.inputs}
    names = [*graph.inputs, *(n.name for n in graph.nodes if n.fused_into is None)]
    edges = {
        (into[source], into[node.name])
        for node in graph.nodes
        for source in node.inputs
        if into[source] != into[node.name]
    }
    return names, edges


@pytest.mark.parametrize("name", ["lenet5", "unet", "googlenet", "inception_v3", "densenet121"])
@pytest.mark.parametrize("format", ["mermaid", "dot"])
def test_the_arrows_are_the_graphs(name: str, format: str) -> None:
    text = cnncalc.draw(name, format=format, depth="all")
    names, edges = contracted(cnncalc.load(name))
    sign = r"-->|-\.->" if format == "mermaid" else "->"
    found = re.findall(rf"^  n(\d+) (?:{sign}) n(\d+)", text, re.MULTILINE)
    assert len(found) == len(edges)
    assert {(names[int(a)], names[int(b)]) for a, b in found} == edges
    boxes = re.findall(r"^  n(\d+)(?:\[|\(| \[label)", text, re.MULTILINE)
    assert list(map(int, boxes)) == list(range(len(names)))


def test_a_box_holds_what_only_follows_its_layer() -> None:
    """ResNet-18 as its paper draws it: an input, 20 convolutions, a pool, 8 sums, a mean, a dense
    layer; and the shortcuts: 3 through a convolution, 5 straight into the sum."""
    found = drawn("resnet18")
    roles = [box.role for box in found.boxes]
    assert {role: roles.count(role) for role in set(roles)} == {
        "input": 1,
        "conv": 20,
        "pool": 2,
        "join": 8,
        "dense": 1,
    }
    # Each box but the input has one arrow, each sum a second one.
    assert len(found.arrows) == 31 + 8
    box = next(box for box in found.boxes if box.name == "conv1")
    assert box.work == ("conv 7×7", "s2 p3", "+ batch_norm", "+ relu")
    assert box.params == 7 * 7 * 3 * 64 + 2 * 64


@pytest.mark.parametrize("name", networks())
@pytest.mark.parametrize("depth", [None, EVERY, 1])
def test_boxes_hold_each_layer_once_and_run_forward(name: str, depth: Depth) -> None:
    graph = cnncalc.load(name)
    report = cnncalc.analyze(graph)
    found = diagram(graph, report, "maps", depth)
    assert sorted(i for box in found.boxes for i in box.layers) == list(range(len(graph.nodes)))
    assert sum(box.params for box in found.boxes) == report.total("params")
    assert all(arrow.source < arrow.target for arrow in found.arrows)


def test_mermaid_says_where_github_would_not_draw_it() -> None:
    spec = json.dumps(chain(501)).encode()
    found = run("draw", "-", "--format", "mermaid", "--depth", "all", stdin=spec)
    assert (found.code, found.out[:12]) == (0, "flowchart TD")
    assert "501 arrows in " in found.err
    assert "GitHub's Mermaid draws at most 500 in 50,000" in found.err
    assert run("draw", "densenet121", "--format", "mermaid").err.startswith("note: blocks are")


# TikZ


@pytest.mark.parametrize("kind", ["blocks", "bars", "receptive-field"])
def test_tikz_has_every_item_of_the_svg(kind: str) -> None:
    root = parsed(cnncalc.draw("unet", kind=kind))
    text = cnncalc.draw("unet", kind=kind, format="tikz")
    for tag, command in (("polygon", "\\filldraw"), ("text", "\\node")):
        assert text.count(command) == len(list(root.iter(SVG + tag)))
    lines = [p for p in root.iter(f"{SVG}path") if "line" in p.attrib.get("class", "")]
    assert text.count("\\draw[") == len(lines)


def tikz_is_installed() -> bool:
    if shutil.which("pdflatex") is None or shutil.which("kpsewhich") is None:
        return False
    return bool(subprocess.run(["kpsewhich", "tikz.sty"], capture_output=True).stdout.strip())


@pytest.mark.skipif(
    not (tikz_is_installed() or "CI" in os.environ), reason="no TeX engine with TikZ is installed"
)
def test_tikz_compiles(tmp_path: Path) -> None:
    pictures = [
        cnncalc.draw("lenet5", format="tikz"),
        cnncalc.draw("unet", format="tikz"),
        cnncalc.draw("inception_v3", format="tikz"),
        cnncalc.draw("c3d", kind="receptive-field", format="tikz"),
        cnncalc.draw("alexnet", kind="bars", format="tikz"),
    ]
    document = (
        "\\documentclass{article}\\usepackage{tikz}\\pdfpagewidth=40in\\pdfpageheight=60in\n"
        "\\begin{document}\n" + "\\newpage\n".join(pictures) + "\\end{document}\n"
    )
    (tmp_path / "all.tex").write_text(document, "utf-8")
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "all.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Missing character" not in (tmp_path / "all.log").read_text("utf-8", errors="replace")


# Bars


def test_bars_are_as_long_as_the_values_and_add_up() -> None:
    # AlexNet of torchvision: 61,100,840, of which fc6 is 256·6·6·4096 + 4096 = 37,752,832.
    root = parsed(cnncalc.draw("alexnet", kind="bars"))
    texts = [str(text.text) for text in root.iter(f"{SVG}text")]
    assert "fc6" in texts
    assert "37,752,832 (61.8 %)" in texts
    values = [int(m[1].replace(",", "")) for t in texts if (m := re.match(r"([\d,]+) \(", t))]
    assert len(values) == 8
    assert sum(values) == 61_100_840
    widths = []
    for polygon in root.iter(f"{SVG}polygon"):
        (left, _), (right, _), *_ = (p.split(",") for p in polygon.attrib["points"].split())
        widths.append(float(right) - float(left))
    for value, width in zip(values, widths, strict=True):
        assert width == pytest.approx(max(1, 420 * value / 37_752_832), abs=0.011)
    assert "4 layers have none" in texts


@pytest.mark.parametrize("name", ["lenet5", "resnet50", "inception_v3", "googlenet"])
@pytest.mark.parametrize("column", ["params", "macs", "activations"])
def test_bars_add_up_to_the_total(name: str, column: str) -> None:
    root = parsed(cnncalc.draw(name, kind="bars", column=column))
    texts = [str(text.text) for text in root.iter(f"{SVG}text")]
    # What only training runs is no part of the total, and says so.
    values = [int(m[1].replace(",", "")) for t in texts if (m := re.match(r"([\d,]+) \([<\d]", t))]
    assert sum(values) == cnncalc.analyze(name).total(column)


def test_bars_of_peaks_and_ratios_have_no_shares() -> None:
    assert "%" not in cnncalc.draw("lenet5", kind="bars", column="working_set")
    assert "%" not in cnncalc.draw("lenet5", kind="bars", column="intensity")


# Receptive fields


def test_the_receptive_field_of_vgg16_grows_as_published() -> None:
    """Araujo et al. (2019): VGG-16's last pooling sees 212 positions at a stride of 32."""
    root = parsed(cnncalc.draw("vgg16", kind="receptive-field"))
    texts = [str(text.text) for text in root.iter(f"{SVG}text")]
    assert texts[texts.index("pool5") + 1] == "212, stride 32"
    bars = [
        [tuple(map(float, p.split(","))) for p in polygon.attrib["points"].split()]
        for polygon in root.iter(f"{SVG}polygon")
    ]
    (left, _), (right, _) = bars[0][:2]
    assert right - left == pytest.approx(480, abs=0.011)
    # conv1_1: the middle of 224 positions, the 111th from 0, reads 110 to 112.
    assert bars[1][0][0] == pytest.approx(left + 110 * 480 / 224, abs=0.011)
    assert bars[1][1][0] == pytest.approx(left + 113 * 480 / 224, abs=0.011)


def test_axes_that_differ_have_a_picture_each() -> None:
    text = cnncalc.draw("c3d", kind="receptive-field")
    assert "16 along depth" in text
    assert "112 along height and width" in text


def test_what_reads_another_input_has_no_interval() -> None:
    spec = {
        "inputs": {"a": {"length": 9, "channels": 1}, "b": {"length": 9, "channels": 1}},
        "layers": [
            {"conv": {"out_channels": 1, "kernel_size": 3}, "name": "of_a", "from": "a"},
            {"conv": {"out_channels": 1, "kernel_size": 3}, "name": "of_b", "from": "b"},
            {"add": {}, "from": ["of_a", "of_b"], "name": "sum"},
            {"conv_transpose": {"out_channels": 1, "kernel_size": 2, "stride": 2}, "name": "up"},
        ],
    }
    root = parsed(cnncalc.draw(spec, kind="receptive-field"))
    texts = [str(text.text) for text in root.iter(f"{SVG}text")][1:]
    # Behind a stride of 2 upwards, two neighbours read the same.
    assert texts == [
        *("a", "9 along length"),
        *("of_a", "3, stride 1"),
        *("sum", "3, stride 1"),
        *("up", "3, stride 1/2"),
    ]


@pytest.mark.parametrize("name", ["lenet5", "c3d", "m5", "unet", "inception_v3", "densenet121"])
@pytest.mark.parametrize("depth", [None, "all"])
def test_charts_do_not_overlap_either(name: str, depth: Depth) -> None:
    graph = cnncalc.load(name)
    report = cnncalc.analyze(graph)
    for scene, _ in (
        bars(report, "macs", depth),
        bars(report, "activations", depth),
        receptive_field(report, infer(graph), depth),
    ):
        assert scene.boxes
        check_scene(scene, ())
        texts = [text.rect for text in scene.texts]
        assert not list(overlapping([*texts, *scene.boxes]))


# The command


def test_the_file_says_the_format(tmp_path: Path) -> None:
    for name, beginning in (
        ("a.svg", "<svg"),
        ("a.mmd", "flowchart"),
        ("a.dot", "digraph"),
        ("a.tex", "% \\usepackage{tikz}"),
    ):
        assert run("draw", "lenet5", "-o", str(tmp_path / name)) == (0, "", "")
        assert (tmp_path / name).read_text("utf-8").startswith(beginning)


def test_settings_and_another_input() -> None:
    found = run("draw", "mobilenet_v2", "--set", "width=0.5", "--input", "96x96", "-f", "dot")
    assert "3@96×96" in found.out
    assert "16@48×48" in found.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--kind", "bars", "--column", "parms"], "no such column: parms; did you mean params?"),
        (
            ["--kind", "bars", "--column", "name"],
            "name is no column of numbers; bars draw params, macs, activations, …",
        ),
        (
            ["--kind", "bars", "--format", "mermaid"],
            "mermaid draws boxes and arrows only; for bars there are svg and tikz",
        ),
        (["--column", "macs", "--format", "dot"], "dot draws boxes and arrows only; for bars"),
        (
            ["--column", "macs", "--kind", "receptive-field"],
            "--column is for --kind bars",
        ),
        (["--depth", "x"], "--depth takes a number from 1, or all, not x"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], message: str) -> None:
    found = run("draw", "lenet5", *arguments)
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith(message)
    assert found.err.count("\n") == 1


def test_a_vector_has_no_receptive_field() -> None:
    spec = {"input": {"features": 4}, "layers": [{"linear": 2}]}
    with pytest.raises(UsageError, match="input is a vector: there is no receptive field"):
        cnncalc.draw(spec, kind="receptive-field")


@pytest.mark.parametrize("argument", [{"format": "png"}, {"kind": "bar"}, {"layout": "whc"}])
def test_unknown_words_are_named(argument: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"no such (format|kind|layout)"):
        cnncalc.draw("lenet5", **argument)


def test_thousands_of_layers_are_collapsed_in_the_middle() -> None:
    graph = cnncalc.load(chain(5000))
    found = diagram(graph, cnncalc.analyze(graph), "maps", None)
    assert [box.work for box in found.boxes if box.role == "block"] == [("4,960 layers",)]
    assert len(found.boxes) == 1 + 20 + 1 + 20
    assert found.note.startswith("4,960 layers in the middle are drawn as one")
    check_scene(blocks(found), found.arrows)
    every = blocks(diagram(graph, cnncalc.analyze(graph), "maps", "all"))
    assert len(every.boxes) == 5001


def test_what_is_too_large_says_what_to_do() -> None:
    arrows = [(a, b) for b in range(100) for a in range(b)]
    with pytest.raises(UsageError, match="too many to lay out; collapse blocks with --depth 1"):
        layered(100, arrows)


@pytest.mark.parametrize("format", ["svg", "mermaid", "dot", "tikz"])
def test_the_text_is_the_same_each_time(format: str) -> None:
    program = f"import cnncalc; print(cnncalc.draw('inception_v3', format={format!r}), end='')"
    texts = {
        subprocess.run(
            [sys.executable, "-X", "utf8", "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout.decode()
        for seed in ("1", "2")
    }
    assert texts == {cnncalc.draw("inception_v3", format=format)}


@pytest.mark.parametrize(
    ("picture", "arguments"),
    [
        ("lenet5", ["lenet5"]),
        ("vgg16-receptive-field", ["vgg16", "--kind", "receptive-field"]),
        ("alexnet-params", ["alexnet", "--kind", "bars"]),
    ],
)
def test_the_pictures_in_the_documents_are_true(picture: str, arguments: list[str]) -> None:
    file = Path(__file__).parent.parent / "docs" / "images" / f"{picture}.svg"
    assert file.read_text("utf-8") == run("draw", *arguments).out
