"""How the engine's time grows with the network: chains of 10² to 10⁵ nodes, in process.

    python benchmarks/engine.py [--runs 5] [--write] [--against ../other]

Also reading and inferring ResNet-152. Medians of runs that take turns; what counts are the ratios.
`--against` measures the jobs of `JOBS` instead, in this checkout and in another one: a process for
each, which answer in turn, and the processor time that they took.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from functools import partial
from pathlib import Path
from statistics import median

from page import write_section

from cnncalc.graph import Graph, Node
from cnncalc.infer import infer
from cnncalc.layers import layer_class
from cnncalc.spec.load import load

SIZES = (10**2, 10**3, 10**4, 10**5)


def chain(nodes: int) -> Graph:
    """Convolutions that keep the size, with a ReLU behind each; no two are the same object."""
    conv, relu = layer_class("conv"), layer_class("relu")
    fields = {"out_channels": 8, "kernel_size": 3, "padding": 1}
    layers = [relu() if i % 2 else conv.model_validate(fields) for i in range(nodes)]
    names = ["input", *map(str, range(nodes))]
    return Graph(
        "chain",
        {"input": (8, 32, 32)},
        tuple(Node(names[i + 1], layers[i], (names[i],)) for i in range(nodes)),
    )


def costs(graph: Graph) -> int:
    """Everything that the usual table counts."""
    return sum(f.params + f.macs + f.activations for f in infer(graph))


def measure(jobs: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """Median seconds of each job, which take turns."""
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(runs + 1):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            taken[name].append(time.perf_counter() - start)
    return {name: median(seconds[1:]) for name, seconds in taken.items()}


def _analyze() -> Callable[[], object]:
    from cnncalc.api import analyze

    graph = load("resnet50")
    return lambda: analyze(graph)


def _infer() -> Callable[[], object]:
    graph = load("resnet152")
    return lambda: infer(graph)


def _command(spec: str) -> Callable[[], object]:
    from cnncalc.cli.app import run

    def command() -> None:
        sys.argv[:] = ["cnncalc", "table", spec]
        with redirect_stdout(io.StringIO()), suppress(SystemExit):
            run()

    return command


JOBS: dict[str, Callable[[], Callable[[], object]]] = {
    "analyzing ResNet-50 when it is read": _analyze,
    "reading ResNet-152": lambda: lambda: load("resnet152"),
    "inferring ResNet-152": _infer,
    "reading and inferring ResNet-152, with costs": lambda: lambda: costs(load("resnet152")),
    "`cnncalc table lenet5.json` in process": lambda: _command("lenet5.json"),
    "`cnncalc table resnet50` in process": lambda: _command("resnet50"),
}
"""What is compared with another checkout: each gives what is to be run."""


def answer() -> None:
    """Run what each line of standard input names, and say how much of the processor it took."""
    made: dict[str, Callable[[], object]] = {}
    for line in sys.stdin:
        name = line.strip()
        job = made.get(name) or made.setdefault(name, JOBS[name]())
        start = time.process_time()
        job()
        print(time.process_time() - start, flush=True)


def against(other: Path, rounds: int) -> str:
    """The jobs here and in another checkout, as Markdown."""
    here = Path(__file__).resolve().parent.parent
    workers = [
        subprocess.Popen(
            [sys.executable, __file__, "--answer"],
            env={**os.environ, "PYTHONPATH": str(root.resolve())},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for root in (here, other)
    ]

    def ask(worker: subprocess.Popen[str], name: str) -> float:
        assert worker.stdin is not None
        assert worker.stdout is not None
        print(name, file=worker.stdin, flush=True)
        return float(worker.stdout.readline())

    rows = ["| job | ms here | ms there | ratio |", "| --- | ---: | ---: | ---: |"]
    for name in JOBS:
        taken = [[ask(worker, name) for worker in workers] for _ in range(rounds + 2)][2:]
        ours, theirs = (median(seconds) * 1e3 for seconds in zip(*taken, strict=True))
        rows.append(f"| {name} | {ours:.2f} | {theirs:.2f} | {ours / theirs:.2f} |")
    for worker in workers:
        worker.communicate()
    return "\n".join([f"Medians of {rounds} rounds.", "", *rows])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--against", type=Path, help="another checkout, to compare with")
    parser.add_argument("--answer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.answer:
        answer()
    elif options.against:
        print(against(options.against, options.runs))
    else:
        growth(options.runs, options.write)


def growth(runs: int, write: bool) -> None:
    """How time grows with the network, and what ResNet-152 takes."""
    graphs = {nodes: chain(nodes) for nodes in SIZES}
    resnet = load("resnet152")
    jobs: dict[str, Callable[[], object]] = {
        f"inferring {nodes:,} nodes": partial(costs, graph) for nodes, graph in graphs.items()
    }
    jobs["inferring ResNet-152"] = partial(costs, resnet)
    jobs["reading and inferring ResNet-152"] = lambda: costs(load("resnet152"))
    seconds = measure(jobs, runs)
    sizes = dict(zip(jobs, (*SIZES, len(resnet.nodes), len(resnet.nodes)), strict=True))
    lines = [
        f"Medians of {runs} runs; time for each node should stay the same.",
        "",
        "| job | seconds | µs a node |",
        "| --- | ---: | ---: |",
        *(f"| {n} | {s:.4f} | {s / sizes[n] * 1e6:.1f} |" for n, s in seconds.items()),
    ]
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if write:
        write_section("The engine", "engine.py", text)


if __name__ == "__main__":
    main()
