"""Formulas: exact, whitelisted, bounded."""

from __future__ import annotations

import contextlib
import re
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncalc.spec.formula import FUNCTIONS, MAX_SIZE, FormulaError, evaluate

VARIABLES: dict[str, Any] = {
    "width": 64,
    "half": 0.5,
    "third": Fraction(1, 3),
    "word": "same",
    "flag": True,
    "sizes": [1, 2],
    "min": 5,
    "nan": float("nan"),
    "huge": 10**40,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("4*width", 256),
        ("width + 2*3 - 1", 69),
        ("(width + 2)*3", 198),
        ("-width", -64),
        ("+width--1", 65),
        ("2**10", 1024),
        ("2**-2", Fraction(1, 4)),
        ("-2**2", -4),
        ("2**3**2", 512),
        ("width/3", Fraction(64, 3)),
        ("width/2", 32),
        ("7//2", 3),
        ("-7//2", -4),
        ("7 % 4", 3),
        ("-7 % 4", 1),
        # In binary floating point 0.1 + 0.2 is not 0.3, and 1.1·100 is 110.00000000000001.
        ("0.1+0.2", Fraction(3, 10)),
        ("1.1*100", 110),
        (".5*3", Fraction(3, 2)),
        ("1e3", 1000),
        ("2.5E-1", Fraction(1, 4)),
        ("half*width", 32),
        ("third*3", 1),
        ("width", 64),
        ("word", "same"),
        ("flag", True),
        ("sizes", [1, 2]),
        # A variable may be called like a function: what has brackets behind it is the function.
        ("min(min, 7)", 5),
        ("min(3, 1, 2)", 1),
        ("max(3, 5/2)", 3),
        ("ceil(7/2)", 4),
        ("ceil(-7/2)", -3),
        ("floor(7/2)", 3),
        ("floor(-7/2)", -4),
        # Halves go to the even neighbour, as in Python and in torch.round.
        ("round(5/2)", 2),
        ("round(7/2)", 4),
        ("round(2.51)", 3),
        ("ceil_div(7, 2)", 4),
        ("ceil_div(8, 2)", 4),
        # MobileNet v2 at width 0.75: 24·0.75 = 18, of which 16 is less than 90 %, so 24.
        ("make_divisible(0.75*24, 8)", 24),
        # 16·0.75 = 12 lies half-way between 8 and 16 and goes up.
        ("make_divisible(0.75*16, 8)", 16),
        # 32·0.35 = 11.2, nearest to 8, which is less than 90 % of it.
        ("make_divisible(0.35*32, 8)", 16),
        # 3 is nearest to 0, and the least is the divisor.
        ("make_divisible(3, 8)", 8),
        ("make_divisible(3, 8, 16)", 16),
        ("make_divisible(100, 8)", 104),
        ("make_divisible(99, 8)", 96),
        ("  width  ", 64),
        ("sizes[0]", 1),
        # In YAML's {…} a square bracket would end the value.
        ("sizes(1)", 2),
        ("10*sizes(1) + sizes[sizes[0]-1]", 21),
        ("len(sizes)", 2),
        ("1 < 2", True),
        ("1 < 2 <= 1", False),
        ("1/2 == 0.5", True),
        ("1 != 1", False),
        ("not 1 > 2 and (2 >= 3 or flag)", True),
        ("width if 1 < 2 else 1/0", 64),
        ("word if flag else 3", "same"),
        ("1 + (2 if flag else 3)", 3),
    ],
)
def test_value(text: str, value: Any) -> None:
    found = evaluate(text, VARIABLES)
    assert found == value
    assert type(found) is type(value)


def test_every_function_is_tried_above() -> None:
    tried = {"min", "max", "ceil", "floor", "round", "ceil_div", "make_divisible", "len"}
    assert set(FUNCTIONS) == tried


