"""No input whatever makes cnncalc stumble: random trees and random edits of good specs.

Every case must end in a report that renders as text and as JSON, or in a CnncalcError of printable
lines. Case n is the same in every run: it is made from the seed n.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from cnncalc.api import analyze
from cnncalc.errors import CnncalcError
from cnncalc.layers import MODULES, layer_class
from cnncalc.layers.foreign import foreign_words
from cnncalc.meanings import COLUMNS
from cnncalc.render.markdown import markdown
from cnncalc.spec import json_text, yaml_text
from cnncalc.spec.bundled import bundled
from cnncalc.spec.expand import expand
from cnncalc.spec.header import INPUT_FORMS, TOP_KEYS
from cnncalc.spec.scope import ITEM_KEYS
from cnncalc.tables.csv import csv
from cnncalc.tables.json import json as render_json
from cnncalc.tables.table import page, tabulate
from cnncalc.tables.text import render

CASES = 10_000
LONG = 200_000

SPECS = [path.read_text(encoding="utf-8") for path in bundled().values()]
GOOD = [yaml.safe_load(text) for text in SPECS]
SMALL = [text for text in SPECS if len(text) < 4_000]

WORDS = [
    *MODULES,
    *[*foreign_words()][::5],
    *TOP_KEYS,
    *ITEM_KEYS,
    *["repeat", "times", "index", "args", "layers", "w", "i", "unit", "pair"],
    *(key for form in INPUT_FORMS for key in form),
    *sorted({field for word in MODULES for field in layer_class(word).model_fields}),
    *["connections", "branches", "from", "same", "valid", "filters", "kernal_size", "conv1", "a"],
]
ODD = ["", "b", "5", "1e-3", "no", "\u202e", "\x1b[31m", "a\nb", "[red]", "넷", "\ud800", "x" * 200]
TEXTS = WORDS + ODD
FORMULAS = [
    "=w",
    "=i",
    "=2*w",
    "=w/2",
    "=i+1",
    "=w**w",
    "=1/i",
    "=x",
    "=(",
    "==",
    "=",
    "=ceil_div(w, 2)",
]
NUMBERS = [0, 1, 2, 3, 5, 7, 32, 224, -1, 10**6, 10**12, 10**12 + 1, 10**39, 0.5, 1e-5, 2.0, 1e300]


def scalar(rng: random.Random) -> Any:
    """A number, a word, or nothing."""
    kind = rng.random()
    if kind < 0.5:
        return rng.choice(NUMBERS)
    if kind < 0.6:
        return rng.choice(FORMULAS)
    return rng.choice(TEXTS) if kind < 0.85 else rng.choice([None, True, False, [], {}])


def tree(rng: random.Random, depth: int) -> Any:
    """A random tree over the words of the language."""
    kind = rng.random()
    if depth == 0 or kind < 0.3:
        return scalar(rng)
    size = rng.choice([0, 1, 1, 2, 2, 3, 4])
    if kind < 0.55:
        return [tree(rng, depth - 1) for _ in range(size)]
    return {rng.choice(TEXTS): tree(rng, depth - 1) for _ in range(size)}


def item(rng: random.Random, depth: int) -> Any:
    """Something that looks like a layer: right words, fields of its own, values that may fit."""
    if rng.random() < 0.1:
        return construct(rng, depth)
    word = rng.choice(list(MODULES))
    cls = layer_class(word)
    if cls.joins and depth:
        value: Any = [
            [item(rng, depth - 1) for _ in range(rng.randrange(3))]
            for _ in range(rng.randrange(1, 4))
        ]
    elif rng.random() < 0.2:
        return word
    else:
        value = {}
        for name, field in cls.model_fields.items():
            sizes = [rng.choice([1, 1, 2, 3, 4, 8, 16]) for _ in range(3)]
            if field.is_required():
                value[field.alias or name] = rng.choice([sizes[0], sizes[0], sizes[:2], sizes])
            elif rng.random() < 0.2:
                value[field.alias or name] = rng.choice([field.default, sizes[0], scalar(rng)])
    made = {word: value}
    if rng.random() < 0.2:
        made["name"] = rng.choice("abcd")
    if rng.random() < 0.1:
        made["from"] = rng.choice(["a", "b", "input", ["a", "input"], "conv1"])
    if rng.random() < 0.05:
        made["weights_of"] = rng.choice(["a", "b", "conv1"])
    return made


def construct(rng: random.Random, depth: int) -> Any:
    """A use of a block, or a repeat."""
    if rng.random() < 0.5 or not depth:
        unit = {"unit": rng.choice([1, 2, "=w", {"w": "=2*w"}, {"w": 2, "x": 1}])}
        return rng.choice(["unit", "pair", unit, {**unit, "name": rng.choice("abcd")}])
    body = [item(rng, depth - 1) for _ in range(rng.randrange(3))]
    times = rng.choice([0, 1, 2, 3, 30, "=w", "=i"])
    return {"repeat": {"times": times, "index": rng.choice("iw"), "layers": body}}


def language(rng: random.Random) -> dict[str, Any]:
    """What stands above the layers where they use the whole language."""
    unit = {"args": {"w": rng.choice([None, 1, 2, "=w"])}, "layers": [item(rng, 1)]}
    made: dict[str, Any] = {
        "vars": {"w": rng.choice([1, 2, 3, 8, 0.5, "=2*2"]), "i": 1},
        "blocks": {"unit": unit, "pair": {"layers": ["unit", item(rng, 1)]}},
    }
    if rng.random() < 0.2:
        made["variants"] = {"a": {"w": scalar(rng)}}
    if rng.random() < 0.2:
        made[rng.choice(["outputs", "auxiliary"])] = rng.sample("abcd", rng.randrange(1, 3))
    return made


def random_spec(rng: random.Random) -> Any:
    """A random tree, or a spec of random layers on a good input."""
    if rng.random() < 0.2:
        return tree(rng, 5)
    keys = rng.choice(
        [("features",), ("length", "channels"), ("height", "width", "channels")] * 2
        + [("depth", "height", "width", "channels")]
    )
    return {
        "input": {key: rng.choice([1, 2, 8, 16, 32, 10**12]) for key in keys},
        **(language(rng) if rng.random() < 0.8 else {}),
        "layers": [item(rng, 2) for _ in range(rng.randrange(1, 5))],
    }


def places(data: Any) -> list[tuple[Any, Any]]:
    """Every container of a tree with every key or index in it."""
    found = []
    stack = [data]
    while stack:
        here = stack.pop()
        pairs = here.items() if isinstance(here, dict) else enumerate(here)
        for key, value in pairs:
            found.append((here, key))
            if isinstance(value, (dict, list)):
                stack.append(value)
    return found


def edited_tree(rng: random.Random) -> Any:
    """A good spec with a few values, keys or items replaced, removed, doubled or moved."""
    data = json.loads(json.dumps(rng.choice(GOOD)))
    data["layers"] = data["layers"][: rng.randrange(1, 12)]
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        spots = places(data)
        if not spots:
            break
        here, key = rng.choice(spots)
        edit = rng.randrange(6)
        if isinstance(here[key], int) and rng.random() < 0.7:
            here[key] = rng.randrange(1, 9)
        elif edit == 0:
            here[key] = scalar(rng)
        elif edit == 1:
            here[key] = tree(rng, 2)
        elif edit == 2:
            del here[key]
        elif edit == 3 and isinstance(here, dict):
            here[rng.choice(TEXTS)] = here.pop(key)
        elif edit == 4 and isinstance(here, list):
            here.insert(key, rng.choice([here[key], item(rng, 1)]))
        else:
            other, there = rng.choice(spots)
            here[key] = json.loads(json.dumps(other.get(there) if isinstance(other, dict) else 1))
    return data


def edited_text(rng: random.Random) -> str:
    """The text of a good spec with a few characters replaced, removed, added or repeated."""
    text = rng.choice(SMALL)
    for _ in range(rng.choice([1, 1, 2, 3, 10])):
        at = rng.randrange(len(text) + 1)
        piece = rng.choice(
            [
                "",
                *'{}[],:"\\ -#&*!|>%@`?~0159.eE\n\t',
                "NaN",
                "\x00",
                "é",
                "\u2028",
                "null",
                "1e999",
            ]
        )
        length = rng.choice([0, 1, 1, 2, 10])
        if rng.random() < 0.2:
            piece = text[at : at + rng.randrange(40)]
        text = text[:at] + piece + text[at + length :]
    return text


def case(number: int) -> tuple[Callable[[str, str], Any], str]:
    """The reader and the text of one case."""
    rng = random.Random(number)
    kind = number % 4
    if kind == 3:
        text = edited_text(rng)
        return rng.choice([json_text.read, yaml_text.read]), text
    data = edited_tree(rng) if kind == 2 else random_spec(rng)
    if rng.random() < 0.7:
        return json_text.read, json.dumps(data, indent=rng.choice([None, 1]))
    text = yaml.safe_dump(data, sort_keys=False, default_flow_style=rng.choice([None, False]))
    return yaml_text.read, text


def check(number: int) -> bool:
    """Run one case; whether it gave a report."""
    read, text = case(number)
    try:
        report = analyze(expand(read(text, "fuzz")))
    except CnncalcError as error:
        lines = str(error).split("\n")
        assert all(line and line.isprintable() for line in lines), lines
        assert all(line.startswith(("fuzz:", "… and ")) for line in lines), lines
        return False
    table = tabulate(report, tuple(COLUMNS))
    shown = "\n".join(line for line, _ in render(table))
    for text in (shown, markdown(page(table)), csv(table)):
        assert all(line.isprintable() for line in text.split("\n"))
    json.loads(render_json(report, tuple(COLUMNS)))
    return True


def run(start: int, stop: int) -> int:
    """Run cases; how many gave a report."""
    reports = 0
    for number in range(start, stop):
        try:
            reports += check(number)
        except Exception as error:
            error.add_note(f"case {number}: {case(number)[1]!r}")
            raise
    return reports


@pytest.mark.parametrize(
    "part", [0, 1, *(pytest.param(part, marks=pytest.mark.exhaustive) for part in range(2, 10))]
)
def test_random_specs(part: int) -> None:
    size = CASES // 10
    reports = run(part * size, (part + 1) * size)
    # Both ends must be met often, or the cases test nothing.
    assert size // 20 < reports < size - size // 20


@pytest.mark.slow
def test_many_random_specs() -> None:
    reports = run(CASES, CASES + LONG)
    assert LONG // 10 < reports < LONG - LONG // 10


def test_cases_are_the_same_in_every_run() -> None:
    assert [case(n)[1] for n in range(50)] == [case(n)[1] for n in range(50)]
