"""`cnncalc init`."""

from pathlib import Path
from typing import Annotated

import typer

from cnncalc.cli.output import write_file
from cnncalc.errors import printable, refuse

FIRST_SPEC = """\
# A first network for cnncalc. Try it:  cnncalc table {file}
# `cnncalc layers` lists all layers, `cnncalc layers conv` explains one,
# `cnncalc schema > cnncalc.schema.json` lets an editor complete and check this file.
name: My first network
description: two convolutions and two dense layers
input: {{height: 28, width: 28, channels: 1}}     # 1-D: length, channels; a vector: features

layers:
  # 32 filters of 3×3: (28 + 2·0 − 3)/1 + 1 = 26, so 26×26×32 comes out.
  - conv: {{out_channels: 32, kernel_size: 3, activation: relu}}
    name: conv1                    # a name of your own; without one it would be conv1 too
  - max_pool: 2                    # short for {{kernel_size: 2}}; the stride follows the kernel

  # Padding 1 keeps the size: (13 + 2·1 − 3)/1 + 1 = 13. `same` would find the 1 itself.
  - conv: {{out_channels: 64, kernel_size: 3, padding: 1, activation: relu}}
  - max_pool: {{kernel_size: 3, stride: 2}}

  - flatten                        # a layer that needs no field is just its name
  - linear: {{out_features: 64, activation: relu}}
  - dropout: 0.5
  - linear: {{out_features: 10, activation: softmax}}

# A residual block: the sum of its branches, of which an empty one is the input itself.
#  - add: [[{{conv: {{out_channels: 64, kernel_size: 3, padding: same}}}}], []]
"""


def run(
    file: Annotated[
        Path, typer.Argument(metavar="[FILE]", help="Where to write it; - for standard output.")
    ] = Path("network.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Write a commented first spec."""
    if str(file) == "-":
        typer.echo(FIRST_SPEC.format(file="FILE"), nl=False)
        return
    name = printable(str(file))
    refuse(
        (
            file.suffix not in (".yaml", ".yml"),
            f"{name}: name it .yaml; the spec has comments, which only YAML allows",
        ),
        (file.exists() and not force, f"{name}: exists already; --force replaces it"),
    )
    write_file(file, FIRST_SPEC.format(file=file))
    typer.echo(f"Wrote {name}. Try: cnncalc table {name}")
