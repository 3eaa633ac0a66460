"""Alignment of two sequences with the fewest changes, in bounded time.

An edit distance: leaving out an element of either sequence is one change, a pair costs what `cost`
says. Where both sequences are long, elements that occur once in each are taken for pairs first, and
what lies between them is aligned by itself; where that is long too, near the diagonal only.
Sources: Wagner and Fischer, The String-to-String Correction Problem (1974); Cohen's patience diff.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from itertools import takewhile

CHANGE = 1 << 20
"""The cost of one change. What a pair costs below it only chooses among the shortest lists of
changes; all of that together must stay below it."""
MAX_CELLS = 500_000
"""The largest table of costs that is filled: half a second or less."""
MAX_SPLITS = 20
"""How often what lies between pairs is split again."""

Cost = Callable[[int, int], int]
"""What it costs to pair an element of each: 0 where they are alike, CHANGE and more where one has
become the other, more than two changes where they have nothing to do with each other."""
Pairs = list[tuple[int, int]]


def align(
    a: Sequence[Hashable], b: Sequence[Hashable], cost: Cost, max_cells: int = MAX_CELLS
) -> Pairs:
    """The pairs (index in a, index in b), in order; `a` and `b` hold keys of what is alike.

    The number of changes is the least possible where the parts that differ have at most
    `max_cells` pairs; nearly so beyond.
    """
    return _between(a, b, (0, len(a), 0, len(b)), cost, max_cells, MAX_SPLITS)


Span = tuple[int, int, int, int]
"""From where to where, in a and in b."""


def _between(
    a: Sequence[Hashable],
    b: Sequence[Hashable],
    span: Span,
    cost: Cost,
    max_cells: int,
    splits: int,
) -> Pairs:
    """The pairs of a part of each, which may be split `splits` times more."""
    head, span, tail = _trimmed(span, lambda i, j: cost(i, j) == 0)
    i, i_end, j, j_end = span
    if (i_end - i) * (j_end - j) <= max_cells:
        return [*head, *_table(span, cost, max_cells), *tail]
    more, span, behind = _trimmed(span, lambda i, j: a[i] == b[j])
    head, tail = head + more, behind + tail
    i, i_end, j, j_end = span
    anchors = _anchors(a, b, span) if splits else []
    if not anchors:
        return [*head, *_table(span, cost, max_cells), *tail]
    pairs = head
    for at, to in [*anchors, (i_end, j_end)]:
        pairs += _between(a, b, (i, at, j, to), cost, max_cells, splits - 1)
        if at < i_end:
            pairs.append((at, to))
        i, j = at + 1, to + 1
    return pairs + tail


def _trimmed(span: Span, alike: Callable[[int, int], bool]) -> tuple[Pairs, Span, Pairs]:
    """What is alike at both ends, and what is between."""
    i, i_end, j, j_end = span
    ahead = zip(range(i, i_end), range(j, j_end), strict=False)
    head = list(takewhile(lambda pair: alike(*pair), ahead))
    i, j = i + len(head), j + len(head)
    backward = zip(range(i_end - 1, i - 1, -1), range(j_end - 1, j - 1, -1), strict=False)
    tail = list(takewhile(lambda pair: alike(*pair), backward))
    return head, (i, i_end - len(tail), j, j_end - len(tail)), tail[::-1]


def _anchors(a: Sequence[Hashable], b: Sequence[Hashable], span: Span) -> Pairs:
    """The longest rising sequence of pairs that occur once in each."""
    i, i_end, j, j_end = span
    in_a, in_b = Counter(a[i:i_end]), Counter(b[j:j_end])
    place = {b[at]: at for at in range(j, j_end) if in_b[b[at]] == 1}
    pairs = [(at, place[a[at]]) for at in range(i, i_end) if in_a[a[at]] == 1 and a[at] in place]
    # The smallest end of a rising sequence of each length, and what stands before each pair.
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for number, (_, to) in enumerate(pairs):
        length = bisect_left(ends, to)
        ends[length : length + 1] = [to]
        last[length : length + 1] = [number]
        before.append(last[length - 1] if length else -1)
    found: Pairs = []
    number = last[-1] if last else -1
    while number >= 0:
        found.append(pairs[number])
        number = before[number]
    return found[::-1]


_PAIR, _LEFT_OUT_OF_A, _LEFT_OUT_OF_B = range(3)


def _table(span: Span, cost: Cost, max_cells: int) -> Pairs:
    """The cheapest pairs, by the table of the costs of all beginnings.

    Where the table is too large, only what is near its diagonal is filled.
    """
    start, end, left, right = span
    n, m = end - start, right - left
    if not n or not m:
        return []
    # From one row to the next the diagonal moves by up to m/n.
    reach = m if n * m <= max_cells else max(max_cells // (2 * n), m // n + 1)
    unreached = (n + m + 1) * CHANGE
    above = [j * CHANGE for j in range(m + 1)]
    moves: list[tuple[int, bytearray]] = [(0, bytearray([_LEFT_OUT_OF_B]) * (m + 1))]
    for i in range(1, n + 1):
        middle = i * m // n
        low, high = max(middle - reach, 0), min(middle + reach, m)
        row = [unreached] * (m + 1)
        move = bytearray(high - low + 1)
        moves.append((low, move))
        if low == 0:
            row[0] = i * CHANGE
            move[0] = _LEFT_OUT_OF_A
        for j in range(max(low, 1), high + 1):
            best, how = above[j - 1] + cost(start + i - 1, left + j - 1), _PAIR
            # Where it costs the same, leave out as late as possible: what was put in is shown
            # behind what it repeats.
            if above[j] + CHANGE <= best:
                best, how = above[j] + CHANGE, _LEFT_OUT_OF_A
            if row[j - 1] + CHANGE <= best:
                best, how = row[j - 1] + CHANGE, _LEFT_OUT_OF_B
            row[j], move[j - low] = best, how
        above = row
    pairs: Pairs = []
    i, j = n, m
    while i or j:
        low, move = moves[i]
        how = move[j - low]
        if how == _PAIR:
            pairs.append((start + i - 1, left + j - 1))
        i -= how != _LEFT_OUT_OF_B
        j -= how != _LEFT_OUT_OF_A
    return pairs[::-1]
