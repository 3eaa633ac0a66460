"""A convolution or a pooling by hand, as a page: windows, their sums, the map, the gradients."""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice, product
from math import prod
from typing import NamedTuple

import numpy as np

from cnncalc.amounts import shape_text, sizes_text
from cnncalc.layers.base import times
from cnncalc.page import Block, Heading, Maths, Page, Picture, Prose, Working
from cnncalc.sliding import magnitude, matrix
from cnncalc.sliding.kernels import KERNELS, PAIRS
from cnncalc.sliding.matrix import decimal, exact, factor, maths
from cnncalc.sliding.slide import MAX_EXACT, Number, Slide, Step, Tap, size_formula
from cnncalc.sliding.sums import Array, reach

LISTED = 16
"""How many windows are written out where nobody asks for all."""
DRAWN = 4
"""How many windows, channels and filters are drawn where nobody asks for all."""
MAX_LISTED = 10_000
"""How many windows are written out where somebody asks for all."""
_MAX_TERMS = 62
"""How long a sum may be to be written out."""

_TITLES = {
    "sum": "Convolution",
    "max": "Max pooling",
    "mean": "Average pooling",
    "min": "Min pooling",
}


class Wanted(NamedTuple):
    """What of a slide is printed: one window (counted from 0), or all; drawn or only worked out."""

    window: tuple[int, int, int] | None = None
    drawn: bool = False
    all: bool = False
    names: Sequence[str] = ()
    """What the kernels are called."""


def page(slide: Slide, wanted: Wanted) -> list[Block]:
    """The windows and the map."""
    blocks: list[Block] = [Heading(_title(slide), 1), Working(list(_sizes(slide)))]
    blocks += map(Prose, [*_orientation(slide), *_warnings(slide)])
    if wanted.window is not None:
        return [*blocks, *_drawn(slide, slide.step(*wanted.window), wanted.names)]
    if not wanted.drawn:
        blocks += [Heading("First window"), *_pictures(slide, slide.step(0, 0, 0), wanted.names)]
        blocks += _other_kernels(slide, wanted.names)
    return [*blocks, *_windows(slide, wanted), *_map(slide, wanted)]


def _title(slide: Slide) -> str:
    windows, (_, *input) = slide.windows, slide.input.shape
    padding = sizes_text([[w.before, w.after] for w in windows])
    dilation = sizes_text([w.dilation for w in windows])
    of = "" if slide.padding_value is None else f" of {exact(slide.padding_value)}"
    said = [
        f"{_TITLES[slide.layer.reduces]} {times([w.kernel_size for w in windows])}",
        f"stride {sizes_text([w.stride for w in windows])}",
        "no padding" if padding == "0" else f"padding {padding}{of}",
        *([] if dilation == "1" else [f"dilation {dilation}"]),
        *(["flipped"] if slide.flipped else []),
        *(["ReLU"] if slide.relu else []),
    ]
    shapes = f"{shape_text(slide.input.shape)} → {shape_text(slide.output_shape)}"
    if len(slide.input) == slide.output_shape[0] == 1:
        shapes = f"{times(input)} → {times(slide.output_shape[1:])}"
    return f"{', '.join(said)}: {shapes}"


def _sizes(slide: Slide) -> Iterator[Sequence[Maths]]:
    """The size of the map along each axis; once where they are alike."""
    rows, columns = slide.windows
    named = {"size": rows} if rows == columns else {"height": rows, "width": columns}
    for name, window in named.items():
        yield [maths(name), maths(size_formula(window)), maths(str(window.output))]


def _orientation(slide: Slide) -> Iterator[str]:
    """Whether the kernels are turned: deep learning calls convolution what is none elsewhere."""
    if slide.kernel is None or slide.kernel[0, 0].size == 1:
        return
    several = len(slide.kernel) > slide.groups
    kernel = "kernels are" if several else "kernel is"
    if slide.flipped:
        yield f"The {kernel} flipped: turned by 180 degrees first, as mathematics convolves."
        return
    said = f"The {kernel} not flipped, as everywhere in deep learning (cross-correlation); "
    if np.array_equal(slide.kernel, slide.kernel[:, :, ::-1, ::-1]):
        they = "they are" if several else "it is"
        yield f"{said}here that makes no difference: turned by 180 degrees {they} the same."
    else:
        it = "them" if several else "it"
        yield f"{said}--flip turns {it} by 180 degrees first, as mathematics convolves."


def _warnings(slide: Slide) -> Iterator[str]:
    """Strides that do not fit, in the words of the table."""
    found: dict[str, list[str]] = {}
    for warning in slide.warnings:
        word = "warning" if warning.harms else "note"
        found.setdefault(warning.sentence, [word]).append(warning.axis)
    for message, (word, *axes) in found.items():
        yield f"{word}: {' and '.join(axes)}: {message}"


