"""The same job with other tools: ResNet-50 layer by layer, from a cold start, at 224×224.

    python benchmarks/peers.py [--runs 7] [--write]

Needs `pip install -e '.[peers]'`. Every tool runs as a process of its own, in turn with the others,
on torchvision's module, as its users run it. What counts are the ratios of medians, of time and of
peak memory. Then, in one process, ResNet-152 against torchinfo on the meta device.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import version
from statistics import median

from page import write_section
from startup import Command

OURS = "cnncalc table resnet50 --depth all"
MODEL = """
import torch, torchvision
model = torchvision.models.resnet50(weights=None).eval()
"""
META = f'import torch\ntorch.set_default_device("meta"){MODEL}'
PROGRAMS = {
    "torchinfo": MODEL
    + """
from torchinfo import summary
summary(model, (1, 3, 224, 224))
""",
    "torchinfo, meta device": META
    + """
from torchinfo import summary
summary(model, (1, 3, 224, 224), device="meta")
""",
    "fvcore": MODEL
    + """
from fvcore.nn import FlopCountAnalysis, flop_count_table
print(flop_count_table(FlopCountAnalysis(model, torch.zeros(1, 3, 224, 224))))
""",
    "ptflops": MODEL
    + """
from ptflops import get_model_complexity_info
assert get_model_complexity_info(model, (3, 224, 224), print_per_layer_stat=True)[0]
""",
    "thop": MODEL
    + """
from thop import profile
print(profile(model, (torch.zeros(1, 3, 224, 224),), ret_layer_info=True))
""",
    "calflops": MODEL
    + """
from calflops import calculate_flops
calculate_flops(model, (1, 3, 224, 224))
""",
    "torch's FlopCounterMode": MODEL
    + """
from torch.utils.flop_counter import FlopCounterMode
with FlopCounterMode(depth=9), torch.no_grad():
    model(torch.zeros(1, 3, 224, 224))
""",
    "torch's FlopCounterMode, meta device": META
    + """
from torch.utils.flop_counter import FlopCounterMode
with FlopCounterMode(depth=9), torch.no_grad():
    model(torch.zeros(1, 3, 224, 224))
""",
    "`import torch` alone": "import torch",
}
VERSIONS = ("torch", "torchvision", "torchinfo", "fvcore", "ptflops", "thop", "calflops")


def commands() -> list[Command]:
    """What is measured; the first is what the others are divided by."""
    ours = [sys.executable, "-m", "cnncalc", *OURS.split()[1:]]
    peers = {name: [sys.executable, "-c", program] for name, program in PROGRAMS.items()}
    return [Command(OURS, ours), *(Command(*peer) for peer in peers.items())]


def cold_starts(measured: list[Command], runs: int) -> list[str]:
    """Rows of the table of processes."""
    for round in range(runs + 1):
        for command in measured:
            command.run()
            if not round:
                command.seconds.clear()
                command.megabytes.clear()
    ours = measured[0]
    rows = []
    for command in measured:
        seconds, megabytes = median(command.seconds), median(command.megabytes)
        time, memory = seconds / median(ours.seconds), megabytes / median(ours.megabytes)
        cells = (command.name, f"{seconds:.2f}", f"{time:.1f}", f"{megabytes:.0f}", f"{memory:.1f}")
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def in_process(runs: int) -> list[str]:
    """Rows of the table of ResNet-152 in one process; torch is imported here and not before.

    A child's peak memory is at least that of the process which starts it.
    """
    import torch
    from engine import costs, measure
    from torch import nn
    from torchinfo import summary
    from torchvision.models import resnet152

    from cnncalc.spec.load import load

    def built() -> nn.Module:
        with torch.device("meta"):
            made: nn.Module = resnet152(weights=None)
            return made.eval()

    def summed_up(model: nn.Module) -> object:
        return summary(model, (1, 3, 224, 224), device="meta", verbose=0)

    graph, model = load("resnet152"), built()
    inference, both = "inference of what was read", "reading and inference"
    jobs: dict[str, Callable[[], object]] = {
        f"cnncalc: {inference}": lambda: costs(graph),
        "torchinfo on the meta device: the module given": lambda: summed_up(model),
        f"cnncalc: {both}": lambda: costs(load("resnet152")),
        "torchinfo on the meta device: the module built first": lambda: summed_up(built()),
    }
    seconds = measure(jobs, runs)
    ours = seconds[f"cnncalc: {inference}"], seconds[f"cnncalc: {both}"]
    return [
        f"| {name} | {s:.4f} | {s / ours[0]:.1f} | {s / ours[1]:.1f} |"
        for name, s in seconds.items()
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args()
    lines = [
        f"Medians of {options.runs} interleaved runs; Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in VERSIONS)
        + f"; {os.cpu_count()} cores.",
        "",
        "ResNet-50 layer by layer at 224×224, from a cold start; the tools on torchvision's "
        "module, on the CPU where nothing else is said. A ratio is to cnncalc.",
        "",
        "| tool | seconds | ratio | peak MB | ratio |",
        "| --- | ---: | ---: | ---: | ---: |",
        *cold_starts(commands(), options.runs),
        "",
        "ResNet-152 in one process, nothing printed:",
        "",
        "| job | seconds | ÷ inference | ÷ reading and inference |",
        "| --- | ---: | ---: | ---: |",
        *in_process(options.runs),
    ]
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if options.write:
        write_section("Other tools", "peers.py", text)


if __name__ == "__main__":
    main()
