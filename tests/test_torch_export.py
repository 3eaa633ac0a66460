"""The modules that `cnncalc export --to torch` writes do what `cnncalc.build` makes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import cnncalc
from cnncalc.graph import Graph
from cnncalc.infer import infer
from cnncalc.interop.torch_source import TAKEN, torch_source
from cnncalc.layers import MODULES
from cnncalc.witness.measure import random_inputs
from tests.formatted import check_format
from tests.strategies import layers_for, shapes_for, spec_of, specs, thorough
from tests.zoo import zoo

SMALL = 4_000_000
"""Parameters of networks that are computed with values."""

# Torch says that it takes its own kernel for an LSTM with a projection.
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")


def executed(source: str) -> Any:
    """The last class of a module, made."""
    space: dict[str, Any] = {"__name__": "exported"}
    exec(compile(source, "exported.py", "exec"), space)
    classes = [v for v in space.values() if isinstance(v, type) and v.__module__ == "exported"]
    return classes[-1]()


def both(graph: Graph) -> tuple[Any, Any]:
    """The twin and the exported module, which has the twin's weights."""
    source = torch_source(graph, infer(graph))
    check_format(source)
    twin: Any = cnncalc.build(graph)
    module = executed(source)
    shapes = [{k: v.shape for k, v in m.state_dict().items()} for m in (twin, module)]
    assert shapes[0] == shapes[1]
    shared = [len(list(m.parameters())) for m in (twin, module)]
    assert shared[0] == shared[1]
    module.load_state_dict(twin.state_dict(), strict=True, assign=False)
    return twin, module


def results(module: nn.Module, graph: Graph, device: str) -> list[Tensor]:
    """What it gives for two random samples, the same ones and the same dropout each time."""
    torch.manual_seed(0)
    samples = [x.to(device) for x in random_inputs(graph, 2)]
    with torch.no_grad():
        given = module(*samples)
    return list(given) if isinstance(given, tuple) else [given]


def same(graph: Graph, device: str = "cpu", trainings: tuple[bool, ...] = (False,)) -> None:
    with torch.device(device):
        twin, module = both(graph)
    for training in trainings:
        pair = [results(m.train(training), graph, device) for m in (twin, module)]
        for wanted, found in zip(*pair, strict=True):
            assert wanted.shape == found.shape
            if device != "meta":
                assert torch.equal(wanted.nan_to_num(), found.nan_to_num())


@pytest.mark.parametrize("name", zoo())
def test_every_bundled_network(name: str) -> None:
    graph = cnncalc.load(name)
    small = cnncalc.analyze(graph).total("params") < SMALL
    same(graph, "cpu" if small else "meta", (False, True) if graph.auxiliary else (False,))


@pytest.mark.parametrize(
    ("name", "size"), [("inception_v3", 299), ("googlenet-torchvision", 64), ("fcn_resnet50", 64)]
)
def test_values_in_training(name: str, size: int) -> None:
    """With what auxiliary outputs give, which inception's needs its own size for."""
    same(cnncalc.load(name).with_input((3, size, size)), trainings=(True,))


@pytest.mark.parametrize("word", MODULES)
@thorough(5)
@given(data=st.data())
def test_every_layer(word: str, data: st.DataObject) -> None:
    shape = data.draw(shapes_for(word))
    same(cnncalc.load(spec_of(data.draw(layers_for(shape, word)), shape)))


@thorough(20)
@given(spec=specs())
def test_random_networks(spec: dict[str, Any]) -> None:
    same(cnncalc.load(spec))


def test_several_inputs_and_outputs_shared_weights_and_names_that_are_no_attributes() -> None:
    block = {"layers": [{"linear": {"out_features": 4, "activation": "prelu"}, "name": "class"}]}
    same(
        cnncalc.load(
            {
                "name": "net",
                "inputs": {"left": {"features": 4}, "right": {"features": 4}},
                "outputs": ["both", "0"],
                "blocks": {"block": block},
                "layers": [
                    {"concat": {}, "from": ["right", "left"], "name": "both"},
                    {"linear": 4, "name": "a"},
                    {"linear": 4, "name": "0", "weights_of": "a", "from": "both"},
                    {"repeat": {"times": 2, "layers": ["block"]}, "from": "a", "name": "r"},
                    {"batch_norm": {}, "name": "unread", "from": "a"},
                ],
            }
        ),
        trainings=(False, True),
    )


def test_blocks_that_are_not_in_one_piece() -> None:
    """An auxiliary branch within a block: only training runs it."""
    block = {
        "layers": [
            {"linear": 4, "name": "a"},
            {"linear": 4, "name": "b"},
        ]
    }
    layers = [
        {"block": None, "name": "one"},
        {"block": None, "name": "two"},
        {"linear": 2, "name": "aux", "from": "one"},
        {"linear": 2, "name": "main", "from": "two"},
    ]
    net = {"name": "net", "input": {"features": 4}, "layers": layers, "blocks": {"block": block}}
    same(cnncalc.load({**net, "outputs": ["main"], "auxiliary": ["aux"]}), trainings=(False, True))


def test_the_main_part_prints_parameters_and_shape(capsys: pytest.CaptureFixture[str]) -> None:
    source = torch_source(graph := cnncalc.load("lenet5"), infer(graph))
    exec(compile(source, "exported.py", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out == "62,006 parameters\n(2, 10)\n"


def test_names_that_torch_has_for_itself_are_known() -> None:
    names = {name for name in dir(nn.Module()) if not name.startswith("__")}
    assert names <= TAKEN
