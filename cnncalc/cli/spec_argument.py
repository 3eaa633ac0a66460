"""The argument that names a spec."""

from __future__ import annotations

from typing import Annotated

import typer


def _complete(incomplete: str) -> list[str]:
    from cnncalc.spec.bundled import networks

    return [name for name in networks() if name.startswith(incomplete)]


SpecsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[SPEC]...",
        help="Files, - for standard input, or names of bundled networks; lenet5 by default.",
        autocompletion=_complete,
    ),
]
SpecArgument = Annotated[
    str,
    typer.Argument(
        metavar="SPEC",
        help="A file, - for standard input, or the name of a bundled network.",
        autocompletion=_complete,
    ),
]
