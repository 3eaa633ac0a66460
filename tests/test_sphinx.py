"""The Sphinx extension: documents built for real, reStructuredText and MyST, by each builder."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup, Tag
from sphinx.cmd.build import build_main

from cnncalc.ask.words import BLOCKS as KINDS
from tests.browser import Browser

ROOT = Path(__file__).resolve().parent.parent
LENET_PARAMS = "62,006"
"""456 + 2,416 + 48,120 + 10,164 + 850: the errata of the course, docs/errata.md."""
VGG16_PARAMS, VGG19_PARAMS = 138_357_544, 143_667_240
"""torchvision's metadata of its weights."""
NET = {
    "name": "Tiny",
    "input": {"features": 100},
    "layers": [{"linear": 10, "name": "fc1"}, "relu", {"linear": 5, "name": "fc2"}],
}
"""100·10 + 10 = 1,010 and 10·5 + 5 = 55 parameters: 1,065."""
RST = """\
Title
=====

Tiny has :cnncalc:`nets/net.json params` parameters, VGG-16 :cnncalc:`vgg16 params`, its
first maps are :cnncalc:`vgg16 conv1_1.output`. See :numref:`tiny` and :numref:`drawn`.

.. cnncalc-table:: nets/net.json
   :columns: name,params
   :caption: A *tiny* network
   :name: tiny
   :class: mine

.. cnncalc-draw:: lenet5
   :caption: LeNet-5
   :name: drawn
"""
MYST = """\
# Title

Tiny has {cnncalc}`nets/net.json params` parameters, VGG-16 {cnncalc}`vgg16 params`, its
first maps are {cnncalc}`vgg16 conv1_1.output`. See {numref}`tiny` and {numref}`drawn`.

```{cnncalc-table} nets/net.json
:columns: name,params
:caption: A *tiny* network
:name: tiny
:class: mine
```

```{cnncalc-draw} lenet5
:caption: LeNet-5
:name: drawn
```
"""
KINDS_RST = """\
Kinds
=====

.. cnncalc-table:: lenet5
.. cnncalc-explain:: lenet5 conv1
.. cnncalc-explain:: alexnet-2012 conv1 input=224x224
.. cnncalc-compare-fc:: lenet5 conv1
.. cnncalc-diff:: vgg16 vgg19
.. cnncalc-reconcile:: resnet18 torch fvcore
.. cnncalc-check:: lenet5
   :max-params: 1k
.. cnncalc-draw:: lenet5
   :alt: five layers
   :width: 50%
.. cnncalc-table:: mobilenet_v1 caption="Half the width" label=half
   :set: width=0.5
   :columns: name,params
   :depth: 1
"""