# Windows


def _windows(slide: Slide, wanted: Wanted) -> Iterator[Block]:
    """The windows one after another, and how many are left out."""
    # Windows that read much are fewer, so that all of them together stay as much work.
    most = min(MAX_LISTED, max(LISTED, MAX_EXACT // slide.taps))
    limit = most if wanted.all else DRAWN if wanted.drawn else LISTED
    steps = [slide.step(*p) for p in islice(product(*map(range, slide.output_shape)), limit)]
    if wanted.drawn:
        for step in steps:
            yield from _drawn(slide, step, wanted.names)
    else:
        yield Heading("Windows")
        yield Working([_working(slide, step) for step in steps])
        if _sums_channels(slide):
            bias = "" if slide.bias is None else ", then the bias"
            yield Prose(f"The summands are the channels{bias}; --window K,R,C shows the products.")
    left_out = prod(slide.output_shape) - len(steps)
    if left_out:
        more = "" if wanted.all else "; --all prints every one, --window R,C one of them"
        yield Prose(f"{left_out:,} more {'window' if left_out == 1 else 'windows'}{more}.")


def _drawn(slide: Slide, step: Step, names: Sequence[str]) -> Iterator[Block]:
    """One window: what it reads, the products, and their sum."""
    yield Heading(f"Window {_place(slide, step.map, step.row, step.column)}")
    yield from _pictures(slide, step, names, products=True)
    channels = _channels(step).items() if _sums_channels(slide) else ()
    sums = [
        [maths(f"channel {c + 1}"), maths(_sum(taps)), maths(exact(_total(taps)))]
        for c, taps in channels
    ]
    yield Working([*sums, _working(slide, step)])


def _sums_channels(slide: Slide) -> bool:
    return slide.kernel is not None and slide.kernel.shape[1] > 1


def _channels(step: Step) -> dict[int, list[Tap]]:
    """A window's taps by channel of the input."""
    found: dict[int, list[Tap]] = {}
    for tap in step.taps:
        found.setdefault(tap.channel, []).append(tap)
    return found


def _pictures(
    slide: Slide, step: Step, names: Sequence[str], products: bool = False
) -> Iterator[Block]:
    """The input of each channel, the window in brackets, and the kernel beside it."""
    channels = _channels(step)
    for channel, taps in islice(channels.items(), DRAWN):
        name = f"channel {channel + 1}" if len(slide.input) > 1 else "input"
        marked = {(tap.row, tap.column) for tap in taps}
        blocks = [(name, input_lines(slide, channel, marked, 44 if products else 56))]
        if slide.kernel is not None:
            title = f"kernel {names[step.map % len(names)]}".rstrip() if names else "kernel"
            blocks.append((title, array_lines(slide.kernel[step.map, taps[0].place[0]])))
        if products and slide.kernel is not None:
            width = slide.windows[1].kernel_size
            results = list(map(_product, taps))
            rows = [results[i : i + width] for i in range(0, len(results), width)]
            blocks.append(("products", array_lines(rows)))
        yield Picture(matrix.beside(*blocks))
    if len(channels) > DRAWN:
        yield Prose(f"{len(channels) - DRAWN:,} more channels are not drawn.")


def _other_kernels(slide: Slide, names: Sequence[str]) -> Iterator[Block]:
    """The kernels of the filters after the first, channel beside channel."""
    if slide.kernel is None:
        return
    filters = len(slide.kernel) // slide.groups
    for index, kernel in enumerate(slide.kernel[1 : min(filters, DRAWN)], 2):
        name = f"kernel {names[index - 1] or index if names else index}"
        several = [f", channel {c}" for c in range(1, len(kernel) + 1)] if len(kernel) > 1 else [""]
        shown = zip(several[:DRAWN], kernel[:DRAWN], strict=True)
        yield Picture(matrix.beside(*((name + c, array_lines(weights)) for c, weights in shown)))
    if filters > DRAWN:
        yield Prose(f"{filters - DRAWN:,} more kernels are not drawn.")


def input_lines(
    slide: Slide, channel: int, marked: Collection[tuple[int, ...]], max_width: int
) -> list[str]:
    """A channel of the input with its padding; `.` is padding that takes no part."""

    def cell(y: int, x: int) -> str:
        value = slide.read(channel, y, x)
        return "." if value is None else exact(value)

    rows, columns = [(-w.before, reach(w) - w.before) for w in slide.windows]
    _, height, width = slide.input.shape
    return matrix.matrix(cell, rows, columns, marked, (height, width), max_width)


def array_lines(
    values: Array | Sequence[Sequence[Number]], text: Callable[[Number], str] = exact
) -> list[str]:
    """A matrix (height, width) as lines."""
    sizes = (0, len(values)), (0, len(values[0]))
    return matrix.matrix(lambda y, x: text(values[y][x]), *sizes)


# What a window gives, as a formula


def _working(slide: Slide, step: Step) -> list[Maths]:
    """`y(1,1) = 1·1 + 1·0 + … = 4`."""
    values = [tap.value for tap in step.taps if tap.value is not None]
    if slide.kernel is not None:
        channels = _channels(step).values()
        summands = [_term(tap) for tap in step.taps]
        if len(channels) > 1:
            summands = [factor(_total(taps)) for taps in channels]
        if step.bias is not None:
            summands.append(factor(step.bias))
        total = shortened(summands, " + ")
    elif slide.layer.reduces == "mean":
        total = f"({shortened(list(map(factor, values)), ' + ')})/{step.divisor}"
    else:
        total = f"{slide.layer.reduces}({shortened(list(map(exact, values)), ', ')})"
    terms = [total, result(step.total)]
    if slide.relu:
        terms = [f"max(0, {total})", f"max(0, {exact(step.total)})", result(step.value)]
    name = f"y({_place(slide, step.map, step.row, step.column)})"
    return [maths(term) for term in dict.fromkeys((name, *terms))]


def result(value: Number) -> str:
    """The number, and where it is a fraction its decimals as well: `4/3 = 1.3333…`."""
    return " = ".join(dict.fromkeys((exact(value), decimal(value))))


def shortened(terms: Sequence[str], sign: str) -> str:
    """The terms with a sign between them; of many the first and the last."""
    whole = sign.join(terms)
    if len(whole) <= _MAX_TERMS:
        return whole
    first = 0
    while len(sign.join([*terms[: first + 1], "…", terms[-1]])) <= _MAX_TERMS:
        first += 1
    return sign.join([*terms[:first], "…", terms[-1]])


def _term(tap: Tap) -> str:
    return f"{factor(tap.value or 0)}·{factor(tap.weight or 0)}"


def _sum(taps: Sequence[Tap]) -> str:
    return shortened([_term(tap) for tap in taps], " + ")


def _product(tap: Tap) -> Number:
    return (tap.value or 0) * (tap.weight or 0)


def _total(taps: Sequence[Tap]) -> Number:
    return sum(map(_product, taps))


def _place(slide: Slide, *place: int) -> str:
    """`1,1`: row and column from 1, and before them the map where there are several."""
    several = slide.output_shape[0] > 1
    return ",".join(str(position + 1) for position in place[0 if several else 1 :])


# The map


def map_name(slide: Slide, names: Sequence[str], index: int) -> str:
    """What a map is: `map 2: sobel-x, channel 1`; nothing where there is only one."""
    if slide.output_shape[0] == 1:
        return ""
    parts = [names[index % len(names)] if names and slide.kernel is not None else ""]
    if slide.groups > 1:
        parts.append(f"channel {index // (slide.output_shape[0] // slide.groups) + 1}")
    said = ", ".join(filter(None, parts))
    return f"map {index + 1}" + (f": {said}" if said else "")


def _map(slide: Slide, wanted: Wanted) -> Iterator[Block]:
    """The result, map by map."""
    yield Heading("Map" if slide.output_shape[0] == 1 else "Maps")
    if not slide.is_exact:
        yield Prose("Too large to be computed exactly; -o out.png writes it as a picture.")
        return
    shown = list(slide.map) if wanted.all else list(slide.map[:DRAWN])
    drawn = [array_lines(values, decimal) for values in shown]
    for index, lines in enumerate(drawn):
        yield Picture([*filter(None, [map_name(slide, wanted.names, index)]), *lines])
    if len(drawn) < len(slide.map):
        yield Prose(f"{len(slide.map) - len(drawn):,} more maps; --all prints all of them.")
    if any(map(matrix.is_cut, drawn)):
        yield Prose("Too large to be shown whole; --format csv prints all of it.")
    if slide.magnitude is not None:
        many = len(slide.magnitude) if wanted.all else DRAWN
        yield from magnitude.blocks(slide.map, slide.magnitude, many)


def kernel_page() -> Page:
    """Every kernel that has a name."""
    blocks: list[Block] = []
    for name, kernel in KERNELS.items():
        by = f"; all divided by {kernel.divisor:,}" if kernel.divisor > 1 else ""
        said = kernel.purpose + "; a weight for each channel" * kernel.channels + by
        blocks += [Heading(name), Prose(said), Picture(array_lines(kernel.numbers))]
    for name, (across, down) in PAIRS.items():
        said = f"the gradient's magnitude: √(x² + y²) of {across} and {down}"
        blocks += [Heading(name), Prose(said)]
    return blocks
