"""What two textbook networks reach on a published data set, trained as their books train them.

Nothing is downloaded: see docs/training.md for where the files of a set are looked for. Run from
a checkout; `--write` puts the results into docs/benchmarks.md:

    python benchmarks/accuracy.py [--data fashion-mnist|mnist] [--folder DATA] [--seeds 0] [--write]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import torch
from page import write_section

RECIPES = {
    # Chollet, Deep Learning with Python, 2nd edition, section 8.1: Keras starts with Glorot's.
    "keras-mnist": "--epochs 5 --batch-size 64 --optimizer rmsprop --lr 0.001 --init xavier",
    # Saito, Deep Learning from Scratch, section 7.5.
    "simple-convnet": "--epochs 20 --batch-size 100 --optimizer adam --lr 0.001 --init normal:0.01",
}
PUBLISHED = {("keras-mnist", "mnist"): "99.1 %", ("simple-convnet", "mnist"): "98.96 %"}
SETS = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}


def trained(name: str, data: str, folder: str | None, seed: int) -> list[dict[str, float]]:
    """The epochs of a run of `cnncalc train`."""
    with tempfile.TemporaryDirectory() as place:
        output = Path(place, "run")
        command = [sys.executable, "-m", "cnncalc", "train", name, "--data", data]
        command += [*RECIPES[name].split(), "--schedule", "constant", "--seed", str(seed)]
        command += ["--output", str(output), "--no-pictures"]
        command += ["--folder", folder] if folder else []
        subprocess.run(command, check=True, stdout=sys.stderr)
        lines = (output / "metrics.jsonl").read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", choices=SETS, default="fashion-mnist")
    parser.add_argument("--folder")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--write", action="store_true", help="put the results in the docs")
    asked = parser.parse_args()
    rows = []
    for name, recipe in RECIPES.items():
        for seed in asked.seeds:
            epochs = trained(name, asked.data, asked.folder, seed)
            last = epochs[-1]
            cells = [
                f"`{name} {recipe} --seed {seed}`",
                *(f"{100 * last[key]:.2f} %" for key in ("test_accuracy", "train_accuracy")),
                PUBLISHED.get((name, asked.data), ""),
                f"{median(epoch['seconds'] for epoch in epochs):.1f}",
            ]
            rows.append(f"| {' | '.join(cells)} |")
    title = f"Accuracy on {SETS[asked.data]}"
    text = (
        f"The last epoch's accuracy, and the median of seconds an epoch with its test; "
        f"torch {torch.__version__}, {torch.get_num_threads()} threads.\n\n"
        "| cnncalc train | test | train | published test | s an epoch |\n"
        "| --- | ---: | ---: | ---: | ---: |\n" + "\n".join(rows) + "\n"
    )
    if asked.write:
        write_section(title, "accuracy.py", text)
    print(text)


if __name__ == "__main__":
    main()
