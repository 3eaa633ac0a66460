"""`cnncalc export`: the text that it writes, without any framework."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc.errors import CnncalcError
from cnncalc.infer import infer
from cnncalc.interop import python_text
from cnncalc.interop.keras_source import keras_source
from cnncalc.interop.torch_source import torch_source
from tests.command import cnncalc as command
from tests.formatted import check_format

WRITERS = {"torch": torch_source, "keras": keras_source}


def export(to: str, spec: Any) -> str:
    graph = cnncalc.load(spec)
    return WRITERS[to](graph, infer(graph))


def spec(*layers: Any, **more: Any) -> dict[str, Any]:
    start = {"name": "net", "input": {"height": 8, "width": 8, "channels": 4}}
    return {**start, "layers": list(layers), **more}


CONV = {"out_channels": 4, "kernel_size": 3, "padding": 1}

LENET = """
class LeNet5(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, kernel_size=5)
        self.conv1_relu = nn.ReLU()
        self.pool1 = nn.MaxPool2d(kernel_size=2, stride=2)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.conv2_relu = nn.ReLU()
        self.pool2 = nn.MaxPool2d(kernel_size=2, stride=2)
        self.fc3 = nn.Linear(400, 120)
        self.fc3_relu = nn.ReLU()
        self.fc4 = nn.Linear(120, 84)
        self.fc4_relu = nn.ReLU()
        self.fc5 = nn.Linear(84, 10)
        self.fc5_softmax = nn.Softmax(dim=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1_relu(self.conv1(x))
        x = self.pool1(x)
        x = self.conv2_relu(self.conv2(x))
        x = self.pool2(x)
        x = x.flatten(1)
        x = self.fc3_relu(self.fc3(x))
        x = self.fc4_relu(self.fc4(x))
        return self.fc5_softmax(self.fc5(x))
"""


def test_lenet_as_one_would_write_it() -> None:
    assert LENET in export("torch", "lenet5")


def test_alike_blocks_are_one_class_and_a_loop() -> None:
    """ResNet-50: 16 blocks, of which 4 have a projection."""
    source = export("torch", "resnet50")
    classes = [n.name for n in ast.parse(source).body if isinstance(n, ast.ClassDef)]
    assert classes == ["Projection", "Bottleneck", "Bottleneck2", "Resnet50"]
    assert "*(Bottleneck2(in_channels=1024, out_channels=256) for _ in range(5))," in source
    keras = export("keras", "resnet50")
    assert "    for i in range(1, 6):\n" in keras
    assert 'x = bottleneck_2(x, f"layer3_{i}", filters=256, conv3_filters=1024)' in keras


@pytest.mark.parametrize("to", WRITERS)
def test_a_file_is_written(to: str, tmp_path: Path) -> None:
    done = command("export", "lenet5", "--to", to, "-o", str(tmp_path / "net.py"))
    assert (done.code, done.out, done.err) == (0, "", "")
    assert (tmp_path / "net.py").read_text("utf-8") == export(to, "lenet5")


def test_torch_is_what_is_written_where_nothing_is_said_and_input_and_set_are_understood() -> None:
    assert command("export").out == export("torch", "lenet5")
    assert "torch.rand(2, 3, 64, 64)" in command("export", "resnet50", "--input", "64x64").out
    narrow = command("export", "resnet50", "--set", "inner=32").out
    assert "in_channels=64, out_channels=32" in narrow


HOSTILE = "''' \"\"\" \\ \\N{DIGIT ONE} {0} %"


@pytest.mark.parametrize("to", WRITERS)
def test_texts_of_a_spec_stay_texts(to: str) -> None:
    more = f"{HOSTILE}\nimport os\x1b[2J\\"
    made = spec({"conv": CONV}, name=HOSTILE, description=more, source=more)
    tree = ast.parse(export(to, made))
    assert isinstance(tree.body[0], ast.Expr)
    assert "\x1b" not in str(ast.get_docstring(tree))
    imported = [n.names[0].name for n in tree.body if isinstance(n, ast.Import)]
    assert imported == [to]


NAMES = ["class", "1x1", "a-b", "x", "self", "torch", "layers", "ﬁ", "합성곱", "i", "prod", "ops"]


@pytest.mark.parametrize("to", WRITERS)
def test_any_name_of_a_spec_can_be_written(to: str) -> None:
    layers = [{"conv": CONV, "name": name} for name in NAMES]
    join = {"add": {}, "from": NAMES, "name": "sum"}
    source = export(to, spec(*layers, join))
    check_format(source)
    for name in NAMES:
        assert f'"{name}"' in source or f"self.{name} = " in source


@pytest.mark.parametrize("name", ["train", "half", "forward", "_modules"])
def test_a_name_that_torch_modules_have_is_refused(name: str) -> None:
    with pytest.raises(CnncalcError) as error:
        export("torch", spec({"conv": CONV, "name": name}))
    wanted = f"{name}: a torch module has something else of that name; give it another one"
    assert str(error.value) == wanted


CANNOT: list[tuple[dict[str, Any], str]] = [
    (
        {"conv_transpose": {"out_channels": 4, "kernel_size": 2, "groups": 2}},
        "upconv1: a conv_transpose with groups",
    ),
    ({"max_pool": {"kernel_size": 2, "dilation": 2}}, "pool1: a max_pool with dilation"),
    (
        {"batch_norm": {"track_running_stats": False}},
        "bn1: a batch_norm without track_running_stats",
    ),
    ({"upsample": {"scale_factor": 2, "mode": "cubic"}}, "upsample1: a cubic upsample"),
]


@pytest.mark.parametrize(("layer", "start"), CANNOT, ids=[next(iter(c[0])) for c in CANNOT])
def test_what_keras_cannot_is_one_line(layer: Any, start: str) -> None:
    with pytest.raises(CnncalcError) as error:
        export("keras", spec(layer))
    assert str(error.value) == f"{start} has no spelling in Keras; --to torch can"
    assert export("torch", spec(layer))


def test_shared_weights_are_for_torch() -> None:
    made = spec({"conv": CONV, "name": "a"}, {"conv": CONV, "name": "b", "weights_of": "a"})
    assert "self.b = self.a" in export("torch", made)
    with pytest.raises(CnncalcError) as error:
        export("keras", made)
    wanted = "b: the code for Keras shares no weights between layers; --to torch can"
    assert str(error.value) == wanted


def test_layers_that_keras_would_call_the_same_get_other_joints() -> None:
    block = {"layers": [{"conv": CONV, "name": "b"}]}
    layers = [{"block": None, "name": "a"}, {"conv": CONV, "name": "a_b"}]
    assert '-b"' in export("keras", spec(*layers, blocks={"block": block}))


def test_no_framework_is_needed() -> None:
    program = (
        "import sys\n"
        "sys.modules['torch'] = sys.modules['keras'] = None\n"
        "from cnncalc.__main__ import main\n"
        "sys.argv = ['cnncalc', 'export', 'vit_b_16', '--to', sys.argv[1]]\n"
        "main()\n"
    )
    for to in WRITERS:
        command = [sys.executable, "-c", program, to]
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
        done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment)
        assert done.returncode == 0, done.stderr
        assert done.stdout == export(to, "vit_b_16")


# How code is laid out


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("LeNet-5 (1998)", "LeNet5_1998"),
        ("resnet50", "Resnet50"),
        ("squeeze_excite", "SqueezeExcite"),
        ("3 convolutions", "Network_3Convolutions"),
        ("", "Network"),
        ("none", "None_"),
    ],
)
def test_names_of_classes(title: str, name: str) -> None:
    assert python_text.class_name(title, set()) == name


@pytest.mark.parametrize(
    "expression",
    [
        "f(a)",
        f"self.{'a' * 40}({'b' * 40}, {'c' * 40})",
        f"torch.cat(({', '.join(f'value{i}' for i in range(30))}), 1)",
        f"self.{'a' * 60}(x.movedim(1, -1)).movedim(-1, 1)",
        f"F.avg_pool2d(x, (2, 2)) * 4 * self.{'w' * 30}.view(-1, 1, 1) + self.b.view(-1, 1, 1)",
        f"nn.Sequential(*(Block(channels={10**30}, others={10**30}) for _ in range(3)))",
        f"Weights(shapes={{'weight': ({10**30}, {10**30}), 'bias': ({10**30},)}})",
        f"layers.Conv2D({10**30}, kernel_size=3, strides=2, name='{'n' * 30}')(x)",
    ],
)
def test_long_expressions_are_laid_out_as_a_formatter_does(expression: str) -> None:
    body = python_text.assignment("x", expression, 4)
    check_format("\n".join(["def f(x):", *body, "    return x\n"]))
