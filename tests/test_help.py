"""Help: nothing of it is cut, at any width, and what it says is true."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cnncalc.analysis.tools import CONVENTIONS
from cnncalc.analysis.training import OPTIMIZERS
from cnncalc.ask.request import given_fields
from cnncalc.ask.words import REQUESTS, kind_of
from cnncalc.cli.app import COMMANDS
from cnncalc.cli.examples import EXAMPLES
from cnncalc.columns import DTYPE_BITS
from cnncalc.meanings import COLUMNS
from tests.command import cnncalc
from tests.examples import NEED_TORCH, run_examples

WIDTHS = (40, 60, 80, 120, 200)


def help_at(width: int, *arguments: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(width))
        found = cnncalc(*arguments, "--help")
    assert (found.code, found.err) == (0, "")
    return found.out


def words(text: str) -> str:
    """A text without its lines."""
    return re.sub(r"(?<=[|]) ", "", " ".join(text.split()))


@pytest.mark.parametrize("width", WIDTHS)
def test_the_list_of_commands_cuts_no_description(width: int) -> None:
    text = help_at(width)
    assert "..." not in text
    for name, description in COMMANDS.items():
        assert f" {name} {description} " in words(text)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("command", COMMANDS)
def test_no_help_is_cut_or_wider_than_the_terminal(command: str, width: int) -> None:
    text = help_at(width, command)
    # An example is a line to copy, and a word is never divided.
    body = text.partition("\nExamples:\n")[0]
    for line in body.splitlines():
        assert len(line) <= width or len(re.split(r"[ |]", line.strip())) == 1, line
    if command in REQUESTS:
        for _, option, *_ in given_fields(kind_of(command)):
            assert words(option.help) in words(text)
            assert words("|".join(option.choices)) in words(text)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_h_and_help_are_the_same(command: str) -> None:
    arguments = [command] if command else []
    full = cnncalc(*arguments, "--help")
    assert cnncalc(*arguments, "-h") == full
    assert cnncalc("help", *arguments) == full
    assert "-h, --help" in full.out


def test_columns_dtypes_tools_and_optimizers_are_learnt_from_help() -> None:
    text = words(help_at(80, "table"))
    for flag, known in (
        ("--columns", COLUMNS),
        ("--dtype", DTYPE_BITS),
        ("--count-as", CONVENTIONS),
        ("--optimizer", OPTIMIZERS),
    ):
        assert f" {flag} {', '.join(known)} " in text
    assert ", ".join(CONVENTIONS) in words(help_at(80, "reconcile"))


def test_help_is_the_same_on_a_terminal() -> None:
    """No colour, no sequence that a pipe would show."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": "80", "TERM": "xterm-256color", "FORCE_COLOR": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "cnncalc", "-h"], stdout=follower, stdin=follower, env=environment
    ) as process:
        os.close(follower)
        shown = b""
        # The system says that nobody is at the other end by an error.
        while True:
            try:
                part = os.read(leader, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
    os.close(leader)
    assert process.returncode == 0
    assert shown.decode().replace("\r\n", "\n") == help_at(80)


def test_nothing_asked_is_the_help_and_an_error() -> None:
    found = cnncalc()
    assert (found.code, found.out) == (2, "")
    assert found.err == cnncalc("--help").out


@pytest.mark.parametrize("command", ["cnncalc", *COMMANDS])
def test_every_command_has_examples_that_its_help_shows(command: str) -> None:
    assert 2 <= len(EXAMPLES[command]) <= 4
    text = help_at(40, *[command] * (command != "cnncalc"))
    shown = text.partition("\nExamples:\n")[2].splitlines()
    assert shown == [f"  {example}" for example in EXAMPLES[command]]


@pytest.mark.parametrize("command", [c for c in EXAMPLES if c not in NEED_TORCH])
def test_examples_work(command: str, tmp_path: Path) -> None:
    run_examples(command, tmp_path)
