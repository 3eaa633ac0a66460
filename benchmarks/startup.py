"""How long and how much memory the command line takes, against the smallest program possible.

Every command runs as a process of its own, in turn with the others, so that a machine that slows
down slows all of them; what counts are the ratios of the medians. Run from a checkout:

    python benchmarks/startup.py [--runs 21] [--write]

`--write` puts the figures into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median

from page import write_section

ROOT = Path(__file__).resolve().parent.parent
SMALLEST = "smallest program (typer, pydantic, rich)"
COMPLETION = {"_CNNCALC_COMPLETE": "complete_bash", "COMP_WORDS": "cnncalc ta", "COMP_CWORD": "1"}


@dataclass
class Command:
    """A command line and what its runs took."""

    name: str
    arguments: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    def run(self) -> None:
        """Run it once, with its output thrown away."""
        start = time.perf_counter()
        child = os.posix_spawn(
            self.arguments[0],
            self.arguments,
            # A checkout gets its bytecode, as an installed package has it, in the first run.
            {**os.environ, **self.environment, "PYTHONDONTWRITEBYTECODE": ""},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_WRONLY, 0)
                for descriptor in (1, 2)
            ],
        )
        _, status, usage = os.wait4(child, 0)
        self.seconds.append(time.perf_counter() - start)
        # Linux counts in KiB, macOS in bytes.
        self.megabytes.append(usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3 / 1.024))
        code = os.waitstatus_to_exitcode(status)
        if code:
            sys.exit(f"{self.name} ended with exit code {code}")


def commands() -> list[Command]:
    """What is measured; the first is what the others are divided by."""
    python = [sys.executable, "-m", "cnncalc"]
    return [
        Command(SMALLEST, [sys.executable, str(ROOT / "benchmarks" / "smallest.py"), "conv1"]),
        Command("cnncalc table lenet5.json", [*python, "table", "lenet5.json"]),
        Command("cnncalc table vgg16", [*python, "table", "vgg16"]),
        Command("cnncalc table resnet50", [*python, "table", "resnet50"]),
        Command("cnncalc --version", [*python, "--version"]),
        Command("shell completion of `cnncalc ta`", python, COMPLETION),
    ]


def in_process() -> float:
    """Seconds of reading and inferring VGG-16 once."""
    from cnncalc.infer import infer
    from cnncalc.spec.load import load

    start = time.perf_counter()
    for fact in infer(load("vgg16")):
        _ = fact.params, fact.macs
    return time.perf_counter() - start


def report(measured: list[Command], inside: list[float]) -> str:
    """The figures as Markdown."""
    base = median(measured[0].seconds)
    lines = [
        f"Medians of {len(inside)} interleaved runs; Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in ("typer", "pydantic", "rich"))
        + f"; {os.cpu_count()} cores.",
        "",
        "| command | seconds | ratio | peak MB |",
        "| --- | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {command.name} | {median(command.seconds):.3f} | {median(command.seconds) / base:.2f} "
        f"| {median(command.megabytes):.0f} |"
        for command in measured
    ]
    seconds = median(inside)
    lines += [
        f"| reading and inferring VGG-16 in process | {seconds:.5f} | {seconds / base:.4f} | |"
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=21)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args()
    measured = commands()
    for command in measured:
        command.run()
        command.seconds.clear()
        command.megabytes.clear()
    in_process()
    inside = []
    for _ in range(options.runs):
        for command in measured:
            command.run()
        inside.append(in_process())
    text = report(measured, inside)
    print(text, end="")
    if options.write:
        write_section("Start-up", "startup.py", text)


if __name__ == "__main__":
    main()
