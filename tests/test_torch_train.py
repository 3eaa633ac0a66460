"""`cnncalc train`: what it learns, what it refuses, and that it goes on as if nothing had been."""

from __future__ import annotations

import json
import logging
import math
import os
import random
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

import cnncalc
from cnncalc.data.fitting import Split
from cnncalc.errors import UsageError
from cnncalc.spec.load import load
from cnncalc.training import checkpoint
from cnncalc.training.initial_weights import initialise
from cnncalc.training.loop import batches
from cnncalc.training.run_folder import read_run, requested_spec
from cnncalc.training.settings import Settings
from cnncalc.training.train import METRICS
from tests.runs import SPEC, Listener, data, run, same, weights

LINEAR = {
    "name": "linear",
    "input": {"features": 2},
    "layers": [{"linear": {"out_features": 3, "activation": "softmax"}}],
}
"""A network small enough to be trained by hand."""
SMALL_NETWORKS = ("lenet5", "lenet5-slide", "lenet5-1998", "keras-mnist", "keras-mnist-nopool")


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def lines(folder: Path) -> list[dict[str, Any]]:
    """What metrics.jsonl says."""
    return [json.loads(line) for line in (folder / METRICS).read_text("utf-8").splitlines()]


# What it computes


def by_hand(
    images: torch.Tensor, labels: torch.Tensor, optimizer: Callable[..., Any], orders: list[Any]
) -> tuple[torch.nn.Linear, list[float]]:
    """The textbook's loop over batches of 4, on the linear network of seed 0."""
    torch.manual_seed(0)
    network = torch.nn.Linear(2, 3)
    steps, losses = optimizer(network.parameters()), []
    for order in orders:
        for first in range(0, len(labels), 4):
            chosen = order[first : first + 4]
            loss = functional.cross_entropy(network(images[chosen]), labels[chosen])
            losses.append(loss.item())
            steps.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            steps.step()
    return network, losses


@pytest.mark.parametrize(
    ("settings", "optimizer"),
    [
        ({"optimizer": "sgd", "lr": 0.5}, lambda p: torch.optim.SGD(p, lr=0.5)),
        (
            {"optimizer": "momentum", "lr": 0.1, "weight_decay": 0.1},
            lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1),
        ),
        ({"optimizer": "rmsprop"}, lambda p: torch.optim.RMSprop(p)),
        ({"optimizer": "adam"}, lambda p: torch.optim.Adam(p, lr=0.002)),
        ({"optimizer": "adamw"}, lambda p: torch.optim.AdamW(p)),
    ],
    ids=["sgd", "momentum", "rmsprop", "adam", "adamw"],
)
def test_weights_are_those_of_the_loop_written_by_hand(
    settings: dict[str, Any], optimizer: Callable[..., Any], tmp_path: Path
) -> None:
    generator = torch.Generator().manual_seed(5)
    images = torch.rand(12, 2, generator=generator)
    split = Split(images, torch.arange(12) % 3)
    made = data()
    dataset = type(made)("points", split, split, ("a", "b", "c"), ())
    seen: list[torch.Tensor] = []
    original = torch.randperm

    def remembered(*arguments: Any, **options: Any) -> torch.Tensor:
        seen.append(original(*arguments, **options))
        return seen[-1]

    listener = Listener()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "randperm", remembered)
        found = run(
            tmp_path,
            spec=LINEAR,
            dataset=dataset,
            listener=listener,
            batch_size=4,
            schedule="constant",
            **settings,
        )
    assert [sorted(order.tolist()) for order in seen] == [list(range(12))] * 3
    wanted, losses = by_hand(images, split.labels, optimizer, seen)
    for name, tensor in wanted.state_dict().items():
        # The fused optimizers round differently from the plain ones, in the last bits.
        torch.testing.assert_close(weights(found)[f"fc1.{name}"], tensor, rtol=1e-5, atol=1e-6)
    ((start, classes),) = listener.first
    assert classes == 3
    assert start == pytest.approx(losses[0])
    # Means over samples of the losses that the steps saw.
    assert [e.train_loss for e in found.history] == [
        pytest.approx(sum(losses[first : first + 3]) / 3, rel=1e-5) for first in (0, 3, 6)
    ]
    logits = wanted(images)
    last = found.history[-1]
    assert last.test_loss == pytest.approx(
        functional.cross_entropy(logits, split.labels).item(), rel=1e-4
    )
    assert last.test_accuracy * 12 == (logits.argmax(1) == split.labels).sum()


