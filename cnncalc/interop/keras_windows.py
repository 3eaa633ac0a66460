"""Layers that slide a window, in Keras 3, channels last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cnncalc.dims import TransposedWindow, Window, ceil_div, extent, maximum, same_padding
from cnncalc.interop.keras_part import Part, made, own, refused, written
from cnncalc.layers.base import Shape

Sides = Sequence[tuple[int, int]]
"""(before, after) along each axis."""


def zeros(sides: Sides) -> Iterator[Part]:
    """Zeros at the borders."""
    if any(map(any, sides)):
        padding = tuple(sides) if len(sides) > 1 else tuple(sides[0])
        yield made(f"ZeroPadding{len(sides)}D", padding=padding)._replace(suffix="_pad")


def cropped(sides: Sides) -> Iterator[Part]:
    if any(map(any, sides)):
        cropping = tuple(sides) if len(sides) > 1 else tuple(sides[0])
        yield made(f"Cropping{len(sides)}D", cropping=cropping)._replace(suffix="_crop")


def _is_same(windows: Sequence[Window]) -> bool:
    """Whether Keras' padding `same` is what is wanted, and pads at all."""
    padded = any(w.before or w.after for w in windows)
    return padded and all(
        (w.before, w.after) == same_padding(w.n, w.kernel_size, w.stride, w.dilation)
        for w in windows
    )


def _each(windows: Sequence[Window | TransposedWindow], name: str) -> tuple[int, ...]:
    return tuple(getattr(window, name) for window in windows)


def _sides(windows: Sequence[Window]) -> Sides:
    return [(w.before, w.after) for w in windows]


def _slides(windows: Sequence[Window]) -> dict[str, Any]:
    return {
        "kernel_size": _each(windows, "kernel_size"),
        "strides": _each(windows, "stride"),
        "dilation_rate": _each(windows, "dilation"),
    }


def conv(layer: Any, *inputs: Shape) -> Iterator[Part]:
    windows = layer.windows(*inputs)
    slides = _slides(windows)
    if getattr(layer, "connections_table", None) is not None:
        yield from zeros(_sides(windows))
        table = layer.connections_table
        yield own("ConnectedConv", connections=table, **slides, use_bias=layer.bias)
        return
    skips = ()
    if max(slides["strides"]) > 1 and max(slides["dilation_rate"]) > 1:
        # Keras takes one of them only: all positions, of which some are kept.
        skips, slides["strides"] = slides["strides"], (1,) * len(windows)
    same = _is_same(windows) and not skips
    if not same:
        yield from zeros(_sides(windows))
    slides["padding"] = "same" if same else "valid"
    slides["use_bias"] = layer.bias
    channels, outputs = inputs[0][0], layer.output(*inputs)[0]
    groups = layer.wiring_groups(*inputs)
    axes = len(windows)
    if groups == channels > 1 and axes < 3 and len(set(slides["strides"])) == 1:
        multiplier = outputs // channels
        yield made(f"DepthwiseConv{axes}D", **slides, depth_multiplier=multiplier)
    else:
        yield made(f"Conv{axes}D", filters=outputs, **slides, groups=groups)
    if skips:
        yield written(f"x[:, {', '.join(f'::{step}' for step in skips)}]")


def locally_connected(layer: Any, *inputs: Shape) -> Iterator[Part]:
    windows = layer.windows(*inputs)
    yield from zeros(_sides(windows))
    slides = {**_slides(windows), "use_bias": layer.bias}
    yield own("LocallyConnected", filters=layer.out_channels, **slides)


def conv_transpose(layer: Any, *inputs: Shape) -> Iterator[Part]:
    windows = layer.windows(*inputs)
    if layer.groups > 1:
        raise refused("a conv_transpose with groups has no spelling in Keras")
    if any(w.dilation > 1 for w in windows) and any(w.stride > 1 for w in windows):
        raise refused("a conv_transpose with stride and dilation has no spelling in Keras")
    # Keras stamps the whole kernel, and leaves no gap behind the last stamp. What is wanted
    # beyond that are stamps of zeros.
    more = [maximum(ceil_div(w.output_padding - w.after, w.stride), 0) for w in windows]
    yield from zeros([(0, added) for added in more])
    yield made(
        f"Conv{len(windows)}DTranspose",
        filters=layer.out_channels,
        kernel_size=_each(windows, "kernel_size"),
        strides=_each(windows, "stride"),
        dilation_rate=_each(windows, "dilation"),
        use_bias=layer.bias,
    )
    lengths = [
        (w.n + added) * w.stride + maximum(extent(w.kernel_size, w.dilation) - w.stride, 0)
        for w, added in zip(windows, more, strict=True)
    ]
    ends = zip(windows, lengths, strict=True)
    yield from cropped([(w.before, length - w.before - w.output) for w, length in ends])


