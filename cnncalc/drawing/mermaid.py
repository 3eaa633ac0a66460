"""A diagram as a Mermaid flowchart, which GitHub and GitLab draw themselves."""

from cnncalc.drawing.diagram import Box, Diagram

MAX_ARROWS = 500
MAX_LETTERS = 50_000
"""Mermaid draws no more, unless a page is configured otherwise; GitHub's is not."""

_SHAPES = {"input": ("[/", "/]"), "join": ("([", "])"), "dense": ("[", "]")}
# Mermaid reads entities with # in place of &.
_ESCAPES = str.maketrans({c: f"#{ord(c)};" for c in '#&<>"`\\{}[]|*_~'} | {"$": "#36;"})


def mermaid(diagram: Diagram) -> str:
    """The diagram as a flowchart from top to bottom, auxiliary parts dashed."""
    lines = [
        "flowchart TD",
        *map(_node, range(len(diagram.boxes)), diagram.boxes),
        *(f"  n{a} {'-.->' if dashed else '-->'} n{b}" for a, b, dashed in diagram.arrows),
    ]
    resting = [f"n{i}" for i, box in enumerate(diagram.boxes) if box.auxiliary]
    if resting:
        lines += [
            "  classDef auxiliary stroke-dasharray: 4 3",
            f"  class {','.join(resting)} auxiliary",
        ]
    return "\n".join(lines) + "\n"


def _node(number: int, box: Box) -> str:
    label = "<br/>".join(text.translate(_ESCAPES) for text in words(box))
    opening, closing = _SHAPES.get(box.role, ("[", "]"))
    return f'  n{number}{opening}"{label}"{closing}'


def too_large(diagram: Diagram, text: str) -> str:
    """What to say where Mermaid would refuse; nothing where it would not."""
    if len(diagram.arrows) <= MAX_ARROWS and len(text) <= MAX_LETTERS:
        return ""
    return (
        f"{len(diagram.arrows):,} arrows in {len(text):,} letters: GitHub's Mermaid draws at most "
        f"{MAX_ARROWS:,} in {MAX_LETTERS:,}; collapse blocks with --depth 1"
    )


def words(box: Box) -> list[str]:
    """What stands in a box, line by line."""
    work = " ".join(box.work)
    return [
        text for text in (box.name, work, box.label, box.params_text, "output" * box.output) if text
    ]
