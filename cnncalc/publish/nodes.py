"""A page as docutils nodes, from which Sphinx writes HTML, LaTeX, EPUB and all else."""

from collections.abc import Iterator, Sequence
from typing import TypeVar
from urllib.parse import quote

from docutils import nodes
from sphinx.addnodes import tabular_col_spec

from cnncalc.errors import printable
from cnncalc.page import (
    Block,
    Grid,
    Heading,
    Image,
    Items,
    Page,
    Picture,
    Prose,
    Working,
    notes_apart,
)
from cnncalc.render.latex import escape
from cnncalc.render.terminal import ASCII

CLASS = "cnncalc"
"""The class of everything that stands here."""
_MATHML = "http://www.w3.org/1998/Math/MathML"
_LONG = 40
"""A cell of more letters is broken."""
_LINE = 440.0
"""The points that a line of Sphinx's LaTeX has, on the narrower of its papers."""
_FONTS = (
    (6.0, 4.8, ""),
    (6.0, 4.3, r"\small"),
    (4.0, 3.8, r"\footnotesize\setlength{\tabcolsep}{4pt}"),
    (3.0, 3.35, r"\scriptsize\setlength{\tabcolsep}{3pt}"),
    (2.0, 2.45, r"\tiny\setlength{\tabcolsep}{2pt}"),
)
"""Points beside a column and of a letter, and what makes them so."""


_Node = TypeVar("_Node", bound=nodes.Element)


class cnncalc_formulas(nodes.literal_block):
    """Derivations as text, and in its attributes as `html` and `latex` for those who read it."""


def page_nodes(page: Page) -> list[nodes.Node]:
    """The nodes of a page. Headings are rubrics, which stand at any depth."""
    made, heading = list[nodes.Node](), ""
    for block in notes_apart(page):
        if isinstance(block, Heading):
            heading = block.text
        made += _block(block, heading)
    return made


_LANGUAGES = {"tikz": "latex", "svg": "html"} | {
    name: name for name in ("html", "json", "latex", "markdown", "rst")
}
"""What Sphinx calls the languages of our formats."""


def literal(text: str, format: str = "") -> nodes.literal_block:
    """Text in which every letter keeps its place, in the colours of its format."""
    return nodes.literal_block(text, text, language=_LANGUAGES.get(format, "none"), classes=[CLASS])


def ours(node: _Node) -> _Node:
    """A node with our class, in which `--` and quotes stay what they are."""
    node["classes"].insert(0, CLASS)
    node["support_smartquotes"] = False
    return node


def _block(block: Block, heading: str) -> Iterator[nodes.Node]:
    match block:
        case Heading(text):
            yield ours(nodes.rubric("", "", _text(text)))
        case Prose(text):
            yield _prose(text.split("\n"))
        case Items(texts):
            items = [nodes.list_item("", nodes.paragraph("", "", _text(text))) for text in texts]
            yield ours(nodes.bullet_list("", *items, bullet="-"))
        case Picture(rows):
            yield literal("\n".join(map(printable, rows)))
        case Image(path, text):
            yield ours(nodes.image(uri=quote(path), alt=printable(text)))
        case Working(derivations):
            from cnncalc.render.latex import aligned
            from cnncalc.render.write import write

            # In HTML they are called what stands above them; EPUB is XML, which has to be told
            # what MathML is.
            html = write([Heading(heading), block], "html").partition("\n")[2]
            html = html.replace("<math ", f'<math xmlns="{_MATHML}" ')
            latex = f"\\begin{{aligned}}\n{aligned(derivations)}\n\\end{{aligned}}"
            text = write([block], "text").rstrip("\n")
            yield ours(cnncalc_formulas(text, text, language="none", html=html, latex=latex))
        case Grid():
            yield from _grid(block)


def _text(text: str) -> nodes.Text:
    return nodes.Text(printable(text))


