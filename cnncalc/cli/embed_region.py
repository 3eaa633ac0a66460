"""What stands in a region: what a command prints, with the region's words as its arguments."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import typer

from cnncalc.cli.output import kept_pages, parse_input, parse_settings
from cnncalc.errors import UsageError, shown, suggestion
from cnncalc.page import Page, Prose
from cnncalc.publish.embed import Written
from cnncalc.publish.style import ASCIIDOC, LATEX, PYTHON, RST, Style
from cnncalc.render.markdown import with_dollars
from cnncalc.report import Report

KINDS = {
    "table": "table",
    "explain": "explain",
    "compare-fc": "compare_fc",
    "diff": "diff",
    "reconcile": "reconcile",
    "check": "check",
    "draw": "draw",
}
"""The commands whose pages a region may hold, and their modules."""
_VALUE = "value"
_REFUSED = ("output", "help", "train")
"""Options that no region has. What is trained takes its time, and takes another one every time."""
_USAGE = cast(type[Exception], typer.BadParameter.__base__)
"""What typer raises where it is used wrongly; it names its children only."""
_OPTION = re.compile(r"([a-z][a-z0-9_-]*)=(.*)", re.DOTALL)
_WORD = {"yes": True, "true": True, "no": False, "false": False}


def write_region(words: Sequence[str], style: Style, folder: Path) -> Written:
    """What a region says now; its paths are those seen from `folder`. Raises CnncalcError."""
    kind, arguments = _parted(words)
    with contextlib.chdir(folder):
        if kind == _VALUE:
            return Written(_value(arguments, style), inline=True)
        return Written(_block(kind, arguments, style), inline=False)


def region_page(words: Sequence[str], folder: Path) -> Page:
    """What a region says now, for documents that lay it out themselves; it names no format.

    Raises CnncalcError.
    """
    kind, arguments = _parted(words)
    with contextlib.chdir(folder), kept_pages() as blocks:
        # Any format that is made of a page will do.
        text = _run(kind, [*arguments, "format=rst"])
    # `table value=params` prints one number and no page.
    return blocks or [Prose(text.strip())]


def option_words(kind: str, name: str, value: str) -> list[str]:
    """The words of a region that give an option; several where it may be repeated.

    Nothing as its value switches a flag on. Raises UsageError.
    """
    option = _options(kind).get(name.replace("_", "-"))
    if option is not None and option.is_flag:
        return [f"{name}={value or 'yes'}"]
    if option is None or not option.multiple:
        return [f"{name}={value}"]
    try:
        return [f"{name}={word}" for word in shlex.split(value)]
    except ValueError as error:
        raise UsageError(f"{name}: {str(error).lower()}") from None


def _parted(words: Sequence[str]) -> tuple[str, list[str]]:
    """The kind of a region and its arguments. Raises UsageError."""
    kind, *arguments = words
    kinds = (*KINDS, _VALUE)
    if kind not in kinds:
        hint = suggestion(kind, kinds) or f"; there are {', '.join(kinds)}"
        raise UsageError(f"{shown(kind)}: no such region{hint}")
    for word in arguments:
        if word.startswith("--"):
            name, _, value = word.lstrip("-").partition("=")
            raise UsageError(f"{shown(word)}: options have no dashes here: {name}={value or '…'}")
        if word == "-":
            raise UsageError("-: a region cannot read standard input; name a file")
    return kind, arguments


def _block(kind: str, arguments: Sequence[str], style: Style) -> str:
    given = [
        match[2]
        for word in arguments
        if (match := _OPTION.fullmatch(word)) and match[1] == "format"
    ]
    format = given[-1] if given else style.drawing if kind == "draw" else style.format
    text = _run(kind, [*arguments, *([] if given else [f"format={format}"])])
    if style is PYTHON:
        return "\n".join(f"# {line}".rstrip() for line in text.rstrip("\n").split("\n"))
    if style.dollars and format == "markdown":
        text = with_dollars(text)
    # What the document does not read is shown letter by letter.
    own = format == style.format or format in style.native
    return text if own else style.literal(text, format)


def _run(kind: str, words: Sequence[str]) -> str:
    """What a command prints, in a width and with colours that depend on nobody's terminal."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        columns = os.environ.pop("COLUMNS", None)
        try:
            _command(kind)(_arguments(kind, words))
        except _USAGE as error:
            message = str(getattr(error, "format_message", error.__str__)())
            raise UsageError(message[:1].lower() + message[1:].rstrip(".")) from None
        finally:
            if columns is not None:
                os.environ["COLUMNS"] = columns
    return out.getvalue()


