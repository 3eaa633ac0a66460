"""`cnncalc pictures`."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from cnncalc.api import analyze
from cnncalc.cli.output import write_file
from cnncalc.errors import printable
from cnncalc.pictures.draw_run import RunSummary, draw_run
from cnncalc.pictures.summary import page
from cnncalc.render.write import write
from cnncalc.training.settings import Device


def run(
    folder: Annotated[
        Path, typer.Argument(metavar="RUN", help="The folder of a run of cnncalc train.")
    ],
    sample: Annotated[
        list[int] | None,
        typer.Option(
            metavar="N", help="Draw the maps of this test sample, from 0; may be repeated."
        ),
    ] = None,
    layer: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Draw what excites this layer; may be repeated."),
    ] = None,
    device: Annotated[Device, typer.Option(help="auto takes a GPU where there is one.")] = "auto",
) -> None:
    """Draw what a run has learnt: curves, filters, maps, patches, mistakes; and its summary."""
    story = draw_and_summarise(
        folder,
        lambda path: print(printable(str(path)), flush=True),
        samples=sample or [],
        layers=layer or [],
        device=device,
    )
    for line in story.left_out:
        print(f"left out: {printable(line)}", file=sys.stderr)


def draw_and_summarise(
    folder: Path,
    written: Callable[[Path], None],
    *,
    samples: Sequence[int] = (),
    layers: Sequence[str] = (),
    device: str = "auto",
) -> RunSummary:
    """Draw all pictures of a run, write README.md and index.html beside them, tell `written`."""
    story = draw_run(folder, written, samples=samples, layers=layers, device=device)
    summary = page(story, analyze(story.run.graph))
    from cnncalc.render.html import document

    for name, text in (
        ("README.md", write(summary, "markdown")),
        ("index.html", document(summary)),
    ):
        write_file(folder / name, text)
        written(folder / name)
    return story
