"""What can go wrong, as exceptions whose text is what the command line prints.

A leaf: every room may import it, and it imports none of them.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from importlib import import_module
from itertools import islice
from typing import Any, NamedTuple

Path = tuple[str | int, ...]
"""Where something stands in a spec: the keys and indices that lead to it."""

MAX_REPORTED = 20
"""How many problems one error lists; the rest are counted."""
MAX_FOUND = 1000
"""How many problems are looked for."""
MAX_COMPARED = 1000
"""How many known words one unknown word is compared with."""
_MAX_LINE = 1000
"""The longest line of a message."""
_NO_TEXT = r"(?ai)-?\d+\.?\d*(e[-+]?\d+)?|true|false|null"
"""What is something else than a text where it has no quotes."""


class CnncalcError(Exception):
    """Anything cnncalc refuses. `str()` is one line a problem, fit for a terminal and for a log."""

    def __init__(self, *lines: str) -> None:
        # The one place that all messages pass, whatever words of others they hold.
        super().__init__(*map(printable, lines))

    def __str__(self) -> str:
        return "\n".join(self.args)


class UsageError(CnncalcError):
    """An option or argument that makes no sense, or a file that cannot be read."""


class SpecError(CnncalcError):
    """A spec that is wrong; `problems` holds one line for each independent mistake.

    `report` has the layers that could be computed, where it is layers that do not fit.
    """

    report: Any = None

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        shown = self.problems[:MAX_REPORTED]
        more = len(self.problems) - len(shown)
        least = "at least " if len(self.problems) >= MAX_FOUND else ""
        rest = f"… and {least}{more:,} more problem{'s' if more > 1 else ''}"
        super().__init__(*shown, *[rest] * bool(more))


class Problem(NamedTuple):
    """One mistake: its path in the spec, the name the user knows it by, and the sentence."""

    path: Path
    where: str
    message: str
    uses: tuple[Path, ...] = ()
    """Where the blocks around it are used, the innermost first."""


class Origin(NamedTuple):
    """Where a spec came from: turns paths into `file:line:column`.

    `locate` gives the 1-based line and column of a path; a spec that came from Python has none.
    """

    label: str = ""
    locate: Callable[[Path], tuple[int, int]] | None = None

    def describe(self, problem: Problem) -> str:
        """The problem as one printable line: place, name, sentence."""
        path, where, message, uses = problem
        place = self.label or path_text(path)
        if self.locate is not None:
            place = f"{self.label}:{self.place(path)}"
        if uses:
            message += f" (used at {', '.join(map(self.place, uses[:3]))})"
        parts = [place if place != where else "", where, message]
        return printable(shorten(": ".join(part for part in parts if part), _MAX_LINE))

    def place(self, path: Path) -> str:
        """`line:column` of a path, or the path itself where there is no text."""
        return path_text(path) if self.locate is None else "{}:{}".format(*self.locate(path))

    def error(self, problems: Iterable[Problem]) -> SpecError:
        """All problems as one exception."""
        return SpecError(self.lines(problems))

    def lines(self, problems: Iterable[Problem]) -> list[str]:
        """A line for each problem; those that are listed stand in the order of the file."""
        # A mistake in a block is one, however often the block is used.
        listed = list({(p.path, p.message): p for p in reversed(list(problems))}.values())[::-1]
        first = listed[:MAX_REPORTED]
        if self.locate is not None:
            locate = self.locate
            first.sort(key=lambda problem: locate(problem.path))
        texts = [self.describe(problem) for problem in first]
        return texts + [""] * (len(listed) - len(texts))


def path_text(path: Path) -> str:
    """A path as Python people write it: `layers[3].conv`."""
    return "".join(
        f"[{step}]" if type(step) is int else f".{step if isinstance(step, str) else shown(step)}"
        for step in path
    ).removeprefix(".")


def printable(text: str) -> str:
    """`text` with everything that could move a cursor or hide a letter written as an escape.

    So is what GitHub's runner, which reads all that a job prints, would obey: `##[error]` anywhere
    in a line, `::error::` at its start.
    """
    if not text.isprintable():
        found = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
        text = "".join(found)
    if "##[" in text:
        text = text.replace("##[", "#\\x23[")
    return text.replace("::", "\\x3a:", 1) if text.lstrip().startswith("::") else text


def shorten(text: str, limit: int = 40) -> str:
    """At most `limit` characters of `text`, with the rest counted."""
    return text if len(text) <= limit else f"{text[: limit - 10]}… ({len(text):,} characters)"


def shown(value: Any) -> str:
    """A value of a spec as a message quotes it: short, on one line, never deep."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        # Who put a number in quotes does not see what is wrong with it.
        kind = "the text " if len(value) <= 40 and re.fullmatch(_NO_TEXT, value) else ""
        return f'{kind}"{printable(shorten(value))}"'
    if isinstance(value, int) and abs(value) >= 10**40:
        return "a number of more than 40 digits"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "a list" if value else "an empty list"
    return "a mapping" if isinstance(value, dict) else f"a {type(value).__name__}"


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` most likely was to be."""
    # Not at the top: most runs compare no words.
    from difflib import get_close_matches

    # A mapping of Python may have other keys than words.
    words = [name for name in islice(known, MAX_COMPARED) if isinstance(name, str)]
    return next(iter(get_close_matches(word[:100], words, n=1)), None)


def suggestion(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?` where a known word is close, else nothing."""
    close = closest(word, known)
    return f"; did you mean {close}?" if close else ""


def hint(word: str, known: Collection[str]) -> str:
    """`; did you mean X?` where a known word is close, else all that there are."""
    return suggestion(word, known) or f"; there are {', '.join(known)}"


def refuse(*mistakes: tuple[object, str]) -> None:
    """Raises UsageError with what is said of the first mistake that is there."""
    for is_there, said in mistakes:
        if is_there:
            raise UsageError(said)


def missing(who: str, package: str, extra: str) -> UsageError:
    """That `who` needs a package which is not there, and how the extra that brings it is had."""
    # cnncalc is in no index: `cnncalc[torch]` would be looked for there.
    return UsageError(f"{who} {package}: in a checkout of cnncalc, pip install '.[{extra}]'")


def require(package: str, who: str, extra: str) -> None:
    """Raises UsageError where a package is missing that `who` needs and an extra brings."""
    try:
        import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise missing(f"{who} needs", package, extra) from None
