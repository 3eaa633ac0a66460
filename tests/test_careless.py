"""Careless and hostile use: an answer or one line, never a traceback and never a lost file."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import shlex
import subprocess
import sys
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


# What cannot be written to, and what must not be written


def shell(line: str, **how: Any) -> subprocess.CompletedProcess[str]:
    """A line of a shell in which `cnncalc` is this one."""
    line = line.replace("cnncalc", f"{shlex.quote(sys.executable)} -m cnncalc")
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, **how)


@pytest.mark.parametrize("sign", "=+-@")
def test_no_cell_is_a_formula_of_a_spreadsheet(sign: str) -> None:
    Path(spec("relu", name=f"{sign}1")).rename(f"{sign}1.json")
    Path(f"{sign}a").mkdir()
    Path(f"{sign}a", "net.json").write_bytes(Path(f"{sign}1.json").read_bytes())
    several = ("lenet5", f"{sign}1.json", f"{sign}a/net.json")
    code, out, _ = cnncalc("table", "-f", "csv", "--", *several)
    assert code == 0
    names = [row[0] for row in csv.reader(io.StringIO(out))]
    assert names == ["network", "lenet5", f"'{sign}1.json", f"'{sign}a/net.json"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("cnncalc table > /dev/full", 2, "standard output: No space left on device\n"),
        ("cnncalc table -f json > /dev/full", 2, "standard output: No space left on device\n"),
        ("cnncalc --version > /dev/full", 2, "standard output: No space left on device\n"),
        ("cnncalc check lenet5 --max-macs 1 >&-", 2, "standard output: closed\n"),
        ("cnncalc --version >&-", 2, "standard output: closed\n"),
        ("cnncalc table -o net.txt >&-", 0, ""),
        ("cnncalc table nosuch 2> /dev/full", 2, ""),
        ("cnncalc table nosuch >&- 2>&-", 2, ""),
        ("cnncalc table - <&-", 2, "stdin:1:1: the spec is empty"),
    ],
)
def test_what_cannot_be_written_is_no_failed_check(line: str, code: int, said: str) -> None:
    found = shell(line)
    assert (found.returncode, found.stdout) == (code, "")
    assert found.stderr.startswith(said)
    assert found.stderr.count("\n") == (said != "")


def test_an_interruption_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cnncalc.cli.output.answer", interrupted)
    code, out, err = cnncalc("table")
    assert (code, out, err.strip()) == (130, "", "")


@pytest.mark.parametrize("command", [("table",), ("draw", "lenet5"), ("slide", "--kernel", "blur")])
def test_no_file_is_replaced_that_may_not_be_written(command: tuple[str, ...]) -> None:
    ending = "svg" if command[0] == "draw" else "txt"
    mine, loop = f"mine.{ending}", f"loop.{ending}"
    Path(mine).write_text("mine", "utf-8")
    Path(mine).chmod(0o444)
    code, out, err = cnncalc(*command, "-o", mine)
    path = Path(mine).resolve()
    assert (code, out, err) == (2, "", f"{path}: is read-only; chmod u+w {path}\n")
    assert path.read_text("utf-8") == "mine"
    Path(loop).symlink_to(loop)
    code, out, err = cnncalc(*command, "-o", loop)
    assert (code, out) == (2, "")
    assert err == f"{Path.cwd() / loop}: {os.strerror(errno.ELOOP)}\n"
    assert Path(loop).is_symlink()


def test_init_replaces_no_file_that_is_read_only() -> None:
    Path("net.yaml").write_text("mine", "utf-8")
    Path("net.yaml").chmod(0o444)
    assert cnncalc("init", "net.yaml", "--force").code == 2
    assert Path("net.yaml").read_text("utf-8") == "mine"


def test_a_name_may_be_as_long_as_the_system_has_it() -> None:
    name = "a" * 251 + ".txt"
    assert cnncalc("table", "-o", name) == (0, "", "")
    assert "62,006" in Path(name).read_text("utf-8")
    code, _, err = cnncalc("table", "-o", f"a{name}")
    assert (code, err.count("\n")) == (2, 1)


WORDS = ("\x1b[31mred", "a\rb", "a\nb", "##[error]x", "::error::x", "\u202eb")
"""What would move a cursor, begin a line, command GitHub's runner, or hide letters."""


def harmless(text: str) -> bool:
    """Whether a text holds nothing of that."""
    lines = text.removesuffix("\n").split("\n")
    return all(
        line.isprintable() and "##[" not in line and not line.lstrip().startswith("::")
        for line in lines
    )


