"""What is said of a network whose layers do not all fit: its table so far, and what would fit."""

from collections.abc import Sequence
from typing import Any

from cnncalc.amounts import Layout
from cnncalc.analysis.misfits import explained
from cnncalc.analysis.notices import Notice
from cnncalc.ask import parse
from cnncalc.ask.analyze import analyzed
from cnncalc.errors import CnncalcError, SpecError
from cnncalc.infer import Misfit, Unfit
from cnncalc.layers.base import Sentence
from cnncalc.meanings import column
from cnncalc.page import Heading, Page
from cnncalc.render.terminal import Line
from cnncalc.render.write import FORMATS
from cnncalc.report import Report
from cnncalc.tables.depth import fitting_depth
from cnncalc.tables.table import Table, page, tabulate


def told(case: Unfit, request: Any) -> SpecError:
    """The error with what would fit, in the request's order of axes; its `report` has the layers
    that could be computed."""
    misfits = [_in_order(m, getattr(request, "layout", "hwc")) for m in explained(case)]
    lines = case.graph.origin.lines(misfit.problem for misfit in misfits)
    error = SpecError([*lines, *case.said])
    error.report = _report(case, request)
    return error


def _in_order(misfit: Misfit, layout: str) -> Misfit:
    """A misfit whose shapes are told in the order of the table."""
    rule = misfit.rule
    if layout == "chw" and isinstance(rule, Sentence):
        return misfit._replace(rule=rule.channels_first)
    return misfit


def _report(case: Unfit, request: Any) -> Report:
    """What is known of the layers that fit and of those that read only such."""
    graph = case.graph
    names = [facts.node.name for facts in case.facts]
    there = set(names)
    known = graph._replace(
        nodes=tuple(node for node in graph.nodes if node.name in there),
        outputs=tuple(n for n in graph.outputs if n in names) or tuple(names[-1:]),
        auxiliary=tuple(n for n in graph.auxiliary if n in names),
    )
    report: Report = request.report(known) if hasattr(request, "report") else analyzed(known)
    # What nothing reads now may be read by what does not fit.
    found = report.find_warnings
    report.find_warnings = lambda: (w for w in found() if not isinstance(w, Notice))
    # An activation that is fused has no row of its own.
    missing = [node for node in graph.nodes if node.name not in there]
    report.missing = tuple(n.name for n in missing if n.fused_into in (None, *names))
    report.shown_by(lambda format: _written(report, format))
    return report


def tables(reports: Sequence[Report], request: Any) -> Any:
    """The tables of what could be computed, in the request's format; nothing for what scripts
    read."""
    format = getattr(request, "format", None)
    known = [report for report in reports if report.column("name")]
    if format not in FORMATS or getattr(request, "value", None) is not None:
        return ""
    made = [_table(report, request) for report in known]
    return _lines(made) if format == "text" else _page(made)


def parts(mistakes: Sequence[tuple[Any, CnncalcError]], request: Any) -> Page:
    """The same of networks among others, as blocks of a page."""
    reports = [error.report for _, error in mistakes if isinstance(error, SpecError)]
    known = [report for report in reports if report is not None and report.column("name")]
    titled = ((Heading(f"{r.name}: does not fit"), *_page([_table(r, request)])) for r in known)
    return [block for blocks in titled for block in blocks]


def _table(report: Report, request: Any = None) -> Table:
    # Shares would be of totals that nobody knows.
    chosen = parse.columns(getattr(request, "columns", None))
    keys = [key for key in chosen if column(key).kind != "share"]
    layout: Layout = "chw" if getattr(request, "layout", None) == "chw" else "hwc"
    depth = getattr(request, "depth", None)
    levels = fitting_depth(report) if depth is None else parse.depth(depth)
    return tabulate(report, keys, layout=layout, depth=levels)


def _page(made: Sequence[Table]) -> Page:
    return [block for table in made for block in page(table)]


def _lines(made: Sequence[Table]) -> Any:
    from cnncalc.tables import text

    def lines(width: int | None) -> list[Line]:
        return [line for table in made for line in text.render(table, width)]

    return lines


def _written(report: Report, format: str) -> str:
    """A report that is no command's answer, as its error shows it."""
    from cnncalc.render.write import write

    if format == "text":
        return "".join(f"{line}\n" for line, _ in _lines([_table(report)])(None))
    return write(_page([_table(report)]), format)
