"""The commands, each imported when it is called, and what becomes of an error."""

import os
import re
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from io import UnsupportedOperation
from pathlib import Path
from typing import Any, NoReturn, cast

import typer
from typer.core import TyperCommand, TyperGroup

from cnncalc import __version__
from cnncalc.ask.request import Request
from cnncalc.ask.words import REQUESTS, kind_of
from cnncalc.cli import completion
from cnncalc.cli.command import command
from cnncalc.cli.output import format_for, meant
from cnncalc.cli.output import run as run_request
from cnncalc.errors import CnncalcError, UsageError, printable, shorten, suggestion

COMMANDS = {
    "table": "Shapes, activations, parameters, MACs and FLOPs of every layer.",
    "explain": "The working: every formula with its numbers, layer by layer.",
    "reconcile": "The same network as other tools count it, as sums of named parts.",
    "compare-fc": "What convolutions save against fully connected layers, and why.",
    "diff": "What two networks differ in, layer by layer.",
    "check": "Hold networks against budgets, and say which layers cost most.",
    "embed": "Write the tables and numbers of documents anew, or say which are stale.",
    "verify": "Ask torch whether the numbers are right: meta device, then a real step.",
    "slide": "A convolution or a pooling by hand: each window, its sum, the map, the gradients.",
    "train": "Train a network on real data, with checkpoints that resume bit for bit.",
    "pictures": "What a run has learnt: curves, filters, maps, patches, mistakes; its summary.",
    "export": "The network as a Python module for torch or Keras, which needs no cnncalc.",
    "draw": "Draw a network: its maps and branches, receptive fields, or a column as bars.",
    "layer": "The same for one layer, without a file.",
    "specs": "List the bundled networks.",
    "show": "Print a spec, or the graph it expands to.",
    "init": "Write a commented first spec.",
    "layers": "List the layers of the spec language, or explain one.",
    "schema": "Print the JSON Schema of specs, for editors.",
}
"""Every command and its line in the list; each lives in the module of its name."""


class _Command(TyperCommand):
    """A command that writes `-o net.html` as HTML."""

    request: type[Request[Any]] | None = None

    def get_help(self, ctx: Any) -> str:
        from cnncalc.cli.help import help_of

        return help_of(ctx, self.request)

    def invoke(self, ctx: Any) -> Any:
        output, source = ctx.params.get("output"), ctx.get_parameter_source("format")
        if output is not None and self.request and self.request.writes:
            default = source is None or source.name == "DEFAULT"
            asked = None if default else meant(self.request, ctx.params["format"])
            format = format_for(self.request, Path(output), asked, ctx.info_name)
            if source is not None:
                ctx.params["format"] = format or ctx.params["format"]
        return super().invoke(ctx)


class _Commands(TyperGroup):
    """Loads a command's module when it is called: nobody waits for the others."""

    completes_names = False
    """Whether it is asked for the names of commands, to complete one."""

    def get_help(self, ctx: Any) -> str:
        from cnncalc.cli.help import help_of

        return help_of(ctx, None, COMMANDS)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        # As git has it: `help table` is `table --help`.
        return super().parse_args(ctx, [*args[1:2], "--help"] if args[:1] == ["help"] else args)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        self.completes_names = True
        try:
            return super().shell_complete(ctx, incomplete)
        finally:
            self.completes_names = False

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            if ctx.resilient_parsing:
                # Completion asks, and must stay silent.
                return None
            hint = suggestion(cmd_name, COMMANDS) or "; `cnncalc --help` lists them"
            raise UsageError(f"cnncalc {printable(shorten(cmd_name))}: no such command{hint}")
        if self.completes_names:
            return TyperCommand(cmd_name, short_help=COMMANDS[cmd_name])
        return _made(cmd_name)