@pytest.mark.parametrize("word", WORDS)
def test_no_word_reaches_the_terminal_raw(word: str) -> None:
    net = spec("relu")
    options = ("columns", "dtype", "optimizer", "count-as", "params-as", "set", "input", "depth")
    asked = [["table", net, f"--{option}", word] for option in (*options, "sort", "value", "top")]
    asked += [["check", net, "--max-macs", word], ["check", net, "--max-weights-size", word]]
    asked += [["check", net, "--max-macs", "1", "--batch", word], ["layer", word]]
    asked += [["reconcile", net, word], ["explain", net, word], ["compare-fc", net, word]]
    asked += [["slide", "--kernel", word], ["slide", "--input", word], ["layers", word]]
    asked += [["draw", net, "--layers", word], ["diff", net, word], ["show", word], ["embed", word]]
    asked += [[word], ["table", word], ["table", net, word], ["export", net, "--to", word]]
    asked += [["table", net, "-o", f"{word}/x"], ["layer", "conv", f"{word}=1"], ["init", word]]
    asked += [["layer", "conv", f"padding={word}"], ["verify", word], ["pictures", word]]
    for words in asked:
        code, out, err = cnncalc(*words)
        if words[0] == "init":
            continue
        assert (code, err != "") == (2, True), words
        assert harmless(out), words
        assert harmless(err), words


@pytest.mark.parametrize("word", WORDS)
def test_no_word_of_a_file_reaches_the_terminal_raw(word: str) -> None:
    quoted = json.dumps(word)
    net = spec("relu", name="::warning::##[error]")
    for table in (
        f"[tool.cnncalc.budgets]\n{quoted} = 1",
        f"[tool.cnncalc.budgets]\nmax-macs = {quoted}",
        f'[tool.cnncalc.budgets."net.json"]\n{quoted} = 1',
        f"[tool.cnncalc.budgets.{quoted}]\nmax-macs = 1",
        f"[tool.cnncalc]\nembed = [{quoted}]",
        f"[tool.cnncalc]\nembed = {quoted}",
    ):
        Path("pyproject.toml").write_text(table, "utf-8")
        for command in (["check"], ["check", net], ["embed"]):
            _, out, err = cnncalc(*command)
            assert harmless(out), table
            assert harmless(err), table
    title = word.replace("\n", " ").replace("\r", " ")
    regions = (
        f"table {title}",
        f"value net.json {title}",
        title,
        f'table net.json caption="{title}"',
    )
    for region in regions:
        text = f"<!-- cnncalc:begin {region} -->\n{title}\n<!-- cnncalc:end -->\n"
        Path("README.md").write_text(text, "utf-8")
        for option in ("--check", "--diff"):
            _, out, err = cnncalc("embed", "README.md", option)
            assert harmless(out), (region, option)
            assert harmless(err), (region, option)


def test_a_name_that_is_a_command_of_the_runner_is_only_a_name() -> None:
    net = spec("relu", name="::warning::##[error]")
    for command in ("table", "explain", "reconcile", "compare-fc", "draw", "verify"):
        code, out, err = cnncalc(command, net)
        assert code == 0, command
        assert harmless(out), command
        assert harmless(err), command


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("table", "lenet5", "--batch", "x"), "cnncalc table: --batch: must be a whole number"),
        (("table", "lenet5", "--top", "0"), "cnncalc table: --top: must be at least 1"),
        (("compare-fc", "lenet5", "--lr", "x"), "cnncalc compare-fc: --lr: must be a number"),
    ],
)
def test_an_option_is_refused_in_our_words(words: tuple[str, ...], message: str) -> None:
    code, out, err = cnncalc(*words)
    assert (code, out) == (2, "")
    assert err == f"{message}; see {message.partition(':')[0]} --help\n"


def test_a_batch_norm_divides_by_no_zero() -> None:
    # torch refuses to train one.
    net = spec({"batch_norm": {"eps": 0}}, {"layer_norm": {"axes": 1, "eps": 0}})
    code, _, err = cnncalc("table", net)
    assert code == 2
    assert "eps: must be more than 0, not 0" in err


def test_a_region_waits_for_nobody() -> None:
    os.mkfifo("pipe.json")
    for words in ("table pipe.json", "table /dev/zero", "value pipe.json params"):
        text = f"<!-- cnncalc:begin {words} -->\n<!-- cnncalc:end -->\n"
        Path("README.md").write_text(text, "utf-8")
        code, out, err = cnncalc("embed", "README.md")
        assert (code, out) == (2, "")
        assert "a region reads files only, no device and no pipe" in err
