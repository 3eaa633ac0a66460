"""`cnncalc compare-fc --train`: both networks trained while somebody watches."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from cnncalc.cli.train import Printer
from cnncalc.errors import UsageError, printable
from cnncalc.findings.compare_fc import FcComparison
from cnncalc.findings.contest import Contest
from cnncalc.findings.dense_twin import DenseNetwork
from cnncalc.render.progress import Progress
from cnncalc.training.against_dense import RunStopped, train_against_dense
from cnncalc.training.run_folder import RequestedSpec
from cnncalc.training.settings import Settings


def train_both(
    asked: RequestedSpec, compared: FcComparison, settings: Settings, runs: Path | None
) -> Contest:
    """Train the network and the dense one that it is compared with; progress goes to stderr.

    Exits where it is interrupted. Raises CnncalcError.
    """
    with Progress(sys.stderr) as progress:
        watching = _Watching(progress)
        try:
            found = train_against_dense(
                asked, compared.network, _dense(compared), settings, runs, watching
            )
            if runs is not None:
                watching.note(f"the runs are in {printable(str(runs))}")
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


def _dense(compared: FcComparison) -> DenseNetwork:
    """The dense network of one's own, else the one with a hidden layer. Raises UsageError."""
    there = {network.kind: network for network in compared.dense_networks}
    for kind in ("hidden", "one hidden layer"):
        if kind in there:
            return there[kind]
    raise UsageError(
        f"one hidden unit alone takes more than the {compared.network.params:,} parameters of the "
        "network: name the hidden layers of the dense one, as --hidden 512"
    )


class _Watching(Printer):
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
