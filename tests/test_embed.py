"""Documents whose tables cnncalc writes: what changes in them, what never does, what is said."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnncalc.cli import embed as command
from cnncalc.errors import UsageError
from cnncalc.publish import document as documents
from cnncalc.publish.region import MAX_REGIONS
from cnncalc.publish.style import STYLES
from tests.command import Result, cnncalc

ROOT = Path(__file__).resolve().parent.parent
NET: dict[str, Any] = {
    "name": "Tiny",
    "input": {"features": 100},
    "layers": [{"linear": 10, "name": "fc1"}, "relu", {"linear": 5, "name": "fc2"}],
}
"""100·10 + 10 = 1,010 and 10·5 + 5 = 55 parameters: 1,065; 1,000 + 50 = 1,050 MACs."""
VALUE = "cnncalc:begin value net.json"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a network, where we are."""
    (tmp_path / "net.json").write_text(json.dumps(NET))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def embedded(folder: Path, text: str, name: str = "doc.md") -> str:
    """A document after `cnncalc embed`."""
    (folder / name).write_bytes(text.encode())
    result = cnncalc("embed", name)
    assert (result.code, result.err) == (0, "")
    return (folder / name).read_bytes().decode()


def refused(folder: Path, text: str, name: str = "doc.md") -> str:
    """What is said of a document that is wrong, which stays as it is."""
    (folder / name).write_bytes(text.encode())
    result = cnncalc("embed", name)
    assert (result.code, result.out) == (2, "")
    assert (folder / name).read_bytes() == text.encode()
    return result.err


# What stands in a region


def inline(words: str, old: str = "") -> str:
    return f"<!-- cnncalc:begin {words} -->{old}<!-- cnncalc:end -->"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("value net.json params", "1,065"),
        ("value net.json fc1.params", "1,010"),
        ("value net.json macs batch=2", "2,100"),
        ("value net.json params format=plain", "1065"),
        ("value net.json params format=.1k", "1.1k"),
        ("value net.json params format=.2k unit=no", "1.07"),
        ("value net.json params_bytes format=.2KiB", "4.16 KiB"),
        ("value net.json params_bytes dtype=int8", "1,065"),
        ("value net.json layers", "2"),
        ("value net.json fc1.params_share", "94.8"),
        ("value net.json dense.params", "1,065"),
        ("value net.json macs input=200", "2,050"),
        ("value lenet5 conv1.output", "28×28×6"),
        ("value lenet5 conv1.output layout=chw", "6×28×28"),
        ("value lenet5 conv2.kernel_size", "5"),
        # torchvision's parameters of VGG-16, and of ResNet-18's last block.
        ("value vgg16 params format=.1M", "138.4M"),
        ("value resnet18 layer4.1.params", f"{2 * (512 * 512 * 9) + 4 * 512:,}"),
        # MobileNetV1 at half width: 1.3 million parameters in its paper's table 6.
        ("value mobilenet_v1 params set=width=0.5 format=.1M", "1.3M"),
        # Adam keeps two values for each of 1,065, and its step for each of four tensors.
        ("value net.json optimizer_bytes optimizer=adam", f"{4 * 2 * 1065 + 4 * 4:,}"),
    ],
)
def test_a_value_stands_in_a_sentence(folder: Path, words: str, text: str) -> None:
    assert embedded(folder, f"It is {inline(words)}, so.") == f"It is {inline(words, text)}, so."


