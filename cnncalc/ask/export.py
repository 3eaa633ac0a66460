"""A network as a Python module."""

from dataclasses import dataclass
from typing import Annotated

from cnncalc.ask import parse
from cnncalc.ask.option import InputOption, Option, SetOption, SpecArgument
from cnncalc.ask.request import Answer, Request
from cnncalc.infer import infer


@dataclass(frozen=True, kw_only=True)
class Export(Request[str]):
    """The network as a Python module for torch or Keras, which needs no cnncalc."""

    command = "export"

    spec: SpecArgument = "lenet5"
    to: Annotated[str, Option("What the code is written for.", choices=("torch", "keras"))] = (
        "torch"
    )
    set: SetOption = ()
    input: InputOption = None

    def find(self) -> str:
        graph = parse.network(self.spec, self.set, self.input, self.base)
        facts = infer(graph)
        if self.to == "torch":
            from cnncalc.interop.torch_source import torch_source

            return torch_source(graph, facts)
        from cnncalc.interop.keras_source import keras_source

        return keras_source(graph, facts)

    def answer(self, found: str) -> Answer:
        return Answer(found)
