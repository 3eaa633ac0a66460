"""A graph in layers, as Sugiyama, Tagawa and Toda (1981) draw: ranks, order, and places across.

Only + - * / on numbers, and ties are broken by the order given: it comes out alike everywhere.
"""

from bisect import bisect_right, insort
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from cnncalc.errors import UsageError

MAX_POINTS = 40_000
"""Boxes, and ranks that arrows pass by, that are laid out."""
SWEEPS = 12
"""How often the order of all ranks is improved; it mostly needs none."""


class Layered(NamedTuple):
    """Points on ranks. The first are the boxes; the others are where long arrows pass a rank."""

    rank: list[int]
    order: list[list[int]]
    """The points of each rank, from left to right."""
    routes: list[list[int]]
    """The points of each arrow, from its source to its target."""

    def crossings(self) -> int:
        """How often two arrows cross."""
        return sum(
            _inversions([self.order[above], self.order[above + 1]], pieces)
            for above, pieces in enumerate(links(self))
        )


def layered(boxes: int, arrows: Sequence[tuple[int, int]]) -> Layered:
    """Each box as far down as its longest path says, in the order with the fewest crossings found.

    Boxes are in topological order; arrows that come first leave a box on the left. Raises
    UsageError where long arrows pass too many ranks.
    """
    rank = [0] * boxes
    for source, target in sorted(arrows, key=lambda arrow: arrow[1]):
        rank[target] = max(rank[target], rank[source] + 1)
    _lower_sources(rank, arrows)
    points = boxes + sum(rank[b] - rank[a] - 1 for a, b in arrows)
    if points > MAX_POINTS:
        raise UsageError(
            f"{len(arrows):,} connections pass {points:,} places: too many to lay out; collapse "
            "blocks with --depth 1, or let Graphviz do it: --format dot"
        )
    routes = []
    for source, target in arrows:
        between = range(len(rank), len(rank) + rank[target] - rank[source] - 1)
        rank += range(rank[source] + 1, rank[target])
        routes.append([source, *between, target])
    found = Layered(rank, [[] for _ in range(max(rank, default=-1) + 1)], routes)
    for point in _depth_first(found, boxes):
        found.order[rank[point]].append(point)
    return _improved(found)


def _lower_sources(rank: list[int], arrows: Sequence[tuple[int, int]]) -> None:
    """What nothing leads to stands right above what it leads to."""
    below: dict[int, int] = {}
    for source, target in arrows:
        below[source] = min(below.get(source, rank[target]), rank[target])
    for box in below.keys() - {target for _, target in arrows}:
        rank[box] = below[box] - 1


def _depth_first(found: Layered, boxes: int) -> list[int]:
    """All points, each branch as a whole: this order has no crossings where branches are nested."""
    below: list[list[int]] = [[] for _ in found.rank]
    inner = set[int]()
    for route in found.routes:
        for a, b in pairwise(route):
            below[a].append(b)
            inner.add(b)
    seen: dict[int, None] = {}
    waiting = [point for point in reversed(range(boxes)) if point not in inner]
    while waiting:
        point = waiting.pop()
        if point not in seen:
            seen[point] = None
            waiting += reversed(below[point])
    return list(seen)


def links(found: Layered) -> list[list[tuple[int, int]]]:
    """The pieces of arrows between each rank and the next."""
    pieces: list[list[tuple[int, int]]] = [[] for _ in found.order[1:]]
    for route in found.routes:
        for a, b in pairwise(route):
            pieces[found.rank[a]].append((a, b))
    return pieces


def _inversions(ranks: Sequence[Sequence[int]], links: Sequence[tuple[int, int]]) -> int:
    """Pairs of links whose ends stand in opposite order."""
    above, below = ({point: i for i, point in enumerate(points)} for points in ranks)
    met: list[int] = []
    count = 0
    for _, end in sorted((above[a], below[b]) for a, b in links):
        count += len(met) - bisect_right(met, end)
        insort(met, end)
    return count


