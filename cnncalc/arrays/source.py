"""What an option names: numbers typed, a file of numbers, a picture, standard input."""

import os
import sys
from typing import Any

import numpy.typing as npt

from cnncalc.arrays import numbers, pictures
from cnncalc.errors import UsageError, printable, shorten

MAX_BYTES = 100_000_000
"""The largest picture that is read, as a file."""
MAX_TEXT = 16_000_000
"""The largest file of numbers."""

Array = npt.NDArray[Any]


def read(value: str, option: str) -> Array:
    """The array that `value` names: numbers as one types them, a path, or `-`.

    Numbers are objects, pictures bytes. Raises UsageError; messages name the `option` or the file.
    """
    if value == "-":
        return _parsed(sys.stdin.buffer.read(MAX_BYTES + 1), "stdin")
    if numbers.looks_typed(value):
        return numbers.read(value, option)
    label = printable(shorten(value, 200)) or f'{option} ""'
    try:
        with open(value, "rb") as file:
            return _parsed(file.read(MAX_BYTES + 1), label)
    except ValueError:
        raise UsageError(f"{label}: no such file") from None
    except OSError as error:
        raise UsageError(f"{label}: {error.strerror or error}") from None


def exists(value: str) -> bool:
    """Whether there is a file of that name."""
    return value != "" and os.path.lexists(value)


def _parsed(content: bytes, label: str) -> Array:
    if pictures.is_picture(content):
        if len(content) > MAX_BYTES:
            raise UsageError(f"{label}: larger than {MAX_BYTES // 10**6} MB")
        return pictures.decode(content, label)
    if len(content) > MAX_TEXT:
        raise UsageError(f"{label}: larger than {MAX_TEXT // 10**6} MB; give fewer numbers")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(
            f"{label}: neither a picture (PNG, JPEG, GIF, BMP, WebP, TIFF) nor numbers in UTF-8"
        ) from None
    return numbers.read(text, label)
