"""`cnncalc compare-fc`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnncalc.api import compare_fc
from cnncalc.cli.output import (
    BatchOption,
    DtypeOption,
    Format,
    FormatOption,
    InputOption,
    LayoutOption,
    OutputOption,
    SetOption,
    parse_input,
    parse_settings,
    write_page,
    write_text,
)
from cnncalc.cli.spec_argument import SpecArgument
from cnncalc.errors import UsageError, printable, shown
from cnncalc.training.run_folder import requested_spec
from cnncalc.training.settings import Device, Optimizer, Schedule, Settings, option

if TYPE_CHECKING:
    from cnncalc.findings.contest import Contest


def run(
    spec: SpecArgument = "lenet5",
    layers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="LAYER", help="Convolutions, or blocks of them, to work out; else all."
        ),
    ] = None,
    hidden: Annotated[
        str | None,
        typer.Option(
            metavar="SIZES", help="Compare with a dense network of these hidden layers: 600,300."
        ),
    ] = None,
    format: FormatOption = "text",
    set: SetOption = None,
    layout: LayoutOption = "hwc",
    input: InputOption = None,
    batch: BatchOption = 1,
    dtype: DtypeOption = "float32",
    output: OutputOption = None,
    train: Annotated[
        bool,
        typer.Option(
            "--train",
            help="Train it and a dense network alike; test both, also on shifted images.",
        ),
    ] = False,
    data: Annotated[
        str | None,
        typer.Option(help="With --train: the data, as cnncalc train has it; digits by default."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="With --train: where the files of the data lie.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="With --train: 25 by default.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="With --train: 64 by default.")] = None,
    optimizer: Annotated[
        Optimizer | None, typer.Option(help="With --train: adam by default.")
    ] = None,
    lr: Annotated[float | None, typer.Option(help="With --train: the learning rate.")] = None,
    schedule: Annotated[
        Schedule | None, typer.Option(help="With --train: how the rate falls; cosine by default.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="With --train: 0 by default.")] = None,
    device: Annotated[Device | None, typer.Option(help="With --train: auto by default.")] = None,
    limit_train: Annotated[
        int | None, typer.Option(help="With --train: train on this many samples.")
    ] = None,
    limit_test: Annotated[
        int | None, typer.Option(help="With --train: test on this many samples.")
    ] = None,
    runs: Annotated[
        Path | None,
        typer.Option(help="With --train: keep both runs in this folder; else nowhere."),
    ] = None,
) -> None:
    """What convolutions save against fully connected layers: sparse connections × sharing."""
    asked = requested_spec(spec, parse_settings(set or []))
    graph = asked.graph()
    if input is not None:
        asked = asked._replace(input=parse_input(input, graph))
        graph = asked.graph()
    options: dict[str, Any] = {
        "data": data,
        "folder": folder,
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer": optimizer,
        "lr": lr,
        "schedule": schedule,
        "seed": seed,
        "device": device,
        "limit_train": limit_train,
        "limit_test": limit_test,
    }
    given = {name: value for name, value in options.items() if value is not None}
    if train:
        # Not at the top: nobody else needs what trains.
        from cnncalc.cli.contest import train_both

        _refuse(layers, batch, dtype, output)
        compared = compare_fc(graph, hidden=_sizes(hidden))
        _write(train_both(asked, compared, Settings(**given), runs), format, output)
        return
    if given or runs is not None:
        raise UsageError(f"{option(next(iter(given), 'runs'))} is for --train")
    found = compare_fc(graph, *layers or (), hidden=_sizes(hidden), batch=batch, dtype=dtype)
    if format == "json":
        write_text(json.dumps(found.to_dict(), ensure_ascii=False, indent=1) + "\n", output)
        return
    from cnncalc.findings.compare_fc_page import comma_separated, page

    if format == "csv":
        if hidden:
            raise UsageError("--format csv lists convolutions only; --hidden needs another format")
        write_text(comma_separated(found, layout), output)
        return
    networks = not layers or hidden is not None
    write_page(page(found, bool(layers), networks, layout), format, output)


def _refuse(layers: list[str] | None, batch: int, dtype: str, output: Path | None) -> None:
    """Raises UsageError for what means nothing to --train, or would be found wrong at its end."""
    if layers:
        raise UsageError(f"--train compares whole networks: leave out {shown(layers[0])}")
    if batch != 1:
        raise UsageError("--train takes --batch-size: --batch is for counts")
    if dtype != "float32":
        raise UsageError(f"--train trains in float32, not {shown(dtype)}")
    if output is not None and not output.resolve().parent.is_dir():
        raise UsageError(f"{printable(str(output))}: there is no such folder")


def _write(found: Contest, format: Format, output: Path | None) -> None:
    """Print what came of both networks, or write it to a file."""
    from cnncalc.findings.contest_page import comma_separated, page, verdict

    if format == "json":
        whole = {**found.to_dict(), "verdict": verdict(found)}
        write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", output)
    elif format == "csv":
        write_text(comma_separated(found), output)
    else:
        write_page(page(found), format, output)


def _sizes(hidden: str | None) -> list[int]:
    """The sizes that `--hidden` names."""
    if hidden is None:
        return []
    parts = [part.strip() for part in hidden.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) <= 40 for part in parts):
        raise UsageError(f"--hidden takes sizes like 600,300, not {shown(hidden)}")
    return list(map(int, parts))
