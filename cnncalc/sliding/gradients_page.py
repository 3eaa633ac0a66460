"""The backward pass of a slide, as part of its page: each gradient with the sum that it is."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import islice, product

from cnncalc.page import Block, Grid, Heading, Maths, Picture, Prose, Working
from cnncalc.sliding.matrix import MAX_WIDTH, decimal, exact, factor, maths
from cnncalc.sliding.page import (
    DRAWN,
    LISTED,
    MAX_LISTED,
    array_lines,
    input_lines,
    result,
    shortened,
)
from cnncalc.sliding.slide import Gradients, Share, Slide, shares
from cnncalc.sliding.sums import Array, whole

MAX_SHARES = 20_000
"""How many products the sums may have to be written out."""

Place = tuple[int, ...]


def backward(slide: Slide, gradients: Gradients, all: bool) -> Iterator[Block]:
    """The gradients of bias, kernel and input, given that of the map."""
    upstream = gradients.upstream
    yield Heading("Backward")
    if (upstream == 1).all():
        yield Prose("The gradient g of the map is 1 everywhere: L is the sum of the map.")
    else:
        yield Prose("The gradient g of the map is given:")
        yield from _drawn(upstream)
    if slide.relu:
        yield Prose("Where a sum is not above 0, ReLU lets none of it through: g counts as 0.")
    small = slide.products <= MAX_SHARES
    of_input, of_kernel = shares(slide, upstream) if small else ({}, {})
    if gradients.bias is not None:
        yield Heading("Gradient of the bias: the sum of g", 3)
        yield Working(
            [
                [maths(f"∂L/∂b({k})"), maths(result(value))]
                for k, value in enumerate(gradients.bias[: MAX_LISTED if all else LISTED], 1)
            ]
        )
    if gradients.kernel is not None:
        yield Heading("Gradient of the kernel: what it read, times g", 3)
        yield from _sums("w", of_kernel, gradients.kernel.shape, all)
        for index, kernel in enumerate(gradients.kernel[:DRAWN], 1):
            if len(gradients.kernel) > 1:
                yield Prose(f"Filter {index}:")
            yield from _drawn(kernel)
    reduces = slide.layer.reduces
    if reduces in ("max", "min"):
        yield from _winners(slide, upstream, all)
    by = {"sum": "the weights that read it, times g", "mean": "shared out evenly"}
    yield Heading(f"Gradient of the input: {by.get(reduces, 'to the chosen values')}", 3)
    if slide.kernel is not None or any(len(summands) > 1 for summands in of_input.values()):
        yield from _sums("x", of_input, gradients.input.shape, all)
    yield from _drawn(gradients.input)


def _winners(slide: Slide, upstream: Array, all: bool) -> Iterator[Block]:
    """Which value each window chose: the one that gets its gradient."""
    if slide.products > MAX_SHARES:
        return
    word = "largest" if slide.layer.reduces == "max" else "smallest"
    rows: list[tuple[str, ...]] = []
    chosen: dict[int, set[Place]] = {}
    for place in product(*map(range, slide.output_shape)):
        step = slide.step(*place)
        assert step.chosen is not None
        tap = step.taps[step.chosen]
        chosen.setdefault(tap.channel, set()).add((tap.row, tap.column))
        inside = slide.is_input(tap.row, tap.column)
        rows.append(
            (
                _named("y", place, slide.output_shape),
                exact(upstream[place]),
                exact(step.total),
                _named("x", tap[:3], slide.input.shape) if inside else "padding",
            )
        )
    yield Heading(f"Where it goes: to the {word} value of each window, the first of equals", 3)
    shown = rows[: MAX_LISTED if all else LISTED]
    yield Grid(("window", "its g", word, "goes to"), shown, (1, 2))
    if len(shown) < len(rows):
        yield Prose(f"{len(rows) - len(shown):,} more windows; --all prints every one.")
    for channel, marked in islice(chosen.items(), DRAWN):
        name = [f"channel {channel + 1}"] if len(slide.input) > 1 else []
        lines = input_lines(slide, channel, marked, MAX_WIDTH)
        yield Picture([*name, *(line.rstrip() for line in lines)])


def _sums(
    name: str, summands: Mapping[Place, Sequence[Share]], shape: Sequence[int], all: bool
) -> Iterator[Block]:
    """`∂L/∂x(1,1) = 1·1 + 0·1 = 1`, for the places that get anything."""
    places = sorted(summands)
    shown = places[: MAX_LISTED if all else LISTED]
    if not shown:
        return

    def line(place: Place) -> list[Maths]:
        total = sum((share.value for share in summands[place]), Fraction())
        terms = shortened(list(map(_term, summands[place])), " + ")
        steps = (f"∂L/∂{_named(name, place, shape)}", terms, result(whole(total)))
        return list(map(maths, dict.fromkeys(steps)))

    yield Working(list(map(line, shown)))
    if len(shown) < len(places):
        yield Prose(f"{len(places) - len(shown):,} more; --all prints every one.")


def _term(share: Share) -> str:
    """`2·(−1)`; of a mean `1/4`, of a largest value the gradient alone."""
    g = factor(share.upstream)
    if share.by > 1:
        return f"{g}/{share.by}"
    return g if share.of is None else f"{factor(share.of)}·{g}"


def _named(name: str, place: Sequence[int], shape: Sequence[int]) -> str:
    """`x(1,1)`, counted from 1; before row and column the channels, where there are several."""
    several = [i for i in range(len(shape) - 2) if shape[i] > 1]
    kept = [*several, len(shape) - 2, len(shape) - 1]
    return f"{name}({','.join(str(place[i] + 1) for i in kept)})"


def _drawn(values: Array) -> Iterator[Block]:
    """A gradient as matrices, one for each channel."""
    for index, channel in enumerate(values[:DRAWN], 1):
        name = [f"channel {index}"] if len(values) > 1 else []
        yield Picture([*name, *array_lines(channel, decimal)])
    if len(values) > DRAWN:
        yield Prose(f"{len(values) - DRAWN:,} more are not drawn; --format json has all of them.")
