"""A drawing as SVG: one file, no scripts, colours for a light and a dark page."""

from itertools import pairwise
from xml.sax.saxutils import escape

from cnncalc.drawing.scene import Item, Line, Point, Polygon, Scene, Style, Text

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
FILLS: dict[Style, tuple[str, str]] = {
    "input": ("#f5f5f4", "#44403c"),
    "conv": ("#bfdbfe", "#1e4d8c"),
    "pool": ("#fecaca", "#8a2c2c"),
    "dense": ("#bbf7d0", "#14663a"),
    "join": ("#ddd6fe", "#5b3fa8"),
    "other": ("#e5e7eb", "#4b5563"),
    "block": ("#fde68a", "#7a5210"),
    "frame": ("#ffffff", "#161b22"),
    "pale": ("#f1f5f9", "#273140"),
}
"""The fill of each style on a light and on a dark page."""
_PAGE = ("#ffffff", "#0d1117")
_INK = ("#1f2328", "#e6edf3")
_LINE = ("#6b7280", "#9aa4b2")


def svg(scene: Scene) -> str:
    """The drawing as an SVG document."""
    width, height = number(scene.width), number(scene.height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" class="cnncalc">',
        f"<title>{escape(scene.title)}</title>",
        f"<desc>{escape(scene.description)}</desc>",
        f"<style>\n{_style()}</style>",
        '<defs><marker id="cnncalc-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto" markerUnits="userSpaceOnUse">'
        '<path class="tip" d="M0 0.5L8 4L0 7.5Z"/></marker></defs>',
        f'<rect class="page" width="{width}" height="{height}"/>',
        *map(_element, scene.items),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def number(value: float) -> str:
    """At most two decimals, none that are 0."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _style() -> str:
    # Each rule begins with the class of the drawing, so that none reaches a page around it. There
    # the drawing is light or dark as the page is; alone, as its reader has it.
    light = [
        ":root { color-scheme: light dark; }",
        f" text {{ font-family: {FONT}; }}",
        " .bold { font-weight: 600; }",
        " .line { fill: none; }",
        " .dashed { stroke-dasharray: 4 3; }",
        *_colours("{0}"),
    ]
    rules = "\n".join(f".cnncalc{rule}" for rule in light)
    both = "\n".join(f".cnncalc{rule}" for rule in _colours("light-dark({0}, {1})"))
    return f"{rules}\n@supports (fill: light-dark(#000, #fff)) {{\n{both}\n}}\n"


def _colours(form: str) -> list[str]:
    line = form.format(*_LINE)
    return [
        f" .page {{ fill: {form.format(*_PAGE)}; }}",
        f" text {{ fill: {form.format(*_INK)}; }}",
        f" .line, .cnncalc polygon {{ stroke: {line}; }}",
        f" .tip {{ fill: {line}; }}",
        *(f" .{style} {{ fill: {form.format(*fills)}; }}" for style, fills in FILLS.items()),
    ]


def _element(item: Item) -> str:
    match item:
        case Polygon(points, style, dashed):
            corners = " ".join(f"{number(x)},{number(y)}" for x, y in points)
            return f'<polygon class="{style}{" dashed" * dashed}" points="{corners}"/>'
        case Line(points, arrow, dashed, curved):
            tip = ' marker-end="url(#cnncalc-tip)"' if arrow else ""
            path = _curve(points) if curved else "M" + "L".join(map(_point, points))
            return f'<path class="line{" dashed" * dashed}" d="{path}"{tip}/>'
        case Text():
            bold = ' class="bold"' if item.bold else ""
            anchor = "" if item.anchor == "start" else f' text-anchor="{item.anchor}"'
            return (
                f'<text{bold} x="{number(item.x)}" y="{number(item.y)}" '
                f'font-size="{item.size}"{anchor}>{escape(item.text)}</text>'
            )


def _point(point: Point) -> str:
    return f"{number(point[0])} {number(point[1])}"


def _curve(points: tuple[Point, ...]) -> str:
    """Upright at every point, and bent between two that do not stand one above the other."""
    path = f"M{_point(points[0])}"
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (y0 + y1) / 2
        bend = f"C{_point((x0, middle))} {_point((x1, middle))} "
        path += ("L" if x0 == x1 else bend) + _point((x1, y1))
    return path
