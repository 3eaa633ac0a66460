"""`cnncalc diff`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from cnncalc.api import diff
from cnncalc.cli.output import (
    BatchOption,
    DtypeOption,
    OutputOption,
    parse_input,
    parse_settings,
    write_page,
    write_text,
)
from cnncalc.cli.spec_argument import SpecArgument
from cnncalc.errors import UsageError
from cnncalc.findings import diff_page as render
from cnncalc.graph import Graph
from cnncalc.render.terminal import print_lines, width_of
from cnncalc.spec.load import load


def run(
    before: SpecArgument,
    after: Annotated[
        str | None, typer.Argument(metavar="[SPEC]", help="The other; else the first, changed.")
    ] = None,
    set: Annotated[
        list[str] | None,
        typer.Option(metavar="VAR=VALUE", help="Set a variable of both; may be repeated."),
    ] = None,
    set_b: Annotated[
        list[str] | None, typer.Option(metavar="VAR=VALUE", help="Set one of the second only.")
    ] = None,
    input: Annotated[
        str | None, typer.Option(metavar="SIZES", help="Another input for both: 256x256.")
    ] = None,
    input_b: Annotated[
        str | None, typer.Option(metavar="SIZES", help="Another input for the second only.")
    ] = None,
    batch: BatchOption = 1,
    dtype: DtypeOption = "float32",
    names: Annotated[
        bool, typer.Option("--names", help="Other names are differences too.")
    ] = False,
    whole: Annotated[
        bool, typer.Option("--all", help="List every layer, where else many share a line.")
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit 1 where they differ, as git has it.")
    ] = False,
    format: Annotated[
        Literal["text", "markdown", "latex", "html", "rst", "asciidoc", "json"],
        typer.Option("--format", "-f", help="What to print."),
    ] = "text",
    output: OutputOption = None,
) -> None:
    """What two networks differ in: layers added (+), removed (-) and changed (~), and totals."""
    if after is None and not set_b and input_b is None:
        raise UsageError(
            "diff needs a second network, or a change of the first: --set-b VAR=VALUE or "
            "--input-b SIZES"
        )
    if before == "-" and after in ("-", None):
        raise UsageError("only one network can come from standard input")
    found = diff(
        _graph(before, set or [], input),
        _graph(after or before, [*(set or []), *(set_b or [])], input_b or input),
        batch=batch,
        dtype=dtype,
        names=names,
    )
    if format == "json":
        write_text(json.dumps(found.to_dict(), ensure_ascii=False, indent=1) + "\n", output)
    elif format != "text":
        write_page(render.page(found, whole), format, output)
    elif output is None:
        print_lines(render.lines(found, width_of(sys.stdout), whole), sys.stdout)
    else:
        write_text("".join(f"{line}\n" for line, _ in render.lines(found, None, whole)), output)
    if exit_code and found.differs:
        raise typer.Exit(1)


def _graph(spec: str, settings: Sequence[str], input: str | None) -> Graph:
    graph = load(spec, **parse_settings(settings))
    return graph if input is None else graph.with_input(parse_input(input, graph))
