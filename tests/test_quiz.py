"""The quiz: its questions, what is right, why; and a terminal that asks them."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from cnncalc.ask.explain import Explain
from cnncalc.findings.quiz import Checked, Question, Quiz
from tests.command import cnncalc
from tests.test_explain import evaluate


def quiz(spec: str = "lenet5", **options: object) -> Quiz:
    found = Explain(spec=spec, quiz=True, **options).find()  # type: ignore[arg-type]
    assert isinstance(found, Quiz)
    return found


def question(column: str, answer: str, row: str = "conv1") -> Question:
    return Question(row, column, column, answer, row)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (("params", "48,120", "fc3"), text)
        for text in ("48120", "48,120", " 48 120 ", "48_120", "48'120", "(48,120)")
    ]
    + [
        (("activations", "(400)", "flatten1"), "400"),
        (("params", "0", "pool1"), "0"),
        (("output", "400", "flatten1"), "400"),
        (("output", "1000", "fc3"), "1,000"),
    ]
    + [
        (("output", "14×14×6"), text)
        for text in ("14x14x6", "14×14×6", "14 14 6", "14, 14, 6", "(14,14,6)", "14 X 14 X 6")
    ]
    + [(("output", "112×112×128"), text) for text in ("112,112,128", "112*112*128")],
)
def test_an_answer_may_be_written_in_many_ways(asked: tuple[str, ...], text: str) -> None:
    assert quiz().check(question(*asked), text) == Checked(True)


@pytest.mark.parametrize(
    ("asked", "text", "remark"),
    [
        (("params", "456"), "457", ""),
        (("params", "456"), "0", ""),
        # 5·5·3·6 weights and 6 biases.
        (("params", "456"), "450", "that is the weights without biases"),
        (("macs", "352,800"), "705,600", "those are FLOPs; a MAC is two of them"),
        (("params", "62,006", "total"), "61770", "that is the weights without biases"),
        (("output", "28×28×6"), "6x28x28", "the sizes are right, and stand as height"),
        (("output", "28×28×6"), "28x28", ""),
        (("output", "28×28×6"), "4704", ""),
        (("output", "400", "flatten1"), "5x5x16", ""),
    ],
)
def test_a_wrong_answer_and_what_was_mistaken(
    asked: tuple[str, ...], text: str, remark: str
) -> None:
    found = quiz().check(question(*asked), text)
    assert found is not None
    assert not found.right
    assert found.remark.startswith(remark)
    assert bool(found.remark) == bool(remark)


@pytest.mark.parametrize(
    "text", ["", "  ", "abc", "-3", "1e3", "4.5", "²", "9" * 50, "\x1b[A", "x"]
)
def test_what_is_no_answer(text: str) -> None:
    assert quiz().check(question("params", "456"), text) is None
    assert quiz().check(question("output", "28×28×6"), text) is None


@pytest.mark.parametrize("spec", ["lenet5", "resnet18", "vgg16", "unet", "vit_b_16"])
@pytest.mark.parametrize("layout", ["hwc", "chw"])
def test_every_key_is_right_and_explained(spec: str, layout: str) -> None:
    found = quiz(spec, seed=5, layout=layout)
    assert found.questions
    for asked in found.questions:
        assert found.check(asked, asked.answer) == Checked(True)
        lines = found.explain(asked)
        assert all(lines), asked
        for line in lines:
            # The last formula with numbers gives the number that stands behind it.
            *_, numbers, value = ["", *line.split(" = ")]
            if re.fullmatch(r"[\d,]+", value) and re.fullmatch(r"[\d,.·+−/()⌊⌋⌈⌉ ]+", numbers):
                assert evaluate(numbers) == int(value.replace(",", "")), line
        if asked.column != "output" and " = " in lines[-1]:
            assert lines[-1].endswith(f" = {asked.answer}")


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [
        ("conv1", "output", "with 6 channels that is 28×28×6"),
        ("conv1", "params", "params = F·F·C₁·K + K = 5·5·3·6 + 6 = 456"),
        ("pool1", "params", "max_pool has nothing to train: 0"),
        ("pool1", "macs", "max_pool is no convolution and no matrix product: 0"),
        ("fc5", "output", "linear gives as many as it says: 10"),
        ("total", "params", "456 + 2,416 + 48,120 + 10,164 + 850 = 62,006"),
        ("dense part", "macs", "fc3 + fc4 + fc5 = 48,000 + 10,080 + 840 = 58,920"),
    ],
)
def test_why(row: str, column: str, said: str) -> None:
    asked = {(q.row, q.column): q for seed in range(12) for q in quiz(seed=seed).questions}
    assert quiz().explain(asked[row, column])[-1].endswith(said)


def test_blocks_and_layers_may_be_chosen() -> None:
    rows = {q.row for q in quiz("resnet18", layers=("layer2.0", "conv1")).questions}
    assert rows
    assert all(row == "conv1" or row.startswith("layer2.0.") for row in rows)
    assert cnncalc("explain", "lenet5", "conv3", "--quiz").err == (
        'no such layer: "conv3"; did you mean conv2?\n'
    )


# At a terminal


def talk(arguments: Sequence[str], typed: Sequence[str], folder: Path) -> tuple[int, str]:
    """Exit code, and what a terminal shows that answers each prompt with the next of `typed`."""
    child, terminal = pty.fork()
    if not child:
        # What runs in the background ignores it, and so would its children.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.chdir(folder)
        os.environ |= {"COLUMNS": "80", "TERM": "dumb", "PYTHONPATH": os.pathsep.join(sys.path)}
        os.execv(sys.executable, [sys.executable, "-m", "cnncalc", *arguments])
    shown, left, waits = b"", list(typed), 0
    while waits < 60:
        if not select.select([terminal], [], [], 1)[0]:
            # A key that comes between the prompt and the reading of it is not seen until the next.
            waits += 1
            if typed and not left and b"asks the same again" not in shown:
                os.write(terminal, typed[-1].encode())
            continue
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
        if shown.endswith(b"> ") and left:
            os.write(terminal, left.pop(0).encode())
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    text = re.sub(r"\x1b\[[\d;]*m", "", shown.decode()).replace("\r\n", "\n")
    return os.waitstatus_to_exitcode(status), text


QUIZ = ["explain", "lenet5", "--quiz", "--seed", "1"]


def test_a_terminal_asks_checks_and_explains(tmp_path: Path) -> None:
    typed = ["28x28x6\n", "4,704\n", "705600\n", "abc\n", "7x7x6\n", "\n", "\x03"]
    code, shown = talk(QUIZ, typed, tmp_path)
    assert code == 0
    table, _, rest = shown.partition("\n1 of 22: ")
    # The page is the one that a pipe gets.
    assert table.split() == cnncalc(*QUIZ).out.split()
    asked = re.split(r"\n\d+ of 22: ", rest)
    assert asked[0] == (
        "output of conv1?\n> 28x28x6\nright\n"
        "  H₂ = W₂ = ⌊(H₁ + 2P − F)/S⌋ + 1 = ⌊(32 + 2·0 − 5)/1⌋ + 1 = 28\n"
        "  with 6 channels that is 28×28×6\n"
    )
    assert "\nright\n  activations = H₂·W₂·K = 28·28·6 = 4,704\n" in asked[1]
    assert "\nno, it is 352,800 (those are FLOPs; a MAC is two of them)\n  MACs = " in asked[2]
    assert "that is no output; give a shape such as 28x28x6, or nothing to see it\n> " in asked[3]
    assert "\nno, it is 14×14×6\n" in asked[3]
    assert "\n0\n  max_pool is no convolution and no matrix product: 0\n" in asked[4]
    assert shown.endswith("\n2 of 5 right, 17 left; --seed 1 asks the same again\n")


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_it_ends_in_peace(key: str, tmp_path: Path) -> None:
    code, shown = talk(QUIZ, ["28x28x6\n", key], tmp_path)
    assert code == 0
    assert shown.endswith("\n1 of 1 right, 21 left; --seed 1 asks the same again\n")
    assert "Traceback" not in shown


def test_all_of_it(tmp_path: Path) -> None:
    answers = [f"{q.answer}\n" for q in quiz(seed=1).questions]
    code, shown = talk(QUIZ, answers, tmp_path)
    assert code == 0
    assert shown.endswith("\n22 of 22 right; --seed 1 asks the same again\n")


@pytest.mark.parametrize("options", [["--answers"], ["-f", "markdown"], ["-o", "quiz.txt"]])
def test_a_page_is_asked_for_by_its_options(options: list[str], tmp_path: Path) -> None:
    code, shown = talk([*QUIZ, *options], [], tmp_path)
    assert code == 0
    assert "1 of 22:" not in shown
