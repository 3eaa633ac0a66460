"""Whether torch agrees."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from cnncalc.ask import parse
from cnncalc.ask.analyze import analyzed
from cnncalc.ask.option import (
    InputOption,
    Option,
    SetOption,
    Spec,
    SpecsArgument,
    one_of,
)
from cnncalc.ask.request import Answer, Request, as_json
from cnncalc.errors import CnncalcError, UsageError
from cnncalc.findings import verification_page as pages
from cnncalc.findings.budget import LIMITS, amount
from cnncalc.findings.verification import Verification
from cnncalc.infer import infer
from cnncalc.spec.bundled import networks

ALL_MAX_PARAMS = "50M"
"""With --all, larger networks stay on the meta device."""
Watch = Callable[[Spec, Verification | None], None]
"""What is told of each network: when it starts, and what was found."""


class Verified(NamedTuple):
    """What torch says of several networks: those it could look at, and those with a mistake."""

    networks: list[tuple[Spec, Verification]]
    mistakes: list[tuple[Spec, CnncalcError]]

    @property
    def ok(self) -> bool:
        return not self.mistakes and all(found.ok for _, found in self.networks)


@dataclass(frozen=True, kw_only=True)
class Verify(Request[Verified]):
    """Ask torch whether the numbers are right; exit 1 where it disagrees."""

    command = "verify"

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
    input: InputOption = None
    set: SetOption = ()
    depth: Annotated[str | None, Option("Collapse blocks below this many names; or all.")] = None
    format: Annotated[str, one_of(("text", "markdown", "latex", "html", "json"))] = "text"
    watch: Watch = lambda spec, found: None
    """Told how far it is."""

    def find(self) -> Verified:
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
        found = Verified([], [])
        for spec in networks() if self.all else self.specs or ["lenet5"]:
            self.watch(spec, None)
            try:
                found.networks.append((spec, self._verify(spec, variables, options)))
                self.watch(*found.networks[-1])
            except CnncalcError as error:
                found.mistakes.append((spec, error))
        return found

    def _verify(self, spec: Spec, variables: Any, options: dict[str, Any]) -> Verification:
        from cnncalc.witness.verify import verify_graph

        theirs = parse.network(spec, variables, None, self.base)
        graph = parse.network(theirs, {}, self.input)
        return verify_graph(
            graph,
            infer(graph),
            analyzed(graph),
            analyzed(graph, batch=self.batch),
            **options,
            spec_inputs=theirs.inputs if theirs.inputs != graph.inputs else {},
        )

    def results(self, found: Verified) -> list[Verification]:
        for _, mistake in found.mistakes:
            raise mistake
        return [one for _, one in found.networks]

    def answer(self, found: Verified) -> Answer:
        problem = None
        if found.mistakes:
            said = dict.fromkeys(str(error) for _, error in found.mistakes)
            problem = CnncalcError("\n".join(said))
        if self.format == "json":
            entries = [{"spec": spec, **one.to_dict()} for spec, one in found.networks]
            errors = [{"spec": s, "ok": False, "error": str(e)} for s, e in found.mistakes]
            whole = as_json({"ok": found.ok, "specs": entries + errors})
            return Answer(whole, ok=found.ok, problem=problem)
        if self.all or len(self.specs) > 1:
            blocks = pages.summary(found.networks) if found.networks else []
        else:
            levels, every = parse.depth(self.depth), self.depth == "all"
            blocks = [b for _, one in found.networks for b in pages.page(one, levels, every)]
        return Answer(blocks, self.format, ok=found.ok, problem=problem)
