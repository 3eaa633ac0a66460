"""What tools count, as a page."""

import textwrap
from collections.abc import Iterator, Sequence

from cnncalc.analysis.convention import Part, Tally
from cnncalc.findings.reconcile import Reconciliation
from cnncalc.page import Block, Grid, Items
from cnncalc.render.listing import listing
from cnncalc.render.terminal import Line


def page(found: Reconciliation) -> list[Block]:
    """A network as one tool or several count it, as sums; as two do, as a difference; then what is
    to be said of each.
    """
    tallies = found.counts
    grid = _difference(*tallies) if len(tallies) == 2 else _sums(tallies)
    return [grid._replace(title=found.name), Items(list(map(_remark, tallies)))]


def lines(found: Reconciliation, width: int | None = None) -> list[Line]:
    """The same for a terminal of that width: a line for each part, the total beside the first."""
    if len(found.counts) == 2:
        grid = _difference(*found.counts)
        drawn = listing(grid.header, grid.rows, (1, 2, 3), width)
    else:
        rows = []
        for tally in found.counts:
            first = [tally.name, f"{tally.total:,}"]
            for summand in summands(tally.parts):
                rows.append([*first, summand])
                first = ["", ""]
        drawn = listing(("counted as", "total", "= parts"), rows, (1,), width)
    return [(line, "") for line in (*drawn, "", *(s for t in found.counts for s in _remarks(t)))]


def _remarks(tally: Tally) -> Iterator[str]:
    yield remark(tally)
    for error in tally.errors:
        yield from textwrap.wrap(f"but {error}", 78, initial_indent="  ", subsequent_indent="  ")
    if tally.errors:
        yield f"  so it prints {tally.printed:,}"


def _sums(tallies: Sequence[Tally]) -> Grid:
    rows = [(t.name, f"{t.total:,}", " ".join(summands(t.parts))) for t in tallies]
    return Grid(("counted as", "total", "= parts"), rows, right=(1,))


def _difference(a: Tally, b: Tally) -> Grid:
    return Grid(("part", a.name, b.name, "difference"), differences(a, b), right=(1, 2, 3), foot=1)


def differences(a: Tally, b: Tally) -> list[tuple[str, str, str, str]]:
    """What each of two tools counts for every part, and the difference; the totals last."""
    amounts: dict[str, list[int]] = {}
    for index, tally in enumerate((a, b)):
        for part in tally.parts:
            amounts.setdefault(part.name, [0, 0])[index] += part.amount
    amounts["total"] = [a.total, b.total]
    return [(name, f"{x:,}", f"{y:,}", f"{y - x:+,}") for name, (x, y) in amounts.items()]


def summands(parts: Sequence[Part]) -> list[str]:
    """`= 2 × 1,000 MACs`, `+ 10 additions of biases`."""
    texts: list[str] = []
    for part in parts:
        sign = "-" if part.factor < 0 else "+" if texts else "="
        factor = f"{abs(part.factor)} × " if abs(part.factor) != 1 else ""
        texts.append(f"{sign} {factor}{part.size:,} {part.name}")
    return texts or ["= 0"]


def remark(tally: Tally) -> str:
    """The tool, its unit, and what it does otherwise."""
    tool, unit, _, said, _ = tally.convention
    return f"{tally.name}: {unit}, {tool}{said and f'; {said}'}"


def _remark(tally: Tally) -> str:
    faults = "".join(f"; but {error}" for error in tally.errors)
    return remark(tally) + faults + (f", so it prints {tally.printed:,}" if faults else "")
