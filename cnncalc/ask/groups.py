"""Options that requests share, in groups, and what is made of them.

A group is a part of a request and never made by itself: it needs no methods of a dataclass.
"""

from dataclasses import dataclass
from typing import Annotated

from cnncalc.ask import known, parse
from cnncalc.ask.analyze import analyzed
from cnncalc.ask.known import Words
from cnncalc.ask.option import DtypeOption, Option, SetOption, SpecArgument
from cnncalc.ask.request import Found, Request
from cnncalc.graph import Graph
from cnncalc.layers.base import Shape
from cnncalc.report import Report


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Changed:
    """Specs with other variables, on another input."""

    set: SetOption = ()
    input: Annotated[
        str | Shape | None,
        Option("Another input: 256x256, or 256x256x3 with channels.", metavar="SIZES"),
    ] = None


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class OfNetwork(Changed, Request[Found]):
    """What is asked of one network."""

    spec: SpecArgument = "lenet5"

    def graph(self) -> Graph:
        return parse.network(self.spec, self.set, self.input, self.base)


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


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Rounded:
    """How exact what people read is."""

    units: Annotated[
        bool, Option("Round, with units: 25.6 M, 97.5 MiB; JSON and CSV stay exact.")
    ] = False


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Strict:
    """Which strides are mistakes."""

    strict: Annotated[bool, Option("Exit 1 where a stride loses real input.")] = False
    strict_any: Annotated[bool, Option("Exit 1 where a stride leaves any fraction.")] = False

    def allows(self, report: Report) -> bool:
        """Whether a network keeps to it."""
        asked = self.strict or self.strict_any
        return not asked or not any(
            warning.kind == "stride" and (self.strict_any or warning.harms)
            for warning in report.warnings
        )
