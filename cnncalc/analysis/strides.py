"""Strides that do not fit: what is rounded, what is lost, and what would fit.

For each axis of a convolution or pooling the exact (N + P − D(F−1) − 1)/S + 1 is a fraction. Where
it is no integer, some positions at the far end are never read; only those that are input, and not
padding, are a loss. Source: the CS231n notes on convolutional networks, "Constraints on strides".
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

from pydantic import ValidationError

from cnncalc.dims import Window
from cnncalc.infer import Facts
from cnncalc.layers.base import AXIS_NAMES, Layer, Shape

Fix = dict[str, Any]
"""One change along one axis, by what changes: `{"padding": [1, 2]}`, `{"input": 227}`."""

_SEARCH = 64
"""How far from the given kernel or stride a fix is looked for."""

MAX_FIXED = 1000
"""How many warnings of one network come with fixes; nobody mends more by hand."""


class StrideWarning(NamedTuple):
    """One axis of one layer. `kind` is `stride` (a fraction) or `gap` (stride beyond kernel)."""

    layer: str
    axis: str
    kind: str
    message: str
    window: Window
    find_fixes: Callable[[], tuple[Fix, ...]] = tuple

    @property
    def fixes(self) -> tuple[Fix, ...]:
        """What would fit, looked for when it is first asked for: each is tried on the layer."""
        return self.find_fixes()

    @property
    def sentence(self) -> str:
        """The message, and what would fit."""
        return self.message + (f"; fits with {fixes_text(self.fixes)}" if self.fixes else "")

    @property
    def harms(self) -> bool:
        """Whether the fraction costs input that no gap between windows explains.

        A 1×1 kernel with stride 2 skips every second position; that the last one of an even axis
        is skipped too is one gap more.
        """
        return self.kind == "stride" and self.window.lost_input > self.window.gap

    def to_dict(self) -> dict[str, Any]:
        """The warning as the JSON contract has it."""
        window = self.window
        facts: dict[str, Any] = {"gap": window.gap}
        if self.kind == "stride":
            facts = {
                "exact": str(window.exact),
                "floor": window.exact.numerator // window.exact.denominator,
                "output": window.output,
                "lost": window.lost,
                "lost_input": window.lost_input,
            }
        place = {"layer": self.layer, "axis": self.axis, "kind": self.kind}
        return {**place, **facts, "message": self.message, "fixes": list(self.fixes)}


def fixes_text(fixes: Sequence[Fix]) -> str:
    """`input 223 or 227, kernel_size 12, padding 1+2, or stride 3`."""
    values: dict[str, list[str]] = {}
    for fix in fixes:
        for name, value in fix.items():
            text = "+".join(map(str, value)) if isinstance(value, list) else str(value)
            values.setdefault(name, []).append(text)
    *texts, last = [f"{name} {' or '.join(those)}" for name, those in values.items()]
    return f"{', '.join(texts)}, or {last}" if texts else last


def network_warnings(network: Iterable[Facts]) -> Iterator[StrideWarning]:
    """The warnings of all layers, the first MAX_FIXED of them with fixes."""
    number, fitting = 0, set[int]()
    for facts in network:
        # Networks repeat themselves: a layer that fits is not looked at again.
        if id(facts.work) in fitting:
            continue
        found = list(stride_warnings(facts, fixed=number < MAX_FIXED))
        if not found:
            fitting.add(id(facts.work))
        number += len(found)
        yield from found


def stride_warnings(facts: Facts, fixed: bool = True) -> Iterator[StrideWarning]:
    """A warning for each axis whose size is rounded, and for each that is read with gaps.

    `fixed` tells whether they have fixes.
    """
    windows = facts.windows
    name = facts.node.name
    for index, window in enumerate(windows):
        if not isinstance(window, Window):
            continue
        axis = AXIS_NAMES[len(windows)][index]
        if window.rest:
            fixes = _when_asked(facts.node.layer, facts.inputs[0], index) if fixed else tuple
            yield StrideWarning(name, axis, "stride", _fraction(window), window, fixes)
        if window.gap:
            message = (
                f"stride {window.stride} is larger than the kernel's extent {window.extent}: "
                f"{window.gap} of every {window.stride} positions are never read"
            )
            yield StrideWarning(name, axis, "gap", message, window)


def formula(window: Window) -> str:
    """The size formula with its numbers put in: `(224 + 2·0 − 11)/4 + 1`."""
    n, kernel_size, stride, before, after, dilation, _ = window
    padding = f"2·{before}" if before == after else f"{before} + {after}"
    kernel = str(kernel_size) if dilation == 1 else f"{dilation}·({kernel_size} − 1) − 1"
    return f"({n} + {padding} − {kernel})/{stride} + 1"


def decimal(window: Window) -> str:
    """The exact size as a decimal number; `…` where more digits follow."""
    hundredths, rest = divmod(window.exact.numerator * 100, window.exact.denominator)
    text = f"{hundredths // 100}.{hundredths % 100:02d}"
    return f"{text}…" if rest else text.rstrip("0")


def _fraction(window: Window) -> str:
    direction = "up" if window.output > window.exact else "down"
    rounded = f"is no integer, rounded {direction} to {window.output}"
    lost = f"{window.lost} of padding never read, no input lost" if window.lost else "nothing lost"
    if window.lost_input:
        padding = window.lost - window.lost_input
        lost = f"{window.lost_input} of {window.n} input positions never read"
        lost += f", and {padding} of padding" if padding else ""
    return f"{formula(window)} = {decimal(window)} {rounded}: {lost}"


def _when_asked(layer: Layer, input: Shape, axis: int) -> Callable[[], tuple[Fix, ...]]:
    return cache(lambda: tuple(find_fixes(layer, input, axis)))


def find_fixes(layer: Layer, input: Shape, axis: int) -> Iterator[Fix]:
    """The nearest input sizes, kernel, padding and stride along one axis that make it fit.

    Each is tried on the layer itself: its rules hold, and the size is an integer.
    """
    window = layer.windows(input)[axis]
    assert isinstance(window, Window)
    over, missing = window.rest, window.stride - window.rest
    padded = getattr(layer, "padding", "same") != "same"
    ways: tuple[Iterable[Fix], ...] = (
        [{"input": window.n - over}],
        [{"input": window.n + missing}],
        ({"kernel_size": k} for k in around(window.kernel_size, upwards=True)),
        _paddings(window, over, missing) if padded else (),
        ({"stride": s} for s in around(window.stride, upwards=False)),
    )
    for fixes in ways:
        yield from islice((fix for fix in fixes if _fits(layer, input, axis, fix)), 1)


def around(number: int, upwards: bool) -> Iterator[int]:
    """The positive numbers around one, nearest first."""
    for distance in range(1, _SEARCH + 1):
        both = (number + distance, number - distance)[:: 1 if upwards else -1]
        yield from (candidate for candidate in both if candidate >= 1)


def _paddings(window: Window, over: int, missing: int) -> Iterator[Fix]:
    """Paddings that take away what is over or add what is missing, the smaller change first.

    What is taken away goes from the far end, which no window reads; of what is added the odd
    position goes there too.
    """
    less = (window.before - over // 2, window.after - (over - over // 2))
    more = (window.before + missing // 2, window.after + (missing - missing // 2))
    for before, after in (less, more) if over <= missing else (more, less):
        if before >= 0 and after >= 0:
            yield {"padding": before if before == after else [before, after]}


def _fits(layer: Layer, input: Shape, axis: int, fix: Fix) -> bool:
    """Whether the layer with this change is valid and its size along the axis an integer."""
    ((field, value),) = fix.items()
    if field == "input":
        input = (*input[: axis + 1], value, *input[axis + 2 :])
    else:
        windows = layer.windows(input)
        values: list[Any] = (
            [[window.before, window.after] for window in windows]
            if field == "padding"
            else [getattr(window, field) for window in windows]
        )
        values[axis] = value
        try:
            # Only this field changes: a stride that follows the kernel goes on following it.
            fields = layer.model_dump(by_alias=True, exclude_unset=True)
            layer = type(layer).model_validate({**fields, field: values})
        except ValidationError:
            return False
    if min(input) < 1 or any(True for _ in layer.rules(input)):
        return False
    window = layer.windows(input)[axis]
    return isinstance(window, Window) and not window.rest
