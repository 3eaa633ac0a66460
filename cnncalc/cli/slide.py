"""`cnncalc slide`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cnncalc.arrays import numbers, pictures, source
from cnncalc.cli.output import FormatOption, parse_value, write_file, write_page, write_text
from cnncalc.errors import UsageError, printable, shown, suggestion
from cnncalc.slide.kernels import KERNELS, OTHER_NAMES, known_name
from cnncalc.slide.layer import slide
from cnncalc.slide.levels import Levels, toned
from cnncalc.slide.page import Wanted, kernel_page, page
from cnncalc.slide.slide import Slide

# The examples of the lecture: a map and a kernel, and the map that is pooled.
_MAP = "1 1 1 0 0; 0 1 1 1 0; 0 0 1 1 1; 0 0 1 1 0; 0 1 1 0 0"
_KERNEL = "1 0 1; 0 1 0; 1 0 1"
_POOLED = "13 20 30 0; 8 12 3 0; 34 70 33 5; 111 80 10 23"

_PICTURES = (".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff")


def _names(incomplete: str) -> list[str]:
    return [name for name in KERNELS if name.startswith(incomplete)]


def run(
    input: Annotated[
        str | None,
        typer.Option(
            "--input",
            "-i",
            metavar="NUMBERS|FILE",
            help="The map: rows like '1 2; 3 4' (channels behind |), JSON lists, a CSV, JSON or "
            "picture file, or - for standard input.",
        ),
    ] = None,
    kernel: Annotated[
        list[str] | None,
        typer.Option(
            "--kernel",
            "-k",
            metavar="NUMBERS|FILE|NAME",
            help="The kernel, or its name (--kernels lists them); repeat it for more filters.",
            autocompletion=_names,
        ),
    ] = None,
    max_pool: Annotated[
        str | None, typer.Option(metavar="SIZE", help="The largest of each window: 2, 2x3.")
    ] = None,
    avg_pool: Annotated[str | None, typer.Option(metavar="SIZE", help="The mean of each.")] = None,
    min_pool: Annotated[
        str | None, typer.Option(metavar="SIZE", help="The smallest of each.")
    ] = None,
    stride: Annotated[str | None, typer.Option(metavar="S", help="Step: 2, 2x1.")] = None,
    padding: Annotated[
        str, typer.Option(metavar="P", help="A number, same, valid, 1x2 or [[before, after], …].")
    ] = "0",
    padding_value: Annotated[
        str | None, typer.Option(metavar="X", help="What the padding holds instead of 0.")
    ] = None,
    dilation: Annotated[str, typer.Option(metavar="D", help="Distance between taps.")] = "1",
    bias: Annotated[
        str | None, typer.Option(metavar="B", help="Added to each sum: one, or one a filter: 1,2.")
    ] = None,
    activation: Annotated[
        Literal["relu"] | None, typer.Option(help="What each sum goes through.")
    ] = None,
    ceil_mode: Annotated[
        bool, typer.Option("--ceil-mode", help="Round the size of a pooled map up.")
    ] = False,
    count_include_pad: Annotated[
        bool, typer.Option(help="Whether padding counts in a mean.")
    ] = True,
    backward: Annotated[
        bool, typer.Option("--backward", help="The gradients of input, kernel and bias as well.")
    ] = False,
    upstream: Annotated[
        str | None,
        typer.Option(metavar="NUMBERS|FILE", help="The gradient of the map; else 1 everywhere."),
    ] = None,
    step: Annotated[bool, typer.Option("--step", help="Draw window after window.")] = False,
    window: Annotated[
        str | None,
        typer.Option(metavar="[K,]R,C", help="One window alone: row and column, from 1."),
    ] = None,
    all: Annotated[bool, typer.Option("--all", help="Every window, however many.")] = False,
    kernels: Annotated[
        bool, typer.Option("--kernels", help="List the kernels that have a name.")
    ] = False,
    levels: Annotated[
        Levels | None,
        typer.Option(
            help="How values become the bytes of a picture. Usual: absolute for kernels that sum "
            "to 0, else clip."
        ),
    ] = None,
    format: FormatOption = "text",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write to this file; as a picture if it ends in .png."),
    ] = None,
) -> None:
    """A convolution or a pooling by hand: each window, its sum, the map, the gradients."""
    if kernels:
        if format == "csv" or format == "json":
            raise UsageError(f"--kernels has no {format}; it is a page")
        write_page(kernel_page(), format, output)
        return
    pools = {"max_pool": max_pool, "avg_pool": avg_pool, "min_pool": min_pool}
    pool, size = _one_of(pools, kernel)
    if input is not None and pool is None and not kernel:
        raise UsageError("nothing to slide: give --kernel, --max-pool, --avg-pool or --min-pool")
    read = [_kernel(text) for text in kernel or ([] if pool else [_KERNEL])]
    found = slide(
        source.read((_POOLED if pool else _MAP) if input is None else input, "--input"),
        [weights for weights, _ in read],
        pool,
        None if size is None else parse_value(size),
        stride=None if stride is None else parse_value(stride),
        padding=parse_value(padding),
        dilation=parse_value(dilation),
        bias=None if bias is None else list(numbers.read(bias, "--bias").ravel()),
        padding_value=None if padding_value is None else _number(padding_value, "--padding-value"),
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
        relu=activation is not None,
    )
    if output is not None and output.suffix.lower() in (".png", *_PICTURES):
        _write_picture(found, levels, output)
        return
    names = [name for weights, name in read for _ in range(_filters(weights))]
    wanted = Wanted(_place(window, found), step, all, names if any(names) else ())
    gradients = None
    if backward or upstream is not None:
        given = None if upstream is None else source.read(upstream, "--upstream")
        gradients = found.gradients(given)
    if format == "json":
        from cnncalc.slide.data import as_dict

        data = as_dict(found, wanted, gradients)
        write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", output)
    elif format == "csv":
        from cnncalc.slide.data import comma_separated

        write_text(comma_separated(found), output)
    else:
        blocks = page(found, wanted)
        if gradients is not None:
            from cnncalc.slide import gradients_page as slide_gradients

            blocks += slide_gradients.backward(found, gradients, wanted.all)
        write_page(blocks, format, output)


def _one_of(pools: dict[str, str | None], kernel: Sequence[str] | None) -> tuple[str | None, Any]:
    """The pooling that was asked for and its size, if any."""
    given = [(word, size) for word, size in pools.items() if size is not None]
    if len(given) > 1 or (given and kernel):
        options = [f"--{word.replace('_', '-')}" for word, _ in given] + ["--kernel"] * bool(kernel)
        raise UsageError(f"{' and '.join(options)} exclude each other")
    return given[0] if given else (None, None)


def _kernel(text: str) -> tuple[source.Array, str]:
    """A kernel and its name, if it has one. A file of that name wins over a known name."""
    known = known_name(text)
    if known is not None and not source.exists(text):
        return numbers.array(KERNELS[known].weights, known), known
    if known is None and not (text == "-" or numbers.looks_typed(text) or source.exists(text)):
        hint = suggestion(text, [*KERNELS, *OTHER_NAMES]) or "; --kernels lists them"
        raise UsageError(f"--kernel {shown(text)}: no such file, and no kernel of that name{hint}")
    return source.read(text, "--kernel"), ""


def _filters(weights: source.Array) -> int:
    return len(weights) if weights.ndim == 4 else 1


def _number(text: str, option: str) -> Any:
    try:
        return numbers.number(text)
    except ValueError as error:
        raise UsageError(f"{option}: {printable(str(error))}") from None


def _place(window: str | None, found: Slide) -> tuple[int, int, int] | None:
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


def _write_picture(found: Slide, levels: Levels | None, output: Path) -> None:
    """The maps as PNG, and a line that says what became of their values."""
    if output.suffix.lower() != ".png":
        raise UsageError(f"{printable(str(output))}: pictures are written as PNG; call it .png")
    picture = toned(found, levels)
    write_file(output, pictures.encode(picture.pixels))
    *_, height, width = picture.pixels.shape
    cut = f", {picture.cut:,} of {picture.values:,} values cut" if picture.cut else ""
    colour = "colour" if picture.pixels.ndim == 3 else "grey"
    text = f"{printable(str(output))}: {width}×{height}, {colour}, levels: {picture.levels}{cut}"
    print(text, file=sys.stderr)
