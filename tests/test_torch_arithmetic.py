"""Constants and functions: values of torch's functions, gradients' tensors, and Keras' layers."""

from __future__ import annotations

import os
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"

import keras
import pytest
import torch

import cnncalc
from tests.strategies import spec_of
from tests.test_keras_export import executed, export

X = torch.linspace(0.1, 3, 2 * 3 * 4).view(2, 3, 4)
KINDS = ["abs", "sqrt", "exp", "log", "square", "sin", "cos", "neg", "reciprocal"]


@pytest.mark.parametrize("kind", KINDS)
def test_functions_are_torchs(kind: str) -> None:
    spec = spec_of({"function": kind}, (3, 4))
    twin: Any = cnncalc.build(spec)
    expected = getattr(torch, kind)(X)
    torch.testing.assert_close(twin(X), expected)
    model = executed(export(cnncalc.load(spec)))
    torch.testing.assert_close(model(X.mT).mT, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_what_gradients_keep(kind: str) -> None:
    """To the byte; behind a trained layer, whose input is positive."""
    layers = ["layer_norm", {"function": "exp"}, {"function": kind}]
    spec = {"name": "one", "input": {"length": 4, "channels": 3}, "layers": layers}
    assert cnncalc.verify(spec).differences == ()


def test_a_clamp_has_one_bound_or_two() -> None:
    for bounds in ({"min": 1}, {"max": 2}, {"min": 1, "max": 2}):
        twin: Any = cnncalc.build(spec_of({"function": {"kind": "clamp", **bounds}}, (3, 4)))
        torch.testing.assert_close(twin(X), X.clamp(**bounds))


def test_scale_is_keras_rescaling() -> None:
    spec = spec_of({"scale": {"factor": [0.5, 2, -1], "offset": [1, 0, -3]}}, (3, 4))
    twin: Any = cnncalc.build(spec)
    given = keras.layers.Rescaling([0.5, 2.0, -1.0], [1.0, 0.0, -3.0])(X.mT).mT
    torch.testing.assert_close(twin(X), given)
    torch.testing.assert_close(executed(export(cnncalc.load(spec)))(X.mT).mT, given)


def test_what_changes_nothing_costs_nothing() -> None:
    spec = spec_of("scale", (3, 4))
    twin: Any = cnncalc.build(spec)
    assert twin(X) is X
    assert cnncalc.analyze(spec).total("elementwise") == 0


def test_a_gradient_that_no_number_has_says_nothing() -> None:
    """Half of what is drawn at random is negative and has no root."""
    layers = [{"linear": 5}, {"function": "sqrt"}]
    found = cnncalc.verify({"name": "root", "input": {"features": 4}, "layers": layers})
    assert found.differences == ()
    assert set(found.marks["gradients"]) == {None}
