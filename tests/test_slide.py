"""`cnncalc slide`: the printed text, what it reads and writes, and what it refuses."""

from __future__ import annotations

import json
import random
import re
import struct
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
import zlib
from collections.abc import Callable
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cnncalc.arrays.numbers import MAX_DIGITS, MAX_NUMBERS
from cnncalc.arrays.pictures import MAX_PIXELS
from cnncalc.sliding.kernels import KERNELS, OTHER_NAMES
from cnncalc.sliding.layer import MAX_PRODUCTS
from cnncalc.sliding.page import MAX_LISTED
from cnncalc.sliding.slide import MAX_EXACT
from tests.command import Result, cnncalc
from tests.test_hostile import MEASURE, Run, refused

# sources: the image-analysis lecture's 4×4 map and the 3×3 kernel over the 5×5 map.
MAP = [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
KERNEL = [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
POOLED = [[13, 20, 30, 0], [8, 12, 3, 0], [34, 70, 33, 5], [111, 80, 10, 23]]

Rows = list[list[Any]]


def slide(*arguments: str, stdin: bytes = b"") -> str:
    """What `cnncalc slide` prints."""
    result = cnncalc("slide", *arguments, stdin=stdin)
    assert (result.code, result.err) == (0, "")
    return result.out


def section(text: str, title: str) -> str:
    """What stands under a heading, up to the next."""
    headings = ("First window", "Windows", "Map", "Maps", "Backward", "Gradient of", "Where it")
    blocks = text.split("\n\n")
    start = blocks.index(title) + 1
    end = next(
        (i for i in range(start, len(blocks)) if blocks[i].startswith(headings)), len(blocks)
    )
    return "\n\n".join(blocks[start:end]).strip("\n")


def data(*arguments: str) -> Any:
    return json.loads(slide(*arguments, "--format", "json"))


def correlate(x: Rows, kernel: Rows, stride: int = 1) -> Rows:
    """The definition of a convolution layer, in loops."""
    height, width = len(kernel), len(kernel[0])
    return [
        [
            sum(x[r + i][c + j] * kernel[i][j] for i in range(height) for j in range(width))
            for c in range(0, len(x[0]) - width + 1, stride)
        ]
        for r in range(0, len(x) - height + 1, stride)
    ]


# The worked examples of the lectures


def test_the_lectures_kernel_slides_over_its_map() -> None:
    text = slide("--input", json.dumps(MAP), "--kernel", json.dumps(KERNEL))
    assert text.startswith("Convolution 3×3, stride 1, no padding: 5×5 → 3×3\n")
    assert section(text, "Map") == "4  3  4\n2  4  3\n2  3  4"
    windows = section(text, "Windows").splitlines()
    assert windows[0] == ("y(1,1) = 1·1 + 1·0 + 1·1 + 0·0 + 1·1 + 1·0 + 0·1 + 0·0 + 1·1 = 4")
    places = list(product(range(3), repeat=2))
    for (r, c), line in zip(places, windows, strict=True):
        terms = [f"{MAP[r + i][c + j]}·{KERNEL[i][j]}" for i, j in places]
        assert line.startswith(f"y({r + 1},{c + 1}) = {' + '.join(terms)} = ")
    assert slide() == text


def test_the_first_window_stands_in_brackets() -> None:
    assert section(slide(), "First window") == (
        "input             kernel\n"
        "[1][1][1] 0  0    1  0  1\n"
        "[0][1][1] 1  0    0  1  0\n"
        "[0][0][1] 1  1    1  0  1\n"
        " 0  0  1  1  0\n"
        " 0  1  1  0  0"
    )


@pytest.mark.parametrize(
    ("option", "windows", "map"),
    [
        (
            "--max-pool",
            [
                "max(13, 20, 8, 12) = 20",
                "max(30, 0, 3, 0) = 30",
                "max(34, 70, 111, 80) = 111",
                "max(33, 5, 10, 23) = 33",
            ],
            " 20   30\n111   33",
        ),
        (
            "--min-pool",
            [
                "min(13, 20, 8, 12) = 8",
                "min(30, 0, 3, 0) = 0",
                "min(34, 70, 111, 80) = 34",
                "min(33, 5, 10, 23) = 5",
            ],
            " 8   0\n34   5",
        ),
        (
            "--avg-pool",
            [
                "(13 + 20 + 8 + 12)/4 = 13.25",
                "(30 + 0 + 3 + 0)/4 = 8.25",
                # 295/4; the lecture's slide prints 66.
                "(34 + 70 + 111 + 80)/4 = 73.75",
                "(33 + 5 + 10 + 23)/4 = 17.75",
            ],
            "13.25   8.25\n73.75  17.75",
        ),
    ],
)
def test_pooling_of_the_lectures_map(option: str, windows: list[str], map: str) -> None:
    text = slide("--input", json.dumps(POOLED), option, "2")
    lines = [line.partition(" = ")[2] for line in section(text, "Windows").splitlines()]
    assert lines == windows
    assert text.endswith(f"Map\n\n{map}\n")
    assert slide(option, "2") == text


def test_pooling_with_size_2_stride_1_and_same_padding_keeps_the_size() -> None:
    text = slide("--max-pool", "2", "--stride", "1", "--padding", "same")
    assert text.startswith("Max pooling 2×2, stride 1, padding 0+1: 4×4 → 4×4\n")
    assert "(4 + 0 + 1 − 2)/1 + 1 = 4" in text
    assert "y(4,4) = max(23) = 23\n" in text
    assert text.endswith(
        " 20   30   30    0\n 70   70   33    5\n111   80   33   23\n111   80   23   23\n"
    )


SEVEN = ["--input", json.dumps([[1] * 7] * 7), "--kernel", "1 1 1; 1 1 1; 1 1 1"]


@pytest.mark.parametrize(
    ("arguments", "working"),
    [
        (SEVEN, "size = (7 + 2·0 − 3)/1 + 1 = 5"),
        ([*SEVEN, "--stride", "2"], "size = (7 + 2·0 − 3)/2 + 1 = 3"),
        ([*SEVEN, "--stride", "3"], "size = ⌊(7 + 2·0 − 3)/3⌋ + 1 = 2"),
        (
            ["--input", json.dumps([[1] * 4] * 4), "--kernel", "identity", "--padding", "1"],
            "size = (4 + 2·1 − 3)/1 + 1 = 4",
        ),
        (
            ["--max-pool", "3", "--stride", "2", "--ceil-mode"],
            "size = min(⌈(4 + 2·0 − 3)/2⌉, ⌊(4 + 0 − 1)/2⌋) + 1 = 2",
        ),
        (["--kernel", "1 2; 3 4", "--dilation", "2"], "(5 + 2·0 − 2·(2 − 1) − 1)/1 + 1 = 3"),
    ],
)
def test_sizes_are_worked_out(arguments: list[str], working: str) -> None:
    assert working in slide(*arguments)


def test_a_stride_that_does_not_fit_is_told_as_the_table_tells_it() -> None:
    message = (
        "height and width: (7 + 2·0 − 3)/3 + 1 = 2.33… is no integer, rounded down to 2: 1 of 7 "
        "input positions never read; fits with input 6 or 9, kernel_size 4, padding 1, or stride 2"
    )
    text = slide(*SEVEN, "--stride", "3")
    assert f"warning: {message}" in text.replace("\n", " ")
    layer = ["conv", "out_channels=1", "kernel_size=3", "stride=3", "--input", "7x7x1"]
    assert f"warning: conv1: {message}" in cnncalc("layer", *layer).out


# Exact numbers


@pytest.mark.parametrize(
    ("input", "kernel", "shown"),
    [
        ("0.1 0.2", "1 1", "0.1·1 + 0.2·1 = 0.3"),
        ("1 2 4", "1/3 1/3 1/3", "1·(1/3) + 2·(1/3) + 4·(1/3) = 7/3 = 2.3333…"),
        ("1 −2", "-1 0.5", "1·(−1) + (−2)·0.5 = −2"),
        ("1e-3 2", "1 1e2", "0.001·1 + 2·100 = 200.001"),
        ("1 1", "1/1024 0", "1·(1/1024) + 1·0 = 1/1024 = 0.0009…"),
        ("999999999999 1", "999999999999 1", " = 999999999998000000000002"),
    ],
)
def test_numbers_are_exact(input: str, kernel: str, shown: str) -> None:
    assert shown in slide("--input", input, "--kernel", kernel)


def test_a_third_is_a_mean_as_well() -> None:
    assert "y(1,1) = (1 + 2 + 4)/3 = 7/3 = 2.3333…" in slide("-i", "1 2 4", "--avg-pool", "3")
    (window,) = data("-i", "1 2 4", "--avg-pool", "3")["windows"]
    assert window["value"] == 7 / 3


def test_channels_are_added_up_and_then_the_bias() -> None:
    # Channel 1 gives 1·1 + 4·(−1) = −3, channel 2 gives 5·2 + 8·0 = 10; the bias is 1.
    arguments = ["-i", "1 2; 3 4 | 5 6; 7 8", "-k", "1 0; 0 -1 | 2 0; 0 0", "--bias", "1"]
    assert "y(1,1) = (−3) + 10 + 1 = 8\n" in slide(*arguments)
    text = slide(*arguments, "--window", "1,1")
    assert "channel 1 = 1·1 + 2·0 + 3·0 + 4·(−1) = −3\n" in text
    assert "channel 2 = 5·2 + 6·0 + 7·0 + 8·0 = 10\n" in text


def test_relu_holds_back_what_is_below_0() -> None:
    # 1·1 + 2·(−1) = −1 and 5·1 + 2·(−1) = 3.
    found = slide("-i", "1 2; 5 2", "-k", "1 -1", "--activation", "relu", "--backward")
    assert "y(1,1) = max(0, 1·1 + 2·(−1)) = max(0, −1) = 0\n" in found
    assert "y(2,1) = max(0, 5·1 + 2·(−1)) = max(0, 3) = 3\n" in found
    # Only the second window lets the gradient through.
    gradients = data("-i", "1 2; 5 2", "-k", "1 -1", "--activation", "relu", "--backward")
    assert gradients["gradients"]["kernel"] == [[[[5, 2]]]]
    assert gradients["gradients"]["input"] == [[[0, 0], [1, -1]]]


def test_padding_has_a_value_of_ones_own() -> None:
    arguments = ["-i", "1 2; 3 4", "-k", "1 1; 1 1", "--padding", "1", "--padding-value", "-1"]
    text = slide(*arguments)
    assert text.startswith("Convolution 2×2, stride 1, padding 1 of −1: 2×2 → 3×3\n")
    assert "y(1,1) = (−1)·1 + (−1)·1 + (−1)·1 + 1·1 = −2\n" in text
    assert data(*arguments)["map"] == [[[-2, 1, -1], [2, 10, 4], [0, 5, 1]]]


def test_padding_takes_no_part_in_a_largest_value() -> None:
    # −5 is larger than the padding's 0 would let it be.
    arguments = ["-i", "-5 -6; -7 -8", "--max-pool", "2", "--padding", "1"]
    text = slide(*arguments)
    assert "y(1,1) = max(−5) = −5" in text
    assert (
        "[ .]|[ .]  . |  .\n"
        "----+--------+----\n"
        "[ .]|[−5] −6 |  .\n"
        "  . | −7  −8 |  .\n"
        "----+--------+----\n"
        "  . |  .   . |  .\n"
    ) in text
    assert data(*arguments, "--padding-value", "0")["map"] == [[[0, 0], [0, 0]]]


@pytest.mark.parametrize(
    ("option", "map"),
    [("--count-include-pad", [[1, 2], [3, 4]]), ("--no-count-include-pad", [[4, 8], [12, 16]])],
)
def test_means_count_padding_or_not(option: str, map: Rows) -> None:
    found = data("-i", "4 8; 12 16", "--avg-pool", "2", "--padding", "1", option)
    assert found["map"] == [map]


# Gradients


def test_the_gradient_of_max_pooling_goes_to_the_first_largest_value() -> None:
    text = slide("-i", "7 7; 7 1", "--max-pool", "2", "--upstream", "3", "--stride", "1")
    assert "y(1,1)      3        7  x(1,1)\n" in text
    assert text.endswith("3  0\n0  0\n")
    lecture = slide("--max-pool", "2", "--backward")
    assert lecture.endswith("0  1  1  0\n0  0  0  0\n0  0  1  0\n1  0  0  0\n")


def test_gradients_are_the_slopes_of_the_sum() -> None:
    # A convolution is linear in x, w and b each: adding 1 to one of them changes L = Σ g·y by its
    # gradient, exactly. y is computed by loops here.
    x, w, g = [[3, -1, 4], [1, 5, -9], [2, 6, 5]], [[2, 7], [1, -8]], [[1, -2], [3, 5]]

    def loss(x: Rows, w: Rows) -> int:
        y = correlate(x, w)
        return sum(g[r][c] * y[r][c] for r in range(2) for c in range(2))

    def slopes(values: Rows, loss_of: Callable[[Rows], int]) -> Rows:
        def moved(r: int, c: int) -> Rows:
            return [
                [v + ((i, j) == (r, c)) for j, v in enumerate(row)] for i, row in enumerate(values)
            ]

        size = range(len(values))
        return [[loss_of(moved(r, c)) - loss_of(values) for c in size] for r in size]

    found = data("-i", json.dumps(x), "-k", json.dumps(w), "--upstream", json.dumps(g))
    assert found["gradients"] == {
        "upstream": [g],
        "input": [slopes(x, lambda moved: loss(moved, w))],
        "kernel": [[slopes(w, lambda moved: loss(x, moved))]],
        "bias": [sum(map(sum, g))],
    }


def test_sums_of_gradients_are_written_out() -> None:
    text = slide("-i", "1 2 3", "-k", "4 5", "--upstream", "6 7")
    assert "dL" not in text
    assert "∂L/∂b(1) = 13\n" in text
    assert "∂L/∂w(1,1) = 1·6 + 2·7 = 20\n∂L/∂w(1,2) = 2·6 + 3·7 = 33\n" in text
    assert "∂L/∂x(1,1) = 4·6 = 24\n∂L/∂x(1,2) = 5·6 + 4·7 = 58\n∂L/∂x(1,3) = 5·7 = 35\n" in text
    shared = slide("-i", "1 2 3", "--avg-pool", "2", "--stride", "1", "--upstream", "6 8")
    assert "∂L/∂x(1,2) = 6/2 + 8/2 = 7\n" in shared


# What is shown, and how much of it


def test_one_window_is_drawn_with_its_products() -> None:
    text = slide("--window", "2,3")
    assert "Window 2,3\n" in text
    assert (
        "input             kernel    products\n"
        " 1  1  1  0  0    1  0  1   1  0  0\n"
        " 0  1 [1][1][0]   0  1  0   0  1  0\n"
        " 0  0 [1][1][1]   1  0  1   1  0  0\n"
        " 0  0 [1][1][0]\n"
        " 0  1  1  0  0\n"
    ) in text
    assert text.endswith("y(2,3) = 1·1 + 1·0 + 0·1 + 1·0 + 1·1 + 1·0 + 1·1 + 1·0 + 0·1 = 3\n")
    assert "Map" not in text


def test_step_draws_window_after_window() -> None:
    text = slide("--step")
    assert [f"Window {p}\n" in text for p in ("1,1", "1,2", "1,3", "2,1", "2,2")] == [True] * 4 + [
        False
    ]
    assert "\n5 more windows; --all prints every one, --window R,C one of them.\n" in text
    assert slide("--step", "--all").count("\nWindow ") == 9


def test_many_windows_are_counted() -> None:
    large = ["-i", json.dumps([[1] * 20] * 30), "-k", "1 1"]
    text = slide(*large)
    # 30 rows of 19 windows, of which 16 are written out.
    assert text.count("\ny(") == 16
    assert f"\n{30 * 19 - 16} more windows; --all" in text
    assert "Too large to be shown whole; --format csv prints all of it.\n" in text
    everything = slide(*large, "--all")
    assert everything.count("\ny(") == 30 * 19
    assert "more windows" not in everything
    assert all(len(line) <= 80 for line in text.splitlines())


def test_several_filters_have_a_map_each() -> None:
    text = slide("-k", "sobel-x", "-k", "sobel-y")
    assert text.startswith("Convolution 3×3, stride 1, no padding: 5×5×1 → 3×3×2\n")
    assert "kernel sobel-x\n" in text
    assert "kernel sobel-y\n" in text
    for number, kernel in enumerate((KERNELS["sobel-x"], KERNELS["sobel-y"]), 1):
        name = ("", "sobel-x", "sobel-y")[number]
        expected = correlate(MAP, [list(row) for row in kernel.numbers])
        assert data("-k", "sobel-x", "-k", "sobel-y")["map"][number - 1] == expected
        assert f"map {number}: {name}\n" in text
    assert "Window 2,1,3\n" in slide("-k", "sobel-x", "-k", "sobel-y", "--window", "2,1,3")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--backward"],
        ["--max-pool", "2", "--backward"],
        ["--step"],
        ["-k", "blur"],
        ["--kernels"],
    ],
    ids=" ".join,
)
def test_every_format_is_well_formed(arguments: list[str]) -> None:
    html = slide(*arguments, "--format", "html")
    tree = ElementTree.fromstring(f"<div>{html}</div>")
    assert tree.findall("h1" if arguments != ["--kernels"] else "h2")
    markdown = slide(*arguments, "--format", "markdown")
    assert markdown.count("```") == 2 * markdown.count("```math")
    latex = slide(*arguments, "--format", "latex")
    assert latex.count("\\begin{") == latex.count("\\end{")
    assert latex.count("{") == latex.count("}")
    # No letter is left that pdflatex's usual fonts do not have.
    assert latex.isascii()