@pytest.mark.parametrize(
    ("name", "before", "between"),
    [
        ("a.md", "<!-- {} -->", "\n\n{}\n\n"),
        ("a.qmd", "<!--{}-->", "\n\n{}\n\n"),
        ("a.MDX", "{{/* {} */}}", "\n\n{}\n\n"),
        ("a.html", "<!-- {} -->", "\n{}\n"),
        ("a.rst", ".. {}\n", "\n{}\n\n"),
        ("a.tex", "%% {}\n", "{}\n"),
        ("a.adoc", "// {}\n", "\n{}\n\n"),
        ("a.py", "# {}\n", "{}\n"),
    ],
)
def test_a_table_is_written_as_its_document_is(
    folder: Path, name: str, before: str, between: str
) -> None:
    begin, end = (
        before.format("cnncalc:begin table net.json columns=name,params"),
        before.format("cnncalc:end"),
    )
    format = {
        ".md": "markdown", ".qmd": "markdown", ".MDX": "markdown", ".html": "html",
        ".rst": "rst", ".tex": "latex", ".adoc": "asciidoc", ".py": "text",
    }[Path(name).suffix]  # fmt: skip
    printed = cnncalc("table", "net.json", "--columns", "name,params", "-f", format).out
    assert "1,065" in printed
    if name == "a.py":
        printed = "".join(f"# {line}".rstrip() + "\n" for line in printed.splitlines())
    text = embedded(folder, f"above\n{begin}{end}below\n", name)
    assert text == f"above\n{begin}{between.format(printed.rstrip())}{end}below\n"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("table net.json lenet5", "| lenet5 "),
        ("table net.json sort=params top=1", "2 more rows not shown"),
        ('table net.json caption="Two words"', "**Two words**"),
        ("explain net.json fc1", "100 \\cdot 10+10 = 1{,}010"),
        ("draw net.json", "```mermaid\n"),
        ("draw net.json format=svg", "\n<svg "),
        ("compare-fc lenet5 conv1 hidden=10", "conv1"),
        ("diff net.json net.json input-b=200", "fc1"),
        ("diff net.json net.json input_b=200 all=yes names=no", "fc1"),
        ("reconcile net.json torch", "| torch      | 2,100 | = 2 × 1,050 MACs |"),
        ("reconcile net.json torch fvcore", "| **total** | **2,100** | **1,050** |"),
        # A budget that is broken is no mistake of the document.
        ("check net.json max-params=1k", "1 of 1 over budget"),
        ("table net.json format=csv columns=name,params", "```csv\nname,params\n"),
        ("table net.json format=html columns=params", "\n<table>\n"),
        ("explain lenet5 conv1 format=text", "```text\nLeNet-5\n"),
    ],
)
def test_every_command_that_reports_is_a_region(folder: Path, words: str, shown: str) -> None:
    text = embedded(folder, inline(words))
    assert shown in text
    assert text.startswith(f"<!-- cnncalc:begin {words} -->\n\n")
    assert text.endswith("\n\n<!-- cnncalc:end -->")
    assert cnncalc("embed", "--check", "doc.md").code == 0


@pytest.mark.parametrize(
    ("name", "mark", "definition"),
    [
        ("a.rst", ".. ", ".. |n| replace:: 1,065"),
        ("a.adoc", "// ", ":n: 1,065"),
        ("a.tex", "% ", "\\newcommand{\\n}{1,065}"),
        ("a.py", "# ", "n = 1_065"),
    ],
)
def test_where_comments_take_lines_a_value_gets_a_name(
    folder: Path, name: str, mark: str, definition: str
) -> None:
    text = embedded(folder, f"{mark}{VALUE} params as=n\n{mark}cnncalc:end\n", name)
    assert definition in text.splitlines()


def test_a_region_keeps_its_place_in_a_list_and_in_a_quotation(folder: Path) -> None:
    begin, end = "<!-- cnncalc:begin check net.json max-params=2k -->", "<!-- cnncalc:end -->"
    for indent in ("   ", "> ", "> > "):
        text = embedded(folder, f"{indent}{begin}\n{indent}{end}\n{indent}more\n")
        lines = text.splitlines()
        assert lines[0] == indent + begin
        assert lines[-2:] == [indent + end, f"{indent}more"]
        assert all(line.startswith(indent.rstrip()) or not line for line in lines)
        assert f"{indent}## Tiny: within budget" in lines


def test_paths_are_those_seen_from_the_document(folder: Path) -> None:
    (folder / "docs" / "nets").mkdir(parents=True)
    inner = {**NET, "layers": [{"linear": 1}]}
    (folder / "docs" / "nets" / "net.json").write_text(json.dumps(inner))
    (folder / "docs" / "a.md").write_text(inline("value nets/net.json params"))
    (folder / "docs" / "b.md").write_text(inline("value ../net.json params"))
    assert cnncalc("embed", "docs").code == 0
    assert ">101<" in (folder / "docs" / "a.md").read_text()
    assert ">1,065<" in (folder / "docs" / "b.md").read_text()


def test_width_and_colour_of_a_terminal_change_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = embedded(folder, inline("table vgg16 format=text"))
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert embedded(folder, inline("table vgg16 format=text")) == text
    assert os.environ["COLUMNS"] == "40"


