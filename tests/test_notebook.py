"""Results and drawings in a notebook: run by a real kernel, and converted by nbconvert."""

from __future__ import annotations

import base64
import copy
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc.presented import Drawn
from tests.browser import NARROW, WIDE, Browser, Scheme
from tests.tables import check_lenet5, tables
from tests.tex import compiled

CELLS = (
    "import cnncalc\nreport = cnncalc.analyze('lenet5')\nreport",
    "cnncalc.explain('lenet5', 'conv1')",
    "cnncalc.compare_fc('lenet5')",
    "cnncalc.check('lenet5', {'max-params': '50k'})",
    "cnncalc.diff('vgg16', 'vgg19')",
    "print(report.total('params'))",
    "cnncalc.draw('lenet5')",
)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A notebook, run."""
    v4: Any = import_module("nbformat.v4")
    run: Any = import_module("nbconvert.preprocessors").ExecutePreprocessor
    made = v4.new_notebook()
    made.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made.cells = [v4.new_code_cell(text) for text in CELLS]
    folder = tmp_path_factory.mktemp("notebook")
    run(timeout=120).preprocess(made, {"metadata": {"path": str(folder)}})
    return made


def outputs(notebook: Any) -> list[Any]:
    return [cell.outputs[0] for cell in notebook.cells]


def converted(notebook: Any, exporter: str, **options: str) -> str:
    made: Any = getattr(import_module("nbconvert"), exporter)(**options)
    text, _ = made.from_notebook_node(copy.deepcopy(notebook))
    return str(text)


def test_a_kernel_sends_every_form(notebook: Any) -> None:
    for output in outputs(notebook)[:5]:
        assert set(output.data) == {"text/plain", "text/markdown", "text/latex", "text/html"}
    *_, printed, drawn = outputs(notebook)
    assert printed.text == "62006\n"
    assert set(drawn.data) == {"text/plain", "image/svg+xml"}
    assert drawn.data["image/svg+xml"].startswith("<svg xmlns=")


def page(notebook: Any, theme: str) -> str:
    """The notebook as a page, without the scripts that it would get from elsewhere."""
    urls = ("mathjax", "require_js", "jquery", "mermaid_js", "widget_renderer")
    empty = {f"{name}_url": "data:text/javascript," for name in urls}
    return converted(notebook, "HTMLExporter", theme=theme, **empty)


def test_as_html(notebook: Any) -> None:
    text = page(notebook, "light")
    found = tables(text)
    check_lenet5(found[0])
    assert {table.caption for table in found} >= {"LeNet-5"}
    assert "<math" in text
    # VGG-19 has three convolutions more: 256·256, 512·512 and 512·512 kernels of 3×3, and biases.
    added = [9 * n * n + n for n in (256, 512, 512)]
    (layers,) = [table for table in found if "what" in table.header]
    assert layers.column("params") == [f"+{n:,}" for n in added]
    drawing = outputs(notebook)[-1].data["image/svg+xml"]
    assert base64.b64encode(drawing.encode()).decode() in text


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_in_a_browser(
    notebook: Any, browser: Browser, theme: Scheme, width: int, tmp_path: Path
) -> None:
    path = tmp_path / "notebook.html"
    path.write_text(page(notebook, theme), "utf-8")
    browser.open(path, theme, width)
    browser.check(".jp-OutputArea-output")
    right = browser.run(
        "return getComputedStyle(document.querySelector('tbody td:last-child')).textAlign"
    )
    left = browser.run("return getComputedStyle(document.querySelector('tbody th')).textAlign")
    assert (left, right) == ("left", "right")


def test_as_markdown(notebook: Any) -> None:
    text = converted(notebook, "MarkdownExporter")
    check_lenet5(tables(text)[0])
    assert "    62006\n" in text


def test_as_latex(notebook: Any, tmp_path: Path) -> None:
    # A drawing in SVG would need Inkscape.
    without = copy.deepcopy(notebook)
    without.cells.pop()
    text = converted(without, "LatexExporter")
    fragments = [output.data["text/latex"] for output in outputs(notebook)[:5]]
    assert all(fragment.rstrip("\n") in text for fragment in fragments)
    assert "fc3 & linear + relu & 120 & 120 & 48,120 & 77.6 & 48,000 &" in text
    # Its template loads what the fragments need.
    packages = ("amsmath", "booktabs", "longtable")
    assert all(f"\\usepackage{{{package}}}" in text for package in packages)
    compiled("\n".join(fragments), tmp_path)


def test_a_drawing_is_its_text() -> None:
    drawn = cnncalc.draw("lenet5", format="mermaid")
    assert isinstance(drawn, Drawn)
    assert drawn == str(drawn)
    assert copy.deepcopy(drawn)._repr_mimebundle_() == {
        "text/plain": str(drawn),
        "text/vnd.mermaid": str(drawn),
    }
    tikz = cnncalc.draw("lenet5", format="tikz")
    assert isinstance(tikz, Drawn)
    assert set(tikz._repr_mimebundle_()) == {"text/plain"}
