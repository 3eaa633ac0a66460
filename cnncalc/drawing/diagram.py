"""What a drawing shows, before anything has a place: boxes, and arrows between them."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

from cnncalc.drawing.scene import Style
from cnncalc.errors import printable, shorten
from cnncalc.graph import Graph
from cnncalc.layers import layer_class
from cnncalc.layers.base import Family
from cnncalc.meanings import COLUMNS
from cnncalc.report import Report
from cnncalc.tables.depth import Group, groups, in_blocks, merged

FEW = 40
"""How many layers are drawn where nobody says; a box takes more room than a row of a table."""
MAX_NAME = 32
"""Letters of a name; of a longer one the middle is left out."""

Labels = Literal["maps", "hwc", "chw"]
"""How shapes are written: `6@28×28` as papers do, `28×28×6`, or `6×28×28`."""
Depth = int | Literal["all"] | None
"""How many names deep blocks are drawn; None is as deep as there is room."""
_ROLES: dict[Family | None, Style] = {
    "convolution": "conv",
    "pooling": "pool",
    "unpooling": "pool",
    "dense": "dense",
    "attention": "dense",
    "recurrent": "dense",
    "join": "join",
}
"""How a layer of each family is drawn; the others have one style."""


class Box(NamedTuple):
    """A layer with what follows it alone, a whole block, or an input of the network."""

    name: str
    """Shortened where it is long."""
    work: tuple[str, ...]
    """What it does, in lines: `conv 5×5`, `s1 p0`, `+ relu`."""
    shape: tuple[int, ...]
    """Of its output, channels first."""
    label: str
    """The shape as it is written."""
    params: int
    role: Style
    auxiliary: bool = False
    """Whether only training uses it."""
    output: bool = False
    """Whether it is a result that is worth a mark: one of several, or read again."""
    layers: tuple[int, ...] = ()
    """Its layers, by their indices."""

    @property
    def params_text(self) -> str:
        """`456 params`, or nothing."""
        return f"{self.params:,} param{'s' if self.params > 1 else ''}" if self.params else ""


class Arrow(NamedTuple):
    """From one box to another, by their indices; `auxiliary` where only training goes there."""

    source: int
    target: int
    auxiliary: bool = False


class Diagram(NamedTuple):
    """Boxes in an order in which they can be computed, and the arrows between them."""

    title: str
    description: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    note: str = ""
    """What was collapsed, if anything."""

    @property
    def chain(self) -> bool:
        """Whether it is a single line of boxes."""
        return [arrow[:2] for arrow in self.arrows] == [
            (i, i + 1) for i in range(len(self.boxes) - 1)
        ]


def diagram(graph: Graph, report: Report, labels: Labels, depth: Depth) -> Diagram:
    """The boxes and arrows of a network.

    With `depth` None what only follows a layer (normalisation, activation, dropout) stands in its
    box, and blocks are collapsed until the boxes are few; a number collapses to that many names;
    `all` gives every layer a box, only a fused activation stays in its layer's.
    """
    rows, note = collapsed(report, depth)
    shown = set(graph.outputs)
    read = {name for node in graph.nodes for name in node.inputs}
    mark = len(shown) > 1 or bool(shown & read)
    boxes = [
        Box(short(i["name"]), (), tuple(i["shape"]), label(i["shape"], labels), 0, "input")
        for i in report.inputs
    ]
    at = {i["name"]: place for place, i in enumerate(report.inputs)}
    names = report.column("name")
    for row in rows:
        at |= {names[index]: len(boxes) for index in row.indices}
        boxes.append(_box(report, row, labels, mark, shown))
    arrows = {
        (at[name], at[node.name]): None
        for node in graph.nodes
        for name in node.inputs
        if at[name] != at[node.name]
    }
    title = title_of(report)
    return Diagram(
        title,
        f"{title}: {report.total('params'):,} parameters, {report.total('macs'):,} "
        f"multiply-accumulates, {report.layers:,} layers.",
        tuple(boxes),
        # What only training uses comes last: it is drawn on the right.
        tuple(
            Arrow(a, b, aux) for aux, b, a in sorted((boxes[b].auxiliary, b, a) for a, b in arrows)
        ),
        note,
    )


def label(shape: Sequence[int], labels: Labels) -> str:
    """A shape as the drawing writes it; a vector is its length."""
    channels, *sizes = map(str, shape)
    if labels == "maps":
        return f"{channels}@{'×'.join(sizes)}" if sizes else channels
    return "×".join([*sizes, channels] if labels == "hwc" else [channels, *sizes])


def collapsed(report: Report, depth: Depth) -> tuple[list[Group], str]:
    """The layers of each box, and what was collapsed for want of room."""
    if depth == "all":
        return groups(report), ""
    rows = _absorbed(report, groups(report))
    if depth is not None:
        return in_blocks(report, rows, depth, fewest=2), ""
    if len(rows) <= FEW:
        return rows, ""
    fewer = rows
    for level in range(max(name.count(".") for name in report.column("name")), 0, -1):
        fewer = in_blocks(report, rows, level, fewest=2)
        if len(fewer) <= FEW:
            return fewer, f"blocks are collapsed to depth {level}; --depth all draws every layer"
    # Blocks are not enough: the beginning and the end stand for themselves, the rest is one.
    ends = FEW // 2
    middle = merged(fewer[ends:-ends], "…")
    note = f"{middle.rows:,} layers in the middle are drawn as one; --depth all draws every layer"
    return [*fewer[:ends], middle, *fewer[-ends:]], note


def _block(name: str) -> str:
    return name.rpartition(".")[0]


def _absorbed(report: Report, rows: list[Group]) -> list[Group]:
    """The rows, with those that only change the values of the one before them put into its box."""
    names = report.column("name")
    place = {names[i]: at for at, row in enumerate(rows) for i in row.indices}
    sources = [
        {place[n] for i in row.indices for n in report.column("from")[i] if n in place} - {at}
        for at, row in enumerate(rows)
    ]
    readers = Counter(source for found in sources for source in found)
    inputs = {i["name"] for i in report.inputs}
    into = list(range(len(rows)))
    for at, row in enumerate(rows):
        first = row.indices[0]
        # A box may have been absorbed itself: what follows it goes where it went.
        (source,) = sources[at] if len(sources[at]) == 1 else (-1,)
        if (
            source >= 0
            and readers[source] == 1
            and inputs.isdisjoint(report.column("from")[first])
            # A block keeps what is its own, however far it is collapsed.
            and _block(names[first]) == _block(names[rows[source].indices[0]])
            and report.column("kernel_size")[first] is None
            and not report.column("macs")[first]
            and report.column("input")[first] == report.column("output")[first]
        ):
            into[at] = into[source]
    boxes: dict[int, list[Group]] = {}
    for at, row in zip(into, rows, strict=True):
        boxes.setdefault(at, []).append(row)
    return list(map(merged, boxes.values()))


def _box(report: Report, row: Group, labels: Labels, mark: bool, shown: set[str]) -> Box:
    first, last = row.indices[0], row.indices[-1]
    names = [report.column("name")[i] for i in row.indices]
    shape = tuple(report.column("output")[last])
    family = layer_class(report.column("type")[first]).family
    number = f"{row.rows:,} layer{'s' if row.rows > 1 else ''}"
    return Box(
        short(row.block or names[0]),
        (number,) if row.block else _work([report.column("layer")[i] for i in row.indices]),
        shape,
        label(shape, labels),
        row.cell(report, COLUMNS["params"]),
        "block" if row.block else _ROLES.get(family, "other"),
        all(report.column("part")[i] == "auxiliary" for i in row.indices),
        mark and not shown.isdisjoint(names),
        tuple(row.indices),
    )


def _work(texts: Sequence[str]) -> tuple[str, ...]:
    """The first layer's cell in two lines, and what follows it."""
    words = texts[0].split(" ")
    # A kernel's size stands beside the word.
    first = 2 if len(words) > 1 and words[1][0].isdigit() else 1
    lines = filter(None, (" ".join(words[:first]), " ".join(words[first:])))
    return (*map(printable, lines), *(f"+ {text}" for text in texts[1:]))


def title_of(report: Report) -> str:
    """The network's name, as a drawing can have it."""
    return printable(shorten(report.asked.titled(report.name), 200))


def short(name: str) -> str:
    name = printable(name)
    half = MAX_NAME // 2
    return name if len(name) <= MAX_NAME else f"{name[: half - 1]}…{name[-half:]}"
