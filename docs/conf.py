"""The project's site: `sphinx-build -W docs site`."""

from __future__ import annotations

from sphinx.application import Sphinx

import cnncalc

project = "cnncalc"
version = release = cnncalc.__version__
html_title = "cnncalc"
copyright = "the authors of cnncalc; MIT licence"

extensions = ["cnncalc.publish.sphinx", "myst_parser"]
exclude_patterns = ["_build"]
nitpicky = True
# Links to headings are as GitHub has them.
myst_heading_anchors = 4
# `--option` stays what it is.
smartquotes = False
# What a command prints is no shell script all through: its colours may end early.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
# Everything that is linked from here to the top of the project has a page here, too.
_PAGES = {
    "../README.md": "index.md",
    "../CONTRIBUTING.md": "contributing.md",
    "../CHANGELOG.md": "changelog.md",
}


def _link_pages(app: Sphinx, docname: str, source: list[str]) -> None:
    for path, page in _PAGES.items():
        source[0] = source[0].replace(f"]({path}", f"]({page}")


def setup(app: Sphinx) -> None:
    """What Sphinx calls."""
    app.connect("source-read", _link_pages)
