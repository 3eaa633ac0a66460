"""From a network to the text of its drawing."""

from __future__ import annotations

from importlib import import_module
from typing import Literal, NamedTuple

from cnncalc.drawing.diagram import Depth, Labels, diagram
from cnncalc.errors import UsageError, suggestion
from cnncalc.graph import Graph
from cnncalc.infer import Facts
from cnncalc.report import Report

Format = Literal["svg", "mermaid", "dot", "tikz"]
Kind = Literal["blocks", "receptive-field", "bars"]


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
        ("format", format, ("svg", "mermaid", "dot", "tikz")),
        ("kind", kind, ("blocks", "receptive-field", "bars")),
        ("layout", labels, ("maps", "hwc", "chw")),
    ):
        if value not in known:
            hint = suggestion(value, known) or f"; there are {', '.join(known)}"
            raise UsageError(f"no such {word}: {value}{hint}")
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
            text = writer(drawn)
            refused = ""
            if format == "mermaid":
                from cnncalc.drawing.mermaid import too_large

                refused = too_large(drawn, text)
            return Drawing(text, tuple(filter(None, (drawn.note, refused))))
        from cnncalc.drawing.blocks import blocks

        scene, note = blocks(drawn), drawn.note
    return Drawing(writer(scene), (note,) if note else ())
