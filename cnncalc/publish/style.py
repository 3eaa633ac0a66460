"""How each type of document writes comments, literal text and what cnncalc prints."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple


class Style(NamedTuple):
    """A type of document."""

    name: str
    opening: str
    """What opens a comment."""
    closing: str = ""
    """What closes it; nothing where it goes on to the end of its line."""
    format: str = "text"
    """What pages are written as."""
    drawing: str = "svg"
    """What drawings are written as."""
    native: Sequence[str] = ()
    """Other formats that need no literal block."""
    blank: bool = False
    """Whether a blank line must stand between a marker and a block."""
    dollars: bool = False
    """Whether formulas stand between dollars; GitHub has fences for them."""

    @property
    def is_markdown(self) -> bool:
        return self.format == "markdown"

    @property
    def begin(self) -> str:
        """How a region begins, for messages."""
        return f"{self.opening} cnncalc:begin …{self.closing and f' {self.closing}'}"

    @property
    def end(self) -> str:
        """How a region ends, for messages."""
        return f"{self.opening} cnncalc:end{self.closing and f' {self.closing}'}"

    def literal(self, text: str, format: str) -> str:
        """Text of another format: letter by letter, or as what it is where the document can."""
        lines = text.rstrip("\n").split("\n")
        match self.name:
            case "Markdown" | "Quarto" | "R Markdown" | "MDX":
                # A fence longer than any in the text.
                ticks = "`" * (max([2, *map(len, re.findall("`+", text))]) + 1)
                # Quarto shows a fence as code, and draws a cell.
                is_cell = self is QUARTO and format == "mermaid"
                lines = [ticks + (f"{{{format}}}" if is_cell else format), *lines, ticks]
            case "HTML":
                from cnncalc.render.html import escape

                lines = [f"<pre>{escape(lines[0])}", *map(escape, lines[1:])]
                lines[-1] += "</pre>"
            case "reStructuredText":
                raw = {"html": "html", "svg": "html", "latex": "latex", "tikz": "latex"}.get(format)
                start = f".. raw:: {raw}" if raw else "::"
                lines = [start, "", *(f"   {line}".rstrip() for line in lines)]
            case "LaTeX":
                lines = ["\\begin{verbatim}", *lines, "\\end{verbatim}"]
            case "AsciiDoc":
                fence = "++++" if format in ("html", "svg") else "...."
                lines = [fence, *lines, fence]
        return "\n".join(lines)


MARKDOWN = Style("Markdown", "<!--", "-->", "markdown", "mermaid", ("html", "svg"), blank=True)
QUARTO = MARKDOWN._replace(name="Quarto", dollars=True)
R_MARKDOWN = QUARTO._replace(name="R Markdown", drawing="svg")
HTML = Style("HTML", "<!--", "-->", "html", "svg", ("svg",))
MDX = Style("MDX", "{/*", "*/}", "markdown", "mermaid", blank=True, dollars=True)
RST = Style("reStructuredText", "..", "", "rst", blank=True)
LATEX = Style("LaTeX", "%", "", "latex", "tikz", ("tikz",))
ASCIIDOC = Style("AsciiDoc", "//", "", "asciidoc", blank=True)
PYTHON = Style("Python", "#")

STYLES = {
    **dict.fromkeys((".md", ".markdown"), MARKDOWN),
    ".qmd": QUARTO,
    ".rmd": R_MARKDOWN,
    **dict.fromkeys((".html", ".htm"), HTML),
    ".mdx": MDX,
    ".rst": RST,
    **dict.fromkeys((".tex", ".ltx"), LATEX),
    **dict.fromkeys((".adoc", ".asciidoc"), ASCIIDOC),
    ".py": PYTHON,
}
"""The type of a document by the ending of its name."""

Lines = Sequence[tuple[int, str]]
"""The lines of a document without their ends, each with the place at which it starts."""


_MD_FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}|~{3,})([^\r\n]*)")
_ADOC_FENCE = re.compile(r"()(-{4,}|\.{4,}|\+{4,}|/{4,}|`{3,})([^\r\n]*)")
_VERBATIM = re.compile(r"[ \t]*\\begin\{(verbatim\*?|lstlisting|minted|Verbatim|comment)\}")
_RST_CODE = re.compile(r"\.\. (code|code-block|sourcecode|parsed-literal|raw|highlight)::")


def _fenced(lines: Sequence[str], opening: re.Pattern[str]) -> Iterator[int]:
    """Lines between fences. One that is never closed goes on to the end, as in CommonMark."""
    asciidoc = opening is _ADOC_FENCE
    fence = ""
    for i, line in enumerate(lines):
        if not (match := opening.match(line)):
            if fence:
                yield i
            continue
        run, rest = match.groups()[-2:]
        if fence:
            yield i
            same = run == fence if asciidoc else run[0] == fence[0] and len(run) >= len(fence)
            fence = "" if same and not rest.strip() else fence
        # An info string has no backticks: ```x``` is a code span.
        elif not (rest.strip() if asciidoc and run[0] != "`" else run[0] == "`" and "`" in rest):
            fence = run
            yield i


def _environments(lines: Sequence[str]) -> Iterator[int]:
    end = ""
    for i, line in enumerate(lines):
        if end:
            yield i
            end = "" if end in line else end
        elif (match := _VERBATIM.match(line)) and (closing := f"\\end{{{match[1]}}}") not in line:
            end = closing
            yield i


def _indented(lines: Sequence[str]) -> Iterator[int]:
    """Lines that are indented below `::` or below a directive for code."""
    outer: int | None = None
    for i, line in enumerate(lines):
        text = line.strip()
        indent = len(line) - len(line.lstrip())
        if outer is not None and (not text or indent > outer):
            yield i
            continue
        outer = None
        if _RST_CODE.match(text) or (text.endswith("::") and not text.startswith(".. ")):
            outer = indent


def _strings(lines: Sequence[str]) -> set[int]:
    """The lines of Python on which no comment stands. Raises SyntaxError."""
    import io
    import tokenize

    source = io.StringIO("".join(f"{line}\n" for line in lines))
    try:
        tokens = tokenize.generate_tokens(source.readline)
        comments = {token.start[0] - 1 for token in tokens if token.type == tokenize.COMMENT}
    except tokenize.TokenError as error:
        raise SyntaxError(error.args[0]) from None
    return set(range(len(lines))) - comments


_LITERAL: dict[str, Callable[[Sequence[str]], Iterable[int]]] = {
    "Markdown": partial(_fenced, opening=_MD_FENCE),
    ASCIIDOC.name: partial(_fenced, opening=_ADOC_FENCE),
    LATEX.name: _environments,
    RST.name: _indented,
    PYTHON.name: _strings,
}


def literal_lines(style: Style, lines: Lines) -> set[int]:
    """The lines that the document shows or runs as they are: markers in them are text."""
    find = _LITERAL.get("Markdown" if style.is_markdown else style.name)
    return set(find([line for _, line in lines])) if find else set()


def without_code_spans(line: str) -> str:
    """A line of Markdown with the code in it blanked, so that places stay. Linear in its length."""
    runs = [match.span() for match in re.finditer("`+", line)]
    following: dict[int, int] = {}
    closing = [0] * len(runs)
    for i in range(len(runs) - 1, -1, -1):
        length = runs[i][1] - runs[i][0]
        closing[i] = following.get(length, 0)
        following[length] = i
    parts, place, i = [], 0, 0
    while i < len(runs):
        if closing[i]:
            start, end = runs[i][0], runs[closing[i]][1]
            parts += [line[place:start], " " * (end - start)]
            place, i = end, closing[i]
        i += 1
    return "".join([*parts, line[place:]])
