"""Figures that hold no more and no less than they must: tiles of pixels in rows, and texts."""

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager

Pixels = npt.NDArray[np.uint8]
"""(height, width, 3): red, green and blue."""

DPI = 100
WIDTH = 1056
"""How wide a sheet gets, in pixels."""
_MARGIN, _GAP = 16, 8
_FRAME = 200
"""The grey of a line around every tile: white ones have an edge too."""
_TITLE, _BAND, _CAPTION = 12.0, 9.0, 7.5
"""Sizes of letters, in points."""
_WIDE = ("Noto Sans CJK KR", "NanumGothic", "Malgun Gothic", "Apple SD Gothic Neo", "Noto Sans")
"""Fonts for letters that matplotlib's own lacks, where one is installed."""


class Tile(NamedTuple):
    """A picture, and the lines under it."""

    pixels: Pixels
    caption: Sequence[str] = ()


class Band(NamedTuple):
    """Tiles that belong together, with a title above them or to their left."""

    title: str
    tiles: Sequence[Tile]
    beside: bool = False


class Text(NamedTuple):
    """A line at its place: x is its left edge or its middle, y its top."""

    x: float
    y: float
    text: str
    size: float
    bold: bool = False
    centred: bool = False


class Layout:
    """Fills a page from top to bottom, in pixels from its upper left corner."""

    def __init__(self) -> None:
        self.texts: list[Text] = []
        self.pictures: list[tuple[float, float, Pixels]] = []
        self.right, self.y = 0.0, float(_MARGIN)

    def prose(self, text: str, size: float, bold: bool = False) -> None:
        """A paragraph over the whole width."""
        for line in _wrapped(text, size, bold, WIDTH - 2 * _MARGIN):
            self.texts.append(Text(_MARGIN, self.y, line, size, bold))
            self.right = max(self.right, _MARGIN + text_width(line, size, bold))
            self.y += _height(size)

    def band(self, band: Band, left: float) -> None:
        """A band: its tiles in as many rows as they take, in columns of one width."""
        top = self.y
        if band.beside:
            lines = _wrapped(band.title, _BAND, True, left - _MARGIN)
            self.texts += [
                Text(_MARGIN, top + i * _height(_BAND), line, _BAND, True)
                for i, line in enumerate(lines)
            ]
        elif band.title:
            self.prose(band.title, _BAND, True)
            self.y += 2
        slot = max(map(_slot, band.tiles)) + _GAP
        columns = max(1, int((WIDTH - _MARGIN - left + _GAP) // slot))
        for start in range(0, len(band.tiles), columns):
            row = band.tiles[start : start + columns]
            height = max(tile.pixels.shape[0] for tile in row)
            for place, tile in enumerate(row):
                width = tile.pixels.shape[1]
                middle = left + place * slot + (slot - _GAP) / 2
                # Without captions tiles stand at the left, under their title.
                x = round(middle - width / 2) if tile.caption else left + place * slot
                self.pictures.append((x, self.y, tile.pixels))
                for i, line in enumerate(tile.caption):
                    y = self.y + height + 2 + i * _height(_CAPTION)
                    self.texts.append(Text(middle, y, line, _CAPTION, centred=True))
            self.right = max(self.right, left + len(row) * slot - _GAP)
            lines_under = max(len(tile.caption) for tile in row)
            self.y += height + lines_under * _height(_CAPTION) + _GAP
        if band.beside:
            self.y = max(self.y, top + len(lines) * _height(_BAND) + _GAP)
        else:
            self.y += 4

    def figure(self) -> Figure:
        """Everything at its place, and the page as large as that."""
        width, height = round(self.right) + _MARGIN, round(self.y - _GAP) + _MARGIN
        figure = blank_figure(width, height)
        # One image of all: each of its own would take as long as the whole.
        paper = np.full((height, width, 3), 255, np.uint8)
        for x, y, pixels in self.pictures:
            high, wide, _ = pixels.shape
            left, top = round(x), round(y)
            paper[top - 1 : top + high + 1, left - 1 : left + wide + 1] = _FRAME
            paper[top : top + high, left : left + wide] = pixels
        figure.figimage(paper)
        for text in self.texts:
            figure.text(
                text.x / width,
                1 - text.y / height,
                text.text,
                # A dollar sign is one.
                parse_math=False,
                ha="center" if text.centred else "left",
                va="top",
                fontsize=text.size,
                fontweight="bold" if text.bold else "normal",
            )
        return figure


def tiled_figure(title: str, bands: Sequence[Band], note: str) -> Figure:
    """A title, a paragraph and bands of tiles; nothing is cut and nothing overlaps."""
    return laid_out(title, bands, note).figure()


def laid_out(title: str, bands: Sequence[Band], note: str) -> Layout:
    """Where everything of a sheet is."""
    page = Layout()
    page.prose(title, _TITLE, bold=True)
    page.y += 2
    page.prose(note, _BAND)
    page.y += _GAP
    beside = [text_width(band.title, _BAND, True) for band in bands if band.beside]
    for band in bands:
        aside = min(max(beside), WIDTH / 4) + 2 * _GAP if band.beside else 0
        page.band(band, _MARGIN + round(aside))
    return page


def blank_figure(width: float, height: float, **how: Any) -> Figure:
    """An empty figure of so many pixels, on a canvas of its own."""
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, **how)
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as a file that says nothing of who wrote it, or when."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    return file.getvalue()


@contextmanager
def style() -> Iterator[None]:
    """While it is open figures look the same for everyone, and letters without a font are boxes."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        installed = {font.name for font in fontManager.ttflist}
        families = ["DejaVu Sans", *(name for name in _WIDE if name in installed)]
        matplotlib.rcParams.update({"font.family": families, "axes.formatter.useoffset": False})
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        yield


@cache
def _ruler() -> Any:
    return FigureCanvasAgg(Figure(dpi=DPI)).get_renderer()  # type: ignore[no-untyped-call]


def text_width(text: str, size: float, bold: bool = False) -> float:
    """How wide a line is, in pixels."""
    font = FontProperties(size=size, weight="bold" if bold else "normal")
    width, _, _ = _ruler().get_text_width_height_descent(text, font, False)
    return float(width)


def _height(size: float) -> float:
    """From one line to the next."""
    return float(round(size * DPI / 72 * 1.3))


def _slot(tile: Tile) -> float:
    """How wide a tile is with what stands under it."""
    under = [round(text_width(line, _CAPTION)) + 1 for line in tile.caption]
    return float(max(tile.pixels.shape[1], *under, 0))


def _wrapped(text: str, size: float, bold: bool, room: float) -> list[str]:
    """Lines of words that fit; a word that is too long stays whole."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_width(longer, size, bold) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