def test_a_terminal_without_mathematical_signs_gets_ascii() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cnncalc", "slide", "--backward", "--bias", "-1"],
        capture_output=True,
        env={"PYTHONIOENCODING": "ascii", "PATH": ""},
        check=True,
    )
    text = done.stdout.decode("ascii")
    assert "y(1,1) = 1*1 + 1*0" in text
    assert "dL/dw(1,1) = " in text
    assert "\\u" not in text


def test_csv_is_the_map_and_can_be_read_again(tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    assert slide("-f", "csv") == "4,3,4\n2,4,3\n2,3,4\n"
    slide("--avg-pool", "2", "-f", "csv", "-o", str(path))
    assert path.read_text("utf-8") == "13.25,8.25\n73.75,17.75\n"
    assert "max(13.25, 8.25, 73.75, 17.75) = 73.75" in slide("-i", str(path), "--max-pool", "2")
    # Each map becomes a channel again.
    two = slide("-k", "1 0", "-k", "0 1", "-f", "csv").encode()
    (left, right) = json.loads(slide("-i", "-", "-k", "1", "-f", "json", stdin=two))["map"]
    assert left == [row[:-1] for row in MAP]
    assert right == [row[1:] for row in MAP]


def test_json_has_every_window() -> None:
    found = data("--padding", "1", "--stride", "2", "--bias", "1/2")
    assert found["operation"] == "conv"
    assert (found["kernel_size"], found["stride"], found["dilation"]) == ([3, 3], [2, 2], [1, 1])
    assert (found["padding"], found["output_shape"]) == ([[1, 1], [1, 1]], [1, 3, 3])
    assert (len(found["windows"]), found["windows_left_out"]) == (9, 0)
    for window in found["windows"]:
        row, column = window["row"] - 1, window["column"] - 1
        assert window["value"] == found["map"][0][row][column]
        assert window["sum"] == sum(window["products"]) + 0.5
        assert window["products"] == [
            a * b for a, b in zip(window["inputs"], window["weights"], strict=True)
        ]
        for (_, r, c), value in zip(window["reads"], window["inputs"], strict=True):
            inside = 1 <= r <= 5 and 1 <= c <= 5
            assert value == (MAP[r - 1][c - 1] if inside else 0)
    pooled = data("--max-pool", "2", "--window", "2,1")["windows"]
    assert [(w["row"], w["column"], w["chosen"], w["value"]) for w in pooled] == [
        (2, 1, [1, 4, 1], 111)
    ]


# What it reads


@pytest.mark.parametrize(
    "text",
    [
        "1 2.5; -3 4",
        "1,2.5;-3,4",
        " 1, 2.5 ; −3, 4 ; ",
        "[[1, 2.5], [-3, 4]]",
        '[["1", "5/2"], [-3.0, 4e0]]',
        "1,2.5\n-3,4",
        "1;2.5\n-3;4\n",
        "1\t2.5\n-3\t4\n",
        '\ufeff"1",2.5\r\n-3,4\r\n\r\n',
    ],
    ids=repr,
)
def test_numbers_are_read_from_anywhere(text: str, tmp_path: Path) -> None:
    path = tmp_path / "map"
    path.write_text(text, "utf-8")
    expected = [[1, 2.5], [-3, 4]]
    assert data("-i", str(path), "-k", "1")["map"] == [expected]
    stdin = slide("-i", "-", "-k", "1", "-f", "json", stdin=text.encode())
    assert json.loads(stdin)["map"] == [expected]
    if not text.startswith("\ufeff"):
        assert data("-i", text, "-k", "1")["map"] == [expected]


@pytest.mark.parametrize("text", ["1 2|3 4", "1,2\n\n3,4\n", "[[[1, 2]], [[3, 4]]]"], ids=repr)
def test_channels_are_read(text: str, tmp_path: Path) -> None:
    path = tmp_path / "map"
    path.write_text(text, "utf-8")
    assert data("-i", str(path), "-k", "1")["map"] == [[[1, 2]], [[3, 4]]]


def test_a_file_called_like_a_kernel_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("edge").write_text("5\n", "utf-8")
    assert data("-k", "edge")["kernel"] == [[[[5]]]]


# Pictures


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def noise(mode: str, width: int = 9, height: int = 7) -> Image.Image:
    """A picture whose bytes are drawn at random, the same ones in every run."""
    bands = len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(
        mode, (width, height), random.Random(1).randbytes(width * height * bands)
    )


def written(*arguments: str) -> tuple[Image.Image, str]:
    """The picture that a command writes, and what it says of it."""
    result = cnncalc("slide", *arguments, "-o", "out.png")
    assert (result.code, result.out) == (0, "")
    with Image.open("out.png") as image:
        image.load()
        assert image.format == "PNG"
        return image, result.err


def channel(image: Image.Image, band: int) -> Rows:
    values = image.getchannel(band).tobytes()
    return [list(values[i : i + image.width]) for i in range(0, len(values), image.width)]


def rows_of(name: str) -> Rows:
    kernel = KERNELS[name]
    return [[Fraction(n, kernel.divisor) for n in row] for row in kernel.numbers]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("name", [name for name, kernel in KERNELS.items() if not kernel.channels])
def test_a_named_kernel_goes_over_every_channel_of_a_picture(name: str, mode: str) -> None:
    picture = noise(mode)
    picture.save("in.png")
    out, said = written("-i", "in.png", "-k", name)
    edges = sum(map(sum, rows_of(name))) == 0
    assert ("absolute" if edges else "clip") in said
    for band in range(len(out.getbands())):
        exact = correlate(channel(picture, band), rows_of(name))
        # round() and numpy's rint both take halves to the even neighbour.
        expected = [[min(255, max(0, round(abs(v) if edges else v))) for v in row] for row in exact]
        assert channel(out, band) == expected
    assert out.mode == mode


@pytest.mark.usefixtures("folder")
def test_grey_is_the_luma_of_a_picture() -> None:
    picture = noise("RGB")
    picture.save("in.png")
    out, _ = written("-i", "in.png", "-k", "grey-scale")
    red, green, blue = (channel(picture, band) for band in range(3))
    # ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B.
    assert out.mode == "L"
    assert channel(out, 0) == [
        [round(Fraction(299 * r + 587 * g + 114 * b, 1000)) for r, g, b in zip(*rows, strict=True)]
        for rows in zip(red, green, blue, strict=True)
    ]


@pytest.mark.usefixtures("folder")
def test_several_filters_stand_beside_each_other() -> None:
    picture = noise("L")
    picture.save("in.png")
    out, said = written("-i", "in.png", "-k", "identity", "-k", "identity", "-k", "identity")
    # Two in a row, a white line between them; each is 7 wide and 5 high.
    assert out.size == (15, 11)
    # Height first, as everywhere.
    assert said == "out.png: 11×15, grey, levels: clip\n"
    inner = [row[1:-1] for row in channel(picture, 0)[1:-1]]
    drawn = channel(out, 0)
    assert [row[:7] for row in drawn[:5]] == [row[8:] for row in drawn[:5]] == inner
    assert [row[:7] for row in drawn[6:]] == inner
    assert {row[7] for row in drawn} == {255}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ("clip", [0, 0, 100, 255, 255]),
        ("absolute", [255, 50, 100, 255, 255]),
        # From −400 to 600: (v + 400)·255/1000, rounded.
        ("stretch", [0, 89, 128, 178, 255]),
    ],
)
def test_levels(levels: str, expected: list[int]) -> None:
    out, said = written("-i", "-400 -50 100 300 600", "-k", "1", "--levels", levels)
    assert channel(out, 0) == [expected]
    assert f"levels: {levels}" in said
    cut = sum(not 0 <= v <= 255 for v in (-400, -50, 100, 300, 600))
    if levels == "clip":
        assert said.endswith(f", {cut} of 5 values cut\n")


