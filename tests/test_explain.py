"""What `explain` prints: it evaluates to the table's numbers, and reads as textbooks do."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest
from hypothesis import given

from cnncalc.api import analyze, explain
from cnncalc.dims import (
    Window,
    ceil_div,
    maximum,
    minimum,
    same_padding,
    transposed,
    window,
    window_ceil,
)
from cnncalc.findings.explain import Explanation
from cnncalc.findings.explain_page import axis_picture
from cnncalc.findings.expression import Name, Traced, expression_of
from cnncalc.findings.maths import formula
from cnncalc.presented import formatted
from tests.command import cnncalc
from tests.strategies import specs, thorough
from tests.zoo import zoo

CORNERS = {"⌊": "floor(", "⌋": ")", "⌈": "ceil(", "⌉": ")", "−": "-", "·": "*", "^": "**"}
FUNCTIONS = {"floor": floor, "ceil": ceil, "min": min, "max": max, "Fraction": Fraction}


def evaluate(text: str) -> Fraction:
    """The value of a printed formula: what stands there, read by Python in exact fractions."""
    digits = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    fractions = re.sub(r"\d+", lambda found: f"Fraction({found.group()})", digits)
    for printed, python in CORNERS.items():
        fractions = fractions.replace(printed, python)
    return Fraction(eval(fractions, FUNCTIONS))


def columns(spec: Any) -> dict[str, dict[str, Any]]:
    """The table's numbers by what `explain` calls them."""
    report = analyze(spec)
    keys = {
        "activations": "activations",
        "params": "params",
        "MACs": "macs",
        "FLOPs": "flops",
        "params bytes": "params_bytes",
        "peak memory": "peak_memory",
        "output": "output",
        "R": "receptive_field",
        "J": "effective_stride",
    }
    names = report.column("name")
    return {word: dict(zip(names, report.column(key), strict=True)) for word, key in keys.items()}


def agrees(spec: Any) -> int:
    """Every printed formula gives the value beside it, and that value is the table's."""
    table = columns(spec)
    lines = 0
    for one in explain(spec).layers:
        for line in one.lines:
            lines += 1
            assert evaluate(formula(line.formula, values=True).text) == line.value
            if isinstance(line.what, str):
                assert line.value == table[line.what][one.name], (one.name, line.what)
                continue
            for name in line.what:
                assert line.value == expected(table, one, name), (one.name, name)
    return lines


def expected(table: dict[str, dict[str, Any]], one: Explanation, name: Name) -> int:
    """The table's number for a size (H₂), a receptive field (R₂) or a stride (J₂)."""
    channels, *sizes = table["output"][one.name]
    axes = {1: "L", 2: "HW", 3: "ZHW"}.get(len(sizes), "")
    if name.letter in "RJ":
        along = table[name.letter][one.name]
        return int(along[axes.index(name.below[1]) if len(name.below) > 1 else 0])
    return int(channels if name.letter == "C" else sizes[axes.index(name.letter)])


@pytest.mark.parametrize("name", zoo())
def test_formulas_of_bundled_networks_give_the_numbers_of_the_table(name: str) -> None:
    assert agrees(name) > 10


@thorough(150)
@given(specs())
def test_formulas_of_random_networks_give_the_numbers_of_the_table(spec: dict[str, Any]) -> None:
    agrees(spec)


def lines(*arguments: str) -> list[str]:
    """The lines of formulas, their spaces single."""
    done = cnncalc("explain", *arguments)
    assert done.code == 0, done.err
    return [re.sub(" +", " ", line) for line in done.out.splitlines()]


def test_alexnets_first_layer() -> None:
    # CS231n: 55·55·96 = 290,400 neurons, each with 11·11·3 = 363 weights; 34,944 parameters.
    printed = lines("alexnet-2012", "conv1")
    assert "H₂ = W₂ = ⌊(H₁ + 2P − F)/S⌋ + 1 = ⌊(227 + 2·0 − 11)/4⌋ + 1 = 55" in printed
    assert "activations = H₂·W₂·K = 55·55·96 = 290,400" in printed
    assert "params = F·F·C₁·K + K = 11·11·3·96 + 96 = 34,944" in printed
    assert "MACs = H₂·W₂·F·F·C₁·K = 55·55·11·11·3·96 = 105,415,200" in printed


