"""How much memory a device has left."""

import os
from pathlib import Path

UNKNOWN = 4 * 2**30
"""What is supposed where nobody says: a small machine's."""
MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


def free_bytes(device: str) -> int:
    """Bytes that are free on the device; those of the machine where it has none of its own."""
    if device == "cuda":
        import torch

        return torch.cuda.mem_get_info()[0]
    found = [size for size in (_of_machine(), _of_container()) if size is not None]
    return min(found, default=UNKNOWN)


def _of_machine() -> int | None:
    """What Linux calls available; elsewhere half of all memory."""
    try:
        return _fields(MEMINFO)["MemAvailable:"] * 1024
    except (OSError, ValueError, KeyError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (OSError, ValueError, AttributeError):
        return None


def _of_container() -> int | None:
    """What the limit of a container leaves, cached files left out (cgroup v2)."""
    try:
        limit = int((CGROUP / "memory.max").read_text("ascii"))
        used = int((CGROUP / "memory.current").read_text("ascii"))
        return max(limit - used + _fields(CGROUP / "memory.stat")["file"], 0)
    except (OSError, ValueError, KeyError):
        # No such file, or no limit: it says `max` then.
        return None


def _fields(path: Path) -> dict[str, int]:
    """Lines of a name and a number."""
    rows = (line.split() for line in path.read_text("ascii").splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) > 1}
