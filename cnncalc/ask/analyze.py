"""From a graph to its report, as all requests have it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

from cnncalc.analysis.notices import notices
from cnncalc.analysis.strides import network_warnings
from cnncalc.asked import Asked
from cnncalc.columns import bits_of, columns, second_biases
from cnncalc.errors import UsageError, shown
from cnncalc.graph import Graph
from cnncalc.infer import Facts, infer
from cnncalc.layers.base import Ids, count
from cnncalc.layers.fields import MAX_INT, is_whole
from cnncalc.report import Report

OF_TRAINING = ("backward_macs", "saved_bytes", "optimizer_bytes", "training_bytes")
"""Columns that nothing in inference has."""


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
    compute = columns(graph, facts, batch, dtype, _kept(params_as), optimizer or "sgd")
    if graph.left_out:
        compute |= dict.fromkeys(OF_TRAINING, partial(_refuse_training, graph))
    remarks: dict[str, list[str]] = {}
    if params_as is not None:
        remarks["params"] = [_keras_remark(compute)]
        if any(map(second_biases, facts)):
            remarks["params"] += ["params: rnn and lstm with one bias for each number of a gate."]
        remarks["buffers"] = ["buffers: none; Keras counts them as non-trainable parameters."]
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
        asked=Asked.of(
            graph,
            batch=batch,
            dtype=dtype,
            count_as=count_as,
            params_as=params_as,
            optimizer=optimizer,
        ),
        inputs=tuple(
            {"name": name, "shape": list(shape), "activations": count(shape) * batch}
            | ({"dtype": "int64"} if isinstance(shape, Ids) else {})
            for name, shape in graph.inputs.items()
        ),
        compute=compute,
        left_out=graph.left_out,
        remarks=remarks,
        find_warnings=lambda: chain(notices(graph, facts), network_warnings(facts)),
    )


def _refuse_training(graph: Graph) -> Sequence[Any]:
    """What is said where training is asked of a network without a part that it trains."""
    raise UsageError(f"training needs what does not fit: {graph.left_out}")


def in_inference(graph: Graph, facts: list[Facts]) -> list[Facts]:
    """The layers that inference runs."""
    resting = graph.only_auxiliary()
    return [fact for fact in facts if fact.node.name not in resting]


def _training_remark(optimizer: str, compute: Mapping[str, Callable[[], Sequence[int]]]) -> str:
    """The sum that training bytes are."""
    total, gradients, state, saved = (
        sum(compute[f"{key}_bytes"]()) for key in ("training", "gradient", "optimizer", "saved")
    )
    # Not params_bytes, which may count what else is kept as parameters.
    params = total - gradients - state - saved
    return (
        f"training bytes: {params:,} parameters + {gradients:,} gradients + "
        f"{state:,} of {optimizer}'s state + {saved:,} saved for backward."
    )


def _keras_remark(compute: Mapping[str, Callable[[], Sequence[int]]]) -> str:
    """The three totals below Keras' summary()."""
    total, trainable, rest = (
        sum(compute[key]()) for key in ("params", "trainable", "non_trainable")
    )
    return (
        f"params: as Keras' summary(): total {total:,}, trainable {trainable:,}, "
        f"non-trainable {rest:,}."
    )


def _kept(params_as: str | None) -> Callable[[Facts], int] | None:
    """What counts as parameters beside what is trained."""
    if params_as is None:
        return None
    if params_as != "keras":
        raise UsageError(f"no such way to count parameters: {shown(params_as)}; there is keras")
    from cnncalc.analysis.tools import non_trainable

    return non_trainable
