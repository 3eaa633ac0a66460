"""`cnncalc specs`."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from cnncalc.api import analyze
from cnncalc.cli.output import write_list
from cnncalc.spec.bundled import networks


def run(
    format: Annotated[
        Literal["text", "json"], typer.Option("--format", "-f", help="What to print.")
    ] = "text",
) -> None:
    """List the bundled networks: their names, sizes and what they are."""
    reports = {name: analyze(name) for name in networks()}
    if format == "json":
        entries = [
            {
                "spec": name,
                "name": report.name,
                "description": report.description,
                "source": report.source,
                "layers": report.layers,
                "params": report.total("params"),
                "macs": report.total("macs"),
            }
            for name, report in reports.items()
        ]
        typer.echo(json.dumps(entries, ensure_ascii=False, indent=1))
        return
    rows = [
        (name, str(r.layers), f"{r.total('params'):,}", f"{r.total('macs'):,}", r.description)
        for name, r in reports.items()
    ]
    write_list(("spec", "layers", "params", "MACs", "description"), rows, right=(1, 2, 3))
