"""The smallest program that typer, pydantic and rich allow: what start-up is measured against."""

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table


class Layer(BaseModel):
    """One model with one field."""

    out_channels: int


def main(name: str) -> None:
    """Print a table of one row."""
    layer = Layer(out_channels=6)
    table = Table("name", "out_channels")
    table.add_row(name, str(layer.out_channels))
    Console().print(table)


typer.run(main)
