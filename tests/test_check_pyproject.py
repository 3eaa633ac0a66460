"""The `[tool.cnncalc.budgets]` table of a pyproject.toml, and the hook for pre-commit."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from cnncalc.columns import DTYPE_BITS
from tests.command import cnncalc
from tests.test_check import COUNT

ROOT = Path(__file__).resolve().parent.parent
NET = '{"input": {"features": 100}, "layers": [{"linear": 10}]}'
"""A network of 100·10 + 10 = 1,010 parameters."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two networks, where we are; its pyproject.toml is written by each test."""
    (tmp_path / "nets").mkdir()
    for name in ("tiny", "other"):
        (tmp_path / "nets" / f"{name}.json").write_text(NET)
    monkeypatch.chdir(tmp_path)
    return tmp_path


TABLE = """
[tool.cnncalc.budgets]
max-params = "1k"
max-macs = 5e6
dtype = "int8"

[tool.cnncalc.budgets."nets/tiny.json"]
max-params = 1_010
max-weights-size = "1kB"

[tool.cnncalc.budgets.lenet5]
max-params = "62006"
"""


def limits(*arguments: str) -> dict[str, dict[str, int]]:
    entries = json.loads(cnncalc("check", *arguments, "-f", "json").out)["specs"]
    return {e["spec"]: {limit["limit"]: limit["budget"] for limit in e["limits"]} for e in entries}


def test_budgets_of_a_spec_stand_in_its_own_table(project: Path) -> None:
    (project / "pyproject.toml").write_text(TABLE)
    every = {"max-params": 1000, "max-macs": 5_000_000}
    tiny = {"max-params": 1010, "max-macs": 5_000_000, "max-weights-size": 1000}
    assert limits("nets/tiny.json", "nets/other.json", "LeNet5.json") == {
        "nets/tiny.json": tiny,
        "nets/other.json": every,
        "LeNet5.json": {**every, "max-params": 62_006},
    }
    # Without specs, those that have tables. int8: 1,010 bytes of weights.
    result = cnncalc("check")
    assert result.code == 1
    row = "weights size 1.01 kB at most 1 kB over by 1.0 %"
    assert row in " ".join(result.out.split())
    assert [*limits()] == ["nets/tiny.json", "lenet5"]
    # The command line wins.
    given = ("--max-params", "7k", "--dtype", "float32")
    assert limits("nets/tiny.json", *given)["nets/tiny.json"] == {**tiny, "max-params": 7000}
    assert "4.04 kB" in cnncalc("check", "nets/tiny.json", *given).out


def test_the_nearest_table_above_the_spec_counts(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "pyproject.toml").write_text(TABLE)
    # A pyproject.toml without budgets is none of ours; the working directory does not matter.
    (project / "nets" / "pyproject.toml").write_text("[project]\nname = 'nets'\n")
    (project / "elsewhere").mkdir()
    monkeypatch.chdir(project / "elsewhere")
    assert limits("../nets/tiny.json")["../nets/tiny.json"]["max-params"] == 1010
    assert [*limits()] == ["../nets/tiny.json", "lenet5"]
    (project / "nets" / "pyproject.toml").write_text("[tool.cnncalc.budgets]\nmax-params = 7\n")
    assert limits("../nets/tiny.json")["../nets/tiny.json"] == {"max-params": 7}


def test_variables_and_inputs_may_stand_in_the_table(project: Path) -> None:
    (project / "net.yaml").write_text(
        "vars: {width: 8, out: 1}\n"
        "input: {height: 32, width: 32, channels: 3}\n"
        "layers: [conv: {out_channels: =width*out, kernel_size: 1, bias: false}]\n"
    )
    (project / "pyproject.toml").write_text(
        '[tool.cnncalc.budgets]\nmax-macs = "1M"\nset = {width = 2}\n'
        '[tool.cnncalc.budgets."net.yaml"]\ninput = "10x10"\nbatch = 3\nset = {out = 5}\n'
    )
    (entry,) = json.loads(cnncalc("check", "net.yaml", "-f", "json").out)["specs"]
    # 3 inputs of 10·10 positions, 3 channels to 2·5.
    assert entry["limits"][0]["value"] == 3 * 100 * 3 * 10
    (entry,) = json.loads(cnncalc("check", "--set", "out=1", "-f", "json").out)["specs"]
    assert entry["limits"][0]["value"] == 3 * 100 * 3 * 2


