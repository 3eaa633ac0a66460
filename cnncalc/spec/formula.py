"""Formulas of a spec: `=4*width`, `=make_divisible(0.75*width, 8)`.

The text is parsed by Python's `ast` and walked over a whitelist; nothing of it is ever evaluated
as Python. Arithmetic is exact: integers and fractions, and a decimal is the fraction it spells.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache, partial
from keyword import iskeyword
from math import ceil, floor, isfinite
from typing import Any

from cnncalc.dims import AbstractNumber, ceil_div, choose, maximum, minimum, pinned
from cnncalc.errors import printable, shorten, shown, suggestion

MAX_LENGTH = 200
"""The longest formula, in characters."""
MAX_SIZE = 10**30
"""The largest numerator or denominator that may come up on the way."""
MAX_NESTED = 50
"""How deep operations may stand inside one another."""
_MAX_EXPONENT = 100

_OF_ANY_KIND = (ast.Name, ast.Subscript, ast.IfExp, ast.Compare, ast.BoolOp)

BROKEN = object()
"""The value of a variable that is wrong itself: what uses it is not judged."""

Number = int | Fraction
"""Or an `AbstractNumber`, which is as good as an int or a fraction."""
_Compute = Callable[[Mapping[str, Any]], Number]
_Truth = Callable[[Mapping[str, Any]], bool]
_Operator = Callable[[Number, Number], Number]

_COMPARISONS: dict[type[ast.cmpop], Callable[[Number, Number], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}

_TOKEN = re.compile(
    r" |[A-Za-z_][A-Za-z0-9_]*|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,2})?(?![\w.])"
    r"|[^\w\s.\\#'\"\x00-\x1f\x7f]"
)
"""What a formula is made of. No text, comment, line break or hexadecimal number gets further."""


class FormulaError(Exception):
    """What is wrong with a formula, as a sentence; empty where that has been said already."""


def is_variable(name: Any) -> bool:
    """Whether a formula can name a variable so."""
    return (
        isinstance(name, str)
        and len(name) <= MAX_LENGTH
        and name.isascii()
        and name.isidentifier()
        and not iskeyword(name)
    )


def make_divisible(value: Number, divisor: Number, lowest: Number | None = None) -> Number:
    """The multiple of `divisor` nearest to `value`, at least `lowest`, never below 90 % of it.

    Source: the function of this name in the MobileNet reference code, which torchvision follows.
    """
    least = divisor if lowest is None else lowest
    rounded = maximum(least, floor(value + divisor * Fraction(1, 2)) // divisor * divisor)
    return choose(10 * rounded - 9 * value, rounded + divisor, rounded)


FUNCTIONS: dict[str, tuple[Callable[..., Any], tuple[int, ...]]] = {
    "min": (minimum, (2, 3, 4)),
    "max": (maximum, (2, 3, 4)),
    "ceil": (ceil, (1,)),
    "floor": (floor, (1,)),
    "round": (round, (1,)),
    "ceil_div": (ceil_div, (2,)),
    "make_divisible": (make_divisible, (2, 3)),
    "len": (len, (1,)),
}
"""The functions of the language, and how many arguments each takes."""


def _fraction(number: Number) -> Fraction:
    """The same number, of a kind whose quotients are exact."""
    return Fraction(number) if isinstance(number, int) else number


def _power(base: Number, exponent: Number) -> Number:
    if exponent.denominator != 1 or not -_MAX_EXPONENT <= exponent <= _MAX_EXPONENT:
        raise FormulaError(f"an exponent must be whole and at most {_MAX_EXPONENT}")
    times = pinned(exponent.numerator)
    power: Number = (base if times >= 0 else _fraction(base)) ** times
    return power


_OPERATORS: dict[type[ast.operator], _Operator] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda a, b: _fraction(a) / b,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}


def evaluate(text: str, variables: Mapping[str, Any]) -> Any:
    """The value of a formula (without its `=`); whole fractions are integers.

    What is no arithmetic keeps its kind: a variable, an entry of a list, a comparison. Raises
    FormulaError.
    """
    return _compiled(text)(variables)


@lru_cache(1024)
def _compiled(text: str) -> Callable[[Mapping[str, Any]], Any]:
    """What computes a formula; a block that is used often has the same ones each time."""
    return _any(_parsed(text), text.strip())


def _parsed(text: str) -> ast.expr:
    """The tree of a formula."""
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"a formula of {len(text):,} characters; {MAX_LENGTH} are allowed")
    if not text.isascii() or _TOKEN.sub("", text):
        raise FormulaError(_no_formula(text))
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise FormulaError(_no_formula(text)) from None
    if _depth(tree) > MAX_NESTED:
        raise FormulaError(f"{_quoted(text)} is nested more than {MAX_NESTED} deep")
    return tree


def _depth(tree: ast.expr) -> int:
    """How deep the tree of a formula is, found without recursion."""
    depth, level = 0, [tree]
    while level:
        depth += 1
        level = [n for node in level for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr)]
    return depth


def _any(node: ast.expr, text: str) -> Callable[[Mapping[str, Any]], Any]:
    """What computes a part of a formula that may be of any kind."""
    if isinstance(node, ast.Name):
        return partial(_variable, node.id)
    if isinstance(node, ast.IfExp):
        test, then, otherwise = (_any(n, text) for n in (node.test, node.body, node.orelse))
        condition = _truth(node.test, test, text)
        return lambda v: then(v) if condition(v) else otherwise(v)
    if isinstance(node, ast.Subscript):
        values, place = _any(node.value, text), _number(node.slice, text)
        listed = _source(node.value, text)
        return lambda v: _entry(listed, values(v), place(v))
    if isinstance(node, ast.Compare):
        return _comparison(node, text)
    if isinstance(node, ast.BoolOp):
        parts = [_truth(n, _any(n, text), text) for n in node.values]
        together = all if isinstance(node.op, ast.And) else any
        return lambda v: together(part(v) for part in parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        operand = _truth(node.operand, _any(node.operand, text), text)
        return lambda v: not operand(v)
    if isinstance(node, ast.Call) and _is_index(node):
        name, place = _source(node.func, text), _number(node.args[0], text)
        return lambda v: _entry(name, _function(name, v), place(v))
    compute = _number(node, text)

    def whole(variables: Mapping[str, Any]) -> Number:
        value = compute(variables)
        return value.numerator if value.denominator == 1 else value

    return whole


def _truth(node: ast.expr, compute: Callable[[Mapping[str, Any]], Any], text: str) -> _Truth:
    """What computes a part of a formula that must be true or false."""

    def truth(variables: Mapping[str, Any]) -> bool:
        value = compute(variables)
        if not isinstance(value, bool):
            written = _source(node, text)
            but = "" if written == shown(value) else f" but {shown(value)}"
            raise FormulaError(f"{written} is no condition{but}; compare it with something")
        return value

    return truth


def _comparison(node: ast.Compare, text: str) -> _Truth:
    """What compares numbers, perhaps several in a row: `0 < i <= n`."""
    numbers = [_number(n, text) for n in (node.left, *node.comparators)]
    compare = [_COMPARISONS.get(type(op)) for op in node.ops]

    def comparison(variables: Mapping[str, Any]) -> bool:
        values = [number(variables) for number in numbers]
        for function, left, right in zip(compare, values, values[1:], strict=False):
            if function is None:
                raise FormulaError(f"{_quoted(text)} may compare with < <= > >= == != only")
            if not function(left, right):
                return False
        return True

    return comparison


def _is_index(node: ast.expr) -> bool:
    """Whether it is `widths(i)`, the same as `widths[i]`, which ends a value in YAML's {…}."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return False
    return node.func.id not in FUNCTIONS and len(node.args) == 1 and not node.keywords


