"""`cnncalc train --seeds N`: one run after the other, and what all came to."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.cli.output import write_file
from cnncalc.findings.seeds import OverSeeds, page
from cnncalc.render.write import write
from cnncalc.training.seeds import begin_seeds, seed_folder, seeds_of, write_results
from cnncalc.training.settings import Settings

if TYPE_CHECKING:
    from cnncalc.training.loop import Epoch


class Trained(NamedTuple):
    """How one run ended for who asked, and what it came to."""

    code: int
    history: "tuple[Epoch, ...]"


def trained_with_seeds(
    train: Callable[[Settings, Path], Trained],
    name: str,
    settings: Settings,
    place: Path,
    number: int,
    resume: bool,
) -> int:
    """Train with so many seeds, from that of the settings on; the exit code.

    `train` runs once with settings into a folder. The first run that does not end well ends all;
    `resume` goes on with it.
    """
    seeds = seeds_of(settings.seed, number)
    begin_seeds(place, seeds, resume, "--output")
    histories = []
    for seed in seeds:
        print(f"seed {seed}", flush=True)
        code, history = train(replace(settings, seed=seed), place / seed_folder(seed))
        if code:
            left = seeds[-1] - seed
            if left:
                few = f"{left:,} seed{' was' if left == 1 else 's were'} not trained"
                print(f"seed {seed} did not come to its end; {few}", file=sys.stderr)
            return code
        histories.append(tuple(epoch._asdict() for epoch in history))
    found = OverSeeds(name, settings.data, tuple(seeds), histories)
    write_results(place, found.to_dict())
    shown = page(found)
    write_file(place / "README.md", write(shown, "markdown"))
    print(f"\n{write(shown, 'text')}", end="")
    return 0
