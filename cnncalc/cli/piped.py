"""A spec that is piped in where none is named."""

import os
import select
import stat
import sys

from cnncalc.errors import UsageError

WAIT = 0.5
"""Seconds that an open pipe has to say something: where nobody types, as in CI, it may stay silent
for ever."""
SILENT = (
    "no SPEC is named, and the pipe on standard input says nothing: name one, or - to wait for "
    "the pipe"
)


def is_given() -> bool:
    """Whether a spec can be read from standard input: a file, or a pipe in which something is.

    Raises UsageError at a pipe that is open and silent: a download may only be slow, and another
    network would be the answer to another question.
    """
    try:
        number = sys.stdin.fileno()
        mode = os.fstat(number).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            ready, _, _ = select.select([number], [], [], WAIT)
            if not ready:
                raise UsageError(SILENT)
        elif not stat.S_ISREG(mode):
            return False
        # What is there is looked at, and stays. Of a pipe that ends without a word it is nothing.
        return bool(sys.stdin.buffer.peek(1))  # type: ignore[union-attr]
    except (OSError, ValueError, AttributeError):
        return False
