"""Samples per second of `cnncalc train` against other ways to train the same network.

* by hand: the loop that a user would write: a DataLoader over a TensorDataset, `torch.nn` modules
  in a Sequential, Adam;
* Lightning: its Trainer with the same loader and module, logging and checkpoints off; its own
  preparation before an epoch is not counted;
* Keras: the same layers under Keras 3 on the torch backend, `fit` with arrays.

All train on the same made-up images, an epoch each in turn, so that a machine that slows down
slows all; what counts is the ratio of the medians. What is not installed is left out, and said.
Run from a checkout; `--write` puts the results into docs/benchmarks.md:

    python benchmarks/training.py [--runs 7] [--samples 4096] [--batch-size 64] [--device cuda]
        [--precision bf16] [--compile] [--write]

On CUDA, `--precision bf16` also means channels-last images here and by hand, and `--compile` means
CUDA graphs.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"

import torch
from page import write_section
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from cnncalc.data.fitting import Split
from cnncalc.data.load import Dataset
from cnncalc.spec.load import load
from cnncalc.training.loop import Loop
from cnncalc.training.objective import objective
from cnncalc.training.settings import Settings
from cnncalc.witness.build import build

Epoch = Callable[[], float]
"""Trains an epoch and says how many seconds it took."""


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


def ours(name: str, split: Split, settings: Settings) -> Epoch:
    """An epoch of `cnncalc train`, its test of one sample and its sums with it."""
    goal = objective(load(name))
    one = Split(split.images[:1], split.labels[:1])
    data = Dataset("made up", split, one, tuple("0123456789"), ())
    loop = Loop(
        build(goal.graph),
        goal,
        data,
        settings.complete(),
        torch.device(settings.device),
        lambda: False,
        lambda epoch, done, steps: None,
    )
    epochs = loop.epochs_left()
    return partial(timed, lambda: next(epochs), settings.device)


def by_hand(name: str, split: Split, settings: Settings) -> Epoch:
    """An epoch as the tutorials write it."""
    network = NETWORKS[name]().to(settings.device)
    kind = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}[settings.precision]
    order = torch.channels_last if kind and settings.device == "cuda" else torch.contiguous_format
    network = network.to(memory_format=order)
    run: Any = torch.compile(network) if settings.compile else network
    cuda = settings.device == "cuda"
    loader = DataLoader(TensorDataset(*split), settings.batch_size, shuffle=True, pin_memory=cuda)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001)
    scaler = torch.amp.GradScaler(settings.device, enabled=settings.precision == "fp16")

    def epoch() -> None:
        network.train()
        total = 0.0
        for images, labels in loader:
            images = images.to(settings.device, memory_format=order, non_blocking=True)
            labels = labels.to(settings.device, non_blocking=True)
            optimizer.zero_grad()
            with torch.autocast(settings.device, dtype=kind, enabled=kind is not None):
                loss = functional.cross_entropy(run(images), labels)
            scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            scaler.step(optimizer)
            scaler.update()
            total += loss.item() * len(labels)

    return partial(timed, epoch, settings.device)


def lightning(name: str, split: Split, settings: Settings) -> Epoch:
    """An epoch of Lightning's Trainer, from its start to its end as its callbacks see them."""
    from lightning import LightningModule, Trainer
    from lightning.pytorch.callbacks import Callback

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = NETWORKS[name]()

        def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
            images, labels = batch
            return functional.cross_entropy(self.network(images), labels)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=0.001)

    class Watch(Callback):
        def on_train_epoch_start(self, *_: Any) -> None:
            self.start = time.perf_counter()

        def on_train_epoch_end(self, *_: Any) -> None:
            finish(settings.device)
            self.seconds = time.perf_counter() - self.start

    module, watch = Module(), Watch()
    loader = DataLoader(TensorDataset(*split), settings.batch_size, shuffle=True)
    precision: Any = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}[
        settings.precision
    ]

    def epoch() -> float:
        with warnings.catch_warnings():
            # It would have worker processes, whose start alone takes longer than this epoch.
            warnings.simplefilter("ignore")
            trainer = Trainer(
                accelerator="cpu" if settings.device == "cpu" else "auto",
                devices=1,
                max_epochs=1,
                precision=precision,
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                callbacks=[watch],
            )
            trainer.fit(module, loader)
        return watch.seconds

    return epoch


