"""No command line whatever makes cnncalc stumble.

Every command, its options drawn at random with right and wrong values, on random and edited specs:
each run ends with 0, 1 or 2, without a traceback, within a bound of processor time; what it prints
has no control character, and an exit of 2 says why in lines on standard error. Case n is the same
in every run.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cnncalc.cli.app import COMMANDS, _made
from cnncalc.data.places import NAMES
from cnncalc.layers import MODULES
from cnncalc.meanings import COLUMNS
from cnncalc.spec.bundled import networks
from tests.command import cnncalc
from tests.test_fuzz import ODD, case
from tests.test_fuzz import item as random_item

CASES = 400
LONG = 100_000
SECONDS = 5
"""The most processor time of one run."""

TRAINED = {"train", "pictures"}
"""What trains a network or reads a run is tried elsewhere: `test_torch_train`, `test_tampered`."""
FILES = ("net.json", "net.yaml", "doc.md", "doc.tex", "doc.rst")
NETWORKS = [*networks()]
SHORT = ["lenet5", "alexnet", "keras-mnist", "mlp-mnist", "m5", "simple-convnet", "resnet18"]
WORDS = [
    *["1", "0", "-1", "3", "7", "1000000000000", "1e9", "0.5", "nan", "2G", "10MiB", "5%", "x"],
    *["32x32x3", "3x32x32", "224x224", "1x1x1", "0x0x3", "9" * 50 + "x3x3", "16000", "8x8x8x8"],
    *["width=3", "depth=2", "a=", "=b", "w==1", "widths=[1,2]", "classes=ten"],
    *["all", "none", "same", "text", "json", "csv", "html", "md", "tex", "rst", "svg", "dot"],
    *["adam", "sgd", "float16", "int8", "keras", "torchinfo", "fvcore", "params", "macs", "+macs"],
    *["conv1", "pool1", "fc1", "1", "2", "input", "a", "a.conv1", "layer1.0.conv1"],
    *["out.txt", "out.md", "out.tex", "out.svg", "out.py", "out.pdf", "no/such/out.txt", ".", ""],
    *["sobel-x", "box", "1,2,3", "[[1,0],[0,1]]", "[1", "5x5", "gauss", "channels", "right"],
]
DOCUMENT = """# A document

