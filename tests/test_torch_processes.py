"""Several processes that train one network: they end where one would, even if one dies."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import tests
from cnncalc.errors import UsageError
from cnncalc.training import checkpoint
from cnncalc.training.processes import Processes
from cnncalc.training.settings import Settings
from cnncalc.training.train import METRICS
from cnncalc.witness.device import find_device
from tests.command import cnncalc
from tests.runs import Listener, run, same, weights
from tests.shared_runs import SAME, STOPPED, SURE, dataset

ROOT = Path(tests.__file__).parent.parent
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
"""Rounding depends on the number of threads."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


# Three processes, which share all runs of tests.shared_runs


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what they came to."""
    folder = tmp_path_factory.mktemp("shared")
    torch.set_num_threads(1)
    run(folder / "alone", spec=SURE, epochs=2, schedule="constant")
    child = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "3", "--max-restarts", "0"),
            *("-m", "tests.shared_runs", str(folder)),
        ],
        cwd=ROOT,
        env={**ONE_THREAD, "GLOO_SOCKET_IFNAME": "lo"},
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, child.stderr
    return folder


def found(folder: Path, name: str) -> Any:
    return torch.load(folder / f"{name}.pt", weights_only=True)


def assert_close(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    for name, tensor in a.items():
        torch.testing.assert_close(b[name], tensor, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize("name", SAME)
def test_several_processes_end_where_one_does(name: str, shared: Path, tmp_path: Path) -> None:
    settings = {"spec": SURE, **SAME[name], "shard": False}
    listener = Listener()
    alone = run(tmp_path, dataset=dataset(settings), listener=listener, **settings)
    together = found(shared, name)
    assert_close(weights(alone), together["weights"])
    assert len(together["history"]) == len(alone.history)
    for one, several in zip(alone.history, together["history"], strict=True):
        losses = ("train_loss", "test_loss", "lr")
        assert [several[loss] for loss in losses] == pytest.approx(
            [getattr(one, loss) for loss in losses], rel=1e-4
        )
        # Counted, not rounded: no sample is left out, none is there twice.
        assert several["train_accuracy"] == one.train_accuracy
        assert several["test_accuracy"] == one.test_accuracy
    ((loss, classes),) = listener.first
    assert together["first"] == [(pytest.approx(loss, rel=1e-5), classes)]
    assert together["told"][0] > 0
    assert together["told"][1:] == [0, 0]


@pytest.mark.parametrize("name", STOPPED)
def test_a_signal_to_one_process_stops_all_and_resume_ends_with_the_same_bits(
    name: str, shared: Path
) -> None:
    runs = found(shared, f"stopped {name}")
    assert (runs["stopped"]["signal"], runs["resumed"]["signal"]) == (signal.SIGTERM, None)
    # It came in step 9 of 21, the second one of epoch 2.
    assert len(runs["stopped"]["history"]) == 1
    assert same(runs["whole"]["weights"], runs["resumed"]["weights"])
    whole, resumed = (
        [{**epoch, "seconds": 0} for epoch in runs[kind]["history"]]
        for kind in ("whole", "resumed")
    )
    assert whole == resumed


def test_processes_draw_what_is_random_apart(shared: Path) -> None:
    state, _ = checkpoint.load(shared / "cut dropout")
    assert state is not None
    drawn = [own["random"] for own in (state, *state["others"])]
    assert len({bytes(random.tolist()) for random in drawn}) == len(drawn) == 3


@pytest.mark.parametrize("folder", ["half", "shard"])
def test_one_process_goes_on_with_a_run_of_three(folder: str, shared: Path, tmp_path: Path) -> None:
    asked: dict[str, Any] = {"spec": SURE, "epochs": 4, "schedule": "constant"}
    whole, listener = run(tmp_path, **asked), Listener()
    resumed = run(shared / folder, resume=True, listener=listener, **asked)
    assert len(listener.epochs) == 2
    assert any(
        note.startswith("saved by 3 processes and continued by 1: ") for note in listener.notes
    )
    assert_close(weights(whole), weights(resumed))


def test_three_processes_go_on_with_a_run_of_one(shared: Path, tmp_path: Path) -> None:
    whole = run(tmp_path, spec=SURE, epochs=4, schedule="constant")
    longer = found(shared, "longer")
    assert len(longer["history"]) == 4
    assert_close(weights(whole), longer["weights"])


def test_a_loss_that_is_no_number_in_one_process_stops_all(shared: Path) -> None:
    assert found(shared, "diverged")["diverged"] == (
        "the loss or a weight is no finite number in epoch 1, step 7"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("other data", "the processes differ in their samples: start all of them alike"),
        # Only the second and the third one have too few.
        ("too few", "--overfit 65: there are 60 samples to train on"),
        (
            "there already",
            "FOLDER/plain: a run is there already; continue it with --resume, or give another "
            "--output",
        ),
    ],
)
def test_what_is_wrong_in_one_process_ends_all_and_the_first_one_says_it(
    name: str, message: str, shared: Path
) -> None:
    texts = [text.replace(str(shared), "FOLDER") for text in found(shared, name)["texts"]]
    assert texts == [
        f"UsageError: {message}",
        f"ToldElsewhere: {message}",
        f"ToldElsewhere: {message}",
    ]


@pytest.mark.parametrize(("start", "stop"), [(0, 64), (64, 93), (7, 8), (3, 3)])
@pytest.mark.parametrize("number", [1, 2, 3, 7])
def test_shares_are_all_of_a_batch_and_alike(number: int, start: int, stop: int) -> None:
    shares = []
    for rank in range(number):
        one = Processes()
        one.rank, one.number = rank, number
        shares.append(one.share(start, stop))
    assert [n for share in shares for n in range(*share)] == list(range(start, stop))
    sizes = [last - first for first, last in shares]
    assert max(sizes) - min(sizes) <= 1


# The command

SHORT = [
    *("--data", "synthetic", "--limit-train", "400", "--limit-test", "60"),
    *("--batch-size", "8", "--device", "cpu", "--optimizer", "momentum"),
    "--no-pictures",
]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.json"
    path.write_text(json.dumps(SURE))
    return path


def command(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "cnncalc", "train", "small.json", *SHORT, *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ONE_THREAD,
    )


def ends(child: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = child.communicate(timeout=120)
    return child.returncode, out, err


def children(parent: int) -> list[int]:
    """The processes that a process has started, in their order."""
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return sorted(map(int, listed.split()))


def after_epoch(child: subprocess.Popen[str], number: int) -> list[int]:
    """Waits for the line of an epoch; gives the processes that train."""
    assert child.stdout is not None
    for line in child.stdout:
        if re.match(rf"epoch +{number}/", line):
            break
    return children(child.pid)


def state(folder: Path) -> dict[str, torch.Tensor]:
    loaded, notes = checkpoint.load(folder)
    assert loaded is not None
    assert notes == []
    weights: dict[str, torch.Tensor] = loaded["network"]
    return weights


def lines(folder: Path) -> list[dict[str, Any]]:
    texts = (folder / METRICS).read_text("utf-8").splitlines()
    return [{**json.loads(text), "seconds": 0} for text in texts]


def test_two_processes_are_one_and_a_killed_one_is_started_again(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["--epochs", "5"]
    monkeypatch.chdir(tmp_path)
    assert cnncalc("train", "small.json", *SHORT, *asked, "-o", "one").code == 0
    code, out, err = ends(command(*asked, "--nproc", "2", "-o", "two", cwd=tmp_path))
    assert (code, err) == (0, "")
    assert "batches of 8 over 2 processes" in out
    # Printed once.
    assert [line[:7] for line in out.splitlines()].count("epoch 5") == 1
    assert_close(state(tmp_path / "one"), state(tmp_path / "two"))
    for one, two in zip(lines(tmp_path / "one"), lines(tmp_path / "two"), strict=True):
        assert two == pytest.approx(one, rel=1e-4)

    killed = command(*asked, "--nproc", "2", "-o", "killed", cwd=tmp_path)
    os.kill(after_epoch(killed, 2)[1], signal.SIGKILL)
    code, out, err = ends(killed)
    assert (code, err) == (0, "")
    assert "a process died; all were started again (1 of 3)\ncontinued from epoch " in out
    assert same(state(tmp_path / "two"), state(tmp_path / "killed"))
    assert lines(tmp_path / "two") == lines(tmp_path / "killed")
    there = {path.name for path in (tmp_path / "killed").iterdir()}
    assert there == {path.name for path in (tmp_path / "one").iterdir()}


@pytest.mark.slow
def test_killed_again_and_again_they_end_with_the_same_bits(small: Path, tmp_path: Path) -> None:
    asked = ["--epochs", "30", "--nproc", "2", "-o"]
    assert ends(command(*asked, "whole", cwd=tmp_path))[0] == 0
    moments, kills = random.Random(0), list[int]()
    for number in range(5):
        name = f"killed{number}"
        child = command(*asked, name, cwd=tmp_path)
        assert child.stdout is not None
        for _ in range(2):
            next(line for line in child.stdout if line.startswith(("loss at", "continued")))
            time.sleep(moments.uniform(0, 3))
            # Of two processes either; while they step, test, save or wait for a checkpoint.
            os.kill(children(child.pid)[moments.randrange(2)], signal.SIGKILL)
            loaded, _ = checkpoint.load(tmp_path / name)
            assert loaded is not None
            kills.append(loaded["epoch"])
        assert ends(child)[0] == 0
        assert same(state(tmp_path / "whole"), state(tmp_path / name))
        assert lines(tmp_path / "whole") == lines(tmp_path / name)
    print(f"whole epochs at each kill: {kills}")


def test_a_signal_is_passed_on_saved_and_the_exit_code(small: Path, tmp_path: Path) -> None:
    child = command("--epochs", "100000", "--nproc", "2", "-o", "run", cwd=tmp_path)
    workers = after_epoch(child, 1)
    child.send_signal(signal.SIGTERM)
    code, _, err = ends(child)
    assert (code, err) == (143, "SIGTERM: saved in run; --resume goes on from there\n")
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)

    # Who started them is gone: they save and end by themselves.
    done = len(lines(tmp_path / "run"))
    child = command("--epochs", "100000", "--nproc", "2", "-o", "run", "--resume", cwd=tmp_path)
    workers = after_epoch(child, done + 1)
    child.kill()
    child.wait()
    until = time.monotonic() + 30
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < until
        time.sleep(0.05)
    child.communicate()
    assert state(tmp_path / "run")


def test_an_error_of_all_processes_is_one_line(small: Path, tmp_path: Path) -> None:
    child = command("--nproc", "2", "--overfit", "401", "-o", "run", cwd=tmp_path)
    assert ends(child) == (2, "", "--overfit 401: there are 400 samples to train on\n")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--nproc", "0"], "--nproc must be from 1 to 1,024, not 0"),
        (["--nproc", "1025"], "--nproc must be from 1 to 1,024, not 1025"),
        (
            ["-", "--nproc", "2"],
            "several processes cannot all read standard input: give the spec a file",
        ),
        (["--shard"], "--shard divides a network over processes: give --nproc 2 or more"),
        (
            ["--shard", "--compile"],
            "--shard: what is divided cannot be compiled; leave out --compile",
        ),
        (
            ["--shard", "--precision", "fp16"],
            "--shard: what is divided cannot be scaled for fp16; give bf16",
        ),
    ],
)
def test_options_are_refused_in_one_line(options: list[str], message: str) -> None:
    result = cnncalc("train", *options)
    assert (result.code, result.out, result.err) == (2, "", f"{message}\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--nproc", "2"], "--nproc: torchrun has started the processes already"),
        ([], "--output: under torchrun a run needs the name of its folder"),
    ],
)
def test_torchrun_needs_other_options(
    options: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    monkeypatch.setenv("WORLD_SIZE", "2")
    result = cnncalc("train", *options)
    assert (result.code, result.out, result.err) == (2, "", f"{message}\n")


def test_a_torch_without_gloo_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(torch.distributed, "is_gloo_available", lambda: False)
    with pytest.raises(UsageError, match=r"^several processes need torch\.distributed with gloo"):
        run(tmp_path)


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_each_process_needs_a_gpu(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(UsageError) as caught:
        find_device(device, processes=2, local_rank=1)
    assert str(caught.value) == (
        "--device cuda: torch finds 1 GPU here, and each process needs one of its own: give "
        "fewer processes, or --device cpu"
    )


def test_who_shares_the_work_is_no_other_run() -> None:
    plain, sharded = (Settings(shard=shard).complete().numbers() for shard in (False, True))
    assert plain == sharded
