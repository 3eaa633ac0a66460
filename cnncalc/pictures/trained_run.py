"""A run as its pictures need it: the networks before and after, the data, and the answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

from cnncalc.data.fitting import Split
from cnncalc.data.load import Dataset
from cnncalc.errors import UsageError, printable
from cnncalc.graph import Graph
from cnncalc.infer import Facts, infer
from cnncalc.training import checkpoint, loop
from cnncalc.training.objective import Objective, objective
from cnncalc.training.run_folder import RequestedSpec, read_run
from cnncalc.training.samples import find_samples, fingerprint
from cnncalc.training.settings import Settings
from cnncalc.training.state_check import check_identity, check_weights, history, whole
from cnncalc.witness.build import build
from cnncalc.witness.device import find_device
from cnncalc.witness.network import Network, Watch

_BATCH = 256


class Answers(NamedTuple):
    """What a network says to samples: (N, classes), and a loss for each, all on the CPU."""

    probabilities: torch.Tensor
    said: torch.Tensor
    losses: torch.Tensor
    labels: torch.Tensor

    @property
    def right(self) -> int:
        """How many answers are the labels."""
        return int((self.said == self.labels).sum())

    @property
    def accuracy(self) -> float:
        """The part that is right."""
        return self.right / len(self.labels)

    @property
    def loss(self) -> float:
        """The mean."""
        return float(self.losses.double().mean())


@dataclass
class TrainedRun:
    """A run that was read again."""

    requested: RequestedSpec
    given: Settings
    settings: Settings
    """The same with every default filled in."""
    graph: Graph
    goal: Objective
    facts: list[Facts]
    """Of the network that gives logits."""
    history: tuple[loop.Epoch, ...]
    step: int
    """Steps of an epoch that was not ended."""
    network: Network
    start: Network | None
    """With the weights before the first step."""
    device: torch.device
    data: Dataset | None
    missing: str
    """Why there is no data."""
    notes: tuple[str, ...]

    @property
    def samples(self) -> Dataset:
        """Its data, for who has seen that they are there."""
        assert self.data is not None
        return self.data

    @property
    def overfit(self) -> bool:
        """Whether it learns a few samples by heart, and is tested on the same."""
        return self.settings.overfit is not None


def read_trained_run(folder: Path, device: str) -> TrainedRun:
    """A run of at least one epoch. Raises UsageError where there is none, or it is damaged."""
    requested, graph, given = read_run(folder)
    goal = objective(graph)
    settings = given.complete()
    where = find_device(device)
    state, notes = checkpoint.load(folder)
    with checkpoint.fitting(folder, ""):
        epochs = history(state) if state else ()
    if state is None or not epochs:
        raise UsageError(
            f"{printable(str(folder))}: no epoch of this run has ended; train goes on with "
            "--resume, and pictures need one"
        )
    with checkpoint.fitting(folder, ""):
        check_identity(state)
        step = whole("step", state.get("step"))
    if state["spec"] != checkpoint.fingerprint(graph):
        raise UsageError(
            f"{printable(requested.label)}: the checkpoint beside it is of another network"
        )
    network = _network(goal, state, where, folder)
    start, lines = _start(goal, folder, where)
    data, missing = None, ""
    try:
        data = find_samples(goal, settings)
        if state.get("samples") != fingerprint(data):
            data, missing = None, "the data are no longer those of the run"
    except UsageError as error:
        missing = str(error)
    return TrainedRun(
        *(requested, given, settings, graph, goal, infer(goal.graph), epochs),
        step=step,
        network=network,
        start=start,
        device=where,
        data=data,
        missing=missing,
        notes=(*notes, *lines),
    )


def _network(
    goal: Objective, state: Mapping[str, Any], device: torch.device, place: Path
) -> Network:
    """The network with the weights of a state, in eval mode."""
    # Its own start is drawn at random; whoever calls keeps the order of their random numbers.
    with torch.random.fork_rng(devices=[]):
        network = build(goal.graph)
    with checkpoint.fitting(place, ""):
        check_weights(state, network)
        network.load_state_dict(state["network"])
    return network.to(device).eval()


def _start(
    goal: Objective, folder: Path, device: torch.device
) -> tuple[Network | None, tuple[str, ...]]:
    """The network before training; else a sentence that it is not there."""
    path = folder / checkpoint.START
    state = checkpoint.read(path) if path.exists() else None
    if state is None:
        how = "damaged" if path.exists() else "missing"
        return None, (f"{printable(str(path))} is {how}: nothing is shown of before training",)
    return _network(goal, state, device, path), ()


def answers(run: TrainedRun, network: Network, split: Split, watch: Watch | None = None) -> Answers:
    """What a network answers to all samples of a set, in eval mode and full precision.

    `watch` is called with every node's output, batch after batch.
    """
    batches = torch.split(split.images, min(_BATCH, run.settings.batch_size))
    with torch.no_grad():
        found = torch.cat([outputs(run, network, images, watch) for images in batches])
    return Answers(*predictions(found), loop.losses(found, split.labels, "none"), split.labels)


def predictions(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The probabilities (N, classes) that logits stand for, and the classes that they say."""
    single = logits.shape[1] == 1
    probabilities = torch.cat([-logits, logits], 1).sigmoid() if single else logits.softmax(1)
    return probabilities, loop.answers(logits)


def outputs(
    run: TrainedRun, network: Network, images: torch.Tensor, watch: Watch | None = None
) -> torch.Tensor:
    """The logits (N, outputs) on the CPU."""
    result = network(images.to(run.device), watch=watch)
    main: torch.Tensor = result[0] if isinstance(result, tuple) else result
    return main.flatten(1).float().cpu() * run.goal.sign


def watching(names: Mapping[str, Callable[[torch.Tensor], None]]) -> Watch:
    """Hands the outputs of some nodes to what wants them."""

    def watch(name: str, output: torch.Tensor) -> None:
        if name in names:
            names[name](output)

    return watch
