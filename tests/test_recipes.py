"""What docs/publishing.md says to write is written, built and looked into."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.command import cnncalc
from tests.tables import LENET5_PARAMS, check_lenet5, tables
from tests.tex import compiled

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "publishing.md").read_text("utf-8")
TOTAL = f"{sum(LENET5_PARAMS.values()):,}"


def fences(heading: str, language: str) -> list[str]:
    """The fences of a language in a section of the document."""
    (section,) = re.findall(rf"^##+ {heading}\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL)
    return [
        match[2] for match in re.finditer(rf"^(`{{3,}}){language}\n(.*?)^\1$", section, re.M | re.S)
    ]


def build(folder: Path, config: str, document: str) -> subprocess.CompletedProcess[str]:
    """A site of one document, built strictly."""
    (folder / "docs").mkdir()
    (folder / "nets").mkdir()
    shutil.copy(ROOT / "specs" / "lenet5.json", folder / "nets")
    (folder / "mkdocs.yml").write_text(f"site_name: Nets\nuse_directory_urls: false\n{config}")
    (folder / "docs" / "index.md").write_text(f"# Nets\n\n{document}", "utf-8")
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict"],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )


def test_mkdocs(tmp_path: Path) -> None:
    config, _ = fences("MkDocs and Zensical", "yml")
    (document,) = fences("MkDocs and Zensical", "markdown")
    done = build(tmp_path, config, document)
    assert done.returncode == 0, done.stderr
    html = (tmp_path / "site" / "index.html").read_text("utf-8")
    first, *_ = tables(html)
    assert first.header == ["layer", "output", "params"]
    assert first.column("params", "tfoot")[-1] == TOTAL
    assert '<div id="costs" class="cnncalc">' in html
    assert html.count("<svg ") == 1
    assert "```" not in html


def test_mkdocs_with_another_base(tmp_path: Path) -> None:
    config, base = fences("MkDocs and Zensical", "yml")
    # The recipe stands in the place of one line.
    (line,) = [line for line in config.splitlines(True) if "format:" in line]
    done = build(tmp_path, config.replace(line, base), "```cnncalc\ntable nets/lenet5.json\n```\n")
    assert done.returncode != 0
    assert re.search(r"nets/lenet5.json: no such file.*; paths are seen from .*docs", done.stderr)


def test_markdown_exec(tmp_path: Path) -> None:
    (config,) = fences("markdown-exec", "yml")
    (document,) = fences("markdown-exec", "markdown")
    done = build(tmp_path, config, document)
    assert done.returncode == 0, done.stderr
    html = (tmp_path / "site" / "index.html").read_text("utf-8")
    check_lenet5(tables(html)[0])
    # What torchvision's mobilenet_v2 has, with width_mult 0.5 and 1.
    for width, params in ((0.5, 1_968_680), (1, 3_504_872)):
        assert f"<li>width {width}: {params:,} parameters</li>" in html


def test_a_mistake_in_markdown_exec_fails_a_strict_build(tmp_path: Path) -> None:
    (config,) = fences("markdown-exec", "yml")
    code = 'import cnncalc\ncnncalc.analyze("lenet5").total("paramz")'
    done = build(tmp_path, config, f'```python exec="on"\n{code}\n```\n')
    assert done.returncode != 0
    assert "paramz" in done.stdout + done.stderr


def test_quarto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (config,) = fences("Quarto", "yml")
    (cells,) = fences("Quarto", "markdown")
    document = tmp_path / "paper.qmd"
    regions = ("table lenet5", "explain lenet5 conv1", "draw lenet5")
    marked = [f"<!-- cnncalc:begin {words} -->\n<!-- cnncalc:end -->\n" for words in regions]
    document.write_text("\n".join([*marked, cells]), "utf-8")
    (command,) = re.findall("pre-render: cnncalc (.*)", config)
    monkeypatch.chdir(tmp_path)
    assert cnncalc(*shlex.split(command)).code == 0
    text = document.read_text("utf-8")
    assert f"**{TOTAL}**" in text
    assert "$$\n\\begin{aligned}\n" in text
    assert "```{mermaid}\nflowchart" in text
    # Its cell shows its last line, and the sentence a number.
    (cell,) = re.findall(r"^```\{python\}\n(.*?)^```$", text, re.M | re.S)
    *before, last = cell.rstrip("\n").split("\n")
    names: dict[str, Any] = {}
    exec("\n".join(before), names)
    check_lenet5(tables(eval(last, names)._repr_mimebundle_()["text/html"])[0])
    (sentence,) = re.findall(r"`\{python\} (.*?)`", text)
    assert eval(sentence, names) == TOTAL


@pytest.mark.parametrize(
    ("name", "drawing", "formula"),
    [
        ("a.md", "```mermaid\nflowchart", "```math\n\\begin{aligned}"),
        ("a.qmd", "```{mermaid}\nflowchart", "$$\n\\begin{aligned}"),
        ("a.Rmd", "<svg xmlns=", "$$\n\\begin{aligned}"),
        ("a.mdx", "```mermaid\nflowchart", "$$\n\\begin{aligned}"),
    ],
)
def test_each_markdown_has_its_own_drawings_and_formulas(
    name: str, drawing: str, formula: str, tmp_path: Path
) -> None:
    opening, closing = ("{/*", "*/}") if name == "a.mdx" else ("<!--", "-->")
    marked = [
        f"{opening} cnncalc:begin {words} {closing}\n{opening} cnncalc:end {closing}\n"
        for words in ("draw lenet5", "explain lenet5 conv1", "draw lenet5 format=mermaid")
    ]
    document = tmp_path / name
    document.write_text("\n".join(marked), "utf-8")
    assert cnncalc("embed", str(document)).code == 0
    text = document.read_text("utf-8")
    assert f"begin draw lenet5 {closing}\n\n{drawing}" in text
    assert formula in text
    assert ("```math" in text) != ("$$" in text)
    # Markers and fences are found again: nothing changes.
    assert cnncalc("embed", "--check", str(document)).code == 0


def test_latex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (lines,) = fences("LaTeX", "latex")
    monkeypatch.chdir(tmp_path)
    for command in re.findall(r"% cnncalc (.*)", lines):
        assert cnncalc(*shlex.split(command)).err == ""
    inputs = re.findall(r"\\input\{(.*?)\}", lines)
    assert all((tmp_path / f"{name}.tex").exists() for name in inputs)
    body = "".join(f"\\input{{{name}}}\n" for name in inputs)
    compiled(body + "Table~\\ref{tab:lenet5}", tmp_path, packages="tikz")
