"""Figures and layers made wrong on purpose: `verify` disagrees, or says it does not compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

import cnncalc
from cnncalc.analysis import receptive_field
from cnncalc.ask import analyze
from cnncalc.dims import Window, same_padding
from cnncalc.findings.verification import COMPARED, NOT_COMPARED, Verification
from cnncalc.findings.verification_page import page
from cnncalc.layers import layer_class
from cnncalc.layers.axis_map import SAME, moved
from cnncalc.layers.twin import Twin
from cnncalc.render.plain import plain
from tests import test_torch_by_hand as hand

NET: dict[str, Any] = {
    "name": "net",
    "input": {"height": 25, "width": 24, "channels": 2},
    "layers": [
        {"conv": {"out_channels": 3, "kernel_size": 4, "stride": 2, "padding": "same"}},
        "relu",
        {"max_pool": {"kernel_size": 2, "stride": 1}},
        {"avg_pool": {"kernel_size": 3, "stride": 1, "padding": 1}},
        "flatten",
        {"linear": 5},
    ],
}


def found() -> Verification:
    verification = cnncalc.verify(NET, device="cpu")
    assert isinstance(verification, Verification)
    return verification


def each(change: Callable[[Any], Any]) -> Callable[[Sequence[Any]], list[Any]]:
    """A column whose numbers are changed, also those of axes; nothing stays nothing."""

    def changed(value: Any) -> Any:
        if isinstance(value, list):
            return list(map(changed, value))
        return change(value) if isinstance(value, int) else value

    return lambda column: list(map(changed, column))


def break_column(monkeypatch: pytest.MonkeyPatch, key: str, change: Any) -> None:
    right: Any = vars(analyze)["columns"]

    def wrong(*arguments: Any) -> Any:
        columns = right(*arguments)
        return {**columns, key: lambda: each(change)(columns[key]())}

    monkeypatch.setattr(analyze, "columns", wrong)


def break_layer(monkeypatch: pytest.MonkeyPatch, word: str, member: str, wrong: Any) -> None:
    kind: Any = layer_class(word)
    right = getattr(kind, member)
    monkeypatch.setattr(kind, member, lambda self, *inputs: wrong(right(self, *inputs)))


def test_nothing_is_wrong_and_everything_was_looked_at() -> None:
    verification = found()
    assert (verification.ok, verification.unseen()) == (True, {})
    assert set(verification.marks) == set(COMPARED)


@pytest.mark.parametrize(
    ("key", "change", "aspect"),
    [
        ("flops", lambda n: 3 * n // 2, "macs"),
        ("connections", lambda n: n + 1, "connections"),
        ("receptive_field", lambda n: n + 1, "reads"),
        ("receptive_field", lambda n: n - 1, "reads"),
        ("effective_stride", lambda n: 2 * n, "reads"),
        ("effective_padding", lambda n: n + 1, "reads"),
    ],
)
def test_a_wrong_column(
    key: str, change: Callable[[int], int], aspect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_column(monkeypatch, key, change)
    assert {difference.aspect for difference in found().differences} == {aspect}


@pytest.mark.parametrize(
    ("word", "member", "wrong", "layers"),
    [
        ("max_pool", "axis_map", lambda maps: ((SAME, SAME),), {"pool1", "pool2"}),
        # One position too far: its length is right, its place is not.
        ("avg_pool", "axis_map", lambda maps: ((maps[0][0], moved(0)),), {"pool2"}),
        ("conv", "connections", lambda number: number - 1, {"conv1"}),
        ("linear", "connections", lambda number: 2 * number, {"fc1"}),
    ],
)
def test_a_wrong_layer(
    word: str, member: str, wrong: Any, layers: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    break_layer(monkeypatch, word, member, wrong)
    assert {difference.layer for difference in found().differences} == layers


def test_wrong_arithmetic_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs of a padded window: too many where padding counts as input."""
    monkeypatch.setattr(Window, "reads", property(lambda self: self.output * self.kernel_size))
    assert {(d.layer, d.aspect) for d in found().differences} == {
        ("conv1", "connections"),
        ("pool2", "connections"),
    }


def test_wrong_composition_of_receptive_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    right = receptive_field._hull

    def wrong(spans: Any) -> Any:
        ends = right(spans)
        return ends and (ends[0], max(ends[0], ends[1] - 1))

    monkeypatch.setattr(receptive_field, "_hull", wrong)
    assert {d.aspect for d in found().differences} == {"reads"}


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("working_set", "working sets"),
        ("elementwise", "elementwise operations"),
        ("bytes_moved", "bytes moved"),
        ("optimizer_bytes", "optimizer state"),
    ],
)
def test_what_is_not_compared_is_said(key: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    break_column(monkeypatch, key, lambda n: 2 * n)
    verification = found()
    assert verification.ok
    assert said in NOT_COMPARED
    assert said in verification.to_dict()["not_compared"]
    text = " ".join(plain(page(verification)).split())
    assert f"Not compared: {', '.join(NOT_COMPARED)}." in text


def swapped(*arguments: Any) -> Any:
    before, after = same_padding(*arguments)
    return after, before


@pytest.mark.parametrize("word", ["conv", "max_pool", "min_pool", "avg_pool", "subsample"])
def test_the_side_of_same_shows_by_hand(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin has the same side, so `verify` says that it compares no values; these tests do."""
    monkeypatch.setattr("cnncalc.layers.window.same_padding", swapped)
    assert found().ok
    assert "values and the side of padding" in NOT_COMPARED
    item, x, by_hand = next(case for case in hand.CASES if word in case[0])
    with pytest.raises(AssertionError, match="Tensor-likes are not close"):
        hand.test_values(item, x, by_hand)


@pytest.mark.parametrize(
    ("word", "wrong"),
    [
        ("avg_pool", lambda twin: twin._replace(call=f"16 * {twin.call}")),
        ("max_pool", lambda twin: Twin(f"-{twin.call}", *twin[1:])),
        ("gelu", lambda twin: twin._replace(arguments={"approximate": "tanh"})),
        ("upsample", lambda twin: Twin("F.interpolate(x, (9, 12), mode='bicubic')")),
    ],
)
def test_wrong_values_show_by_hand(word: str, wrong: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    break_layer(monkeypatch, word, "twin", wrong)
    cases = [case for case in hand.CASES if word in case[0]]
    failed = 0
    for item, x, by_hand in cases:
        try:
            hand.test_values(item, x, by_hand)
        except AssertionError:
            failed += 1
    assert failed