<!-- cnncalc:begin {words} -->
<!-- cnncalc:end -->
{more}
"""


OWN = {
    "format": ["text", "json", "csv", "markdown", "md", "html", "latex", "tex", "rst", "asciidoc"],
    "layout": ["hwc", "chw"],
    "dtype": ["float32", "float16", "int8", "bfloat16", "int4"],
    "count_as": ["torchinfo", "fvcore", "thop", "ptflops-pytorch", "calflops-flops", "keras"],
    "params_as": ["keras"],
    "optimizer": ["sgd", "momentum", "adam", "adamw"],
    "depth": ["1", "2", "all"],
    "input": ["32x32x3", "3x32x32", "224x224x3", "1x1x1", "64x64", "16000x1", "8x8x8x3", "4"],
    "set": ["width=3", "depth=2", "w=2", "i=1", "classes=10", "w=x", "resolution=64"],
    "max_params": ["1k", "1G"],
    "max_macs": ["1M", "9T"],
    "max_peak_memory": ["1KiB", "9GiB"],
    "output": ["out.txt", "out.md", "out.tex", "out.svg", "out.py", "out.json", "out.csv", "-"],
}
"""What options take, by their names."""


def values(rng: random.Random, param: Any) -> str:
    """A value for an option: one of its own, any word, or an odd one."""
    kind = rng.random()
    if param.name in OWN and kind < 0.8:
        return rng.choice(OWN[param.name])
    if param.bare_type is int and kind < 0.8:
        return str(rng.choice([0, 1, 2, 3, 10, 64, -1, 10**13]))
    if param.name in ("columns", "sort", "value") and kind < 0.8:
        keys = rng.sample([*COLUMNS], rng.randrange(1, 4))
        return ",".join(keys) if param.name == "columns" else keys[0]
    if kind < 0.3:
        return rng.choice(SHORT)
    if kind < 0.4:
        return rng.choice([*MODULES, *NAMES, *COLUMNS])
    return rng.choice(WORDS) if kind < 0.97 else rng.choice(ODD).replace("\ud800", "?")


def command(rng: random.Random) -> str:
    """A command; those that take long are drawn less often."""
    names = [name for name in _COMMANDS if name not in _LONG or rng.random() < 0.1]
    return rng.choice(names)


def known(param: Any) -> bool:
    """Whether right values of an option are known here."""
    return param.is_flag or param.name in OWN or param.name in ("columns", "sort", "value")


LAYERS = ["conv out_channels=8 kernel_size=3", "max_pool kernel_size=2", "linear out_features=3"]
"""Layers that fit what `layer` reads by default."""


def right(rng: random.Random) -> list[str]:
    """A line whose words are all right; they may still not go together."""
    name = command(rng)
    words = [name]
    for param in _made(name).params:
        if param.param_type_name == "option":
            continue
        if name == "layer":
            if len(words) > 1:
                continue
            words += [*rng.choice(LAYERS).split(), "--input", "32x32x3"]
        elif name == "embed":
            words.append("doc.md")
        elif param.nargs != -1 or param.required or rng.random() < 0.5:
            word = rng.choice([*MODULES]) if name == "layers" else rng.choice(SHORT)
            words.append("lenet5" if name == "verify" else word)
    if name == "check":
        words += ["--max-params", rng.choice(OWN["max_params"])]
    options = [p for p in _made(name).params if p.param_type_name == "option" and known(p)]
    for param in rng.sample(options, min(len(options), rng.choice([0, 0, 1, 2]))):
        if param.name not in _NEVER:
            words.append(param.opts[0])
            if not param.is_flag:
                own = OWN.get(param.name, [*COLUMNS])
                words.append(rng.choice(own))
    return words


def arguments(rng: random.Random, name: str, param: Any) -> list[str]:
    """The words that stand for the arguments of a command."""
    count = rng.choice([0, 1, 1, 1, 1, 2, 3]) if param.nargs == -1 else rng.choice([1, 1, 1, 1, 0])
    if name == "layer" or (name == "explain" and rng.random() < 0.2):
        fields = [f"{key}={rng.choice([1, 2, 3, 'same', '[1,2]'])}" for key in ("kernel_size",)]
        return [rng.choice([*MODULES]), *rng.sample(fields, rng.randrange(len(fields) + 1))]
    if name == "embed":
        return rng.sample(["doc.md", "doc.tex", "doc.rst", ".", "nowhere.md"], max(1, count))
    if name == "verify":
        return [rng.choice(["net.yaml", "net.json", "lenet5", "nope"]) for _ in range(count)]
    specs = [*FILES[:2]] * 3 + SHORT * 2 + [rng.choice(NETWORKS), "-", rng.choice(WORDS)]
    return [rng.choice(specs) for _ in range(count)]


def line(rng: random.Random) -> list[str]:
    """A command with arguments and a few options."""
    if rng.random() < 0.4:
        return right(rng)
    name = command(rng)
    made, words = _made(name), [name]
    for param in made.params:
        if param.param_type_name == "argument":
            words += arguments(rng, name, param)
    options = [p for p in made.params if p.param_type_name == "option" and p.name not in _NEVER]
    for param in rng.sample(options, min(len(options), rng.choice([0, 0, 1, 1, 1, 2, 4]))):
        words.append(rng.choice([*param.opts, *param.secondary_opts]))
        if not param.is_flag:
            words.append(values(rng, param))
    if rng.random() < 0.02:
        words.insert(rng.randrange(len(words) + 1), rng.choice([*WORDS, "--nope", "-h", "--"]))
    return words


_COMMANDS = [name for name in COMMANDS if name not in TRAINED]
_LONG = ("verify", "specs", "schema")
_NEVER = {"help", "stdout", "train", "all", "watch", "device"}
"""What trains, runs torch over the whole zoo, or waits."""


def prepare(rng: random.Random, number: int) -> str:
    """Write the files of a case; gives what stands on standard input."""
    _, text = case(number)
    text = text.replace("\ud800", "?")
    Path("net.yaml").write_text(text, "utf-8", errors="replace")
    Path("net.json").write_text(case(4 * number)[1], "utf-8", errors="replace")
    words = " ".join(word.replace("\n", " ").replace("\ud800", "?") for word in line(rng))
    more = str(random_item(rng, 1)).replace("\ud800", "?")
    for name, begin in (("doc.md", "<!--"), ("doc.tex", "%"), ("doc.rst", "..")):
        page = DOCUMENT.format(words=words, more=more).replace("<!--", begin)
        Path(name).write_text(page if begin == "<!--" else page.replace(" -->", ""), "utf-8")
    return text


def check(number: int) -> tuple[str, int]:
    """Run one case; its command and how it ended."""
    rng = random.Random(f"command {number}")
    stdin = prepare(rng, number)
    words = line(rng)
    start = time.process_time()
    result = cnncalc(*words, stdin=stdin.encode())
    took = time.process_time() - start
    shown = (words, result)
    assert result.code in (0, 1, 2), shown
    # torch is imported once, and runs what it verifies.
    assert took < SECONDS or words[0] == "verify", (took, *shown)
    assert all(text.isprintable() for text in result.err.split("\n")), shown
    # `show` prints a spec as it is written.
    printed = "" if words[0] == "show" else result.out
    assert all(c.isprintable() or c in "\n\t" for c in printed), shown
    assert result.code != 2 or result.err, shown
    return words[0], result.code


def run(start: int, stop: int) -> Counter[tuple[str, int]]:
    """Run cases; how often each command ended how."""
    ends = Counter[tuple[str, int]]()
    for number in range(start, stop):
        try:
            ends[check(number)] += 1
        except BaseException as error:
            error.add_note(f"case {number}")
            raise
        for left in Path().iterdir():
            if left.is_file():
                left.unlink()
    return ends


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")


def test_random_command_lines() -> None:
    ends = run(0, CASES)
    # Each command must be answered and refused, or the cases test nothing.
    for name in _COMMANDS:
        codes = {code for command, code in ends if command == name}
        assert codes & {0, 1}, (name, ends)
    assert sum(n for (_, code), n in ends.items() if code == 2) < 0.75 * CASES


@pytest.mark.slow
def test_many_random_command_lines() -> None:
    """`CNNCALC_FUZZ=40000:80000` runs a part, so that several processes share the work."""
    start, _, stop = os.environ.get("CNNCALC_FUZZ", f"{CASES}:{LONG}").partition(":")
    print(run(int(start), int(stop)))
