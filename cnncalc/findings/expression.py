"""Numbers that remember how they were computed.

The same methods that count compute with them, so that a printed formula cannot differ from the
code: a `Traced` is an int, and what is made of it by `+ - * // **` or `dims.minimum` and
`dims.maximum` is one too. Sums and products are flat, and simplified as people write them:
`x + x` is `2x`, `1·x` is `x`, constants in a sum are added up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

from cnncalc.dims import AbstractNumber


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
        if self.up:
            return -(-self.above.value // self.below.value)
        return self.above.value // self.below.value


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


Expression = Name | Number | Sum | Product | Quotient | Power | Choice


class Traced(int, AbstractNumber):
    """An int with the expression that gave it."""

    expression: Expression

    def __new__(cls, expression: Expression) -> Traced:
        made = super().__new__(cls, expression.value)
        made.expression = expression
        return made

    def __add__(self, other: Any) -> Any:
        return _traced(other, lambda b: add((1, self.expression), (1, b)))

    def __radd__(self, other: Any) -> Any:
        return _traced(other, lambda a: add((1, a), (1, self.expression)))

    def __sub__(self, other: Any) -> Any:
        return _traced(other, lambda b: add((1, self.expression), (-1, b)))

    def __rsub__(self, other: Any) -> Any:
        return _traced(other, lambda a: add((1, a), (-1, self.expression)))

    def __mul__(self, other: Any) -> Any:
        return _traced(other, lambda b: multiply(self.expression, b))

    def __rmul__(self, other: Any) -> Any:
        return _traced(other, lambda a: multiply(a, self.expression))

    def __floordiv__(self, other: Any) -> Any:
        return _traced(other, lambda b: divide(self.expression, b))

    def __rfloordiv__(self, other: Any) -> Any:
        return _traced(other, lambda a: divide(a, self.expression))

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


def _traced(other: Any, combine: Callable[[Expression], Expression]) -> Any:
    return Traced(combine(expression_of(other))) if isinstance(other, int) else NotImplemented


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
    if constant:
        flat.append((1 if constant > 0 else -1, Number(abs(constant))))
    if not flat:
        return Number(0)
    # What is added stands first: `K − 1`, and not `−1 + K`.
    first = next((i for i, (sign, _) in enumerate(flat) if sign > 0), 0)
    flat.insert(0, flat.pop(first))
    return flat[0][1] if len(flat) == 1 and flat[0][0] == 1 else Sum(tuple(flat))


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
