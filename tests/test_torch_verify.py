"""`cnncalc verify`: it passes for the zoo, and finds every number that is made wrong on purpose."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch

import cnncalc
from cnncalc.findings.verification import COMPARED, Difference, Verification
from cnncalc.layers import layer_class
from cnncalc.layers.kept import Extra
from cnncalc.layers.twin import Twin
from cnncalc.spec.bundled import networks
from cnncalc.witness import measure
from cnncalc.witness.device import find_device
from tests.command import cnncalc as command
from tests.test_torch_memory import saved

NET: dict[str, Any] = {
    "name": "net",
    "input": {"height": 6, "width": 6, "channels": 2},
    "layers": [
        {"conv": {"out_channels": 3, "kernel_size": 3, "activation": "relu"}, "name": "conv"},
        {"batch_norm": None, "name": "norm"},
        {"max_pool": 2, "name": "pool"},
        "flatten",
        {"linear": 5, "name": "fc"},
    ],
}
"""conv 3·2·9 + 3 = 57 parameters and 16·54 = 864 MACs, norm 6, fc 12·5 + 5 = 65 and 60."""


def found(spec: Any = NET, **options: Any) -> Verification:
    options.setdefault("device", "cpu")
    verification = cnncalc.verify(spec, **options)
    assert isinstance(verification, Verification)
    return verification


# The zoo


@pytest.mark.exhaustive
def test_the_whole_zoo(capfd: pytest.CaptureFixture[str]) -> None:
    """On the meta device all of it, and forward and backward what has at most 50 M parameters."""
    result = command("verify", "--all", "--device", "cpu", "--format", "json")
    assert (result.code, len(result.err.splitlines())) == (0, len(networks()))
    whole = json.loads(result.out)
    assert [entry["spec"] for entry in whole["specs"]] == networks()
    assert whole["ok"]
    for entry in whole["specs"]:
        small = entry["totals"]["params"] <= 50_000_000
        for layer in entry["layers"]:
            # What was not looked at is None: it may be only where there is nothing to look at.
            unseen = {aspect for aspect, agrees in layer["agrees"].items() if agrees is None}
            assert False not in layer["agrees"].values(), (entry["spec"], layer)
            # And connections and receptive fields of what is large.
            unseen -= {"connections", "reads"}
            assert not small or unseen <= {"gradients"}, (entry["spec"], layer)
            assert not small or not layer["params"] or not unseen, (entry["spec"], layer)
        assert (entry["run"] is not None, entry["not_run"] is None) == (small, small), entry["spec"]
    # torchvision's page of models: parameters.
    params = {entry["spec"]: entry["totals"]["params"] for entry in whole["specs"]}
    assert [params["resnet18"], params["vgg16"]] == [11_689_512, 138_357_544]


def test_all_is_every_bundled_network_and_none_that_is_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A zoo of four, of which the last has more than 50 M parameters."""
    four = ["m5", "lenet5", "squeezenet1_1", "alexnet"]
    for place in ("ask", "cli"):
        monkeypatch.setattr(f"cnncalc.{place}.verify.networks", lambda: four)
    result = command("verify", "--all", "--device", "cpu", "--format", "json")
    whole = json.loads(result.out)
    assert (result.code, whole["ok"]) == (0, True)
    assert [line.split()[:2] for line in result.err.splitlines()] == [["✓", f"{n}:"] for n in four]
    assert [entry["spec"] for entry in whole["specs"]] == four
    *small, alexnet = whole["specs"]
    assert [entry["run"]["batch"] for entry in small] == [2, 2, 2]
    for entry in small:
        for layer in (layer for layer in entry["layers"] if layer["params"]):
            agrees = layer["agrees"]
            # Of large layers connections and receptive fields are not looked at.
            assert False not in agrees.values()
            assert all(agrees[aspect] for aspect in set(agrees) - {"connections", "reads"})
    # torchvision's page of models.
    assert alexnet["totals"]["params"] == 61_100_840
    assert (alexnet["run"], alexnet["not_run"]) == (
        None,
        "61,100,840 parameters are more than 50,000,000",
    )


SMALL = {
    "cs231n-demo": None,
    "m5": None,
    "lenet5-1998": None,
    "keras-mnist": None,
    "mlp-mnist": None,
    "dcgan-generator": None,
    "squeezenet1_1": "64x64",
    "shufflenet_v2_x0_5": "64x64",
    "mobilenet_v3_small": "64x64",
    "googlenet-torchvision": "96x96",
    "regnet_y_400mf": "64x64",
    "resnet18": "64x64",
    "unet": "32x32",
}


