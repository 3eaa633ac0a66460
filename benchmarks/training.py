"""Samples per second of `cnncalc train` against the loop that a user would write by hand.

The hand-written one is a DataLoader over a TensorDataset, `torch.nn` modules in a Sequential, and
the same optimizer. Both train on the same made-up images, in turn, so that a machine that slows
down slows both; what counts is the ratio of the medians. Run from a checkout:

    python benchmarks/training.py [--runs 7] [--samples 4096] [--batch-size 64]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from cnncalc.confirm.build import build
from cnncalc.confirm.data import Dataset, Split
from cnncalc.confirm.loop import Loop
from cnncalc.confirm.objective import objective
from cnncalc.confirm.settings import Settings
from cnncalc.spec.load import load


def lenet5() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(400, 120), nn.ReLU()),
        *(nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )


def keras_mnist() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(64, 128, 3), nn.ReLU(), nn.Flatten(), nn.Linear(1152, 10)),
    )


NETWORKS: dict[str, Callable[[], nn.Module]] = {"lenet5": lenet5, "keras-mnist": keras_mnist}


def by_hand(network: nn.Module, split: Split, batch_size: int) -> Callable[[], None]:
    """An epoch as the tutorials write it."""
    loader = DataLoader(TensorDataset(*split), batch_size, shuffle=True)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001)

    def epoch() -> None:
        network.train()
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = functional.cross_entropy(network(images), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += loss.item() * len(labels)

    return epoch


def ours(name: str, data: Dataset, batch_size: int) -> Callable[[], None]:
    """An epoch of `cnncalc train`, its test of one sample and its sums with it."""
    goal = objective(load(name))
    settings = Settings(batch_size=batch_size, epochs=10**6, schedule="constant").complete()
    loop = Loop(
        build(goal.graph),
        goal,
        data,
        settings,
        torch.device("cpu"),
        lambda: False,
        lambda epoch, done, steps: None,
    )
    epochs = loop.epochs_left()

    def epoch() -> None:
        next(epochs)

    return epoch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--samples", type=int, default=4096)
    parser.add_argument("--batch-size", type=int, default=64)
    asked = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    for name, write in NETWORKS.items():
        shape = objective(load(name)).input
        split = Split(torch.rand(asked.samples, *shape), torch.arange(asked.samples) % 10)
        one = Split(split.images[:1], split.labels[:1])
        data = Dataset("made up", split, one, tuple("0123456789"), ())
        epochs = {
            "by hand": by_hand(write(), split, asked.batch_size),
            "cnncalc": ours(name, data, asked.batch_size),
        }
        sizes = [sum(p.numel() for p in network.parameters()) for network in (write(), build(name))]
        assert sizes[0] == sizes[1], sizes
        seconds: dict[str, list[float]] = {way: [] for way in epochs}
        for run in range(asked.runs + 1):
            for way, epoch in epochs.items():
                start = time.perf_counter()
                epoch()
                if run:  # The first warms up.
                    seconds[way].append(time.perf_counter() - start)
        rates = {way: asked.samples / median(times) for way, times in seconds.items()}
        print(
            f"{name}: by hand {rates['by hand']:,.0f}/s, cnncalc {rates['cnncalc']:,.0f}/s, "
            f"ratio {rates['cnncalc'] / rates['by hand']:.2f}"
        )


if __name__ == "__main__":
    main()
