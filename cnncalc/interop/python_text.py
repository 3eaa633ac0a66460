"""Python code as text, laid out as black and ruff lay it out."""

import ast
import keyword
import re
import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from unicodedata import east_asian_width, normalize

from cnncalc.errors import printable

WIDTH = 88
"""Columns of a line: black's, and ruff's."""


BETWEEN, PART = "layer", "_part"
"""What is between the statements that one long one becomes: a callee, or a part of a target."""


def is_attribute(name: str) -> bool:
    """Whether `x.name` reads the attribute of exactly this name."""
    # Python reads other forms of a letter as the plain one.
    plain = normalize("NFKC", name) == name
    return name.isidentifier() and not keyword.iskeyword(name) and plain


def identifier(text: str, taken: set[str], instead: str = "value", between: str = "_") -> str:
    """A variable's name made of a text, which none of `taken` is; it is taken from now on.

    `between` stands before the number of what would be the same name again.
    """
    name = normalize("NFKC", re.sub(r"\W", "_", text)).strip("_")
    if not name[:1].isidentifier():
        name = f"{instead}_{name}".strip("_")
    name += "_" if keyword.iskeyword(name) or not name.isidentifier() else ""
    chosen, number = name, 2
    while chosen in taken:
        chosen, number = f"{name}{between}{number}", number + 1
    taken.add(chosen)
    return chosen


def class_name(text: str, taken: set[str]) -> str:
    """The name of a class made of a title: `LeNet-5 (1998)` is LeNet5_1998."""
    text = re.sub(r"(?<=\d)\W+(?=\d)", "_", text)
    parts = [part for part in re.split(r"[\W]+|_(?!\d)|(?<!\d)_", text) if part]
    title = "".join(part[:1].upper() + part[1:] for part in parts)
    between = "_" if title[-1:].isdigit() else ""
    return identifier(title, taken, "Network", between)


def arguments(
    slots: Iterable[tuple[str, str, Any]],
    variables: Iterable[str | None],
    defaults: Mapping[str, Any] = MappingProxyType({}),
    positional: Collection[str] = (),
) -> list[str]:
    """What a constructor is given: for each (whose, argument, value) a variable, or else the value.

    A default is left out. `positional` need not be named as long as no other is written before.
    """
    found, first = list[str](), True
    for (_, name, value), variable in zip(slots, variables, strict=False):
        if variable is None and name in defaults and repr(defaults[name]) == repr(value):
            first = False
            continue
        first = first and name in positional
        shown = variable or repr(value)
        found.append(shown if first else f"{name}={shown}")
    return found


def docstring(paragraphs: Sequence[str], indent: int = 0) -> list[str]:
    """A docstring; the texts are those of a spec and may hold anything."""
    texts = [printable(p).replace("\\", "\\\\").replace('"""', "'''") for p in paragraphs if p]
    # Room for both quotes: what fits on one line stands on one. A word that is too long is cut.
    wrapped = [textwrap.wrap(text, WIDTH - indent - 6) for text in texts]
    first, *more = [line for part in wrapped for line in (*part, "")][:-1]
    alone = not more and not first.endswith('"')
    lines = [f'"""{first}"""'] if alone else [f'"""{first}', *more, '"""']
    return [" " * indent + line if line else "" for line in lines]


def columns(line: str) -> int:
    """How wide a line is: letters of East Asia take two columns."""
    return len(line) if line.isascii() else sum(1 + (east_asian_width(c) in "WF") for c in line)


def parse(expression: str) -> ast.expr:
    """The tree of an expression."""
    return ast.parse(expression, mode="eval").body


def text(node: ast.AST) -> str:
    """A tree as one line. No string in our expressions has quotes within."""
    return ast.unparse(node).replace("'", '"')


def statement(prefix: str, expression: str, indent: int) -> list[str]:
    """`prefix` and an expression, on as many lines as it takes."""
    return _wrap(prefix, parse(expression), "", indent)


def assignment(target: str, expression: str, indent: int, returns: bool = False) -> list[str]:
    """`target = expression`, or `return expression`; what is too long becomes several statements.

    No operator and no chain of calls is broken within a line.
    """
    node, prefix = parse(expression), "return " if returns else f"{target} = "
    line = " " * indent + prefix + text(node)
    operand = _first_operand(node)
    if columns(line) <= WIDTH or operand is None:
        return _wrap(prefix, node, "", indent)
    between = target
    if isinstance(node, ast.Call) and operand is node.func:
        between = BETWEEN
    elif any(isinstance(n, ast.Name) and n.id == target for n in _others(node, operand)):
        between = f"{target}{PART}"
    first = assignment(between, text(operand), indent)
    rest = text(_Replace(operand, between).visit(node))
    return [*first, *assignment(target, rest, indent, returns)]