class Built(NamedTuple):
    """How a build ended, what it said on stderr, and where its output is."""

    code: int
    said: str
    folder: Path

    def html(self, name: str = "index.html") -> BeautifulSoup:
        return BeautifulSoup((self.folder / name).read_text("utf-8"), "html.parser")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder of documents with a network in it."""
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "net.json").write_text(json.dumps(NET))
    return tmp_path


def build(
    project: Path,
    capsys: pytest.CaptureFixture[str],
    *options: str,
    builder: str = "html",
    extensions: Sequence[str] = ("cnncalc.publish.sphinx",),
    **documents: str,
) -> Built:
    """Build documents, given as `name_ending="text"`."""
    for name, text in documents.items():
        path = project / name.replace("_", ".")
        path.write_text(text, "utf-8")
    settings = {
        "project": "Networks",
        "extensions": list(extensions),
        "numfig": True,
        "show_warning_types": True,
        "html_theme": "basic",
        "epub_show_urls": "no",
        "version": "1",
        "copyright": "nobody",
    }
    lines = [f"{key} = {value!r}" for key, value in settings.items()]
    (project / "conf.py").write_text("\n".join([*lines, "exclude_patterns = ['out']"]))
    folder = project / "out" / builder
    arguments = ["-q", "-b", builder, "-d", str(project / "out" / "trees"), *options]
    capsys.readouterr()
    code = build_main([*arguments, str(project), str(folder)])
    return Built(code, re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().err), folder)


def built(project: Path, capsys: pytest.CaptureFixture[str], **options: str) -> Built:
    """Build documents that are right."""
    result = build(project, capsys, "-W", **options)
    assert (result.code, result.said) == (0, ""), result.said
    return result


def myst(project: Path, capsys: pytest.CaptureFixture[str], text: str, *options: str) -> Built:
    extensions = ("cnncalc.publish.sphinx", "myst_parser")
    return build(project, capsys, "-W", *options, extensions=extensions, index_md=text)


def rows(table: Tag) -> list[list[str]]:
    """The cells of a table as text, the head first."""
    return [
        [cell.get_text().strip() for cell in row.find_all(["td", "th"])]
        for row in table.find_all("tr")
    ]


def text_of(page: BeautifulSoup) -> str:
    return re.sub(r"\s+", " ", page.get_text())


# HTML


@pytest.mark.parametrize("language", ["rst", "myst"])
def test_a_document_gets_its_table_drawing_and_numbers(
    project: Path, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    if language == "rst":
        page = built(project, capsys, index_rst=RST).html()
    else:
        result = myst(project, capsys, MYST)
        assert (result.code, result.said) == (0, "")
        page = result.html()
    assert (
        f"Tiny has 1,065 parameters, VGG-16 {VGG16_PARAMS:,}, its first maps are 224×224×64. "
        "See Table 1 and Fig. 1." in text_of(page)
    )
    (table,) = page.find_all(id="tiny")
    assert table.name == "table"
    assert {"cnncalc", "mine"} <= set(table["class"])
    assert rows(table) == [
        ["name", "params"],
        ["input", ""],
        ["fc1", "1,010"],
        ["relu1", "0"],
        ["fc2", "55"],
        ["total", "1,065"],
    ]
    assert table.caption is not None
    assert table.caption.get_text().strip().startswith("Table 1 A tiny network")
    assert table.caption.em is not None
    # Numbers stand to the right, names name their rows, the foot is set apart.
    right = [cell.get_text() for cell in table.select("td.text-right") if cell.get_text()]
    assert right == ["1,010", "0", "55", "1,065"]
    assert [cell.get_text() for cell in table.select("tbody th")][:2] == ["input", "fc1"]
    assert [row.get_text(" ", strip=True) for row in table.select("tr.cnncalc-foot")] == [
        "total 1,065"
    ]
    (figure,) = page.find_all(id="drawn")
    assert figure.name == "figure"
    assert isinstance(figure.img, Tag)
    assert "62,006 parameters" in str(figure.img["alt"])
    drawing = ElementTree.parse(project / "out" / "html" / str(figure.img["src"]))
    words = [element.text for element in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert {"conv1", "6@28×28", "fc5"} <= set(words)


@pytest.fixture
def kinds(project: Path, capsys: pytest.CaptureFixture[str]) -> BeautifulSoup:
    return built(project, capsys, index_rst=KINDS_RST).html()


def test_each_kind_of_region_has_a_directive(kinds: BeautifulSoup) -> None:
    assert set(re.findall(r"\.\. cnncalc-([\w-]+)::", KINDS_RST)) == set(KINDS)
    tables = [rows(table) for table in kinds.find_all("table")]
    cells = {cell for table in tables for row in table for cell in row}
    assert LENET_PARAMS in cells
    # Fully connected, conv1 would map 32·32·3 values to 28·28·6, with a bias each.
    assert f"{(32 * 32 * 3 + 1) * 28 * 28 * 6:,}" in cells
    assert f"+{VGG19_PARAMS - VGG16_PARAMS:,}" in cells
    # ResNet-18 by torch's and by fvcore's counter: docs/counting.md, measured by its tests.
    assert {"3,628,146,688", "1,819,065,856"} <= cells
    # 61,006 of 1,000 too many.
    assert "over by 6,101 %" in cells
    # MobileNetV1 at half width has 1.3 million parameters in its paper, table 6.
    assert (
        kinds.select("table#half caption")[0].get_text(" ", strip=True).startswith("Table 1 Half")
    )
    half = tables[-1][-1]
    assert half[0] == "total"
    assert round(int(half[1].replace(",", "")) / 1e6, 1) == 1.3


def test_formulas_are_mathml_and_need_no_script(kinds: BeautifulSoup) -> None:
    first = kinds.find("math")
    assert isinstance(first, Tag)
    parsed = ElementTree.fromstring(str(first))
    assert parsed.tag == "{http://www.w3.org/1998/Math/MathML}math"
    assert re.search(r"5·5·3·6\+6=456", "".join(parsed.itertext()))
    assert not [script for script in kinds.find_all("script") if "://" in str(script.get("src"))]
    # They are called what stands above them.
    assert kinds.select_one(".cnncalc-formulas[aria-label^=conv1]")


def test_what_comes_from_the_page_is_no_markup(kinds: BeautifulSoup) -> None:
    text = text_of(kinds)
    assert "--depth all shows all" in text
    assert "(224 + 2·0 − 11)/4 + 1 = 54.25 is no integer" in text
    picture = kinds.find("img", alt="five layers")
    assert isinstance(picture, Tag)
    assert "50%" in str(picture["style"])


def test_a_name_that_is_hostile_stays_a_name(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "<script>x</script> *a* `b` |c| $d$ \\e %f --g"
    (project / "nets" / "net.json").write_text(json.dumps({**NET, "name": name}))
    text = "T\n=\n\n.. cnncalc-explain:: nets/net.json fc1\n"
    page = built(project, capsys, index_rst=text).html()
    assert [script for script in page.find_all("script") if script.string == "x"] == []
    assert page.select("p.rubric")[0].get_text() == name
    folder = built(project, capsys, builder="latex").folder
    tex = (folder / "networks.tex").read_text("utf-8")
    assert "\\textless{}script\\textgreater{}x" in tex
    assert "\\textbackslash{}e \\%f" in tex


def test_a_format_is_shown_letter_by_letter(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directives = (
        f".. cnncalc-{kind}\n   :format: {format}\n   :caption: {format}\n"
        for kind, format in [
            ("table:: nets/net.json", "json"),
            ("table:: nets/net.json", "csv"),
            ("diff:: vgg16 vgg19", "asciidoc"),
            ("draw:: lenet5", "mermaid"),
            ("draw:: lenet5", "tikz"),
            ("explain:: lenet5 fc5", "text"),
        ]
    )
    page = built(project, capsys, index_rst="T\n=\n\n" + "\n".join(directives)).html()
    blocks = [block.get_text() for block in page.find_all("pre")]
    assert json.loads(blocks[0])["totals"]["params"] == 1065
    assert [line.split(",")[1] for line in blocks[1].splitlines()[2:]] == ["fc1", "relu1", "fc2"]
    assert blocks[2].startswith("[discrete]")
    assert blocks[3].startswith("flowchart")
    assert blocks[4].startswith("% \\usepackage{tikz}")
    assert "params       = C₁·K + K = 84·10 + 10 = 850\n" in blocks[5]
    assert [c.get_text().split()[-1] for c in page.select(".code-block-caption .caption-text")] == [
        "json", "csv", "asciidoc", "mermaid", "tikz", "text",
    ]  # fmt: skip


@pytest.mark.parametrize("theme", ["furo", "alabaster"])
@pytest.mark.parametrize("width", [1280, 400])
def test_a_page_is_read_easily_in_light_and_dark(
    project: Path, capsys: pytest.CaptureFixture[str], browser: Browser, theme: str, width: int
) -> None:
    text = RST + KINDS_RST[12:]
    result = build(project, capsys, "-W", "-D", f"html_theme={theme}", index_rst=text)
    assert (result.code, result.said) == (0, "")
    script = "return getComputedStyle(document.querySelector('img.cnncalc')).colorScheme"
    for scheme in ("light", "dark"):
        browser.open(result.folder / "index.html", scheme, width)
        if theme == "alabaster":
            # It is light for all readers, and so are drawings. Its own foot is too pale for WCAG.
            assert (browser.errors(), browser.overflow()) == ([], 0)
            assert browser.run(script) == "light"
            continue
        browser.check()
        for chosen in ("auto", "light", "dark"):
            browser.run("document.body.dataset.theme = arguments[0]", chosen)
            assert browser.run(script) == (scheme if chosen == "auto" else chosen)


# LaTeX


def latex_is_installed() -> bool:
    if shutil.which("latexmk") is None or shutil.which("kpsewhich") is None:
        return False
    packages = ("tikz.sty", "adjustbox.sty", "varwidth.sty", "tabulary.sty", "tgtermes.sty")
    found = subprocess.run(["kpsewhich", *packages], capture_output=True, text=True).stdout
    return len(found.splitlines()) == len(packages)


def test_latex_has_numbers_to_the_right_and_tikz(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    built(project, capsys, builder="latex", index_rst=RST)
    tex = (project / "out" / "latex" / "networks.tex").read_text("utf-8")
    assert "{lr}" in tex
    assert "1,065" in tex
    assert "\\sphinxcaption{A \\sphinxstyleemphasis{tiny} network}\\label{" in tex
    assert "\\begin{tikzpicture}" in tex
    assert "\\usepackage{tikz}" in tex
    text = "T\n=\n\n.. cnncalc-table:: nets/net.json\n"
    built(project, capsys, builder="latex", index_rst=text)
    tex = (project / "out" / "latex" / "networks.tex").read_text("utf-8")
    assert "tikz" not in tex, "who draws nothing needs no TikZ"


@pytest.mark.skipif(
    not (latex_is_installed() or "CI" in os.environ),
    reason="no TeX with Sphinx's packages is installed",
)
def test_latex_compiles_and_nothing_is_too_wide(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = """
.. cnncalc-table:: vgg16
   :columns: +receptive_field,peak_memory
