"""Where the files of published data sets are looked for, and how one is read."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from cnncalc.errors import UsageError, printable, shorten

NAMES = ("digits", "fashion-mnist", "mnist", "cifar10", "imagefolder:PATH", "synthetic")
"""The data sets that there are."""
DEBIAN = Path("/usr/share/datasets")
"""Where Debian's packages of data sets install them."""
MAX_BYTES = 2_000_000_000
"""The most bytes of one file, unpacked."""
_CHUNK = 1 << 20


class Place(NamedTuple):
    """A folder, and the files that were found there by what they hold."""

    folder: Path
    files: dict[str, Path]


def roots(folder: Path | None) -> list[Path]:
    """The folders that may hold data sets: what the user says, else the places to look at."""
    looked_at = [Path(os.environ.get("CNNCALC_DATA") or "data"), DEBIAN]
    return looked_at if folder is None else [folder]


def find(
    roots: Sequence[Path],
    parts: Sequence[str],
    wanted: Mapping[str, Sequence[str]],
    missing_from: Callable[[Sequence[Path]], str],
) -> Place:
    """The first part of a root with one of the files, each under one of its names.

    Raises UsageError where others are missing there, and with `missing_from` where all are.
    """
    for folder in (root / part for root in roots for part in parts):
        present = {
            key: path
            for key, names in wanted.items()
            if (path := next((folder / n for n in names if (folder / n).is_file()), None))
        }
        missing = [names[0] for key, names in wanted.items() if key not in present]
        if present and missing:
            raise UsageError(f"{label(folder)}: {' and '.join(missing)} missing")
        if present:
            return Place(folder, present)
    raise UsageError(missing_from(roots))


def listed(folders: Sequence[Path]) -> str:
    """The folders as a message names them."""
    return " or ".join(map(label, folders))


def label(path: Path | str) -> str:
    """A path as a message names it: on one line, not too long."""
    return printable(shorten(str(path), 200))


def read(file: BinaryIO, size: int) -> bytearray:
    """`size` bytes of a file, or what there is; one more where there are more.

    Takes memory for what is there only, whatever `size` is.
    """
    content = bytearray()
    while piece := file.read(min(_CHUNK, size + 1 - len(content))):
        content += piece
    return content
