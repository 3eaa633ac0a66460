"""Networks held against budgets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from cnncalc.ask import known, parse
from cnncalc.ask.analyze import analyzed
from cnncalc.ask.budget_table import for_spec, nearest
from cnncalc.ask.groups import Rounded, Strict
from cnncalc.ask.option import Given, Group, Option, one_of
from cnncalc.ask.parse import Spec
from cnncalc.ask.several import OfSeveral, Several
from cnncalc.errors import UsageError
from cnncalc.findings import budget_page
from cnncalc.findings.budget import LIMITS, STRICT, Verdict, amount, verdict
from cnncalc.graph import Graph
from cnncalc.page import Page
from cnncalc.render.write import FORMATS

HOW = (
    "give a limit such as --max-params 5M or --max-peak-memory 256KiB, or a table "
    "[tool.cnncalc.budgets] in pyproject.toml"
)
"""What to do where there is no budget."""


def _limits() -> Iterator[Given]:
    """An option for each limit."""
    for key, limit in LIMITS.items():
        most = "Smallest" if limit.least else "Largest"
        example = {"": "5M", "B": "256KiB", "positions": "224"}[limit.unit]
        option = Option(f"{most} {limit.title}, as {example}.", metavar="AMOUNT")
        yield Given(key.replace("-", "_"), option, str, None)


@dataclass(frozen=True, kw_only=True)
class Check(Strict, Rounded, OfSeveral[Verdict]):
    """Hold networks against budgets; exit 1 where one is over, and say which layers cost most."""

    specs: Annotated[
        Sequence[Spec],
        Option(
            "Files, - or bundled names; else those with tables in pyproject.toml.",
            metavar="[SPEC]...",
            words=known.NETWORKS,
            positional=True,
            repeated=True,
        ),
    ] = ()
    limits: Annotated[Mapping[str, Any], Group(_limits())] = field(default_factory=dict)
    """Their amounts, by their names as options."""
    dtype: Annotated[
        str | None,
        Option("Type of a value, for limits in bytes; else float32.", words=known.DTYPES),
    ] = None
    optimizer: Annotated[
        str | None,
        Option("That of training memory; else sgd.", metavar="NAME", words=known.OPTIMIZERS),
    ] = None
    batch: Annotated[int | None, Option("Inputs at a time; else 1.")] = None
    format: Annotated[
        str,
        one_of((*FORMATS, "json", "github"), "What to print; github annotates lines of the spec."),
    ] = "text"

    budgets: Mapping[str, int | str | bool] | None = None
    """All limits by their names, as Python gives them: no pyproject.toml holds then."""

    def find(self) -> Several[Verdict]:
        limits = {key.replace("_", "-"): value for key, value in self.limits.items()}
        for key, value in limits.items():
            # It stays as it is written: the answer has its unit.
            amount(value, LIMITS[key], f"--{key}")
        given: dict[str, Any] = dict(limits)
        given |= {key: True for key in STRICT if getattr(self, key.replace("-", "_"))}
        plain = ("dtype", "batch", "input", "optimizer")
        given |= {key: value for key in plain if (value := getattr(self, key)) is not None}
        variables = parse.variables(self.set)
        table = nearest(self.base, self.base) if not self.specs else None
        names = self.specs or (table.names(self.base) if table else [])
        if not names:
            raise UsageError(f"nothing to check: name a spec, and {HOW} with a table for each spec")
        return self.each(names, lambda spec: self._check(spec, given, variables))

    def _check(
        self, spec: str, given: Mapping[str, Any], variables: Mapping[str, Any]
    ) -> tuple[Graph, Verdict]:
        """One network under what its pyproject.toml says and what the request says instead."""
        table = for_spec(spec, self.base) if self.budgets is None else None
        settings = {**(table.settings(spec, self.base) if table else {}), **given}
        limits = self.budgets
        if limits is None:
            limits = {k: settings[k] for k in (*LIMITS, *STRICT) if settings.get(k)}
        if not limits and self.budgets is None:
            raise UsageError(f"{spec}: no budget: {HOW}")
        all_variables = {**settings.get("set", {}), **variables}
        graph = parse.network(spec, all_variables, settings.get("input"), self.base)
        asked = {key: settings[key] for key in ("batch", "dtype", "optimizer") if key in settings}
        return graph, verdict(analyzed(graph, **asked), limits)

    def content(self, found: Several[Verdict]) -> Page | str:
        if self.format == "github":
            lines = [line for entry in found.found for line in _annotations(*entry)]
            lines += [
                budget_page.github_error(spec, said)
                for spec, error in found.mistakes
                for said in str(error).splitlines()
            ]
            return "".join(f"{line}\n" for line in lines)
        return [
            block for *_, verdict in found.found for block in budget_page.page(verdict, self.units)
        ]


def _annotations(spec: str, graph: Graph, verdict: Verdict) -> list[str]:
    paths = {node.name: node.path for node in graph.nodes}
    locate = graph.origin.locate

    def line(layer: str) -> int:
        return locate(paths[layer])[0] if locate is not None and layer in paths else 1

    return budget_page.github(verdict, spec, line)
