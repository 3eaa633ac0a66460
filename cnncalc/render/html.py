"""A page as HTML: a fragment that looks like the page it stands in, or a whole page."""

from collections.abc import Iterator, Sequence
from html import escape as _escape
from urllib.parse import quote

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

_SCROLLS = 'tabindex="0" style="overflow-x:auto'
"""What is too wide scrolls by itself, by keys too, and the page around it does not: `"` follows."""
SHORT = 48
"""A table with no cell of more letters has rows of one line."""
_LEFT, _RIGHT = 'style="text-align:left"', 'style="text-align:right"'


def html(page: Page) -> str:
    """The page as a fragment. Colours, lines and letters are those of the page around it.

    Cells say where they stand by the style attribute: JupyterLab would set all of them to the
    right. Formulas are MathML.
    """
    return "\n".join(_blocks(page)) + "\n"


def document(page: Page) -> str:
    """A whole page, light or dark as its reader has it, which needs nothing beside it."""
    heading = next((block for block in page if isinstance(block, Heading)), None)
    grid = next((block for block in page if isinstance(block, Grid)), None)
    title = heading.text if heading else grid and (grid.caption or grid.title)
    if heading is None and title:
        # Said once, above the table.
        page = [Heading(title, 1), *(_untitled(block, title) for block in page)]
    top = min((block.level for block in page if isinstance(block, Heading)), default=1)
    page = [b._replace(level=b.level - top + 1) if isinstance(b, Heading) else b for b in page]
    return _DOCUMENT.format(title=escape(title or "cnncalc"), style=_STYLE, body=html(page))


def escape(text: str) -> str:
    """Text in which nothing is HTML."""
    return _escape(printable(text))


def _untitled(block: Block, title: str) -> Block:
    if isinstance(block, Grid) and (block.caption or block.title) == title:
        return block._replace(caption="", title="")
    return block


def _blocks(page: Page) -> Iterator[str]:
    heading = ""
    for block in page:
        match block:
            case Heading(text, level):
                heading = text
                yield f"<h{level}>{escape(text)}</h{level}>"
            case Prose(text):
                yield f"<p>{_lines(text)}</p>"
            case Items(texts):
                items = "\n".join(f"<li>{escape(text)}</li>" for text in texts)
                yield f"<ul>\n{items}\n</ul>"
            case Picture(rows):
                yield f'<pre {_SCROLLS}">{chr(10).join(map(escape, rows))}</pre>'
            case Image(path, text):
                yield f'<div><img src="{quote(path)}" alt="{escape(text)}"></div>'
            case Working(derivations):
                yield _working(derivations, heading)
            case Grid():
                yield _grid(block, heading)
                if block.note:
                    yield f"<p><small>{_lines(block.note)}</small></p>"


def _lines(text: str) -> str:
    return "<br>".join(map(escape, text.split("\n")))


def _grid(grid: Grid, heading: str) -> str:
    body = len(grid.rows) - grid.foot
    caption = grid.caption or grid.title
    short = all(len(text) <= SHORT for row in (grid.header, *grid.rows) for text in row)
    style = "font-variant-numeric:tabular-nums" + ";white-space:nowrap" * short
    # The table itself has no class: themes lay out those that have none.
    label = escape(caption or heading or "table")
    lines = [
        f'<div class="cnncalc-table" role="region" aria-label="{label}" {_SCROLLS};{style}">',
        f'<table id="{escape(grid.label)}">' if grid.label else "<table>",
    ]
    if caption:
        lines.append(f'<caption style="white-space:normal">{escape(caption)}</caption>')
    titles = "".join(_title(grid, i) for i in range(len(grid.header)))
    lines.append(f"<thead><tr>{titles}</tr></thead>")
    for tag, rows in (("tbody", grid.rows[:body]), ("tfoot", grid.rows[body:])):
        if rows:
            lines += [f"<{tag}>", *(_row(grid, row) for row in rows), f"</{tag}>"]
    return "\n".join([*lines, "</table>", "</div>"])


def _title(grid: Grid, column: int) -> str:
    text = escape(grid.header[column])
    if not text:
        return "<td></td>"
    if grid.meanings:
        text = f'<abbr title="{escape(grid.meanings[column])}">{text}</abbr>'
    return f'<th scope="col" {_aligned(grid, column)}>{text}</th>'


def _row(grid: Grid, cells: Sequence[str]) -> str:
    # The foot has its words where there is room for them.
    words = [i for i in (grid.name, *range(len(cells))) if i not in grid.right and cells[i]]
    drawn = (_cell(grid, i, text, words[:1] == [i]) for i, text in enumerate(cells))
    return f"<tr>{''.join(drawn)}</tr>"


def _cell(grid: Grid, column: int, text: str, names: bool) -> str:
    tag, scope = ("th", ' scope="row"') if names else ("td", "")
    return f"<{tag}{scope} {_aligned(grid, column)}>{escape(text)}</{tag}>"


def _aligned(grid: Grid, column: int) -> str:
    return _RIGHT if column in grid.right else _LEFT


def _working(derivations: Sequence[Sequence[Maths]], heading: str) -> str:
    label = escape(heading or "formulas")
    rows = "".join(map(_derivation, derivations))
    return (
        f'<div class="cnncalc-formulas" role="group" aria-label="{label}" {_SCROLLS}">'
        '<math display="block" style="width:fit-content;white-space:nowrap">'
        f"<mtable>{rows}</mtable></math></div>"
    )


def _derivation(terms: Sequence[Maths]) -> str:
    first, *rest = (f"<mrow>{term.mathml}</mrow>" for term in terms)
    cells = [first, *(f"<mrow><mo>=</mo>{term}</mrow>" for term in rest)]
    return f"<mtr>{''.join(f'<mtd {_LEFT}>{cell}</mtd>' for cell in cells)}</mtr>"


_DOCUMENT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="cnncalc">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
{body}</main>
</body>
</html>
"""
_STYLE = """:root { color-scheme: light dark; --ink: #1f2328; --paper: #fff; --rule: #d1d9e0;
  --strong: #818b98; --shade: #f6f8fa; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --paper: #0d1117; --rule: #30363d; --strong: #7d8590; --shade: #161b22; }
}
body { margin: 0; color: var(--ink); background: var(--paper);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 76rem; margin: 0 auto; padding: 1rem 1.25rem 3rem; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { font-size: 1.2rem; margin-top: 2.5rem; }
h3 { font-size: 1rem; }
p, li { max-width: 48rem; overflow-wrap: break-word; }
.cnncalc-table, .cnncalc-formulas { margin: 1.25rem 0; }
math { font-size: 1.15em; }
table { border-collapse: collapse; width: max-content; }
caption { padding: .35rem .6rem; text-align: left; font-weight: 600; }
th, td { max-width: 36rem; padding: .3rem .6rem; border-bottom: 1px solid var(--rule);
  vertical-align: top; }
th[scope=row] { font-weight: inherit; }
thead > tr > * { border-bottom: 2px solid var(--strong); }
tfoot { font-weight: 600; }
tfoot > tr:first-child > * { border-top: 2px solid var(--strong); }
tbody > tr:hover { background: var(--shade); }
abbr[title] { text-decoration: none; cursor: help; }
img { max-width: 100%; }
pre { padding: .75rem; background: var(--shade); line-height: 1.25; }
@media print {
  @page { margin: 15mm; }
  body { font-size: 8.5pt; }
  main { max-width: none; padding: 0; }
  [tabindex] { overflow: visible !important; }
  table { width: auto; }
  tr, math { break-inside: avoid; }
  h1, h2, h3 { break-after: avoid; }
}
"""
