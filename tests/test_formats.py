"""Every result of every bundled network in every format, read by real parsers."""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

import cnncalc
from cnncalc.analysis.tools import CONVENTIONS
from cnncalc.presented import Presented
from cnncalc.render.write import FORMATS
from cnncalc.spec.bundled import networks
from tests.command import cnncalc as command
from tests.tex import compiled
from tests.zoo import zoo

BUDGETS = {"max-params": "1M", "max-macs": "1G", "max-peak-memory": "1MiB"}

RESULTS: dict[str, Callable[[str], Presented]] = {
    "analyze": cnncalc.analyze,
    "explain": cnncalc.explain,
    "compare_fc": cnncalc.compare_fc,
    "check": lambda name: cnncalc.check(name, BUDGETS),
    "diff": lambda name: cnncalc.diff("lenet5", name),
}

VOID = {"br"}


class Balanced(HTMLParser):
    """Reads HTML and says which tags are open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def check_html(text: str) -> None:
    parser = Balanced()
    parser.feed(text)
    parser.close()
    assert not parser.open
    assert parser.seen & {"table", "p"}


def check_markdown(text: str) -> None:
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    kinds = [token.type for token in tokens]
    assert "html_block" not in kinds
    inline = [child for token in tokens for child in token.children or []]
    assert not [t for t in inline if t.type in ("html_inline", "link_open", "image", "em_open")]
    # Each line that is written as a row is read as one.
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    separators = [line for line in rows if set(line) <= set("|-: ")]
    assert kinds.count("tr_open") == len(rows) - len(separators)


@pytest.mark.parametrize("name", zoo())
@pytest.mark.parametrize("result", RESULTS)
def test_every_result_is_valid_in_every_format(result: str, name: str) -> None:
    found = RESULTS[result](name)
    texts = {format: cnncalc.formatted(found, format) for format in FORMATS}
    assert all(text.endswith("\n") and text.strip() for text in texts.values())
    check_markdown(texts["markdown"])
    check_html(texts["html"])
    for opened in ("{", "\\begin{", "\\left\\l"):
        closed = {"{": "}", "\\begin{": "\\end{", "\\left\\l": "\\right\\r"}[opened]
        assert _unescaped(texts["latex"]).count(opened) == _unescaped(texts["latex"]).count(closed)


@pytest.mark.parametrize("name", zoo())
def test_reconciliations_are_valid_in_every_format(name: str) -> None:
    texts = {f: command("reconcile", name, "-f", f).out for f in (*FORMATS, "json")}
    assert all(text.strip() for text in texts.values())
    check_markdown(texts["markdown"])
    check_html(texts["html"])
    assert len(json.loads(texts["json"])) == len(CONVENTIONS)
    assert texts["latex"].count("\\begin{") == texts["latex"].count("\\end{")


def _unescaped(latex: str) -> str:
    return latex.replace("\\{", "").replace("\\}", "")


def test_a_notebook_gets_every_format() -> None:
    report = cnncalc.analyze("lenet5")
    bundle = report._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/markdown", "text/latex", "text/html"}
    assert bundle["text/plain"] == str(report) == command("table", "lenet5").out
    assert bundle["text/html"] == command("table", "lenet5", "-f", "html").out


HOSTILE = {
    "name": "a_b $x$ | <b>&amp;\\ {y} ^~#% [z](w) `code` *em*",
    "input": {"height": 8, "width": 8, "channels": 3},
    "layers": [
        {"conv": {"out_channels": 4, "kernel_size": 3, "stride": 2}, "name": "_x_-_y_"},
        {"add": [[], ["relu"]], "name": "__a__"},
    ],
}


@pytest.mark.parametrize("result", [cnncalc.analyze, cnncalc.explain, cnncalc.compare_fc])
def test_names_are_never_markup(result: Callable[..., Presented]) -> None:
    found = result(HOSTILE)
    check_markdown(cnncalc.formatted(found, "markdown"))
    check_html(cnncalc.formatted(found, "html"))
    assert "<b>" not in cnncalc.formatted(found, "html")


def test_latex_compiles(tmp_path: Path) -> None:
    """What the fragments ask for, and nothing more, makes a PDF."""
    found = [
        RESULTS[result](name)
        for result in ("analyze", "compare_fc", "check", "diff")
        for name in networks()[::6]
    ]
    found += map(cnncalc.explain, ["alexnet-2012", "dcgan-generator", "lenet5-1998", "vit_b_16"])
    found += [cnncalc.analyze(HOSTILE), cnncalc.explain(HOSTILE)]
    fragments = [cnncalc.formatted(result, "latex") for result in found]
    pages = [command("slide", "-f", "latex").out, command("explain", "--quiz", "-f", "latex").out]
    pdf = compiled("\n\\clearpage\n".join(fragments + pages), tmp_path)
    assert pdf.stat().st_size > 10_000
