"""The house is as docs/architecture.md draws it: who imports whom, and what start-up loads."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple, get_args

import pytest

import cnncalc
from cnncalc.layers import MODULES, layer_class
from cnncalc.layers.base import Family, Layer
from tests.house import ENTRANCES, FILES, IMPORTS, PACKAGE, arrows, circles, room_of

DRAWING = Path(__file__).resolve().parent.parent / "docs" / "architecture.md"
MAX_LINES = 400
MAX_POSITIONAL = 8
"""How many arguments a function may take by position."""


class Room(NamedTuple):
    """What a room may import: other rooms, and packages from outside."""

    rooms: frozenset[str]
    packages: frozenset[str]


def drawn() -> dict[str, Room]:
    """The table of rooms in docs/architecture.md."""
    text = DRAWING.read_text("utf-8")
    found = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|([^|]*)\|$", text, re.MULTILINE)
    rooms = {name for name, _, _ in found}
    return {
        name: Room(
            frozenset(rooms if imports.strip() == "all" else code(imports)) | {name, "errors"},
            frozenset(code(outside)),
        )
        for name, imports, outside in found
    }


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


ROOMS = drawn()


def test_the_table_has_every_room() -> None:
    assert set(ROOMS) == {room_of(file) for file in FILES} - set(ENTRANCES)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_the_rooms_that_it_may(room: str) -> None:
    inner = [i for i in IMPORTS if room_of(i.file) == room and i.module.startswith("cnncalc.")]
    allowed = ROOMS[room].rooms | {"__version__"}
    wrong = [i for i in inner if i.module.split(".")[1] not in allowed and not i.typing]
    assert not wrong, "\n".join(map(str, wrong))


def test_types_alone_are_borrowed_from_above_once() -> None:
    upward = {
        (room_of(i.file), i.module.split(".")[1])
        for i in IMPORTS
        if i.typing and i.module.startswith("cnncalc.") and room_of(i.file) not in ENTRANCES
    }
    assert {(a, b) for a, b in upward if b not in ROOMS[a].rooms} == {("report", "analysis")}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_the_packages_that_it_may(room: str) -> None:
    allowed = {*ROOMS[room].packages, *sys.stdlib_module_names, "cnncalc"}
    # pydantic_core is the half of pydantic that holds its errors.
    allowed |= {"pydantic_core"} if "pydantic" in allowed else set()
    wrong = [
        i for i in IMPORTS if room_of(i.file) == room and i.module.split(".")[0] not in allowed
    ]
    assert not wrong, "\n".join(map(str, wrong))


def test_nothing_imports_in_a_circle() -> None:
    assert circles(arrows(rooms=False)) == []
    assert circles(arrows(rooms=True)) == []


def test_a_circle_is_seen_through_a_chain() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}}) == [["a", "b", "c"]]
    assert circles({"a": {"a"}, "b": {"a"}}) == [["a"]]
    assert circles({"a": {"b", "c"}, "b": {"c"}}) == []


def test_imports_by_name_stay_in_the_open() -> None:
    # Each is an arrow of the graph above; a whole name could as well be an import.
    assert [str(i) for i in IMPORTS if i.by_name and i.module == "cnncalc"] == []
    doors = {(room_of(i.file), i.module.split(".")[1]) for i in IMPORTS if i.by_name}
    assert doors == {
        ("ask", "ask"),
        ("cli", "cli"),
        ("drawing", "drawing"),
        ("layers", "layers"),
        ("publish", "render"),
        ("render", "render"),
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_functions_take_few_arguments_by_position(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef):
            taken = [*node.args.posonlyargs, *node.args.args]
            own = [argument for argument in taken if argument.arg not in ("self", "cls")]
            assert len(own) <= MAX_POSITIONAL, f"{file}:{node.lineno}: {node.name}"


ANSWERS = ("amounts", "analysis", "ask", "columns", "findings", "page", "render", "tables")
"""Rooms on the way to an answer."""


@pytest.mark.parametrize("word", ["redirect_std", "chdir(", "os.environ[", "ContextVar", "print("])
def test_an_answer_changes_nothing_of_the_process(word: str) -> None:
    ways = [file for file in FILES if room_of(file) in (*ANSWERS, "drawing", "publish", "sliding")]
    found = [file for file in ways if word in file.read_text("utf-8")]
    assert [file.name for file in found if file.stem not in ("progress", "terminal")] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_files_are_short_and_have_a_name(file: Path) -> None:
    assert file.stem not in ("utils", "util", "helpers", "common", "misc")
    assert len(file.read_text("utf-8").splitlines()) <= MAX_LINES


WORDS_LEFT = {
    "ask/slide.py": (4, "max_pool avg_pool min_pool relu: options of a command, by their names"),
    "drawing/diagram.py": (1, "conv: the style of a drawing, not the layer"),
    "drawing/scene.py": (2, "conv: the style of a drawing, not the layer"),
    "drawing/svg.py": (1, "conv: the style of a drawing, not the layer"),
    "findings/compare_fc.py": (1, "locally_connected: a key of JSON and CSV"),
    "findings/dense_twin.py": (4, "flatten linear relu: it writes a spec"),
    "interop/keras_layers.py": (1, "scale: the name of a weight of Keras"),
    "sliding/data.py": (1, "relu: the value of an option, in JSON"),
    "sliding/layer.py": (1, "conv: the layer that a kernel without a pooling makes"),
    "spec/advice.py": (2, "linear, scale: no activation, and a field of normalisations, in Keras"),
    "training/settings.py": (2, "linear: a schedule of the learning rate"),
}
"""Where a layer's word is quoted outside of `layers`: how often, and why."""


