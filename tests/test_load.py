"""How a spec is found, read and understood: names, pipes, encodings, JSON and YAML 1.2."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc.spec.load import read
from tests.command import cnncalc as run

LENET = "the LeNet-5 of the course has 62,006 parameters"
PARAMS = 62_006

JSON = '{"input": {"features": 3}, "layers": [{"linear": 2}]}'
YAML = "input: {features: 3}\nlayers:\n  - linear: 2\n"
# 3 inputs × 2 outputs and 2 biases.
SMALL = 3 * 2 + 2


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test runs in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def params(spec: Any) -> int:
    """Trained parameters of a spec."""
    return cnncalc.analyze(spec).total("params")


@pytest.mark.parametrize("name", ["lenet5", "lenet5.json", "lenet5.yaml", "LeNet5"])
def test_bundled_names(name: str) -> None:
    assert params(name) == PARAMS, LENET


@pytest.mark.parametrize("name", ["alexnet-2012", "alexnet_2012", "unet-2015", "unet_2015.yaml"])
def test_dashes_and_underscores_are_alike(name: str) -> None:
    assert cnncalc.load(name).nodes == cnncalc.load(name.replace("_", "-").split(".")[0]).nodes


@pytest.mark.parametrize("name", ["lenet5", "lenet5.json"])
def test_an_existing_path_wins(name: str) -> None:
    Path(name).write_text(JSON)
    assert params(name) == SMALL
    assert params(Path(name)) == SMALL


def test_a_folder_does_not_hide_a_bundled_network(folder: Path) -> None:
    (folder / "lenet5").mkdir()
    assert params("lenet5") == PARAMS


@pytest.mark.parametrize("text", [JSON, YAML, f"\n\n {JSON}\n", f"# c\n{YAML}", "\ufeff" + JSON])
def test_standard_input_may_be_either(text: str) -> None:
    result = run("table", "-", "--value", "params", stdin=text.encode())
    assert result == (0, f"{SMALL}\n", "")


def test_standard_input_in_messages() -> None:
    result = run("table", "-", stdin=b'{"input": {"features": 3}, "layers": ["relo"]}')
    assert result == (2, "", "stdin:1:39: relo: no such layer; did you mean relu?\n")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("net.json", JSON),
        ("net.yaml", YAML),
        ("net.yml", YAML),
        ("net.yaml", JSON),
        ("net", YAML),
        ("net", JSON),
        ("net.txt", YAML),
        ("net.json", JSON.replace(" ", "\r\n\t ")),
        ("net.yaml", YAML.replace("\n", "\r\n")),
        ("넷.yaml", YAML),
        ("a b.json", JSON),
        ("-net.json", JSON),
    ],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_endings_and_byte_order_marks(name: str, text: str, mark: str) -> None:
    Path(name).write_bytes((mark + text).encode())
    assert params(name) == SMALL
    assert cnncalc.load(name).name == name.split(".")[0]


def test_a_json_file_is_not_read_as_yaml() -> None:
    Path("net.json").write_text(YAML)
    with pytest.raises(cnncalc.SpecError, match="not JSON"):
        cnncalc.load("net.json")


def test_a_named_pipe_is_read() -> None:
    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: Path("pipe").write_text(YAML))
    writer.start()
    assert params("pipe") == SMALL
    writer.join()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # The core schema of YAML 1.2.2, section 10.3.2, with its examples; and what YAML 1.1 read
        # otherwise (no, on, 0o17, 017, 1_000, 12:30:45, 1e-3).
        ("null", None),
        ("Null", None),
        ("~", None),
        ("", None),
        ("true", True),
        ("TRUE", True),
        ("False", False),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("y", "y"),
        ("0", 0),
        ("-19", -19),
        ("+12", 12),
        ("017", 17),
        ("0o17", 15),
        ("0x3A", 58),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2001-01-01", "2001-01-01"),
        ("0.", 0.0),
        ("-0.0", -0.0),
        (".5", 0.5),
        ("1e-3", 0.001),
        ("+12e03", 12000.0),
        ("-2E+05", -200000.0),
        ("1e", "1e"),
        ("0b1", "0b1"),
        ("=", "="),
        ("'5'", "5"),
        ('"no"', "no"),
        ("! 5", "5"),
        ("|-\n  5", "5"),
    ],
)
def test_yaml_follows_version_1_2(text: str, value: Any) -> None:
    Path("net.yaml").write_text(f"a: {text}\n")
    data = read("net.yaml", Path("net.yaml").read_text()).data
    assert data == {"a": value}
    assert type(data["a"]) is type(value)


def test_yaml_keys_are_words() -> None:
    Path("net.yaml").write_text("1: a\nno: b\n1e3: c\n")
    assert read("net.yaml", Path("net.yaml").read_text()).data == {"1": "a", "no": "b", "1e3": "c"}


def test_a_mapping_is_a_spec() -> None:
    spec = {"input": {"features": 3}, "layers": [{"linear": {"out_features": 2}}]}
    assert params(spec) == SMALL
    assert spec == {"input": {"features": 3}, "layers": [{"linear": {"out_features": 2}}]}
    graph = cnncalc.load(spec)
    assert [node.name for node in graph.nodes] == ["fc1"]
    assert params(graph) == SMALL
