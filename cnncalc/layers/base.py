"""What every layer answers."""

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from cnncalc.dims import TransposedWindow, Window
from cnncalc.errors import shown
from cnncalc.layers.axis_map import SAME, AxisMap, followed
from cnncalc.layers.fields import refuse
from cnncalc.layers.kept import Kept, Order, Strides
from cnncalc.layers.keras_twin import Part, refused
from cnncalc.layers.twin import Twin

Family = Literal[
    "convolution",
    "pooling",
    "unpooling",
    "dense",
    "attention",
    "recurrent",
    "normalisation",
    "activation",
    "rearranging",
    "resizing",
    "join",
]
"""What a layer may have become without being another one: any pooling is still a pooling."""

KernelUse = Literal["shared", "unshared", "stamped"]
"""How trained kernels are applied: the same at all positions that are read, others at each of
them, or the same stamped on the output."""

Shape = tuple[int, ...]
"""`(channels, *spatial)` without the batch; `(features,)` is a vector."""


class Ids(tuple[int, ...]):
    """The shape of whole numbers, such as the ids of tokens: `(length,)`, without channels.

    No vector of that size is equal to it.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ids) and tuple(self) == tuple(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((Ids, tuple(self)))

    def __repr__(self) -> str:
        return f"Ids{tuple(self)}"


AXIS_NAMES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""What the spatial axes are called, by their number."""


def per_axis(value: Any, axes: int) -> tuple[Any, ...]:
    """One value for each axis, from one for all or one for each."""
    return tuple(value) if isinstance(value, tuple) else (value,) * axes


def times(numbers: Sequence[int]) -> str:
    """Sizes as they are written: `5×5`."""
    return "×".join(map(str, numbers))


def sizes_text(sizes: Sequence[int | str]) -> str:
    """One size where all axes agree, else all of them: `2`, `1×2`; `1+2,0` with two sides."""
    texts = list(map(str, sizes))
    sign = "," if any("+" in text for text in texts) else "×"  # 1+2×0 would read as a sum.
    return texts[0] if len(set(texts)) == 1 else sign.join(texts)


KERAS_ASSERTIONS = {
    "input_shape": "its input's sizes, channels last, null where any will do",
    "input_dim": "its input's last size: features, or channels",
}
"""What Keras lets every layer say of its input."""


class Sentence(str):
    """What is wrong with shapes: `Sentence("needs a vector, not {}", shape)`.

    It is said in the order of the table, height × width × channels; `channels_first` says it in
    torch's.
    """

    channels_first: str

    def __new__(cls, sentence: str, *shapes: Shape) -> Self:
        made = super().__new__(cls, sentence.format(*[times((*s[1:], s[0])) for s in shapes]))
        made.channels_first = sentence.format(*map(times, shapes))
        return made

    def with_dots(self) -> "Sentence":
        """The same with sizes as the factors of a product: `5·5·16`."""
        turned = str.__new__(Sentence, self.replace("×", "·"))
        turned.channels_first = self.channels_first.replace("×", "·")
        return turned

    def __add__(self, more: str) -> "Sentence":
        added = str.__new__(Sentence, str(self) + str(more))
        added.channels_first = self.channels_first + getattr(more, "channels_first", more)
        return added


