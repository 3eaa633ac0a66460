"""The few modules that torch has not.

`cnncalc export` copies them into its code: their lines fit into 88 columns.
"""

from collections.abc import Mapping, Sequence
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

Sizes = tuple[int, ...]

_CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}


def product(factors: Sequence[Tensor]) -> Tensor:
    """All multiplied, from the first to the last."""
    result = factors[0]
    for factor in factors[1:]:
        result = result * factor
    return result


def rows(x: Tensor) -> Tensor:
    """Each position's channels as a row, side by side; copied only where they are not."""
    x = x.squeeze(1).unsqueeze(-1) if x.shape[1] == 1 else x.movedim(1, -1)
    return x if x.stride(-1) == 1 else x.contiguous()


class Weights(nn.Module):
    """Trained tensors for an expression. Biases start at 0, others around `mean`."""

    def __init__(
        self,
        shapes: Mapping[str, Sizes],
        mean: float = 0.0,
        std: float = 0.0,
    ) -> None:
        super().__init__()
        for name, shape in shapes.items():
            start = mean + std * torch.randn(shape)
            start = torch.zeros(shape) if name == "bias" else start
            self.register_parameter(name, nn.Parameter(start))


class Constants(nn.Module):
    """Tensors for an expression that are not trained: their numbers, again and again."""

    def __init__(
        self,
        shapes: Mapping[str, Sizes],
        numbers: Mapping[str, Sequence[float]],
    ) -> None:
        super().__init__()
        for name, shape in shapes.items():
            tensor = torch.tensor(numbers[name])
            times = prod(shape) // len(tensor)
            self.register_buffer(name, tensor.repeat(times).view(shape))


