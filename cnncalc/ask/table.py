"""The table of a network, of several side by side, or of one layer without a file."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from cnncalc.ask import known, parse
from cnncalc.ask.groups import Changed, CountedAs, Rounded, Strict
from cnncalc.ask.one_layer import USUAL, Fields, Sizes, one_layer, order_notices
from cnncalc.ask.option import (
    DataFormatOption,
    LayoutOption,
    Option,
    SpecsArgument,
)
from cnncalc.ask.request import Answer, Request
from cnncalc.asked import asked_notes
from cnncalc.errors import refuse, shown
from cnncalc.infer import Unfit
from cnncalc.meanings import DEFAULT_COLUMNS
from cnncalc.report import Report
from cnncalc.tables.depth import MAX_ROWS, fitting_depth
from cnncalc.tables.table import notices, page, tabulate, warning_lines


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class _Reports(Rounded, Request[list[Report]]):
    """What tables of reports have in common."""

    format: DataFormatOption = "text"
    columns: Annotated[
        str | None,
        Option(
            "Columns, separated by commas; a list that starts with + adds to the usual ones "
            "(+connections).",
            words=known.COLUMNS,
        ),
    ] = None
    layout: LayoutOption = "hwc"
    value: Annotated[
        str | None,
        Option(
            "Print one total only: params, macs, layers, …", metavar="COLUMN", words=known.TOTALS
        ),
    ] = None
    caption: Annotated[str, Option("What stands above the table; not in text, CSV and JSON.")] = ""
    label: Annotated[str, Option("What \\ref calls the table, as tab:lenet5.", metavar="NAME")] = ""

    def _check_caption(self) -> None:
        """Refuse what the format would leave out. Raises UsageError."""
        label, format = self.label, self.format
        refuse(
            (
                self.caption and format in ("text", "csv", "json"),
                f"--caption is for --format latex, html, markdown …, not {format}",
            ),
            (
                label and not self.caption,
                "--label needs a --caption, which gives the table its number",
            ),
            (
                label and format == "markdown",
                "--label is for --format latex, html, rst and asciidoc, not markdown",
            ),
            (
                label and not re.fullmatch(r"[A-Za-z][\w:.-]{0,99}", label, re.ASCII),
                f"--label must be letters, digits and :._- such as tab:lenet5, not {shown(label)}",
            ),
        )

    def _total(self, reports: Sequence[Report], key: str, ok: bool) -> Answer:
        """One number of each, alone; what else is to be said stands beside it."""
        totals = [r.layers if key == "layers" else r.total(key) for r in reports]
        return Answer("".join(f"{total}\n" for total in totals), notes=_said(reports), ok=ok)

    def _keys(self, usual: tuple[str, ...], extra: tuple[str, ...]) -> tuple[str, ...]:
        """The columns that are chosen, or added to the usual ones; and those of other options."""
        return tuple(dict.fromkeys((*parse.columns(self.columns, usual), *extra)))

    def _usual(self, keys: tuple[str, ...]) -> list[str]:
        """Those of the columns that nobody asked for: they may go where there is no room."""
        if self.columns is not None and not self.columns.startswith("+"):
            return []
        named = parse.columns(self.columns, ())
        return [key for key in keys if key not in named]

    def _written(self, report: Report, extra: tuple[str, ...], ok: bool) -> Answer:
        """One report, with `extra` columns beside those chosen."""
        format, layout = self.format, self.layout
        sort, top, depth = (getattr(self, name, None) for name in ("sort", "top", "depth"))
        keys, levels = self._keys(DEFAULT_COLUMNS, extra), parse.depth(depth)
        if format == "json":
            from cnncalc.tables.json import json

            # All layers in their order: what scripts read is not cut to what people look at.
            return Answer(json(report, self._keys((), extra)), ok=ok)
        if format == "csv":
            from cnncalc.tables.csv import CSV_COLUMNS, csv

            keys = self._keys(CSV_COLUMNS, extra)
            table = tabulate(report, keys, sort=sort, top=top, layout=layout, depth=levels)
            notes = (*report.asked.note(layout), *warning_lines(table))
            return Answer(csv(table), notes=notes, ok=ok)
        if depth is None and sort is None and top is None:
            levels, top = fitting_depth(report), MAX_ROWS
        table = tabulate(
            report, keys, sort=sort, top=top, layout=layout, depth=levels, rounded=self.units
        )
        if format == "text":
            from cnncalc.tables import text

            # A file holds all of it, also where COLUMNS says how wide a terminal is.
            droppable = self._usual(text.DROPPED)
            return Answer(lambda width: text.render(table, width, droppable), ok=ok)
        return Answer(page(table, self.caption, self.label), format, ok=ok)


@dataclass(frozen=True, kw_only=True)
class Table(Strict, CountedAs, Changed, _Reports):
    """Shapes, activations, parameters, MACs, FLOPs of every layer; several specs side by side."""

    specs: SpecsArgument = ()
    sort: Annotated[
        str | None,
        Option("Largest values of a column first.", metavar="COLUMN", words=known.NUMBERS),
    ] = None
    top: Annotated[
        int | None,
        Option("Show the first N rows only: layers, or networks.", metavar="N", least=1),
    ] = None
    depth: Annotated[
        str | None,
        Option("Collapse blocks below N names; all shows every layer.", metavar="N|all"),
    ] = None

    def find(self) -> list[Report]:
        self._check_caption()
        parse.refuse_two_from_standard_input(self.specs)
        variables = parse.variables(self.set)
        found, unfit = list[Report](), list[Unfit]()
        for spec in self.specs or ["lenet5"]:
            try:
                graph = parse.network(spec, variables, self.input, self.base)
                found.append(self.report(graph))
            except Unfit as case:
                unfit.append(case)
        if unfit:
            unfit[0].others = tuple(unfit[1:])
            raise unfit[0]
        return found

    def answer(self, found: list[Report]) -> Answer:
        ok = all(map(self.allows, found))
        # A table of layers has the three totals of Keras below it.
        extra = self.asked_for(totals=len(found) > 1 or self.format == "json")
        if self.value is not None:
            return self._total(found, self.value, ok)
        if len(found) == 1:
            return self._written(found[0], extra, ok)
        from cnncalc.tables import compare

        keys = self._keys(compare.COMPARED, extra)
        networks = list(zip(map(str, self.specs), found, strict=True))
        if self.sort is not None:
            key = self.sort
            networks.sort(key=lambda n: compare.total(n[1], key) or 0, reverse=True)
        left_out = len(networks) - len(networks[: self.top])
        networks = networks[: self.top]
        if self.format == "json":
            return Answer(compare.json(networks, self._keys((), extra)), notes=_said(found), ok=ok)
        if self.format == "csv":
            notes = asked_notes([(name, report.asked) for name, report in networks], self.layout)
            written = compare.comma_separated(networks, keys, self.layout)
            return Answer(written, notes=(*notes, *_said(found)), ok=ok)
        grid = compare.grid(
            networks, keys, self.layout, left_out, self._usual(compare.SPARE), self.units
        )._replace(caption=self.caption, label=self.label)
        return Answer([grid], self.format, notes=_said(found), ok=ok)


@dataclass(frozen=True, kw_only=True)
class OneLayer(Strict, CountedAs, _Reports):
    """The table of one layer, without a file: conv out_channels=96 kernel_size=11 stride=4."""

    layer: Annotated[
        str,
        Option(
            "The layer's word.",
            metavar="LAYER",
            words=known.LAYER_WORDS,
            positional=True,
        ),
    ]
    fields: Annotated[
        Fields,
        Option(
            "Its fields: kernel_size=3, padding=same.",
            metavar="[FIELD=VALUE]...",
            words=known.FIELDS,
            positional=True,
            repeated=True,
        ),
    ] = ()
    input: Annotated[Sizes, Option("Its input: 227x227x3, 16000x1, 400.", metavar="SIZES")] = USUAL

    def find(self) -> list[Report]:
        self._check_caption()
        report = self.report(one_layer(self.layer, self.fields, self.input))
        found, said = report.find_warnings, order_notices(self.input)
        report.find_warnings = lambda: (*said, *found())
        return [report]

    def answer(self, found: list[Report]) -> Answer:
        ok = self.allows(found[0])
        if self.value is not None:
            return self._total(found, self.value, ok)
        return self._written(found[0], self.asked_for(totals=self.format == "json"), ok)


def _said(reports: Sequence[Report]) -> tuple[str, ...]:
    """What is to be said of networks where it has no place in the answer."""
    return tuple(f"{report.name}: {n.line}" for report in reports for n in notices(report))


def _with(keys: tuple[str, ...], extra: tuple[str, ...]) -> tuple[str, ...]:
    return (*keys, *(key for key in extra if key not in keys))
