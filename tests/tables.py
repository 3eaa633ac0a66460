"""The tables of a page of HTML, as a parser reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Cell:
    """One cell: whether it is a heading, its attributes and its text."""

    tag: str
    attributes: dict[str, str]
    text: str = ""

    @property
    def aligned(self) -> str:
        """`left` or `right`, by its style or by its attribute; nothing where neither says."""
        style = dict(
            rule.split(":") for rule in self.attributes.get("style", "").split(";") if rule
        )
        return self.attributes.get("align", "") or style.get("text-align", "").strip()


@dataclass
class Table:
    """A table: its caption, and the rows of each of its parts."""

    attributes: dict[str, str]
    caption: str = ""
    parts: dict[str, list[list[Cell]]] = field(default_factory=dict)

    @property
    def header(self) -> list[str]:
        return [cell.text for cell in self.parts["thead"][0]]

    def column(self, title: str, part: str = "tbody") -> list[str]:
        """The texts of a column, by what stands above it."""
        place = self.header.index(title)
        return [row[place].text for row in self.parts[part]]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tables: list[Table] = []
        self.part = ""
        self.into: Table | Cell | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "table":
            self.tables.append(Table(attributes))
        elif tag == "caption":
            self.into = self.tables[-1]
        elif tag in ("thead", "tbody", "tfoot"):
            self.part = tag
        elif tag == "tr":
            self.tables[-1].parts.setdefault(self.part, []).append([])
        elif tag in ("th", "td"):
            self.into = Cell(tag, attributes)
            self.tables[-1].parts[self.part][-1].append(self.into)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("caption", "th", "td"):
            self.into = None

    def handle_data(self, data: str) -> None:
        if isinstance(self.into, Table):
            self.into.caption += data
        elif self.into is not None:
            self.into.text += data


def tables(html: str) -> list[Table]:
    """The tables of a page, in their order."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.tables


LENET5_PARAMS = {
    "conv1": 5 * 5 * 3 * 6 + 6,
    "conv2": 5 * 5 * 6 * 16 + 16,
    "fc3": 5 * 5 * 16 * 120 + 120,
    "fc4": 120 * 84 + 84,
    "fc5": 84 * 10 + 10,
}
"""The parameters of LeNet-5's layers: weights and biases, as the course counts them."""


def check_lenet5(table: Table) -> None:
    """Fails where a table of LeNet-5 has other layers or parameters."""
    by_name = dict(zip(table.column("name"), table.column("params"), strict=True))
    counted = {name: text for name, text in by_name.items() if text not in ("", "0")}
    assert counted == {name: f"{params:,}" for name, params in LENET5_PARAMS.items()}
