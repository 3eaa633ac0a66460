"""`cnncalc check`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cnncalc.api import check
from cnncalc.cli.budget_table import for_spec, nearest
from cnncalc.cli.output import (
    InputOption,
    OutputOption,
    SetOption,
    StrictAnyOption,
    StrictOption,
    parse_input,
    parse_settings,
    write_page,
    write_text,
)
from cnncalc.errors import CnncalcError, UsageError
from cnncalc.findings import budget_page as budget
from cnncalc.findings.budget import LIMITS, STRICT, amount
from cnncalc.graph import Graph
from cnncalc.spec.load import load

if TYPE_CHECKING:
    from cnncalc.findings.budget import Verdict
    from cnncalc.page import Block

HOW = (
    "give a limit such as --max-params 5M or --max-peak-memory 256KiB, or a table "
    "[tool.cnncalc.budgets] in pyproject.toml"
)
"""What to do where there is no budget."""


def _limit(key: str) -> Any:
    """The option of a limit."""
    limit = LIMITS[key]
    most = "Smallest" if limit.least else "Largest"
    example = {"": "5M", "B": "256KiB", "positions": "224"}[limit.unit]
    return typer.Option(f"--{key}", metavar="AMOUNT", help=f"{most} {limit.title}, as {example}.")


def run(
    specs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SPEC]...",
            help="Files, - or bundled names; else those with tables in pyproject.toml.",
        ),
    ] = None,
    max_params: Annotated[str | None, _limit("max-params")] = None,
    max_macs: Annotated[str | None, _limit("max-macs")] = None,
    max_flops: Annotated[str | None, _limit("max-flops")] = None,
    max_activations: Annotated[str | None, _limit("max-activations")] = None,
    max_peak_memory: Annotated[str | None, _limit("max-peak-memory")] = None,
    max_training_memory: Annotated[str | None, _limit("max-training-memory")] = None,
    max_weights_size: Annotated[str | None, _limit("max-weights-size")] = None,
    min_receptive_field: Annotated[str | None, _limit("min-receptive-field")] = None,
    strict: StrictOption = False,
    strict_any: StrictAnyOption = False,
    dtype: Annotated[
        str | None, typer.Option(help="Type of a value, for limits in bytes; else float32.")
    ] = None,
    optimizer: Annotated[
        str | None, typer.Option(metavar="NAME", help="That of training memory; else sgd.")
    ] = None,
    batch: Annotated[int | None, typer.Option(help="Inputs at a time; else 1.")] = None,
    set: SetOption = None,
    input: InputOption = None,
    format: Annotated[
        Literal["text", "markdown", "latex", "html", "rst", "asciidoc", "json", "github"],
        typer.Option("--format", "-f", help="What to print; github annotates lines of the spec."),
    ] = "text",
    output: OutputOption = None,
) -> None:
    """Hold networks against budgets; exit 1 where one is over, and say which layers cost most."""
    options = locals()
    given = {key: options[key.replace("-", "_")] for key in LIMITS}
    given = {k: amount(v, LIMITS[k], f"--{k}") for k, v in given.items() if v is not None}
    given |= {key: True for key in STRICT if options[key.replace("-", "_")]}
    plain = ("dtype", "batch", "input", "optimizer")
    given |= {key: options[key] for key in plain if options[key] is not None}
    variables = parse_settings(set or [])
    table = nearest(Path.cwd()) if not specs else None
    checked: list[tuple[str, Graph, Verdict]] = []
    wrong: list[tuple[str, CnncalcError]] = []
    names = specs or (table.names() if table else [])
    if not names:
        raise UsageError(f"nothing to check: name a spec, and {HOW} with a table for each spec")
    for spec in names:
        try:
            checked.append((spec, *_check(spec, given, variables)))
        except CnncalcError as error:
            wrong.append((spec, error))
    if format == "json":
        entries = [{"spec": spec, **verdict.to_dict()} for spec, _, verdict in checked]
        errors = [{"spec": spec, "ok": False, "error": str(error)} for spec, error in wrong]
        ok = not wrong and all(verdict.ok for *_, verdict in checked)
        whole = {"ok": ok, "specs": entries + errors}
        write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", output)
    elif format == "github":
        lines = [line for entry in checked for line in _annotations(*entry)]
        lines += [
            budget.github_error(spec, said) for spec, e in wrong for said in str(e).splitlines()
        ]
        write_text("".join(f"{line}\n" for line in lines), output)
    elif checked:
        page: list[Block] = [block for *_, v in checked for block in budget.page(v)]
        write_page(page, format, output)
    if wrong:
        raise CnncalcError("\n".join(dict.fromkeys(str(error) for _, error in wrong)))
    if not all(verdict.ok for *_, verdict in checked):
        raise typer.Exit(1)


def _check(
    spec: str, given: Mapping[str, Any], variables: Mapping[str, Any]
) -> tuple[Graph, Verdict]:
    """One network under what its pyproject.toml says and what the command line says instead."""
    table = for_spec(spec)
    settings = {**(table.settings(spec) if table else {}), **given}
    limits = {k: settings[k] for k in (*LIMITS, *STRICT) if settings.get(k)}
    if not limits:
        raise UsageError(f"{spec}: no budget: {HOW}")
    graph = load(spec, **{**settings.get("set", {}), **variables})
    if "input" in settings:
        graph = graph.with_input(parse_input(settings["input"], graph))
    asked = {key: settings[key] for key in ("batch", "dtype", "optimizer") if key in settings}
    return graph, check(graph, limits, **asked)


def _annotations(spec: str, graph: Graph, verdict: Verdict) -> list[str]:
    paths = {node.name: node.path for node in graph.nodes}
    locate = graph.origin.locate

    def line(layer: str) -> int:
        return locate(paths[layer])[0] if locate is not None and layer in paths else 1

    return budget.github(verdict, spec, line)
