"""Sizes of an input in torch's order and in textbooks', in every command and in Python."""

from pathlib import Path
from typing import Any

import numpy
import pytest

import cnncalc
from cnncalc.errors import UsageError
from tests.command import cnncalc as run

RESNET18 = 1_814_073_344
"""MACs on 224 × 224 × 3, as torch counts them; on 3 × 224 × 224 the stem alone has 7·7·224·64
weights."""
TAKES = "takes height × width × channels: --input"
COMMANDS = {
    "table": "table resnet18",
    "several": "table resnet18 lenet5",
    "value": "table resnet18 --value macs",
    "check": "check resnet18 --max-macs 1G",
    "explain": "explain resnet18 conv1",
    "compare-fc": "compare-fc resnet18 conv1",
    "reconcile": "reconcile resnet18",
    "draw": "draw resnet18",
    "export": "export resnet18",
    "keras": "export resnet18 --to keras",
    "diff": "diff resnet18 resnet34",
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_every_command_refuses_torchs_order_and_spells_ours_out(command: str) -> None:
    found = run(*command.split(), "--input", "3x224x224")
    assert (found.code, found.out) == (2, "")
    assert found.err == f"--input 3x224x224: resnet18 {TAKES} 224x224x3\n"


def test_the_second_input_of_diff_is_read_alike() -> None:
    found = run("diff", "resnet18", "--input-b", "3x96x96")
    assert (found.code, found.err) == (2, f"--input 3x96x96: resnet18 {TAKES} 96x96x3\n")


def test_a_budget_table_and_a_region_are_read_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text(
        '[tool.cnncalc.budgets.resnet18]\ninput = "3x224x224"\nmax-macs = "1G"\n'
    )
    found = run("check")
    assert (found.code, found.err) == (2, f"--input 3x224x224: resnet18 {TAKES} 224x224x3\n")
    Path("a.md").write_text(
        "<!-- cnncalc:begin table resnet18 input=3x224x224 -->\n<!-- cnncalc:end -->\n"
    )
    found = run("embed", "a.md")
    assert found.code == 2
    assert f"{TAKES} 224x224x3" in found.err


@pytest.mark.parametrize(
    ("spec", "given", "said"),
    [
        ("m5", "1x8000", "M5 takes length × channels: --input 8000x1"),
        ("c3d", "3x8x64x64", "C3D takes depth × height × width × channels: --input 8x64x64x3"),
        ("lenet5", "3x32x32", f"LeNet-5 {TAKES} 32x32x3"),
        # Grey: one channel.
        ("lenet5-1998", "1x28x28", f"LeNet-5 (1998) {TAKES} 28x28x1"),
    ],
)
def test_on_each_number_of_axes(spec: str, given: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        cnncalc.analyze(spec, input=given)
    assert str(error.value) == f"--input {given}: {said}"


def test_a_batch_stands_apart() -> None:
    found = run("table", "resnet18", "--input", "8x3x224x224")
    assert found.err == (
        "--input must have as many sizes as the spec's 224x224x3, not 8x3x224x224; the batch is "
        "apart: --input 224x224x3 and --batch 8\n"
    )
    for given in ((8, 3, 224, 224), (8, 224, 224, 3)):
        with pytest.raises(UsageError, match=r"input=\(3, 224, 224\) and batch=8$"):
            cnncalc.analyze("resnet18", input=given)


@pytest.mark.parametrize(
    "given",
    [
        (3, 224, 224),
        [3, 224, 224],
        (224, 224),
        "224x224x3",
        "224x224",
        "224×224×3",
        numpy.array([3, 224, 224]),
        tuple(numpy.array([3, 224, 224])),
    ],
    ids=str,
)
def test_python_takes_tuples_in_torchs_order_and_texts_in_ours(given: Any) -> None:
    assert cnncalc.analyze("resnet18", input=given).total("macs") == RESNET18


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            (224, 224, 3),
            "input=(224, 224, 3): resnet18 takes channels first, as torch does: "
            "input=(3, 224, 224)",
        ),
        ("3x224x224", f"--input 3x224x224: resnet18 {TAKES} 224x224x3"),
        (
            224,
            "input must be a tuple such as (3, 224, 224), or the text 224x224x3, not 224",
        ),
        (
            (3, 2.5, 3),
            "input must be whole numbers: a tuple such as (3, 224, 224), or the text 224x224x3",
        ),
        (
            (True, 3, 3),
            "input must be whole numbers: a tuple such as (3, 224, 224), or the text 224x224x3",
        ),
        ((3, 0, 4), "--input: every size must be from 1 to 1,000,000,000,000"),
        (
            b"224",
            "input must be a tuple such as (3, 224, 224), or the text 224x224x3, not a bytes",
        ),
        ("", '--input must be sizes like 256x256 or 256x256x3, not ""'),
    ],
    ids=str,
)
def test_python_refuses_the_other_order_and_what_is_no_size(given: Any, said: str) -> None:
    asked: tuple[Any, ...] = (cnncalc.analyze, cnncalc.explain, cnncalc.compare_fc, cnncalc.export)
    for function in asked:
        with pytest.raises(UsageError) as error:
            function("resnet18", input=given)
        assert str(error.value) == said
    with pytest.raises(UsageError) as error:
        cnncalc.check("resnet18", {"max-macs": "1G"}, input=given)
    assert str(error.value) == said


def test_where_both_ends_are_the_channels_nothing_is_said() -> None:
    spec = {
        "input": {"height": 8, "width": 8, "channels": 3},
        "layers": [{"conv": {"out_channels": 2, "kernel_size": 1}}],
    }
    # 3 · 5 positions, 3 · 2 products at each.
    assert cnncalc.analyze(spec, input="3x5x3").total("macs") == 3 * 5 * 3 * 2
    assert cnncalc.analyze(spec, input=(3, 5, 3)).total("macs") == 5 * 3 * 3 * 2
    # Other channels than the spec's are another network, as asked.
    assert cnncalc.analyze(spec, input="4x5x6").total("macs") == 4 * 5 * 6 * 2
    assert cnncalc.analyze(spec, input=(6, 4, 5)).total("macs") == 4 * 5 * 6 * 2


def test_an_input_of_any_name_can_be_another() -> None:
    spec = {
        "inputs": {"image": {"height": 8, "width": 8, "channels": 3}},
        "layers": [{"conv": {"out_channels": 2, "kernel_size": 1}, "from": "image"}],
    }
    report = cnncalc.analyze(spec, input="5x5")
    assert (report.inputs[0]["name"], report.total("macs")) == ("image", 5 * 5 * 3 * 2)


def test_of_several_inputs_none_is_meant() -> None:
    spec = {
        "inputs": {name: {"height": 8, "width": 8, "channels": 3} for name in "ab"},
        "layers": [{"add": {}, "from": ["a", "b"]}],
    }
    for given in ("8x8x3", (3, 8, 8)):
        with pytest.raises(UsageError, match="for a network with one input"):
            cnncalc.analyze(spec, input=given)