def _improved(found: Layered) -> Layered:
    """The order with the fewest crossings among those that barycenter sweeps give."""
    best, fewest = found, found.crossings()
    pieces = links(found)
    order = [list(points) for points in found.order]
    for sweep in range(SWEEPS):
        if not fewest:
            break
        down = sweep % 2 == 0
        for r in range(1, len(order)) if down else range(len(order) - 2, -1, -1):
            fixed = {point: i for i, point in enumerate(order[r - 1 if down else r + 1])}
            ends: dict[int, list[int]] = {point: [] for point in order[r]}
            for a, b in pieces[r - 1 if down else r]:
                ends[b if down else a].append(fixed[a if down else b])
            # A point without a neighbour keeps its place.
            place = {
                point: sum(at) / len(at) if at else float(i)
                for i, (point, at) in enumerate(ends.items())
            }
            order[r].sort(key=place.__getitem__)
        now = found._replace(order=[list(points) for points in order])
        crossings = now.crossings()
        if crossings < fewest:
            best, fewest = now, crossings
    return best


def across(found: Layered, width: Sequence[float], gap: float) -> list[float]:
    """The middle of each point across, so that arrows are straight where they can be.

    `width` is each point's, `gap` lies between two neighbours. Four alignments, to the left and
    right and from above and below; each point takes the mean of the middle two, which keeps the
    gaps. Source: Brandes and Köpf, "Fast and Simple Horizontal Coordinate Assignment" (2001).
    """
    four = [
        _aligned(found, width, gap, down, left) for down in (True, False) for left in (True, False)
    ]
    narrowest = min(four, key=lambda x: extent(x, width)[1] - extent(x, width)[0])
    low, high = extent(narrowest, width)
    for k, x in enumerate(four):
        its_low, its_high = extent(x, width)
        shift = low - its_low if k % 2 == 0 else high - its_high
        four[k] = [value + shift for value in x]
    return [sum(sorted(values)[1:3]) / 2 for values in zip(*four, strict=True)]


def extent(x: Sequence[float], width: Sequence[float]) -> tuple[float, float]:
    """From where to where points reach."""
    return (
        min(at - w / 2 for at, w in zip(x, width, strict=True)),
        max(at + w / 2 for at, w in zip(x, width, strict=True)),
    )


def _aligned(
    found: Layered, width: Sequence[float], gap: float, down: bool, left: bool
) -> list[float]:
    """One of the four: each point below (or above) the median of its neighbours, then packed."""
    position = {point: i for points in found.order for i, point in enumerate(points)}
    neighbours: list[list[int]] = [[] for _ in found.rank]
    for pieces in links(found):
        for a, b in pieces:
            neighbours[b if down else a].append(a if down else b)
    root = list(range(len(found.rank)))
    passing = set[int]().union(*(route[1:-1] for route in found.routes))
    ranks = found.order if down else found.order[::-1]
    for points in ranks[1:]:
        # The pieces of long arrows stay straight: others may not be aligned across them.
        inner = sorted(
            (position[n], position[p])
            for p in points
            for n in neighbours[p]
            if p in passing and n in passing
        )
        taken: float = -1 if left else len(position)
        for p in points if left else reversed(points):
            near = sorted(neighbours[p], key=position.__getitem__)
            middle = sorted({(len(near) - 1) // 2, len(near) // 2}, reverse=not left)
            for n in (near[m] for m in middle if near):
                both = p in passing and n in passing
                crosses = not both and any(
                    (a - position[n]) * (b - position[p]) < 0 for a, b in inner
                )
                free = position[n] > taken if left else position[n] < taken
                if root[p] == p and free and not crosses:
                    root[p] = root[n]
                    taken = position[n]
    return _packed(found, root, width, gap, left)


def _packed(
    found: Layered, root: Sequence[int], width: Sequence[float], gap: float, left: bool
) -> list[float]:
    """Each column of aligned points as far to one side as its neighbours let it."""
    apart: dict[int, list[tuple[int, float]]] = {r: [] for r in root}
    waits = dict.fromkeys(apart, 0)
    for points in found.order:
        row = points if left else points[::-1]
        for a, b in pairwise(row):
            apart[root[a]].append((root[b], (width[a] + width[b]) / 2 + gap))
            waits[root[b]] += 1
    x = dict.fromkeys(apart, 0.0)
    free = [r for r, count in waits.items() if not count]
    while free:
        r = free.pop()
        for other, distance in apart[r]:
            x[other] = max(x[other], x[r] + distance)
            waits[other] -= 1
            if not waits[other]:
                free.append(other)
    return [x[r] if left else -x[r] for r in root]
