"""Whether a checkpoint holds what a run would have written: looked at before torch is given it.

A state of a wrong shape is a crash of the process in some of torch's kernels, not an exception.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from cnncalc.training.loop import Epoch, Loop
from cnncalc.training.settings import Optimizer

_REMEMBERED: dict[Optimizer, set[str]] = {
    "sgd": {"momentum_buffer"},
    "momentum": {"momentum_buffer"},
    "rmsprop": {"step", "square_avg"},
    "adam": {"step", "exp_avg", "exp_avg_sq"},
    "adamw": {"step", "exp_avg", "exp_avg_sq"},
}
"""What each optimizer of torch remembers for a parameter."""


class Misfit(Exception):
    """What of a checkpoint is not as a run would have written it."""


def check_identity(state: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a state is of. Raises Misfit where it does not say what it is of."""
    for name in ("spec", "samples", "options"):
        if not isinstance(state.get(name), str):
            raise Misfit(f"{name} is no text")
    try:
        options = json.loads(state["options"])
    except (ValueError, RecursionError):
        options = None
    if not isinstance(options, dict):
        raise Misfit("options are no JSON object")
    return options


def check_state(state: Mapping[str, Any], loop: Loop) -> None:
    """Raises Misfit where a loop cannot stand at a state."""
    check_weights(state, loop.network)
    _optimizer(state.get("optimizer"), loop)
    _scaler(state.get("scaler"), loop.scaler.state_dict())
    others = state.get("others")
    if not isinstance(others, list):
        raise Misfit("others is no list")
    for own in (state, *others):
        _own(own, loop)
    whole("epoch", state.get("epoch"), loop.epochs)
    whole("step", state.get("step"), len(loop.batches))
    _number("seconds", state.get("seconds"))
    if state.get("first_loss") is not None:
        _number("first_loss", state["first_loss"])
    done = len(history(state))
    if done != state["epoch"]:
        raise Misfit(f"history has {done:,} epochs, epoch is {state['epoch']:,}")


def check_weights(state: Mapping[str, Any], network: nn.Module) -> None:
    """Raises Misfit where the weights of a state are not those of a network."""
    found, wanted = state.get("network"), network.state_dict()
    if not isinstance(found, dict):
        raise Misfit("network is no mapping")
    for name in wanted:
        if name not in found:
            raise Misfit(f"network has no {name}")
    for name, tensor in found.items():
        if name not in wanted:
            raise Misfit(f"network has {_shown(name)}, which the spec has not")
        like = wanted[name]
        _tensor(name, tensor, tuple(like.shape), like.dtype)
        if not bool(tensor.isfinite().all()):
            raise Misfit(f"{name} has a value that is no finite number")


def history(state: Mapping[str, Any]) -> tuple[Epoch, ...]:
    """The epochs that ended. Raises Misfit."""
    found = state.get("history")
    if not isinstance(found, list):
        raise Misfit("history is no list of epochs")
    for number, epoch in enumerate(found, 1):
        if not isinstance(epoch, dict) or epoch.keys() != {*Epoch._fields}:
            raise Misfit(f"epoch {number:,} of history has other fields")
        whole(f"epoch {number:,} of history", epoch["epoch"], number, number)
        for name, value in epoch.items():
            _number(f"{name} of epoch {number:,}", value)
    return tuple(Epoch(**epoch) for epoch in found)


def _optimizer(found: Any, loop: Loop) -> None:
    wanted = loop.optimizer.state_dict()["param_groups"]
    if not isinstance(found, dict) or not isinstance(found.get("state"), dict):
        raise Misfit("optimizer has no state")
    listed = found.get("param_groups")
    groups = listed if isinstance(listed, list) else []
    parameters = [group.get("params") for group in groups if isinstance(group, dict)]
    if parameters != [group["params"] for group in wanted]:
        raise Misfit("optimizer has other parameters")
    for group in groups or []:
        _number("optimizer's lr", group.get("lr"))
    shapes = [tuple(parameter.shape) for parameter in loop.network.parameters()]
    names = _REMEMBERED[loop.settings.optimizer]
    for number, kept in found["state"].items():
        place = f"optimizer's state of parameter {_shown(number)}"
        if type(number) is not int or not 0 <= number < len(shapes):
            raise Misfit(f"{place}: there are {len(shapes):,}")
        if not isinstance(kept, dict) or not (kept.keys() == names or not kept):
            raise Misfit(f"{place}: it is not {' and '.join(sorted(names))}")
        for name, value in kept.items():
            if name == "momentum_buffer" and value is None:
                continue
            shape = () if name == "step" else shapes[number]
            _tensor(f"{place}: {name}", value, shape, torch.float32)


def _scaler(found: Any, wanted: dict[str, Any]) -> None:
    if not isinstance(found, dict) or found.keys() != wanted.keys():
        raise Misfit("scaler is not that of these options")
    for name, value in found.items():
        _number(f"scaler's {_shown(name)}", value)


def _own(found: Any, loop: Loop) -> None:
    """What each process has of its own."""
    if not isinstance(found, dict):
        raise Misfit("others are no mappings")
    _tensor("sums", found.get("sums"), (2,), loop.sums.dtype)
    _tensor("random", found.get("random"), tuple(torch.get_rng_state().shape), torch.uint8)
    drawn, kind = found.get("device_random"), loop.device.type
    if (drawn is None) != (kind == "cpu"):
        raise Misfit(f"device_random is not that of {kind}")
    if drawn is not None:
        shape = tuple(getattr(torch, kind).get_rng_state().shape)
        _tensor("device_random", drawn, shape, torch.uint8)


def _tensor(place: str, found: Any, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    if type(found) is not Tensor or found.layout != torch.strided or found.device.type != "cpu":
        raise Misfit(f"{place} is no plain tensor")
    if found.dtype != dtype:
        raise Misfit(f"{place} is of {found.dtype}, not {dtype}")
    if tuple(found.shape) != shape:
        raise Misfit(f"{place} has shape {list(found.shape)}, not {list(shape)}")


def whole(place: str, found: Any, most: int = 10**12, least: int = 0) -> int:
    """A whole number. Raises Misfit."""
    if type(found) is not int or not least <= found <= most:
        raise Misfit(f"{place} is no whole number from {least:,} to {most:,}")
    return found


def _number(place: str, found: Any) -> None:
    try:
        fine = type(found) in (int, float) and math.isfinite(found)
    except OverflowError:
        fine = False
    if not fine:
        raise Misfit(f"{place} is no finite number")


def _shown(name: Any) -> str:
    return name[:100] if isinstance(name, str) else repr(name)[:100]
