"""The number in the first column of a table names a layer wherever a name does."""

from pathlib import Path

import pytest

import cnncalc as library
from cnncalc.errors import UsageError
from tests.command import cnncalc


@pytest.fixture
def resnet() -> list[tuple[str, int]]:
    report = library.analyze("resnet18")
    return list(zip(report.column("name"), report.column("number"), strict=True))


def test_a_projection_has_the_number_of_what_it_stands_beside(
    resnet: list[tuple[str, int]],
) -> None:
    numbers = dict(resnet)
    # conv1, four convolutions of layer1, then those of layer2.0.
    wanted = {
        "conv1": 1,
        "layer1.1.conv2": 5,
        "layer2.0.conv1": 6,
        "layer2.0.downsample.0.conv": 6,
        "layer2.0.conv2": 7,
        "layer2.0.add": 7,
        "fc": 18,
    }
    assert {name: numbers[name] for name in wanted} == wanted


def test_an_auxiliary_head_makes_no_network_deeper() -> None:
    layers = [
        {"linear": 4, "name": "a"},
        {"linear": 3, "name": "b"},
        {"linear": 3, "name": "x", "from": "a"},
        {"linear": 3},
        {"linear": 3, "name": "y"},
    ]
    spec = {"input": {"features": 4}, "layers": layers, "outputs": ["b"], "auxiliary": ["y"]}
    report = library.analyze(spec)
    assert (report.column("number"), report.layers) == ([1, 2, 2, 3, 4], 2)


def test_explain_takes_the_number() -> None:
    by_number = cnncalc("explain", "lenet5", "1")
    assert by_number == cnncalc("explain", "lenet5", "conv1")
    assert by_number.out.count("conv1: conv 5×5") == 1
    # Layers beside each other share it; one of a block that the table collapses has it as well.
    names = [one.name for one in library.explain("resnet18", "6").layers]
    assert names == ["layer2.0.conv1", "layer2.0.downsample.0.conv"]


def test_other_commands_take_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cnncalc("compare-fc", "lenet5", "2") == cnncalc("compare-fc", "lenet5", "conv2")
    assert cnncalc("explain", "lenet5", "3", "--quiz") == cnncalc(
        "explain", "lenet5", "fc3", "--quiz"
    )
    monkeypatch.chdir(tmp_path)
    # 5·5·3·6 weights and 6 biases.
    Path("a.md").write_text("<!-- cnncalc:begin value lenet5 1.params --><!-- cnncalc:end -->\n")
    assert cnncalc("embed", "a.md").code == 0
    assert "-->456<!--" in Path("a.md").read_text()
    Path("a.md").write_text("<!-- cnncalc:begin value resnet18 6.macs --><!-- cnncalc:end -->\n")
    found = cnncalc("embed", "a.md")
    assert "6 is the number of several layers: layer2.0.conv1, layer2.0.down" in found.err


def test_a_layer_that_is_called_so_comes_first() -> None:
    layers = [{"linear": 4, "name": "2"}, {"linear": 3, "name": "b"}]
    spec = {"input": {"features": 4}, "layers": layers}
    assert [one.name for one in library.explain(spec, "2").layers] == ["2"]
    assert [one.name for one in library.explain(spec, "1").layers] == ["2"]


def test_a_number_that_no_layer_has() -> None:
    for number in ("9", "0", "99999999999999"):
        with pytest.raises(UsageError) as error:
            library.explain("lenet5", number)
        assert str(error.value) == f"no such layer: {number}; their numbers are 1 to 5"
    found = cnncalc("explain", "lenet5", "nope", "--quiz")
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith('no such layer: "nope"')
    found = cnncalc("compare-fc", "lenet5", "4")
    assert found.err.startswith("fc4 is no convolution but linear")
