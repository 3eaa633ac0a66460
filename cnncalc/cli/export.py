"""`cnncalc export`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from cnncalc.cli.output import (
    InputOption,
    OutputOption,
    SetOption,
    parse_input,
    parse_settings,
    write_text,
)
from cnncalc.cli.spec_argument import SpecArgument
from cnncalc.infer import infer
from cnncalc.spec.load import load


def run(
    spec: SpecArgument = "lenet5",
    to: Annotated[
        Literal["torch", "keras"], typer.Option("--to", help="What the code is written for.")
    ] = "torch",
    set: SetOption = None,
    input: InputOption = None,
    output: OutputOption = None,
) -> None:
    """The network as a Python module for torch or Keras, which needs no cnncalc."""
    graph = load(spec, **parse_settings(set or []))
    if input is not None:
        graph = graph.with_input(parse_input(input, graph))
    facts = infer(graph)
    if to == "torch":
        from cnncalc.interop.torch_source import torch_source

        write_text(torch_source(graph, facts), output)
    else:
        from cnncalc.interop.keras_source import keras_source

        write_text(keras_source(graph, facts), output)
