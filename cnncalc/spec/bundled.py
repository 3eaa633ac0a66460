"""The networks that come with cnncalc. Light to import: shell completion lists them."""

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


@cache
def variants() -> dict[str, Path]:
    """The variants that bundled specs name, with the spec of each.

    Found in the text: their keys stand two spaces in, as all bundled specs have them.
    """
    found = {}
    for path in bundled().values():
        _, _, rest = path.read_text(encoding="utf-8").partition("\nvariants:\n")
        for line in rest.splitlines():
            if line[:1] not in (" ", "#", ""):
                break
            if line[:2] == "  " and line[2:3] not in (" ", "#", ""):
                found[line.split(":")[0].strip()] = path
    return found


def networks() -> list[str]:
    """Every name that stands for a network: variants, and specs that have none."""
    families = set(variants().values())
    alone = [name for name, path in bundled().items() if path not in families]
    return sorted([*alone, *variants()])


def find(name: str) -> tuple[Path, str | None] | None:
    """The file, and its variant, of a bundled name; `-` and `_` are alike."""
    wanted = plain_name(name)
    # Variants stand in the files, which are read only for a name that is not a file's.
    for known in (bundled, variants):
        for entry, path in known().items():
            if plain_name(entry) == wanted:
                return path, entry if known is variants else None
    return None


def plain_name(name: str) -> str:
    """A name without its ending, in the spelling that comparisons use."""
    for ending in ENDINGS:
        name = name.removesuffix(ending)
    return name.lower().replace("_", "-")
