"""How weights start, where torch's own way is not wanted."""

from collections.abc import Iterator
from math import prod

import torch
from torch import Tensor, nn

from cnncalc.training.settings import deviation
from cnncalc.witness.modules import ConnectedConv, LocallyConnected

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def initialise(network: nn.Module, init: str) -> None:
    """Draw the weights of convolutions and matrix products anew and set their biases to 0.

    he: normal, σ² = 2/fan_in (He et al., 2015). xavier: uniform on ±√(6/(fan_in + fan_out))
    (Glorot & Bengio, 2010; Keras's `glorot_uniform`). normal:σ as it says. Norms and other
    layers keep torch's start.
    """
    if init == "default":
        return
    std = deviation(init)
    with torch.no_grad():
        for module in network.modules():
            for weight, fan_in, fan_out in _weights(module):
                if init == "xavier":
                    most = (6 / (fan_in + fan_out)) ** 0.5
                    weight.uniform_(-most, most)
                else:
                    weight.normal_(0, std or (2 / fan_in) ** 0.5)
                for name, own in module.named_parameters(recurse=False):
                    if name in ("bias", "in_proj_bias"):
                        own.zero_()


def _weights(module: nn.Module) -> Iterator[tuple[Tensor, int, int]]:
    """The weight of a module with its fans: an output's inputs, and an input's outputs."""
    if isinstance(module, (nn.Linear, *_CONVOLUTIONS, *_TRANSPOSED)):
        weight = module.weight
        fan_out, fan_in = (prod(weight.shape[2:]) * size for size in weight.shape[:2])
        # A transposed convolution's weight has the input's channels first.
        yield weight, *((fan_out, fan_in) if isinstance(module, _TRANSPOSED) else (fan_in, fan_out))
    elif isinstance(module, nn.MultiheadAttention) and module.in_proj_weight is not None:
        # Query, key and value: three square matrices of the embedding's size.
        yield module.in_proj_weight, module.embed_dim, module.embed_dim
    elif isinstance(module, ConnectedConv):
        # The mean over maps, which differ in how many they read.
        inputs = 1 + max(map(max, module.connections))
        values = module.weight.numel()
        yield module.weight, values // len(module.connections), values // inputs
    elif isinstance(module, LocallyConnected):
        # (out, positions…, in, kernel…): each position has a kernel of its own.
        axes = len(module.stride)
        shape = module.weight.shape
        kernel = prod(shape[axes + 2 :])
        yield module.weight, shape[axes + 1] * kernel, shape[0] * kernel
