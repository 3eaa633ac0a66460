"""A request and its answer, whatever is asked."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar, cast, get_args, get_type_hints

from cnncalc.ask.option import Option
from cnncalc.errors import CnncalcError, UsageError, shown, suggestion
from cnncalc.page import Page
from cnncalc.presented import Presented
from cnncalc.render.terminal import Line

Found = TypeVar("Found")
Lines = Callable[[int | None], list[Line]]
"""Text that is laid out for so many columns, or for none."""


@dataclass(frozen=True)
class Answer:
    """What comes of a request. Nothing of it has been printed or written."""

    content: Page | Lines | str
    """A page is still to be written in the format that was asked for; what is no page is not."""
    format: str = "text"
    picture: bytes = b""
    """The answer as a PNG, where it is one."""
    notes: tuple[str, ...] = ()
    """What is to be said beside it: on standard error."""
    ok: bool = True
    """Whether what was checked holds; else a command exits with 1."""
    problem: CnncalcError | None = None
    """What is wrong with the networks that have no answer, where others have one."""

    def text(self) -> str:
        """The answer as it stands in a file or a document. Pictures have none."""
        if callable(self.content):
            return "".join(f"{line}\n" for line, _ in self.content(None))
        if isinstance(self.content, str):
            return self.content
        from cnncalc.render.write import write

        return write(self.content, self.format)


class Given(NamedTuple):
    """A field of a request: what it is called and takes, and what it is where nobody gives it."""

    name: str
    option: Option
    type: Any
    """bool, int, float, Path or str, of one value."""
    default: Any

    @property
    def required(self) -> bool:
        return self.default is MISSING


@dataclass(frozen=True, kw_only=True)
class Request(Generic[Found]):
    """One command with all that is asked of it. Paths are seen from `base`."""

    command: ClassVar[str]
    """What the command line calls it."""
    endings: ClassVar[dict[str, str]] = {}
    """The formats that a file's name says, beside those of a page."""
    writes: ClassVar[bool] = True
    """Whether the command line writes its answer to a file, too."""
    draws: ClassVar[bool] = False
    """Whether that file may be a picture."""
    base: Path = Path()

    def find(self) -> Found:
        """What it finds, as data. Raises CnncalcError."""
        raise NotImplementedError

    def answer(self, found: Found) -> Answer:
        """That in the format that is asked for."""
        raise NotImplementedError

    def result(self) -> Found:
        """What it finds, whose results show themselves as the command prints them.

        Raises CnncalcError.
        """
        found, asked = self.find(), cast(Any, self)
        for result in self.results(found):
            if isinstance(result, Presented):
                result.shown_by(lambda format: replace(asked, format=format).answer(found).text())
        return found

    def results(self, found: Found) -> Sequence[Any]:
        """The results among what it finds. Raises CnncalcError where one of them is a mistake."""
        return found if isinstance(found, list) else [found]


def answer(request: Request[Any]) -> Answer:
    """The answer to a request: computed, not printed; safe in threads. Raises CnncalcError."""
    for given in given_fields(type(request)):
        value = getattr(request, given.name)
        known = given.option.choices
        # A file's name may say a format that no option does.
        if known and value not in (None, *known, *request.endings.values()):
            raise UsageError(wrong_choice(given.name, value, known))
    return request.answer(request.find())


def wrong_choice(name: str, value: Any, known: Sequence[str]) -> str:
    """What to say of a word that an option does not take."""
    *most, last = known
    choices = f"{', '.join(most)} or {last}" if most else last
    return f"{name} is {choices}, not {shown(value)}{suggestion(str(value), known)}"


def as_json(value: Any) -> str:
    """Data as the JSON of all commands: a member a line."""
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


_FIELDS: dict[type[Any], tuple[Given, ...]] = {}
"""What `given_fields` has looked up."""


def given_fields(kind: type[Request[Any]]) -> tuple[Given, ...]:
    """The fields of a kind of request that people give, in the order of its help."""
    if kind not in _FIELDS:
        _FIELDS[kind] = tuple(_given(kind))
    return _FIELDS[kind]


def _given(kind: type[Request[Any]]) -> Iterator[Given]:
    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        options = [x for x in get_args(hints[field.name])[1:] if isinstance(x, Option)]
        if options:
            yield Given(
                field.name, options[0], _plain(get_args(hints[field.name])[0]), field.default
            )


def _plain(hint: Any) -> Any:
    """The type of one value that a hint allows."""
    types = get_args(hint) or (hint,)
    return next((kind for kind in (bool, int, float, Path) if kind in types), str)