def pool(layer: Any, *inputs: Shape) -> Iterator[Part]:
    windows = layer.windows(*inputs)
    if any(w.dilation > 1 for w in windows):
        raise refused(f"a {layer.type} with dilation has no spelling in Keras")
    if layer.type == "min_pool":
        yield written("-x")
    same = _is_same(windows)
    reach = layer.reach(*inputs)
    if not same and any(map(any, reach)):
        widths = ((0, 0), *reach, (0, 0))
        yield written(f'ops.pad(x, {widths}, constant_values=-float("inf"))')
    yield _pooling("MaxPooling", windows, same)
    if layer.type == "min_pool":
        yield written("-x")


def _pooling(name: str, windows: Sequence[Window], same: bool = False) -> Part:
    sizes = {"pool_size": _each(windows, "kernel_size"), "strides": _each(windows, "stride")}
    return made(f"{name}{len(windows)}D", **sizes, padding="same" if same else "valid")


def avg_pool(layer: Any, *inputs: Shape) -> Iterator[Part]:
    windows = layer.windows(*inputs)
    reach = layer.reach(*inputs)
    # Keras' own `same` is left aside: not all of its backends leave padding out of the mean.
    counted = _sides(windows) if layer.count_include_pad else [(0, 0)] * len(windows)
    # A window that leaves padding over does not read it.
    counted = [(min(a, c), min(b, d)) for (a, b), (c, d) in zip(counted, reach, strict=True)]
    yield from zeros(reach)
    yield _pooling("AveragePooling", windows)
    if counted != list(reach):
        added = [(r[0] - c[0], r[1] - c[1]) for r, c in zip(reach, counted, strict=True)]
        size = [w.n + sum(c) for w, c in zip(windows, counted, strict=True)]
        ones = f"ops.pad(ops.ones({(1, *size, 1)}), {((0, 0), *added, (0, 0))})"
        kernel, strides = _each(windows, "kernel_size"), _each(windows, "stride")
        yield written(f"x / ops.average_pool({ones}, {kernel}, {strides})")


def subsample(layer: Any, *inputs: Shape) -> Iterator[Part]:
    windows = layer.windows(*inputs)
    yield from zeros(layer.reach(*inputs))
    yield _pooling("AveragePooling", windows)._replace(suffix="_mean")
    taps = 1
    for window in windows:
        taps *= window.kernel_size
    yield written(f"x * {taps}")
    yield own("ScaleAndShift", initial=1 / taps)


def max_unpool(layer: Any, *inputs: Shape) -> Iterator[Part]:
    strides, sizes = _each(layer.windows(*inputs), "stride"), layer.output(*inputs)[1:]
    yield written(f"unpool(x, {strides}, {sizes})")


def adaptive(name: str) -> Callable[..., Iterator[Part]]:
    def parts(layer: Any, *inputs: Shape) -> Iterator[Part]:
        sizes = layer.output(*inputs)[1:]
        pairs = list(zip(inputs[0][1:], sizes, strict=True))
        if any(n % outputs for n, outputs in pairs):
            yield made(f"Adaptive{name}Pooling{len(sizes)}D", output_size=sizes)
        elif any(n != outputs for n, outputs in pairs):
            pool = tuple(n // outputs for n, outputs in pairs)
            yield made(f"{name}Pooling{len(sizes)}D", pool_size=pool)

    return parts


def whole_map(name: str) -> Callable[..., Iterator[Part]]:
    def parts(layer: Any, *inputs: Shape) -> Iterator[Part]:
        axes = len(inputs[0]) - 1
        yield made(f"Global{name}Pooling{axes}D", keepdims=layer.keepdim)

    return parts