@pytest.mark.usefixtures("folder")
def test_pooling_of_a_picture() -> None:
    picture = noise("RGB", 8, 6)
    picture.save("in.png")
    out, _ = written("-i", "in.png", "--max-pool", "2")
    for band in range(3):
        x = channel(picture, band)
        assert channel(out, band) == [
            [max(x[r][c], x[r][c + 1], x[r + 1][c], x[r + 1][c + 1]) for c in range(0, 8, 2)]
            for r in range(0, 6, 2)
        ]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("ending", ["png", "bmp", "gif", "tiff", "ppm"])
def test_formats_of_pictures(ending: str) -> None:
    noise("L").save(f"in.{ending}")
    result = cnncalc("slide", "-i", f"in.{ending}", "-k", "identity", "-f", "csv")
    if ending == "ppm":
        assert "neither a picture (PNG, JPEG, GIF, BMP, WebP, TIFF) nor numbers" in result.err
        return
    inner = [row[1:-1] for row in channel(noise("L"), 0)[1:-1]]
    drawn = "".join(",".join(map(str, row)) + "\n" for row in inner)
    # The colours of a GIF stand in a palette: it is read as red, green and blue.
    assert result.out == (drawn if ending != "gif" else "\n".join([drawn] * 3))


@pytest.mark.usefixtures("folder")
def test_a_picture_can_be_kernel_and_gradient_as_well() -> None:
    picture = noise("L", 3, 2)
    picture.save("in.png")
    x = channel(picture, 0)
    found = data("-i", "in.png", "-k", "in.png", "--padding", "1", "--bias", "-1")
    assert found["map"][0][1][1] == sum(v * v for row in x for v in row) - 1
    found = data("-i", "in.png", "-k", "2", "--upstream", "in.png")["gradients"]
    assert found["kernel"] == [[[[sum(v * v for row in x for v in row)]]]]
    assert found["input"] == [[[2 * v for v in row] for row in x]]


