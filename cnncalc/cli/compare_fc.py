"""`cnncalc compare-fc`, which may train both networks while somebody watches."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import typer

from cnncalc.ask.compare_fc import CompareFc
from cnncalc.ask.request import answer
from cnncalc.cli.output import put
from cnncalc.errors import UsageError, printable
from cnncalc.render.progress import Progress


def run(request: CompareFc, output: Path | None) -> None:
    """Answer it; progress goes to standard error. Exits where it is interrupted."""
    if not request.train:
        put(answer(request), output)
        return
    from cnncalc.cli.train import Printer
    from cnncalc.training.against_dense import RunStopped

    class Watching(Printer):
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

    if output is not None and not output.resolve().parent.is_dir():
        raise UsageError(f"{printable(str(output))}: there is no such folder")
    with Progress(sys.stderr) as progress:
        watching = Watching(progress)
        try:
            found = answer(replace(request, observer=watching))
            if request.runs is not None:
                watching.note(f"the runs are in {printable(str(request.runs))}")
            if sys.stderr.isatty():
                # The page follows.
                watching.note("")
            problem, code = "", 0
        except RunStopped as stopped:
            problem, code = str(stopped), stopped.code
        except KeyboardInterrupt:
            problem, code = "SIGINT: stopped", 130
    if code:
        print(problem, file=sys.stderr)
        raise typer.Exit(code)
    put(found, output)
