"""Explanations as a page."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from cnncalc.amounts import Layout, shape_text
from cnncalc.dims import Window
from cnncalc.findings.explain import MEANINGS, Explained, Explanation, Line
from cnncalc.findings.expression import FIRST_TERMS, MAX_TERMS, letters_of
from cnncalc.findings.maths import EQUALS, formula, joined, number, word
from cnncalc.page import Block, Heading, Items, Maths, Page, Picture, Prose, Working
from cnncalc.report import with_fused

WIDEST, TAIL = 64, 24
"""How many positions of an axis a picture shows; of a longer one its ends."""
_LOOKED_BACK = 1000
"""How many windows are asked whether they read a position."""


def page(explained: Explained, layout: Layout = "hwc") -> Page:
    """A section for each layer, with what is fused into it."""
    blocks: list[Block] = [Heading(explained.asked.titled(explained.name, layout), 1)]
    if used := _meanings(explained.layers):
        blocks.append(Prose(f"{used}; ₁ before the layer, ₂ behind it."))
    for group in with_fused(explained.layers, lambda layer: layer.fused):
        blocks += _section(group, layout)
    if explained.totals:
        blocks += [Heading("The network"), Working([_terms(line) for line in explained.totals])]
    return blocks


def _meanings(explained: Sequence[Explanation]) -> str:
    lines = [line for one in explained for line in one.lines]
    named = [name for line in lines if not isinstance(line.what, str) for name in line.what]
    read = [name for line in lines for name in letters_of(line.formula)]
    used = {name.letter for name in (*named, *read)}
    return ", ".join(
        f"{letter} {meaning}" for letter, meaning in MEANINGS.items() if letter in used
    )


def _section(group: list[Explanation], layout: Layout) -> Iterator[Block]:
    first, last = group[0], group[-1]
    shapes = [shape_text(shape, layout) for shape in first.inputs[:MAX_TERMS]]
    if len(first.inputs) > MAX_TERMS:
        shapes[FIRST_TERMS:] = [f"{len(first.inputs) - FIRST_TERMS:,} more"]
    inputs = " and ".join(shapes)
    does = " + ".join(one.layer for one in group)
    yield Heading(f"{first.name}: {does}, {inputs} → {shape_text(last.output, layout)}")
    for one in group:
        if one.lines:
            yield Working([_terms(line) for line in one.lines])
        if one.remark:
            yield Prose(one.remark)
    strides = (warning for warning in first.warnings if warning.kind == "stride")
    for window in dict.fromkeys(warning.window for warning in strides):
        yield Picture(axis_picture(window))
    said: dict[str, list[str]] = {}
    for warning in first.warnings:
        said.setdefault(warning.sentence, []).append(warning.axis)
    if said:
        yield Items([f"{' and '.join(axes)}: {message}" for message, axes in said.items()])


@lru_cache(4096)
def _terms(line: Line) -> list[Maths]:
    """`H₂ = ⌊(H₁ + 2P − F)/S⌋ + 1 = ⌊(227 + 2·0 − 11)/4⌋ + 1 = 55`."""
    what = line.what
    first = word(what) if isinstance(what, str) else joined(list(map(formula, what)), EQUALS)
    terms = [first, formula(line.formula), formula(line.formula, values=True), number(line.value)]
    # A number alone is not written twice.
    return [term for i, term in enumerate(terms) if term not in terms[:i]]


def working(line: Line) -> str:
    """A derivation as one line of text."""
    return " = ".join(term.text for term in _terms(line))


def axis_picture(window: Window) -> list[str]:
    """The padded axis: which positions are read, which are padding, which are lost.

    Below it the first two windows and the last; of a long axis only the ends.
    """
    length = window.before + window.n + window.after
    shown: list[int | None] = [*range(min(length, WIDEST))]
    if length > WIDEST:
        shown = [*range(WIDEST - TAIL - 1), None, *range(length - TAIL, length)]

    def row(sign: Callable[[int], str]) -> str:
        return "".join("…" if at is None else sign(at) for at in shown).rstrip()

    rows = {"axis": row(lambda at: _sign(window, at))}
    for output in sorted({0, min(1, window.output - 1), window.output - 1}):
        start = output * window.stride
        drawn = row(lambda at, start=start: _tap(window, at - start))  # type: ignore[misc]
        rows[f"window {output + 1:,}"] = drawn
    margin = max(map(len, rows)) + 2
    legend = {"o": "read", "p": "padding", "x": "input never read", ".": "padding never read"}
    used = ", ".join(f"{sign} {said}" for sign, said in legend.items() if sign in rows["axis"])
    return [*(f"{name:<{margin}}{drawn}".rstrip() for name, drawn in rows.items()), "", used]


def _sign(window: Window, at: int) -> str:
    padding = not window.before <= at < window.before + window.n
    if _is_read(window, at):
        return "p" if padding else "o"
    return "." if padding else "x"


def _is_read(window: Window, at: int) -> bool:
    """Whether any window has a tap at a position of the padded axis."""
    last = min(window.output - 1, at // window.stride)
    first = max(0, last - _LOOKED_BACK)
    outputs = range(last, first - 1, -1)
    return any(_tap(window, at - output * window.stride) == "F" for output in outputs)


def _tap(window: Window, offset: int) -> str:
    """What a window has at an offset from its start: a tap, a hole between taps, nothing."""
    if not 0 <= offset < window.extent:
        return " "
    return "-" if offset % window.dilation else "F"
