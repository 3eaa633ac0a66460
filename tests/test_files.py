"""The one writer of files that are whole or not there."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from cnncalc.errors import UsageError
from cnncalc.files import refusals, remove_leftovers, write_whole


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def narrow() -> Iterator[None]:
    """A umask that takes writing from the group and everything from others."""
    before = os.umask(0o027)
    yield
    os.umask(before)


@pytest.mark.usefixtures("narrow")
def test_a_new_file_has_the_mode_of_new_files_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    file = tmp_path / "a"
    write_whole(file, b"new")
    assert mode(file) == 0o640
    file.chmod(0o606)
    write_whole(file, b"newer")
    assert (mode(file), file.read_bytes()) == (0o606, b"newer")


def test_while_it_is_written_nobody_else_may_read_it_or_remove_it(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"old")
    file.chmod(0o600)
    seen = list[int]()

    def look() -> None:
        (beside,) = tmp_path.glob(".a.*")
        seen.append(mode(beside))
        remove_leftovers(file)
        assert beside.read_bytes() == b"new"
        assert file.read_bytes() == b"old"

    write_whole(file, b"new", before=look)
    assert seen == [0o600]
    assert (os.listdir(tmp_path), file.read_bytes()) == (["a"], b"new")  # noqa: PTH208


def test_what_raises_at_the_end_leaves_the_old_file_alone(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"old")

    def full() -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(UsageError, match=r"^A: No space left on device$"), refusals("A"):
        write_whole(file, b"new", before=full)
    assert (os.listdir(tmp_path), file.read_bytes()) == (["a"], b"old")  # noqa: PTH208


def test_a_fixed_temporary_name_takes_the_place_of_what_was_left_there(tmp_path: Path) -> None:
    file, part = tmp_path / "a", tmp_path / ".a.part"
    part.write_bytes(b"half of something long")
    part.chmod(0o400)
    write_whole(file, b"new", temporary=part)
    assert (os.listdir(tmp_path), file.read_bytes()) == (["a"], b"new")  # noqa: PTH208


def test_a_name_of_255_bytes_has_room_for_the_temporary_one(tmp_path: Path) -> None:
    file = tmp_path / ("é" * 127 + "n")
    write_whole(file, b"new")
    assert file.read_bytes() == b"new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(pipe, b"through it")
        assert os.read(reader, 100) == b"through it"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root gives files away")
def test_the_owner_stays(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"old")
    os.chown(file, 1234, 4321)
    write_whole(file, b"new")
    assert (file.stat().st_uid, file.stat().st_gid) == (1234, 4321)
