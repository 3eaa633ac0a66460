"""A diagram in Graphviz' language."""

from cnncalc.drawing.diagram import Box, Diagram
from cnncalc.drawing.mermaid import words
from cnncalc.drawing.svg import FILLS


def dot(diagram: Diagram) -> str:
    """The diagram as a digraph, auxiliary parts dashed."""
    lines = [
        f"digraph {_quoted([diagram.title])} {{",
        '  node [shape=box, style=filled, fontname="Helvetica", fontsize=10];',
        *map(_node, range(len(diagram.boxes)), diagram.boxes),
        *(f"  n{a} -> n{b}{' [style=dashed]' * dashed};" for a, b, dashed in diagram.arrows),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _node(number: int, box: Box) -> str:
    style = ', style="filled,dashed"' * box.auxiliary
    return f'  n{number} [label={_quoted(words(box))}, fillcolor="{FILLS[box.role][0]}"{style}];'


def _quoted(texts: list[str]) -> str:
    # Backslash begins an escape such as \N, the node's name.
    escaped = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return '"{}"'.format("\\n".join(escaped))