WHITELIST = (
    " may hold numbers, variables, + - * / // % **, comparisons and "
    "min, max, ceil, floor, round, ceil_div, make_divisible, len"
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", '"=" is not a formula'),
        ("1 +", '"=1 +" is not a formula'),
        ("1 2", '"=1 2" is not a formula'),
        ("0x10", '"=0x10" is not a formula'),
        ("1_000", '"=1_000" is not a formula'),
        ("1j", '"=1j" is not a formula'),
        ("007", '"=007" is not a formula'),
        ("2width", '"=2width" is not a formula'),
        ("(1\n+2)", r'"=(1\n+2)" is not a formula'),
        ("1#2", '"=1#2" is not a formula'),
        ("'a'", "\"='a'\" is not a formula"),
        ("²", '"=²" is not a formula'),
        ("1\x00", r'"=1\x00" is not a formula'),
        ("width.real", '"=width.real" is not a formula'),
        ("().__class__", '"=().__class__" is not a formula'),
        ("x:=3", '"=x:=3" is not a formula'),
        (
            "(1",
            '"=(1" is not a formula; a bracket is not closed (in YAML\'s {…} a formula with a '
            "comma needs quotes)",
        ),
        ("sizes[2]", "sizes has no entry 2; there are 0 to 1"),
        ("sizes(2)", "sizes has no entry 2; there are 0 to 1"),
        # Python's -1 is the last; here it is a slip of `i - 1`.
        ("sizes[-1]", "sizes has no entry -1; there are 0 to 1"),
        ("sizes[1/2]", "sizes has no entry 1/2; there are 0 to 1"),
        ("sizes[0:1]", f'"=sizes[0:1]"{WHITELIST}'),
        ("width[0]", "width is 64, not a list"),
        ("width(0)", "no such function: width; there are " + ", ".join(FUNCTIONS)),
        ("len(width)", "width is 64, not a list"),
        ("2*(1 < 2)", "1 < 2 is true, not a number"),
        ("word == word", 'word is "same", not a number'),
        ("1 in sizes", "sizes is a list, not a number"),
        ("1 is 2", '"=1 is 2" may compare with < <= > >= == != only'),
        ("[1]", f'"=[1]"{WHITELIST}'),
        ("{1: 2}", f'"={{1: 2}}"{WHITELIST}'),
        ("(1, 2)", f'"=(1, 2)"{WHITELIST}'),
        ("True", f'"=True"{WHITELIST}'),
        ("flag and 2", "2 is no condition; compare it with something"),
        ("not width", "width is no condition but 64; compare it with something"),
        ("~1", f'"=~1"{WHITELIST}'),
        ("1 if 2 else 3", "2 is no condition; compare it with something"),
        ("lambda: 1", f'"=lambda: 1"{WHITELIST}'),
        ("[x for x in sizes]", f'"=[x for x in sizes]"{WHITELIST}'),
        ("max(*sizes)", f'"=max(*sizes)"{WHITELIST}'),
        ("min(a=1, b=2)", f'"=min(a=1, b=2)"{WHITELIST}'),
        ("min(1, 2)(3)", f'"=min(1, 2)(3)"{WHITELIST}'),
        ("1 | 2", '"=1 | 2" may compute with + - * / // % ** only'),
        ("1 << 2", '"=1 << 2" may compute with + - * / // % ** only'),
        ("1 @ 2", '"=1 @ 2" may compute with + - * / // % ** only'),
        ("__import__(1)", "no such function: __import__; there are " + ", ".join(FUNCTIONS)),
        ("make_divisable(1, 2)", "no such function: make_divisable; did you mean make_divisible?"),
        ("ceil(1, 2)", "ceil takes 1 argument, not 2"),
        ("ceil_div(1)", "ceil_div takes 2 arguments, not 1"),
        ("make_divisible(1)", "make_divisible takes 2 or 3 arguments, not 1"),
        ("max(1)", "max takes 2, 3 or 4 arguments, not 1"),
        ("ceil_div(1, 0)", "ceil_div needs a divisor above 0"),
        ("make_divisible(1, -8)", "make_divisible needs a divisor above 0"),
        ("1/0", '"=1/0" divides by 0'),
        ("1//(1-1)", '"=1//(1-1)" divides by 0'),
        ("1%0", '"=1%0" divides by 0'),
        ("0**-1", '"=0**-1" divides by 0'),
        ("4**0.5", "an exponent must be whole and at most 100"),
        ("2**101", "an exponent must be whole and at most 100"),
        ("(2**100)**9", '"=(2**100)**9" has numbers of more than 30 digits on the way'),
        ("10**30 + 1", '"=10**30 + 1" has numbers of more than 30 digits on the way'),
        ("1/10**31", '"=1/10**31" has numbers of more than 30 digits on the way'),
        ("huge - huge", '"=huge - huge" has numbers of more than 30 digits on the way'),
        ("1e99", '"=1e99" has numbers of more than 30 digits on the way'),
        ("1e100", '"=1e100" is not a formula'),
        ("2*word", 'word is "same", not a number'),
        ("2*flag", "flag is true, not a number"),
        ("2*sizes", "sizes is a list, not a number"),
        ("2*nan", "nan is nan, not a number"),
        ("widht", "no such variable: widht; did you mean width?"),
        ("__class__", f"no such variable: __class__; there are {', '.join(VARIABLES)}"),
        ("1+" * 100 + "1", "a formula of 201 characters; 200 are allowed"),
        ("-" * 60 + "1", f'"={"-" * 29}… (62 characters)" is nested more than 50 deep'),
        ("1+" * 60 + "1", f'"={"1+" * 14}1… (122 characters)" is nested more than 50 deep'),
    ],
)
def test_refused(text: str, says: str) -> None:
    with pytest.raises(FormulaError) as caught:
        evaluate(text, VARIABLES)
    assert str(caught.value) == says


def test_the_bounds_are_reached() -> None:
    assert evaluate("10**30", {}) == MAX_SIZE == 10**30
    assert evaluate("1/10**30", {}) == Fraction(1, 10**30)
    assert evaluate("1" + "+1" * 49, {}) == 50
    assert evaluate("(" * 99 + "1" + ")" * 99, {}) == 1


NUMBERS = st.integers(0, 99).map(str) | st.decimals(0, 9, places=2).map(str)


def expressions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Formulas of a formula's parts, each part in brackets."""
    binary = st.tuples(inner, st.sampled_from("+-*/"), inner).map("({0[0]}{0[1]}{0[2]})".format)
    return binary | inner.map("(-{})".format)


@given(st.recursive(NUMBERS, expressions, max_leaves=6))
def test_arithmetic_is_that_of_fractions(text: str) -> None:
    # Python computes the same text over Fraction: an independent reading of the grammar.
    python = re.sub(r"[0-9.]+", lambda m: f"Fraction('{m[0]}')", text)
    try:
        wanted = eval(python, {"Fraction": Fraction})
    except ZeroDivisionError:
        wanted = None
    if len(text) > 200:
        return
    if wanted is None:
        with pytest.raises(FormulaError, match="divides by 0"):
            evaluate(text, {})
    else:
        assert evaluate(text, {}) == wanted


@given(st.text(st.sampled_from("0123456789.eEwx_+-*/%(), '\"#\\[]{}:=<>\n\t\x00é"), max_size=12))
def test_any_text_gives_a_number_or_a_sentence(text: str) -> None:
    found: Any = ""
    with contextlib.suppress(FormulaError):
        found = evaluate(text, {"w": 3})
    assert found == "" or isinstance(found, (int, Fraction))
