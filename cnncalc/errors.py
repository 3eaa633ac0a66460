"""What can go wrong, as exceptions whose text is what the command line prints.

A leaf: every room may import it, and it imports none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

Path = tuple[str | int, ...]
"""Where something stands in a spec: the keys and indices that lead to it."""

MAX_REPORTED = 20
"""How many problems one error lists; the rest are counted."""


class CnncalcError(Exception):
    """Anything cnncalc refuses. `str()` is one line a problem, fit for a terminal."""


class UsageError(CnncalcError):
    """An option or argument that makes no sense, or a file that cannot be read."""


class SpecError(CnncalcError):
    """A spec that is wrong; `problems` holds one line for each independent mistake."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        shown = self.problems[:MAX_REPORTED]
        more = len(self.problems) - len(shown)
        super().__init__("\n".join(shown) + (f"\n… and {more:,} more problems" if more else ""))


class Problem(NamedTuple):
    """One mistake: its path in the spec, the name the user knows it by, and the sentence."""

    path: Path
    where: str
    message: str


class Origin(NamedTuple):
    """Where a spec came from: turns paths into `file:line:column`.

    `locate` gives the 1-based line and column of a path; a spec that came from Python has none.
    """

    label: str = ""
    locate: Callable[[Path], tuple[int, int]] | None = None

    def describe(self, problem: Problem) -> str:
        """The problem as one printable line: place, name, sentence."""
        parts = [problem.where, problem.message]
        if self.locate is not None:
            line, column = self.locate(problem.path)
            parts.insert(0, f"{self.label}:{line}:{column}")
        elif self.label:
            parts.insert(0, self.label)
        return printable(": ".join(part for part in parts if part))

    def error(self, problems: Iterable[Problem]) -> SpecError:
        """All problems, in the order of the file, as one exception."""
        listed = list(problems)
        texts = [self.describe(problem) for problem in listed[:MAX_REPORTED]]
        return SpecError(texts + [""] * (len(listed) - len(texts)))


def printable(text: str) -> str:
    """`text` with everything that could move a cursor or hide a letter written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shorten(text: str, limit: int = 40) -> str:
    """At most `limit` characters of `text`, with the rest counted."""
    return text if len(text) <= limit else f"{text[: limit - 10]}… ({len(text):,} characters)"


def shown(value: Any) -> str:
    """A value of a spec as a message quotes it: short, on one line, never deep."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f'"{shorten(value)}"'
    if isinstance(value, int) and abs(value) >= 10**40:
        return f"a number of {len(str(abs(value))):,} digits"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "a list" if value else "an empty list"
    return "a mapping" if isinstance(value, dict) else f"a {type(value).__name__}"


def suggestion(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?` where a known word is close, else nothing."""
    from difflib import get_close_matches

    close = get_close_matches(word[:100], list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""
