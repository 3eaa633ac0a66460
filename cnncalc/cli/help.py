"""The help of a command: as wide as the terminal, and nothing of it cut."""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from cnncalc.ask.known import Words
from cnncalc.ask.request import Request, given_fields
from cnncalc.cli.examples import EXAMPLES

WIDEST = 100
"""Longer lines are hard to read."""
_LEAST = 30
"""Where less is left beside the words that are explained, the explanation stands below them."""
_MOST = 30
"""How far their column reaches; longer ones have a line of their own."""
_BELOW = 6
"""How far in an explanation begins that stands below."""

Row = tuple[str, str]
"""A word and its explanation."""


def help_of(
    ctx: Any, request: type[Request[Any]] | None, commands: Mapping[str, str] = MappingProxyType({})
) -> str:
    """The help of the command that `ctx` is of, which makes such requests or has these commands.

    Below its options stand the words that they take, and examples.
    """
    width = min(shutil.get_terminal_size().columns, WIDEST)
    command = ctx.command
    places, options = list[Row](), list[Row]()
    helps = {given.name: given.option.help for given in given_fields(request)} if request else {}
    for param in command.get_params(ctx):
        if param.param_type_name == "argument":
            # The library below some versions of typer loses what they give it.
            said = helps.get(param.name) or param.help or ""
            required = "  [required]" * param.required
            places.append((param.metavar or param.name.upper(), said + required))
        elif (record := param.get_help_record(ctx)) is not None:
            # Some versions of typer escape it for rich.
            options.append((record[0], record[1].replace("\\[", "[")))
    usage = [ctx.command_path, "[OPTIONS]", *(place for place, _ in places)]
    usage += ["COMMAND …"] * bool(commands)
    sections = {
        "Arguments": _rows(places, width),
        "Options": _rows(options, width),
        "Commands": _rows(list(commands.items()), width),
        "Words": _rows(_words(request) if request else [], width),
        # Not wrapped: they are copied.
        "Examples": [f"  {example}" for example in EXAMPLES[ctx.info_name]],
    }
    lines = [*_hanging("Usage: " + " ".join(usage), width, 4)]
    for paragraph in re.split(r"\n\s*\n", command.help or ""):
        lines += ["", *_hanging("  " + " ".join(paragraph.split()), width, 2)]
    for title, section in sections.items():
        if section:
            lines += ["", f"{title}:", *section]
    return "\n".join(lines)


def _words(request: type[Request[Any]]) -> list[Row]:
    """The words of those options that name them, where several have the same once."""
    named = dict[Words, list[str]]()
    for given in given_fields(request):
        words, option = given.option.words, given.option
        if words is not None and words.named:
            flag = option.metavar or given.name.upper()
            flags = option.flags or (f"--{given.name.replace('_', '-')}",)
            named.setdefault(words, []).append(flag if option.positional else flags[0])
    return [(", ".join(flags), ", ".join(words.of({}))) for words, flags in named.items()]


def _rows(rows: Sequence[Row], width: int) -> list[str]:
    """Words and their explanations, beside each other where there is room."""
    if not rows:
        return []
    start = min(max(len(word) for word, _ in rows), _MOST) + 4
    if width - start < _LEAST:
        start = _BELOW
    lines = list[str]()
    for word, explanation in rows:
        head = _hanging(f"  {word}", width, 4)
        body = _hanging(" " * start + explanation, width, start) if explanation else []
        if body and start > _BELOW and len(head[-1]) + 2 <= start:
            body[0] = head.pop().ljust(start) + body[0][start:]
        lines += [*head, *body]
    return lines


def _hanging(text: str, width: int, indent: int) -> list[str]:
    """Text in lines, the second and all after it indented.

    Broken after spaces, and after the `|` between the words of an option; never within a word.
    """
    lines = [""]
    for piece in _pieces(text):
        if lines[-1].strip() and len(lines[-1]) + len(piece.rstrip()) > width:
            lines[-1] = lines[-1].rstrip()
            lines.append(" " * indent)
            piece = piece.lstrip()
        lines[-1] += piece
    return lines


def _pieces(text: str) -> Iterator[str]:
    start = len(text) - len(text.lstrip())
    yield text[:start]
    yield from re.findall(r"[^ |]*[ |]+|[^ |]+$", text[start:])
