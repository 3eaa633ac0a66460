"""What a module of ours defines, as text: exported code takes along what it uses."""

import ast
import builtins
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from cnncalc.asked import Asked
from cnncalc.graph import Graph
from cnncalc.interop.python_text import docstring


class Definitions:
    """A module of ours as text: nothing of it is imported, so what it imports need not be there."""

    def __init__(self, module: str) -> None:
        found = find_spec(module)
        assert found is not None
        assert found.origin is not None
        self.source = Path(found.origin).read_text("utf-8")
        self.body = ast.parse(self.source).body
        self.names = frozenset(
            n.name for n in self.body if isinstance(n, (ast.ClassDef, ast.FunctionDef))
        )

    @property
    def taken(self) -> set[str]:
        """What code with these definitions calls something already, so that nothing else may be
        called so: Python's own names, the definitions, and what they import."""
        aliases = (a for n in self.body if isinstance(n, ast.ImportFrom) for a in n.names)
        imported = {alias.asname or alias.name for alias in aliases}
        return {*dir(builtins), *imported, *(name for n in self.body for name in _defines(n))}

    def source_of(self, wanted: Set[str]) -> str:
        """The source of classes and functions, and of what they need of their module."""
        while True:
            nodes = [n for n in self.body if _defines(n) & wanted]
            more = wanted | (used_names(nodes) & {name for n in self.body for name in _defines(n)})
            if more == wanted:
                break
            wanted = more
        return "".join(
            ("\n" if isinstance(n, ast.Assign) else "\n\n")
            + f"{ast.get_source_segment(self.source, n)}\n"
            for n in nodes
        )

    def imports(self, used: set[str]) -> Iterator[str]:
        """Those of its imports from elsewhere that code with these names needs."""
        for node in self.body:
            if isinstance(node, ast.ImportFrom) and node.module != "__future__":
                names = [alias.name for alias in node.names if alias.name in used]
                if names:
                    yield f"from {node.module} import {', '.join(names)}"

    def file(
        self,
        graph: Graph,
        made: str,
        parts: Iterable[Iterable[str]],
        wanted: Set[str],
        imports: tuple[str, Callable[[set[str]], list[str]]],
    ) -> str:
        """A file of code: what it is, its imports, what it needs of ours, and its parts as lines.

        `imports` is a framework, and what gives the other imports from it by the names in use.
        """
        body, own = "\n\n\n".join("\n".join(part) for part in parts), self.source_of(wanted)
        used = used_names([ast.parse(f"{own}\n{body}")])
        framework, more = imports
        found = [n for n in self.imports(used) if not n.startswith(f"from {framework} import")]
        standard = [line for line in found if not line.startswith(f"from {framework}")]
        theirs = sorted({*found} - {*standard} | {*more(used)})
        lines = [*standard, *([""] if standard else []), f"import {framework}", *theirs]
        heading = docstring(
            [f"{Asked.of(graph).titled(graph.name)}.", graph.description, graph.source, made]
        )
        return "\n".join([*heading, "", *lines, own, "", f"{body}\n"])


@cache
def definitions(module: str) -> Definitions:
    """What a module defines; read once."""
    return Definitions(module)


def used_names(nodes: Sequence[ast.AST]) -> set[str]:
    """All names that occur in code."""
    return {n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name)}


def _defines(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {node.name} if isinstance(node, (ast.ClassDef, ast.FunctionDef)) else set()
