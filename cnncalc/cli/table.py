"""`cnncalc table`."""

from __future__ import annotations

from typing import Annotated

import typer

from cnncalc.api import analyze
from cnncalc.cli.output import (
    BatchOption,
    ColumnsOption,
    DtypeOption,
    FormatOption,
    LayoutOption,
    OutputOption,
    StrictAnyOption,
    StrictOption,
    fail_on_warnings,
    parse_input,
    write_report,
)
from cnncalc.cli.spec_argument import SpecArgument
from cnncalc.spec.load import load


def run(
    spec: SpecArgument = "lenet5",
    format: FormatOption = "text",
    columns: ColumnsOption = None,
    sort: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Largest values of a column first.")
    ] = None,
    top: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Show the first N layers only.")
    ] = None,
    value: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Print one total only: params, macs, layers, …"),
    ] = None,
    layout: LayoutOption = "hwc",
    input: Annotated[
        str | None,
        typer.Option(metavar="SIZES", help="Another input: 256x256, or 256x256x3 with channels."),
    ] = None,
    batch: BatchOption = 1,
    dtype: DtypeOption = "float32",
    strict: StrictOption = False,
    strict_any: StrictAnyOption = False,
    output: OutputOption = None,
) -> None:
    """Shapes, activations, parameters, MACs and FLOPs of every layer."""
    graph = load(spec)
    if input is not None:
        graph = graph.with_input(parse_input(input, graph))
    report = analyze(graph, batch=batch, dtype=dtype)
    if value is not None:
        typer.echo(report.layers if value == "layers" else report.total(value))
    else:
        write_report(report, format, columns, sort, top, layout, output)
    fail_on_warnings(report, strict, strict_any)