B = "pyproject.toml: tool.cnncalc.budgets"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max-parms = 5", f"{B}.max-parms: no such setting; did you mean max-params?"),
        ('max-params = "5m"', f'{B}.max-params: "5m": m is no unit; did you mean 5M?'),
        ("max-params = true", f"{B}.max-params: must be a whole number or a text, not true"),
        ("max-params = []", f"{B}.max-params: must be a whole number or a text, not an empty list"),
        ("max-params = 0.5", f'{B}.max-params: "0.5" is not a whole number; {COUNT}'),
        ("max-params = inf", f'{B}.max-params: "Infinity" is no amount; {COUNT}'),
        ("max-params = -1", f"{B}.max-params: must be more than 0, not -1"),
        ("dtype = 8", f"{B}.dtype: must be one of {', '.join(DTYPE_BITS)}, not 8"),
        ('dtype = "int9"', f'{B}.dtype: must be one of {", ".join(DTYPE_BITS)}, not "int9"'),
        ("optimizer = []", f'{B}.optimizer: must be a text such as "adam", not an empty list'),
        ('batch = "2"', f'{B}.batch: must be a whole number from 1, not the text "2"'),
        ("batch = 0", f"{B}.batch: must be a whole number from 1, not 0"),
        ("batch = true", f"{B}.batch: must be a whole number from 1, not true"),
        ('input = "9 by 9"', f'{B}.input: must be sizes such as "96x96", not "9 by 9"'),
        ("strict = 1", f"{B}.strict: must be true or false, not 1"),
        ("set = 1", f"{B}.set: must be a table of variables, not 1"),
        ('"a b".max-params = {}', f'{B}."a b".max-params: must be a whole number or a text, '
         "not a mapping"),
        ('"\\u001b".batc = 1', f'{B}."\\x1b".batc: no such setting; did you mean batch?'),
        (f"x = {'[' * 5000}", "pyproject.toml: nested too deep"),
        (f"{'a.' * 1001}b = 1", "pyproject.toml: a line with more than 1,000 dots"),
        (f"x = {'9' * 5000}", "pyproject.toml: a number with too many digits"),
        (f"# {'x' * 500_000}", "pyproject.toml: larger than 500,000 bytes"),
        ("# \udcff", "pyproject.toml:2: not UTF-8; save the file as UTF-8"),
    ],
)  # fmt: skip
def test_bad_tables_are_one_line_each(project: Path, text: str, message: str) -> None:
    content = f"[tool.cnncalc.budgets]\n{text}\n".encode(errors="surrogateescape")
    (project / "pyproject.toml").write_bytes(content)
    result = cnncalc("check", "nets/tiny.json", "--max-params", "5M")
    assert (result.code, result.out, result.err) == (2, "", f"{message}\n")


@pytest.mark.parametrize("text", ["max-params = 5\nbatch = 5M", "batch = 1\nbatch = 1"])
def test_what_is_no_toml_has_its_place_in_front(project: Path, text: str) -> None:
    """The reason is in Python's words."""
    (project / "pyproject.toml").write_text(f"[tool.cnncalc.budgets]\n{text}\n")
    result = cnncalc("check", "nets/tiny.json", "--max-params", "5M")
    assert (result.code, result.out) == (2, "")
    assert re.fullmatch(r"pyproject\.toml:3:10: no TOML: [A-Z][a-z ]+\n", result.err)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool]\ncnncalc = 3", "pyproject.toml: tool.cnncalc: must be a table, not 3"),
        ("[tool.cnncalc]\nbudgets = []", f"{B}: must be a table, not an empty list"),
    ],
)
def test_what_is_no_table_is_an_error(project: Path, text: str, message: str) -> None:
    (project / "pyproject.toml").write_text(text)
    assert cnncalc("check", "lenet5").err == f"{message}\n"


def test_odd_names_of_specs_are_no_files(project: Path) -> None:
    (project / "pyproject.toml").write_text(
        '[tool.cnncalc.budgets]\nmax-params = 5\n[tool.cnncalc.budgets."a\\u0000b"]\nbatch = 2\n'
    )
    assert cnncalc("check", "x" * 5000).code == 2
    result = cnncalc("check")
    assert result.code == 2
    assert result.err.startswith("a\\x00b: no such file")


def test_the_pre_commit_hook_checks_what_pyproject_names(project: Path) -> None:
    hook, *_ = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert (hook["id"], hook["pass_filenames"]) == ("cnncalc-check", False)
    program, *arguments = hook["entry"].split()
    assert program == "cnncalc"
    (project / "pyproject.toml").write_text(TABLE)
    assert cnncalc(*arguments).code == 1
    (project / "pyproject.toml").write_text(TABLE.replace('"1kB"', '"2kB"'))
    assert cnncalc(*arguments).code == 0


def test_the_table_in_the_documents_works(project: Path) -> None:
    text = (ROOT / "docs" / "commands.md").read_text("utf-8")
    _, _, rest = text.partition("```toml\n")
    (project / "pyproject.toml").write_text(rest.partition("```")[0])
    (project / "nets" / "tiny.yaml").write_text(NET)
    result = cnncalc("check")
    assert (result.code, result.err) == (0, "")
    # MobileNetV2 at half width has 1,968,680 parameters (Keras).
    assert "params 1,968,680 at most 2,000,000 ok, 1.6 % left" in " ".join(result.out.split())
