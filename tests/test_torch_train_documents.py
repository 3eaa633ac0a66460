"""What the documents show of training: the same again within honest bounds, and sums that agree.

Bits differ between machines and versions of torch, so that figures of training have bounds here;
what follows from other figures on the page has none.
"""

from __future__ import annotations

import re
import signal
from fractions import Fraction
from pathlib import Path
from statistics import mean, stdev

import pytest
import torch

from cnncalc.amounts import decimals
from cnncalc.findings.mcnemar import mcnemar
from cnncalc.spec.load import load
from cnncalc.training.settings import Settings
from cnncalc.training.train import train
from tests.runs import Listener

ROOT = Path(__file__).resolve().parent.parent
TRAINING = (ROOT / "docs" / "training.md").read_text("utf-8")
COMMANDS = (ROOT / "docs" / "commands.md").read_text("utf-8")


@pytest.fixture(autouse=True)
def one_thread() -> object:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_the_first_epoch_is_as_the_document_shows(tmp_path: Path) -> None:
    """Within 2 points and a twentieth of the loss, where another build rounds otherwise."""
    (first_loss,) = re.findall(r"^loss at start ([\d.]+); guessing", TRAINING, re.M)
    ((train_accuracy, train_loss, test_accuracy, test_loss),) = re.findall(
        r"^epoch  1/25: train ([\d.]+) % loss ([\d.]+), test ([\d.]+) % loss ([\d.]+),",
        TRAINING,
        re.M,
    )
    listener = Listener()

    def stop(epoch: object, epochs: int) -> None:
        listener.epochs.append(epoch)  # type: ignore[arg-type]
        signal.raise_signal(signal.SIGINT)

    listener.epoch = stop  # type: ignore[method-assign]
    train(load("lenet5"), Settings(device="cpu"), tmp_path, listener)
    ((start, _),), (epoch,) = listener.first, listener.epochs
    assert start == pytest.approx(float(first_loss), abs=0.001)
    assert 100 * epoch.train_accuracy == pytest.approx(float(train_accuracy), abs=2)
    assert epoch.train_loss == pytest.approx(float(train_loss), rel=0.05)
    assert 100 * epoch.test_accuracy == pytest.approx(float(test_accuracy), abs=4)
    assert epoch.test_loss == pytest.approx(float(test_loss), rel=0.1)


def contests() -> list[str]:
    """The pages of contests that the documents show."""
    fences = re.findall(
        r"^```sh\n\$ cnncalc compare-fc (.*?)^```$", TRAINING + COMMANDS, re.M | re.S
    )
    assert len(fences) == 2
    return fences


@pytest.mark.parametrize("index", [0, 1], ids=["training", "commands"])
def test_what_a_contest_concludes_follows_from_its_figures(index: int) -> None:
    """Mean and spread of the seeds, McNemar's p of each, and of all, from the counts shown."""
    page = contests()[index]
    text = " ".join(page.split())
    rows = re.findall(
        r"^ +\d+ +[\d.]+ +[\d.]+ +([\d.]+) % +([\d.]+) % +([\d,]+) +([\d,]+) +(< 0.001|[\d.]+)$",
        page,
        re.M,
    )
    number, images = (
        int(value.replace(",", ""))
        for value in re.search(r"Over (\d+) seeds .*? on its ([\d,]+) test images", text).groups()  # type: ignore[union-attr]
    )
    assert len(rows) == number > 1
    found = []
    for network, dense, ours, theirs, p in rows:
        alone = [int(count.replace(",", "")) for count in (ours, theirs)]
        found.append(mcnemar(*alone))
        assert p == ("< 0.001" if found[-1] < Fraction(1, 1000) else decimals(found[-1], 3))
        # What one has more than the other is what it alone has, less what the other alone has.
        more = (Fraction(network) - Fraction(dense)) * images / 100
        assert round(more) == alone[0] - alone[1]
    for column in (0, 1):
        accuracies = [float(row[column]) for row in rows]
        shown = re.search(
            rf"test accuracy +(?:[\d.]+ ± [\d.]+ % +){{{column}}}([\d.]+) ± ([\d.]+) %", page
        )
        assert shown is not None
        assert float(shown[1]) == pytest.approx(mean(accuracies), abs=0.011)
        assert float(shown[2]) == pytest.approx(stdev(accuracies), abs=0.011)
    is_shown = min(found) * number <= Fraction(1, 20)
    assert ("a difference is shown at 5 %" in text) is is_shown
    assert ("no difference shown at 5 %" in text) is not is_shown
