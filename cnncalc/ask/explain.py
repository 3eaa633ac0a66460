"""The working of a network, or its table with blanks as an exercise."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from cnncalc.ask import known
from cnncalc.ask.analyze import analyzed
from cnncalc.ask.groups import OfNetwork
from cnncalc.ask.option import DtypeOption, LayoutOption, Option, PageFormatOption
from cnncalc.ask.request import Answer
from cnncalc.asked import Asked
from cnncalc.columns import bits_of
from cnncalc.findings.explain import Explained, explanations, layers_named, totals
from cnncalc.infer import infer
from cnncalc.report import Report


class Exercise(NamedTuple):
    """A table with blanks, in the rows of these layers, or of all where there is none."""

    report: Report
    layers: Collection[str]


@dataclass(frozen=True, kw_only=True)
class Explain(OfNetwork[Explained | Exercise]):
    """The working: every formula with its numbers, layer by layer."""

    layers: Annotated[
        Sequence[str],
        Option(
            "Layers or blocks, by name or number; all by default. Of a layer's word, its fields.",
            metavar="[LAYER]...",
            words=known.LAYERS,
            positional=True,
            repeated=True,
        ),
    ] = ()
    format: PageFormatOption = "text"
    dtype: DtypeOption = "float32"
    layout: LayoutOption = "hwc"
    quiz: Annotated[bool, Option("The table with blanks to fill in, as an exercise.")] = False
    answers: Annotated[bool, Option("With --quiz: its solution.")] = False
    seed: Annotated[
        int, Option("With --quiz: which cells are blank; the same each time.", least=0)
    ] = 0

    def find(self) -> Explained | Exercise:
        graph, names = self.graph_and_names(self.layers)
        facts = infer(graph)
        if self.quiz or self.answers:
            named = {fact.node.name for name in names for fact in layers_named(name, facts)}
            return Exercise(analyzed(graph, dtype=self.dtype), named)
        explained = explanations(graph, facts, bits_of(self.dtype), names)
        sums = () if names or len(facts) == 1 else tuple(totals(graph, facts))
        return Explained(graph.name, tuple(explained), sums, Asked.of(graph, dtype=self.dtype))

    def answer(self, found: Explained | Exercise) -> Answer:
        if isinstance(found, Exercise):
            from cnncalc.tables import quiz

            blocks = quiz.page(found.report, self.seed, self.answers, self.layout, found.layers)
        else:
            from cnncalc.findings.explain_page import page

            blocks = page(found, self.layout)
        return Answer(blocks, self.format, notes=self.notes())
