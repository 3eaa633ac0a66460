"""`cnncalc draw`."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from cnncalc.api import drawn
from cnncalc.cli.output import (
    InputOption,
    OutputOption,
    SetOption,
    parse_depth,
    parse_input,
    parse_settings,
    write_text,
)
from cnncalc.cli.spec_argument import SpecArgument
from cnncalc.drawing.draw import Format, Kind
from cnncalc.errors import UsageError
from cnncalc.spec.load import load

_ENDINGS: dict[str, Format] = {
    ".svg": "svg",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".dot": "dot",
    ".gv": "dot",
    ".tex": "tikz",
    ".tikz": "tikz",
}
"""What a file's name says about its format."""


def run(
    spec: SpecArgument = "lenet5",
    format: Annotated[
        Format | None,
        typer.Option(
            "--format", "-f", help="What to write; usual is what -o's ending says, or svg."
        ),
    ] = None,
    kind: Annotated[
        Kind, typer.Option(help="The layers, how the receptive field grows, or a column as bars.")
    ] = "blocks",
    column: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="With --kind bars: params, macs, activations, …"),
    ] = None,
    set: SetOption = None,
    depth: Annotated[
        str | None,
        typer.Option(metavar="N|all", help="Collapse blocks below N names; all draws every layer."),
    ] = None,
    layout: Annotated[
        Literal["maps", "hwc", "chw"],
        typer.Option(help="Shapes as 6@28×28, as textbooks' 28×28×6, or as torch's 6×28×28."),
    ] = "maps",
    input: InputOption = None,
    output: OutputOption = None,
) -> None:
    """Draw a network: feature maps and branches, receptive fields, or a column as bars."""
    graph = load(spec, **parse_settings(set or []))
    if input is not None:
        graph = graph.with_input(parse_input(input, graph))
    if column is not None and kind == "receptive-field":
        raise UsageError("--column is for --kind bars")
    if format is None:
        format = _ENDINGS.get(output.suffix.lower(), "svg") if output is not None else "svg"
    found = drawn(
        graph,
        format=format,
        kind="bars" if column is not None and kind == "blocks" else kind,
        column=column or "params",
        depth="all" if depth == "all" else parse_depth(depth),
        layout=layout,
    )
    write_text(found.text, output)
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
