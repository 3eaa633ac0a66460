"""`-o FILE` writes what the file's name says, or nothing."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest

from cnncalc.ask.words import REQUESTS, kind_of
from cnncalc.cli.app import COMMANDS
from tests.command import cnncalc

PAGE = {
    "txt": "text",
    "html": "html",
    "htm": "html",
    "md": "markdown",
    "markdown": "markdown",
    "tex": "latex",
    "rst": "rst",
    "adoc": "asciidoc",
}
DATA = {**PAGE, "csv": "csv", "json": "json"}
PICTURES = ("png", "jpg", "pdf", "eps")

TABLE = "table writes no {}, but .txt, .html, .md, .tex, .rst, .adoc, .csv and .json"
OTHER = "--format {} is not what {} says; leave out one of the two"

# Each command that takes -o, and the formats of the endings that it writes.
WRITTEN: dict[str, Mapping[str, str | None]] = {
    "table lenet5": DATA,
    "table lenet5 alexnet": DATA,
    "layer relu": DATA,
    "explain lenet5 conv1": PAGE,
    "explain lenet5 --quiz": PAGE,
    "reconcile lenet5": {**PAGE, "json": "json"},
    "compare-fc lenet5": DATA,
    "diff lenet5 alexnet": {**PAGE, "json": "json"},
    "check lenet5 --max-params 1M": {**PAGE, "json": "json"},
    "slide --max-pool 2": DATA,
    "draw lenet5": {
        "svg": "svg",
        "mmd": "mermaid",
        "mermaid": "mermaid",
        "dot": "dot",
        "gv": "dot",
        "tex": "tikz",
        "tikz": "tikz",
    },
    "export lenet5": {"py": None},
    "export lenet5 --to keras": {"py": None},
}
ENDINGS = {ending for endings in WRITTEN.values() for ending in endings} | {
    *PICTURES,
    "xlsx",
    "yaml",
}


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_command_that_writes_a_file_is_here() -> None:
    writers = {name for name in REQUESTS if name in COMMANDS and kind_of(name).writes}
    # It needs torch: below.
    assert {command.split()[0] for command in WRITTEN} == writers - {"verify"}


@pytest.mark.parametrize("command", WRITTEN)
def test_an_ending_is_right_or_refused(command: str) -> None:
    words, written = shlex.split(command), WRITTEN[command]
    for ending in sorted(ENDINGS):
        if words[0] == "slide" and ending in ("png", "jpg"):
            continue
        for name in (f"x.{ending}", f"X.{ending.upper()}"):
            found = cnncalc(*words, "-o", name)
            if ending not in written:
                assert (found.code, found.out) == (2, ""), name
                assert found.err.startswith(f"{name}: {words[0]} writes no .{ending}, but .")
                assert not Path(name).exists()
                continue
            assert (found.code, found.out) == (0, "")
            format = written[ending]
            told = cnncalc(*words, *(["-f", format] if format else []))
            content = Path(name).read_text("utf-8")
            if format == "html":
                assert content.lower().startswith("<!doctype html>")
                # The page has a head and headings of its own.
                assert max(told.out.splitlines(), key=len) in content
            else:
                assert content == told.out


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("table -o x.xlsx", TABLE.format(".xlsx")),
        ("explain -o x.csv", "explain writes no .csv, but .txt, .html, .md, .tex, .rst and .adoc"),
        ("draw -o x.pdf", "draw writes no .pdf, but .svg, .mmd, .dot and .tex"),
        ("draw -f svg -o x.pdf", "draw writes no .pdf, but .svg, .mmd, .dot and .tex"),
        ("draw -f dot -o x.html", "draw writes no .html, but .svg, .mmd, .dot and .tex"),
        ("export -o x.html", "export writes no .html, but .py only"),
        ("table -f markdown -o x.gz", TABLE.format(".gz")),
        ("verify -o x.rst", "verify writes no .rst, but .txt, .html, .md, .tex and .json"),
        ("verify -o x.CSV", "verify writes no .csv, but .txt, .html, .md, .tex and .json"),
        ("table -f text -o x.html", OTHER.format("text", ".html")),
        ("draw -f svg -o x.tex", OTHER.format("svg", ".tex")),
        ("slide -f csv -o x.png", OTHER.format("csv", ".png")),
        ("slide -o x.jpg", "pictures are written as PNG; call it .png"),
    ],
)
def test_what_is_refused_names_what_there_is(command: str, said: str) -> None:
    words = command.split()
    assert cnncalc(*words) == (2, "", f"{words[-1]}: {said}\n")
    assert not Path(words[-1]).exists()


@pytest.mark.parametrize("name", ["x.md", "x.MD", "x.txt", "x", ".hidden", "x.qmd", "/dev/null"])
def test_a_format_that_agrees_with_the_name_or_meets_none(name: str) -> None:
    assert cnncalc("table", "-f", "markdown", "-o", name) == (0, "", "")
    if name != "/dev/null":
        assert Path(name).read_text("utf-8").startswith("| \\#")


def test_a_name_without_an_ending_is_in_the_usual_format() -> None:
    for command, start in (("table", "LeNet-5\n"), ("draw", "<svg"), ("export", '"""')):
        assert cnncalc(command, "lenet5", "-o", "x").code == 0
        assert Path("x").read_text("utf-8").startswith(start)


def test_a_dash_is_standard_output() -> None:
    assert cnncalc("table", "-o", "-") == cnncalc("table")
    assert not Path("-").exists()
