"""`trainable: false`: what training no longer changes, keeps and computes, as torch has it."""

import pytest
import torch
import yaml
from torch.utils.flop_counter import FlopCounterMode

import cnncalc
from cnncalc.errors import CnncalcError
from cnncalc.infer import infer
from cnncalc.interop.keras_source import keras_source
from cnncalc.interop.torch_source import torch_source

SPEC = """
name: frozen
input: {height: 16, width: 16, channels: 3}
blocks:
  unit: {layers: [{conv: {out_channels: 8, kernel_size: 3, norm: batch_norm, activation: relu}}]}
layers:
  - {unit: , trainable: false, name: body}
  - {conv: {out_channels: 4, kernel_size: 3, padding: 1}, name: c}
  - {conv: {out_channels: 4, kernel_size: 3, padding: 1, bias: false}, name: d}
  - {conv: {out_channels: 4, kernel_size: 3, padding: 1, bias: false}, name: e, trainable: false}
  - {conv: {out_channels: 4, kernel_size: 3, padding: 1, bias: false}, weights_of: e}
  - flatten
  - linear: 10
"""


def spec() -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load(SPEC)
    return found


def test_what_is_trained_is_counted_apart() -> None:
    report = cnncalc.analyze(spec(), optimizer="adam")
    # 3·9·8 and 2·8 of the body; 8·9·4 + 4; 4·9·4, and once more frozen; 14·14·4·10 + 10.
    assert report.total("non_trainable") == 216 + 16 + 144
    assert report.total("trainable") == 292 + 144 + 7_850
    # Two values of adam's for each of them, and a step for each of the five tensors.
    assert report.total("optimizer_bytes") == 4 * (2 * (292 + 144 + 7_850) + 5)


def test_torch_trains_the_same() -> None:
    network = cnncalc.build(spec())
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert trained == cnncalc.analyze(spec()).total("trainable")
    network(torch.randn(2, 3, 16, 16)).sum().backward()
    without = [name for name, p in network.named_parameters() if p.grad is None]
    assert without == ["body.conv1.weight", "body.bn1.weight", "body.bn1.bias", "e.weight"]


def test_backward_multiplies_as_torch_does() -> None:
    network, report = cnncalc.build(spec()), cnncalc.analyze(spec())
    x = torch.randn(1, 3, 16, 16)
    with FlopCounterMode(display=False) as forward:
        result = network(x)
    with FlopCounterMode(display=False) as backward:
        result.sum().backward()
    assert forward.get_total_flops() == 2 * report.total("macs")
    assert backward.get_total_flops() == 2 * report.total("backward_macs")


def test_verify_agrees() -> None:
    assert cnncalc.verify(spec()).ok


def test_exports_freeze_too() -> None:
    graph = cnncalc.load(spec())
    names: dict[str, object] = {}
    exec(torch_source(graph, infer(graph)), names)
    made = names["Frozen"]()  # type: ignore[operator]
    frozen = [name for name, p in made.named_parameters() if not p.requires_grad]
    assert frozen == ["body.conv1.weight", "body.bn1.weight", "body.bn1.bias", "e.weight"]
    alone = spec()
    alone["layers"] = alone["layers"][:3]  # type: ignore[index]
    graph = cnncalc.load(alone)
    assert keras_source(graph, infer(graph)).count("trainable=False") == 2


def test_a_frozen_layer_that_keras_has_not_is_refused() -> None:
    layers = [{"layer_scale": 1.0, "trainable": False}]
    graph = cnncalc.load({"input": {"features": 3}, "layers": layers})
    with pytest.raises(CnncalcError, match="cannot freeze it"):
        keras_source(graph, infer(graph))
