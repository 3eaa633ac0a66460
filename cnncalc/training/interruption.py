"""Signals that end a run after its step."""

import signal
from contextlib import suppress
from types import FrameType
from typing import Any, Self

from cnncalc.training.processes import Processes


class Interruption:
    """While it is open, the first SIGINT or SIGTERM is only remembered, the second acts.

    Several processes stop at the same step: at that, all know of what one of them caught before.
    """

    def __init__(self, processes: Processes | None = None) -> None:
        self.caught: int | None = None
        """What all are to stop for."""
        self._own = 0
        self._processes = processes or Processes()
        self._before: dict[int, Any] = {}

    def is_caught(self) -> bool:
        """Asked by all processes at the same places."""
        if self.caught is None:
            self.caught = self._processes.largest(self._own) or None
        return self.caught is not None

    def __enter__(self) -> Self:
        # Only the main thread may; elsewhere signals are somebody else's.
        with suppress(ValueError):
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._catch)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _catch(self, number: int, _: FrameType | None) -> None:
        self._own = number
        self.__exit__()
