"""Networks held against budgets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from cnncalc.ask import parse
from cnncalc.ask.analyze import analyzed
from cnncalc.ask.budget_table import for_spec, nearest
from cnncalc.ask.option import (
    InputOption,
    Option,
    SetOption,
    Spec,
    StrictAnyOption,
    StrictOption,
    one_of,
)
from cnncalc.ask.request import Answer, Request, as_json
from cnncalc.errors import CnncalcError, UsageError
from cnncalc.findings import budget_page
from cnncalc.findings.budget import LIMITS, STRICT, Verdict, amount, verdict
from cnncalc.graph import Graph
from cnncalc.render.write import FORMATS

HOW = (
    "give a limit such as --max-params 5M or --max-peak-memory 256KiB, or a table "
    "[tool.cnncalc.budgets] in pyproject.toml"
)
"""What to do where there is no budget."""


class Checked(NamedTuple):
    """What becomes of several networks: those with a verdict, and those with a mistake."""

    verdicts: list[tuple[str, Graph, Verdict]]
    mistakes: list[tuple[str, CnncalcError]]


def _limit(key: str) -> Any:
    """The option of a limit."""
    limit = LIMITS[key]
    most = "Smallest" if limit.least else "Largest"
    example = {"": "5M", "B": "256KiB", "positions": "224"}[limit.unit]
    return Option(f"{most} {limit.title}, as {example}.", metavar="AMOUNT")


@dataclass(frozen=True, kw_only=True)
class Check(Request[Checked]):
    """Hold networks against budgets; exit 1 where one is over, and say which layers cost most."""

    command = "check"

    specs: Annotated[
        Sequence[Spec],
        Option(
            "Files, - or bundled names; else those with tables in pyproject.toml.",
            metavar="[SPEC]...",
            positional=True,
            repeated=True,
        ),
    ] = ()
    max_params: Annotated[str | None, _limit("max-params")] = None
    max_macs: Annotated[str | None, _limit("max-macs")] = None
    max_flops: Annotated[str | None, _limit("max-flops")] = None
    max_activations: Annotated[str | None, _limit("max-activations")] = None
    max_peak_memory: Annotated[str | None, _limit("max-peak-memory")] = None
    max_training_memory: Annotated[str | None, _limit("max-training-memory")] = None
    max_weights_size: Annotated[str | None, _limit("max-weights-size")] = None
    min_receptive_field: Annotated[str | None, _limit("min-receptive-field")] = None
    strict: StrictOption = False
    strict_any: StrictAnyOption = False
    dtype: Annotated[str | None, Option("Type of a value, for limits in bytes; else float32.")] = (
        None
    )
    optimizer: Annotated[
        str | None, Option("That of training memory; else sgd.", metavar="NAME")
    ] = None
    batch: Annotated[int | None, Option("Inputs at a time; else 1.")] = None
    set: SetOption = ()
    input: InputOption = None
    format: Annotated[
        str,
        one_of((*FORMATS, "json", "github"), "What to print; github annotates lines of the spec."),
    ] = "text"

    budgets: Mapping[str, int | str | bool] | None = None
    """All limits by their names, as Python gives them: no pyproject.toml holds then."""

    def find(self) -> Checked:
        given = {key: getattr(self, key.replace("-", "_")) for key in LIMITS}
        given = {k: amount(v, LIMITS[k], f"--{k}") for k, v in given.items() if v is not None}
        given |= {key: True for key in STRICT if getattr(self, key.replace("-", "_"))}
        plain = ("dtype", "batch", "input", "optimizer")
        given |= {key: value for key in plain if (value := getattr(self, key)) is not None}
        variables = parse.variables(self.set)
        table = nearest(self.base, self.base) if not self.specs else None
        names = self.specs or (table.names(self.base) if table else [])
        if not names:
            raise UsageError(f"nothing to check: name a spec, and {HOW} with a table for each spec")
        found = Checked([], [])
        for spec in names:
            try:
                found.verdicts.append((spec, *self._check(spec, given, variables)))
            except CnncalcError as error:
                found.mistakes.append((spec, error))
        return found

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

    def results(self, found: Checked) -> list[Verdict]:
        for _, mistake in found.mistakes:
            raise mistake
        return [verdict for *_, verdict in found.verdicts]

    def answer(self, found: Checked) -> Answer:
        ok = not found.mistakes and all(verdict.ok for *_, verdict in found.verdicts)
        problem = None
        if found.mistakes:
            said = dict.fromkeys(str(error) for _, error in found.mistakes)
            problem = CnncalcError("\n".join(said))
        if self.format == "json":
            entries = [{"spec": spec, **verdict.to_dict()} for spec, _, verdict in found.verdicts]
            errors = [{"spec": s, "ok": False, "error": str(e)} for s, e in found.mistakes]
            whole = as_json({"ok": ok, "specs": entries + errors})
            return Answer(whole, ok=ok, problem=problem)
        if self.format == "github":
            lines = [line for entry in found.verdicts for line in _annotations(*entry)]
            lines += [
                budget_page.github_error(spec, said)
                for spec, error in found.mistakes
                for said in str(error).splitlines()
            ]
            return Answer("".join(f"{line}\n" for line in lines), ok=ok, problem=problem)
        blocks = [block for *_, verdict in found.verdicts for block in budget_page.page(verdict)]
        return Answer(blocks, self.format, ok=ok, problem=problem)


def _annotations(spec: str, graph: Graph, verdict: Verdict) -> list[str]:
    paths = {node.name: node.path for node in graph.nodes}
    locate = graph.origin.locate

    def line(layer: str) -> int:
        return locate(paths[layer])[0] if locate is not None and layer in paths else 1

    return budget_page.github(verdict, spec, line)
