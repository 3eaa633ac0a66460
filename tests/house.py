"""The import graph of the package: `python -m tests.house` prints its circles and its rooms."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import cnncalc

PACKAGE = Path(cnncalc.__file__).resolve().parent
FILES = sorted(PACKAGE.rglob("*.py"))
ENTRANCES = ("__init__", "__main__")
"""Modules that open the door to a room when they are asked to."""


class Import(NamedTuple):
    """A module that a file imports, whether for the type checker only, and whether by its name."""

    file: Path
    line: int
    module: str
    typing: bool
    by_name: bool = False

    def __str__(self) -> str:
        return f"{self.file.relative_to(PACKAGE.parent)}:{self.line}: {self.module}"


def module_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


MODULES = {module_of(file): file for file in FILES}


def imports(file: Path) -> Iterator[Import]:
    """Every import of a file, those inside functions too, and those by `import_module`."""
    tree = ast.parse(file.read_text("utf-8"))
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        typing = id(node) in guarded
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, alias.name, typing)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: imports are absolute"
            base = str(node.module)
            for alias in node.names:
                # `from cnncalc import errors` names a room, `from cnncalc.spec import load` a
                # module, `from cnncalc.spec.load import load` did.
                whole = f"{base}.{alias.name}"
                named = base == "cnncalc" or whole in MODULES
                yield Import(file, node.lineno, whole if named else base, typing)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from by_name(file, node)


def by_name(file: Path, call: ast.Call) -> Iterator[Import]:
    """What `import_module` imports: one module, or all that begin as its name does."""
    name = call.args[0]
    if isinstance(name, ast.Constant) and str(name.value).startswith("cnncalc"):
        yield Import(file, call.lineno, str(name.value), False, by_name=True)
    elif isinstance(name, ast.JoinedStr):
        start = name.values[0].value if isinstance(name.values[0], ast.Constant) else ""
        for module in MODULES:
            if str(start).startswith("cnncalc.") and module.startswith(str(start)):
                yield Import(file, call.lineno, module, False, by_name=True)


IMPORTS = [found for file in FILES for found in imports(file)]


def arrows(rooms: bool) -> dict[str, set[str]]:
    """What each module imports when it runs, or each room of other rooms."""
    found: dict[str, set[str]] = {}
    for i in IMPORTS:
        if i.typing or not i.module.startswith("cnncalc."):
            continue
        if rooms:
            here, there = room_of(i.file), i.module.split(".")[1]
            if here in ENTRANCES or there in ("__version__", here):
                continue
        else:
            here, there = module_of(i.file), i.module
            # What a package says of itself is no arrow to what lies in it.
            if there not in MODULES or here == there:
                continue
        found.setdefault(here, set()).add(there)
    return found


def circles(below: Mapping[str, set[str]]) -> list[list[str]]:
    """The modules or rooms that reach each other, each circle once."""
    reached: dict[str, set[str]] = {}
    for start in below:
        seen, waiting = set[str](), [*below[start]]
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += below.get(name, ())
        reached[start] = seen
    found = {
        tuple(sorted(b for b in reached[a] if a in reached.get(b, ())))
        for a in below
        if a in reached[a]
    }
    return [list(circle) for circle in sorted(found)]


def main() -> None:
    by = [i for i in IMPORTS if i.by_name]
    calls = {(i.file, i.line): i for i in by}
    print(f"{len(FILES)} files, {sum(map(len, arrows(rooms=False).values()))} arrows of modules")
    print(f"circles of modules: {circles(arrows(rooms=False)) or 'none'}")
    print(f"circles of rooms: {circles(arrows(rooms=True)) or 'none'}")
    print(f"import_module: {len(calls)} calls")
    for (file, line), found in calls.items():
        print(
            f"  {file.relative_to(PACKAGE.parent)}:{line}: cnncalc.{found.module.split('.')[1]}.…"
        )
    for room, those in sorted(arrows(rooms=True).items()):
        print(f"{room}: {' '.join(sorted(those))}")


if __name__ == "__main__":
    main()
