"""The number that a textbook gives each layer, and the layers that a number stands for."""

from collections.abc import Sequence

from cnncalc.infer import Facts


def layer_numbers(facts: Sequence[Facts]) -> list[int | None]:
    """The textbook's number of each layer; none before the first that counts.

    The most layers that count on a path from the input to it, itself included: what stands beside
    others, as the projection of a shortcut does, makes no network deeper.
    """
    depths: dict[str, int] = {}
    for fact in facts:
        before = max((depths.get(name, 0) for name in fact.node.inputs), default=0)
        depths[fact.node.name] = before + fact.node.layer.numbered
    return [number or None for number in depths.values()]


def by_number(text: str, facts: Sequence[Facts]) -> list[Facts]:
    """The layers that count, of a number as it is written; what follows them is not named by it."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        return []
    numbers = zip(facts, layer_numbers(facts), strict=True)
    return [f for f, number in numbers if f.node.layer.numbered and number == int(text)]
