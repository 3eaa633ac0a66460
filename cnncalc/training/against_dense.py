"""`cnncalc compare-fc --train`: a network and a dense one, trained alike and tested alike."""

import json
import signal
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from cnncalc.analysis.training import OPTIMIZERS
from cnncalc.errors import UsageError, printable, require
from cnncalc.findings.contest import Contest, Contestant
from cnncalc.findings.dense_twin import Cost, DenseNetwork
from cnncalc.training.objective import objective
from cnncalc.training.run_folder import RequestedSpec
from cnncalc.training.settings import Settings
from cnncalc.training.train import Observer, train
from cnncalc.witness.free_memory import free_bytes

if TYPE_CHECKING:
    from cnncalc.data.load import Dataset

NETWORK, DENSE = "network", "dense"
"""The folders of the two runs."""
_TOLD = ("epochs", "batch_size", "optimizer", "lr", "schedule", "seed")


class ContestObserver(Observer):
    """Who is told how it goes."""

    def shifts(self, done: int, passes: int) -> None:
        """How many passes over shifted test images are done."""


class RunStopped(Exception):
    """A run did not come to its end: why, in a line, and what to exit with."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


def train_against_dense(
    requested: RequestedSpec,
    cost: Cost,
    dense: DenseNetwork,
    settings: Settings,
    runs: Path | None,
    observer: ContestObserver,
) -> Contest:
    """Train both networks with the same settings on the same data, and test both on the test
    images, also on shifted ones.

    `cost` is what the network costs. The runs are left in `runs`, or nowhere. Raises CnncalcError,
    and RunStopped where a signal, or a loss that is no finite number, ended one of them.
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

    settings = settings.complete()
    _check_memory(dense, settings.optimizer, settings.device != "cpu" and torch.cuda.is_available())
    if runs is not None and any((runs / name).exists() for name in (NETWORK, DENSE)):
        raise UsageError(f"{printable(str(runs))}: runs are there already; give another --runs")
    from cnncalc.training.samples import find_samples
    from cnncalc.training.shifted_images import directions

    data = find_samples(goal, settings)
    rival = RequestedSpec(
        "dense.json", json.dumps(dense.spec(goal.input), indent=1) + "\n", None, {}
    )
    with ExitStack() as stack:
        folder = runs or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cnncalc-")))
        ours = _trained(requested, cost, data, settings, folder / NETWORK, observer)
        theirs = _trained(rival, dense.cost, data, settings, folder / DENSE, observer)
    return Contest(
        data=data.name,
        notes=data.notes,
        train=len(data.train.labels),
        input=goal.input,
        directions=tuple(way.name for way in directions(goal.input)),
        settings={name: getattr(settings, name) for name in _TOLD},
        torch=torch.__version__,
        rule=dense.kind,
        sizes=dense.sizes,
        network=ours,
        dense=theirs,
    )


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


def _trained(
    requested: RequestedSpec,
    cost: Cost,
    data: "Dataset",
    settings: Settings,
    folder: Path,
    observer: ContestObserver,
) -> Contestant:
    """A network with what it learnt. Raises RunStopped where it did not come to its end."""
    from cnncalc.training.shifted_images import right_when_shifted

    graph = requested.graph()
    found = train(graph, settings, folder, observer, dataset=data, files=requested.files(settings))
    if found.signal is not None:
        raise RunStopped(f"{signal.Signals(found.signal).name}: stopped", 128 + found.signal)
    if found.diverged is not None:
        raise RunStopped(f"{printable(graph.name)}: {found.diverged}; try a smaller --lr", 1)
    shifted = right_when_shifted(
        found.network,
        objective(graph).sign,
        data.test,
        settings.batch_size,
        observer.shifts,
    )
    return Contestant(
        graph.name,
        next(found.network.parameters()).device.type,
        cost.params,
        cost.macs,
        tuple(epoch._asdict() for epoch in found.history),
        shifted,
        len(data.test.labels),
    )
