"""From a network to the text of its drawing."""

from importlib import import_module
from typing import NamedTuple, get_args

from cnncalc.drawing.diagram import Depth, Labels, diagram
from cnncalc.errors import UsageError, hint
from cnncalc.graph import Graph
from cnncalc.infer import Facts
from cnncalc.report import Report

FORMATS = ("svg", "mermaid", "dot", "tikz")
"""What drawings are written as."""
KINDS = ("blocks", "receptive-field", "bars")
"""What is drawn."""


class Drawing(NamedTuple):
    """A drawing's text, and what its reader should know beside it."""

    text: str
    notes: tuple[str, ...]


def draw(
    graph: Graph,
    facts: list[Facts],
    report: Report,
    *,
    format: str,
    kind: str,
    column: str,
    depth: Depth,
    labels: Labels,
) -> Drawing:
    """The drawing of a network. Raises UsageError."""
    for word, value, known in (
        ("format", format, FORMATS),
        ("kind", kind, KINDS),
        ("layout", labels, get_args(Labels)),
    ):
        if value not in known:
            raise UsageError(f"no such {word}: {value}{hint(value, known)}")
    places = format in ("svg", "tikz")
    if not places and kind != "blocks":
        raise UsageError(f"{format} draws boxes and arrows only; for {kind} there are svg and tikz")
    writer = getattr(import_module(f"cnncalc.drawing.{format}"), format)
    if kind == "bars":
        from cnncalc.drawing.bars import bars

        scene, note = bars(report, column, depth)
    elif kind == "receptive-field":
        from cnncalc.drawing.receptive_field import receptive_field

        scene, note = receptive_field(report, facts, depth)
    else:
        drawn = diagram(graph, report, labels, depth)
        if not places:
            text, notes = writer(drawn), [drawn.note]
            if format == "mermaid":
                from cnncalc.drawing.mermaid import too_large

                notes.append(too_large(drawn, text))
            return Drawing(text, tuple(filter(None, notes)))
        from cnncalc.drawing.blocks import blocks

        scene, note = blocks(drawn), drawn.note
    return Drawing(writer(scene), (note,) if note else ())
