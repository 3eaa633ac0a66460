"""Results that show themselves: as text when they are printed, as a page in a notebook."""

from collections.abc import Callable
from typing import Any, Self

from cnncalc.errors import UsageError, hint
from cnncalc.render.write import FORMATS, MIME_TYPES, SHORT


class Presented:
    """A result that can be written in the formats of a page, as its command prints it."""

    _write: Callable[[str], str] | None = None

    def shown_by(self, write: Callable[[str], str]) -> Self:
        """This result; `write` gives it in a format."""
        # What lays a result out stands above it. Results may be frozen.
        object.__setattr__(self, "_write", write)
        return self

    def __str__(self) -> str:
        return repr(self) if self._write is None else self._write("text")

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook chooses from: HTML, Markdown, LaTeX and text."""
        from cnncalc.render.markdown import with_dollars

        bundle = {mime: formatted(self, format) for format, mime in MIME_TYPES.items()}
        return {**bundle, "text/markdown": with_dollars(bundle["text/markdown"])}


def formatted(result: Presented, format: str = "text") -> str:
    """What a function of cnncalc found, as `text`, `markdown`, `latex`, `html`, `rst` or
    `asciidoc`. Raises UsageError.
    """
    format = SHORT.get(format, format)
    if format not in FORMATS:
        raise UsageError(f"no such format: {format}{hint(format, FORMATS)}")
    return str(result) if result._write is None else result._write(format)


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
