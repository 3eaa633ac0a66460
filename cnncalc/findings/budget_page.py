"""Verdicts over budgets, as a page and as workflow commands of GitHub."""

import re
from collections.abc import Callable, Iterator

from cnncalc.amounts import amount, in_unit, percent
from cnncalc.errors import printable
from cnncalc.findings.budget import NAMED, Finding, Verdict, size_of
from cnncalc.page import Block, Grid, Heading, Items
from cnncalc.render.annotation import annotation


def page(verdict: Verdict, rounded: bool = False) -> list[Block]:
    """What every limit finds, and what costs most where one is broken."""
    broken = verdict.over
    state = f"{len(broken)} of {len(verdict.findings)} over budget" if broken else "within budget"
    asked = [text] if (text := verdict.asked.text()) else []
    if verdict.asked.dtype == "float32" and any(f.limit.unit == "B" for f in verdict.findings):
        # Bytes are of something, though nobody asked for it.
        asked.append(verdict.asked.dtype)
    beside = f" ({', '.join(asked)})" if asked else ""
    rows = [
        (f.limit.title, size(f.value, f, rounded), bound(f, rounded), margin(f))
        for f in verdict.findings
    ]
    blocks: list[Block] = [
        Heading(f"{verdict.name}{beside}: {state}"),
        Grid(("", "value", "budget", ""), rows, right=(1, 2)),
    ]
    reasons = [f"{f.limit.title}: {reason}" for f in broken for reason in why(f, rounded)]
    reasons += [notice.line for notice in verdict.warnings]
    return [*blocks, Items(reasons)] if reasons else blocks


def size(value: int | str | None, finding: Finding, rounded: bool = False) -> str:
    """A value with its unit: `262,144 B`, or `256 KiB` where the budget is given in these."""
    limit = finding.limit
    if value is None:
        return "unknown"
    if isinstance(value, str):
        return value
    if limit.unit == "B" and finding.unit not in ("", "B"):
        return in_unit(value, finding.unit, size_of(finding.unit, limit))
    return amount(
        value, "B" if limit.unit == "B" else "", rounded=rounded and limit.column != _FIELD
    )


_FIELD = "receptive_field"
"""What is measured in positions, which nobody rounds."""


def bound(finding: Finding, rounded: bool = False) -> str:
    """`at most 5,000,000`."""
    if not finding.budget:
        return "none"
    least = "at least" if finding.limit.least else "at most"
    return f"{least} {size(finding.budget, finding, rounded)}"


def margin(finding: Finding) -> str:
    """Whether it is over, and how far the value is from its budget, in percent of the budget."""
    gap, least = finding.gap, finding.limit.least
    if not gap:
        return "over" if finding.over else "ok"
    share = percent(gap.numerator, gap.denominator)
    if gap > 10:
        share = f"{round(100 * gap):,}"
    elif gap < 1 and share == "100.0":
        share = ">99.9"
    if finding.over:
        return f"{'under' if least else 'over'} by {share} %"
    return f"ok, {share} % {'more' if least else 'left'}"


def why(finding: Finding, rounded: bool = False) -> Iterator[str]:
    """What the value comes from: the costliest layers, the peak, or the layer that is asked."""
    if finding.notes:
        yield from finding.notes
    elif finding.limit.least:
        unknown = " cannot be followed: its pattern is too long" if finding.value is None else ""
        yield f"that of {finding.where}, the last layer with positions{unknown}"
    else:
        costs = [
            f"{cost.name} {size(cost.value, finding, rounded)} "
            f"({percent(cost.share.numerator, cost.share.denominator)} %)"
            for cost in finding.costs
        ]
        more = f" and {len(costs) - NAMED:,} more" if len(costs) > NAMED else ""
        named = ", ".join(costs[:NAMED]) + more
        yield f"at {finding.where}, while {named} are alive" if finding.where else named


# GitHub


def github(verdict: Verdict, file: str, line: Callable[[str], int]) -> list[str]:
    """A workflow command for each broken limit, and a sentence for each that holds.

    `line` gives the line of a layer in the file.
    """

    def command(finding: Finding) -> str:
        value = size(finding.value, finding)
        said = f"{finding.limit.title} {value}, {bound(finding)}: {margin(finding)}"
        if not finding.over:
            return f"{printable(verdict.asked.titled(file))}: {said}"
        blamed = finding.where or next((cost.name for cost in finding.costs), "")
        title = (
            f"{printable(verdict.asked.titled(verdict.name))}: over budget: {finding.limit.title}"
        )
        return annotation(file, line(blamed), title, "\n".join([said, *why(finding)]))

    warnings = [
        annotation(file, line(said.layer), printable(verdict.name), said.message, "warning")
        for said in verdict.warnings
    ]
    return [*map(command, verdict.findings), *warnings]


def github_error(file: str, said: str) -> str:
    """A workflow command for a mistake in a spec, at its line where `said` names it."""
    place = re.match(rf"{re.escape(printable(file))}:(\d+):\d+: ", said)
    line, message = (int(place[1]), said[place.end() :]) if place else (1, said)
    return annotation(file, line, "not checked", message)
