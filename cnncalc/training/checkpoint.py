"""The state of a run on disk: always a whole file, and always one that can be read.

And whether a run begins or goes on: what is in its folder, and whether that is of this run.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from cnncalc.errors import UsageError, printable, shorten
from cnncalc.files import refusals, write_whole
from cnncalc.graph import Graph
from cnncalc.training.loop import Loop
from cnncalc.training.run_folder import is_run
from cnncalc.training.settings import differences
from cnncalc.training.state_check import Misfit, check_identity, check_state

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
        reads = node.name, node.layer.type, layer, node.inputs
        digest.update(f"{reads!r}{node.weights_of!r}{node.indices_of or ''}".encode())
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
    for path in filter(Path.exists, (folder / name for name in (NEWEST, PREVIOUS, START))):
        state = read(path)
        if state is not None:
            if notes:
                # Or the next checkpoint would push it over the one that is good.
                with suppress(OSError):
                    (folder / NEWEST).replace(folder / DAMAGED)
            return state, [f"{note}; using {path.name}" for note in notes]
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
    """Raises UsageError where a run has begun in a folder, or something else lies there."""
    where = printable(str(folder))
    with refusals(where):
        if (folder / START).exists():
            raise UsageError(
                f"{where}: a run is there already; continue it with --resume, or "
                "give another --output"
            )
        # What is hidden is no file of a run, and stays.
        seen = folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir())
    if seen and not is_run(folder):
        raise UsageError(
            f"{where}: not empty, and no run of cnncalc train: its files might be overwritten; "
            "give --output a folder that is new or empty"
        )


def create_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Make the folder of a run with these texts in it. Raises UsageError."""
    with refusals(printable(str(folder))):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            write_whole(folder / name, text.encode())


def saved_state(folder: Path, resume: bool) -> tuple[dict[str, Any] | None, list[str]]:
    """Where the run in a folder stands, with sentences about that. Raises UsageError."""
    state, notes = load(folder) if resume else (None, [])
    if state is None:
        refuse_another_run(folder)
    return state, notes


def check_processes_agree(identities: list[dict[str, Any]]) -> None:
    """Raises UsageError where processes train different things."""
    first = identities[0]
    unlike = [name for name in first if any(one[name] != first[name] for one in identities)]
    if unlike:
        raise UsageError(
            f"the processes differ in their {' and '.join(unlike)}: start all of them alike"
        )


def check_same_run(state: dict[str, Any], identity: dict[str, Any], folder: Path) -> None:
    """Raises UsageError where a checkpoint is of another spec, of other options or samples."""
    where = printable(str(folder))
    with fitting(folder):
        before = check_identity(state)
    if state.get("spec") != identity["spec"]:
        raise UsageError(
            f"{where}: its checkpoint is of another spec; give the same one, or another --output"
        )
    now = json.loads(identity["options"])
    if other := differences(before, now):
        raise UsageError(
            f"{where}: its run has {printable(shorten('; '.join(other), 300))}; "
            "give the same options, or another --output"
        )
    if state.get("samples") != identity["samples"]:
        raise UsageError(f"{where}: its run had other samples; give the same data")


@contextmanager
def fitting(place: Path, remedy: str = "; give another --output") -> Iterator[None]:
    """What does not fit in the checkpoint at a place, as one line. Raises UsageError."""
    try:
        yield
    except (Misfit, KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        reason = printable(shorten(" ".join(str(error).split()), 200))
        raise UsageError(
            f"{printable(str(place))}: its checkpoint does not fit ({reason}){remedy}"
        ) from None


def restore_loop(loop: Loop, state: dict[str, Any], folder: Path) -> None:
    """Let a loop stand where a state was taken. Raises UsageError where it does not fit."""
    with fitting(folder):
        check_state(state, loop)
        loop.restore(state)


def where_it_goes_on(loop: Loop, state: dict[str, Any]) -> Iterator[str]:
    """From where it goes on, and whether it can with the same bits."""
    if loop.epoch == loop.epochs:
        yield f"all {loop.epochs} epochs are done"
        return
    yield f"continued from epoch {loop.epoch + 1}, step {loop.step} of {len(loop.batches)}"
    before, now = 1 + len(state.get("others", ())), loop.processes.number
    if before != now:
        yield (
            f"saved by {before} process{'es' if before > 1 else ''} and continued by {now}: sums "
            "are rounded in another order, and what is drawn at random is drawn anew"
        )
