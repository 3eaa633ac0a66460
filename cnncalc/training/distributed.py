"""One of several processes that train a network: what each computes adds up to what one would."""

import os
import signal
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed import ProcessGroup, Work
from torch.distributed.device_mesh import DeviceMesh
from torch.nn.parallel import DistributedDataParallel

from cnncalc.errors import CnncalcError, UsageError
from cnncalc.training.processes import Processes, T, ToldElsewhere

_OF_ITS_OWN = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.MultiheadAttention)
"""Layers whose weights are read by calling them, and by nothing else."""
_LARGE = 0.01
"""The part of all parameters from which a layer is gathered alone."""


class _Total(torch.autograd.Function):
    """A sum over processes, whose gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, group: ProcessGroup) -> Tensor:
        ctx.group = group
        return _summed(x, group)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return _summed(gradients[0], ctx.group), None


def _summed(x: Tensor, group: ProcessGroup) -> Tensor:
    x = x.clone(memory_format=torch.contiguous_format)
    dist.all_reduce(x, group=group)
    return x


class GlobalBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm by mean and variance of the whole batch, of which each process has a share.

    torch's SyncBatchNorm does so on GPUs only.
    """

    group: ProcessGroup

    def forward(self, input: Tensor) -> Tensor:
        """The share, normalised; it may be empty."""
        if not self.training and self.running_mean is not None:
            return super().forward(input)
        x = input.float()
        axes = [axis for axis in range(x.dim()) if axis != 1]
        shape = [-1 if axis == 1 else 1 for axis in range(x.dim())]
        values = x.new_tensor([x.numel() // x.shape[1]])
        found = self._total(torch.cat((x.sum(axes), values)))
        number = found[-1]
        mean = found[:-1] / number
        centred = x - mean.view(shape)
        variance = self._total(centred.square().sum(axes)) / number
        if self.training and self.running_mean is not None and self.running_var is not None:
            assert self.momentum is not None
            assert self.num_batches_tracked is not None
            with torch.no_grad():
                self.num_batches_tracked.add_(1)
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(variance * (number / (number - 1)), self.momentum)
        output = centred * (variance + self.eps).rsqrt().view(shape)
        # A part alone is no `affine` of torch.
        if self.weight is not None:
            output = output * self.weight.view(shape)
        if self.bias is not None:
            output = output + self.bias.view(shape)
        return output.type_as(input)

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of positions will do."""

    def _total(self, x: Tensor) -> Tensor:
        return cast(Tensor, _Total.apply(x, self.group))


def normalise_together(network: nn.Module, group: ProcessGroup, device: str) -> None:
    """Let every batch norm inside a network be over all processes."""
    for module in network.modules():
        if not isinstance(module, nn.modules.batchnorm._BatchNorm):
            continue
        # In its place: names, shared layers and state stay as they are. torch's own conversion
        # leaves out what stands in two places.
        if device == "cuda":
            module.__class__ = nn.SyncBatchNorm
            module.process_group = group  # type: ignore[assignment]
        else:
            module.__class__ = GlobalBatchNorm
            module.group = group  # type: ignore[assignment]


def divide(network: nn.Module, group: ProcessGroup, device: str) -> None:
    """Divide weights, gradients and the optimizer's state over processes (torch's FSDP2).

    A large layer is whole only while it computes, small ones during the whole step.
    """
    try:
        from torch.distributed.fsdp import fully_shard
    except ImportError:
        raise UsageError("--shard needs torch 2.6 or newer") from None
    mesh = DeviceMesh.from_group(group, device)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    uses = Counter(
        id(parameter)
        for module in network.modules()
        for parameter in module.parameters(recurse=False)
    )
    for module in list(network.modules()):
        own = list(module.parameters())
        large = sum(parameter.numel() for parameter in own) >= _LARGE * parameters
        alone = all(uses[id(parameter)] == 1 for parameter in own)
        if type(module) in _OF_ITS_OWN and large and alone:
            fully_shard(module, mesh=mesh)
    # And divided again after a test, too, which no backward follows.
    fully_shard(network, mesh=mesh, reshard_after_forward=True)


def whole(tree: Any, keep: bool) -> Any:
    """A state whose divided tensors are put together, on the CPU; for who does not keep it, None.

    All processes must ask for it at the same time.
    """
    if isinstance(tree, dict):
        return {name: whole(value, keep) for name, value in tree.items()}
    if isinstance(tree, list):
        return [whole(value, keep) for value in tree]
    if isinstance(tree, dist.tensor.DTensor):
        full = tree.full_tensor()
        return full.cpu() if keep else None
    return tree


def divided(
    network: nn.Module, optimizer: torch.optim.Optimizer, state: Mapping[str, Any]
) -> dict[str, Any]:
    """The state of both in whole tensors, divided as theirs are."""
    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    there = network.state_dict()
    return {
        "network": {
            name: _divided(tensor, there[name]) if name in there else tensor
            for name, tensor in state["network"].items()
        },
        "optimizer": {
            **state["optimizer"],
            "state": {
                number: {name: _divided(value, parameters[number]) for name, value in kept.items()}
                for number, kept in state["optimizer"]["state"].items()
            },
        },
    }


def _divided(full: Any, like: Tensor) -> Any:
    if not isinstance(like, dist.tensor.DTensor) or getattr(full, "shape", None) != like.shape:
        return full
    return dist.tensor.distribute_tensor(
        full.to(like.device), like.device_mesh, like.placements, src_data_rank=None
    )


class DistributedProcesses(Processes):
    """One of several processes, in the group that torchrun's environment describes."""

    def __init__(self) -> None:
        self.rank, self.number = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        self.local_rank = int(os.environ["LOCAL_RANK"])
        self.restarts = int(os.environ["TORCHELASTIC_RESTART_COUNT"])
        self.max_restarts = int(os.environ["TORCHELASTIC_MAX_RESTARTS"])
        self._parent = os.getppid()
        if not dist.is_initialized():
            dist.init_process_group("gloo")
        self.tensors: ProcessGroup | None = None
        """The group in which tensors are summed; numbers and texts go through another."""
        self._divides = False
        self._number = torch.zeros(1, dtype=torch.int64)
        self._pending: Work | None = None

    def total(self, tensor: Tensor) -> Tensor:
        summed = tensor.detach().clone()
        dist.all_reduce(summed, group=self.tensors)
        return summed

    def gather(self, value: T) -> list[T]:
        found: list[Any] = [None] * self.number
        dist.all_gather_object(found, value)
        return found

    def together(self, action: Callable[[], T]) -> T:
        result, wrong = None, None
        try:
            result = action()
        except CnncalcError as error:
            wrong = str(error)
        said = next(filter(None, self.gather(wrong)), None)
        if said is not None:
            raise (UsageError if self.first else ToldElsewhere)(*said.split("\n"))
        return result  # type: ignore[return-value]

    def by_first(self, action: Callable[[], T]) -> T:
        found = [self.together(action if self.first else lambda: None)]
        dist.broadcast_object_list(found, src=0)
        return found[0]  # type: ignore[return-value]

    def largest(self, number: int) -> int:
        """Waits for what was started at the call before, which ran beside a step's work."""
        found = 0
        if self._pending is not None:
            self._pending.wait()
            found = int(self._number)
        # Who started it is gone: nobody else would ever stop it.
        gone = os.getppid() != self._parent
        self._number.fill_(max(found, number, signal.SIGTERM if gone else 0))
        self._pending = dist.all_reduce(self._number, dist.ReduceOp.MAX, async_op=True)
        return found

    def prepare(self, network: nn.Module, device: str, shard: bool) -> None:
        group = dist.new_group(backend="nccl" if device == "cuda" else "gloo")
        assert not isinstance(group, int)
        self.tensors, self._divides = group, shard
        normalise_together(network, group, device)
        if shard:
            divide(network, group, device)

    def averaged(self, network: Any) -> Any:
        if self._divides:
            return network
        with warnings.catch_warnings():
            # The word that torch 2.14 wants instead is not known to those before it.
            warnings.filterwarnings("ignore", ".*broadcast_buffers", FutureWarning)
            return DistributedDataParallel(
                network,
                process_group=self.tensors,
                # They are the same in all processes already.
                broadcast_buffers=False,
                # Layers may reach no output. And without it gradients change places after the
                # first step, and sums of three processes their last bits: a resumed run would be
                # another.
                find_unused_parameters=True,
            )

    def part(self, tensor: Tensor) -> Tensor:
        return tensor.to_local() if self._divides else tensor  # type: ignore[attr-defined]

    def whole(self, state: dict[str, Any]) -> dict[str, Any]:
        return whole(state, self.first) if self._divides else state

    def load(
        self, network: nn.Module, optimizer: torch.optim.Optimizer, state: Mapping[str, Any]
    ) -> None:
        if self._divides:
            state = divided(network, optimizer, state)
        super().load(network, optimizer, state)
