"""Tables of texts fitted to a terminal: what is given up, and in which order.

Numbers are never cut. Titles take several lines, then columns go that nobody asked for, then the
space between columns, then names take several lines; what still does not fit stands below, under
its names again.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from rich.cells import cell_len

from cnncalc.errors import printable
from cnncalc.render.listing import broken, padded
from cnncalc.render.terminal import Line

FLOOR, LEAST = 8, 3
"""How narrow words get before columns go that tell more, and how narrow at last."""


class Fitted(NamedTuple):
    """Cells, the header first, under the columns that have room, and how wide each is."""

    cells: list[list[str]]
    columns: list[int]
    """Which columns these are, by their places in the whole table."""
    right: Collection[int]
    """The places of numbers."""
    widths: list[int]
    gap: int = 2
    gone: tuple[int, ...] = ()
    """The places of the columns that went."""
    shortened: bool = False

    @classmethod
    def whole(
        cls, header: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int]
    ) -> "Fitted":
        """Every column at its natural width."""
        cells = [list(map(printable, row)) for row in (header, *rows)]
        return cls(cells, [*range(len(header))], right, []).measured()

    def measured(self, titles: bool = True) -> "Fitted":
        """The same with the widths that the cells need; of `titles` as many lines as words."""

        def needed(cell: str, is_title: bool) -> int:
            words = cell.split(" ") if is_title and not titles else [cell]
            return max(map(cell_len, words))

        widths = [
            max(needed(cell, row == 0) for row, cell in enumerate(column))
            for column in zip(*self.cells, strict=True)
        ]
        return self._replace(widths=widths)

    @property
    def total(self) -> int:
        return sum(self.widths) + self.gap * (len(self.widths) - 1)

    def only(self, places: Collection[int]) -> "Fitted":
        """Some of its columns."""
        kept = [i for i, place in enumerate(self.columns) if place in places]
        return self._replace(
            columns=[self.columns[i] for i in kept],
            cells=[[row[i] for i in kept] for row in self.cells],
            widths=[self.widths[i] for i in kept],
        )

    def without(self, place: int) -> "Fitted":
        """The same without a column."""
        return self.only({*self.columns} - {place})._replace(gone=(*self.gone, place))

    def narrowed(self, width: int, least: int, floors: Sequence[int] = ()) -> "Fitted":
        """The same with the columns of words made narrower, the widest first, down to `least`."""
        widths = list(self.widths)
        floor = {
            i: max(least, floors[place] if floors else 0)
            for i, place in enumerate(self.columns)
            if place not in self.right
        }
        while sum(widths) + self.gap * (len(widths) - 1) > width:
            wide = [i for i, narrowest in floor.items() if widths[i] > narrowest]
            if not wide:
                break
            widths[max(wide, key=lambda i: widths[i])] -= 1
        return self._replace(widths=widths)

    def panels(self, width: int, name: int) -> "list[Fitted]":
        """The same in parts that fit, each with what its rows are called."""
        words = [i for i, place in enumerate(self.columns) if place not in self.right]
        cells = [_called(row, self.columns, words, name) for row in self.cells]
        # What stands together is found with narrow words, which then get what room is left.
        whole = self.measured(titles=False)
        named = whole._replace(cells=cells).measured(titles=False)
        parts: list[list[int]] = [[]]
        for place in self.columns:
            beside = {name} if len(parts) > 1 else set()
            if parts[-1] and self.only({*beside, *parts[-1], place}).total > width:
                parts.append([])
            parts[-1].append(place)
        rest = [named.only({name, *part}) for part in parts[1:] if part != [name]]
        found = [whole.only(parts[0]), *rest]
        return [part.narrowed(width, FLOOR).narrowed(width, LEAST) for part in found]

    def lines(self, row: int) -> Iterator[str]:
        """One row, as the lines that its longest cell takes."""
        columns = [broken(t, w) for t, w in zip(self.cells[row], self.widths, strict=True)]
        right = [place in self.right for place in self.columns]
        if row == 0:
            # Titles stand on their numbers.
            most = max(map(len, columns))
            columns = [[""] * (most - len(lines)) + lines for lines in columns]
        for cells in zip_longest(*columns, fillvalue=""):
            yield (" " * self.gap).join(map(padded, cells, self.widths, right)).rstrip()

    def drawn(self, styles: Sequence[str], foot: int) -> list[Line]:
        """All lines, with a style for each row; a rule below the header and above the foot."""
        rule = ("─" * self.total, "")
        drawn: list[Line] = [*((line, "bold") for line in self.lines(0)), rule]
        for row, style in enumerate(styles, 1):
            if foot and 1 < row == len(styles) - foot + 1:
                drawn.append(rule)
            drawn += [(line, style) for line in self.lines(row)]
        return drawn


def fit(
    fitted: Fitted,
    width: int | None,
    *,
    spare: Sequence[int] = (),
    last: Sequence[int] = (),
    name: int = 0,
    floors: Sequence[int] = (),
    shorter: Callable[[Fitted], Fitted] = lambda fitted: fitted,
) -> list[Fitted]:
    """A table, or its parts, for a terminal of that width; whole where there is none.

    `spare` are the columns that go first, `last` those that go where narrower names do not help;
    `shorter` leaves out a part of cells. `floors` say how narrow each column of words gets before
    that.
    """
    if width is None or fitted.total <= width:
        return [fitted]
    room = width
    fitted = fitted.measured(titles=False)

    def without(place: int) -> Callable[[Fitted], Fitted]:
        return lambda table: table.without(place)

    def narrower(table: Fitted) -> Fitted:
        return table.narrowed(room, FLOOR, floors)

    steps = [
        *map(without, spare),
        lambda table: table._replace(gap=1),
        shorter,
        narrower,
        *(step for place in last for step in (without(place), narrower)),
    ]
    for step in steps:
        if fitted.total <= width:
            return [fitted]
        fitted = step(fitted)
    return [fitted] if fitted.total <= width else fitted.panels(width, name)


def _called(row: list[str], columns: Sequence[int], words: Sequence[int], name: int) -> list[str]:
    """A row with what it is called in the column of names: a sum has its label elsewhere."""
    index = columns.index(name)
    label = next((row[i] for i in words if row[i]), "")
    return [*row[:index], row[index] or label, *row[index + 1 :]]


def no_room(names: Sequence[str]) -> list[str]:
    """The line that says what was left out, and how to see it."""
    if not names:
        return []
    said = ", ".join(names)
    return [f"No room for {said}: widen the terminal, or choose --columns; a pipe has all of it."]
