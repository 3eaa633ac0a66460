"""`md` and `tex` are formats wherever formats are named."""

from __future__ import annotations

from pathlib import Path

import pytest

import cnncalc
from cnncalc.ask.request import given_fields
from cnncalc.ask.words import REQUESTS, kind_of
from cnncalc.render.write import FORMATS, SHORT
from tests.command import cnncalc as command

WORDS = {
    "table": ["table", "lenet5"],
    "several": ["table", "lenet5", "vgg16"],
    "layer": ["layer", "linear", "10", "--input", "20"],
    "explain": ["explain", "lenet5", "conv1"],
    "compare-fc": ["compare-fc", "lenet5"],
    "diff": ["diff", "lenet5", "vgg16"],
    "reconcile": ["reconcile", "lenet5"],
    "check": ["check", "lenet5", "--max-params", "1M"],
    "slide": ["slide"],
}


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
@pytest.mark.parametrize("short", SHORT)
def test_short_formats_print_what_long_ones_do(words: list[str], short: str) -> None:
    result = command(*words, "-f", short)
    assert result.code == 0
    assert result.out == command(*words, "-f", SHORT[short]).out


def test_every_command_with_the_format_has_its_short_word() -> None:
    for name in REQUESTS:
        option = next((g.option for g in given_fields(kind_of(name)) if g.name == "format"), None)
        for short, format in SHORT.items():
            if option and format in option.choices:
                assert option.also[short] == format, name
    assert command("layers", "-f", "md").out == command("layers", "-f", "markdown").out
    assert command("draw", "lenet5", "-f", "tex").out == command("draw", "lenet5", "-f", "tikz").out


def test_files_regions_and_python_have_them(tmp_path: Path) -> None:
    for short, format in SHORT.items():
        path = tmp_path / f"a.{short}"
        assert command("table", "lenet5", "-f", short, "-o", str(path)).code == 0
        assert path.read_text("utf-8") == command("table", "lenet5", "-f", format).out
        assert command("table", "lenet5", "-f", short, "-o", str(tmp_path / "a.html")).code == 2
    report = cnncalc.analyze("lenet5")
    assert cnncalc.formatted(report, "md") == cnncalc.formatted(report, "markdown")
    assert cnncalc.formatted(report, "tex") == cnncalc.formatted(report, "latex")
    assert cnncalc.draw("lenet5", format="tex") == cnncalc.draw("lenet5", format="tikz")
    texts = []
    for word in ("md", "markdown"):
        document = tmp_path / f"{word}.rst"
        region = f".. cnncalc:begin table lenet5 format={word}\n.. cnncalc:end\n"
        document.write_text(region, "utf-8")
        assert command("embed", str(document)).code == 0
        texts.append(document.read_text("utf-8").replace(f"format={word}", ""))
    assert texts[0] == texts[1]
    assert "| conv1" in texts[0]


def test_an_unknown_format_is_refused() -> None:
    assert command("table", "lenet5", "-f", "mdx").code == 2
    assert not {*SHORT} & {*FORMATS}
