"""Resized cuts of whole batches: antialiased, or to the nearest pixel.

Antialiased resizing is linear and separable, so a resized cut is `A image B^T` with one pair of
thin weight matrices for each box, plus fill for the weight that falls outside the image. The
weights are those of torchvision's antialiased resize of the cut and filled box.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tamecrop.geometry import Content, Floats
from tamecrop.views.exact import Ints, Runs, Taken, runs, take
from tamecrop.views.kernels import send

Weights = NDArray[np.float32 | np.float64]

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
    images: Tensor, boxes: Ints, size: tuple[int, int], fill: Tensor, kernel: "Kernel"
) -> Tensor:
    def taken(axis: int, side: int, out: int) -> Taken:
        near, crop = boxes[..., axis], boxes[..., axis + 2] - boxes[..., axis]
        pixel = nearest_pixels(crop, out, kernel.interpolation)
        return Taken(runs(near, crop, side, kernel.content), pixel)

    return take(
        images, taken(1, images.shape[2], size[0]), taken(0, images.shape[3], size[1]), fill
    )


def nearest_pixels(crop: Ints, out: int, interpolation: str) -> Ints:
    """The pixel of a box that each pixel of a resized view shows, `(..., out)`.

    As torch computes it, in its 32-bit floats: whole numbers would give another pixel in about one
    pair of sides in a hundred.
    """
    offset = np.float32(0.5 if interpolation == "nearest-exact" else 0)
    step = crop.astype(np.float32)[..., None] / np.float32(out)
    pixel = np.floor((np.arange(out, dtype=np.float32) + offset) * step).astype(np.int64)
    same = crop[..., None] == out
    return np.where(same, np.arange(out), np.minimum(pixel, crop[..., None] - 1))


def _weights(
    ends: NDArray[np.int64], side: int, out: int, kernel: "Kernel", device: torch.device
) -> Tensor:
    """Weight matrices `(N, V, out, side)` for near and far edges `(N, V, 2)` along one axis."""
    # A matrix depends on the two edges alone, and a side of 32 pixels has 528 pairs of edges: a
    # batch of 512 images with two views asks for most of them twice or more. Each is made once,
    # which also keeps what goes to a device small.
    keys = ends[..., 0] * (2 * np.abs(ends).max() + 2) + ends[..., 1]
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    near, far = ends.reshape(-1, 2)[first].T
    matrices = send(weight_matrix(near, far, side, out, kernel), device)
    return matrices[send(which.reshape(ends.shape[:2]), device)]


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


@dataclass(frozen=True)
class Kernel:
    """How pixels are weighed, and where the content of a view is.

    Args:
        interpolation: one of `MODES` or `NEAREST`.
        content: `"in_place"` or `"centered"`; see `tamecrop.views.cut.cut`.
        is_double: whether weights have 64 bits, for sums that 32 bits would round.
    """

    interpolation: str = "bilinear"
    content: Content = "in_place"
    is_double: bool = False

    @property
    def dtype(self) -> type[np.float32 | np.float64]:
        """NumPy's name of the precision."""
        return np.float64 if self.is_double else np.float32


def weight_matrix(
    near: NDArray[np.int64], far: NDArray[np.int64], side: int, out: int, kernel: Kernel
) -> Weights:
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
    place = taps.astype(np.int64) + run.origin
    return _spread(np.where(on_content, weight, 0).astype(kernel.dtype), place, side)


def _spread(weight: Weights, place: Ints, side: int) -> Weights:
    """Thin rows of weights, put at their places in rows of the image's length."""
    rows = np.zeros((*place.shape[:-1], side + 1), dtype=weight.dtype)
    # Weights of nothing all go to one more column, which is cut off: put_along_axis needs an index
    # for each, and one that pointed at a real pixel could overwrite its weight with 0.
    place = np.where(weight == 0, side, place)
    np.put_along_axis(rows, place, weight, axis=-1)
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

NEAREST = ("nearest", "nearest-exact")
