"""The versions that CI tries are those that pyproject.toml declares."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirements(lines: list[str]) -> list[Requirement]:
    """The requirements of these lines, without comments and the extras of our own."""
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return [requirement for requirement in found if requirement.name != "cnncalc"]


def pins(file: str, python: str = "3.11") -> dict[str, str]:
    """The version of each package that a file pins for a Python."""
    return {
        pin.name: str(pin.specifier).removeprefix("==")
        for pin in requirements((ROOT / ".ci" / file).read_text(encoding="utf-8").splitlines())
        if pin.marker is None or pin.marker.evaluate({"python_version": python})
    }


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_the_lowest_versions_are_tried(python: str) -> None:
    low = pins("lowest.txt", python)
    for declared in requirements(PROJECT["dependencies"]):
        assert declared.specifier.contains(low[declared.name])
        if python == "3.11":
            bounds = [Version(s.version) for s in declared.specifier if s.operator == ">="]
            assert bounds == [Version(low[declared.name])]


def test_everything_declared_is_pinned_within_its_bounds() -> None:
    pinned = pins("constraints.txt")
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()):
        for declared in requirements(group):
            assert declared.specifier.contains(pinned[canonicalize_name(declared.name)])


TEXTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "cnncalc").rglob("*.py")),
]


def test_what_is_said_of_installing_works_in_a_checkout() -> None:
    """cnncalc is in no index: a name there would be another project's, or none."""
    said = {path: re.findall(r"pip install ([^`\n]+)", path.read_text("utf-8")) for path in TEXTS}
    assert not [path for path, words in said.items() for word in words if "cnncalc[" in word]
    extras = {
        extra
        for words in said.values()
        for word in words
        for extra in re.findall(r"'\.\[(\w+)\]'", word)
    }
    assert (
        {"torch", "image", "train", "sphinx", "dev"}
        <= extras
        <= {*PROJECT["optional-dependencies"]}
    )


def test_the_readme_says_which_python_is_needed() -> None:
    least = PROJECT["requires-python"].removeprefix(">=")
    assert f"Python {least} or newer" in (ROOT / "README.md").read_text("utf-8")


def test_placeholders_are_explained_where_they_stand() -> None:
    """An address that cannot be copied says so in its line."""
    lines = [
        line for path in TEXTS for line in path.read_text("utf-8").splitlines() if "OWNER/" in line
    ]
    assert lines
    assert all("# OWNER: " in line for line in lines)
