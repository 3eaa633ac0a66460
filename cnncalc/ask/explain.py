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
from cnncalc.findings.explain import Explained, explanations, layers_named, totals
from cnncalc.infer import infer

if TYPE_CHECKING:
    from cnncalc.findings.quiz import Quiz


@dataclass(frozen=True, kw_only=True)
class Explain(OfNetwork["Explained | Quiz"]):
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
    quiz: Annotated[
        bool,
        Option("The table with blanks to fill in; a terminal asks for them, one after another."),
    ] = False
    answers: Annotated[bool, Option("With --quiz: its solution.")] = False
    seed: Annotated[
        int, Option("With --quiz: which cells are blank; the same each time.", least=0)
    ] = 0

    def find(self) -> "Explained | Quiz":
        graph, names = self.graph_and_names(self.layers)
        facts = infer(graph)
        if self.quiz or self.answers:
            from cnncalc.findings.quiz import Quiz

            named = [fact.node for name in names for fact in layers_named(name, facts)]
            rows = tuple(node.name for node in named if not node.fused_into)
            return Quiz(graph, analyzed(graph, dtype=self.dtype), self.seed, self.layout, rows)
        explained = explanations(graph, facts, bits_of(self.dtype), names)
        sums = () if names or len(facts) == 1 else tuple(totals(graph, facts))
        return Explained(graph.name, tuple(explained), sums, Asked.of(graph, dtype=self.dtype))

    def answer(self, found: "Explained | Quiz") -> Answer:
        if isinstance(found, Explained):
            from cnncalc.findings.explain_page import page

            blocks = page(found, self.layout)
        else:
            blocks = found.key() if self.answers else found.page()
        return Answer(blocks, self.format, notes=self.notes())
