"""Results that show themselves: as text when they are printed, as a page in a notebook."""

from importlib import import_module
from typing import Any


class Presented:
    """A result with a page of its own, which `cnncalc.display` knows."""

    def __str__(self) -> str:
        return str(_display().formatted(self))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook chooses from: HTML, Markdown, LaTeX and text."""
        found: dict[str, str] = _display().mimebundle(self)
        return found


def _display() -> Any:
    # By name and when it is asked for: what lays a result out stands above what it lays out.
    return import_module("cnncalc.display")
