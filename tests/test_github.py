"""A Markdown document as GitHub renders it: by GitHub's own parser, and what its filter leaves."""

from __future__ import annotations

import shutil
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.command import cnncalc
from tests.tables import LENET5_PARAMS, Table, check_lenet5, tables

SPECS = Path(__file__).resolve().parent.parent / "specs"
DOCUMENT = """# Nets

<!-- cnncalc:begin table nets/net.json caption="LeNet-5, 1998" -->
<!-- cnncalc:end -->

It has <!-- cnncalc:begin value nets/net.json params --><!-- cnncalc:end --> parameters.

* In a list:

  <!-- cnncalc:begin compare-fc nets/net.json conv1 -->
  <!-- cnncalc:end -->

<!-- cnncalc:begin draw nets/net.json -->
<!-- cnncalc:end -->

<!-- cnncalc:begin check nets/net.json max-params=50k -->
<!-- cnncalc:end -->

<!-- cnncalc:begin diff vgg16 vgg19 -->
<!-- cnncalc:end -->

<!-- cnncalc:begin explain nets/net.json conv1 -->
<!-- cnncalc:end -->
"""
ALLOWED = {
    *("h1", "h2", "h3", "p", "br", "strong", "em", "ul", "li", "code", "pre"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
"""What our Markdown may become: all of it passes GitHub's filter, which knows no style."""


class Elements(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The document with its regions written, as GitHub's parser renders it."""
    folder = tmp_path_factory.mktemp("github")
    (folder / "nets").mkdir()
    shutil.copy(SPECS / "lenet5.json", folder / "nets" / "net.json")
    document = folder / "README.md"
    document.write_text(DOCUMENT, "utf-8")
    assert cnncalc("embed", str(document)).code == 0
    return github(document.read_text("utf-8"))


def github(text: str) -> str:
    """Markdown as GitHub has it: comments are let through, languages stand at the block."""
    cmark: Any = import_module("cmarkgfm.cmark")
    options = cmark.Options.CMARK_OPT_UNSAFE | cmark.Options.CMARK_OPT_GITHUB_PRE_LANG
    return str(import_module("cmarkgfm").github_flavored_markdown_to_html(text, options))


def body(table: Table) -> Table:
    """The table without its foot, which Markdown has none of: its names are empty."""
    name = table.header.index("name")
    rows = [row for row in table.parts["tbody"] if row[name].text]
    return Table(table.attributes, parts={**table.parts, "tbody": rows})


def test_every_cell_is_there_and_aligned(rendered: str) -> None:
    table, *_ = tables(rendered)
    check_lenet5(body(table))
    assert table.column("params")[-1] == f"{sum(LENET5_PARAMS.values()):,}"
    for row in (*table.parts["thead"], *table.parts["tbody"]):
        assert [cell.aligned for cell in row] == [""] * 3 + ["right"] * 7
    assert len(tables(rendered)) == 5


def test_its_filter_finds_nothing_to_remove(rendered: str) -> None:
    page = Elements(rendered)
    assert {tag for tag, _ in page.found} <= ALLOWED
    assert {name for _, attributes in page.found for name in attributes} <= {"align", "lang"}


def test_a_number_stands_in_its_sentence(rendered: str) -> None:
    assert "It has 62,006 parameters." in Elements(rendered).text


def test_a_drawing_is_left_to_mermaid(rendered: str) -> None:
    blocks = [attributes["lang"] for tag, attributes in Elements(rendered).found if tag == "pre"]
    assert blocks == ["math", "mermaid", "math"]
    drawing = cnncalc("draw", "lenet5", "-f", "mermaid").out
    assert drawing in Elements(rendered).text


def test_formulas_arrive_as_they_were_written(rendered: str) -> None:
    # In `$$` Markdown would take one of two backslashes away, and the rows would be one.
    text = Elements(rendered).text
    assert "$$" not in text
    assert (
        "activations} &= H_{2} \\cdot W_{2} \\cdot K = 28 \\cdot 28 \\cdot 6 = 4{,}704 \\\\\n"
        in text
    )
    assert Elements(github("$$\na \\\\\nb\n$$\n")).text == "$$\na \\\nb\n$$\n"


def test_the_readme(tmp_path: Path) -> None:
    readme = Path(__file__).resolve().parent.parent / "README.md"
    text = Elements(github(readme.read_text("utf-8"))).text
    assert f"It has {sum(LENET5_PARAMS.values()):,} parameters" in " ".join(text.split())
