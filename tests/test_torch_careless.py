"""Careless use of training: no file is lost, and a tampered run is refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import cnncalc


@pytest.mark.parametrize("options", [(), ("--resume",)])
@pytest.mark.parametrize("given", [".", "", "notes"])
def test_what_is_there_already_is_not_overwritten(
    given: str, options: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / given
    folder.mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path)
    mine = ("README.md", "index.html", "spec.json", "run.json", "metrics.jsonl")
    for name in mine:
        (folder / name).write_text("mine", "utf-8")
    short = ("--data", "digits", "--epochs", "1", "--limit-train", "64", "--limit-test", "8")
    code, out, err = cnncalc("train", "lenet5", *short, "--output", given, *options)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert ("names no folder" if given == "" else "not empty, and no run of cnncalc train") in err
    assert all((folder / name).read_text("utf-8") == "mine" for name in mine)
    assert {path.name for path in folder.iterdir()} - {"notes"} == set(mine)


def test_a_run_that_was_killed_at_its_start_begins_again(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    short = ("--data", "digits", "--epochs", "1", "--limit-train", "64", "--limit-test", "8")
    run = ("train", "lenet5", *short, "--no-pictures", "--output", str(folder))
    assert cnncalc(*run).code == 0
    for path in folder.iterdir():
        if path.name not in ("run.json", "spec.json"):
            path.unlink()
    (folder / ".gitkeep").touch()
    assert cnncalc(*run).code == 0
    assert (folder / "checkpoint.pt").exists()


def test_verify_lists_no_positions_of_what_cannot_run(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    path.write_text(
        "input: {length: 1000000000000, channels: 1000000000000}\nlayers: [{max_pool: 2}]\n"
    )
    result = cnncalc("verify", str(path))
    # 10²⁴ values are more than torch's sizes hold, and its words say so.
    assert result.code == 1
    assert "No forward and backward" in result.out
