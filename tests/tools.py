"""What other tools print for our torch twins: a program, because they patch torch and talk.

    python -m tests.tools fvcore
    python -m tests.tools fvcore resnet18 vgg16

print, as JSON, each network's number in eval mode; two where a tool has two ways to count. The
second is of torchvision's own modules, at their usual input.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

import cnncalc
from cnncalc.graph import Graph
from cnncalc.layers.base import Shape
from tests.strategies import Item, spec_of

# Small inputs, because the tools compute what they count. Behind a network: why it is here.
NETWORKS: dict[str, Shape] = {
    "resnet18": (3, 64, 64),  # residual
    "resnext50_32x4d": (3, 64, 64),  # grouped
    "densenet121": (3, 64, 64),  # concatenation
    "googlenet": (3, 64, 64),  # inception, local response normalisation
    "squeezenet1_1": (3, 64, 64),
    "mobilenet_v2": (3, 64, 64),  # depthwise
    "mobilenet_v3_small": (3, 64, 64),  # squeeze and excitation
    "efficientnet_b0": (3, 64, 64),
    "regnet_y_400mf": (3, 64, 64),
    "shufflenet_v2_x1_0": (3, 64, 64),  # slices and shuffles
    "xception": (3, 75, 75),  # separable
    "convnext_tiny": (3, 64, 64),  # layer normalisation, dense layers at every position
    "vit_b_32": (3, 64, 64),  # attention
    "fcn_resnet50": (3, 64, 64),  # dilation, upsampling
    "unet": (3, 64, 64),  # transposed
    "dcgan-generator": (100, 1, 1),
    "m5": (1, 8000),  # 1-D
    "r3d_18": (3, 4, 32, 32),  # 3-D
}

RECURRENT: dict[str, Item] = {
    "lstm": {"lstm": {"hidden_size": 6, "num_layers": 2}},
    "lstm without biases": {"lstm": {"hidden_size": 6, "bias": False, "bidirectional": True}},
    "projected lstm": {"lstm": {"hidden_size": 6, "proj_size": 2, "num_layers": 2}},
    "gru": {"gru": {"hidden_size": 6, "bidirectional": True}},
    "gru without biases": {"gru": {"hidden_size": 6, "bias": False, "num_layers": 2}},
    "rnn": {"rnn": 6},
    "rnn without biases": {"rnn": {"hidden_size": 6, "bias": False}},
}
"""Networks of one layer, on 8 steps of 5 channels."""


def recurrent(name: str) -> Graph:
    return cnncalc.load(spec_of(RECURRENT[name], (5, 8)))


Counts = dict[str, int]
"""Numbers by the words of `--count-as`."""


def by_torch(twin: nn.Module, x: Tensor) -> Counts:
    from torch.utils.flop_counter import FlopCounterMode

    # On the meta device nothing is fused, which would hide attention from it.
    with FlopCounterMode(display=False) as counter:
        twin.to("meta")(x.to("meta"))
    return {"torch": counter.get_total_flops()}


def by_fvcore(twin: nn.Module, x: Tensor) -> Counts:
    from fvcore.nn import FlopCountAnalysis

    return {"fvcore": int(FlopCountAnalysis(twin, x).total())}


def by_torchinfo(twin: nn.Module, x: Tensor) -> Counts:
    from torchinfo import summary

    found = summary(twin, input_data=x, verbose=0, mode="eval", device="cpu")
    return {"torchinfo": found.total_mult_adds}


def by_ptflops(twin: nn.Module, x: Tensor) -> Counts:
    from ptflops import get_model_complexity_info

    def macs(backend: str) -> int:
        found, _ = get_model_complexity_info(
            twin,
            tuple(x.shape[1:]),
            as_strings=False,
            print_per_layer_stat=False,
            backend=backend,
        )
        return int(found)

    return {"ptflops": macs("aten"), "ptflops-pytorch": macs("pytorch")}


def by_thop(twin: nn.Module, x: Tensor) -> Counts:
    from thop import profile

    return {"thop": int(profile(twin, (x,), verbose=False)[0])}


def by_calflops(twin: nn.Module, x: Tensor) -> Counts:
    from calflops import calculate_flops

    flops, macs, _ = calculate_flops(
        twin, tuple(x.shape), print_results=False, print_detailed=False, output_as_string=False
    )
    return {"calflops": int(macs), "calflops-flops": int(flops)}


TOOLS: dict[str, Callable[[nn.Module, Tensor], Counts]] = {
    "torch": by_torch,
    "fvcore": by_fvcore,
    "torchinfo": by_torchinfo,
    "ptflops": by_ptflops,
    "thop": by_thop,
    "calflops": by_calflops,
}


def twins() -> Iterator[tuple[str, nn.Module, Shape]]:
    """Ours, with small inputs."""
    for name, shape in NETWORKS.items():
        yield name, cnncalc.build(cnncalc.load(name).with_input(shape)), shape
    for name in RECURRENT:
        yield name, cnncalc.build(recurrent(name)), (5, 8)


def originals(names: Sequence[str]) -> Iterator[tuple[str, nn.Module, Shape]]:
    """Torchvision's."""
    from torchvision import models

    from tests.test_torch_torchvision import MODELS, OPTIONS

    for name in names:
        options = OPTIONS.get(MODELS[name], {})
        (shape,) = cnncalc.load(name).inputs.values()
        yield name, models.get_model(MODELS[name], weights=None, **options), shape


def main() -> None:
    """Count every network with the tool that the command line names."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    tool, *names = sys.argv[1:]
    with contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        found = {
            name: TOOLS[tool](module.eval(), torch.zeros(1, *shape))
            for name, module, shape in (originals(names) if names else twins())
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
