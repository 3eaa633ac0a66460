"""How lines reach a terminal, a pipe, or a terminal without `×`."""

import os
import shutil
from collections.abc import Sequence
from typing import IO

Line = tuple[str, str]
"""A line and its style."""

ASCII = str.maketrans(
    {
        "×": "x",
        "−": "-",
        "─": "-",
        "·": "*",
        "…": "...",
        "→": "->",
        "²": "^2",
        "⌊": "floor(",
        "⌋": ")",
        "⌈": "ceil(",
        "⌉": ")",
        "≤": "<=",
        "≥": ">=",
        "∂": "d",
        "√": "sqrt",
    }
    | {chr(0x2080 + digit): str(digit) for digit in range(10)}
)
"""What is written where an encoding has no such letters."""
MARKS = str.maketrans({"✓": "+", "✗": "!"})
"""The same for marks, which are missing where the other letters are not."""


def width_of(file: IO[str]) -> int | None:
    """Columns to fit into: a terminal's, or those that COLUMNS says; None where nobody does."""
    wanted = file.isatty() or "COLUMNS" in os.environ
    return shutil.get_terminal_size().columns if wanted else None


def print_lines(lines: Sequence[Line], file: IO[str]) -> None:
    """Print lines, with their styles on a terminal, as ASCII where the encoding has no `×`."""
    for signs, instead in (("×−·…→─", ASCII), ("✓✗", MARKS)):
        if not _encodes(file, signs):
            lines = [(line.translate(instead), style) for line, style in lines]
    if not file.isatty():
        file.writelines(f"{line}\n" for line, _ in lines)
        return
    from rich.console import Console
    from rich.text import Text

    # Wrapped already: the terminal's own wrapping takes over where numbers are wider than it.
    console = Console(file=file, highlight=False, soft_wrap=True)
    console.print(Text("\n").join(Text(line, style) for line, style in lines))


def _encodes(file: IO[str], signs: str) -> bool:
    try:
        signs.encode(getattr(file, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
