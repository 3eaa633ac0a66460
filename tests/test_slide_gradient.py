"""`cnncalc slide`: kernels that are turned, and the magnitude of a gradient."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from math import isqrt, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import cnncalc
from cnncalc.sliding.magnitude import root
from tests.command import Result
from tests.command import cnncalc as command

KERNEL = [[1, 2, 0], [0, 3, -1]]
MAP = [[3, 1, 4, 1], [5, 9, 2, 6], [5, 3, 5, 8]]
SOBEL_X = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
SOBEL_Y = [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]


def convolved(map: list[list[int]], kernel: list[list[int]]) -> list[list[int]]:
    """The convolution of mathematics where the kernel fits: Σ x[i − k]·w[k]."""
    rows, columns = len(kernel), len(kernel[0])
    return [
        [
            sum(
                map[y + rows - 1 - i][x + columns - 1 - j] * kernel[i][j]
                for i in range(rows)
                for j in range(columns)
            )
            for x in range(len(map[0]) - columns + 1)
        ]
        for y in range(len(map) - rows + 1)
    ]


def test_flip_is_the_convolution_of_mathematics() -> None:
    assert cnncalc.slide(MAP, KERNEL, flip=True).map.tolist() == [convolved(MAP, KERNEL)]
    # And without it is not: 3·1 + 1·2 + 4·0 + 5·0 + 9·3 − 2 = 30.
    assert cnncalc.slide(MAP, KERNEL).map[0, 0, 0] == 30
    # In one dimension numpy's.
    flipped = cnncalc.slide([1, 2, 3, 4], [1, 2], flip=True).map
    assert flipped.ravel().tolist() == np.convolve([1, 2, 3, 4], [1, 2], "valid").tolist()
    assert flipped.ravel().tolist() == [2 * 1 + 1 * 2, 3 * 1 + 2 * 2, 4 * 1 + 3 * 2]


def test_flip_turns_each_kernel_and_leaves_channels_in_their_order() -> None:
    kernels = [[[[1, 2], [3, 4]], [[5, 6], [7, 8]]], [[[0, 1], [0, 0]], [[2, 0], [0, 0]]]]
    found = cnncalc.slide([MAP, MAP], kernels, flip=True)
    assert found.kernel is not None
    assert found.kernel.tolist() == [
        [[[4, 3], [2, 1]], [[8, 7], [6, 5]]],
        [[[0, 0], [1, 0]], [[0, 0], [0, 2]]],
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-k", "1 2; 3 4"], "The kernel is not flipped, as everywhere in deep learning"),
        (["-k", "1 2; 3 4"], "--flip turns it by 180 degrees first"),
        (["-k", "1 2; 3 4", "-k", "1 2; 3 5"], "The kernels are not flipped"),
        (["-k", "1 2; 3 4", "-k", "1 2; 3 5"], "--flip turns them by 180 degrees first"),
        ([], "here that makes no difference: turned by 180 degrees it is the same."),
        (["-k", "1 2; 3 4", "--flip"], "The kernel is flipped: turned by 180 degrees first"),
        (["-k", "1 2; 3 4", "--window", "1,1"], "The kernel is not flipped"),
    ],
)
@pytest.mark.parametrize("format", ["text", "markdown", "html", "latex"])
def test_the_page_says_whether_the_kernel_is_flipped(
    arguments: list[str], said: str, format: str
) -> None:
    found = command("slide", *arguments, "-f", format)
    assert said in " ".join(found.out.split()).replace("{-}{-}", "--").replace(r"-{}-", "--")


@pytest.mark.parametrize("arguments", [["--max-pool", "2"], ["-k", "3"], ["-k", "grey-scale"]])
def test_what_has_nothing_to_turn_does_not_speak_of_it(arguments: list[str]) -> None:
    three = ["-i", "1 2|3 4|5 6"] if "grey-scale" in arguments else []
    found = command("slide", *three, *arguments)
    assert found.code == 0
    assert "flip" not in found.out


def test_json_says_whether_it_was_flipped() -> None:
    found = json.loads(command("slide", "-k", "1 2; 3 4", "--flip", "-f", "json").out)
    assert (found["flipped"], found["kernel"]) == (True, [[[[4, 3], [2, 1]]]])
    assert json.loads(command("slide", "-f", "json").out)["flipped"] is False


def test_the_magnitude_is_the_root_of_both_squares() -> None:
    # Behind the middle 3, below it 4: g_x = 2·3, g_y = 2·4, and √(36 + 64) = 10.
    found = cnncalc.slide([[0, 0, 0], [0, 0, 3], [0, 4, 0]], "sobel")
    assert found.map.tolist() == [[[6]], [[8]]]
    assert found.magnitude is not None
    assert found.magnitude.tolist() == [[[10]]]
    # √(2² + 2²) = 2·√2.
    found = cnncalc.slide([[0, 0, 0], [0, 0, 1], [0, 1, 0]], "sobel")
    assert found.magnitude is not None
    assert abs(float(found.magnitude[0, 0, 0]) - 2 * sqrt(2)) < 1e-15
    # Fractions stay exact: √(1.5² + 2²) = 2.5.
    found = cnncalc.slide([[0, 0, 0], [0, 0, "1.5"], [0, 2, 0]], "prewitt")
    assert found.magnitude is not None
    assert found.magnitude.tolist() == [[[Fraction(5, 2)]]]
    assert cnncalc.slide([[1]], [[1]]).magnitude is None


def test_each_channel_has_its_own() -> None:
    one, other = [[0, 0, 0], [0, 0, 3], [0, 4, 0]], [[0, 0, 0], [0, 0, 5], [0, 12, 0]]
    found = cnncalc.slide([one, other], "sobel")
    assert found.magnitude is not None
    assert found.magnitude.tolist() == [[[10]], [[26]]]


@pytest.mark.parametrize("value", [0, 1, 2, 49, 10**30, Fraction(9, 4), Fraction(1, 3)])
def test_a_root_is_exact_or_just_below(value: int | Fraction) -> None:
    found = root(value)
    assert found * found <= value < (found + Fraction(1, 10**20)) ** 2


def test_the_integers_of_numpy_do_not_wrap() -> None:
    large: Any = np.int64(3) * 10**9
    assert root(large * large) == 3 * 10**9
    assert root(np.int64(2)) ** 2 < 2  # type: ignore[arg-type]


def test_the_page_works_it_out() -> None:
    found = command("slide", "-i", "0 0 0 0; 0 0 3 0; 0 4 0 0", "-k", "sobel")
    assert found.out.endswith(
        "Gradient magnitude\n\n"
        "G(1,1) = √(6² + 8²) = √100 = 10\n"
        # Only the 4 below on the left counts: (−1)·4 and 1·4.
        "G(1,2) = √((−4)² + 4²) = √32 = 5.6568…\n\n"
        "     10  5.6568…\n"
    )
    assert "map 1: sobel-x" in found.out
    csv = command("slide", "-i", "0 0 0; 0 0 3; 0 4 0", "-k", "Sobel", "-f", "csv")
    assert csv == Result(0, "10\n", "")
    data = json.loads(
        command("slide", "-i", "0 0 0; 0 0 3; 0 4 0", "-k", "sobel", "-f", "json").out
    )
    assert (data["map"], data["magnitude"]) == ([[[6]], [[8]]], [[[10]]])


def test_a_file_of_that_name_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sobel").write_text("2 0\n0 0\n", "utf-8")
    assert command("slide", "-i", "1 2; 3 4", "-k", "sobel", "-f", "csv").out == "2\n"


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_pictures_of_a_gradient(mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    height, width, bands = 7, 9, len(mode) if mode == "RGB" else 1
    values = random.Random(3).randbytes(height * width * bands)
    Image.frombytes(mode, (width, height), values).save("in.png")
    found = command("slide", "-i", "in.png", "-k", "sobel", "-o", "out.png")
    colour = "grey" if bands == 1 else "colour"
    assert found.err.startswith(f"out.png: {height - 2}×{width - 2}, {colour}, levels: absolute")
    with Image.open("out.png") as image:
        assert (image.height, image.width) == (height - 2, width - 2)
        got = image.tobytes()
    pixels = [values[i::bands] for i in range(bands)]
    expected = bytearray(len(got))
    for band, flat in enumerate(pixels):
        for y in range(height - 2):
            for x in range(width - 2):
                across, down = (
                    sum(
                        flat[(y + i) * width + x + j] * kernel[i][j]
                        for i in range(3)
                        for j in range(3)
                    )
                    for kernel in (SOBEL_X, SOBEL_Y)
                )
                square = across**2 + down**2
                # To the nearest whole number: 2·√s + 1, halved.
                nearest = (isqrt(4 * square) + 1) // 2
                expected[(y * (width - 2) + x) * bands + band] = min(nearest, 255)
    assert got == bytes(expected)