def test_metrics_are_what_the_epochs_came_to(tmp_path: Path) -> None:
    listener = Listener()
    found = run(tmp_path, listener=listener, schedule="linear", lr=0.01)
    assert lines(tmp_path) == [epoch._asdict() for epoch in found.history]
    assert tuple(listener.epochs) == found.history
    assert [epoch.epoch for epoch in found.history] == [1, 2, 3]
    # Of 21 steps, the last ones of the epochs are number 6, 13 and 20.
    assert [e.lr for e in found.history] == pytest.approx([0.01 * n / 21 for n in (15, 8, 1)])
    assert listener.steps == 21


def test_the_order_comes_from_seed_and_epoch_alone(tmp_path: Path) -> None:
    orders: set[tuple[int, ...]] = set()
    original = torch.randperm

    def remembered(*arguments: Any, **options: Any) -> torch.Tensor:
        order = original(*arguments, **options)
        orders.add(tuple(order.tolist()))
        return order

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "randperm", remembered)
        for seed in (0, 1, 2**32):
            run(tmp_path / str(seed), seed=seed)
        run(tmp_path / "again", seed=1, optimizer="sgd")
    # torch's own generator would take seed 2³² for seed 0.
    assert len(orders) == 9


@pytest.mark.parametrize(
    ("samples", "size", "sizes"),
    [
        (10, 4, [4, 4, 2]),
        (9, 4, [4, 5]),
        (8, 4, [4, 4]),
        (5, 4, [5]),
        (1, 4, [1]),
        (3, 1, [1, 1, 1]),
        (3, 10, [3]),
    ],
)
def test_no_batch_has_a_single_sample_that_could_join_another(
    samples: int, size: int, sizes: list[int]
) -> None:
    found = batches(samples, size)
    assert [stop - start for start, stop in found] == sizes
    assert [n for start, stop in found for n in range(start, stop)] == list(range(samples))


# What it makes of a network


def spec(*layers: Any, **more: Any) -> dict[str, Any]:
    return {"name": "net", "input": {"features": 2}, "layers": list(layers), **more}


@pytest.mark.parametrize("last", ["softmax", "log_softmax"])
def test_loss_is_on_the_logits_before_the_last_softmax(last: str, tmp_path: Path) -> None:
    split = Split(torch.rand(6, 2), torch.arange(6) % 3)
    dataset = type(data())("points", split, split, ("a", "b", "c"), ())
    asked: dict[str, Any] = {"dataset": dataset, "schedule": "constant", "batch_size": 6}
    with_last, without = Listener(), Listener()
    a = run(
        tmp_path / "a",
        spec=spec({"linear": {"out_features": 3, "activation": last}}),
        listener=with_last,
        **asked,
    )
    b = run(tmp_path / "b", spec=spec({"linear": 3}), listener=without, **asked)
    assert same(weights(a), weights(b))
    said = f"the loss computes the last {last} itself"
    assert [sum(said in note for note in one.notes) for one in (with_last, without)] == [1, 0]


@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_a_single_output_is_one_logit_for_two_classes(
    activation: str | None, tmp_path: Path
) -> None:
    images = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.1, 0.9], [0.8, 0.3]])
    split = Split(images, torch.tensor([0, 1, 0, 1]))
    dataset = type(data())("points", split, split, ("no", "yes"), ())
    listener = Listener()
    found = run(
        tmp_path,
        spec=spec({"linear": {"out_features": 1, "activation": activation}}),
        dataset=dataset,
        listener=listener,
        epochs=60,
        lr=0.1,
    )
    torch.manual_seed(0)
    logit = torch.nn.Linear(2, 1)(images)[:, 0]
    # −log p of the right class, with p = 1/(1 + e^−z) for yes, 1 − p for no.
    p = 1 / (1 + (-logit).exp())
    expected = -torch.stack([1 - p[0], p[1], 1 - p[2], p[3]]).log().mean().item()
    ((start, classes),) = listener.first
    assert classes == 2
    assert start == pytest.approx(expected, rel=1e-5)
    assert found.test_accuracy == 1


