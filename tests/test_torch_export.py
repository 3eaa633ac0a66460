"""The modules that `cnncalc export --to torch` writes do what `cnncalc.build` makes."""

from __future__ import annotations

import copy
from typing import Any, cast

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.distributed import ProcessGroup

import cnncalc
from cnncalc.graph import Graph
from cnncalc.infer import infer
from cnncalc.interop.torch_source import TAKEN, torch_source
from cnncalc.layers import MODULES
from cnncalc.training.distributed import normalise_together
from cnncalc.witness.measure import random_inputs
from tests.formatted import check_format
from tests.strategies import (
    SHADOWS,
    layers_for,
    shadowing,
    shapes_for,
    spec_of,
    specs,
    thorough,
)
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


OWN = [
    {"locally_connected": {"out_channels": 2, "kernel_size": 2}},
    {"subsample": 2},
    {"drop_path": 0.5},
    {"tanh": None, "name": "last"},
    {"multiply": None, "from": ["last"] * 17},
]
"""Layers for which the code takes along definitions of ours."""
FREE = [word for word in SHADOWS if word not in TAKEN and not word.startswith("__")]


def test_no_name_shadows_what_the_code_uses() -> None:
    """A block is a class; a layer's name is an attribute, and some of them torch's own."""
    blocks = [word for word in SHADOWS if not word.startswith("__")]
    same(cnncalc.load(shadowing(OWN, blocks, FREE)))


@pytest.mark.parametrize("word", ["x", "len", "super", "sum", "zip", "torch", "F", "layer"])
def test_one_name_shadows_nothing(word: str) -> None:
    same(cnncalc.load(shadowing(OWN, [word, "other"], [word, "value"])))


@pytest.mark.parametrize("word", ["add", "multiply", "concat"])
@pytest.mark.parametrize("number", [500, 4000])
def test_a_join_of_many(word: str, number: int) -> None:
    names = [f"n{i}" for i in range(number)]
    layers = [{"tanh": None, "name": name, "from": "input"} for name in names]
    spec = {"name": "many", "input": {"features": 2}}
    graph = cnncalc.load({**spec, "layers": [*layers, {word: None, "from": names}]})
    module = executed(torch_source(graph, infer(graph)))
    x = torch.rand(1, 2, dtype=torch.float64)
    y = x.tanh()
    wanted = {"add": number * y, "multiply": y**number, "concat": y.repeat(1, number)}[word]
    torch.testing.assert_close(module(x), wanted)
    torch.testing.assert_close(cnncalc.build(graph)(x), wanted)


NORMS = {
    "input": {"height": 3, "width": 3, "channels": 2},
    "blocks": {"unit": {"layers": [{"batch_norm": None, "name": "n", "weights_of": "a"}]}},
    "layers": [
        {"batch_norm": None, "name": "a"},
        {"batch_norm": None, "name": "b", "weights_of": "a"},
        {"batch_norm": {"eps": 0.5, "momentum": 0.5}, "name": "c", "weights_of": "a"},
        {"repeat": {"times": 2, "layers": [{"batch_norm": None, "weights_of": "a"}]}},
    ],
}
"""One batch norm in five places, in one of them with another ε."""
MOVES = {
    "double": lambda module: module.double(),
    "half and back": lambda module: module.half().float(),
    "to another device and back": lambda module: module.to("meta").to_empty(device="cpu").double(),
    "copied": lambda module: copy.deepcopy(module).double(),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=list(MOVES))
@pytest.mark.parametrize("exported", [False, True])
def test_what_is_shared_stays_shared(move: Any, exported: bool) -> None:
    graph = cnncalc.load({**NORMS, "name": "norms"})
    module: Any = both(graph)[exported]
    module = move(module.train())
    norms = [m for _, m in module.named_modules(remove_duplicate=False) if hasattr(m, "eps")]
    assert len(norms) == 5
    for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
        assert len({getattr(norm, name).data_ptr() for norm in norms}) == 1
    # Memory that was only made, on another device, holds anything.
    norms[0].reset_parameters()
    x = torch.rand(4, 2, 3, 3, dtype=norms[0].weight.dtype)
    module(x)
    # Each of the five has added its batch to the one mean and the one counter.
    assert norms[-1].num_batches_tracked == 5
    mean, read = torch.zeros(2, dtype=x.dtype), x.mean((0, 2, 3))
    for momentum in (0.1, 0.1, 0.5, 0.1, 0.1):
        mean = (1 - momentum) * mean + momentum * read
        # What a batch norm gives has the mean of its bias.
        read = norms[0].bias.detach()
    torch.testing.assert_close(norms[-1].running_mean, mean)


def test_an_equal_layer_is_the_same_module_in_the_code() -> None:
    lines = torch_source(graph := cnncalc.load({**NORMS, "name": "n"}), infer(graph)).splitlines()
    assert "        self.b = self.a" in lines


def test_what_is_shared_is_normalised_together() -> None:
    """torch's own conversion leaves a module out where it stands a second time."""
    twin = cnncalc.build({**NORMS, "name": "norms"})
    normalise_together(twin, cast(ProcessGroup, object()), "cuda")
    norms = [m for _, m in twin.named_modules(remove_duplicate=False) if hasattr(m, "eps")]
    assert [type(norm) for norm in norms] == [nn.SyncBatchNorm] * 5
    assert len({norm.running_mean.data_ptr() for norm in norms}) == 1