@pytest.mark.parametrize(("name", "input"), SMALL.items())
def test_small_networks_forward_and_backward(name: str, input: str | None) -> None:
    smaller = ["--input", input] if input else []
    result = command("verify", name, *smaller, "--device", "cpu", "--format", "json")
    (entry,) = json.loads(result.out)["specs"]
    assert (result.code, entry["differences"]) == (0, [])
    graph = cnncalc.load(name)
    if input:
        (channels, *_), height = next(iter(graph.inputs.values())), int(input.split("x")[0])
        assert entry["inputs_of_spec"] == {n: list(s) for n, s in graph.inputs.items()}
        graph = graph.with_input((channels, height, height))
    # Measured another way: every tensor stays alive, whether it is kept or not.
    measured = saved(graph)
    assert [layer["saved_bytes_measured"] for layer in entry["layers"]] == measured
    assert entry["run"]["saved_bytes_measured"] == sum(measured)
    trained = [layer["agrees"]["gradients"] for layer in entry["layers"] if layer["params"]]
    assert trained == [True] * len(trained)


def test_the_table_says_what_was_compared() -> None:
    result = command("verify", "--device", "cpu")
    assert result.code == 0
    assert result.out.startswith("LeNet-5: torch agrees\n")
    row = next(line for line in result.out.splitlines() if line.startswith("conv1"))
    # Saved: the input and what ReLU gives, of two images: 4·2·(3·32·32 + 6·28·28).
    assert row.split() == [
        *("conv1", "28×28×6", "✓", "456", "✓", "352,800", "✓", "✓", "✓", "62,208"),
        *("✓", "✓"),
    ]
    assert 4 * 2 * (3 * 32 * 32 + 6 * 28 * 28) == 62_208
    said = " ".join(result.out.split())
    assert "a random batch of 2: 114,544 bytes saved for backward, as predicted." in said


def test_another_input_is_said() -> None:
    result = command("verify", "resnet18", "--meta", "--input", "64x64")
    assert "The input is 64×64×3 here; the spec says 224×224×3." in result.out


# Numbers that are wrong on purpose


def _patched(monkeypatch: pytest.MonkeyPatch, word: str, member: str, change: Any) -> None:
    """One member of a layer's class gives something else: `change` of what it gave."""
    kind: Any = layer_class(word)
    right = getattr(kind, member)

    def wrong(self: Any, *inputs: Any) -> Any:
        return change(right(self, *inputs))

    monkeypatch.setattr(kind, member, wrong)


def without_bias(weights: dict[str, Any]) -> dict[str, Any]:
    return {name: shape for name, shape in weights.items() if name != "bias"}


WRONG: list[tuple[str, str, Callable[[Any], Any], list[Difference]]] = [
    (
        "conv",
        "macs",
        lambda macs: macs + 1,
        [
            Difference("conv", "macs", "MACs", 865, 864),
            Difference("", "macs", "MACs in all", 925, 924),
        ],
    ),
    (
        "linear",
        "weights",
        without_bias,
        [
            Difference("fc", "params", "fc.bias", None, (5,)),
            Difference("fc", "params", "params", 60, 65),
            Difference("", "params", "params in all", 123, 128),
        ],
    ),
    (
        "linear",
        "weights",
        lambda weights: {**weights, "weight": (12, 5)},
        [Difference("fc", "params", "fc.weight", (12, 5), (5, 12))],
    ),
    (
        "relu",
        "weights",
        lambda weights: {"scale": (3,)},
        [
            Difference("conv.relu", "params", "conv.relu.scale", (3,), None),
            Difference("conv.relu", "params", "params", 3, 0),
            Difference("", "params", "params in all", 131, 128),
        ],
    ),
    (
        "batch_norm",
        "buffers",
        lambda buffers: {**buffers, "running_var": (4,)},
        [Difference("norm", "params", "norm.running_var", (4,), (3,))],
    ),
    (
        "linear",
        "output",
        lambda shape: (6,),
        [Difference("fc", "output", "output", (6,), (5,))],
    ),
    (
        "max_pool",
        "kept",
        lambda kept: kept.and_also(Extra(1, 1)),
        # Its input, and an index of 8 bytes for each output, of two images.
        [Difference("pool", "saved", "saved bytes", 578, 2 * (4 * 48 + 8 * 12))],
    ),
    (
        "relu",
        "twin",
        lambda twin: Twin("x.detach()"),
        [
            # ReLU keeps its output no more, so that norm is the first that needs it.
            Difference("conv.relu", "saved", "saved bytes", 2 * 4 * 48, 0),
            Difference("norm", "saved", "saved bytes", 24, 24 + 2 * 4 * 48),
        ]
        + [
            Difference("conv", "gradients", f"gradient of conv.{name}", "finite", "none")
            for name in ("weight", "bias")
        ],
    ),
    (
        "flatten",
        "twin",
        lambda twin: Twin("x.flatten(1) * float('nan')"),
        [
            Difference(layer, "gradients", f"gradient of {layer}.{name}", "finite", "not finite")
            for layer in ("conv", "norm", "fc")
            for name in ("weight", "bias")
            if (layer, name) != ("fc", "bias")
        ],
    ),
]


