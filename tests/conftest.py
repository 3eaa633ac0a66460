"""What tests of several files share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.browser import Browser

# Workers share the cores: with threads of their own beside that they would wait for each other.
# What a test starts inherits it, so that both round alike.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Told by xdist, for its own lines.
    os.environ.pop("COLUMNS", None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests: starting it takes longer than a page."""
    from tests.browser import chromium

    with chromium() as found:
        yield found
