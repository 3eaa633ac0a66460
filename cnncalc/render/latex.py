"""A page as LaTeX: a fragment for \\input, which needs booktabs, longtable and amsmath."""

from collections.abc import Sequence

from cnncalc.errors import printable
from cnncalc.page import (
    Block,
    Grid,
    Heading,
    Image,
    Items,
    Maths,
    Page,
    Picture,
    Prose,
    Working,
)
from cnncalc.render.terminal import ASCII

LONG = 40
"""A table of more rows may break across pages."""
WIDE = 72
"""A derivation of more letters takes several lines."""

_SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': r"\textquotedbl{}",
        **{sign: f"\\{sign}" for sign in "&%$#_"},
        # Signs of formulas, which not every text font has.
        "×": r"$\times$",
        "−": "$-$",
        "·": r"$\cdot$",
        "→": r"$\rightarrow$",
        "…": r"\dots{}",
        "⌊": r"$\lfloor$",
        "⌋": r"$\rfloor$",
        "⌈": r"$\lceil$",
        "⌉": r"$\rceil$",
        "≤": r"$\leq$",
        "≥": r"$\geq$",
        "≈": r"$\approx$",
        "±": r"$\pm$",
        "Σ": r"$\sum$",
        "²": r"$^2$",
        "½": r"$\frac12$",
        "√": r"$\surd$",
        "✓": r"$\surd$",
        "✗": r"$\times$",
        "─": "--",
        "↑": r"$\uparrow$",
        "↓": r"$\downarrow$",
        **{chr(0x2080 + digit): f"$_{digit}$" for digit in range(10)},
    }
)


def latex(page: Page) -> str:
    """The page, its packages named in a comment."""
    blocks = [_block(block) for block in page]
    packages = "amsmath,booktabs,longtable" + ",graphicx" * any(isinstance(b, Image) for b in page)
    return f"% \\usepackage{{{packages}}}\n" + "\n\n".join(blocks) + "\n"


def escape(text: str) -> str:
    """Text in which nothing is LaTeX."""
    return printable(text).translate(_SPECIAL)


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"\\{'sub' * (min(level, 3) - 1)}section*{{{escape(text)}}}"
        case Prose(text):
            return "\\\\\n".join(map(escape, text.split("\n")))
        case Items(texts):
            items = "\n".join(f"  \\item {_guarded(escape(text))}" for text in texts)
            return f"\\begin{{itemize}}\n{items}\n\\end{{itemize}}"
        case Picture(rows):
            # In verbatim nothing is escaped, and not every font has more letters than ASCII.
            drawn = "\n".join(printable(row).translate(ASCII) for row in rows)
            return f"\\begin{{verbatim}}\n{drawn}\n\\end{{verbatim}}"
        case Image(path):
            # Signs in a file's name are no commands.
            return f"\\includegraphics[width=\\linewidth]{{\\detokenize{{{printable(path)}}}}}"
        case Working(derivations):
            return f"\\begin{{align*}}\n{aligned(derivations)}\n\\end{{align*}}"
        case Grid():
            return _grid(block)


def _grid(grid: Grid) -> str:
    columns = "".join("r" if i in grid.right else "l" for i in range(len(grid.header)))
    body = len(grid.rows) - grid.foot
    long = len(grid.rows) > LONG
    caption = f"\\caption{{{escape(grid.caption)}}}"
    if grid.label:
        caption += f"\\label{{{grid.label}}}"
    note = "\\\\\n".join(map(escape, grid.note.split("\n")))
    noted = ["", f"{{\\footnotesize {note}\\par}}"] if note else []
    rows = [
        "\\toprule",
        _row(grid.header),
        "\\midrule",
        *(["\\endhead"] if long else []),
        *map(_row, grid.rows[:body]),
        *(["\\midrule"] if grid.foot else []),
        *map(_row, grid.rows[body:]),
        "\\bottomrule",
    ]
    if long:
        above = [f"{caption}\\\\"] if grid.caption else []
        lines = [f"\\begin{{longtable}}{{{columns}}}", *above, *rows, "\\end{longtable}", *noted]
        return "\n".join(lines)
    lines = [f"\\begin{{tabular}}{{{columns}}}", *rows, "\\end{tabular}", *noted]
    if grid.caption:
        lines = ["\\begin{table}", "\\centering", caption, *lines, "\\end{table}"]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"{_guarded(' & '.join(map(escape, cells)))} \\\\"


def _guarded(text: str) -> str:
    """A row or an item that starts with a bracket, which would be taken for an option."""
    return f"{{}}{text}" if text.lstrip().startswith(("[", "*")) else text


def aligned(derivations: Sequence[Sequence[Maths]]) -> str:
    """The lines of an aligned environment: one for each derivation, or for each of its terms."""
    return " \\\\\n".join(map(_derivation, derivations))


def _derivation(terms: Sequence[Maths]) -> str:
    first, *rest = [term.latex for term in terms]
    long = sum(len(term.text) for term in terms) > WIDE
    return f"{first} &= " + (" \\\\\n  &= " if long else " = ").join(rest) if rest else first