@pytest.mark.parametrize(("word", "member", "change", "differences"), WRONG)
def test_a_wrong_number_is_found(
    word: str,
    member: str,
    change: Callable[[Any], Any],
    differences: list[Difference],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert found().ok
    _patched(monkeypatch, word, member, change)
    verification = found()
    assert list(verification.differences) == differences
    wrong = {(d.layer, d.aspect) for d in differences if d.layer}
    marked = {
        (name, aspect)
        for aspect, marks in verification.marks.items()
        for name, mark in zip(verification.report.column("name"), marks, strict=True)
        if mark is False
    }
    assert marked == wrong


def test_a_wrong_number_ends_with_exit_code_1_and_both_figures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _patched(monkeypatch, "max_pool", "macs", lambda macs: macs + 7)
    result = command("verify", "--meta")
    assert (result.code, result.err) == (1, "")
    lines = result.out.splitlines()
    assert lines[0] == "LeNet-5: torch disagrees in 3 things"
    pool = next(line for line in lines if line.startswith("pool1"))
    assert pool.split() == ["pool1", "14×14×6", "✓", "0", "✓", "7", "✗", "✓", "✓"]
    after = lines[lines.index("What differs") + 3 :]
    assert [line.split() for line in after[:3]] == [
        ["pool1", "MACs", "7", "0"],
        ["pool2", "MACs", "7", "0"],
        ["MACs", "in", "all", "651,734", "651,720"],
    ]
    several = command("verify", "lenet5", "mlp-mnist", "--meta")
    assert several.code == 1
    # One line for each on standard error, a row for each, and whose the differences are.
    assert [line.split()[0] for line in several.err.splitlines()] == ["✗", "✓"]
    assert "torch agrees with 1 of 2 networks" in several.out
    assert "LeNet-5  pool1  MACs" in several.out


def test_what_is_wrong_in_a_collapsed_block_stands_under_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _patched(monkeypatch, "max_pool", "macs", lambda macs: macs + 1)
    lines = command("verify", "googlenet-torchvision", "--meta", "--depth", "1").out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("inception3a"))
    rows = [line.split() for line in lines[start : start + 3]]
    assert [row[0] for row in rows] == ["inception3a", "inception3a.branch4_0", "inception3b"]
    # The pooling has no MACs, and counts one now; so has the block one too many.
    assert rows[1][-2:] == ["1", "✗"]
    assert rows[0][-1] == rows[2][-1] == "✗"


def test_the_layer_that_torch_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    _patched(monkeypatch, "max_pool", "twin", lambda twin: Twin("torch.cat([x], 7)"))
    verification = found()
    (difference,) = verification.differences
    assert difference[:4] == ("pool", "output", "output", (3, 2, 2))
    assert "Dimension out of range" in str(difference.found)
    # What comes after it was not looked at.
    assert verification.marks["output"] == (True, True, True, False, None, None)
    assert verification.step is None
    assert command("verify", "lenet5").code == 1


def test_a_network_that_torch_cannot_hold_is_one_line() -> None:
    verification = found({"input": {"features": 10**12}, "layers": [{"linear": 10**12}]})
    (difference,) = verification.differences
    assert (difference.layer, difference.what) == ("", "the network")
    assert "\n" not in str(difference.found)
    assert "torch stopped on the meta device already" in str(verification)


