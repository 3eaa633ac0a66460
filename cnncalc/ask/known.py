"""The words that a value may be: completed at the terminal, named by the help.

Each list is the one that the value is looked up in, and is imported when somebody asks.
"""

import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cnncalc.graph import Graph
    from cnncalc.spec.document import Document

Asked = Mapping[str, Any]
"""What else is asked: the fields of a request by their names, those that are given so far."""

MAX_BYTES = 1_000_000
"""The largest spec that is read to complete a word."""
MAX_FILES = 1_000
"""How many files of a folder are looked at."""
_SPECS = ("spec", "specs", "before")
"""The fields that name a spec."""
_PLAIN = re.compile(r"[\w.+@%,=/:-]+")
"""What shells take for one word without quotes."""


class Words(NamedTuple):
    """The words of an option."""

    of: Callable[[Asked], Iterable[str]]
    named: bool = False
    """Whether they are few enough for the help, and depend on nothing."""
    several: bool = False
    """Whether the value is a list of them, separated by commas, perhaps after a +."""

    def completed(self, start: str, asked: Asked) -> list[str]:
        """The values that begin with `start`; none where anything is in the way.

        Who presses a key in the middle of a line has not finished what stands on it.
        """
        done, last = "", start
        if self.several:
            done, last = re.fullmatch(r"(\+?(?:.*,)?)(.*)", start, re.DOTALL).groups()  # type: ignore[union-attr]
        with suppress(Exception):
            taken = set(done.lstrip("+").split(","))
            words = (word for word in self.of(asked) if word not in taken)
            return [
                done + word for word in words if word.startswith(last) and _PLAIN.fullmatch(word)
            ]
        return []


def _columns(_: Asked) -> Iterable[str]:
    from cnncalc.meanings import COLUMNS

    return COLUMNS


def _totals(_: Asked) -> Iterable[str]:
    from cnncalc.meanings import COLUMNS

    return [*(key for key, column in COLUMNS.items() if column.total), "layers"]


def _numbers(_: Asked) -> Iterable[str]:
    from cnncalc.meanings import COLUMNS

    return [key for key, column in COLUMNS.items() if column.kind in ("count", "share", "ratio")]


def _dtypes(_: Asked) -> Iterable[str]:
    from cnncalc.columns import DTYPE_BITS

    return DTYPE_BITS


def _tools(_: Asked) -> Iterable[str]:
    from cnncalc.analysis.tools import CONVENTIONS

    return CONVENTIONS


def _optimizers(_: Asked) -> Iterable[str]:
    from cnncalc.analysis.training import OPTIMIZERS

    return OPTIMIZERS


def _data_sets(_: Asked) -> Iterable[str]:
    from cnncalc.training.settings import DATA_SETS

    return (name.removesuffix("PATH") for name in DATA_SETS)


def _kernels(_: Asked) -> Iterable[str]:
    from cnncalc.sliding.kernels import KERNELS, PAIRS

    return [*KERNELS, *PAIRS]


def _layer_words(_: Asked) -> Iterable[str]:
    from cnncalc.layers import MODULES

    return MODULES


def _fields(asked: Asked) -> Iterable[str]:
    """The fields of the one layer that is asked for, but those that are given."""
    from cnncalc.layers import layer_class

    given = {text.partition("=")[0] for text in asked.get("fields") or ()}
    fields = layer_class(asked["layer"]).model_fields.items()
    return (f"{name}=" for name in (info.alias or key for key, info in fields) if name not in given)


def _networks(_: Asked) -> Iterator[str]:
    """Bundled networks, and the specs and folders that lie here."""
    from cnncalc.spec.bundled import ENDINGS, networks

    yield from networks()
    for path in sorted(islice(Path().iterdir(), MAX_FILES)):
        if path.name.endswith(ENDINGS):
            yield path.name
        elif path.is_dir() and not path.name.startswith("."):
            yield f"{path.name}/"


def _variables(option: str, asked: Asked) -> Iterable[str]:
    """The variables of the spec, but those that the option sets."""
    # diff's second network is the last one.
    places = ("after",) * (option == "set_b") + _SPECS
    document, _ = _document(asked, places)
    given = {text.partition("=")[0] for text in asked.get(option) or ()}
    return (f"{name}=" for name in document.data["vars"] if name not in given)


def _layers(asked: Asked) -> Iterable[str]:
    """The layers of the spec and its blocks, but those that are given."""
    return _named(asked, lambda node: True)


def _convolutions(asked: Asked) -> Iterable[str]:
    return _named(asked, lambda node: bool(node.layer.kernels))


def _named(asked: Asked, wanted: Callable[[Any], bool]) -> Iterable[str]:
    names = dict.fromkeys(node.name for node in _graph(asked).nodes if wanted(node))
    for name in list(names):
        parts = name.split(".")
        names |= dict.fromkeys(".".join(parts[:i]) for i in range(1, len(parts)))
    return (name for name in names if name not in (asked.get("layers") or ()))


def _document(asked: Asked, places: Sequence[str] = _SPECS) -> "tuple[Document, str | None]":
    """The document of the spec that is asked for, and its variant.

    Standard input is left alone, and so is what is no file, or is large.
    """
    from cnncalc.spec.load import read, source

    given = next((asked[key] for key in places if asked.get(key)), "lenet5")
    name = given if isinstance(given, str) else given[0]
    # Who completes a line has it as it is typed.
    name = str(Path(name).expanduser()) if name.startswith("~") else name
    if name == "-":
        raise ValueError("read once")
    with suppress(OSError):
        found = Path(name).stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
            raise ValueError("not to be read for a word")
    label, text, variant = source(name)
    return read(label, text), variant


def _graph(asked: Asked) -> "Graph":
    from cnncalc.ask.parse import variables
    from cnncalc.spec.expand import expand

    document, variant = _document(asked)
    # Bash gives `a=1` as three words.
    whole = [text for text in asked.get("set") or () if "=" in text[1:]]
    return expand(document, variables(whole), variant)


COLUMNS = Words(_columns, named=True, several=True)
NUMBERS = Words(_numbers)
BARS = Words(_numbers, named=True)
TOTALS = Words(_totals)
DTYPES = Words(_dtypes, named=True)
TOOLS = Words(_tools, named=True)
OPTIMIZERS = Words(_optimizers, named=True)
DATA_SETS = Words(_data_sets)
KERNELS = Words(_kernels, named=True)
LAYER_WORDS = Words(_layer_words)
FIELDS = Words(_fields)
NETWORKS = Words(_networks)
VARIABLES = Words(partial(_variables, "set"))
OTHER_VARIABLES = Words(partial(_variables, "set_b"))
LAYERS = Words(_layers)
CONVOLUTIONS = Words(_convolutions)
