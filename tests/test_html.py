"""Tables and pages as HTML: what a parser, a screen reader and another page make of them."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import cnncalc
from cnncalc.page import Grid, Heading, Items, Page
from cnncalc.render.html import SHORT, html
from tests.command import cnncalc as command
from tests.tables import LENET5_PARAMS, check_lenet5, tables

PAGES = {
    "table": ["table", "lenet5"],
    "several": ["table", "lenet5", "vgg16"],
    "warned": ["table", "alexnet-2012", "--input", "224x224"],
    "explain": ["explain", "lenet5"],
    "quiz": ["explain", "lenet5", "--quiz"],
    "answers": ["explain", "lenet5", "--quiz", "--answers"],
    "compare-fc": ["compare-fc", "lenet5"],
    "diff": ["diff", "vgg16", "vgg19"],
    "check": ["check", "lenet5", "--max-params", "50k"],
    "reconcile": ["reconcile", "resnet18"],
    "two tools": ["reconcile", "resnet18", "torch", "fvcore"],
    "slide": ["slide", "--backward"],
    "layer": ["layer", "conv", "out_channels=6", "kernel_size=5", "--input", "32x32x3"],
}


def test_a_table_says_what_each_cell_is() -> None:
    (table,) = tables(command("table", "lenet5", "-f", "html").out)
    assert table.caption == "LeNet-5"
    check_lenet5(table)
    assert table.column("params", "tfoot")[-1] == f"{sum(LENET5_PARAMS.values()):,}" == "62,006"
    assert all(
        cell.tag == "th" and cell.attributes["scope"] == "col" for cell in table.parts["thead"][0]
    )
    names = [
        cell
        for part in ("tbody", "tfoot")
        for row in table.parts[part]
        for cell in row
        if cell.tag == "th"
    ]
    assert all(cell.attributes["scope"] == "row" for cell in names)
    assert [cell.text for cell in names] == [
        *["input", "conv1", "pool1", "conv2", "pool2", "flatten1", "fc3", "fc4", "fc5"],
        *["convolutional part", "dense part", "total"],
    ]  # fmt: skip


def test_numbers_stand_to_the_right_and_words_to_the_left() -> None:
    # Both are said: a notebook would set all cells to the right.
    (table,) = tables(command("table", "lenet5", "-f", "html").out)
    words = ["#", "name", "layer"]
    for rows in table.parts.values():
        for row in rows:
            sides = [cell.aligned for cell in row]
            assert sides == ["left" if title in words else "right" for title in table.header]


def test_a_column_says_what_it_means() -> None:
    text = command("table", "lenet5", "-f", "html", "--columns", "name,macs").out
    assert '<abbr title="multiply-accumulates of convolutions' in text


def test_a_wide_table_scrolls_in_a_region_that_keys_reach() -> None:
    text = command("table", "lenet5", "-f", "html").out
    region = re.match(
        r'<div class="cnncalc-table" role="region" aria-label="(.*?)" tabindex="0" ', text
    )
    assert region
    assert region[1] == "LeNet-5"
    assert 'style="overflow-x:auto;' in text
    assert "tabular-nums" in text


def test_rows_of_short_cells_take_one_line() -> None:
    def grid(length: int) -> str:
        return html([Grid(["a"], [["x" * length]])])

    assert "white-space:nowrap" in grid(SHORT)
    assert "white-space:nowrap" not in grid(SHORT + 1)


@pytest.mark.parametrize("arguments", PAGES.values(), ids=PAGES)
def test_a_fragment_has_no_look_of_its_own(arguments: list[str]) -> None:
    text = command(*arguments, "-f", "html").out
    assert text == command(*arguments, "-f", "html").out
    styles = set(re.findall(r'style="(.*?)"', text))
    said = {rule.split(":")[0] for style in styles for rule in style.split(";")}
    assert said <= {"text-align", "overflow-x", "font-variant-numeric", "white-space", "width"}
    assert not re.search(r"<(html|head|body|style|script|link|font|center|img)\b", text)
    # Themes of MkDocs lay out tables that have no class.
    assert all("class" not in table.attributes for table in tables(text))


class Outline(HTMLParser):
    """The levels of a page's headings, its attributes by tag, and its title."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.levels: list[int] = []
        self.seen: dict[str, dict[str, str | None]] = {}
        self.title = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        self.seen.setdefault(tag, {}).update(dict(attrs))

    def handle_data(self, data: str) -> None:
        if self.lasttag == "title":
            self.title += data


