"""The bundled networks as tests take them: a few in every run, all in the exhaustive one."""

from __future__ import annotations

from typing import Any

import pytest

from cnncalc.graph import Graph
from cnncalc.spec.bundled import networks
from cnncalc.spec.load import load

FEW = {
    "alexnet",
    "alexnet-2012",
    "c3d",
    "convnext_tiny",
    "dcgan-generator",
    "deeplabv3_resnet50",
    "densenet121",
    "efficientnet_b0",
    "googlenet-torchvision",
    "inception_v4",
    "lenet5",
    "lenet5-1998",
    "m5",
    "mlp-mnist",
    "mobilenet_v1",
    "mobilenet_v3_small",
    "preresnet110-cifar",
    "resnet50",
    "segnet",
    "shufflenet_v2_x0_5",
    "squeezenet1_1",
    "unet-2015",
    "vit_b_16",
    "xception",
}
"""One of each family; tests/test_zoo_page.py holds them to everything that the others use."""


def zoo() -> list[Any]:
    """Every bundled network, as a parameter of a test that takes long for all of them."""
    exhaustive = pytest.mark.exhaustive
    return [name if name in FEW else pytest.param(name, marks=exhaustive) for name in networks()]


def uses(name: str) -> set[str]:
    """What a network is made of: words and their fields, axes, and how it is wired."""
    graph = load(name)
    found = {f"{len(shape)} axes" for shape in graph.inputs.values()}
    for node in graph.nodes:
        found |= {node.layer.type, f"{node.layer.type} of {len(node.inputs)}"}
        found |= {f"{node.layer.type}: {field}" for field in node.layer.model_fields_set}
    return found | _wired(graph)


def _wired(graph: Graph) -> set[str]:
    kinds = {
        "auxiliary": graph.auxiliary,
        "several inputs": graph.inputs.keys() - {next(iter(graph.inputs))},
        "several outputs": graph.outputs[1:],
        "shared weights": [node for node in graph.nodes if node.weights_of],
    }
    return {kind for kind, there in kinds.items() if there}
