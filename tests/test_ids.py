"""Inputs of whole numbers, such as ids of tokens: what reads them, what shows them, what they cost.

The network is the one-layer CNN for sentences of Kim, "Convolutional Neural Networks for Sentence
Classification" (EMNLP 2014, section 3), with one width of filters: n words, vectors of k, h words a
filter, 100 maps, the largest of each.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

import cnncalc
from cnncalc.ask.compare_fc import CompareFc
from cnncalc.errors import CnncalcError, SpecError, UsageError
from cnncalc.layers.base import Ids
from tests.command import cnncalc as run

WORDS, LENGTH, DIM, MAPS = 20_000, 50, 300, 100
EMBEDDING: dict[str, Any] = {"embedding": {"num_embeddings": WORDS, "embedding_dim": DIM}}
TEXT: dict[str, Any] = {
    "name": "kim",
    "input": {"length": LENGTH},
    "layers": [
        EMBEDDING,
        {"conv": {"out_channels": MAPS, "kernel_size": 3, "activation": "relu"}},
        "global_max_pool",
        {"linear": 2},
    ],
}

STDIN = json.dumps(TEXT).encode()


def test_sizes_and_costs() -> None:
    report = cnncalc.analyze(TEXT)
    assert report.column("output") == [[DIM, 50], [MAPS, 48], [MAPS, 48], [MAPS], [2]]
    assert report.total("params") == WORDS * DIM + (3 * DIM + 1) * MAPS + (MAPS + 1) * 2
    assert report.total("macs") == 48 * MAPS * 3 * DIM + MAPS * 2
    assert report.inputs == ({"name": "input", "shape": [50], "activations": 50, "dtype": "int64"},)
    assert report.column("receptive_field")[:2] == [[1], [3]]


def test_ids_have_eight_bytes_whatever_the_dtype() -> None:
    for dtype, size in (("float32", 4), ("float16", 2), ("int8", 1)):
        report = cnncalc.analyze(TEXT, batch=3, dtype=dtype)
        ids, vectors, maps = 3 * 50 * 8, 3 * 50 * DIM * size, 3 * 48 * MAPS * size
        # The input is dead behind the embedding.
        assert report.column("peak_memory")[:2] == [ids + vectors, vectors + maps]
        # A row of the table for each id, and as many values out.
        assert report.column("bytes_moved")[0] == ids + 2 * vectors
        assert report.column("saved_bytes")[0] == ids


def test_no_row_of_a_table_is_moved_twice() -> None:
    small = {**TEXT, "layers": [{"embedding": {"num_embeddings": 7, "embedding_dim": 2}}]}
    assert cnncalc.analyze(small).column("bytes_moved") == [50 * 8 + 50 * 2 * 4 + 7 * 2 * 4]


def test_the_table_and_another_length() -> None:
    assert run("table", "-", stdin=STDIN).out.splitlines()[4].split() == [*("input", "50", "(50)")]
    assert run("table", "-", "--input", "20", "--value", "macs", stdin=STDIN).out == (
        f"{18 * MAPS * 3 * DIM + MAPS * 2}\n"
    )
    named = {key: value for key, value in TEXT.items() if key != "input"}
    graph = cnncalc.load({**named, "inputs": {"words": TEXT["input"]}})
    assert cnncalc.analyze(graph, input=(20,)).inputs[0]["shape"] == [20]


def test_one_layer_without_a_file() -> None:
    fields = ["num_embeddings=100", "embedding_dim=8"]
    assert run("layer", "embedding", *fields, "--input", "12").out.splitlines()[5].split()[:4] == [
        *("embedding1", "embedding", "100×8", "12×8")
    ]
    refused = run("layer", "embedding", *fields)
    assert refused.code == 2
    assert "embedding reads whole numbers, not 32×32×3 values" in refused.err


def test_several_inputs_and_a_shared_table() -> None:
    spec = {
        "name": "two",
        "inputs": {"left": {"length": 9}, "right": {"length": 9}},
        "layers": [
            {"embedding": {"num_embeddings": 30, "embedding_dim": 4}, "name": "a", "from": "left"},
            {
                "embedding": {"num_embeddings": 30, "embedding_dim": 4},
                "name": "b",
                "from": "right",
                "weights_of": "a",
            },
            {"concat": None, "from": ["a", "b"]},
        ],
    }
    report = cnncalc.analyze(spec)
    assert report.column("params") == [120, 0, 0]
    assert report.column("output")[-1] == [8, 9]


LIST = [
    ({"length": 12}, ["flatten"], "flatten1: flatten reads values, and 12 without channels"),
    ({"length": 12}, [{"conv": {"out_channels": 1, "kernel_size": 1}}], "put an embedding before"),
    ({"length": 12}, [{"add": [[], []]}], "add reads values"),
    ({"features": 12}, [EMBEDDING], "embedding reads whole numbers, not 12 values"),
    ({"length": 12, "channels": 3}, [EMBEDDING], "reads whole numbers, not 12×3 values"),
    ({"length": 12}, [EMBEDDING, EMBEDDING], "embedding2: embedding reads whole numbers"),
    (
        {"length": 12},
        [{"embedding": {"num_embeddings": 5, "embedding_dim": 2, "padding_idx": 5}}],
        "padding_idx 5 is beyond the 5 ids, counted from 0",
    ),
    ({"length": 12}, ["embedding"], "embedding needs it: how many ids there are"),
]


@pytest.mark.parametrize(("input", "layers", "sentence"), LIST, ids=[s for *_, s in LIST])
def test_only_embeddings_read_ids_and_nothing_else(input: Any, layers: Any, sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence) as raised:
        cnncalc.analyze({"input": input, "layers": layers})
    assert len(str(raised.value).splitlines()) <= 2


def test_a_vector_of_that_size_is_another_shape() -> None:
    assert Ids((5,)) == Ids((5,)) != (5,)
    assert Ids((5,)) != (5,)
    assert len({Ids((5,)), (5,), Ids((5,))}) == 2


def test_explain_adds_up_the_peak() -> None:
    text = run("explain", "-", "embedding1", stdin=STDIN).out
    assert "4·embedding1 + 8·input = 4·15,000 + 8·50 = 60,400" in text


def test_no_dense_network_reads_ids() -> None:
    found = run("compare-fc", "-", stdin=STDIN).out
    assert "Its input is ids of tokens." in found
    with pytest.raises(UsageError, match="hidden: kim reads ids of tokens"):
        CompareFc(spec=TEXT, hidden=(5,)).find()


def test_training_wants_values() -> None:
    from cnncalc.training.objective import objective

    with pytest.raises(CnncalcError, match="kim: train needs an input of values"):
        objective(cnncalc.load(TEXT))
