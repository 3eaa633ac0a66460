"""A formatter for SuperFences, with which MkDocs and Zensical read fences tagged `cnncalc`."""

import re
import shlex
from collections.abc import Mapping, MutableMapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from pymdownx.superfences import SuperFencesException

from cnncalc.errors import CnncalcError, UsageError, shown
from cnncalc.publish.document import label, mistakes
from cnncalc.publish.style import HTML
from cnncalc.publish.written import write_region

_STYLE = """<style>
.md-typeset .cnncalc-table thead td { border-top: 0; }
.md-typeset .cnncalc-table th[scope=row] {
  min-width: 0; border-top: .05rem solid var(--md-typeset-table-color); }
</style>
"""
"""Material and Zensical draw the lines between rows above `td`, and none above `th`."""
_HEADING = re.compile(r"(</?h)([1-5])(?=>)")


def format(
    source: str,
    language: str,
    css_class: str,
    options: Mapping[str, str],
    md: object,
    *,
    base: str = ".",
    classes: Sequence[str] = (),
    id_value: str = "",
    attrs: Mapping[str, str] | None = None,
    **_: Any,
) -> str:
    """What stands in place of a fence with the words of a region: HTML, or a drawing in SVG.

    Its paths are those seen from the folder `base`, itself seen from the folder in which the site
    is built: SuperFences does not know the document. Raises SuperFencesException.
    """
    folder = Path(base)
    try:
        text = _region(source, options, folder)
    except CnncalcError as error:
        said = "\n".join(mistakes(error, label(folder.resolve())))
        # After any other exception the fence stands there as code, and nobody is told.
        raise SuperFencesException(f"{language}: {said}") from None
    given = {"id": id_value, "class": " ".join([css_class, *classes]).strip(), **(attrs or {})}
    if text.startswith("<svg "):
        # It scrolls, where themes would shrink it until nobody can read it.
        given |= {"tabindex": "0", "style": "overflow-x:auto"}
        text = text.replace("<svg ", '<svg style="max-width:none" ', 1)
    written = "".join(f' {key}="{escape(value)}"' for key, value in given.items() if value)
    return f"<div{written}>\n{text}</div>"


def _region(source: str, options: Mapping[str, str], base: Path) -> str:
    """What a fence says now. Raises CnncalcError."""
    try:
        words = shlex.split(source, comments=True)
    except ValueError as error:
        raise UsageError(f"{shown(source.strip())}: {str(error).lower()}") from None
    if not words:
        raise UsageError("the fence is empty; write as in table lenet5.json")
    if not base.is_dir():
        raise UsageError(f"base: no such folder: {label(base)}")
    words += [f"{key}={value}" for key, value in options.items()]
    text, inline = write_region(words, HTML, base)
    # The document has a title of its own.
    deeper = _HEADING.sub(lambda match: f"{match[1]}{int(match[2]) + 1}", text)
    if inline:
        return f"<p>{text}</p>\n"
    return _STYLE * ("<table" in text) + deeper


def validator(
    language: str,
    inputs: Mapping[str, str],
    options: MutableMapping[str, str],
    attrs: object,
    md: object,
) -> bool:
    """Takes what stands behind a fence's tag, as `caption="LeNet-5"`, for options of the region."""
    options.update({key: "yes" if value == key else value for key, value in inputs.items()})
    return True