class Layer(BaseModel):
    """One operation: its fields, and every fact that follows from them and the input shapes.

    Facts are methods of the shapes of its inputs, one argument each: `(channels, *spatial)`,
    without the batch; all counts are exact integers for one sample. They may be asked only where
    `rules` has no objection; then they raise nothing. What they do with sizes is said in `dims`.

    A layer is made of its fields by pydantic, whose ValidationError names each field that is
    missing, unknown or out of its bounds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    type: ClassVar[str]
    """The word of the spec language: the name of the class in lower case, `max_pool`."""
    prefix: ClassVar[str] = ""
    """What automatic names start with, where it is not the word."""
    main: ClassVar[str | None] = None
    """The field that a bare value fills, `max_pool: 2`: the only one that must be given, where a
    class names no other."""
    numbered: ClassVar[bool] = False
    """Whether textbooks count it as a layer (convolutions and dense layers)."""
    joins: ClassVar[bool] = False
    """Whether it reads several inputs."""
    operands: ClassVar[tuple[str, ...]] = ()
    """What its inputs are called, where it reads so many and no others."""
    of_one: ClassVar[str] = ""
    """The word of the layer that makes all operands of one input, where there is one."""
    commutes: ClassVar[bool] = False
    """Whether the order of its inputs makes no difference."""
    family: ClassVar[Family | None] = None
    """Its relatives, in drawings and in comparisons; None where it has none."""
    kernels: ClassVar[KernelUse | None] = None
    """How it applies trained kernels; None where it has none."""
    answers: ClassVar[Literal["scores", "probabilities", "distances"]] = "scores"
    """What its outputs are where they are a classifier's; of distances the smallest is the best."""
    vocabulary: ClassVar[str | None] = None
    """The field that says how many whole numbers it tells apart, where it reads such (ids of
    tokens, an input without channels) instead of values."""
    gives_indices: ClassVar[bool] = False
    """Whether it also knows where in its input its values lay."""
    needs_indices: ClassVar[bool] = False
    """Whether it puts values where a pooling found them, which `indices_of` must name."""
    identity: ClassVar[bool] = False
    """Whether inference gives its input as it is (dropout)."""
    values: ClassVar[Literal["new", "view", "in_place"]] = "new"
    """What its output is to the activation total: new values, the input's values under another
    shape, or the input's values overwritten."""

    assertions: ClassVar[Mapping[str, str]] = {}
    """What other frameworks let a layer say of its input (in_channels), by name, and what it is.

    A spec may say it, too: where it stands, it is compared with what arrives, and changes nothing.
    """

    memory_order: ClassVar[Order] = "as_input"
    """How torch lays a new output out in memory: the axes as its input has them, or so where
    kernels know the order (channels last in 2-D and 3-D), or always in one order."""
    _kept: ClassVar[Kept]
    """What `kept` gives where it does not depend on shapes. There is no default: every class says
    it, for what is left out would be missing in the memory of training."""

    @classmethod
    def __pydantic_init_subclass__(cls, **settings: Any) -> None:
        spelled = (f"_{c.lower()}" if c.isupper() else c for c in cls.__name__)
        cls.type = "".join(spelled).strip("_")
        if "main" not in vars(cls):
            required = cls.required_fields()
            cls.main = required[0] if len(required) == 1 else None

    @classmethod
    def summary(cls) -> str:
        """What the layer does, in one sentence."""
        return (cls.__doc__ or "").partition("\n\n")[0].strip()

    def arriving(self, name: str, *inputs: Shape) -> int | Shape:
        """What arrives of that which an assertion tells: of what is one number, the channels."""
        if name == "input_shape":
            return (*inputs[0][1:], inputs[0][0])
        return inputs[0][0]

    @classmethod
    def required_fields(cls) -> list[str]:
        """The fields that have no default."""
        return [info.alias or name for name, info in cls.model_fields.items() if info.is_required()]

    def rules(self, *inputs: Shape) -> Iterator[str]:
        """A sentence for each rule that the inputs break, with the values that break it and, where
        there is one, a remedy; nothing where the layer fits. A shape is told in a `Sentence`.

        It may be asked for any shapes: also for too few axes.
        """
        yield from ()

    def misread(self, *inputs: Shape) -> Iterator[str]:
        """A sentence where it reads whole numbers and takes values, or the other way round."""
        for input in inputs:
            if self.vocabulary is None and isinstance(input, Ids):
                yield (
                    f"{self.type} reads values, and {times(input)} without channels are whole "
                    "numbers; put an embedding before it, or give the input its channels"
                )
            elif self.vocabulary and not isinstance(input, Ids):
                yield (
                    f"{self.type} reads whole numbers, not {times((*input[1:], input[0]))} values; "
                    "it stands behind an input without channels, such as {length: 128}"
                )

    def output(self, *inputs: Shape) -> Shape:
        """The output's shape, `(channels, *spatial)`; that of its first input by default."""
        return inputs[0]

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        """The shapes of the trained tensors, by the names that torch's `state_dict` gives them."""
        return {}

    def buffers(self, *inputs: Shape) -> dict[str, Shape]:
        """The shapes of the tensors that are stored and not trained, named likewise; `()` is one
        number."""
        return {}

    def macs(self, *inputs: Shape) -> int:
        """Multiply-accumulates of convolutions and matrix products for one sample, biases left out:
        half of what torch's FlopCounterMode counts.

        Taps that lie on padding count: they are multiplied, by zero.
        """
        return 0

    def input_macs(self, *inputs: Shape) -> int:
        """Those of `macs` that multiply the input itself: each has one more in the gradient of the
        input, which the first trained layer does not need."""
        return self.macs(*inputs)

    def backward_macs(self, needed: Sequence[bool], trains: bool, *inputs: Shape) -> int:
        """MACs of the gradients, of inputs that need one, and of weights if those are trained.

        A product has two gradients, each with as many MACs; that of data is not needed.
        """
        macs = 2 * self.macs(*inputs)
        if not any(needed):
            macs -= self.input_macs(*inputs)
        return macs if trains else macs - self.macs(*inputs) + self.computed_macs(*inputs)

    def computed_macs(self, *inputs: Shape) -> int:
        """Those of `macs` whose factors are both computed: no weight takes part."""
        return 0

    def elementwise(self, *inputs: Shape) -> dict[str, int]:
        """All other operations of inference by kind: add, multiply, compare, divide, exp; kinds of
        which there are none may be left out.

        Additions of biases are among them, those inside of a MAC are not. `exp` stands for every
        transcendental function: exp, log, tanh, erf, a root, a power.
        """
        return {}

    def kept(self, *inputs: Shape) -> Kept:
        """What autograd keeps of it until its gradient is computed: whether its inputs or its
        output, and which tensors besides, in elements and bytes.

        The test is torch's own saved tensors, to the byte.
        """
        return self._kept

    @property
    def partial(self) -> bool:
        """Whether numbers exist for which it has none, or none that is finite."""
        return False

    def stored(self, *inputs: Shape) -> int:
        """Elements of the tensor in memory that its output is, or a part of."""
        return count(self.output(*inputs))

    def second_biases(self, *inputs: Shape) -> int:
        """Those of its biases that Keras has not: of two that are only ever added up."""
        return 0

    def kept_for(self, needed: Sequence[bool], trains: bool, *inputs: Shape) -> Kept:
        """The same where only some inputs need a gradient (none of a first layer), or where its
        weights are not trained."""
        return self.kept(*inputs)

    def order(self, *inputs: Shape) -> Order:
        """Its memory order on these inputs."""
        return self.memory_order

    def view(self, shape: Shape, strides: Strides, *inputs: Shape) -> Strides | None:
        """Its output's strides in memory where that is its input's memory, given the input's shape
        and strides with the batch; None where its output has memory of its own."""
        return None

    def connections(self, *inputs: Shape) -> int:
        """Pairs of an input and an output value that are connected, padding left out, and biases.

        As LeCun et al. (1998), section II.B, count LeNet-5's; 0 for layers that do not combine
        positions or units.
        """
        return 0

    def windows(self, *inputs: Shape) -> tuple[Window | TransposedWindow, ...]:
        """How it slides along each spatial axis of its first input; empty where it does not slide.

        Kernel, stride, padding and dilation are in positions, `same` is a number in them.
        """
        return ()

    def axis_map(self, *inputs: Shape) -> tuple[tuple[AxisMap | None, ...], ...]:
        """Which positions an output position reads, for each input and spatial axis of it, as a map
        from output to input positions; None is the whole input along that axis.

        Receptive fields are composed of it. By default it is what the windows read, and where there
        are none the same position.
        """
        windows = self.windows(*inputs)
        if windows:
            return (tuple(map(followed, windows)),)
        return tuple((SAME,) * (len(input) - 1) for input in inputs)

    def wiring_groups(self, *inputs: Shape) -> int | None:
        """Groups that a convolution splits its channels into; None where there is none."""
        return None

    def describe(self, *inputs: Shape) -> str:
        """The cell of the table: its word and what shapes its output."""
        return self.type

    def twin(self, *inputs: Shape) -> Twin:
        """What computes it in torch: an expression over its inputs `x`, `x1` …, and the module that
        the expression calls, with its arguments. Data: nothing of torch is imported.
        """
        raise NotImplementedError(f"{self.type} has no twin")

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        """What computes it in Keras, one part after the other; none where it does nothing.

        Raises UsageError where Keras cannot say it.
        """
        raise refused(f"{self.type} has no spelling in Keras")

    def undoing(self, pooling: "Layer", read: Shape, name: str) -> "Layer":
        """For a layer that needs indices: itself, and whose it takes, what that pooling read, and
        what it is called. Nothing else may be asked of it before."""
        return self

    def lower(self) -> dict[str, "Layer"]:
        """For sugar: the layers that stand for it, by the last part of their names."""
        return {}