@cache
def _parser(kind: str) -> Any:
    """The command as typer made it."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(kind)(import_module(f"cnncalc.cli.{KINDS[kind]}").run)
    return typer.main.get_command(app)


def _command(kind: str) -> Callable[[list[str]], object]:
    # Exit 1, as of a budget that is broken, is a result like others: the page says so.
    return lambda arguments: _parser(kind).main(arguments, prog_name=kind, standalone_mode=False)


def _options(kind: str) -> dict[str, Any]:
    """The options of a command that a region may have, as typer knows them."""
    return {
        parameter.opts[0].lstrip("-"): parameter
        for parameter in _parser(kind).params
        if parameter.param_type_name == "option" and parameter.name not in _REFUSED
    }


def _arguments(kind: str, words: Sequence[str]) -> list[str]:
    """The words as the command line has them. Raises UsageError."""
    options = _options(kind)
    seen, found, positional = set[str](), list[str](), list[str]()
    for word in words:
        match = _OPTION.fullmatch(word)
        if match is None:
            positional.append(word)
            continue
        key, value = match[1].replace("_", "-"), match[2]
        if key not in options:
            hint = suggestion(key, options) or f"; there are {', '.join(options)}"
            raise UsageError(f"{kind} has no option {shown(key)}{hint}")
        if key in seen and not options[key].multiple:
            raise UsageError(f"{key} is given twice")
        seen.add(key)
        if not options[key].is_flag:
            found.append(f"--{key}={value}")
        elif value not in _WORD:
            raise UsageError(f"{key} is yes or no, not {shown(value)}")
        elif _WORD[value]:
            found.append(f"--{key}")
    return [*found, "--", *positional]


# One number

_ANALYZED = ("batch", "dtype", "count_as", "params_as", "optimizer")
_WRITING = ("layout", "format", "unit", "as")


def _value(words: Sequence[str], style: Style) -> str:
    """One number of a network, or its definition as a name."""
    from cnncalc.publish.value import quantity, written

    options, positional = dict[str, str](), list[str]()
    settings: list[str] = []
    for word in words:
        match = _OPTION.fullmatch(word)
        if match is None:
            positional.append(word)
            continue
        key = match[1].replace("-", "_")
        known = ("set", "input", *_ANALYZED, *_WRITING)
        if key not in known:
            hint = suggestion(key, known) or f"; there are {', '.join(known)}"
            raise UsageError(f"value has no option {shown(key)}{hint}")
        if key == "set":
            settings.append(match[2])
        elif key in options:
            raise UsageError(f"{key} is given twice")
        else:
            options[key] = match[2]
    if len(positional) != 2:
        raise UsageError("value takes a spec and a number, as in value lenet5.json params")
    spec, name = positional
    report = _report(
        spec,
        settings,
        options.get("input"),
        {k: options[k] for k in _ANALYZED if k in options},
    )
    layout, unit = options.get("layout", "hwc"), options.get("unit", "yes")
    if layout not in ("hwc", "chw"):
        raise UsageError(f"layout is hwc or chw, not {shown(layout)}")
    if unit not in _WORD:
        raise UsageError(f"unit is yes or no, not {shown(unit)}")
    found = quantity(report, name)
    text = written(
        found,
        options.get("format", "grouped"),
        name.rpartition(".")[2],
        "chw" if layout == "chw" else "hwc",
        unit=_WORD[unit],
    )
    if "as" not in options:
        return f"# {text}" if style is PYTHON else _escaped(text, style)
    if style is PYTHON and isinstance(found, int) and "format" not in options:
        text = f"{found:_}"
    elif style is PYTHON:
        text = repr(text)
    return _definition(options["as"], text, style)


def _report(
    spec: str, settings: Sequence[str], input: str | None, options: Mapping[str, str]
) -> Report:
    """The report of a spec, with the options of `table`."""
    from cnncalc.api import analyze
    from cnncalc.spec.load import load

    graph = load(spec, **parse_settings(settings))
    if input is not None:
        graph = graph.with_input(parse_input(input, graph))
    asked: dict[str, Any] = dict(options)
    if "batch" in asked:
        batch = asked["batch"]
        if not (batch.isascii() and batch.isdigit() and len(batch) < 20):
            raise UsageError(f"batch must be a whole number, not {shown(batch)}")
        asked["batch"] = int(batch)
    return analyze(graph, **asked)


def _escaped(text: str, style: Style) -> str:
    if style.format == "text":
        return text
    escape: Callable[[str], str] = import_module(f"cnncalc.render.{style.format}").escape
    return escape(text)


_DEFINITIONS = {
    RST.name: (r"[A-Za-z][\w-]*", ".. |{name}| replace:: {text}"),
    ASCIIDOC.name: (r"[A-Za-z][\w-]*", ":{name}: {text}"),
    LATEX.name: (
        r"[A-Za-z]+",
        "\\providecommand{{\\{name}}}{{}}\\renewcommand{{\\{name}}}{{{text}}}",
    ),
    PYTHON.name: (r"[A-Za-z_]\w*", "{name} = {text}"),
}
"""How documents whose comments take whole lines name a number, and what names they allow."""


def _definition(name: str, text: str, style: Style) -> str:
    if style.name not in _DEFINITIONS:
        raise UsageError(
            f"as= is for documents without comments in a line; in {style.name} the region stands "
            "in the sentence"
        )
    allowed, form = _DEFINITIONS[style.name]
    if re.fullmatch(allowed, name, re.ASCII) is None or len(name) > 100:
        raise UsageError(f"as= must be a name that {style.name} allows, not {shown(name)}")
    return form.format(name=name, text=text if style is PYTHON else _escaped(text, style))
