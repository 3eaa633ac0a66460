"""A network as a Python module for torch, which needs nothing else."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, repeat
from typing import Any

from cnncalc.errors import CnncalcError
from cnncalc.graph import INPUT, Graph, indices
from cnncalc.infer import Facts, twins
from cnncalc.interop.definitions import definitions, used_names
from cnncalc.interop.function_body import READS, RUNNING, FunctionBody
from cnncalc.interop.outline import Block, Plan, Step, outline, plans, use_text, word_of
from cnncalc.interop.python_text import (
    BETWEEN,
    arguments,
    assignment,
    class_name,
    docstring,
    is_attribute,
    parse,
    signature,
    statement,
    text,
)
from cnncalc.layers.base import Ids

_OWN = definitions("cnncalc.witness.modules")
"""The few modules that torch has not."""
_DEFAULTS: dict[str, Any] = {
    "stride": 1,
    "padding": 0,
    "output_padding": 0,
    "dilation": 1,
    "groups": 1,
    "bias": True,
    "ceil_mode": False,
    "count_include_pad": True,
    "eps": 1e-5,
    "momentum": 0.1,
    "affine": True,
    "elementwise_affine": True,
    "track_running_stats": True,
    "approximate": "none",
    "padding_idx": None,
    "num_layers": 1,
    "bidirectional": False,
}
"""Arguments of torch's classes that may be left out, where nothing else is said below."""
_OTHER_DEFAULTS: dict[str, dict[str, Any]] = {
    "InstanceNorm": {"affine": False},
    "RMSNorm": {"eps": None},
}
_POSITIONAL = {
    "in_channels",
    "out_channels",
    "in_features",
    "out_features",
    "num_features",
    "input_size",
    "hidden_size",
    "normalized_shape",
    "output_size",
    "p",
}
"""Arguments that are written without their names where they come first."""

_TAKEN = """
T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double
dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule
half ipu load_state_dict modules mtia named_buffers named_children named_modules named_parameters
parameters register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook
register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook
register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict
to to_empty train training type xpu zero_grad _apply _backward_hooks _backward_pre_hooks _buffers
_call_impl _compiled_call_impl _forward_hooks _forward_hooks_always_called
_forward_hooks_with_kwargs _forward_pre_hooks _forward_pre_hooks_with_kwargs _get_backward_hooks
_get_backward_pre_hooks _get_name _is_full_backward_hook _load_from_state_dict
_load_state_dict_post_hooks _load_state_dict_pre_hooks _maybe_warn_non_full_backward_hook _modules
_named_members _non_persistent_buffers_set _parameters _register_load_state_dict_pre_hook
_register_state_dict_hook _replicate_for_data_parallel _save_to_state_dict _slow_forward
_state_dict_hooks _state_dict_pre_hooks _version _wrapped_call_impl
"""
_IS_TAKEN = "a torch module has something else of that name; give it another one"
TAKEN = frozenset(_TAKEN.split())
"""Names that a torch module has for itself; those with __ in front are refused too."""


def torch_source(graph: Graph, facts: Sequence[Facts]) -> str:
    """The network that `cnncalc.build` makes, as code: the same outputs and keys of weights.

    Raises CnncalcError where a name is one that torch modules have for themselves.
    """
    return _Writer(graph, facts).source()


