"""Networks against torchvision's own modules, on the meta device: nothing is computed.

In the order in which they run: what every module with parameters gives, and the names and shapes
of its parameters; and the work of all, as torch's counter counts it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models

import cnncalc
from cnncalc.infer import infer
from cnncalc.layers.base import Shape
from cnncalc.spec.bundled import networks
from tests.truth import table

# Ours of the name `googlenet` is the paper's.
MODELS = {
    name: name.removesuffix("-torchvision")
    for name in networks()
    if name != "googlenet" and name.removesuffix("-torchvision") in models.list_models()
}
# With and without auxiliary heads, as their published parameters are counted.
OPTIONS: dict[str, dict[str, Any]] = {
    "googlenet": {"aux_logits": False, "init_weights": False},
    "inception_v3": {"aux_logits": True, "init_weights": False},
    "fcn_resnet50": {"aux_loss": True, "weights_backbone": None},
    "deeplabv3_resnet50": {"aux_loss": True, "weights_backbone": None},
}
SEGMENTATION = models.list_models(models.segmentation)
BATCH = 2
CHANNELS_LAST = (nn.Linear, nn.LayerNorm, nn.MultiheadAttention)
CONTAINED = ("class_token", "position_embedding", "layer_scale")
"""Layers whose tensors torchvision keeps in the module around them."""


class Uninitialised(TorchFunctionMode):
    """Leaves tensors as they are allocated: 645 million random numbers take long."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs or {})


def model(name: str) -> nn.Module:
    # The RegNets compute their widths with tensors, which the meta device cannot.
    device = "cpu" if name.startswith("regnet") else "meta"
    with torch.device(device), Uninitialised():
        made: nn.Module = models.get_model(name, weights=None, **OPTIONS.get(name, {}))
    return made.to("meta")


def squeezed(shape: Shape) -> Shape:
    """One position is none: some pool to C×1×1 where others pool to a vector."""
    return tuple(n for n in shape if n != 1)


class Layer(NamedTuple):
    """What a module gives for one sample, channels first, and its parameters."""

    output: Shape
    parameters: dict[str, Shape]


def run(module: nn.Module, shapes: list[Shape]) -> tuple[list[Layer], list[Shape], int]:
    """Layers in the order in which they run, tensors of what is around them, multiply-adds."""
    layers: list[Layer] = []
    contained: list[Shape] = []

    def watch(part: nn.Module, _: Any, output: Any) -> None:
        shape = tuple(output[0].shape if isinstance(output, tuple) else output.shape)[1:]
        if type(part) in CHANNELS_LAST:
            shape = (shape[-1], *shape[:-1])
        parameters = {name: tuple(p.shape) for name, p in part.named_parameters()}
        layers.append(Layer(squeezed(shape), parameters))

    for part in module.modules():
        own = [tuple(p.shape) for p in part.parameters(recurse=False)]
        if isinstance(part, nn.MultiheadAttention) or len(own) == len(list(part.parameters())):
            if own:
                part.register_forward_hook(watch)
        else:
            contained += map(squeezed, own)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*(torch.empty(BATCH, *shape, device="meta") for shape in shapes))
    flops = counter.get_total_flops()
    assert flops % (2 * BATCH) == 0
    return layers, contained, flops // (2 * BATCH)


def test_all_that_torchvision_publishes_is_compared() -> None:
    assert set(MODELS.values()) == {row["builder"] for row in table("09_torchvision_models.csv")}


@pytest.mark.parametrize(
    ("name", "training"), [*((name, False) for name in MODELS), ("inception_v3", True)]
)
def test_layers_tensors_and_work(name: str, training: bool) -> None:
    graph = cnncalc.load(name)
    module = model(MODELS[name]).train(training)
    layers, contained, macs = run(module, list(graph.inputs.values()))
    facts = infer(graph)
    assert sum(fact.params for fact in facts) == sum(p.numel() for p in module.parameters())
    # Auxiliary heads are for training; those of segmentation run in eval mode too.
    always = training or MODELS[name] in SEGMENTATION
    resting = set() if always else graph.only_auxiliary()
    facts = [fact for fact in facts if fact.node.name not in resting]
    assert macs == sum(fact.macs for fact in facts)
    parts = [fact for fact in facts if fact.weights and fact.node.layer.type not in CONTAINED]
    assert layers == [Layer(squeezed(fact.output), fact.weights) for fact in parts]
    around = [fact.weights for fact in facts if fact.node.layer.type in CONTAINED]
    assert sorted(contained) == sorted(squeezed(s) for weights in around for s in weights.values())


@pytest.mark.parametrize("name", [name for name in MODELS if cnncalc.load(name).auxiliary])
def test_auxiliary_heads_explain_what_training_does_more(name: str) -> None:
    """Their parameters count; their work, and what they give, is apart."""
    module = model(MODELS[name])
    report = cnncalc.analyze(name)
    shapes = [tuple(entry["shape"]) for entry in report.inputs]
    work = {training: run(module.train(training), shapes)[2] for training in (True, False)}
    inference, auxiliary = report.total("macs"), report.total("macs", "auxiliary")
    assert auxiliary > 0
    assert work[True] == inference + auxiliary
    assert work[False] == inference + (auxiliary if MODELS[name] in SEGMENTATION else 0)
