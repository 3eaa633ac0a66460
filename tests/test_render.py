"""What people see: widths, alignment, encodings; every format says the same."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from cnncalc.amounts import percent
from cnncalc.api import analyze
from cnncalc.render.markdown import markdown
from cnncalc.render.terminal import print_lines, width_of
from cnncalc.spec.bundled import networks
from cnncalc.tables import text
from cnncalc.tables.csv import csv as render_csv
from cnncalc.tables.table import page, tabulate
from tests.command import cnncalc

KOREAN = {
    "name": "합성곱 신경망",
    "input": {"height": 32, "width": 32, "channels": 3},
    "layers": [
        {"conv": {"out_channels": 6, "kernel_size": 5, "activation": "relu"}, "name": "합성곱1"},
        {"max_pool": 2, "name": "풀링1"},
        "flatten",
        {"linear": 10, "name": "fc"},
    ],
}


def lines(spec: str | Mapping[str, Any], width: int | None = None) -> list[str]:
    """The text table's lines for a terminal of that width."""
    return [line for line, _ in text.render(tabulate(analyze(spec)), width)]


def body(printed: list[str]) -> list[str]:
    """The table alone: what stands between the title and the notes."""
    return printed[2 : printed.index("", 2)]


@pytest.mark.parametrize("width", [80, 100, 200])
@pytest.mark.parametrize("name", networks())
def test_bundled_tables_fit_the_terminal(name: str, width: int) -> None:
    printed = lines(name, width)
    assert max(map(cell_len, printed)) <= width


@pytest.mark.parametrize("name", networks())
def test_a_narrow_table_still_has_every_number(name: str) -> None:
    report = analyze(name)
    printed = "\n".join(lines(name, 80))
    for key in ("activations", "params", "macs"):
        assert f"{report.total(key):,}" in printed
        for value in report.column(key):
            assert f"{value:,}" in printed


def test_what_has_no_room_is_named() -> None:
    assert "No room for params %, MACs %, FLOPs, activation functions: widen the terminal" in (
        " ".join(lines("vgg16", 80))
    )
    assert not any("No room" in line for line in lines("vgg16", 200))
    assert not any("No room" in line for line in lines("vgg16"))


def test_long_names_wrap_and_numbers_do_not() -> None:
    spec = {
        "name": "wide",
        "input": {"length": 10**9, "channels": 3},
        "layers": [{"conv": {"out_channels": 10**6, "kernel_size": 1}, "name": "x" * 60}],
    }
    printed = lines(spec, 60)
    assert sum(line.count("x") for line in body(printed)) == 60
    # An output has a MAC for each of its 3 inputs.
    assert any(f"{3 * 10**9 * 10**6:,}" in line for line in printed)
    assert max(map(cell_len, printed)) <= 60


def test_wide_letters_keep_columns_aligned() -> None:
    table = body(lines(KOREAN))
    # The input's row ends with empty cells; all others end at the right edge.
    assert "input" in table.pop(2)
    assert len({cell_len(line) for line in table}) == 1, table
    assert lines(KOREAN)[0] == "합성곱 신경망"
    rows = markdown(page(tabulate(analyze(KOREAN)))).splitlines()[:9]
    assert len({cell_len(row) for row in rows}) == 1, rows


class _Ascii(io.StringIO):
    encoding = "ascii"


def test_a_terminal_without_the_signs_gets_ascii() -> None:
    file = _Ascii()
    print_lines(text.render(tabulate(analyze("lenet5")), width_of(file)), file)
    printed = file.getvalue()
    assert printed.isascii()
    assert "28x28x6" in printed
    assert "conv 5x5 s1 p0 + relu" in printed


class _Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_colour_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal, pipe = _Terminal(), io.StringIO()
    table = tabulate(analyze("lenet5"))
    print_lines(text.render(table, width_of(terminal)), terminal)
    print_lines(text.render(table, width_of(pipe)), pipe)
    assert "\x1b[1m" in terminal.getvalue()
    assert "\x1b" not in pipe.getvalue()
    plain = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())
    assert [line.rstrip() for line in plain.splitlines()] == pipe.getvalue().splitlines()
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    colourless = _Terminal()
    print_lines(text.render(table, width_of(colourless)), colourless)
    assert "\x1b" not in colourless.getvalue()