class _Writer:
    def __init__(self, graph: Graph, facts: Sequence[Facts]) -> None:
        self.graph, self.facts = graph, facts
        self.taken = {*_OWN.taken, "torch", "nn", "F", "self", RUNNING, BETWEEN}
        self.classes = {*self.taken}
        self.name = class_name(graph.name, self.classes)
        resting = graph.only_auxiliary()
        names = {f.node.name for f in facts}
        self.twins = twins(facts)
        steps = [self._step(fact, names, fact.node.name in resting) for fact in facts]
        self.places = {
            step.name: ".".join((*step.scope, step.attribute)) for step in steps if step.made_of
        }
        called = used_names([parse(step.call) for step in steps])
        self.same = {
            node.name: self.places[node.weights_of]
            for node in graph.nodes
            if node.weights_of in self.places
            and self.twins[node.name][1:] == self.twins[node.weights_of][1:]
        }
        """Layers whose module is another's, and where that is."""
        self.direct: set[str] = set()
        """Those of them that are written as such, and need not be given it later."""
        self.own = _OWN.names & {*called, *(step.made_of for step in steps)}
        """Classes and functions of ours that the code needs."""
        self.root = outline(steps, tuple(graph.inputs), (*graph.outputs, *graph.auxiliary))
        self.plans = plans(self.root)
        for plan in self.plans:
            plan.name = class_name(plan.uses[0].word, self.classes)

    def _step(self, fact: Facts, names: set[str], resting: bool) -> Step:
        node, twin = fact.node, self.twins[fact.node.name]
        scope, host = tuple(node.name.split(".")), node.fused_into
        # As in the twin: what is fused and has weights keeps its key, otherwise it stands beside.
        parts = len(scope) - host.count(".") if host else 1
        scope, attribute = scope[:-parts], ".".join(scope[-parts:])
        beside = attribute.replace(".", "_")
        if host and not fact.weights and ".".join((*scope, beside)) not in names:
            attribute = beside
        name = twin.module or ""
        arguments = {key: _plain(name, value) for key, value in twin.arguments.items()}
        for part in (*scope, *attribute.split(".")) if name else scope:
            if part in TAKEN or part.startswith("__"):
                raise CnncalcError(f"{node.name}: {_IS_TAKEN}")
        return Step(
            name=node.name,
            scope=scope,
            attribute=attribute if name else "",
            call=text(parse(twin.call)),
            made_of=name,
            arguments=arguments,
            reads=node.values,
            more=(indices(node.name),) if "return_indices" in twin.arguments else (),
            fused=bool(host) and twin.call == "module(x)",
            resting=resting,
            word=word_of(node),
        )

    def source(self) -> str:
        parts = [self._class(plan.name, plan.uses[0], plan) for plan in self.plans]
        parts += [self._class(self.name, self.root, None), self._main()]
        made = "Made by cnncalc. It needs torch only."
        return _OWN.file(self.graph, made, parts, self.own, ("torch", _imports))

    def _class(self, name: str, block: Block, plan: Plan | None) -> list[str]:
        lines = [f"class {name}(nn.Module):"]
        if plan is not None:
            lines += [*docstring([use_text(plan)], 4), ""]
        elif self.graph.auxiliary:
            lines += [*docstring(["In training it also gives its auxiliary outputs."], 4), ""]
        parameters = [f"{p.name}: {_kind(p.values)}" for p in plan.parameters] if plan else []
        variables = iter(plan.by_slot) if plan else repeat(None)
        made = list(self._constructors(block, variables))
        if made:
            lines += signature("__init__", ["self", *parameters], "None", 4)
            lines += ["        super().__init__()", *made]
            modules, tensors = self._shared() if plan is None else ([], [])
            lines += ["        # One module in several places.", *modules] if modules else []
            lines += ["        self._share()"] if tensors else []
            lines += self._frozen() if plan is None else []
            lines += ["", *_sharing(tensors)] if tensors else []
            lines.append("")
        return [*lines, *self._forward(block)]

    def _frozen(self) -> list[str]:
        """The statements that keep training from what is not trained."""
        frozen = (f.node.name for f in self.facts if f.weights and not f.node.trainable)
        places = dict.fromkeys(self.places[name] for name in frozen)
        calls = [f"        {_access(place.split('.'))}.requires_grad_(False)" for place in places]
        return ["        # Training does not change these.", *calls] if calls else []

    # Modules

    def _constructors(self, block: Block, variables: Iterator[str | None]) -> Iterator[str]:
        """The statements that make a block's modules."""
        known: set[str] = set()
        for item in block.items:
            if isinstance(item, Step) and not item.made_of:
                continue
            made = self._constructor(item, variables)
            path = item.attribute.split(".")
            for depth in range(1, len(path)):
                container = ".".join(path[:depth])
                if container not in known:
                    yield from _put(path[:depth], "nn.Module()")
                known.add(container)
            if item.attribute in known:
                raise CnncalcError(f"{item.gives[0]}: {_IS_TAKEN}")
            known.add(item.attribute)
            if block is self.root and isinstance(item, Step) and item.name in self.same:
                # Whose module it is was made before.
                self.direct.add(item.attribute)
                made = _access(self.same[item.name].split("."))
            yield from _put(path, made)

    def _constructor(self, item: Step | Block, variables: Iterator[str | None]) -> str:
        if isinstance(item, Step):
            home = "" if item.made_of in _OWN.names else "nn."
            given = arguments(item.slots(), variables, _defaults(item.made_of), _POSITIONAL)
            return f"{home}{item.made_of}({', '.join(given)})"
        if item.plan is None:
            return _sequence([self._constructor(inner, variables) for inner in item.items])
        return f"{item.plan.name}({', '.join(arguments(item.slots(), variables))})"

    def _shared(self) -> tuple[list[str], list[str]]:
        """What gives later layers the weights of earlier ones: of equal layers the module, once;
        of others the tensors, again whenever they have moved."""
        modules, tensors = list[str](), list[str]()
        known = {fact.node.name: fact for fact in self.facts}
        for node, fact in ((fact.node, fact) for fact in self.facts if fact.node.weights_of):
            owner = known[str(node.weights_of)]
            mine, theirs = self.places.get(node.name, ""), self.places.get(owner.node.name, "")
            if not mine or not theirs or mine in self.direct:
                continue
            if node.name in self.same:
                modules += _put(mine.split("."), _access(theirs.split(".")))
                continue
            buffers = {*owner.node.layer.buffers(*owner.inputs)}
            names = [*node.layer.weights(*fact.inputs)]
            names += [n for n in node.layer.buffers(*fact.inputs) if n in buffers]
            for name in names:
                path, _, last = name.rpartition(".")
                target, source = (
                    _access([*place.split("."), *filter(None, [path])]) for place in (mine, theirs)
                )
                tensors += statement(f"{target}.{last} = ", f"{source}.{last}", 8)
        return modules, tensors

    # Forward

    def _forward(self, block: Block) -> list[str]:
        root = block is self.root
        outputs = self.graph.outputs if root else block.gives
        auxiliary = self.graph.auxiliary if root else ()
        named = root and (len(self.graph.inputs) > 1 or INPUT not in self.graph.inputs)
        inputs = {name: name for name in self.graph.inputs} if named else None
        wanted = (*outputs, *auxiliary)
        writer = FunctionBody(block, wanted, _called, self.taken, inputs)
        parameters = ["self", *(f"{writer.locals[name]}: Tensor" for name in block.reads)]
        returned = "Tensor" if len(wanted) == 1 else "tuple[Tensor, ...]"
        if auxiliary and len(outputs) == 1:
            returned = "Tensor | tuple[Tensor, ...]"
        lines, resting = signature("forward", parameters, returned, 4), False
        for made in writer.statements():
            if made.items[0].resting and not block.resting and not resting:
                lines.append("        if self.training:")
            resting = made.items[0].resting and not block.resting
            indent, gives = (12 if resting else 8), made.items[-1].gives
            if made.last and gives == wanted and len(wanted) == 1:
                return [*lines, *assignment(RUNNING, made.call, indent, returns=True)]
            # What nobody reads may keep statistics.
            targets = ", ".join(made.targets)
            lines += (
                assignment(targets, made.call, indent)
                if targets
                else statement("", made.call, indent)
            )
        if auxiliary:
            results = ", ".join(writer.locals[name] for name in wanted)
            lines += ["        if self.training:", *assignment("", results, 12, returns=True)]
        results = ", ".join(writer.locals[name] for name in outputs)
        return [*lines, *assignment("", results, 8, returns=True)]

    def _main(self) -> list[str]:
        inputs = [
            f"torch.randint({self.graph.vocabulary(name)}, {(2, *shape)})"
            if isinstance(shape, Ids)
            else f"torch.rand{(2, *shape)}"
            for name, shape in self.graph.inputs.items()
        ]
        lines = [
            'if __name__ == "__main__":',
            f"    network = {self.name}().eval()",
            "    parameters = sum(p.numel() for p in network.parameters())",
            '    print(f"{parameters:,} parameters")',
        ]
        names = ["x"] if len(inputs) == 1 else [f"x{i}" for i in range(1, len(inputs) + 1)]
        for name, made in zip(names, inputs, strict=True):
            lines += statement(f"    {name} = ", made, 0)
        lines.append("    with torch.no_grad():")
        lines += statement("        outputs = ", f"network({', '.join(names)})", 0)
        if len(self.graph.outputs) == 1:
            return [*lines, "    print(tuple(outputs.shape))"]
        return [*lines, "    print(*(tuple(output.shape) for output in outputs))"]


