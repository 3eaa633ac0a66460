"""What a field of a request is to those who give it, and the fields that requests share.

Declared here once: the command line makes its options of them, documents their words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

from cnncalc.amounts import Layout
from cnncalc.ask import known
from cnncalc.ask.known import Words
from cnncalc.ask.parse import Settings, Spec
from cnncalc.render.write import FORMATS, SHORT


class Option(NamedTuple):
    """How a field is given, and what stands beside it in the help."""

    help: str
    flags: tuple[str, ...] = ()
    """What it is called on the command line, where that is not `--` and the field's name."""
    metavar: str | None = None
    choices: Sequence[str] = ()
    """The words that it takes, where not every text will do and its type does not say so."""
    also: Mapping[str, str] = MappingProxyType({})
    """Other words for some of them."""
    least: int | None = None
    words: Words | None = None
    """Those that it is one of, or usually is."""
    positional: bool = False
    region: bool = True
    """Whether documents have it, too."""
    repeated: bool = False
    """Whether it may be given several times."""
    piped: bool = False
    """Whether, where it is left out, what is piped in stands for it."""


class Given(NamedTuple):
    """What people give to a request: its name and option, and what it is where nobody gives it."""

    name: str
    option: Option
    type: Any
    """str, bool, int, float or Path, of one value."""
    default: Any
    group: str = ""
    """The field that holds it beside others, where it has none of its own."""

    @property
    def required(self) -> bool:
        return self.default is MISSING


class Group(tuple[Given, ...]):
    """The options of a field that holds those that are given by their names."""


def given(name: str, option: Option, hint: Any, default: Any) -> Given:
    """What is given under a name; a hint says the type of one value, and the words it may be."""
    types = get_args(hint) or (hint,)
    kind = next((kind for kind in (str, bool, int, float, Path) if kind in types), str)
    literal = next((h for h in (hint, *types) if get_origin(h) is Literal), None)
    return Given(name, option._replace(choices=option.choices or get_args(literal)), kind, default)


DATA_FORMATS = (*FORMATS, "csv", "json")
"""The formats of what scripts read, too."""


def one_of(formats: Sequence[str], help: str = "What to print.") -> Option:
    """The option for a format."""
    also = {word: format for word, format in SHORT.items() if format in formats}
    return Option(help, ("--format", "-f"), choices=formats, also=also)


SpecArgument = Annotated[
    Spec,
    Option(
        "A file, - for standard input, or the name of a bundled network.",
        metavar="SPEC",
        words=known.NETWORKS,
        positional=True,
        piped=True,
    ),
]
SpecsArgument = Annotated[
    Sequence[Spec],
    Option(
        "Files, - for standard input, or names of bundled networks; lenet5 by default.",
        metavar="[SPEC]...",
        words=known.NETWORKS,
        positional=True,
        repeated=True,
        piped=True,
    ),
]
PageFormatOption = Annotated[str, one_of(FORMATS)]
DataFormatOption = Annotated[str, one_of(DATA_FORMATS)]
JsonFormatOption = Annotated[str, one_of((*FORMATS, "json"))]
SetOption = Annotated[
    Settings,
    Option(
        "Set a variable of the spec; may be repeated.",
        metavar="VAR=VALUE",
        words=known.VARIABLES,
        repeated=True,
    ),
]
LayoutOption = Annotated[
    Layout, Option("Order of shapes: hwc as textbooks, chw as torch.", choices=("hwc", "chw"))
]
DtypeOption = Annotated[str, Option("Type of a value, for columns in bytes.", words=known.DTYPES)]