def _first_operand(node: ast.expr) -> ast.expr | None:
    """The part that can be computed first, where an expression is more than one call."""
    if isinstance(node, ast.UnaryOp):
        found: ast.expr = node.operand
    elif isinstance(node, ast.BinOp):
        if not isinstance(node.left, (ast.Name, ast.Constant)):
            return node.left
        return node.right if isinstance(node.right, ast.Call) else None
    elif isinstance(node, (ast.Attribute, ast.Subscript)):
        found = node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Call):
        return node.func
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        found = node.func.value
    else:
        return None
    return found if any(isinstance(n, ast.Call) for n in ast.walk(found)) else None


def _others(node: ast.AST, without: ast.AST) -> list[ast.AST]:
    inside = set(map(id, ast.walk(without)))
    return [n for n in ast.walk(node) if id(n) not in inside]


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, name: str) -> None:
        self.old, self.name = old, name

    def visit(self, node: ast.AST) -> ast.AST:
        found = node is self.old
        return ast.Name(self.name, ast.Load()) if found else self.generic_visit(node)


def _wrap(prefix: str, node: ast.AST, suffix: str, indent: int) -> list[str]:
    line = " " * indent + prefix + text(node) + suffix
    if columns(line) <= WIDTH:
        return [line]
    if isinstance(node, ast.Starred):
        return _wrap(f"{prefix}*", node.value, suffix, indent)
    if isinstance(node, ast.keyword):
        return _wrap(f"{prefix}{node.arg}=", node.value, suffix, indent)
    inner, ends, parts = indent + 4, "()", list[ast.AST]()
    if isinstance(node, ast.Call):
        prefix, parts = prefix + text(node.func), [*node.args, *node.keywords]
    elif isinstance(node, (ast.Tuple, ast.List)):
        parts, ends = [*node.elts], "()" if isinstance(node, ast.Tuple) else "[]"
    elif isinstance(node, ast.Dict):
        return _dict(prefix, node, suffix, indent)
    elif isinstance(node, ast.GeneratorExp):
        loops = [f"for {text(g.target)} in {text(g.iter)}" for g in node.generators]
        body = " ".join([text(node.elt), *loops])
        split = [*_wrap("", node.elt, "", inner), *(" " * inner + loop for loop in loops)]
        body_lines = split if inner + columns(body) > WIDTH else [" " * inner + body]
        return [" " * indent + prefix + "(", *body_lines, " " * indent + ")" + suffix]
    if not parts:
        return [line]
    body = ", ".join(map(text, parts))
    if isinstance(node, ast.Call) and inner + columns(body) <= WIDTH:
        body_lines = [" " * inner + body]
    else:
        # A call's only argument gets no comma.
        alone = isinstance(node, ast.Call) and len(parts) == 1 and not node.keywords
        alone = alone and not isinstance(parts[0], ast.Starred)
        body_lines = [row for p in parts for row in _wrap("", p, "" if alone else ",", inner)]
    return [" " * indent + prefix + ends[0], *body_lines, " " * indent + ends[1] + suffix]


def _dict(prefix: str, node: ast.Dict, suffix: str, indent: int) -> list[str]:
    lines = [" " * indent + prefix + "{"]
    for key, value in zip(node.keys, node.values, strict=True):
        if key is not None:
            lines += _wrap(f"{text(key)}: ", value, ",", indent + 4)
    return [*lines, " " * indent + "}" + suffix]


def signature(name: str, parameters: Sequence[str], returns: str, indent: int) -> list[str]:
    """The first line of a function, or its first lines."""
    space, listed = " " * indent, ", ".join(parameters)
    returns = f" -> {returns}" if returns else ""
    line = f"{space}def {name}({listed}){returns}:"
    if columns(line) <= WIDTH:
        return [line]
    body = [f"{space}    {listed}"]
    if columns(body[0]) > WIDTH:
        body = [f"{space}    {parameter}," for parameter in parameters]
    return [f"{space}def {name}(", *body, f"{space}){returns}:"]
