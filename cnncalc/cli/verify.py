"""`cnncalc verify`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cnncalc.api import verify
from cnncalc.cli.output import (
    InputOption,
    OutputOption,
    SetOption,
    parse_depth,
    parse_input,
    parse_settings,
    write_page,
    write_text,
)
from cnncalc.cli.spec_argument import SpecsArgument
from cnncalc.errors import CnncalcError, UsageError
from cnncalc.findings import verification_page as pages
from cnncalc.findings.budget import LIMITS, amount
from cnncalc.findings.verification_progress import progress
from cnncalc.spec.bundled import networks
from cnncalc.spec.load import load
from cnncalc.witness.verify import torch_witness

if TYPE_CHECKING:
    from cnncalc.findings.verification import Verification

ALL_MAX_PARAMS = "50M"
"""With --all, larger networks stay on the meta device."""


def run(
    specs: SpecsArgument = None,
    all: Annotated[bool, typer.Option("--all", help="All bundled networks.")] = False,
    device: Annotated[
        Literal["auto", "cpu", "cuda", "mps"],
        typer.Option(help="Where the forward and backward run."),
    ] = "auto",
    meta: Annotated[
        bool, typer.Option("--meta", help="Only shapes, tensors and MACs; run nothing.")
    ] = False,
    batch: Annotated[int, typer.Option(help="Inputs at a time.")] = 2,
    max_memory: Annotated[
        str | None,
        typer.Option(
            metavar="AMOUNT", help="Run nothing that needs more, as 4GiB; else half of the free."
        ),
    ] = None,
    max_params: Annotated[
        str | None,
        typer.Option(
            metavar="AMOUNT",
            help=f"Run nothing that has more; with --all {ALL_MAX_PARAMS} where nothing is said.",
        ),
    ] = None,
    input: InputOption = None,
    set: SetOption = None,
    depth: Annotated[
        str | None, typer.Option(help="Collapse blocks below this many names; or all.")
    ] = None,
    format: Annotated[
        Literal["text", "markdown", "latex", "html", "json"],
        typer.Option("--format", "-f", help="What to print."),
    ] = "text",
    output: OutputOption = None,
) -> None:
    """Ask torch whether the numbers are right; exit 1 where it disagrees."""
    if all and (specs or set or input):
        raise UsageError("--all takes no specs, --set or --input: each network is as it is")
    if all and max_params is None:
        max_params = ALL_MAX_PARAMS
    options: dict[str, Any] = {"device": None if meta else device, "batch": batch}
    if max_memory is not None:
        options["max_memory"] = amount(max_memory, LIMITS["max-peak-memory"], "--max-memory")
    if max_params is not None:
        options["max_params"] = amount(max_params, LIMITS["max-params"], "--max-params")
    variables, levels = parse_settings(set or []), parse_depth(depth)
    names = networks() if all else specs or ["lenet5"]
    torch_witness()
    done: list[tuple[str, Verification]] = []
    wrong: list[tuple[str, CnncalcError]] = []
    try:
        with progress(len(names)) as tell:
            for name in names:
                tell(name, None)
                try:
                    done.append((name, _verify(name, input, variables, options)))
                    tell(*done[-1])
                except CnncalcError as error:
                    wrong.append((name, error))
    except KeyboardInterrupt:
        print(f"stopped after {len(done):,} of {len(names):,}", file=sys.stderr)
        raise typer.Exit(130) from None
    ok = not wrong and not any(not found.ok for _, found in done)
    if format == "json":
        entries = [{"spec": spec, **found.to_dict()} for spec, found in done]
        errors = [{"spec": spec, "ok": False, "error": str(error)} for spec, error in wrong]
        whole = {"ok": ok, "specs": entries + errors}
        write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", output)
    elif len(names) > 1 and done:
        write_page(pages.summary(done), format, output)
    elif done:
        write_page(pages.page(done[0][1], levels, whole=depth == "all"), format, output)
    if wrong:
        raise CnncalcError("\n".join(dict.fromkeys(str(error) for _, error in wrong)))
    if not ok:
        raise typer.Exit(1)


def _verify(
    spec: str, input: str | None, variables: Mapping[str, Any], options: Mapping[str, Any]
) -> Verification:
    graph = load(spec, **variables)
    shape = parse_input(input, graph) if input is not None else None
    return verify(graph, input=shape, **options)
