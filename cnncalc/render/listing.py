"""Lists in columns: networks, layers, fields, nodes."""

import re
import textwrap
from collections.abc import Sequence

from rich.cells import cell_len

from cnncalc.errors import printable

_GAP = "  "
_LEAST = 20


def listing(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Sequence[int] = (),
    width: int | None = None,
) -> list[str]:
    """The lines of a list, numbers in the columns `right`; the last column wraps in `width`."""
    cells = [list(map(printable, row)) for row in (header, *rows)]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    start = sum(widths[:-1]) + len(_GAP) * (len(widths) - 1)
    room = widths[-1] if width is None else max(width - start, _LEAST)
    lines = []
    for row in cells:
        first, *more = textwrap.wrap(row[-1], room) or [""]
        texts = enumerate([*row[:-1], first])
        lines.append(_GAP.join(padded(text, widths[i], i in right) for i, text in texts).rstrip())
        lines += [" " * start + text for text in more]
        if row is cells[0]:
            lines.append("─" * (start + min(room, widths[-1])))
    return lines


def padded(text: str, width: int, right: bool) -> str:
    """Text with blanks behind it, or before it, that fill a width."""
    blank = " " * (width - cell_len(text))
    return blank + text if right else text + blank


def broken(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells, broken behind spaces and dots where there are any."""
    if cell_len(text) <= width:
        return [text]
    lines = [""]
    for part in re.findall(r"[^ .]*[ .]?", text):
        if cell_len(lines[-1] + part.rstrip()) <= width:
            lines[-1] += part
            continue
        if lines[-1]:
            lines.append("")
        for letter in part:
            if cell_len(lines[-1]) + cell_len(letter) > width:
                lines.append("")
            lines[-1] += letter
    return [line.rstrip() for line in lines]
