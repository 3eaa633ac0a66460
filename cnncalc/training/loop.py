"""The training loop: epochs of steps over tensors that stay on the device."""

import hashlib
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn

from cnncalc.data.fitting import Split
from cnncalc.data.load import Dataset
from cnncalc.errors import UsageError, printable, shorten
from cnncalc.training.objective import AUXILIARY_WEIGHT, Objective
from cnncalc.training.processes import Processes
from cnncalc.training.settings import Settings, learning_rate
from cnncalc.witness.build import build

CHECKED_EVERY = 100
"""Steps between two looks at the loss: each look waits for the device."""

_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Epoch(NamedTuple):
    """What an epoch came to: a line of metrics.jsonl. Losses are means over samples."""

    epoch: int
    seconds: float
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    lr: float


class Diverged(Exception):
    """The loss, or a weight, is no finite number any more."""


class Loop:
    """A network in training, and where it stands: `state` and `restore` are all of it.

    `stopping` is asked after every step; `stepped` is told how many of an epoch's are done.
    Of several `processes` each computes its share of every batch.
    """

    def __init__(
        self,
        network: nn.Module,
        objective: Objective,
        data: Dataset,
        settings: Settings,
        device: torch.device,
        stopping: Callable[[], bool],
        stepped: Callable[[int, int, int], None],
        processes: Processes | None = None,
    ) -> None:
        assert settings.epochs is not None
        self.settings, self.objective, self.device = settings, objective, device
        self.stopping, self.stepped = stopping, stepped
        self.processes = processes or Processes()
        self.several = self.processes.number > 1
        self.network = network.to(device)
        reduced = device.type == "cuda" and settings.precision != "fp32" and not settings.shard
        # What tensor cores read; elsewhere it is as often slower.
        order = torch.channels_last if reduced and len(objective.input) == 3 else None
        if order is not None:
            for parameter in self.network.parameters():
                if parameter.dim() == 4:
                    parameter.data = parameter.data.contiguous(memory_format=order)
        self.train, self.test = (_placed(s, device, order) for s in (data.train, data.test))
        self.processes.prepare(network, device.type, settings.shard)
        self.optimizer = optimizer(network, settings, device)
        self.scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "fp16")
        self.run = self.run_in_test = network
        if settings.compile:
            self.run, self.run_in_test = (
                compiled(network.train(training), device) for training in (True, False)
            )
        self.run = self.processes.averaged(self.run)
        self.batches = batches(len(self.train.labels), settings.batch_size)
        self.epochs = settings.epochs
        self.epoch, self.step = 0, 0
        self.history: list[Epoch] = []
        self.first_loss: float | None = None
        self._seconds = 0.0
        # Summed on the device, so that no step waits for a number: loss, right answers.
        self.sums = torch.zeros(
            2, dtype=torch.float64 if device.type != "mps" else None, device=device
        )

    def epochs_left(self) -> Iterator[Epoch]:
        """Train, and give each epoch that ends; ends early where it is to stop.

        Raises Diverged. What `state` gives between two epochs, or after the end, goes on bit for
        bit as if nothing had been.
        """
        while self.epoch < self.epochs:
            started = time.perf_counter()
            self._steps()
            tested = None if self.stopping() else self.evaluate(self.test)
            self._seconds += time.perf_counter() - started
            if tested is None:
                return
            loss, right = self.processes.total(self.sums).tolist()
            total = len(self.train.labels)
            done = Epoch(
                self.epoch + 1,
                round(self._seconds, 3),
                loss / total,
                right / total,
                *tested,
                self.optimizer.param_groups[0]["lr"],
            )
            self.check()
            self.history.append(done)
            self.epoch, self.step, self._seconds = self.epoch + 1, 0, 0.0
            self.sums.zero_()
            yield done

    def _steps(self) -> None:
        """The steps of an epoch that are left, or those until it is to stop."""
        network, images, labels = self.run, *self.train
        self.network.train()
        order = self.order()
        for step, (start, stop) in enumerate(self.batches[self.step :], self.step):
            steps = len(self.batches)
            now = learning_rate(
                self.settings, self.epoch * steps + step, self.epochs * steps, steps
            )
            for group in self.optimizer.param_groups:
                group["lr"] = now
            first, last = self.processes.share(start, stop)
            chosen = order[first:last]
            wanted = labels.index_select(0, chosen)
            with self._precision():
                total, loss, logits = self.losses(
                    network(images.index_select(0, chosen)), wanted, stop - start
                )
            self.optimizer.zero_grad(set_to_none=True)
            self.scaler.scale(total).backward()  # type: ignore[no-untyped-call]
            self.scaler.step(self.optimizer)
            self.scaler.update()
            with torch.no_grad():
                self.sums += torch.stack((loss * (stop - start), right(logits, wanted)))
            self.step = step + 1
            if self.first_loss is None:
                self.first_loss = self.processes.total(loss).item()
            if self.step % CHECKED_EVERY == 0:
                self._check_sums()
            self.stepped(self.epoch + 1, self.step, steps)
            if self.stopping():
                return

    def order(self) -> Tensor:
        """The order of the samples in this epoch: it comes from seed and epoch alone."""
        generator = torch.Generator().manual_seed(_seed(f"{self.settings.seed} {self.epoch}"))
        return torch.randperm(len(self.train.labels), generator=generator).to(self.device)

    def losses(
        self, outputs: Tensor | tuple[Tensor, ...], wanted: Tensor, samples: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What is minimised, the main output's part of it, and its logits.

        `samples` are those of all processes: what these compute adds up to the mean loss.
        """
        main, *auxiliary = outputs if isinstance(outputs, tuple) else (outputs,)
        logits = main.flatten(1).float() * self.objective.sign
        over = samples if self.several else None
        loss = total = cross_entropy(logits, wanted, over)
        for output in auxiliary:
            total = total + AUXILIARY_WEIGHT * cross_entropy(
                output.flatten(1).float(), wanted, over
            )
        # Gradients will be means over processes where they ought to be sums.
        return total * self.processes.number if self.several else total, loss, logits

    def evaluate(self, split: Split) -> tuple[float, float] | None:
        """Mean loss and accuracy on a set, in eval mode; None where it was to stop."""
        network, sums = self.run_in_test, torch.zeros_like(self.sums)
        self.network.eval()
        total = len(split.labels)
        with torch.no_grad(), self._precision():
            for start, stop in batches(total, self.settings.batch_size):
                first, last = self.processes.share(start, stop)
                wanted = split.labels[first:last]
                _, loss, logits = self.losses(
                    network(split.images[first:last]), wanted, stop - start
                )
                sums += torch.stack((loss * (stop - start), right(logits, wanted)))
                if self.stopping():
                    return None
        loss, correct = self.processes.total(sums).tolist()
        return loss / total, correct / total

    def check(self) -> None:
        """Raises Diverged where the sums of this epoch or a weight are not finite."""
        self._check_sums()
        parts = map(self.processes.part, self.network.parameters())
        if not all(self.processes.gather(all(bool(part.isfinite().all()) for part in parts))):
            raise Diverged

    def _check_sums(self) -> None:
        if not self.processes.total(self.sums).isfinite().all():
            raise Diverged

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on; all processes ask at the same time."""
        own = {
            "random": torch.get_rng_state(),
            # Of the device's own generator, where it is not that of the CPU.
            "device_random": None
            if self.device.type == "cpu"
            else getattr(torch, self.device.type).get_rng_state(),
            "sums": self.sums.cpu(),
        }
        first, *others = self.processes.gather(own)
        return {
            "network": self.processes.whole(self.network.state_dict()),
            "optimizer": self.processes.whole(self.optimizer.state_dict()),
            "scaler": self.scaler.state_dict(),
            **first,
            "others": others,
            "epoch": self.epoch,
            "step": self.step,
            "seconds": self._seconds,
            "first_loss": self.first_loss,
            "history": [epoch._asdict() for epoch in self.history],
        }

    def trained(self) -> nn.Module | None:
        """The network in whole; all processes ask at the same time, the first one gets it."""
        if not self.settings.shard:
            return self.network
        state = self.processes.whole(self.network.state_dict())
        if not self.processes.first:
            return None
        network = build(self.objective.graph)
        network.load_state_dict(state)
        return network

    def restore(self, state: dict[str, Any]) -> None:
        """Stand where `state` was taken. Raises what its parts raise where it does not fit."""
        # What a group says of itself are the options, which are those of this run, but the rate.
        both = zip(
            self.optimizer.state_dict()["param_groups"],
            state["optimizer"]["param_groups"],
            strict=True,
        )
        groups = [{**own, "lr": saved["lr"]} for own, saved in both]
        state = {**state, "optimizer": {**state["optimizer"], "param_groups": groups}}
        self.processes.load(self.network, self.optimizer, state)
        self.scaler.load_state_dict(state["scaler"])
        self.epoch, self.step = int(state["epoch"]), int(state["step"])
        saved = [state, *state.get("others", ())]
        if len(saved) == self.processes.number:
            own = saved[self.processes.rank]
            self.sums.copy_(own["sums"])
            torch.set_rng_state(own["random"])
            if own["device_random"] is not None:
                getattr(torch, self.device.type).set_rng_state(own["device_random"])
        else:
            if self.processes.first:
                self.sums.copy_(sum(one["sums"] for one in saved))
            self.draw_apart()
        self._seconds, self.first_loss = float(state["seconds"]), state["first_loss"]
        self.history = [Epoch(**epoch) for epoch in state["history"]]

    def draw_apart(self) -> None:
        """Let what is drawn at random from here on differ between processes."""
        torch.manual_seed(
            _seed(f"{self.settings.seed} {self.processes.rank} {self.epoch} {self.step}")
        )

    def _precision(self) -> torch.autocast:
        kind = _TYPES.get(self.settings.precision)
        return torch.autocast(self.device.type, dtype=kind, enabled=kind is not None)


def batches(samples: int, size: int) -> list[tuple[int, int]]:
    """First and last of each batch; a single sample at the end joins the batch before it.

    Batch norm cannot be trained on one sample.
    """
    found = [(start, min(start + size, samples)) for start in range(0, samples, size)]
    if len(found) > 1 and size > 1 and samples % size == 1:
        found[-2:] = [(found[-2][0], samples)]
    return found


def cross_entropy(logits: Tensor, wanted: Tensor, samples: int | None = None) -> Tensor:
    """The mean loss; where these are some of `samples`, even none, their part of the mean."""
    return (
        losses(logits, wanted, "mean")
        if samples is None
        else losses(logits, wanted, "sum") / samples
    )


def losses(logits: Tensor, wanted: Tensor, reduction: str) -> Tensor:
    """Softmax cross-entropy, or the logistic loss of a single logit."""
    if logits.shape[1] == 1:
        return nn.functional.binary_cross_entropy_with_logits(
            logits[:, 0], wanted.float(), reduction=reduction
        )
    return nn.functional.cross_entropy(logits, wanted, reduction=reduction)


def answers(logits: Tensor) -> Tensor:
    """The classes that logits say."""
    return logits.argmax(1) if logits.shape[1] > 1 else (logits[:, 0] > 0).long()


def right(logits: Tensor, wanted: Tensor) -> Tensor:
    """How many answers are right, as a float."""
    return (answers(logits) == wanted).sum().float()


def optimizer(
    network: nn.Module, settings: Settings, device: torch.device
) -> torch.optim.Optimizer:
    """The optimizer with torch's defaults, and momentum 0.9 for `momentum`."""
    # One call for all tensors: in small networks the calls cost more than the work. Not with fp16:
    # fused SGD with momentum goes wrong on the CPU where the scaler skips a step (torch 2.13).
    fused = device.type in ("cpu", "cuda") and settings.precision != "fp16"
    kinds: dict[str, tuple[Callable[..., torch.optim.Optimizer], dict[str, Any]]] = {
        "sgd": (torch.optim.SGD, {"momentum": 0.0, "fused": fused or None}),
        "momentum": (torch.optim.SGD, {"momentum": 0.9, "fused": fused or None}),
        "rmsprop": (torch.optim.RMSprop, {"foreach": device.type != "mps"}),
        "adam": (torch.optim.Adam, {"fused": fused or None}),
        "adamw": (torch.optim.AdamW, {"fused": fused or None}),
    }
    kind, own = kinds[settings.optimizer]
    return kind(network.parameters(), lr=settings.lr, weight_decay=settings.weight_decay, **own)


class _Tracer(fx.Tracer):
    """Follows the loop of the network, which is alone in a Sequential: fx wants one input.

    Its layers are called as they are.
    """

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return module_qualified_name != "0"


def compiled(network: nn.Module, device: torch.device) -> Any:
    """The network compiled by torch as it runs now, in training or not.

    Its loop over the nodes is unrolled first: torch.compile would stop at every node and
    compile each alone. On CUDA the kernels are replayed as graphs.
    """
    _quiet_compiler()
    alone = nn.Sequential(network)
    try:
        graph = fx.GraphModule(alone, _Tracer().trace(alone))
    except (fx.proxy.TraceError, TypeError, RuntimeError) as error:
        reason = printable(shorten(str(error).partition("\n")[0], 200))
        raise UsageError(f"--compile: torch cannot trace this network ({reason})") from None
    return torch.compile(graph, mode="reduce-overhead" if device.type == "cuda" else None)


def _quiet_compiler() -> None:
    """Let torch's compiler keep to itself what it notices: none of it is for users.

    Not for a while only: it compiles when a batch of another size comes.
    """
    for name in ("torch._dynamo", "torch._inductor", "torch.utils.cpp_extension"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"torch\.(_dynamo|_inductor|utils\.cpp_extension)")


def _placed(split: Split, device: torch.device, order: torch.memory_format | None) -> Split:
    """A whole set on the device."""
    images = split.images.to(device)
    if order is not None:
        images = images.contiguous(memory_format=order)
    return split._replace(images=images, labels=split.labels.to(device))


def _seed(text: str) -> int:
    # torch reads the lowest 32 bits of a seed only; the hash lets all of a text count.
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
