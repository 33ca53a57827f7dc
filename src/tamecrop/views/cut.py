"""Cut boxes out of images: exactly, or resized; whole batches at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms.v2 import functional as tv
from torchvision.transforms.v2.functional import InterpolationMode

from tamecrop.geometry import Content, known, require
from tamecrop.views import exact
from tamecrop.views.kernels import Interpolation, Size, read_interpolation, read_size
from tamecrop.views.resized import MODES, NEAREST, resize, round_to, work_type

Boxes = NDArray[np.int64] | Tensor
Fill = float | Sequence[float]


def cut(
    images: Tensor | Sequence[Tensor],
    boxes: Boxes,
    *,
    size: Size = None,
    fill: Fill = 0,
    content: Content = "in_place",
    interpolation: Interpolation = "bilinear",
) -> Tensor:
    """Cut the views that boxes name; what lies outside an image is fill.

    Relation: torchvision's `crop` and `resized_crop`, for a whole batch and all of its views.

    One set of rules holds for exact and resized cuts, for batches and lists, on every device:
    views have the dtype of the images, and 64-bit ones are resized in 64 bits; integers are rounded
    and clipped to their range, and so is fill; a pixel of a view is NaN or infinite only if its
    kernel weighs such a pixel; gradients flow to floating images; bool images are resized to the
    nearest pixel alone, which also keeps label maps what they are.

    Args:
        images: `(N, C, H, W)`, of any dtype, on any device; or N images `(C, H, W)` of any sizes,
            on one device.
        boxes: `(N, V, 4)` integers, `(x1, y1, x2, y2)`.
        size: `None` for an exact cut, for which all boxes must have the same sides; else the side
            or (height, width) to which every box is resized, with antialiasing where the
            interpolation has it.
        fill: one number, or one per channel, in the units of the pixels; finite where pixels are
            averaged.
        content: `"in_place"`, or `"centered"`: what survives inside the image is moved to the
            middle of the view, an odd pixel of fill going right or down.
        interpolation: `"bilinear"`; `"bicubic"`: the same as torchvision on floats, while on uint8
            torchvision rounds and clips between its two passes, which sharp images show;
            `"nearest"` or `"nearest-exact"`, the same pixels as torchvision's on tensors.

    Returns:
        `(N, V, C, h, w)` of the images' dtype, on their device.

    Raises:
        ValueError: on shapes that do not fit, empty boxes, or unequal boxes in an exact cut.
        TypeError: on images that are no tensors.

    >>> image = torch.arange(16, dtype=torch.uint8).reshape(1, 1, 4, 4)
    >>> cut(image, np.array([[[2, 2, 4, 4]]])).squeeze().tolist()
    [[10, 11], [14, 15]]
    """
    how = _read_manner(size, fill, content, interpolation)
    edges = _edges(boxes, len(images))
    if not isinstance(images, Tensor):
        each = [_cut_one(image, box, how) for image, box in zip(images, edges, strict=True)]
        return torch.stack(each) if each else torch.empty(0)
    if images.ndim != 4 or _is_channels_last(images):
        raise ValueError(f"`images` must have shape (N, C, H, W), got {tuple(images.shape)}")
    return _cut_batch(images, edges, how)


def cut_one(
    image: Tensor,
    boxes: Boxes,
    *,
    size: Size = None,
    fill: Fill = 0,
    content: Content = "in_place",
    interpolation: Interpolation = "bilinear",
) -> Tensor:
    """Cut the views of one image `(C, H, W)`: boxes `(V, 4)` to views `(V, C, h, w)`.

    As `cut`; only the pixels of the boxes are touched, which suits large images.
    """
    edges = _edges(boxes[None] if isinstance(boxes, Tensor) else np.asarray(boxes)[None], 1)
    return _cut_one(image, edges[0], _read_manner(size, fill, content, interpolation))


@dataclass(frozen=True)
class _Manner:
    """How to cut."""

    size: tuple[int, int] | None
    fill: Fill
    content: Content
    interpolation: str

    def color(self, channels: int, dtype: torch.dtype) -> Tensor:
        """Fill `(C,)` of the images' dtype: the nearest value that a pixel can have."""
        color = torch.as_tensor(self.fill, dtype=torch.float64).reshape(-1)
        if color.numel() not in (1, channels):
            raise ValueError(f"`fill` must be one number or {channels}, got {color.numel()}")
        averages = self.size is not None and self.interpolation in MODES
        if averages or not dtype.is_floating_point:
            holds = bool(torch.isfinite(color).all())
            require("fill", "finite numbers for this cut", self.fill, holds=holds)
        if averages and dtype == torch.bool:
            raise ValueError(
                f"`interpolation` must be {' or '.join(NEAREST)} for bool images, "
                f"got {self.interpolation!r}"
            )
        if dtype == torch.bool:
            color = (color != 0).double()
        elif not dtype.is_floating_point:
            color = color.round().clamp(torch.iinfo(dtype).min, torch.iinfo(dtype).max)
        return color.to(dtype).expand(channels)


