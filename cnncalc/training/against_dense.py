"""`cnncalc compare-fc --train`: a network and a dense one, trained alike and tested alike."""

import json
import signal
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.analysis.training import OPTIMIZERS
from cnncalc.errors import UsageError, printable, require
from cnncalc.findings.contest import Contest, Contestant, Round, Side, Trial
from cnncalc.findings.dense_twin import Cost, DenseNetwork, rival
from cnncalc.layers.base import count
from cnncalc.training.objective import Objective, objective
from cnncalc.training.rates import best, rates, tried, validation_part
from cnncalc.training.run_folder import RequestedSpec
from cnncalc.training.seeds import begin_seeds, seed_folder, seeds_of
from cnncalc.training.settings import Settings
from cnncalc.training.train import Observer, Outcome, train
from cnncalc.witness.free_memory import free_bytes

if TYPE_CHECKING:
    from torch import Tensor

    from cnncalc.data.load import Dataset

NETWORK, DENSE = "network", "dense"
"""The folders of the two runs of a seed."""
_TOLD = ("epochs", "batch_size", "optimizer", "lr", "schedule")


class ContestObserver(Observer):
    """Who is told how it goes."""

    def shifts(self, done: int, passes: int) -> None:
        """How many passes over shifted test images are done."""


class RunStopped(Exception):
    """A run did not come to its end: why, in a line, and what to exit with."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class _Reader(NamedTuple):
    """One of the two: its spec, what it costs, how it reads the data as they are."""

    word: str
    requested: RequestedSpec
    goal: Objective
    cost: Cost
    read: "Callable[[Tensor], Tensor]"

    @property
    def name(self) -> str:
        return self.requested.graph().name or "the network"


@dataclass
class _Chosen:
    """The rates that a training set has chosen."""

    images: "Tensor"
    trials: dict[str, tuple[Trial, ...]]


def train_against_dense(
    requested: RequestedSpec,
    cost: Cost,
    hidden: tuple[int, ...],
    settings: Settings,
    observer: ContestObserver,
    *,
    seeds: int = 1,
    runs: Path | None = None,
    resume: bool = False,
) -> Contest:
    """Train both networks with the same settings on the same data, and test both on the same test
    images, also on shifted ones; with each of so many seeds, from that of the settings on.

    `cost` is what the network costs; the dense one has these `hidden` layers, or one, and then at
    most as many parameters. It reads the pictures as they are, where all have one size. Where no
    rate is given, both choose one of `rates`, by a part of the training set: anew where a seed has
    another training set. The runs are left in `runs`, where `resume` goes on with them, or
    nowhere. Raises CnncalcError, and RunStopped where a signal, or a loss that is no finite
    number, ended one of them.
    """
    graph = requested.graph()
    goal = objective(graph)
    if len(goal.input) == 1:
        raise UsageError(
            f"{graph.name or 'the network'}: its input is a vector, which has nothing to shift; "
            "--train compares networks that read images or signals"
        )
    require("torch", "cnncalc compare-fc --train", "train")
    import torch

    from cnncalc.data.load import native_shape
    from cnncalc.training.shifted_images import directions

    given_lr, settings = settings.lr, settings.complete()
    native = native_shape(settings.data, settings.folder) or goal.input
    dense = _dense(native, goal, cost, hidden)
    _check_memory(dense, settings.optimizer, settings.device != "cpu" and torch.cuda.is_available())
    asked = RequestedSpec("dense.json", json.dumps(dense.spec(native), indent=1) + "\n", None, {})
    readers = (
        _Reader(NETWORK, requested, goal, cost, _fitting(settings.data, native, goal)),
        _Reader(DENSE, asked, objective(asked.graph()), dense.cost, lambda images: images),
    )
    rounds = list[Round]()
    with ExitStack() as stack:
        folder = runs or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cnncalc-")))
        if runs is not None:
            begin_seeds(runs, seeds_of(settings.seed, seeds), resume, "--runs")
        contest = _Trainer(readers, folder, observer, given_lr, resume)
        for seed in seeds_of(settings.seed, seeds):
            rounds.append(contest.round(replace(settings, seed=seed), seeds))
    return Contest(
        data=contest.data.name,
        train=len(contest.data.train.labels),
        directions=tuple(way.name for way in directions(native)),
        settings={
            **{name: getattr(settings, name) for name in _TOLD},
            "lr": given_lr,
            "seeds": list(seeds_of(settings.seed, seeds)),
        },
        validation=0 if given_lr is not None else -(-len(contest.data.train.labels) // 5),
        torch=torch.__version__,
        rule=dense.kind,
        sizes=dense.sizes,
        network=Side(readers[0].name, cost.params, cost.macs, goal.input),
        dense=Side(readers[1].name, dense.cost.params, dense.cost.macs, native),
        rounds=tuple(rounds),
    )


def _dense(
    native: tuple[int, ...], goal: Objective, cost: Cost, hidden: tuple[int, ...]
) -> DenseNetwork:
    found = rival(count(native), goal.outputs, cost.params, hidden)
    if found is None:
        raise UsageError(
            f"one hidden unit alone takes more than the {cost.params:,} parameters of the network: "
            "name the hidden layers of the dense one, as --hidden 512"
        )
    return found


def _fitting(name: str, native: tuple[int, ...], goal: Objective) -> "Callable[[Tensor], Tensor]":
    """What makes pictures as they are fit the network, as its training data were."""
    if native == goal.input:
        return lambda images: images
    from cnncalc.data.fitting import made_to_fit, target

    return partial(made_to_fit, target=target(name, goal.input))


def _check_memory(dense: DenseNetwork, optimizer: str, on_cuda: bool) -> None:
    """Raises UsageError where a dense network cannot be trained here."""
    # Weights, gradients and the optimizer's state; a checkpoint copies all but the gradients.
    state = OPTIMIZERS[optimizer].per_parameter
    needed = 4 * dense.cost.params * (2 + state + 1 + state)
    free = free_bytes("cuda" if on_cuda else "cpu")
    if needed > free:
        raise UsageError(
            f"the dense network {dense.arrows} has {dense.cost.params:,} parameters: to train it "
            f"with {optimizer} takes {needed:,} bytes, and {free:,} are free; name smaller hidden "
            "layers with --hidden"
        )


class _Trainer:
    """Trains both networks with one seed after the other."""

    data: "Dataset"
    """As they are, of the last seed."""

    def __init__(
        self,
        readers: tuple[_Reader, _Reader],
        folder: Path,
        observer: ContestObserver,
        lr: float | None,
        resume: bool,
    ) -> None:
        self._readers, self._folder, self._observer = readers, folder, observer
        self._lr, self._resume = lr, resume
        self._chosen: _Chosen | None = None

    def round(self, settings: Settings, seeds: int) -> Round:
        """Both networks with the seed of the settings. Raises RunStopped."""
        from cnncalc.training.samples import find_samples

        ours, theirs = self._readers
        self.data = as_they_are = find_samples(theirs.goal, settings)
        same = ours.goal.input == theirs.goal.input
        fitted = as_they_are if same else find_samples(ours.goal, settings)
        data = {NETWORK: fitted, DENSE: as_they_are}
        place = self._folder / seed_folder(settings.seed)
        if seeds > 1:
            self._observer.note(f"seed {settings.seed}")
        trials = self._trials(data, settings, place)
        found = [
            self._trained(one, data[one.word], settings, place, trials[one.word])
            for one in self._readers
        ]
        (network, right), (dense, dense_right) = found
        return Round(
            settings.seed,
            tuple(note for note in as_they_are.notes if note in fitted.notes),
            tuple(note for note in fitted.notes if note not in as_they_are.notes),
            tuple(note for note in as_they_are.notes if note not in fitted.notes),
            network,
            dense,
            sum(a and not b for a, b in zip(right, dense_right, strict=True)),
            sum(b and not a for a, b in zip(right, dense_right, strict=True)),
        )

    def _trials(
        self, data: "dict[str, Dataset]", settings: Settings, place: Path
    ) -> dict[str, tuple[Trial, ...]]:
        """What the rates came to, of each network; anew where the training set is another one."""
        if self._lr is not None:
            return {one.word: () for one in self._readers}
        images = data[DENSE].train.images
        known = self._chosen
        if known is None or not (
            known.images.shape == images.shape and bool((known.images == images).all())
        ):
            known = self._chosen = _Chosen(
                images,
                {
                    one.word: self._tried(one, data[one.word], settings, place)
                    for one in self._readers
                },
            )
        return known.trials

    def _tried(
        self, one: _Reader, data: "Dataset", settings: Settings, place: Path
    ) -> tuple[Trial, ...]:
        part = validation_part(data, settings.seed)
        trials = list[Trial]()
        for lr in rates(settings.optimizer):
            found = self._run(
                one,
                part,
                replace(settings, lr=lr),
                place / f"{one.word}-lr-{lr:g}",
                _OnlySteps(self._observer),
            )
            trials.append(tried(lr, found))
            accuracy = trials[-1].accuracy
            came = "no finite loss" if accuracy is None else f"{100 * accuracy:.2f} %"
            self._observer.note(
                f"seed {settings.seed}, {one.name}, lr {lr:g}: {came} of {len(part.test.labels):,} "
                "samples held out of the training set"
            )
        return tuple(trials)

    def _run(
        self, one: _Reader, data: "Dataset", settings: Settings, folder: Path, observer: Observer
    ) -> Outcome:
        """A run, or what is left of it. Raises RunStopped where a signal ended it."""
        found = train(
            one.requested.graph(),
            settings,
            folder,
            observer,
            resume=self._resume,
            dataset=data,
            files=one.requested.files(settings),
        )
        if found.signal is not None:
            raise RunStopped(f"{signal.Signals(found.signal).name}: stopped", 128 + found.signal)
        return found

    def _trained(
        self,
        one: _Reader,
        data: "Dataset",
        settings: Settings,
        place: Path,
        trials: tuple[Trial, ...],
    ) -> tuple[Contestant, tuple[bool, ...]]:
        """A network with what it learnt. Raises RunStopped where it did not come to its end."""
        from cnncalc.training.shifted_images import answers_when_shifted

        lr = best(trials) if trials else self._lr
        name = printable(one.name)
        if lr is None:
            raise RunStopped(f"{name}: no learning rate gives finite numbers; give --lr", 1)
        settings = replace(settings, lr=lr)
        found = self._run(one, data, settings, place / one.word, self._observer)
        if found.diverged is not None:
            raise RunStopped(f"{name}: {found.diverged}; try a smaller --lr", 1)
        said = answers_when_shifted(
            found.network,
            one.goal.sign,
            data.test,
            self.data.test.images,
            one.read,
            batch_size=settings.batch_size,
            step=self._observer.shifts,
        )
        contestant = Contestant(
            next(found.network.parameters()).device.type,
            lr,
            trials,
            tuple(epoch._asdict() for epoch in found.history),
            said.shifted,
            len(data.test.labels),
        )
        return contestant, said.right


class _OnlySteps(Observer):
    """Tells another one of steps alone."""

    def __init__(self, to: Observer) -> None:
        self._to = to

    def step(self, epoch: int, done: int, steps: int) -> None:
        self._to.step(epoch, done, steps)
