"""What users call: each function makes the request of a command, and gives what it finds."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from cnncalc.ask.table import Table
from cnncalc.errors import UsageError, shown, suggestion
from cnncalc.graph import Graph
from cnncalc.presented import Drawn
from cnncalc.report import Report

if TYPE_CHECKING:
    from cnncalc.drawing.diagram import Depth, Labels
    from cnncalc.findings.budget import Verdict
    from cnncalc.findings.compare_fc import FcComparison
    from cnncalc.findings.diff import Diff
    from cnncalc.findings.explain import Explained
    from cnncalc.findings.reconcile import Reconciliation
    from cnncalc.findings.verification import Verification
    from cnncalc.sliding.slide import Slide

Spec = str | os.PathLike[str] | Mapping[str, Any] | Graph
"""A path, the name of a bundled network, a mapping, or a graph."""
Input = str | Sequence[int]
"""Sizes of an input: `(channels, *spatial)` as torch has them, or the text `224x224x3`."""


def analyze(
    spec: Spec,
    /,
    *,
    batch: int = 1,
    dtype: str = "float32",
    input: Input | None = None,
    count_as: str | None = None,
    params_as: str | None = None,
    optimizer: str | None = None,
    **variables: Any,
) -> Report:
    """The report of a spec: a path, a bundled name, a mapping or a graph.

    `variables` set variables of the spec (a graph has none any more). `batch`, a whole number from
    1, multiplies activations, MACs, FLOPs and elementwise operations, never parameters; `dtype`
    gives the size of a value, for columns in bytes; `input` replaces the input's shape:
    `(channels, *spatial)` without the batch, or the text `224x224x3`; the channels may be left
    out. `count_as` names the tool that the column `count`
    follows; `params_as="keras"` counts as Keras' summary() does: what is kept and not trained, as
    moving statistics, as parameters, too; `optimizer` is what training memory is for (sgd).

    `report.column("macs")` has an exact integer for each layer, `report.total("macs")` the
    network's; MACs are multiply-accumulates, FLOPs two for each, sizes in bytes are named so.

    Raises SpecError with a line for each mistake of the spec or layer that does not fit, UsageError
    for an option or a name that there is not; both are CnncalcError.
    """
    return Table(
        specs=(spec,),
        set=variables,
        input=input,
        batch=batch,
        dtype=dtype,
        count_as=count_as,
        params_as=params_as,
        optimizer=optimizer,
    ).result()[0]


def explain(
    spec: Spec,
    /,
    *layers: str,
    dtype: str = "float32",
    input: Input | None = None,
    **variables: Any,
) -> Explained:
    """How each number of the layers comes about; of all layers where none is named.

    A block's name stands for its layers. The rest is as in `analyze`. Raises CnncalcError.
    """
    from cnncalc.ask.explain import Explain

    asked = Explain(spec=spec, layers=layers, set=variables, input=input, dtype=dtype)
    return cast("Explained", asked.result())


def reconcile(spec: Spec, /, *tools: str, **variables: Any) -> Reconciliation:
    """What each tool counts, as a sum of named parts; all tools where none is named.

    Raises CnncalcError.
    """
    from cnncalc.ask.reconcile import Reconcile

    return Reconcile(spec=spec, tools=tools, set=variables).result()


def compare_fc(
    spec: Spec,
    /,
    *layers: str,
    hidden: Sequence[int] = (),
    batch: int = 1,
    dtype: str = "float32",
    input: Input | None = None,
    **variables: Any,
) -> FcComparison:
    """Each convolution (or those `layers`) beside the fully connected layer of the same input and
    output, and the network beside dense ones; `hidden` are the sizes of one of your own.

    The rest is as in `analyze`. Raises CnncalcError.
    """
    from cnncalc.ask.compare_fc import CompareFc

    asked = CompareFc(
        spec=spec,
        layers=layers,
        hidden=hidden,
        set=variables,
        input=input,
        batch=batch,
        dtype=dtype,
    )
    return cast("FcComparison", asked.result())


def check(
    spec: Spec,
    budgets: Mapping[str, int | str | bool],
    /,
    *,
    batch: int = 1,
    dtype: str = "float32",
    input: Input | None = None,
    optimizer: str | None = None,
    **variables: Any,
) -> Verdict:
    """What each budget finds: `check("lenet5", {"max-params": "5M"}).ok`.

    The budgets are the limits of `cnncalc check`; the rest is as in `analyze`. Raises
    CnncalcError.
    """
    from cnncalc.ask.check import Check

    return (
        Check(
            specs=(spec,),
            budgets=budgets,
            set=variables,
            input=input,
            batch=batch,
            dtype=dtype,
            optimizer=optimizer,
        )
        .result()
        .found[0][-1]
    )


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
    from cnncalc.ask.diff import Diff as Asked

    return Asked(before=before, after=after, batch=batch, dtype=dtype, names=names).result()


def verify(
    spec: Spec,
    /,
    *,
    device: str | None = "auto",
    batch: int = 2,
    input: Input | None = None,
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
    from cnncalc.ask.verify import Verify

    return (
        Verify(
            specs=(spec,),
            device=device or "auto",
            meta=device is None,
            batch=batch,
            max_memory=max_memory,
            max_params=max_params,
            set=variables,
            input=input,
        )
        .result()
        .found[0][-1]
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
    input: Input | None = None,
    **variables: Any,
) -> str:
    """A drawing as text: `svg`, `mermaid`, `dot` or `tikz`; a notebook draws the first two.

    `kind` is `blocks`, `receptive-field`, or `bars` of a `column`. Blocks are collapsed below
    `depth` names, or as far as there is room; `"all"` draws every layer. `layout` writes shapes
    as 6@28×28 (`maps`), 28×28×6 (`hwc`) or 6×28×28 (`chw`). Raises CnncalcError.
    """
    from cnncalc.ask.draw import Draw

    asked = Draw(
        spec=spec,
        format=format,
        kind=kind,
        column=column if kind == "bars" else None,
        depth=None if depth is None else str(depth),
        layout=layout,
        set=variables,
        input=input,
    )
    return Drawn(asked.result().text, format)


def export(
    spec: Spec, /, to: str = "torch", *, input: Input | None = None, **variables: Any
) -> str:
    """The network as the text of a Python module for `torch` or `keras`. Raises CnncalcError."""
    from cnncalc.ask.export import Export

    return Export(spec=spec, to=to, set=variables, input=input).result()


def layer(
    word: str,
    /,
    *,
    input: Input = (3, 32, 32),
    batch: int = 1,
    dtype: str = "float32",
    count_as: str | None = None,
    params_as: str | None = None,
    **fields: Any,
) -> Report:
    """The report of one layer, without a spec; `fields` are its own, the rest is as in `analyze`.

    Raises CnncalcError.
    """
    from cnncalc.ask.table import OneLayer

    asked = OneLayer(
        layer=word,
        fields=fields,
        input=input,
        batch=batch,
        dtype=dtype,
        count_as=count_as,
        params_as=params_as,
    )
    return asked.result()[0]


def slide(input: Any = None, /, *kernels: Any, **options: Any) -> Slide:
    """A convolution or a pooling by hand: `slide([[1, 0], [0, 1]], [[1]]).map`.

    Input and kernels are numbers (nested lists, arrays, or text as `cnncalc slide` takes it) or
    names of kernels; `options` are those of the command, as `max_pool=2, stride=2`. All of it is
    exact. Raises CnncalcError.
    """
    from cnncalc.ask.request import given_fields
    from cnncalc.ask.slide import Slide as Asked

    known = {given.name for given in given_fields(Asked)} - {"input", "kernel", "kernels", "format"}
    for name in options:
        if name not in known:
            raise UsageError(f"slide has no option {shown(name)}{suggestion(name, known)}")
    texts = {name: _typed(value) for name, value in options.items()}
    asked = Asked(input=_typed(input), kernel=tuple(map(_typed, kernels)), **texts)
    found = asked.result()
    assert found is not None, "only --kernels slides nothing"
    return found.slide


def _typed(value: Any) -> Any:
    """Numbers as one types them; what is text, nothing or a flag is as it is."""
    if value is None or isinstance(value, str | bool):
        return value
    return json.dumps(value.tolist() if hasattr(value, "tolist") else value)
