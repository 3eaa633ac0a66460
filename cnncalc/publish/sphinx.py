"""A Sphinx extension: tables, drawings and numbers that are computed when the documents are built.

    extensions = ["cnncalc.publish.sphinx"]

It gives each kind of region a directive, and the role `cnncalc` for a number in a sentence.
"""

import hashlib
import os
import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import unescape

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.util.typing import ExtensionMetadata

from cnncalc import __version__
from cnncalc.ask.budget_table import is_file
from cnncalc.ask.words import BLOCKS, format_of, option_words
from cnncalc.errors import CnncalcError, UsageError, shown
from cnncalc.files import write_whole
from cnncalc.publish.document import mistakes
from cnncalc.publish.nodes import CLASS, cnncalc_formulas, for_latex, literal, ours, page_nodes
from cnncalc.publish.style import Style
from cnncalc.publish.written import region_page, write_region
from cnncalc.spec.bundled import find

_SPHINX = Style("Sphinx", "", native=("svg", "tikz"))
"""A document that takes text and drawings as they are."""
_STYLES = Path(__file__).parent / "static"
_LOGGER = logging.getLogger(__name__)


def setup(app: Sphinx) -> ExtensionMetadata:
    """What Sphinx calls."""
    for kind in BLOCKS:
        app.add_directive(f"cnncalc-{kind}", Region)
    app.add_role("cnncalc", Number())
    app.add_node(cnncalc_formulas, html=(_write_formulas, None))
    app.add_post_transform(ForHtml)
    app.add_post_transform(ForLatex)
    app.connect("doctree-resolved", _add_packages)
    app.add_css_file("cnncalc.css")
    app.connect("builder-inited", _add_styles)
    # Another version may print other tables: all documents are read again.
    app.add_config_value("cnncalc_version", __version__, "env", str)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}


def _add_styles(app: Sphinx) -> None:
    app.config.html_static_path.append(str(_STYLES))


# What a document says


class _Options(dict[str, Callable[[str], Any]]):
    """The options of all directives. What is none of ours, the command knows or refuses."""

    def __missing__(self, name: str) -> Callable[[str], Any]:
        return directives.unchanged


class Region(SphinxDirective):
    """A region, whose kind is the directive's name; its options are those of the command."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec = _Options(
        {
            "align": lambda text: directives.choice(text, ("left", "center", "right")),
            "alt": directives.unchanged,
            "caption": directives.unchanged_required,
            "class": directives.class_option,
            "name": directives.unchanged_required,
            "width": directives.length_or_percentage_or_unitless,
        }
    )

    def run(self) -> list[nodes.Node]:
        kind = self.name.removeprefix("cnncalc-")
        try:
            words = [kind, *_words(self.env, self.arguments[0])]
            for name, value in self.options.items():
                if name not in self.option_spec:
                    words += option_words(kind, name, value)
            _note_dependencies(self.env, words)
            return self._made(words)
        except CnncalcError as error:
            self.env.note_reread()
            return _refused(self.env, f"{self.name}: ", error, self.get_location(), kind)

    def _made(self, words: Sequence[str]) -> list[nodes.Node]:
        """The nodes of a region, with the caption, classes and name that the directive gives it."""
        folder, format = _folder(self.env), format_of(words)
        if words[0] == "draw" and format in ("", "svg"):
            picture = _picture(self.env, [word for word in words if word != "format=svg"])
            for option in ("align", "alt", "width"):
                if option in self.options:
                    picture[option] = self.options[option]
            made: list[nodes.Node] = [picture]
        elif format:
            # What is asked for in a format is shown letter by letter.
            text = write_region(words, _SPHINX._replace(native=(format,)), folder).text
            made = [literal(text.rstrip("\n"), format)]
        else:
            made = page_nodes(region_page(words, folder))
        named = [n for n in made if isinstance(n, nodes.Element) and CLASS in n["classes"]]
        for node in named:
            node["classes"] += self.options.get("class", [])
            if node["names"]:
                self.state.document.note_explicit_target(node)
        if "caption" in self.options:
            made = self._captioned(made)
        if "name" in self.options:
            self.add_name(_numbered(made) or named[0])
        return made

    def _captioned(self, made: list[nodes.Node]) -> list[nodes.Node]:
        """The nodes, of which the table or the drawing has the caption. Raises UsageError."""
        text, messages = self.parse_inline(self.options["caption"])
        tables = [node for node in made if isinstance(node, nodes.table)]
        if len(tables) == 1:
            tables[0].insert(0, nodes.title("", "", *text))
            return [*made, *messages]
        if len(made) > 1:
            raise UsageError(f"caption is for one table or drawing; here are {len(tables)} tables")
        (node,) = made
        caption = nodes.caption("", "", *text)
        if isinstance(node, nodes.image):
            whole: nodes.Element = nodes.figure(
                "", node, caption, align=node.get("align", "default")
            )
            if "align" in node:
                del node["align"]
        else:
            # As Sphinx has it for code with a caption.
            classes = ["literal-block-wrapper"]
            whole = nodes.container("", caption, node, literal_block=True, classes=classes)
        return [whole, *messages]


def _numbered(made: Sequence[nodes.Node]) -> nodes.Element | None:
    """What references name: the one that may have a number."""
    kinds = (nodes.table, nodes.figure, nodes.container)
    return next((node for node in made if isinstance(node, kinds)), None)


class Number(SphinxRole):
    """A number in a sentence: the words of a `value` region."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        try:
            words = ["value", *_words(self.env, self.text)]
            _note_dependencies(self.env, words)
            written = write_region(words, _SPHINX, _folder(self.env))
        except CnncalcError as error:
            self.env.note_reread()
            refused = _refused(self.env, "cnncalc: ", error, self.get_location(), "value")
            text = refused[0].astext()
            return [ours(nodes.problematic(text, f"{self.rawtext}: {text}"))], []
        return [nodes.Text(written.text)], []