@pytest.mark.usefixtures("folder")
def test_transparency_palettes_and_depths_become_bytes() -> None:
    noise("RGBA").save("rgba.png")
    noise("RGBA").convert("RGB").save("rgb.png")
    assert slide("-i", "rgba.png", "-k", "1", "-f", "csv") == slide(
        "-i", "rgb.png", "-k", "1", "-f", "csv"
    )
    noise("RGB").quantize(4).save("palette.png")
    assert len(data("-i", "palette.png", "-k", "1")["map"]) == 3
    Image.frombytes("I;16", (2, 1), bytes([0x00, 0x12, 0xFF, 0xFE])).save("deep.png")
    assert slide("-i", "deep.png", "-k", "1", "-f", "csv") == f"{0x12},{0xFE}\n"


def test_pictures_need_pillow(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise("L").save("in.png")
    monkeypatch.setitem(sys.modules, "PIL", None)
    fix = "pictures need Pillow: in a checkout of cnncalc, pip install '.[image]'\n"
    assert cnncalc("slide", "-i", "in.png", "-k", "edge") == Result(2, "", f"in.png: {fix}")
    assert cnncalc("slide", "-o", "out.png") == Result(2, "", f"-o: {fix}")
    assert not (folder / "out.png").exists()
    assert cnncalc("slide").code == 0


@pytest.mark.parametrize(
    ("name", "total"),
    [
        (name, 0 if name.startswith(("edge", "laplacian", "sobel", "prewitt")) else 1)
        for name in KERNELS
    ],
)
def test_kernels_keep_the_brightness_or_take_it_away(name: str, total: int) -> None:
    assert sum(map(sum, rows_of(name))) == total
    assert f"\n{name}\n\n{KERNELS[name].purpose}" in f"\n{slide('--kernels')}"


@pytest.mark.parametrize(("other", "name"), OTHER_NAMES.items())
def test_other_names_of_kernels(other: str, name: str) -> None:
    image = "1 2 3; 4 5 6; 7 8 9; 1 1 1; 2 2 2"
    if KERNELS[name].channels:
        image = "1|2|3"
    assert slide("-i", image, "-k", other.upper()) == slide("-i", image, "-k", name)


# What it refuses

REFUSED = [
    (["-i", "1 2"], "nothing to slide: give --kernel, --max-pool, --avg-pool or --min-pool"),
    (["--max-pool", "2", "-k", "1"], "--max-pool and --kernel exclude each other"),
    (["--max-pool", "2", "--min-pool", "2"], "--max-pool and --min-pool exclude each other"),
    (["-k", "sobelx"], "no kernel of that name; did you mean sobel-x?"),
    (["-k", "7x7"], '--kernel "7x7": no such file, and no kernel of that name; --kernels lists'),
    (["-k", ""], '--kernel "": no such file'),
    (["-i", "", "-k", "1"], '--input "": No such file or directory'),
    (["-i", "none.csv", "-k", "1"], "none.csv: No such file or directory"),
    (["-i", "a\0b", "-k", "1"], "a\\x00b: no such file"),
    (["-i", ".", "-k", "1"], ".: Is a directory"),
    (["-k", "1 2; 3"], "--kernel: row 1 has 2 values, row 2 has 1; all must have as many"),
    (["-k", "[[1, 2], 3]"], "--kernel: a number stands beside a list; all must be nested alike"),
    (["-k", "[]"], "--kernel: has no numbers"),
    (["-k", "[[1, 2]"], "--kernel:1:8: not JSON: "),
    (["-k", "[[true]]"], "--kernel: true is no number"),
    (["-k", "[[{}]]"], "--kernel: a mapping is no number"),
    (["-k", '[["x\\u001b"]]'], '--kernel: "x\\x1b" is no number'),
    (["-k", "[[NaN]]"], "--kernel: must be a finite number, not NaN"),
    (["-k", "[[-Infinity]]"], "--kernel: must be a finite number, not -Infinity"),
    (["-k", "1e999999999"], "--kernel: value 1: 1e999999999 is out of range"),
    (["-k", "[[1e999]]"], "--kernel: 1e999 is out of range"),
    (["-k", "1e13"], "1e13 is out of range; no number is larger than 1,000,000,000,000"),
    (["-k", "1" * 50], "a number of 50 characters; at most 40 are read"),
    (["-k", "1/0"], "--kernel: value 1: 1/0 divides by zero"),
    (["-k", "1.2.3"], '--kernel: value 1: "1.2.3" is no number'),
    (["-k", "[[[[[1]]]]]"], "--kernel: nested more than 4 deep"),
    (["-i", "[[[[1]]]]", "-k", "1"], "the input is nested 4 deep; it is one map: at most 3"),
    (["-i", "1 2; 3 4", "-k", "edge"], "kernel 3 does not fit the input: 2 + 2·0 < 3"),
    (["-i", "1 2 3", "-k", "1 2; 3 4"], "kernel 2 does not fit the input's height: 1 + 2·0 < 2"),
    (["-k", "1|2|3"], "the kernel has 3 channels, the input 1; filters stand in a list of their"),
    (["-i", "1|2", "-k", "1|2|3"], "the kernel has 3 channels, the input 2"),
    (["-k", "1", "-k", "1 2"], "all kernels must have one shape, not 1×1×1 and 1×1×2"),
    (["--bias", "1,2"], "there are 2 biases for 1 filters; give one, or one for each"),
    (["--max-pool", "2", "--bias", "1"], "a pooling has no bias"),
    (["--bias", "x"], '--bias: value 1: "x" is no number'),
    (["--padding-value", "inf"], "--padding-value: must be a finite number, not inf"),
    (["--stride", "0"], "stride: must be a whole number of at least 1"),
    (["--stride", "1.5"], "stride: must be a whole number of at least 1"),
    (["--padding", "some"], "padding: must be same, half, valid, a whole number from 0"),
    (["--padding", "-1"], "padding: must be same, half, valid, a whole number from 0"),
    (["--stride", "1x1x1"], "stride has 3 values, but the input 5×5×1 has 2 spatial axes"),
    (["--max-pool", "0"], "kernel_size: must be a whole number of at least 1"),
    (["--max-pool", "2", "--padding", "2"], "padding 2 is more than half of the kernel"),
    (["--avg-pool", "2", "--dilation", "2"], "avg_pool takes no dilation"),
    (["--ceil-mode"], "a convolution takes no ceil_mode"),
    (
        ["-i", "1", "--max-pool", "2", "--padding", "same", "--dilation", "2"],
        "a window reads padding only; give --padding-value, or less padding",
    ),
    (["--upstream", "1 2"], "the upstream gradient is 1×1×2, the map 1×3×3"),
    (["--window", "4,1"], "--window 4,1: there is no row 4; the result has 1 map of 3 rows and 3"),
    (["--window", "0,1"], "--window 0,1: there is no row 0"),
    (["--window", "2,1,1"], "--window 2,1,1: there is no map 2"),
    (["--window", "1"], "--window takes row,column or map,row,column from 1, not"),
    (["--window", "²,1"], "--window takes row,column or map,row,column from 1, not"),
    (["--kernels", "-f", "csv"], "--kernels has no csv; it is a page"),
    (["--kernels", "-o", "out.png"], "--kernels has no png; it is a page"),
    (["--max-pool", "2", "--flip"], "a pooling has no kernel to flip"),
    (["-k", "sobel", "-k", "blur"], "--kernel sobel stands for sobel-x and sobel-y; give it alone"),
    (
        ["-k", "prewitt", "--backward"],
        "--backward is of maps, not of their magnitude: give",
    ),
    (["-o", "out.jpg"], "out.jpg: pictures are written as PNG; call it .png"),
    (["-o", "none/out.png"], "none/out.png: No such file or directory"),
    (["--padding", "1000000000000"], "products on 4,000,000,000,020,000,000,000,025 padded values"),
    (["--padding", "100000", "--stride", "100000"], "81 products on 40,002,000,025 padded values"),
    (["--padding", "same", "--dilation", "1000000"], "slide does at most 2,000,000,000 on"),
    (["--kernel", "1", "--padding", "700", "-f", "csv"], "at most 1,000,000 are computed exactly"),
]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=lambda value: " ".join(value)[:40])
def test_mistakes_are_one_line(arguments: list[str], message: str) -> None:
    result = cnncalc("slide", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert result.err.count("\n") == 1
    assert result.err.removesuffix("\n").isprintable()


def test_bounds_are_those_of_the_document() -> None:
    document = Path(__file__).parent.parent / "docs" / "commands.md"
    section = document.read_text("utf-8").partition("\n### Formats and bounds\n")[2]
    assert re.findall(r"^\| ([a-z ]+) \| ([\d,]+) \|$", section, re.MULTILINE)[:6] == [
        ("numbers in one text", f"{MAX_NUMBERS:,}"),
        ("characters of a number", f"{MAX_DIGITS}"),
        ("products computed exactly", f"{MAX_EXACT:,}"),
        ("products for a picture", f"{MAX_PRODUCTS:,}"),
        ("pixels of a picture", f"{MAX_PIXELS:,}"),
        ("windows written out", f"{MAX_LISTED:,}"),
    ]


def png(width: int, height: int) -> bytes:
    """A PNG that says this size and holds nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def distinct_fractions() -> bytes:
    # Numbers around 10³⁰ have next to no factors in common.
    drawn = random.Random(1)
    return ",".join(f"1/{drawn.randrange(10**30, 10**31)}" for _ in range(10_000)).encode()


HOSTILE = {
    "a-picture-of-50000": (lambda: png(50_000, 50_000), "may have 25,000,000 pixels, not more"),
    "a-picture-of-10000": (lambda: png(10_000, 10_000), "10,000×10,000 pixels; a picture may have"),
    "a-picture-with-nothing-in-it": (lambda: png(100, 100), "this picture cannot be read: "),
    "a-picture-of-no-size": (lambda: png(0, 0), "this picture cannot be read: "),
    "half-a-picture": (lambda: png(9, 9)[:20], "this picture cannot be read: "),
    "the-start-of-a-picture": (lambda: b"GIF8", "this picture cannot be read: "),
    "a-long-list": (lambda: b"[[" + b"1," * 7_000_000 + b"1]]", "more than 250,000 numbers"),
    "a-longer-list": (lambda: b"[[" + b"1," * 60_000_000 + b"1]]", "larger than 16 MB"),
    "a-long-line": (lambda: b"1 " * 7_000_000, "more than 250,000 numbers"),
    "a-number-a-line": (lambda: b"1\n" * 7_000_000, "more than 250,000 numbers"),
    "a-line-of-tabs": (lambda: b"1\t" * 7_000_000, "more than 250,000 numbers"),
    "a-line-of-long-rows": (lambda: (b"1 " * 200_000 + b";") * 35, "more than 250,000 numbers"),
    "a-line-of-rows": (lambda: b"1;" * 7_000_000, "more than 250,000 numbers"),
    "many-lines": (lambda: b"1,2\n" * 3_000_000, "more than 250,000 numbers"),
    "many-empty-lists": (lambda: b"[" + b"[]," * 5_000_000 + b"[]]", "more than 250,000 numbers"),
    "many-blank-lines": (lambda: b"\n" * 15_000_000, "has no numbers"),
    "deep-lists": (lambda: b"[" * 200_000, "nested more than 4 deep"),
    "deeper-lists": (lambda: b"[" * 15_000_000, "more than 250,000 numbers"),
    "a-long-number": (lambda: b"[[" + b"1" * 10_000_000 + b"]]", "a number of 10,000,000 char"),
    "a-long-word": (lambda: b'[["' + b"x" * 10_000_000 + b'"]]', "a number of 10,000,000 char"),
    "fractions": (distinct_fractions, "the fractions have no common denominator of up to 40"),
    "bytes": (lambda: bytes(range(128, 256)), "neither a picture"),
    "escapes": (lambda: b"1,\x1b[31m2\n3,4\n", r'in:1: value 2: "\x1b[31m2" is no number'),
}


def measured(*arguments: str, stdin: bytes = b"") -> Run:
    """Run `python -m cnncalc slide` in the current folder, its time and memory measured."""
    command = [sys.executable, "-I", "-S", "-c", MEASURE]
    command += [sys.executable, "-m", "cnncalc", "slide", *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=True)
    code, seconds, kilobytes = done.stdout.split()
    out, err = Path("out").read_text("utf-8"), Path("err").read_text("utf-8")
    return Run(int(code), out, err, float(seconds), int(kilobytes) / 1024)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("content", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_end_soon_and_small(content: Callable[[], bytes], message: str) -> None:
    Path("in").write_bytes(content())
    refused(measured("-i", "in", "-k", "1"), message)


def test_a_picture_costs_little_more_than_itself(folder: Path) -> None:
    # 12 megapixels in colour: 36 MB of bytes, where floats of all of it would take 288 MB each.
    Image.new("RGB", (4000, 3000), (10, 20, 30)).save("in.png")
    run = measured("-i", "in.png", "-k", "gaussian", "-o", "out.png")
    assert (run.code, run.out) == (0, "")
    assert run.megabytes < 500
    with Image.open(folder / "out.png") as image:
        assert image.size == (3998, 2998)
        assert image.getextrema() == ((10, 10), (20, 20), (30, 30))
