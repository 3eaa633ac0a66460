"""Several processes that train one network: who they are, and what they agree on."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from cnncalc.errors import CnncalcError, UsageError

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.distributed import ProcessGroup, Work
    from torch.optim import Optimizer

T = TypeVar("T")


class ToldElsewhere(CnncalcError):
    """What ends this process is said by another one, or by its death."""


class Processes:
    """One process alone: its share is all, and what it finds, all have found."""

    rank, number, local_rank = 0, 1, 0
    restarts, max_restarts = 0, 0

    @property
    def first(self) -> bool:
        """Whether it is the one that prints and writes."""
        return self.rank == 0

    def share(self, start: int, stop: int) -> tuple[int, int]:
        """Its part of a range: parts are neighbours, and differ by one at most."""
        size, rank, number = stop - start, self.rank, self.number
        return start + size * rank // number, start + size * (rank + 1) // number

    def total(self, tensor: Tensor) -> Tensor:
        """The sum over all processes."""
        return tensor

    def gather(self, value: T) -> list[T]:
        """The values of all processes, by rank."""
        return [value]

    def together(self, action: Callable[[], T]) -> T:
        """What `action` gives, once it has ended in all processes. All raise what one raises."""
        return action()

    def by_first(self, action: Callable[[], T]) -> T:
        """What `action` gives in the first process, where alone it runs; all raise its error."""
        return action()

    def largest(self, number: int) -> int:
        """The largest of the processes' numbers; of several, those of the call before."""
        return number

    def prepare(self, network: nn.Module, device: str, shard: bool) -> None:
        """Before it has an optimizer: let what it computes of a batch be of the whole batch."""

    def averaged(self, network: Any) -> Any:
        """What is called in training, so that gradients are means over processes."""
        return network

    def part(self, tensor: Tensor) -> Tensor:
        """What of a tensor this process holds."""
        return tensor

    def whole(self, state: dict[str, Any]) -> dict[str, Any]:
        """A state of whole tensors, for the first process; all ask at the same time."""
        return state

    def load(self, network: nn.Module, optimizer: Optimizer, state: Mapping[str, Any]) -> None:
        """Give a network and its optimizer what `whole` gave."""
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])


class DistributedProcesses(Processes):
    """One of several processes, in the group that torchrun's environment describes."""

    def __init__(self) -> None:
        import torch
        import torch.distributed as dist

        if not dist.is_available() or not dist.is_gloo_available():
            raise UsageError(
                "several processes need torch.distributed with gloo, and this build of torch "
                "has none: leave out --nproc, or install another one"
            )
        self.rank, self.number = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        self.local_rank = int(os.environ["LOCAL_RANK"])
        self.restarts = int(os.environ["TORCHELASTIC_RESTART_COUNT"])
        self.max_restarts = int(os.environ["TORCHELASTIC_MAX_RESTARTS"])
        self._parent = os.getppid()
        self._dist = dist
        if not dist.is_initialized():
            dist.init_process_group("gloo")
        self.tensors: ProcessGroup | None = None
        """The group in which tensors are summed; numbers and texts go through another."""
        self._divides = False
        self._number = torch.zeros(1, dtype=torch.int64)
        self._pending: Work | None = None

    def total(self, tensor: Tensor) -> Tensor:
        summed = tensor.detach().clone()
        self._dist.all_reduce(summed, group=self.tensors)
        return summed

    def gather(self, value: T) -> list[T]:
        found: list[Any] = [None] * self.number
        self._dist.all_gather_object(found, value)
        return found

    def together(self, action: Callable[[], T]) -> T:
        result, wrong = None, None
        try:
            result = action()
        except CnncalcError as error:
            wrong = str(error)
        said = next(filter(None, self.gather(wrong)), None)
        if said is not None:
            raise UsageError(said) if self.first else ToldElsewhere(said)
        return result  # type: ignore[return-value]

    def by_first(self, action: Callable[[], T]) -> T:
        found = [self.together(action if self.first else lambda: None)]
        self._dist.broadcast_object_list(found, src=0)
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
        self._pending = self._dist.all_reduce(self._number, self._dist.ReduceOp.MAX, async_op=True)
        return found

    def prepare(self, network: nn.Module, device: str, shard: bool) -> None:
        from cnncalc.training import distributed

        group = self._dist.new_group(backend="nccl" if device == "cuda" else "gloo")
        assert not isinstance(group, int)
        self.tensors, self._divides = group, shard
        distributed.normalise_together(network, group, device)
        if shard:
            distributed.shard(network, group, device)

    def averaged(self, network: Any) -> Any:
        from cnncalc.training import distributed

        assert self.tensors is not None
        return network if self._divides else distributed.averaged(network, self.tensors)

    def part(self, tensor: Tensor) -> Tensor:
        part: Tensor = tensor.to_local() if self._divides else tensor  # type: ignore[attr-defined]
        return part

    def whole(self, state: dict[str, Any]) -> dict[str, Any]:
        from cnncalc.training import distributed

        found: dict[str, Any] = distributed.whole(state, self.first) if self._divides else state
        return found

    def load(self, network: nn.Module, optimizer: Optimizer, state: Mapping[str, Any]) -> None:
        if self._divides:
            from cnncalc.training import distributed

            state = distributed.divided(network, optimizer, state)
        super().load(network, optimizer, state)


def is_one_of_several() -> bool:
    """Whether torchrun, or `launch`, has started this process beside others."""
    return "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


def is_first() -> bool:
    """Whether this process is the one that prints and writes."""
    return not is_one_of_several() or os.environ["RANK"] == "0"


def join() -> Processes:
    """The processes that train with this one. Raises UsageError."""
    return DistributedProcesses() if is_one_of_several() else Processes()


def is_loss_of_another(error: RuntimeError) -> bool:
    """Whether torch says that another process did not answer."""
    return type(error).__name__.startswith("Dist") or "gloo" in str(error)
