"""The options of a training run, made of its settings."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from cnncalc.ask import known
from cnncalc.ask.option import Group, Option, given
from cnncalc.training.settings import Settings

_METAVARS = {"overfit": "N"}
_WORDS = {"data": known.DATA_SETS}


def training_options(helps: Mapping[str, str], usual: Mapping[str, Any]) -> Group:
    """Options with these helps, which fill a run's settings; `usual` is what they are else.

    What is trained takes its time, and another one every time: no document has them.
    """
    hints = {field.name: field.type for field in fields(Settings)}
    return Group(
        given(
            name,
            Option(help, metavar=_METAVARS.get(name), words=_WORDS.get(name), region=False),
            hints[name],
            usual.get(name),
        )
        for name, help in helps.items()
    )
