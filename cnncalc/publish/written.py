"""What a region says now: the answer to its words, as its document writes it."""

import builtins
import re
from collections.abc import Callable, Sequence
from importlib import import_module
from keyword import iskeyword
from pathlib import Path
from typing import Any

from cnncalc.ask.request import Answer, answer
from cnncalc.ask.words import format_of, request_of
from cnncalc.errors import UsageError, shown
from cnncalc.page import Page, Prose
from cnncalc.publish.embed import Written
from cnncalc.publish.style import ASCIIDOC, LATEX, PYTHON, RST, Style
from cnncalc.render.markdown import with_dollars

_AS = "as="


def write_region(words: Sequence[str], style: Style, folder: Path) -> Written:
    """What a region says now; its paths are those seen from `folder`. Raises CnncalcError."""
    if words[0] == "value":
        return Written(_value(words, style, folder), inline=True)
    return Written(_block(words, style, folder), inline=False)


def region_page(words: Sequence[str], folder: Path) -> Page:
    """What a region says now, for documents that lay it out themselves; it names no format.

    Raises CnncalcError.
    """
    # Any format that is made of a page will do; `table value=params` prints a number and no page.
    found = _answered(words, folder, "rst").content
    return [Prose(found.strip())] if isinstance(found, str) else found  # type: ignore[return-value]


def _answered(words: Sequence[str], folder: Path, format: str) -> Answer:
    found = answer(request_of(words, folder, format))
    if found.problem is not None:
        raise found.problem
    return found


def _block(words: Sequence[str], style: Style, folder: Path) -> str:
    usual = style.drawing if words[0] == "draw" else style.format
    format = format_of(words) or usual
    text = _answered(words, folder, format).text()
    if style is PYTHON:
        return "\n".join(f"# {line}".rstrip() for line in text.rstrip("\n").split("\n"))
    if style.dollars and format == "markdown":
        text = with_dollars(text)
    # What the document does not read is shown letter by letter.
    own = format == style.format or format in style.native
    return text if own else style.literal(text, format)


def _value(words: Sequence[str], style: Style, folder: Path) -> str:
    """One number of a network, or its definition as a name."""
    names = [word.removeprefix(_AS) for word in words if word.startswith(_AS)]
    if len(names) > 1:
        raise UsageError("as is given twice")
    asked = request_of([word for word in words if not word.startswith(_AS)], folder)
    found: Any = asked.find()
    text = asked.answer(found).text()
    if not names:
        return f"# {text}" if style is PYTHON else _escaped(text, style)
    if style is PYTHON and isinstance(found, int) and not format_of(words):
        text = f"{found:_}"
    elif style is PYTHON:
        text = repr(text)
    return _definition(names[0], text, style)


def _escaped(text: str, style: Style) -> str:
    if style.format == "text":
        return text
    escape: Callable[[str], str] = import_module(f"cnncalc.render.{style.format}").escape
    return escape(text)


_DEFINITIONS = {
    RST.name: (r"[A-Za-z][\w-]*", ".. |{name}| replace:: {text}"),
    ASCIIDOC.name: (r"[A-Za-z][\w-]*", ":{name}: {text}"),
    LATEX.name: (
        r"[A-Za-z]+",
        # Which LaTeX itself refuses where it, or a package, has such a command.
        "\\newcommand{{\\{name}}}{{{text}}}",
    ),
    PYTHON.name: (r"[A-Za-z_]\w*", "{name} = {text}"),
}
"""How documents whose comments take whole lines name a number, and what names they allow."""


def _definition(name: str, text: str, style: Style) -> str:
    if style.name not in _DEFINITIONS:
        raise UsageError(
            f"as= is for documents without comments in a line; in {style.name} the region stands "
            "in the sentence"
        )
    allowed, form = _DEFINITIONS[style.name]
    if re.fullmatch(allowed, name, re.ASCII) is None or len(name) > 100:
        raise UsageError(f"as= must be a name that {style.name} allows, not {shown(name)}")
    if style is PYTHON and (iskeyword(name) or hasattr(builtins, name)):
        raise UsageError(f"as={name}: Python has that name itself; call it {name}_ or net_{name}")
    return form.format(name=name, text=text if style is PYTHON else _escaped(text, style))