def test_auxiliary_outputs_count_three_tenths(tmp_path: Path) -> None:
    def two(weight: float) -> torch.Tensor:
        """The shared layer's weight after one step of sgd, from torch itself."""
        torch.manual_seed(0)
        shared, head, main = (torch.nn.Linear(2, n) for n in (2, 3, 3))
        x, y = images[order], labels[order]
        hidden = shared(x)
        loss = functional.cross_entropy(main(hidden), y)
        loss = loss + weight * functional.cross_entropy(head(hidden), y)
        loss.backward()  # type: ignore[no-untyped-call]
        assert shared.weight.grad is not None
        return shared.weight.detach() - shared.weight.grad

    images, labels = torch.rand(6, 2), torch.arange(6) % 3
    order = torch.arange(6)
    split = Split(images, labels)
    dataset = type(data())("points", split, split, ("a", "b", "c"), ())
    branched = spec(
        {"linear": 2, "name": "shared"},
        {"linear": {"out_features": 3, "activation": "softmax"}, "name": "head"},
        {"linear": 3, "name": "main", "from": "shared"},
        auxiliary=["head"],
        outputs=["main"],
    )
    listener = Listener()
    found = run(
        tmp_path,
        spec=branched,
        dataset=dataset,
        listener=listener,
        epochs=1,
        batch_size=6,
        optimizer="sgd",
        lr=1.0,
        schedule="constant",
    )
    moved = weights(found)["shared.weight"]
    torch.testing.assert_close(moved, two(0.3), rtol=0, atol=1e-6)
    assert not torch.allclose(moved, two(0.0), rtol=0, atol=1e-4)
    assert any("counts 0.3" in note for note in listener.notes)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            {
                "name": "map",
                "input": {"height": 4, "width": 4, "channels": 1},
                "layers": [{"conv": {"out_channels": 3, "kernel_size": 1}}],
            },
            "map: train needs one output value for each class; conv1 gives 4×4×3",
        ),
        (spec("relu"), "net: there is nothing to train: no layer has parameters"),
        (
            {
                "name": "two",
                "inputs": {"a": {"features": 2}, "b": {"features": 2}},
                "layers": [{"concat": None, "from": ["a", "b"]}, {"linear": 3}],
            },
            "two: train needs a network with one input; it has 2",
        ),
    ],
)
def test_networks_that_classify_nothing_are_refused(
    network: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        run(tmp_path / "run", spec=network)
    assert str(caught.value) == message
    assert not (tmp_path / "run").exists()


def test_distances_are_negative_logits(tmp_path: Path) -> None:
    # The 1998 network ends in squared distances: the right class is the nearest.
    rbf = spec({"linear": {"out_features": 16, "activation": "tanh"}}, {"rbf": 3})
    split = Split(torch.eye(3)[:, :2], torch.arange(3))
    dataset = type(data())("points", split, split, ("a", "b", "c"), ())
    found = run(
        tmp_path, spec=rbf, dataset=dataset, epochs=200, lr=0.05, schedule="constant", seed=1
    )
    assert found.test_accuracy == 1


# How weights start


@pytest.mark.parametrize(
    ("init", "conv", "linear"),
    [
        # σ: he √(2/fan_in); xavier's uniform √(2/(fan_in + fan_out)); normal as it says.
        ("he", (2 / (16 * 9)) ** 0.5, (2 / 512) ** 0.5),
        ("xavier", (2 / (16 * 9 + 32 * 9)) ** 0.5, (2 / (512 + 256)) ** 0.5),
        ("normal:0.01", 0.01, 0.01),
        # torch: uniform on ±1/√fan_in, that is σ = 1/√(3·fan_in).
        ("default", (1 / (3 * 16 * 9)) ** 0.5, (1 / (3 * 512)) ** 0.5),
    ],
)
def test_weights_start_with_the_spread_that_was_asked_for(
    init: str, conv: float, linear: float
) -> None:
    torch.manual_seed(0)
    network = cnncalc.build(
        {
            "input": {"height": 6, "width": 6, "channels": 16},
            "layers": [
                {"conv": {"out_channels": 32, "kernel_size": 3}},
                {"batch_norm": {}, "name": "norm"},
                "flatten",
                {"linear": 256},
            ],
        }
    )
    initialise(network, init)
    tensors = dict(network.named_parameters())
    assert tensors["conv1.weight"].std().item() == pytest.approx(conv, rel=0.05)
    assert tensors["fc1.weight"].std().item() == pytest.approx(linear, rel=0.05)
    assert tensors["norm.weight"].eq(1).all()
    biases = [tensors["conv1.bias"], tensors["fc1.bias"]]
    assert all(bool(bias.eq(0).all()) is (init != "default") for bias in biases)


# Going on


def stopped_at(step: int, number: int) -> Listener:
    return Listener(lambda done: signal.raise_signal(number) if done == step else None)


@pytest.mark.parametrize("step", [1, 6, 7, 8, 20])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_resume_ends_with_the_same_bits(
    step: int, number: int, tmp_path: Path
) -> None:
    whole = run(tmp_path / "whole")
    listener = stopped_at(step, number)
    stopped = run(tmp_path / "cut", listener=listener)
    assert (stopped.signal, listener.steps) == (number, step)
    assert signal.getsignal(number) is not None
    assert len(lines(tmp_path / "cut")) == (step - 1) // 7
    rest = Listener()
    resumed = run(tmp_path / "cut", resume=True, listener=rest)
    assert rest.steps == 21 - step
    assert same(weights(whole), weights(resumed))

    def numbers(folder: str) -> list[dict[str, Any]]:
        return [{**line, "seconds": 0} for line in lines(tmp_path / folder)]

    assert numbers("cut") == numbers("whole")


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adam", "adamw"])
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_every_optimizer_resumes_bit_for_bit(
    optimizer: str, precision: str, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {"optimizer": optimizer, "precision": precision, "epochs": 2}
    whole = run(tmp_path / "whole", **asked)
    assert len(whole.history) == 2
    run(tmp_path / "cut", listener=stopped_at(9, signal.SIGINT), **asked)
    assert same(weights(whole), weights(run(tmp_path / "cut", resume=True, **asked)))


def test_a_run_that_is_done_is_done(tmp_path: Path) -> None:
    first, listener = run(tmp_path), Listener()
    again = run(tmp_path, resume=True, listener=listener)
    assert listener.steps == 0
    assert again.history == first.history
    assert same(weights(first), weights(again))


def test_a_run_without_a_checkpoint_starts(tmp_path: Path) -> None:
    assert same(weights(run(tmp_path / "a")), weights(run(tmp_path / "b", resume=True)))


def test_a_constant_rate_can_go_on_for_longer(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"schedule": "constant"}
    whole = run(tmp_path / "whole", epochs=4, **asked)
    run(tmp_path / "longer", epochs=2, **asked)
    longer = run(tmp_path / "longer", epochs=4, resume=True, **asked)
    assert same(weights(whole), weights(longer))


def refusal(folder: Path, **changes: Any) -> str:
    with pytest.raises(UsageError) as caught:
        run(folder, **{"resume": True, **changes})
    return str(caught.value).replace(str(folder), "RUN")


def test_another_run_is_not_continued(tmp_path: Path) -> None:
    run(tmp_path)
    before = (tmp_path / checkpoint.NEWEST).read_bytes()
    other = {**SPEC, "layers": [*SPEC["layers"][:-1], {"linear": 3}]}
    assert refusal(tmp_path, resume=False) == (
        "RUN: a run is there already; continue it with --resume, or give another --output"
    )
    assert refusal(tmp_path, spec=other) == (
        "RUN: its checkpoint is of another spec; give the same one, or another --output"
    )
    assert refusal(tmp_path, lr=0.5, epochs=4) == (
        "RUN: its run has --epochs 3, not 4; --lr 0.002, not 0.5; give the same options, or "
        "another --output"
    )
    assert refusal(tmp_path, dataset=data(71)) == (
        "RUN: its run had other samples; give the same data"
    )
    assert (tmp_path / checkpoint.NEWEST).read_bytes() == before
    # A title is not what is computed.
    run(tmp_path, spec={**SPEC, "name": "renamed"}, resume=True)


def flipped(content: bytes) -> bytes:
    middle = content.index(b"conv1.weight") + 2000
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: b"\x80\x05cos\nsystem\n(S'false'\ntR.",
        flipped,
    ],
    ids=["truncated", "empty", "code", "flipped"],
)
def test_a_damaged_checkpoint_gives_way_to_the_one_before(
    damage: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    whole = run(tmp_path)
    newest = tmp_path / checkpoint.NEWEST
    newest.write_bytes(damage(newest.read_bytes()))
    listener = Listener()
    resumed = run(tmp_path, resume=True, listener=listener)
    assert same(weights(whole), weights(resumed))
    assert (
        f"{newest}: truncated, corrupt, or no checkpoint of cnncalc; using previous.pt"
        in listener.notes
    )
    assert listener.steps == 7
    assert (tmp_path / checkpoint.DAMAGED).exists()


def test_nothing_but_damaged_checkpoints_is_one_line(tmp_path: Path) -> None:
    run(tmp_path)
    for name in (checkpoint.NEWEST, checkpoint.PREVIOUS, checkpoint.START):
        (tmp_path / name).write_bytes(b"PK\x03\x04")
    assert refusal(tmp_path) == (
        "RUN/checkpoint.pt: truncated, corrupt, or no checkpoint of cnncalc; no other one is "
        "whole: train anew with another --output"
    )


def test_a_checkpoint_that_lies_about_its_shapes_is_one_line(tmp_path: Path) -> None:
    run(tmp_path)
    state = torch.load(tmp_path / checkpoint.NEWEST, weights_only=True)
    state["network"]["conv1.weight"] = torch.zeros(1)
    checkpoint.save(tmp_path, state)
    assert refusal(tmp_path).startswith("RUN: its checkpoint does not fit (")
    assert "\n" not in refusal(tmp_path)


def test_a_full_disk_leaves_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path)
    before = (tmp_path / checkpoint.NEWEST).read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match=r"checkpoint\.pt: No space left on device$"):
        checkpoint.save(tmp_path, {})
    assert (tmp_path / checkpoint.NEWEST).read_bytes() == before


