"""The documents say what the program does: their examples are run, their links resolve.

A fence tagged `yaml` or `json` is a whole spec. A `console` fence holds commands and what they
print, a `text` fence what the last command above it prints; they run in a folder where the spec
before them is `net.yaml` or `net.json`. In YAML a comment `# → 28×28×6, 456 parameters` states
the output and the parameters of the item on its line. `python -m tests.test_docs` writes what the
commands print now into the documents.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
import sys
import tempfile
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import cnncalc as library
from cnncalc.amounts import shape_text
from cnncalc.api import analyze
from cnncalc.ask.words import REQUESTS
from cnncalc.cli.app import COMMANDS
from cnncalc.columns import DTYPE_BITS
from cnncalc.infer import MAX_OUTPUT, Facts, infer
from cnncalc.layers import ACTIVATIONS, MODULES, layer_class
from cnncalc.layers.fields import MAX_AXES, MAX_INT
from cnncalc.meanings import COLUMNS, DEFAULT_COLUMNS
from cnncalc.spec import formula
from cnncalc.spec.blocks import MAX_NODES, MAX_TIMES
from cnncalc.spec.document import MAX_BYTES, MAX_DEPTH, MAX_VALUES
from cnncalc.spec.header import IGNORED_KEYS, INPUT_FORMS, MAX_VARIABLES, TOP_KEYS
from cnncalc.spec.items import MAX_NESTED
from cnncalc.spec.load import load
from cnncalc.spec.resolve import MAX_STEPS
from cnncalc.spec.scope import ITEM_KEYS, MAX_NAME, MAX_PATH
from tests.command import cnncalc

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")])
FENCE = re.compile(r"^```(?P<language>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(rf"cnncalc ((?:{'|'.join(COMMANDS)})\b[^`\n]*)")
SPECS = ("yaml", "json")
SHOWN = ("console", "text")


@dataclass(frozen=True)
class Fence:
    """A fenced block of a document, and the spec that its commands find beside them."""

    document: Path
    start: int
    language: str
    text: str
    spec: tuple[str, str] | None
    """The name and the text of the file."""
    shown: bool
    """Whether the next fence shows what a command makes of this one."""
    command: str
    """The last command above it."""

    @property
    def place(self) -> str:
        line = self.document.read_text("utf-8").count("\n", 0, self.start) + 1
        return f"{self.document.relative_to(ROOT)}:{line}"


def fences(document: Path) -> Iterator[Fence]:
    """The fenced blocks of a document, in order."""
    spec, content = None, document.read_text("utf-8")
    matches = list(FENCE.finditer(content))
    for match, following in zip(matches, [*matches, None][1:], strict=True):
        if match["language"] in SPECS:
            spec = (f"net.{match['language']}", match["text"])
        yield Fence(
            document,
            match.start("text"),
            match["language"],
            match["text"],
            spec,
            shown=following is not None and following["language"] in SHOWN,
            command=(COMMAND.findall(content, 0, match.start()) or [""])[-1],
        )


FENCES = [fence for document in DOCUMENTS for fence in fences(document)]


def of(*languages: str) -> list[Fence]:
    return [fence for fence in FENCES if fence.language in languages]


def session(fence: Fence) -> str:
    """What a fence of commands and output would show now."""
    if fence.language == "text":
        return run(shlex.split(fence.command), fence.spec)
    commands = [line for line in fence.text.splitlines() if line.startswith("$ ")]
    return "".join(f"{line}\n{run(shlex.split(line)[2:], fence.spec)}" for line in commands)


def run(arguments: list[str], spec: tuple[str, str] | None) -> str:
    """What a command prints, in a folder that holds the spec."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        if spec is not None:
            (Path(folder) / spec[0]).write_text(spec[1], "utf-8")
        stack.enter_context(contextlib.chdir(folder))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.delenv("COLUMNS", raising=False)
        result = cnncalc(*arguments)
    return result.out + result.err


@pytest.mark.parametrize("fence", of(*SHOWN), ids=lambda fence: fence.place)
def test_commands_print_what_the_documents_show(fence: Fence) -> None:
    assert fence.text == session(fence)


@pytest.mark.parametrize(
    "fence", [f for f in of(*SPECS) if not f.shown], ids=lambda fence: fence.place
)
def test_specs_in_the_documents_can_be_analysed(fence: Fence, tmp_path: Path) -> None:
    path = tmp_path / f"net.{fence.language}"
    path.write_text(fence.text, "utf-8")
    assert analyze(path).column("name")


STATED = re.compile(r"# → (?P<shape>[\d×]+)(, (?P<params>[\d,]+) parameters)?$")


