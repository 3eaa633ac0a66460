"""A remedy that a message offers works where it is followed."""

from pathlib import Path

import pytest

import cnncalc as library
from tests.command import cnncalc

HEAD = """\
vars: {act: none, active: false, src: x, widths: [4, 8], same: =widths}
input: {height: 8, width: 8, channels: 3}
blocks:
  x: {layers: [relu]}
layers:
  - {conv: {out_channels: 4, kernel_size: 3}, name: a}
  - {conv: {out_channels: 4, kernel_size: 3}, name: b, from: input}
"""
FROM = (
    "add1: branches are lists of layers, and these are names of earlier ones; write from: [a, b] "
    "beside it, and no branches"
)


def said(item: str) -> list[str]:
    """What a spec that ends with this item is told, without the file's name."""
    Path("net.yaml").write_text(f"{HEAD}  - {item}\n")
    result = cnncalc("table", "net.yaml")
    assert (result.code, result.out) == (2, "")
    return [line.split(": ", 1)[1] for line in result.err.splitlines()]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("branches", ["[a, b]", "[[a], [b]]", "{branches: [a, [b]]}"])
def test_names_where_branches_should_be_are_offered_from(branches: str) -> None:
    assert said(f"add: {branches}") == [FROM]


def test_what_is_offered_works() -> None:
    Path("net.yaml").write_text(f"{HEAD}  - {{add: null, from: [a, b]}}\n")
    assert library.analyze("net.yaml").column("output")[-1] == [4, 6, 6]


def test_other_branches_are_told_what_they_need() -> None:
    assert said("concat: [a, relu]") == [
        'concat1: a branch is a list of layers, not "a"; from reads earlier layers by name',
        'concat1: a branch is a list of layers, not "relu"; put it in brackets of its own',
    ]
    # A block's word is a branch also where a layer has its name.
    Path("net.yaml").write_text(f"{HEAD}  - {{relu: null, name: x}}\n  - add: [[x], []]\n")
    assert library.analyze("net.yaml").column("output")[-1] == [4, 6, 6]


def test_a_list_that_is_too_long_is_a_list() -> None:
    assert said("reshape: [1, 2, 3, 4, 5]") == [
        "reshape1.shape: must list one to four sizes, channels first, of which one may be -1, "
        "not 5 of them"
    ]
    assert said("reshape: {shape: 4}")[0].endswith("may be -1, not 4")
    assert said("permute: [0, 1, 2, 3, 4]")[0].endswith("(the channels), not 5 of them")


def test_no_activation_from_a_formula_is_an_item_with_when() -> None:
    conv = "conv: {out_channels: 4, kernel_size: 3, activation: "
    assert said(f"{conv}none}}") == [
        'conv1.activation: no such activation: "none"; leave the field out for none'
    ]
    assert said(f"{conv}=act}}") == [
        'conv1.activation: no such activation: "none"; for none, make it an item of its own '
        "behind the layer, with when beside it"
    ]
    Path("net.yaml").write_text(f"{HEAD}  - {{relu: null, when: =active}}\n")
    assert library.analyze("net.yaml").column("type") == ["conv", "conv"]
    assert library.analyze("net.yaml", active=True).column("type") == ["conv", "conv", "relu"]


def test_from_takes_no_formula() -> None:
    assert said("{relu: null, from: =src}") == [
        "relu1.from: formulas do not stand in from, which names layers; `when` chooses among items"
    ]


def test_a_variable_may_be_a_list_as_formulas_may() -> None:
    Path("net.yaml").write_text(
        f"{HEAD}  - linear: '=same[1]'\n".replace("linear", "flatten\n  - linear")
    )
    assert library.analyze("net.yaml").column("output")[-1] == [8]
