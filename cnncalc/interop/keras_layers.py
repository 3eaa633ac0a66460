"""What networks need and Keras has not, channels last.

Nothing here runs in cnncalc: `cnncalc export --to keras` copies into its code what that code uses.
Lines fit into 88 columns.
"""

# mypy: ignore-errors
# Keras is needed by who runs the code, not by who checks this file's types.

from math import prod

from keras import layers, ops, random


def windows(x, kernel_size, strides, dilation_rate):
    """All windows: (batch, *positions, values of a window, the channels last)."""
    axes = len(kernel_size)
    for axis in range(axes):
        size, stride = kernel_size[axis], strides[axis]
        dilation = dilation_rate[axis]
        outputs = (x.shape[2 * axis + 1] - dilation * (size - 1) - 1) // stride + 1
        starts = ops.expand_dims(stride * ops.arange(outputs), 1)
        x = ops.take(x, starts + dilation * ops.arange(size), axis=2 * axis + 1)
    order = [0, *range(1, 2 * axes, 2), *range(2, 2 * axes + 1, 2), 2 * axes + 1]
    x = ops.transpose(x, order)
    return ops.reshape(x, (-1, *x.shape[1 : axes + 1], prod(x.shape[axes + 1 :])))


def interpolate(x, sizes):
    """Linear along every axis, between the centres of positions."""
    for axis, size in enumerate(sizes, 1):
        last = x.shape[axis] - 1
        places = (ops.arange(size, dtype="float32") + 0.5) * (last + 1) / size - 0.5
        places = ops.clip(places, 0, last)
        before = ops.cast(ops.floor(places), "int32")
        share = places - ops.cast(before, "float32")
        share = ops.reshape(share, (-1, *[1] * (len(x.shape) - axis - 1)))
        after = ops.take(x, ops.minimum(before + 1, last), axis=axis)
        x = (1 - share) * ops.take(x, before, axis=axis) + share * after
    return x


def local_response_norm(x, size, alpha, beta, k):
    """Divides by a power of the mean of squares of neighbouring channels."""
    channels = x.shape[-1]
    added = [(0, 0)] * (len(x.shape) - 1) + [(size // 2, (size - 1) // 2)]
    squares = ops.pad(ops.square(x), added)
    sums = sum(squares[..., i : i + channels] for i in range(size))
    return x / (k + alpha / size * sums) ** beta


def rms_norm(x, axis, epsilon):
    """Divides by the root mean square."""
    return x * ops.rsqrt(ops.mean(ops.square(x), axis, keepdims=True) + epsilon)


class ScaleAndShift(layers.Layer):
    """Multiplies each channel by a trained factor, and adds a trained bias."""

    def __init__(self, initial, use_bias=True, **kwargs):
        super().__init__(**kwargs)
        self.initial, self.use_bias = initial, use_bias

    def build(self, shape):
        self.scale = self.add_weight(
            shape=shape[-1:],
            initializer=lambda shape, dtype: self.initial * ops.ones(shape, dtype),
            name="scale",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=shape[-1:],
                initializer="zeros",
                name="bias",
            )

    def call(self, x):
        x = x * self.scale
        return x if self.bias is None else x + self.bias


class ClassToken(layers.Layer):
    """Puts one trained token before the others."""

    def build(self, shape):
        self.token = self.add_weight(
            shape=(1, 1, shape[-1]),
            initializer="zeros",
            name="token",
        )

    def call(self, x):
        tokens = ops.zeros_like(x[:, :1]) + self.token
        return ops.concatenate([tokens, x], axis=1)


class PositionEmbedding(layers.Layer):
    """Adds a trained vector to each token, one for each position."""

    def build(self, shape):
        self.positions = self.add_weight(
            shape=(1, *shape[1:]),
            initializer="random_normal",
            name="positions",
        )

    def call(self, x):
        return x + self.positions


class LocallyConnected(layers.Layer):
    """A convolution with weights of its own at every position."""

    def __init__(
        self,
        filters,
        kernel_size,
        strides,
        dilation_rate,
        use_bias=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters, self.use_bias = filters, use_bias
        self.slides = (kernel_size, strides, dilation_rate)

    def build(self, shape):
        sizes = zip(shape[1:], *self.slides)  # noqa: B905 (the channels are left out)
        positions = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in sizes]
        reads = prod(self.slides[0]) * shape[-1]
        self.kernel = self.add_weight(
            shape=(*positions, reads, self.filters),
            initializer="glorot_uniform",
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(*positions, self.filters),
                initializer="zeros",
                name="bias",
            )

    def call(self, x):
        x = ops.expand_dims(windows(x, *self.slides), -2)
        x = ops.squeeze(ops.matmul(x, self.kernel), -2)
        return x if self.bias is None else x + self.bias


class ConnectedConv(layers.Layer):
    """A convolution whose output maps each read only some of the input maps."""

    def __init__(
        self,
        connections,
        kernel_size,
        strides,
        dilation_rate,
        use_bias=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.connections, self.use_bias = connections, use_bias
        self.slides = (kernel_size, strides, dilation_rate)

    def build(self, shape):
        pairs = sum(map(len, self.connections))
        self.kernel = self.add_weight(
            shape=(prod(self.slides[0]), pairs),
            initializer="glorot_uniform",
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(len(self.connections),),
                initializer="zeros",
                name="bias",
            )

    def call(self, x):
        outputs, first = [], 0
        for maps in self.connections:
            read = windows(ops.take(x, list(maps), axis=-1), *self.slides)
            kernel = self.kernel[:, first : first + len(maps)]
            outputs.append(ops.matmul(read, ops.reshape(kernel, (-1, 1))))
            first += len(maps)
        x = ops.concatenate(outputs, axis=-1)
        return x if self.bias is None else x + self.bias


def signs(shape, dtype):
    """−1 and 1 with equal probability."""
    return 2 * ops.cast(random.uniform(shape) > 0.5, dtype) - 1


class Rbf(layers.Layer):
    """Squared distances to fixed prototypes of components −1 and 1."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, shape):
        self.prototypes = self.add_weight(
            shape=(self.units, shape[-1]),
            initializer=signs,
            trainable=False,
            name="prototypes",
        )

    def call(self, x):
        differences = ops.expand_dims(x, 1) - self.prototypes
        return ops.sum(ops.square(differences), axis=-1)
