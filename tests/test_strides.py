"""Strides that do not fit: the exact fraction, what is lost of it, and what would fit."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cnncalc.analysis import strides
from cnncalc.api import analyze
from cnncalc.cli.app import app
from cnncalc.infer import Facts
from cnncalc.layers.base import Shape
from tests.strategies import spec_of


def conv(kernel_size: Any, stride: Any, padding: Any = 0, **fields: Any) -> Any:
    """A convolution with one filter."""
    sizes = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    return {"conv": {"out_channels": 1, **sizes, **fields}}


def warnings_of(item: Any, shape: Shape) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = analyze(spec_of(item, shape)).to_dict()["warnings"]
    return found


def test_alexnets_first_layer_on_224() -> None:
    """(224 − 11)/4 + 1 = 54.25: a row and a column of the picture are never read."""
    height, width = warnings_of(conv(11, 4), (3, 224, 224))
    message = height.pop("message")
    assert height == {
        "layer": "conv1",
        "axis": "height",
        "kind": "stride",
        "exact": "217/4",
        "floor": 54,
        "output": 54,
        "lost": 1,
        "lost_input": 1,
        "fixes": [
            {"input": 223},
            {"input": 227},
            {"kernel_size": 12},
            {"padding": [1, 2]},
            {"stride": 3},
        ],
    }
    assert message == (
        "(224 + 2·0 − 11)/4 + 1 = 54.25 is no integer, rounded down to 54: "
        "1 of 224 input positions never read"
    )
    assert width == height | {"axis": "width", "message": message}


def test_warnings_stand_at_their_layer_too() -> None:
    report = analyze(spec_of(conv(11, 4), (3, 224, 224))).to_dict()
    assert report["layers"][0]["warnings"] == report["warnings"]


def test_nothing_is_worked_out_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []

    def windows(facts: Facts) -> Any:
        looked.append("windows")
        return facts.work.windows

    def fixes(*_: Any) -> Any:
        looked.append("fixes")
        return iter([{"stride": 1}])

    monkeypatch.setattr(Facts, "windows", property(windows))
    monkeypatch.setattr(strides, "find_fixes", fixes)
    report = analyze(spec_of(conv(11, 4), (3, 224, 224)))
    assert looked == []
    first, second = report.warnings
    assert looked == ["windows"]
    assert isinstance(first, strides.StrideWarning)
    assert first.fixes == first.fixes == ({"stride": 1},)
    assert looked == ["windows", "fixes"]
    assert report.warnings[1] is second


FRACTIONS = [
    # CS231n: 7×7 with 3×3 and stride 3 gives 2.33, "so it does not fit"; one of 7 is not read.
    ("cs231n", conv(3, 3), 7, "7/3", 2, 1, 1),
    # ResNet's stem: (224 + 6 − 7)/2 + 1 = 112.5; what is left over is padding.
    ("resnet stem", conv(7, 2, 3), 224, "225/2", 112, 1, 0),
    # A pool of an odd size drops the last position: (13 − 2)/2 + 1 = 6.5.
    ("odd pool", {"max_pool": 2}, 13, "13/2", 6, 1, 1),
    ("odd average", {"avg_pool": 2}, 5, "5/2", 2, 1, 1),
    ("odd minimum", {"min_pool": 2}, 5, "5/2", 2, 1, 1),
    ("odd subsampling", {"subsample": 2}, 5, "5/2", 2, 1, 1),
    # Rounded up, the window sticks out and nothing is lost: (6 − 3)/2 + 1 = 2.5.
    ("ceil", {"max_pool": {"kernel_size": 3, "stride": 2, "ceil_mode": True}}, 6, "5/2", 3, 0, 0),
    # Up would start on the padding at the end: (5 + 2 − 2)/3 + 1 = 2.67, and stays at 2.
    (
        "ceil on padding",
        {"max_pool": {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True}},
        5,
        "8/3",
        2,
        2,
        1,
    ),
    # Of three positions over, two are the padding behind: (10 + 1 + 2 − 2)/4 + 1 = 3.75.
    ("both", conv(2, 4, [[1, 2]]), 10, "15/4", 3, 3, 1),
    # Padding on one side only: (8 + 0 + 1 − 2)/2 + 1 = 4.5, and it is the padding that is lost.
    ("one side", conv(2, 2, [[0, 1]]), 8, "9/2", 4, 1, 0),
    # The one window reads padding in front, and the whole input (one position) is lost with the
    # rest of the padding: (1 + 5 − 2)/10 + 1 = 1.4.
    ("all", conv(2, 10, [[5, 0]]), 1, "7/5", 1, 4, 1),
    # A kernel of 3 stretched over 5: (10 − 2·2 − 1)/2 + 1 = 3.5.
    ("dilated", conv(3, 2, dilation=2), 10, "7/2", 3, 1, 1),
    # Same padding adds nothing where the kernel is smaller than the stride: (6 − 1)/2 + 1 = 3.5.
    ("same", conv(1, 2, "same"), 6, "7/2", 3, 1, 1),
]


@pytest.mark.parametrize(
    ("item", "n", "exact", "output", "lost", "lost_input"),
    [case[1:] for case in FRACTIONS],
    ids=[case[0] for case in FRACTIONS],
)
def test_fractions(item: Any, n: int, exact: str, output: int, lost: int, lost_input: int) -> None:
    (warning,) = (w for w in warnings_of(item, (1, n)) if w["kind"] == "stride")
    assert warning["axis"] == "length"
    assert warning["exact"] == exact
    assert warning["floor"] == Fraction(exact).__floor__()
    assert warning["output"] == output
    assert warning["lost"] == lost
    assert warning["lost_input"] == lost_input
    assert warning["fixes"]


FITTING = [
    (conv(11, 4), (3, 227, 227)),
    (conv(3, 1), (1, 7, 7)),
    (conv(3, 2), (1, 7, 7)),
    (conv(3, 2, 1), (1, 7, 7)),
    ({"max_pool": 2}, (6, 28, 28)),
    ({"max_pool": {"kernel_size": 3, "stride": 2, "ceil_mode": True}}, (1, 7)),
    # Same padding is what makes the stride fit.
    *((conv(3, 2, "same"), (1, n)) for n in range(1, 9)),
    *((conv(4, 3, "same"), (1, n)) for n in range(1, 9)),
    # A transposed convolution has no remainder.
    ({"conv_transpose": {"out_channels": 1, "kernel_size": 3, "stride": 2}}, (1, 5, 5)),
]


@pytest.mark.parametrize(("item", "shape"), FITTING)
def test_no_warning_where_it_fits(item: Any, shape: Shape) -> None:
    assert warnings_of(item, shape) == []


def test_a_stride_beyond_the_kernel_leaves_gaps() -> None:
    """ResNet's 1×1 shortcut with stride 2 on 57: an exact size, and every second row unread."""
    gaps = warnings_of(conv(1, 2), (64, 57, 57))
    assert [(w["axis"], w["kind"], w["gap"]) for w in gaps] == [
        ("height", "gap", 1),
        ("width", "gap", 1),
    ]
    assert gaps[0]["message"] == (
        "stride 2 is larger than the kernel's extent 1: 1 of every 2 positions are never read"
    )
    assert not any("exact" in w or "lost" in w for w in gaps)
    # Dilation closes the gap: a kernel of 2 stretched over 3.
    assert [w["gap"] for w in warnings_of(conv(2, 4, dilation=2), (1, 7))] == [1]
    assert warnings_of(conv(2, 3, dilation=2), (1, 6)) == []


