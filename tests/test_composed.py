"""Words that put a network together: norm, when, each, in_channels, ends of blocks, networks.

What a word stands for is written out beside it, and its totals are arithmetic or torchvision's.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

import cnncalc
from cnncalc.errors import CnncalcError
from cnncalc.graph import Graph
from cnncalc.infer import infer
from tests.command import cnncalc as command

IMAGE = {"height": 32, "width": 32, "channels": 16}


def graph(layers: str, input: dict[str, int] | None = None, **more: Any) -> Graph:
    spec = {"input": input or IMAGE, "layers": yaml.safe_load(layers), **more}
    return cnncalc.load(spec)


def said(layers: str, **more: Any) -> str:
    with pytest.raises(CnncalcError) as caught:
        graph(layers, **more)
    return str(caught.value)


def nodes(graph: Graph) -> list[tuple[Any, ...]]:
    """Everything of a network but where its spec says it."""
    return [
        (n.name, n.layer, n.inputs, n.fused_into, n.weights_of, n.trainable) for n in graph.nodes
    ]


def shapes(graph: Graph) -> dict[str, tuple[int, ...]]:
    """What comes out of every node, channels first."""
    return {fact.node.name: fact.output for fact in infer(graph)}


def params(graph: Graph) -> int:
    return cnncalc.analyze(graph).total("params")


@pytest.mark.parametrize(
    ("short", "long"),
    [
        (
            "[{conv: {out_channels: 8, kernel_size: 3, norm: batch_norm, activation: relu}}]",
            "[{conv: {out_channels: 8, kernel_size: 3, bias: false}}, "
            "{batch_norm: {activation: relu}}]",
        ),
        (
            "[{conv: {out_channels: 8, kernel_size: 1, bias: true, "
            "norm: {group_norm: 4, name: g}}}]",
            "[{conv: {out_channels: 8, kernel_size: 1}}, {group_norm: 4, name: g}]",
        ),
        ("[flatten, {linear: {out_features: 8, norm: null}}]", "[flatten, {linear: 8}]"),
        (
            "[{separable_conv: {out_channels: 8, kernel_size: 3, norm: {batch_norm: {eps: 0.1}}}}]",
            "[{separable_conv: {out_channels: 8, kernel_size: 3, bias: false}}, "
            "{batch_norm: {eps: 0.1}}]",
        ),
        (
            "[{relu: , name: a, when: false}, {tanh: , from: a, when: true}]",
            "[tanh]",
        ),
        (
            "[{conv: {out_channels: =in_channels//3, kernel_size: 1}}]",
            "[{conv: {out_channels: 5, kernel_size: 1}}]",
        ),
    ],
)
def test_the_short_form_is_the_long_one(short: str, long: str) -> None:
    ours, theirs = nodes(graph(short)), nodes(graph(long))
    assert ours == theirs


def test_half_is_half_the_extent() -> None:
    for kernel, dilation, padding in [
        (3, 1, 1),
        (7, 1, 3),
        (1, 1, 0),
        (4, 1, 2),
        (3, 2, 2),
        (5, 3, 6),
    ]:
        fields = f"out_channels: 2, kernel_size: {kernel}, dilation: {dilation}"
        half = graph(f"[{{conv: {{{fields}, padding: half}}}}]")
        given = graph(f"[{{conv: {{{fields}, padding: {padding}}}}}]")
        assert shapes(half) == shapes(given)


def test_each_is_a_round_for_each_row() -> None:
    short = graph(
        """
        - repeat:
            each: {of: [w, s], rows: [[8, 1], [=2*n, 2]]}
            index: i
            layers: [{conv: {out_channels: =w+i, kernel_size: 3, stride: =s}}]
        """,
        vars={"n": 6},
    )
    # 32 − 2 = 30 with 8 + 0 channels; ⌊(30 − 3)/2⌋ + 1 = 14 with 12 + 1.
    assert [*shapes(short).values()] == [(8, 30, 30), (13, 14, 14)]


def test_rows_may_be_a_variable_that_set_replaces() -> None:
    layers = """
        - repeat:
            each: {of: w, rows: =widths}
            layers: [{conv: {out_channels: =w, kernel_size: 1}}]
    """
    spec = {"vars": {"widths": [4, 8]}, "input": IMAGE, "layers": yaml.safe_load(layers)}
    # 16·4 + 4 and 4·8 + 8; 16·2 + 2.
    assert params(cnncalc.load(spec)) == 68 + 40
    assert params(cnncalc.load(spec, widths=[2])) == 34


BOTTLENECK: dict[str, Any] = {
    "unit": {
        "args": {"mid": "=in_channels/4"},
        "layers": [
            {"conv": {"out_channels": "=mid", "kernel_size": 1}},
            {"conv": {"out_channels": "=4*in_channels", "kernel_size": 1}},
        ],
    }
}


def test_in_channels_is_what_the_item_reads() -> None:
    unit = graph("[unit, {repeat: {times: 2, layers: [unit, {conv: {out_channels: =2*in_channels, "
                 "kernel_size: 1}}]}}]", blocks=BOTTLENECK)  # fmt: skip
    channels = [shape[0] for shape in shapes(unit).values()]
    # The second convolution reads the first: 4·4, then 16/4 and 4·4, twice 16, 32/4 …
    assert channels == [4, 16, 4, 16, 32, 8, 32, 64]


def test_another_input_computes_formulas_of_shapes_anew(tmp_path: Path) -> None:
    spec = graph("[{linear: {out_features: =in_channels, position_wise: true}}]")
    # 16·16 + 16, and with three channels 3·3 + 3.
    assert params(spec) == 272
    assert params(spec.with_input((3, 8, 8))) == 12


def test_a_spec_that_fits_another_input_only(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(
        "input: {height: 4, width: 4, channels: 3}\n"
        "layers: [{conv: {out_channels: 2, kernel_size: 5}}, "
        "{conv: {out_channels: =2*in_channels, kernel_size: 1}}]\n"
    )
    # 3·25·2 + 2 and 2·4 + 4.
    assert command("table", str(path), "--input", "8x8", "--value", "params")[:2] == (0, "164\n")
    code, _, err = command("table", str(path))
    assert code == 2
    assert "conv1: kernel 5 does not fit the input: 4 + 2·0 < 5" in err
    assert err.count("\n") == 1


def test_a_projection_stands_where_it_is_needed() -> None:
    block = """
        - add:
            - [{conv: {out_channels: =w, kernel_size: 3, stride: =s, padding: half}}]
            - - conv: {out_channels: =w, kernel_size: 1, stride: =s}
                when: =s > 1 or w != in_channels
    """
    # 16·9·16 + 16; 16·9·8 + 8 and 16·8 + 8.
    assert params(graph(block, vars={"w": 16, "s": 1})) == 2320
    assert params(graph(block, vars={"w": 8, "s": 1})) == 1160 + 136
    assert params(graph(block, vars={"w": 16, "s": 2})) == 2320 + 272


ENDS: dict[str, Any] = {
    "split": {
        "outputs": ["a", "b"],
        "layers": yaml.safe_load("[{slice: 4, name: a}, {slice: {start: 4}, from: x, name: b}]"),
        "inputs": ["x"],
    },
    "swap": {
        "inputs": ["p", "q"],
        "outputs": ["r", "s"],
        "layers": yaml.safe_load("[{relu: , from: q, name: r}, {tanh: , from: p, name: s}]"),
    },
}


def test_a_block_has_several_ends() -> None:
    found = graph("[{split: , name: s}, {repeat: {times: 3, layers: [swap]}, name: t}, concat, "
                  "{concat: , from: [s.b, s.a]}]", blocks=ENDS)  # fmt: skip
    rows = {name: shape[0] for name, shape in shapes(found).items()}
    # Three exchanges leave them in the other order: 12 of b, then 4 of a.
    assert (rows["s.a"], rows["s.b"]) == (4, 12)
    assert [rows[f"t.{i}.r"] for i in range(3)] == [12, 4, 12]
    assert rows["concat1"] == rows["concat2"] == 16


def test_a_tower_is_shared() -> None:
    layers = "[{conv: {out_channels: 4, kernel_size: 3, norm: batch_norm}}, flatten, {linear: 5}]"
    tower = {"tower": {"layers": yaml.safe_load(layers)}}
    found = graph("[{tower: , name: a}, {tower: , from: input, name: b, weights_of: a}, "
                  "{add: , from: [a, b]}]", blocks=tower)  # fmt: skip
    # 16·9·4 weights, 2·4 of the normalisation, 30·30·4·5 + 5.
    assert params(found) == 576 + 8 + 18_005
    assert {n.name: n.weights_of for n in found.nodes if n.weights_of} == {
        "b.conv1": "a.conv1",
        "b.bn1": "a.bn1",
        "b.fc1": "a.fc1",
    }


def test_a_network_is_cut_and_read_by_name() -> None:
    photo = {"height": 224, "width": 224, "channels": 3}
    found = graph(
        "[{network: {spec: resnet50, outputs: [avgpool]}, name: body}, {linear: 10}]", photo
    )
    # torchvision: resnet50 has 25,557,032, of which its fc has 2048·1000 + 1000.
    assert params(found) == 25_557_032 - 2_049_000 + 20_490
    assert found.nodes[0].name == "body.conv1"
    named = graph("[{network: vgg16, name: v}, {relu: , from: v.pool4}]", photo)
    # Four poolings: 224/16 = 14.
    assert shapes(named)["relu1"] == (512, 14, 14)


def test_a_network_takes_its_variables_and_any_input() -> None:
    picture = {"height": 64, "width": 64, "channels": 3}
    found = graph("[{network: {spec: vit_b_16, set: {depth: 6}}}]", picture)
    layer = 12 * 768**2 + 13 * 768
    # torchvision: 86,567,656 at 224×224, with 14·14 + 1 positions and 12 layers; here 4·4 + 1.
    assert params(found) == 86_567_656 - 6 * layer - (197 - 17) * 768


def test_frozen_layers_are_known() -> None:
    found = graph("[{conv: {out_channels: 4, kernel_size: 1}, trainable: false}, {unit: {mid: 2}, "
                  "trainable: =flag}, {relu: , trainable: true}]",
                  blocks=BOTTLENECK, vars={"flag": False})  # fmt: skip
    assert [n.trainable for n in found.nodes] == [False, False, False, True]


def test_files_beside_a_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "parts").mkdir()
    head = "input: {features: 4}\nlayers: [{linear: 3}]\n"
    (tmp_path / "parts" / "head.yaml").write_text(head)
    (tmp_path / "loop.yaml").write_text("input: {features: 4}\nlayers: [{network: loop.yaml}]\n")
    (tmp_path.parent / "out.yaml").write_text(head)
    (tmp_path / "link.yaml").symlink_to(tmp_path.parent / "out.yaml")
    monkeypatch.chdir(tmp_path)
    net = tmp_path / "net.yaml"

    def table(name: str) -> tuple[int, str, str]:
        net.write_text(f"input: {{features: 7}}\nlayers: [{{network: {name}}}]\n")
        return command("table", "net.yaml", "--value", "params")

    assert table("parts/head.yaml")[:2] == (0, "24\n")
    assert "uses itself: net.yaml → loop.yaml → loop.yaml" in table("loop.yaml")[2]
    for name in ("../out.yaml", "link.yaml", str(tmp_path.parent / "out.yaml")):
        code, out, err = table(name)
        assert (code, out) == (2, "")
        assert "leads out of the spec's folder" in err
        assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        ("[{relu: , when: 1}]", "must be true or false, or a formula such as =n > 1, not 1"),
        ("[{conv: {out_channels: 4, kernel_size: 1, norm: bacth_norm}}]", "mean batch_norm?"),
        ("[{max_pool: {kernel_size: 2, norm: batch_norm}}]", "no such field of max_pool"),
        ("[{relu: , from: [input, input]}]", "relu reads one input, not 2"),
        ("[{swap: , from: input}]", "swap reads 2 inputs (p, q), not 1"),
        ("[{split: , name: s}, relu]", "say with from which one it reads: s.a, s.b"),
        ("[{split: , name: s}, {relu: , from: s.c}]", 'there is no "s.c"'),
        ("[{relu: , name: r}, {unit: , name: u, weights_of: r}]", "r has no layer conv1"),
        ("[{repeat: {times: 2, each: {of: a, rows: [1]}, layers: []}}]", "leave times out"),
        ("[{repeat: {each: {of: [a, b], rows: [[1]]}, layers: []}}]", "has 1 values for 2 columns"),
        ("[{repeat: {each: {of: [a, a], rows: [[1, 2]]}, layers: []}}]", '"a": is listed twice'),
        ("[{repeat: {each: {of: a, rowz: [1]}, layers: []}}]", "key of each; did you mean rows?"),
        ("[{repeat: {each: [1], layers: []}}]", "must have of and rows, such as {of: [width, n]"),
        ("[{network: nowhere}]", "nowhere"),
        ("[{network: {spec: lenet5, sett: {}}}]", "no such key of network; did you mean set?"),
        ("[flatten, {network: lenet5}]", "lenet5: conv1: conv needs an input with"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(layers: str, says: str) -> None:
    message = said(layers, blocks={**BOTTLENECK, **ENDS})
    assert says in message
    assert "\n" not in message


def test_the_input_of_a_block_is_no_riddle() -> None:
    old = {"old": {"layers": [{"relu": None, "from": "input"}]}}
    message = said("[{conv: {out_channels: 4, kernel_size: 1}}, old]", blocks=old)
    assert "input is the network's, not the block's" in message
    # With a name for it, the block reads its own: 4·5 + 5 = 25 parameters, not 16·5 + 5.
    named = {"new": {"inputs": ["x"], "layers": yaml.safe_load(
        "[relu, {conv: {out_channels: 5, kernel_size: 1}, from: x}]")}}  # fmt: skip
    found = graph("[{conv: {out_channels: 4, kernel_size: 1}}, new]", blocks=named)
    assert params(found) == 16 * 4 + 4 + 25


def test_a_block_of_ones_own_wins_over_a_new_word() -> None:
    # `scale` became a layer later, too.
    scaled = {"scale": {"args": {"by": 1}, "layers": ["relu"]}}
    assert [n.layer.type for n in graph("[scale, {scale: 3}]", blocks=scaled).nodes] == ["relu"] * 2
    own = {"when": {"args": {"n": None}, "layers": [{"linear": "=n"}]},
           "network": {"layers": ["relu"]}}  # fmt: skip
    found = graph("[flatten, {when: 3}, network]", blocks=own)
    assert [n.layer.type for n in found.nodes] == ["flatten", "linear", "relu"]


def test_swin_t_is_sayable() -> None:
    path = Path(__file__).parent / "networks" / "swin_t.yaml"
    report = cnncalc.analyze(path)
    # torchvision.models.swin_t, and torch's FlopCounterMode on it at 224×224.
    assert report.total("params") == 28_288_354
    assert report.total("macs") == 4_490_566_656
    assert len(path.read_text("utf-8").splitlines()) <= 45
