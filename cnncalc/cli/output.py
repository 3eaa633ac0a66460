"""What commands that report share: their options, and how a report leaves the program."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cnncalc.amounts import Layout
from cnncalc.errors import UsageError, printable, shorten, shown
from cnncalc.files import refusals, write_whole
from cnncalc.graph import Graph
from cnncalc.layers.base import Shape
from cnncalc.layers.fields import MAX_INT
from cnncalc.page import Block, Page
from cnncalc.render.terminal import print_lines, width_of
from cnncalc.report import DEFAULT_COLUMNS, Report
from cnncalc.tables.depth import MAX_ROWS, fitting_depth
from cnncalc.tables.table import page as table_page
from cnncalc.tables.table import tabulate, warning_lines

_SIZES = r"\d{1,40}([x×]\d{1,40})+"

PageFormat = Literal["text", "markdown", "latex", "html", "rst", "asciidoc"]
"""What a page can be printed as."""
Format = Literal["text", "markdown", "latex", "html", "rst", "asciidoc", "csv", "json"]

FormatOption = Annotated[Format, typer.Option("--format", "-f", help="What to print.")]
PageFormatOption = Annotated[PageFormat, typer.Option("--format", "-f", help="What to print.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(metavar="VAR=VALUE", help="Set a variable of the spec; may be repeated."),
]
InputOption = Annotated[
    str | None,
    typer.Option(metavar="SIZES", help="Another input: 256x256, or 256x256x3 with channels."),
]
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
    Path | None,
    typer.Option("--output", "-o", help="Write to this file instead; net.html is a whole page."),
]


def parse_columns(columns: str | None) -> tuple[str, ...]:
    """The column keys that `--columns` names."""
    if columns is None:
        return DEFAULT_COLUMNS
    keys = tuple(key.strip() for key in columns.lstrip("+").split(",") if key.strip())
    if not keys:
        raise UsageError("--columns names no column")
    return (*DEFAULT_COLUMNS, *keys) if columns.startswith("+") else keys


def _with(keys: tuple[str, ...], extra: tuple[str, ...]) -> tuple[str, ...]:
    return (*keys, *(key for key in extra if key not in keys))


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
        if len(graph.inputs) > 1:
            raise UsageError("--input is for a network with one input; set the sizes by variables")
        (shape,) = graph.inputs.values()
        if len(sizes) == len(shape) - 1:
            sizes.append(shape[0])
        if len(sizes) != len(shape):
            wanted = "x".join(map(str, (*shape[1:], shape[0])))
            raise UsageError(f"--input must have as many sizes as the spec's {wanted}, not {text}")
    return (sizes[-1], *sizes[:-1])


def parse_value(text: str) -> Any:
    """A number, list or word: JSON where it is, sizes like 7x1, else the word itself."""
    if re.fullmatch(_SIZES, text):
        return [int(part) for part in re.split("[x×]", text)]
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def parse_settings(settings: Sequence[str]) -> dict[str, Any]:
    """The variables that `--set` names."""
    found: dict[str, Any] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"--set takes VARIABLE=VALUE, not {shown(text)}")
        found[name] = parse_value(value)
    return found


def parse_depth(depth: str | None) -> int | None:
    """The depth that `--depth` names; None for all."""
    if depth in (None, "all"):
        return None
    if not (depth.isascii() and depth.isdigit() and 1 <= len(depth) <= 4 and int(depth)):
        raise UsageError(f"--depth takes a number from 1, or all, not {_quote(depth)}")
    return int(depth)


def write_report(
    report: Report,
    format: Format,
    columns: str | None,
    sort: str | None,
    top: int | None,
    layout: Layout,
    depth: str | None,
    output: Path | None,
    extra: tuple[str, ...] = (),
    caption: str = "",
    label: str = "",
) -> None:
    """Print a report, or write it to a file; with `extra` columns beside those chosen."""
    keys, levels = _with(parse_columns(columns), extra), parse_depth(depth)
    if format == "json":
        from cnncalc.tables.json import json as render_json

        # All layers in their order: what scripts read is not cut to what people look at.
        rendered = render_json(report, extra if columns is None else keys)
    elif format == "csv":
        from cnncalc.tables.csv import CSV_COLUMNS, csv

        keys = _with(CSV_COLUMNS, extra) if columns is None else keys
        rendered = csv(tabulate(report, keys, sort=sort, top=top, layout=layout, depth=levels))
        for line in warning_lines(report):
            print(line, file=sys.stderr)
    else:
        if depth is None and sort is None and top is None:
            levels, top = fitting_depth(report), MAX_ROWS
        table = tabulate(report, keys, sort=sort, top=top, layout=layout, depth=levels)
        if format == "text" and output is None:
            from cnncalc.tables import text

            text.write(table, sys.stdout, droppable=columns is None)
            return
        if format == "text":
            from cnncalc.tables import text

            rendered = "".join(f"{line}\n" for line, _ in text.render(table))
        else:
            write_page(table_page(table, caption, label), format, output)
            return
    write_text(rendered, output)


def write_comparison(
    networks: Sequence[tuple[str, Report]],
    format: Format,
    columns: str | None,
    sort: str | None,
    top: int | None,
    layout: Layout,
    output: Path | None,
    extra: tuple[str, ...] = (),
    caption: str = "",
    label: str = "",
) -> None:
    """Print several reports as one table of totals, or write it to a file."""
    from cnncalc.tables import compare

    keys = compare.COMPARED if columns is None else parse_columns(columns.lstrip("+"))
    keys = _with(keys, extra)
    if sort is not None:
        networks = sorted(networks, key=lambda network: network[1].total(sort), reverse=True)
    networks = networks[:top]
    if format == "json":
        entries = [{"spec": name, **report.to_dict()} for name, report in networks]
        rendered = json.dumps(entries, ensure_ascii=False, indent=1) + "\n"
    elif format == "csv":
        rendered = compare.comma_separated(networks, keys, layout)
    else:
        write_page(compare.page(networks, keys, layout, caption, label), format, output)
        return
    write_text(rendered, output)


_KEPT: ContextVar[list[Block] | None] = ContextVar("_KEPT", default=None)


@contextmanager
def kept_pages() -> Iterator[list[Block]]:
    """The blocks of all pages that are to be written from now on, which then are not."""
    blocks = list[Block]()
    token = _KEPT.set(blocks)
    try:
        yield blocks
    finally:
        _KEPT.reset(token)


def write_page(page: Page, format: PageFormat, output: Path | None) -> None:
    """Print a page, or write it to a file: text fitted to a terminal, HTML with its head."""
    if (kept := _KEPT.get()) is not None:
        kept += page
        return
    from cnncalc import display

    if format == "text" and output is None:
        from cnncalc.render import plain

        print_lines(plain.lines(page, width_of(sys.stdout)), sys.stdout)
    elif format == "html" and output is not None:
        from cnncalc.render import html

        write_file(output, html.document(page))
    else:
        write_text(display.write(page, format), output)


def write_text(text: str, output: Path | None) -> None:
    """Print a text, or write it to a file."""
    if output is None:
        sys.stdout.write(text)
    else:
        write_file(output, text)


def write_file(path: Path, content: str | bytes) -> None:
    """Write a whole file or nothing; links are followed. Raises UsageError."""
    path = path.resolve()
    with refusals(printable(str(path))):
        write_whole(path, content.encode() if isinstance(content, str) else content)


def fail_on_warnings(report: Report, strict: bool, strict_any: bool) -> None:
    """Exit 1 where the strictness that was asked for is not met."""
    fractions = [warning for warning in report.warnings if warning.kind == "stride"]
    losing = [warning for warning in fractions if warning.harms]
    if (strict_any and fractions) or ((strict or strict_any) and losing):
        raise typer.Exit(1)


def _quote(text: str) -> str:
    return printable(shorten(text))


def write_list(
    header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()
) -> None:
    """Print a list in columns, the last of which wraps on a terminal."""
    from cnncalc.render.listing import listing

    typer.echo("\n".join(listing(header, rows, right, width_of(sys.stdout))))