class ConnectedConv(nn.Module):
    """A convolution whose output maps each read only some of the input maps.

    One kernel for each pair, as LeNet-5's C3 has them: nothing is multiplied by zero.
    """

    def __init__(
        self,
        connections: Sequence[Sizes],
        kernel_size: Sizes,
        stride: Sizes,
        dilation: Sizes,
        bias: bool,
    ) -> None:
        super().__init__()
        self.connections, self.stride, self.dilation = connections, stride, dilation
        pairs = sum(map(len, connections))
        self.weight = nn.Parameter(torch.empty(pairs, *kernel_size))
        self.bias = nn.Parameter(torch.empty(len(connections))) if bias else None
        # As torch starts a convolution, with the mean number of maps that are read.
        bound = (pairs / len(connections) * prod(kernel_size)) ** -0.5
        for tensor in self.parameters():
            nn.init.uniform_(tensor, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        convolve = _CONVOLUTIONS[x.dim() - 2]
        stride, dilation = self.stride, self.dilation
        kernels = torch.split(self.weight, [len(maps) for maps in self.connections])
        outputs = [
            convolve(x[:, list(maps)], kernel[None], None, stride, 0, dilation)
            for maps, kernel in zip(self.connections, kernels, strict=True)
        ]
        output = torch.cat(outputs, 1)
        if self.bias is None:
            return output
        return output + self.bias.view(-1, *[1] * (x.dim() - 2))


class LocallyConnected(nn.Module):
    """A convolution with weights of its own at every position."""

    def __init__(
        self,
        weight: Sizes,
        bias: bool,
        stride: Sizes,
        dilation: Sizes,
    ) -> None:
        super().__init__()
        axes = len(stride)
        self.stride, self.dilation, self.kernel_size = stride, dilation, weight[-axes:]
        self.weight = nn.Parameter(torch.empty(weight))
        self.bias = nn.Parameter(torch.empty(weight[: axes + 1])) if bias else None
        bound = prod(weight[axes + 1 :]) ** -0.5
        for tensor in self.parameters():
            nn.init.uniform_(tensor, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        axes = len(self.stride)
        sliding = zip(self.kernel_size, self.stride, self.dilation, strict=True)
        for axis, (kernel_size, stride, dilation) in enumerate(sliding, 2):
            extent = dilation * (kernel_size - 1) + 1
            x = x.unfold(axis, extent, stride)[..., ::dilation]
        # Positions first, then one matrix product at each: (batch, reads) × (reads, out).
        positions = x.shape[2 : axes + 2]
        # A copy of every window, also where none overlap.
        windows = x.movedim(1, axes + 1).clone(memory_format=torch.contiguous_format)
        windows = windows.flatten(axes + 1).flatten(1, axes)
        kernels = self.weight.flatten(axes + 1).flatten(1, axes).permute(1, 2, 0)
        output = torch.bmm(windows.transpose(0, 1), kernels).permute(1, 2, 0)
        output = output.contiguous().reshape(*output.shape[:2], *positions)
        return output if self.bias is None else output + self.bias


class PartBatchNorm(nn.modules.batchnorm._BatchNorm):
    """A batch normalisation with a trained scale or a trained shift alone."""

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float,
        affine: str,
        track_running_stats: bool,
    ) -> None:
        super().__init__(num_features, eps, momentum, False, track_running_stats)
        if affine == "shift":
            self.bias = nn.Parameter(torch.zeros(num_features))
        else:
            self.weight = nn.Parameter(torch.ones(num_features))

    def _check_input_dim(self, input: Tensor) -> None:
        """All numbers of axes will do."""


class GruResetBefore(nn.Module):
    """A gated recurrent unit whose reset gate stands before the product with the state.

    As Cho et al., 2014, have it, and Keras with `reset_after=False`; torch has the other.
    Gives the states at all steps, (batch, length, state), and the last of each row of layers.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        bidirectional: bool,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        assert batch_first
        self.hidden_size, self.dropout = hidden_size, dropout
        ends = ("", "_reverse") if bidirectional else ("",)
        self.rows = [[f"l{i}{end}" for end in ends] for i in range(num_layers)]
        reads, bound = input_size, hidden_size**-0.5
        for row in self.rows:
            for end in row:
                shapes = {"weight_ih": (reads,), "weight_hh": (hidden_size,)}
                for name, more in (shapes | ({"bias": ()} if bias else {})).items():
                    start = torch.empty(3 * hidden_size, *more).uniform_(-bound, bound)
                    self.register_parameter(f"{name}_{end}", nn.Parameter(start))
            reads = len(row) * hidden_size

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        # Steps first, as torch's own.
        x, lasts = x.transpose(0, 1), []
        for i, row in enumerate(self.rows):
            if i and self.training and self.dropout:
                x = functional.dropout(x, self.dropout)
            found = [self._run(x, end) for end in row]
            x = torch.cat([states for states, _ in found], -1)
            lasts += [last for _, last in found]
        return x.transpose(0, 1), torch.stack(lasts)

    def _run(self, x: Tensor, end: str) -> tuple[Tensor, Tensor]:
        """The states of one row of one layer, and the last."""
        weight, size = getattr(self, f"weight_hh_{end}"), self.hidden_size
        bias = getattr(self, f"bias_{end}", None)
        read = functional.linear(x, getattr(self, f"weight_ih_{end}"), bias)
        h, states = x.new_zeros(x.shape[1], size), []
        backward = end.endswith("_reverse")
        for step in reversed(read.unbind()) if backward else read.unbind():
            gates, new = step[:, : 2 * size], step[:, 2 * size :]
            recurrent = functional.linear(h, weight[: 2 * size])
            r, z = torch.sigmoid(gates + recurrent).chunk(2, -1)
            n = torch.tanh(new + functional.linear(r * h, weight[2 * size :]))
            h = (1 - z) * n + z * h
            states.append(h)
        return torch.stack(states[::-1] if backward else states), h


class Rbf(nn.Module):
    """Squared distances to fixed prototypes of components −1 and 1.

    They are drawn at random with equal probability, which LeCun et al., 1998, section II.B, name
    as a choice; theirs were drawn by hand.
    """

    prototypes: Tensor

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        drawn = torch.randint(2, (out_features, in_features))
        self.register_buffer("prototypes", 2.0 * drawn - 1)

    def forward(self, x: Tensor) -> Tensor:
        return (x[:, None] - self.prototypes).square().sum(-1)


class Attention(nn.Module):
    """Scaled dot products along the last axis, in each head; other axes are apart.

    A window adds a bias to the scores: a trained number for each offset and head. Shifted
    windows, so many along each axis, hide what was no neighbour before the shift.
    """

    relative_position_index: Tensor

    def __init__(
        self,
        num_heads: int,
        num_kv_heads: int,
        window: Sizes,
        shift: Sizes,
        grid: Sizes,
        causal: bool,
    ) -> None:
        super().__init__()
        self.shift, self.grid = shift, grid
        self.heads = (num_heads, num_kv_heads, num_kv_heads)
        self.window, self.causal = window, causal
        if window:
            table = 0.02 * torch.randn(prod(2 * n - 1 for n in window), num_heads)
            self.relative_position_bias_table = nn.Parameter(table)
            index = torch.zeros(1, 1, dtype=torch.long)
            for n in window:
                place = torch.arange(n)
                offset = place[:, None] - place + n - 1
                index = index[:, None, :, None] * (2 * n - 1) + offset[:, None]
                index = index.flatten(0, 1).flatten(1)
            self.register_buffer("relative_position_index", index.flatten())

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        sizes, keys = q.shape[2:], k.shape[-1]
        # All that is apart is one batch: (batch, heads, positions, channels of a head).
        parts = []
        for x, heads in zip((q, k, v), self.heads, strict=True):
            channels = x.shape[1] // heads
            part = rows(x).reshape(-1, x.shape[-1], heads, channels)
            parts.append(part.transpose(1, 2))
        q, k, v = parts
        if v.shape[1] > 1 and (self.window or q.shape[-1] != v.shape[-1]):
            # Not fused: products of matrices copy what is not laid out as one; mostly so.
            v = v.clone(memory_format=torch.contiguous_format)
        bias = None
        if self.window:
            bias = self.relative_position_bias_table[self.relative_position_index]
            bias = bias.view(sizes[-1], keys, -1).permute(2, 0, 1)[None]
            if self.causal:
                bias = bias + torch.full_like(bias[0, 0], -torch.inf).triu(1)
            if self.shift:
                bias = bias + self.hidden(bias)
                bias = bias.repeat(len(q) // len(bias), 1, 1, 1)
        causal = self.causal and bias is None
        grouped = self.heads[0] != self.heads[1]
        x = functional.scaled_dot_product_attention(
            q, k, v, bias, is_causal=causal, enable_gqa=grouped
        )
        x = x.transpose(1, 2)
        return x.reshape(-1, *sizes, x[0, 0].numel()).movedim(-1, 1)

    def hidden(self, like: Tensor) -> Tensor:
        """Minus infinity for pairs of a window that the shift brought together."""
        areas = torch.zeros((), dtype=torch.long, device=like.device)
        split: list[int] = []
        axes = zip(self.window, self.shift, self.grid, strict=True)
        for size, shift, windows in axes:
            place = torch.arange(windows * size, device=like.device)
            moved = (place >= len(place) - size).long() + (place >= len(place) - shift)
            areas = areas[..., None] * 3 + moved
            split += [windows, size]
        order = [*range(0, len(split), 2), *range(1, len(split), 2)]
        areas = areas.reshape(split).permute(order).reshape(prod(self.grid), -1)
        apart = areas[:, None, :, None] != areas[:, None, None]
        return like.new_zeros(apart.shape).masked_fill(apart, -torch.inf)


class DropPath(nn.Module):
    """Sets whole samples to zero at random in training, and enlarges the others to match."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.p:
            return x
        kept = torch.rand(len(x), *[1] * (x.dim() - 1), device=x.device) >= self.p
        return x * kept / (1 - self.p) if self.p < 1 else x * 0
