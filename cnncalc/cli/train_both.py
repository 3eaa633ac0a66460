"""`cnncalc compare-fc --train`: both networks trained while somebody watches."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import typer

from cnncalc.ask.compare_fc import CompareFc
from cnncalc.ask.request import Answer
from cnncalc.cli.output import write_file
from cnncalc.cli.train import Printer
from cnncalc.errors import UsageError, printable
from cnncalc.findings import contest_page as pages
from cnncalc.findings.contest import Contest
from cnncalc.render.progress import Progress
from cnncalc.render.write import write
from cnncalc.training.against_dense import ContestObserver, RunStopped
from cnncalc.training.seeds import write_results


def answered(request: CompareFc, output: Path | None) -> Answer:
    """The answer; progress goes to standard error. Exits where it is interrupted."""
    if output is not None and not Path(os.path.realpath(output)).parent.is_dir():
        raise UsageError(f"{printable(str(output))}: there is no such folder")
    with Progress(sys.stderr) as progress:
        watching = _Watching(progress)
        try:
            asked = replace(request, observer=watching)
            found = asked.find()
            assert isinstance(found, Contest)
            if request.runs is not None:
                _keep(found, Path(request.runs))
                watching.note(f"the runs are in {printable(str(request.runs))}")
            if sys.stderr.isatty():
                # The page follows.
                watching.note("")
            return asked.answer(found)
        except RunStopped as stopped:
            problem, code = str(stopped), stopped.code
        except KeyboardInterrupt:
            problem, code = "SIGINT: stopped", 130
    print(problem, file=sys.stderr)
    raise typer.Exit(code)


def _keep(found: Contest, folder: Path) -> None:
    """Leave what came of the runs beside them."""
    write_results(folder, pages.data(found))
    write_file(folder / "README.md", write(pages.page(found), "markdown"))


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