def test_axes_are_judged_apart() -> None:
    """224 rows do not fit and 227 columns do; in 3-D the axes are depth, height and width."""
    (warning,) = warnings_of(conv(11, 4), (3, 224, 227))
    assert (warning["axis"], warning["exact"]) == ("height", "217/4")
    # A fix changes its own axis: a kernel 12 high need not fit the 11 columns.
    (warning,) = warnings_of(conv(11, 4), (3, 224, 11))
    assert {"kernel_size": 12} in warning["fixes"]
    found = warnings_of({"max_pool": 2}, (1, 4, 5, 7))
    assert [(w["axis"], w["exact"]) for w in found] == [("height", "5/2"), ("width", "7/2")]


def test_same_padding_is_not_offered_another() -> None:
    (warning,) = (w for w in warnings_of(conv(1, 2, "same"), (1, 6)) if w["kind"] == "stride")
    assert {name for fix in warning["fixes"] for name in fix} == {"input", "kernel_size", "stride"}


# The command line


@pytest.fixture(autouse=True)
def _as_wide_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


def spec_file(folder: Path, item: Any, shape: Shape) -> str:
    path = folder / "net.json"
    path.write_text(json.dumps(spec_of(item, shape)), encoding="utf-8")
    return str(path)


LOSES, HARMLESS, FITS = (conv(11, 4), 224), (conv(7, 2, 3), 224), (conv(11, 4), 227)
GAPS = (conv(1, 2), 57)

