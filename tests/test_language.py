"""Variables, blocks, repeats, scopes, several inputs and outputs, shared weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc.spec.load import read
from tests.command import cnncalc as run

IMAGE = {"height": 8, "width": 8, "channels": 4}
CONV = {"conv": {"out_channels": 4, "kernel_size": 3, "padding": 1}}
"""3·3·4·4 weights and 4 biases; 3·3·4 products for each of 8·8·4 values."""
PARAMS, MACS = 148, 9_216

RESNET = """
name: ResNet
vars: {width: 64, n1: 3, n2: 4, n3: 6, n4: 3}
blocks:
  bottleneck:
    args: {mid: null, stride: 1, project: false}
    layers:
      - add:
          branches:
            - - {conv: {out_channels: =mid, kernel_size: 1, bias: false}, name: conv1}
              - {batch_norm: {activation: relu}, name: bn1}
              - conv: {out_channels: =mid, kernel_size: 3, stride: =stride, padding: 1, bias: false}
                name: conv2
              - {batch_norm: {activation: relu}, name: bn2}
              - {conv: {out_channels: =4*mid, kernel_size: 1, bias: false}, name: conv3}
              - {batch_norm: null, name: bn3}
            - - {repeat: {times: =project, layers: [{shortcut: {out: =4*mid, stride: =stride}}]}}
          activation: relu
  shortcut:
    args: {out: null, stride: null}
    layers:
      - {conv: {out_channels: =out, kernel_size: 1, stride: =stride, bias: false}, name: "0"}
      - {batch_norm: null, name: "1"}
  stage:
    args: {n: null, mid: null, stride: 2}
    layers:
      - {bottleneck: {mid: =mid, stride: =stride, project: 1}, name: first}
      - {repeat: {times: =n-1, layers: [{bottleneck: {mid: =mid, project: 0}}]}, name: rest}
input: {height: 224, width: 224, channels: 3}
layers:
  - {conv: {out_channels: =width, kernel_size: 7, stride: 2, padding: 3, bias: false}, name: conv1}
  - {batch_norm: {activation: relu}, name: bn1}
  - {max_pool: {kernel_size: 3, stride: 2, padding: 1}, name: maxpool}
  - {stage: {n: =n1, mid: =width, stride: 1}, name: layer1}
  - {stage: {n: =n2, mid: =2*width}, name: layer2}
  - {stage: {n: =n3, mid: =4*width}, name: layer3}
  - {stage: {n: =n4, mid: =8*width}, name: layer4}
  - global_avg_pool
  - {linear: 1000, name: fc}
