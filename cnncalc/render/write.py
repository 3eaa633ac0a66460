"""A page in any of the formats, each of which has a module of its own."""

from collections.abc import Callable
from importlib import import_module

from cnncalc.page import Page

FORMATS = ("text", "markdown", "latex", "html", "rst", "asciidoc")
"""The formats of a page."""
SHORT = {"md": "markdown", "tex": "latex"}
"""What some of them are called, too."""
MIME_TYPES = {
    "text": "text/plain",
    "markdown": "text/markdown",
    "latex": "text/latex",
    "html": "text/html",
}
"""What notebooks call those that they read."""


def write(page: Page, format: str) -> str:
    """A page in one of the formats."""
    name = "plain" if format == "text" else format
    writer: Callable[[Page], str] = getattr(import_module(f"cnncalc.render.{name}"), name)
    return writer(page)
