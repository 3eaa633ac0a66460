"""Unpooling: whose indices it takes, what follows from that, and what is said where it does not."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import cnncalc
from cnncalc.errors import SpecError, UsageError
from cnncalc.infer import infer
from tests.command import cnncalc as command

POOL = {"max_pool": 2, "name": "pool"}
UNDO = {"max_unpool": None, "indices_of": "pool"}


def conv(channels: int = 4) -> dict[str, Any]:
    return {"conv": {"out_channels": channels, "kernel_size": 3, "padding": 1}}


def spec(*layers: Any, **more: Any) -> dict[str, Any]:
    return {
        "name": "net",
        "input": {"height": 45, "width": 60, "channels": 4},
        "layers": [*layers],
        **more,
    }


def outputs(found: dict[str, Any]) -> list[tuple[int, ...]]:
    return [fact.output for fact in infer(cnncalc.load(found))]


def undone(found: dict[str, Any]) -> list[str | None]:
    return [n.indices_of for n in cnncalc.load(found).nodes if n.layer.type == "max_unpool"]


def test_the_odd_row_comes_back() -> None:
    # ⌊45/2⌋ = 22 rows, and 45 again.
    assert outputs(spec(POOL, UNDO)) == [(4, 22, 30), (4, 45, 60)]


@pytest.mark.parametrize(("height", "width"), [(360, 480), (45, 61), (33, 32), (90, 97)])
def test_segnet_comes_back_to_every_input(height: int, width: int) -> None:
    graph = cnncalc.load("segnet").with_input((3, height, width))
    known = {fact.node.name: fact for fact in infer(graph)}
    rows = height
    for level in range(1, 6):
        pool, unpool = known[f"pool{level}"], known[f"unpool{level}"]
        assert unpool.output[1:] == pool.inputs[0][1:]
        assert pool.inputs[0][1] == rows
        # Caffe rounds up.
        rows = -(-rows // 2)
    assert known["conv1_1_D"].output == (11, height, width)


def test_input_moves_segnet_at_the_command_line() -> None:
    printed = command("table", "segnet", "--input", "45x61x3", "--columns", "name,output").out
    (row,) = (line for line in printed.splitlines() if line.startswith("unpool1 "))
    assert row.split() == ["unpool1", "45×61×64"]


class Small(nn.Module):
    """Two levels as one writes them for torch, with a convolution at each."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2 = (nn.MaxPool2d(2, return_indices=True) for _ in range(2))
        self.up1, self.up2 = nn.MaxUnpool2d(2), nn.MaxUnpool2d(2)
        self.a, self.b, self.c = (nn.Conv2d(4, 4, 3, padding=1) for _ in range(3))

    def forward(self, x: torch.Tensor) -> Any:
        first = self.a(x)
        pooled, indices1 = self.down1(first)
        second = self.b(pooled)
        pooled, indices2 = self.down2(second)
        x = self.up2(pooled.tanh(), indices2, output_size=second.shape)
        return self.up1(self.c(x), indices1, output_size=first.shape)


def test_a_network_is_the_one_that_one_writes_for_torch() -> None:
    found = cnncalc.build(
        spec(
            {**conv(), "name": "a"},
            {"max_pool": 2, "name": "down1"},
            {**conv(), "name": "b"},
            {"max_pool": 2, "name": "down2"},
            "tanh",
            {"max_unpool": None, "indices_of": "down2"},
            {**conv(), "name": "c"},
            {"max_unpool": None, "indices_of": "down1"},
        )
    )
    torch.manual_seed(0)
    small = Small()
    found.load_state_dict(small.state_dict())
    x = torch.randn(2, 4, 45, 60)
    with torch.no_grad():
        torch.testing.assert_close(found(x), small(x))


DOWN = {"layers": [conv(), {"max_pool": 2, "name": "pool"}]}


def test_the_name_of_a_block_stands_for_its_pooling() -> None:
    layers = [
        {"down": None, "name": "down1"},
        {"down": None, "name": "down2"},
        {"max_unpool": None, "indices_of": "down2"},
        {"max_unpool": None, "indices_of": "down1"},
    ]
    found = spec(*layers, blocks={"down": DOWN})
    assert undone(found) == ["down2.pool", "down1.pool"]
    assert outputs(found)[-1] == (4, 45, 60)


def test_a_block_undoes_its_own_pooling_in_every_use() -> None:
    hourglass = {"layers": [*DOWN["layers"], conv(), UNDO]}
    rounds = {"repeat": {"times": 2, "layers": [conv(), POOL, UNDO]}}
    found = spec("hourglass", "hourglass", rounds, blocks={"hourglass": hourglass})
    assert undone(found) == [
        "hourglass1.pool",
        "hourglass2.pool",
        "repeat1.0.pool",
        "repeat1.1.pool",
    ]
    assert outputs(found)[-1] == (4, 45, 60)


