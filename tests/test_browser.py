"""Pages that the program writes, as readers see them: light and dark, on a phone and wide."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser import AA, NARROW, WIDE, Browser, Said, Scheme
from tests.command import cnncalc

PAGES = {
    "table": ["table", "lenet5"],
    "wide table": ["table", "resnet50", "--columns", "+receptive_field,peak_memory,saved_bytes"],
    "several": ["table", "lenet5", "vgg16", "resnet50"],
    "explain": ["explain", "lenet5"],
    "compare-fc": ["compare-fc", "lenet5"],
    "diff": ["diff", "vgg16", "vgg19"],
    "check": ["check", "lenet5", "--max-params", "50k"],
    "reconcile": ["reconcile", "resnet18"],
    "slide": ["slide", "--backward"],
}
DRAWINGS = {
    "blocks": ["lenet5"],
    "branches": ["googlenet"],
    "receptive field": ["vgg16", "--kind", "receptive-field"],
    "bars": ["alexnet", "--column", "params"],
}
SCHEMES = ("light", "dark")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All pages and drawings, by their names."""
    folder = tmp_path_factory.mktemp("pages")
    for name, arguments in PAGES.items():
        assert cnncalc(*arguments, "-o", str(folder / f"{name}.html")).err == ""
    for name, arguments in DRAWINGS.items():
        cnncalc("draw", *arguments, "-o", str(folder / f"{name}.svg"))
    return folder


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("name", PAGES)
def test_a_page(name: str, width: int, scheme: Scheme, browser: Browser, folder: Path) -> None:
    browser.open(folder / f"{name}.html", scheme, width)
    browser.check()
    paper = browser.texts("h1")[0].paper
    assert paper == {"light": (255, 255, 255), "dark": (13, 17, 23)}[scheme]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing(name: str, scheme: Scheme, browser: Browser, folder: Path) -> None:
    browser.open(folder / f"{name}.svg", scheme)
    assert not browser.errors()
    texts = browser.texts()
    assert len(texts) > 10
    assert not [said for said in texts if not said.readable]
    assert {said.ink for said in texts} == {
        {"light": (31, 35, 40), "dark": (230, 237, 243)}[scheme]
    }


def test_a_drawing_is_dark_where_its_page_is(
    browser: Browser, folder: Path, tmp_path: Path
) -> None:
    # Whatever the reader's system is: many sites have a switch of their own.
    drawing = (folder / "blocks.svg").read_text("utf-8")
    page = (
        f'<!doctype html><html lang="en" style="color-scheme: dark"><body>{drawing}</body></html>'
    )
    (tmp_path / "page.html").write_text(page, "utf-8")
    browser.open(tmp_path / "page.html", "light")
    browser.check("svg")
    assert {said.paper for said in browser.texts("svg")} >= {(13, 17, 23)}


def test_formulas_are_drawn(browser: Browser, folder: Path) -> None:
    browser.open(folder / "explain.html")
    heights = browser.run(
        "return [...document.querySelectorAll('mfrac')].map(e => e.getBoundingClientRect().height)"
    )
    rows = browser.run(
        "return [...document.querySelectorAll('mtr')].map(e => e.getBoundingClientRect().height)"
    )
    # One fraction with letters and one with numbers for each of two convolutions and two poolings.
    assert len(heights) == 2 * 4
    assert min(rows) > 12
    assert min(heights) > 1.3 * min(rows) / 2


def test_a_wide_table_scrolls_alone(browser: Browser, folder: Path) -> None:
    browser.open(folder / "wide table.html", width=NARROW)
    inside, shown = browser.run(
        "const region = document.querySelector('[role=region]');"
        "region.focus();"
        "return [region.scrollWidth, document.activeElement === region ? region.clientWidth : 0]"
    )
    assert 0 < shown <= NARROW < inside
    assert browser.run(
        "const region = document.activeElement;"
        "region.scrollLeft = 1e6;"
        "const last = region.querySelector('tbody td:last-child').getBoundingClientRect();"
        "return last.right <= region.getBoundingClientRect().right + 1 && window.scrollX === 0"
    )


def test_what_a_screen_reader_hears(browser: Browser, folder: Path) -> None:
    browser.open(folder / "table.html")
    roles = browser.roles()
    # What a column means is said on demand, not for every cell.
    assert [name for role, name in roles if role == "columnheader"] == [
        *("#", "name", "layer", "output", "activations"),
        *("params", "params %", "MACs", "MACs %", "FLOPs"),
    ]
    assert [name for role, name in roles if role == "rowheader"] == [
        *("input", "conv1", "pool1", "conv2", "pool2", "flatten1", "fc3", "fc4", "fc5"),
        *("convolutional part", "dense part", "total"),
    ]
    assert ("region", "LeNet-5") in roles
    assert ("main", "") in roles
    assert ("heading", "LeNet-5") in roles


def test_on_paper_nothing_scrolls_and_ink_is_dark(browser: Browser, folder: Path) -> None:
    browser.open(folder / "table.html", "dark")
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    media = {"media": "print", "features": features}
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    try:
        assert {said.paper for said in browser.texts()} == {(255, 255, 255)}
        assert all(said.contrast > 2 * AA for said in browser.texts())
        region = "getComputedStyle(document.querySelector('[role=region]'))"
        assert browser.run(f"return {region}.overflowX") == "visible"
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


# What the checks themselves find


def test_contrast_is_that_of_the_guidelines() -> None:
    # WCAG's own extremes, and #777 on white, which is known to fail by a hair: 4.48.
    black, white, grey = (0.0, 0.0, 0.0), (255.0, 255.0, 255.0), (119.0, 119.0, 119.0)
    assert Said("", black, white, False).contrast == 21
    assert Said("", white, white, False).contrast == 1
    said = Said("", grey, white, False)
    assert round(said.contrast, 2) == 4.48
    assert not said.readable
    assert said._replace(large=True).readable


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('<p style="color:#888">pale</p>', "pale"),
        ('<p style="opacity:.4">faded</p>', "faded"),
        ('<div style="background:#333"><p>black on grey</p></div>', "black on grey"),
        ('<p>good</p><svg><rect width="99" height="99"/><text y="40">lost</text></svg>', "lost"),
        ("<p>x</p><script>throw new Error('broken')</script>", "broken"),
        ('<p>x</p><img alt="" src="https://example.org/a.png">', "example.org"),
        ('<p style="width:3000px">x</p>', "pixels too wide"),
        ("", "nothing is shown"),
    ],
)
def test_the_check_finds(body: str, found: str, browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(f"<!doctype html><html lang=en><title>t</title><body>{body}</body>", "utf-8")
    browser.open(path)
    with pytest.raises(AssertionError, match=found):
        browser.check()
