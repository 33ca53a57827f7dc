"""Resized cuts of whole batches of tensors: weighted sums, or the nearest pixel."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tamecrop.geometry import Content
from tamecrop.views.exact import take
from tamecrop.views.kernels import send
from tamecrop.views.sampling import NEAREST, Ints, Kernel, take_nearest, weights_of

_NOTHING = 1e-6

_CHUNK = 128
"""Images per step: what is read and written stays in the CPU's cache."""


def resize(
    images: Tensor,
    boxes: Ints,
    size: tuple[int, int],
    *,
    fill: Tensor,
    content: Content,
    interpolation: str,
) -> Tensor:
    """Cut and resize: images `(N, C, H, W)`, boxes `(N, V, 4)`, fill `(C,)`.

    Args:
        images: of any dtype.
        boxes: of any sides, at least one pixel.
        size: (height, width) of the views.
        fill: of the images' dtype, on the CPU.
        content: as `cut` takes it.
        interpolation: one of `MODES` or `NEAREST`; of bool images one of `NEAREST`.

    Returns:
        `(N, V, C, h, w)` of the images' dtype; integers are rounded and clipped to their range.
    """
    if interpolation in NEAREST:
        return _take_nearest(images, boxes, size, fill, Kernel(interpolation, content))
    work = work_type(images.dtype)
    kernel = Kernel(interpolation, content, is_double=work == torch.float64)
    color = send(fill.to(work), images.device)[:, None]
    step = _CHUNK if images.device.type == "cpu" else max(len(images), 1)
    views = images.new_empty(*boxes.shape[:2], images.shape[1], *size)
    for start in range(0, len(images), step):
        part = slice(start, start + step)
        down, across = (
            _weights(boxes[part][..., axis::2], side, out, kernel, images.device)
            for axis, side, out in ((1, images.shape[2], size[0]), (0, images.shape[3], size[1]))
        )
        views[part] = round_to(images.dtype, _weigh(images[part].to(work), down, across, color))
    return views


def _weigh(pixels: Tensor, down: Tensor, across: Tensor, fill: Tensor) -> Tensor:
    """Weighted sums, NaN where a weight meets a pixel that is not finite."""
    broken = ~torch.isfinite(pixels)
    # In a matrix product every pixel meets every weight, and 0 * NaN is NaN: one such pixel would
    # spoil whole views. On a device the host must not wait for an answer, so both sums are made.
    if pixels.device.type == "cpu" and not bool(broken.any()):
        return _sum(pixels, down, across, fill)
    sums = _sum(torch.where(broken, 0, pixels), down, across, fill)
    # A weight that should be 0 may come out as 1e-17: the pixel at the very end of a kernel.
    weighed = (down.abs() > _NOTHING).to(down), (across.abs() > _NOTHING).to(across)
    reached = _sum(broken.to(pixels.dtype), *weighed, torch.zeros_like(fill))
    return torch.where(reached > 0, torch.nan, sums)


def _sum(pixels: Tensor, down: Tensor, across: Tensor, fill: Tensor) -> Tensor:
    """Weighted sums of the content, and fill for the weight that is missing.

    Both sums are one large matrix product an image: `(V h, H) (H, C W)`, then `(h C, W) (W, w)`.
    """
    count, channels, height, width = pixels.shape
    views, out = down.shape[1:3]
    above = pixels.movedim(1, 2) - fill
    half = down.reshape(count, views * out, height) @ above.reshape(count, height, -1)
    half = half.reshape(count * views, out * channels, width)
    full = half @ across.flatten(0, 1).mT
    return full.reshape(count, views, out, channels, -1).add_(fill).movedim(3, 2)


def _take_nearest(
    images: Tensor, boxes: Ints, size: tuple[int, int], fill: Tensor, kernel: Kernel
) -> Tensor:
    down, across = (
        take_nearest(boxes[..., axis::2], images.shape[place], out, kernel)
        for axis, place, out in ((1, 2, size[0]), (0, 3, size[1]))
    )
    return take(images, down, across, fill)


def _weights(
    ends: NDArray[np.int64], side: int, out: int, kernel: Kernel, device: torch.device
) -> Tensor:
    """Weight matrices `(N, V, out, side)` for near and far edges `(N, V, 2)` along one axis."""
    matrices, which = weights_of(ends, side, out, kernel)
    return send(matrices, device)[send(which, device)]


def work_type(dtype: torch.dtype) -> torch.dtype:
    """The floating type that sums are made in: 64 bits for what 32 bits cannot hold."""
    wide = (torch.float64, torch.int32, torch.int64, torch.uint32, torch.uint64)
    return torch.float64 if dtype in wide else torch.float32


def round_to(dtype: torch.dtype, views: Tensor) -> Tensor:
    """Sums as pixels: integers are rounded, half to even, and clipped to their range."""
    if dtype.is_floating_point:
        return views.to(dtype)
    limits = torch.iinfo(dtype)
    return views.round_().clamp_(limits.min, limits.max).to(dtype)