@cache
def _made(name: str) -> Any:
    """A command as typer makes it."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    kind, run = _request(name)
    function = run if kind is None else command(kind, run)
    app.command(name, cls=_Command, help=function.__doc__, context_settings=_SETTINGS)(function)
    made: Any = typer.main.get_command(app)
    made.request = kind
    return made


def _request(name: str) -> tuple[type[Request[Any]] | None, Callable[..., None]]:
    """What a command asks, if it has an answer, and what is done with it."""
    if name in REQUESTS and name not in _WATCHED:
        return kind_of(name), run_request
    module = import_module(f"cnncalc.cli.{name.replace('-', '_')}")
    kind = kind_of(name) if name in REQUESTS else getattr(module, "REQUEST", None)
    return kind, module.run


_WATCHED = ("compare-fc", "explain", "verify")
"""Commands that say something while somebody watches."""
_USAGE: Any = typer.BadParameter.__base__
"""What typer raises where it is used wrongly; it names its children only."""

FAULT = "this is a fault of cnncalc, not of what it was given; nothing was checked"
"""What stands below the traceback of an error that nobody foresaw."""
_RULES = {
    "a valid integer, .*": "must be a whole number",
    "a valid number, .*": "must be a number",
    "greater than or equal to ": "must be at least ",
}
"""What the library behind typer says of a value, and what we do."""
_SETTINGS = {"help_option_names": ["-h", "--help"]}
INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""

app = typer.Typer(
    cls=_Commands,
    context_settings=_SETTINGS,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="An exact, explaining calculator for convolutional networks.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cnncalc {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    pass


@cache
def _group() -> Any:
    """All commands, as typer makes them."""
    return typer.main.get_command(app)


def _answer() -> Any:
    return _group().main(prog_name="cnncalc", standalone_mode=False)


def run() -> None:
    """Run the command line; errors of cnncalc become lines on stderr and exit code 2."""
    _open_streams()
    if completion.completes():
        completion.complete(_answer)
    code, said = 2, ""
    try:
        code = _answer() or 0
        # What a full disk refuses is said here, not at the interpreter's end.
        sys.stdout.flush()
    except CnncalcError as error:
        said = str(_with_what_fits(error))
    except _USAGE as error:
        said = _line(error)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`| head`): nothing is left to say.
        code = 0
    except OSError as error:
        code = 2
        why = "closed" if isinstance(error, UnsupportedOperation) else error.strerror or error
        said = f"{printable(str(error.filename or 'standard output'))}: {why}"
    except Exception:
        # Python would exit with 1, which scripts read as a check that failed.
        import traceback

        said = "\n".join([*map(printable, traceback.format_exc().splitlines()), FAULT])
    _end(code, said)


def _with_what_fits(error: CnncalcError) -> CnncalcError:
    """An error of a network that does not fit, as requests tell it: not all that infers is one."""
    if not hasattr(error, "misfits"):
        return error
    from cnncalc.ask.unfit import told

    return told(cast(Any, error), None)


def _open_streams() -> None:
    """See to it that those who are closed (`<&-`) are read and written to like files."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        # Not to be written to: an error for what is, and none for what goes elsewhere.
        sys.stdout = open(os.devnull, encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # What an encoding lacks is written as an escape, never an exception.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")


def _end(code: int, said: str) -> NoReturn:
    """Say it on standard error, and exit; a stream that cannot be written to is left alone."""
    for stream, text in ((sys.stdout, ""), (sys.stderr, said)):
        try:
            print(text, end="\n" * bool(text), file=stream, flush=True)
        except OSError:
            # Or the interpreter would try again when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


def _line(error: Any) -> str:
    """What typer says of a wrong use, in one line: place, rule and remedy."""
    message = error.format_message()
    if message.startswith("Usage:"):
        # Nothing was asked for: that is its help.
        return str(message)
    path = error.ctx.command_path if error.ctx else "cnncalc"
    # "Invalid value for '--top': Input should be …" has the place in its words.
    message = re.sub(
        r"^Invalid value for '(.+?)'(?: / '.+?')*: (?:Value error, )?", r"\1: ", message
    )
    for theirs, ours in _RULES.items():
        message = re.sub(f"Input should be {theirs}", ours, message)
    return f"{path}: {printable(message.rstrip('.'))}; see {path} --help"
