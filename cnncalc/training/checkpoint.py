"""The state of a run on disk: always a whole file, and always one that can be read."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from cnncalc.errors import UsageError, printable
from cnncalc.files import refusals, write_whole
from cnncalc.graph import Graph

NEWEST, PREVIOUS, START = "checkpoint.pt", "previous.pt", "start.pt"
"""The last state, the one before it, and the one before the first step."""
DAMAGED = "damaged.pt"
"""What was the last state and cannot be read."""
_FORMAT = "cnncalc train 1"


def fingerprint(graph: Graph) -> str:
    """A hash of what a network computes; its title and the spelling of its spec do not count."""
    digest = hashlib.sha256(repr((graph.inputs, graph.outputs, graph.auxiliary)).encode())
    for node in graph.nodes:
        layer = node.layer.model_dump_json(by_alias=True, warnings=False)
        digest.update(repr((node.name, node.layer.type, layer, node.inputs)).encode())
        digest.update(repr(node.weights_of).encode())
    return digest.hexdigest()


def save(folder: Path, state: Mapping[str, Any], name: str = NEWEST) -> None:
    """Write a state; the newest one before it becomes the previous one. Raises UsageError."""
    buffer = io.BytesIO()
    torch.save({"format": _FORMAT, **state}, buffer)
    path = folder / name

    def keep_previous() -> None:
        if name == NEWEST and path.exists():
            path.replace(folder / PREVIOUS)

    with refusals(printable(str(path))):
        # One name: what a killed run left there is as large as a checkpoint.
        part = folder / f".{name}.part"
        write_whole(path, buffer.getbuffer(), temporary=part, before=keep_previous)


def load(folder: Path) -> tuple[dict[str, Any] | None, list[str]]:
    """The newest state that can be read, and a sentence for each that cannot.

    None where there is none yet. Raises UsageError where all there are cannot be read.
    """
    notes = list[str]()
    for name in (NEWEST, PREVIOUS, START):
        path = folder / name
        if not path.exists():
            continue
        state = read(path)
        if state is not None:
            if notes:
                # Or the next checkpoint would push it over the one that is good.
                with suppress(OSError):
                    (folder / NEWEST).replace(folder / DAMAGED)
            return state, [f"{note}; using {name}" for note in notes]
        notes.append(f"{printable(str(path))}: truncated, corrupt, or no checkpoint of cnncalc")
    if notes:
        raise UsageError(f"{notes[0]}; no other one is whole: train anew with another --output")
    return None, notes


def read(path: Path) -> dict[str, Any] | None:
    """The state in a file, on the CPU; None where it is none."""
    try:
        # torch does not compare the checksums; a flipped bit would become a weight.
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:
                return None
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:
        # zipfile, pickle and torch raise a dozen types at bytes that are not theirs.
        return None
    return state if isinstance(state, dict) and state.get("format") == _FORMAT else None


def refuse_another_run(folder: Path) -> None:
    """Raises UsageError where a run has begun in a folder."""
    if (folder / START).exists():
        raise UsageError(
            f"{printable(str(folder))}: a run is there already; continue it with --resume, or "
            "give another --output"
        )