def test_what_only_a_real_run_shows_is_found() -> None:
    # torch, of batch norm over one value: "Expected more than 1 value per channel".
    spec = {"input": {"features": 3}, "layers": [{"batch_norm": None, "name": "norm"}]}
    (difference,) = found(spec, batch=1).differences
    assert (difference.layer, difference.what) == ("norm", "forward")
    assert "Expected more than 1 value per channel" in str(difference.found)
    assert found(spec).ok


# Branches of the network


def test_auxiliary_layers_are_run_in_training() -> None:
    spec = {
        "input": {"features": 4},
        "layers": [
            {"linear": 3, "name": "a"},
            {"linear": 2, "name": "b"},
            {"linear": 5, "name": "aux", "from": "a"},
        ],
        "outputs": ["b"],
        "auxiliary": ["aux"],
    }
    verification = found(spec)
    assert verification.ok
    assert set(verification.marks) == set(COMPARED)
    assert all(marks == (True, True, True) for marks in verification.marks.values())
    # 12 + 6 in inference; 15 more in training.
    assert verification.report.total("macs") == 18
    assert "leaves out what only training runs" in str(verification)


def test_layers_that_reach_no_output_need_no_gradient() -> None:
    spec = {
        "input": {"features": 4},
        "layers": [{"linear": 3, "name": "a"}, {"linear": 2, "name": "b", "from": "input"}],
        "outputs": ["b"],
    }
    assert found(spec).ok


def test_networks_without_anything_to_train() -> None:
    verification = found({"input": {"height": 4, "width": 4, "channels": 1}, "layers": ["flatten"]})
    assert verification.ok
    assert verification.marks["gradients"] == (None,)


# What is run, and where


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--meta"], "as asked"),
        (["--max-params", "62_005"], "62,006 parameters are more than 62,005"),
    ],
)
def test_why_nothing_was_run_is_said(options: list[str], reason: str) -> None:
    result = command("verify", *options)
    assert (result.code, f"No forward and backward: {reason}." in result.out) == (0, True)
    assert command("verify", "--max-params", "62_006").out.count("No forward") == 0


def test_memory_is_a_limit() -> None:
    report = cnncalc.analyze("lenet5", batch=3)
    # Weights and gradients, what is saved, and six times the working set.
    needed = 2 * 4 * 62_006 + report.total("saved_bytes") + 6 * report.total("working_set")
    enough = found("lenet5", batch=3, max_memory=needed)
    assert enough.step is not None
    short = found("lenet5", batch=3, max_memory=needed - 1)
    wanted = f"about {needed:,} bytes are more than the {needed - 1:,} of --max-memory"
    assert (short.step, short.skipped, short.ok) == (None, wanted, True)


def test_half_of_what_is_free_is_the_usual_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnncalc.witness.verify.free_bytes", lambda device: 2_001)
    assert found().skipped.endswith("bytes are more than the 1,000 of half of what cpu has free")


def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert find_device("auto").type == "cpu"
    result = command("verify", "--device", "cuda")
    assert (result.code, result.err) == (
        2,
        "--device cuda: torch finds none here; there is --device cpu\n",
    )
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert find_device("auto").type == "cuda"


def test_the_peak_is_what_the_allocator_gives_out_from_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # No such device is needed to see that the two are subtracted.
    monkeypatch.setattr(measure, "_watch_peak", lambda device: 1_000)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 5_000)
    step = found().step
    assert step is not None
    assert step.peak == 4_000


def test_random_numbers_of_the_user_stay_as_they_are() -> None:
    before = torch.get_rng_state()
    found()
    assert torch.equal(torch.get_rng_state(), before)


def test_one_wrong_spec_does_not_hide_the_others() -> None:
    result = command("verify", "lenet5", "no-such-network", "mlp-mnist", "--meta")
    assert result.code == 2
    assert "no-such-network" in result.err.splitlines()[-1]
    assert "torch agrees with 2 of 2 networks" in result.out


@pytest.mark.parametrize("format", ["markdown", "latex", "html"])
def test_other_formats(format: str) -> None:
    result = command("verify", "lenet5", "--meta", "--format", format)
    assert result.code == 0
    assert "651,720" in result.out


def test_an_interrupt_is_clean() -> None:
    # What a shell starts in the background ignores the signal, and hands that down.
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "sys.argv = ['cnncalc', 'verify', '--all', '--meta']; "
        "from cnncalc.__main__ import main; main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("✓ alexnet:")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1].startswith("stopped after ")
    assert "Traceback" not in err
