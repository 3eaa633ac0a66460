"""Where torch computes."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from cnncalc.errors import UsageError, printable, shorten


def find_device(wanted: str, processes: int = 1, local_rank: int = 0) -> torch.device:
    """The device that `--device` means; auto is the best there is, for each of several processes.

    `local_rank` says which of them on this machine asks. Raises UsageError where there is none.
    """
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available() and processes == 1,
        "cpu": True,
    }
    if wanted == "auto":
        wanted = next(device for device, is_there in there.items() if is_there)
    if not there.get(wanted):
        which = "none here" if processes == 1 else "none here for several processes"
        known = " and ".join(f"--device {device}" for device, is_there in there.items() if is_there)
        raise UsageError(f"--device {wanted}: torch finds {which}; there is {known}")
    if wanted == "cuda" and processes > 1:
        gpus = torch.cuda.device_count()
        if local_rank >= gpus:
            raise UsageError(
                f"--device cuda: torch finds {gpus} GPU{'s' if gpus > 1 else ''} here, and "
                "each process needs one of its own: give fewer processes, or --device cpu"
            )
        torch.cuda.set_device(local_rank)
    return torch.device(wanted)


def make_deterministic(device: torch.device) -> None:
    """The same bits every time, or a resumed run could not be the run that was stopped."""
    if device.type != "cuda":
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    warnings.filterwarnings("ignore", ".*does not have a deterministic implementation.*")
    torch.use_deterministic_algorithms(True, warn_only=True)
    # It would write every new tensor twice, and we read none that was not written.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


@contextmanager
def memory_refusals(what: str) -> Iterator[None]:
    """That memory is not enough, as one line: for what, and torch's reason. Raises UsageError."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and "allocate memory" not in str(error):
            raise
        reason = printable(shorten(str(error).strip().partition("\n")[0], 200))
        raise UsageError(f"not enough memory {what} ({reason})") from None