def _sharing(tensors: Sequence[str]) -> list[str]:
    """The methods of a network in which layers that differ share tensors."""
    return [
        "    def _share(self) -> None:",
        '        """Gives layers the tensors of others: each is one tensor for all of them."""',
        *tensors,
        "",
        "    def _apply(self, fn, recurse=True):  # type: ignore[no-untyped-def]",
        "        # What moves to a device or becomes another type moves layer by layer.",
        "        super()._apply(fn, recurse)",
        "        self._share()",
        "        return self",
    ]


def _called(item: Step | Block) -> str:
    """What an item calls: its module; a block's with what it reads."""
    module = _access(item.attribute.split(".")) if item.attribute else ""
    return f"{module}({READS})" if isinstance(item, Block) else module


def _access(path: Sequence[str]) -> str:
    """How a module is reached from the one around it."""
    joined = ".".join(path)
    if all(map(is_attribute, joined.split("."))):
        return f"self.{joined}"
    return f'self.get_submodule("{joined}")'


def _put(path: Sequence[str], made: str) -> list[str]:
    """The statement that puts a module where it belongs."""
    if all(map(is_attribute, path)):
        return statement(f"self.{'.'.join(path)} = ", made, 8)
    home = _access(path[:-1]) if len(path) > 1 else "self"
    return statement("", f'{home}.add_module("{path[-1]}", {made})', 8)


