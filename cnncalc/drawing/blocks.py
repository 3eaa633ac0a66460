"""Block drawings: a single line of layers runs in rows, a network with branches downwards."""

from typing import NamedTuple

from cnncalc.drawing.diagram import Box, Diagram
from cnncalc.drawing.layering import across, extent, layered, links
from cnncalc.drawing.maps import LARGE, SMALL, Figure, figure
from cnncalc.drawing.scene import (
    MARGIN,
    Item,
    Line,
    Point,
    Polygon,
    Rect,
    Scene,
    Text,
    moved,
    widest,
)

ROW = 1140
"""How wide a row may be before the next one begins."""
LINE = 13
"""From one line of text to the next."""
TIP = 10
"""How far above a rank curves are upright again, so that arrowheads point down."""
LONG = 26
"""Letters of a card's line, where there is a choice."""
ASIDE = 8
"""Between a figure and its text, and around both."""


def blocks(diagram: Diagram) -> Scene:
    """The drawing of a network. Raises UsageError where too many arrows pass too many layers."""
    return _rows(diagram) if diagram.chain else _downwards(diagram)


class _Cell(NamedTuple):
    """A box of a row: its figure, the lines under it, and what stands at the arrow before it."""

    box: Box
    figure: Figure
    under: tuple[str, ...]
    before: tuple[str, ...]
    after: str

    @property
    def width(self) -> float:
        names = widest(self.under[:1], 11, bold=True)
        return max(self.figure.width, names, widest(self.under[1:]))

    @property
    def gap(self) -> float:
        return max(32.0, widest((*self.before, self.after)) + 20)

    @property
    def above(self) -> float:
        """How far it reaches above the arrows."""
        return max(self.figure.height / 2, 6 + LINE * len(self.before))

    @property
    def below(self) -> float:
        return max(self.figure.height / 2, 6 + LINE)


def _rows(diagram: Diagram) -> Scene:
    """The chain from left to right, as often as it takes; kernels and parameters at the arrows."""
    items: list[Item] = []
    boxes: list[Rect] = []
    arrows: list[Line] = []
    top = float(MARGIN)
    leaves: Point | None = None
    for row in _balanced([_cell(box) for box in diagram.boxes]):
        axis = top + max(cell.above for cell in row)
        bottom = axis + max(cell.below for cell in row)
        x = float(MARGIN)
        for place, cell in enumerate(row):
            start = x
            x += cell.gap if leaves else 0
            rect = Rect(x, axis - cell.figure.height / 2, cell.width, cell.figure.height)
            left = x + (cell.width - cell.figure.width) / 2
            if leaves:
                turn, bend = boxes[-1].x + boxes[-1].width + 10, MARGIN + 2.0
                # Into the next row it goes between both.
                back = ((turn, leaves[1]), (turn, top - 14), (bend, top - 14), (bend, axis))
                points = (leaves, *(() if place else back), (left - 2, axis))
                arrows.append(Line(points, True, cell.box.auxiliary))
                items += _at_arrow(cell, (start + x) / 2, axis)
            items += moved(cell.figure.polygons, left, rect.y)
            items += _lines(cell.under, x + cell.width / 2, bottom + 6, "middle")
            boxes.append(rect._replace(height=bottom + 6 + LINE * len(cell.under) - rect.y))
            leaves = (left + cell.figure.width + 2, axis)
            x += cell.width
        top = bottom + 6 + LINE * max(len(cell.under) for cell in row) + 24
    reached = [x for arrow in arrows for x, _ in arrow.points]
    return Scene(
        max([*reached, *(box.x + box.width for box in boxes)]) + MARGIN,
        top - 24 + MARGIN,
        (*arrows, *items),
        diagram.title,
        diagram.description,
        tuple(boxes),
        tuple(arrows),
    )


