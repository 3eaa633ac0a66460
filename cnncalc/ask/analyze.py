"""From a graph to its report, as all requests have it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from cnncalc.analysis.strides import network_warnings
from cnncalc.columns import bits_of, columns
from cnncalc.errors import UsageError, shown
from cnncalc.graph import Graph
from cnncalc.infer import Facts, infer
from cnncalc.layers.base import Ids, count
from cnncalc.layers.fields import MAX_INT, is_whole
from cnncalc.report import Report


def analyzed(
    graph: Graph,
    *,
    batch: int = 1,
    dtype: str = "float32",
    count_as: str | None = None,
    params_as: str | None = None,
    optimizer: str | None = None,
) -> Report:
    """The report of a graph, with the options of `analyze`. Raises CnncalcError."""
    if not is_whole(batch, 1):
        raise UsageError(f"batch must be a whole number from 1 to {MAX_INT:,}, not {batch}")
    bits_of(dtype)
    facts = infer(graph)
    compute = columns(graph, facts, batch, dtype, _params(params_as), optimizer or "sgd")
    remarks: dict[str, list[str]] = {}
    if params_as is not None:
        remarks["params"] = ["params: as Keras' summary(), with batch_norm's moving statistics."]
        if any(fact.node.layer.second_biases(*fact.inputs) for fact in facts):
            remarks["params"] += ["params: rnn and lstm with one bias for each number of a gate."]
    if count_as is not None:
        from cnncalc.analysis.tools import convention

        counted = convention(count_as)
        compute["count"] = lambda: [counted.count(f) * batch for f in facts]
        remarks["count"] = counted.remarks(in_inference(graph, facts), batch)
    if optimizer is not None:
        remarks["training_bytes"] = [_training_remark(optimizer, compute)]
    return Report(
        name=graph.name,
        description=graph.description,
        source=graph.source,
        batch=batch,
        dtype=dtype,
        inputs=tuple(
            {"name": name, "shape": list(shape), "activations": count(shape) * batch}
            | ({"dtype": "int64"} if isinstance(shape, Ids) else {})
            for name, shape in graph.inputs.items()
        ),
        compute=compute,
        count_as=count_as,
        remarks=remarks,
        find_warnings=partial(network_warnings, facts),
    )


def in_inference(graph: Graph, facts: list[Facts]) -> list[Facts]:
    """The layers that inference runs."""
    resting = graph.only_auxiliary()
    return [fact for fact in facts if fact.node.name not in resting]


def _training_remark(optimizer: str, compute: Mapping[str, Callable[[], Sequence[int]]]) -> str:
    """The sum that training bytes are."""
    params, state, saved = (
        sum(compute[key]()) for key in ("params_bytes", "optimizer_bytes", "saved_bytes")
    )
    return (
        f"training bytes: {params:,} parameters + {params:,} gradients + "
        f"{state:,} of {optimizer}'s state + {saved:,} saved for backward."
    )


def _params(params_as: str | None) -> Callable[[Facts], int]:
    """What counts parameters."""
    if params_as is None:
        return lambda fact: fact.params
    if params_as != "keras":
        raise UsageError(f"no such way to count parameters: {shown(params_as)}; there is keras")
    from cnncalc.analysis.tools import in_keras

    return in_keras
