"""What a training run is asked for, checked before anything heavy is imported."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from cnncalc.data import places
from cnncalc.errors import UsageError, shown, suggestion

Optimizer = Literal["sgd", "momentum", "rmsprop", "adam", "adamw"]
Schedule = Literal["constant", "cosine", "linear", "step"]
Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["fp32", "bf16", "fp16"]

DATA_SETS = places.NAMES
LEARNING_RATES: dict[Optimizer, float] = {
    "sgd": 0.05,
    "momentum": 0.01,
    "rmsprop": 0.01,
    "adam": 0.002,
    "adamw": 0.001,
}
"""Where --lr is not given. Those of rmsprop and adamw are torch's own; with adam's 0.001 the usual
25 epochs are too few for LeNet-5 on the digits."""
ADAMW_WEIGHT_DECAY = 0.01
"""torch's own; all others start without."""
EPOCHS, OVERFIT_EPOCHS = 25, 300
MAX_EPOCHS = 10**6
STARTS = ("default", "he", "xavier")

_STEPS = (0.5, 0.75)
"""Where `--schedule step` divides the rate by ten, as parts of the run: He et al., 2016, divide at
32,000 and 48,000 of 64,000 steps on CIFAR-10."""


@dataclass(frozen=True)
class Settings:
    """The options of a run. What is None is filled in by `complete`. Raises UsageError."""

    data: str = "digits"
    folder: Path | None = None
    epochs: int | None = None
    batch_size: int = 64
    optimizer: Optimizer = "adam"
    lr: float | None = None
    schedule: Schedule | None = None
    warmup: float = 0.0
    weight_decay: float | None = None
    init: str = "default"
    seed: int = 0
    device: Device = "auto"
    precision: Precision = "fp32"
    compile: bool = False
    limit_train: int | None = None
    limit_test: int | None = None
    overfit: int | None = None
    shard: bool = False

    def __post_init__(self) -> None:
        for name, known in (
            ("optimizer", get_args(Optimizer)),
            ("schedule", (None, *get_args(Schedule))),
            ("device", get_args(Device)),
            ("precision", get_args(Precision)),
        ):
            if getattr(self, name) not in known:
                raise UsageError(
                    f"--{name} is one of {', '.join(filter(None, known))}, "
                    f"not {shown(getattr(self, name))}"
                )
        for name, most in (
            ("epochs", MAX_EPOCHS),
            ("batch_size", 10**9),
            ("overfit", 10**9),
            ("limit_train", 10**12),
            ("limit_test", 10**12),
        ):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= most:
                raise UsageError(f"{option(name)} must be from 1 to {most:,}, not {value}")
        if not 0 <= self.seed < 2**63:
            raise UsageError(f"--seed must be from 0 to 2^63 - 1, not {shown(self.seed)}")
        if self.lr is not None and not 0 < self.lr < math.inf:
            raise UsageError(f"--lr must be a number above 0, not {self.lr}")
        for name in ("weight_decay", "warmup"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < math.inf:
                raise UsageError(f"{option(name)} must be a number from 0, not {value}")
        deviation(self.init)
        if self.shard and self.compile:
            raise UsageError("--shard: what is divided cannot be compiled; leave out --compile")
        if self.shard and self.precision == "fp16":
            raise UsageError("--shard: what is divided cannot be scaled for fp16; give bf16")

    def complete(self) -> "Settings":
        """The same with every default filled in."""
        overfit = self.overfit is not None
        filled = {
            "epochs": OVERFIT_EPOCHS if overfit else EPOCHS,
            "lr": LEARNING_RATES[self.optimizer],
            # A rate that falls to 0 at an end that is rarely reached helps nobody.
            "schedule": "constant" if overfit else "cosine",
            "weight_decay": ADAMW_WEIGHT_DECAY if self.optimizer == "adamw" else 0.0,
        }
        given = {name: value for name, value in vars(self).items() if value is not None}
        return Settings(**{**filled, **given})

    def numbers(self) -> dict[str, Any]:
        """The options that decide what comes out, as JSON has them; those of a complete one."""
        kept = asdict(self)
        # Where the files lie changes nothing, nor does who computes what; nor, at a constant
        # rate, how long it goes on.
        del kept["folder"], kept["shard"]
        if self.schedule == "constant":
            del kept["epochs"]
        return kept


def option(name: str) -> str:
    """The option that sets a field: `--batch-size`."""
    return f"--{name.replace('_', '-')}"


def deviation(init: str) -> float | None:
    """The standard deviation of `normal:0.01`; None for the other ways to start."""
    if init in STARTS:
        return None
    kind, colon, number = init.partition(":")
    try:
        std = float(number) if kind == "normal" and colon else math.nan
    except ValueError:
        std = math.nan
    if not 0 < std < math.inf:
        raise UsageError(
            f"--init is one of {', '.join(STARTS)} or normal:STD like normal:0.01, "
            f"not {shown(init)}{suggestion(init, STARTS)}"
        )
    return std


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """`--lr 0.1, not 0.01` for every option of two runs that differs, the first run's first."""
    return [
        f"{option(name)} {before.get(name)}, not {now.get(name)}"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]


def learning_rate(settings: Settings, step: int, steps: int, steps_per_epoch: int) -> float:
    """The learning rate of a step, counted from 0, of `steps` in all.

    Linear warm-up: step t of the first w has lr·(t + 1)/w. With p = (t − w)/(steps − w) of the
    rest gone: cosine lr·(1 + cos πp)/2 (Loshchilov & Hutter, 2017), linear lr·(1 − p), step lr
    divided by 10 at p = 1/2 and again at 3/4.
    """
    assert settings.lr is not None
    warm = min(round(settings.warmup * steps_per_epoch), steps)
    if step < warm:
        return settings.lr * (step + 1) / warm
    gone = (step - warm) / (steps - warm)
    parts = {
        "cosine": (1 + math.cos(math.pi * gone)) / 2,
        "linear": 1 - gone,
        "step": 0.1 ** sum(gone >= start for start in _STEPS),
    }
    return settings.lr * parts.get(settings.schedule or "", 1.0)
