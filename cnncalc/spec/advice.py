"""What a message advises: the right word for a wrong one, and pydantic's findings in our words."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from cnncalc.errors import Path, Problem, closest, path_text, printable, shorten, shown, suggestion
from cnncalc.layers import ACTIVATIONS, MODULES, NORMS, layer_class
from cnncalc.layers.base import Layer
from cnncalc.layers.foreign import foreign_fields, foreign_values, foreign_words, without_layer
from cnncalc.spec.calls import MAX_CALL, as_item, bare
from cnncalc.spec.scope import ITEM_KEYS

_DERIVED = ["in_channels", "in_features", "input_shape", "input_dim", "input_size", "num_features"]
"""Fields of other frameworks that say what follows from the input."""

_INPUT_WORDS = {
    "height": "h rows",
    "width": "w cols columns",
    "channels": "c channel in_channels maps planes",
    "depth": "d",
    "length": "l n time steps",
    "features": "in_features units size",
}
"""What else people call the keys of `input`, by ours."""

_NO_LAYERS = {
    "input": "; the key input of the spec gives the input",
    "inputlayer": "; the key input of the spec gives the input",
    "activation": "; write the activation itself, such as relu",
    "sequential": "; the list layers is the sequence",
    "groupqueryattention": "; an attention with num_kv_heads, behind linears that make q, k and v",
    "maximum": "; the joins are add, multiply and concat",
    "identity": "; leave it out, or write [] for a branch that changes nothing",
    "rnncell": "; rnn runs its cell over all steps",
    "lstmcell": "; lstm runs its cell over all steps",
    "grucell": "; gru runs its cell over all steps",
    "rnnbase": "; there are rnn, lstm and gru",
    "reversibleembedding": "; an embedding's table read the other way round has no layer",
}
"""Words of other frameworks for which there is no layer, in lower case without underscores."""


_NO_FIELDS = {
    "padding_mode": "; borders are zeros: a pad with another mode before it makes others",
    "scale": "; affine: false leaves out scale and shift, of batch_norm affine: shift the scale",
    "center": "; affine: false leaves out scale and shift, of batch_norm affine: scale the shift",
    "qkv_bias": "; bias is that of all projections, the last one too",
    "recompute_scale_factor": "",
    "return_state": "; return_sequences: false gives the last state",
    "recurrent_dropout": "; dropout is that between layers",
    "renorm_momentum": "",
}
"""Fields of other frameworks that are not the field of ours whose name is close."""
_BORDERS = ("reflect", "replicate", "circular")
"""Borders that a padding of its own makes."""
_SIZES = re.compile(r"[\[(]?\s*\d{1,6}(\s*[x×,*]\s*\d{1,6}){1,2}\s*[\])]?")


NO_WINDOW = "window and size are those of the max_pool that indices_of, beside it, names"
"""Why what undoes a pooling has no fields."""


def quoted(word: Any) -> str:
    """A key or word of a spec as a message names it."""
    return printable(shorten(word if isinstance(word, str) else shown(word))) or '""'


def _plain(word: Any) -> str:
    """A word without modules and a call around it, in lower case without underscores."""
    plain = bare(str(word)[:MAX_CALL]).lower().replace("_", "")
    # torch's layers that find out what they read are the same layers.
    lazy = plain.removeprefix("lazy")
    return lazy if lazy in foreign_words() else plain


def right_word(word: Any, among: Iterable[str] = MODULES) -> str | None:
    """Our word for another framework's or another spelling."""
    plain = _plain(word)
    found = foreign_words().get(plain) or next(
        (known for known in MODULES if known.replace("_", "") == plain), None
    )
    return found if found is not None and found in among else None


def unknown_layer(word: Any, blocks: Iterable[str] = ()) -> str:
    """What to say of a word that is neither a layer nor a block."""
    text = str(word)[:100]
    right, start = right_word(word), text.split(":")[0]
    plain = _plain(word)
    item = as_item(str(word), right) if right else None
    if item:
        hint = f"; write {item}"
    elif right:
        hint = f"; the layer is called {right}"
    elif start != text and start in MODULES:
        hint = f"; put a space behind {start}:"
    else:
        known = [*blocks, *([] if plain in without_layer() else MODULES)]
        hint = _NO_LAYERS.get(plain) or suggestion(text, known)
        hint = hint or "; `cnncalc layers` lists them"
    return f"no such layer{hint}"


def one_input(cls: type[Layer]) -> str:
    """What to say of a join that reads one input only."""
    if not cls.operands:
        return "needs a list of branches, or from with two or more names"
    message = f"{cls.type} reads {len(cls.operands)} inputs, {', '.join(cls.operands)}, not one; "
    if cls.of_one:
        message += f"{cls.of_one} makes them of one, or "
    return f"{message}give it a branch for each, or from: [{', '.join(cls.operands)}]"


def no_layer(
    item: dict[Any, Any], words: list[Any], path: Path, blocks: Iterable[str]
) -> Iterator[Problem]:
    """Why a mapping is not one layer with its name and wiring beside it."""
    layers = [word for word in words if right_word(word) or word in blocks]
    if len(layers) == 1:
        (layer,) = layers
        word = right_word(layer)
        fields = field_names(layer_class(word)) if word else []
        for key in words:
            if key in fields:
                message = f"a field of {layer} stands inside it: {layer}: {{{key}: …}}"
            else:
                hint = suggestion(str(key), ITEM_KEYS) or f"; there are {', '.join(ITEM_KEYS)}"
                message = f"no such key beside a layer{hint}"
            if key != layer:
                yield Problem((*path, key), f"{layer}.{quoted(key)}", message)
        return
    listed = ", ".join(map(quoted, words[:5])) + (", …" if len(words) > 5 else "")
    message = f"must have exactly one layer as a key, not {len(words)}: {listed}"
    meant = next((v for v in item.values() if isinstance(v, str) and right_word(v)), None)
    if not words:
        message = "must have a layer as a key, such as {linear: 10}"
    elif meant:
        message += f"; write {{{right_word(meant)}: {{…}}}}"
    elif layers:
        message += "; give each an item of its own"
    yield Problem(path, path_text(path), message)