def test_networks_have_fingerprints_of_their_own() -> None:
    prints = {name: checkpoint.fingerprint(load(name)) for name in SMALL_NETWORKS}
    assert len(set(prints.values())) == len(SMALL_NETWORKS)
    assert prints == {name: checkpoint.fingerprint(load(name)) for name in SMALL_NETWORKS}


# Learning that fails, and learning by heart


def test_a_loss_that_is_no_number_stops_with_the_last_good_checkpoint(tmp_path: Path) -> None:
    dataset = data()
    listener = Listener(lambda done: dataset.train.images.fill_(math.inf) if done == 8 else None)
    found = run(tmp_path, dataset=dataset, listener=listener)
    assert found.diverged is not None
    assert len(found.history) == len(lines(tmp_path)) == 1
    state, _ = checkpoint.load(tmp_path)
    assert state is not None
    assert (state["epoch"], state["step"]) == (1, 0)
    assert all(tensor.isfinite().all() for tensor in state["network"].values())


def test_what_is_compiled_computes_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without the compiler: that the unrolled network is the network, in training and in test.
    unrolled: list[torch.nn.Module] = []

    def kept(graph: torch.nn.Module, mode: str | None) -> torch.nn.Module:
        unrolled.append(graph)
        return graph

    monkeypatch.setattr(torch, "compile", kept)
    plain, compiled = run(tmp_path / "a"), run(tmp_path / "b", compile=True)
    assert [isinstance(graph, torch.fx.GraphModule) for graph in unrolled] == [True, True]
    assert same(weights(plain), weights(compiled))
    assert [e[2:] for e in plain.history] == [e[2:] for e in compiled.history]