def _function(name: str, variables: Mapping[str, Any]) -> list[Any]:
    """The list that is called like a function."""
    if not isinstance(variables.get(name), list):
        hint = suggestion(name, FUNCTIONS) or f"; there are {', '.join(FUNCTIONS)}"
        raise FormulaError(f"no such function: {printable(shorten(name))}{hint}")
    found: list[Any] = variables[name]
    return found


def _entry(name: str, values: Any, place: Number) -> Any:
    """An entry of a list, counted from 0."""
    if not isinstance(values, list):
        raise FormulaError(f"{name} is {shown(values)}, not a list")
    if place.denominator != 1 or not 0 <= place < len(values):
        there = f"are 0 to {len(values) - 1}" if values else "are none"
        raise FormulaError(f"{name} has no entry {place}; there {there}")
    return values[pinned(place.numerator)]


def _source(node: ast.expr, text: str) -> str:
    """A part of a formula as it is written."""
    return text[node.col_offset : node.end_col_offset]


def _number(node: ast.expr, text: str) -> _Compute:
    """What computes a part of a formula. It says what is wrong when it computes: in order."""
    compute = _value(node, text)
    if isinstance(node, ast.Constant) and type(node.value) is int and node.value <= MAX_SIZE:
        return compute

    def number(variables: Mapping[str, Any]) -> Number:
        value = compute(variables)
        if not -MAX_SIZE <= value.numerator <= MAX_SIZE or value.denominator > MAX_SIZE:
            raise FormulaError(f"{_quoted(text)} has numbers of more than 30 digits on the way")
        return value

    return number