EXITS = [
    (LOSES, [], 0),
    (LOSES, ["--strict"], 1),
    (LOSES, ["--strict-any"], 1),
    (HARMLESS, ["--strict"], 0),
    (HARMLESS, ["--strict-any"], 1),
    (FITS, ["--strict"], 0),
    (FITS, ["--strict-any"], 0),
    (GAPS, ["--strict"], 0),
    (GAPS, ["--strict-any"], 0),
    # ResNet's shortcut: 55/2 + 1 is a fraction, and the last position is one gap more.
    ((conv(1, 2), 56), ["--strict"], 0),
    ((conv(1, 2), 56), ["--strict-any"], 1),
    # (6 − 1)/3 + 1: 2 positions behind the last window, as in any gap; (7 − 2)/3 + 1: 2, gaps of 1.
    ((conv(1, 3), 6), ["--strict"], 0),
    ((conv(2, 3), 7), ["--strict"], 1),
]


@pytest.mark.parametrize("format", ["text", "json"])
@pytest.mark.parametrize(("net", "options", "code"), EXITS)
def test_exit_codes(
    net: tuple[Any, int], options: list[str], code: int, format: str, tmp_path: Path
) -> None:
    """Strict fails where real input is lost, strict-any at any fraction; the table comes first."""
    item, n = net
    path = spec_file(tmp_path, item, (3, n, n))
    result = CliRunner().invoke(app, ["table", path, "--format", format, *options])
    assert result.exit_code == code
    assert "conv1" in result.stdout


PRINTED = [
    (
        LOSES,
        "warning: conv1: height and width: (224 + 2·0 − 11)/4 + 1 = 54.25 is no integer, rounded "
        "down to 54: 1 of 224 input positions never read; fits with input 223 or 227, "
        "kernel_size 12, padding 1+2, or stride 3",
    ),
    (HARMLESS, "note: the stride leaves a fraction but loses no input (harmless): conv1"),
    (
        GAPS,
        "note: stride 2 is larger than the kernel's extent 1: 1 of every 2 positions are never "
        "read: conv1",
    ),
]


@pytest.mark.parametrize(("net", "line"), PRINTED)
def test_warnings_are_lines_below_the_table(
    net: tuple[Any, int], line: str, tmp_path: Path
) -> None:
    item, n = net
    result = CliRunner().invoke(app, ["table", spec_file(tmp_path, item, (3, n, n))])
    lines = result.stdout.splitlines()
    assert [text for text in lines if text.startswith(("warning", "note"))] == [line]
    assert lines.index(line) > max(i for i, text in enumerate(lines) if "total" in text)


@pytest.mark.parametrize(("net", "line"), PRINTED)
def test_csv_says_them_on_stderr(net: tuple[Any, int], line: str, tmp_path: Path) -> None:
    item, n = net
    path = spec_file(tmp_path, item, (3, n, n))
    result = CliRunner().invoke(app, ["table", path, "--format", "csv"])
    assert result.stderr == line + "\n"
    assert line not in result.stdout
