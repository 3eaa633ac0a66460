"""`cnncalc verify` without torch: what it says of it, what it prints, what it refuses."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc.cli.verify_progress import progress
from cnncalc.findings import verification_page as pages
from cnncalc.findings.verification import AS_ASKED, Aspect, Difference, Step, Verification
from cnncalc.render.plain import plain
from cnncalc.render.terminal import print_lines
from cnncalc.witness import free_memory
from tests.command import cnncalc as command

SPEC: dict[str, Any] = {
    "name": "net",
    "input": {"features": 4},
    "layers": [{"linear": {"out_features": 3, "activation": "relu"}, "name": "a"}, {"linear": 2}],
}


def verified(step: Step | None = None, *differences: Difference) -> Verification:
    """As if torch had said it: 15 + 8 parameters, 12 + 6 MACs."""
    wrong = {(d.layer, d.aspect) for d in differences}
    compared: tuple[Aspect, ...] = ("output", "params", "macs")
    if step is not None:
        compared += ("saved", "gradients") if step.exact else ("gradients",)
    names = ("a", "a.relu", "fc1")
    marks: dict[Aspect, tuple[bool | None, ...]] = {
        aspect: tuple((name, aspect) not in wrong for name in names) for aspect in compared
    }
    if step is not None and not step.exact:
        marks["saved"] = (None, None, None)
    return Verification(
        report=cnncalc.analyze(SPEC),
        batch=2,
        spec_inputs={},
        tensors=4,
        saved=(32, 24, 0),
        training_bytes=2 * 4 * 23 + 56,
        marks=marks,
        differences=differences,
        step=step,
        skipped="" if step else AS_ASKED,
        torch="2.14.1",
        seconds=1.25,
    )


ON_CPU = Step("cpu", (32, 24, 0), exact=True, peak=None)
ON_CUDA = Step("cuda", (32, 0, 24), exact=False, peak=4_096)


def without_torch(program: str) -> subprocess.CompletedProcess[str]:
    blocked = f"import sys\nsys.modules['torch'] = None\n{program}"
    return subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True)


def test_without_torch_the_function_says_it_too() -> None:
    done = without_torch(
        "import cnncalc\n"
        "try:\n"
        "    cnncalc.verify('lenet5')\n"
        "except cnncalc.CnncalcError as error:\n"
        "    print(error)\n"
    )
    assert (
        done.stdout
        == "cnncalc verify needs torch: in a checkout of cnncalc, pip install '.[torch]'\n"
    ), done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--all", "lenet5"], "--all takes no specs, --set or --input: each network is as it is"),
        (["--all", "--input", "8x8"], "--all takes no specs"),
        (["--all", "--set", "width=2"], "--all takes no specs"),
        (["--depth", "some"], "--depth takes a number from 1, or all, not some"),
        (["--max-memory", "much"], '--max-memory: "much" is no amount'),
        (["--max-params", "0"], "--max-params: must be more than 0, not 0"),
    ],
)
def test_options_that_make_no_sense(arguments: list[str], message: str) -> None:
    result = command("verify", *arguments)
    assert (result.code, len(result.err.splitlines()), result.out) == (2, 1, "")
    assert result.err.startswith(message)


# The page


def test_a_network_that_agrees() -> None:
    assert plain(pages.page(verified(ON_CPU))) == (
        "net: torch agrees\n"
        "\n"
        "layer  output  params  MACs  saved bytes  grad.\n"
        "───────────────────────────────────────────────\n"
        "a         3 ✓    15 ✓  12 ✓         56 ✓  ✓\n"
        "fc1       2 ✓     8 ✓   6 ✓          0 ✓  ✓\n"
        "───────────────────────────────────────────────\n"
        "total       ✓    23 ✓  18 ✓         56 ✓  ✓\n"
        "\n"
        "Compared with torch on the meta device: shapes, 4 tensors, and MACs of one\n"
        "input, half of the FLOPs that FlopCounterMode counts.\n"
        "Not compared: elementwise operations, working sets, bytes moved, optimizer\n"
        "state, values and the side of padding.\n"
        "Forward and backward on cpu, float32, a random batch of 2: 56 bytes saved for\n"
        "backward, as predicted.\n"
    )


def test_on_other_devices_predicted_and_measured_stand_side_by_side() -> None:
    lines = plain(pages.page(verified(ON_CUDA))).splitlines()
    assert lines[2].split() == [
        "layer",
        "output",
        "params",
        "MACs",
        "predicted",
        "measured",
        "grad.",
    ]
    assert lines[4].split() == ["a", "3", "✓", "15", "✓", "12", "✓", "56", "32", "✓"]
    assert lines[5].split() == ["fc1", "2", "✓", "8", "✓", "6", "✓", "0", "24", "✓"]
    assert lines[7].split() == ["total", "✓", "23", "✓", "18", "✓", "56", "56", "✓"]
    assert "given out 4,096 bytes; parameters, gradients and what is saved are 240." in " ".join(
        " ".join(lines).split()
    )


def test_what_differs_is_marked_and_listed() -> None:
    differs = [
        Difference("a", "output", "output", (5, 4, 3), (5, 4, 2)),
        Difference("a", "params", "a.weight", (3, 4), None),
        Difference("", "macs", "MACs in all", 18_000, 19_000),
    ]
    lines = plain(pages.page(verified(None, *differs))).splitlines()
    assert lines[0] == "net: torch disagrees in 3 things"
    assert lines[4].split() == ["a", "3", "✗", "15", "✗", "12", "✓"]
    assert lines[7].split() == ["total", "✗", "23", "✗", "18", "✗"]
    start = lines.index("What differs")
    # An output as height × width × channels, a tensor as torch has it.
    assert [line.split() for line in lines[start + 3 : start + 6]] == [
        ["a", "output", "4×3×5", "4×2×5"],
        ["a", "a.weight", "3×4", "none"],
        ["MACs", "in", "all", "18,000", "19,000"],
    ]


def test_json_has_raw_numbers() -> None:
    differs = Difference("", "macs", "MACs in all", 18, 19)
    entry = json.loads(json.dumps(verified(ON_CUDA, differs).to_dict()))
    assert entry["layers"][1] == {
        "name": "a.relu",
        "output_shape": [3],
        "params": 0,
        "macs": 0,
        "saved_bytes": 24,
        "saved_bytes_measured": 0,
        "agrees": {"output": True, "params": True, "macs": True, "saved": None, "gradients": True},
    }
    assert entry["run"] == {
        "device": "cuda",
        "batch": 2,
        "saved_bytes": 56,
        "saved_bytes_measured": 56,
        "saved_bytes_exact": False,
        "training_bytes": 240,
        "peak_allocated_bytes": 4096,
    }
    assert entry["differences"] == [
        {"layer": None, "aspect": "macs", "what": "MACs in all", "expected": 18, "found": 19}
    ]
    assert (entry["ok"], entry["seconds"], entry["torch"]) == (False, 1.25, "2.14.1")


def test_several_networks_have_a_row_each() -> None:
    wrong = verified(None, Difference("a", "macs", "MACs", 12, 13))
    large = dataclasses.replace(verified(), skipped="23 parameters are more than 22")
    text = plain(pages.summary([("one", verified(ON_CPU)), ("two", wrong), ("three", large)]))
    lines = text.splitlines()
    assert lines[0] == "torch agrees with 2 of 3 networks (9 layers)"
    assert [line.split() for line in lines[4:7]] == [
        ["one", "23", "18", "56", "1.2", "✓"],
        ["two", "23", "18", "1.2", "✗", "1"],
        ["three", "23", "18", "1.2", "✓"],
    ]
    assert lines[8].split() == ["total", "3.8", "✗", "1"]
    assert "net      a      MACs  12       13" in lines
    assert "- three: not run, 23 parameters are more than 22" in lines


@pytest.mark.parametrize(
    ("encoding", "row"),
    [
        ("utf-8", "a         3 ✓    15 ✗  12 ✓"),
        ("ascii", "a         3 +    15 !  12 +"),
        # It has × and ─, but no check marks.
        ("euc-kr", "a         3 +    15 !  12 +"),
    ],
)
def test_check_marks_where_an_encoding_has_none(encoding: str, row: str) -> None:
    differs = Difference("a", "params", "params", 15, 14)
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    text = plain(pages.page(verified(None, differs)))
    print_lines([(line, "") for line in text.splitlines()], file)
    file.seek(0)
    assert row in file.read().splitlines()


# On the way


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_a_bar_and_lines_for_what_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    with progress(2) as tell:
        for name, found in (
            ("one", verified(ON_CPU)),
            ("two", verified(None, Difference("a", "macs", "MACs", 12, 13))),
        ):
            tell(name, None)
            tell(name, found)
    shown = terminal.getvalue()
    assert "2/2" in shown
    assert "✗ two: torch disagrees in 1 thing" in shown
    assert "✓ one" not in shown


@pytest.mark.parametrize(("many", "lines"), [(1, 0), (2, 1)])
def test_elsewhere_each_of_several_networks_has_a_line(
    many: int, lines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress(many) as tell:
        tell("one", None)
        tell("one", verified(ON_CPU))
    told = capsys.readouterr().err
    wanted = "✓ one: 23 parameters, 18 MACs, forward and backward on cpu, 1.2 s\n"
    assert told == wanted * lines


# Free memory


def test_linux_says_what_is_available(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 900 kB\nMemAvailable:  500 kB\nHugePages_Total:  0\n")
    monkeypatch.setattr(free_memory, "MEMINFO", meminfo)
    monkeypatch.setattr(free_memory, "CGROUP", tmp_path)
    assert free_memory.free_bytes("cpu") == 500 * 1024
    # A container may have less: its limit, less what is used without the files in the cache.
    (tmp_path / "memory.max").write_text("300000\n")
    (tmp_path / "memory.current").write_text("250000\n")
    (tmp_path / "memory.stat").write_text("anon 100000\nfile 120000\n")
    assert free_memory.free_bytes("cpu") == 300_000 - 250_000 + 120_000
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory.free_bytes("cpu") == 500 * 1024


def test_elsewhere_half_of_the_machine_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(free_memory, "MEMINFO", tmp_path / "none")
    monkeypatch.setattr(free_memory, "CGROUP", tmp_path)
    pages_of = {"SC_PHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf", pages_of.__getitem__)
    assert free_memory.free_bytes("cpu") == 2_048_000
    monkeypatch.delattr(os, "sysconf")
    assert free_memory.free_bytes("mps") == free_memory.UNKNOWN