def unknown_activation(word: Any, computed: bool = False) -> str:
    """What to say of a word that is no activation, be it written so or `computed`."""
    right = right_word(word, ACTIVATIONS)
    if right:
        hint = f"; it is called {right}"
    elif word in ("linear", "none", "None", "identity"):
        hint = "; leave the field out for none"
        if computed:
            # A formula cannot leave out its field.
            hint = "; for none, make it an item of its own behind the layer, with when beside it"
    else:
        close = "" if _plain(word) in without_layer() else suggestion(str(word), ACTIVATIONS)
        hint = close or f"; there are {', '.join(ACTIVATIONS)}"
    return f"no such activation: {shown(word)}{hint}"


def unknown_norm(word: Any) -> str:
    """What to say of a word that is no normalisation."""
    right = right_word(word, NORMS)
    hint = f"; it is called {right}" if right else suggestion(str(word), NORMS)
    return f"no such normalisation: {shown(word)}{hint or '; there are ' + ', '.join(NORMS)}"


def unknown_input_key(key: Any, known: Iterable[str]) -> str:
    """What to say of a key that `input` does not have."""
    right = next((ours for ours, words in _INPUT_WORDS.items() if key in words.split()), None)
    hint = f"; did you mean {right}?" if right else suggestion(str(key), known)
    return "no such key of input" + (hint or f"; it has {', '.join(known)}")


def right_field(cls: type[Layer], field: str) -> str | None:
    """The field of a layer that another framework or a slip of the pen calls `field`."""
    known = field_names(cls)
    right = next((ours for ours in known if _is_called(ours, field)), None)
    return right or (None if _remark(field) is not None else closest(field, known))


def _remark(field: str) -> str | None:
    """What to say of another framework's field that no field of ours is, though one is close."""
    if field.endswith(("_initializer", "_regularizer", "_constraint")):
        return "; a spec says nothing of how weights start or are held"
    return _NO_FIELDS.get(field)


def _is_called(ours: str, field: str) -> bool:
    """Whether another framework calls a field of ours like that, and not itself so."""
    return field != ours and any(field in names for names in foreign_fields().get(ours, ()))


def field_names(cls: type[Layer]) -> list[str]:
    """The fields of a layer as a spec spells them."""
    return [info.alias or name for name, info in cls.model_fields.items()]


def unknown_field(cls: type[Layer], field: str) -> str:
    """What to say of a field that a layer does not have."""
    known = field_names(cls)
    right = right_field(cls, field)
    if cls.needs_indices and field not in ITEM_KEYS:
        hint = f"; {NO_WINDOW}"
    elif field in ITEM_KEYS:
        hint = f"; {field} stands beside {cls.type}, not in it"
    elif field in _DERIVED:
        hint = "; it follows from the input: leave it out"
    elif right and _is_called(right, field):
        hint = f"; the field is called {right}"
    else:
        remark = _remark(field)
        hint = (suggestion(field, known) if remark is None else remark) or (
            f"; it has {', '.join(known) or 'none'}"
        )
    return f"no such field of {cls.type}{hint}"


def broken_field(cls: type[Layer], field: str, error: Any) -> str:
    """What pydantic found wrong with the value of a field, in our words."""
    kind, limits = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown_field(cls, field)
    if kind == "missing":
        described = {i.alias or name: i.description for name, i in cls.model_fields.items()}
        return f"{cls.type} needs it: {described[field]}"
    wanted = {
        "int_type": "a whole number",
        "float_type": "a number",
        "bool_type": "true or false",
        "finite_number": "a finite number",
        "greater_than": f"more than {_limit(limits.get('gt'))}",
        "greater_than_equal": f"at least {_limit(limits.get('ge'))}",
        "less_than_equal": f"at most {_limit(limits.get('le'))}",
        "literal_error": str(limits.get("expected", "")).replace("'", ""),
    }.get(kind)
    said = f"must be {wanted}, not {shown(error['input'])}" if wanted else str(error["msg"])
    return said + _right_value(error["input"], said)


def _right_value(value: Any, said: str) -> str:
    """What to write for a value in another spelling, or in other words; `said` has what can be."""
    if not isinstance(value, str) or len(value) > 40:
        return ""
    plain = value.strip().lower()
    word = foreign_values().get(plain)
    if plain in _BORDERS and "valid" in said:
        return f"; a pad with mode {plain} before it makes such borders"
    if word and word != value and re.search(rf"\b{word}\b", said):
        return f"; write {word}"
    if plain.startswith("(") and "a list with" in said and not plain.endswith(")"):
        return "; a list has square brackets, as [3, 3]"
    if "a list with" in said and (match := _SIZES.fullmatch(plain)):
        sizes = re.findall(r"\d+", match[0])
        return f"; write {sizes[0] if len({*sizes}) == 1 else '[' + ', '.join(sizes) + ']'}"
    return ""


def _limit(number: Any) -> str:
    return f"{number:,.15g}" if isinstance(number, (int, float)) else ""
