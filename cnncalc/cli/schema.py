"""`cnncalc schema`."""

from __future__ import annotations

import json

import typer

from cnncalc.spec.schema import schema


def run() -> None:
    """Print the JSON Schema of specs (draft-07), with which editors complete and check them."""
    typer.echo(json.dumps(schema(), ensure_ascii=False, indent=1))
