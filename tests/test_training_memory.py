"""The memory of training and the traffic of inference, by arithmetic written out."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from cnncalc.api import analyze
from cnncalc.errors import UsageError
from tests.command import cnncalc

LENET_SAVED = {
    # The image; for the ReLU its output, which the pooling needs too, and eight bytes an index.
    "conv1": 4 * 3 * 32 * 32,
    "conv1.relu": 4 * 6 * 28 * 28,
    "pool1": 8 * 6 * 14 * 14,
    "conv2": 4 * 6 * 14 * 14,
    "conv2.relu": 4 * 16 * 10 * 10,
    "pool2": 8 * 16 * 5 * 5,
    "flatten1": 0,
    "fc3": 4 * 400,
    "fc3.relu": 4 * 120,
    "fc4": 0,
    "fc4.relu": 4 * 84,
    "fc5": 0,
    "fc5.softmax": 4 * 10,
}


def test_lenet_keeps_each_tensor_once() -> None:
    report = analyze("lenet5")
    saved = dict(zip(report.column("name"), report.column("saved_bytes"), strict=True))
    assert saved == LENET_SAVED
    assert analyze("lenet5", batch=7).total("saved_bytes") == 7 * sum(LENET_SAVED.values())


def test_indices_do_not_shrink_with_the_dtype() -> None:
    indices = LENET_SAVED["pool1"] + LENET_SAVED["pool2"]
    values = sum(LENET_SAVED.values()) - indices
    assert analyze("lenet5", dtype="float16").total("saved_bytes") == values // 2 + indices


@pytest.mark.parametrize(
    ("optimizer", "remembered", "steps"),
    [("sgd", 0, 0), ("momentum", 1, 0), ("rmsprop", 1, 1), ("adam", 2, 1), ("adamw", 2, 1)],
)
def test_training_is_four_summands(optimizer: str, remembered: int, steps: int) -> None:
    # 62,006 parameters in ten tensors; a step counter is four bytes.
    params = 4 * 62_006
    state = remembered * params + steps * 10 * 4
    report = analyze("lenet5", optimizer=optimizer)
    assert report.total("optimizer_bytes") == state
    assert report.total("training_bytes") == 2 * params + state + sum(LENET_SAVED.values())


def test_the_option_shows_the_sum() -> None:
    out = cnncalc("table", "lenet5", "--optimizer", "adam").out
    assert (
        "training bytes: 248,024 parameters + 248,024 gradients + 496,088 of adam's state + "
        "57,272 saved for backward." in out
    )
    assert out.splitlines()[2].endswith("training bytes")
    total = json.loads(cnncalc("table", "lenet5", "--optimizer", "adam", "-f", "json").out)
    assert total["totals"]["training_bytes"] == 248_024 * 2 + 496_088 + 57_272


def test_an_unknown_optimizer() -> None:
    with pytest.raises(UsageError) as caught:
        analyze("lenet5", optimizer="adamm").column("saved_bytes")
    assert str(caught.value) == "no such optimizer: adamm; did you mean adam?"
    done = cnncalc("table", "lenet5", "--optimizer", "lion")
    assert (done.code, done.err) == (
        2,
        "no such optimizer: lion; there are sgd, momentum, rmsprop, adam, adamw\n",
    )


def test_what_is_before_the_first_trained_layer_keeps_nothing() -> None:
    spec = {
        "input": {"features": 5},
        "layers": ["relu", "sigmoid", {"linear": 3}, "relu"],
    }
    assert list(analyze(spec).column("saved_bytes")) == [0, 0, 4 * 5, 4 * 3]


def test_intensity_is_work_by_traffic() -> None:
    report = analyze("lenet5")
    # conv1: 705,600 FLOPs on 3,072 values in, 4,704 out and 456 parameters, four bytes each.
    assert report.column("bytes_moved")[0] == 4 * (3072 + 4704 + 456)
    assert report.column("intensity")[0] == Fraction(705_600, 4 * (3072 + 4704 + 456))
    # Its ReLU reads and writes 4,704 values more.
    row = next(
        r
        for r in cnncalc("table", "lenet5", "--columns", "name,intensity").out.split("\n")
        if r.startswith("conv1")
    )
    assert row.split()[1] == f"{705_600 / (4 * (3072 + 4704 + 456 + 2 * 4704)):.2f}"
    flatten = list(report.column("name")).index("flatten1")
    assert report.column("bytes_moved")[flatten] == 0
    assert report.column("intensity")[flatten] is None


def test_a_batch_moves_more_values_and_the_same_weights() -> None:
    report = analyze("lenet5", batch=7)
    assert report.column("bytes_moved")[0] == 4 * (7 * (3072 + 4704) + 456)
    assert report.column("intensity")[0] == Fraction(7 * 705_600, 4 * (7 * (3072 + 4704) + 456))
    # fc5, 84 → 10: nearly all that it moves for one image are its 850 parameters.
    last = list(report.column("name")).index("fc5")
    assert report.column("bytes_moved")[last] == 4 * (7 * (84 + 10) + 850)


def test_a_product_keeps_its_factors_and_the_products_between() -> None:
    pools = [[{"max_pool": size}] for size in ([2, 1], [1, 3], [2, 3])]
    conv = {"conv": {"out_channels": 4, "kernel_size": 1}}
    spec = {
        "input": {"height": 2, "width": 3, "channels": 5},
        "layers": [conv, {"multiply": pools, "name": "product"}],
    }
    report = analyze(spec)
    saved = dict(zip(report.column("name"), report.column("saved_bytes"), strict=True))
    # Factors of 4 × 1×3, 4 × 2×1 and 4 × 1×1, and the product of the first two, 4 × 2×3.
    assert saved["product"] == 4 * 4 * (3 + 2 + 1 + 6)
