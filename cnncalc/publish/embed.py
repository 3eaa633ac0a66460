"""A document with its regions written anew, and what changes by it."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff
from pathlib import Path
from typing import NamedTuple

from cnncalc.ask.words import format_of
from cnncalc.errors import CnncalcError, printable, shorten
from cnncalc.publish.document import Document, mistakes
from cnncalc.publish.region import MAX_PROBLEMS, Problem, Region, regions
from cnncalc.publish.style import Style

MAX_LINES = 20_000
"""How long a document may be whose differences are shown."""
MAX_SHOWN = 20
"""How many changed lines of a region are shown."""


class Written(NamedTuple):
    """What a region says now; `inline` where it may stand in a sentence."""

    text: str
    inline: bool


Writer = Callable[[Sequence[str], Style, Path], Written]
"""What gives a region's text from its words, the type of its document and its folder."""


class Change(NamedTuple):
    """A region that is stale."""

    region: Region
    before: str
    after: str


@dataclass(frozen=True)
class Plan:
    """What embedding makes of a document."""

    document: Document
    regions: int
    text: str
    """The whole text as it will be."""
    changes: Sequence[Change] = ()
    problems: Sequence[Problem] = ()


def plan(document: Document, write: Writer) -> Plan:
    """The document with all its regions written anew; with its mistakes where it has any."""
    text = document.text
    found, problems = regions(text, document.style)
    changes = list[Change]()
    parts, place = list[str](), 0
    for region in found if not problems else ():
        if len(problems) >= MAX_PROBLEMS:
            break
        old = text[region.start : region.end]
        try:
            new = _written(region, document, write, old)
        except CnncalcError as error:
            lines = mistakes(error, document.label)
            problems += [Problem(region.line, f"{region.title}: {line}") for line in lines]
            continue
        if _plain(new) != _plain(old):
            changes.append(Change(region, old, new))
            parts += [text[place : region.start], new]
            place = region.end
    if problems:
        return Plan(document, len(found), text, problems=problems)
    return Plan(document, len(found), "".join([*parts, text[place:]]), changes)


def _written(region: Region, document: Document, write: Writer, old: str) -> str:
    text, inline = write(region.words, document.style, document.path.parent)
    if re.search(r"cnncalc:(begin|end)", text):
        raise CnncalcError("what it would write has a marker in it")
    if inline and document.style.closing and "\n" in text:
        raise CnncalcError("what it would write takes several lines")
    return region.filled(document.writable(text), document.style, inline=inline, old=old)


def _plain(text: str) -> list[str]:
    """Lines without the blanks at their ends, which editors and hooks remove."""
    return [line.rstrip(" \t") for line in re.split(r"(\r\n|\r|\n)", text)]


# What changes


def changed_numbers(change: Change, style: Style) -> Iterator[str]:
    """The words that differ, a line each: `fc3: 48,120 → 24,120`. Widths of columns do not count.

    At most MAX_SHOWN lines. `style` is the document's.
    """
    format = format_of(change.region.words) or style.format
    before, after = _rows(change.before, format), _rows(change.after, format)
    if len(before) + len(after) > MAX_LINES:
        yield f"{len(before):,} lines before, {len(after):,} now"
        return
    shown = list(_differences(before, after))
    yield from shown[:MAX_SHOWN]
    if len(shown) > MAX_SHOWN:
        yield f"… and {len(shown) - MAX_SHOWN:,} more lines"


_WORDS = re.compile(r"[^\s|&*<>]+")
_LATEX_WORDS = re.compile(r"(?:\\.|[^\s&])+")
_TAGS = re.compile(r"<[^<>]*>")
_ESCAPES = re.compile(r"\\([!-/:-@\[-`{-~])")
"""A sign that a backslash keeps from being markup."""


def _rows(text: str, format: str) -> list[tuple[str, ...]]:
    """The words of each line. In LaTeX backslashes are words' own, elsewhere they guard signs."""
    words = _LATEX_WORDS
    if format not in ("latex", "tikz"):
        words, text = _WORDS, _ESCAPES.sub(r"\1", _TAGS.sub(" ", text))
    rows = (tuple(words.findall(line)) for line in re.split(r"[\r\n]+", text))
    # Rules are as wide as their columns: none of them is a difference.
    return [row for row in rows if any(any(map(str.isalnum, word)) for word in row)]


def _differences(
    before: Sequence[tuple[str, ...]], after: Sequence[tuple[str, ...]]
) -> Iterator[str]:
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        old, new = before[a:b], after[c:d]
        if len(old) == len(new) and all(len(x) == len(y) for x, y in zip(old, new, strict=True)):
            for x, y in zip(old, new, strict=True):
                label = next((word for word in x if word[:1].isalpha()), "")
                pairs = ", ".join(f"{p} → {q}" for p, q in zip(x, y, strict=True) if p != q)
                yield _line(f"{label}: {pairs}" if label and len(x) > 1 else pairs)
        else:
            yield from (_line(f"- {' '.join(row)}") for row in old)
            yield from (_line(f"+ {' '.join(row)}") for row in new)


def _line(text: str) -> str:
    return printable(shorten(text, 200))


def difference(planned: Plan) -> str:
    """The document before and after, as a unified diff."""
    label = planned.document.label
    before, after = (re.split(r"\r\n|\r|\n", t) for t in (planned.document.text, planned.text))
    if len(before) + len(after) > 2 * MAX_LINES:
        return f"--- {label}\n+++ {label}\ntoo long for a diff: {len(before):,} lines\n"
    lines = unified_diff(before, after, label, label, lineterm="")
    return "".join("\t".join(map(printable, line.split("\t"))) + "\n" for line in lines)
