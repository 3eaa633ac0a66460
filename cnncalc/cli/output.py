"""What commands that report share: their options, and how a report leaves the program."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import typer

from cnncalc.errors import UsageError, printable, shorten
from cnncalc.graph import Graph
from cnncalc.layers.base import Shape
from cnncalc.layers.fields import MAX_INT
from cnncalc.render.table import Layout, Table, tabulate, warning_lines
from cnncalc.report import DEFAULT_COLUMNS, Report

Format = Literal["text", "markdown", "csv", "json"]

FormatOption = Annotated[Format, typer.Option("--format", "-f", help="What to print.")]
ColumnsOption = Annotated[
    str | None,
    typer.Option(
        help="Columns, separated by commas; a list that starts with + adds to the usual ones "
        "(+connections)."
    ),
]
LayoutOption = Annotated[
    Layout, typer.Option(help="Order of shapes: hwc as textbooks, chw as torch.")
]
BatchOption = Annotated[
    int, typer.Option(help="Inputs at a time: multiplies activations, MACs and FLOPs.")
]
DtypeOption = Annotated[str, typer.Option(help="Type of a value, for columns in bytes.")]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Exit 1 where a stride loses real input.")
]
StrictAnyOption = Annotated[
    bool, typer.Option("--strict-any", help="Exit 1 where a stride leaves any fraction.")
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write to this file instead.")
]


def parse_columns(columns: str | None) -> tuple[str, ...]:
    """The column keys that `--columns` names."""
    if columns is None:
        return DEFAULT_COLUMNS
    keys = tuple(key.strip() for key in columns.lstrip("+").split(",") if key.strip())
    if not keys:
        raise UsageError("--columns names no column")
    return (*DEFAULT_COLUMNS, *keys) if columns.startswith("+") else keys


def parse_input(text: str, graph: Graph | None = None) -> Shape:
    """The shape that `--input` gives, channels first.

    `256x256x3` is height × width × channels. Where a graph tells how many axes there are, the
    channels may be left out and stay as they are.
    """
    parts = text.lower().replace("×", "x").split("x")
    if not all(part.isascii() and part.isdigit() for part in parts) or not 1 <= len(parts) <= 4:
        raise UsageError(f"--input must be sizes like 256x256 or 256x256x3, not {_quote(text)}")
    sizes = [int(part) if len(part) <= 40 else MAX_INT + 1 for part in parts]
    if not all(1 <= size <= MAX_INT for size in sizes):
        raise UsageError(f"--input: every size must be from 1 to {MAX_INT:,}")
    if graph is not None:
        (shape,) = graph.inputs.values()
        if len(sizes) == len(shape) - 1:
            sizes.append(shape[0])
        if len(sizes) != len(shape):
            wanted = "x".join(map(str, (*shape[1:], shape[0])))
            raise UsageError(f"--input must have as many sizes as the spec's {wanted}, not {text}")
    return (sizes[-1], *sizes[:-1])


def write_report(
    report: Report,
    format: Format,
    columns: str | None,
    sort: str | None,
    top: int | None,
    layout: Layout,
    output: Path | None,
) -> None:
    """Print a report, or write it to a file."""
    keys = parse_columns(columns)
    if format == "json":
        from cnncalc.render.json import json

        # All layers in their order: what scripts read is not cut to what people look at.
        rendered = json(report, () if columns is None else keys)
    elif format == "csv":
        from cnncalc.render.csv import CSV_COLUMNS, csv

        keys = CSV_COLUMNS if columns is None else keys
        rendered = csv(tabulate(report, keys, sort=sort, top=top, layout=layout))
        for line in warning_lines(report):
            print(line, file=sys.stderr)
    else:
        table = tabulate(report, keys, sort=sort, top=top, layout=layout)
        if format == "text" and output is None:
            from cnncalc.render import text

            text.write(table, sys.stdout, droppable=columns is None)
            return
        rendered = _rendered(table, format)
    if output is None:
        sys.stdout.write(rendered)
    else:
        write_file(output, rendered)


def _rendered(table: Table, format: Format) -> str:
    if format == "markdown":
        from cnncalc.render.markdown import markdown

        return markdown(table)
    from cnncalc.render import text

    return "".join(f"{line}\n" for line, _ in text.render(table))


def write_file(path: Path, content: str) -> None:
    """Write a whole file or nothing: to a temporary one beside it, which then takes its place."""
    path = path.resolve()
    try:
        if path.exists() and not path.is_file():
            # A device or a pipe cannot be replaced, only written to.
            path.write_text(content, encoding="utf-8")
            return
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        try:
            with open(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            mode = path.stat().st_mode & 0o7777 if path.exists() else 0o666 & ~_umask()
            temporary.chmod(mode)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        raise UsageError(f"{printable(str(path))}: {error.strerror or error}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def fail_on_warnings(report: Report, strict: bool, strict_any: bool) -> None:
    """Exit 1 where the strictness that was asked for is not met."""
    fractions = [warning for warning in report.warnings if warning.kind == "stride"]
    losing = [warning for warning in fractions if warning.lost_input]
    if (strict_any and fractions) or ((strict or strict_any) and losing):
        raise typer.Exit(1)


def _quote(text: str) -> str:
    return printable(shorten(text))


def write_list(
    header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()
) -> None:
    """Print a list in columns, the last of which wraps on a terminal."""
    from cnncalc.render.listing import listing

    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if terminal or "COLUMNS" in os.environ else None
    typer.echo("\n".join(listing(header, rows, right, width)))
