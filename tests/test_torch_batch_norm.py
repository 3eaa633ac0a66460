"""A batch normalisation whose scale or shift stands alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional

import cnncalc
from cnncalc.infer import infer
from cnncalc.layers.norm import BatchNorm
from cnncalc.training.distributed import GlobalBatchNorm, normalise_together
from tests.strategies import spec_of


def test_inception_of_keras_has_no_scales() -> None:
    """Its summary says: 23,817,352 trainable, 34,432 not. torchvision's, with scales, has
    23,834,568 without its auxiliary head."""
    graph = cnncalc.load("inception_v3")
    shift = BatchNorm(affine="shift", eps=1e-3)
    nodes = tuple(
        node._replace(layer=shift) if isinstance(node.layer, BatchNorm) else node
        for node in graph.nodes
    )
    resting = graph.only_auxiliary()
    with_scales, without = (
        [fact for fact in infer(g) if fact.node.name not in resting]
        for g in (graph, graph._replace(nodes=nodes))
    )
    assert sum(fact.params for fact in with_scales) == 23_834_568
    assert sum(fact.params for fact in without) == 23_817_352
    norms = [fact for fact in without if fact.node.layer is shift]
    assert sum(fact.buffers for fact in norms) == 34_432 + len(norms)


@pytest.mark.parametrize("affine", ["scale", "shift"])
@pytest.mark.parametrize("training", [False, True])
def test_values_are_those_of_torchs_function(affine: str, training: bool) -> None:
    torch.manual_seed(0)
    twin: Any = cnncalc.build(spec_of({"batch_norm": {"affine": affine}}, (3, 4, 5)))
    (trained,) = twin.parameters()
    torch.nn.init.uniform_(trained, 1, 2)
    weight, bias = (trained, None) if affine == "scale" else (None, trained)
    assert next(iter(twin.state_dict())) == f"bn1.{'weight' if affine == 'scale' else 'bias'}"
    x = torch.randn(2, 3, 4, 5)
    expected = functional.batch_norm(x, torch.zeros(3), torch.ones(3), weight, bias, training)
    torch.testing.assert_close(twin.train(training)(x), expected)


@pytest.mark.parametrize("affine", [True, False, "scale", "shift"])
def test_several_processes_keep_what_is_trained(
    affine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one process that adds up nothing it is the same layer."""
    monkeypatch.setattr(GlobalBatchNorm, "_total", lambda self, x: x)
    torch.manual_seed(0)
    twin: Any = cnncalc.build(spec_of({"batch_norm": {"affine": affine}}, (3, 4, 5)))
    for parameter in twin.parameters():
        torch.nn.init.uniform_(parameter, 1, 2)
    x = torch.randn(6, 3, 4, 5)
    alone = twin(x)
    normalise_together(twin, None, "cpu")  # type: ignore[arg-type]
    assert isinstance(twin.bn1, GlobalBatchNorm)
    torch.testing.assert_close(twin(x), alone)