def _prose(lines: Sequence[str]) -> nodes.Element:
    if len(lines) == 1:
        return ours(nodes.paragraph("", "", _text(lines[0])))
    return ours(nodes.line_block("", *(nodes.line("", "", _text(line)) for line in lines)))


def _grid(grid: Grid) -> Iterator[nodes.Node]:
    """A table, with what LaTeX must know of it: which columns are numbers, how large letters are.

    In HTML the classes say it.
    """
    widths = [max(map(len, cells)) for cells in zip(grid.header, *grid.rows, strict=True)]
    right = [i in grid.right for i in range(len(widths))]
    font, columns = _fitting(widths, right)
    # Sphinx gives each column at most its share of the line, whatever is in it.
    free = "\\renewcommand{\\sphinxcolwidth}[2]{\\linewidth}"
    yield nodes.raw("", f"\\begingroup{font}{free}", format="latex")
    yield tabular_col_spec(spec=columns)
    group = nodes.tgroup(cols=len(widths))
    # Where bold is written with asterisks, the foot is four letters wider.
    for i, width in enumerate(widths):
        column = nodes.colspec(colwidth=width + 4)
        if i == grid.name:
            column["stub"] = 1
        group += column
    group += nodes.thead("", _row(grid.header, right))
    body = len(grid.rows) - grid.foot
    rows = [_row(cells, right, foot=i >= body) for i, cells in enumerate(grid.rows)]
    if grid.foot:
        rows[body]["classes"].append(f"{CLASS}-foot")
    group += nodes.tbody("", *rows)
    table = ours(nodes.table("", classes=["colwidths-auto"]))
    if grid.caption:
        table += nodes.title("", "", _text(grid.caption))
    if grid.label:
        table["names"].append(grid.label)
    table += group
    yield table
    yield nodes.raw("", "\\endgroup", format="latex")


def _row(cells: Sequence[str], right: Sequence[bool], foot: bool = False) -> nodes.row:
    row = nodes.row()
    for text, is_right in zip(cells, right, strict=True):
        where = "text-right" if is_right else f"{CLASS}-long" if len(text) > _LONG else ""
        entry = nodes.entry(classes=[where] if where else [])
        if text:
            content = nodes.strong("", "", _text(text)) if foot else _text(text)
            entry += nodes.paragraph("", "", content)
        row += entry
    return row


def _fitting(widths: Sequence[int], right: Sequence[bool]) -> tuple[str, str]:
    """The largest letters in which a table fits on a line, and its columns.

    Where even the smallest are too large, the widest column of text is broken.
    """
    columns = ["r" if is_right else "l" for is_right in right]
    for gap, points, font in _FONTS:
        room = _LINE - 2 * gap * len(widths) - points * sum(widths)
        if room >= 0:
            return font, "".join(columns)
    texts = [(width, i) for i, width in enumerate(widths) if not right[i]]
    if texts:
        width, i = max(texts)
        columns[i] = f"p{{{max(room + points * width, 60):.0f}pt}}"
    return font, "".join(columns)


# LaTeX


def for_latex(node: nodes.Element) -> None:
    """Write signs that TeX's text fonts lack as TeX has them, in all that a node holds.

    And names of rows as the other cells are: it is readers of HTML who need to know them.
    """
    for column in node.findall(nodes.colspec):
        column.attributes.pop("stub", None)
    for text in list(node.findall(nodes.Text)):
        parent = text.parent
        if isinstance(parent, nodes.literal_block):
            # Nothing is escaped there.
            plain = text.translate(ASCII)
            parent.rawsource = plain
            parent.replace(text, nodes.Text(plain))
        elif not text.isascii():
            parent.replace(text, list(_signs(text)))


def _signs(text: str) -> Iterator[nodes.Node]:
    plain = ""
    for letter in text:
        if letter.isascii() or (tex := escape(letter)) == letter:
            plain += letter
            continue
        if plain:
            yield nodes.Text(plain)
            plain = ""
        yield nodes.raw("", tex, format="latex")
    if plain:
        yield nodes.Text(plain)
