"""Results as text, Markdown, LaTeX and HTML."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from cnncalc.errors import UsageError, suggestion
from cnncalc.presented import Presented
from cnncalc.render.page import Page
from cnncalc.render.table import Table, tabulate
from cnncalc.report import Report

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
        from cnncalc.render import text

        return "".join(f"{line}\n" for line, _ in text.render(_table(result)))
    return write(_page(result), format)


def mimebundle(result: Presented) -> dict[str, str]:
    """The result in all formats, by their MIME types."""
    from cnncalc.render.markdown import with_dollars

    bundle = {mime: formatted(result, format) for format, mime in FORMATS.items()}
    return {**bundle, "text/markdown": with_dollars(bundle["text/markdown"])}


def _page(result: Presented) -> Page:
    """The page of a result, as its command prints it."""
    from cnncalc.analysis.budget import Verdict
    from cnncalc.analysis.compare_fc import FcComparison
    from cnncalc.analysis.diff import Diff
    from cnncalc.analysis.explain import Explained
    from cnncalc.analysis.verification import Verification
    from cnncalc.render import budget, compare_fc, diff, explain, table, verify

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
    from cnncalc.render.depth import MAX_ROWS, fitting_depth

    return tabulate(report, depth=fitting_depth(report), top=MAX_ROWS)