# Markers that are text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.md", "```\n{}\n```\n"),
        ("a.md", "~~~md\n```\n{}\n```\n~~~\n"),
        ("a.md", "1. x\n   ````\n   ```\n   {}\n   ````\n"),
        ("a.md", "```\n{}\n"),
        ("a.md", "> ```\n> {}\n> ```\n"),
        ("a.md", "`{}` and ``` `` {} ```\n"),
        ("a.mdx", "```\n{}\n```\n"),
        ("a.rst", "As in::\n\n   {}\n\nafter\n"),
        ("a.rst", "::\n\n   {}\n"),
        ("a.rst", "- As in ::\n\n     one\n\n     {}\n"),
        ("a.rst", ".. code-block:: rst\n   :linenos:\n\n   {}\n"),
        ("a.tex", "\\begin{{verbatim}}\n{}\n\\end{{verbatim}}\n"),
        ("a.tex", "10\\% cnncalc:begin table\n"),
        ("a.adoc", "----\n{}\n----\n"),
        ("a.adoc", "....\n----\n{}\n....\n"),
        ("a.py", 'x = """\n{}\n"""\n'),
        ("a.py", "x = '{}'\n"),
    ],
)
def test_markers_in_code_are_text(folder: Path, name: str, text: str) -> None:
    opening = STYLES[Path(name).suffix].begin.split("cnncalc")[0]
    closing = STYLES[Path(name).suffix].closing
    text = text.replace("{}", f"{opening}cnncalc:begin value net.json params{closing}")
    text = text.replace("{{", "{").replace("}}", "}")
    assert embedded(folder, text, name) == text


@pytest.mark.parametrize(
    "before",
    [
        # A paragraph below `::` that is not indented is no code, and what follows code is none.
        "As in::\n\n",
        "As in::\n\n   code\n\nafter\n\n",
        "   As in::\n\n   ",
        "As in::\n\n   code\n\nafter\n\n.. note::\n\n   ",
        # Directives that hold text, and comments.
        ".. note::\n\n   ",
        ".. figure:: a.png::\n\n   ",
        ".. class::\n\n   ",
        # A colon less.
        "As in:\n\n   ",
        "   ",
    ],
)
def test_markers_in_text_are_markers(folder: Path, before: str) -> None:
    text = f"{before}.. cnncalc:begin value net.json params as=n\n"
    indent = " " * 3 if before.endswith(" ") else ""
    found = embedded(folder, f"{text}{indent}.. cnncalc:end\n", "a.rst")
    assert found.startswith(text)
    assert f"{indent}.. |n| replace:: 1,065" in found.splitlines()


def test_after_code_markers_are_markers_again(folder: Path) -> None:
    text = f"```\n{inline('x')}\n```\n``{inline('x')}`` {inline('value net.json params')}\n"
    assert ">1,065<" in embedded(folder, text)


