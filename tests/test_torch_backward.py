"""The work of the backward pass, as torch's counter sees it on the twin."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import cnncalc
from cnncalc.spec.load import load

# Networks without grouped convolutions: torch 2.13 counts the gradient of their weights as if
# there were one group.
NAMES = [
    "lenet5",
    "lenet5-1998",
    "vgg16",
    "resnet18",
    "vit_b_16",
    "unet-2015",
    "dcgan-generator",
    "googlenet",
    "c3d",
    "m5",
    "segnet",
    "densenet121",
]


@pytest.mark.parametrize("name", NAMES)
def test_backward_macs_are_those_of_torch(name: str) -> None:
    graph = load(name)
    module = cnncalc.build(name).to("meta").eval()
    data = [torch.empty(2, *shape, device="meta") for shape in graph.inputs.values()]
    with FlopCounterMode(display=False) as forward:
        output = module(*data)
    with FlopCounterMode(display=False) as backward:
        output.sum().backward()
    report = cnncalc.analyze(name, batch=2)
    assert forward.get_total_flops() == report.total("flops")
    assert backward.get_total_flops() == 2 * report.total("backward_macs")


def test_a_depthwise_layer_has_two_gradients_of_its_own_size() -> None:
    spec = {
        "input": {"height": 8, "width": 8, "channels": 4},
        "layers": [
            {"conv": {"out_channels": 4, "kernel_size": 1}},
            {"depthwise_conv": {"kernel_size": 3, "padding": 1}},
        ],
    }
    # 8·8·4·4 products in front, of which the data needs no gradient, and 8·8·4·9 behind.
    assert list(cnncalc.analyze(spec).column("backward_macs")) == [1024, 2 * 2304]
