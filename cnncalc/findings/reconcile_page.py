"""What tools count, as a page."""

from collections.abc import Iterator, Sequence

from cnncalc.analysis.convention import Part, ToolCount
from cnncalc.findings.reconcile import Reconciliation
from cnncalc.page import Block, Grid, Items
from cnncalc.render import plain
from cnncalc.render.terminal import Line


def page(found: Reconciliation) -> list[Block]:
    """A network as one tool or several count it, as sums; as two do, as a difference; then what is
    to be said of each.
    """
    counts = found.counts
    grid = _difference(*counts) if len(counts) == 2 else _sums(counts)
    return [
        grid._replace(title=found.name, note="\n".join(found.asked.note())),
        Items(list(map(_remark, counts))),
    ]


def lines(found: Reconciliation, width: int | None = None) -> list[Line]:
    """The same for a terminal of that width: a line for each part, the total beside the first."""
    rows = [
        [*(("", "") if index else (count.name, f"{count.total:,}")), summand]
        for count in found.counts
        for index, summand in enumerate(summands(count.parts))
    ]
    grid = Grid(("counted as", "total", "= parts"), rows, right=(1,))
    if len(found.counts) == 2:
        grid = _difference(*found.counts)._replace(foot=0)
    said = [*found.asked.note(), *(line for c in found.counts for line in _remarks(c))]
    room = plain.WIDTH if width is None else min(width, plain.WIDTH)
    indents = [_INDENT if line.startswith(_INDENT) else "" for line in said]
    below = [plain.wrap(line.strip(), room, i) for line, i in zip(said, indents, strict=True)]
    return [*plain.lines([grid], width), ("", ""), *((p, "") for parts in below for p in parts)]


_INDENT = "  "
"""What stands before what is wrong with a tool's count."""


def _remarks(count: ToolCount) -> Iterator[str]:
    yield remark(count)
    for error in count.errors:
        yield f"{_INDENT}but {error}"
    if count.errors:
        yield f"{_INDENT}so it prints {count.printed:,}"


def _sums(counts: Sequence[ToolCount]) -> Grid:
    rows = [(c.name, f"{c.total:,}", " ".join(summands(c.parts))) for c in counts]
    return Grid(("counted as", "total", "= parts"), rows, right=(1,))


def _difference(a: ToolCount, b: ToolCount) -> Grid:
    return Grid(("part", a.name, b.name, "difference"), differences(a, b), right=(1, 2, 3), foot=1)


def differences(a: ToolCount, b: ToolCount) -> list[tuple[str, str, str, str]]:
    """What each of two tools counts for every part, and the difference; the totals last."""
    amounts: dict[str, list[int]] = {}
    for index, count in enumerate((a, b)):
        for part in count.parts:
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


def remark(count: ToolCount) -> str:
    """The tool, its unit, and what it does otherwise."""
    tool, unit, _, said, _ = count.convention
    return f"{count.name}: {unit}, {tool}{said and f'; {said}'}"


def _remark(count: ToolCount) -> str:
    faults = "".join(f"; but {error}" for error in count.errors)
    return remark(count) + faults + (f", so it prints {count.printed:,}" if faults else "")
