"""`cnncalc compare-fc --train`: both networks trained while somebody watches."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import typer

from cnncalc.ask.compare_fc import CompareFc
from cnncalc.ask.request import Answer, answer
from cnncalc.cli.train import Printer
from cnncalc.errors import UsageError, printable
from cnncalc.render.progress import Progress
from cnncalc.training.against_dense import ContestObserver, RunStopped


def answered(request: CompareFc, output: Path | None) -> Answer:
    """The answer; progress goes to standard error. Exits where it is interrupted."""
    if output is not None and not Path(os.path.realpath(output)).parent.is_dir():
        raise UsageError(f"{printable(str(output))}: there is no such folder")
    with Progress(sys.stderr) as progress:
        watching = _Watching(progress)
        try:
            found = answer(replace(request, observer=watching))
            if request.runs is not None:
                watching.note(f"the runs are in {printable(str(request.runs))}")
            if sys.stderr.isatty():
                # The page follows.
                watching.note("")
            return found
        except RunStopped as stopped:
            problem, code = str(stopped), stopped.code
        except KeyboardInterrupt:
            problem, code = "SIGINT: stopped", 130
    print(problem, file=sys.stderr)
    raise typer.Exit(code)


class _Watching(Printer, ContestObserver):
    """Says once what holds for both runs."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(progress)
        self._said: set[str] = set()

    def note(self, text: str) -> None:
        if text not in self._said:
            super().note(text)
        self._said.add(text)

    def shifts(self, done: int, passes: int) -> None:
        self._progress.step("shifted test images", done, passes)
