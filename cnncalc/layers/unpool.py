"""The inverse of max pooling."""

from collections.abc import Iterator

from pydantic import PrivateAttr

from cnncalc.dims import TransposedWindow, extent, maximum
from cnncalc.layers.base import Layer, Sentence, Shape, count, sizes_text, times
from cnncalc.layers.foreign import foreign_layers
from cnncalc.layers.kept import INDEX_BYTES, Extra, Kept
from cnncalc.layers.keras_twin import Part, refused
from cnncalc.layers.pool import MaxPool
from cnncalc.layers.twin import Twin, along, module, padded
from cnncalc.layers.window import OnAxes


class MaxUnpool(OnAxes):
    """Puts each value back where the max_pool of `indices_of` found it; all else is zero.

    Window and size are the pooling's.
    """

    prefix = "unpool"
    family = "unpooling"
    needs_indices = True

    _pooling: MaxPool = PrivateAttr()
    _read: Shape = PrivateAttr()
    """What the pooling read: the size that comes back."""
    _name: str = PrivateAttr()

    def undoing(self, pooling: Layer, read: Shape, name: str) -> "MaxUnpool":
        assert isinstance(pooling, MaxPool)
        bound = self.model_copy()
        bound._pooling, bound._read, bound._name = pooling, read, name
        return bound

    def rules(self, *inputs: Shape) -> Iterator[str]:
        gave = self._pooling.output(self._read)
        if inputs[0] != gave:
            yield Sentence(
                f"it reads {{}}, but {self._name}, whose indices it takes, gave {{}}; both must be "
                "the same",
                inputs[0],
                gave,
            )

    def windows(self, *inputs: Shape) -> tuple[TransposedWindow, ...]:
        found = []
        for n, pool in zip(inputs[0][1:], self._pooling.windows(self._read), strict=True):
            window = TransposedWindow(
                n, pool.kernel_size, pool.stride, pool.before, 0, pool.dilation
            )
            # What the last window reached beyond the input, or left over of it.
            found.append(
                window._replace(
                    after=maximum(window.output - pool.n, 0),
                    output_padding=maximum(pool.n - window.output, 0),
                )
            )
        return tuple(found)

    def describe(self, *inputs: Shape) -> str:
        windows = self.windows(*inputs)
        return (
            f"{self.type} {times([w.kernel_size for w in windows])} "
            f"s{sizes_text([w.stride for w in windows])} → {times(self.output(*inputs)[1:])}"
        )

    def kept(self, *inputs: Shape) -> Kept:
        return Kept(extras=(Extra(count(inputs[0]), INDEX_BYTES),))

    def twin(self, *inputs: Shape) -> Twin:
        windows = self._pooling.windows(self._read)
        # Where the pooling's twin pads apart, its indices are those of the padded input.
        apart = self._pooling.pads_apart(self._read)
        pads = tuple(0 if any(map(any, apart)) else window.before for window in windows)
        size = tuple(w.n + sum(side) for w, side in zip(windows, apart, strict=True))
        call = padded(f"module(x, x1, {size})", [(-before, -after) for before, after in apart])
        return module(
            foreign_layers()[self.type].torch[len(windows) - 1],
            call,
            # torch knows no dilation here: the window is as long as it reaches.
            kernel_size=tuple(extent(w.kernel_size, w.dilation) for w in windows),
            **along(windows, "stride"),
            padding=pads,
        )

    def keras(self, *inputs: Shape) -> Iterator[Part]:
        raise refused("a max_unpool has no spelling in Keras, whose poolings give no indices")
