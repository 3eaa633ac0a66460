"""Eight threads that each answer fifty mixed requests give what one thread gives.

Each thread has a folder of its own, in which the same relative name is another network: what leaks
a working directory, or keeps what was read by its relative name, answers for the wrong folder.
"""

from __future__ import annotations

import io
import json
import os
import random
import shlex
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from threading import Barrier

import pytest

from cnncalc.ask.request import answer
from cnncalc.ask.words import request_of
from cnncalc.errors import CnncalcError

THREADS, EACH = 8, 50
_COMMANDS = (
    "table {} columns=+receptive_field,working_set",
    "table {} lenet5 sort=macs",
    "table {} count-as=thop optimizer=adam batch=4",
    "explain {}",
    "explain {} quiz=yes seed=3",
    "compare-fc {}",
    "diff {} lenet5",
    "diff {} input-b=40x40",
    "reconcile {} torch thop",
    "check {} max-params=5k max-peak-memory=8KiB",
    "draw {} format=svg",
    "draw {} column=macs format=svg",
    "value {} params",
    "value {} macs format=.2M",
    # Mistakes are answers, too; the last is a network in the other folders.
    "table {} columns=nope",
    "explain {} nope",
    "table missing.json",
    "table only-here.json",
)
_FORMATS = ("text", "markdown", "latex", "html", "rst", "asciidoc")
_SPECS = ("net.json", "sub/net.json", "lenet5", "resnet18", "alexnet-2012")


def _folder(place: Path, number: int) -> Path:
    """A folder with networks that no other folder has, by the names that all have."""
    for name, channels in (("net.json", 3 + number), ("sub/net.json", 20 + number)):
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            json.dumps(
                {
                    "name": f"Net {number}",
                    "input": {"height": 32, "width": 32, "channels": 3},
                    "layers": [
                        {"conv": {"out_channels": channels, "kernel_size": 5, "stride": 2}},
                        "relu",
                        {"max_pool": 2},
                        "flatten",
                        {"linear": 10},
                    ],
                }
            )
        )
    if number % 2:
        (place / "only-here.json").write_text((place / "net.json").read_text())
    (place / "pyproject.toml").write_text(
        f"[tool.cnncalc.budgets]\nmax-macs = {1000 * (number + 1)}\n"
    )
    return place


def _requests(seed: int) -> list[str]:
    """Fifty requests of all kinds, in an order of each thread's own."""
    every = [command.format(spec) for command, spec in product(_COMMANDS, _SPECS)]
    random.Random(seed).shuffle(every)
    # Every kind is among them, and every folder asks for its own network.
    first = [command.format("net.json") for command in _COMMANDS]
    chosen = list(dict.fromkeys([*first, *every]))[:EACH]
    random.Random(-seed).shuffle(chosen)
    return chosen


def _answered(words: str, folder: Path) -> tuple[object, ...]:
    """All that a request gives, or what is wrong with it."""
    command, *rest = shlex.split(words)
    named = any(word.startswith("format=") for word in rest)
    format = "" if named or command == "value" else _FORMATS[len(words) % len(_FORMATS)]
    try:
        found = answer(request_of([command, *rest], folder, format))
        return (found.text(), found.format, found.notes, found.ok, str(found.problem))
    except CnncalcError as error:
        return (type(error).__name__, str(error))


def test_threads_answer_as_one_does(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folders = [_folder(tmp_path / f"f{number}", number) for number in range(THREADS)]
    asked = [_requests(number) for number in range(THREADS)]
    alone = [[_answered(w, f) for w in words] for f, words in zip(folders, asked, strict=True)]
    assert {len(answers) for answers in alone} == {EACH}
    # Folders differ in what they answer: else nothing could be mixed up.
    same = ["table net.json columns=+receptive_field,working_set", "check net.json max-params=5k"]
    for words in same:
        assert len({_answered(words, folder) for folder in folders}) == THREADS
    kinds = {words.split()[0] for words in asked[0]}
    assert kinds == {command.split()[0] for command in _COMMANDS}

    before = (Path.cwd(), sys.stdout, sys.stderr, dict(os.environ), os.umask(0o022))
    os.umask(before[-1])
    told = io.StringIO()
    start = Barrier(THREADS)

    def work(number: int) -> list[tuple[object, ...]]:
        start.wait()
        found = []
        for words in asked[number]:
            found.append(_answered(words, folders[number]))
            # Not at the end alone: what is put back in time was still changed.
            assert Path.cwd() == before[0]
            assert sys.stdout is told
        return found

    interval = sys.getswitchinterval()
    sys.stdout = told
    try:
        # Threads take turns often, so that each is stopped amid its work.
        sys.setswitchinterval(1e-5)
        with ThreadPoolExecutor(THREADS) as pool:
            together = list(pool.map(work, range(THREADS)))
    finally:
        sys.setswitchinterval(interval)
        sys.stdout = before[1]

    for number, (one, many) in enumerate(zip(alone, together, strict=True)):
        for words, x, y in zip(asked[number], one, many, strict=True):
            assert y == x, f"thread {number}: {words}"
    assert told.getvalue() == ""
    assert (Path.cwd(), sys.stdout, sys.stderr, dict(os.environ)) == before[:4]
    assert os.umask(before[-1]) == before[-1]
    assert capfd.readouterr() == ("", "")
