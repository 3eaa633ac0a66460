"""Pictures as arrays of bytes, (channels, height, width), and arrays as PNG. Needs Pillow."""

import io
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from cnncalc.errors import UsageError, missing, printable

MAX_PIXELS = 25_000_000
"""The most pixels of one picture."""

_FORMATS = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"RIFF": "WEBP",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
}
"""How the files of each format start."""


def is_picture(content: bytes) -> bool:
    """Whether a file starts as a picture does."""
    return _format(content) is not None


def _format(content: bytes) -> str | None:
    return next((name for start, name in _FORMATS.items() if content.startswith(start)), None)


def decode(content: bytes, label: str) -> npt.NDArray[np.uint8]:
    """The bytes of a picture: one channel where it is grey, else red, green and blue.

    Transparency is left out. Raises UsageError for what is too large or cannot be read.
    """
    Image = _pillow(label)
    try:
        with warnings.catch_warnings():
            # A large picture is refused below, with its size.
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(content), formats=[_format(content)])
            width, height = image.size
            if width * height <= MAX_PIXELS:
                from PIL import ImageOps

                image.load()
                return _bytes(ImageOps.exif_transpose(image))
    except Image.DecompressionBombError:
        raise UsageError(f"{label}: a picture may have {MAX_PIXELS:,} pixels, not more") from None
    except MemoryError:
        raise
    except Exception as error:
        # Decoders of damaged files raise whatever they come upon.
        reason = printable(str(error)[:100]).partition(" <_io.")[0] or type(error).__name__
        raise UsageError(f"{label}: this picture cannot be read: {reason}") from None
    raise UsageError(
        f"{label}: {height:,}×{width:,} pixels; a picture may have {MAX_PIXELS:,}: make it smaller"
    )


def _bytes(image: Any) -> npt.NDArray[np.uint8]:
    if image.mode.startswith("I;16"):
        return (np.asarray(image) >> 8).astype(np.uint8)[None]
    grey = image.mode in ("1", "L", "LA", "La")
    values = np.asarray(image.convert("L" if grey else "RGB"))
    return values[None] if grey else values.transpose(2, 0, 1)


def encode(pixels: npt.NDArray[np.uint8]) -> bytes:
    """PNG of (height, width) or (3, height, width) bytes."""
    Image = _pillow("-o")
    image = Image.fromarray(pixels if pixels.ndim == 2 else np.moveaxis(pixels, 0, -1))
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


def _pillow(label: str) -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise missing(f"{label}: pictures need", "Pillow", "image") from None
    return Image
