"""The table as an exercise: blanks, whether an answer is right, and why it is what it is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any, NamedTuple

from cnncalc.amounts import Layout
from cnncalc.errors import UsageError, shown, suggestion
from cnncalc.findings.explain import Explanation, explanations
from cnncalc.findings.explain_page import working
from cnncalc.findings.expression import MAX_TERMS
from cnncalc.graph import Graph
from cnncalc.infer import infer
from cnncalc.page import Grid, Heading, Page, Prose
from cnncalc.report import Report, with_fused
from cnncalc.tables.table import tabulate

ASKED = ("output", "activations", "params", "macs")
"""The columns whose cells may be blank."""
BLANK = "____"
SHARE = 2
"""One of so many cells is blank."""
_ORDERS = {"hwc": "height × width × channels", "chw": "channels × height × width"}


class Question(NamedTuple):
    """A blank: its row, its column, and what belongs there."""

    row: str
    """A layer's name, a part's label or `total`."""
    column: str
    title: str
    answer: str
    of: str
    """The row as a sentence calls it."""


class Checked(NamedTuple):
    """Whether an answer is right; if not, what was mistaken for what, where that can be told."""

    right: bool
    remark: str = ""


@dataclass(frozen=True)
class Quiz:
    """A network whose table has blanks; the same ones for the same seed."""

    graph: Graph
    report: Report
    seed: int = 0
    layout: Layout = "hwc"
    layers: Sequence[str] = ()
    """Layers and blocks whose cells may be blank; all where none is named."""

    @cached_property
    def _drawn(self) -> tuple[Grid, list[Question]]:
        """The table with its blanks, and what belongs there. Raises UsageError."""
        table = tabulate(self.report, ("name", "layer", *ASKED), layout=self.layout)
        random, grid = Random(self.seed), table.grid()
        rows = list(map(list, grid.rows))
        self._check_layers([cells[0] for cells in rows if cells[0]])
        questions: list[Question] = []
        for row, cells in zip(table.rows, rows, strict=True):
            for index, column in enumerate(table.columns):
                # Drawn for every cell, so that the blanks do not depend on what is in them.
                drawn = random.randrange(SHARE) == 0
                asked = row.kind != "input" and column.key in ASKED and cells[index]
                if asked and drawn and self._wants(cells[0]):
                    name, of = (cells[0],) * 2 if cells[0] else (cells[1], f"the {cells[1]}")
                    blank = Question(name, column.key, column.title, cells[index], of)
                    questions.append(blank)
                    cells[index] = f"{BLANK}({len(questions)})"
        return grid._replace(rows=rows), questions

    def _wants(self, name: str) -> bool:
        return not self.layers or any(f"{name}.".startswith(f"{one}.") for one in self.layers)

    def _check_layers(self, names: Sequence[str]) -> None:
        for wanted in self.layers:
            if not any(f"{name}.".startswith(f"{wanted}.") for name in names):
                hint = suggestion(wanted, names) or "; `cnncalc table` lists them"
                raise UsageError(f"no such layer: {shown(wanted)}{hint}")

    @property
    def questions(self) -> list[Question]:
        """The blanks in their order."""
        return self._drawn[1]

    @property
    def _title(self) -> str:
        return self.report.asked.titled(self.report.name, self.layout)

    def page(self) -> Page:
        """The table with its blanks."""
        many = len(self.questions)
        asked_for = f"Fill in the {many} blanks; --answers --seed {self.seed} prints the key."
        return [Heading(self._title, 1), self._drawn[0], Prose(asked_for)]

    def key(self) -> Page:
        """What belongs into the blanks."""
        rows = [
            [str(number), asked.row, asked.title, asked.answer]
            for number, asked in enumerate(self.questions, 1)
        ]
        title = f"{self._title}: answers, seed {self.seed}"
        return [Heading(title, 1), Grid(["blank", "layer", "column", "answer"], rows, right=[0, 3])]

    def check(self, question: Question, text: str) -> Checked | None:
        """Whether `text` is the answer; None where it is no number, or no shape, at all."""
        wanted = [int(size) for size in re.findall(r"\d+", question.answer.replace(",", ""))]
        given = _numbers(text, len(wanted) > 1)
        if given is None or given == wanted:
            return None if given is None else Checked(True)
        if question.column == "output":
            turned = len(given) > 1 and sorted(given) == sorted(wanted)
            order = _ORDERS[self.layout] if len(wanted) == 3 else "another order"
            return Checked(False, f"the sizes are right, and stand as {order}" if turned else "")
        return Checked(False, self._mistaken(question, given[0]))

    def _mistaken(self, question: Question, given: int) -> str:
        """What else a number is."""
        others = {
            "macs": {"flops": "FLOPs; a MAC is two of them"},
            "params": {"weights": "the weights without biases"},
        }.get(question.column, {})
        for column, said in others.items():
            if given and given == self._value(question, column):
                return f"those are {said}" if column == "flops" else f"that is {said}"
        return ""

    def _value(self, question: Question, column: str) -> int:
        """A column in the row that is asked for."""
        names = self.report.column("name")
        if question.row in names:
            return sum(self.report.column(column)[i] or 0 for i in self._row(question.row))
        part = question.row.removesuffix(" part")
        return self.report.total(column, None if question.row == "total" else part)

    def _row(self, name: str) -> Sequence[int]:
        """A layer and the activation that is fused into it."""
        index = self.report.column("name").index(name)
        return next(group for group in self.report.groups() if index in group)

    # Why

    def explain(self, question: Question) -> list[str]:
        """How the answer comes about, in lines: its formulas with numbers, or why it has none."""
        if question.row not in self.report.column("name"):
            return [self._summed(question)]
        group = next(g for g in self._explained if g[0].name == question.row)
        lines = [line for one in group for line in one.lines]
        if question.column == "output":
            sizes = [line for line in lines if not isinstance(line.what, str) and _is_size(line)]
            channels, *spatial = group[-1].output
            whole = [f"with {channels:,} channels that is {question.answer}"] * bool(spatial)
            return [*map(working, sizes), *whole] if sizes else [self._plain(question, group)]
        what = "MACs" if question.column == "macs" else question.column
        found = [working(line) for line in lines if line.what == what]
        return found or [self._plain(question, group)]

    @cached_property
    def _explained(self) -> list[list[Explanation]]:
        explained = explanations(self.graph, infer(self.graph), 32)
        return with_fused(explained, lambda one: one.fused)

    def _plain(self, question: Question, group: list[Explanation]) -> str:
        """Why a cell is what it is where no formula gives it."""
        node = next(node for node in self.graph.nodes if node.name == question.row)
        first, layer = group[0], node.layer.type
        match question.column:
            case "output" if first.output in first.inputs:
                return f"{layer} keeps the shape of what it reads: {question.answer}"
            case "output":
                return f"{layer} gives as many as it says: {question.answer}"
            case "params" if not node.weights_of:
                return f"{layer} has nothing to train: 0"
            case "macs":
                return f"{layer} is no convolution and no matrix product: 0"
            case "activations":
                return f"the values of its output, in parentheses: {first.remark}"
        return first.remark

    def _summed(self, question: Question) -> str:
        """The sum of a part, or of all layers."""
        key = "new_activations" if question.column == "activations" else question.column
        values, parts = self.report.column(key), self.report.column("part")
        part = question.row.removesuffix(" part")
        resting = () if question.column == "params" else ("auxiliary",)
        summands = [
            (name, value)
            for name, value, its in zip(self.report.column("name"), values, parts, strict=True)
            if value and (its == part or (part == "total" and its not in resting))
        ]
        if len(summands) > MAX_TERMS:
            return f"the sum of {len(summands)} layers: {question.answer}"
        names, numbers = (
            " + ".join(n for n, _ in summands),
            " + ".join(f"{v:,}" for _, v in summands),
        )
        return " = ".join(filter(None, dict.fromkeys((names, numbers, question.answer))))


def _is_size(line: Any) -> bool:
    """Whether a line gives a size of the output, and not what it sees."""
    return all(name.letter not in "RJ" for name in line.what)


def _numbers(text: str, several: bool) -> list[int] | None:
    """The numbers that an answer is, sizes of a shape where it is one. None where it is neither.

    `1,176`, `1176`, `1_176` and `(1,176)` are one number, `14x14x6` and `14, 14, 6` several.
    """
    plain = text.strip().strip("()[]").lower()
    if several or re.search("[×x*]", plain):
        parts = [part for part in re.split(r"[×x*,\s]+", plain) if part]
    else:
        parts = [re.sub(r"[,_'’\s]", "", plain)]
    if not parts or not all(re.fullmatch(r"\d{1,40}", part, re.ASCII) for part in parts):
        return None
    return list(map(int, parts))
