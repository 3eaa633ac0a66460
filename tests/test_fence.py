"""Fences tagged `cnncalc`, in sites that MkDocs and Zensical build."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pymdownx.superfences import SuperFencesException

from cnncalc.publish import fence
from tests.browser import NARROW, WIDE, Browser, Scheme, served
from tests.command import cnncalc
from tests.tables import LENET5_PARAMS, check_lenet5, tables

SPECS = Path(__file__).resolve().parent.parent / "specs"
CUSTOM = {
    "name": "cnncalc",
    "class": "drawn",
    "format": fence.format,
    "validator": fence.validator,
}


def rendered(text: str, **custom: Any) -> str:
    """What Python-Markdown makes of a document."""
    configs = {"pymdownx.superfences": {"custom_fences": [{**CUSTOM, **custom}]}}
    markdown: Any = import_module("markdown")
    return str(
        markdown.markdown(
            text, extensions=["pymdownx.superfences", "attr_list"], extension_configs=configs
        )
    )


def fenced(words: str, beside: str = "") -> str:
    return f"```cnncalc{beside}\n{words}\n```\n"


@pytest.mark.parametrize(
    "words",
    [
        "table lenet5",
        "explain lenet5 conv1",
        "compare-fc lenet5 conv1",
        "diff vgg16 vgg19",
        "reconcile resnet18 torch fvcore",
        "check lenet5 max-params=50k",
    ],
)
def test_every_report_is_the_html_of_its_command(words: str) -> None:
    arguments = [re.sub(r"^([a-z-]+)=", r"--\1=", word) for word in words.split()]
    printed = cnncalc(*arguments, "--format", "html").out
    html = rendered(fenced(words))
    assert html.startswith('<div class="drawn">')
    # Headings stand below the document's own title.
    deeper = re.sub(r"(</?h)(\d)>", lambda m: f"{m[1]}{int(m[2]) + 1}>", printed)
    assert deeper in html + "\n"
    assert "<h1>" not in html


def test_a_drawing_stands_in_the_page_and_scrolls() -> None:
    html = rendered(fenced("draw lenet5"))
    assert html.startswith(
        '<div class="drawn" tabindex="0" style="overflow-x:auto">\n<svg style="max-width:none" '
    )
    assert cnncalc("draw", "lenet5").out.removeprefix("<svg ").rstrip() in html
    mermaid = rendered(fenced("draw lenet5 format=mermaid"))
    assert mermaid.startswith('<div class="drawn">\n<pre>flowchart')


def test_a_number_is_a_paragraph() -> None:
    total = f"{sum(LENET5_PARAMS.values()):,}"
    assert rendered(fenced("value lenet5 params")) == f'<div class="drawn">\n<p>{total}</p>\n</div>'


def test_words_may_take_lines_and_have_comments() -> None:
    lines = "table lenet5  # of 1998\n  columns=name,params\n  caption='A & B'"
    assert tables(rendered(fenced(lines)))[0].caption == "A & B"


def test_options_may_stand_beside_the_tag() -> None:
    (table,) = tables(rendered(fenced("table lenet5", ' columns="name,params" caption="Five"')))
    assert (table.caption, table.header) == ("Five", ["name", "params"])
    (table,) = tables(rendered("``` {.cnncalc .wide #five columns=name,macs}\ntable lenet5\n```\n"))
    assert table.header == ["name", "MACs"]
    html = rendered("``` {.cnncalc .wide #five}\ntable lenet5\n```\n")
    assert html.startswith('<div id="five" class="drawn wide">')
    # A flag is a word without a value.
    assert rendered(fenced("diff vgg16 vgg19", " all")) == rendered(
        fenced("diff vgg16 vgg19 all=yes")
    )


def test_fences_may_stand_in_lists_and_quotations() -> None:
    text = (
        "* a\n\n    ```cnncalc\n    table lenet5\n    ```\n\n> ```cnncalc\n> table lenet5\n> ```\n"
    )
    found = tables(rendered(text))
    assert len(found) == 2
    for table in found:
        check_lenet5(table)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("table lenet", "lenet: no such file, and no bundled network of that name; did you mean"),
        ("table nets/gone.json", "nets/gone.json: no such file"),
        ("tabel lenet5", '"tabel": no such region; did you mean table?'),
        ("table lenet5 colums=name", 'table has no option "colums"; did you mean columns?'),
        ("table lenet5 columns=paramz", "no such column: paramz"),
        ("table lenet5 --depth=1", "options have no dashes here: depth=1"),
        ("table 'lenet5", "no closing quotation"),
        ("", "the fence is empty; write as in table lenet5.json"),
        ("value lenet5 param", 'no such number: "param"; did you mean params?'),
        ("table -", "a region cannot read standard input"),
    ],
)
def test_a_mistake_is_one_line(words: str, message: str) -> None:
    with pytest.raises(SuperFencesException) as caught:
        rendered(fenced(words))
    assert message in str(caught.value)
    assert str(caught.value).startswith("cnncalc: ")
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_an_unknown_option_beside_the_tag_is_a_mistake() -> None:
    with pytest.raises(SuperFencesException, match='table has no option "title"'):
        rendered(fenced("table lenet5", ' title="x"'))


def test_the_base_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(SuperFencesException, match=r"^cnncalc: base: no such folder: .*gone"):
        fence.format("table lenet5", "cnncalc", "", {}, None, base=str(tmp_path / "gone"))


# Sites

DOCUMENT = f"""# Nets

