"""A network as a drawing."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from cnncalc.ask import known, parse
from cnncalc.ask.analyze import analyzed
from cnncalc.ask.groups import OfNetwork
from cnncalc.ask.option import Option
from cnncalc.ask.request import Answer
from cnncalc.drawing.diagram import Labels
from cnncalc.drawing.draw import FORMATS, KINDS, Drawing, draw
from cnncalc.errors import UsageError
from cnncalc.infer import infer
from cnncalc.tables.table import notices

SHORT = {"tex": "tikz"}
"""What a format is called, too."""


@dataclass(frozen=True, kw_only=True)
class Draw(OfNetwork[Drawing]):
    """Draw a network: feature maps and branches, receptive fields, or a column as bars."""

    endings: ClassVar[dict[str, str]] = {
        ".svg": "svg",
        ".mmd": "mermaid",
        ".mermaid": "mermaid",
        ".dot": "dot",
        ".gv": "dot",
        ".tex": "tikz",
        ".tikz": "tikz",
    }

    format: Annotated[
        str | None,
        Option(
            "What to write; usual is what -o's ending says, or svg.",
            ("--format", "-f"),
            choices=FORMATS,
            also=SHORT,
        ),
    ] = None
    kind: Annotated[
        str,
        Option("The layers, how the receptive field grows, or a column as bars.", choices=KINDS),
    ] = "blocks"
    column: Annotated[
        str | None,
        Option(
            "With --kind bars: params, macs, activations, …", metavar="COLUMN", words=known.BARS
        ),
    ] = None
    depth: Annotated[
        str | None,
        Option("Collapse blocks below N names; all draws every layer.", metavar="N|all"),
    ] = None
    layout: Annotated[
        Labels,
        Option(
            "Shapes as 6@28×28, as textbooks' 28×28×6, or as torch's 6×28×28.",
            choices=("maps", "hwc", "chw"),
        ),
    ] = "maps"

    def find(self) -> Drawing:
        graph = self.graph()
        if self.column is not None and self.kind == "receptive-field":
            raise UsageError("--column is for --kind bars")
        report = analyzed(graph)
        drawing = draw(
            graph,
            infer(graph),
            report,
            format=SHORT.get(self.format or "", self.format) or "svg",
            kind="bars" if self.column is not None and self.kind == "blocks" else self.kind,
            column=self.column or "params",
            depth="all" if self.depth == "all" else parse.depth(self.depth),
            labels=self.layout,
        )
        said = (notice.message for notice in notices(report))
        return drawing._replace(notes=(*drawing.notes, *said))

    def answer(self, found: Drawing) -> Answer:
        return Answer(found.text, notes=tuple(f"note: {note}" for note in found.notes))
