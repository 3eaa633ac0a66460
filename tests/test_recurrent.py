"""Recurrent networks whose parameters are published, as Keras counts them; and many steps."""

from __future__ import annotations

import time
from typing import Any

import cnncalc

IMDB: dict[str, Any] = {
    "input": {"length": 200},
    "layers": [
        {"embedding": {"num_embeddings": 20_000, "embedding_dim": 128}},
        {"lstm": {"hidden_size": 64, "bidirectional": True}},
        {"lstm": {"hidden_size": 64, "bidirectional": True, "return_sequences": False}},
        {"linear": {"out_features": 1, "activation": "sigmoid"}},
    ],
}
SHAKESPEARE: dict[str, Any] = {
    "input": {"length": 100},
    "layers": [
        {"embedding": {"num_embeddings": 66, "embedding_dim": 256}},
        {"gru": 1024},
        {"linear": {"out_features": 66, "position_wise": True}},
    ],
}


def test_keras_example_of_film_reviews() -> None:
    """keras.io, "Bidirectional LSTM on IMDB" (Chollet, 2020): the summary that it prints."""
    report = cnncalc.analyze(IMDB, params_as="keras")
    assert report.column("params") == [2_560_000, 98_816, 98_816, 129, 0]
    assert report.total("params") == 2_757_761
    assert report.column("output")[1:3] == [[128, 200], [128]]
    # Torch has a second bias for each of 4 gates of 64, in both directions of both layers.
    assert cnncalc.analyze(IMDB).total("params") == 2_757_761 + 2 * 2 * 4 * 64
    assert "one bias for each number of a gate" in str(report.remarks["params"])


def test_tensorflows_text_generation() -> None:
    """tensorflow.org, "Text generation with an RNN": a GRU has the same biases in both."""
    for params_as in ("keras", None):
        report = cnncalc.analyze(SHAKESPEARE, params_as=params_as)
        assert report.column("params") == [16_896, 3_938_304, 67_650]
        assert report.total("params") == 4_022_850
    # Before the product, the reset gate leaves no place for a second bias.
    before = {"gru": {"hidden_size": 1024, "reset_after": False}}
    report = cnncalc.analyze({"input": {"length": 100, "channels": 256}, "layers": [before]})
    assert report.total("params") == 3_938_304 - 3 * 1024
    assert report.total("biases") == 3 * 1024


def test_a_billion_steps_take_no_longer() -> None:
    start = time.perf_counter()
    report = cnncalc.analyze({**SHAKESPEARE, "input": {"length": 10**9}})
    assert report.column("macs")[1] == 10**9 * 3 * 1024 * (256 + 1024)
    assert time.perf_counter() - start < 2
