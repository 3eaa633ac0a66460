"""A diagram in Graphviz' language."""

from cnncalc.drawing.diagram import Diagram
from cnncalc.drawing.mermaid import words
from cnncalc.drawing.svg import FILLS


def dot(diagram: Diagram) -> str:
    """The diagram as a digraph, auxiliary parts dashed."""
    lines = [
        f"digraph {_quoted([diagram.title])} {{",
        '  node [shape=box, style=filled, fontname="Helvetica", fontsize=10];',
    ]
    for i, box in enumerate(diagram.boxes):
        style = ', style="filled,dashed"' if box.auxiliary else ""
        lines.append(
            f'  n{i} [label={_quoted(words(box))}, fillcolor="{FILLS[box.role][0]}"{style}];'
        )
    for arrow in diagram.arrows:
        style = " [style=dashed]" if arrow.auxiliary else ""
        lines.append(f"  n{arrow.source} -> n{arrow.target}{style};")
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(texts: list[str]) -> str:
    # Backslash begins an escape such as \N, the node's name.
    escaped = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return '"{}"'.format("\\n".join(escaped))
