"""The same network as other tools count it.

A convention is data: how many times which quantity of which layers. It gives what its tool prints
in eval mode for a network whose layers are modules of torch.nn. Where that is a plain bug it is a
`Fault`, stated apart with what it adds: the convention has the number that the tool means.
"""

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

from cnncalc.analysis.convention import (
    Convention,
    Fault,
    Term,
    ToolCount,
    bias_additions,
    inputs,
    params,
    score_macs,
    states,
    tensors,
    torch_class,
)
from cnncalc.errors import UsageError, hint
from cnncalc.infer import Facts
from cnncalc.layers.base import count


def counted_by(name: str, facts: Sequence[Facts]) -> ToolCount:
    """What the tool of that name counts of a network. Raises UsageError."""
    used = convention(name)
    return ToolCount(name, used, used.parts(facts), used.errors(facts))


def convention(name: str) -> Convention:
    """The convention of that name. Raises UsageError."""
    if name not in CONVENTIONS:
        raise UsageError(f"no such counting convention: {name}{hint(name, CONVENTIONS)}")
    return CONVENTIONS[name]


def non_trainable(fact: Facts) -> int:
    """What Keras counts as parameters that are not trained: moving means and variances, fixed
    prototypes and kernels. It has no counter of batches."""
    buffers = {} if fact.node.weights_of else fact.node.layer.buffers(*fact.inputs)
    return sum(prod(shape) for name, shape in buffers.items() if name != "num_batches_tracked")


_ESTIMATED = "LayerNorm GroupNorm InstanceNorm"
_POOLS = "MaxPool AvgPool AdaptiveAvgPool AdaptiveMaxPool"
_PADDED = "MaxPool AvgPool"
_ADAPTIVE_AVG = "AdaptiveAvgPool"
_PARAMETRISED = "Embedding BatchNorm InstanceNorm LayerNorm GroupNorm RMSNorm PReLU"
_ATTENTION = "MultiheadAttention"
_RECURRENT = "RNN LSTM GRU"


def _macs(factor: int) -> tuple[Term, Term]:
    """Terms of all multiply-adds."""
    return Term(factor, "MACs"), Term(factor, "MACs of scores")


def _convolves(fact: Facts) -> bool:
    return fact.node.layer.kernels is not None


def _affine(fact: Facts) -> bool:
    return bool(tensors(fact))


def _without_statistics(fact: Facts) -> bool:
    return not getattr(fact.node.layer, "track_running_stats", True)


def _biased(fact: Facts) -> bool:
    return any("bias" in name for name in tensors(fact))


def _two_axes(fact: Facts) -> bool:
    return len(fact.inputs[0]) == 3


def _taps(number: int, axes: int | None = None) -> Callable[[Facts], bool]:
    """Whether an upsampling makes a value of so many along each axis, and has so many axes."""

    def holds(fact: Facts) -> bool:
        found: int = getattr(fact.node.layer, "taps", 0)
        return found == number and axes in (None, len(fact.inputs[0]) - 1)

    return holds


def _scaled(
    classes: str, factor: int, other: int, where: Callable[[Facts], bool] = _affine
) -> tuple[Term, Term]:
    """Terms of inputs: so many times where the layer has trained scales, so many where not."""
    return (
        Term(factor, "inputs", classes, where),
        Term(other, "inputs", classes, lambda fact: not where(fact)),
    )


# Faults, as differences between what a tool prints and what it means.


def _at_every_output(fact: Facts) -> int:
    # Each weight of a transposed convolution is used at every input position, not output position.
    return prod(tensors(fact)["weight"]) * count(fact.output[1:]) - fact.macs


def _once(fact: Facts) -> int:
    return params(fact) - fact.macs - bias_additions(fact)


