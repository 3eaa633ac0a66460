"""No line is wider than the terminal, whatever is asked; in a pipe nothing is left out."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from cnncalc.meanings import COLUMNS
from tests.command import Result, cnncalc

NETWORKS = ["lenet5", "vgg16", "resnet50", "googlenet", "unet", "vit_b_16"]
COMMANDS = {
    "field and set": "table {} --columns +receptive_field,working_set",
    "training": "table {} --optimizer adam --batch 32",
    "count": "table {} --count-as fvcore --columns +connections,elementwise",
    "keras": "table {} --params-as keras --columns +trainable,non_trainable,buffers",
    "bytes": "table {} --columns +params_bytes,activations_bytes,bytes_moved,intensity --depth 1",
    "alive": "table {} --columns name,layer,input,output,alive,working_set,macs",
    "windows": "table {} --columns +kernel_size,stride,padding,dilation,groups --top 9 --sort macs",
    "several": "table {} resnet18 vgg16 --columns +connections,saved_bytes,training_bytes",
    "check": "check {} --max-params 1M --max-macs 1G --max-peak-memory 256KiB --strict-any",
    "diff": "diff {} lenet5 --batch 64",
    "compare-fc": "compare-fc {} --hidden 600,300",
    "reconcile": "reconcile {} thop calflops-flops",
    "all tools": "reconcile {}",
}


def printed(command: str, width: int | None) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COLUMNS", raising=False)
        if width is not None:
            patch.setenv("COLUMNS", str(width))
        return cnncalc(*command.split())


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_no_line_is_wider_than_the_terminal(command: str, width: int) -> None:
    for name in NETWORKS if command.startswith("table") else NETWORKS[:4]:
        result = printed(command.format(name), width)
        assert result.code in (0, 1), result.err
        wide = [line for line in result.out.splitlines() if cell_len(line) > width]
        assert wide == []


@pytest.mark.parametrize("width", [30, 40, 60, 80])
def test_all_columns_at_once_fit(width: int) -> None:
    result = printed(f"table resnet18 --depth 1 --columns {','.join(COLUMNS)}", width)
    assert max(map(cell_len, result.out.splitlines())) <= width
    # Every number is there, below the names of its rows again: torchvision's.
    assert "11,689,512" in result.out
    assert len(re.findall("(?m)^layer3", result.out)) > 3


def test_what_was_not_asked_for_goes_first() -> None:
    out = printed("table vgg16 --columns +receptive_field,working_set", 120).out
    assert "No room for params %, MACs %, FLOPs: widen the terminal, or choose --columns" in out
    # 196 of the last convolution is in every table of VGG-16's fields.
    assert re.search(r"\n13 +conv5_3 .* 100,352 +2,359,808 +462,422,016 +196 +802,816\n", out)
    for key, title in (("flops", "FLOPs"), ("macs_share", "MACs %")):
        kept = printed(f"table vgg16 --columns +receptive_field,working_set,{key}", 120).out
        (said,) = [line for line in kept.splitlines() if line.startswith("No room")]
        assert title not in said


def test_what_was_asked_for_stays() -> None:
    keys = ["activations", "flops", "macs_share", "params_share", "receptive_field", "alive"]
    out = printed(f"table vgg16 --columns name,layer,{','.join(keys)}", 60).out
    assert "No room" not in out
    # 2 × the 15,470,264,320 MACs that torchvision's counter gives.
    assert "30,940,528,640" in out
    assert "conv 3×3 s1 p1 +" in out


def test_a_pipe_has_all_columns() -> None:
    whole = printed("table vgg16 --columns +receptive_field,working_set", None).out
    header = whole.splitlines()[2]
    for title in ("activations", "params", "%", "MACs", "FLOPs", "receptive field", "peak memory"):
        assert title in header
    assert "No room" not in whole
    several = printed("table vgg16 lenet5 --columns +connections,saved_bytes", None).out
    assert several.splitlines()[0].split()[:3] == ["network", "input", "layers"]
    assert "FLOPs" in several.splitlines()[0]
