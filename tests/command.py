"""Runs the command line in this process."""

from __future__ import annotations

import io
import sys
from typing import NamedTuple

import pytest

from cnncalc.__main__ import main


class Result(NamedTuple):
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


def cnncalc(*arguments: str, stdin: bytes = b"") -> Result:
    """Run `cnncalc` with these arguments, as the installed command would."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["cnncalc", *arguments])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    assert "Traceback" not in err.getvalue(), err.getvalue()
    return Result(code, out.getvalue(), err.getvalue())
