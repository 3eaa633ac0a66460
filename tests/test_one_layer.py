"""One layer, no file: its table, its working, one number of it."""

from pathlib import Path

import pytest

import cnncalc as library
from tests.command import cnncalc

STEM = ("conv", "out_channels=64", "kernel_size=7", "--input", "224x224x3")
# 218 = 224 - 7 + 1 positions along each axis; 7·7·3 products for each of 64 filters.
MACS, PARAMS = 218 * 218 * 7 * 7 * 3 * 64, 7 * 7 * 3 * 64 + 64
ORDER = (
    "note: --input 3x224x224 is height 3, width 224, channels 224; channels stand last: "
    "224x224x3 is the other order"
)


def test_one_number_of_a_layer() -> None:
    for key, value in (("macs", MACS), ("params", PARAMS), ("flops", 2 * MACS), ("layers", 1)):
        assert cnncalc("layer", *STEM, "--value", key) == (0, f"{value}\n", "")
    # thop counts multiply-accumulates, fvcore as well.
    found = cnncalc("layer", *STEM, "--count-as", "thop", "--value", "count")
    assert found.out == f"{MACS}\n"


def test_parameters_as_keras_counts_them() -> None:
    options = ("--input", "4x4x8", "--value", "params")
    assert cnncalc("layer", "batch_norm", *options).out == "16\n"
    assert cnncalc("layer", "batch_norm", *options, "--params-as", "keras").out == "32\n"
    report = library.layer("batch_norm", input=(8, 4, 4), params_as="keras")
    assert report.total("params") == 32


def test_memory_of_training_and_a_caption() -> None:
    found = cnncalc("layer", "linear", "10", "--input", "400", "--optimizer", "adam")
    # Weights, gradients and two moments of 4,010 parameters, a counter for each of two tensors,
    # and the 400 inputs that are kept.
    assert f"{4 * (4 * 4_010 + 2 + 400):,}" in found.out
    found = cnncalc("layer", *STEM, "-f", "latex", "--caption", "Stem", "--label", "tab:stem")
    assert r"\label{tab:stem}" in found.out
    assert cnncalc("layer", *STEM, "--label", "tab:stem").code == 2


def test_the_working_of_a_layer() -> None:
    found = cnncalc("explain", *STEM)
    assert found.code == 0
    assert f"MACs         = H₂·W₂·F·F·C₁·K = 218·218·7·7·3·64 = {MACS:,}" in found.out
    # A sum of one layer says nothing.
    assert "The network" not in found.out
    found = cnncalc("explain", "linear", "10", "--input", "400")
    assert "= 400·10 + 10 = 4,010" in found.out
    found = cnncalc("compare-fc", *STEM)
    assert "one output sees 7×7×3 = 147" in " ".join(found.out.split())


def test_a_file_of_that_name_is_a_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("conv").write_text("input: {features: 4}\nlayers:\n  - linear: 2\n")
    assert "fc1: linear" in cnncalc("explain", "conv").out


def test_torchs_order_is_noted_where_no_spec_tells() -> None:
    order = ("conv", "out_channels=4", "kernel_size=3", "--input", "3x224x224")
    assert ORDER in " ".join(cnncalc("layer", *order).out.split())
    assert cnncalc("layer", *order, "--value", "macs").err == f"conv: {ORDER}\n"
    assert cnncalc("layer", *order, "-f", "csv").err == f"{ORDER}\n"
    assert cnncalc("explain", *order).err == f"{ORDER}\n"
    # It is read so all the same: 1 × 222 positions, 3·3·224 products each.
    assert cnncalc("layer", *order, "--value", "macs").out == f"{222 * 9 * 224 * 4}\n"
    # What does not fit may be the order, too.
    found = cnncalc("layer", "conv", "out_channels=4", "kernel_size=7", "--input", "3x224x224")
    assert found.code == 2
    assert found.err.splitlines()[-1] == ORDER
    report = library.layer("conv", out_channels=4, kernel_size=3, input="3x224x224")
    assert [(w.kind, w.layer) for w in report.warnings] == [("order", "input")]


@pytest.mark.parametrize("given", ["224x224x3", "3x3x3", "1x1x3", "5x224x224", "400", "1x28x1"])
def test_other_orders_are_not_noted(given: str) -> None:
    assert not library.layer("relu", input=given).warnings


def test_a_tuple_has_channels_first() -> None:
    assert not library.layer("relu", input=(3, 224, 224)).warnings
    assert library.layer("relu", input=(3, 224, 224)).column("output") == [[3, 224, 224]]
    # A volume with its batch looks so, too.
    said = library.layer("relu", input="1x3x224x224").warnings[0].message
    assert "is depth 1, height 3, width 224, channels 224" in said


def test_what_is_no_network_says_what_it_is() -> None:
    found = cnncalc("table", "conv")
    assert found.err.endswith("; conv is a layer: `cnncalc layer conv` has its table\n")
    found = cnncalc("explain", "conv", "out_channels=4", "--set", "a=1")
    assert found.err == "--set: conv is a layer, which has no variables\n"
