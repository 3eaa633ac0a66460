"""Memory as torch needs it: saved for backward, in optimisers, and in inference.

Saved tensors are those of torch's CPU kernels in training, float32; seen with torch 2.13 and 2.14.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.profiler import ProfilerActivity, profile

import cnncalc
from cnncalc.graph import Graph
from cnncalc.layers import MODULES
from cnncalc.layers.base import Ids
from cnncalc.witness.measure import plain_kernels, random_inputs
from tests.strategies import layers_for, shapes_for, spec_of, thorough

BATCH = 2

TRAINED = [
    "alexnet-2012",
    "c3d",
    "convnext_tiny",
    "dcgan-generator",
    "densenet121",
    "efficientnet_b0",
    "googlenet-torchvision",
    "lenet5",
    "lenet5-1998",
    "m5",
    "mobilenet_v3_small",
    "regnet_y_400mf",
    "resnet18",
    "resnext50_32x4d",
    "shufflenet_v2_x1_0",
    "squeezenet1_1",
    "unet",
    "vit_b_16",
]
"""One of each family that a small machine can train."""


def saved(graph: Graph) -> list[int]:
    """Bytes of the storages that autograd packs first in each node, parameters and buffers not."""
    torch.manual_seed(0)
    twin = cnncalc.build(graph).train()
    counted = {_place(tensor) for tensor in [*twin.parameters(), *twin.buffers()]}
    found = [0]
    # All are kept, so that no storage takes the place of one that is gone.
    alive: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        alive.append(tensor)
        if _place(tensor) not in counted:
            counted.add(_place(tensor))
            found[-1] += tensor.untyped_storage().nbytes()
        return tensor

    def watch(name: str, value: Tensor) -> None:
        alive.append(value)
        found.append(0)

    with plain_kernels(twin), saved_tensors_hooks(pack, lambda tensor: tensor):
        twin(*random_inputs(graph, BATCH), watch=watch)
    return found[:-1]


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


@pytest.mark.parametrize("name", TRAINED)
def test_autograd_keeps_what_the_report_says(name: str) -> None:
    graph = cnncalc.load(name)
    report = cnncalc.analyze(graph, batch=BATCH)
    assert dict(zip(report.column("name"), report.column("saved_bytes"), strict=True)) == dict(
        zip(report.column("name"), saved(graph), strict=True)
    )


# The windows of locally_connected are a copy only where they overlap in memory.
@pytest.mark.parametrize("word", sorted(set(MODULES) - {"locally_connected"}))
@thorough(15)
@given(data=st.data())
def test_every_layer_behind_a_trained_one(word: str, data: st.DataObject) -> None:
    shape = data.draw(shapes_for(word))
    item = data.draw(layers_for(shape, word))
    before: list[Any] = [] if isinstance(shape, Ids) else [{"layer_scale": 1.0}]
    graph = cnncalc.load({**spec_of(item, shape), "layers": [*before, item]})
    report = cnncalc.analyze(graph, batch=BATCH)
    assert list(report.column("saved_bytes")) == saved(graph)


@pytest.mark.parametrize(
    "fields", [{}, {"stride": 2}, {"padding": 1}, {"bias": False}, {"dilation": 2}]
)
def test_locally_connected_layers_keep_their_windows(fields: dict[str, Any]) -> None:
    item = {"locally_connected": {"out_channels": 4, "kernel_size": 3, **fields}}
    before: Any = {"layer_scale": 1.0}
    graph = cnncalc.load({**spec_of(item, (3, 8, 9)), "layers": [before, item]})
    report = cnncalc.analyze(graph, batch=BATCH)
    assert list(report.column("saved_bytes")) == saved(graph)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("sgd", lambda p: torch.optim.SGD(p, 0.1)),
        ("momentum", lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)),
        ("rmsprop", lambda p: torch.optim.RMSprop(p)),
        ("adam", lambda p: torch.optim.Adam(p)),
        ("adamw", lambda p: torch.optim.AdamW(p)),
    ],
)
def test_optimizers_remember_what_the_report_says(name: str, make: Any) -> None:
    twin = cnncalc.build("mobilenet_v3_small")
    for parameter in twin.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer = make(list(twin.parameters()))
    optimizer.step()
    state = [v for entry in optimizer.state.values() for v in entry.values()]
    bytes = sum(v.untyped_storage().nbytes() for v in state if isinstance(v, Tensor))
    report = cnncalc.analyze("mobilenet_v3_small", optimizer=name)
    assert report.total("optimizer_bytes") == bytes
    parameters = sum(4 * p.numel() for p in twin.parameters())
    assert report.total("training_bytes") == 2 * parameters + bytes + report.total("saved_bytes")


INFERRED = [
    "alexnet",
    "densenet121",
    "efficientnet_b0",
    "googlenet",
    "lenet5",
    "mobilenet_v2",
    "resnet18",
    "resnet50",
    "shufflenet_v2_x1_0",
    "squeezenet1_0",
    "unet",
    "vgg16",
]


def allocated(graph: Graph) -> int:
    """The most bytes that a real inference has allocated at once, its input among them."""
    twin = cnncalc.build(graph).eval()
    inputs = [torch.zeros(1, *shape) for shape in graph.inputs.values()]
    cpu = [ProfilerActivity.CPU]
    with torch.inference_mode(), profile(activities=cpu, profile_memory=True) as measured:
        twin(*inputs)
    now, most = 0, 0
    events = [e for e in measured.profiler.kineto_results.events() if e.name() == "[memory]"]
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    return most + sum(tensor.untyped_storage().nbytes() for tensor in inputs)


@pytest.mark.parametrize("name", INFERRED)
def test_inference_never_needs_less_than_the_working_set(name: str) -> None:
    graph = cnncalc.load(name)
    needed = cnncalc.analyze(graph).total("working_set")
    measured = allocated(graph)
    # No kernel works in place as the working set supposes, and some copy.
    assert needed <= measured <= 6 * needed
