"""Checkpoints and run.json that someone has changed: one sentence each, and never a crash."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

from cnncalc.errors import CnncalcError, UsageError
from cnncalc.pictures.trained_run import read_trained_run
from cnncalc.spec.load import load
from cnncalc.training import checkpoint
from cnncalc.training.run_folder import RUN, RequestedSpec
from cnncalc.training.settings import Settings
from cnncalc.training.train import train
from tests.runs import SPEC, Listener, data

GONE = object()
ASKED = Settings(epochs=2, batch_size=10, device="cpu", data="digits")
WEIGHT = "conv1.weight"


def go(folder: Path, resume: bool = True) -> None:
    requested = RequestedSpec("spec.json", json.dumps(SPEC), None, {})
    files = requested.files(ASKED)
    train(load(SPEC), ASKED, folder, Listener(), resume=resume, dataset=data(), files=files)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good run, whose checkpoint is written anew by each case."""
    made = tmp_path_factory.mktemp("tampered") / "run"
    go(made, resume=False)
    return made


@pytest.fixture(scope="module")
def good(folder: Path) -> dict[str, Any]:
    state = checkpoint.read(folder / checkpoint.NEWEST)
    assert state is not None
    return state


def at(*path: Any, to: Any = GONE) -> Callable[[dict[str, Any]], None]:
    """Puts something else, or nothing, at a place of a state; a function makes it of what is."""

    def change(state: dict[str, Any]) -> None:
        *outer, last = path
        place: Any = state
        for key in outer:
            place = place[key]
        if to is GONE:
            del place[last]
        else:
            place[last] = to(place[last]) if callable(to) else to

    return change