def test_what_the_compiler_notices_is_not_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """torch warns, by logging and by warnings, of what is on the machine; in a test that fails."""

    def compiler(graph: torch.nn.Module, mode: str | None) -> torch.nn.Module:
        logging.getLogger("torch.utils.cpp_extension").warning("No CUDA runtime is found")
        logging.getLogger("torch._inductor.utils").warning("Not enough SMs")
        module = {"__name__": "torch._inductor.lowering", "__warningregistry__": {}}
        exec("import warnings; warnings.warn('slow')", module)
        return graph

    monkeypatch.setattr(torch, "compile", compiler)
    with warnings.catch_warnings():
        run(tmp_path, compile=True)
    assert not caplog.records


def test_a_disk_that_fills_up_is_one_line(tmp_path: Path) -> None:
    (tmp_path / METRICS).symlink_to("/dev/full")
    # A run that was killed at its start.
    (tmp_path / "run.json").write_text('{"cnncalc": "0", "settings": {}}', "utf-8")
    with pytest.raises(UsageError, match=r": No space left on device$"):
        run(tmp_path)


def test_overfit_stops_when_all_is_learnt(tmp_path: Path) -> None:
    listener = Listener()
    found = run(tmp_path, overfit=6, epochs=300, lr=0.01, listener=listener)
    assert found.test_accuracy == 1
    assert all(epoch.test_accuracy < 1 for epoch in found.history[:-1])
    # One batch of six a step, whatever is left of the seventy.
    assert listener.steps == len(found.history) < 300


