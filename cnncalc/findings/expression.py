"""Numbers that remember how they were computed.

The same methods that count compute with them, so that a printed formula cannot differ from the
code: a `Traced` is an int, and what is made of it by `+ - * // **` or `dims.minimum` and
`dims.maximum` is one too. Sums and products are flat, and simplified as people write them:
`x + x` is `2x`, `1·x` is `x`, constants in a sum are added up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

from cnncalc.dims import AbstractNumber, ceil_div

MAX_TERMS, FIRST_TERMS = 12, 6
"""How many terms a sum may have, and how many are left of a longer one."""


@dataclass(frozen=True)
class Name:
    """A quantity: its letter, what stands below it (`H₁`), and its value."""

    letter: str
    below: str
    value: int


@dataclass(frozen=True)
class Number:
    """A constant of a formula."""

    value: int


@dataclass(frozen=True)
class Sum:
    """Terms, each with the sign + or − as 1 or −1."""

    terms: tuple[tuple[int, Expression], ...]

    @property
    def value(self) -> int:
        return sum(sign * term.value for sign, term in self.terms)


@dataclass(frozen=True)
class More:
    """The terms of a long sum that are not written out: how many, and what they come to."""

    number: int
    value: int


@dataclass(frozen=True)
class Product:
    factors: tuple[Expression, ...]

    @property
    def value(self) -> int:
        return prod(factor.value for factor in self.factors)


@dataclass(frozen=True)
class Quotient:
    """A division, rounded down or up."""

    above: Expression
    below: Expression
    up: bool = False

    @property
    def value(self) -> int:
        above, below = self.above.value, self.below.value
        return ceil_div(above, below) if self.up else above // below


@dataclass(frozen=True)
class Power:
    base: Expression
    exponent: int

    @property
    def value(self) -> int:
        return int(self.base.value**self.exponent)


@dataclass(frozen=True)
class Choice:
    """The smaller or the larger of two."""

    kind: Literal["min", "max"]
    a: Expression
    b: Expression

    @property
    def value(self) -> int:
        return {"min": min, "max": max}[self.kind](self.a.value, self.b.value)


Expression = Name | Number | Sum | More | Product | Quotient | Power | Choice


def add(*terms: tuple[int, Expression]) -> Expression:
    """A flat sum, its constants added up and behind the rest."""
    flat: list[tuple[int, Expression]] = []
    constant = 0
    for sign, term in terms:
        for inner_sign, inner in term.terms if isinstance(term, Sum) else ((1, term),):
            if isinstance(inner, Number):
                constant += sign * inner_sign * inner.value
            elif flat and sign * inner_sign == flat[-1][0] and inner == flat[-1][1]:
                flat[-1] = (flat[-1][0], multiply(Number(2), inner))
            else:
                flat.append((sign * inner_sign, inner))
    if len(flat) > MAX_TERMS or any(isinstance(term, More) for _, term in flat):
        flat = _shortened(flat)
    if constant:
        flat.append((1 if constant > 0 else -1, Number(abs(constant))))
    if not flat:
        return Number(0)
    # What is added stands first: `K − 1`, and not `−1 + K`.
    first = next((i for i, (sign, _) in enumerate(flat) if sign > 0), 0)
    flat.insert(0, flat.pop(first))
    return flat[0][1] if len(flat) == 1 and flat[0][0] == 1 else Sum(tuple(flat))


def _shortened(terms: list[tuple[int, Expression]]) -> list[tuple[int, Expression]]:
    """The first of many terms, and the others as one."""
    written = [(sign, term) for sign, term in terms if not isinstance(term, More)][:FIRST_TERMS]
    number = sum(term.number if isinstance(term, More) else 1 for _, term in terms)
    total, shown = (sum(sign * term.value for sign, term in part) for part in (terms, written))
    return [*written, (1, More(number - len(written), total - shown))]


def sum_of(known: Sequence[Expression], number: int, total: int) -> Expression:
    """The sum of so many terms, of which at least the first are known, and that come to `total`."""
    if number <= MAX_TERMS:
        return add(*((1, term) for term in known))
    first = known[:FIRST_TERMS]
    more = More(number - len(first), total - sum(term.value for term in first))
    return Sum((*((1, term) for term in first), (1, more)))


def negative(expression: Expression) -> Expression:
    """Minus an expression; −⌊−a/b⌋ is ⌈a/b⌉."""
    if isinstance(expression, Quotient):
        return Quotient(negative(expression.above), expression.below, not expression.up)
    return add((-1, expression))


def multiply(a: Expression, b: Expression) -> Expression:
    """A flat product without factors that are the constant 1."""
    factors = [
        factor
        for part in (a, b)
        for factor in (part.factors if isinstance(part, Product) else (part,))
    ]
    if Number(0) in factors:
        return Number(0)
    factors = [factor for factor in factors if factor != Number(1)] or [Number(1)]
    return factors[0] if len(factors) == 1 else Product(tuple(factors))


def divide(a: Expression, b: Expression) -> Expression:
    """A floor division; one by the constant 1 is none."""
    return a if b == Number(1) else Quotient(a, b)


def _operator(combine: Callable[[Expression, Expression], Expression]) -> tuple[Any, Any]:
    """The two methods of an operator: with the number on its left, and on its right."""

    def left(a: Any, b: Any) -> Any:
        if not (isinstance(a, int) and isinstance(b, int)):
            return NotImplemented
        return Traced(combine(expression_of(a), expression_of(b)))

    def right(b: Any, a: Any) -> Any:
        return left(a, b)

    return left, right


class Traced(int, AbstractNumber):
    """An int with the expression that gave it."""

    expression: Expression

    def __new__(cls, expression: Expression) -> Traced:
        made = super().__new__(cls, expression.value)
        made.expression = expression
        return made

    __add__, __radd__ = _operator(lambda a, b: add((1, a), (1, b)))
    __sub__, __rsub__ = _operator(lambda a, b: add((1, a), (-1, b)))
    __mul__, __rmul__ = _operator(multiply)
    __floordiv__, __rfloordiv__ = _operator(divide)

    def __pow__(self, other: Any, modulus: Any = None) -> Any:
        return Traced(Power(self.expression, int(other)))

    def __neg__(self) -> Any:
        return Traced(negative(self.expression))

    def minimum(self, other: int) -> Traced:
        return Traced(Choice("min", self.expression, expression_of(other)))

    def maximum(self, other: int) -> Traced:
        return Traced(Choice("max", self.expression, expression_of(other)))

    def broadcast(self, other: int) -> int:
        # Rules have compared them: nobody needs to read that 1 is smaller.
        return max(self, other)


def expression_of(number: int) -> Expression:
    """How a number was computed; a constant where nobody traced it."""
    return number.expression if isinstance(number, Traced) else Number(int(number))


def replace(expression: Expression, names: Mapping[Expression, Expression]) -> Expression:
    """The expression with each part that has a name written as its name."""
    if expression in names:
        return names[expression]
    match expression:
        case Sum(terms):
            return Sum(tuple((sign, replace(term, names)) for sign, term in terms))
        case Product(factors):
            return Product(tuple(replace(factor, names) for factor in factors))
        case Quotient(above, below, up):
            return Quotient(replace(above, names), replace(below, names), up)
        case Power(base, exponent):
            return Power(replace(base, names), exponent)
        case Choice(kind, a, b):
            return Choice(kind, replace(a, names), replace(b, names))
    return expression


def letters_of(formula: Expression) -> Iterator[Name]:
    """Every name in a formula."""
    match formula:
        case Name():
            yield formula
        case Sum(terms):
            for _, term in terms:
                yield from letters_of(term)
        case Product(factors):
            for factor in factors:
                yield from letters_of(factor)
        case Quotient(a, b, _) | Choice(_, a, b):
            yield from letters_of(a)
            yield from letters_of(b)
        case Power(base, _):
            yield from letters_of(base)
