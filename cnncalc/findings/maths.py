"""Expressions as formulas: text, LaTeX and MathML, with letters or with their values."""

from collections.abc import Sequence
from itertools import pairwise

from cnncalc.findings.expression import (
    Choice,
    Expression,
    More,
    Name,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
)
from cnncalc.page import Maths
from cnncalc.render import html, latex

_NOTHING = Maths("", "", "")
_BESIDE = Maths("", "", "<mo>&#x2062;</mo>")
_DOT = Maths("·", r" \cdot ", "<mo>·</mo>")
_PLUS = Maths(" + ", "+", "<mo>+</mo>")
_MINUS = Maths(" − ", "-", "<mo>−</mo>")
_SIGN = Maths("−", "-", "<mo>−</mo>")
EQUALS = Maths(" = ", " = ", "<mo>=</mo>")
TIMES = Maths(" × ", r" \times ", "<mo>×</mo>")
_BELOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def word(text: str) -> Maths:
    """A word in a formula."""
    return Maths(text, f"\\text{{{latex.escape(text)}}}", f"<mtext>{html.escape(text)}</mtext>")


def number(value: int) -> Maths:
    """A number with its digits grouped."""
    return digits(f"{value:,}".replace("-", "−"))


def digits(text: str) -> Maths:
    """A number that is written already: `40.96`, or `44.80…` where more digits follow."""
    latex = text.replace(",", "{,}").replace("−", "-").replace("…", r"\dots")
    dots = "<mo>…</mo>" if text.endswith("…") else ""
    return Maths(text, latex, f"<mn>{text.removesuffix('…')}</mn>{dots}")


def symbol(letter: str, below: str = "") -> Maths:
    """A letter with what stands below it: `H₁`, `F_H`."""
    if len(letter) > 1:
        return word(letter)
    if not below:
        return Maths(letter, letter, f"<mi>{letter}</mi>")
    text = below.translate(_BELOW) if below.isdigit() else f"_{below}"
    mathml = f"<msub><mi>{letter}</mi><mrow><mi>{below}</mi></mrow></msub>"
    return Maths(letter + text, f"{letter}_{{{below}}}", mathml)


def joined(parts: Sequence[Maths], sign: Maths = _NOTHING) -> Maths:
    """Terms one behind the other, with a sign between them."""
    ways = zip(sign, zip(*parts, strict=True), strict=True)
    return Maths(*(between.join(texts) for between, texts in ways))


def fraction(above: Maths, below: Maths) -> Maths:
    """One term above the other; in text `a / b`."""
    return Maths(
        f"{above.text} / {below.text}",
        f"\\frac{{{above.latex}}}{{{below.latex}}}",
        f"<mfrac><mrow>{above.mathml}</mrow><mrow>{below.mathml}</mrow></mfrac>",
    )


def formula(expression: Expression, values: bool = False) -> Maths:
    """An expression in letters, or with `values` in numbers."""
    match expression:
        case Name(letter, below, value):
            return number(value) if values else symbol(letter, below)
        case Number(value):
            return number(value)
        case More(terms, value):
            return number(value) if values else word(f"… {terms:,} more")
        case Sum(terms):
            return _sum(terms, values)
        case Product(factors):
            return _product(factors, values)
        case Quotient(above, below, up):
            return _quotient(above, below, up, values)
        case Power(base, exponent):
            a, b = _inner(base, values), number(exponent)
            mathml = f"<msup><mrow>{a.mathml}</mrow>{b.mathml}</msup>"
            return Maths(f"{a.text}^{b.text}", f"{{{a.latex}}}^{{{b.latex}}}", mathml)
        case Choice(kind, a, b):
            first, second = formula(a, values), formula(b, values)
            return Maths(
                f"{kind}({first.text}, {second.text})",
                f"\\{kind}({first.latex}, {second.latex})",
                f"<mi>{kind}</mi><mo>(</mo>{first.mathml}<mo>,</mo>{second.mathml}<mo>)</mo>",
            )


def _sum(terms: tuple[tuple[int, Expression], ...], values: bool) -> Maths:
    parts: list[Maths] = []
    for sign, term in terms:
        if parts or sign < 0:
            parts.append(_PLUS if sign > 0 else _MINUS if parts else _SIGN)
        # A negative value in a sum, as a padding that crops, keeps its sign in parentheses.
        parts.append((_inner if _is_negative(term, values) else formula)(term, values))
    return joined(parts)


def _product(factors: tuple[Expression, ...], values: bool) -> Maths:
    parts = [_inner(factors[0], values)]
    for before, factor in pairwise(factors):
        # `2P`, but `2·0`.
        letter = isinstance(factor, Name) and len(factor.letter) == 1
        beside = isinstance(before, Number) and letter and not values
        parts += [_BESIDE if beside else _DOT, _inner(factor, values)]
    return joined(parts)


def _quotient(above: Expression, below: Expression, up: bool, values: bool) -> Maths:
    divided = fraction(formula(above, values), formula(below, values))
    left, right = ("⌈", "⌉") if up else ("⌊", "⌋")
    name = "ceil" if up else "floor"
    text = f"{left}{_inner(above, values).text}/{_inner(below, values).text}{right}"
    latex = f"\\left\\l{name} {divided.latex} \\right\\r{name}"
    return Maths(text, latex, f"<mrow><mo>{left}</mo>{divided.mathml}<mo>{right}</mo></mrow>")


def _inner(expression: Expression, values: bool) -> Maths:
    """A part of a product or a quotient: sums in parentheses."""
    part = formula(expression, values)
    if not isinstance(expression, Sum) and not _is_negative(expression, values):
        return part
    return Maths(f"({part.text})", f"({part.latex})", f"<mo>(</mo>{part.mathml}<mo>)</mo>")


def _is_negative(expression: Expression, values: bool) -> bool:
    shown_as_number = isinstance(expression, Number) or (
        values and isinstance(expression, Name | More)
    )
    return shown_as_number and expression.value < 0
