"""What torch confirmed: a page of one network, and one of several."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from cnncalc.amounts import shape_text
from cnncalc.findings.verification import (
    AS_ASKED,
    COMPARED,
    NOT_COMPARED,
    Aspect,
    Difference,
    Step,
    Value,
    Verification,
)
from cnncalc.meanings import COLUMNS
from cnncalc.page import Block, Grid, Heading, Items, Page, Prose
from cnncalc.tables.depth import Group, fitting_depth, groups
from cnncalc.tables.table import notices

YES, NO = "✓", "✗"
_COLUMNS: dict[Aspect, str] = {
    "output": "output",
    "params": "params",
    "macs": "MACs",
    "connections": "conn.",
    "reads": "field",
    "saved": "saved bytes",
    "gradients": "grad.",
}
_NOT_COMPARED = f"Not compared: {', '.join(NOT_COMPARED)}."
_MARKS_ALONE: tuple[Aspect, ...] = ("connections", "reads", "gradients")


def page(found: Verification, depth: int | None = None, whole: bool = False) -> Page:
    """A network's layers with what agrees, then each difference, then what was done.

    Blocks below `depth` share a row (as many rows as people read where it is None), with the
    layers that differ under it; `whole` shows all layers.
    """
    report = found.report
    if depth is None and not whole:
        depth = fitting_depth(report)
    measured = found.step is not None and not found.step.exact
    header = ["layer", *(_COLUMNS[aspect] for aspect in _aspects(found))]
    if measured:
        header[header.index("saved bytes")] = "predicted"
        header.insert(header.index("predicted") + 1, "measured")
    rows = [_row(found, group, measured) for group in _rows(found, depth)]
    rows.append(_total(found, measured))
    left = ("layer", *map(_COLUMNS.__getitem__, _MARKS_ALONE))
    right = [column for column, title in enumerate(header) if title not in left]
    return [
        Heading(f"{report.asked.titled(report.name)}: {verdict(found)}", 1),
        Grid(header, rows, right, foot=1),
        *([differences([found])] if found.differences else []),
        Prose("\n".join(filter(None, _notes(found)))),
        *([Items(said)] if (said := [notice.line for notice in notices(report)]) else []),
    ]


def summary(networks: Sequence[tuple[str, Verification]]) -> Page:
    """A row for each network, then every difference, and which were not run."""
    wrong = [found for _, found in networks if not found.ok]
    ran = [found.step for _, found in networks if found.step]
    rows = [
        [
            name,
            f"{found.report.total('params'):,}",
            f"{found.report.total('macs'):,}",
            *([f"{sum(found.saved):,}" if found.step else ""] if ran else []),
            f"{found.seconds:.1f}",
            f"{NO} {len(found.differences):,}" if found.differences else YES,
        ]
        for name, found in networks
    ]
    seconds = sum(found.seconds for _, found in networks)
    header = ["network", "params", "MACs", *(["saved bytes"] if ran else []), "seconds", "torch"]
    blank = [""] * (len(header) - 3)
    rows.append(["total", *blank, f"{seconds:.1f}", f"{NO} {len(wrong):,}" if wrong else YES])
    layers = sum(len(found.saved) for _, found in networks)
    agree = f"{len(networks) - len(wrong):,} of {len(networks):,} networks ({layers:,} layers)"
    blocks: list[Block] = [
        Heading(f"torch agrees with {agree}", 1),
        Grid(header, rows, right=range(1, len(header) - 1), foot=1),
    ]
    if wrong:
        blocks.append(differences(wrong, named=True))
    if ran:
        blocks.append(Prose(f"{_way(ran[0], networks[0][1].batch)}: {len(ran):,} networks."))
    said = [
        f"{name}: {notice.line}" for name, found in networks for notice in notices(found.report)
    ]
    if said:
        blocks.append(Items(said))
    skipped = {name: found.skipped for name, found in networks if found.skipped}
    if set(skipped.values()) == {AS_ASKED}:
        blocks.append(Prose("No forward and backward, as asked."))
    elif skipped:
        blocks.append(Items([f"{name}: not run, {why}" for name, why in skipped.items()]))
    blocks.append(Prose("\n".join(filter(None, (_unseen(networks), _NOT_COMPARED)))))
    return blocks


def verdict(found: Verification) -> str:
    """`torch agrees`."""
    many = len(found.differences)
    disagrees = f"torch disagrees in {many:,} thing{'s' if many > 1 else ''}"
    return disagrees if many else "torch agrees"


def differences(networks: Sequence[Verification], named: bool = False) -> Grid:
    """Every number that differs: what cnncalc says, and what torch has."""
    header = ("layer", "what", "cnncalc", "torch")
    rows = [
        (*((found.report.name,) if named else ()), d.layer, d.what, *_both(d))
        for found in networks
        for d in found.differences
    ]
    return Grid((*(("network",) if named else ()), *header), rows, caption="What differs")


def line(name: str, found: Verification) -> str:
    """One network in one line, for logs."""
    report, step = found.report, found.step
    way = f"forward and backward on {step.device}" if step else "not run"
    counts = f"{report.total('params'):,} parameters, {report.total('macs'):,} MACs"
    done = f"{counts}, {way}, {found.seconds:.1f} s"
    return f"{YES} {name}: {done}" if found.ok else f"{NO} {name}: {verdict(found)}; {done}"


def _aspects(found: Verification) -> list[Aspect]:
    return [aspect for aspect in _COLUMNS if aspect in found.marks]


def _rows(found: Verification, depth: int | None) -> Iterator[Group]:
    """The rows of a table; under a block its layers that differ."""
    plain = groups(found.report)
    wrong = {
        layer
        for marks in found.marks.values()
        for layer, agrees in enumerate(marks)
        if agrees is False
    }
    for group in groups(found.report, depth):
        yield group
        if group.block:
            inside = (row for row in plain if row.indices[0] in group.indices)
            yield from (row for row in inside if not wrong.isdisjoint(row.indices))


def _row(found: Verification, group: Group, measured: bool) -> list[str]:
    """The cells of a layer, of one with its activation, or of a block."""
    name, output, params, macs = (
        group.cell(found.report, COLUMNS[key]) for key in ("name", "output", "params", "macs")
    )
    texts: dict[Aspect, str] = {
        "output": shape_text(output),
        "params": f"{params:,}",
        "macs": f"{macs:,}",
    }
    return [name, *_cells(found, group.indices, texts, measured)]


def _total(found: Verification, measured: bool) -> list[str]:
    totals: dict[Aspect, str] = {
        "params": f"{found.report.total('params'):,}",
        "macs": f"{found.report.total('macs'):,}",
    }
    wrong = {d.aspect for d in found.differences if not d.layer}
    return ["total", *_cells(found, range(len(found.saved)), totals, measured, wrong)]


def _cells(
    found: Verification,
    layers: Sequence[int],
    texts: Mapping[Aspect, str],
    measured: bool,
    wrong: Collection[Aspect] = (),
) -> Iterator[str]:
    """What is said of some layers, each with its mark; `wrong` is so as a whole."""
    saved = f"{sum(found.saved[layer] for layer in layers):,}"
    for aspect in _aspects(found):
        marks = [found.marks[aspect][layer] for layer in layers] + [False] * (aspect in wrong)
        text = saved if aspect == "saved" else texts.get(aspect, "")
        yield f"{text} {_mark(marks, aspect)}".strip()
        if aspect == "saved" and measured:
            yield _measured(found, layers)


def _measured(found: Verification, indices: Sequence[int]) -> str:
    """What layers were seen to keep; nothing where one did not run."""
    seen = found.step.kept(indices) if found.step else None
    return "" if seen is None else f"{seen:,}"


def _mark(marks: Sequence[bool | None], aspect: Aspect) -> str:
    if False in marks:
        return NO
    # Layers without trained tensors have no gradients; else all must have been looked at.
    looked = True in marks if aspect == "gradients" else bool(marks) and None not in marks
    return YES if looked else ""


def _both(difference: Difference) -> tuple[str, str]:
    def text(value: Value) -> str:
        if isinstance(value, tuple):
            output = difference.aspect == "output"
            return shape_text(value) if output else "×".join(map(str, value)) or "a number"
        if value is None:
            return "none"
        return f"{value:,}" if isinstance(value, int) else str(value)

    return text(difference.expected), text(difference.found)


def _notes(found: Verification) -> Iterator[str]:
    """What was done, and what was not."""
    report, step = found.report, found.step
    for name, shape in found.spec_inputs.items():
        used = next(entry["shape"] for entry in report.inputs)
        yield f"The {name} is {shape_text(used)} here; the spec says {shape_text(shape)}."
    yield (
        f"Compared with torch on the meta device: shapes, {found.tensors:,} tensors, and MACs of "
        "one input, half of the FLOPs that FlopCounterMode counts."
    )
    if "reads" in found.marks:
        yield (
            "Connections and receptive fields by what moves where one value or row moves, in a "
            "twin with positive weights."
        )
    yield _unseen([("", found)])
    yield _NOT_COMPARED
    if "auxiliary" in report.column("part"):
        yield "The total of MACs leaves out what only training runs."
    if found.skipped:
        yield f"No forward and backward: {found.skipped}."
    elif step is None:
        yield "No forward and backward: torch stopped on the meta device already."
    else:
        predicted, measured = sum(found.saved), _measured(found, range(len(found.saved)))
        beside = "as predicted" if measured == f"{predicted:,}" else f"{predicted:,} predicted"
        kept = f"{measured} bytes saved for backward, {beside}" if measured else "it did not end"
        yield f"{_way(step, found.batch)}: {kept}."
        if not step.exact:
            yield f"Kernels of {step.device} may keep other tensors than those predicted."
        if step.peak is not None:
            yield (
                f"At its peak the allocator had given out {step.peak:,} bytes; parameters, "
                f"gradients and what is saved are {found.training_bytes:,}."
            )


def _unseen(networks: Sequence[tuple[str, Verification]]) -> str:
    """Of how many layers something was not compared: too large, too near to borders, stopped."""
    unseen: Counter[Aspect] = Counter()
    for _, found in networks:
        unseen.update({a: n for a, n in found.unseen().items() if a in found.marks})
    layers = sum(len(found.saved) for _, found in networks)
    each = [f"{COMPARED[aspect].partition(',')[0]} of {n:,}" for aspect, n in unseen.items()]
    return f"Not checked: {', '.join(each)} of {layers:,} layers." if each else ""


def _way(step: Step, batch: int) -> str:
    return f"Forward and backward on {step.device}, float32, a random batch of {batch:,}"
