"""What cnncalc says of bad specs and bad options: the exact text, on stderr, with exit code 2."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import cnncalc
from cnncalc.errors import MAX_REPORTED
from cnncalc.meanings import COLUMNS
from tests.command import cnncalc as run

HERE = Path(__file__).parent
BLOCK = re.compile(r"^=== spec\n(.*?)^=== says\n(.*?)(?:\n\n|\Z)", re.MULTILINE | re.DOTALL)


class Bad(NamedTuple):
    """A spec and what is said of it."""

    file: str
    text: str
    says: str


def table(kind: str) -> list[Bad]:
    """The bad specs of `bad_json.txt` or `bad_yaml.txt`."""
    blocks = BLOCK.findall((HERE / f"bad_{kind}.txt").read_text(encoding="utf-8"))
    return [Bad(f"net.{kind}", text, says.rstrip("\n")) for text, says in blocks]


JSON, YAML = table("json"), table("yaml")


def titles(bad: Bad) -> str:
    """What the test of a bad spec is called: its first message."""
    return bad.says.split("\n")[0][:70]


def is_plain_json(bad: Bad) -> bool:
    """Whether the text means the same in YAML, of which JSON is a part."""

    def no_constant(word: str) -> None:
        raise ValueError(word)

    try:
        json.loads(bad.text, parse_constant=no_constant)
    except ValueError:
        return False
    return True


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test runs in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_table_is_large() -> None:
    assert len(JSON) >= 60
    assert len(YAML) >= 40
    assert len({bad.text for bad in JSON}) == len(JSON)
    assert len({bad.text for bad in YAML}) == len(YAML)


@pytest.mark.parametrize("bad", JSON + YAML, ids=titles)
def test_message(bad: Bad) -> None:
    Path(bad.file).write_text(bad.text, encoding="utf-8")
    assert run("table", bad.file, "--format", "json") == (2, "", bad.says + "\n")


@pytest.mark.parametrize("bad", [bad for bad in JSON if is_plain_json(bad)], ids=titles)
def test_yaml_says_the_same_of_the_same_text(bad: Bad) -> None:
    # JSON is a part of YAML. The two readers find places independently of each other.
    Path("net.yaml").write_text(bad.text, encoding="utf-8")
    assert run("table", "net.yaml").err == bad.says.replace("net.json", "net.yaml") + "\n"


@pytest.mark.parametrize("bad", JSON + YAML, ids=titles)
def test_every_line_names_its_place(bad: Bad) -> None:
    lines = bad.text.split("\n")
    for message in bad.says.split("\n"):
        place = re.match(rf"{re.escape(bad.file)}:(\d+):(\d+): \S", message)
        if place is None:
            assert re.fullmatch("… and [0-9,]+ more problems?", message)
            continue
        line, column = int(place[1]), int(place[2])
        assert 1 <= line <= len(lines)
        assert 1 <= column <= len(lines[line - 1]) + 1


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (
            {"input": {"height": 8}, "layers": ["relo", {"Conv2D": {"filters": 3}}]},
            "input: lacks width, channels; its keys are one of these sets: features; length, "
            "channels; length; height, width, channels; depth, height, width, channels\n"
            "layers[0]: relo: no such layer; did you mean relu?\n"
            "layers[1].Conv2D: Conv2D: no such layer; the layer is called conv\n"
            "layers[1].Conv2D: conv1.kernel_size: conv needs it: size F of the kernel along each "
            "axis\n"
            "layers[1].Conv2D.filters: conv1.filters: no such field of conv; the field is called "
            "out_channels",
        ),
        (
            {"input": {"features": 10**5000}, "layers": [{"relu": None, 5: object()}], 7: 1},
            "[7]: 7: no such key of a spec; it has name, description, source, vars, variants, "
            "blocks, input, inputs, layers, outputs, auxiliary\n"
            "input.features: must be a whole number from 1 to 1,000,000,000,000, not a number of "
            "more than 40 digits\n"
            "layers[0][5]: relu.5: no such key beside a layer; there are name, from, weights_of, "
            "indices_of, when, trainable",
        ),
        (
            {
                "input": {"features": 4},
                "blocks": {"b": {"args": {None: 3}, "layers": [{"linear": {None: 1}}]}},
                "layers": [{"b": {"out": 4}}, {None: 3}],
            },
            "blocks.b.args.null: must be letters without accents, digits and _, and no keyword of "
            "Python\n"
            "layers[0].b.out: b1.out: no such argument of b; it has none\n"
            "layers[1].null: null: no such layer; `cnncalc layers` lists them",
        ),
        (
            {"input": {"features": 4}, "layers": [{"linear": (2, 3)}, {"linear": {1, 2}}]},
            "layers[0].linear: fc1.out_features: must be a whole number, not a list\n"
            "layers[1].linear: fc2.out_features: must be a whole number, not a set",
        ),
    ],
)
def test_a_mapping_has_paths_for_places(spec: Any, says: str) -> None:
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.load(spec)
    assert str(caught.value) == says


def test_many_problems_are_counted() -> None:
    spec = {"input": {"features": 1}, "layers": ["relo"] * 2_500}
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.load(spec)
    lines = str(caught.value).split("\n")
    assert len(lines) == MAX_REPORTED + 1
    # 1,000 are looked for, 20 are listed.
    assert lines[-1] == "… and at least 980 more problems"


ALL_COLUMNS = f"there are {', '.join(COLUMNS)}"
TYPES = (
    "there are float64, float32, float16, bfloat16, float8, int64, int32, int16, int8, uint8, int4"
)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("table lenet5 --columns foo", f"no such column: foo; {ALL_COLUMNS}"),
        ("table lenet5 --columns name,parms", "no such column: parms; did you mean params?"),
        ("table lenet5 --columns ,", "--columns names no column"),
        ("table lenet5 --sort name", "cannot sort by name; sort by a column of numbers"),
        ("table lenet5 --sort mac", "no such column: mac; did you mean macs?"),
        ("table lenet5 --value name", "the column name has no total"),
        (
            "table lenet5 --input abc",
            "--input must be sizes like 256x256 or 256x256x3, not abc",
        ),
        ("table lenet5 --input 5", "--input must have as many sizes as the spec's 32x32x3, not 5"),
        (
            "table lenet5 --input 0x5",
            "--input: every size must be from 1 to 1,000,000,000,000",
        ),
        (
            f"table lenet5 --input {'9' * 5000}x5",
            "--input: every size must be from 1 to 1,000,000,000,000",
        ),
        (
            "table lenet5 --input 4x4",
            # 16 − 5 + 1 = 12, 12/2 = 6, 6 − 5 + 1 = 2, 2/2 = 1.
            "lenet5.json:7:6: conv1: kernel 5 does not fit the input: 4 + 2·0 < 5; fits with "
            "kernel_size 4 or padding 1; the smallest input that fits is 16×16",
        ),
        (
            "table lenet5 --batch 0",
            "batch must be a whole number from 1 to 1,000,000,000,000, not 0",
        ),
        ("table lenet5 --dtype x", f"no such dtype: x; {TYPES}"),
        ("table lenet5 --dtype float23", "no such dtype: float23; did you mean float32?"),
        (
            "table lenet6",
            "lenet6: no such file, and no bundled network of that name; did you mean lenet5?",
        ),
        (
            "table nope.json",
            "nope.json: no such file, and no bundled network of that name; `cnncalc specs` lists "
            "the bundled ones",
        ),
        ("table .", ".: is a folder; name a spec in it"),
        ("table lenet5 -o none/x.txt", "{folder}/none/x.txt: No such file or directory"),
        ("layer conf", "conf: no such layer; did you mean conv?"),
    ],
)
def test_options_that_make_no_sense(arguments: str, says: str, folder: Path) -> None:
    says = says.replace("{folder}", str(folder))
    assert run(*arguments.split()) == (2, "", says + "\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("tabel lenet5", "cnncalc tabel: no such command; did you mean table?"),
        ("z\x1b", "cnncalc z\\x1b: no such command; `cnncalc --help` lists them"),
        ("--nope", "cnncalc: No such option*--nope*; see cnncalc --help"),
        (
            "table lenet5 --bogus",
            "cnncalc table: No such option*--bogus*; see cnncalc table --help",
        ),
        ("table lenet5 --batch many", "cnncalc table: --batch: *; see cnncalc table --help"),
        ("table lenet5 --top 0", "cnncalc table: --top: *; see cnncalc table --help"),
        ("table --format xml", "cnncalc table: --format: 'xml' is not*; see cnncalc table --help"),
        ("table lenet5 --layout xyz", "cnncalc table: --layout: *; see cnncalc table --help"),
        ("table lenet5 --columns", "cnncalc*: Option '--columns' requires*; see cnncalc* --help"),
        ("layer", "cnncalc layer: Missing argument 'LAYER'; see cnncalc layer --help"),
        ("draw a b", "cnncalc draw: Got unexpected *; see cnncalc draw --help"),
    ],
)
def test_usage_errors_of_the_option_parser(arguments: str, says: str) -> None:
    """One line each; typer's words (*) differ between its versions."""
    code, out, err = run(*arguments.split(" "))
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert fnmatchcase(line, says), line


def test_completion_behind_an_unknown_command_is_silent() -> None:
    asked = {
        "COMP_WORDS": "cnncalc tabel --f",
        "COMP_CWORD": "2",
        "_CNNCALC_COMPLETE": "complete_bash",
    }
    done = subprocess.run(
        [sys.executable, "-m", "cnncalc"],
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