def _groups_twice(fact: Facts) -> int:
    # calflops divides by the groups what torch has divided already, and rounds down.
    groups = fact.node.layer.wiring_groups(*fact.inputs) or 1
    channels, per_group, *kernel = tensors(fact)["weight"]
    positions = count(fact.inputs[0][1:])
    return positions * prod(kernel) * channels * (per_group // groups) - fact.macs


def _upsampled(fact: Facts) -> int:
    # Given a size it counts the positions; given a scale, the inputs.
    sized = getattr(fact.node.layer, "size", None) is not None
    return (count(fact.output[1:]) if sized else inputs(fact)) - fact.activations


def _biases_elsewhere(fact: Facts) -> int:
    # calflops takes the output's sizes for those of a convolution, and the channels of one group.
    if not bias_additions(fact):
        return 0
    positions = prod(
        (n + 2 * w.before - w.dilation * (w.kernel_size - 1) - 1) // w.stride + 1
        for n, w in zip(fact.inputs[0][1:], fact.windows, strict=True)
    )
    return positions * tensors(fact)["weight"][1] - bias_additions(fact)


def _fused(fact: Facts) -> int:
    # With biases torch runs all of it as one operation, without them the products of scores only.
    return -(fact.macs if _biased(fact) else score_macs(fact))


def _projection(fact: Facts) -> int:
    # Multiply-adds from the cell's output to the state that is given.
    return states(fact) * (getattr(fact.node.layer, "proj_size", None) or 0)


def _read_whole(fact: Facts) -> int:
    # thop multiplies by a state that is as long as the cell.
    if not (size := getattr(fact.node.layer, "proj_size", None)):
        return 0
    layer: Any = fact.node.layer
    # What multiplies states, of the layer itself and of the one below.
    products: int = fact.macs - layer.input_macs(*fact.inputs) - _projection(fact)
    whole: int = products * layer.hidden_size // size
    return whole - products - _projection(fact)


def _one_bias(fact: Facts) -> int:
    # oneDNN runs an LSTM as one operation. Else torch adds the bias of the first layer's input
    # apart where the steps do not lie one behind the other in memory.
    if torch_class(fact) == "LSTM" and not _projection(fact):
        return -(fact.macs + bias_additions(fact))
    layers: int = getattr(fact.node.layer, "num_layers", 1)
    return -(bias_additions(fact) // 2 // layers)


def _states(rnn: int, gru: int, lstm: int, where: Callable[[Facts], bool]) -> Iterator[Term]:
    """Terms of the arithmetic of states, so many operations for each of their numbers."""
    for factor, made_of in ((rnn, "RNN"), (gru, "GRU"), (lstm, "LSTM")):
        yield Term(factor, "states", made_of, where)


_GATES = (*_states(1, 7, 10, lambda fact: True),)
_UNSEEN_STEPS = Fault("sees nothing inside of recurrent layers", _RECURRENT, lambda f: -f.macs)
_UNPROJECTED = Fault("forgets the projection of an LSTM", "LSTM", lambda f: -_projection(f))
_UNSEEN = Fault("sees nothing inside of attention", _ATTENTION, lambda fact: -fact.macs)
_FUSED = Fault("does not see what attention fuses in eval mode", _ATTENTION, _fused)
_WRONG_BIASES = "counts the biases of a transposed convolution at wrong positions"
# torch writes this normalisation as three elementwise functions and a pooling of padded squares.
_NEIGHBOURS = (
    Term(3, "inputs", "LocalResponseNorm"),
    Term(1, "padded inputs", "LocalResponseNorm"),
)
_TRANSPOSED = "multiplies a transposed convolution at every output position, not input position"
_DIVIDED = "divides a transposed convolution by its groups twice"

CONVENTIONS = {
    "paper": Convention("papers and model zoos", "MACs", (Term(1, "MACs"),)),
    "torch": Convention("torch 2.14 FlopCounterMode", "FLOPs", _macs(2)),
    "fvcore": Convention(
        "fvcore 0.1.5.post20221221",
        "MACs",
        (
            *_macs(1),
            *_scaled("BatchNorm", 2, 1),
            Term(3, "inputs", "BatchNorm", _without_statistics),
            *_scaled(_ESTIMATED, 5, 4),
            Term(1, "inputs", _ADAPTIVE_AVG, _two_axes),
            Term(1, "outputs", "Upsample", _taps(1, 2)),
            Term(4, "outputs", "Upsample", _taps(2, 2)),
        ),
        remark="its FLOPs are MACs",
        faults=(_FUSED, _UNSEEN_STEPS),
    ),
    "torchinfo": Convention(
        "torchinfo 1.8.0",
        "MACs",
        (
            *_macs(1),
            Term(1, "additions of biases"),
            Term(1, "parameters", _PARAMETRISED),
        ),
        remark="a normalisation's parameters, not its values",
        faults=(
            Fault(_TRANSPOSED, "ConvTranspose", _at_every_output),
            Fault("forgets the positions of a linear", "Linear", _once),
            _UNSEEN,
        ),
    ),
    "ptflops": Convention(
        "ptflops 0.7.5 (aten)",
        "MACs",
        (*_macs(1), Term(1, "additions of biases")),
        faults=(
            _FUSED,
            Fault("does not see all of a recurrent layer", _RECURRENT, _one_bias),
        ),
    ),
    "ptflops-pytorch": Convention(
        "ptflops 0.7.5 (pytorch)",
        "MACs",
        (
            *_macs(1),
            Term(1, "additions of biases"),
            *_scaled("BatchNorm InstanceNorm GroupNorm", 2, 1),
            Term(1, "inputs", "LayerNorm"),
            Term(2, "inputs", "ReLU PReLU ELU GELU"),
            Term(1, "inputs", "ReLU6 LeakyReLU SiLU Softmax"),
            Term(2, "inputs", _POOLS),
            Term(2, "padding", _PADDED),
            Term(2, "outputs", "Upsample"),
            *_scaled(_ATTENTION, 5, 2, _biased),
            Term(1, "scores", _ATTENTION),
            *_NEIGHBOURS,
            *_GATES,
        ),
        remark="activations, poolings twice",
        faults=(_UNPROJECTED,),
    ),
    "thop": Convention(
        "thop 0.1.1.post2209072238",
        "MACs",
        (
            *_macs(1),
            *_scaled("BatchNorm LayerNorm InstanceNorm", 4, 2),
            Term(1, "inputs", "PReLU"),
            Term(3, "inputs", "Softmax"),
            Term(-1, "sums", "Softmax"),
            Term(1, "inputs", _ADAPTIVE_AVG),
            Term(1, "outputs", f"{_ADAPTIVE_AVG} AvgPool"),
            Term(1, "outputs", "Upsample", _taps(1)),
            Term(5, "outputs", "Upsample", _taps(2, 1)),
            Term(11, "outputs", "Upsample", _taps(2, 2)),
            Term(259, "outputs", "Upsample", _taps(4)),
            Term(1, "additions of biases", _RECURRENT),
            *_states(1, 7, 8, lambda fact: True),
        ),
        faults=(
            Fault(_TRANSPOSED, "ConvTranspose", _at_every_output),
            _UNSEEN,
            Fault("takes a projected state for a whole one", "LSTM", _read_whole),
        ),
    ),
    "calflops": Convention(
        "calflops 0.3.2",
        "MACs",
        _macs(1),
        faults=(Fault(_DIVIDED, "ConvTranspose", _groups_twice), _FUSED, _UNSEEN_STEPS),
    ),
    "calflops-flops": Convention(
        "calflops 0.3.2",
        "FLOPs",
        (
            *_macs(2),
            Term(1, "additions of biases", where=_convolves),
            *_scaled("BatchNorm", 2, 1),
            Term(3, "inputs", "BatchNorm", _without_statistics),
            *_scaled(_ESTIMATED, 5, 4),
            Term(1, "inputs", "ReLU PReLU ELU LeakyReLU SiLU GELU Softmax"),
            *_NEIGHBOURS,
            Term(1, "inputs", _POOLS),
            Term(1, "padding", _PADDED),
            Term(1, "outputs", "Upsample"),
            *_states(1, 7, 10, _biased),
            # Without biases it takes a sum's first summand for none.
            *_states(-1, 1, 2, lambda fact: not _biased(fact)),
        ),
        faults=(
            _UNPROJECTED._replace(error=lambda fact: -2 * _projection(fact)),
            Fault("forgets the channels or the scale of an upsample", "Upsample", _upsampled),
            Fault(_DIVIDED, "ConvTranspose", lambda fact: 2 * _groups_twice(fact)),
            Fault(_WRONG_BIASES, "ConvTranspose", _biases_elsewhere),
            _FUSED._replace(error=lambda fact: 2 * _fused(fact)),
        ),
    ),
}
"""Every convention by the word of `--count-as`."""
