"""How an answer leaves the program: to a terminal, a pipe or a file, and its exit code."""

import os
import re
import sys
from pathlib import Path
from typing import Any

import typer

from cnncalc.ask.request import Answer, Request, answer, given_fields
from cnncalc.errors import UsageError, printable, shorten
from cnncalc.files import followed, refusals, refuse_read_only, write_whole
from cnncalc.render.terminal import print_lines, width_of

_ENDINGS = {
    ".txt": "text",
    ".html": "html",
    ".htm": "html",
    ".md": "markdown",
    ".markdown": "markdown",
    ".tex": "latex",
    ".rst": "rst",
    ".adoc": "asciidoc",
    ".csv": "csv",
    ".json": "json",
    ".svg": "svg",
    ".py": "python",
}
"""What a file's name says of its format, where a command does not read it otherwise."""
_NO_TEXT = re.compile(
    r"\.(avif|bmp|docx?|emf|eps|gif|gz|jpe?g|np[yz]|od[pst]|onnx|pdf|png|pptx?|ps|pth?|tiff?|webp"
    r"|xlsx?|zip)"
)
"""Endings of files that no text is, whatever is asked."""


def run(request: Request[Any], output: Path | None) -> None:
    """Answer a request; exit with 1 where what it checks does not hold. Raises CnncalcError."""
    put(answer(request), output)


def meant(kind: type[Request[Any]], format: str) -> str:
    """The format that a word means."""
    option = next(given.option for given in given_fields(kind) if given.name == "format")
    return option.also.get(format, format)


def format_for(kind: type[Request[Any]], output: Path, asked: str | None, who: str) -> str | None:
    """The format of what a command writes to a file: what the name says, else what is `asked`.

    None where neither says anything: the usual one. A plain text (.txt) may be in any format, and
    an ending that nobody knows says nothing against one that is asked for. Raises UsageError where
    the file would hold something else than its name says.
    """
    ending = output.suffix.lower()
    choices = next((g.option.choices for g in given_fields(kind) if g.name == "format"), ())
    known = {
        **{end: format for end, format in _ENDINGS.items() if format in choices},
        **kind.endings,
    }
    said = known.get(ending)
    label = printable(shorten(str(output), 200))
    if said == "png" and ending != ".png":
        raise UsageError(f"{label}: pictures are written as PNG; call it .png")
    if not ending or (said and asked in (None, said)):
        return said or asked
    if said is not None and ending != ".txt":
        raise UsageError(
            f"{label}: --format {asked} is not what {ending} says; leave out one of the two"
        )
    if _NO_TEXT.fullmatch(ending) or (ending in _ENDINGS and ending != ".txt") or asked is None:
        first = dict[str, str]()
        for end, format in known.items():
            first.setdefault(format, end)
        *most, last = first.values()
        there = f"{', '.join(most)} and {last}" if most else f"{last} only"
        raise UsageError(f"{label}: {who} writes no {printable(ending)}, but {there}")
    return asked


def put(found: Answer, output: Path | None) -> None:
    """Print an answer, or write it to a file; what it says beside it goes to standard error."""
    content = found.content
    if found.picture and output is not None:
        write_file(output, found.picture)
        found = Answer("", notes=tuple(f"{printable(str(output))}: {n}" for n in found.notes))
    elif not content or (found.draft and output is not None):
        # Mistakes alone, which follow: a file holds a whole answer or is not touched.
        pass
    elif output is not None:
        if found.format == "html" and not isinstance(content, str) and not callable(content):
            from cnncalc.render import html

            write_file(output, html.document(content))
        else:
            write_file(output, found.text())
    elif callable(content):
        print_lines(content(width_of(sys.stdout)), sys.stdout)
    elif not isinstance(content, str) and found.format == "text":
        from cnncalc.render import plain

        print_lines(plain.lines(content, width_of(sys.stdout)), sys.stdout)
    else:
        sys.stdout.write(found.text())
    for note in found.notes:
        print(printable(note), file=sys.stderr)
    if found.problem is not None:
        raise found.problem
    if not found.ok:
        raise typer.Exit(1)


def write_file(path: Path, content: str | bytes) -> None:
    """Write a whole file or nothing; links are followed. Raises UsageError."""
    label = printable(os.path.realpath(path))
    with refusals(label):
        file = followed(path)
        refuse_read_only(file, label)
        write_whole(file, content.encode() if isinstance(content, str) else content)