def _balanced(cells: list[_Cell]) -> list[list[_Cell]]:
    """The cells in as few rows as ROW asks for, none much longer than it must be."""
    rows = _broken(cells, ROW)
    # Narrower, as long as it takes no more rows.
    for limit in range(ROW - 20, ROW // 2, -20):
        narrower = _broken(cells, limit)
        if len(narrower) > len(rows):
            break
        rows = narrower
    return rows


def _broken(cells: list[_Cell], limit: float) -> list[list[_Cell]]:
    """The cells in rows of at most that width; one may be longer alone."""
    rows: list[list[_Cell]] = []
    used = 0.0
    for cell in cells:
        needed = cell.width + (cell.gap if rows else 0)
        if not rows or used + needed > limit:
            rows.append([])
            used = 0.0
        rows[-1].append(cell)
        used += needed
    return rows


def _cell(box: Box) -> _Cell:
    under = (box.name, box.label, *(("output",) if box.output else ()))
    drawn = figure(box.shape, box.role, LARGE)
    return _Cell(box, drawn, under, box.work, box.params_text)


def _at_arrow(cell: _Cell, x: float, axis: float) -> list[Text]:
    lines = [
        Text(x, axis - 6 - LINE * i, text) for i, text in enumerate(reversed(cell.before)) if text
    ]
    return lines + ([Text(x, axis + LINE + 2, cell.after)] if cell.after else [])


def _lines(texts: tuple[str, ...], x: float, y: float, anchor: str) -> list[Text]:
    """Lines of text from y on, the first one bold."""
    return [
        Text(
            x,
            y + LINE * i + 10,
            text,
            10 if i else 11,
            "start" if anchor == "start" else "middle",
            not i,
        )
        for i, text in enumerate(texts)
    ]


class _Card(NamedTuple):
    """A box of a network with branches: its figure, and its text beside it."""

    figure: Figure
    texts: tuple[str, ...]

    @property
    def width(self) -> float:
        text = max(widest(self.texts[:1], 11, bold=True), widest(self.texts[1:]))
        return self.figure.width + text + 3 * ASIDE

    @property
    def height(self) -> float:
        return max(self.figure.height, LINE * len(self.texts)) + 12


def _downwards(diagram: Diagram) -> Scene:
    """Rank under rank, the arrows from the middle below to the middle above."""
    cards = [_card(box) for box in diagram.boxes]
    found = layered(len(cards), [(a.source, a.target) for a in diagram.arrows])
    passing = len(found.rank) - len(cards)
    widths = [card.width for card in cards] + [2.0] * passing
    x = across(found, widths, 22)
    shift = MARGIN - extent(x, widths)[0]
    x = [at + shift for at in x]
    tops: list[float] = []
    bottoms: list[float] = []
    y = float(MARGIN)
    pieces = links(found)
    for rank, points in enumerate(found.order):
        if rank:
            # Flat curves are hard to follow.
            bend = max((abs(x[a] - x[b]) for a, b in pieces[rank - 1]), default=0.0)
            y += min(70.0, 26 + bend / 12)
        tops.append(y)
        y += max((cards[p].height for p in points if p < len(cards)), default=0.0)
        bottoms.append(y)
    boxes = []
    items: list[Item] = []
    for i, (card, box) in enumerate(zip(cards, diagram.boxes, strict=True)):
        middle = (tops[found.rank[i]] + bottoms[found.rank[i]]) / 2
        rect = Rect(x[i] - card.width / 2, middle - card.height / 2, card.width, card.height)
        boxes.append(rect)
        items.append(Polygon(rect.corners, "frame", box.auxiliary))
        items += moved(card.figure.polygons, rect.x + ASIDE, middle - card.figure.height / 2)
        first = middle - LINE * len(card.texts) / 2
        items += _lines(card.texts, rect.x + 2 * ASIDE + card.figure.width, first, "start")
    arrows = []
    for arrow, route in zip(diagram.arrows, found.routes, strict=True):
        path: list[Point] = []
        for p in route:
            upper, lower = tops[found.rank[p]] - TIP, bottoms[found.rank[p]]
            if p == arrow.source:
                upper = boxes[p].y + boxes[p].height
            elif p == arrow.target:
                lower = boxes[p].y
            path += [(x[p], upper), (x[p], lower)]
        arrows.append(Line(_straightened(path), True, arrow.auxiliary, True))
    return Scene(
        extent(x, widths)[1] + MARGIN,
        y + MARGIN,
        (*arrows, *items),
        diagram.title,
        diagram.description,
        tuple(boxes),
        tuple(arrows),
    )


def _straightened(points: list[Point]) -> tuple[Point, ...]:
    """The points without those on a straight piece between others."""
    kept = points[:1]
    for before, at, after in zip(points, points[1:], points[2:], strict=False):
        if not before[0] == at[0] == after[0] and at != kept[-1]:
            kept.append(at)
    return (*kept, points[-1])


def _card(box: Box) -> _Card:
    first = box.work[:2] if len(box.work) > 1 and not box.work[1].startswith("+") else box.work[:1]
    rest = box.work[len(first) :]
    if rest and len(" ".join(first)) + len(rest[0]) < LONG:
        first, rest = first + rest[:1], rest[1:]
    size = ", ".join(part for part in (box.label, box.params_text) if part)
    texts = (box.name, " ".join(first), " ".join(rest), size, "output" * box.output)
    return _Card(figure(box.shape, box.role, SMALL), tuple(filter(None, texts)))
