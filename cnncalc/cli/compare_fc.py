"""`cnncalc compare-fc`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from cnncalc.api import compare_fc
from cnncalc.cli.output import (
    BatchOption,
    DtypeOption,
    FormatOption,
    InputOption,
    LayoutOption,
    OutputOption,
    SetOption,
    parse_input,
    parse_settings,
    write_page,
    write_text,
)
from cnncalc.cli.spec_argument import SpecArgument
from cnncalc.errors import UsageError, shown
from cnncalc.spec.load import load


def run(
    spec: SpecArgument = "lenet5",
    layers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="LAYER", help="Convolutions, or blocks of them, to work out; else all."
        ),
    ] = None,
    hidden: Annotated[
        str | None,
        typer.Option(
            metavar="SIZES", help="Compare with a dense network of these hidden layers: 600,300."
        ),
    ] = None,
    format: FormatOption = "text",
    set: SetOption = None,
    layout: LayoutOption = "hwc",
    input: InputOption = None,
    batch: BatchOption = 1,
    dtype: DtypeOption = "float32",
    output: OutputOption = None,
) -> None:
    """What convolutions save against fully connected layers: sparse connections × sharing."""
    graph = load(spec, **parse_settings(set or []))
    if input is not None:
        graph = graph.with_input(parse_input(input, graph))
    found = compare_fc(graph, *layers or (), hidden=_sizes(hidden), batch=batch, dtype=dtype)
    if format == "json":
        write_text(json.dumps(found.to_dict(), ensure_ascii=False, indent=1) + "\n", output)
        return
    from cnncalc.render.compare_fc import comma_separated, page

    if format == "csv":
        if hidden:
            raise UsageError("--format csv lists convolutions only; --hidden needs another format")
        write_text(comma_separated(found, layout), output)
        return
    networks = not layers or hidden is not None
    write_page(page(found, bool(layers), networks, layout), format, output)


def _sizes(hidden: str | None) -> list[int]:
    """The sizes that `--hidden` names."""
    if hidden is None:
        return []
    parts = [part.strip() for part in hidden.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) <= 40 for part in parts):
        raise UsageError(f"--hidden takes sizes like 600,300, not {shown(hidden)}")
    return list(map(int, parts))
