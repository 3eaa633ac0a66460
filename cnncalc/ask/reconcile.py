"""A network as other tools count it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from cnncalc.ask import known
from cnncalc.ask.groups import OfNetwork
from cnncalc.ask.option import JsonFormatOption, Option
from cnncalc.ask.request import Answer, as_json
from cnncalc.errors import UsageError
from cnncalc.findings.reconcile import Reconciliation, reconciled
from cnncalc.infer import infer


@dataclass(frozen=True, kw_only=True)
class Reconcile(OfNetwork[Reconciliation]):
    """The same network as other tools count it, as sums of named parts."""

    tools: Annotated[
        Sequence[str],
        Option(
            "One tool, or two and how they differ; else all.",
            metavar="[A [B]]",
            words=known.TOOLS,
            positional=True,
            repeated=True,
        ),
    ] = ()
    format: JsonFormatOption = "text"

    def find(self) -> Reconciliation:
        if len(self.tools) > 2:
            raise UsageError(f"reconcile takes at most two tools, not {len(self.tools)}")
        graph = self.graph()
        return reconciled(graph, infer(graph), self.tools)

    def answer(self, found: Reconciliation) -> Answer:
        from cnncalc.findings import reconcile_page as pages

        if self.format == "json":
            return Answer(as_json(found.to_dict()))
        if self.format == "text":
            return Answer(lambda width: pages.lines(found, width))
        return Answer(pages.page(found), self.format)
