"""A drawing as a TikZ picture: a fragment for \\input, which needs nothing but the package tikz."""

from itertools import pairwise

from cnncalc.drawing.scene import Item, Line, Point, Polygon, Scene, Text
from cnncalc.drawing.svg import FILLS, number
from cnncalc.render.latex import escape


def tikz(scene: Scene) -> str:
    """The drawing in the colours of a light page."""
    lines = [
        "% \\usepackage{tikz}",
        f"% {scene.description}",
        "\\begin{tikzpicture}[x=0.75pt, y=-0.75pt, line width=0.4pt, draw=black!60, >=stealth]",
        *(
            f"\\definecolor{{cnncalc{style}}}{{HTML}}{{{light[1:].upper()}}}"
            for style, (light, _) in FILLS.items()
        ),
        f"\\useasboundingbox (0,0) rectangle {_point((scene.width, scene.height))};",
        *map(_command, scene.items),
        "\\end{tikzpicture}",
    ]
    return "\n".join(lines) + "\n"


def _command(item: Item) -> str:
    match item:
        case Polygon(points, style, dashed):
            path = " -- ".join(map(_point, points))
            return f"\\filldraw[fill=cnncalc{style}{', dashed' * dashed}] {path} -- cycle;"
        case Line(points, arrow, dashed, curved):
            options = ", ".join(["->"] * arrow + ["dashed"] * dashed)
            path = _curve(points) if curved else " -- ".join(map(_point, points))
            return f"\\draw[{options}] {path};"
        case Text():
            anchor = {"start": "base west", "middle": "base", "end": "base east"}[item.anchor]
            # Sizes that TeX's own fonts have; they are narrower than the screen's.
            font = ("\\footnotesize" if item.size <= 11 else "\\small") + "\\sffamily"
            font += "\\bfseries" * item.bold
            return (
                f"\\node[anchor={anchor}, inner sep=0pt, font={font}] at "
                f"{_point((item.x, item.y))} {{{escape(item.text)}}};"
            )


def _point(point: Point) -> str:
    return f"({number(point[0])},{number(point[1])})"


def _curve(points: tuple[Point, ...]) -> str:
    path = _point(points[0])
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (y0 + y1) / 2
        bend = f" .. controls {_point((x0, middle))} and {_point((x1, middle))} .. "
        path += (" -- " if x0 == x1 else bend) + _point((x1, y1))
    return path