ADAM = ("optimizer", "state", 0)
HISTORY = ("history", 0)
NAN = float("nan")
TAMPERED: list[tuple[Callable[[dict[str, Any]], None], str]] = [
    # What it is of.
    (at("spec"), "spec is no text"),
    (at("spec", to=torch.zeros(2)), "spec is no text"),
    (at("samples"), "samples is no text"),
    (at("samples", to=7), "samples is no text"),
    (at("options"), "options is no text"),
    (at("options", to={}), "options is no text"),
    (at("options", to="{"), "options are no JSON object"),
    (at("options", to="[1]"), "options are no JSON object"),
    (at("options", to="[" * 100_000), "options are no JSON object"),
    # The weights.
    (at("network"), "network is no mapping"),
    (at("network", to=[1]), "network is no mapping"),
    (at("network", WEIGHT), f"network has no {WEIGHT}"),
    (at("network", "more", to=torch.zeros(1)), "network has more, which the spec has not"),
    (at("network", 5, to=torch.zeros(1)), "network has 5, which the spec has not"),
    (at("network", WEIGHT, to=3), f"{WEIGHT} is no plain tensor"),
    (at("network", WEIGHT, to=None), f"{WEIGHT} is no plain tensor"),
    (at("network", WEIGHT, to=lambda x: x.tolist()), f"{WEIGHT} is no plain tensor"),
    (at("network", WEIGHT, to=lambda x: x.to_sparse()), f"{WEIGHT} is no plain tensor"),
    (at("network", WEIGHT, to=lambda x: x.to("meta")), f"{WEIGHT} is no plain tensor"),
    (at("network", WEIGHT, to=torch.zeros(1)), f"{WEIGHT} has shape [1], not [4, 1, 3, 3]"),
    (at("network", WEIGHT, to=lambda x: x[0, 0, 0, 0]), f"{WEIGHT} has shape [], not [4, 1, 3, 3]"),
    (at("network", WEIGHT, to=lambda x: x.flatten()), f"{WEIGHT} has shape [36], not [4, 1, 3, 3]"),
    (at("network", WEIGHT, to=lambda x: x.double()), "is of torch.float64, not torch.float32"),
    (at("network", WEIGHT, to=lambda x: x.to(torch.cfloat)), "is of torch.complex64, not"),
    (at("network", WEIGHT, to=lambda x: x.bool()), "is of torch.bool, not torch.float32"),
    (at("network", WEIGHT, to=lambda x: x * NAN), f"{WEIGHT} has a value that is no finite"),
    (
        at("network", "bn1.num_batches_tracked", to=torch.zeros(2, dtype=torch.int64)),
        "bn1.num_batches_tracked has shape [2], not []",
    ),
    # The optimizer: torch's fused kernels read beyond what is too short.
    (at("optimizer"), "optimizer has no state"),
    (at("optimizer", to=7), "optimizer has no state"),
    (at("optimizer", "state"), "optimizer has no state"),
    (at("optimizer", "state", to=[]), "optimizer has no state"),
    (at("optimizer", "param_groups"), "optimizer has other parameters"),
    (at("optimizer", "param_groups", to=[]), "optimizer has other parameters"),
    (at("optimizer", "param_groups", to=lambda x: x * 2), "optimizer has other parameters"),
    (at("optimizer", "param_groups", 0, to=3), "optimizer has other parameters"),
    (at("optimizer", "param_groups", 0, "params"), "optimizer has other parameters"),
    (at("optimizer", "param_groups", 0, "lr"), "optimizer's lr is no finite number"),
    (at("optimizer", "param_groups", 0, "lr", to="low"), "optimizer's lr is no finite number"),
    (
        at("optimizer", "param_groups", 0, "params", to=lambda x: x[::-1]),
        "optimizer has other parameters",
    ),
    (at("optimizer", "state", 99, to={}), "state of parameter 99: there are 5"),
    (at("optimizer", "state", -1, to={}), "state of parameter -1: there are 5"),
    (at("optimizer", "state", "a", to={}), "state of parameter a: there are 5"),
    (at(*ADAM, to=[]), "parameter 0: it is not exp_avg and exp_avg_sq and step"),
    (at(*ADAM, "exp_avg"), "parameter 0: it is not exp_avg and exp_avg_sq and step"),
    (at(*ADAM, "more", to=1), "parameter 0: it is not exp_avg and exp_avg_sq and step"),
    (at(*ADAM, "exp_avg", to=torch.zeros(1)), "exp_avg has shape [1], not [4, 1, 3, 3]"),
    (at(*ADAM, "exp_avg_sq", to=torch.zeros(0)), "exp_avg_sq has shape [0], not [4, 1, 3, 3]"),
    (at(*ADAM, "exp_avg_sq", to=lambda x: x[..., :1]), "has shape [4, 1, 3, 1], not [4, 1, 3, 3]"),
    (at(*ADAM, "exp_avg", to=lambda x: x.long()), "exp_avg is of torch.int64, not torch.float32"),
    (at(*ADAM, "exp_avg", to=None), "exp_avg is no plain tensor"),
    (at(*ADAM, "step", to="three"), "step is no plain tensor"),
    (at(*ADAM, "step", to=torch.zeros(36)), "step has shape [36], not []"),
    (at("scaler"), "scaler is not that of these options"),
    (at("scaler", to={"scale": 1.0}), "scaler is not that of these options"),
    # Where it stands.
    (at("sums"), "sums is no plain tensor"),
    (at("sums", to=torch.zeros(3, dtype=torch.float64)), "sums has shape [3], not [2]"),
    (at("random"), "random is no plain tensor"),
    (at("random", to=torch.zeros(8, dtype=torch.uint8)), "random has shape [8], not [5056]"),
    (at("random", to=lambda x: x.float()), "random is of torch.float32, not torch.uint8"),
    (at("random", to=lambda x: x * 0), "Invalid mt19937 state"),
    (
        at("device_random", to=torch.zeros(16, dtype=torch.uint8)),
        "device_random is not that of cpu",
    ),
    (at("others"), "others is no list"),
    (at("others", to=[3]), "others are no mappings"),
    (at("others", to=[{}]), "sums is no plain tensor"),
    (at("epoch"), "epoch is no whole number from 0 to 2"),
    (at("epoch", to="2"), "epoch is no whole number from 0 to 2"),
    (at("epoch", to=10**30), "epoch is no whole number from 0 to 2"),
    (at("epoch", to=1), "history has 2 epochs, epoch is 1"),
    (at("step", to=-1), "step is no whole number from 0 to 7"),
    (at("step", to=8), "step is no whole number from 0 to 7"),
    (at("step", to=[0]), "step is no whole number from 0 to 7"),
    (at("seconds", to=None), "seconds is no finite number"),
    (at("seconds", to=10**400), "seconds is no finite number"),
    (at("first_loss", to="low"), "first_loss is no finite number"),
    (at("history"), "history is no list of epochs"),
    (at("history", to=7), "history is no list of epochs"),
    (at(*HISTORY, to=[]), "epoch 1 of history has other fields"),
    (at(*HISTORY, "lr"), "epoch 1 of history has other fields"),
    (at(*HISTORY, "more", to=1), "epoch 1 of history has other fields"),
    (at(*HISTORY, "epoch", to=7), "epoch 1 of history is no whole number from 1 to 1"),
    (at(*HISTORY, "test_loss", to=NAN), "test_loss of epoch 1 is no finite number"),
    (at(*HISTORY, "seconds", to="long"), "seconds of epoch 1 is no finite number"),
]


@pytest.mark.parametrize(("change", "reason"), TAMPERED)
def test_train_does_not_go_on_from_it(
    change: Callable[[dict[str, Any]], None], reason: str, good: dict[str, Any], folder: Path
) -> None:
    state = copy.deepcopy(good)
    change(state)
    checkpoint.save(folder, state)
    with pytest.raises(UsageError) as raised:
        go(folder)
    (line,) = str(raised.value).splitlines()
    start = f"{folder}: its checkpoint does not fit ("
    assert line.startswith(start)
    assert line.endswith("); give another --output")
    assert reason in line
    # Pictures need less of it: they are drawn, or say the same.
    with suppress(UsageError):
        read_trained_run(folder, "cpu")


