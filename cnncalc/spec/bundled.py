"""The networks that come with cnncalc. Light to import: shell completion lists them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

ENDINGS = (".json", ".yaml", ".yml")


@cache
def bundled() -> dict[str, Path]:
    """The bundled specs by name, in alphabetical order."""
    package = Path(__file__).resolve().parent.parent
    # In a wheel specs/ lies inside the package, in a checkout beside it.
    folder = next(f for f in (package / "specs", package.parent / "specs") if f.is_dir())
    found = (path for path in folder.iterdir() if path.suffix in ENDINGS)
    return {path.stem: path for path in sorted(found, key=lambda path: path.stem)}


def bundled_path(name: str) -> Path | None:
    """The file of a bundled network; `-` and `_` are alike and the ending is optional."""
    wanted = plain_name(name)
    for stem, path in bundled().items():
        if plain_name(stem) == wanted:
            return path
    return None


def plain_name(name: str) -> str:
    """A name without its ending, in the spelling that comparisons use."""
    for ending in ENDINGS:
        name = name.removesuffix(ending)
    return name.lower().replace("_", "-")
