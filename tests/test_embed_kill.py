"""`cnncalc embed` killed at random moments: the document is the old one or the new one.

A process that has cnncalc loaded forks a child for each kill, so that the moments fall into the
work and not into the start of Python. The child gives the network another width and embeds, over
and over; the parent kills it. Between two kills the document must be one of the two that can be.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.command import cnncalc

WIDTHS = (10, 11)
FILLING = "All of this stays as it is, é.\n" * 5_000
"""150 kB around the regions, so that writing takes a while."""
TEXT = (
    f"{FILLING}<!-- cnncalc:begin table net.json -->\n<!-- cnncalc:end -->\n{FILLING}"
    "It has <!-- cnncalc:begin value net.json params --><!-- cnncalc:end --> parameters.\n"
)

SERVER = """
import itertools, os, sys, time
from pathlib import Path
from tests.command import cnncalc
from tests.test_embed_kill import WIDTHS, set_width
for width in 2 * WIDTHS:
    start = time.monotonic()
    set_width(Path("net.json"), width)
    assert cnncalc("embed", "doc.md").code == 0
print(time.monotonic() - start, flush=True)
for line in sys.stdin:
    child = os.fork()
    if not child:
        for width in itertools.cycle(WIDTHS if int(line) else WIDTHS[::-1]):
            set_width(Path("net.json"), width)
            cnncalc("embed", "doc.md")
    print(child, flush=True)
    os.waitpid(child, 0)
    print("dead", flush=True)
"""


def set_width(path: Path, width: int) -> None:
    """Write the network, whole: its own halves are not what is tested."""
    net = {"input": {"features": 100}, "layers": [{"linear": width}]}
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(net))
    beside.replace(path)


def kills(folder: Path, times: int) -> Counter[str]:
    """Kill that many runs; what was found after each, and what was left beside the document."""
    document, states = folder / "doc.md", {}
    for width in WIDTHS:
        set_width(folder / "net.json", width)
        document.write_text(TEXT, "utf-8")
        assert cnncalc("embed", str(document)).code == 0
        states[document.read_bytes()] = width
    # 100·10 + 10 and 100·11 + 11.
    assert [b">1,010<" in s or b">1,111<" in s for s in states] == [True, True]
    found: Counter[str] = Counter()
    chance = random.Random(times)
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    with server:
        duration = float(server.stdout.readline())
        before, known = document.read_bytes(), set[Path]()
        for _ in range(times):
            # It starts with the width that the document does not show.
            server.stdin.write(f"{states.get(before) != WIDTHS[0]:d}\n")
            server.stdin.flush()
            child = int(server.stdout.readline())
            time.sleep(chance.uniform(0, 4 * duration))
            os.kill(child, signal.SIGKILL)
            assert server.stdout.readline() == "dead\n"
            after = document.read_bytes()
            found["other"] += after not in states
            found["changed" if after != before else "same"] += 1
            before = after
            left = set(folder.glob(".doc.md.*"))
            found["left a file"] += bool(left - known)
            known = left
            # The next run that comes to its work removes it, so that they do not add up.
            found["most files"] = max(found["most files"], len(left))
        server.stdin.close()
    # A run that is not killed finds nothing wrong, and leaves nothing.
    set_width(folder / "net.json", WIDTHS[0])
    assert cnncalc("embed", str(document)).code == 0
    assert states[document.read_bytes()] == WIDTHS[0]
    found["left at last"] = len(list(folder.glob(".doc.md.*")))
    return found


def check(found: Counter[str], times: int) -> None:
    assert found["other"] == found["left at last"] == 0
    assert found["changed"] + found["same"] == times
    assert found["changed"]
    assert found["most files"] <= 2


def test_fifty_kills_leave_the_old_or_the_new_document(tmp_path: Path) -> None:
    check(kills(tmp_path, 50), 50)


@pytest.mark.slow
def test_a_thousand_kills_leave_the_old_or_the_new_document(tmp_path: Path) -> None:
    found = kills(tmp_path, 1000)
    print(dict(found))
    check(found, 1000)