@pytest.mark.parametrize(
    "fence", [f for f in of("yaml") if "# →" in f.text], ids=lambda fence: fence.place
)
def test_comments_state_what_comes_out(fence: Fence, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(fence.text, "utf-8")
    network = load(path)
    assert network.origin.locate is not None
    on_line: dict[int, list[Facts]] = {}
    for facts in infer(network):
        on_line.setdefault(network.origin.locate(facts.node.path)[0], []).append(facts)
    for number, line in enumerate(fence.text.splitlines(), 1):
        if "# →" not in line:
            continue
        stated = STATED.search(line)
        assert stated, line
        assert shape_text(on_line[number][-1].output) == stated["shape"], line
        if stated["params"]:
            assert f"{sum(f.params for f in on_line[number]):,}" == stated["params"], line


def test_figures_of_the_first_network_of_the_readme_by_hand(tmp_path: Path) -> None:
    (fence,) = (f for f in of("json") if f.document.name == "README.md")
    path = tmp_path / "net.json"
    path.write_text(fence.text, "utf-8")
    report = analyze(path)
    # ⌊(224 − 11)/4⌋ + 1 = 54 and ⌊(54 − 3)/2⌋ + 1 = 26.
    conv, pool, positions = 96 * (11 * 11 * 3 + 1), 26 * 26 * 96, 54 * 54
    assert report.total("params") == conv + (pool * 10 + 10) == 683_914
    assert report.total("macs") == positions * 96 * 11 * 11 * 3 + pool * 10 == 102_265_728
    assert report.total("activations") == positions * 96 + pool + 10 == 344_842
    totals = (683_914, 102_265_728, 344_842)
    assert all(f" {total:,} " in fence.document.read_text("utf-8") for total in totals)


@pytest.mark.parametrize(
    "document", dict.fromkeys(f.document for f in of("pycon")), ids=lambda path: path.name
)
def test_python_sessions_give_what_the_documents_show(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for fence in (f for f in of("pycon") if f.document == document):
        if fence.spec is not None:
            Path(fence.spec[0]).write_text(fence.spec[1], "utf-8")
        test = doctest.DocTestParser().get_doctest(fence.text, names, fence.place, None, 0)
        # The next fence goes on with the names of this one.
        test.globs = names
        report = io.StringIO()
        runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
        result = runner.run(test, out=report.write, clear_globs=False)
        assert result.attempted
        assert not result.failed, report.getvalue()


# Links


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub gives a document's headings."""
    text = FENCE.sub("", document.read_text("utf-8"))
    found: dict[str, int] = {}
    names = set()
    for heading in re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = found[anchor] = found.get(anchor, -1) + 1
        names.add(f"{anchor}-{number}" if number else anchor)
    return names | set(re.findall(r'<a (?:id|name)="([^"]+)"', text))


def links(document: Path) -> list[str]:
    """The targets of a document's links, code left out."""
    text = re.sub(r"`[^`\n]*`", "", FENCE.sub("", document.read_text("utf-8")))
    return re.findall(r"\]\(([^)\s]+)(?: \"[^\"]*\")?\)", text)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    broken = []
    for link in links(document):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


# What must be mentioned


def words(*names: str) -> set[str]:
    """Everything that stands as code or heading in these documents, and its single words."""
    texts = [(ROOT / name).read_text("utf-8") for name in names]
    code_or_heading = re.compile(r"`([^`\n]+)`|^#+ (.+)$", re.MULTILINE)
    quoted = ["".join(f) for t in texts for f in code_or_heading.findall(FENCE.sub("", t))]
    return {word for text in quoted for word in (text, *re.findall(r"[\w$-]+", text))}


@pytest.mark.parametrize(
    ("wanted", "documents"),
    [
        (MODULES, ["docs/layers.md"]),
        (MODULES, ["docs/counting.md"]),
        (COLUMNS, ["docs/counting.md"]),
        (("add", "multiply", "compare", "divide", "exp"), ["docs/counting.md"]),
        (DTYPE_BITS, ["docs/counting.md"]),
        ((*TOP_KEYS, *IGNORED_KEYS, *ITEM_KEYS, "repeat", *formula.FUNCTIONS), ["docs/spec.md"]),
        (COMMANDS, [str(path.relative_to(ROOT)) for path in DOCUMENTS]),
    ],
    ids=["layers", "counting", "columns", "elementwise", "dtypes", "keys", "commands"],
)
def test_nothing_is_left_unsaid(wanted: Iterable[str], documents: list[str]) -> None:
    assert sorted(set(wanted) - words(*documents)) == []


def rows(document: str, *titles: str) -> list[list[str]]:
    """The rows of the table with these column titles."""
    text = (ROOT / document).read_text("utf-8")
    head = re.escape(f"| {' | '.join(titles)} |\n")
    (block,) = re.findall(rf"^{head}\|[-:|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    return [[cell.strip() for cell in row[1:-1].split("|")] for row in block.splitlines()]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_command_that_says_something_is_a_function() -> None:
    table = rows("docs/api.md", "command", "function", "gives")
    functions = [name.removeprefix("cnncalc.") for row in table for name in code(row[1])]
    assert [name for name in functions if not callable(getattr(library, name))] == []
    said = [command for row in table for command in code(row[0])]
    assert sorted(said) == sorted(set(REQUESTS) - {"value"})
    # All others write files.
    assert set(COMMANDS) - set(said) == {"embed", "train", "pictures", "init"}
    # And nothing is public that the page does not have.
    errors = {"CnncalcError", "SpecError", "UsageError", "Graph", "Report"}
    assert set(library.__all__) - errors == set(functions)


def test_main_fields_are_those_of_the_classes() -> None:
    table = rows("docs/spec.md", "layers", "main field")
    stated = {word: code(field)[0] for layers, field in table for word in code(layers)}
    assert stated == {word: main for word in MODULES if (main := layer_class(word).main)}


def test_forms_of_the_input_are_those_of_the_language() -> None:
    table = rows("docs/spec.md", "input", "keys", "shape in tables")
    assert tuple(tuple(code(keys)) for _, keys, _ in table) == INPUT_FORMS


def test_bounds_are_those_of_the_program() -> None:
    assert MAX_OUTPUT == 10**100
    assert formula.MAX_SIZE == 10**30
    assert [bound for _, bound in rows("docs/spec.md", "what", "at most")] == [
        f"{MAX_BYTES // 10**6} MB",
        f"{MAX_VALUES:,}",
        f"{MAX_DEPTH} deep",
        f"{MAX_INT:,} (10¹²)",
        f"{MAX_NODES:,}",
        f"{MAX_STEPS:,}",
        f"{MAX_TIMES:,}",
        f"{MAX_NESTED} deep",
        f"{MAX_VARIABLES}",
        f"{formula.MAX_LENGTH}",
        f"{formula.MAX_NESTED} deep",
        "30",
        f"{MAX_NAME}",
        f"{MAX_PATH}",
        f"{MAX_AXES}",
        "10¹⁰⁰",
    ]


def test_columns_mean_what_the_program_says() -> None:
    table = rows("docs/counting.md", "key", "heading", "what it is", "usual", "summed")
    assert [(code(key)[0], *rest) for key, *rest in table] == [
        (
            c.key,
            c.title,
            c.meaning,
            "yes" if c.key in DEFAULT_COLUMNS else "",
            "yes" if c.total or c.kind == "share" else "",
        )
        for c in COLUMNS.values()
    ]


def test_sizes_of_types_are_those_of_the_program() -> None:
    table = rows("docs/counting.md", "dtype", "bits")
    assert {name: int(bits) for names, bits in table for name in code(names)} == DTYPE_BITS


KINDS = ("add", "multiply", "compare", "divide", "exp")


def test_arithmetic_of_activations_is_that_of_the_classes() -> None:
    values = 7 * 8 * 9
    table = rows("docs/counting.md", "activation", *KINDS)
    stated = {
        word: [int(cell or 0) * values for cell in cells]
        for named, *cells in table
        for word in code(named)
    }
    words = [w for w in (*ACTIVATIONS, "dropout", "drop_path") if not w.endswith("softmax")]
    counted = {word: layer_class(word).model_construct().elementwise((7, 8, 9)) for word in words}
    assert stated == {w: [kinds.get(kind, 0) for kind in KINDS] for w, kinds in counted.items()}


def test_the_layer_that_contributing_adds_works(monkeypatch: pytest.MonkeyPatch) -> None:
    (fence,) = (f for f in of("python") if f.document.name == "CONTRIBUTING.md")
    module = types.ModuleType("cnncalc.layers.contributed")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(fence.text, module.__dict__)
    monkeypatch.setitem(MODULES, "re_zero", "contributed")
    report = analyze(
        {
            "input": {"height": 56, "width": 56, "channels": 96},
            "layers": ["re_zero", {"re_zero": 0.1}],
        }
    )
    assert report.column("name") == ["factor1", "factor2"]
    assert report.column("output") == [[96, 56, 56], [96, 56, 56]]
    assert report.column("params") == [1, 1]
    assert report.column("elementwise_by_kind") == [{"multiply": 301_056}] * 2


def rewrite(document: Path) -> None:
    """Write what the commands print now into a document."""
    text = document.read_text("utf-8")
    for fence in reversed(list(fences(document))):
        if fence.language in SHOWN:
            end = fence.start + len(fence.text)
            text = text[: fence.start] + session(fence) + text[end:]
    document.write_text(text, "utf-8")


if __name__ == "__main__":
    for path in DOCUMENTS:
        rewrite(path)
