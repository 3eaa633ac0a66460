"""docs/zoo.md is current, and what it prints beside each other agrees."""

from __future__ import annotations

import pytest

from cnncalc.api import analyze
from cnncalc.spec.bundled import networks
from tests import zoo_page
from tests.zoo import FEW, uses


def test_the_page_is_current() -> None:
    assert zoo_page.PAGE.read_text(encoding="utf-8") == zoo_page.page(), (
        "run: python -m tests.zoo_page"
    )


PUBLISHED = [row for row in zoo_page._rows("zoo_published.csv") if row["params"]]


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: row["network"])
def test_published_parameters_are_ours_at_their_precision(row: dict[str, str]) -> None:
    printed, ours = row["params"], analyze(row["network"]).total("params")
    if row["network"] == "convnet-39x31":
        ours = analyze(row["network"]).total("weights")
    exceptions = {"cs231n-demo": "about 7,000", "googlenet": "6.8 M", "mobilenet_v1": "4.24 M"}
    if printed == exceptions.get(row["network"], ""):
        # Explained beside the figure: rounded by the source, or counted otherwise.
        assert row["note"] or printed == "about 7,000"
    elif printed.endswith(" M"):
        digits = printed.removesuffix(" M")
        unit = 10 ** (6 - len(digits.partition(".")[2]))
        assert abs(ours - round(float(digits) * 10**6)) <= unit
    else:
        assert ours == int(printed.replace(",", ""))


def test_every_network_has_a_source() -> None:
    without = [name for name in networks() if zoo_page._published(name)[2] == "–"]
    assert without == ["image-analysis-150", "image-analysis-32"]


def test_the_few_that_every_run_takes_use_all_that_the_others_use() -> None:
    used = {name: uses(name) for name in networks()}
    few = set[str]().union(*(used[name] for name in FEW))
    assert {name: missing for name in used if (missing := used[name] - few)} == {}
