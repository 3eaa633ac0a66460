"""Numbers that are no ints: every layer on a stand-in that refuses what a variable could not do.

A formula compares nothing: neither by a truth value, nor by `min`, `sorted`, a set or a range.
Rules, and what says how a layer is kept or mapped, may compare; but one axis never with another,
which in a network that is well would be true or false by chance.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncalc.columns import columns
from cnncalc.dims import (
    AbstractNumber,
    adaptive_reads,
    broadcast,
    choose,
    gcd,
    is_integer,
    maximum,
    minimum,
    pairs_below,
    pinned,
    same_padding,
)
from cnncalc.graph import Graph
from cnncalc.infer import infer
from cnncalc.layers import MODULES, layer_class
from cnncalc.layers.axis_map import AxisMap
from cnncalc.layers.base import AXIS_NAMES, Ids, Layer, Shape
from cnncalc.layers.unpool import MaxUnpool
from cnncalc.meanings import COLUMNS
from cnncalc.spec.bundled import networks
from cnncalc.spec.formula import evaluate, make_divisible
from cnncalc.spec.load import load, read, source
from tests.strategies import layers_for, shapes_for, spec_of, thorough

NOTHING, PINS, QUESTIONS = range(3)
"""What a stand-in lets be done with it: formulas only, loops in `dims` too, or comparisons too."""

PLACES = ("axis", "dims", "connections_table", "num_layers")
"""Fields whose numbers are places in a list or a number of tensors, and no sizes."""


class Refused(Exception):
    """Something was done with a stand-in that cannot be a formula."""


class StandIn(AbstractNumber):
    """A number that is no int, and the spatial axes that it comes from."""

    __slots__ = ("axes", "value")
    allowed: ClassVar[int] = NOTHING

    def __init__(self, value: int | Fraction, axes: frozenset[str] = frozenset()) -> None:
        self.value = int(value) if value == int(value) else value
        self.axes = axes

    def __str__(self) -> str:
        return str(self.value)

    def __format__(self, how: str) -> str:
        return format(self.value, how)

    def __repr__(self) -> str:
        return f"<{self.value} {'·'.join(sorted(self.axes))}>"

    def _with(self, other: Any, compute: Callable[[Any, Any], Any], swapped: bool = False) -> Any:
        if isinstance(other, bool) or not isinstance(other, (int, Fraction, StandIn)):
            return NotImplemented
        theirs, axes = (other.value, other.axes) if isinstance(other, StandIn) else (other, set())
        a, b = (theirs, self.value) if swapped else (self.value, theirs)
        return StandIn(compute(a, b), self.axes | axes)

    def __add__(self, other: Any) -> Any:
        return self._with(other, operator.add)

    def __sub__(self, other: Any) -> Any:
        return self._with(other, operator.sub)

    def __rsub__(self, other: Any) -> Any:
        return self._with(other, operator.sub, swapped=True)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, operator.mul)

    def __floordiv__(self, other: Any) -> Any:
        return self._with(other, operator.floordiv)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._with(other, operator.floordiv, swapped=True)

    def __mod__(self, other: Any) -> Any:
        return self._with(other, operator.mod)

    def __rmod__(self, other: Any) -> Any:
        return self._with(other, operator.mod, swapped=True)

    def __truediv__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: Fraction(a) / b)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: Fraction(a) / b, swapped=True)

    __radd__, __rmul__ = __add__, __mul__

    def __pow__(self, exponent: int) -> StandIn:
        assert type(exponent) is int
        return StandIn(Fraction(self.value) ** exponent, self.axes)

    def __neg__(self) -> StandIn:
        return StandIn(-self.value, self.axes)

    def __floor__(self) -> StandIn:
        return StandIn(math.floor(self.value), self.axes)

    def __ceil__(self) -> StandIn:
        return StandIn(math.ceil(self.value), self.axes)

    def __round__(self) -> StandIn:
        return StandIn(round(self.value), self.axes)

    @property
    def numerator(self) -> StandIn:
        return StandIn(self.value.numerator, self.axes)

    @property
    def denominator(self) -> int:
        return self.value.denominator

    # What a formula asks for by its name

    def minimum(self, other: Any) -> Any:
        return self._with(other, min)

    def maximum(self, other: Any) -> Any:
        return self._with(other, max)

    def gcd(self, other: Any) -> Any:
        return self._with(other, math.gcd)

    def choose(self, negative: Any, otherwise: Any) -> Any:
        return negative if self.value < 0 else otherwise

    def pinned(self) -> Any:
        if StandIn.allowed < PINS:
            raise Refused("pinned")
        return self.value

    # What it is asked

    def _answer(self, other: Any, compare: Callable[[Any, Any], bool]) -> Any:
        if isinstance(other, bool) or not isinstance(other, (int, Fraction, StandIn)):
            return NotImplemented
        if StandIn.allowed < QUESTIONS:
            raise Refused("compared")
        if isinstance(other, int | Fraction):
            return compare(self.value, other)
        if self.axes and other.axes and self.axes.isdisjoint(other.axes):
            raise Refused(f"{self!r} compared with {other!r}, another axis")
        return compare(self.value, other.value)

    def __eq__(self, other: object) -> Any:
        return self._answer(other, operator.eq)

    def __lt__(self, other: Any) -> Any:
        return self._answer(other, operator.lt)

    def __le__(self, other: Any) -> Any:
        return self._answer(other, operator.le)

    def __gt__(self, other: Any) -> Any:
        return self._answer(other, operator.gt)

    def __ge__(self, other: Any) -> Any:
        return self._answer(other, operator.ge)

    def __bool__(self) -> bool:
        return bool(self != 0)

    def _never(self, *_: Any) -> Any:
        raise Refused("no int, and no key of a set or mapping")

    __hash__ = __index__ = __int__ = __float__ = __trunc__ = __abs__ = _never


@contextmanager
def allowing(what: int) -> Iterator[None]:
    before, StandIn.allowed = StandIn.allowed, what
    try:
        yield
    finally:
        StandIn.allowed = before


def plain(value: Any) -> Any:
    """A result with ints for its stand-ins, and some of what an axis map reads for the map."""
    if isinstance(value, StandIn):
        return value.value
    if isinstance(value, AxisMap):
        return plain([value.period, value.shift, *map(value.reads, range(-3, 9))])
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, Layer):
        return plain(dict(value))
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def stand_ins(shape: Shape) -> Shape:
    """A shape of stand-ins; each spatial size comes from its own axis."""
    if isinstance(shape, Ids):
        of: Any = [StandIn(size, frozenset({"length"})) for size in shape]
        return Ids(of)
    names = AXIS_NAMES.get(len(shape) - 1, ())
    # More axes than have names (of a reshape) are all of one kind.
    axes = [frozenset({name}) for name in names] or [frozenset[str]()] * (len(shape) - 1)
    found: Any = map(StandIn, shape, [frozenset[str](), *axes])
    return tuple(found)


def with_stand_ins(layer: Layer, axes: int) -> Layer:
    """The layer with stand-ins for all sizes and counts among its fields."""

    def replaced(value: Any, of: frozenset[str] = frozenset()) -> Any:
        if isinstance(value, tuple):
            return tuple(replaced(item, of) for item in value)
        return StandIn(value, of) if type(value) is int and value >= 0 else value

    if isinstance(layer, MaxUnpool):
        pooling = with_stand_ins(layer._pooling, axes)
        return layer.undoing(pooling, stand_ins(layer._read), layer._name)
    fields: dict[str, Any] = {}
    for name, value in layer:
        spelled = type(layer).model_fields[name].alias or name
        fields[spelled] = value
        if name in PLACES:
            continue
        if isinstance(value, tuple) and len(value) == axes and name != "shape":
            each = zip(value, AXIS_NAMES[axes], strict=True)
            fields[spelled] = tuple(replaced(item, frozenset({axis})) for item, axis in each)
        else:
            fields[spelled] = replaced(value)
    with allowing(QUESTIONS):
        made = type(layer).model_validate(fields)
    for name, value in made:
        # It has come through the field as it was.
        assert repr(value) == repr(fields[type(layer).model_fields[name].alias or name])
    return made


FORMULAS = ["output", "weights", "buffers", "macs", "input_macs", "windows"]
COUNTS = ["elementwise", "connections"]
JUDGED = ["rules", "kept", "axis_map", "describe"]


@pytest.mark.parametrize("word", MODULES)
@thorough(20)
@given(data=st.data())
def test_every_layer_computes_with_what_is_no_int(word: str, data: st.DataObject) -> None:
    shape = data.draw(shapes_for(word))
    for fact in infer(load(spec_of(data.draw(layers_for(shape, word)), shape))):
        layer, inputs = fact.node.layer, tuple(map(stand_ins, fact.inputs))
        other = with_stand_ins(layer, len(fact.inputs[0]) - 1)
        for tried, pins in ((layer, NOTHING), (other, PINS)):
            # A kernel of so many taps is a sum of as many terms: it is pinned there.
            for what in (*FORMULAS, *COUNTS, *JUDGED):
                allowed = NOTHING if what in FORMULAS else pins if what in COUNTS else QUESTIONS
                expected = getattr(layer, what)(*fact.inputs)
                with allowing(allowed):
                    found = getattr(tried, what)(*inputs)
                    found, expected = (
                        (list(found), list(expected)) if what == "rules" else (found, expected)
                    )
                assert plain(found) == plain(expected), what


SUGAR = [word for word in MODULES if layer_class(word).lower is not Layer.lower]


@pytest.mark.parametrize("word", SUGAR)
@thorough(20)
@given(data=st.data())
def test_sugar_hands_on_what_it_got(word: str, data: st.DataObject) -> None:
    shape = data.draw(shapes_for(word))
    fields = data.draw(layers_for(shape, word))[word]
    layer = layer_class(word).model_validate(fields)
    other = with_stand_ins(layer, len(shape) - 1)
    with allowing(QUESTIONS):
        assert plain(other.lower()) == plain(layer.lower())


# Networks, whose variables and sizes are stand-ins


def variables_of(name: str) -> dict[str, Any]:
    """The numeric variables of a bundled network."""
    label, text, variant = source(name)
    data = read(label, text).data
    chosen = data.get("vars", {}) | ((data["variants"][variant] or {}) if variant else {})
    numbers = {k: v for k, v in chosen.items() if type(v) in (int, float)}
    return {key: StandIn(Fraction(str(value))) for key, value in numbers.items()}


@pytest.mark.parametrize("name", networks())
def test_a_network_is_the_same_in_variables(name: str) -> None:
    expected = _columns(load(name))
    with allowing(QUESTIONS):
        graph = load(name, **variables_of(name))
        inputs = {key: stand_ins(tuple(plain(shape))) for key, shape in graph.inputs.items()}
        found = _columns(graph._replace(inputs=inputs))
    assert found == expected


def _columns(graph: Graph) -> dict[str, Any]:
    facts = infer(graph)
    compute = columns(graph, facts, 3, "float16", lambda fact: fact.params, "adam")
    return {key: plain(compute[key]()) for key in COLUMNS}


# The functions of `dims` and of formulas


@thorough(200)
@given(st.lists(st.integers(-9, 9), min_size=2, max_size=4), st.data())
def test_any_mix_of_numbers_is_asked(numbers: list[int], data: st.DataObject) -> None:
    mixed: list[Any] = [StandIn(n) if data.draw(st.booleans()) else n for n in numbers]
    assert plain(minimum(*mixed)) == min(numbers) == minimum(*numbers)
    assert plain(maximum(*mixed)) == max(numbers) == maximum(*numbers)
    assert plain(broadcast(*mixed)) == max(numbers) == broadcast(*numbers)
    assert plain(gcd(*mixed[:2])) == math.gcd(*numbers[:2]) == gcd(*numbers[:2])
    first, second, *_ = mixed
    assert plain(choose(first, second, 7)) == (numbers[1] if numbers[0] < 0 else 7)


@thorough(300)
@given(
    limit=st.integers(-3, 40),
    outputs=st.integers(1, 9),
    stride=st.integers(1, 5),
    taps=st.integers(1, 7),
    dilation=st.integers(1, 4),
    data=st.data(),
)
def test_pairs_are_counted_without_a_comparison(
    limit: int, outputs: int, stride: int, taps: int, dilation: int, data: st.DataObject
) -> None:
    numbers = (limit, outputs, stride, taps, dilation)
    counted = sum(o * stride + j * dilation < limit for o in range(outputs) for j in range(taps))
    chosen: list[Any] = [StandIn(n) if data.draw(st.booleans()) else n for n in numbers]
    with allowing(PINS):
        assert plain(pairs_below(*chosen)) == counted == pairs_below(*numbers)


def test_a_kernel_too_long_for_a_sum_is_counted_as_ints_are() -> None:
    numbers = (10**12, 10**6, 3, 10**11, 2)
    with allowing(PINS):
        symbolic: Any = (StandIn(10**12), *numbers[1:])
        assert pairs_below(*symbolic) == pairs_below(*numbers)


@thorough(200)
@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 6), st.integers(1, 3))
def test_same_padding_asks_for_no_more_than_it_needs(n: int, f: int, s: int, d: int) -> None:
    size: Any = StandIn(n)
    reach = d * (f - 1) + 1
    needed = max((math.ceil(n / s) - 1) * s + reach - n, 0)
    assert plain(same_padding(size, f, s, d)) == [needed // 2, needed - needed // 2]
    if reach >= s:
        # The largest of it and 0 would be it: two cases of one.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(StandIn, "maximum", None)
            same_padding(size, f, s, d)


@thorough(200)
@given(st.integers(1, 400), st.integers(1, 16), st.sampled_from([None, 1, 24]))
def test_make_divisible_has_no_branch(value: int, divisor: int, lowest: int | None) -> None:
    wanted = make_divisible(Fraction(7, 20) * value, divisor, lowest)
    symbol: Any = StandIn(value)
    assert plain(make_divisible(Fraction(7, 20) * symbol, divisor, lowest)) == wanted


def test_inputs_of_an_adaptive_pooling_are_counted_by_the_numbers_own_gcd() -> None:
    size: Any = StandIn(12)
    assert plain(adaptive_reads(size, 9)) == 12 + 9 - 3


@pytest.mark.parametrize(
    "formula",
    [
        "2*n + 3 - n % 4",
        "n // 3 ** 2",
        "n ** 2 / 4",
        "100 / n",
        "ceil(0.75 * n)",
        "floor(n / 3)",
        "round(0.4 * n)",
        "ceil_div(n, 3)",
        "min(n, 8, 3 * n - 7)",
        "max(8, n)",
        "-n + 100",
        "make_divisible(0.75 * n, 8)",
        "make_divisible(n, 8, 16)",
        "make_divisible(1.4 * n, n)",
    ],
)
def test_formulas_take_what_is_no_int(formula: str) -> None:
    for value in range(1, 41):
        expected = evaluate(formula, {"n": value})
        with allowing(QUESTIONS):
            found = evaluate(formula, {"n": StandIn(value)})
        assert plain(found) == expected


def test_what_counts_as_a_whole_number() -> None:
    assert all(map(is_integer, (0, 10**30, StandIn(3))))
    others = (True, 1.0, "1", None, Fraction(2), StandIn(Fraction(1, 2)))
    assert not any(map(is_integer, others))


# The stand-in is as strict as it says


@pytest.mark.parametrize(
    "careless",
    [
        int,
        float,
        hash,
        bool,
        operator.index,
        range,
        abs,
        lambda n: {n},
        lambda n: [1, 2, 3][n],
        lambda n: min(n, 3),
        lambda n: max(3, n),
        lambda n: sorted([n, 3]),
        lambda n: math.gcd(n, 3),
        lambda n: n if n else 0,
        lambda n: n == 3,
        lambda n: n in (3, 4),
        pinned,
    ],
)
def test_a_formula_cannot_do_this_with_it(careless: Callable[[Any], Any]) -> None:
    with pytest.raises(Refused):
        careless(StandIn(3))


def test_one_axis_is_not_compared_with_another() -> None:
    height, width = stand_ins((1, 5, 5))[1:]
    with allowing(QUESTIONS):
        assert height == 5
        assert height >= height - 1
        with pytest.raises(Refused):
            _ = height == width