def keras(name: str, split: Split, settings: Settings) -> Epoch:
    """An epoch of Keras on the torch backend; images have their channels last, as it wants them."""
    import keras as k

    layers: list[Any] = []
    for module in NETWORKS[name]():  # type: ignore[attr-defined]
        match module:
            case nn.Conv2d():
                layers.append(k.layers.Conv2D(module.out_channels, module.kernel_size))
            case nn.MaxPool2d():
                layers.append(k.layers.MaxPooling2D(2))
            case nn.Linear():
                layers.append(k.layers.Dense(module.out_features))
            case nn.ReLU():
                layers.append(k.layers.ReLU())
            case nn.Flatten():
                layers.append(k.layers.Flatten())
    images = split.images.movedim(1, -1).contiguous().numpy()
    policy = {"fp32": "float32", "bf16": "mixed_bfloat16", "fp16": "mixed_float16"}
    k.config.set_dtype_policy(policy[settings.precision])
    model = k.Sequential([k.Input(images.shape[1:]), *layers])
    model.compile(
        optimizer=k.optimizers.Adam(0.001),
        loss=k.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=settings.compile,
    )
    labels = split.labels.numpy()
    fit = partial(model.fit, images, labels, batch_size=settings.batch_size, epochs=1, verbose=0)
    return partial(timed, fit, settings.device)


WAYS = {"cnncalc": ours, "by hand": by_hand, "Lightning": lightning, "Keras": keras}


def timed(epoch: Callable[[], object], device: str) -> float:
    """Seconds, until the device has done it."""
    finish(device)
    start = time.perf_counter()
    epoch()
    finish(device)
    return time.perf_counter() - start


def finish(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def installed() -> dict[str, str]:
    """The versions of what is compared."""
    found = {"torch": str(torch.__version__)}
    for package in ("lightning", "keras"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            print(f"{package} is not installed and left out")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--samples", type=int, default=4096)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--device", choices=["cpu", "cuda"])
    parser.add_argument("--precision", choices=["fp32", "bf16", "fp16"], default="fp32")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--write", action="store_true", help="put the results in the docs")
    asked = parser.parse_args()
    settings = Settings(
        batch_size=asked.batch_size,
        epochs=10**6,
        schedule="constant",
        lr=0.001,
        device=asked.device or ("cuda" if torch.cuda.is_available() else "cpu"),
        precision=asked.precision,
        compile=asked.compile,
    )
    packages = installed()
    ways = {
        way: make for way, make in WAYS.items() if way.lower() in ("cnncalc", "by hand", *packages)
    }
    rows = []
    for name, write in NETWORKS.items():
        shape = objective(load(name)).input
        split = Split(torch.rand(asked.samples, *shape), torch.arange(asked.samples) % 10)
        sizes = [sum(p.numel() for p in network.parameters()) for network in (write(), build(name))]
        assert sizes[0] == sizes[1], sizes
        epochs = {way: make(name, split, settings) for way, make in ways.items()}
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for run in range(asked.runs + 1):
            for way, epoch in epochs.items():
                took = epoch()
                if run:  # The first warms up.
                    seconds[way].append(took)
        rates = {way: asked.samples / median(times) for way, times in seconds.items()}
        for way, rate in rates.items():
            ratio = rates["cnncalc"] / rate
            rows.append(f"| {name} | {way} | {rate:,.0f} | {ratio:.2f} |")
            print(rows[-1])
    where = torch.cuda.get_device_name() if settings.device == "cuda" else "CPU"
    text = (
        f"Medians of {asked.runs} interleaved epochs of {asked.samples:,} made-up samples in "
        f"batches of {asked.batch_size}, Adam, {asked.precision}"
        f"{', compiled' if asked.compile else ''}; Python {platform.python_version()}, "
        f"{', '.join(f'{name} {number}' for name, number in packages.items())}; {where}, "
        f"{torch.get_num_threads()} threads.\n\n"
        "| network | trained by | samples/s | cnncalc is faster by |\n| --- | --- | ---: | ---: |\n"
        + "\n".join(rows)
        + "\n"
    )
    if asked.write:
        write_section("Training", "training.py", text)


if __name__ == "__main__":
    main()