def test_the_course_network() -> None:
    # 32×32×3, 5×5 kernels: the right counts of sources 1 (456, 2,416, 48,120, 10,164, 850).
    printed = lines("lenet5")
    for derivation in (
        "H₂ = W₂ = ⌊(H₁ + 2P − F)/S⌋ + 1 = ⌊(32 + 2·0 − 5)/1⌋ + 1 = 28",
        "params = F·F·C₁·K + K = 5·5·3·6 + 6 = 456",
        "params = F·F·C₁·K + K = 5·5·6·16 + 16 = 2,416",
        # 1, then 5; the pool doubles the step: 5 + 1, 6 + 4·2, 14 + 2, and a step of 4.
        "R₂ = R₁ + (F − 1)·J₁ = 1 + (5 − 1)·1 = 5",
        "R₂ = R₁ + (F − 1)·J₁ = 5 + (2 − 1)·1 = 6",
        "R₂ = R₁ + (F − 1)·J₁ = 6 + (5 − 1)·2 = 14",
        "R₂ = R₁ + (F − 1)·J₁ = 14 + (2 − 1)·2 = 16",
        "J₂ = S·J₁ = 2·2 = 4",
        "C₂ = C₁·H₁·W₁ = 16·5·5 = 400",
        "params = C₁·K + K = 400·120 + 120 = 48,120",
        "params = C₁·K + K = 120·84 + 84 = 10,164",
        "params = C₁·K + K = 84·10 + 10 = 850",
        " = 456 + 2,416 + 48,120 + 10,164 + 850",
        " = 62,006",
    ):
        assert derivation in printed


def test_the_variant_of_the_slide() -> None:
    # Eight filters: 608 and 3,216, 62,958 in all.
    printed = lines("lenet5-slide")
    assert "params = F·F·C₁·K + K = 5·5·3·8 + 8 = 608" in printed
    assert "params = F·F·C₁·K + K = 5·5·8·16 + 16 = 3,216" in printed
    assert " = 62,958" in printed


def test_the_lectures_keras_models() -> None:
    # 32×32×3, 32 kernels 3×3: `same` keeps 32×32, `valid` makes 30×30.
    printed = lines("image-analysis-32")
    assert "H₂ = W₂ = ⌊(H₁ + 2P − F)/S⌋ + 1 = ⌊(32 + 2·1 − 3)/1⌋ + 1 = 32" in printed
    assert "H₂ = W₂ = ⌊(H₁ + 2P − F)/S⌋ + 1 = ⌊(32 + 2·0 − 3)/1⌋ + 1 = 30" in printed
    # 150 → 150 → 75 → 72 → 36; 36·36·32 = 41,472 values, 256 units, 5 classes.
    printed = lines("image-analysis-150")
    for derivation in (
        "⌊(150 + 2·1 − 3)/1⌋ + 1 = 150",
        "⌊(150 + 2·0 − 2)/2⌋ + 1 = 75",
        "⌊(75 + 2·0 − 4)/1⌋ + 1 = 72",
        "⌊(72 + 2·0 − 2)/2⌋ + 1 = 36",
        "C₂ = C₁·H₁·W₁ = 32·36·36 = 41,472",
        "params = C₁·K + K = 41,472·256 + 256 = 10,617,088",
        "params = C₁·K + K = 256·5 + 5 = 1,285",
    ):
        assert any(line.endswith(derivation) for line in printed), derivation


def test_the_39_by_31_network() -> None:
    # Source 8: 64,320 weights, and 64,620 with biases.
    printed = lines("convnet-39x31")
    for product in ("4·4·1·20 + 20 = 340", "3·3·20·40 + 40 = 7,240", "160·100 + 100 = 16,100"):
        assert any(line.endswith(product) for line in printed), product
    assert " = 64,620" in printed


SEVEN = {"height": 7, "width": 7, "channels": 1}


@pytest.mark.parametrize(
    ("input", "conv", "derivation"),
    [
        (SEVEN, {}, "⌊(7 + 2·0 − 3)/1⌋ + 1 = 5"),
        (SEVEN, {"stride": 2}, "⌊(7 + 2·0 − 3)/2⌋ + 1 = 3"),
        ({"height": 4, "width": 4, "channels": 1}, {"padding": 1}, "⌊(4 + 2·1 − 3)/1⌋ + 1 = 4"),
    ],
)
def test_the_sizes_of_the_lecture(input: Any, conv: Any, derivation: str, tmp_path: Any) -> None:
    printed = _printed(tmp_path, input, {"out_channels": 1, "kernel_size": 3, **conv})
    assert f"H₂ = W₂ = ⌊(H₁ + 2P − F)/S⌋ + 1 = {derivation}" in printed


