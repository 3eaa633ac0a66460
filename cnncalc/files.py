"""Files that are whole or not there: the one place that writes them."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cnncalc.errors import UsageError, printable


def write_whole(
    path: Path,
    content: bytes | memoryview,
    *,
    temporary: Path | None = None,
    before: Callable[[], object] = lambda: None,
) -> None:
    """Write a whole file or nothing: to a temporary one beside it, which then takes its place.

    It is synced first, so that whenever the machine stops the old file or the new one is there;
    mode and owner of the old one stay. A link is replaced like a file: to follow it, give what it
    resolves to. A device or a pipe cannot be replaced, only written to.

    `temporary` is the other file where it has a fixed name; else it has one that nobody else has,
    and `remove_leftovers` knows it. `before` is called when everything is on disk; where it
    raises, the old file stays. Raises OSError.
    """
    old = path.stat() if path.exists() else None
    if old is not None and not stat.S_ISREG(old.st_mode):
        path.write_bytes(content)
        return
    temporary = temporary or path.with_name(f"{_prefix(path)}{os.urandom(8).hex()}.tmp")
    # Never open to more people than the old one, not even while it is written.
    mode = 0o666 if old is None else stat.S_IMODE(old.st_mode) & 0o777
    temporary.unlink(missing_ok=True)
    try:
        with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            _lock(file.fileno())
            file.write(content)
            if old is not None:
                # Where there is such a thing, and it is allowed.
                with suppress(OSError, AttributeError):
                    os.chown(file.fileno(), old.st_uid, old.st_gid)
                temporary.chmod(stat.S_IMODE(old.st_mode))
            file.flush()
            os.fsync(file.fileno())
            before()
            # On Windows only a closed file can be renamed.
            if os.name == "posix":
                temporary.replace(path)
        if os.name != "posix":
            temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(path.parent)


def followed(path: Path) -> Path:
    """The file that a path stands for, links followed. Raises OSError where they go in a circle."""
    found = Path(os.path.realpath(path))
    if found.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return found


def refuse_read_only(path: Path, label: str) -> None:
    """Raises UsageError where a file is there that may not be written: it would be replaced."""
    with suppress(FileNotFoundError):
        # The superuser may write to all, and is told what the owner wanted.
        if not path.stat().st_mode & 0o222 or not os.access(path, os.W_OK):
            raise UsageError(f"{label}: is read-only; chmod u+w {label}")


def remove_leftovers(path: Path) -> None:
    """Remove what a writer that was killed left beside a file.

    One that is still writing holds a lock on its file; locks end with their process.
    """
    start = _prefix(path)
    with suppress(OSError):
        names = [name for name in os.listdir(path.parent) if name.startswith(start)]  # noqa: PTH208
        for name in names:
            with suppress(OSError), (path.parent / name).open("rb") as file:
                if name.endswith(".tmp") and _lock(file.fileno()):
                    (path.parent / name).unlink()


@contextmanager
def refusals(label: str) -> Iterator[None]:
    """What the system refuses, as one line that begins with `label`. Raises UsageError."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{label}: {error.strerror or error}") from None


@contextmanager
def refusals_in(folder: Path) -> Iterator[None]:
    """The same for any file that is named, else for the folder. Whoever reads may go away."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(
            f"{printable(str(error.filename or folder))}: {error.strerror or error}"
        ) from None


def _prefix(path: Path) -> str:
    """How temporary files of a file begin; a name has at most 255 bytes."""
    return f".{os.fsdecode(os.fsencode(path.name)[:200])}.cnncalc-"


def _lock(file: int) -> bool:
    """Whether this process now has the lock of an open file; False where there are no locks."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def _sync_folder(folder: Path) -> None:
    """Make the renaming itself last, where a folder can be synced."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