@pytest.mark.parametrize("arguments", PAGES.values(), ids=PAGES)
def test_a_file_is_a_whole_page(arguments: list[str], tmp_path: Path) -> None:
    path = tmp_path / "net.html"
    done = command(*arguments, "-o", str(path))
    assert (done.out, done.err) == ("", "")
    text = path.read_text("utf-8")
    assert text.startswith('<!doctype html>\n<html lang="en">')
    page = Outline(text)
    assert page.seen["meta"]["charset"] == "utf-8"
    assert page.seen["meta"]["content"]
    assert "width=device-width" in text
    assert page.title.strip()
    assert "main" in page.seen
    # It needs nothing from anywhere.
    assert not re.search(r"https?://|<script|<link|@import|url\(|\bsrc=", text)
    # One title, and no level of headings is left out.
    assert page.levels[0] == 1
    assert all(b <= a + 1 for a, b in zip(page.levels, page.levels[1:], strict=False))
    # The same tables as those of the fragment; a title that stands above is not said again.
    fragment = command(*arguments, "-f", "html").out
    cells = [[table.parts for table in tables(one)] for one in (text, fragment)]
    assert cells[0] == cells[1]


def test_a_page_without_a_heading_gets_its_tables_name(tmp_path: Path) -> None:
    command("table", "lenet5", "-o", str(tmp_path / "a.html"))
    text = (tmp_path / "a.html").read_text("utf-8")
    assert text.count("<h1>LeNet-5</h1>") == 1
    assert "<caption" not in text
    command(
        "table", "lenet5", "--caption", "Five layers", "-f", "html", "-o", str(tmp_path / "b.html")
    )
    text = (tmp_path / "b.html").read_text("utf-8")
    assert "<title>Five layers</title>" in text
    assert "<h1>Five layers</h1>" in text


def test_names_are_never_markup(tmp_path: Path) -> None:
    name = '"><script>alert(1)</script>'
    spec = {"name": name, "input": {"height": 8, "width": 8, "channels": 3}, "layers": ["relu"]}
    (tmp_path / "net.json").write_text(json.dumps(spec), "utf-8")
    command("table", str(tmp_path / "net.json"), "-o", str(tmp_path / "net.html"))
    text = (tmp_path / "net.html").read_text("utf-8")
    assert "<script" not in text
    assert Outline(text).title.strip() == name
    assert "script" not in Outline(text).seen
    assert text.count('aria-label="&quot;&gt;&lt;script&gt;') == 1


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("net.html", "<!doctype html>"),
        ("net.HTM", "<!doctype html>"),
        ("net.md", "| \\#"),
        ("net.tex", "% \\usepackage"),
        ("net.rst", ".. list-table::"),
        ("net.adoc", "[%header"),
        ("net.csv", "number,name,"),
        ("net.json", "{"),
        ("net.txt", "LeNet-5\n"),
        ("net", "LeNet-5\n"),
    ],
)
def test_a_files_name_says_its_format(name: str, start: str, tmp_path: Path) -> None:
    path = tmp_path / name
    assert command("table", "lenet5", "-o", str(path)).code == 0
    assert path.read_text("utf-8").startswith(start)


def test_headings_of_several_results_are_of_one_level() -> None:
    from cnncalc.render.html import document

    page: Page = [Heading("a"), Items(["x"]), Heading("b"), Heading("c", 3)]
    assert Outline(document(page)).levels == [1, 1, 2]


def test_a_result_is_the_fragment() -> None:
    assert (
        cnncalc.formatted(cnncalc.analyze("lenet5"), "html")
        == command("table", "lenet5", "-f", "html").out
    )
