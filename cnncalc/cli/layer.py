"""`cnncalc layer`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cnncalc.api import analyze
from cnncalc.cli.output import (
    BatchOption,
    ColumnsOption,
    DtypeOption,
    FormatOption,
    LayoutOption,
    OutputOption,
    StrictAnyOption,
    StrictOption,
    fail_on_warnings,
    parse_input,
    parse_value,
    write_report,
)
from cnncalc.errors import Origin, UsageError, shown
from cnncalc.layers import MODULES
from cnncalc.spec.document import Document
from cnncalc.spec.expand import expand
from cnncalc.spec.header import INPUT_FORMS


def _layers(incomplete: str) -> list[str]:
    return [word for word in MODULES if word.startswith(incomplete)]


def run(
    layer: Annotated[
        str, typer.Argument(metavar="LAYER", help="The layer's word.", autocompletion=_layers)
    ],
    fields: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FIELD=VALUE]...", help="Its fields: kernel_size=3, padding=same."),
    ] = None,
    input: Annotated[
        str, typer.Option(metavar="SIZES", help="Its input: 227x227x3, 16000x1, 400.")
    ] = "32x32x3",
    format: FormatOption = "text",
    columns: ColumnsOption = None,
    layout: LayoutOption = "hwc",
    batch: BatchOption = 1,
    dtype: DtypeOption = "float32",
    strict: StrictOption = False,
    strict_any: StrictAnyOption = False,
    output: OutputOption = None,
) -> None:
    """The table of one layer, without a file: conv out_channels=96 kernel_size=11 stride=4."""
    channels, *spatial = parse_input(input)
    form = next(form for form in INPUT_FORMS if len(form) == len(spatial) + 1)
    spec = {
        "name": layer,
        "input": dict(zip(form, (*spatial, channels), strict=True)),
        "layers": [{layer: _fields(fields or [])}],
    }
    report = analyze(expand(Document(spec, Origin(layer))), batch=batch, dtype=dtype)
    write_report(report, format, columns, None, None, layout, None, output)
    fail_on_warnings(report, strict, strict_any)


def _fields(texts: list[str]) -> Any:
    """The layer's value: its fields, or the one value of its main field."""
    if len(texts) == 1 and "=" not in texts[0]:
        return parse_value(texts[0])
    fields: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"a field is given as name=value, not {shown(text)}")
        if name in fields:
            raise UsageError(f"the field {shown(name)} is given twice")
        fields[name] = parse_value(value)
    return fields