"""


def spec(*layers: Any, **more: Any) -> dict[str, Any]:
    """A spec around these layers, on an image unless `more` has inputs."""
    return {**({} if "inputs" in more else {"input": IMAGE}), "layers": list(layers), **more}


def names(data: Any, **variables: Any) -> list[str]:
    return [node.name for node in cnncalc.load(data, **variables).nodes]


def wiring(data: Any) -> dict[str, tuple[str, ...]]:
    return {node.name: node.inputs for node in cnncalc.load(data).nodes}


def total(data: Any, column: str, **variables: Any) -> int:
    value = cnncalc.analyze(data, **variables).total(column)
    assert isinstance(value, int)
    return value


# A real network


@pytest.fixture
def resnet(tmp_path: Path) -> Path:
    path = tmp_path / "resnet.yaml"
    path.write_text(RESNET, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("variables", "params"),
    [
        # The figures of torchvision's resnet50, resnet101 and resnet152.
        ({}, 25_557_032),
        ({"n3": 23}, 44_549_160),
        ({"n2": 8, "n3": 36}, 60_192_808),
    ],
)
def test_resnets_have_the_published_parameters(
    resnet: Path, variables: dict[str, int], params: int
) -> None:
    assert total(resnet, "params", **variables) == params
    settings = [f"--set={name}={value}" for name, value in variables.items()]
    assert run("table", str(resnet), "--value", "params", *settings).out == f"{params}\n"


def test_resnet_50_has_the_macs_of_torch(resnet: Path) -> None:
    assert total(resnet, "macs") == 4_089_184_256


def test_names_in_blocks_are_paths(resnet: Path) -> None:
    found = names(resnet, n1=2, n2=1, n3=1, n4=1)
    assert found[:4] == ["conv1", "bn1", "bn1.relu", "maxpool"]
    assert found[4:16] == [
        "layer1.first.conv1",
        "layer1.first.bn1",
        "layer1.first.bn1.relu",
        "layer1.first.conv2",
        "layer1.first.bn2",
        "layer1.first.bn2.relu",
        "layer1.first.conv3",
        "layer1.first.bn3",
        "layer1.first.repeat1.0.0",
        "layer1.first.repeat1.0.1",
        "layer1.first.add1",
        "layer1.first.add1.relu",
    ]
    # A round that is one nameless block takes the round's path.
    assert found[16] == "layer1.rest.0.conv1"
    assert found[-1] == "fc"
    assert len(set(found)) == len(found)


# Variables


def test_variables_may_stand_wherever_a_value_stands() -> None:
    data = spec(
        {"conv": {"out_channels": "=2*w", "kernel_size": ["=k", 1], "bias": "=bias"}},
        {"conv": {"out_channels": "=w", "kernel_size": 1, "activation": "=act"}},
        vars={"w": 3, "k": "=w-1", "bias": False, "act": "relu"},
        input={"height": "=2*4", "width": 8, "channels": "=w+1"},
    )
    assert names(data) == ["conv1", "conv2", "conv2.relu"]
    # 2·1·4·6 weights; 6·3 weights and 3 biases.
    assert total(data, "params") == 48 + 21
    # w = 5: 10 filters of 4×1 over 6 channels; 10·5 weights and 5 biases.
    assert total(data, "params", w=5) == 4 * 6 * 10 + 55
    assert total(data, "params", w=5, k=1, bias=True) == 1 * 6 * 10 + 10 + 55
    assert names(data, act="tanh")[-1] == "conv2.tanh"


def test_numbers_stay_exact_until_a_field_takes_them() -> None:
    # 0.1 + 0.2 is 0.3 and 10·0.3 is 3, which binary floats miss.
    data = spec(
        {"conv": {"out_channels": "=10*s", "kernel_size": 1}}, vars={"a": 0.1, "s": "=a+0.2"}
    )
    assert total(data, "params") == 4 * 3 + 3
    dropout = cnncalc.load(spec({"dropout": "=1/4"})).nodes[0].layer
    assert dropout.model_dump()["p"] == 0.25


def test_two_equals_signs_are_text() -> None:
    with pytest.raises(cnncalc.SpecError, match='no such activation: "=relu"'):
        cnncalc.load(spec({"linear": {"out_features": 1, "activation": "==relu"}}))


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"widht": 3}, "vars: widht: no such variable; did you mean width?"),
        ({"spec": 3}, "vars: spec: no such variable; the spec has width, act, flag, half"),
        ({"width": "big"}, 'vars.width: must be a number as in vars, not "big"'),
        ({"width": True}, "vars.width: must be a number as in vars, not true"),
        ({"flag": 1}, "vars.flag: must be true or false as in vars, not 1"),
        ({"act": 3}, "vars.act: must be a word as in vars, not 3"),
        (
            {"width": [3]},
            "vars.width: must be a number as in vars, not a list",
        ),
        (
            {"width": None},
            "vars.width: must be a number, a word, true/false or a list of them, not null",
        ),
        (
            {"width": float("nan")},
            "vars.width: must be a number, a word, true/false or a list of them, not nan",
        ),
        ({"width": "=act"}, "vars.width: no such variable: act; there are none"),
        (
            {"width": 10**5000},
            'vars.half: "=width/2" has numbers of more than 30 digits on the way\n'
            "layers[0].conv.out_channels: conv1.out_channels: must be at most 1,000,000,000,000, "
            "not a number of more than 40 digits",
        ),
        (
            {"width": 0},
            "layers[0].conv.out_channels: conv1.out_channels: must be at least 1, not 0",
        ),
        ({"half": "=1/0"}, 'vars.half: "=1/0" divides by 0'),
    ],
)
def test_what_a_variable_cannot_be(variables: dict[str, Any], says: str) -> None:
    data = spec(
        {"conv": {"out_channels": "=width", "kernel_size": 1}},
        vars={"width": 4, "act": "relu", "flag": True, "half": "=width/2"},
    )
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.load(data, **variables)
    assert str(caught.value) == says


def test_an_override_of_a_file_is_refused_at_its_variable(resnet: Path) -> None:
    result = run("table", str(resnet), "--set", "width=big")
    assert result.code == 2
    assert result.err.endswith(':3:8: vars.width: must be a number as in vars, not "big"\n')


def test_variants_are_settings_of_the_variables() -> None:
    from cnncalc.spec.expand import expand

    text = """
