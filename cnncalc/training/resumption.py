"""Whether a run begins or goes on: what is in its folder, and whether that is of this run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnncalc.errors import UsageError, printable, shorten
from cnncalc.files import refusals
from cnncalc.training import checkpoint
from cnncalc.training.settings import differences

if TYPE_CHECKING:
    from cnncalc.training.loop import Loop


def create_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Make the folder of a run with these texts in it. Raises UsageError."""
    with refusals(printable(str(folder))):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, "utf-8")


def saved_state(folder: Path, resume: bool) -> tuple[dict[str, Any] | None, list[str]]:
    """Where the run in a folder stands, with sentences about that. Raises UsageError."""
    state, notes = checkpoint.load(folder) if resume else (None, [])
    if state is None:
        checkpoint.refuse_another_run(folder)
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
    if state.get("spec") != identity["spec"]:
        raise UsageError(
            f"{where}: its checkpoint is of another spec; give the same one, or another --output"
        )
    before, now = (json.loads(found["options"]) for found in (state, identity))
    if other := differences(before, now):
        text = shorten("; ".join(other), 300)
        raise UsageError(
            f"{where}: its run has {printable(text)}; give the same options, or another --output"
        )
    if state.get("samples") != identity["samples"]:
        raise UsageError(f"{where}: its run had other samples; give the same data")


def restore_loop(loop: Loop, state: dict[str, Any], folder: Path) -> None:
    try:
        loop.restore(state)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        reason = printable(shorten(str(error).partition("\n")[0], 200))
        raise UsageError(
            f"{printable(str(folder))}: its checkpoint does not fit ({reason}); give another "
            "--output"
        ) from None


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