def _printed(tmp_path: Any, input: Any, conv: Any) -> list[str]:
    file = tmp_path / "net.json"
    file.write_text(json.dumps({"input": input, "layers": [{"conv": conv}]}))
    return lines(str(file))


def test_ten_filters_of_five_by_five(tmp_path: Any) -> None:
    input = {"height": 32, "width": 32, "channels": 3}
    conv = {"out_channels": 10, "kernel_size": 5, "padding": 2}
    assert "params = F·F·C₁·K + K = 5·5·3·10 + 10 = 760" in _printed(tmp_path, input, conv)


def test_a_stride_that_does_not_fit(tmp_path: Any) -> None:
    # (7 − 3)/3 + 1 = 2.33: "not an integer, so not possible". The last of seven is never read.
    printed = _printed(tmp_path, SEVEN, {"out_channels": 1, "kernel_size": 3, "stride": 3})
    at = printed.index("axis oooooox")
    assert printed[at : at + 5] == [
        "axis oooooox",
        "window 1 FFF",
        "window 2 FFF",
        "",
        "o read, x input never read",
    ]
    text = re.sub(" +", " ", " ".join(printed))
    assert "(7 + 2·0 − 3)/3 + 1 = 2.33… is no integer, rounded down to 2" in text
    assert "1 of 7 input positions never read; fits with input 6 or 9, kernel_size 4," in text


def test_dilation_is_written_only_where_there_is_one(tmp_path: Any) -> None:
    conv = {"out_channels": 1, "kernel_size": 3, "dilation": 2}
    printed = _printed(tmp_path, SEVEN, conv)
    # 7 − 2·(3 − 1) = 3.
    assert (
        "H₂ = W₂ = ⌊(H₁ + 2P − D·(F − 1) − 1)/S⌋ + 1 = ⌊(7 + 2·0 − 2·(3 − 1) − 1)/1⌋ + 1 = 3"
    ) in re.sub(" +", " ", " ".join(printed))
    assert not any("D" in line for line in _printed(tmp_path, SEVEN, {**conv, "dilation": 1}))


# The picture of an axis


def reads(window: Window) -> set[int]:
    """Positions of the padded axis that any window reads, by walking over them all."""
    return {
        output * window.stride + tap * window.dilation
        for output in range(window.output)
        for tap in range(window.kernel_size)
    }


@pytest.mark.parametrize(
    "window",
    [
        Window(7, 3, 3, 0, 0),
        Window(8, 3, 2, 1, 1),
        Window(9, 2, 4, 0, 1),
        Window(20, 3, 5, 2, 0, dilation=3),
        Window(10, 3, 2, 0, 0, ceil_mode=True),
    ],
)
def test_the_picture_marks_what_is_read(window: Window) -> None:
    axis = axis_picture(window)[0].split()[1]
    read = reads(window)
    assert len(axis) == window.before + window.n + window.after
    for position, sign in enumerate(axis):
        padding = not window.before <= position < window.before + window.n
        assert (
            sign == {(0, 0): "x", (0, 1): ".", (1, 0): "o", (1, 1): "p"}[position in read, padding]
        )


def test_a_long_axis_is_cut_and_a_huge_one_is_drawn_at_once() -> None:
    drawn = axis_picture(Window(10**12, 3, 2, 1, 1))
    assert max(map(len, drawn)) < 100
    assert "…" in drawn[0]


# Tracing


def traced(**values: int) -> list[Traced]:
    return [Traced(Name(letter, "", value)) for letter, value in values.items()]


@pytest.mark.parametrize(
    ("compute", "letters", "numbers"),
    [
        (
            lambda n, f, s, p: window(n, f, s, p + p, 1),
            "⌊(N + 2P − F)/S⌋ + 1",
            "⌊(9 + 2·1 − 3)/2⌋ + 1",
        ),
        (lambda n, f, s, p: ceil_div(n, s), "⌈N/S⌉", "⌈9/2⌉"),
        (lambda n, f, s, p: minimum(n - f, 5), "min(N − F, 5)", "min(9 − 3, 5)"),
        (lambda n, f, s, p: maximum(0, s * (n - 1)), "max(S·(N − 1), 0)", "max(2·(9 − 1), 0)"),
        (
            lambda n, f, s, p: transposed(n, f, s, p + p, 1, 0),
            "(N − 1)·S − 2P + F",
            "(9 − 1)·2 − 2·1 + 3",
        ),
        (lambda n, f, s, p: -n + 3, "3 − N", "3 − 9"),
        (lambda n, f, s, p: (n * 1 + 0) ** 2, "N^2", "9^2"),
    ],
)
def test_formulas_read_as_people_write_them(compute: Any, letters: str, numbers: str) -> None:
    result = compute(*traced(N=9, F=3, S=2, P=1))
    assert result == compute(9, 3, 2, 1)
    assert formula(expression_of(result)).text == letters
    assert formula(expression_of(result), values=True).text == numbers
    assert evaluate(numbers) == result


