"""The working set of inference, against written-out sums and a simulation of its own."""

from __future__ import annotations

from typing import Any

from hypothesis import given

from cnncalc.api import analyze
from cnncalc.layers import ACTIVATIONS
from cnncalc.spec.load import load
from tests.command import cnncalc
from tests.strategies import specs, thorough

VIEWS = {"flatten", "reshape", "permute", "crop", "slice", "select"}
IN_PLACE = {*ACTIVATIONS, "log_softmax"}
NOTHING = {"dropout", "drop_path"}


def simulate(spec: dict[str, Any]) -> list[tuple[str, int]]:
    """Bytes alive while each layer runs, by holding handles and letting them go.

    A handle is one name of one buffer. A name is dropped after its last reader has run; a buffer
    is freed with its last name. Nothing is looked up ahead but whether a name is still needed.
    """
    report = analyze(spec)
    readers: dict[str, list[int]] = {}
    names, sources = report.column("name"), report.column("from")
    for index, inputs in enumerate(sources):
        for name in inputs:
            readers.setdefault(name, []).append(index)
    readers.setdefault(names[-1], []).append(len(names))
    for index, node in enumerate(load(spec).nodes):
        # Indices are a buffer of their own, eight bytes each.
        if node.indices_of:
            readers.setdefault(f"{node.indices_of} indices", []).append(index)
    handles: dict[str, list[int]] = {}
    for entry in report.inputs:
        handles[entry["name"]] = [(8 if "dtype" in entry else 4) * entry["activations"]]
    found = []
    for index, name in enumerate(names):
        kind, first = report.column("type")[index], sources[index][0]
        needed_later = [
            other
            for other, buffer in handles.items()
            if buffer is handles[first] and max(readers.get(other, [-1])) > index
        ]
        overwrites = kind in IN_PLACE and not needed_later
        if kind in VIEWS or kind in NOTHING or overwrites:
            handles[name] = handles[first]
        else:
            handles[name] = [4 * report.column("activations")[index]]
        if f"{name} indices" in readers:
            handles[f"{name} indices"] = [8 * report.column("activations")[index]]
        buffers = {id(buffer): buffer[0] for buffer in handles.values()}
        found.append((name, sum(buffers.values())))
        for other in list(handles):
            if max(readers.get(other, [-1])) <= index:
                del handles[other]
    return found


@thorough(300)
@given(specs(max_layers=8))
def test_working_sets_are_those_of_a_simulation(spec: dict[str, Any]) -> None:
    report = analyze(spec)
    found = list(zip(report.column("name"), report.column("working_set"), strict=True))
    assert found == simulate(spec)
    assert report.total("working_set") == max(size for _, size in found)


def test_vgg16_peaks_at_its_second_convolution() -> None:
    # 64 maps of 224×224 in and as many out, four bytes each; the ReLU overwrites.
    report = analyze("vgg16")
    peak = 2 * 64 * 224 * 224 * 4
    assert report.total("working_set") == peak == 25_690_112
    assert cnncalc("table", "vgg16", "--value", "working_set").out == f"{peak}\n"
    sizes = dict(zip(report.column("name"), report.column("working_set"), strict=True))
    assert sizes["conv1_1"] == (3 + 64) * 224 * 224 * 4
    assert sizes["pool1"] == 64 * (224 * 224 + 112 * 112) * 4
    # A view of 25,088 values, and what reads it.
    assert sizes["fc6"] == (25_088 + 4_096) * 4
    assert analyze("vgg16", dtype="int8").total("working_set") == peak // 4
    assert analyze("vgg16", batch=3).total("working_set") == 3 * peak


def test_a_shortcut_stays_alive_until_the_add() -> None:
    conv = {"conv": {"out_channels": 4, "kernel_size": 3, "padding": 1}}
    spec = {
        "input": {"height": 8, "width": 8, "channels": 4},
        "layers": [{"add": [["relu", conv, conv], []]}],
    }
    report = analyze(spec)
    one = 4 * 8 * 8 * 4
    # The input is read again at the end, so the ReLU cannot overwrite it.
    assert list(report.column("working_set")) == [2 * one, 3 * one, 3 * one, 3 * one]
    assert report.column("alive")[2] == "input, conv1, conv2"


def test_results_live_to_the_end_and_training_needs_no_place() -> None:
    conv = {"conv": {"out_channels": 4, "kernel_size": 1}}
    spec = {
        "input": {"height": 8, "width": 8, "channels": 4},
        "layers": [
            {**conv, "name": "first"},
            {**conv, "name": "aux"},
            {**conv, "name": "last", "from": "first"},
        ],
        "outputs": ["first", "last"],
        "auxiliary": ["aux"],
    }
    assert load(spec).only_auxiliary() == {"aux"}
    one = 4 * 8 * 8 * 4
    assert list(analyze(spec).column("working_set")) == [2 * one, 0, 2 * one]


def test_indices_live_from_the_pooling_to_what_undoes_it() -> None:
    pool = {"max_pool": 2, "name": "pool"}
    conv = {"conv": {"out_channels": 4, "kernel_size": 1}}
    spec = {
        "input": {"height": 8, "width": 9, "channels": 4},
        "layers": [pool, conv, {"max_unpool": None, "indices_of": "pool"}, conv],
    }
    report = analyze(spec, batch=2)
    read, pooled = 8 * 9 * 4, 4 * 4 * 4
    sizes = [
        # Four bytes a value, eight an index.
        4 * (read + pooled) + 8 * pooled,
        4 * 2 * pooled + 8 * pooled,
        4 * (pooled + read) + 8 * pooled,
        4 * 2 * read,
    ]
    assert list(report.column("working_set")) == [2 * size for size in sizes]
    assert report.column("alive")[1] == "pool, pool indices, conv1"
    int8 = analyze(spec, dtype="int8")
    assert list(int8.column("working_set"))[1] == 2 * pooled + 8 * pooled
