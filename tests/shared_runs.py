"""Runs that several processes share, for tests/test_torch_processes.py: what each is, and all of
them in one of the processes (`torchrun … -m tests.shared_runs FOLDER`), where starting takes
longer than training."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from cnncalc.data.load import Dataset
from cnncalc.errors import CnncalcError
from tests.runs import SPEC, Listener, data, run, weights

SURE = {**SPEC, "layers": [layer for layer in SPEC["layers"] if layer != {"dropout": 0.25}]}
"""The small network without what is drawn at random."""
BRANCHED = {
    "name": "branched",
    "input": {"height": 6, "width": 6, "channels": 1},
    "layers": [
        {"conv": {"out_channels": 3, "kernel_size": 3}, "name": "stem"},
        "flatten",
        {"linear": {"out_features": 3, "activation": "softmax"}, "name": "head"},
        {"conv": {"out_channels": 2, "kernel_size": 3}, "name": "nowhere", "from": "stem"},
        {"batch_norm": {"track_running_stats": False}, "name": "norm", "from": "stem"},
        {"conv": {"out_channels": 3, "kernel_size": 3, "padding": 1}, "name": "again"},
        "flatten",
        {"linear": 3, "name": "main"},
    ],
    "auxiliary": ["head"],
    "outputs": ["main"],
}
"""With an auxiliary output, a layer that reaches no output, and statistics of each batch."""

SAME: dict[str, dict[str, Any]] = {
    "plain": {},
    "uneven": {"data": (73, 29), "batch_size": 11, "optimizer": "momentum", "weight_decay": 0.1},
    "single samples": {"data": (12, 4), "batch_size": 1, "optimizer": "sgd"},
    "branched": {"spec": BRANCHED, "optimizer": "adamw"},
    "one logit": {
        "data": (30, 10, 2),
        "spec": {**SURE, "layers": [*SURE["layers"][:-1], {"linear": 1}]},
    },
    "overfit": {"overfit": 5, "epochs": 300, "lr": 0.01},
    "sharded": {"shard": True},
    "sharded, uneven": {"shard": True, "data": (73, 29), "batch_size": 11, "spec": BRANCHED},
}
"""Runs that end with the same weights, but for rounding, however many processes share them."""

STOPPED: dict[str, dict[str, Any]] = {
    "dropout": {"spec": SPEC},
    "momentum": {"spec": SPEC, "optimizer": "momentum", "precision": "bf16"},
    "sharded": {"spec": SPEC, "shard": True},
}
"""Runs that are stopped by a signal to one process, and go on."""


def dataset(settings: dict[str, Any]) -> Dataset:
    """Taken out of the settings of a run: how many samples it has."""
    wanted = settings.pop("data", (70, 20))
    return wanted if isinstance(wanted, Dataset) else data(*wanted)


def share(folder: Path, **settings: Any) -> dict[str, Any]:
    """What the first process has of a run."""
    settings = {"spec": SURE, **settings}
    listener = settings.pop("listener", None) or Listener()
    found = run(folder, dataset=dataset(settings), listener=listener, **settings)
    told: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(told, len(listener.notes) + listener.steps + len(listener.epochs))
    return {
        "weights": weights(found) if found.network is not None else {},
        "history": [epoch._asdict() for epoch in found.history],
        "first": listener.first,
        "told": told,
        "signal": found.signal,
        "diverged": found.diverged,
    }


def message(folder: Path, **settings: Any) -> dict[str, Any]:
    """What each process raises."""
    try:
        share(folder, **settings)
        said = ""
    except CnncalcError as error:
        said = f"{type(error).__name__}: {error}"
    texts: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(texts, said)
    return {"texts": texts}


def main() -> None:
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])

    def keep(name: str, found: dict[str, Any]) -> None:
        if dist.get_rank() == 0:
            torch.save(found, folder / f"{name}.pt")

    for name, settings in SAME.items():
        keep(name, share(folder / name, **settings))
    rank = dist.get_rank()
    for name, settings in STOPPED.items():
        whole = share(folder / f"whole {name}", **settings)
        at = Listener(lambda done: signal.raise_signal(signal.SIGTERM) if done == 9 else None)
        stopped = share(folder / f"cut {name}", listener=at, **settings)
        resumed = share(folder / f"cut {name}", resume=True, **settings)
        keep(f"stopped {name}", {"whole": whole, "stopped": stopped, "resumed": resumed})
    # The loss of one sample, and so of one process, is no finite number.
    broken = data()
    broken.train.images[7] = torch.inf
    keep("diverged", share(folder / "diverged", data=broken))
    # For one process to go on with; and a run of one process, to go on with.
    keep("half", share(folder / "half", epochs=2, schedule="constant"))
    keep("half, sharded", share(folder / "shard", epochs=2, schedule="constant", shard=True))
    keep("longer", share(folder / "alone", epochs=4, schedule="constant", resume=True))
    keep("other data", message(folder / "x", data=(70 + rank, 20)))
    keep("too few", message(folder / "x", data=(70 - 10 * rank, 20), overfit=65))
    keep("there already", message(folder / "plain"))
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
