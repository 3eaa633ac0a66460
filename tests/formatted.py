"""Whether code is laid out as a formatter would lay it out."""

from __future__ import annotations

import subprocess
import sys


def check_format(source: str) -> None:
    """Fails with the difference where ruff, with its defaults, would lay code out otherwise."""
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--diff", "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
