"""Several processes that train one network: who they are, and what they agree on."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from cnncalc.errors import CnncalcError

if TYPE_CHECKING:
    from torch import Tensor, nn
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


class Interruption:
    """While it is open, the first SIGINT or SIGTERM is only remembered, the second acts.

    Several processes stop at the same step: at that, all know of what one of them caught before.
    """

    def __init__(self, processes: Processes) -> None:
        self.caught: int | None = None
        """What all are to stop for."""
        self._own = 0
        self._processes = processes
        self._before: dict[int, Any] = {}

    def is_caught(self) -> bool:
        """Asked by all processes at the same places."""
        self.caught = self.caught or self._processes.largest(self._own) or None
        return self.caught is not None

    def __enter__(self) -> Self:
        # Only the main thread may; elsewhere signals are somebody else's.
        with suppress(ValueError):
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._catch)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _catch(self, number: int, _: FrameType | None) -> None:
        self._own = number
        self.__exit__()


def is_one_of_several() -> bool:
    """Whether torchrun, or `launch`, has started this process beside others."""
    return "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


def is_first() -> bool:
    """Whether this process is the one that prints and writes."""
    return not is_one_of_several() or os.environ["RANK"] == "0"


def is_loss_of_another(error: RuntimeError) -> bool:
    """Whether torch says that another process did not answer."""
    return type(error).__name__.startswith("Dist") or "gloo" in str(error)
