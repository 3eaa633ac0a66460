"""Writes docs/zoo.md: every bundled network, our figures beside the published ones.

python -m tests.zoo_page
"""

from __future__ import annotations

import csv
from pathlib import Path

from cnncalc.amounts import shape_text
from cnncalc.api import analyze
from cnncalc.spec.bundled import networks, plain_name

TRUTH = Path(__file__).parent / "truth"
PAGE = Path(__file__).parent.parent / "docs" / "zoo.md"

_TOP = """\
# The zoo

Every bundled network: `cnncalc table NAME` prints it, `cnncalc show NAME` its spec. Made by
`python -m tests.zoo_page`; a test keeps it current. MACs and parameters are compared with what was
published, at its precision, by the tests; where both are torchvision's, parameters to the unit.

* **Receptive field** of the last map, along height (or length); `all` is the whole input, as behind
  squeeze-and-excitation and attention.
* **Peak**: the peak memory of inference at float32, batch 1, in MiB, weights left out.
* **Published**: torchvision's are those of its weights' metadata, parameters exactly and MACs in
  units of 10⁹.

| network | input | parameters | MACs | activations | receptive field | peak MiB | published parameters | published MACs | source |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |
"""
_BOTTOM = """
## Where published figures disagree

| network | figures | why |
| --- | --- | --- |
| ResNet-50 | 3.8, 3.87, 4.09 and 4.11 G | the paper puts a stage's stride into the first 1×1 (`resnet50-v1`: 3.858 G, printed as 3.8; a table of topologies by Gschwend has 3.87, by a count that it does not state); torchvision puts it into the 3×3 (`resnet50`: 4.089 G); with two operations for each normalised value, as fvcore counts, that is 4.11 |
| GoogLeNet | 6.8 M and 7.0 M parameters, 1.5 to 1.6 G | table 1 of the paper prints counts in units of 1,024, and in several rows not those of the widths that it states; torchvision's has 3×3 where the paper has 5×5 |
| AlexNet | 60,965,224, 61,100,840 and 62.4 M parameters | two groups (2012), one tower with other widths (torchvision), one tower with the widths of 2012 |
| Inception v3 | 27,161,264 and 23.8 M parameters | with and without the auxiliary head, which only training uses: its parameters are stored, its MACs not done |
| FCN and DeepLabV3 | 152.7 and 142.7 G; 178.7 and 168.7 G | torchvision runs the auxiliary head too, 9.991 G; here it is a part of its own, and its parameters are in the total |
| GoogLeNet of torchvision | 13.0 M and 6.6 M parameters | with and without both auxiliary heads |
| MobileNetV1 | 317, 233, 162 and 104 M at width 0.75; 34 M at 0.25 and 192 | the page of TF-slim errs: arithmetic gives 325.4, 239.3, 166.4 and 106.8, and 30.2; the paper's own table has 325 |
| Xception | 22,855,952 and 22,910,480 parameters | Keras counts the moving means and variances, which are not trained |
"""


def page() -> str:
    """The whole page."""
    return _TOP + "".join(map(_row, networks())) + _notes() + _BOTTOM


def _row(name: str) -> str:
    report = analyze(name)
    shapes, fields = report.column("output"), report.column("receptive_field")
    # Of the last map: behind it there are no positions any more.
    rows = zip(shapes[::-1], fields[::-1], strict=True)
    field = next((f[0] for s, f in rows if max(s[1:], default=1) > 1 and f), "all")
    params, macs, source = _published(name)
    cells = [
        f"`{name}`",
        shape_text(report.inputs[0]["shape"]),
        f"{report.total('params'):,}",
        f"{report.total('macs'):,}",
        f"{report.total('activations'):,}",
        f"{field:,}" if isinstance(field, int) else "all",
        f"{report.total('peak_memory') / 2**20:.1f}",
        params,
        macs,
        source,
    ]
    return f"| {' | '.join(cells)} |\n"


def _published(name: str) -> tuple[str, str, str]:
    """Parameters, MACs and source as they were printed."""
    for row in _rows("zoo_published.csv"):
        if row["network"] == name:
            return row["params"] or "–", row["macs"] or "–", row["source"]
    torchvision = plain_name(name).removesuffix("-torchvision")
    # Weights trained at another resolution come behind the usual ones.
    rows = sorted(_rows("09_torchvision_models.csv"), key=lambda row: "SWAG" in row["weights"])
    for row in rows:
        if plain_name(row["builder"]) == torchvision:
            weights = row["weights"].split(".")[-1]
            return f"{int(row['num_params']):,}", f"{row['ops_G']} G", f"torchvision, {weights}"
    return "–", "–", "–"


def _notes() -> str:
    noted = [row for row in _rows("zoo_published.csv") if row["note"]]
    return "\n" + "".join(f"* `{row['network']}`: {row['note']}.\n" for row in noted)


def _rows(name: str) -> list[dict[str, str]]:
    with (TRUTH / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