def _read_manner(size: Size, fill: Fill, content: Content, interpolation: Interpolation) -> _Manner:
    known("content", content, ("in_place", "centered"))
    mode = read_interpolation(interpolation).value
    known("interpolation", mode, (*MODES, *NEAREST))
    return _Manner(read_size(size), fill, content, mode)


def _is_channels_last(images: Tensor) -> bool:
    """Whether a batch is `(N, H, W, C)`: pictures have few channels and more pixels a side."""
    _, first, second, last = images.shape
    few = last in ((1, 3, 4) if images.dtype == torch.uint8 else (3,))
    return few and min(first, second) > 4


def _cut_batch(images: Tensor, edges: NDArray[np.int64], how: _Manner) -> Tensor:
    color = how.color(images.shape[1], images.dtype)
    if how.size is None:
        return exact.exact(images, edges, fill=color, content=how.content)
    return resize(
        images,
        edges,
        how.size,
        fill=color,
        content=how.content,
        interpolation=how.interpolation,
    )


def _cut_one(image: Tensor, boxes: NDArray[np.int64], how: _Manner) -> Tensor:
    if not isinstance(image, Tensor):
        raise TypeError(
            "`images` must be tensors (C, H, W), which torchvision.transforms.v2.functional."
            f"to_image makes of others, got {type(image).__name__}"
        )
    if image.ndim != 3:
        raise ValueError(f"an image must have shape (C, H, W), got {tuple(image.shape)}")
    part, inside = _part(image, boxes)
    if how.size is None or how.interpolation in NEAREST or _has_other_rules(part):
        return _cut_batch(part[None], inside[None], how)[0]
    color = how.color(image.shape[0], image.dtype)
    return torch.stack([_resize_one(image, box, color, how) for box in boxes])


def _resize_one(image: Tensor, box: NDArray[np.int64], color: Tensor, how: _Manner) -> Tensor:
    """One view in a call of its own: at most one whole cut of a large image is held at a time.

    torchvision resizes one large uint8 image several times faster than our matrix products.
    """
    assert how.size is not None, "called for a cut that resizes"
    whole = _one_exact(image, box, color, how.content)
    pixels = whole if whole.dtype == torch.uint8 else whole.to(work_type(image.dtype))
    mode = InterpolationMode(how.interpolation)
    resized: Tensor = tv.resize(pixels, list(how.size), mode, antialias=True)
    return resized if resized.dtype == image.dtype else round_to(image.dtype, resized)


def _has_other_rules(image: Tensor) -> bool:
    """Whether torchvision would spread a value beyond its kernel: it weighs NaN with 0."""
    if not image.dtype.is_floating_point:
        return False
    return image.device.type != "cpu" or not bool(torch.isfinite(image).all())


def _one_exact(image: Tensor, box: NDArray[np.int64], fill: Tensor, content: Content) -> Tensor:
    """One exact cut: the image's own memory where the box lies inside, else one copy of it."""
    width, height = (box[2:] - box[:2]).tolist()
    across, down = (
        exact.runs(box[axis : axis + 1], crop, side, content)
        for axis, crop, side in ((0, width, image.shape[2]), (1, height, image.shape[1]))
    )
    rows, columns = down.content(), across.content()
    kept = image[:, rows.image, columns.image]
    if kept.shape[1:] == (height, width):
        return kept
    view = fill.to(image.device).expand(height, width, -1).clone().movedim(2, 0)
    view[:, rows.view, columns.view] = kept
    return view


def _part(image: Tensor, boxes: NDArray[np.int64]) -> tuple[Tensor, NDArray[np.int64]]:
    """What boxes `(V, 4)` show of an image, at least one pixel, and the boxes in its pixels."""
    sides = np.array(image.shape[:0:-1])
    near = np.clip(boxes[:, :2].min(axis=0), 0, sides - 1)
    far = np.clip(boxes[:, 2:].max(axis=0), near + 1, sides)
    part = image[:, near[1] : far[1], near[0] : far[0]]
    return part, boxes - np.tile(near, 2)


def _edges(boxes: Boxes, images: int) -> NDArray[np.int64]:
    """The boxes as int64 on the CPU, checked."""
    array: NDArray[Any] = boxes.cpu().numpy() if isinstance(boxes, Tensor) else np.asarray(boxes)
    if array.ndim != 3 or array.shape[0] != images or array.shape[2] != 4:
        raise ValueError(f"`boxes` must have shape ({images}, V, 4), got {array.shape}")
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"`boxes` must be integers, got {array.dtype}")
    if (array[..., 2:] <= array[..., :2]).any():
        raise ValueError("`boxes` must satisfy x1 < x2 and y1 < y2, got an empty box")
    return array.astype(np.int64, copy=False)


# The boxes are NumPy's: torch.compile calls these as they are.
for _uncompiled in (cut, cut_one):
    setattr(_uncompiled, "_torchdynamo_disable", True)  # noqa: B010
