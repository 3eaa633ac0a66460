"""The project's own site: built from docs/, complete, by itself, and read easily."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tests.browser import Browser
from tests.command import cnncalc

ROOT = Path(__file__).resolve().parent.parent
DOCS = sorted((ROOT / "docs").glob("*.md"))
NAMES = [path.stem for path in DOCS]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The site, built as it is for readers, and what was said."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-j", "2"),
            *("-d", folder / "trees", ROOT / "docs", folder / "html"),
        ],
        capture_output=True,
        text=True,
    )
    return folder / "html", f"exit code {done.returncode}\n{done.stderr}"


@pytest.fixture(scope="module")
def site(build: tuple[Path, str]) -> Path:
    """The folder of the pages."""
    return build[0]


def test_all_links_lead_somewhere_and_nothing_else_is_wrong(build: tuple[Path, str]) -> None:
    assert build[1] == "exit code 0\n"


def page(site: Path, name: str) -> BeautifulSoup:
    return BeautifulSoup((site / f"{name}.html").read_text("utf-8"), "html.parser")


def text_of(found: BeautifulSoup) -> str:
    return re.sub(r"\s+", " ", found.get_text())


def test_each_document_has_its_page_and_stands_in_the_contents(site: Path) -> None:
    listed = page(site, "index").select(".sidebar-tree a.reference.internal")
    assert sorted([str(a["href"]).removesuffix(".html") for a in listed] + ["index"]) == NAMES


def test_the_first_page_has_the_numbers_of_its_network(site: Path) -> None:
    index = page(site, "index")
    # LeNet-5, by the errata of the course and arithmetic on its two convolutions.
    macs = 28 * 28 * 6 * 75 + 10 * 10 * 16 * 150
    assert f"It has 62,006 parameters, {400 * 120 + 120 * 84 + 84 * 10 + 214:,} of them" in (
        text_of(index)
    )
    assert f"{macs:,} of them in its convolutions" in text_of(index)
    assert index.find("math")
    assert index.select("figure img[src$='.svg']")
    total = index.select("table.cnncalc tr")[-1].get_text(" ", strip=True).split()
    assert total[:3] == ["total", "8,094", "62,006"]


def test_regions_are_tables_and_sentences_and_their_markers_are_not_seen(site: Path) -> None:
    tutorial = page(site, "tutorial")
    heads = [row.get_text(" ", strip=True) for row in tutorial.select("table thead tr")]
    assert "total LeNet-5 (1998) AlexNet (2012) difference ratio" in heads
    # 60,965,224 parameters of 2012 less the 60,000 of 1998.
    cells = {cell.get_text() for cell in tutorial.select("td.text-right")}
    assert "+60,905,224" in cells
    counting = text_of(page(site, "counting"))
    # Twice the MACs, less those of conv1, whose input needs no gradient.
    assert f"2 · 651,720 MACs, less the 352,800 of conv1: {2 * 651_720 - 352_800:,}." in counting
    assert "cnncalc:begin" not in counting + text_of(tutorial)


@pytest.mark.parametrize("name", [*NAMES, "search", "genindex"])
def test_nothing_comes_from_the_network(site: Path, name: str) -> None:
    loaded = [
        str(tag.get("src") or tag.get("href"))
        for tag in page(site, name).find_all(["script", "img", "link", "iframe"])
        if tag.get("rel") not in (["index"], ["search"], ["next"], ["prev"])
    ]
    assert [address for address in loaded if "//" in address] == []
    assert [a for a in loaded if a != "None" and not (site / a.partition("?")[0]).is_file()] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_read_easily_in_light_and_dark(site: Path, browser: Browser, name: str) -> None:
    browser.open(site / f"{name}.html", "light", 1280)
    browser.check()
    browser.open(site / f"{name}.html", "dark", 400)
    browser.check()


def test_regions_of_the_documents_are_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = cnncalc("embed", "--check", "README.md", "docs")
    assert (result.code, result.err) == (0, "")
    assert re.search(r"(\d+) regions", result.out)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lenet5", ["lenet5"]),
        ("vgg16-receptive-field", ["vgg16", "--kind", "receptive-field"]),
        ("alexnet-params", ["alexnet", "--column", "params"]),
    ],
)
def test_pictures_of_the_documents_are_current(tmp_path: Path, name: str, words: list[str]) -> None:
    drawn = tmp_path / f"{name}.svg"
    result = cnncalc("draw", *words, "-o", str(drawn))
    assert result.code == 0
    kept = ROOT / "docs" / "images" / drawn.name
    # `cnncalc draw … -o docs/images/…` writes it anew.
    assert drawn.read_text("utf-8") == kept.read_text("utf-8")


def test_all_drawings_are_kept_so() -> None:
    kept = {path.stem for path in (ROOT / "docs" / "images").glob("*.svg")}
    assert kept == {"lenet5", "vgg16-receptive-field", "alexnet-params"}


def test_a_stale_number_fails_the_check(tmp_path: Path) -> None:
    """Editing a document of ours by hand is found out, with the number that is wrong."""
    path = tmp_path / "counting.md"
    shutil.copy(ROOT / "docs" / "counting.md", path)
    text = path.read_text("utf-8")
    assert text.count(">950,640<") == 1
    path.write_text(text.replace(">950,640<", ">950,641<"), "utf-8")
    result = cnncalc("embed", "--check", str(path))
    assert result.code == 1
    assert "  950,641 → 950,640\n" in result.out
