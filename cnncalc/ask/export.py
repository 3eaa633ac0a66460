"""A network as a Python module."""

from dataclasses import dataclass
from typing import Annotated

from cnncalc.ask.groups import OfNetwork
from cnncalc.ask.option import Option
from cnncalc.infer import infer


@dataclass(frozen=True, kw_only=True)
class Export(OfNetwork[str]):
    """The network as a Python module for torch or Keras, which needs no cnncalc."""

    endings = {".py": "python"}  # noqa: RUF012

    to: Annotated[str, Option("What the code is written for.", choices=("torch", "keras"))] = (
        "torch"
    )

    def find(self) -> str:
        if self.to == "torch":
            from cnncalc.interop.torch_source import torch_source as written
        else:
            from cnncalc.interop.keras_source import keras_source as written
        graph = self.graph()
        return written(graph, infer(graph))
