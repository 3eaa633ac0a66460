"""Captions, labels and the note under a table, and tables as reStructuredText and AsciiDoc."""

from __future__ import annotations

import re

import pytest

from cnncalc.page import Block, Grid, Heading, Items, Prose
from cnncalc.render.write import FORMATS as MARKUPS
from cnncalc.render.write import write
from tests.command import cnncalc

CAPTIONED = ("--caption", "A & B", "--label", "tab:ab")
CONVENTION = "FLOPs = 2 × MACs; a MAC is one multiply-add"


@pytest.mark.parametrize("specs", [["lenet5"], ["lenet5", "vgg16"]])
def test_latex_keeps_caption_label_and_note_in_the_float(specs: list[str]) -> None:
    text = cnncalc("table", *specs, "-f", "latex", *CAPTIONED).out
    inside = text.partition("\\begin{table}")[2].partition("\\end{table}")[0]
    assert "\\caption{A \\& B}\\label{tab:ab}\n\\begin{tabular}" in inside
    note = inside.partition("\\end{tabular}")[2]
    assert note.strip().startswith("{\\footnotesize " + CONVENTION.replace("×", "$\\times$"))
    assert "\\bottomrule" in inside


def test_a_long_table_has_them_too() -> None:
    text = cnncalc("table", "resnet50", "--depth", "all", "-f", "latex", *CAPTIONED).out
    assert "\\begin{longtable}{lllrrrrrrr}\n\\caption{A \\& B}\\label{tab:ab}\\\\\n" in text
    assert "\\end{longtable}\n\n{\\footnotesize FLOPs" in text


@pytest.mark.parametrize(
    ("format", "start"),
    [
        ("html", '<table id="tab:ab">\n<caption style="white-space:normal">A &amp; B</caption>\n'),
        ("rst", ".. _tab:ab:\n\n.. list-table:: A & B\n"),
        ("asciidoc", "[#tab:ab]\n.A &#38; B\n[%header%footer,"),
    ],
)
def test_other_formats_have_their_own(format: str, start: str) -> None:
    assert start in cnncalc("table", "lenet5", "-f", format, *CAPTIONED).out
    markdown = cnncalc("table", "lenet5", "-f", "markdown", "--caption", "A").out
    assert markdown.startswith("**A**\n\n| ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--caption", "A"], "--caption is for --format latex, html, markdown …, not text"),
        (["--label", "a", "-f", "latex"], "--label needs a --caption"),
        (["-f", "markdown", *CAPTIONED], "--label is for --format latex, html, rst and asciidoc"),
        (["-f", "latex", "--caption", "A", "--label", "a}b"], "--label must be letters, digits"),
    ],
)
def test_what_a_format_would_leave_out_is_refused(arguments: list[str], message: str) -> None:
    result = cnncalc("table", "lenet5", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


HOSTILE = "- a_b | *x* `y` <b> [z] :: \\ {c} ^~#"
PAGE: list[Block] = [
    Heading(HOSTILE),
    Prose(HOSTILE),
    Items([HOSTILE, "1. x"]),
    Grid(["a", "b"], [[HOSTILE, ""], ["", "1"]], right=(1,), foot=1),
]


def test_names_are_no_markup_of_restructured_text() -> None:
    escaped = "- a\\_b \\| \\*x\\* \\`y\\` \\<b\\> \\[z\\] :: \\\\ {c} ^~#"
    assert write(PAGE, "rst") == (
        f".. rubric:: \\ {escaped}\n\n"
        f"\\ {escaped}\n\n"
        f"- \\ {escaped}\n- \\ 1. x\n\n"
        ".. list-table::\n   :header-rows: 1\n\n"
        f"   * - a\n     - b\n   * - \\ {escaped}\n     -\n   * -\n     - **1**\n"
    )


def test_names_are_no_markup_of_asciidoc() -> None:
    text = write(PAGE, "asciidoc")
    assert text.startswith("[discrete]\n=== - a&#95;b &#124; &#42;x&#42; &#96;y&#96; ")
    assert "\n\n{empty}- a&#95;b" in text
    # Each cell starts with the one bar that is not escaped.
    table = text.partition("|===\n")[2].partition("|===")[0]
    assert [line.count("|") for line in table.splitlines()] == [2, 2, 2]
    assert not re.search(r"[*_`#^~<>{}\[\]\\](?<!#)", table.replace("&#", "").replace("*1*", ""))


@pytest.mark.parametrize("format", MARKUPS)
def test_reconcile_is_written_in_every_format(format: str) -> None:
    # 2 × 651,720 MACs.
    assert "1,303,440" in cnncalc("reconcile", "lenet5", "torch", "-f", format).out
