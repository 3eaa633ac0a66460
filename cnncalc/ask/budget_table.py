"""The `[tool.cnncalc.budgets]` table of a pyproject.toml.

Its keys hold for every spec; a table in it, named by a path or a bundled network, for that spec.
"""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from cnncalc.columns import DTYPE_BITS
from cnncalc.errors import UsageError, hint, printable, shorten, shown
from cnncalc.files import refusals
from cnncalc.findings.budget import LIMITS, STRICT, amount
from cnncalc.layers.fields import is_whole
from cnncalc.spec.bundled import plain_name

MAX_BYTES = 500_000
"""The largest pyproject.toml that is read."""
MAX_DOTS = 1000
"""The most dots in a line of it: tomllib takes time that is their square."""
_SIZES = re.compile(r"\d{1,13}([x×]\d{1,13}){0,3}", re.ASCII)
_YES_OR_NO = (lambda value: isinstance(value, bool), "true or false")
OPTIONS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "dtype": (lambda v: isinstance(v, str) and v in DTYPE_BITS, f"one of {', '.join(DTYPE_BITS)}"),
    "optimizer": (lambda v: isinstance(v, str), 'a text such as "adam"'),
    "batch": (lambda v: is_whole(v, 1), "a whole number from 1"),
    "input": (
        lambda v: isinstance(v, str) and _SIZES.fullmatch(v) is not None,
        'sizes such as "96x96"',
    ),
    "set": (lambda v: isinstance(v, dict), "a table of variables"),
    **dict.fromkeys(STRICT, _YES_OR_NO),
}
"""What the table takes beside amounts: what is right, and what to ask for where it is not."""


class BudgetTable(NamedTuple):
    """What a pyproject.toml says of budgets: for every spec, and for some."""

    folder: Path
    every: dict[str, Any]
    specs: dict[str, dict[str, Any]]

    def settings(self, spec: str, folder: Path) -> dict[str, Any]:
        """What holds for one spec, seen from `folder`."""
        found = dict(self.every)
        for key, settings in self.specs.items():
            if self._is(key, spec, folder):
                found |= {**settings, "set": {**found.get("set", {}), **settings.get("set", {})}}
        return found

    def _is(self, key: str, spec: str, folder: Path) -> bool:
        """Whether a table's name is that of a spec."""
        if is_file(folder / spec):
            path = self.folder / key
            return is_file(path) and path.samefile(folder / spec)
        return plain_name(key) == plain_name(spec)

    def names(self, folder: Path) -> list[str]:
        """The specs that have tables of their own, as seen from `folder`."""
        paths = {key: self.folder / key for key in self.specs}
        return [
            os.path.relpath(path, folder) if is_file(path) else key for key, path in paths.items()
        ]


def is_file(path: Path) -> bool:
    """Whether there is such a file; a name that can be none is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def for_spec(spec: str, folder: Path) -> BudgetTable | None:
    """The budgets that hold for a spec: from its folder upwards, or from `folder`."""
    path = folder / spec
    return nearest(path.resolve().parent if is_file(path) else folder, folder)


def nearest(start: Path, folder: Path) -> BudgetTable | None:
    """The budgets of the nearest pyproject.toml that has any, from `start` upwards.

    Messages call it as it is seen from `folder`.
    """
    start = start.absolute()
    for place in (start, *start.parents):
        path = place / "pyproject.toml"
        found = _read(path, folder) if is_file(path) else None
        if found is not None:
            return found
    return None


def _read(path: Path, folder: Path) -> BudgetTable | None:
    """The table of one file; None where it has none. Raises UsageError."""
    label = printable(os.path.relpath(path, folder))
    data = parse_toml(path, label)
    dotted = ""
    for key in ("tool", "cnncalc", "budgets"):
        if key not in data:
            return None
        data, dotted = data[key], f"{dotted}.{key}".lstrip(".")
        if not isinstance(data, dict):
            raise UsageError(f"{label}: {dotted}: must be a table, not {shown(data)}")
    every, specs = dict[str, Any](), dict[str, dict[str, Any]]()
    for key, value in data.items():
        if isinstance(value, dict) and key not in OPTIONS:
            place = f'{label}: {dotted}."{printable(shorten(key))}"'
            specs[key] = {k: _checked(k, v, place) for k, v in value.items()}
        else:
            every[key] = _checked(key, value, f"{label}: {dotted}")
    return BudgetTable(path.parent, every, specs)


def parse_toml(path: Path, label: str) -> Mapping[str, Any]:
    with refusals(label), path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise UsageError(f"{label}: larger than {MAX_BYTES:,} bytes")
    if any(line.count(b".") > MAX_DOTS for line in content.splitlines()):
        raise UsageError(f"{label}: a line with more than {MAX_DOTS:,} dots")
    try:
        # Decimal: 5e6 and 0.1 stay what is written.
        return tomllib.loads(content.decode("utf-8"), parse_float=Decimal)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{label}:{line}: not UTF-8; save the file as UTF-8") from None
    except RecursionError:
        raise UsageError(f"{label}: nested too deep") from None
    except tomllib.TOMLDecodeError as error:
        # tomllib puts the place behind the sentence, messages of ours have it in front.
        text = printable(shorten(str(error), 200))
        match = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", text)
        where = f"{label}:{match[2]}:{match[3]}" if match else label
        raise UsageError(f"{where}: no TOML: {match[1] if match else text}") from None
    except ValueError:
        raise UsageError(f"{label}: a number with too many digits") from None


def _checked(key: str, value: Any, place: str) -> Any:
    """A setting, if it can be one. Raises UsageError that names its place."""
    place = f"{place}.{printable(shorten(key))}"
    if key in LIMITS:
        amount(value, LIMITS[key], place)
        return value
    if key not in OPTIONS:
        raise UsageError(f"{place}: no such setting{hint(key, (*LIMITS, *OPTIONS))}")
    is_right, wanted = OPTIONS[key]
    if not is_right(value):
        raise UsageError(f"{place}: must be {wanted}, not {shown(value)}")
    return _variable(value)


def _variable(value: Any) -> Any:
    """A value as `--set` would give it: with floats."""
    if isinstance(value, dict):
        return {key: _variable(v) for key, v in value.items()}
    if isinstance(value, list):
        return list(map(_variable, value))
    return float(value) if isinstance(value, Decimal) else value
