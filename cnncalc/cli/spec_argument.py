"""The argument that names a spec."""

from __future__ import annotations

from typing import Annotated

import typer


def _complete(incomplete: str) -> list[str]:
    from cnncalc.spec.bundled import bundled

    return [name for name in bundled() if name.startswith(incomplete)]


SpecArgument = Annotated[
    str,
    typer.Argument(
        metavar="SPEC",
        help="A file, - for standard input, or the name of a bundled network.",
        autocompletion=_complete,
    ),
]
