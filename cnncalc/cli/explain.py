"""`cnncalc explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from cnncalc.api import explain
from cnncalc.cli.output import (
    DtypeOption,
    InputOption,
    LayoutOption,
    OutputOption,
    PageFormatOption,
    SetOption,
    parse_input,
    parse_settings,
    write_page,
)
from cnncalc.cli.spec_argument import SpecArgument
from cnncalc.spec.load import load


def run(
    spec: SpecArgument = "lenet5",
    layers: Annotated[
        list[str] | None,
        typer.Argument(metavar="[LAYER]...", help="Layers or blocks to explain; all by default."),
    ] = None,
    format: PageFormatOption = "text",
    set: SetOption = None,
    input: InputOption = None,
    dtype: DtypeOption = "float32",
    layout: LayoutOption = "hwc",
    quiz: Annotated[
        bool, typer.Option("--quiz", help="The table with blanks to fill in, as an exercise.")
    ] = False,
    answers: Annotated[bool, typer.Option("--answers", help="With --quiz: its solution.")] = False,
    seed: Annotated[
        int, typer.Option(min=0, help="With --quiz: which cells are blank; the same each time.")
    ] = 0,
    output: OutputOption = None,
) -> None:
    """The working: every formula with its numbers, layer by layer."""
    graph = load(spec, **parse_settings(set or []))
    if input is not None:
        graph = graph.with_input(parse_input(input, graph))
    if quiz or answers:
        from cnncalc.api import analyze
        from cnncalc.tables.quiz import page as quiz_page

        page = quiz_page(analyze(graph, dtype=dtype), seed, answers, layout, layers or ())
    else:
        from cnncalc.findings.explain_page import page as explained_page

        page = explained_page(explain(graph, *(layers or ()), dtype=dtype), layout)
    write_page(page, format, output)
