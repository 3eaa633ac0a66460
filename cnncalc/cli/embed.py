"""`cnncalc embed`."""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from cnncalc.ask.budget_table import is_file, parse_toml
from cnncalc.errors import CnncalcError, SpecError, UsageError, refuse, shown
from cnncalc.files import remove_leftovers
from cnncalc.publish.document import find, label, read, replace
from cnncalc.publish.embed import Plan, Written, changed_numbers, difference, plan
from cnncalc.publish.style import Style
from cnncalc.publish.written import write_region
from cnncalc.render.annotation import annotation

HOW = 'name documents or folders, or list them in pyproject.toml: [tool.cnncalc] embed = ["docs"]'
"""What to do where there is no document."""


def run(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE|FOLDER]...",
            help="Documents, or folders of them; else those that pyproject.toml lists.",
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 where a document is stale.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Write nothing; print what would change.")
    ] = False,
    stdout: Annotated[
        bool, typer.Option("--stdout", help="Write nothing; print the one document as it would be.")
    ] = False,
    format: Annotated[
        Literal["text", "github"],
        typer.Option("--format", "-f", help="With --check: github annotates lines of documents."),
    ] = "text",
) -> None:
    """Write the tables and numbers of documents anew, between their cnncalc:begin and cnncalc:end.

    --check says which are stale, and what changed.
    """
    refuse(
        (stdout and (check or diff), "--stdout prints the document; leave out --check and --diff"),
        (format == "github" and not check, "--format github is for --check"),
    )
    known: dict[tuple[object, ...], Written] = {}

    def write(words: Sequence[str], style: Style, folder: Path) -> Written:
        key = (*words, style, folder)
        if key not in known:
            known[key] = write_region(words, style, folder)
        return known[key]

    documents = find(paths or _listed())
    if stdout and len(documents) != 1:
        raise UsageError(f"--stdout prints one document, not {len(documents)}")
    plans = [plan(read(path), write) for path in documents]
    _fail_on_problems(plans, format)
    if stdout:
        _print_bytes(plans[0].document.encoded(plans[0].text))
        return
    stale = [planned for planned in plans if planned.changes]
    if diff:
        sys.stdout.write("".join(map(difference, stale)))
    if check:
        _report_stale(plans, stale, format)
    elif not diff:
        _replace(plans)


def _listed() -> list[Path]:
    """The documents that the nearest pyproject.toml lists. Raises UsageError."""
    for folder in (Path.cwd(), *Path.cwd().parents):
        path = folder / "pyproject.toml"
        if not is_file(path):
            continue
        table = parse_toml(path, label(path)).get("tool", {})
        table = table.get("cnncalc", {}) if isinstance(table, dict) else {}
        if not isinstance(table, dict) or "embed" not in table:
            continue
        listed = table["embed"]
        if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
            raise UsageError(
                f"{label(path)}: tool.cnncalc.embed: must be a list of files and folders such as "
                f'["README.md", "docs"], not {shown(listed)}'
            )
        return [Path(os.path.relpath(folder / name)) for name in listed]
    raise UsageError(f"nothing to embed: {HOW}")


def _fail_on_problems(plans: Sequence[Plan], format: str) -> None:
    """Raise where any document is wrong: then none is touched."""
    found = [(planned.document.label, problem) for planned in plans for problem in planned.problems]
    if format == "github":
        for file, problem in found:
            typer.echo(annotation(file, problem.line, "cnncalc embed", problem.message))
    if found:
        raise SpecError([f"{file}:{p.line}: {p.message}" for file, p in found])


def _report_stale(plans: Sequence[Plan], stale: Sequence[Plan], format: str) -> None:
    """Say what is stale; exit 1 where anything is."""
    for planned in stale:
        file = planned.document.label
        for change in planned.changes:
            lines = list(changed_numbers(change, planned.document.style))
            said = f"stale: {change.region.title}"
            if format == "github":
                message = "\n".join([said, *lines, f"run {_command([planned])}"])
                typer.echo(annotation(file, change.region.line, "cnncalc embed", message))
            else:
                typer.echo(f"{file}:{change.region.line}: {said}")
                for line in lines:
                    typer.echo(f"  {line}")
    count = sum(planned.regions for planned in plans)
    if not stale:
        typer.echo(f"{_counted(count, 'region')} in {_counted(len(plans), 'document')}: current")
        return
    changed = sum(len(planned.changes) for planned in stale)
    typer.echo(f"{changed:,} of {_counted(count, 'region')} stale; run {_command(stale)}")
    raise typer.Exit(1)


def _command(plans: Sequence[Plan]) -> str:
    """The command that writes documents anew."""
    return shlex.join(["cnncalc", "embed", *(planned.document.label for planned in plans)])


def _replace(plans: Sequence[Plan]) -> None:
    """Write the documents that are stale. Raises CnncalcError after all others are written."""
    errors = []
    for planned in plans:
        document, count = planned.document, len(planned.changes)
        if planned.regions:
            remove_leftovers(document.path.resolve())
        try:
            if count:
                replace(document, document.encoded(planned.text))
        except CnncalcError as error:
            errors.append(str(error))
            continue
        if planned.regions:
            said = f"{count:,} updated" if count else "current"
            typer.echo(f"{document.label}: {_counted(planned.regions, 'region')}, {said}")
    if not sum(planned.regions for planned in plans):
        typer.echo(f"no regions in {_counted(len(plans), 'document')}")
    if errors:
        raise CnncalcError(*errors)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _print_bytes(content: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
