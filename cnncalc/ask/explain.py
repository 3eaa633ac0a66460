"""The working of a network, or its table with blanks as an exercise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cnncalc.ask import known
from cnncalc.ask.analyze import analyzed
from cnncalc.ask.groups import OfNetwork
from cnncalc.ask.option import DtypeOption, LayoutOption, Option, PageFormatOption
from cnncalc.ask.request import Answer
from cnncalc.asked import Asked
from cnncalc.columns import bits_of
from cnncalc.findings.explain import Explained, explanations, totals
from cnncalc.infer import infer

if TYPE_CHECKING:
    from cnncalc.findings.quiz import Quiz


@dataclass(frozen=True, kw_only=True)
class Explain(OfNetwork["Explained | Quiz"]):
    """The working: every formula with its numbers, layer by layer."""

    layers: Annotated[
        Sequence[str],
        Option(
            "Layers or blocks to explain; all by default.",
            metavar="[LAYER]...",
            words=known.LAYERS,
            positional=True,
            repeated=True,
        ),
    ] = ()
    format: PageFormatOption = "text"
    dtype: DtypeOption = "float32"
    layout: LayoutOption = "hwc"
    quiz: Annotated[
        bool,
        Option("The table with blanks to fill in; a terminal asks for them, one after another."),
    ] = False
    answers: Annotated[bool, Option("With --quiz: its solution.")] = False
    seed: Annotated[
        int, Option("With --quiz: which cells are blank; the same each time.", least=0)
    ] = 0

    def find(self) -> "Explained | Quiz":
        graph = self.graph()
        if self.quiz or self.answers:
            from cnncalc.findings.quiz import Quiz

            report = analyzed(graph, dtype=self.dtype)
            return Quiz(graph, report, self.seed, self.layout, tuple(self.layers))
        facts = infer(graph)
        explained = explanations(graph, facts, bits_of(self.dtype), self.layers)
        sums = () if self.layers else tuple(totals(graph, facts))
        return Explained(graph.name, tuple(explained), sums, Asked.of(graph, dtype=self.dtype))

    def answer(self, found: "Explained | Quiz") -> Answer:
        if isinstance(found, Explained):
            from cnncalc.findings.explain_page import page

            blocks = page(found, self.layout)
        else:
            blocks = found.key() if self.answers else found.page()
        return Answer(blocks, self.format)
