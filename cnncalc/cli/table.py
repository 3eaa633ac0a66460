"""`cnncalc table`."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from cnncalc.api import analyze
from cnncalc.cli.output import (
    BatchOption,
    ColumnsOption,
    DtypeOption,
    FormatOption,
    InputOption,
    LayoutOption,
    OutputOption,
    SetOption,
    StrictAnyOption,
    StrictOption,
    fail_on_warnings,
    parse_input,
    parse_settings,
    write_comparison,
    write_report,
)
from cnncalc.cli.spec_argument import SpecsArgument
from cnncalc.errors import UsageError, shown
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
    set: SetOption = None,
    depth: Annotated[
        str | None,
        typer.Option(metavar="N|all", help="Collapse blocks below N names; all shows every layer."),
    ] = None,
    layout: LayoutOption = "hwc",
    input: InputOption = None,
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
    optimizer: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Add training memory with sgd, momentum, adam, …"),
    ] = None,
    caption: Annotated[
        str, typer.Option(help="What stands above the table; not in text, CSV and JSON.")
    ] = "",
    label: Annotated[
        str, typer.Option(metavar="NAME", help="What \\ref calls the table, as tab:lenet5.")
    ] = "",
    strict: StrictOption = False,
    strict_any: StrictAnyOption = False,
    output: OutputOption = None,
) -> None:
    """Shapes, activations, parameters, MACs, FLOPs of every layer; several specs side by side."""
    _check_caption(caption, label, format)
    variables = parse_settings(set or [])
    reports = []
    for spec in specs or ["lenet5"]:
        graph = load(spec, **variables)
        if input is not None:
            graph = graph.with_input(parse_input(input, graph))
        report = analyze(
            graph,
            batch=batch,
            dtype=dtype,
            count_as=count_as,
            params_as=params_as,
            optimizer=optimizer,
        )
        reports.append((spec, report))
    asked = {"count": count_as, "training_bytes": optimizer}
    extra = tuple(key for key, wanted in asked.items() if wanted is not None)
    if value is not None:
        for _, report in reports:
            typer.echo(report.layers if value == "layers" else report.total(value))
    elif len(reports) > 1:
        write_comparison(reports, format, columns, sort, top, layout, output, extra, caption, label)
    else:
        write_report(
            reports[0][1],
            format,
            columns,
            sort,
            top,
            layout,
            depth,
            output,
            extra,
            caption,
            label,
        )
    for _, report in reports:
        fail_on_warnings(report, strict, strict_any)


def _check_caption(caption: str, label: str, format: str) -> None:
    """Refuse what the format would leave out. Raises UsageError."""
    if caption and format in ("text", "csv", "json"):
        raise UsageError(f"--caption is for --format latex, html, markdown …, not {format}")
    if label and not caption:
        raise UsageError("--label needs a --caption, which gives the table its number")
    if label and format == "markdown":
        raise UsageError("--label is for --format latex, html, rst and asciidoc, not markdown")
    if label and not re.fullmatch(r"[A-Za-z][\w:.-]{0,99}", label, re.ASCII):
        raise UsageError(
            f"--label must be letters, digits and :._- such as tab:lenet5, not {shown(label)}"
        )