# Mistakes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n<!-- cnncalc:begin value lenet5 params -->\n",
         "doc.md:2: cnncalc:begin without an end; end the region: <!-- cnncalc:end -->\n"),
        ("\n\n<!-- cnncalc:end -->",
         "doc.md:3: cnncalc:end without a begin before it; begin the region: "
         "<!-- cnncalc:begin … -->\n"),
        ("<!-- cnncalc:end -->\n<!-- cnncalc:begin table -->",
         "doc.md:1: cnncalc:end without a begin before it; begin the region: "
         "<!-- cnncalc:begin … -->\n"
         "doc.md:2: cnncalc:begin without an end; end the region: <!-- cnncalc:end -->\n"),
        ("<!-- cnncalc:begin table lenet5 -->\r<!-- cnncalc:begin table -->\r<!-- cnncalc:end -->",
         "doc.md:2: cnncalc:begin inside the region that begins in line 1; end that one first: "
         "<!-- cnncalc:end -->\n"),
        ("<!-- cnncalc:begn table -->",
         "doc.md:1: cnncalc:begn: no such marker; did you mean begin?\n"),
        ("<!-- cnncalc:begin table\n-->", "doc.md:1: cnncalc:begin: close the marker on its line: "
         "-->\n"),
        ("<!-- cnncalc:begin --><!-- cnncalc:end -->", "doc.md:1: cnncalc:begin: names nothing; "
         "write as in cnncalc:begin table lenet5.json\n"),
        ("<!-- cnncalc:begin table 'x --><!-- cnncalc:end -->",
         "doc.md:1: cnncalc:begin: no closing quotation\n"),
        ("<!-- cnncalc:begin table --><!-- cnncalc:end table -->",
         'doc.md:1: cnncalc:end: takes nothing, not "table"\n'),
    ],
)  # fmt: skip
def test_markers_that_are_wrong(folder: Path, text: str, message: str) -> None:
    assert refused(folder, text).startswith(message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("tabel lenet5", 'tabel lenet5: "tabel": no such region; did you mean table?'),
        ("slide lenet5", "there are table, explain, compare-fc, diff, reconcile, check, draw"),
        ("table lenet5 column=params", 'table has no option "column"; did you mean columns?'),
        ("table lenet5 --columns=params", "options have no dashes here: columns=params"),
        ("table lenet5 output=x.md", 'table has no option "output"'),
        ("table lenet5 columns=params columns=macs", "columns is given twice"),
        ("table lenet5 columns=parms", "no such column: parms; did you mean params?"),
        ("table lenet5 strict=maybe", 'strict is yes or no, not "maybe"'),
        ("table lenet5 top=0", "top must be a whole number from 1, not 0"),
        ("table lenet5 top=x", 'top must be a whole number from 1, not "x"'),
        (
            "explain lenet5 conv1 format=jpeg",
            'format is text, markdown, latex, html, rst or asciidoc, not "jpeg"',
        ),
        ("explain lenet5 conv9", "conv9"),
        ("diff", "diff takes a spec"),
        ("reconcile lenet5 a b c", "at most two tools"),
        ("table -", "a region cannot read standard input"),
        ("table nett.json", "; paths are seen from doc.md"),
        ("value lenet5", "value takes a spec and a number"),
        ("value lenet5 parms", 'no such number: "parms"; did you mean params?'),
        ("value lenet5 conv11.params", 'no such layer: "conv11"; did you mean conv1?'),
        ("value lenet5 output", "the column output has no total"),
        ("value resnet18 layer1.stride", "layer1 is a block, and the column stride has no total"),
        ("value lenet5 pool1.groups", "pool1 has no groups"),
        ("value lenet5 params format=.1X", "format must be grouped, plain, or decimals"),
        ("value lenet5 conv1.output format=plain", "format=plain is for numbers"),
        ("value lenet5 params as=n", "in Markdown the region stands in the sentence"),
        ("value lenet5 params batch=x", 'batch must be a whole number, not "x"'),
        ("value lenet5 params layout=x", 'layout is hwc or chw, not "x"'),
        ("value lenet5 params unit=x", 'unit is yes or no, not "x"'),
        ("value lenet5 params color=red", 'value has no option "color"'),
        ("table lenet5 'caption=<!-- cnncalc:end -->'", "no closing quotation"),
    ],
)  # fmt: skip
def test_regions_that_are_wrong(folder: Path, words: str, message: str) -> None:
    said = refused(folder, f"\n{inline('value net.json params')}\n{inline(words)}\n")
    assert said.startswith("doc.md:3: ")
    assert message in said
    assert len(said.splitlines()) == 1


def test_a_broken_spec_is_named_with_its_own_place(folder: Path) -> None:
    (folder / "net.json").write_text('{"input": {"features": 4},\n "layers": ["flaten"]}')
    said = refused(folder, inline("table net.json"))
    assert said.startswith("doc.md:1: table net.json: net.json:2:13: flaten: no such layer")


def test_no_document_is_touched_where_one_is_wrong(folder: Path) -> None:
    good, bad = inline("value net.json params"), "<!-- cnncalc:end -->"
    (folder / "a.md").write_text(good)
    (folder / "b.md").write_text(bad)
    assert cnncalc("embed", ".").code == 2
    assert ((folder / "a.md").read_text(), (folder / "b.md").read_text()) == (good, bad)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.tex", "x % cnncalc:begin table lenet5\n", "a.tex:1: cnncalc:begin: the marker needs a "
         "line of its own"),
        ("a.py", "x = 1  # cnncalc:end\n", "a.py:1: cnncalc:end: the marker needs a line"),
        ("a.py", "x = (\n# cnncalc:end\n", "a.py:1: no Python that can be read"),
        ("a.tex", "% cnncalc:begin value lenet5 params as=n1\n% cnncalc:end\n",
         "as= must be a name that LaTeX allows"),
        ("a.py", "# cnncalc:begin value lenet5 params as=import\n# cnncalc:end\n",
         "as=import: Python has that name itself"),
        ("a.py", "# cnncalc:begin value lenet5 params as=None\n# cnncalc:end\n",
         "as=None: Python has that name itself"),
        ("a.py", "# cnncalc:begin value lenet5 params as=sum\n# cnncalc:end\n",
         "as=sum: Python has that name itself"),
        ("a.txt", "", "a.txt: no document of a known type; there are .md"),
        ("gone.md", None, "gone.md: no such file or folder"),
    ],
)  # fmt: skip
def test_documents_that_are_wrong(folder: Path, name: str, text: str | None, message: str) -> None:
    if text is not None:
        (folder / name).write_text(text)
    result = cnncalc("embed", name)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


