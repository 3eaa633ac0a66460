"""The regions of a document: where their markers stand, and what is written between them."""

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

from cnncalc.errors import printable, shorten, shown, suggestion
from cnncalc.publish.style import (
    LATEX,
    PYTHON,
    Style,
    literal_lines,
    without_code_spans,
)

MAX_REGIONS = 10_000
"""How many regions one document may have."""
MAX_PROBLEMS = 1000
"""How many mistakes of one document are looked for."""
MAX_LENGTH = 10_000
"""How long the words of a region may be."""
_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_BLANK = " \t\r\n"
_BLANKS = re.compile(r"[ \t]*")
_INDENT = re.compile(r"[ \t>]*")
"""What may stand before a region in a list or a quotation."""
_BEFORE = {LATEX.name: r"(?<!\\)%+", PYTHON.name: "#+"}
"""What opens a marker that may stand behind something else, up to the end of its line."""


class Problem(NamedTuple):
    """A mistake in a document, by line."""

    line: int
    message: str


class Region(NamedTuple):
    """What stands between two markers, and what is asked for.

    `start` and `end` are places in the text; `indent` is what stands before the first marker where
    that is nothing but blanks, and None where it stands in a sentence; `newline` is how lines end
    there.
    """

    line: int
    words: tuple[str, ...]
    start: int
    end: int
    indent: str | None
    newline: str

    @property
    def title(self) -> str:
        """The region as messages call it."""
        return printable(shorten(" ".join(self.words), 80))

    def filled(self, text: str, style: Style, *, inline: bool, old: str) -> str:
        """The text as it stands between the markers; `inline` in a sentence."""
        if style.closing and inline:
            before = old[: len(old) - len(old.lstrip(_BLANK))]
            after = old[len(old.rstrip(_BLANK)) :] if old.strip(_BLANK) else ""
            return before + text + after
        indent = self.indent or ""
        lines = text.rstrip("\n").split("\n")
        if style.blank:
            lines = ["", *lines, ""]
        lines = [f"{indent}{line}" if line else indent.rstrip(_BLANK) for line in lines]
        # A comment that closes is followed by the rest of its line, others by the next line.
        ends = [*([""] if style.closing else []), *lines, indent if style.closing else ""]
        return self.newline.join(ends)


class Marker(NamedTuple):
    """One marker: its word, what follows it, and where it stands."""

    word: str
    rest: str
    line: int
    start: int
    end: int
    indent: str | None
    newline: str


def regions(text: str, style: Style) -> tuple[list[Region], list[Problem]]:
    """The regions of a document, and what is wrong with its markers."""
    found, problems = list[Region](), list[Problem]()
    for one in _pairs(text, style) if "cnncalc:" in text else ():
        if isinstance(one, Problem):
            problems.append(one)
        else:
            found.append(one)
        if len(found) > MAX_REGIONS:
            problems.append(Problem(one.line, f"more than {MAX_REGIONS:,} regions"))
        if len(problems) >= MAX_PROBLEMS or len(found) > MAX_REGIONS:
            break
    return found, problems


def _pairs(text: str, style: Style) -> Iterator[Region | Problem]:
    """What two markers make, and what is wrong with any, in their order."""
    opened: Marker | None = None
    for marker in _markers(text, style):
        if isinstance(marker, Problem):
            yield marker
        elif marker.word == "begin":
            if opened is not None:
                yield Problem(
                    marker.line,
                    f"cnncalc:begin inside the region that begins in line {opened.line}; "
                    f"end that one first: {style.end}",
                )
            opened = marker
        elif opened is None:
            yield Problem(
                marker.line,
                f"cnncalc:end without a begin before it; begin the region: {style.begin}",
            )
        else:
            yield _region(opened, marker, style)
            opened = None
    if opened is not None:
        yield Problem(opened.line, f"cnncalc:begin without an end; end the region: {style.end}")


def _region(begin: Marker, end: Marker, style: Style) -> Region | Problem:
    if len(begin.rest) > MAX_LENGTH:
        return Problem(begin.line, f"cnncalc:begin: longer than {MAX_LENGTH:,} letters")
    try:
        words = tuple(shlex.split(begin.rest))
    except ValueError as error:
        return Problem(begin.line, f"cnncalc:begin: {str(error).lower()}")
    if not words:
        return Problem(
            begin.line, "cnncalc:begin: names nothing; write as in cnncalc:begin table lenet5.json"
        )
    # A comment to the end of its line ends with it.
    start = begin.end + (0 if style.closing else len(begin.newline))
    return Region(begin.line, words, start, end.start, begin.indent, begin.newline)


def _markers(text: str, style: Style) -> Iterator[Marker | Problem]:
    """The markers of a document, and what is wrong with each alone, in their order."""
    matches = [match for match in _LINE.finditer(text) if match[0]]
    lines = [(match.start(), match[1]) for match in matches]
    try:
        literal = literal_lines(style, lines)
    except SyntaxError as error:
        yield Problem(error.lineno or 1, f"no Python that can be read: {printable(str(error.msg))}")
        return
    pattern = _pattern(style)
    newline = "\n"
    for index, (start, line) in enumerate(lines):
        # A last line that does not end would end like the one before it.
        newline = matches[index][2] or newline
        if "cnncalc:" not in line or index in literal:
            continue
        shown_line = without_code_spans(line) if style.is_markdown else line
        for match in pattern.finditer(shown_line):
            yield _marker(match, line, index + 1, start, newline, style)


def _pattern(style: Style) -> re.Pattern[str]:
    opening = re.escape(style.opening)
    marker = r"cnncalc:(?P<word>\w*(?:-\w+)*)"
    if style.closing:
        closing = re.escape(style.closing)
        return re.compile(rf"{opening}[ \t]*{marker}(?P<rest>.*?)(?P<closing>{closing}|$)")
    before = _BEFORE.get(style.name, rf"^[ \t]*{opening}")
    return re.compile(rf"{before}[ \t]*{marker}(?P<rest>.*)(?P<closing>)")


def _marker(
    match: re.Match[str], line: str, number: int, start: int, newline: str, style: Style
) -> Marker | Problem:
    word, rest = match["word"], line[match.start("rest") : match.end("rest")].strip()
    blank = _INDENT if style.is_markdown else _BLANKS
    indent = line[: match.start()] if blank.fullmatch(line, 0, match.start()) else None
    if word not in ("begin", "end"):
        hint = suggestion(word, ("begin", "end")) or "; there are begin and end"
        return Problem(number, f"cnncalc:{printable(shorten(word))}: no such marker{hint}")
    if style.closing and not match["closing"]:
        return Problem(number, f"cnncalc:{word}: close the marker on its line: {style.closing}")
    if not style.closing:
        if indent is None:
            return Problem(number, f"cnncalc:{word}: the marker needs a line of its own")
        indent = line[: len(line) - len(line.lstrip())]
    if word == "end" and rest:
        return Problem(number, f"cnncalc:end: takes nothing, not {shown(rest)}")
    # A comment to the end of the line is marked from the line's start on.
    first = match.start() if style.closing else 0
    return Marker(word, rest, number, start + first, start + match.end(), indent, newline)
