"""Whether torch agrees."""

from dataclasses import dataclass
from typing import Annotated, Any

from cnncalc.ask import parse
from cnncalc.ask.analyze import analyzed
from cnncalc.ask.option import Option, SpecsArgument, one_of
from cnncalc.ask.parse import Spec
from cnncalc.ask.several import OfSeveral, Several
from cnncalc.errors import UsageError
from cnncalc.findings import verification_page as pages
from cnncalc.findings.budget import LIMITS, amount
from cnncalc.findings.verification import Verification
from cnncalc.graph import Graph
from cnncalc.infer import infer
from cnncalc.page import Page
from cnncalc.spec.bundled import networks

ALL_MAX_PARAMS = "50M"
"""With --all, larger networks stay on the meta device."""


@dataclass(frozen=True, kw_only=True)
class Verify(OfSeveral[Verification]):
    """Ask torch whether the numbers are right; exit 1 where it disagrees."""

    specs: SpecsArgument = ()
    all: Annotated[bool, Option("All bundled networks.")] = False
    device: Annotated[
        str,
        Option("Where the forward and backward run.", choices=("auto", "cpu", "cuda", "mps")),
    ] = "auto"
    meta: Annotated[bool, Option("Only shapes, tensors and MACs; run nothing.")] = False
    batch: Annotated[int, Option("Inputs at a time.")] = 2
    max_memory: Annotated[
        str | int | None,
        Option("Run nothing that needs more, as 4GiB; else half of the free.", metavar="AMOUNT"),
    ] = None
    max_params: Annotated[
        str | int | None,
        Option(
            f"Run nothing that has more; with --all {ALL_MAX_PARAMS} where nothing is said.",
            metavar="AMOUNT",
        ),
    ] = None
    depth: Annotated[str | None, Option("Collapse blocks below this many names; or all.")] = None
    format: Annotated[str, one_of(("text", "markdown", "latex", "html", "json"))] = "text"

    def find(self) -> Several[Verification]:
        from cnncalc.witness.verify import torch_witness

        if self.all and (self.specs or self.set or self.input):
            raise UsageError("--all takes no specs, --set or --input: each network is as it is")
        most = self.max_params
        if self.all and most is None:
            most = ALL_MAX_PARAMS
        options: dict[str, Any] = {"device": None if self.meta else self.device}
        for name, value, limit in (
            ("max_memory", self.max_memory, "max-peak-memory"),
            ("max_params", most, "max-params"),
        ):
            option = f"--{name.replace('_', '-')}"
            options[name] = value if value is None else amount(value, LIMITS[limit], option)
        parse.depth(self.depth)
        variables = parse.variables(self.set)
        torch_witness()
        specs = networks() if self.all else self.specs or ["lenet5"]
        return self.each(specs, lambda spec: self._verify(spec, variables, options))

    def _verify(
        self, spec: Spec, variables: Any, options: dict[str, Any]
    ) -> tuple[Graph, Verification]:
        from cnncalc.witness.verify import verify_graph

        theirs = parse.network(spec, variables, None, self.base)
        # Its step trains what is there: the network that is left is one of its own.
        graph = parse.network(theirs, {}, self.input)._replace(left_out="")
        found = verify_graph(
            graph,
            infer(graph),
            analyzed(graph),
            analyzed(graph, batch=self.batch),
            **options,
            spec_inputs=theirs.inputs if theirs.inputs != graph.inputs else {},
        )
        return graph, found

    def content(self, found: Several[Verification]) -> Page:
        if self.all or len(self.specs) > 1:
            networks = [(spec, one) for spec, _, one in found.found]
            return pages.summary(networks) if networks else []
        levels, every = parse.depth(self.depth), self.depth == "all"
        return [b for *_, one in found.found for b in pages.page(one, levels, every)]
