"""`cnncalc reconcile`."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cnncalc.api import reconcile
from cnncalc.cli.output import SetOption, parse_settings, write_list
from cnncalc.cli.spec_argument import SpecArgument
from cnncalc.errors import UsageError

if TYPE_CHECKING:
    from cnncalc.analysis.tally import Part, Tally


def run(
    spec: SpecArgument = "lenet5",
    tools: Annotated[
        list[str] | None,
        typer.Argument(metavar="[A [B]]", help="One tool, or two and how they differ; else all."),
    ] = None,
    set: SetOption = None,
    format: Annotated[
        Literal["text", "json"], typer.Option("--format", "-f", help="What to print.")
    ] = "text",
) -> None:
    """The same network as other tools count it, as sums of named parts."""
    if tools and len(tools) > 2:
        raise UsageError(f"reconcile takes at most two tools, not {len(tools)}")
    tallies = reconcile(spec, tools or (), **parse_settings(set or []))
    if format == "json":
        typer.echo(json.dumps(list(map(_entry, tallies)), ensure_ascii=False, indent=1))
        return
    if tools and len(tools) == 2:
        _write_difference(*tallies)
    else:
        _write_sums(tallies)
    typer.echo()
    for tally in tallies:
        tool, unit, _, remark, _ = tally.convention
        typer.echo(f"{tally.name}: {unit}, {tool}{remark and f'; {remark}'}")
        for error in tally.errors:
            text = f"but {error}"
            typer.echo(textwrap.fill(text, 78, initial_indent="  ", subsequent_indent="  "))
        if tally.errors:
            typer.echo(f"  so it prints {tally.printed:,}")


def _write_sums(tallies: list[Tally]) -> None:
    """A row for each part; the total stands beside the first."""
    rows = []
    for tally in tallies:
        first = [tally.name, f"{tally.total:,}"]
        for summand in _summands(tally.parts):
            rows.append([*first, summand])
            first = ["", ""]
    write_list(("counted as", "total", "= parts"), rows, right=(1,))


def _summands(parts: list[Part]) -> list[str]:
    """`= 2 × 1,000 MACs`, `+ 10 additions of biases`."""
    texts: list[str] = []
    for part in parts:
        sign = "-" if part.factor < 0 else "+" if texts else "="
        factor = f"{abs(part.factor)} × " if abs(part.factor) != 1 else ""
        texts.append(f"{sign} {factor}{part.size:,} {part.name}")
    return texts or ["= 0"]


def _write_difference(a: Tally, b: Tally) -> None:
    """What each of two tools counts for every part, and the difference."""
    amounts: dict[str, list[int]] = {}
    for index, tally in enumerate((a, b)):
        for part in tally.parts:
            amounts.setdefault(part.name, [0, 0])[index] += part.amount
    amounts["total"] = [a.total, b.total]
    rows = [(name, f"{x:,}", f"{y:,}", f"{y - x:+,}") for name, (x, y) in amounts.items()]
    write_list(("part", a.name, b.name, "difference"), rows, right=(1, 2, 3))


def _entry(tally: Tally) -> dict[str, object]:
    return {
        "count_as": tally.name,
        "tool": tally.convention.tool,
        "unit": tally.convention.unit,
        "total": tally.total,
        "parts": [{**part._asdict(), "amount": part.amount} for part in tally.parts],
        "printed_by_tool": tally.printed,
        "faults": [error._asdict() for error in tally.errors],
    }