# --check, --diff, --stdout, pyproject.toml


@pytest.mark.parametrize(
    ("name", "words", "old", "new", "said"),
    [
        # LaTeX's own words keep theirs.
        (
            "doc.tex",
            "table lenet5 columns=name,output",
            r"28$\times$28$\times$6",
            r"27$\times$27$\times$6",
            r"conv1: 27$\times$27$\times$6 → 28$\times$28$\times$6",
        ),
        (
            "doc.tex",
            "table net.json columns=name,layer,params_share",
            r"params \% \\",
            r"param \% \\",
            r"name: param → params",
        ),
        # So do formulas in Markdown.
        (
            "doc.md",
            "explain lenet5 conv1",
            r"\left\lfloor",
            r"\left\lceil",
            r"\left\lceil → \left\lfloor",
        ),
        # There, those that guard a sign are none of the text.
        (
            "doc.md",
            "table lenet5 columns=number,name,layer,params",
            r"max\_pool",
            r"min\_pool",
            "min_pool → max_pool",
        ),
    ],
)
def test_what_is_stale_keeps_the_backslashes_that_it_has(
    folder: Path, name: str, words: str, old: str, new: str, said: str
) -> None:
    marker = "% cnncalc:{}" if name.endswith("tex") else "<!-- cnncalc:{} -->"
    region = f"{marker.format(f'begin {words}')}\n{marker.format('end')}\n"
    path = folder / name
    path.write_text(region, "utf-8")
    assert cnncalc("embed", name).code == 0
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    found = cnncalc("embed", "--check", name)
    assert found.code == 1
    assert said in found.out


def test_a_stale_readme_is_caught_with_just_the_changed_numbers(folder: Path) -> None:
    """torchinfo's README shows a table that its program has not printed for years."""
    table = "table net.json columns=name,layer,params,macs"
    embedded(folder, f"# Net\n\n{inline(table)}\nIt has {inline('value net.json params')}.\n")
    assert cnncalc("embed", "--check", "doc.md").out == "2 regions in 1 document: current\n"
    wider = {**NET, "layers": [*NET["layers"][:2], {"linear": 6, "name": "fc2"}]}
    (folder / "net.json").write_text(json.dumps(wider))
    # fc2 is now 10·6 + 6 = 66 parameters, 60 MACs.
    result = cnncalc("embed", "--check", "doc.md")
    assert result.code == 1
    lines = result.out.splitlines()
    assert lines[0] == f"doc.md:3: stale: {table}"
    assert lines[1:3] == ["  fc2: 55 → 66, 50 → 60", "  total: 1,065 → 1,076, 1,050 → 1,060"]
    assert lines[-3].endswith("stale: value net.json params")
    assert lines[-2:] == ["  1,065 → 1,076", "2 of 2 regions stale; run cnncalc embed doc.md"]
    assert len(lines) == 6
    # On GitHub at the lines of the document.
    annotated = cnncalc("embed", "--check", "-f", "github", "doc.md").out.splitlines()
    assert annotated[0].startswith("::error file=doc.md,line=3,title=cnncalc embed::stale: table")
    assert "%0Afc2: 55 → 66, 50 → 60%0A" in annotated[0]
    assert annotated[0].endswith("%0Arun cnncalc embed doc.md")
    # What it would write, without writing it.
    before = (folder / "doc.md").read_text()
    difference = cnncalc("embed", "--diff", "doc.md")
    assert difference.code == 0
    assert "\n-It has" in difference.out
    assert cnncalc("embed", "--check", "--diff", "doc.md").code == 1
    assert (folder / "doc.md").read_text() == before
    assert cnncalc("embed", "doc.md").out == "doc.md: 2 regions, 2 updated\n"
    assert cnncalc("embed", "--check", "doc.md").code == 0


def test_check_is_2_where_a_marker_or_spec_is_broken(folder: Path) -> None:
    (folder / "doc.md").write_text(inline("value net.json parms"))
    result = cnncalc("embed", "--check", "-f", "github", "doc.md")
    assert result.code == 2
    assert result.out.startswith("::error file=doc.md,line=1,title=cnncalc embed::value net.json")


def test_blanks_that_an_editor_removed_are_no_difference(folder: Path) -> None:
    text = embedded(folder, inline("table net.json"))
    stripped = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
    assert stripped.rstrip("\n") != text
    assert embedded(folder, stripped) == stripped


