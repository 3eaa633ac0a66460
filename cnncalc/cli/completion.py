"""What a shell asks while somebody types: answered soon or not at all, and never with an error."""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stderr

VARIABLE = "_CNNCALC_COMPLETE"
"""What a shell sets: `complete_bash` to complete, `source_bash` for its script."""
SECONDS = 2
"""How long somebody waits for a word."""


def completes() -> bool:
    """Whether a shell asks for words."""
    return os.environ.get(VARIABLE, "").startswith("complete_")


def complete(answer: Callable[[], object]) -> None:
    """Let it print the words; whatever is wrong with the line, its spec or the folder is not said.

    A process of its own, which ends with that.
    """
    alarm = getattr(signal, "alarm", lambda _: None)
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
    alarm(SECONDS)
    try:
        with open(os.devnull, "w", encoding="utf-8") as silence, redirect_stderr(silence):
            answer()
    except (Exception, KeyboardInterrupt):
        sys.exit(0)
    finally:
        alarm(0)
