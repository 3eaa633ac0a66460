"""A request and its answer, whatever is asked."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar, cast, get_args

from cnncalc.ask.option import Given, Group, Option, given
from cnncalc.errors import CnncalcError, SpecError, UsageError, shown, suggestion
from cnncalc.infer import Unfit
from cnncalc.page import Page
from cnncalc.presented import Presented
from cnncalc.render.terminal import Line

Found = TypeVar("Found")
Lines = Callable[[int | None], list[Line]]
"""Text that is laid out for so many columns, or for none."""


class Answer(NamedTuple):
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
    """What is wrong with the networks that have no answer."""
    draft: bool = False
    """Whether it is only what is known of such networks: to be looked at, not to be kept."""

    def text(self) -> str:
        """The answer as it stands in a file or a document. Pictures have none."""
        if callable(self.content):
            return "".join(f"{line}\n" for line, _ in self.content(None))
        if isinstance(self.content, str):
            return self.content
        from cnncalc.render.write import write

        return write(self.content, self.format)


# A request is of some kind: this part of all of them is never made by itself.
@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Request(Generic[Found]):
    """One command with all that is asked of it. Paths are seen from `base`."""

    endings: ClassVar[dict[str, str]] = {}
    """The formats that a file's name says, beside those of a page."""
    writes: ClassVar[bool] = True
    """Whether the command line writes its answer to a file, too."""
    base: Path = Path()

    def find(self) -> Found:
        """What it finds, as data. Raises CnncalcError."""
        raise NotImplementedError

    def answer(self, found: Found) -> Answer:
        """That in the format that is asked for; a text stays as it is."""
        return Answer(cast(Any, found))

    def result(self) -> Found:
        """What it finds, whose results show themselves as the command prints them.

        Raises CnncalcError.
        """
        asked = cast(Any, self)
        try:
            found = self.find()
        except Unfit as case:
            from cnncalc.ask.unfit import told

            raise told(case, self) from None
        for result in self.results(found):
            if isinstance(result, Presented):
                result.shown_by(lambda format: replace(asked, format=format).answer(found).text())
        return found

    def results(self, found: Found) -> Sequence[Any]:
        """The results among what it finds. Raises CnncalcError where one of them is a mistake."""
        return found if isinstance(found, list) else [found]


def answer(request: Request[Any]) -> Answer:
    """The answer to a request: computed, not printed; safe in threads. Raises CnncalcError."""
    for name, option, *_ in given_fields(type(request)):
        value, known = getattr(request, name, None), option.choices
        value = option.also.get(value, value) if isinstance(value, str) else value
        # A file's name may say a format that no option does.
        if known and value not in (None, *known, *request.endings.values()):
            raise UsageError(wrong_choice(name, value, known))
    try:
        found = request.find()
    except Unfit as case:
        from cnncalc.ask.unfit import tables, told

        errors = [told(one, request) for one in (case, *case.others)]
        content = tables([error.report for error in errors], request)
        problem = SpecError([line for error in errors for line in error.problems])
        return Answer(content, getattr(request, "format", None) or "", problem=problem, draft=True)
    return request.answer(found)


def wrong_choice(name: str, value: Any, known: Sequence[str]) -> str:
    """What to say of a word that an option does not take."""
    *most, last = known
    choices = f"{', '.join(most)} or {last}" if most else last
    return f"{name} is {choices}, not {shown(value)}{suggestion(str(value), known)}"


def as_json(value: Any) -> str:
    """Data as the JSON of all commands: a member a line."""
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _given(kind: type[Any]) -> tuple[Given, ...]:
    """Its own fields stand before those that it shares with others."""
    found = list[Given]()
    for field in fields(kind):
        # An annotation is no text: where requests are written, none is put off.
        hint, *extras = get_args(field.type) or (None,)
        for extra in extras:
            if isinstance(extra, Option):
                found.append(given(field.name, extra, hint, field.default))
            elif isinstance(extra, Group):
                found += [one._replace(group=field.name) for one in extra]
    own = kind.__annotations__
    return tuple(
        sorted(found, key=lambda g: not g.option.positional and (g.group or g.name) not in own)
    )


given_fields: Callable[[Any], tuple[Given, ...]] = cache(_given)
"""What people give of a kind of request, in the order of its help."""


def request_with(kind: type[Request[Any]], values: Mapping[str, Any]) -> Request[Any]:
    """The request of a kind that has these values, each in its field or in its group's."""
    given = given_fields(kind)
    also = {one.name: one.option.also for one in given if one.option.also}
    values = {n: also[n].get(v, v) if n in also else v for n, v in values.items()}
    groups = {one.name: one.group for one in given if one.group}
    placed = {name: value for name, value in values.items() if name not in groups}
    for name, group in groups.items():
        if values.get(name) is not None:
            placed.setdefault(group, {})[name] = values[name]
    return kind(**placed)
