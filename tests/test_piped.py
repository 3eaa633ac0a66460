"""A spec that is piped in, where none is named; and that no silent pipe is waited for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.command import cnncalc as command

SPEC = {"name": "piped in", "input": {"features": 3}, "layers": [{"linear": 2}]}
TEXT = json.dumps(SPEC).encode()


def run(*arguments: str, **streams: Any) -> tuple[int, str, str]:
    found = subprocess.run(
        [sys.executable, "-m", "cnncalc", *arguments],
        capture_output=True,
        timeout=60,
        check=False,
        **streams,
    )
    return found.returncode, found.stdout.decode(), found.stderr.decode()


@pytest.mark.parametrize("arguments", [["table"], ["explain"], ["show"]])
def test_what_is_piped_in_is_read(arguments: list[str]) -> None:
    code, out, err = run(*arguments, input=TEXT)
    assert (code, err) == (0, "")
    assert "piped in" in out


def test_so_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "net.json").write_bytes(TEXT)
    with (tmp_path / "net.json").open("rb") as file:
        assert run("value", "macs", stdin=file)[0] == 2
    with (tmp_path / "net.json").open("rb") as file:
        assert run("table", "--value", "params", stdin=file) == (0, "8\n", "")


def test_a_spec_that_is_named_goes_first() -> None:
    assert run("table", "lenet5", "--value", "params", input=TEXT) == (0, "62006\n", "")


@pytest.mark.parametrize("stdin", [b"", None])
def test_where_nothing_is_piped_in_it_is_lenet5(stdin: bytes | None) -> None:
    streams = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    assert run("table", "--value", "params", **streams) == (0, "62006\n", "")


def test_a_silent_pipe_is_not_waited_for() -> None:
    with subprocess.Popen(["sleep", "60"], stdout=subprocess.PIPE) as silent:
        try:
            code, out, err = run("table", "--value", "params", stdin=silent.stdout)
        finally:
            silent.kill()
    assert (code, out) == (2, "")
    assert err == (
        "no SPEC is named, and the pipe on standard input says nothing: name one, or - to wait "
        "for the pipe\n"
    )


@pytest.mark.parametrize("name", ["table", "verify", "check", "diff"])
def test_it_is_read_once(name: str) -> None:
    result = command(name, "-", "-")
    assert (result.code, result.err) == (2, "only one network can come from standard input\n")


def test_nothing_large_is_imported_before_an_interruption_is_one() -> None:
    code = "import sys; import cnncalc.__main__; print('typing' in sys.modules)"
    assert run("--version")[0] == 0
    found = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, check=True, cwd=Path.cwd()
    )
    assert found.stdout == b"False\n"
