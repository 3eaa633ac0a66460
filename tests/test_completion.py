"""Completion of a line, as a shell asks for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cnncalc.analysis.tools import CONVENTIONS
from cnncalc.analysis.training import OPTIMIZERS
from cnncalc.cli.app import COMMANDS
from cnncalc.columns import DTYPE_BITS
from cnncalc.data.places import NAMES
from cnncalc.layers import MODULES
from cnncalc.meanings import COLUMNS
from cnncalc.render.write import FORMATS
from cnncalc.sliding.kernels import KERNELS, PAIRS
from cnncalc.spec.bundled import networks
from tests.command import cnncalc

SPEC = """
vars: {width: 8, depth: 2}
input: {height: 8, width: 8, channels: 3}
layers:
  - {conv: {out_channels: =width, kernel_size: 3}, name: stem}
  - repeat: {times: =depth, layers: [{conv: {out_channels: 4, kernel_size: 1}, name: mix}]}
    name: body
  - flatten
  - {linear: 10, name: head}
"""


BLOCKS = ["body", "body.0", "body.1"]


def complete(line: str) -> list[str]:
    """What may stand for the last word of a line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("_CNNCALC_COMPLETE", "complete_bash")
        patch.setenv("COMP_WORDS", line)
        patch.setenv("COMP_CWORD", str(line.count(" ")))
        found = cnncalc()
    assert (found.code, found.err) == (0, "")
    return found.out.split()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "net.yaml").write_text(SPEC, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("cnncalc ", [*COMMANDS]),
        ("cnncalc ex", ["explain", "export"]),
        ("cnncalc table --columns ", [*COLUMNS]),
        ("cnncalc table --columns +rec", ["+receptive_field"]),
        ("cnncalc table --columns name,weig", ["name,weights"]),
        # What is in the list stands in it once.
        ("cnncalc table --columns +weights,bias,weig", []),
        ("cnncalc layer conv --columns bytes", ["bytes_moved"]),
        ("cnncalc table --sort nam", []),
        ("cnncalc table --sort mac", ["macs", "macs_share"]),
        ("cnncalc table --value la", ["layers"]),
        ("cnncalc table --value receptive", []),
        ("cnncalc draw --column flo", ["flops"]),
        ("cnncalc table --dtype ", [*DTYPE_BITS]),
        ("cnncalc check lenet5 --dtype int", ["int64", "int32", "int16", "int8", "int4"]),
        ("cnncalc explain --dtype bf", ["bfloat16"]),
        ("cnncalc table --count-as ", [*CONVENTIONS]),
        ("cnncalc reconcile resnet18 fvcore ", [*CONVENTIONS]),
        ("cnncalc table --optimizer ", [*OPTIMIZERS]),
        ("cnncalc check --optimizer m", ["momentum"]),
        ("cnncalc train --optimizer ada", ["adam", "adamw"]),
        ("cnncalc train --data ", [name.removesuffix("PATH") for name in NAMES]),
        ("cnncalc compare-fc --train --data syn", ["synthetic"]),
        ("cnncalc explain --format ", [*FORMATS, "md", "tex"]),
        ("cnncalc draw --format do", ["dot"]),
        ("cnncalc table --params-as ", ["keras"]),
        ("cnncalc layers ", [*MODULES]),
        ("cnncalc layer conv_t", ["conv_transpose"]),
        ("cnncalc layer max_pool k", ["kernel_size="]),
        ("cnncalc layer max_pool kernel_size=2 k", []),
        ("cnncalc slide --kernel ", [*KERNELS, *PAIRS]),
        ("cnncalc table --hel", ["--help"]),
        ("cnncalc table --batch x --dtype bf", ["bfloat16"]),
    ],
)
def test_words_are_completed(line: str, words: list[str]) -> None:
    assert complete(line) == words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        # No spec is LeNet-5, which has none.
        ("cnncalc table --set ", []),
        ("cnncalc table net.yaml --set ", ["width=", "depth="]),
        ("cnncalc draw --batch net.yaml --set d", []),
        ("cnncalc table net.yaml --set width=4 --set ", ["depth="]),
        # The first of several.
        ("cnncalc table net.yaml lenet5 --set w", ["width="]),
        ("cnncalc diff net.yaml --set-b w", ["width="]),
        ("cnncalc diff lenet5 net.yaml --set-b w", ["width="]),
        ("cnncalc diff lenet5 net.yaml --set w", []),
        ("cnncalc explain net.yaml s", ["stem"]),
        ("cnncalc explain net.yaml body", ["body.0.mix", "body.1.mix", "body", "body.0", "body.1"]),
        ("cnncalc explain net.yaml --set depth=1 body", ["body.0.mix", "body", "body.0"]),
        ("cnncalc explain net.yaml --set depth = 1 h", ["head"]),
        ("cnncalc explain net.yaml stem s", []),
        ("cnncalc compare-fc net.yaml ", ["stem", "body.0.mix", "body.1.mix", *BLOCKS]),
        ("cnncalc table ne", ["net.yaml"]),
        ("cnncalc table res", [n for n in networks() if n.startswith("res")]),
    ],
)
def test_words_of_the_spec_on_the_line(folder: Path, line: str, words: list[str]) -> None:
    assert complete(line) == words


