"""Pictures of one's own: a folder for each class."""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import torch

from cnncalc.arrays import pictures as decoder
from cnncalc.arrays.source import MAX_BYTES
from cnncalc.data.fitting import Pictures, Source, held_out
from cnncalc.data.places import label
from cnncalc.errors import UsageError

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff")
"""How pictures are called; other files are left out."""

Classes = dict[str, list[Path]]
"""The pictures of each class, both in the order of their names."""


def source(path: str, seed: int) -> Source:
    """The pictures below `path`: its train/ and test/ (or val/), else all with a fifth held out.

    Raises UsageError where there is no such folder, or a class without pictures.
    """
    # A shell leaves the ~ of imagefolder:~/cats to us.
    root = Path(path).expanduser() if path.startswith("~/") else Path(path)
    # A folder called train that holds pictures only is a class, of vehicles perhaps.
    parts = [part for part in ("train", "test", "val") if _folders(root / part)]
    if "train" not in parts or len(parts) == 1:
        found = _classes(root / "train" if "train" in parts else root, least=2)
        read = partial(held_out, _pictures(found), len(found), seed, "pictures")
        return Source(tuple(map(label, found)), read)
    train, test = (_classes(root / part) for part in parts[:2])
    for name in sorted(train.keys() ^ test.keys()):
        there, missing = parts[:2] if name in train else parts[1::-1]
        raise UsageError(f"{label(root)}: {label(name)} is a class in {there}, not in {missing}")
    pictures, test_pictures = _pictures(train), _pictures(test)
    text = (
        f"{len(pictures.labels):,} training pictures from train and "
        f"{len(test_pictures.labels):,} test pictures from {parts[1]}"
    )
    return Source(tuple(map(label, train)), lambda: (pictures, test_pictures, text))


def _folders(path: Path) -> list[str]:
    """The folders in a folder by name, without hidden ones; none where there is no folder."""
    if not path.is_dir():
        return []
    with os.scandir(path) as entries:
        return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))


def _files(path: Path) -> list[Path]:
    """The pictures in a folder. Pipes and devices, which one would wait for, are none."""
    with os.scandir(path) as entries:
        names = [e.name for e in entries if e.name.lower().endswith(SUFFIXES) and e.is_file()]
    return [path / name for name in sorted(names) if not name.startswith(".")]


def _classes(root: Path, least: int = 1) -> Classes:
    """The classes of a folder, with at least so many pictures each."""
    if not root.is_dir():
        raise UsageError(f"{label(root)}: no such folder")
    found = {name: _files(root / name) for name in _folders(root)}
    if len(found) < 2:
        raise UsageError(
            f"{label(root)}: there must be a folder for each class, at least 2; found {len(found)}"
        )
    for name, files in found.items():
        if len(files) < least:
            why = " where there is no folder test or val" if least > 1 else ""
            raise UsageError(
                f"{label(root / name)}: a class needs at least {least} of {' '.join(SUFFIXES)}"
                f"{why}; found {len(files)}"
            )
    return found


def _pictures(found: Classes) -> Pictures:
    paths = [path for files in found.values() for path in files]
    labels = [number for number, files in enumerate(found.values()) for _ in files]
    return Pictures(torch.tensor(labels), partial(_decoded, paths))


def _decoded(paths: Sequence[Path], chosen: torch.Tensor) -> Iterator[torch.Tensor]:
    for index in chosen.tolist():
        yield _decode(paths[index])[None] / 255


def _decode(path: Path) -> torch.Tensor:
    """The bytes of a picture, (1 or 3, H, W). Raises UsageError for a damaged or huge one."""
    name = label(path)
    with open(path, "rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise UsageError(f"{name}: larger than {MAX_BYTES // 10**6} MB")
    if not decoder.is_picture(content):
        raise UsageError(f"{name}: no picture (PNG, JPEG, GIF, BMP, WebP, TIFF)")
    return torch.tensor(decoder.decode(content, name))
