"""A network and a dense one that were trained alike: the page, and the CSV."""

from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from cnncalc.amounts import decimals, percent, shape_text
from cnncalc.findings.compare_fc_page import decimal
from cnncalc.findings.contest import Contest, Contestant, Round
from cnncalc.findings.spread import Spread, spread
from cnncalc.layers.base import times
from cnncalc.page import Block, Grid, Heading, Items, Page, Prose
from cnncalc.tables.csv import as_csv, text_cell

_RULES = {
    "one hidden layer": "one hidden layer, as many units as the network's parameters allow",
    "hidden": "the hidden layers that --hidden names",
}


def page(found: Contest) -> Page:
    """How both were trained, what they cost and learnt side by side, and what that shows."""
    return [
        Heading(f"{found.network.name} against a dense network", 1),
        Prose(_way(found)),
        Items([*_notes(found), _dense(found)]),
        *_rates(found),
        Grid(["", "network", "dense"], _rows(found), right=(1, 2)),
        Prose(f"{_shifts(found)}\n{_seconds(found)}"),
        _tests(found),
        Prose(verdict(found)),
        Prose(beside(found)),
    ]


def data(found: Contest) -> dict[str, Any]:
    """What `--format json` prints."""
    return {**found.to_dict(), "verdict": verdict(found)}


def _rows(found: Contest) -> list[list[str]]:
    """What both cost and learnt, each quantity a row."""

    def row(
        label: str, value: Callable[[Contestant], Fraction | float], text: Callable[[Spread], str]
    ) -> list[str]:
        return [label, *map(text, found.over_seeds(value))]

    rows = [
        ["parameters", *(f"{one.params:,}" for one in (found.network, found.dense))],
        ["MACs of one input", *(f"{one.macs:,}" for one in (found.network, found.dense))],
        row("seconds an epoch", lambda one: one.seconds / len(one.history), Spread.seconds),
        row("seconds in all", lambda one: one.seconds, Spread.seconds),
        row("training accuracy", lambda one: one.train_accuracy, Spread.percent),
    ]
    for pixels, _ in found.rounds[0].network.shifted:
        moved = f", shifted by {_far(found, pixels)}" if pixels else ""
        rows.append(
            row(
                f"test accuracy{moved}",
                lambda one, by=pixels: one.accuracy(by),  # type: ignore[misc]
                Spread.percent,
            )
        )
    return rows


def verdict(found: Contest) -> str:
    """What the test images show: whether the two differ, in which direction, for which seeds."""
    ours, theirs = found.over_seeds(lambda one: one.accuracy())
    name, number = found.network.name, len(found.rounds)
    accuracies = f"{name} {ours.percent()}, dense {theirs.percent()}"
    if number == 1:
        (one,) = found.rounds
        return (
            f"{accuracies} of {found.samples:,} test images. {name} alone is right on "
            f"{one.only_network:,} of them, the dense network alone on {one.only_dense:,}: "
            f"McNemar's exact test gives {_p(one.p)}: {_shown(found)}. One seed says nothing of "
            "what another one gives: --seeds 5."
        )
    least = min(one.p for one in found.rounds)
    most = max(one.p for one in found.rounds)
    to = " each time" if _value(least) == _value(most) else f" to {_value(most)}"
    corrected = min(Fraction(1), least * number)
    return (
        f"Over {number:,} seeds {accuracies} (mean ± sample standard deviation). McNemar's exact "
        f"test, for each seed on its {found.samples:,} test images: {_p(least)}{to}; "
        f"the least times {number:,}, as there are {number:,} tests (Bonferroni): "
        f"{_p(corrected)}: {_shown(found)}."
    )


def _shown(found: Contest) -> str:
    ours, theirs = found.shown_for
    number, name = len(found.rounds), found.network.name
    if not ours and not theirs:
        return "no difference shown at 5 %"
    if ours and theirs:
        return (
            f"differences are shown at 5 %, and not in one direction: {name} is the better one "
            f"with {ours:,} of {number:,} seeds, the dense network with {theirs:,}"
        )
    better = name if ours else "the dense network"
    if number == 1:
        return f"a difference is shown at 5 %, and {better} is the better one"
    return (
        f"a difference is shown at 5 % with {max(ours, theirs):,} of {number:,} seeds, and "
        f"{better} is the better one there"
    )