def ask(line: str, folder: Path, word: int | str | None = None) -> tuple[int, str, str]:
    """What a shell is told; in a process of its own, as it asks."""
    asked = {
        "COMP_WORDS": line,
        "COMP_CWORD": str(line.count(" ") if word is None else word),
        "_CNNCALC_COMPLETE": "complete_bash",
    }
    done = subprocess.run(
        [sys.executable, "-m", "cnncalc"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **asked},
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        timeout=20,
    )
    return done.returncode, done.stdout.strip(), done.stderr


BOMB = "blocks:\n" + "".join(
    f"  b{i}: [{{block: b{i + 1}}}, {{block: b{i + 1}}}]\n" for i in range(60)
)


@pytest.mark.parametrize(
    ("line", "spec"),
    [
        ("cnncalc tabel x", ""),
        ("cnncalc table 'half", ""),
        ("cnncalc table --bogus --set ", ""),
        ("cnncalc explain bad.yaml ", "layers: [conv"),
        ("cnncalc explain bad.yaml ", "- 1\n- 2\n"),
        ("cnncalc explain bad.yaml ", "input: {height: 1, width: 1, channels: 1}\nlayers: [cnv]"),
        ("cnncalc table bad.yaml --set ", "vars: 3"),
        ("cnncalc table bad.yaml --set ", "vars: {'a b; rm -rf': 1, '$(id)': 2, '\x1b[2J': 3}"),
        ("cnncalc explain bad.yaml ", BOMB + "  b60: [relu]\ninput: {features: 3}\nlayers: [b0]"),
        ("cnncalc explain - ", ""),
        ("cnncalc explain missing.yaml ", ""),
        ("cnncalc explain . ", ""),
        ("cnncalc explain /dev/zero ", ""),
        ("cnncalc explain /dev/stdin ", ""),
        ("cnncalc explain pipe ", ""),
        ("cnncalc layer bogus ", ""),
        ("cnncalc layer ../x ", ""),
    ],
)
def test_nothing_is_said_where_nothing_can_be(line: str, spec: str, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(spec, encoding="utf-8")
    os.mkfifo(tmp_path / "pipe")
    assert ask(line, tmp_path) == (0, "", "")


def test_a_shell_that_says_nonsense_is_told_nothing(tmp_path: Path) -> None:
    assert ask("cnncalc table ", tmp_path, "x") == (0, "", "")


def test_who_waits_too_long_is_told_nothing() -> None:
    program = (
        "import time\n"
        "from cnncalc.cli import completion\n"
        "completion.SECONDS = 1\n"
        "completion.complete(lambda: time.sleep(30))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=20)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_names_that_a_shell_would_read_are_left_out(tmp_path: Path) -> None:
    for name in ("a b.yaml", "$(id).yaml", "`id`.json", "*.yaml", "good.yaml", "x;y.yaml"):
        (tmp_path / name).touch()
    code, out, err = ask("cnncalc table ", tmp_path)
    assert (code, err) == (0, "")
    assert set(out.split("\n")) == {*networks(), "good.yaml"}


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_by_the_script_that_it_is_given(folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    (folder / "cnncalc").write_text(f'#!/bin/sh\nexec {sys.executable} -m cnncalc "$@"\n')
    (folder / "cnncalc").chmod(0o755)
    # What bash does when Tab is pressed: it splits the line at = and calls the function.
    script = textwrap.dedent("""\
        PATH="$PWD:$PATH"
        eval "$(_CNNCALC_COMPLETE=source_bash cnncalc)"
        press() {
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            $(complete -p cnncalc | sed -E 's/.*-F ([^ ]+).*/\\1/') cnncalc
            echo "${COMPREPLY[*]}"
        }
        press cnncalc tab
        press cnncalc table net.yaml --columns +peak
        press cnncalc explain net.yaml --set depth = 1 body.0.
        press cnncalc table net.yaml --set wi
    """)
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["table", "+peak_memory", "body.0.mix", "width="]
