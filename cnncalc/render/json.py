"""The report as the JSON that scripts read."""

from __future__ import annotations

import json as _json
from collections.abc import Sequence

from cnncalc.report import Report


def json(report: Report, columns: Sequence[str] = ()) -> str:
    """The JSON contract, with more keys for each layer where columns ask for them."""
    return _json.dumps(report.to_dict(columns), ensure_ascii=False, indent=1) + "\n"
