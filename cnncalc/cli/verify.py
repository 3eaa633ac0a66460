"""`cnncalc verify`, which tells how far it is."""

import sys
from dataclasses import replace
from pathlib import Path

import typer

from cnncalc.ask.request import answer
from cnncalc.ask.verify import Verify
from cnncalc.cli.output import put
from cnncalc.cli.verify_progress import progress
from cnncalc.findings.verification import Verification
from cnncalc.spec.bundled import networks


def run(request: Verify, output: Path | None) -> None:
    """Answer it; progress goes to standard error."""
    many = len(networks()) if request.all else max(len(request.specs), 1)
    done = 0
    try:
        with progress(many) as tell:

            def watch(spec: str, found: Verification | None) -> None:
                nonlocal done
                done += found is not None
                tell(spec, found)

            found = answer(replace(request, watch=watch))
    except KeyboardInterrupt:
        print(f"stopped after {done:,} of {many:,}", file=sys.stderr)
        raise typer.Exit(130) from None
    put(found, output)
