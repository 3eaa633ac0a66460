"""What convolutions save against fully connected layers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from cnncalc.ask import known, parse
from cnncalc.ask.groups import Counted, OfNetwork, Rounded
from cnncalc.ask.input_shape import input_shape
from cnncalc.ask.option import DataFormatOption, LayoutOption, Option
from cnncalc.ask.request import Answer, as_json
from cnncalc.ask.training_options import training_options
from cnncalc.columns import size_in_bytes
from cnncalc.errors import UsageError, refuse, shown
from cnncalc.findings.compare_fc import FcComparison, compare_convolutions
from cnncalc.findings.contest import Contest
from cnncalc.findings.dense_twin import Cost, dense_networks
from cnncalc.infer import infer
from cnncalc.layers.base import Ids
from cnncalc.layers.fields import MAX_INT, is_whole
from cnncalc.report import Report
from cnncalc.training.settings import Settings, option


@dataclass(frozen=True, kw_only=True)
class CompareFc(Rounded, Counted, OfNetwork[FcComparison | Contest]):
    """What convolutions save against fully connected layers: sparse connections × sharing."""

    layers: Annotated[
        Sequence[str],
        Option(
            "Convolutions, or blocks of them, to work out; else all.",
            metavar="[LAYER]...",
            words=known.CONVOLUTIONS,
            positional=True,
            repeated=True,
        ),
    ] = ()
    hidden: Annotated[
        str | Sequence[int] | None,
        Option("Compare with a dense network of these hidden layers: 600,300.", metavar="SIZES"),
    ] = None
    format: DataFormatOption = "text"
    layout: LayoutOption = "hwc"
    train: Annotated[
        bool,
        Option(
            "Train it and a dense network alike; test both, also on shifted images.", region=False
        ),
    ] = False
    training: Annotated[
        Mapping[str, Any],
        training_options(
            {
                "data": "With --train: the data, as cnncalc train has it; digits by default.",
                "folder": "With --train: where the files of the data lie.",
                "epochs": "With --train: 25 by default.",
                "batch_size": "With --train: 64 by default.",
                "optimizer": "With --train: adam by default.",
                "lr": "With --train: the learning rate.",
                "schedule": "With --train: how the rate falls; cosine by default.",
                "seed": "With --train: 0 by default.",
                "device": "With --train: auto by default.",
                "limit_train": "With --train: train on this many samples.",
                "limit_test": "With --train: test on this many samples.",
            },
            usual={},
        ),
    ] = field(default_factory=dict)
    """How both networks are trained."""
    seeds: Annotated[
        int | None,
        Option("With --train: train with N seeds, from --seed on.", metavar="N", region=False),
    ] = None
    runs: Annotated[
        str | Path | None,
        Option(
            "With --train: keep the runs in this folder; else nowhere.",
            metavar="<path>",
            region=False,
        ),
    ] = None
    resume: Annotated[
        bool, Option("With --train: go on with the runs in that folder.", region=False)
    ] = False
    observer: Any = None
    """A `ContestObserver`, which is told how far the training is."""

    def find(self) -> FcComparison | Contest:
        if self.train:
            return self._contest(Settings(**self.training))
        own = {"seeds": self.seeds, "runs": self.runs, "resume": self.resume or None}
        given = [*self.training, *(name for name, value in own.items() if value is not None)]
        if given:
            raise UsageError(f"{option(given[0])} is for --train")
        return self._compared(self.layers)

    def _contest(self, settings: Settings) -> Contest:
        """The network and a dense one, trained alike. Raises CnncalcError."""
        from cnncalc.training.against_dense import ContestObserver, train_against_dense
        from cnncalc.training.run_folder import requested_spec

        if self.layers:
            raise UsageError(f"--train compares whole networks: leave out {shown(self.layers[0])}")
        if self.batch != 1:
            raise UsageError("--train takes --batch-size: --batch is for counts")
        if self.dtype != "float32":
            raise UsageError(f"--train trains in float32, not {shown(self.dtype)}")
        refuse(
            (
                self.resume and self.runs is None,
                "--resume: name the folder of the runs with --runs",
            ),
            (self.runs == "", '--runs: "" names no folder; a variable that is not set gives it'),
        )
        requested = requested_spec(self.spec, parse.variables(self.set))
        if self.input is not None:
            requested = requested._replace(input=input_shape(self.input, requested.graph()))
        return train_against_dense(
            requested,
            _cost(self.report(requested.graph())),
            self._hidden(),
            settings,
            self.observer or ContestObserver(),
            seeds=1 if self.seeds is None else self.seeds,
            runs=None if self.runs is None else Path(self.runs),
            resume=self.resume,
        )

    def _hidden(self) -> tuple[int, ...]:
        """The sizes of the hidden layers that are given. Raises UsageError."""
        hidden = self.hidden
        sizes = parse.sizes(hidden) if isinstance(hidden, str | None) else hidden
        for units in sizes:
            if not is_whole(units, 1):
                raise UsageError(
                    f"hidden: sizes must be whole numbers from 1 to {MAX_INT:,}, not {shown(units)}"
                )
        return tuple(sizes)

    def _compared(self, layers: Sequence[str]) -> FcComparison:
        sizes = self._hidden()
        (graph, layers), batch = self.graph_and_names(layers), self.batch
        report, facts = self.report(graph), infer(graph)

        def size(values: int) -> int:
            return size_in_bytes(values, self.dtype)

        compared, total = compare_convolutions(graph, facts, layers, batch, size)
        network = _cost(report)
        ids = any(isinstance(shape, Ids) for shape in graph.inputs.values())
        if ids and sizes:
            raise UsageError(f"hidden: {graph.name} reads ids of tokens; dense layers read values")
        dense = dense_networks(graph, facts, network.params, sizes, batch, size)
        return FcComparison(
            graph.name, batch, self.dtype, compared, total, network, dense, report.asked, ids
        )

    def answer(self, found: FcComparison | Contest) -> Answer:
        if isinstance(found, Contest):
            return self._of_contest(found)
        if self.format == "json":
            return Answer(as_json(found.to_dict()))
        from cnncalc.findings.compare_fc_page import comma_separated, page

        if self.format == "csv":
            if self.hidden:
                raise UsageError(
                    "--format csv lists convolutions only; --hidden needs another format"
                )
            return Answer(
                comma_separated(found, self.layout), notes=tuple(found.asked.note(self.layout))
            )
        networks = not self.layers or self.hidden is not None
        written = page(found, bool(self.layers), networks, self.layout, self.units)
        return Answer(written, self.format, notes=self.notes())

    def _of_contest(self, found: Contest) -> Answer:
        from cnncalc.findings import contest_page as pages

        if self.format == "json":
            return Answer(as_json(pages.data(found)))
        if self.format == "csv":
            return Answer(pages.comma_separated(found))
        return Answer(pages.page(found), self.format)


def _cost(report: Report) -> Cost:
    """Of a network, all its layers."""
    return Cost(*map(report.total, ("weights", "biases", "macs", "params_bytes")))
