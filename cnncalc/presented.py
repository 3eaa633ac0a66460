"""Results that show themselves: as text when they are printed, as a page in a notebook."""

from importlib import import_module
from typing import Any, Self


class Presented:
    """A result with a page of its own, which `cnncalc.display` knows."""

    def __str__(self) -> str:
        return str(_display().formatted(self))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook chooses from: HTML, Markdown, LaTeX and text."""
        found: dict[str, str] = _display().mimebundle(self)
        return found


_DRAWN = {"svg": "image/svg+xml", "mermaid": "text/vnd.mermaid"}
"""What notebooks call the drawings that they can draw."""


class Drawn(str):
    """A drawing as text, which a notebook draws."""

    _format: str

    def __new__(cls, text: str, format: str = "") -> Self:
        drawn = super().__new__(cls, text)
        drawn._format = format
        return drawn

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        known = {_DRAWN[self._format]: str(self)} if self._format in _DRAWN else {}
        return {"text/plain": str(self), **known}


def _display() -> Any:
    # By name and when it is asked for: what lays a result out stands above what it lays out.
    return import_module("cnncalc.display")
