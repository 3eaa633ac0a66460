"""Where torch is not installed: what needs it says so, and the rest never asks for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TRAIN = "needs torch: in a checkout of cnncalc, pip install '.[train]'\n"
VERIFY = "cnncalc verify needs torch: in a checkout of cnncalc, pip install '.[torch]'\n"


def cnncalc(arguments: str, folder: Path) -> tuple[int, str, str]:
    """Exit code and output of a command in a process in which importing torch fails."""
    program = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "from cnncalc.__main__ import main\n"
        f"sys.argv = ['cnncalc', *{arguments.split()}]\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("verify", VERIFY),
        ("verify resnet18", VERIFY),
        ("verify --all", VERIFY),
        ("verify lenet5 --meta", VERIFY),
        ("train", f"cnncalc train {TRAIN}"),
        ("train --nproc 2", f"cnncalc train {TRAIN}"),
        ("train keras-mnist --resume", f"cnncalc train {TRAIN}"),
        ("pictures run", f"cnncalc pictures {TRAIN}"),
        ("compare-fc --train", f"cnncalc compare-fc --train {TRAIN}"),
    ],
)
def test_what_needs_it_says_what_to_install(arguments: str, says: str, tmp_path: Path) -> None:
    assert cnncalc(arguments, tmp_path) == (2, "", says)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["verify", "train", "pictures", "compare-fc"])
def test_their_help_does_not(command: str, tmp_path: Path) -> None:
    code, out, err = cnncalc(f"{command} --help", tmp_path)
    assert (code, err) == (0, "")
    assert f"Usage: cnncalc {command}" in out


@pytest.mark.parametrize(
    ("arguments", "holds"),
    [
        # LeNet-5's parameters, by hand: 456 + 2,416 + 48,120 + 10,164 + 850.
        ("table lenet5", "62,006"),
        ("explain lenet5 conv1", "5·5·3·6 + 6 = 456"),
        # Fully connected, conv1 has 3,072·4,704 weights.
        ("compare-fc lenet5", "14,450,688"),
        ("export lenet5 --to torch", "nn.Linear(400, 120)"),
        ("export lenet5 --to keras", "120"),
        ("reconcile resnet18", "1,814,073,344"),
    ],
)
def test_the_rest_works(arguments: str, holds: str, tmp_path: Path) -> None:
    code, out, err = cnncalc(arguments, tmp_path)
    assert (code, err) == (0, "")
    assert holds in out
