"""Networks as torch runs them: the same shapes, the same weights, the same work at every node."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
import types
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

import cnncalc
from cnncalc.graph import Graph
from cnncalc.infer import infer
from cnncalc.layers import MODULES
from cnncalc.witness.measure import random_inputs
from tests.strategies import layers_for, shapes_for, spec_of, specs, thorough
from tests.test_docs import Fence, of
from tests.zoo import zoo

BATCH = 2


def inputs_of(graph: Graph) -> list[Tensor]:
    with torch.device("meta"):
        return random_inputs(graph, BATCH)


def agrees(graph: Graph) -> None:
    """The twin has the names and shapes of the weights, and at each node the output and MACs."""
    facts = infer(graph)
    with torch.device("meta"):
        twin: Any = cnncalc.build(graph)
    parameters = {name: tuple(p.shape) for name, p in twin.named_parameters()}
    assert parameters == {f"{f.node.name}.{n}": s for f in facts for n, s in f.weights.items()}
    buffers = {name: tuple(b.shape) for name, b in twin.named_buffers()}
    assert buffers == {
        f"{f.node.name}.{name}": shape
        for f in facts
        if not f.node.weights_of
        for name, shape in f.node.layer.buffers(*f.inputs).items()
    }
    resting = graph.only_auxiliary()
    for training in {False, bool(resting)}:
        assert observed(twin.train(training), graph) == {
            f.node.name: (f.output, f.macs) for f in facts if training or f.node.name not in resting
        }


def observed(twin: nn.Module, graph: Graph) -> dict[str, tuple[tuple[int, ...], int]]:
    """What each node of a twin gives and multiplies, for one sample."""
    found: dict[str, tuple[tuple[int, ...], int]] = {}
    counted = 0

    def watch(name: str, value: Tensor) -> None:
        nonlocal counted
        flops = counter.get_total_flops() - counted
        counted += flops
        assert flops % (2 * BATCH) == 0
        found[name] = (tuple(value.shape[1:]), flops // (2 * BATCH))

    with FlopCounterMode(display=False) as counter:
        twin(*inputs_of(graph), watch=watch)
    return found


@pytest.mark.parametrize("name", zoo())
def test_every_node_of_the_bundled_networks(name: str) -> None:
    agrees(cnncalc.load(name))


@pytest.mark.parametrize("word", MODULES)
@thorough(25)
@given(data=st.data())
def test_every_layer(word: str, data: st.DataObject) -> None:
    shape = data.draw(shapes_for(word))
    agrees(cnncalc.load(spec_of(data.draw(layers_for(shape, word)), shape)))


@pytest.mark.parametrize("fence", of("yaml", "json"), ids=lambda fence: fence.place)
def test_every_spec_of_the_documents(fence: Fence, tmp_path: Path) -> None:
    """Their tables are compared with the program; here the program is, with torch."""
    path = tmp_path / f"net.{fence.language}"
    path.write_text(fence.text, "utf-8")
    try:
        graph = cnncalc.load(path)
        infer(graph)
    except cnncalc.SpecError:
        # A mistake, of which the document shows what is said.
        assert fence.shown
    else:
        agrees(graph)


def test_the_layer_that_contributing_adds(monkeypatch: pytest.MonkeyPatch) -> None:
    (fence,) = (f for f in of("python") if f.document.name == "CONTRIBUTING.md")
    module = types.ModuleType("cnncalc.layers.contributed")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(fence.text, module.__dict__)
    monkeypatch.setitem(MODULES, "re_zero", "contributed")
    # Behind a trained layer, so that its input needs a gradient too.
    before: Any = {"layer_scale": 1.0}
    spec = {**spec_of({"re_zero": 0.1}, (3, 4, 5)), "layers": [before, {"re_zero": 0.5}]}
    agrees(cnncalc.load(spec))
    verified = cnncalc.verify(spec, device="cpu")
    assert verified.step is not None
    assert verified.differences == ()
    # 2 samples of 3·4·5 float32 values are kept twice: before each factor.
    assert verified.step.saved == (480, 480)
    x = torch.randn(BATCH, 3, 4, 5, requires_grad=True)
    twin: Any = cnncalc.build(spec)
    output = twin(x)
    torch.testing.assert_close(output, 0.5 * x)
    output.square().sum().backward()
    # d/df Σ (f·x)² = 2f Σ x², d/dx = 2f² x.
    torch.testing.assert_close(twin.factor1.weight.grad, x.detach().square().sum()[None])
    torch.testing.assert_close(x.grad, 0.5 * x.detach())


@thorough(50)
@given(spec=specs())
def test_random_networks(spec: dict[str, Any]) -> None:
    agrees(cnncalc.load(spec))


# Wiring


def spec(*layers: Any, **more: Any) -> dict[str, Any]:
    return {"name": "net", "input": {"features": 4}, "layers": list(layers), **more}


def test_shared_weights_are_stored_once() -> None:
    twin: Any = cnncalc.build(
        spec(
            {"linear": 4, "name": "a"},
            {"linear": {"out_features": 4, "activation": "relu"}, "name": "b", "weights_of": "a"},
        )
    )
    assert twin.b.weight is twin.a.weight
    assert [name for name, _ in twin.named_parameters()] == ["a.weight", "a.bias"]
    assert sorted(twin.state_dict()) == ["a.bias", "a.weight", "b.bias", "b.weight"]
    assert copy.deepcopy(twin).b.weight.data_ptr() != twin.a.weight.data_ptr()


def test_weights_are_shared_by_convolutions_that_slide_otherwise() -> None:
    conv = {"out_channels": 2, "kernel_size": 3}
    twin: Any = cnncalc.build(
        {
            "name": "net",
            "input": {"length": 20, "channels": 2},
            "layers": [
                {"conv": conv, "name": "a"},
                {"conv": {**conv, "stride": 2}, "name": "b", "weights_of": "a"},
            ],
        }
    )
    assert (twin.a.stride, twin.b.stride) == ((1,), (2,))
    assert twin.a.weight is twin.b.weight
    x = torch.rand(1, 2, 20)
    wanted = functional.conv1d(twin.a(x), twin.a.weight, twin.a.bias, stride=2)
    torch.testing.assert_close(twin(x), wanted)


def test_keys_follow_the_names_of_blocks_and_fused_activations_stand_beside() -> None:
    block = {"layers": [{"linear": {"out_features": 4, "activation": "relu"}, "name": "fc"}]}
    repeat = {"repeat": {"times": 2, "layers": ["block"]}, "name": "body"}
    twin: Any = cnncalc.build(spec(repeat, blocks={"block": block}))
    keys = [f"body.{i}.fc.{name}" for i in (0, 1) for name in ("weight", "bias")]
    assert list(twin.state_dict()) == keys
    modules = [name for name, module in twin.named_modules() if not list(module.children())]
    assert modules == ["body.0.fc", "body.0.fc_relu", "body.1.fc", "body.1.fc_relu"]


def test_a_fused_activation_with_weights_keeps_its_name() -> None:
    net = spec({"linear": {"out_features": 4, "activation": "prelu"}, "name": "a"})
    twin, other = cnncalc.build(net), cnncalc.build(net)
    assert list(twin.state_dict()) == ["a.weight", "a.bias", "a.prelu.weight"]
    twin.load_state_dict(other.state_dict())
    x = torch.rand(1, 4) - 0.5
    torch.testing.assert_close(twin(x), other(x))


def test_several_inputs_and_outputs() -> None:
    twin: Any = cnncalc.build(
        {
            "name": "net",
            "inputs": {"left": {"features": 2}, "right": {"features": 3}},
            "outputs": ["both", "twice"],
            "layers": [
                {"concat": {}, "from": ["right", "left"], "name": "both"},
                {"add": {}, "from": ["left", "left"], "name": "twice"},
            ],
        }
    )
    both, twice = twin(torch.tensor([[1.0, 2]]), torch.tensor([[3.0, 4, 5]]))
    assert (both.tolist(), twice.tolist()) == ([[3, 4, 5, 1, 2]], [[2, 4]])
    with pytest.raises(TypeError, match=r"2 inputs are needed \(left, right\), not 1"):
        twin(both)


def test_auxiliary_outputs_are_given_in_training_only() -> None:
    aux = {"linear": 2, "from": "a", "name": "aux"}
    net = spec({"linear": 4, "name": "a"}, {"linear": 3, "name": "b"}, aux)
    twin: Any = cnncalc.build({**net, "outputs": ["b"], "auxiliary": ["aux"]})
    ran: list[str] = []
    main, auxiliary = twin(torch.rand(1, 4), watch=lambda name, _: ran.append(name))
    assert (main.shape, auxiliary.shape, ran) == ((1, 3), (1, 2), ["a", "b", "aux"])
    ran.clear()
    assert twin.eval()(torch.rand(1, 4), watch=lambda name, _: ran.append(name)).shape == (1, 3)
    assert ran == ["a", "b"]


def test_what_reads_a_layer_that_rests_rests_too() -> None:
    aux = [{"linear": 6, "name": "head"}, {"linear": 2, "name": "aux"}]
    nowhere = {"linear": 5, "from": "head", "name": "nowhere"}
    net = {
        **spec({"linear": 4, "name": "a"}, *aux, nowhere, {"linear": 3, "name": "b", "from": "a"}),
        "outputs": ["b"],
        "auxiliary": ["aux"],
    }
    twin: Any = cnncalc.build(net)
    assert twin.eval()(torch.rand(1, 4)).shape == (1, 3)
    # Inference is a and b alone: 4·4 + 4·3 multiplications.
    assert cnncalc.analyze(net).total("macs") == 4 * 4 + 4 * 3
    assert cnncalc.verify(net, device="cpu").ok


def test_a_value_is_freed_after_its_last_reader() -> None:
    twin: Any = cnncalc.build(
        spec(
            {"linear": 4, "name": "a"},
            {"linear": 4, "name": "b"},
            {"linear": 4, "name": "c"},
            {"add": {}, "from": ["a", "c"], "name": "d"},
            {"linear": 4, "name": "e"},
        )
    )
    seen: dict[str, weakref.ref[Tensor]] = {}
    alive: list[str] = []

    def watch(name: str, value: Tensor) -> None:
        gc.collect()
        alive.append(name + ":" + "".join(n for n, ref in seen.items() if ref() is not None))
        seen[name] = weakref.ref(value)

    with torch.no_grad():
        twin(torch.rand(1, 4), watch=watch)
    # What a node reads lives until the node has run.
    assert alive == ["a:", "b:a", "c:ab", "d:ac", "e:d"]


def test_a_twin_can_be_copied_and_stored() -> None:
    twin: Any = cnncalc.build("lenet5").eval()
    x = torch.rand(1, 3, 32, 32)
    for other in (copy.deepcopy(twin), pickle.loads(pickle.dumps(twin))):
        torch.testing.assert_close(other(x), twin(x))


@pytest.mark.parametrize("name", ["train", "half", "forward"])
def test_names_that_torch_has_for_itself(name: str) -> None:
    with pytest.raises(cnncalc.CnncalcError) as error:
        cnncalc.build(spec({"linear": 4, "name": name}))
    wanted = f"{name}: a torch module has something else of that name; give it another one"
    assert str(error.value) == wanted


def test_without_torch_one_sentence_says_what_to_install() -> None:
    program = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "import cnncalc\n"
        "try:\n"
        "    cnncalc.build('lenet5')\n"
        "except cnncalc.CnncalcError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (
        done.stdout
        == "cnncalc.build needs torch: in a checkout of cnncalc, pip install '.[torch]'\n"
    ), done.stderr