def test_overfit_fails_where_nothing_can_tell_samples_apart(tmp_path: Path) -> None:
    made = data()
    alike = Split(torch.zeros_like(made.train.images), made.train.labels)
    dataset = type(made)("alike", alike, alike, made.classes, ())
    found = run(tmp_path, overfit=6, epochs=4, dataset=dataset)
    assert found.test_accuracy < 1
    assert len(found.history) == 4


def test_overfit_cannot_take_more_than_there_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^--overfit 71: there are 70 samples to train on$"):
        run(tmp_path, overfit=71)


# The command, in processes of its own

TRAIN = [sys.executable, "-m", "cnncalc", "train"]
SHORT = ["--data", "synthetic", "--limit-train", "200", "--limit-test", "50", "--epochs", "6"]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.json"
    path.write_text(json.dumps(SPEC))
    return path


def command(*arguments: str | Path, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*TRAIN, *map(str, arguments)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def finish(*arguments: str | Path, cwd: Path) -> dict[str, torch.Tensor]:
    """Run to the end, in the folder that the last argument names, and give the weights."""
    child = command(*arguments, cwd=cwd)
    out, err = child.communicate()
    assert (child.returncode, err) == (0, ""), out
    state = torch.load(cwd / arguments[-1] / checkpoint.NEWEST, weights_only=True)
    found: dict[str, torch.Tensor] = state["network"]
    return found


def test_killed_while_it_trains_it_ends_with_the_same_bits(small: Path, tmp_path: Path) -> None:
    asked: list[str | Path] = [
        small,
        *SHORT,
        "--batch-size",
        "5",
        "--device",
        "cpu",
        "--resume",
        "--output",
    ]
    whole = finish(*asked, "whole", cwd=tmp_path)
    for moment in (0.0, 0.05):
        child = command(*asked, "killed", cwd=tmp_path)
        assert child.stdout is not None
        for line in child.stdout:
            if line.startswith("epoch"):
                break
        time.sleep(moment)
        child.kill()
        child.communicate()
    assert same(whole, finish(*asked, "killed", cwd=tmp_path))


@pytest.mark.slow
def test_killed_twenty_times_it_ends_with_the_same_bits(tmp_path: Path) -> None:
    less = ["--epochs", "150", "--limit-train", "500", "--device", "cpu"]
    asked = ["lenet5", *less, "--resume", "--output"]
    whole = finish(*asked, "whole", cwd=tmp_path)
    moments, epochs = random.Random(0), list[int]()
    for kill in range(20):
        child = command(*asked, "killed", cwd=tmp_path)
        assert child.stdout is not None
        # Five times while it starts, fifteen times while it steps, tests, saves or renames.
        if kill % 4:
            next(line for line in child.stdout if line.startswith(("loss at", "continued")))
        time.sleep(moments.uniform(0, 1))
        child.kill()
        child.communicate()
        state, _ = checkpoint.load(tmp_path / "killed")
        epochs.append(state["epoch"] if state else 0)
    assert same(whole, finish(*asked, "killed", cwd=tmp_path))
    whole_lines, lines_there = lines(tmp_path / "whole"), lines(tmp_path / "killed")
    for a, b in zip(whole_lines, lines_there, strict=True):
        assert {**a, "seconds": 0} == {**b, "seconds": 0}
    print(f"whole epochs at each kill: {epochs}")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_the_command_with_their_codes(
    number: int, code: int, small: Path, tmp_path: Path
) -> None:
    child = command(small, *SHORT[:-1], "100000", "-o", "run", cwd=tmp_path)
    assert child.stdout is not None
    for line in child.stdout:
        if line.startswith("epoch"):
            break
    child.send_signal(number)
    _, err = child.communicate()
    assert child.returncode == code
    name = signal.Signals(number).name
    assert err == f"{name}: saved in run; --resume goes on from there\n"
    assert (tmp_path / "run" / checkpoint.NEWEST).exists()


def test_a_run_can_be_read_from_its_folder(small: Path, tmp_path: Path) -> None:
    settings = Settings(epochs=2, folder=Path("files"))
    for name, text in requested_spec(str(small), {}).files(settings).items():
        (tmp_path / name).write_text(text)
    _, graph, found = read_run(tmp_path)
    assert checkpoint.fingerprint(graph) == checkpoint.fingerprint(load(SPEC))
    assert found == settings


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"spec": "/etc/passwd"}', "[" * 10_000, '{"spec": 1}']
)
def test_a_run_that_is_none_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(UsageError, match=r"not what cnncalc train wrote$|no run of cnncalc train"):
        read_run(tmp_path)
