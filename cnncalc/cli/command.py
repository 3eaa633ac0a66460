"""A command that typer knows, made of the request that it answers."""

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cnncalc.ask.known import Words
from cnncalc.ask.option import Given
from cnncalc.ask.request import Request, given_fields, request_with

_KEYWORD = inspect.Parameter.KEYWORD_ONLY
_PICTURE = "Write to this file, in the format that its ending says; a picture if it ends in .png."
_OUTPUT = "Write to this file, in the format that its ending says."

Run = Callable[[Request[Any], Path | None], None]
"""What is done with a request, and the file that its answer goes to."""


def command(kind: type[Request[Any]], run: Run) -> Callable[..., None]:
    """A function with an option for each field of a request, from which typer makes a command."""
    fields = {given.name: given for given in given_fields(kind)}

    # What standard input stands for where it is left out.
    piped = next((given for given in fields.values() if given.option.piped), None)

    def called(**values: Any) -> None:
        context = values.pop("context")
        output = values.pop("output", None) if kind.writes else None
        # As for what is read.
        output = None if output == Path("-") else output
        if piped and not piped.required and not values.get("all"):
            source = context.get_parameter_source(piped.name)
            # Of the command line or its defaults: their enumeration is typer's own.
            if source is None or source.name == "DEFAULT":
                from cnncalc.cli.piped import is_given

                if is_given():
                    values[piped.name] = ["-"] if piped.option.repeated else "-"
        given = {k: v for k, v in values.items() if v is not None or fields[k].default is None}
        run(request_with(kind, given), output)

    called.__doc__ = kind.__doc__
    context = inspect.Parameter("context", _KEYWORD, annotation=typer.Context)
    parameters = [context, *_parameters(kind)]
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {p.name: p.annotation for p in parameters}
    return called


def _parameters(kind: type[Request[Any]]) -> Iterator[inspect.Parameter]:
    for given in given_fields(kind):
        kinds: Any = Annotated[_type(given), _option(given)]
        default = inspect.Parameter.empty if given.required else given.default
        default = None if given.option.repeated else default
        yield inspect.Parameter(given.name, _KEYWORD, default=default, annotation=kinds)
    if kind.writes:
        help = _PICTURE if "png" in kind.endings.values() else _OUTPUT
        kinds = Annotated[Path | None, typer.Option("--output", "-o", help=help)]
        yield inspect.Parameter("output", _KEYWORD, default=None, annotation=kinds)


def _type(given: Given) -> Any:
    """The type that typer converts to."""
    option = given.option
    if option.repeated:
        return list[given.type] | None  # type: ignore[name-defined]
    single = Literal[(*option.choices, *option.also)] if option.choices else given.type
    return single | None if given.default is None else single


def _completing(words: Words) -> Callable[[typer.Context, str], list[str]]:
    """What typer calls for the words that begin as what is typed."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        return words.completed(incomplete, {**ctx.params, **_places(ctx)})

    return complete


def _places(ctx: Any) -> dict[str, Any]:
    """What fills the arguments, where the last option has no value yet: that stops the parser."""
    left, found = list(ctx.args), dict[str, Any]()
    for param in ctx.command.params:
        if param.param_type_name == "argument" and left:
            found[param.name] = left if param.nargs < 0 else left.pop(0)
    return found


def _option(given: Given) -> Any:
    option = given.option
    shared: dict[str, Any] = {"help": option.help, "metavar": option.metavar}
    if option.words is not None:
        shared["autocompletion"] = _completing(option.words)
    if option.positional:
        return typer.Argument(**shared)
    if option.least is not None:
        shared["min"] = option.least
    flag = f"--{given.name.replace('_', '-')}"
    # A flag that is off has no opposite; one that is on has.
    names = option.flags or (() if given.type is bool and given.default else (flag,))
    return typer.Option(*names, **shared)