def _sequence(parts: Sequence[str]) -> str:
    """nn.Sequential of constructors; equal ones in a row as a loop."""
    listed: list[str] = []
    for part, run in groupby(parts):
        number = len(list(run))
        listed.append(part if number == 1 else f"*({part} for _ in range({number}))")
    return f"nn.Sequential({', '.join(listed)})"


def _plain(made_of: str, value: Any) -> Any:
    """One number for all axes where torch takes it."""
    alike = isinstance(value, tuple) and len(set(value)) == 1
    short = re.match(
        r"Conv|MaxPool\d|MaxUnpool|AvgPool|AdaptiveAvg|AdaptiveMax|Upsample|LayerNorm|RMS", made_of
    )
    one = alike and short and (len(value) == 1 or not made_of.endswith("Norm"))
    return value[0] if one else value


def _defaults(made_of: str) -> dict[str, Any]:
    if made_of in _OWN.names:
        return {}
    own = next((d for n, d in _OTHER_DEFAULTS.items() if made_of.startswith(n)), {})
    defaults = _DEFAULTS | own
    if "Pool" in made_of:
        # A pooling's stride is its kernel.
        defaults = {key: value for key, value in defaults.items() if key != "stride"}
    return defaults


def _kind(values: Sequence[Any]) -> str:
    """The annotation of a parameter that has these values."""
    kinds = {"None" if v is None else type(v).__name__ for v in values}
    return " | ".join(sorted(k if k != "tuple" else "tuple[int, ...]" for k in kinds))


def _imports(used: set[str]) -> list[str]:
    """The imports from torch that a module needs where these names are in use."""
    functional = ["from torch.nn import functional as F"] if "F" in used else []
    return ["from torch import Tensor, nn", *functional]
