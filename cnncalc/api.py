"""What users call: from a spec to its report."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from cnncalc.analysis.strides import network_warnings
from cnncalc.columns import bits_of, columns, size_in_bytes
from cnncalc.errors import UsageError, shown
from cnncalc.graph import Graph
from cnncalc.infer import Facts, infer
from cnncalc.layers.base import Shape, count
from cnncalc.layers.fields import MAX_INT, is_whole
from cnncalc.presented import Drawn
from cnncalc.report import Report
from cnncalc.spec.load import load

if TYPE_CHECKING:
    from cnncalc.analysis.convention import Tally
    from cnncalc.drawing.diagram import Depth, Labels
    from cnncalc.drawing.draw import Drawing
    from cnncalc.findings.budget import Verdict
    from cnncalc.findings.compare_fc import FcComparison
    from cnncalc.findings.diff import Diff
    from cnncalc.findings.explain import Explained
    from cnncalc.findings.verification import Verification

Spec = str | os.PathLike[str] | Mapping[str, Any] | Graph
"""A path, the name of a bundled network, a mapping, or a graph."""


def analyze(
    spec: Spec,
    /,
    *,
    batch: int = 1,
    dtype: str = "float32",
    input: Shape | None = None,
    count_as: str | None = None,
    params_as: str | None = None,
    optimizer: str | None = None,
    **variables: Any,
) -> Report:
    """The report of a spec: a path, a bundled name, a mapping or a graph.

    `variables` set variables of the spec (a graph has none any more). `batch` multiplies
    activations, MACs, FLOPs and elementwise operations, never parameters; `dtype` gives the size
    of a value in bytes; `input` replaces the input's shape (channels first). `count_as` names the
    tool that the column `count` follows; `params_as="keras"` counts the moving statistics of
    batch_norm as parameters, as Keras' summary() does; `optimizer` is what training memory is
    for (sgd). Raises CnncalcError.
    """
    if not is_whole(batch, 1):
        raise UsageError(f"batch must be a whole number from 1 to {MAX_INT:,}, not {batch}")
    bits_of(dtype)
    graph = _graph(spec, input, variables)
    facts = infer(graph)
    compute = columns(graph, facts, batch, dtype, _params(params_as), optimizer or "sgd")
    remarks: dict[str, Sequence[str]] = {}
    if params_as is not None:
        remarks["params"] = ["params: as Keras' summary(), with batch_norm's moving statistics."]
    if count_as is not None:
        from cnncalc.analysis.tools import convention

        counted = convention(count_as)
        compute["count"] = lambda: [counted.count(f) * batch for f in facts]
        remarks["count"] = counted.remarks(_in_inference(graph, facts), batch)
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
            for name, shape in graph.inputs.items()
        ),
        compute=compute,
        count_as=count_as,
        remarks=remarks,
        find_warnings=partial(network_warnings, facts),
    )


def explain(
    spec: Spec,
    /,
    *layers: str,
    dtype: str = "float32",
    input: Shape | None = None,
    **variables: Any,
) -> Explained:
    """How each number of the layers comes about; of all layers where none is named.

    A block's name stands for its layers. The rest is as in `analyze`. Raises CnncalcError.
    """
    from cnncalc.findings.explain import Explained, explanations, totals

    graph = _graph(spec, input, variables)
    facts = infer(graph)
    explained = explanations(graph, facts, bits_of(dtype), layers)
    sums = () if layers else tuple(totals(graph, facts))
    return Explained(graph.name, tuple(explained), sums)


def reconcile(
    spec: Spec,
    tools: Sequence[str] = (),
    **variables: Any,
) -> list[Tally]:
    """What each tool counts, as a sum of named parts; all tools where none is named.

    Raises CnncalcError.
    """
    from cnncalc.analysis.tools import CONVENTIONS, tally

    graph = _graph(spec, None, variables)
    facts = _in_inference(graph, infer(graph))
    return [tally(name, facts) for name in tools or CONVENTIONS]


def compare_fc(
    spec: Spec,
    /,
    *layers: str,
    hidden: Sequence[int] = (),
    batch: int = 1,
    dtype: str = "float32",
    input: Shape | None = None,
    **variables: Any,
) -> FcComparison:
    """Each convolution (or those `layers`) beside the fully connected layer of the same input and
    output, and the network beside dense ones; `hidden` are the sizes of one of your own.

    The rest is as in `analyze`. Raises CnncalcError.
    """
    from cnncalc.findings.compare_fc import FcComparison, compare_convolutions
    from cnncalc.findings.dense_twin import Cost, dense_networks

    for units in hidden:
        if not is_whole(units, 1):
            raise UsageError(
                f"hidden: sizes must be whole numbers from 1 to {MAX_INT:,}, not {shown(units)}"
            )
    graph = _graph(spec, input, variables)
    report, facts = analyze(graph, batch=batch, dtype=dtype), infer(graph)

    def size(values: int) -> int:
        return size_in_bytes(values, dtype)

    compared, total = compare_convolutions(graph, facts, layers, batch, size)
    network = Cost(*map(report.total, ("weights", "biases", "macs", "params_bytes")))
    dense = dense_networks(graph, facts, network.params, hidden, batch, size)
    return FcComparison(graph.name, batch, dtype, compared, total, network, dense)


def check(
    spec: Spec,
    budgets: Mapping[str, int | str | bool],
    /,
    *,
    batch: int = 1,
    dtype: str = "float32",
    input: Shape | None = None,
    optimizer: str | None = None,
    **variables: Any,
) -> Verdict:
    """What each budget finds: `check("lenet5", {"max-params": "5M"}).ok`.

    The budgets are the limits of `cnncalc check`; the rest is as in `analyze`. Raises
    CnncalcError.
    """
    from cnncalc.findings.budget import verdict

    report = analyze(spec, batch=batch, dtype=dtype, input=input, optimizer=optimizer, **variables)
    return verdict(report, budgets)


def diff(
    before: Spec,
    after: Spec,
    /,
    *,
    batch: int = 1,
    dtype: str = "float32",
    names: bool = False,
) -> Diff:
    """The layers in which two networks differ, and what that costs.

    With `names`, other names are differences too. `load` gives a graph with its variables set.
    Raises CnncalcError.
    """
    from cnncalc.findings.diff import compare

    graphs = [_graph(spec, None, {}) for spec in (before, after)]
    a, b = ((g, infer(g), analyze(g, batch=batch, dtype=dtype)) for g in graphs)
    return compare(a, b, names)


def verify(
    spec: Spec,
    /,
    *,
    device: str | None = "auto",
    batch: int = 2,
    input: Shape | None = None,
    max_memory: int | None = None,
    max_params: int | None = None,
    **variables: Any,
) -> Verification:
    """Whether torch agrees: shapes, tensors and MACs of every layer, then a real forward and
    backward with what they keep in memory.

    `device` is cpu, cuda, mps or auto, or None for no real run; there is none either where it
    needs more than `max_memory` bytes (half of what is free) or has more than `max_params`. The
    rest is as in `analyze`. Raises CnncalcError.
    """
    from cnncalc.witness.verify import torch_witness, verify_graph

    torch_witness()
    theirs = _graph(spec, None, variables)
    graph = _graph(theirs, input, {})
    return verify_graph(
        graph,
        infer(graph),
        analyze(graph),
        analyze(graph, batch=batch),
        device=device,
        max_memory=max_memory,
        max_params=max_params,
        spec_inputs=theirs.inputs if theirs.inputs != graph.inputs else {},
    )


def draw(
    spec: Spec,
    /,
    *,
    format: str = "svg",
    kind: str = "blocks",
    column: str = "params",
    depth: Depth = None,
    layout: Labels = "maps",
    input: Shape | None = None,
    **variables: Any,
) -> str:
    """A drawing as text: `svg`, `mermaid`, `dot` or `tikz`; a notebook draws the first two.

    `kind` is `blocks`, `receptive-field`, or `bars` of a `column`. Blocks are collapsed below
    `depth` names, or as far as there is room; `"all"` draws every layer. `layout` writes shapes
    as 6@28×28 (`maps`), 28×28×6 (`hwc`) or 6×28×28 (`chw`). Raises CnncalcError.
    """
    graph = _graph(spec, input, variables)
    found = drawn(graph, format=format, kind=kind, column=column, depth=depth, layout=layout)
    return Drawn(found.text, format)


def drawn(
    graph: Graph, *, format: str, kind: str, column: str, depth: Depth, layout: Labels
) -> Drawing:
    """The drawing of a graph, and what its reader should know beside it."""
    from cnncalc.drawing.draw import draw as draw_network

    return draw_network(
        graph,
        infer(graph),
        analyze(graph),
        format=format,
        kind=kind,
        column=column,
        depth=depth,
        labels=layout,
    )


def _graph(spec: Spec, input: Shape | None, variables: Mapping[str, Any]) -> Graph:
    """The graph of a spec; a graph has no variables any more."""
    graph = spec if isinstance(spec, Graph) else load(spec, **variables)
    return graph if input is None else graph.with_input(input)


def _training_remark(optimizer: str, compute: Mapping[str, Callable[[], Sequence[int]]]) -> str:
    """The sum that training bytes are."""
    params, state, saved = (
        sum(compute[key]()) for key in ("params_bytes", "optimizer_bytes", "saved_bytes")
    )
    return (
        f"training bytes: {params:,} parameters + {params:,} gradients + "
        f"{state:,} of {optimizer}'s state + {saved:,} saved for backward."
    )


def _in_inference(graph: Graph, facts: list[Facts]) -> list[Facts]:
    """The layers that inference runs."""
    resting = graph.only_auxiliary()
    return [fact for fact in facts if fact.node.name not in resting]


def _params(params_as: str | None) -> Callable[[Facts], int]:
    """What counts parameters."""
    if params_as is None:
        return lambda fact: fact.params
    if params_as != "keras":
        raise UsageError(f"no such way to count parameters: {shown(params_as)}; there is keras")
    from cnncalc.analysis.tools import moving_statistics

    return lambda fact: fact.params + moving_statistics(fact)
