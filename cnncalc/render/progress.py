"""A run that goes on: a bar under its lines on a terminal, lines alone elsewhere."""

import sys
import time
from types import TracebackType
from typing import IO, Any, Self

from cnncalc.render.terminal import print_lines

REFRESH = 0.1
"""Seconds between two looks of the bar: each costs more than a step of a small network."""


class Progress:
    """Prints lines as they come; on a terminal a bar stands below them until it is closed.

    Where no file is named, to standard output.
    """

    def __init__(self, file: IO[str] | None = None) -> None:
        self._file = file or sys.stdout
        self._bar: Any = None
        self._next = 0.0

    def __enter__(self) -> Self:
        if self._file.isatty():
            # Not at the top: it takes longer to import than a table to print.
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.completed:,}/{task.total:,}"),
                TimeElapsedColumn(),
                console=Console(file=self._file, highlight=False, soft_wrap=True),
                auto_refresh=False,
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task("", total=None, visible=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def line(self, text: str) -> None:
        """Print a line, at once: somebody may follow the file that it goes to."""
        if self._bar is None:
            print_lines([(text, "")], self._file)
            self._file.flush()
        else:
            self._bar.console.print(text, markup=False, emoji=False)

    def step(self, what: str, done: int, total: int) -> None:
        """Show how far it is."""
        if self._bar is None or (done < total and time.monotonic() < self._next):
            return
        self._next = time.monotonic() + REFRESH
        self._bar.update(
            self._task, description=what, completed=done, total=total, visible=True, refresh=True
        )
