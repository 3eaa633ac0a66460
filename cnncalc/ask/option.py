"""What a field of a request is to those who give it, and the fields that requests share.

Declared here once: the command line makes its options of them, documents their words.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from cnncalc.amounts import Layout
from cnncalc.layers.base import Shape
from cnncalc.render.write import FORMATS


class Option(NamedTuple):
    """How a field is given, and what stands beside it in the help."""

    help: str
    flags: tuple[str, ...] = ()
    """What it is called on the command line, where that is not `--` and the field's name."""
    metavar: str | None = None
    choices: Sequence[str] = ()
    """The words that it takes, where not every text will do."""
    least: int | None = None
    complete: Callable[[str], list[str]] | None = None
    """What completes the start of a value."""
    positional: bool = False
    region: bool = True
    """Whether documents have it, too."""
    repeated: bool = False
    """Whether it may be given several times."""


def starting(names: Callable[[], Sequence[str]]) -> Callable[[str], list[str]]:
    """Completes names, which are looked up when somebody completes."""
    return lambda incomplete: [name for name in names() if name.startswith(incomplete)]


def _networks() -> Sequence[str]:
    from cnncalc.spec.bundled import networks

    return networks()


Spec = Any
"""A path, `-`, the name of a bundled network; from Python also a mapping or a graph."""
Settings = Sequence[str] | Mapping[str, Any]
"""Variables of a spec: as texts `width=0.5`, or by their names."""

DATA_FORMATS = (*FORMATS, "csv", "json")
"""The formats of what scripts read, too."""


def one_of(formats: Sequence[str], help: str = "What to print.") -> Option:
    """The option for a format."""
    return Option(help, ("--format", "-f"), choices=formats)


SpecArgument = Annotated[
    Spec,
    Option(
        "A file, - for standard input, or the name of a bundled network.",
        metavar="SPEC",
        complete=starting(_networks),
        positional=True,
    ),
]
SpecsArgument = Annotated[
    Sequence[Spec],
    Option(
        "Files, - for standard input, or names of bundled networks; lenet5 by default.",
        metavar="[SPEC]...",
        complete=starting(_networks),
        positional=True,
        repeated=True,
    ),
]
PageFormatOption = Annotated[str, one_of(FORMATS)]
DataFormatOption = Annotated[str, one_of(DATA_FORMATS)]
JsonFormatOption = Annotated[str, one_of((*FORMATS, "json"))]
SetOption = Annotated[
    Settings,
    Option("Set a variable of the spec; may be repeated.", metavar="VAR=VALUE", repeated=True),
]
InputOption = Annotated[
    str | Shape | None,
    Option("Another input: 256x256, or 256x256x3 with channels.", metavar="SIZES"),
]
ColumnsOption = Annotated[
    str | None,
    Option(
        "Columns, separated by commas; a list that starts with + adds to the usual ones "
        "(+connections)."
    ),
]
LayoutOption = Annotated[
    Layout, Option("Order of shapes: hwc as textbooks, chw as torch.", choices=("hwc", "chw"))
]
DepthOption = Annotated[
    str | None,
    Option("Collapse blocks below N names; all shows every layer.", metavar="N|all"),
]
BatchOption = Annotated[int, Option("Inputs at a time: multiplies activations, MACs and FLOPs.")]
DtypeOption = Annotated[str, Option("Type of a value, for columns in bytes.")]
StrictOption = Annotated[bool, Option("Exit 1 where a stride loses real input.")]
StrictAnyOption = Annotated[bool, Option("Exit 1 where a stride leaves any fraction.")]
