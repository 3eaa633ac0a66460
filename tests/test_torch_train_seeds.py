"""`cnncalc train --seeds N`: a run for each seed, mean and spread, and going on."""

from __future__ import annotations

import json
import signal
import statistics
from pathlib import Path
from typing import Any

import pytest

from cnncalc.cli.train import Printer
from tests.command import cnncalc

FEW = ["--data", "synthetic", "--limit-train", "30", "--limit-test", "20", "--epochs", "2"]


def train(folder: Path, *more: str) -> Any:
    return cnncalc("train", "lenet5", *FEW, "--no-pictures", "-o", str(folder), *more)


def metrics(folder: Path) -> list[list[dict[str, Any]]]:
    """The lines of each seed's metrics.jsonl, by its name."""
    return [
        [json.loads(line) for line in (one / "metrics.jsonl").read_text("utf-8").splitlines()]
        for one in sorted(folder.glob("seed-*"))
    ]


def test_mean_and_spread_are_those_of_the_runs(tmp_path: Path) -> None:
    result = train(tmp_path / "runs", "--seeds", "3", "--seed", "4")
    assert result.code == 0, result.err
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == [
        "README.md",
        "results.json",
        "seed-4",
        "seed-5",
        "seed-6",
        "seeds.json",
    ]
    found = json.loads((tmp_path / "runs" / "results.json").read_text("utf-8"))
    assert found["seeds"] == [4, 5, 6]
    runs = metrics(tmp_path / "runs")
    for name in ("train_accuracy", "train_loss", "test_accuracy", "test_loss"):
        values = [run[-1][name] for run in runs]
        assert found[name]["values"] == values
        assert found[name]["mean"] == pytest.approx(statistics.mean(values), rel=1e-12)
        assert found[name]["sample_standard_deviation"] == pytest.approx(
            statistics.stdev(values), rel=1e-9
        )
    assert found["seconds"]["values"] == [sum(e["seconds"] for e in run) for run in runs]
    accuracy = found["test_accuracy"]
    said = f"{100 * accuracy['mean']:.2f} ± {100 * accuracy['sample_standard_deviation']:.2f} %"
    assert f"Test accuracy {said}" in result.out
    assert f"Test accuracy {said}" in (tmp_path / "runs" / "README.md").read_text("utf-8")


def test_each_is_the_run_of_its_seed_alone(tmp_path: Path) -> None:
    train(tmp_path / "runs", "--seeds", "2")
    train(tmp_path / "alone", "--seed", "1")
    alone = (tmp_path / "alone" / "metrics.jsonl").read_text("utf-8").splitlines()

    def numbers(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**line, "seconds": 0} for line in lines]

    assert numbers(metrics(tmp_path / "runs")[1]) == numbers([*map(json.loads, alone)])


def test_what_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train(tmp_path / "whole", "--seeds", "2")
    assert whole.code == 0, whole.err
    steps: list[int] = []
    original = Printer.step

    def counted(self: Printer, epoch: int, done: int, of: int) -> None:
        steps.append(done)
        if len(steps) == 3:
            signal.raise_signal(signal.SIGINT)
        original(self, epoch, done, of)

    with monkeypatch.context() as patch:
        patch.setattr(Printer, "step", counted)
        cut = train(tmp_path / "cut", "--seeds", "2")
    # A step an epoch: it is stopped in the first of the second seed's.
    assert cut.code == 130
    assert f"SIGINT: saved in {tmp_path / 'cut' / 'seed-1'}; --resume goes on" in cut.err
    assert not (tmp_path / "cut" / "results.json").exists()
    again = train(tmp_path / "cut", "--seeds", "2")
    assert (again.code, again.err) == (
        2,
        f"{tmp_path / 'cut'}: runs are there already; continue them with --resume, or give "
        "another --output\n",
    )
    rest = train(tmp_path / "cut", "--seeds", "2", "--resume")
    assert rest.code == 0, rest.err
    found, wanted = (
        json.loads((tmp_path / name / "results.json").read_text("utf-8"))
        for name in ("cut", "whole")
    )
    del found["seconds"], wanted["seconds"]
    assert found == wanted


def test_more_seeds_may_be_added(tmp_path: Path) -> None:
    train(tmp_path, "--seeds", "1")
    assert "one seed has no spread" in (tmp_path / "README.md").read_text("utf-8")
    more = train(tmp_path, "--seeds", "2", "--resume")
    assert more.code == 0, more.err
    assert more.out.count("all 2 epochs are done") == 1
    assert json.loads((tmp_path / "seeds.json").read_text("utf-8"))["seeds"] == [0, 1]


def test_the_first_that_ends_badly_ends_all(tmp_path: Path) -> None:
    bad = ["--optimizer", "sgd", "--lr", "1e38", "--init", "normal:10"]
    result = train(tmp_path, "--seeds", "3", *bad)
    assert result.code == 1
    # The first epoch did not end: there is no checkpoint but that before the first step.
    assert result.err.splitlines()[0].endswith(
        f"; only the start is in {tmp_path / 'seed-0'}; try a smaller --lr"
    )
    assert result.err.splitlines()[-1] == "seed 0 did not come to its end; 2 seeds were not trained"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seed-0", "seeds.json"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seeds", "0"], "--seeds must be from 1 to 1,000, not 0"),
        (
            ["--seeds", "2", "--seed", str(2**63 - 1)],
            f"--seed {2**63 - 1} and --seeds 2 lead beyond 2^63 - 1",
        ),
        (["--seeds", "2", "--nproc", "2"], "--seeds trains in one process: leave out --nproc"),
    ],
)
def test_seeds_that_cannot_be_are_refused(options: list[str], message: str, tmp_path: Path) -> None:
    result = train(tmp_path / "runs", *options)
    assert (result.code, result.out, result.err) == (2, "", f"{message}\n")
    assert not (tmp_path / "runs").exists()


def test_a_folder_of_something_else_is_not_written_to(tmp_path: Path) -> None:
    """A run of one seed is something else, too."""
    train(tmp_path / "one")
    before = sorted(path.name for path in (tmp_path / "one").iterdir())
    result = train(tmp_path / "one", "--seeds", "2", "--resume")
    assert (result.code, result.err) == (
        2,
        f"{tmp_path / 'one'}: not empty, and no runs of several seeds: its files might be "
        "overwritten; give --output a folder that is new or empty\n",
    )
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == before


def test_runs_of_several_seeds_have_a_folder_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert cnncalc("train", *FEW, "--no-pictures", "--seeds", "1").code == 0
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == [
        "lenet5-synthetic-seeds",
        "lenet5-synthetic-seeds-2",
    ]
