"""What torch shows of a network: at every layer, without memory, and in a real training step."""

import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from cnncalc.errors import CnncalcError, printable, shorten
from cnncalc.graph import Graph
from cnncalc.infer import Facts
from cnncalc.layers.base import Ids, Shape
from cnncalc.witness.network import Network
from cnncalc.witness.reach import reach_of as reach_of

VERSION = torch.__version__
MAX_MESSAGE = 300
"""How much of a message of torch's is shown."""


class NotRun(Exception):
    """torch did not run a layer; no layer where it is the whole network."""

    def __init__(self, layer: str, reason: Exception) -> None:
        lines = str(reason).splitlines() or [type(reason).__name__]
        self.layer, self.message = layer, printable(shorten(lines[0], MAX_MESSAGE))


@dataclass
class Shapes:
    """The tensors of a twin by name, and of every layer what it gives and counts for a batch."""

    parameters: dict[str, Shape] = field(default_factory=dict)
    buffers: dict[str, Shape] = field(default_factory=dict)
    outputs: dict[str, Shape] = field(default_factory=dict)
    flops: dict[str, int] = field(default_factory=dict)
    total_flops: int = 0
    """Of inference: without the layers that only training runs."""
    stopped: NotRun | None = None


@dataclass
class Gradients:
    """A training step: bytes that each layer keeps, and for each trained tensor its gradient."""

    saved: dict[str, int] = field(default_factory=dict)
    finite: dict[str, bool | None] = field(default_factory=dict)
    """None where there is no gradient."""
    peak: int | None = None
    stopped: NotRun | None = None


def shapes_of(graph: Graph, facts: Sequence[Facts], batch: int) -> Shapes:
    """Shapes and FLOPs on the meta device: of inference, then of what only training runs."""
    found = Shapes()

    def watch(name: str, value: torch.Tensor) -> None:
        flops = counter.get_total_flops()
        if name not in found.outputs:
            found.outputs[name], found.flops[name] = tuple(value.shape), flops - counted.pop()
        counted[:] = [flops]

    try:
        with torch.device("meta"):
            twin, inputs = _made(graph, facts, batch, "meta")
            found.parameters = {name: tuple(p.shape) for name, p in twin.named_parameters()}
            found.buffers = {name: tuple(b.shape) for name, b in twin.named_buffers()}
            for training in [False, True] if graph.auxiliary else [False]:
                counted = [0]
                with FlopCounterMode(display=False) as counter:
                    _run(twin.train(training), inputs, graph, watch)
                if not training:
                    found.total_flops = counter.get_total_flops()
    except NotRun as stopped:
        found.stopped = stopped
    return found


def train_step(graph: Graph, facts: Sequence[Facts], batch: int, device: str) -> Gradients:
    """One forward and backward on random data, float32. The user's random numbers stay as they are.

    Saved are the storages that autograd packs first in each layer, parameters and buffers not.
    """
    found = Gradients()
    kept: list[torch.Tensor] = []
    packed = [0]

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        if _place(tensor) not in counted:
            counted.add(_place(tensor))
            packed[0] += tensor.untyped_storage().nbytes()
            # Kept, so that no storage takes the place of one that is gone.
            kept.append(tensor)
        return tensor

    def watch(name: str, value: torch.Tensor) -> None:
        found.saved[name], packed[0] = packed[0], 0

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        try:
            before = _watch_peak(device)
            twin, inputs = _made(graph, facts, batch, device)
            counted = {_place(tensor) for tensor in [*twin.parameters(), *twin.buffers()]}
            with plain_kernels(twin), saved_tensors_hooks(pack, lambda tensor: tensor):
                results = _run(twin.train(), inputs, graph, watch)
            kept.clear()
            _backward([result for result in results if result.requires_grad])
            found.finite = {
                name: None if p.grad is None else bool(p.grad.isfinite().all())
                for name, p in twin.named_parameters()
            }
            if any(fact.node.layer.partial for fact in facts) and False in found.finite.values():
                # A logarithm of what is drawn at random may have no gradient: nothing is told.
                found.finite = {}
            if before is not None:
                found.peak = torch.cuda.max_memory_allocated() - before
        except NotRun as stopped:
            found.stopped = stopped
    return found


@contextmanager
def plain_kernels(twin: torch.nn.Module) -> Iterator[None]:
    """The kernels of torch itself where there is an LSTM: that of oneDNN keeps a workspace of its
    own, whose size it does not tell, in place of tensors."""
    before = torch._C._get_mkldnn_enabled()
    try:
        if any(isinstance(module, torch.nn.LSTM) for module in twin.modules()):
            torch._C._set_mkldnn_enabled(False)
        yield
    finally:
        torch._C._set_mkldnn_enabled(before)


def random_inputs(graph: Graph, batch: int) -> list[torch.Tensor]:
    """A batch for each input: values around 0, or ids that all that read them know."""
    return [
        torch.randint(graph.vocabulary(name), (batch, *shape))
        if isinstance(shape, Ids)
        else torch.randn(batch, *shape)
        for name, shape in graph.inputs.items()
    ]


def _made(
    graph: Graph, facts: Sequence[Facts], batch: int, device: str
) -> tuple[Network, list[torch.Tensor]]:
    """The twin, and random inputs for it."""
    try:
        inputs = random_inputs(graph, batch)
        twin = Network(graph, facts).to(device, torch.float32)
        return twin, [tensor.to(device) for tensor in inputs]
    except CnncalcError:
        raise
    except Exception as error:
        raise NotRun("", error) from error


def _run(
    twin: Network,
    inputs: Sequence[torch.Tensor],
    graph: Graph,
    watch: Callable[[str, torch.Tensor], None],
) -> tuple[torch.Tensor, ...]:
    """The results of a twin. Raises NotRun with the layer that torch refuses."""
    resting = set() if twin.training else graph.only_auxiliary()
    waiting = deque(node.name for node in graph.nodes if node.name not in resting)

    def ran(name: str, value: torch.Tensor) -> None:
        waiting.popleft()
        watch(name, value)

    try:
        with warnings.catch_warnings(action="ignore"):
            results = twin(*inputs, watch=ran)
    except Exception as error:
        # Whatever it is, it is what torch has against this layer.
        raise NotRun(waiting[0], error) from error
    return results if isinstance(results, tuple) else (results,)


def _backward(results: list[torch.Tensor]) -> None:
    """The gradients of the results weighed at random; where nothing is trained there are none."""
    try:
        with warnings.catch_warnings(action="ignore"):
            if results:
                torch.autograd.backward(results, [torch.randn_like(r) for r in results])
    except Exception as error:
        raise NotRun("", error) from error


def _place(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _watch_peak(device: str) -> int | None:
    """What a CUDA device has given out until now; its peak counts from here."""
    if device != "cuda":
        return None
    torch.cuda.reset_peak_memory_stats()
    return torch.cuda.memory_allocated()
