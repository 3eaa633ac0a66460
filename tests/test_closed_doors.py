"""What is no spec is told what it is, by what is in it as well as by its name, and what to do."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

import cnncalc
from tests.command import cnncalc as run

DO = "write its layers as a spec (`cnncalc init` writes one to start from)"
WEIGHTS = "weights do not tell how layers are joined"


def archive(*names: str) -> bytes:
    """A ZIP archive with files of these names, stored as torch and Keras do."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name in names:
            file.writestr(name, "{}")
    return content.getvalue()


KERAS = {"module": "keras", "class_name": "Sequential", "config": {"layers": []}}
CONFIG = {"name": "sequential", "layers": [{"class_name": "InputLayer", "config": {}}]}
CODE = "# A network.\nimport torch.nn as nn\n\nclass Net(nn.Module):\n    x: int = 1\n"
# ir_version 8, producer_name "pytorch", as every exporter begins.
ONNX = b"\x08\x08\x12\x07pytorch\x1a\x051.9.0:\x02\n\x00"
FILES: list[tuple[str, bytes, str]] = [
    ("net.py", CODE.encode(), "Python code, which is not run"),
    ("net.onnx", ONNX, "an ONNX model"),
    ("net.keras", archive("metadata.json", "config.json", "model.weights.h5"), "a Keras model"),
    ("net.h5", b"\x89HDF\r\n\x1a\n\x00\x00", "an HDF5 file, as Keras saves models"),
    ("net.pt", archive("net/data.pkl", "net/data/0"), f"a file of torch.save; {WEIGHTS}"),
    ("ts.pt", archive("ts/data.pkl", "ts/code/__torch__.py"), "a TorchScript model"),
    ("net.pt2", archive("net/archive_format", "net/data/x/data.pkl"), "a program of torch.export"),
    ("old.pth", b"\x80\x02\x8a\nl\xfc\x9cF", "a pickle, which is not opened"),
    ("net.tflite", b"\x1c\x00\x00\x00TFL3\x00", "a TensorFlow Lite model"),
    ("net.safetensors", b'@\0\0\0\0\0\0\0{"a":{}}', f"a file of weights; {WEIGHTS}"),
    ("net.json", json.dumps(KERAS).encode(), "a Keras model's to_json or get_config"),
    ("config.json", json.dumps(CONFIG).encode(), "a Keras model's to_json or get_config"),
    ("net.ipynb", json.dumps({"nbformat": 4, "cells": []}).encode(), "a notebook"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "what"), FILES, ids=[name for name, *_ in FILES])
def test_files_are_known_by_what_is_in_them(
    name: str, content: bytes, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for called in (name, "nameless", "net.yaml"):
        Path(called).write_bytes(content)
        assert run("table", called) == (2, "", f"{called}: {what}; {DO}\n")
    assert run("table", "-", stdin=content) == (2, "", f"stdin: {what}; {DO}\n")
    Path(name).write_bytes(content)
    for command in (["check", name, "--max-macs", "1"], ["diff", name, "lenet5"], ["draw", name]):
        assert run(*command) == (2, "", f"{name}: {what}; {DO}\n")
    with pytest.raises(cnncalc.CnncalcError, match=what.split("(")[0]):
        cnncalc.analyze(name)


def test_large_ones_too_and_by_their_names_where_nothing_else_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("large").write_bytes(archive("large/data.pkl") + bytes(17_000_000))
    assert run("table", "large").err == f"large: a file of torch.save; {WEIGHTS}; {DO}\n"
    Path("vgg16.caffemodel").write_bytes(b"\xff\xfe")
    assert run("table", "vgg16.caffemodel").err == (
        f"vgg16.caffemodel: weights of Caffe; {WEIGHTS}; {DO}; vgg16 is bundled: name it without "
        "the ending\n"
    )


def test_a_spec_is_a_spec_whatever_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = "input: {features: 4}\nlayers:\n  - linear: 2\n"
    Path("net.pt").write_text(spec)
    assert run("table", "net.pt", "--value", "params").out == "10\n"
    Path("net.yaml").write_text(f"import torch: 1\n{spec}")
    assert "no such key of a spec" in run("table", "net.yaml").err


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("torchvision:resnet50", "not taken from torchvision yet; resnet50 is bundled: name it"),
        ("torchvision.models.resnet50", "not taken from torchvision yet; resnet50 is bundled"),
        ("keras:ResNet50", "not taken from keras yet; resnet50 is bundled: name it alone"),
        ("torchvision:nope", f"not taken from torchvision yet; {DO}"),
        ("net.py:Net", f"not taken from Python code yet; {DO}"),
        ("package.module:make", f"not taken from Python code yet; {DO}"),
        ("resnet18.onnx", "no bundled network of that name; did you mean resnet18?"),
    ],
)  # fmt: skip
def test_names_of_networks_elsewhere(name: str, says: str) -> None:
    result = run("table", name)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert result.err.startswith(f"{name}: ")
    assert says in result.err


@pytest.mark.parametrize("ask", [cnncalc.analyze, cnncalc.load, cnncalc.explain, cnncalc.draw])
@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (None, "null is no spec; give a path, a bundled network's name, a mapping or a graph"),
        (5, "5 is no spec; give a path"),
        ([1], "a list is no spec; give a path"),
        (b"lenet5", "a bytes is no spec; give a path"),
        (KERAS, f"a Keras model's to_json or get_config; {DO}"),
    ],
)
def test_objects_that_are_none(ask: Any, spec: Any, says: str) -> None:
    with pytest.raises(cnncalc.CnncalcError) as caught:
        ask(spec)
    assert str(caught.value).startswith(says)


def test_modules_of_torch() -> None:
    nn = pytest.importorskip("torch.nn")
    for ask in (cnncalc.analyze, cnncalc.build):
        with pytest.raises(cnncalc.UsageError) as caught:
            ask(nn.Sequential(nn.Linear(2, 3)))
        assert str(caught.value) == (
            f"a torch module (Sequential) is no spec: cnncalc reads no models yet; {DO}"
        )
