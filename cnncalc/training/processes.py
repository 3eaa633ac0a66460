"""Several processes that train one network: how they start, who they are, what they agree on."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from uuid import uuid4

from cnncalc.errors import CnncalcError, UsageError, printable
from cnncalc.training.resumption import refuse_another

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.distributed import ProcessGroup, Work
    from torch.optim import Optimizer

MAX_RESTARTS = 3
"""How often processes are started again when one of them dies, as torchrun's `--max-restarts`."""
MAX_PROCESSES = 1024
_CODE = "CNNCALC_EXIT_CODE"
"""Names the file in which the processes of `--nproc` leave the exit code."""

T = TypeVar("T")


class Elsewhere(CnncalcError):
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


class Group(Processes):
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
            raise UsageError(said) if self.first else Elsewhere(said)
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
        from cnncalc.training import distributed_network

        group = self._dist.new_group(backend="nccl" if device == "cuda" else "gloo")
        assert not isinstance(group, int)
        self.tensors, self._divides = group, shard
        distributed_network.normalise_together(network, group, device)
        if shard:
            distributed_network.shard(network, group, device)

    def averaged(self, network: Any) -> Any:
        from cnncalc.training import distributed_network

        assert self.tensors is not None
        return network if self._divides else distributed_network.averaged(network, self.tensors)

    def part(self, tensor: Tensor) -> Tensor:
        part: Tensor = tensor.to_local() if self._divides else tensor  # type: ignore[attr-defined]
        return part

    def whole(self, state: dict[str, Any]) -> dict[str, Any]:
        from cnncalc.training import distributed_network

        found: dict[str, Any] = (
            distributed_network.whole(state, self.first) if self._divides else state
        )
        return found

    def load(self, network: nn.Module, optimizer: Optimizer, state: Mapping[str, Any]) -> None:
        if self._divides:
            from cnncalc.training import distributed_network

            state = distributed_network.divided(network, optimizer, state)
        super().load(network, optimizer, state)


def is_one_of_several() -> bool:
    """Whether torchrun, or `launch`, has started this process beside others."""
    return "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


def is_first() -> bool:
    """Whether this process is the one that prints and writes."""
    return not is_one_of_several() or os.environ["RANK"] == "0"


def is_launched() -> bool:
    """Whether `launch` has started this process."""
    return _CODE in os.environ and is_one_of_several()


def join() -> Processes:
    """The processes that train with this one. Raises UsageError."""
    return Group() if is_one_of_several() else Processes()


def is_loss_of_another(error: RuntimeError) -> bool:
    """Whether torch says that another process did not answer."""
    return type(error).__name__.startswith("Dist") or "gloo" in str(error)


def launch(number: int, arguments: Sequence[str], folder: Path, resume: bool) -> int:
    """Run `cnncalc` with these arguments in `number` processes of this machine.

    torchrun's engine starts them, and starts all again when one dies; `folder` is that of the
    run. Gives the exit code. Raises UsageError.
    """
    try:
        from torch.distributed import is_available

        if not is_available():
            raise UsageError("--nproc: this build of torch has no torch.distributed")
        from torch.distributed.elastic.multiprocessing import SignalException
        from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
        from torch.distributed.launcher.api import LaunchConfig, elastic_launch
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "torch":
            raise
        raise UsageError("cnncalc train needs torch: pip install 'cnncalc[train]'") from None
    if not resume:
        # Processes that are started again would take it for their own.
        refuse_another(folder)
    # What the engine logs of a death is said below, in a line.
    logging.disable()
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores // number)))
    # Or processes that are started again find the addresses of those that died
    # (https://github.com/pytorch/pytorch/issues/135712).
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    if sys.platform == "linux":
        # No message leaves the machine, whatever its name resolves to.
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=number,
        run_id=uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=MAX_RESTARTS,
    )
    with TemporaryDirectory() as place:
        file = Path(place, "code")
        os.environ[_CODE] = str(file)
        try:
            elastic_launch(config, sys.executable)("-m", "cnncalc", *arguments)
        except SignalException as stopped:
            if not file.exists():
                return 128 + stopped.sigval
        except ChildFailedError as failed:
            if not file.exists():
                rank, failure = failed.get_first_failure()
                died = failure.signal_name() if failure.exitcode < 0 else f"code {failure.exitcode}"
                print(
                    f"process {rank} of {number} died ({died}), after {MAX_RESTARTS} new starts; "
                    f"the last checkpoint is in {printable(str(folder))}; --resume goes on from "
                    "there",
                    file=sys.stderr,
                )
                return 1
        return int(file.read_text("utf-8"))


def conclude(body: Callable[[], int]) -> NoReturn:
    """End one of several processes with the exit code of `body`; what is wrong is printed once.

    `launch` gets the code from a file that the first one to end for good writes. The process
    itself then ends with 0, or torchrun would start all of them again.
    """
    code = _concluded(body)
    with suppress(OSError):
        sys.stdout.flush()
    # At the interpreter's end gloo's threads, which may wait for one who is gone, would abort.
    os._exit(code)


def _concluded(body: Callable[[], int]) -> int:
    file = os.environ.get(_CODE)
    if file is not None and Path(file).exists():
        return 0
    said = ""
    # Of warnings that torch writes to stderr itself, once in each process, none is for users.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    try:
        code = body()
        # Or NCCL complains when the process ends.
        sys.modules["torch.distributed"].destroy_process_group()
        if os.environ["RANK"] != "0":
            return 0 if file is not None else code
    except Elsewhere:
        return 1
    except CnncalcError as error:
        code, said = 2, str(error)
    except BrokenPipeError:
        # The reader went away: nothing is left to say, not even at exit.
        code = 0
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if file is not None:
        try:
            with open(file, "x", encoding="utf-8") as told:
                told.write(str(code))
        except FileExistsError:
            return 0
    if said:
        print(said, file=sys.stderr)
    return code if file is None else 0
