"""What torch found beside what the report says: which numbers agree, and each that does not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from cnncalc.layers.base import Shape
from cnncalc.presented import Presented
from cnncalc.report import Report
from cnncalc.tables.table import notices

Aspect = Literal["output", "params", "macs", "connections", "reads", "saved", "gradients"]
"""What is compared of each layer."""
COMPARED: dict[Aspect, str] = {
    "output": "shapes of outputs",
    "params": "names and shapes of parameters and buffers",
    "macs": "MACs and FLOPs, by FlopCounterMode",
    "connections": "connections, each pair of values by itself",
    "reads": "receptive fields, their strides and paddings, by what moves where one row moves",
    "saved": "bytes saved for backward",
    "gradients": "whether gradients are finite",
}
NOT_COMPARED = (
    "elementwise operations",
    "working sets",
    "bytes moved",
    "optimizer state",
    "values and the side of padding",
)
"""What nobody asks torch for. The twin is made from a layer's fields: it has the same side."""
AS_ASKED = "as asked"
"""Why there is no real run where none was wanted."""
Value = Shape | int | Fraction | str | None


class Difference(NamedTuple):
    """One number that is not what the report says; `layer` is empty for the whole network."""

    layer: str
    aspect: Aspect
    what: str
    expected: Value
    found: Value

    def to_dict(self) -> dict[str, Any]:
        """The difference as JSON has it; a fraction as text."""
        found = str(self.found) if isinstance(self.found, Fraction) else self.found
        return {**self._asdict(), "layer": self.layer or None, "found": found}


class Step(NamedTuple):
    """A real forward and backward, as far as it came."""

    device: str
    saved: tuple[int | None, ...]
    """Bytes that each layer is the first to keep for backward."""
    exact: bool
    """Whether they must be what the report says; kernels of other devices keep other tensors."""
    peak: int | None
    """The most bytes that the allocator of a CUDA device gave out."""

    def kept(self, layers: Iterable[int]) -> int | None:
        """Bytes that some layers keep together; None where one did not run."""
        saved = [self.saved[layer] for layer in layers]
        return None if None in saved else sum(filter(None, saved))


@dataclass(frozen=True)
class Verification(Presented):
    """A network's report, and for each layer whether torch agrees: None where it did not look."""

    report: Report
    batch: int
    spec_inputs: Mapping[str, Shape]
    """The shapes that the spec says, where another was used."""
    tensors: int
    """How many trained tensors and buffers torch has."""
    saved: tuple[int, ...]
    """Bytes that each layer keeps for backward, as predicted for the batch."""
    training_bytes: int
    """Parameters, gradients and what is saved, as predicted for the batch."""
    marks: Mapping[Aspect, Sequence[bool | None]]
    """By what is compared; what was not looked at at all has none."""
    differences: tuple[Difference, ...]
    step: Step | None
    skipped: str
    """Why there was no step."""
    torch: str
    """Its version."""
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether torch agrees with every number that it was asked for."""
        return not self.differences

    def unseen(self) -> dict[Aspect, int]:
        """What is compared, by the layers of which it was not; none where it was of all."""
        trained = [trained > 0 for trained in self.report.column("trainable")]
        found = dict.fromkeys(COMPARED, len(trained))
        for aspect, marks in self.marks.items():
            missing = [mark is None for mark in marks]
            if aspect == "gradients":
                # Layers without trained tensors have no gradients.
                missing = [a and b for a, b in zip(missing, trained, strict=True)]
            found[aspect] = sum(missing)
        return {aspect: layers for aspect, layers in found.items() if layers}

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON has it: raw numbers, channels first, every layer."""
        report, step = self.report, self.step
        keys = {"name": "name", "output_shape": "output", "params": "params", "macs": "macs"}
        columns = {key: report.column(column) for key, column in keys.items()}
        columns["saved_bytes"] = self.saved
        columns["saved_bytes_measured"] = step.saved if step else (None,) * len(self.saved)
        columns["agrees"] = [
            {aspect: marks[index] for aspect, marks in self.marks.items()}
            for index in range(len(self.saved))
        ]
        layers = [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ]
        run = step and {
            "device": step.device,
            "batch": self.batch,
            "saved_bytes": sum(self.saved),
            "saved_bytes_measured": step.kept(range(len(step.saved))),
            "saved_bytes_exact": step.exact,
            "training_bytes": self.training_bytes,
            "peak_allocated_bytes": step.peak,
        }
        return {
            "name": report.name,
            "asked": report.asked.to_dict(),
            "ok": self.ok,
            "torch": self.torch,
            "seconds": round(self.seconds, 3),
            "inputs": list(report.inputs),
            "inputs_of_spec": {name: list(shape) for name, shape in self.spec_inputs.items()}
            or None,
            "totals": {
                "layers": len(layers),
                "tensors": self.tensors,
                "params": report.total("params"),
                "macs": report.total("macs"),
            },
            "compared": [what for aspect, what in COMPARED.items() if aspect in self.marks],
            "not_compared": list(NOT_COMPARED),
            "not_checked": {COMPARED[aspect]: layers for aspect, layers in self.unseen().items()},
            "run": run,
            "not_run": self.skipped or None,
            "differences": [difference.to_dict() for difference in self.differences],
            "warnings": [notice.to_dict() for notice in notices(report)],
            "layers": layers,
        }