@pytest.mark.parametrize("name", networks())
def test_text_and_csv_and_json_say_the_same(name: str) -> None:
    report = analyze(name)
    table = tabulate(report)
    data = json.loads(json.dumps(report.to_dict()))
    rows = list(csv.DictReader(io.StringIO(render_csv(table))))[1:]
    totals, parts = data["totals"], data["parts"]
    # What only training uses is stored, so its parameters count; its work does not.
    named = list(zip(report.column("name"), report.column("part"), strict=True))
    at_work = {layer for layer, part in named if part != "auxiliary"}
    for key, counted in {"params": dict(named), "macs": at_work, "flops": at_work}.items():
        assert sum(int(row[key]) for row in rows if row["name"] in counted) == totals[key]
        layers = [layer for layer in data["layers"] if layer["name"] in counted]
        assert sum(layer[key] for layer in layers) == totals[key]
    new = [layer["new_activations"] for layer in data["layers"] if layer["name"] in at_work]
    assert sum(new) == totals["activations"]
    for key in ("params", "buffers"):
        assert sum(part[key] for part in parts.values()) == totals[key]
    del parts["auxiliary"]
    for key in ("macs", "flops", "activations"):
        assert sum(part[key] for part in parts.values()) == totals[key]


def test_markdown_escapes_what_would_be_markup() -> None:
    spec = {
        "name": "a|b",
        "input": {"features": 3},
        "layers": [{"linear": 2, "name": "_x_"}],
    }
    row = markdown(page(tabulate(analyze(spec)))).splitlines()[3]
    assert "\\_x\\_" in row
    assert len(re.findall(r"(?<!\\)\|", row)) == 11


def test_csv_never_holds_a_formula() -> None:
    spec = {"input": {"features": 3}, "layers": [{"linear": 2, "name": "x-1"}]}
    assert all(not line.startswith(("=", "+", "-", "@")) for line in _csv_cells(spec))


def _csv_cells(spec: Mapping[str, Any]) -> list[str]:
    rows = csv.reader(io.StringIO(render_csv(tabulate(analyze(spec)))))
    return [cell for row in rows for cell in row]


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (0, 10, ""),
        (1, 3, "33.3"),
        (2, 3, "66.7"),
        (1, 2000, "0.1"),
        (1, 2001, "<0.1"),
        (10**30, 10**30, "100.0"),
        # 0.05 % is a tie and goes up; floats would not see it beside 10**18.
        (5 * 10**14, 10**18, "0.1"),
        (5 * 10**14 - 1, 10**18, "<0.1"),
    ],
)
def test_percentages_are_exact(part: int, whole: int, expected: str) -> None:
    assert percent(part, whole) == expected


FLAT = {"input": {"features": 3}, "layers": ["relu"] * 150}
NESTED = {
    "input": {"height": 8, "width": 8, "channels": 4},
    "blocks": {"pair": {"layers": [{"conv": {"out_channels": 4, "kernel_size": 1}}, "relu"]}},
    "layers": [{"repeat": {"times": 8, "layers": [{"repeat": {"times": 5, "layers": ["pair"]}}]}}],
}


def test_what_people_see_has_sixty_rows_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "flat.json"
    path.write_text(json.dumps(FLAT))
    short = cnncalc("table", str(path)).out
    assert "90 more rows not shown (--depth all shows all); totals count all." in short
    assert len(body(short.splitlines())) == 2 + 1 + 60 + 1 + 1
    long = cnncalc("table", str(path), "--depth", "all").out
    assert len(body(long.splitlines())) == 2 + 1 + 150 + 1 + 1
    assert len(cnncalc("table", str(path), "-f", "csv").out.splitlines()) == 1 + 1 + 150


def test_blocks_collapse_to_the_sum_of_their_layers(tmp_path: Path) -> None:
    # 40 pairs of a convolution with 4·4 + 4 parameters, 16·8·8 MACs and 4·8·8 values, and a ReLU.
    path = tmp_path / "nested.json"
    path.write_text(json.dumps(NESTED))
    short = cnncalc("table", str(path)).out
    assert "Blocks collapsed to depth 4; --depth all shows all 80 rows." in short
    whole = analyze(NESTED)
    for depth, rows, pairs in ((1, 1, 40), (2, 8, 5), (3, 8, 5), (4, 40, 1)):
        table = tabulate(whole, ("name", "activations", "params", "macs"), depth=depth)
        layers = [row.cells for row in table.rows if row.kind == "layer"]
        assert len(layers) == rows
        assert layers[0][1:] == [pairs * 256, pairs * 20, pairs * 1024]
    assert len(body(cnncalc("table", str(path), "--depth", "all").out.splitlines())) == 85


@pytest.mark.parametrize("depth", ["0", "x", "-1", "1.5"])
def test_a_wrong_depth_is_one_line(depth: str) -> None:
    result = cnncalc("table", "lenet5", "--depth", depth)
    assert (result.code, result.out) == (2, "")
    assert result.err == f"--depth takes a number from 1, or all, not {depth}\n"
