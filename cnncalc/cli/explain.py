"""`cnncalc explain`, which asks back where somebody is there to answer."""

import sys
from pathlib import Path

from cnncalc.ask.explain import Explain
from cnncalc.cli import output as plain
from cnncalc.findings.explain import Explained
from cnncalc.render.terminal import Line, print_lines, width_of


def run(request: Explain, output: Path | None) -> None:
    """Answer it; a quiz at a terminal is asked, question after question."""
    talks = sys.stdin.isatty() and sys.stdout.isatty() and output is None
    asks = request.quiz and not request.answers and request.format == "text" and request.spec != "-"
    if talks and asks:
        _ask(request)
    else:
        plain.run(request, output)


def _ask(request: Explain) -> None:
    """The table, then its blanks one after another, until all are done or nobody answers."""
    quiz = request.find()
    assert not isinstance(quiz, Explained)
    plain.put(request.answer(quiz), None)
    asked, many, right = 0, len(quiz.questions), 0
    try:
        for number, question in enumerate(quiz.questions, 1):
            _say(f"\n{number} of {many}: {question.title} of {question.of}?")
            while (checked := quiz.check(question, text := input("> "))) is None and text.strip():
                example = "a shape such as 28x28x6" if question.column == "output" else "1,176"
                _say(f"that is no {question.title}; give {example}, or nothing to see it")
            asked += 1
            right += checked is not None and checked.right
            if checked is None:
                _say(question.answer)
            elif checked.right:
                _say("right", "green")
            else:
                because = f" ({checked.remark})" if checked.remark else ""
                _say(f"no, it is {question.answer}{because}", "red")
            for line in quiz.explain(question):
                _say(f"  {line}")
    except (EOFError, KeyboardInterrupt):
        _say("")
    left = f", {many - asked} left" if asked < many else ""
    _say(f"\n{right} of {asked} right{left}; --seed {request.seed} asks the same again")


def _say(text: str, style: str = "") -> None:
    width = width_of(sys.stdout)
    lines: list[Line] = [(line, style) for line in _wrapped(text, width)]
    print_lines(lines, sys.stdout)


def _wrapped(text: str, width: int | None) -> list[str]:
    """Its lines; a long formula goes on before an equals sign, as on paper."""
    found = list[str]()
    for line in text.split("\n"):
        if width is None or len(line) <= width:
            found.append(line)
            continue
        first, *rest = line.split(" = ")
        found.append(first)
        for part in rest:
            if len(found[-1]) + 3 + len(part) <= width:
                found[-1] += f" = {part}"
            else:
                found.append(f"    = {part}")
    return found
