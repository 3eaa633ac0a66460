"""Budgets: how large a network may be, and which layers are to blame where it is larger.

A limit is a column of the report and a bound of its total. Adding one is a line in LIMITS: its
option is made of it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from cnncalc.analysis.notices import Notice
from cnncalc.analysis.strides import StrideWarning
from cnncalc.asked import Asked
from cnncalc.errors import UsageError, hint, printable, shorten, shown
from cnncalc.layers.base import count
from cnncalc.layers.kept import INDEX_BYTES
from cnncalc.meanings import COLUMNS
from cnncalc.presented import Presented
from cnncalc.report import ALWAYS_THERE, Report
from cnncalc.tables.table import notices

MAX_BUDGET = 10**30
"""The largest budget; what is more was meant otherwise."""
NAMED = 3
"""How many of the costliest layers are named."""

Unit = Literal["", "B", "positions"]


class Limit(NamedTuple):
    """A bound: its name on the command line, what it bounds, the column that is, and its unit."""

    key: str
    title: str
    column: str
    unit: Unit = ""

    @property
    def least(self) -> bool:
        """Whether it bounds from below."""
        return self.key.startswith("min-")


_LIMITS = (
    Limit("max-params", "params", "params"),
    Limit("max-macs", "MACs", "macs"),
    Limit("max-flops", "FLOPs", "flops"),
    Limit("max-activations", "activations", "activations"),
    Limit("max-peak-memory", "peak memory", "peak_memory", "B"),
    Limit("max-training-memory", "training memory", "training_bytes", "B"),
    Limit("max-weights-size", "weights size", "params_bytes", "B"),
    Limit("min-receptive-field", "receptive field", "receptive_field", "positions"),
)
LIMITS = {limit.key: limit for limit in _LIMITS}
"""The limits that are amounts."""
STRICT = {
    "strict": Limit("strict", "strides that lose input", ""),
    "strict-any": Limit("strict-any", "strides with a fraction", ""),
}
"""The limits that are on or off."""
UNREAD = Limit("strict", "what nothing reads", "")
"""What both refuse, too."""


class Cost(NamedTuple):
    """A layer, or a tensor that is alive, its part of a quantity and its share of the whole."""

    name: str
    value: int
    share: Fraction


class Finding(NamedTuple):
    """One limit on one network: the value, the budget, and what costs most.

    The value of a receptive field is `all` where the whole input is read, None where it is unknown.
    """

    limit: Limit
    value: int | Literal["all"] | None
    budget: int
    where: str = ""
    """The layer where a peak is, or whose receptive field it is."""
    costs: tuple[Cost, ...] = ()
    """The costliest layers, or all tensors that are alive at the peak; the largest first."""
    notes: tuple[str, ...] = ()
    unit: str = ""
    """The unit that the budget was given in: `KiB`."""

    @property
    def over(self) -> bool:
        """Whether the limit is broken."""
        if not isinstance(self.value, int):
            return self.value is None
        return self.value < self.budget if self.limit.least else self.value > self.budget

    @property
    def gap(self) -> Fraction | None:
        """How far the value is from the budget, as a part of the budget."""
        if not isinstance(self.value, int) or not self.budget:
            return None
        return abs(Fraction(self.value - self.budget, self.budget))

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON has it: raw numbers."""
        costs = [{"name": cost.name, "value": cost.value} for cost in self.costs]
        return {
            "limit": self.limit.key,
            "column": self.limit.column or None,
            "unit": self.limit.unit or None,
            "value": self.value,
            "budget": self.budget,
            "over": self.over,
            "where": self.where or None,
            "costs": costs,
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Verdict(Presented):
    """What becomes of one network under all its limits."""

    name: str
    asked: Asked
    findings: tuple[Finding, ...]
    warnings: tuple[Notice, ...] = ()
    """What the network was hardly meant to be, whatever its limits."""

    @property
    def over(self) -> list[Finding]:
        """The limits that are broken."""
        return [finding for finding in self.findings if finding.over]

    @property
    def ok(self) -> bool:
        """Whether no limit is broken."""
        return not self.over

    def to_dict(self) -> dict[str, Any]:
        """The verdict as JSON has it."""
        return {
            "name": self.name,
            "ok": self.ok,
            "batch": self.asked.batch,
            "dtype": self.asked.dtype,
            "asked": self.asked.to_dict(),
            "limits": [finding.to_dict() for finding in self.findings],
            "warnings": [notice.to_dict() for notice in self.warnings],
        }


def verdict(report: Report, budgets: Mapping[str, Any]) -> Verdict:
    """Hold a network against budgets: amounts by the names of LIMITS, and `strict` and
    `strict-any`, which are on or off. `max_params` is `max-params`. Raises UsageError.
    """
    wanted = {key.replace("_", "-"): value for key, value in budgets.items()}
    known = (*LIMITS, *STRICT)
    for key in wanted:
        if key not in known:
            raise UsageError(f"no such limit: {printable(shorten(key))}{hint(key, known)}")
    findings = [
        _finding(report, limit, amount(wanted[key], limit, key))._replace(unit=unit_of(wanted[key]))
        for key, limit in LIMITS.items()
        if key in wanted
    ]
    strict = [key for key in STRICT if wanted.get(key)]
    findings += [_strides(report, key) for key in strict]
    said = notices(report)
    unread = [notice for notice in said if notice.harms]
    if strict and unread:
        messages = tuple(notice.message for notice in unread)
        findings.append(Finding(UNREAD, len(unread), 0, unread[0].layer, notes=messages))
    warnings = tuple(notice for notice in said if not (strict and notice.harms))
    return Verdict(report.name, report.asked, tuple(findings), warnings)


def counted(report: Report, key: str) -> list[int]:
    """What each layer adds to a column's total: 0 for what only training uses, unless it is
    stored, and for values that are not new."""
    values = report.column("new_activations" if key == "activations" else key)
    if key in ALWAYS_THERE:
        return list(values)
    parts = report.column("part")
    return [0 if p == "auxiliary" else v for v, p in zip(values, parts, strict=True)]


def _finding(report: Report, limit: Limit, budget: int) -> Finding:
    if limit.least:
        return _receptive_field(report, limit, budget)
    values, names = counted(report, limit.column), report.column("name")
    total = report.total(limit.column)
    if COLUMNS[limit.column].peak and values:
        peak = values.index(max(values))
        tensors = _alive(report, peak, total) if limit.column == "peak_memory" else ()
        return Finding(limit, total, budget, names[peak], tensors)
    ranked = sorted(zip(names, values, strict=True), key=lambda cost: -cost[1])[:NAMED]
    costs = tuple(Cost(name, value, Fraction(value, total)) for name, value in ranked if value)
    return Finding(limit, total, budget, costs=costs)


def _alive(report: Report, layer: int, total: int) -> tuple[Cost, ...]:
    """The tensors that are alive while a layer runs, which has `total` bytes of them."""
    sizes = {entry["name"]: entry["activations"] for entry in report.inputs}
    sizes |= dict(zip(report.column("name"), report.column("activations"), strict=True))
    names = [n for n in report.column("alive")[layer].split(", ") if not n.startswith("… ")]
    alive = {name: sizes[name.removesuffix(" indices")] for name in names}
    # Ids of tokens and indices of poolings have bytes of their own. All else is of one dtype, so
    # that a tensor's share of the values is its share of the bytes.
    whole = {entry["name"] for entry in report.inputs if "dtype" in entry}
    whole |= {name for name in names if name.endswith(" indices")}
    sizes = {name: INDEX_BYTES * n for name, n in alive.items() if name in whole}
    values = sum(n for name, n in alive.items() if name not in whole)
    rest = total - sum(sizes.values())
    sizes |= {name: rest * n // values for name, n in alive.items() if name not in whole}
    ranked = sorted(sizes.items(), key=lambda tensor: -tensor[1])
    return tuple(Cost(name, bytes, Fraction(bytes, total)) for name, bytes in ranked)


def _receptive_field(report: Report, limit: Limit, budget: int) -> Finding:
    """That of the last layer with positions, on the axis where it is smallest.

    Vectors have no positions, and a single position that reads everything (global pooling) says
    nothing: what it pools does.
    """
    columns = map(report.column, ("name", "receptive_field", "output", "part"))
    layers = [
        (name, field, count(tuple(output[1:])))
        for name, field, output, part in zip(*columns, strict=True)
        if part != "auxiliary" and len(output) > 1
    ][::-1]
    if not layers:
        raise UsageError(f"{report.name}: min-receptive-field: no layer of it has positions")
    read = (layer for layer in layers if layer[2] > 1 or set(layer[1] or ()) != {"all"})
    where, axes, _ = next(read, layers[0])
    sizes = [axis for axis in axes or [None] if axis != "all"]
    value: int | Literal["all"] | None = None if None in sizes else min(sizes, default="all")
    return Finding(limit, value, budget, where)


def _strides(report: Report, key: str) -> Finding:
    """The strides that lose input, or that leave any fraction."""
    wrong = [
        warning
        for warning in report.warnings
        if isinstance(warning, StrideWarning)
        and warning.kind == "stride"
        and (key == "strict-any" or warning.harms)
    ]
    axes: dict[tuple[str, str], list[str]] = {}
    for warning in wrong:
        axes.setdefault((warning.layer, warning.message), []).append(warning.axis)
    notes = tuple(f"{layer}: {' and '.join(a)}: {text}" for (layer, text), a in axes.items())
    where = wrong[0].layer if wrong else ""
    return Finding(STRICT[key], len(wrong), 0, where, notes=notes)


# Amounts

_KILO = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_COUNTS = {"": 1, **_KILO, "K": 10**3, "B": 10**9}
_BYTES = {"": 1, "B": 1, **{f"{prefix}B": size for prefix, size in _KILO.items()}} | {
    f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGT", 1)
}
_UNITS: dict[Unit, dict[str, int]] = {"": _COUNTS, "B": _BYTES, "positions": {"": 1}}
_EXAMPLES: dict[Unit, str] = {
    "": "write it like 5000000, 5_000_000, 5,000,000, 5M, 0.3G, 2B or 1e6",
    "B": "write it like 262144, 256KiB (1,024 bytes each), 256kB (1,000), 1MB or 0.5GiB",
    "positions": "write it like 224",
}
_AMOUNT = re.compile(
    r"(?P<sign>-?)(?P<number>(?P<whole>\d{1,3}(,\d{3})+|\d+(_\d+)*)?(\.(?P<part>\d+))?"
    r"([eE](?P<power>[+-]?\d{1,3}))?)\s*(?P<unit>[A-Za-z]*)",
    re.ASCII,
)
_MAX_LENGTH = 100


def amount(value: Any, limit: Limit, place: str) -> int:
    """The number that a budget says, computed exactly: `5M`, `5_000_000`, `256KiB`, `0.3G`, `1e6`.

    `place` says where it stands. Part of a byte is left out. Raises UsageError.
    """
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        raise UsageError(f"{place}: must be a whole number or a text, not {shown(value)}")
    large = isinstance(value, int) and abs(value) > MAX_BUDGET
    text = "" if large else str(value).strip()
    exact = Fraction(value) if large else _parsed(text, limit.unit, place)
    if exact <= 0:
        raise UsageError(f"{place}: must be more than 0, not {printable(shorten(text))}")
    if exact > MAX_BUDGET:
        raise UsageError(f"{place}: must be at most 10³⁰; {_EXAMPLES[limit.unit]}")
    # A decimal fraction of a KiB is seldom whole, and no value lies between two bytes.
    if exact.denominator != 1 and (exact < 1 or not text.endswith("iB")):
        quoted = f'"{printable(shorten(text))}"'
        raise UsageError(f"{place}: {quoted} is not a whole number; {_EXAMPLES[limit.unit]}")
    return exact.numerator // exact.denominator


def unit_of(value: Any) -> str:
    """The unit that an amount is given in; none where it has none."""
    match = _AMOUNT.fullmatch(str(value).strip())
    return match["unit"] if match else ""


def size_of(unit: str, limit: Limit) -> int:
    """How many bytes or things a unit is."""
    return _UNITS[limit.unit][unit]


def _parsed(text: str, unit: Unit, place: str) -> Fraction:
    """A number with a unit. Raises UsageError."""
    quoted, examples = f'"{printable(shorten(text))}"', _EXAMPLES[unit]
    if not text:
        raise UsageError(f"{place}: there is no number; {examples}")
    match = _AMOUNT.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if match is None or not (match["whole"] or match["part"]):
        raise UsageError(f"{place}: {quoted} is no amount; {examples}")
    if match["unit"] not in _UNITS[unit]:
        meant = _meant(match["number"], match["unit"], unit)
        raise UsageError(f"{place}: {quoted}: {meant or examples}")
    part = match["part"] or ""
    digits = int(re.sub("[,_]", "", match["whole"] or "0") + part)
    power = int(match["power"] or 0) - len(part)
    sign = -1 if match["sign"] else 1
    return sign * digits * Fraction(10) ** power * _UNITS[unit][match["unit"]]


def _meant(number: str, word: str, unit: Unit) -> str:
    """What to say of a word that is no unit, where something is close."""
    prefix = word[:1].upper()
    if unit == "B" and word in ("k", "K", "KB", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"):
        binary, decimal = f"{prefix}iB", "kB" if prefix == "K" else f"{prefix}B"
        sizes = f"({_BYTES[binary]:,} bytes each)", f"({_BYTES[decimal]:,})"
        return f"say {number}{binary} {sizes[0]} or {number}{decimal} {sizes[1]}"
    close = [known for known in _UNITS[unit] if known.lower() == word.lower()]
    return f"{word} is no unit; did you mean {number}{close[0]}?" if close else ""
