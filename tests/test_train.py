"""`cnncalc train` before torch comes into it: options, rates, refusals, and no torch at all."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cnncalc.cli.train import _folder
from cnncalc.errors import UsageError
from cnncalc.training.settings import Settings, differences, learning_rate
from tests.command import cnncalc


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--lr", "0"], "--lr must be a number above 0, not 0.0"),
        (["--lr", "nan"], "--lr must be a number above 0, not nan"),
        (["--epochs", "0"], "--epochs must be from 1 to 1,000,000, not 0"),
        (["--batch-size", "-1"], "--batch-size must be from 1 to 1,000,000,000, not -1"),
        (["--weight-decay", "-1"], "--weight-decay must be a number from 0, not -1.0"),
        (["--warmup", "inf"], "--warmup must be a number from 0, not inf"),
        (["--seed", "-1"], "--seed must be from 0 to 2^63 - 1, not -1"),
        (["--overfit", "0"], "--overfit must be from 1 to 1,000,000,000, not 0"),
        (
            ["--init", "xaver"],
            "--init is one of default, he, xavier or normal:STD like normal:0.01, not "
            '"xaver"; did you mean xavier?',
        ),
        (
            ["--init", "normal:-1"],
            '--init is one of default, he, xavier or normal:STD like normal:0.01, not "normal:-1"',
        ),
        (["--set", "width"], '--set takes VARIABLE=VALUE, not "width"'),
        (
            ["--input", "28"],
            "--input must have as many sizes as the spec's 32x32x3, not 28",
        ),
    ],
)
def test_options_are_refused_in_one_line(options: list[str], message: str) -> None:
    result = cnncalc("train", *options)
    assert (result.code, result.out, result.err) == (2, "", f"{message}\n")


@pytest.mark.parametrize(
    "options", [["--optimizer", "adan"], ["--schedule", "x"], ["--device", "x"]]
)
def test_words_are_refused_with_those_that_there_are(options: list[str]) -> None:
    result = cnncalc("train", *options)
    assert (result.code, result.out) == (2, "")
    assert "is not one of" in result.err


@pytest.mark.parametrize(
    ("settings", "filled"),
    [
        ({}, (25, 0.002, "cosine", 0.0)),
        ({"optimizer": "adamw"}, (25, 0.001, "cosine", 0.01)),
        ({"optimizer": "rmsprop", "epochs": 3}, (3, 0.01, "cosine", 0.0)),
        ({"overfit": 20}, (300, 0.002, "constant", 0.0)),
        ({"overfit": 20, "schedule": "linear", "lr": 1.0}, (300, 1.0, "linear", 0.0)),
    ],
)
def test_what_is_not_given_is_filled_in(settings: dict[str, Any], filled: tuple[Any, ...]) -> None:
    found = Settings(**settings).complete()
    assert (found.epochs, found.lr, found.schedule, found.weight_decay) == filled


@pytest.mark.parametrize(
    ("schedule", "warmup", "rates"),
    [
        # Eight steps in four epochs of two, lr 1.
        ("constant", 0, [1] * 8),
        ("linear", 0, [1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8]),
        ("step", 0, [1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01]),
        ("cosine", 0, [(1 + math.cos(math.pi * t / 8)) / 2 for t in range(8)]),
        # The first two epochs are four steps; the rest falls from the whole rate.
        ("constant", 2, [1 / 4, 2 / 4, 3 / 4, 1, 1, 1, 1, 1]),
        ("linear", 2, [1 / 4, 2 / 4, 3 / 4, 1, 1, 3 / 4, 2 / 4, 1 / 4]),
        ("linear", 99, [n / 8 for n in range(1, 9)]),
    ],
)
def test_rates_follow_the_schedule(schedule: Any, warmup: float, rates: list[float]) -> None:
    settings = Settings(schedule=schedule, warmup=warmup, lr=1.0, epochs=4)
    assert [learning_rate(settings, step, 8, 2) for step in range(8)] == pytest.approx(rates)


def test_what_changes_no_number_is_no_difference() -> None:
    def numbers(**options: Any) -> dict[str, Any]:
        return Settings(**options).complete().numbers()

    assert differences(numbers(), numbers(folder=Path("elsewhere"))) == []
    assert differences(numbers(), numbers(lr=0.002)) == []
    assert differences(numbers(), numbers(lr=0.1, seed=3)) == [
        "--lr 0.002, not 0.1",
        "--seed 0, not 3",
    ]
    # A rate that falls depends on where it ends.
    assert differences(numbers(epochs=3), numbers(epochs=4)) == ["--epochs 3, not 4"]
    constant = [numbers(epochs=n, schedule="constant") for n in (3, 4)]
    assert differences(*constant) == []


def test_a_run_has_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _folder("lenet5", "digits", False) == Path("runs/lenet5-digits")
    assert _folder("lenet5", "digits", True) == Path("runs/lenet5-digits")
    for name in ("lenet5-digits", "lenet5-digits-2"):
        Path("runs", name).mkdir(parents=True)
    assert _folder("lenet5", "digits", False) == Path("runs/lenet5-digits-3")
    assert _folder("lenet5", "digits", True) == Path("runs/lenet5-digits-2")
    assert _folder("a/b c.json", "imagefolder:/x/y", False) == Path("runs/b-c-imagefolder")
    assert _folder("-", "digits", False) == Path("runs/stdin-digits")


def test_help_needs_no_torch() -> None:
    loaded = (
        "import sys; sys.argv = ['cnncalc', 'train', '--help']\n"
        "from cnncalc.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: print('torch' in sys.modules, file=sys.stderr)"
    )
    child = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True)
    assert (child.returncode, child.stderr) == (0, "False\n")


def test_settings_from_python_are_checked_too() -> None:
    with pytest.raises(UsageError, match=r"^--optimizer is one of sgd, momentum, rmsprop"):
        Settings(optimizer="lion")  # type: ignore[arg-type]