def test_a_repeat_may_undo_a_pooling_outside() -> None:
    again = {"repeat": {"times": 2, "layers": [UNDO, {"max_pool": 2}]}}
    assert undone(spec(POOL, again, UNDO)) == ["pool"] * 3


def test_what_is_undone_runs_wherever_what_undoes_it_does() -> None:
    """Nothing reads the values of the pooling but an auxiliary output; its indices are needed."""
    found = spec(
        conv(),
        {**POOL, "name": "p"},
        {"relu": None, "name": "aux"},
        {"avg_pool": 2, "from": "conv0"},
        {"max_unpool": None, "indices_of": "p", "name": "main"},
        outputs=["main"],
        auxiliary=["aux"],
    )
    found["layers"][0] = {**conv(), "name": "conv0"}
    graph = cnncalc.load(found)
    assert graph.only_auxiliary() == {"aux"}
    twin = cnncalc.build(graph).eval()
    assert twin(torch.rand(1, 4, 45, 60)).shape == (1, 4, 45, 60)


NEEDS = (
    "max_unpool needs indices_of beside it: the name of the max_pool that it undoes, as in "
    "{max_unpool: null, indices_of: pool1}"
)
NO_FIELDS = "window and size are those of the max_pool that indices_of, beside it, names"
REFUSED = [
    ([POOL, "max_unpool"], f"layers[1]: unpool1: {NEEDS}"),
    (
        [POOL, {"max_unpool": 2}],
        f"layers[1].max_unpool: unpool1: max_unpool takes no 2; {NO_FIELDS}\n"
        f"layers[1]: unpool1: {NEEDS}",
    ),
    (
        [POOL, {"max_unpool": {"kernel_size": 2}, "indices_of": "pool"}],
        "layers[1].max_unpool.kernel_size: unpool1.kernel_size: no such field of max_unpool; "
        + NO_FIELDS,
    ),
    (
        [POOL, {"max_unpool": {"indices_of": "pool"}}],
        "layers[1].max_unpool.indices_of: unpool1.indices_of: no such field of max_unpool; "
        f"indices_of stands beside max_unpool, not in it\nlayers[1]: unpool1: {NEEDS}",
    ),
    (
        [{"avg_pool": 2, "name": "pool"}, UNDO],
        "layers[1].indices_of: unpool1.indices_of: pool is avg_pool; indices_of names a max_pool",
    ),
    (
        [{"max_unpool": None, "indices_of": "input"}],
        "layers[0].indices_of: unpool1.indices_of: input is no max_pool; indices_of names a "
        "max_pool",
    ),
    (
        [UNDO, POOL],
        "layers[0].indices_of: unpool1.indices_of: pool comes later; indices_of names earlier "
        "layers",
    ),
    (
        [POOL, {"max_unpool": None, "indices_of": "pol"}],
        'layers[1].indices_of: unpool1.indices_of: no earlier layer is named "pol"; did you mean '
        "pool?",
    ),
    (
        [POOL, {"relu": None, "indices_of": "pool"}],
        "layers[1].indices_of: relu1: relu takes no indices; indices_of stands beside max_unpool",
    ),
    (
        [POOL, {"repeat": {"times": 1, "layers": ["relu"]}, "indices_of": "pool"}],
        "layers[1].indices_of: repeat1: indices_of stands beside a layer, not beside a block or a "
        "repeat",
    ),
    (
        [POOL, conv(5), UNDO],
        "layers[2].max_unpool: unpool1: it reads 22×30×5, but pool, whose indices it takes, gave "
        "22×30×4; both must be the same",
    ),
]


@pytest.mark.parametrize(("layers", "message"), REFUSED)
def test_what_is_refused_says_what_to_do(layers: list[Any], message: str) -> None:
    with pytest.raises(SpecError) as raised:
        infer(cnncalc.load(spec(*layers)))
    assert str(raised.value) == message


def test_keras_has_no_indices() -> None:
    message = "^unpool1: a max_unpool has no spelling in Keras, whose poolings give no indices; "
    with pytest.raises(UsageError, match=message):
        cnncalc.export(spec(POOL, UNDO), to="keras")


def test_whose_indices_they_are_is_a_difference() -> None:
    first, second = {**POOL, "name": "a"}, {"max_pool": {"kernel_size": 2}, "name": "b"}
    up = {"max_unpool": None, "indices_of": "a"}
    layers = [first, {**second, "from": "input"}, up]
    other = [*layers[:2], {**up, "indices_of": "b"}]
    (change,) = cnncalc.diff(spec(*layers), spec(*other)).changes
    assert [tuple(f) for f in change.fields] == [("indices_of", "a", "b")]


def test_explain_says_where_the_values_go() -> None:
    text = command("explain", "segnet", "unpool5").out
    assert "Puts each value where pool5 found it, and is as large as what that read." in text
