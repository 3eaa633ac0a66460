"""Careless and hostile use: an answer or one line, never a traceback and never a lost file."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from cnncalc.cli.app import FAULT, run
from tests.command import cnncalc

PAGES = ("text", "markdown", "latex", "html", "rst", "asciidoc")
INPUT = {"height": 8, "width": 8, "channels": 3}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test runs in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def spec(*layers: Any, **more: Any) -> str:
    """A spec of these layers, written to net.json."""
    Path("net.json").write_text(json.dumps({"input": INPUT, "layers": layers, **more}), "utf-8")
    return "net.json"


# Networks of which nothing, or next to nothing, is there


def only_auxiliary() -> str:
    """A network that multiplies while it is trained only."""
    head = {"conv": {"out_channels": 2, "kernel_size": 3}, "name": "head", "from": "end"}
    end = {"relu": {}, "name": "end"}
    return spec(end, head, outputs=["end"], auxiliary=["head"])


@pytest.mark.parametrize("format", [*PAGES, "csv"])
def test_there_is_no_share_of_nothing(format: str) -> None:
    # 6·6·2 outputs of 3·3·3 MACs, which no inference makes.
    net = only_auxiliary()
    assert cnncalc("table", net, "-f", format).code == 0
    shares = cnncalc("table", net, "-f", format, "--columns", "name,macs_share,macs")
    assert shares.code == 0
    assert "1944" in shares.out.replace(",", "")
    assert cnncalc("table", net, "--value", "macs").out == "0\n"
    assert cnncalc("check", net, "--max-macs", "1", "--max-peak-memory", "2kB").code == 0


def test_a_region_of_it_is_written() -> None:
    net = only_auxiliary()
    marks = "".join(
        f"<!-- cnncalc:begin {words} -->\n<!-- cnncalc:end -->\n"
        for words in (f"table {net}", f"compare-fc {net}", f"explain {net}")
    )
    Path("README.md").write_text(marks, "utf-8")
    assert cnncalc("embed", "README.md").out == "README.md: 3 regions, 3 updated\n"
    # As its cell in the table, which is empty.
    share = "<!-- cnncalc:begin value net.json head.macs_share --><!-- cnncalc:end -->"
    Path("README.md").write_text(share, "utf-8")
    assert cnncalc("embed", "README.md").code == 0
    assert Path("README.md").read_text("utf-8") == share


@pytest.mark.parametrize("format", PAGES)
def test_a_chain_without_weights_has_a_dense_twin(format: str) -> None:
    # 8·8·3 values become 4·4·3: 192 · 48 weights.
    found = cnncalc("compare-fc", spec("relu", {"max_pool": 2}), "-f", format)
    assert found.code == 0
    assert "9,216 weights; this network has none" in " ".join(found.out.split())


@pytest.mark.parametrize("format", [*PAGES, "csv", "json"])
def test_an_empty_network(format: str) -> None:
    net = spec({"repeat": {"times": 0, "layers": ["relu"]}})
    for command in ("compare-fc", "table", "reconcile"):
        if (command, format) != ("reconcile", "csv"):
            assert cnncalc(command, net, "-f", format).code == 0
    assert cnncalc("compare-fc", net, "--hidden", "3", "-f", "json").code == 0
    if format != "csv":
        limits = ("--max-peak-memory", "1", "--max-training-memory", "1", "--max-macs", "1")
        assert cnncalc("check", net, *limits, "-f", format).code == 0


def test_a_fault_of_its_own_is_no_failed_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise ZeroDivisionError("\x1b[31m")

    monkeypatch.setattr("cnncalc.cli.output.answer", fails)
    monkeypatch.setattr("sys.argv", ["cnncalc", "table"])
    err = io.StringIO()
    monkeypatch.setattr("sys.stderr", err)
    with pytest.raises(SystemExit) as end:
        run()
    assert end.value.code == 2
    assert "ZeroDivisionError: \\x1b[31m" in err.getvalue()
    assert err.getvalue().endswith(f"{FAULT}\n")
