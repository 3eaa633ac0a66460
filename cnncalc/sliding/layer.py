"""Which layer numbers and options make, and what does not fit."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import ValidationError

from cnncalc.errors import UsageError
from cnncalc.layers import layer_class
from cnncalc.layers.base import Layer, times
from cnncalc.layers.window import Windowed
from cnncalc.sliding import sums
from cnncalc.sliding.slide import Number, Slide
from cnncalc.sliding.sums import Array

MAX_PRODUCTS = 2_000_000_000
"""The most products that are computed for a picture."""
MAX_PADDED = 100_000_000
"""The most values of a padded picture."""


def slide(
    input: Array,
    kernels: Sequence[Array] = (),
    pool: str | None = None,
    kernel_size: Any = None,
    *,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    bias: Sequence[Number] | None = None,
    padding_value: Number | None = None,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    relu: bool = False,
    flip: bool = False,
    is_gradient: bool = False,
) -> Slide:
    """Slide kernels, or with `pool` (max_pool, avg_pool, min_pool) a window, over a map.

    `input` is (channels, height, width), (height, width) or flat, a row along which alone stride,
    padding and dilation then apply. A kernel is (height, width), which goes over each channel on
    its own; (channels, height, width), which sums over them; or a list of those, (filters, …).
    They lie on the map as they are, as in all deep learning (cross-correlation); with `flip` each
    is turned by 180° first (convolution). `is_gradient`: they are pairs, across and down.
    Raises UsageError with what does not fit.
    """
    flat = input.ndim == 1
    if input.ndim > 3:
        raise UsageError(f"the input is nested {input.ndim} deep; it is one map: at most 3")
    x = input.reshape((1,) * (3 - input.ndim) + input.shape)
    fields: dict[str, Any] = {"padding": _along(flat, padding, 0)}
    if stride is not None:
        fields["stride"] = _along(flat, stride, 1)
    cls = layer_class(pool or "conv")
    if "dilation" in cls.model_fields:
        fields["dilation"] = _along(flat, dilation, 1)
    elif dilation != 1:
        raise UsageError(f"{pool} takes no dilation")
    kernel = None
    if pool is None:
        kernel = _stacked(kernels, len(x))
        kernel = kernel[:, :, ::-1, ::-1] if flip else kernel
        filters, depth, *sizes = kernel.shape
        fields |= {"out_channels": filters, "kernel_size": sizes, "groups": len(x) // depth}
        if ceil_mode:
            raise UsageError("a convolution takes no ceil_mode: its size is always rounded down")
    else:
        if flip:
            raise UsageError("a pooling has no kernel to flip")
        fields |= {"kernel_size": _along(flat, kernel_size, 1), "ceil_mode": ceil_mode}
    if "count_include_pad" in cls.model_fields:
        fields["count_include_pad"] = count_include_pad
    found = Slide(
        _layer(cls, fields, x.shape),
        x,
        kernel,
        None if bias is None else _biases(bias, kernel),
        padding_value,
        relu,
        flip,
        is_gradient,
    )
    _check(found)
    return found


def _along(flat: bool, value: Any, across: int) -> Any:
    """A number for a flat input: it applies along the row, not across."""
    return [across, value] if flat and isinstance(value, int) else value


def _layer(cls: type[Layer], fields: dict[str, Any], shape: tuple[int, ...]) -> Windowed:
    """The layer of these fields, if it accepts the shape."""
    try:
        layer = cls.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{first['loc'][0]}: {first['msg']}") from None
    for rule in layer.rules(shape):
        raise UsageError(rule)
    assert isinstance(layer, Windowed)
    return layer


def _stacked(kernels: Sequence[Array], channels: int) -> Array:
    """All kernels as one array (filters, channels / groups, height, width)."""
    rows = [kernel.reshape(1, -1) if kernel.ndim == 1 else kernel for kernel in kernels]
    stacks = [kernel.reshape((1,) * (4 - kernel.ndim) + kernel.shape) for kernel in rows]
    shapes = dict.fromkeys(stack.shape[1:] for stack in stacks)
    if len(shapes) > 1:
        raise UsageError(f"all kernels must have one shape, not {' and '.join(map(times, shapes))}")
    # Bytes of a picture would overflow.
    stack = np.concatenate(stacks).astype(object)
    depth = stack.shape[1]
    if all(kernel.ndim < 3 for kernel in kernels):
        # Each channel on its own: its filters stand together, as torch has them.
        return np.tile(stack, (channels, 1, 1, 1))
    if depth != channels:
        hint = "; filters stand in a list of their own" if channels == 1 else ""
        noun = "channel" if depth == 1 else "channels"
        raise UsageError(f"the kernel has {depth} {noun}, the input {channels}{hint}")
    return stack


def _biases(bias: Sequence[Number], kernel: Array | None) -> tuple[Number, ...]:
    if kernel is None:
        raise UsageError("a pooling has no bias")
    if len(bias) not in (1, len(kernel)):
        raise UsageError(
            f"there are {len(bias)} biases for {len(kernel)} filters; give one, or one for each"
        )
    return tuple(bias) * (len(kernel) // len(bias))


def _check(found: Slide) -> None:
    """Refuse what is too large, and windows in which no value takes part."""
    if found.products > MAX_PRODUCTS or found.padded_size > MAX_PADDED:
        raise UsageError(
            f"this takes {found.products:,} products on {found.padded_size:,} padded values; "
            f"slide does at most {MAX_PRODUCTS:,} on {MAX_PADDED:,}"
        )
    if found.kernel is not None or found.counts_padding:
        return
    for window in found.windows:
        if not sums.counted_along(window, found.padding_value is not None).all():
            raise UsageError("a window reads padding only; give --padding-value, or less padding")
