"""Numbers as people write them: single, in formulas, and as matrices beside each other."""

import re
from collections.abc import Callable, Collection, Sequence
from fractions import Fraction
from itertools import zip_longest

from cnncalc.page import Maths

Number = int | Fraction

MAX_WIDTH = 76
"""How many letters of a matrix's line are shown, where nothing stands beside it."""
MAX_ROWS = 16
"""How many rows of a matrix are shown."""
_GAP = "   "


def decimal(value: Number) -> str:
    """A decimal number: `13.25`, or `7.3333…` where more digits follow."""
    places = _places(value)
    shown = places if places is not None and places <= 6 else 4
    digits, rest = divmod(abs(value.numerator) * 10**shown, value.denominator)
    behind = f".{digits % 10**shown:0{shown}d}" if shown else ""
    return "−" * (value < 0) + f"{digits // 10**shown}{behind}" + ("…" if rest else "")


def exact(value: Number) -> str:
    """The number itself: `0.125`, a fraction such as `1/9`; long ones as decimals."""
    places = _places(value)
    if (places is None or places > 4) and value.denominator < 10_000 > abs(value.numerator):
        return f"{'−' if value < 0 else ''}{abs(value.numerator)}/{value.denominator}"
    return decimal(value)


def _places(value: Number) -> int | None:
    """Digits behind the point; None where there is no end of them."""
    twos = fives = 0
    rest = value.denominator
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    return max(twos, fives) if rest == 1 else None


def factor(value: Number) -> str:
    """The number in a product: in brackets where it has a sign or a slash."""
    text = exact(value)
    return f"({text})" if re.search("[−/]", text) else text


_WORD = re.compile(r"\d[\d.]*…?|[^\W\d]+|\S| ")
_LATEX = {
    "−": "-",
    "·": r" \cdot ",
    "…": r"\ldots ",
    "⌊": r"\lfloor ",
    "⌋": r" \rfloor",
    "⌈": r"\lceil ",
    "⌉": r" \rceil",
    "∂": r"\partial ",
    "max": r"\max",
    "min": r"\min",
}


def maths(text: str) -> Maths:
    """A formula of numbers, names and signs in the three ways in which it is written."""
    latex, mathml, before = "", "", ""
    for word in _WORD.findall(text):
        number = word[0].isdigit()
        name = word[0].isalpha() and word != "∂"
        if word == " " and before.isalpha() and len(before) > 1:
            latex += "~"
            mathml += '<mspace width="0.3em"/>'
        elif word in _LATEX:
            latex += _LATEX[word]
        elif name and len(word) > 1:
            latex += f"\\mathrm{{{word}}}"
        else:
            latex += word.replace("…", r"\ldots ")
        if word != " ":
            tag = "mn" if number else "mi" if name else "mo"
            mathml += f"<{tag}>{word}</{tag}>"
        before = word
    return Maths(text, latex, f"<mrow>{mathml}</mrow>")


def span(low: int, high: int, first: int, last: int, limit: int) -> range:
    """At most `limit` positions from `low` to below `high`, around those from `first` to `last`."""
    if high - low <= limit:
        return range(low, high)
    start = max(low, min(first - max(0, limit - (last - first + 1)) // 2, high - limit))
    return range(start, start + limit)


def matrix(
    cell: Callable[[int, int], str],
    rows: tuple[int, int],
    columns: tuple[int, int],
    marked: Collection[tuple[int, ...]] = (),
    inner: tuple[int, int] | None = None,
    max_width: int = MAX_WIDTH,
) -> list[str]:
    """The lines of a matrix whose rows and columns count from the first to below the second.

    `marked` cells stand in brackets. Where the whole is too large, that around them is shown, and
    `…` stands for the rest. `inner` is (height, width) of the map itself, from 0: lines set it
    apart from its padding.
    """
    places = list(marked) or [(rows[0], columns[0])]
    ys, xs = [place[0] for place in places], [place[1] for place in places]
    down = span(*rows, min(ys), max(ys), MAX_ROWS)
    across = span(*columns, min(xs), max(xs), max_width // 3)
    width = max(len(cell(y, x)) for y in down for x in across)
    across = span(*columns, min(xs), max(xs), max(1, min(len(across), max_width // (width + 2))))
    bars = {0, inner[1]} if inner else set()
    lines = []
    for y in down:
        line = "… " if across[0] > columns[0] else ""
        rule = "-" * len(line)
        for x in across:
            if x in bars and columns[0] < x < columns[1]:
                line, rule = line + "|", rule + "+"
            opening, closing = "[]" if (y, x) in marked else "  "
            line += f"{opening}{cell(y, x):>{width}}{closing}"
            rule += "-" * (width + 2)
        if inner and y in (0, inner[0]) and rows[0] < y < rows[1]:
            lines.append(rule)
        lines.append(line + (" …" if across[-1] + 1 < columns[1] else ""))
    if not marked:
        # No bracket needs the first and the last place.
        lines = [line.removeprefix(" ").rstrip() for line in lines]
    above = ["…"] if down[0] > rows[0] else []
    below = ["…"] if down[-1] + 1 < rows[1] else []
    return [*above, *lines, *below]


def is_cut(lines: Sequence[str]) -> bool:
    """Whether a matrix was too large to be shown whole."""
    return any(line == "…" or line.startswith("… ") or line.endswith(" …") for line in lines)


def beside(*blocks: tuple[str, Sequence[str]]) -> list[str]:
    """Titled blocks of lines, one to the right of the other."""
    columns = [[title, *lines] for title, lines in blocks]
    widths = [max(map(len, column)) for column in columns]
    return [
        _GAP.join(f"{text:<{width}}" for text, width in zip(texts, widths, strict=True)).rstrip()
        for texts in zip_longest(*columns, fillvalue="")
    ]
