"""The layers explained, from their classes alone."""

from cnncalc.layers import GROUPS, layer_class
from cnncalc.layers.base import Layer

_HEAD = """\
# Layers

Every layer of the spec language, its fields and their defaults. This page is made from the
classes by `cnncalc layers --format markdown`; a test keeps it current. How each layer counts
is in [counting.md](counting.md), how layers are written in [spec.md](spec.md).
"""


def field_rows(cls: type[Layer]) -> list[tuple[str, str, str]]:
    """Name, default and meaning of every field; the required ones first."""
    rows = []
    if cls.joins:
        meaning = "lists of layers that all read the same input; [] is that input itself"
        rows.append(("branches", "from", meaning))
    for name, info in cls.model_fields.items():
        default = "required" if info.is_required() else _literal(info.default)
        rows.append((info.alias or name, default, info.description or ""))
    return sorted(rows, key=lambda row: row[1] != "required")


def _literal(value: object) -> str:
    if value is None:
        return "–"
    return str(value).lower() if isinstance(value, bool) else str(value)


def all_layers() -> str:
    """The page of all layers as Markdown."""
    parts = [_HEAD]
    for title, modules in GROUPS.items():
        parts.append(f"\n## {title}\n")
        parts += [_section(word) for words in modules.values() for word in words.split()]
    return "".join(parts)


def _section(word: str) -> str:
    cls = layer_class(word)
    lines = ["", f"### {word}", "", cls.summary()]
    rows = field_rows(cls)
    if rows:
        lines += ["", "| field | default | meaning |", "| --- | --- | --- |"]
        lines += [f"| `{name}` | {default} | {meaning} |" for name, default, meaning in rows]
    if cls.main:
        lines += ["", f"A bare value fills `{cls.main}`."]
    return "\n".join(lines) + "\n"