PICTURED = ["spec", "samples", "network", "step", "history"]
"""What pictures read of a checkpoint."""


@pytest.mark.parametrize("name", PICTURED)
@pytest.mark.parametrize("value", [None, [], {}, 3.5, "x", torch.zeros(2)], ids=repr)
def test_pictures_are_not_drawn_from_it(
    name: str, value: Any, good: dict[str, Any], folder: Path
) -> None:
    if name == "samples" and isinstance(value, str):
        pytest.skip("those are others, which is a note")
    checkpoint.save(folder, {**good, name: value})
    with pytest.raises(UsageError) as raised:
        read_trained_run(folder, "cpu")
    (line,) = str(raised.value).splitlines()
    known = ["its checkpoint does not fit (", "the checkpoint beside it is of another network"]
    known.append("no epoch of this run has ended; ")
    assert any(words in line for words in known)


def test_a_good_one_goes_on(good: dict[str, Any], folder: Path) -> None:
    checkpoint.save(folder, good)
    go(folder)
    assert read_trained_run(folder, "cpu").history[1].epoch == 2


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adamw"])
def test_what_every_optimizer_remembers_is_known(optimizer: Any, tmp_path: Path) -> None:
    asked = Settings(epochs=1, batch_size=35, device="cpu", optimizer=optimizer, limit_test=2)
    for resume in (False, True):
        train(load(SPEC), asked, tmp_path, Listener(), resume=resume, dataset=data())


SETTINGS = "settings"
ABOUT: list[Callable[[dict[str, Any]], None]] = [
    at("spec"),
    at("spec", to=3),
    at("spec", to=None),
    at("spec", to="a\0b"),
    at("spec", to=[]),
    at("variant", to=7),
    at("variant", to=["a"]),
    at("variables", to=[1]),
    at("variables", to="x"),
    at("variables", to=None),
    at("input", to="abc"),
    at("input", to=[0, 6, 6]),
    at("input", to=[1.5, 6, 6]),
    at("input", to=[True, 6, 6]),
    at("input", to=[1, -6, 6]),
    at("input", to=[1] * 9),
    at("input", to={"a": 1}),
    at("input", to=[10**400, 6, 6]),
    at(SETTINGS),
    at(SETTINGS, to=[]),
    at(SETTINGS, to=None),
    at(SETTINGS, "more", to=1),
    at(SETTINGS, "epochs", to="two"),
    at(SETTINGS, "epochs", to=[2]),
    at(SETTINGS, "epochs", to=True),
    at(SETTINGS, "batch_size", to=None),
    at(SETTINGS, "batch_size", to=2.5),
    at(SETTINGS, "optimizer", to=["adam"]),
    at(SETTINGS, "lr", to="high"),
    at(SETTINGS, "warmup", to=None),
    at(SETTINGS, "init", to=4),
    at(SETTINGS, "seed", to=1.5),
    at(SETTINGS, "device", to={}),
    at(SETTINGS, "compile", to="no"),
    at(SETTINGS, "data", to=None),
    at(SETTINGS, "data", to="a\0b"),
    at(SETTINGS, "folder", to=5),
    at(SETTINGS, "folder", to="a\0b"),
    at(SETTINGS, "limit_test", to="few"),
]


@pytest.mark.parametrize("change", ABOUT)
def test_a_tampered_run_json_is_one_line(
    change: Callable[[dict[str, Any]], None], good: dict[str, Any], folder: Path
) -> None:
    checkpoint.save(folder, good)
    path = folder / RUN
    before = path.read_text("utf-8")
    about = json.loads(before)
    change(about)
    path.write_text(json.dumps(about), "utf-8")
    try:
        with pytest.raises(UsageError) as raised:
            read_trained_run(folder, "cpu")
    finally:
        path.write_text(before, "utf-8")
    assert str(raised.value) == f"{path}: not what cnncalc train wrote"


@pytest.mark.parametrize(
    "text", ["", "[]", "3", "null", '"a"', "{", "[" * 100_000, '{"spec": NaN}', "\ud800"]
)
def test_a_run_json_of_something_else_is_one_line(
    text: str, good: dict[str, Any], folder: Path
) -> None:
    path = folder / RUN
    before = path.read_bytes()
    path.write_text(text, "utf-8", errors="surrogatepass")
    try:
        with pytest.raises(CnncalcError) as raised:
            read_trained_run(folder, "cpu")
    finally:
        path.write_bytes(before)
    assert str(raised.value) == f"{path}: not what cnncalc train wrote"
