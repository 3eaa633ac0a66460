"""Options that requests share, in groups, and what is made of them.

A group is a part of a request and never made by itself: it needs no methods of a dataclass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from cnncalc.ask import known, parse
from cnncalc.ask.analyze import analyzed
from cnncalc.ask.known import Words
from cnncalc.ask.option import DtypeOption, Option, SetOption, SpecArgument
from cnncalc.ask.request import Found, Request
from cnncalc.errors import refuse
from cnncalc.graph import Graph
from cnncalc.report import Report


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Changed:
    """Specs with other variables, on another input."""

    set: SetOption = ()
    input: Annotated[
        str | Sequence[int] | None,
        Option("Another input: 256x256, or 256x256x3 with channels.", metavar="SIZES"),
    ] = None


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class OfNetwork(Changed, Request[Found]):
    """What is asked of one network."""

    spec: SpecArgument = "lenet5"

    def graph(self) -> Graph:
        return parse.network(self.spec, self.set, self.input, self.base)

    def graph_and_names(self, words: Sequence[str]) -> tuple[Graph, Sequence[str]]:
        """The network, and the layers of it that the words name.

        Where a layer's word stands for the spec they are its fields, and all of it is meant.
        """
        from cnncalc.ask.one_layer import is_layer, one_layer

        if not is_layer(self.spec, self.base):
            return self.graph(), words
        refuse((self.set, f"--set: {self.spec} is a layer, which has no variables"))
        return one_layer(self.spec, words, self.input), ()

    def notes(self) -> tuple[str, ...]:
        """What is to be said beside the answer of one layer's input."""
        from cnncalc.ask.one_layer import is_layer, order_notices

        said = order_notices(self.input) if is_layer(self.spec, self.base) else []
        return tuple(notice.line for notice in said)


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Counted:
    """For how many inputs it is counted, and how large a value is."""

    batch: Annotated[int, Option("Inputs at a time: multiplies activations, MACs and FLOPs.")] = 1
    dtype: DtypeOption = "float32"

    def report(self, graph: Graph) -> Report:
        return analyzed(graph, batch=self.batch, dtype=self.dtype)


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class CountedAs(Counted):
    """And as what, and for the training by what."""

    count_as: Annotated[
        str | None,
        Option(
            "Add a column: what torch, fvcore, thop, … count.", metavar="TOOL", words=known.TOOLS
        ),
    ] = None
    params_as: Annotated[
        str | None,
        Option(
            "Count batch_norm's moving statistics as parameters.",
            metavar="keras",
            words=Words(lambda _: ["keras"]),
        ),
    ] = None
    optimizer: Annotated[
        str | None,
        Option(
            "Add training memory with sgd, momentum, adam, …",
            metavar="NAME",
            words=known.OPTIMIZERS,
        ),
    ] = None

    def report(self, graph: Graph) -> Report:
        return analyzed(
            graph,
            batch=self.batch,
            dtype=self.dtype,
            count_as=self.count_as,
            params_as=self.params_as,
            optimizer=self.optimizer,
        )

    def asked_for(self, totals: bool = False) -> tuple[str, ...]:
        """The columns that it adds; with `totals` those too that are of whole networks."""
        asked = {"count": self.count_as, "training_bytes": self.optimizer}
        of_keras = ("trainable", "non_trainable") if totals and self.params_as is not None else ()
        return (*(key for key, wanted in asked.items() if wanted is not None), *of_keras)


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Rounded:
    """How exact what people read is."""

    units: Annotated[
        bool, Option("Round, with units: 25.6 M, 97.5 MiB; JSON and CSV stay exact.")
    ] = False


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Strict:
    """Which strides are mistakes."""

    strict: Annotated[
        bool, Option("Exit 1 where a stride loses real input, or nothing reads a layer.")
    ] = False
    strict_any: Annotated[bool, Option("Exit 1 where a stride leaves any fraction.")] = False

    def allows(self, report: Report) -> bool:
        """Whether a network keeps to it."""
        asked = self.strict or self.strict_any
        return not asked or not any(
            warning.harms or (warning.kind == "stride" and self.strict_any)
            for warning in report.warnings
        )