{fenced("table nets/net.json")}
{fenced("draw nets/net.json")}
{fenced("explain nets/net.json conv1")}
{fenced("compare-fc nets/net.json")}
"""
FENCE = """
markdown_extensions:
  - pymdownx.superfences:
      custom_fences:
        - name: cnncalc
          class: cnncalc
          format: !!python/object/apply:functools.partial
            args:
              - !!python/name:cnncalc.publish.fence.format
            kwds: {base: docs}
          validator: !!python/name:cnncalc.publish.fence.validator
"""
MKDOCS = """
theme: {name: mkdocs, color_mode: auto, highlightjs: false, custom_dir: theme}
"""
ZENSICAL = """
theme:
  font: false
  palette:
    - media: "(prefers-color-scheme: light)"
      scheme: default
      toggle: {icon: lucide/sun, name: dark}
    - media: "(prefers-color-scheme: dark)"
      scheme: slate
      toggle: {icon: lucide/moon, name: light}
"""
BUILDERS = {"mkdocs": MKDOCS, "zensical": ZENSICAL}


def site(builder: str, folder: Path, document: str = DOCUMENT) -> subprocess.CompletedProcess[str]:
    """Build a site of one document, whose spec lies below it."""
    (folder / "docs" / "nets").mkdir(parents=True)
    (folder / "theme").mkdir()
    shutil.copy(SPECS / "lenet5.json", folder / "docs" / "nets" / "net.json")
    (folder / "docs" / "index.md").write_text(document, "utf-8")
    # What the theme's script looks for, and has only with highlight.js from elsewhere.
    (folder / "theme" / "main.html").write_text(
        '{% extends "base.html" %}{% block extrahead %}<link id="hljs-light"><link id="hljs-dark">'
        "{% endblock %}"
    )
    config = f"site_name: Nets\nuse_directory_urls: false\n{BUILDERS[builder]}{FENCE}"
    (folder / "mkdocs.yml").write_text(config, "utf-8")
    return subprocess.run(
        [sys.executable, "-m", builder, "build"],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )


@pytest.fixture(scope="module", params=BUILDERS)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a site."""
    folder = tmp_path_factory.mktemp(request.param)
    done = site(request.param, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


def test_a_site_shows_what_the_fences_ask_for(built: Path) -> None:
    html = (built / "index.html").read_text("utf-8")
    table, *compared = tables(html)
    check_lenet5(table)
    assert [cell.aligned for cell in table.parts["tbody"][1]] == ["left"] * 3 + ["right"] * 7
    # Every output of conv1 fully connected to every input.
    assert compared[0].column("fully connected")[0] == f"{28 * 28 * 6 * 32 * 32 * 3:,}"
    assert html.count("<svg style") == 1
    assert "<mfrac>" in html
    assert "```" not in html


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_a_site_in_a_browser(built: Path, browser: Browser, scheme: Scheme, width: int) -> None:
    with served(built) as address:
        browser.open(f"{address}index.html", scheme, width)
        # Colours of captions are the theme's.
        browser.check(".cnncalc :is(thead, tbody, tfoot, p, math, svg)")
        # The drawing is light or dark as the page is.
        paper = browser.run("return getComputedStyle(document.querySelector('.page')).fill")
        assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[scheme]
        # It is as wide as it is, and scrolls where that is too wide.
        drawn, shown = browser.run(
            "const svg = document.querySelector('.cnncalc svg');"
            "return [svg.getBoundingClientRect().width, svg.parentElement.clientWidth]"
        )
        assert drawn > 1000
        assert shown <= width


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_mistake_fails_the_build(builder: str, tmp_path: Path) -> None:
    done = site(builder, tmp_path, fenced("table nets/gone.json"))
    assert done.returncode != 0
    assert "cnncalc: nets/gone.json: no such file" in done.stdout + done.stderr
