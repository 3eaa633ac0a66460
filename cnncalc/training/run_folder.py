"""The folder of a run: which network it trains, and how, so that it can be read again alone."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from cnncalc import __version__
from cnncalc.errors import UsageError, printable
from cnncalc.graph import INPUT, Graph
from cnncalc.layers.base import Shape
from cnncalc.layers.fields import MAX_AXES, MAX_INT
from cnncalc.spec.expand import expand
from cnncalc.spec.load import read, source
from cnncalc.training.settings import Settings

RUN = "run.json"


class RequestedSpec(NamedTuple):
    """A spec as it was asked for: its text, its variant, its variables and its input."""

    label: str
    text: str
    variant: str | None
    variables: Mapping[str, Any]
    input: Shape | None = None

    def graph(self) -> Graph:
        """What it expands to. Raises CnncalcError."""
        graph = expand(read(self.label, self.text), self.variables, self.variant)
        return graph if self.input is None else graph.with_input(self.input)

    def files(self, settings: Settings) -> dict[str, str]:
        """The texts to leave in the folder: the spec, and run.json."""
        name = "spec.json" if self.text.lstrip()[:1] in "{[" else "spec.yaml"
        about = {
            "cnncalc": __version__,
            "spec": name,
            # A spec without a name is called as its file was, which is another one here.
            "name": self.graph().name,
            "variant": self.variant,
            "variables": self.variables,
            "input": self.input,
            "settings": {**vars(settings), "folder": settings.folder and str(settings.folder)},
        }
        # What says that the folder is a run comes first: a run that is killed can begin again.
        return {RUN: json.dumps(about, ensure_ascii=False, indent=1) + "\n", name: self.text}


def requested_spec(spec: str, variables: Mapping[str, Any]) -> RequestedSpec:
    """What a path, `-` or a bundled name stands for. Raises CnncalcError."""
    return RequestedSpec(*source(spec), variables)


def is_run(folder: Path) -> bool:
    """Whether a folder is one that `files` were written to."""
    try:
        about = json.loads((folder / RUN).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(about, dict) and "cnncalc" in about and "settings" in about


def read_run(folder: Path) -> tuple[RequestedSpec, Graph, Settings]:
    """What a run was asked for, its network and its settings.

    Raises UsageError where `folder` holds no run.
    """
    path = folder / RUN
    try:
        about = json.loads(path.read_text("utf-8"))
        # The name only: what a file says must not lead out of its folder.
        place = folder / Path(about["spec"]).name
        variant, variables, input = about["variant"], about["variables"], about["input"]
        if not (_is(variant, str | None) and _is(variables, dict[str, Any]) and _is_input(input)):
            raise ValueError
        requested = RequestedSpec(
            str(place), place.read_text("utf-8"), variant, variables, input and tuple(input)
        )
        settings = dict(about["settings"])
        hints = _hints()
        if not all(_is(value, hints[name]) for name, value in settings.items()):
            raise ValueError
        settings["folder"] = settings["folder"] and Path(settings["folder"])
        graph, name = requested.graph(), about.get("name")
        if input and tuple(graph.inputs) != (INPUT,):
            raise ValueError
        if isinstance(name, str):
            graph = graph._replace(name=name)
        return requested, graph, Settings(**settings)
    except OSError as error:
        raise UsageError(
            f"{printable(str(folder))}: no run of cnncalc train ({error.strerror or error})"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UsageError(f"{printable(str(path))}: not what cnncalc train wrote") from None


def _hints() -> dict[str, Any]:
    """What the settings of a run may be in JSON."""
    return {**get_type_hints(Settings), "folder": str | None}


def _is(value: Any, hint: Any) -> bool:
    """Whether a value of JSON is of a type, or one of a Literal's words."""
    kinds = get_args(hint)
    if get_origin(hint) is Literal:
        return value in kinds
    if get_origin(hint) is dict:
        return isinstance(value, dict)
    if kinds:
        return any(_is(value, kind) for kind in kinds)
    if hint is float:
        return type(value) in (int, float)
    if hint is str:
        return isinstance(value, str) and "\0" not in value
    return type(value) is hint


def _is_input(value: Any) -> bool:
    """Whether it is None, or a shape."""
    if value is None:
        return True
    sized = isinstance(value, list) and 1 <= len(value) <= 1 + MAX_AXES
    return sized and all(type(size) is int and 1 <= size <= MAX_INT for size in value)
