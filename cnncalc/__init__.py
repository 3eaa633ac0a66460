"""cnncalc: an exact, explaining calculator for convolutional networks.

>>> import cnncalc
>>> report = cnncalc.analyze("lenet5")
>>> report.total("params")
62006
"""

from __future__ import annotations

# Not from typing, which takes a tenth of the start: nothing here is to be interrupted.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cnncalc.api import analyze as analyze
    from cnncalc.api import check as check
    from cnncalc.api import compare_fc as compare_fc
    from cnncalc.api import diff as diff
    from cnncalc.api import draw as draw
    from cnncalc.api import explain as explain
    from cnncalc.api import export as export
    from cnncalc.api import layer as layer
    from cnncalc.api import reconcile as reconcile
    from cnncalc.api import slide as slide
    from cnncalc.api import verify as verify
    from cnncalc.errors import CnncalcError as CnncalcError
    from cnncalc.errors import SpecError as SpecError
    from cnncalc.errors import UsageError as UsageError
    from cnncalc.graph import Graph as Graph
    from cnncalc.presented import formatted as formatted
    from cnncalc.report import Report as Report
    from cnncalc.spec.bundled import networks as networks
    from cnncalc.spec.load import load as load
    from cnncalc.spec.schema import schema as schema
    from cnncalc.witness.build import build as build

__version__ = "0.1.0"

_HOMES = {
    "analyze": "cnncalc.api",
    "build": "cnncalc.witness.build",
    "check": "cnncalc.api",
    "compare_fc": "cnncalc.api",
    "diff": "cnncalc.api",
    "draw": "cnncalc.api",
    "explain": "cnncalc.api",
    "export": "cnncalc.api",
    "reconcile": "cnncalc.api",
    "formatted": "cnncalc.presented",
    "layer": "cnncalc.api",
    "load": "cnncalc.spec.load",
    "networks": "cnncalc.spec.bundled",
    "schema": "cnncalc.spec.schema",
    "slide": "cnncalc.api",
    "verify": "cnncalc.api",
    "Graph": "cnncalc.graph",
    "Report": "cnncalc.report",
    "CnncalcError": "cnncalc.errors",
    "SpecError": "cnncalc.errors",
    "UsageError": "cnncalc.errors",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    # Imported on first use (PEP 562): `cnncalc --version` needs none of them.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