def beside(found: Contest) -> str:
    """Parameters, and how far both fall where images move by one position."""
    name = found.network.name
    share = _share(found.network.params, found.dense.params)
    text = f"{name} has {share}"
    if len(found.rounds[0].network.shifted) == 1:
        return f"{text}."
    keep, lose = found.over_seeds(lambda one: one.accuracy(1))
    return (
        f"{text}; shifted by {_far(found, 1)} it has {keep.percent()}, the dense network "
        f"{lose.percent()}."
    )


def _p(p: Fraction) -> str:
    return f"p {'' if p < Fraction(1, 1000) else '= '}{_value(p)}"


def _value(p: Fraction) -> str:
    return "< 0.001" if p < Fraction(1, 1000) else decimals(p, 3)


def _way(found: Contest) -> str:
    """How both were trained."""
    how = found.settings
    epochs = f"{how['epochs']:,} epoch{'' if how['epochs'] == 1 else 's'}"
    first, *more = how["seeds"]
    seeds = f"seeds {first} to {more[-1]}" if more else f"seed {first}"
    rate = "" if how["lr"] is None else f", lr {how['lr']:g}"
    return (
        f"Both trained on {found.data}, {found.train:,} samples, and tested on the same "
        f"{found.samples:,}: {epochs} of {how['optimizer']}{rate}, {how['schedule']}, batches of "
        f"{how['batch_size']:,}, {seeds}, on {found.rounds[0].network.device} "
        f"(torch {found.torch})."
    )


def _notes(found: Contest) -> list[str]:
    """Where the data are from, and what each of the two reads."""
    first = found.rounds[0]
    texts = list(_of_all(found, lambda one: one.notes))
    ours, theirs = (shape_text(one.input) for one in (found.network, found.dense))
    if found.network.input == found.dense.input:
        return [*texts, f"Both read {ours}."]
    made = "; ".join(first.network_reads)
    as_it_is = "; ".join(first.dense_reads) or "the data as they are"
    return [
        *texts,
        f"{found.network.name} reads {ours}: {made}.",
        f"The dense network reads {theirs}: {as_it_is}.",
    ]


def _of_all(found: Contest, notes: Callable[[Round], Sequence[str]]) -> Sequence[str]:
    """The notes of the first seed; a seed in them is each seed's own where others have others."""
    first, *others = found.rounds
    if all(notes(one) == notes(first) for one in others):
        return notes(first)
    return [note.replace(f"seed {first.seed}", "by each seed anew") for note in notes(first)]


def _dense(found: Contest) -> str:
    sizes = " → ".join(f"{size:,}" for size in found.sizes)
    text = f"Dense: {_RULES[found.rule]}: {sizes}, ReLU between."
    narrow, results = min(found.sizes[1:-1]), found.sizes[-1]
    if found.rule == "one hidden layer" and narrow < results:
        text += f" {narrow:,} hidden units for {results:,} results are few: --hidden gives it more."
    return text


def _rates(found: Contest) -> list[Block]:
    """How the learning rates were chosen, and what each came to."""
    if found.settings["lr"] is not None:
        return []
    choices = [one for one in found.rounds if _chose(found, one)]
    many = len(choices) > 1
    rows = []
    for index, trial in enumerate(found.rounds[0].network.trials):
        cells = [f"{trial.lr:g}"]
        for side in ("network", "dense"):
            ones = [getattr(one, side) for one in choices]
            cells.append(_judged([one.trials[index].accuracy for one in ones]))
            chosen = Counter(one.lr for one in ones)[trial.lr]
            cells.append(f"{chosen:,} of {len(ones):,}" if many else "chosen" * chosen)
        rows.append(cells)
    anew = "each seed has another training set, so each chooses anew" if many else ""
    alike = (
        ""
        if many or len(found.rounds) == 1
        else "all seeds have the same training set, so the first one chooses for all"
    )
    told = anew or alike
    return [
        Prose(
            f"The learning rate is chosen alike for both, of {len(rows)} rates: that of the "
            f"highest accuracy on {found.validation:,} samples of the training set, after training "
            f"on the other {found.train - found.validation:,}; of equals that of the lowest loss. "
            f"The test images have no part in it{'; ' if told else ''}{told}."
        ),
        Grid(
            ["lr", "network, held out", "", "dense, held out", ""],
            rows,
            right=(1, 2, 3, 4),
        ),
    ]


