"""`cnncalc compare-fc`, which may train."""

from pathlib import Path

from cnncalc.ask.compare_fc import CompareFc
from cnncalc.ask.request import answer
from cnncalc.cli.output import put


def run(request: CompareFc, output: Path | None) -> None:
    """Answer it."""
    if request.train:
        # Not at the top: nobody else needs what trains.
        from cnncalc.cli.train_both import answered

        put(answered(request, output), output)
    else:
        put(answer(request), output)
