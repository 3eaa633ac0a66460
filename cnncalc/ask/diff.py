"""In which layers two networks differ."""

from dataclasses import dataclass
from typing import Annotated

from cnncalc.ask import known, parse
from cnncalc.ask.groups import Counted, Rounded
from cnncalc.ask.option import JsonFormatOption, Option, SpecArgument
from cnncalc.ask.parse import Settings, Spec
from cnncalc.ask.request import Answer, Request, as_json
from cnncalc.errors import refuse
from cnncalc.findings.diff import Diff as Differences
from cnncalc.findings.diff import Network, compare
from cnncalc.infer import infer


@dataclass(frozen=True, kw_only=True)
class Diff(Rounded, Counted, Request[Differences]):
    """What two networks differ in: layers added (+), removed (-) and changed (~), and totals."""

    before: SpecArgument
    after: Annotated[
        Spec,
        Option(
            "The other; else the first, changed.",
            metavar="[SPEC]",
            words=known.NETWORKS,
            positional=True,
        ),
    ] = None
    set: Annotated[
        Settings,
        Option(
            "Set a variable of both; may be repeated.",
            metavar="VAR=VALUE",
            words=known.VARIABLES,
            repeated=True,
        ),
    ] = ()
    set_b: Annotated[
        Settings,
        Option(
            "Set one of the second only.",
            metavar="VAR=VALUE",
            words=known.OTHER_VARIABLES,
            repeated=True,
        ),
    ] = ()
    input: Annotated[str | None, Option("Another input for both: 256x256.", metavar="SIZES")] = None
    input_b: Annotated[
        str | None, Option("Another input for the second only.", metavar="SIZES")
    ] = None
    names: Annotated[bool, Option("Other names are differences too.")] = False
    all: Annotated[bool, Option("List every layer, where else many share a line.")] = False
    exit_code: Annotated[bool, Option("Exit 1 where they differ, as git has it.")] = False
    format: JsonFormatOption = "text"

    def find(self) -> Differences:
        before, after = self.before, self.after
        refuse(
            (
                after is None and not self.set_b and self.input_b is None,
                "diff needs a second network, or a change of the first: --set-b VAR=VALUE or "
                "--input-b SIZES",
            ),
            (
                before == "-" and after in ("-", None),
                "only one network can come from standard input",
            ),
        )
        a = self._network(before, self.set, self.input)
        b = self._network(
            before if after is None else after,
            {**parse.variables(self.set), **parse.variables(self.set_b)},
            self.input_b or self.input,
        )
        return compare(a, b, self.names)

    def _network(self, spec: Spec, settings: Settings, input: str | None) -> Network:
        graph = parse.network(spec, settings, input, self.base)
        return graph, infer(graph), self.report(graph)

    def answer(self, found: Differences) -> Answer:
        from cnncalc.findings import diff_page

        ok = not (self.exit_code and found.differs)
        if self.format == "json":
            return Answer(as_json(found.to_dict()), ok=ok)
        if self.format == "text":
            return Answer(lambda width: diff_page.lines(found, width, self.all, self.units), ok=ok)
        return Answer(diff_page.page(found, self.all, self.units), self.format, ok=ok)
