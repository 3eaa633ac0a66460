"""From a spec to its torch twin."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cnncalc.errors import require
from cnncalc.graph import Graph
from cnncalc.infer import infer
from cnncalc.spec.load import load

if TYPE_CHECKING:
    from cnncalc.witness.network import Network


def build(
    spec: str | os.PathLike[str] | Mapping[str, Any] | Graph, /, **variables: Any
) -> "Network":
    """The network as a torch module; parameters are named after the layers.

    Inputs are batches of what the spec says, channels first. Made on torch's default device:
    under `torch.device("meta")` it costs no memory. Raises CnncalcError.
    """
    graph = spec if isinstance(spec, Graph) else load(spec, **variables)
    facts = infer(graph)
    require("torch", "cnncalc.build", "torch")
    from cnncalc.witness.network import Network

    return Network(graph, facts)