def test_layers_are_not_looked_up_by_their_words() -> None:
    """What is asked of a layer stands in its class."""
    found: dict[str, int] = {}
    for file in FILES:
        if room_of(file) in ("layers", "specs"):
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            # A family may be called as its layer is.
            words = MODULES.keys() - {*get_args(Family)}
            if isinstance(node, ast.Constant) and node.value in words:
                name = file.relative_to(PACKAGE).as_posix()
                found[name] = found.get(name, 0) + 1
    assert found == {name: number for name, (number, _) in WORDS_LEFT.items()}
    assert sum(found.values()) <= 20


def test_no_class_of_a_word_is_imported_outside() -> None:
    """A class is no better than its word: what matters is said by an attribute."""
    modules = {f"cnncalc.layers.{module}" for module in MODULES.values()}
    wrong = [i for i in IMPORTS if room_of(i.file) != "layers" and i.module in modules]
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("word", MODULES)
def test_every_layer_says_what_training_keeps(word: str) -> None:
    cls = layer_class(word)
    sugar = cls.lower is not Layer.lower
    assert sugar or cls.kept is not Layer.kept or hasattr(cls, "_kept")


def test_public_names_are_not_names_of_modules() -> None:
    # Importing cnncalc.x binds the module to the attribute x, which would hide a function x.
    modules = {path.stem for path in PACKAGE.iterdir()}
    assert not modules & set(cnncalc.__all__)


# Start-up


def loaded(*arguments: str) -> set[str]:
    """The modules that a command has imported when it ends."""
    program = (
        "import sys\n"
        "from cnncalc.__main__ import main\n"
        f"sys.argv = ['cnncalc', *{arguments!r}]\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    print(*sys.modules, sep='\\n', file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def test_version_imports_nothing_of_the_program() -> None:
    modules = loaded("--version")
    assert "cnncalc.__main__" in modules
    assert not modules & {"typer", "rich", "pydantic", "numpy", "yaml", "cnncalc.cli"}


def test_a_json_spec_is_tabulated_without_what_it_does_not_need() -> None:
    modules = loaded("table", "lenet5.json")
    assert {"typer", "pydantic", "cnncalc.layers.conv", "cnncalc.spec.json_text"} <= modules
    assert not modules & {"numpy", "torch", "yaml", "rich.console", "cnncalc.spec.yaml_text"}
    # Nor are layers that it does not use, commands that were not called, and other formats.
    assert not modules & {f"cnncalc.layers.{name}" for name in ("norm", "join")}
    assert not modules & {f"cnncalc.ask.{name}" for name in ("explain", "diff", "lists", "verify")}
    assert not modules & {f"cnncalc.render.{name}" for name in ("markdown", "html")}
    assert not modules & {f"cnncalc.tables.{name}" for name in ("json", "csv", "compare")}


def test_csv_does_not_need_the_table_for_people() -> None:
    modules = loaded("table", "lenet5.json", "--format", "csv", "--columns", "name,params")
    assert "cnncalc.tables.csv" in modules
    assert not modules & {"cnncalc.tables.text", "rich"}
