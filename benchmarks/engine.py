"""How the engine's time grows with the network: chains of 10² to 10⁵ nodes, in process.

    python benchmarks/engine.py [--runs 5] [--write]

Also reading and inferring ResNet-152. Medians of runs that take turns; what counts are the ratios.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args()
    graphs = {nodes: chain(nodes) for nodes in SIZES}
    resnet = load("resnet152")
    jobs: dict[str, Callable[[], object]] = {
        f"inferring {nodes:,} nodes": partial(costs, graph) for nodes, graph in graphs.items()
    }
    jobs["inferring ResNet-152"] = partial(costs, resnet)
    jobs["reading and inferring ResNet-152"] = lambda: costs(load("resnet152"))
    seconds = measure(jobs, options.runs)
    sizes = dict(zip(jobs, (*SIZES, len(resnet.nodes), len(resnet.nodes)), strict=True))
    lines = [
        f"Medians of {options.runs} runs; time for each node should stay the same.",
        "",
        "| job | seconds | µs a node |",
        "| --- | ---: | ---: |",
        *(f"| {n} | {s:.4f} | {s / sizes[n] * 1e6:.1f} |" for n, s in seconds.items()),
    ]
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if options.write:
        write_section("The engine", "engine.py", text)


if __name__ == "__main__":
    main()
