"""`cnncalc layers`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from cnncalc.cli.output import write_list
from cnncalc.errors import UsageError, printable, shorten, suggestion
from cnncalc.layers import MODULES, layer_class
from cnncalc.layers.docs import all_layers, field_rows
from cnncalc.spec.advice import right_word


def _complete(incomplete: str) -> list[str]:
    return [word for word in MODULES if word.startswith(incomplete)]


def run(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="The layer to explain.", autocompletion=_complete),
    ] = None,
    format: Annotated[
        Literal["text", "markdown"],
        typer.Option("--format", "-f", help="markdown prints the page of all layers."),
    ] = "text",
) -> None:
    """List the layers of the spec language, or explain one layer's fields."""
    if format == "markdown":
        typer.echo(all_layers(), nl=False)
    elif name is None:
        write_list(("layer", "what it does"), [(w, layer_class(w).summary()) for w in MODULES])
        typer.echo("\n`cnncalc layers NAME` explains the fields of one.")
    else:
        _explain(name)


def _explain(name: str) -> None:
    if name not in MODULES:
        right = right_word(name)
        hint = f"; the layer is called {right}" if right else suggestion(name, MODULES)
        raise UsageError(f"no such layer: {printable(shorten(name))}{hint}")
    cls = layer_class(name)
    typer.echo(f"{name}: {cls.summary()}\n")
    rows = field_rows(cls)
    if not rows:
        typer.echo(f"It has no fields: write `- {name}`.")
        return
    write_list(("field", "default", "meaning"), rows)
    if cls.main:
        typer.echo(f"\nA bare value fills {cls.main}: `{name}: …`.")
    typer.echo(f"\nTry: cnncalc layer {name} {_example(name)}".rstrip())


def _example(name: str) -> str:
    values = {"out_channels": "16", "kernel_size": "3", "out_features": "10", "output_size": "7"}
    return " ".join(f"{f}={values.get(f, '1')}" for f in layer_class(name).required_fields())