def test_other_size_formulas_are_traced_too() -> None:
    n, f, s, d = traced(N=9, F=3, S=2, D=2)
    for result, plain in (
        (window_ceil(n, f, s, 1, 1, d), window_ceil(9, 3, 2, 1, 1, 2)),
        (sum(same_padding(n, f, s, d)), sum(same_padding(9, 3, 2, 2))),
    ):
        assert result == plain
        assert evaluate(formula(expression_of(result), values=True).text) == plain


# The command


def test_blocks_and_unknown_layers() -> None:
    printed = cnncalc("explain", "resnet18", "layer2.0").out
    headings = re.findall(r"^(\S+): .* → ", printed, re.MULTILINE)
    assert headings[0] == "layer2.0.conv1"
    assert all(name.startswith("layer2.0.") for name in headings)
    done = cnncalc("explain", "lenet5", "conv3")
    assert (done.code, done.err) == (2, 'no such layer: "conv3"; did you mean conv2?\n')


def test_a_quiz_and_its_key_belong_together() -> None:
    quiz = cnncalc("explain", "lenet5", "--quiz", "--seed", "3").out
    key = cnncalc("explain", "lenet5", "--quiz", "--answers", "--seed", "3").out
    blanks = sorted(map(int, re.findall(r"____\((\d+)\)", quiz)))
    answers = re.findall(r"^ *(\d+) .*? {2,}(\S+)$", key, re.MULTILINE)
    assert blanks == [int(number) for number, _ in answers] == list(range(1, len(blanks) + 1))
    filled = quiz
    for number, answer in answers:
        filled = filled.replace(f"____({number})", answer)
    table = cnncalc("table", "lenet5", "--columns", "name,layer,output,activations,params,macs").out
    cells = [line.split() for line in table.splitlines()[2:16] if "─" not in line]
    assert [line.split() for line in filled.splitlines()[2:16] if "─" not in line] == cells
    assert quiz != cnncalc("explain", "lenet5", "--quiz", "--seed", "4").out


def _wide(number: int) -> dict[str, Any]:
    """So many convolutions of the input, all of them alive to the end, and what joins them."""
    names = [f"n{i}" for i in range(number)]
    conv = {"conv": {"out_channels": 3, "kernel_size": 1}, "from": "input"}
    layers = [{**conv, "name": name} for name in names]
    return {
        "name": "wide",
        "input": {"length": 5, "channels": 2},
        "outputs": names,
        "layers": [*layers, {"concat": None, "from": names, "name": "all"}],
    }


def test_long_sums_are_shortened_and_still_come_to_the_total() -> None:
    text = formatted(explain(_wide(4000), "all"), "text")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "all: concat, " + "5×3 and " * 6 + "3,994 more → 5×12000" in lines
    place = lines.index("C₄₀₀₁ = C₁ + C₂ + C₃ + C₄ + C₅ + C₆ + … 3,994 more")
    # Of 4,000 times 3 channels six are written; then 3,994 outputs of 15 values, and the 60,000.
    assert lines[place + 1 : place + 3] == ["= 3 + 3 + 3 + 3 + 3 + 3 + 11,982", "= 12,000"]
    place = lines.index("peak memory = 4·(n0 + n1 + n2 + n3 + n4 + n5 + … 3,995 more)")
    assert lines[place + 1 : place + 3] == [
        f"= 4·(15 + 15 + 15 + 15 + 15 + 15 + {3994 * 15 + 60_000:,})",
        f"= {4 * (4000 * 15 + 60_000):,}",
    ]


def test_what_is_explained_grows_with_the_network_and_not_with_its_square() -> None:
    short, long = (len(formatted(explain(_wide(n)), "text")) for n in (100, 400))
    assert long < 4.1 * short
    alive = analyze(_wide(100)).column("alive")
    assert alive[59].startswith("input, n0, n1, ")
    assert alive[59].endswith(", n48, … 11 more")
