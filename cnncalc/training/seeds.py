"""A folder of runs that differ in their seed: a folder for each, and what all came to."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cnncalc import __version__
from cnncalc.errors import UsageError, printable
from cnncalc.files import refusals, write_whole

SEEDS = "seeds.json"
"""Which seeds a folder is for: what says that it is ours."""
RESULTS = "results.json"
"""What all of them came to, once they are done."""
MAX_SEEDS = 1000


def seeds_of(first: int, number: int) -> range:
    """So many, from the first on. Raises UsageError."""
    if not 1 <= number <= MAX_SEEDS:
        raise UsageError(f"--seeds must be from 1 to {MAX_SEEDS:,}, not {number}")
    if first + number > 2**63:
        raise UsageError(f"--seed {first} and --seeds {number} lead beyond 2^63 - 1")
    return range(first, first + number)


def seed_folder(seed: int | str) -> str:
    """The folder of a seed's run, or runs."""
    return f"seed-{seed}"


def is_seeds(folder: Path) -> bool:
    """Whether `begin_seeds` has made a folder."""
    try:
        found = json.loads((folder / SEEDS).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and "cnncalc" in found and "seeds" in found


def begin_seeds(folder: Path, seeds: range, resume: bool, option: str) -> None:
    """Make the folder, or go on in it. Raises UsageError where something else lies there."""
    where = printable(str(folder))
    with refusals(where):
        # What is hidden is no file of a run, and stays.
        seen = folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir())
        if seen and not is_seeds(folder):
            raise UsageError(
                f"{where}: not empty, and no runs of several seeds: its files might be "
                f"overwritten; give {option} a folder that is new or empty"
            )
        if not resume and folder.is_dir() and any(folder.glob(seed_folder("*"))):
            raise UsageError(
                f"{where}: runs are there already; continue them with --resume, or give another "
                f"{option}"
            )
        folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"cnncalc": __version__, "seeds": list(seeds)})
    _write(folder / SEEDS, text)


def write_results(folder: Path, found: Mapping[str, Any]) -> None:
    """Leave what all seeds came to in their folder. Raises UsageError."""
    _write(folder / RESULTS, json.dumps(found, ensure_ascii=False, indent=1))


def _write(path: Path, text: str) -> None:
    with refusals(printable(str(path))):
        write_whole(path, f"{text}\n".encode())
