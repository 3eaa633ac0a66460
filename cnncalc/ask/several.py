"""Several networks, each with an answer of its own or a mistake."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cnncalc.ask import parse
from cnncalc.ask.groups import Changed
from cnncalc.ask.parse import Spec
from cnncalc.ask.request import Answer, Request, as_json
from cnncalc.ask.unfit import parts, told
from cnncalc.errors import CnncalcError
from cnncalc.findings.budget import Verdict
from cnncalc.findings.verification import Verification
from cnncalc.graph import Graph
from cnncalc.infer import Unfit
from cnncalc.page import Page
from cnncalc.render.write import FORMATS

One = TypeVar("One", bound=Verdict | Verification)
Watch = Callable[[Spec, Any], None]
"""What is told of each network: when it starts, and what was found."""


@dataclass(frozen=True)
class Several(Generic[One]):
    """What becomes of several networks: what is found of them, or what is wrong with them."""

    found: list[tuple[Spec, Graph, One]]
    mistakes: list[tuple[Spec, CnncalcError]]

    @property
    def ok(self) -> bool:
        return not self.mistakes and all(one.ok for *_, one in self.found)

    @property
    def problem(self) -> CnncalcError | None:
        """All mistakes, each once."""
        said = dict.fromkeys(error.args for _, error in self.mistakes)
        return CnncalcError(*(line for lines in said for line in lines)) if said else None

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        entries = [{"spec": spec, **one.to_dict()} for spec, _, one in self.found]
        errors = [{"spec": s, "ok": False, "error": str(e)} for s, e in self.mistakes]
        return {"ok": self.ok, "specs": entries + errors}


@dataclass(frozen=True, kw_only=True)
class OfSeveral(Changed, Request[Several[One]]):
    """What is asked of several networks."""

    format: str = "text"
    watch: Watch = lambda spec, found: None
    """Told how far it is."""

    def each(
        self, specs: Sequence[Spec], look: Callable[[Spec], tuple[Graph, One]]
    ) -> Several[One]:
        """What is found of each; a mistake of one keeps no other from its answer."""
        parse.refuse_two_from_standard_input(specs)
        several = Several[One]([], [])
        for spec in specs:
            self.watch(spec, None)
            try:
                graph, one = look(spec)
                several.found.append((spec, graph, one))
                self.watch(spec, one)
            except Unfit as case:
                several.mistakes.append((spec, told(case, self)))
            except CnncalcError as error:
                several.mistakes.append((spec, error))
        return several

    def results(self, found: Several[One]) -> list[One]:
        for _, mistake in found.mistakes:
            raise mistake
        return [one for *_, one in found.found]

    def content(self, found: Several[One]) -> Page | str:
        """What is said of them where it is not JSON."""
        raise NotImplementedError

    def answer(self, found: Several[One]) -> Answer:
        content = as_json(found.to_dict()) if self.format == "json" else self.content(found)
        if self.format in FORMATS and not isinstance(content, str):
            content = [*content, *parts(found.mistakes, self)]
        return Answer(content, self.format, ok=found.ok, problem=found.problem)
