"""Differences of two networks: a listing for terminals, a page for all other formats."""

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Any, NamedTuple

from cnncalc.amounts import amount, shape_text, sizes_text
from cnncalc.errors import shorten
from cnncalc.findings.diff import Change, Diff, FieldChange, together
from cnncalc.meanings import COLUMNS
from cnncalc.page import Grid, Heading, Page, Prose
from cnncalc.render import plain
from cnncalc.render.terminal import Line

MAX_RESIZED = 20
"""How many layers that only work on other sizes are listed one by one."""
MIN_BLOCK = 3
"""How many added or removed layers of one block are shown as the block."""

_SIGNS = {"added": "+", "removed": "-", "changed": "~", "resized": "~", "renamed": "~"}
_STYLES = {"+": "green", "-": "red", "~": "yellow"}
_COSTS = ("params", "macs", "activations", "peak_memory")


class Entry(NamedTuple):
    """One row: its sign, which layer it is, what became of it, its output and its costs."""

    sign: str
    name: str
    what: str
    output: str
    costs: tuple[int, ...]


def entries(diff: Diff, whole: bool = False) -> list[Entry]:
    """The rows of a listing; `whole` has one for each layer, else many of a kind share one."""
    shown: list[Entry] = []
    resized = [change for change in diff.changes if change.kind == "resized"]
    collapsed = len(resized) > MAX_RESIZED and not whole
    changes = [c for c in diff.changes if not (collapsed and c.kind == "resized")]
    for (_, block), run in groupby(changes, _block):
        group = list(run)
        if block and len(group) >= MIN_BLOCK and not whole:
            words = Counter(c.text for c in map(_layer, group))
            listed = ", ".join(f"{n} × {word}" if n > 1 else word for word, n in words.items())
            shown.append(_entry(group, f"{block} ({len(group)} layers)", listed))
        else:
            shown += [_entry([change], _name(change), _what(change)) for change in group]
    if collapsed:
        shown.append(
            _entry(
                resized, f"{len(resized):,} layers", "the same on other sizes (--all lists them)"
            )
        )
    return shown


def _block(change: Change) -> tuple[str, str]:
    """What a run of added or removed layers has in common: the names of the blocks around it."""
    alone = change.kind in ("added", "removed")
    return change.kind, _layer(change).name.rpartition(".")[0] if alone else ""


def _entry(group: Sequence[Change], name: str, what: str) -> Entry:
    """A row for one change, or for several of a kind."""
    last = group[-1]
    output = ""
    if len(group) == 1 or last.kind != "resized":
        shapes = [shape_text(layer.output) for layer in (last.before, last.after) if layer]
        output = " → ".join(dict.fromkeys(shapes))
    costs = tuple(together(key, [change.difference(key) for change in group]) for key in _COSTS)
    return Entry(_SIGNS[last.kind], name, what, output, costs)


def _layer(change: Change) -> Any:
    return change.after or change.before


def _name(change: Change) -> str:
    return " → ".join(dict.fromkeys(layer.name for layer in (change.before, change.after) if layer))


def _what(change: Change) -> str:
    """What the layer is, or what of it has changed."""
    before, after = change.before, change.after
    if before is None or after is None:
        return str(_layer(change).text)
    if before.type != after.type:
        return f"{before.text}, now {after.text}" + "".join(
            f", {_field(f)}" for f in change.fields if f.name in ("reads", "name")
        )
    if not change.fields:
        return after.text
    return f"{after.type}: {', '.join(map(_field, change.fields))}"


def _field(change: FieldChange) -> str:
    before, after = map(_value, change[1:])
    return f"other {change.name}" if before == after else f"{change.name} {before} → {after}"


def _value(value: Any) -> str:
    """A field's value as a spec or a table has it."""
    match value:
        case None | True | False:
            return {None: "none", True: "true", False: "false"}[value]
        case tuple() if all(isinstance(v, (int, tuple)) for v in value):
            sides = [list(v) if isinstance(v, tuple) else v for v in value]
            long = len(value) > 3 or any(isinstance(v, list) and len(v) > 2 for v in sides)
            return f"a list of {len(value):,}" if long else sizes_text(sides)
        case list():
            return " and ".join(map(str, value))
    return shorten(str(value))


def _costs(entry: Entry, rounded: bool) -> str:
    texts = [
        f"{COLUMNS[key].title} {_difference(key, cost, rounded)}"
        for key, cost in zip(_COSTS, entry.costs, strict=True)
        if cost
    ]
    return ", ".join([entry.output, *texts] if entry.output else texts)


