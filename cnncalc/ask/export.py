"""A network as a Python module."""

from dataclasses import dataclass
from typing import Annotated

from cnncalc.ask.groups import OfNetwork
from cnncalc.ask.option import Option
from cnncalc.ask.request import Answer
from cnncalc.infer import infer


@dataclass(frozen=True, kw_only=True)
class Export(OfNetwork[str]):
    """The network as a Python module for torch or Keras, which needs no cnncalc."""

    command = "export"

    to: Annotated[str, Option("What the code is written for.", choices=("torch", "keras"))] = (
        "torch"
    )

    def find(self) -> str:
        graph = self.graph()
        facts = infer(graph)
        if self.to == "torch":
            from cnncalc.interop.torch_source import torch_source

            return torch_source(graph, facts)
        from cnncalc.interop.keras_source import keras_source

        return keras_source(graph, facts)

    def answer(self, found: str) -> Answer:
        return Answer(found)
