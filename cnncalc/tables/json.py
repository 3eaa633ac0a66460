"""The report as the JSON that scripts read."""

import json as _json
from collections.abc import Sequence
from typing import Any

from cnncalc.report import Report


def json(report: Report, columns: Sequence[str] = ()) -> str:
    """The JSON contract, a layer or warning on each line, with the columns as more keys."""
    members = [f' "{key}": {_value(value)}' for key, value in report.to_dict(columns).items()]
    return "{\n" + ",\n".join(members) + "\n}\n"


def _value(value: Any) -> str:
    # Not `indent`, for which Python leaves its fast encoder.
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"  {_one_line(entry)}" for entry in value) + "\n ]"
    return _one_line(value)


def _one_line(value: Any) -> str:
    return _json.dumps(value, ensure_ascii=False)
