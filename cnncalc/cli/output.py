"""How an answer leaves the program: to a terminal, a pipe or a file, and its exit code."""

import os
import sys
from pathlib import Path
from typing import Any

import typer

from cnncalc.ask.request import Answer, Request, answer, given_fields
from cnncalc.errors import UsageError, printable
from cnncalc.files import followed, refusals, refuse_read_only, write_whole
from cnncalc.render.terminal import print_lines, width_of

_ENDINGS = {
    ".html": "html",
    ".htm": "html",
    ".md": "markdown",
    ".tex": "latex",
    ".rst": "rst",
    ".adoc": "asciidoc",
    ".csv": "csv",
    ".json": "json",
}
"""What a file's name says of its format."""


def run(request: Request[Any], output: Path | None) -> None:
    """Answer a request; exit with 1 where what it checks does not hold. Raises CnncalcError."""
    put(answer(request), output)


def named_format(kind: type[Request[Any]], output: Path) -> str | None:
    """The format that a file's name says, if there is such a one."""
    ending = output.suffix.lower()
    choices = next(g.option.choices for g in given_fields(kind) if g.name == "format")
    named = _ENDINGS.get(ending)
    return kind.endings.get(ending) or (named if named in choices else None)


def put(found: Answer, output: Path | None) -> None:
    """Print an answer, or write it to a file; what it says beside it goes to standard error."""
    content = found.content
    if found.picture and output is not None:
        if output.suffix.lower() != ".png":
            raise UsageError(f"{printable(str(output))}: pictures are written as PNG; call it .png")
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
