"""`cnncalc show`."""

from __future__ import annotations

from typing import Annotated

import typer

from cnncalc.cli.output import write_list
from cnncalc.cli.spec_argument import SpecArgument
from cnncalc.graph import Graph
from cnncalc.layers.base import times
from cnncalc.spec.load import load, source


def run(
    spec: SpecArgument = "lenet5",
    expand: Annotated[
        bool, typer.Option("--expand", help="Print the flat graph that the spec stands for.")
    ] = False,
) -> None:
    """Print a spec as it is written, or the graph that it expands to."""
    if expand:
        write_list(("node", "reads", "layer"), _nodes(load(spec)))
        return
    _, text, _ = source(spec)
    typer.echo(text, nl=not text.endswith("\n"))


def _nodes(graph: Graph) -> list[tuple[str, ...]]:
    """Name, inputs, and layer with the fields that were set, of every node."""
    rows: list[tuple[str, ...]] = [
        (name, "", f"{times(shape)}, channels first") for name, shape in graph.inputs.items()
    ]
    for node in graph.nodes:
        given = node.layer.model_dump(by_alias=True, exclude_unset=True, exclude={"activation"})
        fields = ", ".join(f"{name}={value}" for name, value in given.items())
        rows.append((node.name, ", ".join(node.inputs), f"{node.layer.type}({fields})"))
    return rows
