"""What people give for a spec that is none: models, code and weights. Each is told what it is, and
what to do."""

import os
import re
from collections.abc import Mapping
from typing import Any

from cnncalc.errors import shown
from cnncalc.spec.bundled import find, networks, plain_name
from cnncalc.spec.document import Document

_DO = "write its layers as a spec (`cnncalc init` writes one to start from)"
_WEIGHTS = "weights do not tell how layers are joined"

_ENDINGS = {
    "py": "Python code, which is not run",
    "ipynb": "a notebook",
    "onnx": "an ONNX model",
    "keras": "a Keras model",
    "h5": "an HDF5 file, as Keras saves models",
    "hdf5": "an HDF5 file, as Keras saves models",
    "pt": f"a file of torch.save; {_WEIGHTS}",
    "pth": f"a file of torch.save; {_WEIGHTS}",
    "ckpt": f"a checkpoint; {_WEIGHTS}",
    "bin": f"a file of weights; {_WEIGHTS}",
    "pt2": "a program of torch.export",
    "safetensors": f"a file of weights; {_WEIGHTS}",
    "pkl": "a pickle, which is not opened",
    "tflite": "a TensorFlow Lite model",
    "pb": "a TensorFlow model",
    "prototxt": "a Caffe network",
    "caffemodel": f"weights of Caffe; {_WEIGHTS}",
    "mlmodel": "a Core ML model",
}
"""What files are, by their endings."""

_IN_ZIP = {
    b"/code/__torch__": "a TorchScript model",
    b"serialized_exported_program": _ENDINGS["pt2"],
    b"/archive_format": _ENDINGS["pt2"],
    b"/data.pkl": _ENDINGS["pt"],
    b"model.weights.h5": _ENDINGS["keras"],
    b"metadata.json": _ENDINGS["keras"],
}
"""What a ZIP archive is, by the name of something in it."""

_CODE = re.compile(r"^(?:from [\w.]+ import |import \w|class \w+[^\n]*:|def \w+\()", re.MULTILINE)
_LAYERS = re.compile(r"^layers:", re.MULTILINE)
_LIBRARIES = ("torchvision", "torch", "timm", "keras", "tensorflow", "tf", "transformers", "hub")


def not_a_spec(label: str, content: bytes) -> str | None:
    """What to say of a file that is no spec, by what is in it and else by its name."""
    ending = label.lower().rpartition(".")[2]
    found = _by_content(content) or _ENDINGS.get(ending)
    return None if found is None else f"{label}: {found}; {_DO}{_bundled(label)}"


def _by_content(content: bytes) -> str | None:
    start = content[:16]
    if start.startswith(b"PK\x03\x04"):
        # Names stand before what they name: also in the start of an archive.
        kinds = (kind for name, kind in _IN_ZIP.items() if name in content)
        return next(kinds, "a ZIP archive")
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        return _ENDINGS["h5"]
    if start.startswith(b"\x80") and start[1:2] in b"\x02\x03\x04\x05":
        return _ENDINGS["pkl"]
    # A message of Protocol Buffers: the version of the format, then one of ONNX's other fields.
    if start.startswith(b"\x08") and start[2:3] in (b"\x12", b"\x1a", b"\x22", b"\x3a", b"\x42"):
        return _ENDINGS["onnx"]
    if start[4:8] == b"TFL3":
        return _ENDINGS["tflite"]
    if start[7:10] == b'\x00{"':
        return _ENDINGS["safetensors"]
    return None


def what_it_is(spec: object, label: str, text: str, document: Document | None) -> str | None:
    """What to say of what has mistakes as a spec, where it is something else."""
    if not isinstance(spec, str | os.PathLike | Mapping):
        return _no_spec(spec)
    if document is not None and (model := _model(document.data)):
        return f"{label}: {model}; {_DO}" if label else f"{model}; {_DO}"
    if _CODE.search(text) and not _LAYERS.search(text):
        return f"{label}: {_ENDINGS['py']}; {_DO}"
    return not_a_spec(label, text.encode()) if text else None


def _model(data: Any) -> str | None:
    """What a document is that describes a model in another language."""
    if not isinstance(data, Mapping):
        return None
    listed = data.get("layers")
    first = listed[0] if isinstance(listed, list) and listed else None
    nested = isinstance(first, Mapping) and "class_name" in first
    if nested or ("class_name" in data and "config" in data):
        return "a Keras model's to_json or get_config"
    return _ENDINGS["ipynb"] if "nbformat" in data and "cells" in data else None


def no_such_name(name: str) -> str | None:
    """What to say of a name that is neither a file nor bundled, but a network somewhere else."""
    library, colon, network = name.partition(":")
    if not colon:
        library, _, network = name.partition(".")
    network = re.split(r"[:./]", network)[-1]
    if network and library in _LIBRARIES:
        return f"networks are not taken from {library} yet; {_same(network)}"
    if colon and network and re.fullmatch(r"[\w./-]+", library):
        return f"networks are not taken from Python code yet; {_same(network)}"
    return None


def _no_spec(spec: object) -> str:
    """What to say of an object that is no spec."""
    name, classes = type(spec).__name__, type(spec).__mro__
    bases = {f"{c.__module__.split('.')[0]} {c.__name__}" for c in classes}
    # With torch as its backend, a model of Keras is a module of torch, too.
    for base, what in (("keras Layer", "a Keras model"), ("torch Module", "a torch module")):
        if base in bases:
            return f"{what} ({name}) is no spec: cnncalc reads no models yet; {_DO}"
    return f"{shown(spec)} is no spec; give a path, a bundled network's name, a mapping or a graph"


def _bundled(label: str) -> str:
    """Where a bundled network is called as a file is."""
    stem = plain_name(label.rpartition("/")[2].partition(".")[0])
    return f"; {stem} is bundled: name it without the ending" if find(stem) else ""


def _same(network: str) -> str:
    """The bundled network that has a name, else what to do."""
    known = [name for name in networks() if plain_name(name) == plain_name(network)]
    return f"{known[0]} is bundled: name it alone" if known else _DO
