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
    parse_settings,
    write_comparison,
    write_report,
)
from cnncalc.cli.spec_argument import SpecsArgument
from cnncalc.spec.load import load


def run(
    specs: SpecsArgument = None,
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
    set: Annotated[
        list[str] | None,
        typer.Option(metavar="VAR=VALUE", help="Set a variable of the spec; may be repeated."),
    ] = None,
    depth: Annotated[
        str | None,
        typer.Option(metavar="N|all", help="Collapse blocks below N names; all shows every layer."),
    ] = None,
    layout: LayoutOption = "hwc",
    input: Annotated[
        str | None,
        typer.Option(metavar="SIZES", help="Another input: 256x256, or 256x256x3 with channels."),
    ] = None,
    batch: BatchOption = 1,
    dtype: DtypeOption = "float32",
    count_as: Annotated[
        str | None,
        typer.Option(metavar="TOOL", help="Add a column: what torch, fvcore, thop, … count."),
    ] = None,
    params_as: Annotated[
        str | None,
        typer.Option(metavar="keras", help="Count batch_norm's moving statistics as parameters."),
    ] = None,
    strict: StrictOption = False,
    strict_any: StrictAnyOption = False,
    output: OutputOption = None,
) -> None:
    """Shapes, activations, parameters, MACs, FLOPs of every layer; several specs side by side."""
    variables = parse_settings(set or [])
    reports = []
    for spec in specs or ["lenet5"]:
        graph = load(spec, **variables)
        if input is not None:
            graph = graph.with_input(parse_input(input, graph))
        report = analyze(graph, batch=batch, dtype=dtype, count_as=count_as, params_as=params_as)
        reports.append((spec, report))
    extra = () if count_as is None else ("count",)
    if value is not None:
        for _, report in reports:
            typer.echo(report.layers if value == "layers" else report.total(value))
    elif len(reports) > 1:
        write_comparison(reports, format, columns, sort, top, layout, output, extra)
    else:
        write_report(reports[0][1], format, columns, sort, top, layout, depth, output, extra)
    for _, report in reports:
        fail_on_warnings(report, strict, strict_any)
