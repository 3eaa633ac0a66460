"""The examples in the help of those commands that run torch."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.examples import run_examples


def test_examples_of_verify_work(tmp_path: Path) -> None:
    run_examples("verify", tmp_path)


@pytest.mark.slow
def test_examples_of_a_run_work(tmp_path: Path) -> None:
    # The second reads the run of the first.
    run_examples("train", tmp_path)
    run_examples("pictures", tmp_path)
