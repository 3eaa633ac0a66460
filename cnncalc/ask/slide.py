"""A convolution or a pooling by hand, over numbers that are given."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from cnncalc.arrays import numbers, pictures, source
from cnncalc.ask import known, parse
from cnncalc.ask.option import DataFormatOption, Option
from cnncalc.ask.request import Answer, Request, as_json
from cnncalc.errors import UsageError, printable, shown, suggestion
from cnncalc.sliding.kernels import KERNELS, OTHER_NAMES, PAIRS, known_name
from cnncalc.sliding.layer import slide
from cnncalc.sliding.levels import Levels, toned
from cnncalc.sliding.page import Wanted, kernel_page, page
from cnncalc.sliding.slide import Slide as Slid

# The examples of the lecture: a map and a kernel, and the map that is pooled.
_MAP = "1 1 1 0 0; 0 1 1 1 0; 0 0 1 1 1; 0 0 1 1 0; 0 1 1 0 0"
_KERNEL = "1 0 1; 0 1 0; 1 0 1"
_POOLED = "13 20 30 0; 8 12 3 0; 34 70 33 5; 111 80 10 23"


class Named(NamedTuple):
    """What slides, and the names of its kernels; empty where they have none."""

    slide: Slid
    names: list[str]


@dataclass(frozen=True, kw_only=True)
class Slide(Request[Named | None]):
    """A convolution or a pooling by hand: each window, its sum, the map, the gradients."""

    endings = dict.fromkeys(
        (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff"), "png"
    )

    input: Annotated[
        str | None,
        Option(
            "The map: rows like '1 2; 3 4' (channels behind |), JSON lists, a CSV, JSON or "
            "picture file, or - for standard input.",
            ("--input", "-i"),
            metavar="NUMBERS|FILE",
        ),
    ] = None
    kernel: Annotated[
        Sequence[str],
        Option(
            "The kernel, or its name (--kernels lists them); repeat it for more filters.",
            ("--kernel", "-k"),
            metavar="NUMBERS|FILE|NAME",
            words=known.KERNELS,
            repeated=True,
        ),
    ] = ()
    flip: Annotated[
        bool, Option("Turn the kernel by 180 degrees first, as mathematics convolves.")
    ] = False
    max_pool: Annotated[
        str | None, Option("The largest of each window: 2, 2x3.", metavar="SIZE")
    ] = None
    avg_pool: Annotated[str | None, Option("The mean of each.", metavar="SIZE")] = None
    min_pool: Annotated[str | None, Option("The smallest of each.", metavar="SIZE")] = None
    stride: Annotated[str | None, Option("Step: 2, 2x1.", metavar="S")] = None
    padding: Annotated[
        str, Option("A number, same, valid, 1x2 or [[before, after], …].", metavar="P")
    ] = "0"
    padding_value: Annotated[
        str | None, Option("What the padding holds instead of 0.", metavar="X")
    ] = None
    dilation: Annotated[str, Option("Distance between taps.", metavar="D")] = "1"
    bias: Annotated[
        str | None, Option("Added to each sum: one, or one a filter: 1,2.", metavar="B")
    ] = None
    activation: Annotated[str | None, Option("What each sum goes through.", choices=("relu",))] = (
        None
    )
    ceil_mode: Annotated[bool, Option("Round the size of a pooled map up.")] = False
    count_include_pad: Annotated[bool, Option("Whether padding counts in a mean.")] = True
    backward: Annotated[bool, Option("The gradients of input, kernel and bias as well.")] = False
    upstream: Annotated[
        str | None,
        Option("The gradient of the map; else 1 everywhere.", metavar="NUMBERS|FILE"),
    ] = None
    step: Annotated[bool, Option("Draw window after window.")] = False
    window: Annotated[
        str | None, Option("One window alone: row and column, from 1.", metavar="[K,]R,C")
    ] = None
    all: Annotated[bool, Option("Every window, however many.")] = False
    kernels: Annotated[bool, Option("List the kernels that have a name.")] = False
    levels: Annotated[
        Levels | None,
        Option(
            "How values become the bytes of a picture. Usual: absolute for kernels that sum "
            "to 0, else clip.",
            choices=("clip", "absolute", "stretch"),
        ),
    ] = None
    format: DataFormatOption = "text"
    """Beside these `png`, where a file is to be one."""

    def find(self) -> Named | None:
        if self.kernels:
            if self.format in ("csv", "json", "png"):
                raise UsageError(f"--kernels has no {self.format}; it is a page")
            return None
        pool, size = self._pool()
        if self.input is not None and pool is None and not self.kernel:
            raise UsageError(
                "nothing to slide: give --kernel, --max-pool, --avg-pool or --min-pool"
            )
        given = list(self.kernel) or ([] if pool else [_KERNEL])
        pair = PAIRS.get(known_name(given[0]) or "") if len(given) == 1 else None
        pair = None if pair and source.exists(given[0]) else pair
        if pair and (self.backward or self.upstream is not None):
            raise UsageError(
                f"--backward is of maps, not of their magnitude: give --kernel {pair[0]} --kernel "
                f"{pair[1]}"
            )
        read = [_kernel(text) for text in pair or given]
        names = [name for weights, name in read for _ in range(_filters(weights))]
        value = self.padding_value
        found = slide(
            source.read(
                (_POOLED if pool else _MAP) if self.input is None else self.input, "--input"
            ),
            [weights for weights, _ in read],
            pool,
            None if size is None else parse.value(size),
            stride=None if self.stride is None else parse.value(self.stride),
            padding=parse.value(self.padding),
            dilation=parse.value(self.dilation),
            bias=None if self.bias is None else list(numbers.read(self.bias, "--bias").ravel()),
            padding_value=None if value is None else _number(value, "--padding-value"),
            ceil_mode=self.ceil_mode,
            count_include_pad=self.count_include_pad,
            relu=self.activation is not None,
            flip=self.flip,
            is_gradient=pair is not None,
        )
        return Named(found, names if any(names) else [])

    def results(self, found: Named | None) -> list[Slid]:
        return [found.slide] if found else []

    def answer(self, found: Named | None) -> Answer:
        if found is None:
            return Answer(kernel_page(), self.format)
        slid, names = found
        if self.format == "png":
            return _picture(slid, self.levels)
        wanted = Wanted(_place(self.window, slid), self.step, self.all, names)
        gradients = None
        if self.backward or self.upstream is not None:
            upstream = self.upstream
            given = None if upstream is None else source.read(upstream, "--upstream")
            gradients = slid.gradients(given)
        if self.format == "json":
            from cnncalc.sliding.data import as_dict

            return Answer(as_json(as_dict(slid, wanted, gradients)))
        if self.format == "csv":
            from cnncalc.sliding.data import comma_separated

            return Answer(comma_separated(slid))
        blocks = page(slid, wanted)
        if gradients is not None:
            from cnncalc.sliding import gradients_page

            blocks += gradients_page.backward(slid, gradients, wanted.all)
        return Answer(blocks, self.format)

    def _pool(self) -> tuple[str | None, Any]:
        """The pooling that is asked for and its size, if any."""
        words = ("max_pool", "avg_pool", "min_pool")
        given = [(word, size) for word in words if (size := getattr(self, word)) is not None]
        if len(given) > 1 or (given and self.kernel):
            options = [f"--{word.replace('_', '-')}" for word, _ in given]
            options += ["--kernel"] * bool(self.kernel)
            raise UsageError(f"{' and '.join(options)} exclude each other")
        return given[0] if given else (None, None)


def _kernel(text: str) -> tuple[source.Array, str]:
    """A kernel and its name, if it has one. A file of that name wins over a known name."""
    known = known_name(text)
    if known in PAIRS and not source.exists(text):
        raise UsageError(f"--kernel {known} stands for {' and '.join(PAIRS[known])}; give it alone")
    if known is not None and not source.exists(text):
        return numbers.array(KERNELS[known].weights, known), known
    if known is None and not (text == "-" or numbers.looks_typed(text) or source.exists(text)):
        hint = suggestion(text, [*KERNELS, *PAIRS, *OTHER_NAMES]) or "; --kernels lists them"
        raise UsageError(f"--kernel {shown(text)}: no such file, and no kernel of that name{hint}")
    return source.read(text, "--kernel"), ""


def _filters(weights: source.Array) -> int:
    return len(weights) if weights.ndim == 4 else 1


def _number(text: str, option: str) -> Any:
    try:
        return numbers.number(text)
    except ValueError as error:
        raise UsageError(f"{option}: {printable(str(error))}") from None


def _place(window: str | None, found: Slid) -> tuple[int, int, int] | None:
    """The window that `--window` names, counted from 0."""
    if window is None:
        return None
    parts = window.split(",")
    maps, rows, columns = found.output_shape
    whole = all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts)
    if not whole or len(parts) not in (2, 3):
        raise UsageError(f"--window takes row,column or map,row,column from 1, not {shown(window)}")
    place = [int(part) for part in parts]
    place = [1, *place] if len(place) == 2 else place
    for name, number, most in zip(("map", "row", "column"), place, found.output_shape, strict=True):
        if not 1 <= number <= most:
            raise UsageError(
                f"--window {window}: there is no {name} {number}; the result has {maps} "
                f"{'map' if maps == 1 else 'maps'} of {rows} rows and {columns} columns"
            )
    return place[0] - 1, place[1] - 1, place[2] - 1


def _picture(found: Slid, levels: Levels | None) -> Answer:
    """The maps as PNG, and a line that says what became of their values."""
    picture = toned(found, levels)
    *_, height, width = picture.pixels.shape
    cut = f", {picture.cut:,} of {picture.values:,} values cut" if picture.cut else ""
    colour = "colour" if picture.pixels.ndim == 3 else "grey"
    note = f"{height}×{width}, {colour}, levels: {picture.levels}{cut}"
    return Answer("", picture=pictures.encode(picture.pixels), notes=(note,))
