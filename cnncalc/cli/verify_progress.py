"""How far `cnncalc verify` is, on standard error."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cnncalc.findings.verification import Verification
from cnncalc.findings.verification_page import line
from cnncalc.render.terminal import print_lines


@contextmanager
def progress(many: int) -> Iterator[Callable[[str, Verification | None], None]]:
    """What to tell of each network: when it starts, and what was found.

    A bar on a terminal, else a line for each of several networks, on standard error.
    """
    if not sys.stderr.isatty():

        def tell(name: str, found: Verification | None) -> None:
            if found is not None and many > 1:
                print_lines([(line(name, found), "")], sys.stderr)
                sys.stderr.flush()

        yield tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    shown = TextColumn("{task.description}", markup=False)
    with Progress(*columns, shown, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task("", total=many)

        def advance(name: str, found: Verification | None) -> None:
            if found is None:
                bar.update(task, description=name)
                return
            bar.advance(task)
            if not found.ok:
                bar.console.print(line(name, found), markup=False, highlight=False)

        yield advance