def _value(node: ast.expr, text: str) -> _Compute:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        whole = node.value
        return lambda _: whole
    if isinstance(node, ast.Constant) and type(node.value) is float:
        # The digits as they stand: a float would have rounded them.
        fraction = Fraction(text[node.col_offset : node.end_col_offset])
        return lambda _: fraction
    if isinstance(node, _OF_ANY_KIND) or _is_index(node):
        compute, written = _any(node, text), _source(node, text)
        return lambda v: _numeric(written, compute(v))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        operand = _number(node.operand, text)
        return (lambda v: -operand(v)) if isinstance(node.op, ast.USub) else operand
    if isinstance(node, ast.BinOp):
        function = _OPERATORS.get(type(node.op))
        left, right = _number(node.left, text), _number(node.right, text)
        return lambda v: _binary(function, left(v), right(v), text)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        name = node.func.id
        if name == "len" and len(node.args) == 1:
            values, listed = _any(node.args[0], text), _source(node.args[0], text)
            return lambda v: _length(listed, values(v))
        arguments = [_number(argument, text) for argument in node.args]
        return lambda v: _call(name, [argument(v) for argument in arguments])
    return partial(_refused, text)


def _refused(text: str, _: Mapping[str, Any]) -> Number:
    raise FormulaError(
        f"{_quoted(text)} may hold numbers, variables, + - * / // % **, comparisons and "
        f"{', '.join(FUNCTIONS)}"
    )


def _length(name: str, values: Any) -> int:
    if not isinstance(values, list):
        raise FormulaError(f"{name} is {shown(values)}, not a list")
    return len(values)


def _numeric(name: str, value: Any) -> Number:
    """A value that must be a number."""
    if type(value) is int:
        return value
    kinds = (int, float, Fraction, AbstractNumber)
    number = isinstance(value, kinds) and not isinstance(value, bool)
    if not number or (isinstance(value, float) and not isfinite(value)):
        raise FormulaError(f"{name} is {shown(value)}, not a number")
    return Fraction(str(value)) if isinstance(value, float) else value


def _binary(compute: _Operator | None, left: Number, right: Number, text: str) -> Number:
    if compute is None:
        raise FormulaError(f"{_quoted(text)} may compute with + - * / // % ** only")
    try:
        return compute(left, right)
    except ZeroDivisionError:
        raise FormulaError(f"{_quoted(text)} divides by 0") from None


def _call(name: str, arguments: list[Number]) -> Number:
    if name not in FUNCTIONS:
        _function(name, {})
    function, counts = FUNCTIONS[name]
    if len(arguments) not in counts:
        wanted = ", ".join(map(str, counts[:-1])) + " or " * (len(counts) > 1) + str(counts[-1])
        plural = "s" * (counts != (1,))
        raise FormulaError(f"{name} takes {wanted} argument{plural}, not {len(arguments)}")
    if name in ("ceil_div", "make_divisible") and arguments[1] <= 0:
        raise FormulaError(f"{name} needs a divisor above 0")
    result: Number = function(*arguments)
    return result


def _variable(name: str, variables: Mapping[str, Any]) -> Any:
    if name in variables:
        if variables[name] is BROKEN:
            raise FormulaError("")
        return variables[name]
    listed = ", ".join(variables) or "none"
    hint = suggestion(name, variables) or f"; there are {listed}"
    raise FormulaError(f"no such variable: {printable(shorten(name))}{hint}")


def _no_formula(text: str) -> str:
    hint = "; a bracket is not closed (in YAML's {…} a formula with a comma needs quotes)"
    is_open = text.count("(") > text.count(")")
    return f"{_quoted(text)} is not a formula{hint if is_open else ''}"


def _quoted(text: str) -> str:
    return shown(f"={text}")
