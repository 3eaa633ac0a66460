"""`cnncalc reconcile`."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cnncalc.api import reconcile
from cnncalc.cli.output import (
    OutputOption,
    SetOption,
    parse_settings,
    write_page,
    write_text,
)
from cnncalc.cli.spec_argument import SpecArgument
from cnncalc.errors import UsageError
from cnncalc.findings import reconcile_page as render
from cnncalc.render.listing import listing
from cnncalc.render.terminal import width_of
from cnncalc.spec.load import load

if TYPE_CHECKING:
    from cnncalc.analysis.convention import Tally


def run(
    spec: SpecArgument = "lenet5",
    tools: Annotated[
        list[str] | None,
        typer.Argument(metavar="[A [B]]", help="One tool, or two and how they differ; else all."),
    ] = None,
    set: SetOption = None,
    format: Annotated[
        Literal["text", "markdown", "latex", "html", "rst", "asciidoc", "json"],
        typer.Option("--format", "-f", help="What to print."),
    ] = "text",
    output: OutputOption = None,
) -> None:
    """The same network as other tools count it, as sums of named parts."""
    if tools and len(tools) > 2:
        raise UsageError(f"reconcile takes at most two tools, not {len(tools)}")
    graph = load(spec, **parse_settings(set or []))
    tallies = reconcile(graph, tools or ())
    if format == "json":
        entries = json.dumps(list(map(_entry, tallies)), ensure_ascii=False, indent=1)
        write_text(f"{entries}\n", output)
        return
    if format != "text":
        write_page(render.page(tallies, graph.name), format, output)
        return
    width = width_of(sys.stdout) if output is None else None
    lines = [*_grid(tallies, width), "", *(line for t in tallies for line in _remarks(t))]
    write_text("".join(f"{line}\n" for line in lines), output)


def _grid(tallies: Sequence[Tally], width: int | None) -> list[str]:
    """Two tools as a difference, else a line for each part, the total beside the first."""
    if len(tallies) == 2:
        header = ("part", tallies[0].name, tallies[1].name, "difference")
        return listing(header, render.differences(*tallies), (1, 2, 3), width)
    rows = []
    for tally in tallies:
        first = [tally.name, f"{tally.total:,}"]
        for summand in render.summands(tally.parts):
            rows.append([*first, summand])
            first = ["", ""]
    return listing(("counted as", "total", "= parts"), rows, (1,), width)


def _remarks(tally: Tally) -> Iterator[str]:
    yield render.remark(tally)
    for error in tally.errors:
        yield from textwrap.wrap(f"but {error}", 78, initial_indent="  ", subsequent_indent="  ")
    if tally.errors:
        yield f"  so it prints {tally.printed:,}"


def _entry(tally: Tally) -> dict[str, object]:
    return {
        "count_as": tally.name,
        "tool": tally.convention.tool,
        "unit": tally.convention.unit,
        "total": tally.total,
        "parts": [{**part._asdict(), "amount": part.amount} for part in tally.parts],
        "printed_by_tool": tally.printed,
        "faults": [error._asdict() for error in tally.errors],
    }
