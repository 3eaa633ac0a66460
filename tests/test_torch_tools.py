"""`--count-as` against the tools themselves, on our twins of networks of all families."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import cnncalc
from cnncalc.analysis.tools import CONVENTIONS
from cnncalc.api import analyze, reconcile
from tests.tools import NETWORKS, RECURRENT, TOOLS, recurrent

ROOT = Path(__file__).parent.parent
# Where a tool prints something else than it means; docs/counting.md explains each.
FAULTS = {
    *((tool, "vit_b_32") for tool in ("fvcore", "torchinfo", "ptflops", "thop")),
    *((tool, "vit_b_32") for tool in ("calflops", "calflops-flops")),
    ("torchinfo", "convnext_tiny"),
    *((tool, name) for tool in ("torchinfo", "thop") for name in ("unet", "dcgan-generator")),
    *(("calflops-flops", name) for name in ("unet", "fcn_resnet50")),
}
# Tools print the same for torchvision's module, but for the table in docs/counting.md.
SAME = [
    *("resnet18", "alexnet", "squeezenet1_0", "mobilenet_v3_small", "efficientnet_b0"),
    *("regnet_y_400mf", "vit_b_16"),
]


def printed_by(tool: str, *networks: str) -> dict[str, dict[str, int]]:
    """What a tool prints, by network and word of `--count-as`."""
    command = [sys.executable, "-m", "tests.tools", tool, *networks]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    prints: dict[str, dict[str, int]] = json.loads(done.stdout)
    words = {word for word in CONVENTIONS if word.partition("-")[0] == tool}
    assert all(set(counts) == words for counts in prints.values())
    return prints


@pytest.mark.parametrize("tool", TOOLS)
def test_the_same_as_the_tool(tool: str) -> None:
    prints = printed_by(tool)
    assert list(prints) == [*NETWORKS, *RECURRENT]
    ours: dict[str, dict[str, int]] = {}
    for network, shape in NETWORKS.items():
        graph = cnncalc.load(network).with_input(shape)
        for word in prints[network]:
            total = analyze(graph, count_as=word).total("count")
            (count,) = reconcile(graph, word).counts
            faulty = (word, network) in FAULTS
            assert (total, bool(count.errors)) == (count.total, faulty)
            ours.setdefault(network, {})[word] = count.printed if faulty else total
    for network in RECURRENT:
        graph = recurrent(network)
        for word in prints[network]:
            (count,) = reconcile(graph, word).counts
            ours.setdefault(network, {})[word] = count.printed
    assert ours == prints


def test_every_tool_is_asked() -> None:
    # Papers are no program.
    assert {*TOOLS, "paper"} == {word.partition("-")[0] for word in CONVENTIONS}


def documented() -> dict[tuple[str, str], list[int]]:
    """By network and word: torchvision's module, our twin, the difference."""
    page = ROOT / "docs" / "counting.md"
    table = page.read_text(encoding="utf-8").partition("### On torchvision's own modules")[2]
    cells = re.findall(r"(?m)^\| `(\S+)` \| `(\S+)` \|(.*?)\|(.*?)\|(.*?)\|", table)
    numbers = {
        (a, b): [int(re.sub("[ ,+]", "", n).replace("−", "-")) for n in c] for a, b, *c in cells
    }
    assert len(numbers) == len(cells) > 0
    return numbers


def test_documented_differences_are_those_to_our_twins() -> None:
    for (network, word), (theirs, ours, difference) in documented().items():
        assert theirs - ours == difference
        assert reconcile(network, word).counts[0].printed == ours


@pytest.mark.slow
@pytest.mark.parametrize("tool", TOOLS)
def test_what_tools_print_for_torchvisions_own_modules(tool: str) -> None:
    rows = documented()
    networks = [*SAME, *dict.fromkeys(network for network, _ in rows)]
    for network, counts in printed_by(tool, *networks).items():
        for word, printed in counts.items():
            theirs, *_ = rows.get((network, word), [reconcile(network, word).counts[0].printed])
            assert (network, word, printed) == (network, word, theirs)
