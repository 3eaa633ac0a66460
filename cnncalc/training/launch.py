"""`cnncalc train --nproc`: how several processes start, and how they end."""

import logging
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn
from uuid import uuid4

from cnncalc.errors import CnncalcError, UsageError, printable, require
from cnncalc.training.processes import ToldElsewhere, is_one_of_several

MAX_RESTARTS = 3
"""How often processes are started again when one of them dies, as torchrun's `--max-restarts`."""
MAX_PROCESSES = 1024
_CODE = "CNNCALC_EXIT_CODE"
"""Names the file in which the processes of `--nproc` leave the exit code."""


def is_launched() -> bool:
    """Whether `launch` has started this process."""
    return _CODE in os.environ and is_one_of_several()


def launch(number: int, arguments: Sequence[str], folder: Path, resume: bool) -> int:
    """Run `cnncalc` with these arguments in `number` processes of this machine.

    torchrun's engine starts them, and starts all again when one dies; `folder` is that of the
    run. Gives the exit code. Raises UsageError.
    """
    require("torch", "cnncalc train", "train")
    from torch.distributed import is_available

    if not is_available():
        raise UsageError("--nproc: this build of torch has no torch.distributed")
    from torch.distributed.elastic.multiprocessing import SignalException, errors
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    from cnncalc.training.checkpoint import refuse_another_run

    if not resume:
        # Processes that are started again would take it for their own.
        refuse_another_run(folder)
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
        except errors.ChildFailedError as failed:
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
    except ToldElsewhere:
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
