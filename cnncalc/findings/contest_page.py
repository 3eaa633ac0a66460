"""A network and a dense one that were trained alike: the page, and the CSV."""

from fractions import Fraction
from typing import Any

from cnncalc.amounts import decimals, percent
from cnncalc.findings.compare_fc_page import decimal
from cnncalc.findings.contest import Contest, Contestant
from cnncalc.layers.base import times
from cnncalc.page import Grid, Heading, Items, Page, Prose
from cnncalc.tables.csv import as_csv, text_cell

_RULES = {
    "one hidden layer": "one hidden layer, as many units as the network's parameters allow",
    "hidden": "the hidden layers that --hidden names",
}
_SECONDS = "Seconds are those of training, with the test after each epoch."


def page(found: Contest) -> Page:
    """How both were trained, what they cost and learnt side by side, and what that says."""
    both = (found.network, found.dense)
    rows = [
        ["parameters", *(f"{one.params:,}" for one in both)],
        ["MACs of one input", *(f"{one.macs:,}" for one in both)],
        ["seconds an epoch", *(f"{one.seconds / len(one.history):,.1f}" for one in both)],
        ["seconds in all", *(f"{one.seconds:,.1f}" for one in both)],
        ["training accuracy", *(_percent(Fraction(one.train_accuracy)) for one in both)],
    ]
    for pixels, _ in found.network.shifted:
        moved = f", shifted by {_far(found, pixels)}" if pixels else ""
        rows.append([f"test accuracy{moved}", *(_percent(one.accuracy(pixels)) for one in both)])
    return [
        Heading(f"{found.network.name} against a dense network", 1),
        Prose(_way(found)),
        Items([*found.notes, _dense(found)]),
        Grid(["", "network", "dense"], rows, right=(1, 2)),
        Prose(f"{_shifts(found)}\n{_SECONDS}"),
        Prose(verdict(found)),
    ]


def verdict(found: Contest) -> str:
    """Which is more accurate, by how much and with how many parameters, and how sure that is."""
    named = [(found.network, "the network"), (found.dense, "the dense network")]
    (best, winner), (other, loser) = sorted(named, key=lambda one: -one[0].accuracy())
    difference = best.accuracy() - other.accuracy()
    accuracies = f"{_percent(best.accuracy())} against {_percent(other.accuracy())}"
    share = _share(best.params, other.params, loser)
    if difference:
        text = f"{winner} is more accurate by {_points(difference)} ({accuracies}) with {share}"
    else:
        text = f"both are right in {_percent(best.accuracy())}, {winner} with {share}"
    far = best.shifted[-1].pixels
    if far:
        keep, lose = _percent(best.accuracy(far)), _percent(other.accuracy(far))
        text += f"; shifted by {_far(found, far)} it has {keep}, {loser} {lose}"
    text = f"{text[0].upper()}{text[1:]}."
    if not difference:
        return text
    doubt = Fraction(found.doubt)
    chance = "so it may be chance" if difference < doubt else "so it is hardly chance"
    return (
        f"{text} Two standard errors of the difference are {_points(doubt)} on {best.samples:,} "
        f"test images, {chance}; another seed gives other figures."
    )


def _way(found: Contest) -> str:
    """How both were trained."""
    how = found.settings
    epochs = f"{how['epochs']:,} epoch{'' if how['epochs'] == 1 else 's'}"
    return (
        f"Both trained on {found.data}, {found.train:,} samples, and tested on "
        f"{found.network.samples:,}: {epochs} of {how['optimizer']}, lr {how['lr']:g} "
        f"{how['schedule']}, batches of {how['batch_size']:,}, seed {how['seed']}, on "
        f"{found.network.device} (torch {found.torch})."
    )


def _dense(found: Contest) -> str:
    sizes = " → ".join(f"{size:,}" for size in found.sizes)
    text = f"Dense: {_RULES[found.rule]}: {sizes}, ReLU between."
    narrow, results = min(found.sizes[1:-1]), found.sizes[-1]
    if found.rule == "one hidden layer" and narrow < results:
        text += f" {narrow:,} hidden units for {results:,} results are few: --hidden gives it more."
    return text


def _shifts(found: Contest) -> str:
    size = times(found.input[1:])
    far = found.network.shifted[-1].pixels
    if not far:
        return f"Nothing is shifted: an input of {size} has one position."
    *most, last = found.directions
    more = f" By more than {_far(found, far)} nothing would be left of it." if far < 4 else ""
    return (
        f"Shifted: each test image, as the networks read it ({size}), moved "
        f"{', '.join(most)} and {last}; the mean of the {len(found.directions)}. What leaves is "
        f"lost, what comes in is 0, nothing wraps round.{more}"
    )


def _far(found: Contest, pixels: int) -> str:
    """`1 pixel`, or positions where the input is no picture."""
    word = "pixel" if len(found.input) == 3 else "position"
    return f"{pixels} {word}{'' if pixels == 1 else 's'}"


def _share(own: int, other: int, whose: str) -> str:
    """Parameters beside those of the other network."""
    if abs(own - other) * 100 <= other:
        return "as many parameters" if own == other else "about as many parameters"
    if own < other:
        return f"{percent(own, other)} % of {whose}'s parameters"
    return f"{decimal(Fraction(own, other))} times {whose}'s parameters"


def _percent(part: Fraction) -> str:
    return f"{decimals(100 * part)} %"


def _points(part: Fraction) -> str:
    return f"{decimals(100 * part)} points"


def comma_separated(found: Contest) -> str:
    """A line for each network; accuracies from 0 to 1, one for each shift."""
    shifts = [pixels for pixels, _ in found.network.shifted]
    accuracies = [f"test_accuracy_{pixels}" for pixels in shifts]
    header = ["network", "name", "params", "macs", "epochs", "seconds", "train_accuracy"]

    def row(word: str, one: Contestant) -> list[Any]:
        spent = (one.params, one.macs, len(one.history), round(one.seconds, 3))
        tested = (float(one.accuracy(pixels)) for pixels in shifts)
        return [word, text_cell(one.name), *spent, one.train_accuracy, *tested]

    rows = (row("network", found.network), row("dense", found.dense))
    return as_csv([[*header, *accuracies], *rows])
