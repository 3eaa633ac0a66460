"""Runs the examples that stand in the help of commands."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from cnncalc.cli.examples import EXAMPLES
from tests.command import cnncalc

NEED_TORCH = ("train", "verify", "pictures")
"""The commands whose examples run torch."""

_DOCUMENT = "<!-- cnncalc:begin value lenet5 params -->0<!-- cnncalc:end -->\n"


def run_examples(command: str, folder: Path) -> None:
    """Run all of a command's in a folder, in their order; each has to succeed and say something."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert cnncalc("init", "net.yaml", "--force").code == 0
        Path("README.md").write_text(_DOCUMENT, encoding="utf-8")
        Path("docs").mkdir(exist_ok=True)
        for example in EXAMPLES[command]:
            program, *words = shlex.split(example)
            assert program == "cnncalc"
            assert "net.yaml" in words or command in ("cnncalc", words[0])
            # What a shell does.
            words = words[: words.index(">")] if ">" in words else words
            found = cnncalc(*words)
            assert found.code == 0, (example, found)
            written = [words[i + 1] for i, word in enumerate(words) if word == "-o"]
            assert all(Path(name).exists() for name in written), example
            assert found.out or written or "--diff" in words, example