def _words(env: BuildEnvironment, text: str) -> list[str]:
    """The words of a region; `/` is the folder of all documents, as everywhere in Sphinx.

    Raises UsageError.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{str(error).lower()}: {shown(text)}") from None
    if not words:
        raise UsageError("names no network; write one, as in lenet5.json")
    folder = _folder(env)
    return [
        os.path.relpath(Path(env.srcdir, word.lstrip("/")), folder) if word[0:1] == "/" else word
        for word in words
    ]


def _folder(env: BuildEnvironment) -> Path:
    """The folder of the document that is read, from which its paths are seen."""
    return Path(env.doc2path(env.docname)).parent


def _note_dependencies(env: BuildEnvironment, words: Sequence[str]) -> None:
    """Have the document read again when a spec that it names changes, or a budget that holds."""
    folder = _folder(env)
    for word in words[1:]:
        path = folder / word
        if is_file(path):
            env.note_dependency(path.resolve())
        elif bundled := find(word):
            env.note_dependency(bundled[0])
        else:
            continue
        if words[0] == "check":
            for place in path.resolve().parents:
                if is_file(place / "pyproject.toml"):
                    env.note_dependency(place / "pyproject.toml")


def _refused(
    env: BuildEnvironment, prefix: str, error: CnncalcError, location: str, kind: str
) -> list[nodes.Node]:
    """What the page says where a region is wrong; each mistake is a warning with its place."""
    for line in mistakes(error, Path(env.doc2path(env.docname)).name):
        _LOGGER.warning("%s%s", prefix, line, location=location, type="cnncalc", subtype=kind)
    lines = [nodes.paragraph("", prefix + line) for line in str(error).splitlines()]
    return [ours(nodes.error("", *lines))]


# Drawings


def _picture(env: BuildEnvironment, words: Sequence[str]) -> nodes.image:
    """A drawing as an image; its TikZ is in the attribute `tikz`."""
    svg, tikz = (
        write_region([*words, f"format={format}"], _SPHINX, _folder(env)).text
        for format in ("svg", "tikz")
    )
    name = hashlib.sha256(svg.encode()).hexdigest()[:16]
    path = Path(env.doctreedir, "cnncalc", f"{name}.svg")
    path.parent.mkdir(parents=True, exist_ok=True)
    # Other processes may be writing the same drawing.
    write_whole(path, svg.encode())
    says = re.search("<desc>(.*)</desc>", svg)
    return nodes.image(
        uri=Path(os.path.relpath(path, _folder(env))).as_posix(),
        alt=unescape(says[1]) if says else "",
        classes=[CLASS],
        tikz=tikz,
    )


# What builders get


class ForHtml(SphinxPostTransform):
    """Tables and drawings that are too wide scroll by themselves, and the page does not."""

    default_priority = 5
    formats = ("html",)

    def run(self, **_: Any) -> None:
        for node in list(self.document.findall(nodes.Element)):
            wide = isinstance(node, nodes.table) or "tikz" in node
            if wide and CLASS in node["classes"] and not isinstance(node.parent, nodes.figure):
                scrolling = nodes.container("", classes=[f"{CLASS}-scrolls"])
                # Its name stays the node's.
                node.parent.replace(node, scrolling)
                scrolling += node


class ForLatex(SphinxPostTransform):
    """Formulas as LaTeX, drawings as TikZ, signs that TeX's text fonts lack as TeX has them."""

    default_priority = 5
    formats = ("latex",)

    def run(self, **_: Any) -> None:
        for formulas in list(self.document.findall(cnncalc_formulas)):
            latex = formulas["latex"]
            formulas.replace_self(nodes.math_block(latex, latex))
        for node in list(self.document.findall(nodes.Element)):
            if CLASS not in node.get("classes", ()):
                continue
            for_latex(node)
            if "tikz" in node:
                room = "max width=\\linewidth, max totalheight=0.8\\textheight"
                lines = [f"\\begin{{adjustbox}}{{{room}}}", node["tikz"], "\\end{adjustbox}"]
                node.replace_self(nodes.raw("", "\n".join(lines), format="latex", classes=[CLASS]))


def _add_packages(app: Sphinx, doctree: nodes.document, _: str) -> None:
    """Only documents with drawings need what drawings need."""
    if any(CLASS in node["classes"] for node in doctree.findall(nodes.raw)):
        for package in ("tikz", "adjustbox"):
            if not app.registry.has_latex_package(package):
                app.add_latex_package(package)


def _write_formulas(translator: Any, node: nodes.Element) -> None:
    translator.body.append(node["html"])
    raise nodes.SkipNode
