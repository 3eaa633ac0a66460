"""What a spec says of a layer's input: right, it changes nothing; wrong, it is refused."""

from __future__ import annotations

from typing import Any

import pytest

import cnncalc
from cnncalc.layers import MODULES, layer_class
from cnncalc.meanings import COLUMNS
from cnncalc.spec.assertions import assertions_of
from tests.command import cnncalc as run


def spec(*layers: Any, **more: Any) -> dict[str, Any]:
    return {"input": {"height": 9, "width": 7, "channels": 4}, "layers": list(layers), **more}


# In 9×7×4; what is right, and what is said where 5 is told.
FC = {"out_features": 3}
CONV = {"out_channels": 8, "kernel_size": 3}
TOKENS = [{"reshape": [4, -1]}]
VECTOR = ["flatten", "relu", {"dropout": 0.5}]
CASES: list[tuple[list[Any], str, dict[str, Any], str, Any, str]] = [
    ([], "conv", CONV, "in_channels", 4, "in_channels is 5, but 4 channels arrive (9×7×4)"),
    ([], "depthwise_conv", {"kernel_size": 3}, "in_channels", 4, "but 4 channels arrive"),
    ([], "separable_conv", CONV, "in_channels", 4, "but 4 channels arrive"),
    ([], "locally_connected", CONV, "in_channels", 4, "but 4 channels arrive"),
    ([], "conv_transpose", CONV, "in_channels", 4, "but 4 channels arrive"),
    ([], "batch_norm", {}, "num_features", 4, "num_features is 5, but 4 channels arrive"),
    ([], "instance_norm", {}, "num_features", 4, "num_features is 5, but 4 channels arrive"),
    ([], "group_norm", {"num_groups": 2}, "num_channels", 4, "num_channels is 5, but 4 channels"),
    ([], "layer_norm", {}, "normalized_shape", 4, "is [5], but [4] is normalised together"),
    ([], "rms_norm", {"over": "all"}, "normalized_shape", [4, 9, 7], "is [5], but [4, 9, 7] is"),
    (TOKENS, "multi_head_attention", {"num_heads": 2}, "embed_dim", 4, "4 channels arrive (63×4)"),
    # 9·7·4 = 252.
    (["flatten"], "linear", FC, "in_features", 252, "is 5, but 252 values arrive (9·7·4)"),
    (["flatten"], "rbf", {"out_features": 3}, "in_features", 252, "but 252 values arrive (9·7·4)"),
    (["flatten"], "batch_norm", {}, "num_features", 252, "but 252 values arrive (9·7·4)"),
    ([], "linear", {**FC, "position_wise": True}, "in_features", 4, "but 4 channels arrive"),
    ([], "max_pool", {"kernel_size": 2}, "input_shape", [9, 7, 4], "is [5], but 9×7×4 arrives"),
    ([], "conv", CONV, "input_shape", [None, 7, 4], "is [5], but 9×7×4 arrives"),
    ([], "relu", {}, "input_dim", 4, "input_dim is 5, but 4 channels arrive"),
    (VECTOR, "linear", FC, "input_dim", 252, "but 252 values arrive (9·7·4)"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "word", "fields", "name", "right", "says"), CASES)
def test_right_is_silent_and_wrong_says_what_arrives(
    before: list[Any], word: str, fields: dict[str, Any], name: str, right: Any, says: str
) -> None:
    plain = cnncalc.analyze(spec(*before, {word: fields}))
    told = cnncalc.analyze(spec(*before, {word: {**fields, name: right}}))
    for key in COLUMNS:
        if key not in ("count", "alive"):
            assert told.column(key) == plain.column(key), key
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.analyze(spec(*before, {word: {**fields, name: 5}}))
    assert says in str(caught.value)
    assert len(caught.value.report.column("name")) == len(before)


def test_the_question_of_the_forums() -> None:
    # LeNet-5 on 1200×800: (((1200 − 4)/2 − 4)/2 = 297, 197, 16 maps; 400 = 5·5·16 is of 32×32.
    layers = [
        {"conv": {"in_channels": 3, "out_channels": 6, "kernel_size": 5}},
        {"max_pool": 2},
        {"conv": {"in_channels": 6, "out_channels": 16, "kernel_size": 5}},
        {"max_pool": 2},
        "flatten",
        {"linear": {"in_features": 400, "out_features": 120}},
    ]
    size = {"height": 1200, "width": 800, "channels": 3}
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.analyze({"input": size, "layers": layers})
    assert str(caught.value) == (
        "layers[5].linear: fc1: in_features is 400, but 936,144 values arrive (297·197·16); the "
        "smallest input that fits is 32×32"
    )
    report = cnncalc.analyze({"input": {**size, "height": 32, "width": 32}, "layers": layers})
    assert report.total("params") == 456 + 2_416 + 48_120


def test_values_may_be_formulas_and_stand_in_blocks() -> None:
    unit = {"args": {"c": None}, "layers": [{"conv": {**CONV, "in_channels": "=c"}}]}
    blocks = {"unit": unit}
    variables = {"width": 2}
    right = spec({"unit": "=2*width"}, {"unit": 8}, vars=variables, blocks=blocks)
    # 4·8·9 + 8, 8·8·9 + 8.
    assert cnncalc.analyze(right).column("params") == [296, 584]
    wrong = spec({"unit": 4}, {"unit": 4}, {"unit": 8}, vars=variables, blocks=blocks)
    with pytest.raises(cnncalc.SpecError, match=r"unit2\.conv1: in_channels is 4, but 8 channels"):
        cnncalc.analyze(wrong)
    with pytest.raises(cnncalc.SpecError, match="no such variable: c"):
        cnncalc.load(spec({"conv": {**CONV, "in_channels": "=c"}}))


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("in_channels", 0, "must be a whole number of at least 1, not 0"),
        ("in_channels", "three", 'must be a whole number of at least 1, not "three"'),
        ("in_channels", [3], "must be a whole number of at least 1, not a list"),
        ("in_channels", True, "must be a whole number of at least 1, not true"),
        ("input_dim", None, "must be a whole number of at least 1, not null"),
        ("input_shape", [9, 0, 3], "must be a list of whole numbers of at least 1, null where"),
        ("input_shape", [], "not an empty list"),
        ("in_features", 3, "no such field of conv; it follows from the input: leave it out"),
    ],
)
def test_what_is_no_size_is_refused(field: str, value: Any, says: str) -> None:
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.load(spec({"conv": {**CONV, field: value}}))
    assert f"conv1.{field}: " in str(caught.value)
    assert says in str(caught.value)


def test_torch_order_of_a_layer_norm_over_all() -> None:
    layer = {"layer_norm": {"normalized_shape": [4, 9, 7]}}
    with pytest.raises(cnncalc.SpecError, match="is normalised together; set over to all"):
        cnncalc.analyze(spec(layer))


def test_they_are_shown_and_no_difference(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "in_channels" in run("layers", "conv").out
    told = cnncalc.load(spec({"conv": {**CONV, "in_channels": 4}}))
    assert not cnncalc.diff(told, cnncalc.load(spec({"conv": CONV}))).differs
    assert "in_channels" not in assertions_of(layer_class("max_pool"))
    for word in MODULES:
        cls = layer_class(word)
        # No field has the name of an assertion.
        assert not set(cls.model_fields) & set(assertions_of(cls))