.. cnncalc-diff:: lenet5-1998 alexnet-2012
.. cnncalc-table:: resnet18
   :depth: all
.. cnncalc-draw:: googlenet
"""
    text = RST + KINDS_RST[12:] + wide
    folder = built(project, capsys, builder="latex", index_rst=text).folder
    done = subprocess.run(
        ["latexmk", "-pdf", "-interaction=nonstopmode", "-halt-on-error", "networks.tex"],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert (folder / "networks.pdf").read_bytes().startswith(b"%PDF")
    log = (folder / "networks.log").read_text("utf-8", errors="replace")
    assert not re.findall(r"Overfull \\hbox.*", log)
    assert not re.findall(r"LaTeX Warning: (?:Reference|Hyper ref).*undefined", log)


# EPUB, and text


def test_epub_is_xml_with_mathml_and_pictures(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = built(project, capsys, builder="epub", index_rst=RST + KINDS_RST[12:])
    with zipfile.ZipFile(result.folder / "Networks.epub") as book:
        assert book.testzip() is None
        assert book.namelist()[0] == "mimetype"
        page = ElementTree.fromstring(book.read("index.xhtml"))
        names = set(book.namelist())
    html = "{http://www.w3.org/1999/xhtml}"
    cells = {"".join(cell.itertext()).strip() for cell in page.iter(f"{html}td")}
    assert {LENET_PARAMS, "1,065"} <= cells
    assert list(page.iter("{http://www.w3.org/1998/Math/MathML}math"))
    pictures = [image.get("src", "") for image in page.iter(f"{html}img")]
    assert len(pictures) == 2
    assert set(pictures) <= names
    assert "_static/cnncalc.css" in names


def test_text_has_formulas_as_text(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = built(project, capsys, builder="text", index_rst=KINDS_RST)
    text = (result.folder / "index.txt").read_text("utf-8")
    assert "params       = F·F·C₁·K + K = 5·5·3·6 + 6 = 456\n" in text
    assert f"**{LENET_PARAMS}**" in text
    assert "[image: five layers]" in text


# What changes


def outdated(project: Path, capsys: pytest.CaptureFixture[str], page: str = "index.html") -> str:
    """What a second build has on its page."""
    code = build_main(
        ["-q", "-W", "-d", f"{project}/out/trees", str(project), f"{project}/out/html"]
    )
    assert (code, capsys.readouterr().err) == (0, "")
    return text_of(
        BeautifulSoup((project / "out" / "html" / page).read_text("utf-8"), "html.parser")
    )


def changed(path: Path, text: str) -> None:
    """Write a file, a second later than it was: Sphinx compares times."""
    path.write_text(text, "utf-8")
    later = time.time() + 2
    os.utime(path, (later, later))


@pytest.mark.parametrize("path", ["nets/net.json", "/nets/net.json"])
def test_a_changed_spec_is_read_again(
    project: Path, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    text = f"T\n=\n\nIt has :cnncalc:`{path} params`.\n\n.. cnncalc-table:: {path}\n"
    page = built(project, capsys, index_rst=text).html()
    assert "It has 1,065." in text_of(page)
    wider = json.dumps(NET).replace('"linear": 10', '"linear": 20')
    changed(project / "nets" / "net.json", wider)
    # 100·20 + 20 and 20·5 + 5.
    page_now = outdated(project, capsys)
    assert "It has 2,125." in page_now
    assert "2,020" in page_now


def test_a_changed_budget_is_read_again(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    budgets = '[tool.cnncalc.budgets]\nmax-params = "{}"\n'
    (project / "pyproject.toml").write_text(budgets.format("2k"))
    text = "T\n=\n\n.. cnncalc-check:: nets/net.json\n"
    assert "at most 2,000" in text_of(built(project, capsys, index_rst=text).html())
    changed(project / "pyproject.toml", budgets.format("1k"))
    assert "at most 1,000" in outdated(project, capsys)


def test_documents_are_read_and_written_in_parallel(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pages = [f"page{i}" for i in range(10)]
    for i, page in enumerate(pages):
        text = (
            f"P\n=\n\n.. cnncalc-table:: lenet5\n   :batch: {i + 1}\n\n.. cnncalc-draw:: lenet5\n"
        )
        (project / f"{page}.rst").write_text(text)
    index = "T\n=\n\n.. toctree::\n\n" + "".join(f"   {page}\n" for page in pages)
    # The settings, and whether one process does it.
    build(project, capsys, "-W", builder="dummy", index_rst=index)
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "-E", "-j", "2", project, project / "both"],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    for i, page in enumerate(pages):
        html = BeautifulSoup((project / "both" / f"{page}.html").read_text("utf-8"), "html.parser")
        # conv1 of LeNet-5 takes 28·28·5·5·3·6 MACs for each input.
        assert f"{352_800 * (i + 1):,}" in text_of(html)
        assert html.img is not None
        assert (project / "both" / str(html.img["src"])).is_file()


# Mistakes

MISTAKES = [
    (
        "cnncalc-table:: nets/bad.json",
        "",
        "cnncalc-table: nets/bad.json:1:51: fc1.out_featurs: no such field of linear; "
        "did you mean out_features? [cnncalc.table]",
    ),
    (
        "cnncalc-explain:: lenet6",
        "",
        "cnncalc-explain: lenet6: no such file, and no bundled network of that name; "
        "did you mean lenet5?; paths are seen from index.{} [cnncalc.explain]",
    ),
    (
        "cnncalc-table:: lenet5",
        ":colums: name",
        'cnncalc-table: table has no option "colums"; did you mean columns? [cnncalc.table]',
    ),
    (
        "cnncalc-diff:: vgg16 vgg19",
        ":all: perhaps",
        'cnncalc-diff: all is yes or no, not "perhaps" [cnncalc.diff]',
    ),
    (
        "cnncalc-table:: lenet5",
        ":set: a='1",
        "cnncalc-table: set: no closing quotation [cnncalc.table]",
    ),
    (
        "cnncalc-table:: -",
        "",
        "cnncalc-table: -: a region cannot read standard input; name a file [cnncalc.table]",
    ),
    (
        "cnncalc-explain:: lenet5 conv1",
        ":caption: Why",
        "cnncalc-explain: caption is for one table or drawing; here are 0 tables [cnncalc.explain]",
    ),
]


@pytest.mark.parametrize(("directive", "option", "message"), MISTAKES)
@pytest.mark.parametrize("language", ["rst", "md"])
def test_a_mistake_is_a_warning_with_its_place(
    project: Path,
    capsys: pytest.CaptureFixture[str],
    directive: str,
    option: str,
    message: str,
    language: str,
) -> None:
    (project / "nets" / "bad.json").write_text(
        '{"input": {"features": 3}, "layers": [{"linear": {"out_featurs": 10}, "name": "fc1"}]}'
    )
    if language == "rst":
        text = f"Title\n=====\n\n.. {directive}\n   {option}\n"
        result = build(project, capsys, index_rst=text)
    else:
        name, _, words = directive.partition(":: ")
        text = f"# Title\n\n\n```{{{name}}} {words}\n{option}\n```\n"
        extensions = ("cnncalc.publish.sphinx", "myst_parser")
        result = build(project, capsys, extensions=extensions, index_md=text)
    expected = message.format(language)
    assert (result.code, result.said) == (0, f"{project}/index.{language}:4: WARNING: {expected}\n")
    # The page says it, too.
    assert expected.partition("; paths")[0].partition(" [")[0] in text_of(result.html())
    # It is said in every build until it is mended, and -W fails.
    again = build_main(
        ["-q", "-W", "-d", f"{project}/out/trees", str(project), f"{project}/out/html"]
    )
    assert again != 0
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("lenet5 paramz", 'cnncalc: no such number: "paramz"; did you mean params?'),
        ("lenet5", "cnncalc: value takes a spec and a number, as in value lenet5.json params"),
        ("nets/net.json fc9.params", 'cnncalc: no such layer: "fc9"; did you mean fc2?'),
    ],
)
def test_a_mistake_in_a_sentence_has_its_place(
    project: Path, capsys: pytest.CaptureFixture[str], words: str, message: str
) -> None:
    result = build(project, capsys, index_rst=f"T\n=\n\nIt has :cnncalc:`{words}`.\n")
    assert result.code == 0
    assert result.said == f"{project}/index.rst:4: WARNING: {message} [cnncalc.value]\n"
    assert message in text_of(result.html())


def test_the_documentation_names_all_directives() -> None:
    text = (ROOT / "docs" / "sphinx.md").read_text("utf-8")
    assert not [kind for kind in KINDS if f"`cnncalc-{kind}`" not in text]