def _activation(value: Any) -> Any:
    if value is None or isinstance(value, str) or (isinstance(value, dict) and len(value) == 1):
        return value
    raise refuse(f"must be a word, or a mapping with one as its only key, not {shown(value)}")


class Activated(Layer):
    """A layer that takes `activation`, sugar for a layer of its own behind it."""

    activation: Annotated[str | dict[str, Any] | None, PlainValidator(_activation)] = Field(
        None,
        description="an activation applied to the output: its word, or a mapping from its word to "
        "its fields",
    )


def _norm(value: Any) -> Any:
    mapping = isinstance(value, dict) and len(value) == 1 + ("name" in value)
    if value is None or isinstance(value, str) or mapping:
        return value
    raise refuse(f"must be a word, or a mapping with one as a key, not {shown(value)}")


class Normed(Activated):
    """A layer that takes `norm` too, sugar for a layer between it and its activation."""

    norm: Annotated[str | dict[str, Any] | None, PlainValidator(_norm)] = Field(
        None,
        description="a normalisation of the output, before the activation: its word, or a mapping "
        "from its word to its fields, with its name beside; without biases unless `bias` is given",
    )


def count(shape: Shape) -> int:
    """Elements of a shape: the product of its sizes, 1 for `()`."""
    return prod(shape)
