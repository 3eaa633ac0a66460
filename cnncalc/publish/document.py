"""The files that documents are: which there are, how they are read, and how they are replaced."""

import codecs
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cnncalc.errors import CnncalcError, UsageError, printable, shorten
from cnncalc.files import refusals, refuse_read_only, write_whole
from cnncalc.publish.style import STYLES, Style
from cnncalc.render.terminal import ASCII

MAX_BYTES = 16_000_000
"""The largest document."""
MAX_DOCUMENTS = 100_000
"""How many documents a folder may hold."""
SKIPPED = ("node_modules", "_build", "__pycache__", "venv")
"""Folders that hold no documents of the project, beside those whose name starts with a dot."""
_BOMS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""In an order in which none hides another."""


@dataclass(frozen=True)
class Document:
    """A document as it was read."""

    path: Path
    style: Style
    content: bytes
    bom: bytes
    encoding: str
    """What the text is written in; `ascii` where it is in some encoding that extends ASCII."""

    @property
    def label(self) -> str:
        """What messages call it."""
        return label(self.path)

    @property
    def text(self) -> str:
        """The text behind the byte order mark; bytes that are no text are lone surrogates."""
        name = "utf-8" if self.encoding == "ascii" else self.encoding
        return self.content[len(self.bom) :].decode(name, "surrogateescape")

    def writable(self, text: str) -> str:
        """The text in letters that the document's encoding has. Raises UsageError."""
        if self.encoding != "ascii":
            return text
        plain = text.translate(ASCII)
        if not plain.isascii():
            letter = next(letter for letter in plain if not letter.isascii())
            raise UsageError(
                f"the document is not UTF-8, and {printable(letter)} is not in ASCII; "
                "save the document as UTF-8"
            )
        return plain

    def encoded(self, text: str) -> bytes:
        """The bytes of the document with that text."""
        name = "utf-8" if self.encoding == "ascii" else self.encoding
        return self.bom + text.encode(name, "surrogateescape")


def label(path: Path) -> str:
    """A path as messages show it."""
    return printable(shorten(str(path), 200))


def mistakes(error: CnncalcError, place: str) -> list[str]:
    """What is wrong in a region, a line each; who looks for a file may have meant another place."""
    hint = f"; paths are seen from {place}"
    return [line + hint * ("no such file" in line) for line in str(error).splitlines()]


def find(paths: Iterable[Path]) -> list[Path]:
    """The documents that paths name: files, and those in folders. Raises UsageError."""
    found: dict[Path, Path] = {}
    for path in paths:
        try:
            is_folder, is_file = path.is_dir(), path.is_file()
        except (OSError, ValueError):
            is_folder = is_file = False
        if is_folder:
            listed: Iterable[Path] = _walk(path)
        elif not is_file:
            raise UsageError(f"{label(path)}: no such file or folder")
        elif path.suffix.lower() not in STYLES:
            raise UsageError(
                f"{label(path)}: no document of a known type; there are {', '.join(STYLES)}"
            )
        else:
            listed = [path]
        for document in listed:
            found.setdefault(document.resolve(), document)
            if len(found) > MAX_DOCUMENTS:
                raise UsageError(f"{label(path)}: more than {MAX_DOCUMENTS:,} documents")
    return list(found.values())


def _walk(folder: Path) -> Iterator[Path]:
    """The documents in a folder, in the order of their names; links to folders are not followed."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if f not in SKIPPED and not f.startswith("."))
        for name in sorted(files):
            path = Path(place, name)
            # Not a file that embed is just writing, or was when it was killed; nor a pipe.
            if not name.startswith(".") and path.suffix.lower() in STYLES and path.is_file():
                yield path


def read(path: Path) -> Document:
    """One document. Raises UsageError."""
    with refusals(label(path)), path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise UsageError(
            f"{label(path)}: larger than {MAX_BYTES // 10**6} MB; name the documents beside it"
        )
    style = STYLES[path.suffix.lower()]
    bom = next((bom for bom in _BOMS if content.startswith(bom)), b"")
    encoding = _BOMS.get(bom, "utf-8")
    try:
        content[len(bom) :].decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise UsageError(f"{label(path)}: broken {encoding}: {error.reason}") from None
        encoding = "ascii"
    if encoding in ("utf-8", "ascii") and b"\0" in content and b"cnncalc:" in content:
        raise UsageError(f"{label(path)}: has NUL bytes, so it is no text; save it as UTF-8")
    return Document(path, style, content, bom, encoding)


def replace(document: Document, content: bytes) -> None:
    """Put another content in the place of what was read: all of it, or none.

    Links are followed. Raises UsageError where the document may not be written, or is not any
    more what was read.
    """
    path = document.path.resolve()

    def check() -> None:
        if path.read_bytes() != document.content:
            raise UsageError(
                f"{document.label}: was changed meanwhile, so it is left as it is; "
                "run cnncalc embed again"
            )

    with refusals(document.label):
        refuse_read_only(path, document.label)
        write_whole(path, content, before=check)