def _chose(found: Contest, one: Round) -> bool:
    """Whether a seed chose a rate, and has not that of an earlier one."""
    earlier = found.rounds[: found.rounds.index(one)]
    return all(one.network.trials is not other.network.trials for other in earlier)


def _judged(accuracies: Sequence[float | None]) -> str:
    there = [accuracy for accuracy in accuracies if accuracy is not None]
    failed = f"{len(accuracies) - len(there)} not finite" if len(there) < len(accuracies) else ""
    return ", ".join(filter(None, [spread(there).percent() if there else "", failed]))


def _tests(found: Contest) -> Grid:
    """The pairs of McNemar's test, a row for each seed."""
    rows = [
        [
            str(one.seed),
            f"{one.network.lr:g}",
            f"{one.dense.lr:g}",
            *(f"{decimals(100 * side.accuracy())} %" for side in (one.network, one.dense)),
            f"{one.only_network:,}",
            f"{one.only_dense:,}",
            _value(one.p),
        ]
        for one in found.rounds
    ]
    return Grid(
        [
            "seed",
            "lr",
            "dense lr",
            "network",
            "dense",
            "network alone",
            "dense alone",
            "McNemar's p",
        ],
        rows,
        right=range(8),
        note="Alone: test images that only this one of the two answers rightly.",
    )


def _shifts(found: Contest) -> str:
    size = times(found.dense.input[1:])
    far = found.rounds[0].network.shifted[-1].pixels
    if not far:
        return f"Nothing is shifted: an input of {size} has one position."
    *most, last = found.directions
    before = "" if found.network.input == found.dense.input else ", before it is made to fit,"
    return (
        f"Shifted: each test image, as the dense network reads it ({size}){before} moved "
        f"{', '.join(most)} and {last}; the mean of the {len(found.directions)}. What leaves is "
        "lost, what comes in is 0, nothing wraps round."
    )


def _seconds(found: Contest) -> str:
    left_out = "" if found.settings["lr"] is not None else "; those of the rates are left out"
    return f"Seconds are those of training, with the test after each epoch{left_out}."


def _far(found: Contest, pixels: int) -> str:
    """`1 pixel`, or positions where the input is no picture."""
    word = "pixel" if len(found.network.input) == 3 else "position"
    return f"{pixels} {word}{'' if pixels == 1 else 's'}"


def _share(own: int, other: int) -> str:
    """Parameters beside those of the dense network."""
    if abs(own - other) * 100 <= other:
        return "as many parameters" if own == other else "about as many parameters"
    if own < other:
        return f"{percent(own, other)} % of the dense network's parameters"
    return f"{decimal(Fraction(own, other))} times the dense network's parameters"


def comma_separated(found: Contest) -> str:
    """A line for each network and seed; accuracies from 0 to 1, one for each shift."""
    shifts = [pixels for pixels, _ in found.rounds[0].network.shifted]
    accuracies = [f"test_accuracy_{pixels}" for pixels in shifts]
    header = ["seed", "network", "name", "params", "macs", "lr", "epochs", "seconds"]

    def row(one: Round, word: str) -> list[Any]:
        side, ran = getattr(found, word), getattr(one, word)
        spent = (ran.lr, len(ran.history), round(ran.seconds, 3))
        tested = (float(ran.accuracy(pixels)) for pixels in shifts)
        alone = getattr(one, f"only_{word}")
        named = (one.seed, word, text_cell(side.name), side.params, side.macs)
        return [*named, *spent, ran.train_accuracy, *tested, alone, float(one.p)]

    rows = (row(one, word) for one in found.rounds for word in ("network", "dense"))
    return as_csv([[*header, "train_accuracy", *accuracies, "right_alone", "mcnemar_p"], *rows])
