"""Pictures in a folder for each class."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cnncalc.data.load import load_data
from tests.data_sets import (
    damaged,
    error,
    refused_or_valid,
    same,
)
from tests.strategies import thorough


def picture(path: Path, pixels: list[list[tuple[int, int, int]]] | list[list[int]]) -> None:
    """Writes a PNG of rows of grey values, or of red, green and blue."""
    path.parent.mkdir(parents=True, exist_ok=True)
    flat = [value for row in pixels for value in row]
    image = Image.new("RGB" if isinstance(flat[0], tuple) else "L", (len(pixels[0]), len(pixels)))
    for place, value in enumerate(flat):
        image.putpixel((place % image.width, place // image.width), value)
    image.save(path)


def test_two_folders(tmp_path: Path) -> None:
    picture(tmp_path / "train" / "dogs" / "a.png", [[0, 255]])
    picture(tmp_path / "train" / "cats" / "b.PNG", [[(255, 0, 0), (0, 255, 0)]])
    picture(tmp_path / "train" / "cats" / "a.png", [[51, 102]])
    picture(tmp_path / "test" / "dogs" / "x.bmp", [[(51, 51, 51), (255, 255, 255)]])
    picture(tmp_path / "test" / "cats" / "x.png", [[0, 0], [0, 0]])
    (tmp_path / "train" / "cats" / "Thumbs.db").write_bytes(b"\0")
    (tmp_path / "train" / ".cache").mkdir()
    found = load_data(f"imagefolder:{tmp_path}", (1, 1, 2), 2)
    assert found.classes == ("cats", "dogs")
    assert found.train.labels.tolist() == [0, 0, 1]
    assert found.test.labels.tolist() == [0, 1]
    train = [[0.2, 0.4], [0.299, 0.587], [0, 1]]
    assert torch.allclose(found.train.images.flatten(1), torch.tensor(train), atol=1e-6)
    test = [[0, 0], [0.2, 1]]
    assert torch.allclose(found.test.images.flatten(1), torch.tensor(test), atol=1e-6)
    assert found.notes == (
        f"imagefolder:{tmp_path}: 3 training pictures from train and 2 test pictures from test",
        "resampled from 2×2 to 1×2, bilinear, antialiased, proportions not kept (1 of 5 pictures)",
        "colour turned to grey: 0.299 red + 0.587 green + 0.114 blue (2 of 5 pictures)",
    )
    binary = load_data(f"imagefolder:{tmp_path}", (3, 1, 2), 1)
    assert binary.notes[-2:] == (
        "grey copied to 3 channels (3 of 5 pictures)",
        "one output: 0 is cats, 1 is dogs",
    )
    assert binary.train.images[1].flatten().tolist() == [1, 0, 0, 1, 0, 0]


def test_a_fifth_is_held_out(tmp_path: Path) -> None:
    """Of 7 and 3 pictures two: 1.4 and 0.6, so one of each class."""
    for name, start, count in (("train", 0, 7), ("plane", 100, 3)):
        for number in range(count):
            picture(tmp_path / name / f"{number}.png", [[start + number]])
    found = load_data(f"imagefolder:{tmp_path}", (1, 1, 1), 2, seed=1)
    assert found.classes == ("plane", "train")
    assert found.test.labels.tolist() == [0, 1]
    values = torch.cat([found.train.images, found.test.images]).flatten() * 255
    assert sorted(values.round().int().tolist()) == [*range(7), *range(100, 103)]
    assert found.notes == (
        f"imagefolder:{tmp_path}: 8 training and 2 test pictures, split at random, "
        "stratified, seed 1",
    )
    assert same(found, load_data(f"imagefolder:{tmp_path}", (1, 1, 1), 2, seed=1))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], ": there must be a folder for each class, at least 2; found 0"),
        (
            ["train/a/1", "train/b/1"],
            "/train/a: a class needs at least 2 of .png .jpg .jpeg .gif .bmp .webp .tif .tiff "
            "where there is no folder test or val; found 1",
        ),
        (
            ["train/a/1", "train/b/1", "val/a/1"],
            "/val: there must be a folder for each class, at least 2; found 1",
        ),
        (
            ["train/a/1", "train/b/1", "train/c\t/1", "val/a/1", "val/b/1"],
            ": c\\t is a class in train, not in val",
        ),
        (
            ["train/a/1", "train/b/1", "test/a/1", "test/b/1", "test/c/1"],
            ": c is a class in test, not in train",
        ),
    ],
)
def test_folders_that_do_not_fit(tmp_path: Path, files: list[str], message: str) -> None:
    for file in files:
        picture(tmp_path / f"{file}.png", [[0]])
    call = f"imagefolder:{tmp_path}"
    assert error(lambda: load_data(call, (1, 1, 1), 2)) == f"{tmp_path}{message}"


def test_number_of_classes(tmp_path: Path) -> None:
    for name in ("a1", "a2", "b1", "b2"):
        picture(tmp_path / name[0] / f"{name}.png", [[0]])
    call = f"imagefolder:{tmp_path}"
    assert error(lambda: load_data(call, (1, 1, 1), 10)) == (
        f"the network has 10 outputs but {call} has 2 classes: set out_features of its last "
        "layer to 2 (or to 1)"
    )
    assert error(lambda: load_data(f"{call}/a/a1.png", (1, 1, 1), 2)) == (
        f"{tmp_path}/a/a1.png: no such folder"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no picture (PNG, JPEG, GIF, BMP, WebP, TIFF)"),
        (b"<html>", "no picture (PNG, JPEG, GIF, BMP, WebP, TIFF)"),
        (b"\x89PNG\r\n\x1a\n", "this picture cannot be read: "),
    ],
    ids=["empty", "page", "cut off"],
)
def test_bad_pictures_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    for name in ("a1", "a2", "b1", "b2"):
        picture(tmp_path / name[0] / f"{name}.png", [[0]])
    path = tmp_path / "b" / "b2.png"
    path.write_bytes(content)
    found = error(lambda: load_data(f"imagefolder:{tmp_path}", (1, 1, 1), 2))
    assert found.startswith(f"{path}: {message}")
    assert found.isprintable()


def test_a_picture_of_10_gigapixels(tmp_path: Path) -> None:
    """The size is in the header; the pixels, which would be a bomb, are not decoded."""
    body = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    header = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    pixels = struct.pack(">I", 1_000_000) + b"IDAT"
    for name in ("a1", "a2", "b1", "b2"):
        picture(tmp_path / name[0] / f"{name}.png", [[0]])
    (tmp_path / "a" / "a1.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + pixels)
    assert error(lambda: load_data(f"imagefolder:{tmp_path}", (1, 1, 1), 2)) == (
        f"{tmp_path}/a/a1.png: a picture may have 25,000,000 pixels, not more"
    )


def test_what_the_system_refuses_is_one_line() -> None:
    # Of a folder, its train is looked for first.
    assert error(lambda: load_data(f"imagefolder:{'a' * 300}", (1, 1, 1), 2)) == (
        f"{'a' * 190}… (306 characters): File name too long"
    )


def test_pipes_are_no_pictures(tmp_path: Path) -> None:
    for name in ("a1", "a2", "b1", "b2"):
        picture(tmp_path / name[0] / f"{name}.png", [[0]])
    os.mkfifo(tmp_path / "a" / "a0.png")
    found = load_data(f"imagefolder:{tmp_path}", (1, 1, 1), 2)
    assert len(found.train.labels) + len(found.test.labels) == 4


@given(data=st.data())
@thorough(100)
def test_damage_at_random(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    root = tmp_path_factory.getbasetemp() / "damaged_pictures"
    for name in ("a1", "a2", "b1", "b2"):
        picture(root / name[0] / f"{name}.png", [[0, 1], [2, 3]])
    file = io.BytesIO()
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"]))
    Image.linear_gradient("L").resize((8, 8)).save(file, kind)
    (root / "a" / "a1.png").write_bytes(damaged(data, file.getvalue()))
    refused_or_valid(lambda: load_data(f"imagefolder:{root}", (1, 2, 2), 2), [3, 1])