def summary(diff: Diff) -> str:
    """One sentence: how many layers were added, removed and changed."""
    a, b = diff.titles
    if not diff.differs:
        return f"{a} and {b}: no differences." if a != b else f"{a}: no differences."
    words = {
        "added": "added",
        "removed": "removed",
        "changed": "changed",
        "resized": "the same on other sizes",
        "renamed": "renamed",
    }
    counts = Counter[str](change.kind for change in diff.changes)
    listed = [f"{counts[kind]:,} {word}" for kind, word in words.items() if counts[kind]]
    noun = "layer" if len(listed) == 1 and listed[0].startswith("1 ") else "layers"
    return f"{noun}: {', '.join(listed)}." if listed else "The same layers."


def remarks(diff: Diff) -> Iterator[str]:
    """What differs beside the layers: inputs and results."""
    if diff.other_inputs:
        before, after = (" + ".join(map(shape_text, shapes.values())) for shapes in diff.inputs)
        yield f"input {before} → {after}"
    if diff.outputs is not None:
        before, after = map(", ".join, diff.outputs)
        yield f"results {before} → {after}"


def _difference(key: str, more: int, rounded: bool) -> str:
    unit = COLUMNS[key].unit if rounded else ""
    return amount(more, unit, rounded=rounded, signed=True)


def totals(diff: Diff, rounded: bool = False) -> Grid:
    """The totals of both, their difference and their ratio."""
    rows = []
    for key, (a, b) in diff.totals.items():
        if not a and not b:
            continue
        meant = COLUMNS[key]
        both = [amount(total, meant.unit, rounded=rounded) for total in (a, b)]
        ratio = _ratio(Fraction(b, a)) if a else ""
        rows.append((meant.title, *both, _difference(key, b - a, rounded), ratio))
    a_name, b_name = diff.names if diff.names[0] != diff.names[1] else ("before", "after")
    return Grid(("total", a_name, b_name, "difference", "ratio"), rows, right=(1, 2, 3, 4))


def _ratio(ratio: Fraction) -> str:
    """Three digits or more, rounded: `0.452`, `1.78`, `1,018`."""
    if not ratio:
        return "0"
    places = 3 if ratio < 1 else 2 if ratio < 10 else 1 if ratio < 100 else 0
    whole, part = divmod(round(ratio * 10**places), 10**places)
    return f"{whole:,}" + (f".{part:0{places}d}" if places else "")


def page(diff: Diff, whole: bool = False, rounded: bool = False) -> Page:
    """The differences as a table, and the totals."""
    if not diff.differs:
        return [Prose(summary(diff))]
    header = ("", "layer", "what", "output", *(COLUMNS[key].title for key in _COSTS))
    rows = [
        (
            *(e.sign, e.name, e.what, e.output),
            *(
                _difference(key, cost, rounded) if cost else ""
                for key, cost in zip(_COSTS, e.costs, strict=True)
            ),
        )
        for e in entries(diff, whole)
    ]
    return [
        Heading(" → ".join(dict.fromkeys(diff.titles))),
        Prose("\n".join([*remarks(diff), summary(diff)])),
        *([Grid(header, rows, right=(4, 5, 6, 7), name=1)] if rows else []),
        totals(diff, rounded),
    ]


def lines(
    diff: Diff, width: int | None = None, whole: bool = False, rounded: bool = False
) -> list[Line]:
    """The differences as a listing: a line for each with its sign, its costs below it."""
    if not diff.differs:
        return plain.lines([Prose(summary(diff))], width)
    room = width or plain.WIDTH
    heading = " → ".join(dict.fromkeys(diff.titles))
    listed: list[Line] = [(line, "bold") for line in plain.title(heading, width)]
    for text in [*remarks(diff), summary(diff)]:
        listed += [(line, "") for line in plain.wrap(text, room)]
    listed.append(("", ""))
    for entry in entries(diff, whole):
        style, costs = _STYLES[entry.sign], _costs(entry, rounded)
        head = plain.wrap(f"{entry.name}: {entry.what}", room, f"{entry.sign} ")
        listed += [(line, style) for line in head]
        listed += [(line, "") for line in plain.wrap(costs, room, "    ") if costs]
    if diff.changes:
        listed.append(("", ""))
    return [*listed, *plain.lines([totals(diff, rounded)], width)]
