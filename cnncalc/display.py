"""Results as text, Markdown, LaTeX and HTML."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from cnncalc.errors import UsageError, suggestion
from cnncalc.page import Page
from cnncalc.presented import Presented
from cnncalc.report import Report
from cnncalc.tables.table import Table, tabulate

FORMATS = {
    "text": "text/plain",
    "markdown": "text/markdown",
    "latex": "text/latex",
    "html": "text/html",
}
"""The formats of a page and what notebooks call them."""
MARKUPS = (*FORMATS, "rst", "asciidoc")
"""All formats of a page."""


def write(page: Page, format: str) -> str:
    """A page in one of the formats."""
    name = "plain" if format == "text" else format
    writer: Callable[[Page], str] = getattr(import_module(f"cnncalc.render.{name}"), name)
    return writer(page)


def formatted(result: Presented, format: str = "text") -> str:
    """What `analyze`, `explain`, `compare_fc`, `check`, `diff` or `verify` found, as text,
    `markdown`, `latex`, `html`, `rst` or `asciidoc`. Raises UsageError.
    """
    if format not in MARKUPS:
        hint = suggestion(format, MARKUPS) or f"; there are {', '.join(MARKUPS)}"
        raise UsageError(f"no such format: {format}{hint}")
    if isinstance(result, Report) and format == "text":
        from cnncalc.tables import text

        return "".join(f"{line}\n" for line, _ in text.render(_table(result)))
    return write(_page(result), format)


def mimebundle(result: Presented) -> dict[str, str]:
    """The result in all formats, by their MIME types."""
    from cnncalc.render.markdown import with_dollars

    bundle = {mime: formatted(result, format) for format, mime in FORMATS.items()}
    return {**bundle, "text/markdown": with_dollars(bundle["text/markdown"])}


def _page(result: Presented) -> Page:
    """The page of a result, as its command prints it."""
    from cnncalc.findings import budget_page as budget
    from cnncalc.findings import compare_fc_page as compare_fc
    from cnncalc.findings import diff_page as diff
    from cnncalc.findings import explain_page as explain
    from cnncalc.findings import verification_page as verify
    from cnncalc.findings.budget import Verdict
    from cnncalc.findings.compare_fc import FcComparison
    from cnncalc.findings.diff import Diff
    from cnncalc.findings.explain import Explained
    from cnncalc.findings.verification import Verification
    from cnncalc.tables import table

    match result:
        case Report():
            return table.page(_table(result))
        case Explained():
            return explain.page(result)
        case FcComparison():
            return compare_fc.page(result, each=False, networks=True, layout="hwc")
        case Verdict():
            return budget.page(result)
        case Diff():
            return diff.page(result)
        case Verification():
            return verify.page(result)
    raise TypeError(f"{type(result).__name__} has no page")


def _table(report: Report) -> Table:
    """The table that the command line prints: of a large network, its blocks."""
    from cnncalc.tables.depth import MAX_ROWS, fitting_depth

    return tabulate(report, depth=fitting_depth(report), top=MAX_ROWS)
