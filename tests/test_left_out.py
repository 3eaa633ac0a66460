"""Auxiliary outputs are for training: one that does not fit is left out, and that is said."""

from __future__ import annotations

import json
from typing import Any

import pytest

import cnncalc
from tests.command import cnncalc as run

# torchvision.models.inception_v3 on the meta device in eval mode: FlopCounterMode / 2, and all
# parameters but those of AuxLogits.
TORCHVISION = {75: 203_525_728, 150: 1_068_676_480, 298: 5_156_367_872}
PARAMS = 23_834_568


@pytest.mark.parametrize(("size", "macs"), TORCHVISION.items())
def test_inception_v3_below_299(size: int, macs: int) -> None:
    report = cnncalc.analyze("inception_v3", input=(3, size, size))
    assert (report.total("macs"), report.total("params")) == (macs, PARAMS)
    assert report.name == "Inception v3 without AuxLogits_fc"
    assert report.left_out.startswith("AuxLogits_fc, used in training only; AuxLogits_")
    assert not any(name.startswith("Aux") for name in report.column("name"))


def test_at_299_nothing_is_left_out() -> None:
    report = cnncalc.analyze("inception_v3")
    # torchvision's number of all parameters.
    assert (report.name, report.left_out) == ("Inception v3", "")
    assert report.total("params") == 27_161_264


def test_at_74_the_network_itself_does_not_fit() -> None:
    result = run("table", "inception_v3", "--input", "74x74")
    assert result.code == 2
    assert "the smallest input that fits is 75×75" in result.err
    assert "AuxLogits" not in result.err


AT_75 = ["inception_v3", "--input", "75x75"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["table", *AT_75],
        ["table", *AT_75, "-f", "markdown"],
        ["table", *AT_75, "-f", "latex"],
        ["table", *AT_75, "-f", "csv"],
        ["table", *AT_75, "lenet5", "--input", "75x75"],
        ["explain", *AT_75, "fc"],
        ["check", *AT_75, "--max-macs", "1G"],
        ["compare-fc", *AT_75, "Conv2d_1a_3x3"],
        ["draw", *AT_75],
        ["export", *AT_75],
    ],
    ids=" ".join,
)
def test_every_command_says_so(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.code == 0
    said = (result.out + result.err).replace("\\_", "_").replace("\\", "")
    if arguments[0] == "table":
        assert "left out: AuxLogits_fc, used in training only; AuxLogits_pool" in said
    else:
        assert "without AuxLogits_fc" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["table", *AT_75, "--optimizer", "adam"],
        ["table", *AT_75, "--columns", "name,saved_bytes"],
        ["table", *AT_75, "--value", "backward_macs"],
        ["check", *AT_75, "--max-training-memory", "1GB"],
    ],
    ids=" ".join,
)
def test_training_needs_it(arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("training needs what does not fit: AuxLogits_fc")


def net(**more: Any) -> dict[str, Any]:
    """A small network with two heads for training, of which one needs 9 positions."""
    return {
        "name": "net",
        "input": {"length": 8, "channels": 2},
        "layers": [
            {"conv": {"out_channels": 2, "kernel_size": 3}, "name": "body"},
            {"global_avg_pool": {}, "name": "main"},
            {"conv": {"out_channels": 2, "kernel_size": 9}, "name": "large", "from": "body"},
            {"relu": None, "name": "aux1"},
            {"conv": {"out_channels": 3, "kernel_size": 1}, "name": "aux2", "from": "body"},
            *more.get("layers", ()),
        ],
        "outputs": ["main"],
        "auxiliary": ["aux1", "aux2"],
    }


def test_only_what_does_not_fit_is_left_out() -> None:
    report = cnncalc.analyze(net())
    assert report.column("name") == ["body", "main", "aux2"]
    assert report.column("part")[-1] == "auxiliary"
    assert report.name == "net without aux1"
    # body 2·2·3 + 2, aux2 2·3 + 3.
    assert report.total("params") == 14 + 9
    assert json.loads(json.dumps(report.to_dict()))["name"] == "net without aux1"


def test_whose_weights_others_use_stays() -> None:
    tied = {"conv": {"out_channels": 2, "kernel_size": 9, "padding": 4}, "weights_of": "large"}
    spec = net()
    spec["layers"].append({**tied, "name": "tied", "from": "body"})
    spec["outputs"].append("tied")
    with pytest.raises(cnncalc.SpecError, match="large: kernel 9 does not fit"):
        cnncalc.analyze(spec)