def test_stdout_prints_the_document_and_writes_nothing(
    folder: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "doc.md").write_bytes(f"\r\n{inline('value net.json params')}".encode())
    printed: list[bytes] = []
    monkeypatch.setattr(command, "_print_bytes", printed.append)
    assert cnncalc("embed", "--stdout", "doc.md").code == 0
    assert printed == [f"\r\n{inline('value net.json params', '1,065')}".encode()]
    assert b"1,065" not in (folder / "doc.md").read_bytes()
    for wrong in (["--stdout", "--check"], ["-f", "github"], ["--stdout", "doc.md", "net.md"]):
        (folder / "net.md").touch()
        assert cnncalc("embed", "doc.md", *wrong).code == 2


def test_pyproject_lists_the_documents(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = cnncalc("embed")
    assert result.code == 2
    assert result.err.startswith("nothing to embed: name documents or folders, or list them")
    (folder / "pyproject.toml").write_text('[tool.cnncalc]\nembed = ["a.md", "docs"]\n')
    (folder / "docs" / "_build").mkdir(parents=True)
    (folder / "docs" / ".hidden").mkdir()
    text = inline("value lenet5 params")
    names = ["a.md", "b.md", "docs/c.rst", "docs/d.md", "docs/e.txt", "docs/_build/f.md",
             "docs/.hidden/g.md"]  # fmt: skip
    for name in names:
        (folder / name).write_text(text)
    monkeypatch.chdir(folder / "docs")
    assert cnncalc("embed").code == 0
    written = [name for name in names if "62,006" in (folder / name).read_text()]
    assert written == ["a.md", "docs/d.md"]
    for wrong in ('"a.md"', "[1]"):
        (folder / "pyproject.toml").write_text(f"[tool.cnncalc]\nembed = {wrong}\n")
        assert "tool.cnncalc.embed: must be a list" in cnncalc("embed").err


def test_the_hooks_run_when_a_spec_changes() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    by_id = {hook["id"]: hook for hook in hooks}
    import re

    for name, entry in (("cnncalc-embed", "cnncalc embed"),
                        ("cnncalc-embed-check", "cnncalc embed --check")):  # fmt: skip
        hook = by_id[name]
        assert (hook["entry"], hook["pass_filenames"]) == (entry, False)
        files = [f"docs/a{ending}" for ending in (*STYLES, ".json", ".yaml", ".yml", ".toml")]
        assert all(re.search(hook["files"], file) for file in files)
        assert not re.search(hook["files"], "picture.png")


def test_the_action_checks_and_takes_no_input_as_shell() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert action["runs"]["using"] == "composite"
    scripts = [step["run"] for step in action["runs"]["steps"] if "run" in step]
    assert any("cnncalc embed --check --format github" in script for script in scripts)
    assert not any("${{" in script for script in scripts)
    # Else Python would import a pip.py of the repository that is checked out.
    assert not any(re.search(r"python +-m", script) for script in scripts)


@pytest.mark.parametrize(
    ("given", "checked"),
    [
        ("a.md\nb.md\n", ["a.md", "b.md"]),
        ("a.md  docs/**/*.md", ["a.md", "docs/c.md", "docs/deep/d.md"]),
        ("*.md gone/*.md", ["a.md", "b.md", "gone/*.md"]),
        ("$(touch/**/x) `id` ;id", ["$(touch/**/x)", "`id`", ";id"]),
        ("--stdout\n\n", ["--stdout"]),
        ("", []),
    ],
)
def test_the_action_checks_all_lines_and_patterns(
    folder: Path, given: str, checked: list[str]
) -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    (folder / "docs" / "deep").mkdir(parents=True)
    for name in ("a.md", "b.md", "docs/c.md", "docs/deep/d.md"):
        (folder / name).touch()
    script = action["runs"]["steps"][-1]["run"]
    stub = 'cnncalc() { printf "%s\\n" "$@"; }\n'
    found = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", stub + script],
        env={**os.environ, "CNNCALC_PATHS": given},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    words = ["embed", "--check", "--format", "github", "--"]
    assert found.stdout.splitlines() == [*words, *checked]


# What never changes


def test_mode_and_links_stay(folder: Path) -> None:
    (folder / "real").mkdir()
    target = folder / "real" / "doc.md"
    target.write_text(inline("value lenet5 params"))
    target.chmod(0o640)
    (folder / "link.md").symlink_to(target)
    assert cnncalc("embed", "link.md").code == 0
    assert (folder / "link.md").is_symlink()
    assert "62,006" in target.read_text()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert [path.name for path in (folder / "real").iterdir()] == ["doc.md"]


def test_a_current_document_is_not_written(folder: Path) -> None:
    embedded(folder, inline("value net.json params"))
    before = (folder / "doc.md").stat()
    assert cnncalc("embed", "doc.md").out == "doc.md: 1 region, current\n"
    after = (folder / "doc.md").stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


def test_a_document_that_is_read_only_stays(folder: Path) -> None:
    (folder / "doc.md").write_text(inline("value net.json params"))
    (folder / "doc.md").chmod(0o444)
    result = cnncalc("embed", "doc.md")
    assert (result.code, result.err) == (2, "doc.md: is read-only; chmod u+w doc.md\n")
    assert "1,065" not in (folder / "doc.md").read_text()


def test_a_document_that_changed_meanwhile_is_left(folder: Path) -> None:
    (folder / "doc.md").write_text("as it was read")
    read = documents.read(folder / "doc.md")
    (folder / "doc.md").write_text("as someone wrote it")
    with pytest.raises(UsageError, match="was changed meanwhile"):
        documents.replace(read, b"as we would write it")
    assert (folder / "doc.md").read_text() == "as someone wrote it"
    assert not list(folder.glob(".doc*"))


def test_the_next_run_removes_what_a_killed_one_left(folder: Path) -> None:
    left, other = folder / ".doc.md.cnncalc-abc.tmp", folder / ".other.md.cnncalc-abc.tmp"
    left.write_text("half")
    other.write_text("half")
    embedded(folder, inline("value net.json params"))
    assert not left.exists()
    assert other.exists()


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1"])
def test_line_ends_and_encodings_stay(folder: Path, ending: str, encoding: str) -> None:
    lines = ["é", inline("table lenet5 columns=output"), f"§ {inline('value lenet5 conv1.output')}"]
    (folder / "doc.md").write_bytes(ending.join(lines).encode(encoding))
    assert cnncalc("embed", "doc.md").code == 0
    text = (folder / "doc.md").read_bytes().decode(encoding)
    times = "x" if encoding == "latin-1" else "×"
    assert text.startswith("é" + ending + "<!--")
    assert f"28{times}28{times}6" in text
    assert text.replace(ending, "").count("\n") == text.replace(ending, "").count("\r") == 0
    assert not text.endswith(ending)
    assert cnncalc("embed", "--check", "doc.md").code == 0


def test_what_an_encoding_lacks_is_said(folder: Path) -> None:
    (folder / "doc.md").write_bytes(b"\xe9 " + inline("check net.json max-params=2k").encode())
    (folder / "net.json").write_text(json.dumps({**NET, "name": "신경망"}))
    result = cnncalc("embed", "doc.md")
    assert result.code == 2
    assert "the document is not UTF-8, and 신 is not in ASCII; save the document" in result.err


WORDS = ["value lenet5 params", "value lenet5 conv1.output", "table lenet5 columns=layer,output",
         "check lenet5 max-params=1k"]  # fmt: skip
PLAIN = st.text(st.sampled_from("ab é§.-=#|*_[]()\t"), max_size=12)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def written(draw: st.DrawFn) -> tuple[str, list[str], list[str], str]:
    """(ending, the texts around regions with the markers that end or begin them, the contents,
    encoding) of a document."""
    suffix = draw(st.sampled_from([".md", ".html", ".mdx", ".tex", ".rst", ".adoc"]))
    style = STYLES[suffix]
    outside, contents = [""], []

    def lines() -> str:
        pairs = draw(st.lists(st.tuples(PLAIN, ENDS), max_size=3))
        return "".join(map("".join, pairs))

    outside[0] = lines()
    for words in draw(st.lists(st.sampled_from(WORDS), max_size=4)):
        begin = style.begin.replace("…", words)
        end = style.end
        old = draw(st.sampled_from(["", "old", " \t", "\r\nold\n"]))
        if style.closing:
            outside[-1] += draw(st.sampled_from(["", "  ", "x "])) + begin
        else:
            # A marker of its own line, and what it encloses are whole lines.
            if outside[-1] and outside[-1][-1] not in "\r\n":
                outside[-1] += "\n"
            indent = draw(st.sampled_from(["", "  "]))
            outside[-1] += indent + begin + draw(ENDS)
            end, old = indent + end, old.strip() and old.strip() + "\n"
        contents.append(old)
        outside.append(end + ("" if style.closing else draw(ENDS)) + lines())
        outside[-1] += draw(PLAIN) if style.closing else ""
    encodings = ["utf-8", "utf-8-sig", "utf-16", "latin-1"]
    return suffix, outside, contents, draw(st.sampled_from(encodings))


SLOW = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(written())
@SLOW
def test_nothing_outside_of_regions_changes(
    tmp_path: Path, case: tuple[str, list[str], list[str], str]
) -> None:
    suffix, outside, contents, encoding = case
    path = tmp_path / f"doc{suffix}"
    whole = outside[0] + "".join(map("".join, zip(contents, outside[1:], strict=True)))
    path.write_bytes(whole.encode(encoding))
    result = cnncalc("embed", str(path))
    assert (result.code, result.err) == (0, "")
    once = path.read_bytes()
    text = once.decode(encoding)
    # The texts around the regions follow each other; none of them can stand in a region.
    place = 0
    for i, piece in enumerate(outside):
        found = text.find(piece, place) if i else 0
        assert text.startswith(piece, found)
        if i < len(outside) - 1 or not i:
            place = found + len(piece)
        else:
            assert found + len(piece) == len(text)
    if len(outside) == 1:
        assert text == whole
    assert cnncalc("embed", str(path)).code == 0
    assert path.read_bytes() == once
    assert cnncalc("embed", "--check", str(path)).code == 0


PIECES = st.sampled_from(
    ["<!-- cnncalc:begin value lenet5 params -->", "<!-- cnncalc:end -->", "```", "`", "~~~", "\n",
     "\r", "\r\n", "<!-- cnncalc:", "-->", "> ", "    ", "{/* cnncalc:end */}", "% cnncalc:end",
     "# cnncalc:end", ".. cnncalc:begin value lenet5 params", "::", "é", "----", "'", '"""', "\\",
     "\u2028", "\x0b", "\ufeff", "\0"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=14), st.sampled_from(sorted(STYLES)), st.booleans())
@settings(SLOW, max_examples=250)
def test_any_text_is_embedded_for_good_or_refused(
    tmp_path: Path, pieces: list[str], suffix: str, utf16: bool
) -> None:
    path = tmp_path / f"doc{suffix}"
    content = "".join(pieces).encode("utf-16" if utf16 else "utf-8")
    path.write_bytes(content)
    result = cnncalc("embed", str(path))
    if result.code:
        assert result.code == 2
        assert path.read_bytes() == content
        assert all(line.startswith(str(path)) for line in result.err.splitlines())
        return
    once = path.read_bytes()
    assert cnncalc("embed", "--check", str(path)).code == 0
    assert cnncalc("embed", str(path)).code == 0
    assert path.read_bytes() == once


# Hostile documents


def timed(folder: Path, content: bytes, name: str = "doc.md") -> Result:
    (folder / name).write_bytes(content)
    # Of the processor: a busy machine takes longer.
    start = time.process_time()
    result = cnncalc("embed", name)
    assert time.process_time() - start < 20
    assert (folder / name).read_bytes() == content
    return result


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a" * 100_000_000, "larger than 16 MB"),
        (b"\0cnncalc:begin", "has NUL bytes, so it is no text; save it as UTF-8"),
        (b"\xff\xfea", "broken utf-16-le"),
        (b"<!-- cnncalc:end -->\n" * 700_000, "and at least 980 more problems"),
        (inline("value lenet5 params", "62,006").encode() * (MAX_REGIONS + 1), "more than 10,000"),
        (
            b"<!-- cnncalc:begin" + b" x" * 5_000_000 + b" --><!-- cnncalc:end -->",
            "longer than 10,000 letters",
        ),
        (b"<!-- cnncalc:begin " * 800_000, "close the marker on its line"),
    ],
    ids=["100 MB", "binary", "UTF-16", "ends", "regions", "words", "unclosed"],
)
def test_hostile_documents_are_refused_soon(folder: Path, content: bytes, message: str) -> None:
    result = timed(folder, content)
    assert result.code == 2
    assert message in result.err
    assert len(result.err) < 20_000


@pytest.mark.parametrize(
    "content",
    [b"\0" * 1_000_000, b"```\n" * 2_000_000, b"`" * 15_000_000, b"\r" * 10_000_000,
     b"`cnncalc:" * 1_500_000, b"> " * 5_000_000 + b"cnncalc:"],
    ids=["NUL", "fences", "ticks", "lines", "spans", "quotations"],
)  # fmt: skip
def test_hostile_documents_without_regions_are_read_soon(folder: Path, content: bytes) -> None:
    assert timed(folder, content).code == 0