vars: {w: 2, v: =3*w}
variants: {small: {}, large: {w: 10}, odd: {v: 1}}
input: {features: 1}
layers: [{linear: {out_features: =v, bias: false}}]
"""
    document = read("net.yaml", text)

    def outputs(variant: str | None, **variables: Any) -> int:
        return total(expand(document, variables, variant), "params")

    assert outputs(None) == 6
    assert outputs("small") == 6
    assert outputs("large") == 30
    assert outputs("odd") == 1
    assert outputs("large", w=5) == 15
    assert expand(document, {}, "large").name == "large"


# Blocks


def block(*layers: Any, **args: Any) -> dict[str, Any]:
    return {"unit": {"args": args, "layers": list(layers)}}


def test_arguments_are_given_by_name_alone_or_by_default() -> None:
    conv = {"conv": {"out_channels": "=out", "kernel_size": "=k", "bias": False}}
    blocks = block(conv, out=None, k=1, unused="=9*out")
    data = spec({"unit": 2}, {"unit": {"out": 5, "k": 3}}, blocks=blocks)
    # 4·2, then 3·3·2·5.
    assert cnncalc.analyze(data).column("params") == [8, 90]
    assert names(data) == ["unit1.conv1", "unit2.conv1"]
    # A word alone is enough where no argument is required: 4·3·3·3.
    blocks = block(conv, k="=w", out="=k")
    data = spec("unit", blocks=blocks, vars={"w": 3})
    assert cnncalc.analyze(data).column("params") == [108]
    # Of several optional ones a bare value fills none.
    with pytest.raises(cnncalc.SpecError, match="unit takes a mapping of arguments, not 2"):
        cnncalc.load(spec({"unit": 2}, blocks=blocks))


def test_a_default_sees_the_network_and_the_arguments() -> None:
    conv = {"conv": {"out_channels": "=out", "kernel_size": 1, "bias": False}}
    blocks = block(conv, k=None, half="=k/2", out="=half+w")
    # w is the network's: 6/2 + 1 = 4 outputs of 4 inputs; the index of the repeat hides nothing.
    use = {"repeat": {"times": 1, "index": "w", "layers": [{"unit": {"k": 6}}]}}
    assert total(spec(use, blocks=blocks, vars={"w": 1}), "params") == 16


def test_a_block_does_not_see_the_variables_of_its_use() -> None:
    inner = {"repeat": {"times": 1, "index": "i", "layers": ["unit"]}}
    with pytest.raises(cnncalc.SpecError, match="no such variable: i; there are none"):
        cnncalc.load(spec(inner, blocks=block({"linear": "=i"})))


def test_arguments_may_be_words_lists_and_mappings() -> None:
    conv = {"conv": {"out_channels": 4, "kernel_size": "=k", "padding": "=p", "activation": "=a"}}
    blocks = block(conv, k=None, p=None, a="relu")
    data = spec(
        {"unit": {"k": [3, 1], "p": [[1, 1], 0], "a": {"leaky_relu": 0.2}}},
        {"unit": {"k": 3, "p": "same", "a": None}},
        {"unit": {"k": 3, "p": "same"}},
        blocks=blocks,
    )
    assert names(data) == [
        "unit1.conv1",
        "unit1.conv1.leaky_relu",
        "unit2.conv1",
        "unit3.conv1",
        "unit3.conv1.relu",
    ]


def test_an_empty_block_is_the_identity() -> None:
    layers = [{"relu": None, "name": "a"}, {"unit": None, "name": "b"}, "tanh"]
    data = spec(*layers, {"add": None, "from": ["b", "b"]}, blocks=block())
    assert wiring(data) == {"a": ("input",), "tanh1": ("a",), "add1": ("a", "a")}


# Repeats


def test_a_repeat_counts_from_zero() -> None:
    conv = {"conv": {"out_channels": "=2**(i+1)", "kernel_size": 1, "bias": False}}
    data = spec({"repeat": {"times": 3, "index": "i", "layers": [conv, "relu"]}})
    # 4·2, 2·4, 4·8.
    assert [p for p in cnncalc.analyze(data).column("params") if p] == [8, 8, 32]
    assert names(data)[:3] == ["repeat1.0.conv1", "repeat1.0.relu1", "repeat1.1.conv1"]
    assert wiring(data)["repeat1.1.conv1"] == ("repeat1.0.relu1",)


@pytest.mark.parametrize("layers", [[], ["relu"], ["relo"]])
def test_no_rounds_are_the_identity(layers: list[str]) -> None:
    none = {"repeat": {"times": 0, "layers": layers}}
    data = spec("tanh", none, "sigmoid", {"add": [[none], []]})
    assert wiring(data) == {
        "tanh1": ("input",),
        "sigmoid1": ("tanh1",),
        "add1": ("sigmoid1", "sigmoid1"),
    }
    assert names(spec(none)) == []
    assert total(spec(none), "params") == 0


def test_an_inner_index_hides_an_outer_one() -> None:
    conv = {"conv": {"out_channels": "=i+1", "kernel_size": 1, "bias": False}}
    inner = {"repeat": {"times": 2, "index": "i", "layers": [conv]}}
    data = spec({"repeat": {"times": 2, "index": "i", "layers": [inner, conv]}}, vars={"i": 7})
    # i is 0, 1 and then 0; 0, 1 and then 1: 1, 2, 1, 1, 2, 2 channels, from 4.
    assert cnncalc.analyze(data).column("params") == [4, 2, 2, 1, 2, 4]


def test_names_of_a_round_are_new_in_every_round() -> None:
    body = [
        {"relu": None, "name": "a"},
        {"tanh": None, "from": "a"},
        {"add": None, "from": ["a", "x"]},
    ]
    found = wiring(spec({"relu": None, "name": "x"}, {"repeat": {"times": 2, "layers": body}}))
    assert found["repeat1.0.add1"] == ("repeat1.0.a", "x")
    assert found["repeat1.1.a"] == ("repeat1.0.add1",)
    assert found["repeat1.1.add1"] == ("repeat1.1.a", "x")


# Names and scopes


def test_automatic_names_never_meet() -> None:
    convs = [{"conv": {"out_channels": 4, "kernel_size": 1}}] * 11
    blocks = {"conv1": {"layers": ["relu"]}}
    # The use of the block would be conv11, and so would the eleventh convolution.
    found = names(spec("conv1", *convs, blocks=blocks))
    assert len(set(found)) == 12
    assert found == ["conv11.relu1", *(f"conv{n}" for n in (*range(1, 11), 12))]
    images = {"conv1": IMAGE, "b": IMAGE}
    data = spec({**convs[0], "from": "conv1"}, {**convs[0], "from": "b"}, inputs=images)
    assert wiring(data) == {"conv2": ("conv1",), "conv3": ("b",)}


def test_a_block_reads_outward() -> None:
    inner = {"add": None, "from": ["here", "there"]}
    blocks = block({"relu": None, "name": "here"}, {"repeat": {"times": 1, "layers": [inner]}})
    data = spec(
        {"tanh": None, "name": "there"},
        {"tanh": None, "name": "here"},
        {"unit": None, "name": "u"},
        {"add": None, "from": ["u", "here"]},
        blocks=blocks,
    )
    # The nearest name counts: inside it is the block's own.
    assert wiring(data)["u.repeat1.0.add1"] == ("u.here", "there")
    assert wiring(data)["add1"] == ("u.repeat1.0.add1", "here")


# Several inputs and outputs


def test_branches_may_read_inputs_of_their_own() -> None:
    left, right = {**CONV, "from": "left"}, {"max_pool": 1, "from": "right"}
    small = {"height": 8, "width": 8, "channels": 1}
    data = spec({"concat": [[left], [right]]}, CONV, inputs={"left": IMAGE, "right": small})
    report = cnncalc.analyze(data)
    assert report.column("output") == [[4, 8, 8], [1, 8, 8], [5, 8, 8], [4, 8, 8]]
    # 148, and 3·3·5·4 + 4.
    assert report.total("params") == 148 + 184
    assert [entry["name"] for entry in report.inputs] == ["left", "right"]


@pytest.mark.parametrize(
    "layers",
    [["relu"], [CONV], [{"add": [[], []]}], [{"repeat": {"times": 1, "layers": ["relu"]}}]],
)
def test_with_several_inputs_the_first_item_says_which_it_reads(layers: list[Any]) -> None:
    with pytest.raises(cnncalc.SpecError, match="there are several inputs; say with from which"):
        cnncalc.load(spec(*layers, inputs={"a": IMAGE, "b": IMAGE}))


def test_auxiliary_layers_count_parameters_and_their_macs_apart() -> None:
    pool, linear = {"global_avg_pool": None}, {"linear": {"out_features": 10, "bias": False}}
    data = spec(
        {**CONV, "name": "trunk"},
        {**CONV, "name": "extra"},
        pool,
        {**linear, "name": "aux"},
        {**pool, "from": "trunk"},
        {**linear, "name": "main"},
        outputs=["main"],
        auxiliary=["aux"],
    )
    report = cnncalc.analyze(data)
    # The trunk and a head of 4·10 each, and one more convolution on the way to the auxiliary head.
    assert report.total("params") == 2 * PARAMS + 2 * 40
    parts = dict(zip(report.column("name"), report.column("part"), strict=True))
    assert parts["trunk"] == "convolutional"
    assert parts["main"] == "dense"
    assert {name for name, part in parts.items() if part == "auxiliary"} == {
        "extra",
        "pool1",
        "aux",
    }
    assert cnncalc.load(data).outputs == ("main",)


def test_what_hangs_behind_an_auxiliary_layer_is_auxiliary() -> None:
    linear = {"linear": {"out_features": 3, "bias": False}}
    data = spec(
        {**linear, "name": "trunk"},
        {**linear, "name": "aux"},
        # These reach no output, so that only what they read says when they are computed.
        {**linear, "name": "behind"},
        {"add": None, "from": ["trunk", "behind"], "name": "both"},
        {**linear, "name": "main", "from": "trunk"},
        # And this one is computed always.
        {**linear, "name": "beside", "from": "trunk"},
        input={"features": 5},
        outputs=["main"],
        auxiliary=["aux"],
    )
    report = cnncalc.analyze(data)
    parts = dict(zip(report.column("name"), report.column("part"), strict=True))
    assert parts == {
        "trunk": "dense",
        "aux": "auxiliary",
        "behind": "auxiliary",
        "both": "auxiliary",
        "main": "dense",
        "beside": "dense",
    }
    # 5·3 in the trunk and 3·3 in main and beside; aux and behind do 3·3 each in training.
    assert (report.total("macs"), report.total("macs", "auxiliary")) == (15 + 2 * 9, 2 * 9)
    assert report.total("params") == 15 + 4 * 9


# Shared weights


def test_shared_weights_count_once_and_work_every_time() -> None:
    data = spec({**CONV, "name": "a"}, {**CONV, "name": "b", "weights_of": "a"})
    assert total(data, "params") == PARAMS
    assert total(data, "macs") == 2 * MACS
    third = spec(*data["layers"], {**CONV, "weights_of": "b"})
    assert cnncalc.load(third).nodes[-1].weights_of == "a"
    assert total(third, "params") == PARAMS
    assert total(third, "macs") == 3 * MACS


def test_a_repeat_may_share_the_weights_of_a_layer_outside() -> None:
    again = {"repeat": {"times": 4, "layers": [{**CONV, "weights_of": "a"}, "relu"]}}
    data = spec({**CONV, "name": "a"}, again)
    assert total(data, "params") == PARAMS
    assert total(data, "macs") == 5 * MACS


def test_the_parts_of_a_separable_convolution_are_shared_each() -> None:
    layer = {"separable_conv": {"out_channels": 4, "kernel_size": 3, "padding": 1}}
    data = spec({**layer, "name": "a"}, {**layer, "weights_of": "a"})
    # 3·3·4, and 4·4 + 4; per position 36 + 16 products, twice.
    assert total(data, "params") == 36 + 20
    assert total(data, "macs") == 2 * 64 * (36 + 16)
    assert [node.weights_of for node in cnncalc.load(data).nodes] == [
        None,
        None,
        "a.depthwise",
        "a.pointwise",
    ]


def test_weights_of_a_batch_norm_share_its_buffers() -> None:
    norm: dict[str, Any] = {"batch_norm": None, "name": "a"}
    report = cnncalc.analyze(spec(norm, {"batch_norm": None, "weights_of": "a"}))
    assert report.column("params") == [8, 0]
    assert report.column("buffers")[1] == 0


# Mistakes in blocks are said once, and the work that is left is done


def test_a_mistake_in_a_block_is_one() -> None:
    data = spec(*["unit"] * 30, "relo", blocks=block({"conv": {"filters": 3, "kernel_size": 1}}))
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.load(data)
    assert str(caught.value).split("\n") == [
        "blocks.unit.layers[0].conv.filters: conv1.filters: no such field of conv; the field is "
        "called out_channels (used at layers[0])",
        "layers[30]: relo: no such layer; did you mean relu?",
    ]
