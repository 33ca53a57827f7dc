"""Antialiased resized cuts of whole batches.

Resizing is linear and separable, so a resized cut is `A image B^T` with one pair of thin weight
matrices for each box, plus fill for the weight that falls outside the image. The weights are those
of torchvision's antialiased resize of the cut and filled box.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tamecrop.geometry.borders import Content
from tamecrop.geometry.boxes import Floats
from tamecrop.views.devices import send
from tamecrop.views.exact import Runs, runs

_CHUNK = 128
"""Images per step: what is read and written stays in the processor's cache."""


def resized(
    images: Tensor,
    boxes: NDArray[np.int64],
    size: tuple[int, int],
    *,
    fill: Tensor,
    content: Content,
    interpolation: str,
) -> Tensor:
    """Cut and resize: images `(N, C, H, W)`, boxes `(N, V, 4)`, fill `(C,)`.

    Returns:
        `(N, V, C, h, w)` of the images' dtype; integers are rounded and clipped to their range.
    """
    count, views = boxes.shape[:2]
    shape = (count, views, images.shape[1], *size)
    resized = torch.empty(shape, dtype=images.dtype, device=images.device)
    color = send(fill.float(), images.device)[:, None]
    kernel = Kernel(interpolation, content)
    step = _CHUNK if images.device.type == "cpu" else max(count, 1)
    for start in range(0, count, step):
        part = slice(start, start + step)
        down, across = (
            _weights(boxes[part][..., axis::2], side, out, kernel, images.device)
            for axis, side, out in ((1, images.shape[2], size[0]), (0, images.shape[3], size[1]))
        )
        resized[part] = _to(images.dtype, _apply(images[part], down, across, color))
    return resized


def _apply(images: Tensor, down: Tensor, across: Tensor, fill: Tensor) -> Tensor:
    """Weighted sums of the content, and fill for the weight that is missing.

    Both sums are one large matrix product an image: `(V h, H) (H, C W)`, then `(h C, W) (W, w)`.
    """
    count, channels, height, width = images.shape
    views, out = down.shape[1:3]
    pixels = images.movedim(1, 2).float() - fill
    half = down.reshape(count, views * out, height) @ pixels.reshape(count, height, -1)
    half = half.reshape(count * views, out * channels, width)
    full = half @ across.flatten(0, 1).mT
    return full.reshape(count, views, out, channels, -1).add_(fill).movedim(3, 2)


def _weights(
    ends: NDArray[np.int64], side: int, out: int, kernel: "Kernel", device: torch.device
) -> Tensor:
    """Weight matrices `(N, V, out, side)` for near and far edges `(N, V, 2)` along one axis.

    Boxes with the same two edges share one matrix.
    """
    keys = ends[..., 0] * (2 * np.abs(ends).max() + 2) + ends[..., 1]
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    near, far = ends.reshape(-1, 2)[first].T
    matrices = send(weight_matrix(near, far, side, out, kernel), device)
    return matrices[send(which.reshape(ends.shape[:2]), device)]


def _to(dtype: torch.dtype, views: Tensor) -> Tensor:
    if dtype.is_floating_point:
        return views.to(dtype)
    limits = torch.iinfo(dtype)
    return views.round_().clamp_(limits.min, limits.max).to(dtype)


@dataclass(frozen=True)
class Kernel:
    """How pixels are weighed, and where the content of a view is.

    Args:
        interpolation: `"bilinear"` or `"bicubic"`.
        content: `"in_place"` or `"centered"`; see `tamecrop.views.cut.cut`.
    """

    interpolation: str = "bilinear"
    content: Content = "in_place"


def weight_matrix(
    near: NDArray[np.int64], far: NDArray[np.int64], side: int, out: int, kernel: Kernel
) -> NDArray[np.float32]:
    """Weights `(..., out, side)` of the image's pixels in each resized pixel, along one axis.

    Rows sum to the share of the weight that lies on content; the rest is fill.

    Args:
        near: near edges of the boxes, any shape.
        far: far edges, the same shape.
        side: side of the image.
        out: side of the resized view.
        kernel: how pixels are weighed.
    """
    shape, radius = MODES[kernel.interpolation]
    crop = (far - near)[..., None, None]
    step = crop / out
    stretch = np.maximum(step, 1)
    center = step * (np.arange(out)[:, None] + 0.5)
    first = np.maximum(np.floor(center - radius * stretch + 0.5), 0)
    taps = first + np.arange(int(np.ceil(2 * radius * stretch.max())) + 1)
    last = np.minimum(np.floor(center + radius * stretch + 0.5), crop)
    weight = np.where(taps < last, shape((taps + 0.5 - center) / stretch), 0)
    weight /= weight.sum(axis=-1, keepdims=True)
    run = Runs(*(edge[..., None, None] for edge in runs(near, far - near, side, kernel.content)))
    on_content = (taps >= run.first) & (taps < run.stop)
    return _spread(np.where(on_content, weight, 0), taps.astype(np.int64) + run.origin, side)


def _spread(weight: Floats, place: NDArray[np.int64], side: int) -> NDArray[np.float32]:
    """Thin rows of weights, put at their places in rows of the image's length."""
    rows = np.zeros((*place.shape[:-1], side + 1), dtype=np.float32)
    place = np.where(weight == 0, side, place)
    np.put_along_axis(rows, place, weight.astype(np.float32), axis=-1)
    return np.ascontiguousarray(rows[..., :side])


def _triangle(x: Floats) -> Floats:
    return np.asarray(np.maximum(1 - np.abs(x), 0))


def _cubic(x: Floats) -> Floats:
    """Keys' kernel with a = -1/2, the one of antialiased resizing."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x**2 + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


MODES: dict[str, tuple[Callable[[Floats], Floats], int]] = {
    "bilinear": (_triangle, 1),
    "bicubic": (_cubic, 2),
}
